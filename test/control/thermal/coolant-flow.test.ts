import { strict as assert } from "node:assert";
import * as fc from "fast-check";
import {
  COOLANT_FLOW_DEFAULTS,
  type CoolantFlowInputs,
  type CoolantFlowSettings,
  createCoolantFlow,
  stepCoolantFlow,
  W_PER_L_PER_MIN_K,
} from "../../../src/control/thermal/coolant-flow.ts";
import { absentMeasure, goodMeasure } from "../../../src/control/thermal/measured.ts";
import { anyMeasure, lost } from "./arbitraries.ts";

/** Pumps with 10 L/min per % each and a lag of a second, in a loop of 2.5 MW. */
class Loop {
  readonly inputs: CoolantFlowInputs = {
    mode: "control",
    flow: absentMeasure(),
    heat: goodMeasure(2.5e6),
    speed: goodMeasure(83),
    isHot: false,
    isIsolated: false,
  };
  readonly settings: CoolantFlowSettings;
  readonly #state: ReturnType<typeof createCoolantFlow>;
  pumps = 4;
  percent = 83;
  nowS = 0;

  constructor(changes: Partial<CoolantFlowSettings> = {}) {
    this.settings = { ...COOLANT_FLOW_DEFAULTS, ...changes };
    this.#state = createCoolantFlow(this.settings);
  }

  get flow(): number {
    return this.percent * 43.6 * (this.pumps === 4 ? 1 : 0.91);
  }

  run(seconds: number, isFlowLost = false): ReturnType<typeof stepCoolantFlow> {
    let out = this.#step(isFlowLost);
    for (let s = 1; s < seconds; s += 1) out = this.#step(isFlowLost);
    return out;
  }

  #step(isFlowLost: boolean): ReturnType<typeof stepCoolantFlow> {
    this.nowS += 1;
    this.inputs.flow = isFlowLost ? lost() : goodMeasure(this.flow);
    const out = stepCoolantFlow(this.#state, this.inputs, this.settings, this.nowS * 1_000);
    if (this.inputs.mode === "control") this.percent = out.speedPercent;
    return out;
  }
}

const NEED = 2.5e6 / (W_PER_L_PER_MIN_K * 10);

describe("flow of a coolant loop", () => {
  it("is what takes up the heat with the rise that is wanted", () => {
    const loop = new Loop();
    loop.run(60);
    assert.ok(Math.abs(loop.flow - NEED) < 0.01 * NEED, `${loop.flow} of ${NEED}`);
    loop.inputs.heat = goodMeasure(3e6);
    loop.run(60);
    assert.ok(Math.abs(loop.flow - 1.2 * NEED) < 0.01 * NEED, `${loop.flow}`);
  });

  it("goes on from the speed that the pumps have, without a step", () => {
    const loop = new Loop();
    loop.percent = 55;
    loop.inputs.speed = goodMeasure(55);
    const { speedPercent } = loop.run(1);
    assert.ok(Math.abs(speedPercent - 55) <= 1e-9);
  });

  it("makes up for a lost pump within 4 s, by the affinity law", () => {
    const loop = new Loop();
    loop.run(60);
    loop.pumps = 3;
    const out = loop.run(4);
    assert.equal(out.isPumpLost, true);
    assert.ok(loop.flow >= 0.97 * NEED, `${loop.flow} of ${NEED}`);
  });

  it("has lost nothing when it is 4 s later without that rule (negative control)", () => {
    const loop = new Loop({ lossPart: 1, gainPercent: 0, integralPercentPerS: 2 });
    loop.run(60);
    loop.pumps = 3;
    assert.equal(loop.run(4).isPumpLost, false);
    assert.ok(loop.flow < 0.95 * NEED, `${loop.flow} of ${NEED}`);
  });

  it("finds the pump again, and another one that is lost", () => {
    const loop = new Loop();
    loop.run(60);
    loop.pumps = 3;
    assert.equal(loop.run(10).isPumpLost, true);
    loop.pumps = 4;
    assert.equal(loop.run(10).isPumpLost, false);
  });

  it("does not take a ramp of its own for a lost pump", () => {
    const loop = new Loop();
    loop.run(30);
    for (const heatW of [0.9e6, 3e6, 1.5e6, 2.5e6]) {
      loop.inputs.heat = goodMeasure(heatW);
      for (let s = 0; s < 60; s += 1) assert.equal(loop.run(1).isPumpLost, false, `${heatW} W`);
    }
  });

  it("runs the pumps at their blind speed without a flow, and comes back from there", () => {
    const loop = new Loop();
    loop.run(60);
    const out = loop.run(10, true);
    assert.deepEqual([out.isBlind, out.speedPercent], [true, 100]);
    loop.run(60);
    assert.ok(Math.abs(loop.flow - NEED) < 0.02 * NEED, `${loop.flow}`);
    const slower = new Loop({ blindSpeedPercent: 60 });
    slower.run(60);
    assert.equal(slower.run(10, true).speedPercent, 60, "the site's own, not all there is");
  });

  it("keeps the need of the last minutes while the heat is not known", () => {
    const loop = new Loop();
    loop.run(60);
    loop.inputs.heat = lost();
    const { needLPerMin } = loop.run(600);
    assert.ok(Math.abs(needLPerMin - NEED) < 1);
  });

  it("gives all there is while the coolant is hot, and stops while the zone is isolated", () => {
    const loop = new Loop();
    loop.run(30);
    loop.inputs.isHot = true;
    assert.equal(loop.run(5).speedPercent, 100);
    loop.inputs.isIsolated = true;
    assert.equal(loop.run(1).speedPercent, 0);
    loop.inputs.isIsolated = false;
    assert.ok(loop.run(1).speedPercent <= 30 + 10, "it starts again from its slowest");
  });

  it("writes nothing before it knows what the pumps do", () => {
    const loop = new Loop();
    loop.inputs.speed = lost();
    assert.ok(Number.isNaN(loop.run(5).speedPercent));
  });

  it("only says where it would go while it does not control", () => {
    const loop = new Loop();
    loop.inputs.mode = "observe";
    loop.percent = 60;
    loop.inputs.speed = goodMeasure(60);
    const out = loop.run(30);
    assert.ok(Math.abs(out.speedPercent - (60 * NEED) / loop.flow) < 0.5, `${out.speedPercent}`);
    loop.inputs.mode = "control";
    assert.ok(Math.abs(loop.run(1).speedPercent - 60) <= 10);
  });

  it("never leaves its range or its rate, whatever it reads", () => {
    const step = fc.record({
      flow: anyMeasure,
      heat: anyMeasure,
      speed: anyMeasure,
      isHot: fc.boolean(),
      waitMs: fc.integer({ min: 0, max: 20_000 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const { speedMinimumPercent: low, speedMaximumPercent: high } = COOLANT_FLOW_DEFAULTS;
        const state = createCoolantFlow(COOLANT_FLOW_DEFAULTS);
        let [now, before] = [0, Number.NaN];
        for (const { waitMs, ...inputs } of steps) {
          now += waitMs;
          const all = { ...inputs, mode: "control", isIsolated: false } as const;
          const { speedPercent } = stepCoolantFlow(state, all, COOLANT_FLOW_DEFAULTS, now);
          if (Number.isNaN(speedPercent)) continue;
          assert.ok(speedPercent >= low && speedPercent <= high, `${speedPercent} %`);
          const mostPercent = 10 * Math.min(waitMs / 1_000, 5) + 1e-9;
          if (!Number.isNaN(before)) assert.ok(Math.abs(speedPercent - before) <= mostPercent);
          before = speedPercent;
        }
      }),
    );
  });
});
