import { strict as assert } from "node:assert";
import { GOOD, qualityCode } from "../../src/domain/quality.ts";
import { QualityOverrides } from "../../src/points/quality-overrides.ts";
import { READING_UTC, readingOf } from "../support/plant-reading.ts";

const STALE = qualityCode("stale");
const BAD = qualityCode("no-communication");

describe("quality overrides", () => {
  it("pass a reading on untouched while nothing is lowered", () => {
    const overrides = new QualityOverrides([0, 1]);
    const reading = readingOf({ 0: 1, 1: 2 });
    assert.equal(overrides.apply(reading), reading);
  });

  it("lower a good value and leave its last good time where it was", () => {
    const overrides = new QualityOverrides([0, 1]);
    overrides.apply(readingOf({ 0: 1, 1: 2 }, { at: 50 }));
    overrides.apply(readingOf({ 0: 1 }, { at: 60, quality: BAD }));
    overrides.set(0, STALE);
    overrides.set(0, STALE);
    assert.equal(overrides.loweredCount, 1);
    for (const at of [100, 150]) {
      const passed = overrides.apply(readingOf({ 0: 1, 1: 2 }, { at }));
      assert.deepEqual([...passed.quality], [STALE, GOOD]);
      assert.deepEqual([...(passed.sourceTimes ?? [])], [READING_UTC + 50, READING_UTC + at]);
    }
    overrides.set(0, GOOD);
    assert.equal(overrides.loweredCount, 0);
    assert.equal(overrides.get(0), GOOD);
    const back = overrides.apply(readingOf({ 0: 1 }, { at: 200 }));
    assert.deepEqual([...back.quality], [GOOD]);
  });

  it("do not make a bad value better, nor touch readings of other points", () => {
    const overrides = new QualityOverrides([0, 1]);
    overrides.set(0, STALE);
    assert.deepEqual([...overrides.apply(readingOf({ 0: 1 }, { quality: BAD })).quality], [BAD]);
    const other = readingOf({ 1: 2 });
    assert.equal(overrides.apply(other), other);
  });

  it("know no last good time of a value that never was good, and keep the device's own", () => {
    const overrides = new QualityOverrides([0]);
    overrides.set(0, STALE);
    const first = overrides.apply(readingOf({ 0: 1 }, { at: 5 }));
    assert.ok(Number.isNaN(first.sourceTimes?.[0]));
    overrides.set(0, GOOD);
    overrides.apply({ ...readingOf({ 0: 1 }, { at: 6 }), sourceTimes: Float64Array.of(77) });
    overrides.set(0, STALE);
    assert.equal(overrides.apply(readingOf({ 0: 1 }, { at: 7 })).sourceTimes?.[0], 77);
  });

  it("take readings of any length", () => {
    const overrides = new QualityOverrides([199]);
    overrides.set(199, STALE);
    const long = readingOf(Object.fromEntries(Array.from({ length: 200 }, (_, at) => [at, at])));
    const passed = overrides.apply(long);
    assert.equal(passed.quality[199], STALE);
    assert.equal(passed.sourceTimes?.length, 200);
  });

  it("are for the points that they were made for, wherever these stand in the table", () => {
    const overrides = new QualityOverrides([20_001, 20_000, 20_001]);
    for (const other of [1, 19_999, 20_002])
      assert.throws(
        () => {
          overrides.set(other, STALE);
        },
        { name: "AssertionError" },
      );
    overrides.set(20_001, STALE);
    const passed = overrides.apply(readingOf({ 0: 1, 20_000: 2, 20_001: 3, 20_002: 4 }));
    assert.deepEqual([...passed.quality], [GOOD, GOOD, STALE, GOOD]);
    assert.deepEqual([overrides.get(20_000), overrides.get(20_001)], [GOOD, STALE]);
  });
});
