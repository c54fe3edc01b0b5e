import { strict as assert } from "node:assert";
import * as fc from "fast-check";
import { absentMeasure, goodMeasure } from "../../../src/control/thermal/measured.ts";
import {
  createTwoPhase,
  resetTwoPhase,
  stepTwoPhase,
  TWO_PHASE_DEFAULTS,
  type TwoPhaseInputs,
  type TwoPhaseOut,
  type TwoPhaseSettings,
} from "../../../src/control/thermal/two-phase.ts";
import { anyMeasure, lost } from "./arbitraries.ts";

class Loop {
  readonly inputs: TwoPhaseInputs = {
    pressure: goodMeasure(180),
    vapour: goodMeasure(40),
    vapourTemperature: goodMeasure(61),
    condensation: goodMeasure(60),
    isDetected: goodMeasure(1),
    heat: goodMeasure(1e6),
  };
  readonly state: ReturnType<typeof createTwoPhase>;
  readonly #settings: TwoPhaseSettings;
  now = 0;

  constructor(changes: Partial<TwoPhaseSettings> = {}) {
    this.#settings = { ...TWO_PHASE_DEFAULTS, ...changes };
    this.state = createTwoPhase(this.#settings);
    this.run(20);
  }

  run(seconds: number, each?: (s: number) => void): TwoPhaseOut {
    for (let s = 0; s < seconds; s += 1) {
      this.now += 1_000;
      each?.(s);
      stepTwoPhase(this.state, this.inputs, this.#settings, this.now);
    }
    return this.state.out;
  }
}

describe("two-phase loop", () => {
  it("derates with the pressure, then trips, latched", () => {
    const loop = new Loop();
    assert.equal(loop.run(1).loadPart, 1);
    loop.inputs.pressure = goodMeasure(300);
    const { loadPart, isDerated, isTripped } = loop.run(1);
    assert.deepEqual([loadPart, isDerated, isTripped], [0.5, true, false]);
    loop.inputs.pressure = goodMeasure(351);
    assert.deepEqual([loop.run(1).loadPart, loop.state.out.isTripped], [0, true]);
    assert.equal(resetTwoPhase(loop.state), false, "the pressure is there");
    loop.inputs.pressure = goodMeasure(180);
    assert.equal(loop.run(600).isTripped, true);
    assert.equal(resetTwoPhase(loop.state), true);
    assert.equal(loop.run(1).loadPart, 1);
  });

  it("would not trip with its guard switched off (negative control)", () => {
    const loop = new Loop({ tripPressureKpa: 1e6 });
    loop.inputs.pressure = goodMeasure(400);
    assert.equal(loop.run(60).isTripped, false);
  });

  for (const [fault, change] of [
    ["not-boiling", { vapour: goodMeasure(1), isDetected: goodMeasure(0) }],
    ["not-boiling", { vapour: absentMeasure(), isDetected: goodMeasure(0) }],
    ["dry-out", { vapour: goodMeasure(95) }],
    ["superheat", { vapourTemperature: goodMeasure(70) }],
  ] as const)
    it(`finds within 10 s: ${fault} (${Object.keys(change).join(", ")})`, () => {
      const loop = new Loop();
      Object.assign(loop.inputs, change);
      const out = loop.run(10);
      assert.deepEqual([out.isInadequate, out.fault, out.loadPart], [true, fault, 0.5]);
      assert.equal(out.isShedDue, false);
      assert.equal(loop.run(30).isShedDue, true);
    });

  it("finds a pressure that swings within 10 s, and takes no rise for a swing", () => {
    const loop = new Loop();
    loop.run(10, (s) => {
      loop.inputs.pressure = goodMeasure(s % 2 === 0 ? 160 : 200);
    });
    assert.deepEqual([loop.state.out.fault, loop.state.out.isInadequate], ["unstable", true]);
    const rising = new Loop();
    rising.run(10, (s) => {
      rising.inputs.pressure = goodMeasure(150 + 9 * s);
    });
    assert.equal(rising.state.out.fault, "none");
  });

  it("finds nothing in a loop without heat, and takes a heat that is lost for heat", () => {
    const still = { vapour: goodMeasure(0), isDetected: goodMeasure(0) };
    const idle = new Loop();
    Object.assign(idle.inputs, still, { heat: goodMeasure(0) });
    assert.equal(idle.run(60).fault, "none");
    idle.inputs.heat = lost();
    assert.equal(idle.run(10).isInadequate, true);
  });

  it("derates at once without a pressure, and trips after 10 s", () => {
    const loop = new Loop();
    loop.inputs.pressure = lost();
    const out = loop.run(1);
    assert.deepEqual([out.isBlind, out.loadPart, out.isTripped], [true, 0.5, false]);
    assert.equal(loop.run(10).isTripped, true);
  });

  it("keeps a fault that cannot be seen any more", () => {
    const loop = new Loop();
    loop.inputs.vapour = goodMeasure(95);
    loop.run(10);
    for (const name of ["vapour", "vapourTemperature", "condensation", "isDetected"] as const)
      loop.inputs[name] = lost();
    assert.deepEqual([loop.run(60).fault, loop.state.out.isInadequate], ["dry-out", true]);
  });

  it("keeps the load between nothing and all, and never untrips itself, whatever it reads", () => {
    const step = fc.record({
      pressure: anyMeasure,
      vapour: anyMeasure,
      vapourTemperature: anyMeasure,
      condensation: anyMeasure,
      isDetected: anyMeasure,
      heat: anyMeasure,
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const loop = new Loop();
        let wasTripped = false;
        for (const inputs of steps) {
          Object.assign(loop.inputs, inputs);
          const { loadPart, isTripped } = loop.run(1);
          assert.ok(loadPart >= 0 && loadPart <= 1, `${loadPart}`);
          assert.ok(isTripped || !wasTripped);
          if (isTripped) assert.equal(loadPart, 0);
          wasTripped = isTripped;
        }
      }),
    );
  });
});
