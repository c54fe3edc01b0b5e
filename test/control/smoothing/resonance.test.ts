import { strict as assert } from "node:assert";
import {
  createResonance,
  resonanceReport,
  type ResonanceState,
  stepResonance,
} from "../../../src/control/smoothing/resonance.ts";
import { siteSettings } from "./support/arms.ts";
import { MW } from "./support/rig.ts";
import { LOOPS } from "./support/timing.ts";

const settings = siteSettings(LOOPS.d30, { lineLimitW: 5 * MW });

function feed(state: ResonanceState, seconds: number, gridMw: (s: number) => number): void {
  const cycleS = settings.cycleMs / 1_000;
  for (let cycle = 0; cycle < seconds / cycleS; cycle += 1)
    stepResonance(state, settings, gridMw(cycle * cycleS) * MW);
}

const wave =
  (hz: number, amplitudeMw: number) =>
  (s: number): number =>
    300 + amplitudeMw * Math.sin(2 * Math.PI * hz * s);

describe("resonance guard", () => {
  for (const hz of [0.3, 1, 2.5, 5.9])
    it(`finds a line at ${hz} Hz, and how large it is`, () => {
      const state = createResonance(settings);
      feed(state, 40, wave(hz, 8));
      const report = resonanceReport(state, 0.5);
      assert.ok(report.kind === "line");
      assert.ok(Math.abs(report.frequencyHz - hz) <= 0.05, `${report.frequencyHz} Hz`);
      assert.ok(Math.abs(report.amplitudeW / MW - 8) < 0.8, `${report.amplitudeW / MW} MW`);
      assert.equal(report.advice, "change-the-workload");
    });

  it("is quiet below its limit, for a level, and for a single step", () => {
    for (const grid of [wave(1, 4), () => 300, (s: number) => (s < 30 ? 250 : 350)]) {
      const state = createResonance(settings);
      let isAlarm = false;
      for (let at = 0; at < 60; at += 1) {
        feed(state, 1, (s) => grid(at + s));
        isAlarm ||= state.isAlarm;
      }
      assert.equal(isAlarm, false);
    }
  });

  it("clears its alarm when the line is gone, and not at once", () => {
    const state = createResonance(settings);
    feed(state, 40, wave(1, 8));
    feed(state, 8, () => 300);
    assert.equal(state.isAlarm, true);
    feed(state, 20, () => 300);
    assert.deepEqual(resonanceReport(state, 0.5), { kind: "quiet" });
  });

  it("blames the battery when the grid has more of it than the load", () => {
    const state = createResonance(settings);
    feed(state, 40, wave(1, 8));
    const report = resonanceReport(state, 1.3);
    assert.ok(report.kind === "line" && report.advice === "smooth-slowly");
  });

  it("goes on for hours without losing its place", function () {
    this.timeout(30_000);
    const state = createResonance(settings);
    feed(state, 3_600, wave(1, 8));
    assert.ok(Math.abs(state.amplitudeW / MW - 8) < 0.8, `${state.amplitudeW / MW} MW`);
  });
});
