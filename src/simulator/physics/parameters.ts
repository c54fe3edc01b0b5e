/**
 * Numbers of the demo site: one AI hall block of 20 MW training load on a 20 kV bus with two 12 MW
 * batteries. Ratings are choices that close the balances, not those of any product.
 */

export interface GridParameters {
  readonly nominalVoltageV: number;
  /** Held by the utility's tap changer. */
  readonly sourceVoltagePu: number;
  /** Thevenin impedance of the connection on `baseVa`. */
  readonly resistancePu: number;
  readonly reactancePu: number;
  readonly baseVa: number;
  readonly nominalFrequencyHz: number;
  readonly frequencySigmaHz: number;
  readonly frequencyTauS: number;
  /** Reactive power of the load per watt. */
  readonly loadVarPerW: number;
}

export interface TransformerParameters {
  readonly ratingVa: number;
  readonly noLoadLossW: number;
  readonly loadLossAtRatingW: number;
  readonly powerFactor: number;
}

export interface BessParameters {
  readonly powerRatingW: number;
  readonly apparentRatingVa: number;
  readonly energyCapacityWh: number;
  /** State of charge at start, 0 to 1. */
  readonly socStart: number;
  /** Discharge falls from all to nothing between the second and the first, 0 to 1. */
  readonly dischargeTaperSoc: readonly [none: number, all: number];
  readonly chargeTaperSoc: readonly [all: number, none: number];
  readonly derateCel: readonly [all: number, none: number];
  /** Open-circuit voltage: empty, and more when full. */
  readonly openCircuitV: number;
  readonly openCircuitPerSocV: number;
  readonly resistanceOhm: number;
  readonly lossConstantW: number;
  readonly lossLinear: number;
  /** Of P² / rating. */
  readonly lossQuadratic: number;
  readonly deadTimeS: number;
  readonly timeConstantS: number;
  readonly rampWPerS: number;
  readonly reversionAfterS: number;
  readonly reversionRampWPerS: number;
  readonly thermalMassJPerK: number;
  readonly coolingWPerK: number;
  readonly coolantCel: number;
}

export interface LoadParameters {
  readonly idleW: number;
  readonly lowW: number;
  readonly meanW: number;
  readonly highW: number;
  readonly checkpointW: number;
  readonly checkpointS: number;
  readonly checkpointEveryS: number;
  readonly edgeS: number;
  readonly iterationHz: number;
  readonly duty: number;
  /** Standard deviation of one period, part of it. */
  readonly jitter: number;
  /** Standard deviation of the hall's power around its pattern, part of it; how fast it moves. */
  readonly noise: number;
  readonly noiseTauS: number;
}

export interface UpsParameters {
  readonly units: number;
  /** Of one unit, W. */
  readonly ratingW: number;
  /** Of the rating. */
  readonly lossConstant: number;
  readonly lossLinear: number;
  /** Of P² / rating. */
  readonly lossQuadratic: number;
  /** Of one unit. */
  readonly batteryWh: number;
  /** Part of the battery's energy that reaches the output. */
  readonly batteryEfficiency: number;
  /** Input outside one of these for `transferS`: on battery. */
  readonly windowPu: readonly [number, number];
  readonly windowHz: readonly [number, number];
  readonly transferS: number;
  /** Good input for this long: back on the mains, which take the load over the walk-in. */
  readonly returnS: number;
  readonly walkInS: number;
  readonly rechargeW: number;
  /** The battery is low below this part. */
  readonly lowSoc: number;
  /** More than this part of the rating is too much, and for `overloadS` it has consequences. */
  readonly overloadPart: number;
  readonly overloadS: number;
  /** Controls of the plant, behind the UPS, W. */
  readonly controlsW: number;
  readonly inferenceMinimumW: number;
  readonly inferenceMaximumW: number;
}

/** How the meters form their readings. */
export interface MeterParameters {
  readonly periodS: number;
  /** Mean over the period instead of the value at its end. */
  readonly isMean: boolean;
}

export interface PlantParameters {
  readonly grid: GridParameters;
  readonly transformer: TransformerParameters;
  readonly bess: BessParameters;
  readonly bessUnits: number;
  readonly load: LoadParameters;
  readonly ups: UpsParameters;
  readonly meter: MeterParameters;
  /** What the site's heat delivery can give, W. */
  readonly heatRatingW: number;
  /** Without a thermal half, cooling and inference follow an operating point with this lag. */
  readonly auxiliaryTauS: number;
}

/** One settled state of the whole plant. */
export interface OperatingPoint {
  readonly trainingW: number;
  readonly inferenceW: number;
  /** Coolant pumps behind the UPS. */
  readonly cduPumpsW: number;
  /** Everything on the mechanical board. */
  readonly mechanicalW: number;
  /** Where the operator has the coolant pumps. */
  readonly pumpSpeedPercent: number;
  readonly ambientCel: number;
  /** What the city asks for, W. */
  readonly heatDemandW: number;
}

const MILD = { ambientCel: 14, heatDemandW: 3_000_000 } as const;
const FULL = {
  trainingW: 20_000_000,
  inferenceW: 4_000_000,
  cduPumpsW: 122_338,
  pumpSpeedPercent: 83.206,
} as const;

/** Settled operating points of the whole plant; `hot` is full load at 30 °C outside. */
export const OPERATING_POINTS = {
  idle: {
    trainingW: 4_000_000,
    inferenceW: 2_000_000,
    cduPumpsW: 5_734,
    mechanicalW: 98_080,
    pumpSpeedPercent: 30,
    ambientCel: 14,
    heatDemandW: 0,
  },
  low: {
    ...MILD,
    trainingW: 10_000_000,
    inferenceW: 3_000_000,
    cduPumpsW: 17_703,
    mechanicalW: 927_595,
    pumpSpeedPercent: 43.683,
  },
  mean: {
    ...MILD,
    trainingW: 15_000_000,
    inferenceW: 3_000_000,
    cduPumpsW: 51_611,
    mechanicalW: 983_735,
    pumpSpeedPercent: 62.405,
  },
  full: { ...MILD, ...FULL, mechanicalW: 1_111_167 },
  hot: { ...MILD, ...FULL, mechanicalW: 2_471_165, ambientCel: 30 },
} as const satisfies Record<string, OperatingPoint>;

export type OperatingPointName = keyof typeof OPERATING_POINTS;

/** Chain of delays from the bus to the battery; the name is the whole delay in ms. */
export type TimingPreset = "d30" | "d95" | "d225" | "d300";

export interface Timing {
  readonly meterMs: number;
  readonly meterMean: boolean;
  readonly pcsDeadMs: number;
  readonly pcsTauMs: number;
}

export const TIMING_PRESETS: Readonly<Record<TimingPreset, Timing>> = {
  d30: { meterMs: 20, meterMean: false, pcsDeadMs: 5, pcsTauMs: 10 },
  d95: { meterMs: 50, meterMean: false, pcsDeadMs: 10, pcsTauMs: 20 },
  d225: { meterMs: 100, meterMean: true, pcsDeadMs: 20, pcsTauMs: 50 },
  d300: { meterMs: 100, meterMean: true, pcsDeadMs: 50, pcsTauMs: 50 },
};

const SHORT_CIRCUIT_VA = 286e6;
const X_OVER_R = 10;
const BASE_VA = 100e6;
const IMPEDANCE_PU = BASE_VA / SHORT_CIRCUIT_VA;
const REACTANCE_PU = IMPEDANCE_PU / Math.hypot(1, 1 / X_OVER_R);

const GRID: GridParameters = {
  nominalVoltageV: 20_000,
  sourceVoltagePu: 1.02,
  resistancePu: REACTANCE_PU / X_OVER_R,
  reactancePu: REACTANCE_PU,
  baseVa: BASE_VA,
  nominalFrequencyHz: 50,
  frequencySigmaHz: 0.015,
  frequencyTauS: 60,
  loadVarPerW: 0.2,
};

const BESS: BessParameters = {
  powerRatingW: 12e6,
  apparentRatingVa: 13e6,
  energyCapacityWh: 6e6,
  socStart: 0.625,
  dischargeTaperSoc: [0.06, 0.1],
  chargeTaperSoc: [0.95, 0.98],
  derateCel: [45, 55],
  openCircuitV: 1150,
  openCircuitPerSocV: 150,
  resistanceOhm: 0.00375,
  lossConstantW: 36_000,
  lossLinear: 0.01,
  lossQuadratic: 0.008,
  deadTimeS: 0.01,
  timeConstantS: 0.02,
  rampWPerS: 120e6,
  reversionAfterS: 3,
  reversionRampWPerS: 25_000,
  thermalMassJPerK: 40e6,
  coolingWPerK: 12_000,
  coolantCel: 22,
};

/** The demo site with the delays of `preset`. */
export function demoParameters(preset: TimingPreset): PlantParameters {
  const timing = TIMING_PRESETS[preset];
  return {
    grid: GRID,
    transformer: {
      ratingVa: 31.5e6,
      noLoadLossW: 22_000,
      loadLossAtRatingW: 270_000,
      powerFactor: 0.98,
    },
    bess: {
      ...BESS,
      deadTimeS: timing.pcsDeadMs / 1000,
      timeConstantS: timing.pcsTauMs / 1000,
    },
    bessUnits: 2,
    load: {
      idleW: 4e6,
      lowW: 10e6,
      meanW: 15e6,
      highW: 20e6,
      checkpointW: 8.5e6,
      checkpointS: 4,
      checkpointEveryS: 60,
      edgeS: 0.04,
      iterationHz: 1,
      duty: 0.5,
      jitter: 0.01,
      noise: 0.0001,
      noiseTauS: 0.5,
    },
    ups: {
      units: 3,
      ratingW: 2.5e6,
      lossConstant: 0.01,
      lossLinear: 0.015,
      lossQuadratic: 0.01,
      batteryWh: 250_000,
      batteryEfficiency: 0.94,
      windowPu: [0.9, 1.1],
      windowHz: [47, 53],
      transferS: 0.02,
      returnS: 10,
      walkInS: 10,
      rechargeW: 125_000,
      lowSoc: 0.2,
      overloadPart: 1.05,
      overloadS: 60,
      controlsW: 150_000,
      inferenceMinimumW: 2e6,
      inferenceMaximumW: 4e6,
    },
    meter: { periodS: timing.meterMs / 1000, isMean: timing.meterMean },
    heatRatingW: 3e6,
    auxiliaryTauS: 30,
  };
}
