import { assert } from "../domain/assert.ts";

/** The number at a place of a column that is known to have it. */
export function numberAt(column: ArrayLike<number>, place: number): number {
  const value = column[place];
  assert(value !== undefined, "a place beyond the end of its column");
  return value;
}
