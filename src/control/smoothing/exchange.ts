import type { MonotonicMs } from "../../domain/time.ts";
import type { DelayEstimate } from "./delay.ts";
import type { Coefficients } from "./predictor/refit.ts";

/**
 * INIT: the load, the battery or its energy is not yet known. STANDBY: it is off, or the battery
 * has given what it may in a day. TRACK: the load is answered as it is. PREDICT: as it will be.
 * ANNOUNCED: the reference is on its way to a level that was announced.
 */
export type SmoothingMode = "init" | "standby" | "track" | "predict" | "announced";

/** Why smoothing is not what it should be; `none` when it is. */
export type SmoothingDegraded = "none" | "load-unknown" | "blind" | "battery-does-not-follow";

/** Read afresh every cycle; the caller keeps one and changes it. */
export interface SmoothingInputs {
  now: MonotonicMs;
  /** False: the battery is let go at the ramp. */
  isEnabled: boolean;
  /** Load, and grid power by the same meter, W; NaN: not known. */
  loadW: number;
  gridW: number;
  /** Measured power of all batteries, W; NaN: not known. */
  batteryW: number;
  /**
   * Power of all batteries as their answer to a command shows it, W; NaN: not known. From it the
   * delay of the loop is found; what it does not show of it is `unseenMs` of the settings.
   */
  answerW: number;
  /** Stored energy by the battery's own reading, and the bounds it keeps, J; NaN: no reading. */
  storedJ: number;
  floorJ: number;
  ceilingJ: number;
  /** What the levels above leave to smoothing, beside the duty, W. */
  boxLowW: number;
  boxHighW: number;
  /** Added to what smoothing asks for, without any ramp: a duty to the grid, W. */
  dutyW: number;
  /** What a schedule asks of the batteries, W: the reference moves away from the load by it. */
  dispatchW: number;
  /** The reference stays at or below it, W; Infinity: no cap. */
  capW: number;
  /** Energy to have ready for the cap beyond what the ramp needs, J. */
  capReserveJ: number;
}

/** Written afresh every cycle. */
export interface SmoothingOut {
  /** What the batteries are asked for together, W. */
  powerW: number;
  referenceW: number;
  predictedW: number;
  mode: SmoothingMode;
  degraded: SmoothingDegraded;
  /** How far the reference went beyond its ramp, because the battery could not take the load, W. */
  breachW: number;
  /** True when |Δreference| is within the ramp for every load of the envelope. */
  isGuaranteed: boolean;
  /** Half width of the band in which the grid power is left alone, W. */
  deadbandW: number;
  /** How long the cap can still be kept at this load, s; Infinity: as long as one likes. */
  capHoldS: number;
}

export function smoothingInputs(now: MonotonicMs): SmoothingInputs {
  return {
    now,
    isEnabled: true,
    loadW: Number.NaN,
    gridW: Number.NaN,
    batteryW: Number.NaN,
    answerW: Number.NaN,
    storedJ: Number.NaN,
    floorJ: 0,
    ceilingJ: 0,
    boxLowW: -Infinity,
    boxHighW: Infinity,
    dutyW: 0,
    dispatchW: 0,
    capW: Infinity,
    capReserveJ: 0,
  };
}

export function smoothingOut(): SmoothingOut {
  return {
    powerW: 0,
    referenceW: Number.NaN,
    predictedW: Number.NaN,
    mode: "init",
    degraded: "none",
    breachW: 0,
    isGuaranteed: false,
    deadbandW: 0,
    capHoldS: Infinity,
  };
}

/** What was found beside the cycle: an input of the cycle that uses it. */
export interface SmoothingNews {
  readonly refit?: Coefficients | undefined;
  /** Of the whole loop. */
  readonly delay?: DelayEstimate | undefined;
  /** Of one unit, by its place in the plan. */
  readonly unitDelay?: { readonly unit: number; readonly found: DelayEstimate } | undefined;
}
