import { strict as assert } from "node:assert";
import {
  addExtreme,
  emptyExtremes,
  highestOf,
  lowestOf,
} from "../../../../src/control/smoothing/predictor/extremes.ts";
import { periodOf } from "../../../../src/control/smoothing/predictor/period.ts";
import { refit } from "../../../../src/control/smoothing/predictor/refit.ts";
import { nextNormal, nextUniform, randomState } from "../../../../src/simulator/physics/random.ts";

const CYCLE_MS = 50;
const COUNT = 660;

function series(value: (cycle: number) => number): Float64Array {
  return Float64Array.from({ length: COUNT + 10 }, (_, cycle) => value(cycle));
}

describe("refit", () => {
  const wave = series((cycle) => 300 + 100 * Math.sin((2 * Math.PI * cycle) / 23.4));

  for (const aheadCycles of [1, 2, 4.5])
    it(`predicts a wave ${aheadCycles} cycles ahead`, () => {
      const request = { loadW: wave, count: COUNT, cycleMs: CYCLE_MS, aheadCycles };
      const { weights, meanW, periodCycles } = refit(request);
      assert.ok(Math.abs(periodCycles - 23.4) < 0.1, `${periodCycles}`);
      const now = COUNT - 1;
      let said = meanW;
      for (const [lag, weight] of weights.entries())
        said += weight * ((wave[now - lag] ?? 0) - meanW);
      const truth = 300 + 100 * Math.sin((2 * Math.PI * (now + aheadCycles)) / 23.4);
      assert.ok(Math.abs(said - truth) < 2, `${said}, not ${truth}`);
    });

  it("finds no weights in a history that is too short, or still", () => {
    const terms = { cycleMs: CYCLE_MS, aheadCycles: 2 };
    assert.equal(refit({ loadW: wave, count: 100, ...terms }).weights.length, 0);
    const still = refit({ loadW: new Float64Array(COUNT).fill(7), count: COUNT, ...terms });
    assert.equal(still.weights.length, 0);
    assert.equal(still.periodCycles, Number.NaN);
  });

  it("changes nothing of its request, and gives the same for the same", () => {
    const copy = wave.slice();
    const request = { loadW: wave, count: COUNT, cycleMs: CYCLE_MS, aheadCycles: 2 };
    assert.deepEqual(refit(request), refit(request));
    assert.deepEqual(wave, copy);
  });
});

describe("period of a load", () => {
  const terms = { cycleMs: CYCLE_MS, aheadCycles: 2 };

  it("is the shortest that fits, not a multiple of it", () => {
    const square = series((cycle) => (cycle % 20 < 10 ? 200 : 400));
    assert.ok(Math.abs(periodOf(square, terms).cycles - 20) < 0.05);
  });

  it("shows in the last seconds when the load has just begun to swing", () => {
    const begun = (cycles: number): number => {
      const loadW = series((cycle) => (cycle < COUNT - cycles ? 300 : cycle % 20 < 10 ? 200 : 400));
      return refit({ loadW, count: COUNT, cycleMs: CYCLE_MS, aheadCycles: 2 }).periodCycles;
    };
    assert.ok(Math.abs(begun(80) - 20) < 0.1, `${begun(80)}`);
    assert.ok(Number.isNaN(begun(10)), `${begun(10)}`);
  });

  it("is none for noise", () => {
    const random = randomState(5);
    const noise = series(() => nextNormal(random));
    assert.deepEqual(periodOf(noise, terms), { cycles: Number.NaN, correlation: 0 });
  });
});

describe("extremes of the last values", () => {
  it("are those of a search through all of them", () => {
    const random = randomState(11);
    const extremes = emptyExtremes(17);
    const values: number[] = [];
    for (let index = 0; index < 1_000; index += 1) {
      const value = Math.round(20 * nextUniform(random));
      values.push(value);
      addExtreme(extremes, value);
      const last = values.slice(-17);
      assert.equal(lowestOf(extremes), Math.min(...last));
      assert.equal(highestOf(extremes), Math.max(...last));
    }
  });
});
