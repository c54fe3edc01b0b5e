import { capacityRate, flowFor, type HeatParameters } from "./parameters.ts";

/** A heat pump, its condenser loop and the exchanger to the city's network. */
export interface HeatState {
  loopCel: number;
  /** Part of the rating that it gives, 0 to 1. */
  capacity: number;
  /** Since it was asked to start, s. */
  startingS: number;
  flowLPerMin: number;
  supplyCel: number;
  /** Given to the network, and to the loop, over the step, W. */
  deliveredW: number;
  condenserW: number;
  evaporatorW: number;
  compressorW: number;
  networkPumpW: number;
}

export interface HeatSurroundings {
  readonly demandW: number;
  readonly supplyCel: number;
  /** Water that comes back from the hall: the source. */
  readonly sourceCel: number;
  readonly isPowered: boolean;
}

/** Balanced counter-flow with six transfer units. */
const EFFECTIVENESS = 6 / 7;
const CARNOT = 0.55;
const PINCH_K = 2;
/** Evaporation below the source: the drop of the water and a pinch. */
const BELOW_SOURCE_K = 8;
const KELVIN = 273.15;
const LIFT_MIN_K = 10;
const START_S = 120;
const RAMP_PER_S = 0.1 / 60;
const CAPACITY_PER_K = 0.1;
const PUMP_HEAD_KPA = 250;
const PUMP_EFFICIENCY = 0.65;

export function heatState(parameters: HeatParameters): HeatState {
  return {
    loopCel: parameters.returnCel,
    capacity: 0,
    startingS: 0,
    flowLPerMin: 0,
    supplyCel: parameters.returnCel,
    deliveredW: 0,
    condenserW: 0,
    evaporatorW: 0,
    compressorW: 0,
    networkPumpW: 0,
  };
}

/** Temperature of the condenser loop at which the network gets `supplyCel`. */
export function loopFor(supplyCel: number, { returnCel }: HeatParameters): number {
  return returnCel + (supplyCel - returnCel) / EFFECTIVENESS;
}

export function stepHeat(
  state: HeatState,
  around: HeatSurroundings,
  parameters: HeatParameters,
  dtS: number,
): void {
  const { returnCel, ratingW, massJPerK } = parameters;
  const demandW = around.isPowered ? Math.min(around.demandW, ratingW) : 0;
  const riseK = Math.max(1, around.supplyCel - returnCel);
  state.flowLPerMin = demandW > 0 ? flowFor(demandW, riseK) : 0;
  state.networkPumpW = ((state.flowLPerMin / 60) * PUMP_HEAD_KPA) / PUMP_EFFICIENCY;
  turn(
    state,
    { demandW, isPowered: around.isPowered, targetCel: loopFor(around.supplyCel, parameters) },
    parameters,
    dtS,
  );
  const rate = capacityRate(state.flowLPerMin);
  state.deliveredW = EFFECTIVENESS * rate * Math.max(0, state.loopCel - returnCel);
  state.supplyCel = rate > 0 ? returnCel + state.deliveredW / rate : returnCel;
  state.condenserW = state.capacity * ratingW;
  const hotK = state.loopCel + PINCH_K + KELVIN;
  const coldK = around.sourceCel - BELOW_SOURCE_K + KELVIN;
  const cop = (CARNOT * hotK) / Math.max(LIFT_MIN_K, hotK - coldK);
  state.compressorW = state.condenserW / cop;
  state.evaporatorW = state.condenserW - state.compressorW;
  state.loopCel += ((state.condenserW - state.deliveredW) * dtS) / massJPerK;
}

function turn(
  state: HeatState,
  wish: { readonly demandW: number; readonly isPowered: boolean; readonly targetCel: number },
  { ratingW }: HeatParameters,
  dtS: number,
): void {
  if (!wish.isPowered || wish.demandW <= 0) state.startingS = 0;
  else state.startingS = Math.min(START_S, state.startingS + dtS);
  const isRunning = state.startingS >= START_S;
  const correction = CAPACITY_PER_K * (wish.targetCel - state.loopCel);
  const asked = isRunning ? Math.min(1, Math.max(0, wish.demandW / ratingW + correction)) : 0;
  const stepMax = RAMP_PER_S * dtS;
  const missing = asked - state.capacity;
  // Without power it stops at once.
  if (!wish.isPowered) state.capacity = 0;
  else state.capacity += Math.min(stepMax, Math.max(-stepMax, missing));
}
