import { strict as assert } from "node:assert";
import {
  emphasis,
  isSlowHarmed,
  slowBandOf,
} from "../../../../src/control/smoothing/predictor/slow-band.ts";
import { nextNormal, randomState } from "../../../../src/simulator/physics/random.ts";

const CYCLE_MS = 50;
const COUNT = 640;
const TERMS = { lags: 50, cycleMs: CYCLE_MS };

function wave(hz: number, amplitude: number): Float64Array {
  return Float64Array.from(
    { length: COUNT },
    (_, t) => amplitude * Math.sin((2 * Math.PI * hz * t * CYCLE_MS) / 1_000),
  );
}

function sum(...series: readonly Float64Array[]): Float64Array {
  return Float64Array.from({ length: COUNT }, (_, t) =>
    series.reduce((total, values) => total + (values[t] ?? 0), 0),
  );
}

/** What nothing predicts, of the slow band alone. */
function slowNoise(amplitude: number): Float64Array {
  const random = randomState(4);
  let value = 0;
  return Float64Array.from({ length: COUNT }, () => {
    value += 0.2 * (amplitude * nextNormal(random) - value);
    return value;
  });
}

const rms = (values: Float64Array): number =>
  Math.sqrt(values.reduce((total, value) => total + value * value, 0) / values.length);

describe("slow band of a load", () => {
  it("is what lies below 1.9 Hz, at its place, and nothing of what is fast", () => {
    const slow = wave(0.8, 10);
    const band = slowBandOf(sum(slow, wave(3, 100)), CYCLE_MS);
    assert.equal(band.slow.length, COUNT - 40);
    const wrong = band.slow.map((value, t) => value - (slow[t + 20] ?? 0));
    assert.ok(rms(wrong) < 0.4, `${rms(wrong)}`);
    assert.equal(band.values[0], sum(slow, wave(3, 100))[20]);
  });

  it("of too few values is empty", () => {
    assert.equal(slowBandOf(new Float64Array(30), CYCLE_MS).slow.length, 0);
  });

  it("is enlarged where a line above it leaves it small, and only then", () => {
    const fast = emphasis(slowBandOf(sum(wave(3, 100), wave(0.8, 5)), CYCLE_MS), TERMS);
    assert.ok(fast !== undefined);
    const { slow } = slowBandOf(fast.values, CYCLE_MS);
    // Three tenths of the whole: 100 MW of the line would be 30 MW.
    assert.ok(Math.abs(rms(slow) * Math.SQRT2 - 30) < 2, `${rms(slow) * Math.SQRT2}`);
    const none = emphasis(slowBandOf(sum(wave(1, 100), wave(3, 30)), CYCLE_MS), TERMS);
    assert.equal(none, undefined);
  });

  it("is asked for with as much again that nothing predicts", () => {
    const fast = emphasis(slowBandOf(sum(wave(3, 100), slowNoise(10)), CYCLE_MS), TERMS);
    assert.ok(fast !== undefined);
    assert.equal(fast.unrelated.length, TERMS.lags);
    const [most = 0] = fast.unrelated;
    assert.ok(fast.unrelated.every((value) => Math.abs(value) <= most));
    assert.ok(most > 0);
  });

  it("says nothing about a load that is still", () => {
    assert.equal(emphasis(slowBandOf(new Float64Array(COUNT), CYCLE_MS), TERMS), undefined);
    assert.equal(isSlowHarmed(slowBandOf(new Float64Array(COUNT), CYCLE_MS), 7), false);
  });

  it("is harmed by repeating what nothing predicts, and not by repeating what repeats", () => {
    const period = 1_000 / 3 / CYCLE_MS;
    const random = slowBandOf(sum(wave(3, 100), slowNoise(10)), CYCLE_MS);
    assert.equal(isSlowHarmed(random, period), true);
    const repeating = slowBandOf(wave(1, 100), CYCLE_MS);
    assert.equal(isSlowHarmed(repeating, 20), false);
    assert.equal(isSlowHarmed(repeating, 10), true, "half a period late");
    assert.equal(isSlowHarmed(repeating, 19.5), false, "half a cycle early is still near");
  });
});
