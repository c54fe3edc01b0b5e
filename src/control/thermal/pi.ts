import { assert } from "../../domain/assert.ts";
import { clamp, towards } from "../arbitration.ts";

/**
 * A proportional-integral controller whose output stays in its range and moves no faster than its
 * rate. While either holds it back the integral does not go on in that direction, so that it comes
 * back at once when the error turns.
 */
export interface PiSettings {
  /** Output per unit of error. */
  readonly gain: number;
  /** Output per unit of error and second. */
  readonly integralPerS: number;
  /** Range and fastest change of the output, in its unit, and in its unit per second. */
  readonly low: number;
  readonly high: number;
  readonly ratePerS: number;
}

/** Plain data. */
export interface PiState {
  integral: number;
  /** NaN before the first `trackPi`: there is nothing to go on from. */
  output: number;
}

export function createPi(settings: PiSettings): PiState {
  const { low, high, ratePerS, gain, integralPerS } = settings;
  assert(low < high && ratePerS > 0, "an output has a range and a rate");
  assert(gain >= 0 && integralPerS >= 0, "a controller acts against its error");
  return { integral: Number.NaN, output: Number.NaN };
}

/** Goes on from what the actuator stands at, without a step; brought inside the range. */
export function trackPi(state: PiState, output: number, { low, high }: PiSettings): void {
  if (Number.isNaN(output)) return;
  state.output = clamp(output, low, high);
  state.integral = state.output;
}

/**
 * One step. An error that is not known leaves the output where it is.
 *
 * @returns the output; NaN where it never was tracked
 */
export function stepPi(state: PiState, error: number, dtS: number, settings: PiSettings): number {
  if (Number.isNaN(error) || Number.isNaN(state.output)) return state.output;
  const { gain, integralPerS, low, high } = settings;
  // An absurd reading makes the product infinite, and no time of that would be no number.
  const more = dtS > 0 ? integralPerS * error * dtS : 0;
  const integral = clamp(state.integral + more, low, high);
  const wanted = gain * error + integral;
  const output = movePi(state, clamp(wanted, low, high), dtS, settings);
  const isHeldBack = (wanted - output) * error > 0;
  if (!isHeldBack) state.integral = integral;
  return output;
}

/**
 * Moves the output towards a value that something else has decided; the integral goes with it. One
 * that is not known leaves the output where it is.
 */
export function leadPi(state: PiState, value: number, dtS: number, settings: PiSettings): number {
  if (Number.isNaN(value) || Number.isNaN(state.output)) return state.output;
  const output = movePi(state, clamp(value, settings.low, settings.high), dtS, settings);
  state.integral = output;
  return output;
}

function movePi(state: PiState, value: number, dtS: number, { ratePerS }: PiSettings): number {
  state.output = towards(state.output, value, ratePerS * dtS);
  return state.output;
}
