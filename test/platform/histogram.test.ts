import { strict as assert } from "node:assert";
import fc from "fast-check";
import { JitterHistogram } from "../../src/platform/histogram.ts";

describe("jitter histogram", () => {
  it("gives a percentile at most a sixteenth of an octave too high, never too low", () => {
    const times = fc.array(fc.double({ min: 0.002, max: 10_000, noNaN: true }), { minLength: 1 });
    fc.assert(
      fc.property(times, fc.constantFrom(0.5, 0.9, 0.99, 1), (list, share) => {
        const histogram = new JitterHistogram();
        for (const ms of list) histogram.record(ms);
        const sorted = [...list].sort((a, b) => a - b);
        const exact = sorted[Math.ceil(list.length * share) - 1] ?? 0;
        const given = histogram.percentileMs(share);
        assert.ok(given >= exact * (1 - 1e-9), `${given} is below ${exact}`);
        assert.ok(given <= exact * 2 ** (1 / 16) * (1 + 1e-9), `${given} is above ${exact}`);
        assert.equal(histogram.maxMs, Math.max(...list));
      }),
    );
  });

  it("counts what is early, tiny or huge", () => {
    const histogram = new JitterHistogram();
    for (const ms of [-0.3, 0, 1e-9, 60_000]) histogram.record(ms);
    assert.equal(histogram.count, 4);
    assert.equal(histogram.percentileMs(0.5), 0.001);
    assert.equal(histogram.maxMs, 60_000);
    histogram.reset();
    assert.deepEqual([histogram.count, histogram.maxMs, histogram.percentileMs(0.99)], [0, 0, 0]);
  });
});
