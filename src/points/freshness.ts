import { assert } from "../domain/assert.ts";
import type { PointTable } from "../domain/point.ts";

/**
 * A value is used for two and a half of its periods: one reading may be lost, and half a period is
 * for a late one.
 */
export const DEFAULT_AGE_PERIODS = 2.5;

/** No point is given less than this, ms: a reading travels through poll, frame and cycle. */
export const SHORTEST_MAX_AGE_MS = 40;

export interface AgeOptions {
  /** Maximum age in periods of the point; default 2.5. */
  readonly periods?: number;
  /** Maximum age of every point of a device, ms, by device id: the site's word. */
  readonly maxAgeMsByDevice?: ReadonlyMap<string, number>;
  /** Maximum age of one point, ms, by point id; before that of its device. */
  readonly maxAgeMsByPoint?: ReadonlyMap<string, number>;
}

/**
 * How old each point of the table may get, ms, by its place; Infinity for what is read only once
 * per connection and has no limit of its own.
 */
export function maxAges(table: PointTable, options: AgeOptions = {}): Float64Array {
  const periods = options.periods ?? DEFAULT_AGE_PERIODS;
  assert(periods >= 1, "a value lives at least one period");
  return Float64Array.from(table.points, (point) => {
    const set =
      options.maxAgeMsByPoint?.get(point.id) ?? options.maxAgeMsByDevice?.get(point.device);
    if (set !== undefined) return set;
    if (point.everyMs === undefined) return Infinity;
    return Math.max(point.everyMs * periods, SHORTEST_MAX_AGE_MS);
  });
}
