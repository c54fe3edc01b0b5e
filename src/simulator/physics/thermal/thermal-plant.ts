import { assert } from "../../../domain/assert.ts";
import { cduHeatJ, type CduInputs, cduState, type CduState, stepCdu } from "./cdu.ts";
import {
  type ChilledWaterState,
  chilledWaterState,
  type ChillerInputs,
  OFF_MIN_S,
  stepChilledWater,
} from "./chilled-water.ts";
import { type FacilityFlows, type FacilityState, facilityState, stepFacility } from "./facility.ts";
import { heatState, type HeatState, loopFor, stepHeat } from "./heat-delivery.ts";
import { LIQUID_SHARE, liquidHeatW, onDuty, type ThermalParameters } from "./parameters.ts";

/** What the thermal half of the plant is given in a step; powers are means over it, W. */
export interface ThermalInputs {
  readonly trainingW: number;
  readonly inferenceW: number;
  /** Heat to the hall's air besides that of the IT. */
  readonly upsLossW: number;
  readonly controlsW: number;
  readonly ambientCel: number;
  /** What the city asks for, and how warm. */
  readonly heatDemandW: number;
  readonly heatSupplyCel: number;
  /** The mechanical board is live. */
  readonly isPowered: boolean;
  /** So are the coolant pumps, behind the UPS. */
  readonly isUpsFed: boolean;
}

/** Cooling and heat delivery. Changed in place: a step makes no garbage to speak of. */
export interface ThermalState {
  readonly cdus: readonly CduState[];
  readonly facility: FacilityState;
  readonly chilledWater: ChilledWaterState;
  readonly heat: HeatState;
  /** What the units are told; changed by whoever drives them. */
  readonly cduInputs: readonly CduInputs[];
  readonly chillerInputs: readonly ChillerInputs[];
  readonly flows: FacilityFlows;
  /** Of the last step: what went in, came out and was stored does not cancel, part of all heat. */
  balanceError: number;
}

export function thermalState(parameters: ThermalParameters): ThermalState {
  const { cdu, cduUnits, chilledWater } = parameters;
  return {
    cdus: Array.from({ length: cduUnits }, () => cduState(cdu)),
    facility: facilityState(parameters.facility),
    chilledWater: chilledWaterState(chilledWater),
    heat: heatState(parameters.heat),
    cduInputs: Array.from({ length: cduUnits }, () => ({
      speedPercent: cdu.speedMinimumPercent,
      failedPumps: 0,
      leakLPerMin: 0,
    })),
    chillerInputs: Array.from({ length: chilledWater.units }, () => ({
      isWanted: undefined,
      hasFailed: false,
      supplySetpointCel: chilledWater.supplyCel,
    })),
    flows: { flowLPerMin: 0, heatW: 0, evaporatorW: 0 },
    balanceError: 0,
  };
}

/**
 * Moves everything by `dtS` (0.1 s; up to 1 s is stable). What leaves one mass enters the next in
 * the same step, so that the books close whatever happens.
 */
export function stepThermal(
  state: ThermalState,
  inputs: ThermalInputs,
  parameters: ThermalParameters,
  dtS: number,
): void {
  assert(dtS > 0 && dtS <= 1, "a step is longer than nothing and at most a second");
  const beforeJ = storedJ(state, parameters);
  stepCdus(state, inputs, parameters, dtS);
  const { heat, facility, chilledWater, flows } = state;
  stepHeat(
    heat,
    {
      demandW: inputs.heatDemandW,
      supplyCel: inputs.heatSupplyCel,
      sourceCel: facility.returnCel,
      isPowered: inputs.isPowered && flows.flowLPerMin > 0,
    },
    parameters.heat,
    dtS,
  );
  flows.evaporatorW = heat.evaporatorW;
  const airW = airHeatW(inputs);
  const { ambientCel, isPowered } = inputs;
  const around = { heatW: airW, ambientCel, isPowered, dtS };
  stepFacility(facility, flows, around, parameters.facility);
  stepChilledWater(chilledWater, state.chillerInputs, around, parameters.chilledWater);
  const inW = airW + liquidHeatW(inputs) + cduPumpsW(state) + facility.pumpsW + heat.compressorW;
  const outW = facility.rejectedW + chilledWater.rejectedW + heat.deliveredW;
  const storingW = (storedJ(state, parameters) - beforeJ) / dtS;
  state.balanceError = Math.abs(inW - outW - storingW) / Math.max(1, inW);
}

function stepCdus(
  state: ThermalState,
  inputs: ThermalInputs,
  parameters: ThermalParameters,
  dtS: number,
): void {
  const { flows, facility } = state;
  flows.flowLPerMin = 0;
  flows.heatW = 0;
  const around = {
    heatW: liquidHeatW(inputs) / state.cdus.length,
    primaryCel: facility.supplyCel,
    isFed: inputs.isUpsFed,
    isPrimaryPumped: inputs.isPowered,
    dtS,
  };
  for (const [place, cdu] of state.cdus.entries()) {
    const told = state.cduInputs[place];
    assert(told !== undefined, "every unit is told something");
    stepCdu(cdu, told, around, parameters.cdu);
    flows.flowLPerMin += cdu.primaryLPerMin;
    flows.heatW += cdu.rejectedW;
  }
}

/** Heat that the hall's air takes up, W. */
export function airHeatW(inputs: ThermalInputs): number {
  return (
    (1 - LIQUID_SHARE.training) * inputs.trainingW +
    (1 - LIQUID_SHARE.inference) * inputs.inferenceW +
    inputs.upsLossW +
    inputs.controlsW
  );
}

/** Coolant pumps behind the UPS, W. */
export function cduPumpsW(state: ThermalState): number {
  let sumW = 0;
  for (const { pumpW } of state.cdus) sumW += pumpW;
  return sumW;
}

/** Everything behind the mechanical board, W. */
export function mechanicalW({ facility, chilledWater, heat }: ThermalState): number {
  return (
    facility.pumpsW +
    facility.fansW +
    facility.auxiliariesW +
    chilledWater.compressorsW +
    chilledWater.fansAndPumpsW +
    heat.compressorW +
    heat.networkPumpW
  );
}

function storedJ(state: ThermalState, parameters: ThermalParameters): number {
  const { facility, chilledWater, heat } = state;
  let sumJ =
    facility.supplyCel * parameters.facility.massJPerK +
    chilledWater.supplyCel * parameters.chilledWater.massJPerK +
    heat.loopCel * parameters.heat.massJPerK;
  for (const cdu of state.cdus) sumJ += cduHeatJ(cdu, parameters.cdu);
  return sumJ;
}

const SETTLE_STEP_S = 0.5;
/** Until nothing moves by more than this in a step, or for at most so long, s. */
const SETTLED_K = 1e-7;
const SETTLE_MAX_S = 4 * 3600;
/** Near any steady state that the demo site's loads lead to. */
const FAN_GUESS_PER_W = 2.4e-8;
const VALVE_GUESS_L_PER_MIN_PER_W = 1.44e-3;

/** Brings everything to the steady state that belongs to `inputs`, whatever was before. */
export function settleThermal(
  state: ThermalState,
  inputs: ThermalInputs,
  parameters: ThermalParameters,
): void {
  guess(state, inputs, parameters);
  for (let leftS = SETTLE_MAX_S; leftS > 0; leftS -= SETTLE_STEP_S) {
    const before = snapshotCel(state);
    stepThermal(state, inputs, parameters, SETTLE_STEP_S);
    const after = snapshotCel(state);
    if (after.every((cel, place) => Math.abs(cel - (before[place] ?? cel)) < SETTLED_K)) return;
  }
}

function snapshotCel({ cdus, facility, chilledWater, heat }: ThermalState): readonly number[] {
  const first = cdus.flatMap(({ hotCel, coldCel }) => [hotCel, coldCel]);
  return [...first, facility.supplyCel, facility.integral, chilledWater.supplyCel, heat.loopCel];
}

function guess(state: ThermalState, inputs: ThermalInputs, parameters: ThermalParameters): void {
  const { facility, chilledWater, heat } = state;
  const liquidW = liquidHeatW(inputs);
  for (const cdu of state.cdus) {
    cdu.integralLPerMin = (VALVE_GUESS_L_PER_MIN_PER_W * liquidW) / state.cdus.length;
    cdu.primaryLPerMin = cdu.integralLPerMin;
    cdu.suction = 1;
  }
  facility.supplyCel = Math.max(
    parameters.facility.supplyCel,
    inputs.ambientCel + parameters.facility.approachK,
  );
  facility.integral = Math.min(1, FAN_GUESS_PER_W * liquidW);
  for (const [place, chiller] of chilledWater.chillers.entries()) {
    const isOn = inputs.isPowered && place < onDuty(parameters.chilledWater.units);
    chiller.mode = isOn ? "running" : "off";
    chiller.elapsedS = isOn ? 0 : OFF_MIN_S;
    chiller.capacity = isOn ? 1 : 0;
  }
  const { ratingW } = parameters.heat;
  // A site without heat delivery has a rating of 0.
  const demand = ratingW > 0 ? Math.min(inputs.heatDemandW, ratingW) / ratingW : 0;
  heat.capacity = inputs.isPowered ? demand : 0;
  heat.startingS = demand > 0 ? Infinity : 0;
  if (demand > 0) heat.loopCel = loopFor(inputs.heatSupplyCel, parameters.heat);
}
