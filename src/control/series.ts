import { numberAt } from "../points/number-at.ts";
/**
 * The last few readings of one power, so that several powers can be compared as they were at one
 * instant although they were read at different ones. Plain data.
 */
export interface Series {
  readonly times: Float64Array;
  readonly values: Float64Array;
  /** Place of the newest. */
  newest: number;
  count: number;
}

/** Half a second of readings at 50 ms: more than the skew between devices that are not silent. */
const CAPACITY = 12;

export function emptySeries(): Series {
  return {
    times: new Float64Array(CAPACITY),
    values: new Float64Array(CAPACITY),
    newest: -1,
    count: 0,
  };
}

/** Adds a reading; one that is not newer than the last is already known. */
export function addToSeries(series: Series, at: number, value: number): void {
  if (series.count > 0 && at <= newestTime(series)) return;
  series.newest = (series.newest + 1) % CAPACITY;
  series.times[series.newest] = at;
  series.values[series.newest] = value;
  series.count = Math.min(series.count + 1, CAPACITY);
}

/** Infinity when empty. */
export function oldestTime(series: Series): number {
  if (series.count === 0) return Infinity;
  return numberAt(series.times, (series.newest - series.count + 1 + CAPACITY) % CAPACITY);
}

/** True when the newest reading already has this value. */
export function endsWith(series: Series, value: number): boolean {
  return series.count > 0 && numberAt(series.values, series.newest) === value;
}

/** Forgets everything: what comes next does not continue what was. */
export function clearSeries(series: Series): void {
  series.count = 0;
}

/** −Infinity when empty. */
export function newestTime(series: Series): number {
  return series.count === 0 ? -Infinity : numberAt(series.times, series.newest);
}

/**
 * The value at an instant, on the line between the readings around it; the nearest reading outside
 * of them. NaN when empty.
 */
export function valueAt(series: Series, at: number): number {
  let later = Number.NaN;
  let laterAt = Infinity;
  for (let back = 0; back < series.count; back += 1) {
    const place = (series.newest - back + CAPACITY) % CAPACITY;
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
