import { assert } from "../../domain/assert.ts";
import { clamp } from "../arbitration.ts";
import { heldMs, type Held, lagShare, notHeld, stepSeconds } from "./held.ts";
import { isKnown, knownOf, type Measured } from "./measured.ts";
import { createPi, leadPi, type PiSettings, type PiState, stepPi, trackPi } from "./pi.ts";
import type { ThermalMode } from "./thermal-mode.ts";

/**
 * Flow of a coolant loop by the speed of its pumps: as much as takes up the racks' heat with the
 * rise that the site wants. The need follows a rising heat at once and a falling one slowly, so
 * that a lost pump does not look like a smaller need.
 *
 * A pump that is lost shows as less flow at the same speed than before; the others then run faster
 * by the affinity law (flow is proportional to speed), without waiting for the integral.
 *
 * Safe direction: a flow that is lost runs the pumps at `blindSpeedPercent`; a need that is not
 * known leaves them as they are. Too much flow costs only energy.
 */
export interface CoolantFlowSettings {
  /** Rise over the racks, K; §6: 8 to 12, demo site §1: 10. */
  readonly riseK: number;
  readonly minimumLPerMin: number;
  readonly maximumLPerMin: number;
  /** Range and fastest change of the speed that the controller asks for, % and %/s. */
  readonly speedMinimumPercent: number;
  readonly speedMaximumPercent: number;
  readonly speedRatePercentPerS: number;
  readonly blindSpeedPercent: number;
  /** Speed per part of the flow that is missing, and its integral. */
  readonly gainPercent: number;
  readonly integralPercentPerS: number;
  /** The need follows a rising and a falling heat with these lags, s. */
  readonly riseLagS: number;
  readonly fallLagS: number;
  /** So much less flow at one speed is a lost pump, part of the flow; of four pumps one is 0.09. */
  readonly lossPart: number;
  /** It is back when less than this is missing. */
  readonly lossEndPart: number;
  /** After so long it is believed, ms; §6: a few seconds. */
  readonly lossMs: number;
  /** Where the gateway does not set the speed its reading may be older than the flow's, ms. */
  readonly lossUncontrolledMs: number;
  /** Pumps and the reading of their flow need so long for another speed, ms. */
  readonly settleMs: number;
  /** Flow per speed of a healthy loop is learned with this lag, s: filters clog slowly. */
  readonly learnLagS: number;
}

export const COOLANT_FLOW_DEFAULTS: CoolantFlowSettings = {
  riseK: 10,
  minimumLPerMin: 0,
  maximumLPerMin: 1e6,
  speedMinimumPercent: 30,
  speedMaximumPercent: 100,
  speedRatePercentPerS: 10,
  blindSpeedPercent: 100,
  gainPercent: 20,
  integralPercentPerS: 8,
  riseLagS: 5,
  fallLagS: 120,
  lossPart: 0.05,
  lossEndPart: 0.03,
  lossMs: 1_000,
  lossUncontrolledMs: 6_000,
  settleMs: 3_000,
  learnLagS: 60,
};

/** Heat that 1 L/min of coolant takes up per kelvin, W; 4,150 J/(L·K), demo site §1. */
export const W_PER_L_PER_MIN_K = 4_150 / 60;

/** A speed that moved by less has not moved, %. */
const SAME_SPEED_PERCENT = 1;
/** Less is no flow: that of a loop without load. */
const STILL_L_PER_MIN = 50;
const MS_PER_S = 1_000;

/** Plain data. */
export interface CoolantFlowState {
  readonly pi: PiState;
  readonly piSettings: PiSettings;
  /** What the heat of the last minutes needs, L/min; NaN before it is known. */
  needLPerMin: number;
  /** Flow of a healthy loop per % of speed, L/min; NaN before it is known. */
  perPercentLPerMin: number;
  readonly loss: Held;
  /** Speed that the pumps have at least, while they go to another one. */
  laggedPercent: number;
  /** Part of the flow that lost pumps take, as it was found; 0: none is lost. */
  knownMissing: number;
  /** Speed that makes up for it, until the flow shows it. */
  boostPercent: number;
  boostUntil: number;
  steppedAt: number;
  readonly out: CoolantFlowOut;
}

export interface CoolantFlowInputs {
  mode: ThermalMode;
  /** Of the loop, L/min, and the heat that it takes from the racks, W. */
  flow: Measured;
  heat: Measured;
  /** Of the pumps as their device shows it, %. */
  speed: Measured;
  /** Coolant is too hot: as much flow as there is. */
  isHot: boolean;
  /** The zone is isolated: its pumps stand still, and nothing starts them. */
  isIsolated: boolean;
}

export interface CoolantFlowOut {
  /**
   * Speed to ask for, %; 0: stop. In `control` it goes there at its rate, else it is where it would
   * go. NaN: nothing is to be written yet.
   */
  speedPercent: number;
  /** What the heat needs; NaN while it is not known. */
  needLPerMin: number;
  /** What the pumps are run for: the need within the loop's range. */
  targetLPerMin: number;
  isPumpLost: boolean;
  isBlind: boolean;
}

export function createCoolantFlow(settings: CoolantFlowSettings): CoolantFlowState {
  const { riseK, minimumLPerMin, maximumLPerMin, blindSpeedPercent, lossPart } = settings;
  assert(riseK > 0 && minimumLPerMin >= 0, "a loop has a rise and a least flow");
  assert(minimumLPerMin < maximumLPerMin, "a loop has a range of flow");
  assert(settings.speedMinimumPercent >= 0, "pumps do not run backwards");
  assert(blindSpeedPercent >= settings.speedMinimumPercent, "blind pumps run");
  assert(lossPart > settings.lossEndPart && settings.lossEndPart >= 0, "a loss has an end");
  const piSettings: PiSettings = {
    gain: settings.gainPercent,
    integralPerS: settings.integralPercentPerS,
    low: settings.speedMinimumPercent,
    high: settings.speedMaximumPercent,
    ratePerS: settings.speedRatePercentPerS,
  };
  return {
    pi: createPi(piSettings),
    piSettings,
    needLPerMin: Number.NaN,
    perPercentLPerMin: Number.NaN,
    loss: notHeld(),
    laggedPercent: Number.NaN,
    knownMissing: 0,
    boostPercent: Number.NaN,
    boostUntil: -Infinity,
    steppedAt: Number.NaN,
    out: {
      speedPercent: Number.NaN,
      needLPerMin: Number.NaN,
      targetLPerMin: Number.NaN,
      isPumpLost: false,
      isBlind: false,
    },
  };
}

export function stepCoolantFlow(
  state: CoolantFlowState,
  inputs: CoolantFlowInputs,
  settings: CoolantFlowSettings,
  now: number,
): CoolantFlowOut {
  const dtS = stepSeconds(state.steppedAt, now);
  state.steppedAt = now;
  const { out, pi, piSettings } = state;
  followNeed(state, inputs, settings, dtS);
  const isTracking = inputs.mode !== "control" || Number.isNaN(pi.output);
  if (isTracking) trackPi(pi, knownOf(inputs.speed), piSettings);
  out.isBlind = !isKnown(inputs.flow);
  out.needLPerMin = state.needLPerMin;
  out.targetLPerMin = clamp(state.needLPerMin, settings.minimumLPerMin, settings.maximumLPerMin);
  watchPumps(state, inputs, settings, { now, dtS });
  if (inputs.mode === "control")
    out.speedPercent = nextSpeed(state, inputs, settings, { now, dtS });
  else out.speedPercent = aimOf(state, inputs, settings);
  if (inputs.isIsolated) out.speedPercent = 0;
  return out;
}

/** True for a loop that does not flow although its pumps turn: its heat goes unmeasured. */
export function isStandingStill(
  { flow, speed }: Pick<CoolantFlowInputs, "flow" | "speed">,
  { speedMinimumPercent }: CoolantFlowSettings,
): boolean {
  return knownOf(flow) < STILL_L_PER_MIN && knownOf(speed) >= speedMinimumPercent;
}

function followNeed(
  state: CoolantFlowState,
  inputs: CoolantFlowInputs,
  settings: CoolantFlowSettings,
  dtS: number,
): void {
  const { riseK, riseLagS, fallLagS } = settings;
  const heatW = knownOf(inputs.heat);
  if (Number.isNaN(heatW)) return;
  // Heat is measured by the flow: of a loop that is found at a standstill nobody knows it.
  if (Number.isNaN(state.needLPerMin) && isStandingStill(inputs, settings)) return;
  const need = Math.max(0, heatW) / (W_PER_L_PER_MIN_K * riseK);
  if (Number.isNaN(state.needLPerMin)) state.needLPerMin = need;
  const lagS = need > state.needLPerMin ? riseLagS : fallLagS;
  state.needLPerMin += (need - state.needLPerMin) * lagShare(dtS, lagS);
}

function watchPumps(
  state: CoolantFlowState,
  inputs: CoolantFlowInputs,
  settings: CoolantFlowSettings,
  { now, dtS }: { readonly now: number; readonly dtS: number },
): void {
  const { out } = state;
  const speed = speedOf(state, inputs);
  if (Number.isNaN(state.laggedPercent)) state.laggedPercent = speed;
  const follow = lagShare(dtS, settings.settleMs / MS_PER_S);
  if (!Number.isNaN(speed)) state.laggedPercent += (speed - state.laggedPercent) * follow;
  // Pumps on their way from one speed to another are taken to be at the slower one.
  const slower = Math.min(speed, state.laggedPercent);
  const flow = knownOf(inputs.flow);
  // A stopped pump has no flow per speed, and a lost reading says nothing of a pump.
  if (!(slower >= settings.speedMinimumPercent) || Number.isNaN(flow) || inputs.isIsolated) {
    heldMs(state.loss, false, now);
    return;
  }
  const perPercent = flow / slower;
  if (Number.isNaN(state.perPercentLPerMin)) state.perPercentLPerMin = perPercent;
  const missing = 1 - perPercent / Math.max(state.perPercentLPerMin, Number.MIN_VALUE);
  const lossMs = inputs.mode === "control" ? settings.lossMs : settings.lossUncontrolledMs;
  const isMore = missing > state.knownMissing + settings.lossPart;
  if (heldMs(state.loss, isMore, now) >= lossMs) {
    state.knownMissing = missing;
    state.boostPercent = (slower * state.out.targetLPerMin) / Math.max(flow, 1);
    state.boostUntil = now + settings.settleMs;
  }
  if (missing < settings.lossEndPart) state.knownMissing = 0;
  out.isPumpLost = state.knownMissing > 0;
  const isSteady = Math.abs(speed - state.laggedPercent) < SAME_SPEED_PERCENT;
  if (missing > settings.lossPart || !isSteady) return;
  const share = lagShare(dtS, settings.learnLagS);
  state.perPercentLPerMin += (perPercent - state.perPercentLPerMin) * share;
}

/** What the controller set itself is newer than what the device shows of it. */
function speedOf({ pi }: CoolantFlowState, { mode, speed }: CoolantFlowInputs): number {
  return mode === "control" && !Number.isNaN(pi.output) ? pi.output : knownOf(speed);
}

function nextSpeed(
  state: CoolantFlowState,
  inputs: CoolantFlowInputs,
  settings: CoolantFlowSettings,
  { now, dtS }: { readonly now: number; readonly dtS: number },
): number {
  const { pi, piSettings, out } = state;
  if (inputs.isIsolated) {
    // After its release a zone starts again from its slowest.
    trackPi(pi, piSettings.low, piSettings);
    return 0;
  }
  const aim = aimOf(state, inputs, settings);
  if (inputs.isHot || out.isBlind) return leadPi(pi, aim, dtS, piSettings);
  // What made up for a lost pump shows in the flow only after a while.
  if (now < state.boostUntil) return leadPi(pi, state.boostPercent, dtS, piSettings);
  const missing = (out.targetLPerMin - knownOf(inputs.flow)) / Math.max(out.targetLPerMin, 1);
  return stepPi(pi, missing, dtS, piSettings);
}

/** Where the speed is on its way to. */
function aimOf(
  { pi, out }: CoolantFlowState,
  inputs: CoolantFlowInputs,
  settings: CoolantFlowSettings,
): number {
  const { speedMinimumPercent: low, speedMaximumPercent: high, blindSpeedPercent } = settings;
  if (Number.isNaN(pi.output)) return Number.NaN;
  if (inputs.isHot) return high;
  if (out.isBlind) return clamp(blindSpeedPercent, low, high);
  const flow = knownOf(inputs.flow);
  if (Number.isNaN(out.targetLPerMin)) return pi.output;
  // Without any flow there is nothing to divide by: all that there is.
  return flow > 0 ? clamp((pi.output * out.targetLPerMin) / flow, low, high) : high;
}
