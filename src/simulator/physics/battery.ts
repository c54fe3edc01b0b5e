import type { BessParameters } from "./parameters.ts";

/** Direct-current side of one battery. Current and power positive when discharging. */
export interface BatteryState {
  /** State of charge, 0 to 1. */
  soc: number;
  temperatureCel: number;
  currentA: number;
  terminalV: number;
  /** Power out of the cells into the converter, W. */
  dcPowerW: number;
  /** Energy that left and entered the cells' open-circuit source, J. */
  dischargedJ: number;
  chargedJ: number;
}

export function batteryState(parameters: BessParameters): BatteryState {
  return {
    soc: parameters.socStart,
    temperatureCel: parameters.coolantCel,
    currentA: 0,
    terminalV: openCircuitV(parameters, parameters.socStart),
    dcPowerW: 0,
    dischargedJ: 0,
    chargedJ: 0,
  };
}

export function openCircuitV(parameters: BessParameters, soc: number): number {
  return parameters.openCircuitV + parameters.openCircuitPerSocV * soc;
}

/** Draws `dcPowerW` from the cells for `dtS`: charge, heat and terminal voltage follow. */
export function stepBattery(
  state: BatteryState,
  parameters: BessParameters,
  dcPowerW: number,
  dtS: number,
): void {
  const sourceV = openCircuitV(parameters, state.soc);
  const ohm = parameters.resistanceOhm;
  // P = (V − R·I)·I, solved for the smaller current. Past the most that the cells can give, the
  // root is taken as zero: the terminal voltage is then half of the source's.
  const root = Math.sqrt(Math.max(0, sourceV * sourceV - 4 * ohm * dcPowerW));
  const currentA = (sourceV - root) / (2 * ohm);
  const sourceW = currentA * sourceV;
  const energyJ = sourceW * dtS;
  state.currentA = currentA;
  state.terminalV = sourceV - ohm * currentA;
  state.dcPowerW = dcPowerW;
  state.soc -= energyJ / (parameters.energyCapacityWh * 3600);
  if (energyJ > 0) state.dischargedJ += energyJ;
  else state.chargedJ -= energyJ;
  const cooledW = parameters.coolingWPerK * (state.temperatureCel - parameters.coolantCel);
  const heatW = ohm * currentA * currentA - cooledW;
  state.temperatureCel += (heatW * dtS) / parameters.thermalMassJPerK;
}

/** Most that the battery may give and take now, W, both positive: taper by charge and heat. */
export interface PowerLimits {
  dischargeW: number;
  chargeW: number;
}

export function limitPower(
  limits: PowerLimits,
  state: BatteryState,
  parameters: BessParameters,
): void {
  const [cold, hot] = parameters.derateCel;
  const heat = 1 - between(state.temperatureCel, cold, hot);
  const [empty, low] = parameters.dischargeTaperSoc;
  const [high, full] = parameters.chargeTaperSoc;
  limits.dischargeW = parameters.powerRatingW * heat * between(state.soc, empty, low);
  limits.chargeW = parameters.powerRatingW * heat * (1 - between(state.soc, high, full));
}

/** 0 at or below `low`, 1 at or above `high`, linear between. */
function between(value: number, low: number, high: number): number {
  return Math.min(Math.max((value - low) / (high - low), 0), 1);
}
