import { strict as assert } from "node:assert";
import { sparkline } from "../../../src/app/demo/ink.ts";
import { Trend, TREND_SAMPLE_MS, TREND_SPANS } from "../../../src/app/demo/trend.ts";

/** Samples a load for some seconds. */
function sampled(seconds: number, load: (ms: number) => number | null, offsetMs = 0): Trend {
  const trend = new Trend();
  for (let ms = offsetMs; ms < seconds * 1_000; ms += TREND_SAMPLE_MS) trend.add(ms, load(ms));
  return trend;
}

const square = (ms: number): number => (ms % 1_000 < 500 ? 20e6 : 10e6);

describe("trend of the demonstration", () => {
  it("shows both ends of a load that swings once a second, at any phase of the samples", () => {
    for (const offsetMs of [0, 1, 120, 249])
      for (const span of sampled(30, square, offsetMs).spans)
        assert.deepEqual(span, [20e6, 10e6], `offset ${offsetMs}`);
  });

  it("keeps a minute, and leaves a gap where nothing was known", () => {
    const { spans } = sampled(120, (ms) => (ms < 90_000 ? 1 : null));
    assert.equal(spans.length, TREND_SPANS);
    assert.deepEqual([spans[9], spans[10], spans[19]], [[1, 1], null, null]);
    assert.equal(sparkline([[8e6, 0], null, [8e6, 8e6]], 6), "█▁  ██");
  });

  it("tells a ramp, and none of a swing", () => {
    assert.equal(sampled(20, (ms) => 50 * ms).rampPerS, 50_000);
    assert.ok(Math.abs(sampled(20, square).rampPerS ?? NaN) < 1);
    assert.equal(sampled(2, () => 1).rampPerS, null);
  });
});
