import { strict as assert } from "node:assert";
import { pointIndex } from "../../src/domain/point.ts";
import { GOOD, qualityCode } from "../../src/domain/quality.ts";
import { monotonicMs } from "../../src/domain/time.ts";
import { siteSum } from "../../src/points/derived.ts";
import { PointImage } from "../../src/points/image.ts";
import { readingOf } from "../support/plant-reading.ts";

const TERMS = [
  { point: pointIndex(0), sign: 1, maxAgeMs: 100 },
  { point: pointIndex(1), sign: 1, maxAgeMs: 100 },
  { point: pointIndex(2), sign: -1, maxAgeMs: 1_000 },
] as const;
const INPUT_BAD = qualityCode("input-bad");

function sumWith(quality: number, now: number) {
  const image = new PointImage(3);
  image.post(readingOf({ 0: 10 }, { at: 50 }));
  image.post(readingOf({ 1: 5 }, { at: 40, quality }));
  image.post(readingOf({ 2: 1 }, { at: 60 }));
  image.take();
  return siteSum(image.view, TERMS, monotonicMs(now));
}

describe("sum over the site", () => {
  it("adds with signs and is as old as its oldest term", () => {
    assert.deepEqual(sumWith(GOOD, 100), { value: 14, quality: GOOD, receivedAt: 40 });
  });

  it("is as uncertain as its terms", () => {
    const stale = qualityCode("stale");
    assert.deepEqual(sumWith(stale, 100), { value: 14, quality: stale, receivedAt: 40 });
  });

  it("is bad as soon as one term is bad or too old", () => {
    for (const sum of [sumWith(qualityCode("malformed"), 100), sumWith(GOOD, 141)]) {
      assert.equal(sum.quality, INPUT_BAD);
      assert.ok(Number.isNaN(sum.value));
    }
  });
});
