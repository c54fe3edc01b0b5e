import { assert } from "../domain/assert.ts";

/** The item at a place that is known to exist. */
export function itemAt<T>(column: readonly T[], place: number): T {
  const item = column[place];
  assert(item !== undefined, `there is no item ${place} of ${column.length}`);
  return item;
}
