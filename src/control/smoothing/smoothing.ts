import { assert } from "../../domain/assert.ts";
import type { MonotonicMs } from "../../domain/time.ts";
import { clamp, towards } from "../arbitration.ts";
import {
  announcedEnvelope,
  announcedTargetW,
  type AnnouncementState,
  noAnnouncements,
} from "./announcements.ts";
import {
  createDelayTrack,
  delayRequest,
  type DelayEstimate,
  type DelayRequest,
  type DelayTrack,
  trackDelay,
} from "./delay.ts";
import {
  deadbandOf,
  deadZone,
  emptyThroughput,
  type EnergyState,
  stepEnergy,
  stepThroughput,
  type ThroughputState,
} from "./energy.ts";
import type {
  SmoothingDegraded,
  SmoothingInputs,
  SmoothingMode,
  SmoothingOut,
} from "./exchange.ts";
import {
  type BatteryBox,
  dischargeNeedJ,
  type GovernorInputs,
  governorState,
  type GovernorState,
  marginJ,
  narrowByEnergy,
  settlePower,
  stepGovernor,
} from "./governor.ts";
import {
  backAt,
  clearHistory,
  copyNewest,
  emptyHistory,
  type History,
  push,
} from "./predictor/history.ts";
import {
  createPredictor,
  errorShare,
  expertOf,
  type PredictorState,
  resetPredictor,
  setAhead,
  stepPredictor,
  takeCoefficients,
} from "./predictor/predictor.ts";
import { type Coefficients, type RefitRequest, refitCycles } from "./predictor/refit.ts";
import { beginRest, endRest, offsetAfter } from "./rest.ts";
import { createResonance, type ResonanceState, stepResonance } from "./resonance.ts";
import { assertSettings, LAW, LONGEST_STEP_S, type SmoothingSettings } from "./settings.ts";
import {
  createSupervisor,
  restartSupervisor,
  stepSupervisor,
  type SupervisorState,
} from "./supervisor.ts";

/** All that smoothing remembers. Plain data; after it is made it never grows. */
export interface SmoothingState {
  readonly settings: SmoothingSettings;
  delayMs: number;
  steppedAt: MonotonicMs;
  mode: SmoothingMode;
  /** Slow mean of the load, W. */
  meanW: number;
  /** Mean of the last few seconds, W. */
  recentW: number;
  loadW: number;
  /** Since when the load is not known; −1: it is. */
  lostAt: number;
  /** True when it has not been known for so long that the battery ramps away. */
  isBlind: boolean;
  /** What was last asked for, W, and the duty in it. */
  commandW: number;
  dutyW: number;
  trimW: number;
  /** What is left of the beginning or the end of a rest, W: see `rest.ts`. */
  restOffsetW: number;
  /** Cycles in which the battery has been far from what it was asked for. */
  strayCycles: number;
  readonly references: History;
  readonly commands: History;
  readonly box: BatteryBox;
  readonly governor: GovernorState;
  readonly governorInputs: GovernorInputs;
  readonly predictor: PredictorState;
  readonly supervisor: SupervisorState;
  readonly resonance: ResonanceState;
  readonly announcements: AnnouncementState;
  readonly energy: EnergyState;
  readonly throughput: ThroughputState;
  readonly delay: DelayTrack;
}

/** Most that a trim adds, part of the rating. */
const TRIM_SHARE = 0.01;
const TRIM_S = 10;
/** The command and the measured power may differ by this part of the rating … */
const STRAY_SHARE = 0.05;
/** … for this many delays. */
const STRAY_DELAYS = 10;
/** The load that a cap is measured against. */
const RECENT_S = 3;
/** After a pause no more cycles than this are filled with the value of now. */
const FILLED_MAX = 10;

export function createSmoothing(settings: SmoothingSettings, now: MonotonicMs): SmoothingState {
  assertSettings(settings);
  const { delayMs, delayMaxMs, cycleMs, lowW, highW } = settings;
  const kept = Math.ceil(delayMaxMs / cycleMs) + 2;
  const envelope = { lowW, highW, laterLowW: lowW, laterHighW: highW, laterInS: 0 };
  return {
    settings,
    delayMs,
    steppedAt: now,
    mode: "init",
    meanW: Number.NaN,
    recentW: Number.NaN,
    loadW: Number.NaN,
    lostAt: now,
    isBlind: true,
    commandW: 0,
    dutyW: 0,
    trimW: 0,
    restOffsetW: 0,
    strayCycles: 0,
    references: emptyHistory(kept),
    commands: emptyHistory(kept),
    box: { lowW: 0, highW: 0 },
    governor: governorState(Number.NaN),
    governorInputs: {
      elapsedS: 0,
      energyJ: Number.NaN,
      usableJ: Number.NaN,
      targetW: Number.NaN,
      dispatchW: 0,
      isEnergyMoved: false,
      capW: Infinity,
      capReserveJ: 0,
      envelope,
    },
    predictor: createPredictor(settings),
    supervisor: createSupervisor(),
    resonance: createResonance(settings),
    announcements: noAnnouncements(),
    energy: { storedJ: Number.NaN },
    throughput: emptyThroughput(),
    delay: createDelayTrack(cycleMs),
  };
}

/** One control cycle: reads `inputs`, moves `state`, writes `out`. Never throws on plant data. */
export function stepSmoothing(
  state: SmoothingState,
  inputs: SmoothingInputs,
  out: SmoothingOut,
): void {
  const sinceMs = inputs.now - state.steppedAt;
  assert(sinceMs >= 0, "time ran backwards between two cycles of smoothing");
  state.steppedAt = inputs.now;
  const elapsedS = Math.min(sinceMs / 1_000, LONGEST_STEP_S);
  state.governor.breachW = 0;
  out.capHoldS = Infinity;
  countEnergy(state, inputs, elapsedS);
  const isBlind = noteLoad(state, inputs);
  if (isBlind || isOff(state, inputs)) letGo(state, inputs, { elapsedS, isBlind });
  else smooth(state, inputs, { elapsedS, out });
  push(state.references, state.governor.referenceW);
  push(state.commands, state.commandW);
  trackDelay(state.delay, state.commandW, inputs.answerW);
  watchFollowing(state, inputs);
  if (!Number.isNaN(inputs.gridW)) stepResonance(state.resonance, state.settings, inputs.gridW);
  tell(state, out);
}

function countEnergy(state: SmoothingState, inputs: SmoothingInputs, elapsedS: number): void {
  const { settings, governorInputs } = state;
  const batteryW = Number.isNaN(inputs.batteryW) ? state.commandW : inputs.batteryW;
  stepEnergy(state.energy, settings, batteryW, { readingJ: inputs.storedJ, elapsedS });
  stepThroughput(state.throughput, settings, batteryW, elapsedS);
  governorInputs.elapsedS = elapsedS;
  governorInputs.energyJ = state.energy.storedJ - inputs.floorJ;
  governorInputs.usableJ = inputs.ceilingJ - inputs.floorJ;
}

function isOff(state: SmoothingState, inputs: SmoothingInputs): boolean {
  return !inputs.isEnabled || state.throughput.isSpent || Number.isNaN(state.energy.storedJ);
}

/**
 * A load that is not known is taken to be what it was, for a while; then this is true, and the
 * battery ramps away.
 */
function noteLoad(state: SmoothingState, inputs: SmoothingInputs): boolean {
  if (!Number.isNaN(inputs.loadW)) {
    state.loadW = inputs.loadW;
    // What comes after a gap does not continue what was before it.
    if (state.isBlind) forgetLoad(state);
    state.isBlind = false;
    state.lostAt = -1;
    return false;
  }
  if (state.lostAt < 0) state.lostAt = inputs.now;
  state.isBlind ||= inputs.now - state.lostAt > state.settings.blindMs;
  return state.isBlind;
}

function forgetLoad(state: SmoothingState): void {
  resetPredictor(state.predictor);
  restartSupervisor(state.supervisor);
  state.recentW = state.loadW;
  if (Number.isNaN(state.meanW)) state.meanW = state.loadW;
}

/** Off, or blind: the battery is let go at the ramp, and the reference is what the grid gives. */
function letGo(
  state: SmoothingState,
  inputs: SmoothingInputs,
  { elapsedS, isBlind }: { readonly elapsedS: number; readonly isBlind: boolean },
): void {
  const isKnown = !Number.isNaN(state.energy.storedJ) && !Number.isNaN(state.loadW);
  state.mode = isKnown ? "standby" : "init";
  rampAway(state, elapsedS);
  setBox(state, inputs);
  ask(state, inputs, state.commandW - state.dutyW);
  if (isBlind) return;
  takeLoad(state, elapsedS);
  stepPredictor(state.predictor, state.loadW, state.meanW, true);
  state.governor.referenceW = measuredGridW(state, inputs);
}

/** The duty comes on top of what the box leaves to smoothing. */
function ask(state: SmoothingState, { dutyW }: SmoothingInputs, powerW: number): void {
  state.dutyW = dutyW;
  state.commandW = clamp(powerW, state.box.lowW, state.box.highW) + dutyW;
}

function rampAway(state: SmoothingState, elapsedS: number): void {
  const { rampUpWPerS, rampDownWPerS } = state.settings;
  // A discharge that ends lets the grid power rise.
  const rampWPerS = state.commandW > state.dutyW ? rampUpWPerS : rampDownWPerS;
  state.commandW = towards(state.commandW, state.dutyW, rampWPerS * elapsedS);
  state.trimW = 0;
}

function setBox(state: SmoothingState, inputs: SmoothingInputs): void {
  const { dischargeRatingW, chargeRatingW } = state.settings;
  state.box.lowW = Math.max(-chargeRatingW, inputs.boxLowW);
  state.box.highW = Math.max(Math.min(dischargeRatingW, inputs.boxHighW), state.box.lowW);
}

/** What the grid gives, without the duty: that is none of the reference's business. */
function measuredGridW(state: SmoothingState, inputs: SmoothingInputs): number {
  const batteryW = Number.isNaN(inputs.batteryW) ? state.commandW : inputs.batteryW;
  return state.loadW - batteryW + state.dutyW;
}

/** The load of this cycle goes into its slow mean; cycles that were skipped are filled with it. */
function takeLoad(state: SmoothingState, elapsedS: number): void {
  const { loadW } = state;
  state.meanW += Math.min(1, elapsedS / LAW.meanS) * (loadW - state.meanW);
  state.recentW += Math.min(1, elapsedS / RECENT_S) * (loadW - state.recentW);
  const skipped = Math.round((elapsedS * 1_000) / state.settings.cycleMs) - 1;
  for (let cycle = 0; cycle < Math.min(skipped, FILLED_MAX); cycle += 1)
    stepPredictor(state.predictor, loadW, state.meanW, true);
}

interface Turn {
  readonly elapsedS: number;
  readonly out: SmoothingOut;
}

function smooth(state: SmoothingState, inputs: SmoothingInputs, { elapsedS, out }: Turn): void {
  const { governor, predictor, supervisor, settings } = state;
  const { loadW } = state;
  takeLoad(state, elapsedS);
  if (state.mode === "init" || state.mode === "standby") start(state, inputs);
  const { gridW } = inputs;
  if (!Number.isNaN(gridW)) {
    const readings = { loadW, gridW, errorShare: errorShare(predictor) };
    const wasResting = supervisor.restS > 0;
    stepSupervisor(supervisor, settings, readings, elapsedS);
    if (!wasResting && supervisor.restS > 0) beginRest(state);
    if (wasResting && supervisor.restS === 0) endRest(state);
  }
  const isSlowOnly = supervisor.restS > 0;
  const envelope = state.governorInputs.envelope;
  announcedEnvelope(state.announcements, settings, envelope, { now: inputs.now, loadW });
  const isAnnounced = aim(state, inputs);
  const beforeW = governor.referenceW;
  stepGovernor(governor, settings, state.governorInputs, state.delayMs / 1_000);
  const movedW = governor.referenceW - beforeW;
  state.restOffsetW = offsetAfter(state.restOffsetW, settings, { movedW, elapsedS });
  const saidW = stepPredictor(predictor, loadW, state.meanW, isSlowOnly);
  const predictedW = clamp(saidW, envelope.lowW, envelope.highW);
  out.predictedW = predictedW;
  answer(state, inputs, clamp(predictedW + state.restOffsetW, envelope.lowW, envelope.highW));
  out.capHoldS = capLastsS(state, inputs.capW);
  const isPredicting = !isSlowOnly && expertOf(predictor) !== "hold";
  if (isAnnounced) state.mode = "announced";
  else state.mode = isPredicting ? "predict" : "track";
}

/** The reference begins at what the grid gives now, so the battery goes on with what it does. */
function start(state: SmoothingState, inputs: SmoothingInputs): void {
  const { lowW, highW } = state.settings;
  state.governor.referenceW = clamp(measuredGridW(state, inputs), lowW, highW);
  clearHistory(state.references);
  state.trimW = 0;
  state.restOffsetW = 0;
  restartSupervisor(state.supervisor);
}

/** Where the reference goes; true when that is an announced level. */
function aim(state: SmoothingState, inputs: SmoothingInputs): boolean {
  const { announcements, governorInputs, settings } = state;
  const { dispatchW } = inputs;
  const announcedW = announcedTargetW(announcements, settings, inputs.now, state.loadW);
  // The level that was announced is the mean from now on, without waiting for it to be seen.
  if (announcements.ended?.as === "happened") state.meanW = announcedW;
  const isAnnounced = !Number.isNaN(announcedW);
  governorInputs.isEnergyMoved = isAnnounced || dispatchW !== 0;
  governorInputs.targetW = (isAnnounced ? announcedW : state.meanW) - dispatchW;
  governorInputs.dispatchW = dispatchW;
  governorInputs.capW = inputs.capW;
  governorInputs.capReserveJ = inputs.capReserveJ;
  return isAnnounced;
}

/** Equation (1), inside what the proof asks of it, the battery's box and its energy. */
function answer(state: SmoothingState, inputs: SmoothingInputs, predictedW: number): void {
  const { governor, settings, box } = state;
  const { lowW, highW } = settings;
  const delayS = state.delayMs / 1_000;
  const deadbandW = deadbandOf(state.throughput, settings);
  setBox(state, inputs);
  const powerHighW = box.highW;
  const powerLowW = box.lowW;
  narrowByEnergy(box, settings, state.governorInputs, { beforeW: state.commandW, delayS });
  const wantedW = deadZone(predictedW - governor.referenceW, deadbandW);
  const isPower = wantedW > powerHighW || wantedW < powerLowW;
  const powerW = settlePower(governor, wantedW, box, isPower ? "power-limit" : "energy-limit");
  const isAnswered = powerW === wantedW && inputs.dutyW === 0 && state.restOffsetW === 0;
  if (isAnswered) trim(state, inputs, deadbandW);
  // The trim, too, stays inside what the energy was counted with.
  const leastW = Math.min(lowW - governor.referenceW, 0);
  const mostW = Math.max(highW - governor.referenceW, 0);
  ask(state, inputs, clamp(powerW + state.trimW, leastW, mostW));
}

/**
 * Takes away what is always wrong by a little: the gain of a converter, the zero of a meter. It
 * stands still while the battery cannot do what it is asked for.
 */
function trim(state: SmoothingState, inputs: SmoothingInputs, deadbandW: number): void {
  const { settings, governorInputs } = state;
  const wasW = backAt(state.references, Math.max(state.delayMs / settings.cycleMs - 1, 0));
  if (Number.isNaN(wasW) || Number.isNaN(inputs.gridW)) return;
  const errorW = deadZone(inputs.gridW - wasW, deadbandW);
  const slowS = Math.max(TRIM_S, (10 * state.delayMs) / 1_000);
  const mostW = TRIM_SHARE * Math.min(settings.dischargeRatingW, settings.chargeRatingW);
  const nextW = state.trimW + (errorW * governorInputs.elapsedS) / slowS;
  state.trimW = clamp(nextW, -mostW, mostW);
}

/** How long a cap can be kept at the load of now, s; Infinity: as long as one likes. */
export function capLastsS(state: SmoothingState, capW: number): number {
  const overW = state.recentW - capW;
  if (!(overW > 0)) return Infinity;
  const { settings, governorInputs, delayMs } = state;
  const keptW = Math.max(capW, settings.lowW);
  const needJ = dischargeNeedJ(settings, governorInputs.envelope, keptW);
  const spareJ = governorInputs.energyJ - needJ - marginJ(settings, delayMs / 1_000);
  return (Math.max(spareJ, 0) * settings.dischargeEfficiency) / overW;
}

function watchFollowing(state: SmoothingState, inputs: SmoothingInputs): void {
  const { settings, delayMs } = state;
  const askedW = backAt(state.commands, Math.min(delayMs / settings.cycleMs, maxBack(state)));
  if (Number.isNaN(inputs.batteryW) || Number.isNaN(askedW)) return;
  const ratingW = Math.max(settings.dischargeRatingW, settings.chargeRatingW);
  const isStray = Math.abs(inputs.batteryW - askedW) > STRAY_SHARE * ratingW;
  state.strayCycles = isStray ? state.strayCycles + 1 : 0;
}

function maxBack(state: SmoothingState): number {
  return Math.max(state.commands.count - 1, 0);
}

function degradedOf(state: SmoothingState): SmoothingDegraded {
  if (state.isBlind) return "blind";
  if (state.lostAt >= 0) return "load-unknown";
  const strayMs = state.strayCycles * state.settings.cycleMs;
  return strayMs > STRAY_DELAYS * state.delayMs ? "battery-does-not-follow" : "none";
}

function tell(state: SmoothingState, out: SmoothingOut): void {
  const { governor, mode } = state;
  out.powerW = state.commandW;
  out.referenceW = governor.referenceW;
  out.mode = mode;
  out.degraded = degradedOf(state);
  out.breachW = governor.breachW;
  out.deadbandW = deadbandOf(state.throughput, state.settings);
  const isActive = mode === "track" || mode === "predict" || mode === "announced";
  out.isGuaranteed =
    isActive && out.degraded === "none" && governor.isViable && governor.breachW === 0;
}

/** What a refit beside the cycle works on. Its array is its own; made about once a second. */
export function refitRequest(state: SmoothingState): RefitRequest {
  const { settings, predictor } = state;
  const loadW = new Float64Array(refitCycles(settings.cycleMs, settings.delayMaxMs));
  const count = copyNewest(predictor.load, loadW);
  return { loadW, count, cycleMs: settings.cycleMs, aheadCycles: predictor.aheadCycles };
}

/** Takes what a refit has found: an input of the next cycle. */
export function takeRefit(state: SmoothingState, coefficients: Coefficients): void {
  takeCoefficients(state.predictor, coefficients);
}

/** What a search for the delay of the whole loop works on. */
export function loopDelayRequest(state: SmoothingState): DelayRequest {
  const { cycleMs, delayMaxMs, dischargeRatingW } = state.settings;
  return delayRequest(state.delay, { cycleMs, delayMaxMs, ratingW: dischargeRatingW });
}

/** Smallest change of the delay that is worth to begin anew, part of a cycle. */
const DELAY_STEP = 0.5;

/** Takes a delay that was found; true when it changes what is used. */
export function takeDelay(state: SmoothingState, estimate: DelayEstimate): boolean {
  if (estimate.result !== "found") return false;
  const { cycleMs, delayMaxMs, unseenMs } = state.settings;
  const delayMs = clamp(estimate.delayMs + unseenMs, cycleMs, delayMaxMs);
  if (Math.abs(delayMs - state.delayMs) < DELAY_STEP * cycleMs) return false;
  state.delayMs = delayMs;
  setAhead(state.predictor, delayMs / cycleMs);
  // With the right delay predictions get another chance at once.
  if (state.supervisor.restS > 0) endRest(state);
  state.supervisor.restS = 0;
  restartSupervisor(state.supervisor);
  return true;
}
