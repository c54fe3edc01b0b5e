import { strict as assert } from "node:assert";
import {
  addToSeries,
  clearSeries,
  emptySeries,
  READINGS_KEPT,
  endsWith,
  newestTime,
  oldestTime,
  valueAt,
} from "../../src/control/series.ts";

function seriesOf(...readings: readonly (readonly [number, number])[]) {
  const series = emptySeries(READINGS_KEPT);
  for (const [at, value] of readings) addToSeries(series, at, value);
  return series;
}

describe("series of readings", () => {
  it("knows the value between two readings, and the nearest outside of them", () => {
    const series = seriesOf([100, 0], [150, 10], [200, 10]);
    assert.deepEqual(
      [50, 100, 125, 150, 175, 200, 999].map((at) => valueAt(series, at)),
      [0, 0, 5, 10, 10, 10, 10],
    );
  });

  it("takes a reading once", () => {
    const series = seriesOf([100, 1], [100, 2], [90, 3]);
    assert.equal(series.count, 1);
    assert.equal(valueAt(series, 100), 1);
    assert.ok(endsWith(series, 1));
    assert.ok(!endsWith(series, 2));
  });

  it("keeps the last readings and forgets the first", () => {
    const series = emptySeries(READINGS_KEPT);
    for (let at = 1; at <= 20; at += 1) addToSeries(series, at * 50, at);
    assert.equal(newestTime(series), 1_000);
    assert.equal(oldestTime(series), 450);
    assert.equal(valueAt(series, 0), 9);
  });

  it("is nothing when it is empty", () => {
    const series = seriesOf([1, 1]);
    clearSeries(series);
    assert.ok(Number.isNaN(valueAt(series, 1)));
    assert.equal(newestTime(series), -Infinity);
    assert.equal(oldestTime(series), Infinity);
    assert.ok(!endsWith(series, 1));
  });
});
