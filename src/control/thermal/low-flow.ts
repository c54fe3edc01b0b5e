import { assert } from "../../domain/assert.ts";
import { type Held, heldMs, notHeld } from "./held.ts";
import { isKnown, isLost, knownOf, type Measured } from "./measured.ts";

/**
 * Too little coolant for the heat of the racks: first the standby pump, then a request to shed
 * load, by the safety table (§6): a standby pump within a few seconds, a shed when the flow stays
 * below the threshold for 5 to 10 s. A loop whose coolant stands still does not wait so long: the
 * demo site's racks are 18 K hotter within a minute (scene 5).
 *
 * Safe direction: the pressure over the loop stands in for a flow that is lost. When flow,
 * pressure and both temperatures are lost nobody knows whether the racks are cooled: that is an
 * alarm, and after `blindShedMs` a reason to shed.
 */
export interface LowFlowSettings {
  /** Below this part of the need the standby pump is started … */
  readonly standbyPart: number;
  readonly standbyMs: number;
  /** … below this one for so long load has to go (§6: 5 to 10 s) … */
  readonly lowPart: number;
  readonly lowMs: number;
  /** … and below this one coolant stands still. */
  readonly stillPart: number;
  readonly stillMs: number;
  /** Pressure over the loop, kPa; §6: 50 to 300. */
  readonly differentialMinimumKpa: number;
  /** A need below this is none, L/min: a loop without load may stand still. */
  readonly idleLPerMin: number;
  /** Without any reading of the loop: an alarm after this, a request to shed after that, ms. */
  readonly blindMs: number;
  readonly blindShedMs: number;
}

export const LOW_FLOW_DEFAULTS: LowFlowSettings = {
  standbyPart: 0.92,
  standbyMs: 2_000,
  lowPart: 0.7,
  lowMs: 6_000,
  stillPart: 0.2,
  stillMs: 2_000,
  differentialMinimumKpa: 50,
  idleLPerMin: 50,
  blindMs: 10_000,
  blindShedMs: 60_000,
};

/** Plain data. */
export interface LowFlowState {
  readonly short: Held;
  readonly low: Held;
  readonly still: Held;
  readonly weak: Held;
  readonly blind: Held;
  readonly out: LowFlowOut;
}

export interface LowFlowInputs {
  flow: Measured;
  differential: Measured;
  supply: Measured;
  return_: Measured;
  /** What the heat needs, L/min; NaN: not known. */
  needLPerMin: number;
  /** The flow controller found a pump that moves nothing. */
  isPumpLost: boolean;
  /** The gateway itself stopped the pumps: its shed is asked for already. */
  isIsolated: boolean;
}

export interface LowFlowOut {
  startStandby: boolean;
  /** Less flow than the standby threshold: told to a person. */
  isShort: boolean;
  /** Load has to be shed for it. */
  isLow: boolean;
  /** Part of the heat that the flow does not take up, 0 to 1. */
  missingPart: number;
  isBlind: boolean;
  isBlindLong: boolean;
  /** Something of the loop is known. */
  isSeen: boolean;
  /** True only where a reading shows that there is enough. */
  isEnough: boolean;
}

export function createLowFlow(settings: LowFlowSettings): LowFlowState {
  const { standbyPart, lowPart, stillPart } = settings;
  assert(standbyPart <= 1 && lowPart <= standbyPart, "a standby pump starts before load is shed");
  assert(stillPart <= lowPart && stillPart >= 0, "still is less than low");
  assert(settings.blindShedMs >= settings.blindMs, "an alarm comes before a shed");
  return {
    short: notHeld(),
    low: notHeld(),
    still: notHeld(),
    weak: notHeld(),
    blind: notHeld(),
    out: {
      startStandby: false,
      isShort: false,
      isLow: false,
      missingPart: 0,
      isBlind: false,
      isBlindLong: false,
      isSeen: false,
      isEnough: false,
    },
  };
}

export function stepLowFlow(
  state: LowFlowState,
  inputs: LowFlowInputs,
  settings: LowFlowSettings,
  now: number,
): LowFlowOut {
  const { out } = state;
  // A loop without load needs nothing; a need that is not known is none yet.
  const isNeeded = inputs.needLPerMin > settings.idleLPerMin && !inputs.isIsolated;
  const part = isNeeded ? knownOf(inputs.flow) / inputs.needLPerMin : Number.NaN;
  const isWeak = isNeeded && knownOf(inputs.differential) < settings.differentialMinimumKpa;
  const shortMs = heldMs(state.short, part < settings.standbyPart || isWeak, now);
  const lowMs = heldMs(state.low, part < settings.lowPart, now);
  const stillMs = heldMs(state.still, part < settings.stillPart, now);
  // A pressure stands in for a flow that is lost; beside a good flow it starts a pump, no more.
  const weakMs = heldMs(state.weak, isWeak && !isKnown(inputs.flow), now);
  out.isShort = shortMs >= settings.standbyMs;
  out.startStandby = inputs.isPumpLost || out.isShort;
  out.isLow = lowMs >= settings.lowMs || stillMs >= settings.stillMs || weakMs >= settings.lowMs;
  out.missingPart = missingOf(part, out.isLow);
  const isUnseen = isBlind(inputs);
  const blindMs = heldMs(state.blind, isUnseen && !inputs.isIsolated, now);
  out.isSeen = !isUnseen;
  out.isBlind = blindMs >= settings.blindMs;
  out.isBlindLong = blindMs >= settings.blindShedMs;
  out.isEnough = isEnough(inputs, settings, part);
  return out;
}

function missingOf(part: number, isLow: boolean): number {
  if (!isLow) return 0;
  return Number.isNaN(part) ? 1 : Math.min(1, Math.max(0, 1 - part));
}

function isBlind({ flow, differential, supply, return_ }: LowFlowInputs): boolean {
  const isAnyFitted = [flow, differential, supply, return_].some(isLost);
  return isAnyFitted && ![flow, differential, supply, return_].some(isKnown);
}

function isEnough(inputs: LowFlowInputs, settings: LowFlowSettings, part: number): boolean {
  if (Number.isNaN(inputs.needLPerMin)) return false;
  if (inputs.needLPerMin <= settings.idleLPerMin) return isKnown(inputs.flow);
  if (isKnown(inputs.flow)) return part >= settings.standbyPart;
  return knownOf(inputs.differential) >= settings.differentialMinimumKpa;
}
