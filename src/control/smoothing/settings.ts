import { assert } from "../../domain/assert.ts";

/**
 * What smoothing has to know of a site. Plain data. Powers in W, energies in J, times in ms where
 * the name says so, else in s.
 *
 * Signs: grid power positive importing, battery power positive discharging, load power positive
 * consuming; so grid = load − battery.
 */
export interface SmoothingSettings {
  readonly cycleMs: number;
  /** The meter shows a new value this often. */
  readonly meterPeriodMs: number;
  /** From a change of the load until the battery's answer to it shows in the meter, as known. */
  readonly delayMs: number;
  /** Part of that delay that the batteries' answer does not show: the age of the load's reading. */
  readonly unseenMs: number;
  /** Longest delay that identification looks for. */
  readonly delayMaxMs: number;
  /** Fastest rise and fall of the grid reference. */
  readonly rampUpWPerS: number;
  readonly rampDownWPerS: number;
  /** The load stays between these: nameplate, or an enforced cap. */
  readonly lowW: number;
  readonly highW: number;
  readonly dischargeRatingW: number;
  readonly chargeRatingW: number;
  /** Energy taken from the battery is the power given / this; stored is the power taken · this. */
  readonly dischargeEfficiency: number;
  readonly chargeEfficiency: number;
  /** How far the reading of the energy may be from the truth. */
  readonly energyErrorJ: number;
  /** Half of the range in which the grid power may move around its reference. */
  readonly deadbandW: number;
  /** Energy that the battery may give in any 24 h; Infinity where its life is no concern. */
  readonly dailyThroughputJ: number;
  /** A line of the grid power in 0.1 to 6 Hz that is larger than this is an alarm, W amplitude. */
  readonly lineLimitW: number;
  /** Without a load reading: held this long, then the battery ramps away. */
  readonly blindMs: number;
}

/** Time constants of the law; the values of the specification. */
export const LAW = {
  /** Slow mean of the load that the reference follows. */
  meanS: 20,
  followS: 2,
  /** The energy goes back to its reference in about this time … */
  restoreS: 600,
  /** … with at most this part of the load's range. */
  restoreShare: 0.05,
} as const;

/** A step of the cycle is never counted longer than this: after a pause nothing jumps. */
export const LONGEST_STEP_S = 0.5;

/** Our own configuration is checked before it gets here: what is wrong is our bug. */
export function assertSettings(settings: SmoothingSettings): void {
  const { lowW, highW, cycleMs, delayMs, delayMaxMs, meterPeriodMs } = settings;
  const { chargeEfficiency, dischargeEfficiency, rampUpWPerS, rampDownWPerS } = settings;
  assert(highW > lowW, "the load has a range");
  assert(cycleMs > 0 && meterPeriodMs > 0, "cycle and meter have a period");
  assert(settings.unseenMs >= 0, "an age is not negative");
  assert(delayMs > 0 && delayMs <= delayMaxMs, "the delay is within its bound");
  assert(rampUpWPerS > 0 && rampDownWPerS > 0, "the grid power may move");
  assert(isShare(chargeEfficiency) && isShare(dischargeEfficiency), "efficiencies in (0, 1]");
  assert(settings.dischargeRatingW > 0 && settings.chargeRatingW > 0, "ratings are positive");
  assert(settings.deadbandW >= 0 && settings.dailyThroughputJ > 0, "bounds are not negative");
}

function isShare(value: number): boolean {
  return value > 0 && value <= 1;
}
