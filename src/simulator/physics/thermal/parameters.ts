import type { CduPumpParameters } from "./cdu-pumps.ts";

/** Heat that one litre takes up, J/(L·K): the same in every loop, so that the books close. */
export const FLUID_J_PER_L_K = 4150;
const S_PER_MIN = 60;

/** Heat that a flow carries per kelvin, W/K. */
export function capacityRate(flowLPerMin: number): number {
  return (flowLPerMin / S_PER_MIN) * FLUID_J_PER_L_K;
}

/** Flow that carries `heatW` with a rise of `riseK`, L/min. */
export function flowFor(heatW: number, riseK: number): number {
  return (heatW * S_PER_MIN) / (FLUID_J_PER_L_K * riseK);
}

export interface CduParameters {
  readonly pump: CduPumpParameters;
  readonly speedMinimumPercent: number;
  /** Of the heat exchanger at `exchangerFlowLPerMin` on both sides. */
  readonly exchangerWPerK: number;
  readonly exchangerFlowLPerMin: number;
  readonly exchangerExponent: number;
  readonly hotMassJPerK: number;
  readonly coldMassJPerK: number;
  readonly supplyCel: number;
  /** Rise over the racks that the pump speed is chosen for, K. */
  readonly designRiseK: number;
  readonly valveS: number;
  readonly primaryMaximumLPerMin: number;
  readonly valveLPerMinPerK: number;
  readonly valveLPerMinPerKS: number;
  readonly reservoirL: number;
}

export interface FacilityParameters {
  readonly massJPerK: number;
  readonly supplyCel: number;
  readonly approachK: number;
  /** Pumps at `pumpFlowLPerMin`; cube law below and above. */
  readonly pumpsW: number;
  readonly pumpFlowLPerMin: number;
  readonly coolerWPerK: number;
  readonly fansW: number;
  readonly auxiliariesW: number;
}

export interface ChilledWaterParameters {
  readonly units: number;
  readonly ratingW: number;
  readonly supplyCel: number;
  readonly riseK: number;
  readonly massJPerK: number;
  readonly freeApproachK: number;
  readonly condenserApproachK: number;
  readonly evaporatorApproachK: number;
  readonly fansPerW: number;
  readonly pumpW: number;
}

export interface HeatParameters {
  readonly ratingW: number;
  readonly returnCel: number;
  readonly massJPerK: number;
}

export interface ThermalParameters {
  readonly cduUnits: number;
  readonly cdu: CduParameters;
  readonly facility: FacilityParameters;
  readonly chilledWater: ChilledWaterParameters;
  readonly heat: HeatParameters;
}

/** Parts of IT power that go into liquid; the rest heats the air of the hall. */
export const LIQUID_SHARE = { training: 0.9, inference: 0.5 } as const;

const DEMO_CDUS = 8;
const DEMO_CHILLERS = 4;
const LITRES_PER_M3 = 1000;

const CDU: CduParameters = {
  pump: {
    pumps: 4,
    shutOffHeadKpa: 300,
    pumpDropKpa: 80,
    pumpFlowLPerMin: 1086,
    systemDropKpa: 220,
    systemFlowLPerMin: 4344,
    efficiency: 0.6,
  },
  speedMinimumPercent: 30,
  exchangerWPerK: 500_000,
  exchangerFlowLPerMin: 3620,
  exchangerExponent: 0.4,
  hotMassJPerK: 8e6,
  coldMassJPerK: 4e6,
  supplyCel: 32,
  designRiseK: 10,
  valveS: 15,
  primaryMaximumLPerMin: 4600,
  valveLPerMinPerK: 250,
  valveLPerMinPerKS: 8,
  reservoirL: 400,
};

const FACILITY: FacilityParameters = {
  massJPerK: 40 * LITRES_PER_M3 * FLUID_J_PER_L_K,
  supplyCel: 27,
  approachK: 6,
  pumpsW: 180_000,
  pumpFlowLPerMin: 32_000,
  coolerWPerK: 1.5e6,
  fansW: 260_000,
  auxiliariesW: 60_000,
};

const CHILLED_WATER: ChilledWaterParameters = {
  units: DEMO_CHILLERS,
  ratingW: 1.5e6,
  supplyCel: 18,
  riseK: 8,
  massJPerK: 30 * LITRES_PER_M3 * FLUID_J_PER_L_K,
  freeApproachK: 4,
  condenserApproachK: 15,
  evaporatorApproachK: 4,
  fansPerW: 0.012,
  pumpW: 8_000,
};

/**
 * The cooling of a site with so many units. As UPS units do, they share what the demo site has: a
 * site with two CDUs has two large ones, and one with two chillers two of which one carries the
 * hall. Where a site has none of a kind, nobody reads the demo's.
 *
 * @param heatRatingW of the heat pump to the city
 */
export function thermalParameters(
  units: { readonly cdus: number; readonly chillers: number },
  heatRatingW: number,
): ThermalParameters {
  const cdus = units.cdus > 0 ? units.cdus : DEMO_CDUS;
  const chillers = units.chillers > 0 ? units.chillers : DEMO_CHILLERS;
  const part = (DEMO_CHILLERS - 1) / onDuty(chillers);
  return {
    cduUnits: cdus,
    cdu: sharedCdu(DEMO_CDUS / cdus),
    facility: FACILITY,
    chilledWater: {
      ...CHILLED_WATER,
      units: chillers,
      ratingW: CHILLED_WATER.ratingW * part,
      pumpW: CHILLED_WATER.pumpW * part,
    },
    heat: { ratingW: heatRatingW, returnCel: 50, massJPerK: 5 * LITRES_PER_M3 * FLUID_J_PER_L_K },
  };
}

/** One chiller stands by where there is more than one. */
export function onDuty(chillers: number): number {
  return Math.max(1, chillers - 1);
}

/** A unit that is `size` times as large: flows and masses grow, temperatures and heads do not. */
function sharedCdu(size: number): CduParameters {
  return {
    ...CDU,
    pump: {
      ...CDU.pump,
      pumpFlowLPerMin: CDU.pump.pumpFlowLPerMin * size,
      systemFlowLPerMin: CDU.pump.systemFlowLPerMin * size,
    },
    exchangerWPerK: CDU.exchangerWPerK * size,
    exchangerFlowLPerMin: CDU.exchangerFlowLPerMin * size,
    hotMassJPerK: CDU.hotMassJPerK * size,
    coldMassJPerK: CDU.coldMassJPerK * size,
    primaryMaximumLPerMin: CDU.primaryMaximumLPerMin * size,
    valveLPerMinPerK: CDU.valveLPerMinPerK * size,
    valveLPerMinPerKS: CDU.valveLPerMinPerKS * size,
    reservoirL: CDU.reservoirL * size,
  };
}

/** Pump speed for the design rise over the racks, %, as an operator sets it. */
export function designSpeedPercent(
  parameters: ThermalParameters,
  power: { readonly trainingW: number; readonly inferenceW: number },
): number {
  const { cdu, cduUnits } = parameters;
  const heatW = liquidHeatW(power) / cduUnits;
  const percent = (100 * flowFor(heatW, cdu.designRiseK)) / cdu.pump.systemFlowLPerMin;
  return Math.min(100, Math.max(cdu.speedMinimumPercent, percent));
}

/** IT heat that goes into the liquid, W. */
export function liquidHeatW(power: {
  readonly trainingW: number;
  readonly inferenceW: number;
}): number {
  return LIQUID_SHARE.training * power.trainingW + LIQUID_SHARE.inference * power.inferenceW;
}
