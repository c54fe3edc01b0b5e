import { strict as assert } from "node:assert";
import {
  createLeak,
  LEAK_DEFAULTS,
  type LeakInputs,
  type LeakOut,
  type LeakSettings,
  resetLeak,
  restoreLeak,
  stepLeak,
} from "../../../src/control/thermal/leak.ts";
import { absentMeasure, goodMeasure } from "../../../src/control/thermal/measured.ts";
import { lost } from "./arbitraries.ts";

const dry = () => goodMeasure(0);
const wet = () => goodMeasure(1);

class Zone {
  readonly inputs: LeakInputs = {
    rope: dry(),
    secondRope: dry(),
    ropeFault: absentMeasure(),
    pressure: goodMeasure(200),
    level: absentMeasure(),
    levelLow: dry(),
    heat: goodMeasure(2.5e6),
  };
  readonly settings: LeakSettings;
  readonly state: ReturnType<typeof createLeak>;
  now = 0;

  constructor(changes: Partial<LeakSettings> = {}) {
    this.settings = { ...LEAK_DEFAULTS, ...changes };
    this.state = createLeak(this.settings);
    this.run(10);
  }

  run(seconds: number): LeakOut {
    for (let s = 0; s < seconds; s += 1) {
      this.now += 1_000;
      stepLeak(this.state, this.inputs, this.settings, this.now);
    }
    return this.state.out;
  }
}

describe("leak", () => {
  it("is watched by one rope, and over when that is dry", () => {
    const zone = new Zone();
    zone.inputs.rope = wet();
    assert.equal(zone.run(1).phase, "dry", "one reading may be a glitch");
    const out = zone.run(600);
    assert.deepEqual([out.phase, out.requestShed, out.stopPumps], ["suspected", false, false]);
    zone.inputs.rope = dry();
    assert.equal(zone.run(5).phase, "suspected");
    assert.equal(zone.run(10).phase, "dry");
  });

  for (const [what, sign] of [
    ["a second rope", { secondRope: wet() }],
    ["a loss of pressure", { pressure: goodMeasure(160) }],
    ["a low reservoir", { levelLow: wet() }],
  ] as const)
    it(`is confirmed by a rope and ${what}: shed first, then shut and stop`, () => {
      const zone = new Zone();
      zone.inputs.rope = wet();
      zone.run(5);
      Object.assign(zone.inputs, sign);
      const seen: string[] = [];
      for (let s = 0; s < 40; s += 1) {
        const { requestShed, closeValve, stopPumps } = zone.run(1);
        seen.push(`${requestShed} ${closeValve} ${stopPumps}`);
      }
      assert.deepEqual(
        [...new Set(seen)],
        ["false false false", "true false false", "true true true"],
        "load is asked for first",
      );
      assert.equal(seen.filter((each) => each === "true false false").length, 20);
    });

  it("stops the pumps as soon as the load is gone, never in the step that asks", () => {
    const zone = new Zone();
    zone.inputs.heat = goodMeasure(0);
    zone.inputs.rope = wet();
    zone.inputs.secondRope = wet();
    assert.deepEqual(zone.run(2).phase, "confirmed");
    assert.equal(zone.run(1).stopPumps, true);
  });

  it("goes on to its end when its ropes are dry again before the load is gone", () => {
    const zone = new Zone();
    zone.inputs.rope = wet();
    zone.inputs.secondRope = wet();
    assert.equal(zone.run(3).phase, "confirmed");
    zone.inputs.rope = dry();
    zone.inputs.secondRope = dry();
    const out = zone.run(15);
    assert.deepEqual([out.phase, out.requestShed], ["confirmed", true]);
    assert.equal(zone.run(10).phase, "isolated");
  });

  it("is confirmed by a loss however slow: what a leak takes never becomes usual", () => {
    const slowly = (zone: Zone): string => {
      for (let s = 0; s < 3_600; s += 1) {
        zone.inputs.pressure = goodMeasure(200 - (40 * s) / 3_600);
        zone.run(1);
      }
      return zone.state.out.phase;
    };
    const zone = new Zone();
    zone.inputs.rope = wet();
    zone.run(3);
    assert.equal(slowly(zone), "isolated");
    const off = new Zone({ pressureLossPart: 0.25 });
    off.inputs.rope = wet();
    off.run(3);
    assert.equal(slowly(off), "suspected", "the negative control");
  });

  it("is not confirmed by sensors that are lost, and not ended by them", () => {
    const zone = new Zone();
    zone.inputs.rope = lost();
    zone.inputs.secondRope = lost();
    zone.inputs.pressure = lost();
    assert.equal(zone.run(3_600).phase, "dry");
    assert.equal(zone.state.out.isSensorLost, true);
    assert.equal(resetLeak(zone.state), false);
  });

  it("counts a lost second rope as its vote beside a wet one, after half a minute", () => {
    const zone = new Zone();
    zone.inputs.rope = wet();
    zone.inputs.secondRope = lost();
    assert.equal(zone.run(25).phase, "suspected");
    assert.equal(zone.run(15).phase, "confirmed");
    const off = new Zone({ voteMs: Infinity });
    off.inputs.rope = wet();
    off.inputs.secondRope = lost();
    assert.equal(off.run(600).phase, "suspected", "the negative control");
  });

  it("counts a rope with a fault of its own as lost beside a wet second one", () => {
    const zone = new Zone();
    zone.inputs.secondRope = wet();
    zone.inputs.ropeFault = dry();
    assert.equal(zone.run(60).phase, "suspected");
    zone.inputs.ropeFault = wet();
    assert.equal(zone.run(40).phase, "confirmed");
  });

  it("stays wet when a wet rope is lost", () => {
    const zone = new Zone();
    zone.inputs.rope = wet();
    zone.run(3);
    zone.inputs.rope = lost();
    assert.equal(zone.run(60).phase, "suspected");
    zone.inputs.secondRope = wet();
    assert.equal(zone.run(3).phase, "confirmed", "both signs count");
  });

  it("is latched: dry ropes do not end it, a reset does, and only with dry ropes", () => {
    const zone = new Zone();
    zone.inputs.rope = wet();
    zone.inputs.secondRope = wet();
    zone.run(60);
    assert.equal(resetLeak(zone.state), false, "the cause is there");
    zone.inputs.rope = dry();
    zone.inputs.secondRope = lost();
    zone.run(60);
    assert.equal(resetLeak(zone.state), false, "the cause cannot be seen");
    zone.inputs.secondRope = dry();
    assert.equal(zone.run(600).stopPumps, true);
    assert.equal(resetLeak(zone.state), true);
    assert.equal(zone.run(1).stopPumps, false);
  });

  it("is there again after a restart", () => {
    const zone = new Zone();
    restoreLeak(zone.state);
    assert.deepEqual([zone.run(1).stopPumps, zone.state.out.requestShed], [true, true]);
  });
});
