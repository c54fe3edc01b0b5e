import type { SmoothingSettings } from "../../../../src/control/smoothing/settings.ts";
import { Product, siteSettings } from "./arms.ts";
import { STEP_S } from "./loads.ts";
import { decibels, largestRamp, rmsIn, spectrumOf } from "./metrics.ts";
import { type Controller, MW, Rig, RIG, type RigSettings, type Trace } from "./rig.ts";
import { type LoopName, LOOPS } from "./timing.ts";

/** The site that the scenarios are written for: 200 to 400 MW, R = 1 MW/s. */
export const MJ = 1e6;
/** 5.7 MWh, a little more than 200 MW at 1 MW/s needs; without losses, as the figures have it. */
export const USABLE_J = 20_420 * MJ;
export const RAMP = MW * 1.001;

export interface Case {
  readonly loop?: LoopName;
  readonly site?: Partial<SmoothingSettings>;
  readonly rig?: Partial<RigSettings>;
}

export function settingsOf({ loop = "d95", site = {} }: Case): SmoothingSettings {
  return siteSettings(LOOPS[loop], { dischargeEfficiency: 1, chargeEfficiency: 1, ...site });
}

export function productOf(given: Case): Product {
  return new Product(settingsOf(given), { usableJ: given.rig?.usableJ ?? USABLE_J });
}

export function rigOf({ loop = "d95", rig = {} }: Case, controller: Controller): Rig {
  const settings = { ...RIG, efficiency: 1, usableJ: USABLE_J, timing: LOOPS[loop], noise: 0 };
  return new Rig({ ...settings, ...rig }, controller);
}

export const least = (values: Float64Array): number =>
  values.reduce((low, value) => Math.min(low, value), Infinity);
export const most = (values: Float64Array): number =>
  values.reduce((high, value) => Math.max(high, value), -Infinity);
export const at = (seconds: number): number => Math.round(seconds / STEP_S);
export const numberIn = (values: Float64Array, seconds: number): number =>
  values[at(seconds)] ?? Number.NaN;

export function referenceRamp({ referenceW }: Trace, cycleMs = 50): number {
  return largestRamp(referenceW, STEP_S, cycleMs / 1_000);
}

/** rms of 0.1 to 20 Hz against the load's, from a time on, dB. */
export function decibelsFrom(trace: Trace, seconds: number): number {
  const band = { fromHz: 0.1, toHz: 20 };
  const rms = (values: Float64Array): number =>
    rmsIn(spectrumOf(values.subarray(at(seconds)), STEP_S), band);
  return decibels(rms(trace.gridW), rms(trace.loadW));
}
