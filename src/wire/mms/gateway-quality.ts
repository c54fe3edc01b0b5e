import { GOOD, type QualityCode, qualityCode, type QualityReason } from "../../domain/quality.ts";
import type { UtcMs } from "../../domain/time.ts";
import { utcMs } from "../../domain/time.ts";
import type { Quality61850, QualityDetail } from "./quality.ts";
import type { UtcTime } from "./time.ts";

/**
 * What quality and time of a device mean to the gateway.
 *
 * @see IEC 61850-7-3, section 6.2 (Quality), section 6.2.6 (test); IEC 61850-7-4, annex A (Beh)
 */

/** Behaviour of a logical node, by its number: `Beh.stVal`. */
export const BEHAVIOUR = { on: 1, blocked: 2, test: 3, testBlocked: 4, off: 5 } as const;

/** Why there is no value, where the device names a reason; the first that it names decides. */
const INVALID: readonly (readonly [QualityDetail, QualityReason])[] = [
  ["failure", "device-failure"],
  ["bad-reference", "sensor-fault"],
  ["overflow", "over-range"],
  ["out-of-range", "out-of-range"],
  ["old-data", "too-old"],
  ["inconsistent", "input-bad"],
  ["oscillatory", "sensor-fault"],
  ["inaccurate", "sensor-fault"],
];

/** These two are no doubt but a verdict, whatever the validity beside them says. */
const ALWAYS_BAD: ReadonlySet<QualityDetail> = new Set(["failure", "bad-reference"]);

const DOUBTFUL: readonly (readonly [QualityDetail, QualityReason])[] = [
  ["old-data", "stale"],
  ["inconsistent", "mismatch"],
  ["overflow", "sensor-not-accurate"],
  ["out-of-range", "sensor-not-accurate"],
  ["oscillatory", "sensor-not-accurate"],
  ["inaccurate", "sensor-not-accurate"],
];

/**
 * Quality of a value.
 *
 * @param quality undefined when the device gives none: then the value is never good
 * @param behaviour number of the logical node's `Beh`; undefined when it is not known
 */
export function gatewayQuality(
  quality: Quality61850 | undefined,
  behaviour: number | undefined,
): QualityCode {
  if (behaviour === BEHAVIOUR.off || behaviour === BEHAVIOUR.testBlocked) {
    return qualityCode("input-bad");
  }
  if (quality === undefined) return qualityCode("no-quality");
  const bad = badReason(quality, behaviour);
  if (bad !== undefined) return qualityCode(bad);
  const doubt = doubtReason(quality);
  return doubt === undefined ? GOOD : qualityCode(doubt);
}

function badReason(
  quality: Quality61850,
  behaviour: number | undefined,
): QualityReason | undefined {
  const { validity, details } = quality;
  if (validity === "invalid" || details.some((detail) => ALWAYS_BAD.has(detail))) {
    return reasonOf(INVALID, details) ?? "not-available-pattern";
  }
  if (validity === "reserved") return "unknown-code";
  // A tester's value is no measurement, unless the whole node is known to be under test.
  return quality.isTest && behaviour !== BEHAVIOUR.test ? "input-bad" : undefined;
}

function doubtReason(quality: Quality61850): QualityReason | undefined {
  const reason = reasonOf(DOUBTFUL, quality.details);
  if (reason !== undefined) return reason;
  if (quality.validity === "questionable") return "sensor-not-accurate";
  // A value of a test stands in for the plant's own, also where the test is meant.
  if (quality.isSubstituted || quality.isTest) return "substituted";
  return quality.isOperatorBlocked ? "stale" : undefined;
}

function reasonOf(
  table: readonly (readonly [QualityDetail, QualityReason])[],
  details: readonly QualityDetail[],
): QualityReason | undefined {
  return table.find(([detail]) => details.includes(detail))?.[1];
}

/** Further apart than this, one of the two clocks is wrong. */
export const SKEW_MAX_MS = 2000;

/** Where a value belongs in time. */
export interface ValueTime {
  /** When the device says it was; undefined when it does not say. */
  readonly sourceUtcMs: UtcMs | undefined;
  /** By what values are put in order: the device's time only while its clock can be trusted. */
  readonly orderUtcMs: UtcMs;
  /** The two clocks differ by more than `SKEW_MAX_MS`: to be told, never a reason to drop. */
  readonly isSkewed: boolean;
}

/** @param time undefined, or zero as an attribute has that was never touched: not said */
export function valueTime(time: UtcTime | undefined, receivedUtcMs: UtcMs): ValueTime {
  if (time === undefined || time.utcMs === 0) {
    return { sourceUtcMs: undefined, orderUtcMs: receivedUtcMs, isSkewed: false };
  }
  const sourceUtcMs = utcMs(time.utcMs);
  const { hasClockFailure, isNotSynchronised } = time.quality;
  return {
    sourceUtcMs,
    orderUtcMs: hasClockFailure || isNotSynchronised ? receivedUtcMs : sourceUtcMs,
    isSkewed: Math.abs(sourceUtcMs - receivedUtcMs) > SKEW_MAX_MS,
  };
}
