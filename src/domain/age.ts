/** One reading may be lost, and half a period is for a late one. */
const PERIODS = 2.5;

/** No value is given less than this, ms: a reading travels through poll, frame and cycle. */
const SHORTEST_MS = 40;

/**
 * How old a value may get that is read every `everyMs`, ms. The one rule for drivers, control and
 * whoever shows values.
 *
 * @param limitMs the site's word for the device. It is for what is read more often than that: a
 *   point with a longer period could never keep it, and keeps its own
 */
export function maxAgeMs(everyMs: number, limitMs?: number): number {
  if (limitMs !== undefined && limitMs > everyMs) return limitMs;
  return Math.max(everyMs * PERIODS, SHORTEST_MS);
}
