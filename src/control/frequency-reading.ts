import { assert } from "../domain/assert.ts";

/** What a reading of the grid frequency must be like before power is given for it. */
export interface FrequencyLimits {
  readonly nominalHz: number;
  /** Below and above no grid runs: such a reading is wrong. 45 to 55 Hz around 50 Hz. */
  readonly lowHz: number;
  readonly highHz: number;
  /** Fastest change that a grid is believed to make, Hz/s. */
  readonly maxRateHzPerS: number;
  /** A change up to this much is the meter's noise and resolution, however fast, Hz. */
  readonly noiseHz: number;
  /** A change that is too fast is believed once readings have agreed on it this long, ms. */
  readonly confirmMs: number;
  /** Time constant of the filter, ms; at most 100, the answer may not wait for it. */
  readonly filterMs: number;
}

/** What became of the reading of this cycle. */
export type FrequencyVerdict = "good" | "missing" | "outside" | "too-fast";

/** Plain data. */
export interface FrequencyReading {
  /** What is believed, filtered, Hz; NaN before the first and after a loss. */
  frequencyHz: number;
  verdict: FrequencyVerdict;
  acceptedHz: number;
  acceptedAt: number;
  /** When the newest reading was received, monotonic ms: an old one is not judged again. */
  receivedAt: number;
  /** What the last readings agree on, though it is not believed yet. */
  suspectHz: number;
  suspectAt: number;
  suspectSinceAt: number;
  /** Readings that were not believed, since the start. */
  outsideCount: number;
  tooFastCount: number;
}

/** Longest filter: the answer begins within half a second of the deviation. */
export const FILTER_MAX_MS = 100;
/** Longest wait for agreement, for the same reason. */
export const CONFIRM_MAX_MS = 300;

/** A change is never believed for more time than this, ms. */
const LONGEST_PACE_MS = 200;

export function noFrequency(): FrequencyReading {
  return {
    frequencyHz: Number.NaN,
    verdict: "missing",
    acceptedHz: Number.NaN,
    acceptedAt: -Infinity,
    receivedAt: -Infinity,
    suspectHz: Number.NaN,
    suspectAt: -Infinity,
    suspectSinceAt: -Infinity,
    outsideCount: 0,
    tooFastCount: 0,
  };
}

/** Our own configuration is checked before it gets here: what is wrong is our bug. */
export function assertFrequencyLimits(limits: FrequencyLimits): void {
  const { nominalHz, lowHz, highHz, confirmMs, filterMs } = limits;
  assert(lowHz < nominalHz && nominalHz < highHz, "the window lies around the nominal frequency");
  assert(limits.maxRateHzPerS > 0 && limits.noiseHz >= 0, "a frequency may change");
  assert(confirmMs >= 0 && confirmMs <= CONFIRM_MAX_MS, "agreement is not waited for too long");
  assert(filterMs >= 0 && filterMs <= FILTER_MAX_MS, "the filter does not delay the answer");
}

/**
 * Judges the reading of this cycle and moves the filtered frequency. A reading without a past is
 * believed after `confirmMs` of agreement: one wrong register at the start moves no power.
 *
 * @param frequencyHz NaN where there is none that is good and fresh
 * @param receivedAt monotonic ms; the same as before for a reading that was seen before
 */
export function readFrequency(
  reading: FrequencyReading,
  limits: FrequencyLimits,
  { frequencyHz, receivedAt }: { readonly frequencyHz: number; readonly receivedAt: number },
  elapsedS: number,
): FrequencyVerdict {
  if (Number.isNaN(frequencyHz)) reading.verdict = "missing";
  else if (receivedAt > reading.receivedAt) {
    reading.verdict = judge(reading, limits, { frequencyHz, receivedAt });
    if (reading.verdict === "outside") reading.outsideCount += 1;
    if (reading.verdict === "too-fast") reading.tooFastCount += 1;
    reading.receivedAt = receivedAt;
  } else if (reading.verdict === "missing") return "missing";
  if (reading.verdict === "good") filter(reading, limits.filterMs / 1_000, elapsedS);
  return reading.verdict;
}

/** What was believed counts no more: the next reading is confirmed like the first. */
export function forgetFrequency(reading: FrequencyReading): void {
  reading.frequencyHz = Number.NaN;
  reading.acceptedHz = Number.NaN;
}

function judge(
  reading: FrequencyReading,
  limits: FrequencyLimits,
  { frequencyHz, receivedAt }: { readonly frequencyHz: number; readonly receivedAt: number },
): FrequencyVerdict {
  // Written so that Infinity is outside too.
  if (!(frequencyHz >= limits.lowHz && frequencyHz <= limits.highHz)) {
    reading.suspectHz = Number.NaN;
    return "outside";
  }
  const { acceptedHz, acceptedAt, suspectHz, suspectAt } = reading;
  const follows = (fromHz: number, fromAt: number): boolean => {
    // Else anything would be plausible after readings that were not.
    const sinceMs = Math.min(receivedAt - fromAt, LONGEST_PACE_MS);
    const mostHz = limits.noiseHz + (limits.maxRateHzPerS * sinceMs) / 1_000;
    return Math.abs(frequencyHz - fromHz) <= mostHz;
  };
  const isPlausible = follows(acceptedHz, acceptedAt);
  if (!isPlausible) {
    if (!follows(suspectHz, suspectAt)) reading.suspectSinceAt = receivedAt;
    reading.suspectHz = frequencyHz;
    reading.suspectAt = receivedAt;
    if (receivedAt - reading.suspectSinceAt < limits.confirmMs) return "too-fast";
  }
  reading.suspectHz = Number.NaN;
  reading.acceptedHz = frequencyHz;
  reading.acceptedAt = receivedAt;
  return "good";
}

function filter(reading: FrequencyReading, filterS: number, elapsedS: number): void {
  const { frequencyHz, acceptedHz } = reading;
  const isFirst = Number.isNaN(frequencyHz) || filterS === 0;
  const taken = isFirst ? 1 : 1 - Math.exp(-elapsedS / filterS);
  reading.frequencyHz = isFirst ? acceptedHz : frequencyHz + taken * (acceptedHz - frequencyHz);
}
