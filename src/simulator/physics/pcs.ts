import { assert } from "../../domain/assert.ts";
import type { PowerLimits } from "./battery.ts";
import type { BessParameters } from "./parameters.ts";

/**
 * Power converter of one battery: dead time, limits, ramp, first-order lag, and the reversion that
 * makes it safe when its controller is gone. Power positive when discharging into the site.
 */
export interface PcsState {
  mode: "running" | "stopped" | "fault";
  /** Setpoints on their way through the dead time, oldest first. */
  readonly pending: PendingSetpoint[];
  /** Setpoints that arrived while `pending` was full; the newest one is kept. */
  pendingOverruns: number;
  /** Setpoint behind the dead time, W. */
  targetW: number;
  /** Target after limits and ramp, W. */
  rampedW: number;
  /** Power at the terminals at the end of the step, W. */
  powerW: number;
  /** Mean of it over the step, W: what the battery has to give. */
  meanW: number;
  /** False until the first setpoint: before it nothing can be lost. */
  isCommanded: boolean;
  setpointAgeS: number;
  heartbeatAgeS: number;
  isReverting: boolean;
  /** Energy at the terminals, Wh, both positive. */
  injectedWh: number;
  absorbedWh: number;
}

interface PendingSetpoint {
  leftS: number;
  readonly powerW: number;
}

/** More setpoints than this never wait in a dead time of 50 ms; one more replaces the newest. */
export const PENDING_SETPOINTS_MAX = 16;

export function pcsState(): PcsState {
  return {
    mode: "running",
    pending: [],
    pendingOverruns: 0,
    targetW: 0,
    rampedW: 0,
    powerW: 0,
    meanW: 0,
    isCommanded: false,
    setpointAgeS: 0,
    heartbeatAgeS: 0,
    isReverting: false,
    injectedWh: 0,
    absorbedWh: 0,
  };
}

/**
 * A setpoint arrives. A converter that does not run forgets it.
 *
 * @param laterS how long after the end of the last step; the answer then does not depend on where
 *   in a step the write fell
 */
export function commandPcs(
  state: PcsState,
  parameters: BessParameters,
  powerW: number,
  laterS = 0,
): void {
  assert(Number.isFinite(powerW), "a setpoint is a number");
  if (state.mode !== "running") return;
  if (!state.isCommanded) state.heartbeatAgeS = 0;
  state.isCommanded = true;
  state.setpointAgeS = 0;
  if (state.pending.length >= PENDING_SETPOINTS_MAX) {
    state.pending.pop();
    state.pendingOverruns += 1;
  }
  state.pending.push({ leftS: parameters.deadTimeS + laterS, powerW });
}

/** The controller shows that it lives. */
export function beatPcs(state: PcsState): void {
  state.heartbeatAgeS = 0;
}

/** Forgets every setpoint, as after a reboot: the power falls to zero with the device's ramp. */
export function forgetSetpoint(state: PcsState): void {
  state.pending.length = 0;
  state.targetW = 0;
  state.isCommanded = false;
  state.isReverting = false;
}

/** A trip opens the contactors: the power is gone at once. */
export function tripPcs(state: PcsState): void {
  block(state, "fault");
}

/** A dead bus: a converter that follows the grid has nothing to follow, and forms none itself. */
export function losePcsGrid(state: PcsState): void {
  forgetSetpoint(state);
  state.rampedW = 0;
  state.powerW = 0;
}

/** A stop blocks the converter's gates: that takes no ramp either. */
export function stopPcs(state: PcsState): void {
  block(state, "stopped");
}

function block(state: PcsState, mode: "fault" | "stopped"): void {
  state.mode = mode;
  forgetSetpoint(state);
  state.rampedW = 0;
  state.powerW = 0;
  state.meanW = 0;
}

/** Converter loss over the step, W. An open contactor loses nothing. */
export function pcsLossW(state: PcsState, parameters: BessParameters): number {
  if (state.mode === "fault") return 0;
  const power = Math.abs(state.meanW);
  return (
    parameters.lossConstantW +
    parameters.lossLinear * power +
    (parameters.lossQuadratic * power * power) / parameters.powerRatingW
  );
}

export interface PcsInputs {
  readonly limits: PowerLimits;
  readonly reactiveVar: number;
  /** How long a controller may be silent, s; 0: its setpoint never lapses. */
  readonly reversionAfterS: number;
}

/** Moves the converter by `dtS`. Exact for any step: the segments between events are solved. */
export function stepPcs(
  state: PcsState,
  parameters: BessParameters,
  inputs: PcsInputs,
  dtS: number,
): void {
  if (state.mode !== "running") {
    state.meanW = 0;
    return;
  }
  watch(state, parameters, inputs, dtS);
  const beforeWh = state.injectedWh - state.absorbedWh;
  let leftS = dtS;
  while (leftS > 0) {
    const nextS = state.pending[0]?.leftS ?? Number.POSITIVE_INFINITY;
    const segmentS = Math.min(leftS, nextS);
    advance(state, parameters, inputs, segmentS);
    leftS -= segmentS;
    for (const setpoint of state.pending) setpoint.leftS -= segmentS;
    takeDue(state);
  }
  state.meanW = ((state.injectedWh - state.absorbedWh - beforeWh) * 3600) / dtS;
}

const TINY_S = 1e-12;

function takeDue(state: PcsState): void {
  while ((state.pending[0]?.leftS ?? 1) <= TINY_S) {
    state.targetW = state.pending.shift()?.powerW ?? 0;
  }
}

function watch(state: PcsState, parameters: BessParameters, inputs: PcsInputs, dtS: number): void {
  state.setpointAgeS += dtS;
  state.heartbeatAgeS += dtS;
  const setpointLostS =
    inputs.reversionAfterS > 0 ? inputs.reversionAfterS : Number.POSITIVE_INFINITY;
  const isLost =
    state.setpointAgeS > setpointLostS || state.heartbeatAgeS > parameters.reversionAfterS;
  state.isReverting = state.isCommanded && isLost;
}

/** One stretch without events: the target is constant, the ramp linear, the lag exponential. */
function advance(
  state: PcsState,
  parameters: BessParameters,
  inputs: PcsInputs,
  dtS: number,
): void {
  if (dtS <= 0) return;
  const goalW = state.isReverting ? 0 : state.targetW;
  const limitedW = clampToLimits(goalW, parameters, inputs);
  const rateWPerS = state.isReverting ? parameters.reversionRampWPerS : parameters.rampWPerS;
  const distanceW = limitedW - state.rampedW;
  const rampS = Math.min(dtS, Math.abs(distanceW) / rateWPerS);
  const slopeWPerS = Math.sign(distanceW) * rateWPerS;
  lag(state, parameters, rampS, slopeWPerS);
  if (rampS < dtS) {
    state.rampedW = limitedW;
    lag(state, parameters, dtS - rampS, 0);
  }
}

function clampToLimits(powerW: number, parameters: BessParameters, inputs: PcsInputs): number {
  const apparent = parameters.apparentRatingVa;
  const reactive = Math.min(Math.abs(inputs.reactiveVar), apparent);
  const circleW = Math.sqrt(apparent * apparent - reactive * reactive);
  const dischargeW = Math.min(inputs.limits.dischargeW, circleW);
  const chargeW = Math.min(inputs.limits.chargeW, circleW);
  return Math.min(Math.max(powerW, -chargeW), dischargeW);
}

/** P' = (u − P)/τ with u = u₀ + slope·t, solved over `dtS`, and the energy under it. */
function lag(state: PcsState, parameters: BessParameters, dtS: number, slopeWPerS: number): void {
  if (dtS <= 0) return;
  const tau = parameters.timeConstantS;
  const decay = Math.exp(-dtS / tau);
  const startW = state.rampedW - slopeWPerS * tau;
  const excessW = state.powerW - startW;
  const energyJ = startW * dtS + 0.5 * slopeWPerS * dtS * dtS + excessW * tau * (1 - decay);
  state.rampedW += slopeWPerS * dtS;
  state.powerW = startW + slopeWPerS * dtS + excessW * decay;
  if (energyJ > 0) state.injectedWh += energyJ / 3600;
  else state.absorbedWh -= energyJ / 3600;
}
