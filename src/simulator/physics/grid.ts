import type { GridParameters } from "./parameters.ts";
import { nextNormal, type RandomState } from "./random.ts";

export interface GridState {
  /** Deviation from nominal, Hz: noise only. */
  noiseHz: number;
  /** Deviation that a scenario asks for, Hz; it runs to its goal at a rate. */
  scriptHz: number;
  scriptGoalHz: number;
  scriptHzPerS: number;
  /** False: the 20 kV bus is dead. */
  isLive: boolean;
  frequencyHz: number;
  /** Line-to-line voltage of the 20 kV bus, V. */
  voltageV: number;
  /** Import positive. */
  importW: number;
  importVar: number;
}

export function gridState(parameters: GridParameters): GridState {
  return {
    noiseHz: 0,
    scriptHz: 0,
    scriptGoalHz: 0,
    scriptHzPerS: 0,
    isLive: true,
    frequencyHz: parameters.nominalFrequencyHz,
    voltageV: parameters.nominalVoltageV * parameters.sourceVoltagePu,
    importW: 0,
    importVar: 0,
  };
}

/** What a scenario asks for, as a deviation from nominal, Hz; at once or at a rate. */
export function scriptFrequency(state: GridState, offsetHz: number, hzPerS = Infinity): void {
  state.scriptGoalHz = offsetHz;
  state.scriptHzPerS = hzPerS;
}

/**
 * Frequency wanders as an Ornstein-Uhlenbeck process; the step is exact for any `dtS`. A dead bus
 * has none.
 */
export function stepFrequency(
  state: GridState,
  parameters: GridParameters,
  random: RandomState,
  dtS: number,
): void {
  const keep = Math.exp(-dtS / parameters.frequencyTauS);
  const spread = parameters.frequencySigmaHz * Math.sqrt(1 - keep * keep);
  state.noiseHz = state.noiseHz * keep + spread * nextNormal(random);
  const leftHz = state.scriptGoalHz - state.scriptHz;
  const stepHz = Math.min(state.scriptHzPerS * dtS, Math.abs(leftHz));
  state.scriptHz += Math.sign(leftHz) * stepHz;
  const liveHz = parameters.nominalFrequencyHz + state.noiseHz + state.scriptHz;
  state.frequencyHz = state.isLive ? liveHz : 0;
}

/** Voltage behind the connection's impedance; second order in the transverse drop. */
export function setImport(
  state: GridState,
  parameters: GridParameters,
  importW: number,
  importVar: number,
): void {
  const { resistancePu: r, reactancePu: x, baseVa, sourceVoltagePu } = parameters;
  const p = importW / baseVa;
  const q = importVar / baseVa;
  const transverse = x * p - r * q;
  const voltagePu = sourceVoltagePu - (r * p + x * q) - 0.5 * transverse * transverse;
  state.importW = importW;
  state.importVar = importVar;
  state.voltageV = state.isLive ? voltagePu * parameters.nominalVoltageV : 0;
}
