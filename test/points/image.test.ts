import { strict as assert } from "node:assert";
import { deviceId, pointId, pointIndex, type PointTable } from "../../src/domain/point.ts";
import { GOOD, qualityCode } from "../../src/domain/quality.ts";
import { monotonicMs, utcMs } from "../../src/domain/time.ts";
import { freshValue, PointImage, sampleOf } from "../../src/points/image.ts";
import { numberAt } from "../../src/points/number-at.ts";
import { READING_UTC, readingOf } from "../support/plant-reading.ts";

const POWER = pointIndex(0);
const SERIAL = pointIndex(1);
const STALE = qualityCode("stale");
const NO_COMMUNICATION = qualityCode("no-communication");

function tableOf(names: readonly string[]): PointTable {
  const points = names.map((name, index) => ({
    index: pointIndex(index),
    id: pointId(`meter/${name}`),
    device: deviceId("meter"),
    name,
    field: name,
    type: "float" as const,
    unit: "W",
    texts: undefined,
    range: undefined,
    writable: false,
    readable: true,
    everyMs: 50,
  }));
  return { hash: "t", devices: [], points, indexById: new Map() };
}

describe("point image", () => {
  it("shows nothing of a reading before it is taken, and then all of it", () => {
    const image = new PointImage(2);
    image.post(readingOf({ 0: 1, 1: 2 }, { at: 10 }));
    assert.ok(Number.isNaN(image.view.values[0]));
    assert.equal(image.view.quality[0], qualityCode("never-read"));
    assert.deepEqual(image.take(), { points: 2, overwritten: 0, late: 0, foreign: 0 });
    assert.deepEqual([...image.view.values], [1, 2]);
    assert.deepEqual([...image.view.receivedAt], [10, 10]);
    assert.deepEqual([...image.view.sourceTimes], [READING_UTC + 10, READING_UTC + 10]);
    assert.deepEqual(image.take(), { points: 0, overwritten: 0, late: 0, foreign: 0 });
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

  it("keeps the newest of several readings and counts the others", () => {
    const image = new PointImage(1);
    for (const at of [10, 30, 20]) image.post(readingOf({ 0: at }, { at }));
    assert.deepEqual(image.take(), { points: 1, overwritten: 1, late: 1, foreign: 0 });
    assert.equal(image.view.values[0], 30);
    image.post(readingOf({ 0: 25 }, { at: 25 }));
    assert.deepEqual(image.take(), { points: 0, overwritten: 0, late: 1, foreign: 0 });
    assert.equal(image.view.values[0], 30, "a late reading never replaces a newer one");
  });

  it("counts points outside its table and does not grow by them", () => {
    const image = new PointImage(1);
    image.post(readingOf({ 0: 1, 7: 2 }));
    assert.deepEqual(image.take(), { points: 1, overwritten: 0, late: 0, foreign: 1 });
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
    assert.equal(
      sampleOf(tableOf(["p", "serial"]), image.view, SERIAL).value,
      "18446744073709551615",
    );
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
    const image = new PointImage(3);
    image.post(readingOf({ 0: 1, 2: 3 }, { at: 0 }));
    image.post({ ...readingOf({ 1: 2 }, { at: 0 }), texts: new Map([[0, "x"]]) });
    image.take();
    const limits = Float64Array.of(125, 100, Infinity);
    assert.equal(image.expire(limits, monotonicMs(100)).length, 0, "at the limit it still holds");
    assert.deepEqual([...image.expire(limits, monotonicMs(101))], [1]);
    assert.equal(image.view.texts.size, 0);
    assert.deepEqual([...image.expire(limits, monotonicMs(9_999))], [0]);
    assert.deepEqual(
      [...image.view.quality],
      [qualityCode("too-old"), qualityCode("too-old"), GOOD],
    );
    assert.ok(Number.isNaN(image.view.values[0]));
    assert.equal(image.view.sourceTimes[0], READING_UTC);
    assert.equal(image.expire(limits, monotonicMs(20_000)).length, 0, "told once");
    image.post(readingOf({ 0: 1 }, { at: 20_001 }));
    image.take();
    assert.equal(image.view.changedAt[0], 20_001, "its return is a change");
  });

  it("refuses a table that is not one", () => {
    assert.throws(() => new PointImage(-1), { name: "AssertionError" });
    assert.throws(() => new PointImage(1.5), { name: "AssertionError" });
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

  it("is undefined for a point that was never read", () => {
    assert.equal(freshValue(new PointImage(1).view, POWER, monotonicMs(0), Infinity), undefined);
  });
});

describe("sample of a point", () => {
  const table = tableOf(["active-power"]);

  it("has a value unless it is bad, and says since when", () => {
    const image = new PointImage(1);
    image.post(readingOf({ 0: 42 }, { at: 5, quality: STALE }));
    image.take();
    assert.deepEqual(sampleOf(table, image.view, POWER), {
      id: "meter/active-power",
      value: 42,
      quality: { class: "uncertain", reason: "stale" },
      sourceTime: utcMs(READING_UTC + 5),
      receivedAt: 5,
    });
    image.post({
      ...readingOf({ 0: Number.NaN }, { at: 6, quality: NO_COMMUNICATION }),
      sourceTimes: Float64Array.of(Number.NaN),
    });
    image.take();
    const bad = sampleOf(table, image.view, POWER);
    assert.equal(bad.value, undefined);
    assert.equal(bad.sourceTime, undefined);
    assert.deepEqual(bad.quality, { class: "bad", reason: "no-communication" });
  });

  it("calls a quality that nobody assigned malformed, and asserts on a point that is none", () => {
    const image = new PointImage(1);
    image.post(readingOf({ 0: 1 }, { quality: 200 }));
    image.take();
    assert.deepEqual(sampleOf(table, image.view, POWER).quality, {
      class: "bad",
      reason: "malformed",
    });
    assert.throws(() => sampleOf(table, image.view, SERIAL), { name: "AssertionError" });
    assert.throws(() => numberAt(Float64Array.of(1), 1), { name: "AssertionError" });
  });
});
