import type { PointIndex } from "../domain/point.ts";
import { GOOD, isBad, type QualityCode, qualityCode, worstQuality } from "../domain/quality.ts";
import type { MonotonicMs } from "../domain/time.ts";
import type { ImageView } from "./image.ts";
import { byteAt, numberAt } from "./number-at.ts";

/** One term of a sum over points of the site. */
export interface SumTerm {
  readonly point: PointIndex;
  readonly sign: 1 | -1;
  /** Older than this the term has no value, ms. */
  readonly maxAgeMs: number;
}

/** A value made from others: their worst quality, and the time of the oldest. */
export interface DerivedValue {
  /** NaN when bad. */
  readonly value: number;
  readonly quality: QualityCode;
  /** When the oldest term was received, monotonic ms. */
  readonly receivedAt: number;
}

const INPUT_BAD = qualityCode("input-bad");

/**
 * A signed sum over points of the site: what the load draws is grid plus batteries. Bad with reason
 * input-bad as soon as one term is bad or too old; uncertain as the worst of its terms.
 */
export function siteSum(
  view: ImageView,
  terms: readonly SumTerm[],
  now: MonotonicMs,
): DerivedValue {
  let value = 0;
  let quality: QualityCode = GOOD;
  let receivedAt = Infinity;
  for (const { point, sign, maxAgeMs } of terms) {
    const at = numberAt(view.receivedAt, point);
    const found = byteAt(view.quality, point);
    quality = worstQuality(quality, isBad(found) || now - at > maxAgeMs ? INPUT_BAD : found);
    value += sign * numberAt(view.values, point);
    receivedAt = Math.min(receivedAt, at);
  }
  return { value: isBad(quality) ? Number.NaN : value, quality, receivedAt };
}
