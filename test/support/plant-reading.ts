import { GOOD } from "../../src/domain/quality.ts";
import type { Reading } from "../../src/domain/round.ts";
import { monotonicMs, utcMs } from "../../src/domain/time.ts";

export const READING_UTC = Date.UTC(2026, 0, 1);

/** A reading of `values` by point, all of one quality. */
export function readingOf(
  values: Readonly<Record<number, number>>,
  options: { readonly at?: number; readonly quality?: number } = {},
): Reading {
  const points = Object.keys(values).map(Number);
  const at = options.at ?? 0;
  return {
    points: Uint32Array.from(points),
    values: Float64Array.from(points, (point) => values[point] ?? Number.NaN),
    quality: new Uint8Array(points.length).fill(options.quality ?? GOOD),
    sourceTimes: undefined,
    texts: undefined,
    receivedAt: monotonicMs(at),
    receivedUtc: utcMs(READING_UTC + at),
  };
}
