import { strict as assert } from "node:assert";
import {
  createPredictor,
  expertOf,
  type PredictorState,
  stepPredictor,
  takeCoefficients,
} from "../../../../src/control/smoothing/predictor/predictor.ts";
import { copyNewest } from "../../../../src/control/smoothing/predictor/history.ts";
import { refit, refitCycles } from "../../../../src/control/smoothing/predictor/refit.ts";
import { nextNormal, randomState } from "../../../../src/simulator/physics/random.ts";

const CYCLE_MS = 50;
const TERMS = {
  cycleMs: CYCLE_MS,
  delayMs: 100,
  delayMaxMs: 800,
  loadPeriodMs: CYCLE_MS,
  lowW: 200,
  highW: 400,
};

/** Feeds a load with a refit in each second; what was said last. */
function feed(state: PredictorState, seconds: number, load: (cycle: number) => number): number {
  const past = new Float64Array(refitCycles(CYCLE_MS, TERMS.delayMaxMs));
  let saidW = Number.NaN;
  for (let cycle = 0; cycle < (seconds * 1_000) / CYCLE_MS; cycle += 1) {
    saidW = stepPredictor(state, load(cycle), 300, false);
    if (cycle % 20 !== 0) continue;
    const count = copyNewest(state.load, past);
    const request = { loadW: past, count, cycleMs: CYCLE_MS, aheadCycles: state.aheadCycles };
    takeCoefficients(state, refit(request));
  }
  return saidW;
}

describe("predictor", () => {
  const noise = (amplitude: number) => {
    const random = randomState(8);
    return () => 300 + amplitude * nextNormal(random);
  };

  it("takes a step out of a still load as it is, in the cycle that sees it", () => {
    const state = createPredictor(TERMS);
    feed(state, 60, noise(0.3));
    assert.equal(expertOf(state), "hold");
    assert.equal(stepPredictor(state, 380, 300, false), 380);
  });

  it("predicts noise that is more than that by its mean", () => {
    const state = createPredictor(TERMS);
    feed(state, 60, noise(10));
    assert.notEqual(expertOf(state), "hold");
  });

  it("predicts iterations, and takes a load that leaves them as it is after three cycles", () => {
    const state = createPredictor(TERMS);
    const square = (cycle: number): number => (cycle % 20 < 10 ? 250 : 350);
    feed(state, 60, square);
    assert.notEqual(expertOf(state), "hold");
    assert.ok(Math.abs(feed(state, 0.45, square) - 350) < 10, "the edge is expected");
    const { events } = state;
    let said = Number.NaN;
    for (let cycle = 0; cycle < 3; cycle += 1) said = stepPredictor(state, 205, 300, false);
    assert.equal(said, 205);
    assert.equal(state.events, events + 1);
  });

  it("says nothing outside of the declared range, nor of what the load was", () => {
    const state = createPredictor(TERMS);
    const square = (cycle: number): number => (cycle % 20 < 10 ? 150 : 350);
    for (let second = 0; second < 40; second += 1) {
      const said = feed(state, 1, square);
      assert.ok(said >= 200 && said <= 350, `${said}`);
    }
  });
});
