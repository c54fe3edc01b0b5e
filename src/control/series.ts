import { assert } from "../domain/assert.ts";
import { numberAt } from "../points/number-at.ts";

/**
 * The last few values of one power and their times, so that several powers can be compared as they
 * were at one instant although they were read at different ones. Plain data.
 */
export interface Series {
  readonly times: Float64Array;
  readonly values: Float64Array;
  /** Place of the newest. */
  newest: number;
  count: number;
}

/** Half a second of readings at 50 ms: more than the skew between devices that are not silent. */
export const READINGS_KEPT = 12;

/** @param capacity values that it holds; one more takes the place of the oldest */
export function emptySeries(capacity: number): Series {
  assert(Number.isInteger(capacity) && capacity > 0, "a series holds something");
  return {
    times: new Float64Array(capacity),
    values: new Float64Array(capacity),
    newest: -1,
    count: 0,
  };
}

/** Adds a reading; one that is not newer than the last is already known. */
export function addToSeries(series: Series, at: number, value: number): void {
  if (series.count > 0 && at <= newestTime(series)) return;
  const capacity = series.times.length;
  series.newest = (series.newest + 1) % capacity;
  series.times[series.newest] = at;
  series.values[series.newest] = value;
  series.count = Math.min(series.count + 1, capacity);
}

/** Infinity when empty. */
export function oldestTime(series: Series): number {
  if (series.count === 0) return Infinity;
  return numberAt(series.times, placeBack(series, series.count - 1));
}

/** True when the newest reading already has this value. */
export function endsWith(series: Series, value: number): boolean {
  return series.count > 0 && numberAt(series.values, series.newest) === value;
}

/** Place in the columns of the value that is `back` older than the newest. */
export function placeBack(series: Series, back: number): number {
  const capacity = series.times.length;
  return (series.newest - back + capacity) % capacity;
}

/** NaN when empty. */
export function newestValue(series: Series): number {
  return series.count === 0 ? Number.NaN : numberAt(series.values, series.newest);
}

/** Forgets everything: what comes next does not continue what was. */
export function clearSeries(series: Series): void {
  series.count = 0;
}

/** −Infinity when empty. */
export function newestTime(series: Series): number {
  return series.count === 0 ? -Infinity : numberAt(series.times, series.newest);
}

/** Smallest value since an instant, the one in force then included; NaN when empty. */
export function leastSince(series: Series, at: number): number {
  let least = newestValue(series);
  for (let back = 1; back < series.count && timeBack(series, back - 1) > at; back += 1)
    least = Math.min(least, numberAt(series.values, placeBack(series, back)));
  return least;
}

/** Largest value since an instant, the one in force then included; NaN when empty. */
export function mostSince(series: Series, at: number): number {
  let most = newestValue(series);
  for (let back = 1; back < series.count && timeBack(series, back - 1) > at; back += 1)
    most = Math.max(most, numberAt(series.values, placeBack(series, back)));
  return most;
}

function timeBack(series: Series, back: number): number {
  return numberAt(series.times, placeBack(series, back));
}

/** The newest value until an instant; the oldest when all are newer; NaN when empty. */
export function heldAt(series: Series, at: number): number {
  for (let back = 0; back < series.count; back += 1)
    if (timeBack(series, back) <= at) return numberAt(series.values, placeBack(series, back));
  return series.count === 0
    ? Number.NaN
    : numberAt(series.values, placeBack(series, series.count - 1));
}

/**
 * The value at an instant, on the line between the readings around it; the nearest reading outside
 * of them. NaN when empty.
 */
export function valueAt(series: Series, at: number): number {
  let later = Number.NaN;
  let laterAt = Infinity;
  for (let back = 0; back < series.count; back += 1) {
    const place = placeBack(series, back);
    const time = numberAt(series.times, place);
    const value = numberAt(series.values, place);
    if (time <= at) {
      if (laterAt === Infinity) return value;
      return value + ((later - value) * (at - time)) / (laterAt - time);
    }
    later = value;
    laterAt = time;
  }
  return later;
}
