import { assert } from "../../domain/assert.ts";
import { clamp } from "../arbitration.ts";
import { type Held, heldMs, notHeld } from "./held.ts";
import { isKnown, isLost, isSet, knownOf, type Measured } from "./measured.ts";

/**
 * A loop whose coolant boils at the chips and condenses at its exchanger. Rising pressure means
 * that less condenses than boils: load is derated from `deratePressureKpa` on, and at
 * `tripPressureKpa` the loop trips, latched, before its relief valve does.
 *
 * Inadequate phase change is found within 10 s (DCPI extended standard 6.3.3 d: flow instability,
 * inadequate phase change, degraded performance) by any of four patterns: heat without boiling,
 * vapour so dry that surfaces dry out, superheated vapour, and a pressure that swings.
 *
 * Safe direction: a pressure that is lost derates to `blindPart` at once, and trips after
 * `blindTripMs`; other lost readings end nothing.
 */
export interface TwoPhaseSettings {
  /** Absolute, kPa; the loop's own rating, so the site says them. */
  readonly deratePressureKpa: number;
  readonly tripPressureKpa: number;
  readonly hysteresisKpa: number;
  readonly blindPart: number;
  readonly blindTripMs: number;
  /** From this heat on coolant has to boil, W. */
  readonly boilingW: number;
  /** Vapour of the mixture that returns, %: below it does not boil, above surfaces dry out. */
  readonly vapourMinimumPercent: number;
  readonly vapourMaximumPercent: number;
  /** Vapour that is so much warmer than it condenses at is superheated, K. */
  readonly superheatMaximumK: number;
  /** Between a highest and a lowest pressure within `swingMs`, part of their mean. */
  readonly swingPart: number;
  readonly swingMs: number;
  /** A pattern holds for so long before it is believed, ms; with a reading of 1 s below 10 s. */
  readonly persistMs: number;
  /** Load is derated to this part while the phase change is inadequate … */
  readonly inadequatePart: number;
  /** … and asked to go when that does not help for so long, ms. */
  readonly shedMs: number;
}

export const TWO_PHASE_DEFAULTS: TwoPhaseSettings = {
  deratePressureKpa: 250,
  tripPressureKpa: 350,
  hysteresisKpa: 10,
  blindPart: 0.5,
  blindTripMs: 10_000,
  boilingW: 100_000,
  vapourMinimumPercent: 5,
  vapourMaximumPercent: 85,
  superheatMaximumK: 5,
  swingPart: 0.2,
  swingMs: 6_000,
  persistMs: 6_000,
  inadequatePart: 0.5,
  shedMs: 30_000,
};

/** What is wrong with the phase change; `none` when nothing is. */
export type PhaseFault = "none" | "not-boiling" | "dry-out" | "superheat" | "unstable";

/** Longest time over which pressures are compared, in steps of 1 s. */
const PRESSURES_MAX = 16;

/** Plain data. */
export interface TwoPhaseState {
  readonly pressures: Float64Array;
  readonly times: Float64Array;
  count: number;
  isTripped: boolean;
  isDerated: boolean;
  readonly blind: Held;
  readonly fault: Held;
  readonly out: TwoPhaseOut;
}

export interface TwoPhaseInputs {
  /** kPa absolute. */
  pressure: Measured;
  /** Of what comes back from the racks, %. */
  vapour: Measured;
  /** What the vapour is at, and what it condenses at, Cel. */
  vapourTemperature: Measured;
  condensation: Measured;
  /** The loop's own word: 1 while it sees a phase change. */
  isDetected: Measured;
  /** From the racks, W. */
  heat: Measured;
}

export interface TwoPhaseOut {
  /** Part of its load that the loop may have, 0 to 1. */
  loadPart: number;
  isDerated: boolean;
  /** Latched. */
  isTripped: boolean;
  /** A reading shows a pressure well below the trip. */
  isPressureLow: boolean;
  fault: PhaseFault;
  /** The fault holds long enough to be told. */
  isInadequate: boolean;
  isShedDue: boolean;
  isBlind: boolean;
}

export function createTwoPhase(settings: TwoPhaseSettings): TwoPhaseState {
  const { deratePressureKpa, tripPressureKpa, hysteresisKpa, blindPart, inadequatePart } = settings;
  assert(deratePressureKpa + hysteresisKpa < tripPressureKpa, "a loop derates before it trips");
  assert(blindPart >= 0 && blindPart <= 1, "a part of the load");
  assert(inadequatePart >= 0 && inadequatePart <= 1, "a part of the load");
  assert(settings.vapourMinimumPercent < settings.vapourMaximumPercent, "a range of vapour");
  return {
    pressures: new Float64Array(PRESSURES_MAX),
    times: new Float64Array(PRESSURES_MAX),
    count: 0,
    isTripped: false,
    isDerated: false,
    blind: notHeld(),
    fault: notHeld(),
    out: {
      loadPart: 1,
      isDerated: false,
      isTripped: false,
      isPressureLow: false,
      fault: "none",
      isInadequate: false,
      isShedDue: false,
      isBlind: false,
    },
  };
}

export function stepTwoPhase(
  state: TwoPhaseState,
  inputs: TwoPhaseInputs,
  settings: TwoPhaseSettings,
  now: number,
): TwoPhaseOut {
  const { out } = state;
  const pressureKpa = knownOf(inputs.pressure);
  if (!Number.isNaN(pressureKpa)) take(state, pressureKpa, now);
  out.isBlind = isLost(inputs.pressure);
  const blindMs = heldMs(state.blind, out.isBlind, now);
  if (pressureKpa >= settings.tripPressureKpa || blindMs >= settings.blindTripMs)
    state.isTripped = true;
  out.isPressureLow = pressureKpa < settings.deratePressureKpa;
  watchPhase(state, inputs, settings, now);
  const part = partOf(state, pressureKpa, settings);
  out.loadPart = state.isTripped ? 0 : part;
  out.isTripped = state.isTripped;
  return out;
}

/** Lifts the trip where a reading shows that the pressure is gone. @returns whether it did */
export function resetTwoPhase(state: TwoPhaseState): boolean {
  if (!state.out.isPressureLow) return false;
  state.isTripped = false;
  state.out.isTripped = false;
  return true;
}

function partOf(state: TwoPhaseState, pressureKpa: number, settings: TwoPhaseSettings): number {
  const { deratePressureKpa, tripPressureKpa, hysteresisKpa } = settings;
  const { out } = state;
  const edgeKpa = deratePressureKpa - (state.isDerated ? hysteresisKpa : 0);
  // A pressure that is lost neither ends a derating nor begins one by pressure.
  if (!Number.isNaN(pressureKpa)) state.isDerated = pressureKpa > edgeKpa;
  let part = 1;
  if (state.isDerated && !Number.isNaN(pressureKpa))
    part = clamp((tripPressureKpa - pressureKpa) / (tripPressureKpa - edgeKpa), 0, 1);
  if (out.isBlind) part = Math.min(out.loadPart, settings.blindPart);
  if (out.isInadequate) part = Math.min(part, settings.inadequatePart);
  out.isDerated = part < 1;
  return part;
}

function watchPhase(
  state: TwoPhaseState,
  inputs: TwoPhaseInputs,
  settings: TwoPhaseSettings,
  now: number,
): void {
  const { out } = state;
  const found = faultOf(state, inputs, settings, now);
  // What cannot be seen any more is still the case.
  if (found !== "none" || isSeen(inputs)) out.fault = found;
  const faultMs = heldMs(state.fault, out.fault !== "none", now);
  out.isInadequate = faultMs >= settings.persistMs;
  out.isShedDue = faultMs >= settings.shedMs;
}

function isSeen({ vapour, vapourTemperature, condensation, isDetected }: TwoPhaseInputs): boolean {
  return (
    isKnown(vapour) || isKnown(isDetected) || (isKnown(vapourTemperature) && isKnown(condensation))
  );
}

function faultOf(
  state: TwoPhaseState,
  inputs: TwoPhaseInputs,
  settings: TwoPhaseSettings,
  now: number,
): PhaseFault {
  const vapour = knownOf(inputs.vapour);
  // A heat that is lost is taken for heat: then coolant has to boil.
  const isHeated = !(knownOf(inputs.heat) < settings.boilingW);
  const superheatK = knownOf(inputs.vapourTemperature) - knownOf(inputs.condensation);
  if (vapour > settings.vapourMaximumPercent) return "dry-out";
  if (superheatK > settings.superheatMaximumK) return "superheat";
  const isStill = vapour < settings.vapourMinimumPercent || knownOf(inputs.isDetected) === 0;
  if (isHeated && isStill && !isSet(inputs.isDetected)) return "not-boiling";
  return swingOf(state, settings, now) > settings.swingPart ? "unstable" : "none";
}

function take(state: TwoPhaseState, pressureKpa: number, now: number): void {
  const place = state.count % PRESSURES_MAX;
  state.pressures[place] = pressureKpa;
  state.times[place] = now;
  state.count += 1;
}

/**
 * How far the pressure went to and fro in the last seconds, part of its mean: the smaller of its
 * way up and its way down, so that a steady rise is no swing.
 */
function swingOf(state: TwoPhaseState, { swingMs }: TwoPhaseSettings, now: number): number {
  const { pressures, times, count } = state;
  let [up, down, sum, readings, later] = [0, 0, 0, 0, Number.NaN];
  for (let back = 1; back <= Math.min(count, PRESSURES_MAX); back += 1) {
    const place = (count - back) % PRESSURES_MAX;
    if (!(now - (times[place] ?? -Infinity) <= swingMs)) break;
    const pressureKpa = pressures[place] ?? 0;
    if (later > pressureKpa) up += later - pressureKpa;
    if (later < pressureKpa) down += pressureKpa - later;
    later = pressureKpa;
    sum += pressureKpa;
    readings += 1;
  }
  return sum > 0 ? Math.min(up, down) / (sum / readings) : 0;
}
