import { strict as assert } from "node:assert";
import fc from "fast-check";
import { JitterHistogram, recordedBetween } from "../../src/platform/histogram.ts";

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

  it("takes in what another one has recorded", () => {
    const [all, part] = [new JitterHistogram(), new JitterHistogram()];
    for (const ms of [1, 1, 1]) all.record(ms);
    for (const ms of [1, 7]) part.record(ms);
    all.add(part);
    assert.deepEqual([all.count, all.maxMs, part.count], [5, 7, 2]);
    assert.ok(all.percentileMs(0.8) < 1.1);
    assert.equal(all.percentileMs(1), 7);
  });

  it("tells of the time between two moments by its counts alone", () => {
    const histogram = new JitterHistogram();
    for (const ms of [100, 100, 0.1]) histogram.record(ms);
    const before = histogram.counts();
    for (let count = 0; count < 99; count += 1) histogram.record(0.5);
    histogram.record(3);
    const { count, percentileMs } = recordedBetween(before, histogram.counts());
    assert.equal(count, 100);
    assert.ok(percentileMs(0.99) >= 0.5 && percentileMs(0.99) < 0.53);
    assert.ok(percentileMs(1) >= 3 && percentileMs(1) < 3.2);
    const nothing = recordedBetween(before, before);
    assert.deepEqual([nothing.count, nothing.percentileMs(0.99)], [0, 0]);
  });
});
