import { maxAgeMs } from "../domain/age.ts";
import type { PointTable } from "../domain/point.ts";

/**
 * How old each point of the table may get, ms, by its place; Infinity for what is read only once
 * per connection, which does not age.
 *
 * @param limitsMs the site's word by device id, see `maxAgeMs`
 */
export function maxAges(
  table: PointTable,
  limitsMs: ReadonlyMap<string, number> = new Map(),
): Float64Array {
  return Float64Array.from(table.points, ({ everyMs, device }) =>
    everyMs === undefined ? Infinity : maxAgeMs(everyMs, limitsMs.get(device)),
  );
}
