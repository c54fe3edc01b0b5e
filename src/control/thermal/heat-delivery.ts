import { assert } from "../../domain/assert.ts";
import { clamp, towards } from "../arbitration.ts";
import { W_PER_L_PER_MIN_K } from "./coolant-flow.ts";
import { type Held, heldMs, notHeld, stepSeconds } from "./held.ts";
import { isKnown, isLost, isSet, knownOf, type Measured } from "./measured.ts";
import { createPi, type PiSettings, type PiState, stepPi, trackPi } from "./pi.ts";
import type { ThermalMode } from "./thermal-mode.ts";

/**
 * Heat for the city at 70 to 90 °C: lifted by a heat pump, or straight from a two-phase loop that
 * condenses warmly enough. The flow of the network follows the demand; what is promised is what the
 * source has.
 *
 * The city's water is never put at risk (DCPI extended standard 6.3.2 a, 9.2.1 b): a conductivity
 * that leaves its range, a wet sensor, or a pressure order over the exchanger that is the wrong way
 * round isolates the delivery, latched.
 *
 * Safe direction: a sensor of contamination that stays lost for `blindMs` isolates, too, and so
 * does a network that is too hot; the data centre loses nothing by it, its own coolers take the
 * heat.
 */
export interface HeatDeliverySettings {
  readonly source: "heat-pump" | "two-phase";
  /** What the network is supplied at, Cel; demo site §1: 75 in 70 to 90. */
  readonly supplyCel: number;
  readonly lowestCel: number;
  readonly highestCel: number;
  /** Fastest change of the supply setpoint, K/s. */
  readonly setpointKPerS: number;
  /** Above this nothing is delivered, Cel. */
  readonly limitCel: number;
  /** The vapour has to condense so much above the supply, K. */
  readonly approachK: number;
  /** Most that the source gives, W, and most that flows, L/min. */
  readonly ratingW: number;
  readonly maximumLPerMin: number;
  /** Pump of the network: range and fastest change, %. */
  readonly speedMinimumPercent: number;
  readonly speedRatePercentPerS: number;
  /** Speed per part of the flow that is missing, %, and its integral. */
  readonly gainPercent: number;
  readonly integralPercentPerS: number;
  /** Contamination: uS/cm; least lead of the network's pressure over the coolant's, kPa. */
  readonly conductivityMaximum: number;
  readonly pressureLeadKpa: number;
  readonly persistMs: number;
  readonly blindMs: number;
}

export const HEAT_DELIVERY_DEFAULTS: HeatDeliverySettings = {
  source: "heat-pump",
  supplyCel: 75,
  lowestCel: 70,
  highestCel: 90,
  setpointKPerS: 0.05,
  limitCel: 95,
  approachK: 3,
  ratingW: 3e6,
  maximumLPerMin: 3_000,
  speedMinimumPercent: 20,
  speedRatePercentPerS: 5,
  gainPercent: 20,
  integralPercentPerS: 4,
  conductivityMaximum: 100,
  pressureLeadKpa: 20,
  persistMs: 3_000,
  blindMs: 60_000,
};

/** Why nothing is delivered; `none` while it may be. */
export type Isolation = "none" | "contamination" | "pressure-order" | "too-hot" | "blind";

/** Plain data. */
export interface HeatDeliveryState {
  readonly pump: PiState;
  readonly pumpSettings: PiSettings;
  setpointCel: number;
  isolation: Isolation;
  /** Grows with every change of the isolation. */
  revision: number;
  readonly dirty: Held;
  readonly order: Held;
  readonly hot: Held;
  readonly blind: Held;
  steppedAt: number;
  readonly out: HeatDeliveryOut;
}

export interface HeatDeliveryInputs {
  mode: ThermalMode;
  /** What the city asks for, W, and how warm, Cel. */
  demand: Measured;
  demandCel: Measured;
  /** Of the network: L/min and Cel. */
  flow: Measured;
  supply: Measured;
  return_: Measured;
  /** What the source can give now, W; absent: its rating. */
  available: Measured;
  /** What a two-phase loop condenses at, Cel. */
  condensation: Measured;
  /** Speed of the network's pump as it shows it, %. */
  speed: Measured;
  conductivity: Measured;
  leak: Measured;
  /** Over the exchanger, kPa: the network's and the coolant's. */
  networkPressure: Measured;
  coolantPressure: Measured;
}

export interface HeatDeliveryOut {
  /** For the source, Cel. */
  setpointCel: number;
  /** For the source, W. */
  heatW: number;
  /** For the network's pump, %; 0: stop. NaN: nothing is to be written yet. */
  speedPercent: number;
  isolation: Isolation;
  /** Closes the delivery: valve first, pump with it. */
  isClosed: boolean;
  /** The city asks for more, or warmer, than there is. */
  isShort: boolean;
  shortW: number;
  /** Every sign of contamination is known to be gone. */
  isClean: boolean;
}

const SPEED_FULL_PERCENT = 100;
/** A network that returns as warm as it is supplied at takes no heat; the flow stays finite. */
const SMALLEST_RISE_K = 5;

export function createHeatDelivery(settings: HeatDeliverySettings): HeatDeliveryState {
  const { supplyCel, lowestCel, highestCel, limitCel } = settings;
  assert(lowestCel <= supplyCel && supplyCel <= highestCel, "the supply is in its range");
  assert(highestCel < limitCel, "a limit is above the range");
  assert(settings.ratingW > 0 && settings.maximumLPerMin > 0, "a delivery has a rating");
  const pumpSettings: PiSettings = {
    gain: settings.gainPercent,
    integralPerS: settings.integralPercentPerS,
    low: settings.speedMinimumPercent,
    high: SPEED_FULL_PERCENT,
    ratePerS: settings.speedRatePercentPerS,
  };
  return {
    pump: createPi(pumpSettings),
    pumpSettings,
    setpointCel: supplyCel,
    isolation: "none",
    revision: 0,
    dirty: notHeld(),
    order: notHeld(),
    hot: notHeld(),
    blind: notHeld(),
    steppedAt: Number.NaN,
    out: {
      setpointCel: supplyCel,
      heatW: 0,
      speedPercent: Number.NaN,
      isolation: "none",
      isClosed: false,
      isShort: false,
      shortW: 0,
      isClean: false,
    },
  };
}

export function stepHeatDelivery(
  state: HeatDeliveryState,
  inputs: HeatDeliveryInputs,
  settings: HeatDeliverySettings,
  now: number,
): HeatDeliveryOut {
  const dtS = stepSeconds(state.steppedAt, now);
  state.steppedAt = now;
  const { out } = state;
  watchWater(state, inputs, settings, now);
  out.isolation = state.isolation;
  out.isClosed = state.isolation !== "none";
  const { lowestCel, highestCel, setpointKPerS } = settings;
  const askedCel = isKnown(inputs.demandCel) ? knownOf(inputs.demandCel) : settings.supplyCel;
  const wantedCel = clamp(askedCel, lowestCel, highestCel);
  state.setpointCel = towards(state.setpointCel, wantedCel, setpointKPerS * dtS);
  out.setpointCel = state.setpointCel;
  deliver(state, inputs, settings, dtS);
  return out;
}

/** Lifts the isolation where every sign is known to be gone. @returns whether it did */
export function resetHeatDelivery(state: HeatDeliveryState): boolean {
  if (!state.out.isClean) return false;
  isolate(state, "none");
  return true;
}

/** Takes a saved latch back. */
export function restoreHeatDelivery(state: HeatDeliveryState): void {
  isolate(state, "contamination");
}

function isolate(state: HeatDeliveryState, cause: Isolation): void {
  if (cause === state.isolation) return;
  state.isolation = cause;
  state.revision += 1;
}

function watchWater(
  state: HeatDeliveryState,
  inputs: HeatDeliveryInputs,
  settings: HeatDeliverySettings,
  now: number,
): void {
  const { persistMs, blindMs, conductivityMaximum, pressureLeadKpa, limitCel } = settings;
  const { conductivity, leak, networkPressure, coolantPressure, supply } = inputs;
  const leadKpa = knownOf(networkPressure) - knownOf(coolantPressure);
  const isDirty = knownOf(conductivity) > conductivityMaximum || isSet(leak);
  const isReversed = leadKpa < pressureLeadKpa;
  const isHot = knownOf(supply) > limitCel;
  const watched = [conductivity, leak, networkPressure, coolantPressure];
  const isBlind = watched.some(isLost);
  const dirtyMs = heldMs(state.dirty, isDirty, now);
  const orderMs = heldMs(state.order, isReversed, now);
  const hotMs = heldMs(state.hot, isHot, now);
  const lostMs = heldMs(state.blind, isBlind, now);
  state.out.isClean = !isDirty && !isReversed && !isHot && !isBlind;
  if (dirtyMs >= persistMs) isolate(state, "contamination");
  else if (isLatchedAlready(state)) return;
  else if (orderMs >= persistMs) isolate(state, "pressure-order");
  else if (hotMs >= persistMs) isolate(state, "too-hot");
  else if (lostMs >= blindMs) isolate(state, "blind");
  else if (state.isolation === "blind" && !isBlind) isolate(state, "none");
}

/** What a person has to look at. Blindness ends with itself. */
function isLatchedAlready({ isolation }: HeatDeliveryState): boolean {
  return isolation !== "none" && isolation !== "blind";
}

function deliver(
  state: HeatDeliveryState,
  inputs: HeatDeliveryInputs,
  settings: HeatDeliverySettings,
  dtS: number,
): void {
  const { out, pump, pumpSettings } = state;
  // A demand that is lost is none: nobody is known to take the heat.
  const demandW = isKnown(inputs.demand) ? Math.max(0, knownOf(inputs.demand)) : 0;
  const mostW = out.isClosed ? 0 : mostOf(state, inputs, settings);
  out.heatW = Math.min(demandW, mostW);
  out.shortW = demandW - out.heatW;
  out.isShort = out.shortW > 0;
  const isTracking = inputs.mode !== "control" || Number.isNaN(pump.output);
  if (isTracking) trackPi(pump, knownOf(inputs.speed), pumpSettings);
  if (out.heatW <= 0) {
    // A closed or idle delivery stands still; it starts again from its slowest.
    trackPi(pump, pumpSettings.low, pumpSettings);
    out.speedPercent = 0;
    return;
  }
  if (Number.isNaN(pump.output)) trackPi(pump, pumpSettings.low, pumpSettings);
  const targetLPerMin = flowFor(out.heatW, inputs, state.setpointCel, settings);
  // Without a flow the pump stays where it is: the exchanger's own temperature limits it.
  const missing = (targetLPerMin - knownOf(inputs.flow)) / Math.max(targetLPerMin, 1);
  out.speedPercent = stepPi(pump, missing, dtS, pumpSettings);
}

function mostOf(
  state: HeatDeliveryState,
  { available, condensation }: HeatDeliveryInputs,
  { source, ratingW, approachK }: HeatDeliverySettings,
): number {
  if (source === "two-phase" && !(knownOf(condensation) >= state.setpointCel + approachK)) return 0;
  if (available.state === "absent") return ratingW;
  // What the source has and nobody can see is not promised.
  return isKnown(available) ? clamp(knownOf(available), 0, ratingW) : 0;
}

function flowFor(
  heatW: number,
  { return_ }: HeatDeliveryInputs,
  supplyCel: number,
  { maximumLPerMin, lowestCel }: HeatDeliverySettings,
): number {
  const returnCel = isKnown(return_) ? knownOf(return_) : lowestCel - SMALLEST_RISE_K;
  const riseK = Math.max(supplyCel - returnCel, SMALLEST_RISE_K);
  return Math.min(heatW / (W_PER_L_PER_MIN_K * riseK), maximumLPerMin);
}
