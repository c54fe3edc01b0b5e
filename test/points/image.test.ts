import { strict as assert } from "node:assert";
import { pointIndex } from "../../src/domain/point.ts";
import { GOOD, qualityCode } from "../../src/domain/quality.ts";
import { monotonicMs } from "../../src/domain/time.ts";
import { freshValue, PointImage } from "../../src/points/image.ts";
import { numberAt } from "../../src/points/number-at.ts";
import { READING_UTC, readingOf } from "../support/plant-reading.ts";

const POWER = pointIndex(0);
const STALE = qualityCode("stale");
const TOO_OLD = qualityCode("too-old");
const NO_COMMUNICATION = qualityCode("no-communication");

describe("point image", () => {
  it("shows nothing of a reading before it is taken, and then all of it", () => {
    const image = new PointImage(2);
    image.post(readingOf({ 0: 1, 1: 2 }, { at: 10 }));
    assert.ok(Number.isNaN(image.view.values[0]));
    assert.equal(image.view.quality[0], qualityCode("never-read"));
    image.take();
    assert.deepEqual([...image.view.values], [1, 2]);
    assert.deepEqual([...image.view.receivedAt], [10, 10]);
    assert.deepEqual([...image.view.sourceTimes], [READING_UTC + 10, READING_UTC + 10]);
  });

  it("copies: the giver may fill its arrays again at once", () => {
    const image = new PointImage(1);
    const reading = readingOf({ 0: 5 });
    image.post(reading);
    reading.values[0] = 6;
    reading.quality[0] = STALE;
    image.take();
    assert.equal(image.view.values[0], 5);
    assert.equal(image.view.quality[0], GOOD);
  });

  it("keeps the newest of several readings", () => {
    const image = new PointImage(1);
    for (const at of [10, 30, 20]) image.post(readingOf({ 0: at }, { at }));
    image.take();
    assert.equal(image.view.values[0], 30);
    image.post(readingOf({ 0: 25 }, { at: 25 }));
    image.take();
    assert.equal(image.view.values[0], 30, "a late reading never replaces a newer one");
  });

  it("takes a reading of a point outside its table for our own mistake", () => {
    const image = new PointImage(1);
    assert.throws(
      () => {
        image.post(readingOf({ 0: 1, 7: 2 }));
      },
      { name: "AssertionError" },
    );
  });

  it("knows when a value last changed, and that a change of quality is one", () => {
    const image = new PointImage(1);
    const changes = [
      readingOf({ 0: 1 }, { at: 10 }),
      readingOf({ 0: 1 }, { at: 20 }),
      readingOf({ 0: 1 }, { at: 30, quality: STALE }),
      readingOf({ 0: 2 }, { at: 40, quality: STALE }),
    ].map((reading) => {
      image.post(reading);
      image.take();
      return image.view.changedAt[0];
    });
    assert.deepEqual(changes, [10, 10, 30, 40]);
  });

  it("keeps texts beside the numbers, and forgets one that is replaced by none", () => {
    const image = new PointImage(2);
    const reading = readingOf({ 1: Number.NaN }, { at: 1 });
    image.post({ ...reading, texts: new Map([[0, "18446744073709551615"]]) });
    image.take();
    assert.equal(image.view.texts.get(1), "18446744073709551615");
    image.post({ ...readingOf({ 1: Number.NaN }, { at: 2 }), texts: new Map([[0, "other"]]) });
    image.post(readingOf({ 1: 4 }, { at: 3 }));
    image.take();
    assert.equal(image.view.texts.size, 0);
    assert.equal(image.view.changedAt[1], 3);
  });

  it("takes the source time that the device gives", () => {
    const image = new PointImage(1);
    image.post({ ...readingOf({ 0: 1 }), sourceTimes: Float64Array.of(77) });
    image.take();
    assert.equal(image.view.sourceTimes[0], 77);
  });

  it("makes a value older than its limit bad/too-old and leaves its last good time", () => {
    const image = new PointImage(3, Float64Array.of(125, 100, Infinity));
    image.post(readingOf({ 0: 1, 2: 3 }, { at: 0 }));
    image.post({ ...readingOf({ 1: 2 }, { at: 0 }), texts: new Map([[0, "x"]]) });
    const qualitiesAt = (now: number) => {
      image.take(monotonicMs(now));
      return [...image.view.quality];
    };
    assert.deepEqual(qualitiesAt(100), [GOOD, GOOD, GOOD], "at the limit it still holds");
    assert.deepEqual(qualitiesAt(101), [GOOD, TOO_OLD, GOOD]);
    assert.equal(image.view.texts.size, 0);
    assert.equal(image.view.changedAt[1], 101);
    assert.deepEqual(qualitiesAt(9_999), [TOO_OLD, TOO_OLD, GOOD]);
    assert.ok(Number.isNaN(image.view.values[0]));
    assert.equal(image.view.sourceTimes[0], READING_UTC);
    assert.deepEqual(qualitiesAt(20_000), [TOO_OLD, TOO_OLD, GOOD]);
    assert.equal(image.view.changedAt[0], 9_999, "it became so once");
    image.post(readingOf({ 0: 1 }, { at: 20_001 }));
    assert.deepEqual(qualitiesAt(20_001), [GOOD, TOO_OLD, GOOD]);
    assert.equal(image.view.changedAt[0], 20_001, "its return is a change");
    assert.deepEqual(qualitiesAt(20_127), [TOO_OLD, TOO_OLD, GOOD]);
  });

  it("lets a value live that is renewed in time", () => {
    const image = new PointImage(2, Float64Array.of(125, 125));
    for (let at = 0; at <= 1_000; at += 100) {
      image.post(readingOf(at < 500 ? { 0: at, 1: at } : { 0: at }, { at }));
      image.take(monotonicMs(at + 50));
      assert.deepEqual([...image.view.quality], [GOOD, at < 500 ? GOOD : TOO_OLD], `at ${at}`);
    }
  });

  it("refuses a table that is not one", () => {
    assert.throws(() => new PointImage(-1), { name: "AssertionError" });
    assert.throws(() => new PointImage(1.5), { name: "AssertionError" });
    assert.throws(() => new PointImage(2, Float64Array.of(1)), { name: "AssertionError" });
  });
});

describe("fresh value", () => {
  const cases = [
    ["good and at its age limit", GOOD, 100, 42],
    ["older than its limit", GOOD, 101, undefined],
    ["a little in the future of a clock that was read before", GOOD, -100, 42],
    ["far in the future", GOOD, -101, undefined],
    ["uncertain", STALE, 0, undefined],
    ["bad", NO_COMMUNICATION, 0, undefined],
  ] as const;
  for (const [name, quality, ageMs, expected] of cases) {
    it(`is ${String(expected)} for a value that is ${name}`, () => {
      const image = new PointImage(1);
      image.post(readingOf({ 0: 42 }, { at: 1_000, quality }));
      image.take();
      assert.equal(freshValue(image.view, POWER, monotonicMs(1_000 + ageMs), 100), expected);
    });
  }

  it("is our own mistake for a point that is none", () => {
    assert.throws(() => numberAt(Float64Array.of(1), 1), { name: "AssertionError" });
  });

  it("is undefined for a point that was never read", () => {
    assert.equal(freshValue(new PointImage(1).view, POWER, monotonicMs(0), Infinity), undefined);
  });
});
