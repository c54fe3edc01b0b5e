import { assert } from "../domain/assert.ts";
import type { MonotonicMs } from "../domain/time.ts";
import { numberAt } from "../points/number-at.ts";
import { clamp, lowerCeiling, type PowerBox, raiseFloor, towards } from "./arbitration.ts";
import {
  assertFrequencyLimits,
  forgetFrequency,
  type FrequencyLimits,
  type FrequencyReading,
  type FrequencyVerdict,
  noFrequency,
  readFrequency,
} from "./frequency-reading.ts";
import {
  type FrequencyShape,
  powerShareAt,
  shapeProblem,
  type ShapeTable,
  shapeTable,
} from "./frequency-shape.ts";

/** What the site has promised to the grid. Powers in W, as seen at the grid. */
export interface FrequencySettings {
  readonly reading: FrequencyLimits;
  readonly shape: FrequencyShape;
  /** What a share of 1 is, in each direction. */
  readonly dischargeW: number;
  readonly chargeW: number;
  /** From a sudden deviation to full power, ms; at most 1,000. */
  readonly fullInMs: number;
  /** Without a frequency that is believed, the power is held this long, ms; at most 1,000 … */
  readonly holdMs: number;
  /** … and then goes to 0 at this rate, W/s. */
  readonly releaseWPerS: number;
  /** Full power must be possible for this long, s. */
  readonly sustainS: number;
  /** What was used of that energy is to be there again after this long, s. */
  readonly restoreS: number;
  /** Energy taken from the battery is the power given / this; stored is the power taken · this. */
  readonly dischargeEfficiency: number;
  readonly chargeEfficiency: number;
}

/** What became of the answer in this cycle. */
export type FrequencyChange = "none" | "activated" | "ended";

/** `inactive` asks for nothing, `holding` and `releasing` without a frequency to go by. */
export type FrequencyMode = "inactive" | "active" | "holding" | "releasing";

/** Plain data. */
export interface FrequencyState {
  readonly settings: FrequencySettings;
  readonly table: ShapeTable;
  readonly reading: FrequencyReading;
  steppedAt: number;
  /** When a frequency was last believed, monotonic ms. */
  knownAt: number;
  dutyW: number;
  /** When the answer began; undefined while there is none. */
  activeSince: number | undefined;
  /** When it was last more than nothing. */
  busyAt: number;
  /** Of the energy and the room that are held, used and not given back yet, J. */
  usedEnergyJ: number;
  usedRoomJ: number;
}

/** Reused from cycle to cycle. */
export interface FrequencyInputs {
  now: MonotonicMs;
  /** NaN unless a reading of good quality is fresh: ages are the caller's business. */
  frequencyHz: number;
  /** When it was received, monotonic ms. */
  receivedAt: number;
  /** What the devices and the levels above leave, W; the first at most 0, the second at least. */
  boxLowW: number;
  boxHighW: number;
}

/** Reused from cycle to cycle. */
export interface FrequencyOut {
  mode: FrequencyMode;
  verdict: FrequencyVerdict;
  /** Filtered; NaN while no frequency is believed. */
  deviationHz: number;
  /** Battery power on top of everything else, W; positive discharges, at low frequency. */
  dutyW: number;
  /** What is asked for and cannot be given, W, with its sign. */
  shortW: number;
  change: FrequencyChange;
  /** True while an answer is going on: the ramp limit does not hold for it. */
  isActive: boolean;
  /** For how long, s; at its end how long it was. */
  activeS: number;
  /** Given in this answer, J; negative: taken. */
  givenJ: number;
  /** Everything else leaves this much power free in each direction, W. */
  reserveDischargeW: number;
  reserveChargeW: number;
  /** Everything else leaves this much energy, and this much room, in the battery, J. */
  reserveEnergyJ: number;
  reserveRoomJ: number;
}

export const FULL_MAX_MS = 1_000;
export const HOLD_MAX_MS = 1_000;
/** Less than this part of the power is no answer worth an event … */
const ACTIVE_SHARE = 0.01;
/** … and one that stays below it this long has ended, ms. */
const QUIET_MS = 5_000;
/** A step is never counted longer than this, s: after a pause nothing jumps. */
const LONGEST_STEP_S = 0.5;

export function createFrequencyResponse(
  settings: FrequencySettings,
  now: MonotonicMs,
): FrequencyState {
  assertFrequencySettings(settings);
  return {
    settings,
    table: shapeTable(settings.shape),
    reading: noFrequency(),
    steppedAt: now,
    knownAt: -Infinity,
    dutyW: 0,
    activeSince: undefined,
    busyAt: -Infinity,
    usedEnergyJ: 0,
    usedRoomJ: 0,
  };
}

export function frequencyInputs(now: MonotonicMs): FrequencyInputs {
  return { now, frequencyHz: Number.NaN, receivedAt: now, boxLowW: 0, boxHighW: 0 };
}

export function frequencyOut(): FrequencyOut {
  return {
    mode: "inactive",
    verdict: "missing",
    deviationHz: Number.NaN,
    dutyW: 0,
    shortW: 0,
    change: "none",
    isActive: false,
    activeS: 0,
    givenJ: 0,
    reserveDischargeW: 0,
    reserveChargeW: 0,
    reserveEnergyJ: 0,
    reserveRoomJ: 0,
  };
}

/** Our own configuration is checked before it gets here: what is wrong is our bug. */
function assertFrequencySettings(settings: FrequencySettings): void {
  const { shape, dischargeW, chargeW, fullInMs, holdMs } = settings;
  assertFrequencyLimits(settings.reading);
  const problem = shapeProblem(shape);
  assert(problem === undefined, problem ?? "");
  assert(dischargeW >= 0 && chargeW >= 0 && dischargeW + chargeW > 0, "there is power to give");
  assert(fullInMs > 0 && fullInMs <= FULL_MAX_MS, "full power within a second");
  assert(holdMs >= 0 && holdMs <= HOLD_MAX_MS, "a power without a reason is held a second at most");
  assert(settings.releaseWPerS > 0, "a held power is let go");
  assert(settings.sustainS >= 0 && settings.restoreS > 0, "energy is kept and given back in time");
  const { dischargeEfficiency, chargeEfficiency } = settings;
  assert(dischargeEfficiency > 0 && dischargeEfficiency <= 1, "efficiencies in (0, 1]");
  assert(chargeEfficiency > 0 && chargeEfficiency <= 1, "efficiencies in (0, 1]");
}

/** One control cycle: reads `inputs`, moves `state`, writes `out`. Never throws on plant data. */
export function stepFrequencyResponse(
  state: FrequencyState,
  inputs: FrequencyInputs,
  out: FrequencyOut,
): void {
  const { settings, reading } = state;
  const { now } = inputs;
  const sinceS = (now - state.steppedAt) / 1_000;
  assert(sinceS >= 0, "time ran backwards between two cycles of the frequency response");
  state.steppedAt = now;
  const elapsedS = Math.min(sinceS, LONGEST_STEP_S);
  out.givenJ += state.dutyW * elapsedS;
  countUsed(state, elapsedS);
  out.verdict = readFrequency(reading, settings.reading, inputs, elapsedS);
  if (out.verdict === "good") state.knownAt = now;
  out.deviationHz = reading.frequencyHz - settings.reading.nominalHz;
  const wantedW = wantedPower(state, out, { now, elapsedS });
  state.dutyW = clamp(wantedW, Math.min(inputs.boxLowW, 0), Math.max(inputs.boxHighW, 0));
  out.dutyW = state.dutyW;
  out.shortW = wantedW - state.dutyW;
  followActivity(state, out, now);
  tellReserve(state, out);
}

/**
 * Leaves the reserve free in a box for the levels below, with the answer of now already in it: they
 * move between what is left, and the answer comes on top.
 */
export function keepFrequencyReserve(box: PowerBox, out: Readonly<FrequencyOut>): void {
  const { dutyW, reserveChargeW, reserveDischargeW } = out;
  const { lowW, highW } = box;
  lowerCeiling(box, Math.min(highW, highW - reserveDischargeW + dutyW), "frequency-duty");
  raiseFloor(box, Math.max(lowW, lowW + reserveChargeW + dutyW), "frequency-duty");
}

function wantedPower(
  state: FrequencyState,
  out: FrequencyOut,
  { now, elapsedS }: { readonly now: number; readonly elapsedS: number },
): number {
  const { settings, dutyW, table } = state;
  if (out.verdict === "good") {
    const share = powerShareAt(table, out.deviationHz);
    const goalW = share * (share > 0 ? settings.dischargeW : settings.chargeW);
    out.mode = goalW === 0 && dutyW === 0 ? "inactive" : "active";
    const fullW = Math.max(settings.dischargeW, settings.chargeW);
    // Also the way back after a loss: what was let go comes in by the same slope, not by a step.
    return towards(dutyW, goalW, (fullW * elapsedS * 1_000) / settings.fullInMs);
  }
  if (now - state.knownAt <= settings.holdMs) {
    out.mode = dutyW === 0 ? "inactive" : "holding";
    return dutyW;
  }
  forgetFrequency(state.reading);
  out.deviationHz = Number.NaN;
  out.mode = dutyW === 0 ? "inactive" : "releasing";
  return towards(dutyW, 0, settings.releaseWPerS * elapsedS);
}

function followActivity(state: FrequencyState, out: FrequencyOut, now: number): void {
  const { settings, dutyW } = state;
  const leastW = ACTIVE_SHARE * (dutyW > 0 ? settings.dischargeW : settings.chargeW);
  const isBusy = dutyW !== 0 && Math.abs(dutyW) >= leastW;
  if (isBusy) state.busyAt = now;
  out.change = "none";
  if (state.activeSince === undefined) {
    if (!isBusy) return;
    state.activeSince = now;
    out.change = "activated";
    out.givenJ = 0;
  } else if (now - state.busyAt >= QUIET_MS) {
    state.activeSince = undefined;
    out.change = "ended";
    out.isActive = false;
    return;
  }
  out.isActive = true;
  out.activeS = (now - state.activeSince) / 1_000;
}

/** What was used is counted, and after the answer asked back little by little. */
function countUsed(state: FrequencyState, elapsedS: number): void {
  const { settings, dutyW } = state;
  const energyJ = fullEnergyJ(state);
  const roomJ = fullRoomJ(state);
  const usedJ = (Math.max(dutyW, 0) * elapsedS) / settings.dischargeEfficiency;
  const filledJ = Math.max(-dutyW, 0) * elapsedS * settings.chargeEfficiency;
  // What one direction uses is there for the other: the battery is one store.
  const isOver = state.activeSince === undefined;
  const backShare = isOver ? elapsedS / settings.restoreS : 0;
  const energyBackJ = filledJ + backShare * energyJ;
  const roomBackJ = usedJ + backShare * roomJ;
  state.usedEnergyJ = clamp(state.usedEnergyJ + usedJ - energyBackJ, 0, energyJ);
  state.usedRoomJ = clamp(state.usedRoomJ + filledJ - roomBackJ, 0, roomJ);
}

function tellReserve(state: FrequencyState, out: FrequencyOut): void {
  out.reserveDischargeW = mostDischargeW(state);
  out.reserveChargeW = mostChargeW(state);
  out.reserveEnergyJ = fullEnergyJ(state) - state.usedEnergyJ;
  out.reserveRoomJ = fullRoomJ(state) - state.usedRoomJ;
}

function fullEnergyJ(state: FrequencyState): number {
  const { sustainS, dischargeEfficiency } = state.settings;
  return (mostDischargeW(state) * sustainS) / dischargeEfficiency;
}

function fullRoomJ(state: FrequencyState): number {
  const { sustainS, chargeEfficiency } = state.settings;
  return mostChargeW(state) * sustainS * chargeEfficiency;
}

/** The most that the shape can ask for: it descends, so at its ends. */
function mostDischargeW({ settings, table }: FrequencyState): number {
  return settings.dischargeW * Math.max(numberAt(table.powerShares, 0), 0);
}

function mostChargeW({ settings, table }: FrequencyState): number {
  const { powerShares } = table;
  return settings.chargeW * Math.max(-numberAt(powerShares, powerShares.length - 1), 0);
}
