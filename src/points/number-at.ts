import { assert } from "../domain/assert.ts";

// One function for each kind of column: a single one for all of them is several times slower.

/** The number at a place of a column that is known to have it. */
export function numberAt(column: Float64Array, place: number): number {
  const value = column[place];
  assert(value !== undefined, "a place beyond the end of its column");
  return value;
}

/** As `numberAt`, for qualities and flags. */
export function byteAt(column: Uint8Array, place: number): number {
  const value = column[place];
  assert(value !== undefined, "a place beyond the end of its column");
  return value;
}

/** As `numberAt`, for places in the point table. */
export function placeAt(column: Uint32Array, place: number): number {
  const value = column[place];
  assert(value !== undefined, "a place beyond the end of its column");
  return value;
}

/** As `numberAt`, for links from one place to another. */
export function linkAt(column: Int32Array, place: number): number {
  const value = column[place];
  assert(value !== undefined, "a place beyond the end of its column");
  return value;
}
