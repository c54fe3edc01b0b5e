import type { MeterParameters } from "./parameters.ts";

/** One meter: what it shows, and the energy it has counted. */
export interface MeterState {
  activeW: number;
  reactiveVar: number;
  voltageV: number;
  frequencyHz: number;
  forwardWh: number;
  reverseWh: number;
  /** Sums of the running period. */
  activeSumWs: number;
  reactiveSumVars: number;
}

/** What the meter is connected to at the end of a step. */
export interface MeterInputs {
  readonly activeW: number;
  readonly reactiveVar: number;
  readonly voltageV: number;
  readonly frequencyHz: number;
}

export function meterState(): MeterState {
  return {
    activeW: 0,
    reactiveVar: 0,
    voltageV: 0,
    frequencyHz: 0,
    forwardWh: 0,
    reverseWh: 0,
    activeSumWs: 0,
    reactiveSumVars: 0,
  };
}

/** Counts one step of `dtS`; energy is counted continuously, whatever the display does. */
export function countMeter(state: MeterState, inputs: MeterInputs, dtS: number): void {
  const energyWs = inputs.activeW * dtS;
  state.activeSumWs += energyWs;
  state.reactiveSumVars += inputs.reactiveVar * dtS;
  if (energyWs > 0) state.forwardWh += energyWs / 3600;
  else state.reverseWh -= energyWs / 3600;
}

/** A period of `periodS` ends: the display changes. */
export function showMeter(
  state: MeterState,
  inputs: MeterInputs,
  parameters: MeterParameters,
  periodS: number,
): void {
  const isMean = parameters.isMean && periodS > 0;
  state.activeW = isMean ? state.activeSumWs / periodS : inputs.activeW;
  state.reactiveVar = isMean ? state.reactiveSumVars / periodS : inputs.reactiveVar;
  state.voltageV = inputs.voltageV;
  state.frequencyHz = inputs.frequencyHz;
  state.activeSumWs = 0;
  state.reactiveSumVars = 0;
}
