import type { GridParameters } from "./parameters.ts";
import { nextNormal, type RandomState } from "./random.ts";

export interface GridState {
  /** Deviation from nominal, Hz: noise only. */
  noiseHz: number;
  /** Deviation that a scenario asks for, Hz. */
  scriptHz: number;
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
    frequencyHz: parameters.nominalFrequencyHz,
    voltageV: parameters.nominalVoltageV * parameters.sourceVoltagePu,
    importW: 0,
    importVar: 0,
  };
}

/** Frequency wanders as an Ornstein-Uhlenbeck process; the step is exact for any `dtS`. */
export function stepFrequency(
  state: GridState,
  parameters: GridParameters,
  random: RandomState,
  dtS: number,
): void {
  const keep = Math.exp(-dtS / parameters.frequencyTauS);
  const spread = parameters.frequencySigmaHz * Math.sqrt(1 - keep * keep);
  state.noiseHz = state.noiseHz * keep + spread * nextNormal(random);
  state.frequencyHz = parameters.nominalFrequencyHz + state.noiseHz + state.scriptHz;
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
  state.voltageV = voltagePu * parameters.nominalVoltageV;
}
