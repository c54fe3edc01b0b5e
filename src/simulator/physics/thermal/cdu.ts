import { cduFlowLPerMin, cduPumpPowerW } from "./cdu-pumps.ts";
import { counterFlowEffectiveness } from "./exchanger.ts";
import { capacityRate, type CduParameters } from "./parameters.ts";

/** One coolant distribution unit. Temperatures in Cel, at the end of the step. */
export interface CduState {
  /** What comes back from the racks, and what goes to them. */
  hotCel: number;
  coldCel: number;
  flowLPerMin: number;
  /** Pumps that move coolant. */
  running: number;
  pumpW: number;
  primaryLPerMin: number;
  /** Integral part of the valve's controller, L/min of primary flow. */
  integralLPerMin: number;
  /** Heat given to the facility loop over the step, W. */
  rejectedW: number;
  reservoirL: number;
  /** Since the leak began, s; 0: none. */
  leakingS: number;
  /** Part of the flow that cavitation leaves, 0 to 1. */
  suction: number;
}

export interface CduInputs {
  /** Asked of all pumps of the unit; 0: stopped. */
  speedPercent: number;
  /** Bit n − 1 set: pump n has failed. */
  failedPumps: number;
  leakLPerMin: number;
}

/** What the unit stands in during a step. */
export interface CduSurroundings {
  /** IT heat into its coolant, W. */
  readonly heatW: number;
  readonly primaryCel: number;
  /** False: its pumps have no power, or the facility's. */
  readonly isFed: boolean;
  readonly isPrimaryPumped: boolean;
  /** Length of the step, s. */
  readonly dtS: number;
}

/** A rope lies where the water comes first; a second one tells that it is no drop. */
export const ROPE_WET_S = 8;
export const ROW_ROPE_WET_S = 20;
export const LEVEL_LOW = 0.6;
/** Below this part of the reservoir the pumps draw air, and lose their flow in `SUCTION_S`. */
const LEVEL_AIR = 0.1;
const SUCTION_S = 20;
const S_PER_MIN = 60;

export function cduState(parameters: CduParameters): CduState {
  return {
    hotCel: parameters.supplyCel,
    coldCel: parameters.supplyCel,
    flowLPerMin: 0,
    running: 0,
    pumpW: 0,
    primaryLPerMin: 0,
    integralLPerMin: 0,
    rejectedW: 0,
    reservoirL: parameters.reservoirL,
    leakingS: 0,
    suction: 1,
  };
}

export function stepCdu(
  state: CduState,
  inputs: CduInputs,
  around: CduSurroundings,
  parameters: CduParameters,
): void {
  const { dtS } = around;
  leak(state, inputs, parameters, dtS);
  pump(state, inputs, around.isFed, parameters);
  turnValve(state, parameters, dtS);
  const rackRate = capacityRate(state.flowLPerMin);
  const carriedW = rackRate * (state.hotCel - state.coldCel);
  state.rejectedW = around.isPrimaryPumped ? exchangedW(state, around, parameters) : 0;
  state.hotCel += ((around.heatW + state.pumpW - carriedW) * dtS) / parameters.hotMassJPerK;
  state.coldCel += ((carriedW - state.rejectedW) * dtS) / parameters.coldMassJPerK;
}

/** Heat in its two masses above 0 Cel, J. */
export function cduHeatJ(state: CduState, parameters: CduParameters): number {
  return state.hotCel * parameters.hotMassJPerK + state.coldCel * parameters.coldMassJPerK;
}

function leak(
  state: CduState,
  { leakLPerMin }: CduInputs,
  { reservoirL }: CduParameters,
  dtS: number,
): void {
  if (leakLPerMin > 0) {
    state.leakingS += dtS;
    state.reservoirL = Math.max(0, state.reservoirL - (leakLPerMin * dtS) / S_PER_MIN);
  } else if (state.leakingS > 0) {
    state.leakingS = 0;
    state.reservoirL = reservoirL;
  }
  const drift = state.reservoirL < LEVEL_AIR * reservoirL ? -dtS : dtS;
  state.suction = Math.min(1, Math.max(0, state.suction + drift / SUCTION_S));
}

function pump(
  state: CduState,
  { speedPercent, failedPumps }: CduInputs,
  isFed: boolean,
  parameters: CduParameters,
): void {
  let running = 0;
  for (let place = 0; place < parameters.pump.pumps; place += 1)
    if ((failedPumps & (1 << place)) === 0) running += 1;
  const isTurning = isFed && speedPercent > 0;
  state.running = isTurning ? running : 0;
  const flow = cduFlowLPerMin(parameters.pump, speedPercent / 100, state.running);
  state.flowLPerMin = flow * state.suction;
  state.pumpW = cduPumpPowerW(parameters.pump, state.flowLPerMin);
}

/** A controller opens the primary valve for the supply temperature; the valve takes its time. */
function turnValve(state: CduState, parameters: CduParameters, dtS: number): void {
  const { primaryMaximumLPerMin: most, valveLPerMinPerK, valveLPerMinPerKS } = parameters;
  const errorK = state.coldCel - parameters.supplyCel;
  const asked = state.integralLPerMin + valveLPerMinPerK * errorK;
  const isWindingUp = (asked >= most && errorK > 0) || (asked <= 0 && errorK < 0);
  if (!isWindingUp)
    state.integralLPerMin = between(state.integralLPerMin + valveLPerMinPerKS * errorK * dtS, most);
  const follow = 1 - Math.exp(-dtS / parameters.valveS);
  state.primaryLPerMin += (between(asked, most) - state.primaryLPerMin) * follow;
}

function exchangedW(
  state: CduState,
  { primaryCel }: CduSurroundings,
  parameters: CduParameters,
): number {
  const rackRate = capacityRate(state.flowLPerMin);
  const primaryRate = capacityRate(state.primaryLPerMin);
  const least = Math.min(rackRate, primaryRate);
  if (least <= 0) return 0;
  const nominal = parameters.exchangerFlowLPerMin ** 2;
  const flows = (state.flowLPerMin * state.primaryLPerMin) / nominal;
  const conductance = parameters.exchangerWPerK * flows ** parameters.exchangerExponent;
  const ratio = least / Math.max(rackRate, primaryRate);
  const effectiveness = counterFlowEffectiveness(conductance / least, ratio);
  return effectiveness * least * (state.hotCel - primaryCel);
}

function between(value: number, most: number): number {
  return Math.min(Math.max(value, 0), most);
}
