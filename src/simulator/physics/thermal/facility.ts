import { capacityRate, type FacilityParameters } from "./parameters.ts";

/** The loop between the CDUs and the dry coolers: one mass. */
export interface FacilityState {
  supplyCel: number;
  returnCel: number;
  flowLPerMin: number;
  /** 0 to 1, and the integral part of its controller. */
  fan: number;
  integral: number;
  pumpsW: number;
  fansW: number;
  auxiliariesW: number;
  /** Heat that the dry coolers reject over the step, W. */
  rejectedW: number;
}

export interface FacilityFlows {
  flowLPerMin: number;
  /** From the CDUs. */
  heatW: number;
  /** What the heat pump takes. */
  evaporatorW: number;
}

const FAN_EXPONENT = 0.8;
const FAN_PER_K = 1;
const FAN_PER_KS = 0.02;

export function facilityState(parameters: FacilityParameters): FacilityState {
  return {
    supplyCel: parameters.supplyCel,
    returnCel: parameters.supplyCel,
    flowLPerMin: 0,
    fan: 0,
    integral: 0,
    pumpsW: 0,
    fansW: 0,
    auxiliariesW: 0,
    rejectedW: 0,
  };
}

export interface FacilitySurroundings {
  readonly ambientCel: number;
  readonly isPowered: boolean;
  /** Length of the step, s. */
  readonly dtS: number;
}

export function stepFacility(
  state: FacilityState,
  flows: FacilityFlows,
  around: FacilitySurroundings,
  parameters: FacilityParameters,
): void {
  const { isPowered, ambientCel, dtS } = around;
  state.flowLPerMin = isPowered ? flows.flowLPerMin : 0;
  const rate = capacityRate(state.flowLPerMin);
  state.pumpsW = parameters.pumpsW * (state.flowLPerMin / parameters.pumpFlowLPerMin) ** 3;
  state.auxiliariesW = isPowered ? parameters.auxiliariesW : 0;
  // Hot water that comes back is cooled by the heat pump first, then by the air.
  state.returnCel = state.supplyCel + (rate > 0 ? flows.heatW / rate : 0);
  const inletCel = state.returnCel - (rate > 0 ? flows.evaporatorW / rate : 0);
  turnFan(state, { ambientCel, isTurning: isPowered && rate > 0 }, parameters, dtS);
  state.fansW = parameters.fansW * state.fan ** 3;
  const differenceK = Math.max(0, inletCel - ambientCel);
  state.rejectedW = rate > 0 ? parameters.coolerWPerK * state.fan ** FAN_EXPONENT * differenceK : 0;
  const gainW = flows.heatW + state.pumpsW - flows.evaporatorW - state.rejectedW;
  state.supplyCel += (gainW * dtS) / parameters.massJPerK;
}

function turnFan(
  state: FacilityState,
  around: { readonly ambientCel: number; readonly isTurning: boolean },
  parameters: FacilityParameters,
  dtS: number,
): void {
  if (!around.isTurning) {
    state.fan = 0;
    return;
  }
  const setpointCel = Math.max(parameters.supplyCel, around.ambientCel + parameters.approachK);
  const errorK = state.supplyCel - setpointCel;
  const asked = state.integral + FAN_PER_K * errorK;
  const isWindingUp = (asked >= 1 && errorK > 0) || (asked <= 0 && errorK < 0);
  if (!isWindingUp)
    state.integral = Math.min(1, Math.max(0, state.integral + FAN_PER_KS * errorK * dtS));
  state.fan = Math.min(1, Math.max(0, asked));
}
