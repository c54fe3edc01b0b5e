import { strict as assert } from "node:assert";
import {
  createSupervisor,
  harmRatio,
  stepSupervisor,
  type SupervisorState,
} from "../../../src/control/smoothing/supervisor.ts";
import { siteSettings } from "./support/arms.ts";
import { MW } from "./support/rig.ts";
import { LOOPS } from "./support/timing.ts";

const settings = siteSettings(LOOPS.d95);

/** Feeds a wave of 1 Hz; the grid has a part of it. */
function feed(state: SupervisorState, seconds: number, part: number, errorShare = 0.2): void {
  for (let cycle = 0; cycle < seconds * 20; cycle += 1) {
    const wave = Math.sin((2 * Math.PI * cycle) / 20);
    const loadW = (300 + 100 * wave) * MW;
    const gridW = (300 + 100 * part * wave) * MW;
    stepSupervisor(state, settings, { loadW, gridW, errorShare }, 0.05);
  }
}

describe("do-no-harm supervisor", () => {
  it("lets predictions go on that help", () => {
    const state = createSupervisor();
    feed(state, 60, 0.4);
    assert.ok(Math.abs(harmRatio(state, settings) - 0.4) < 0.02);
    assert.equal(state.trips, 0);
  });

  it("stops predictions that do not help within 15 s, and clear harm within 6 s", () => {
    const idle = createSupervisor();
    feed(idle, 9, 0.95);
    assert.equal(idle.trips, 0);
    feed(idle, 6, 0.95);
    assert.equal(idle.trips, 1);
    const harmful = createSupervisor();
    feed(harmful, 6, 1.4);
    assert.equal(harmful.trips, 1);
  });

  it("tries again after a minute, and sooner only when predictions have become better", () => {
    const state = createSupervisor();
    feed(state, 6, 1.4);
    feed(state, 50, 1);
    assert.ok(state.restS > 0);
    feed(state, 8, 1);
    assert.equal(state.restS, 0);
    const better = createSupervisor();
    feed(better, 6, 1.4);
    feed(better, 6, 1, 0.05);
    assert.equal(better.restS, 0);
  });

  it("finds no harm in a grid that follows a slope of the load", () => {
    const state = createSupervisor();
    for (let cycle = 0; cycle < 200 * 20; cycle += 1) {
      const powerW = (400 - cycle * 0.05) * MW;
      stepSupervisor(state, settings, { loadW: powerW, gridW: powerW, errorShare: 1 }, 0.05);
    }
    assert.equal(state.trips, 0);
  });

  it("says nothing about a load that is still", () => {
    const state = createSupervisor();
    const still = { loadW: 300 * MW, gridW: 300 * MW, errorShare: 1 };
    for (let cycle = 0; cycle < 1_000; cycle += 1) stepSupervisor(state, settings, still, 0.05);
    assert.equal(harmRatio(state, settings), Number.NaN);
    assert.equal(state.trips, 0);
  });
});
