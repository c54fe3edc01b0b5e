import { assert } from "../../../domain/assert.ts";
import { numberAt } from "../../../points/number-at.ts";

/** The last values of one quantity, one per cycle. Plain data; never grows. */
export interface History {
  readonly values: Float64Array;
  /** Place of the newest. */
  newest: number;
  count: number;
}

export function emptyHistory(capacity: number): History {
  assert(Number.isInteger(capacity) && capacity > 0, "a history holds something");
  return { values: new Float64Array(capacity), newest: -1, count: 0 };
}

export function clearHistory(history: History): void {
  history.count = 0;
  history.newest = -1;
}

export function push(history: History, value: number): void {
  const capacity = history.values.length;
  history.newest = history.newest + 1 === capacity ? 0 : history.newest + 1;
  history.values[history.newest] = value;
  if (history.count < capacity) history.count += 1;
}

/** The value of `back` cycles ago; 0 is the newest. */
export function backOf(history: History, back: number): number {
  assert(back >= 0 && back < history.count, "a value that is kept");
  const place = history.newest - back;
  return numberAt(history.values, place < 0 ? place + history.values.length : place);
}

/** As `backOf`, on the line between the two cycles around a fraction; NaN when it is not kept. */
export function backAt(history: History, back: number): number {
  const whole = Math.floor(back);
  if (back < 0 || whole >= history.count) return Number.NaN;
  const value = backOf(history, whole);
  const share = back - whole;
  if (share === 0) return value;
  if (whole + 1 >= history.count) return Number.NaN;
  return value + share * (backOf(history, whole + 1) - value);
}

/** Copies the newest values to the front of `out`, oldest first, and says how many there were. */
export function copyNewest(history: History, out: Float64Array): number {
  const count = Math.min(history.count, out.length);
  for (let place = 0; place < count; place += 1) out[place] = backOf(history, count - 1 - place);
  return count;
}
