import { assert } from "../../domain/assert.ts";
import {
  type BatteryState,
  batteryState,
  limitPower,
  type PowerLimits,
  stepBattery,
} from "./battery.ts";
import { gridState, type GridState, setImport, stepFrequency } from "./grid.ts";
import { type LoadPattern, loadState, type LoadState, startPattern, stepLoad } from "./load.ts";
import { transformerLossW, upsLossW } from "./losses.ts";
import { countMeter, type MeterInputs, meterState, type MeterState, showMeter } from "./meter.ts";
import { OPERATING_POINTS, type OperatingPoint, type PlantParameters } from "./parameters.ts";
import { pcsLossW, pcsState, type PcsState, stepPcs } from "./pcs.ts";
import { type RandomState, randomState } from "./random.ts";

/**
 * What the plant is asked to do; `steady` holds the power of the moment, `day` begins a day of jobs,
 * weather and heat at midnight.
 */
export type LoadMode =
  "steady" | "idle" | "low" | "mean" | "full" | "hot" | "training-1hz" | "checkpoint" | "day";

export const LOAD_MODES: readonly LoadMode[] = [
  "steady",
  "idle",
  "low",
  "mean",
  "full",
  "hot",
  "training-1hz",
  "checkpoint",
  "day",
];

export interface BessState {
  readonly pcs: PcsState;
  readonly battery: BatteryState;
  readonly limits: PowerLimits;
  /** Loss of the converter over the step, W. */
  lossW: number;
}

export interface PlantMeters {
  readonly pcc: MeterState;
  readonly training: MeterState;
  readonly ups: MeterState;
  readonly mechanical: MeterState;
}

/**
 * The electrical half of the plant. Powers in W at the end of the step. Allocated once and changed
 * in place: a step makes no garbage to speak of.
 */
export interface PlantState {
  readonly random: RandomState;
  readonly load: LoadState;
  readonly grid: GridState;
  readonly bess: readonly BessState[];
  readonly meters: PlantMeters;
  /** Where cooling and UPS load are going. */
  target: OperatingPoint;
  upsOutputW: number;
  upsLossW: number;
  mechanicalW: number;
  transformerLossW: number;
  steps: number;
  timeS: number;
  /** Since the meters' last reading, s. */
  sinceShownS: number;
  /** Readings that the meters have formed. */
  shown: number;
}

export interface PlantInputs {
  readonly bess: readonly BessInputs[];
}

export interface BessInputs {
  readonly reactiveVar: number;
  /** See `PcsInputs`. */
  readonly reversionAfterS: number;
}

/** A plant that has settled at `point`, with its batteries at rest. */
export function plantState(
  parameters: PlantParameters,
  point: OperatingPoint,
  seed: number,
): PlantState {
  const state: PlantState = {
    random: randomState(seed),
    load: loadState(point.trainingW),
    grid: gridState(parameters.grid),
    bess: Array.from({ length: parameters.bessUnits }, () => ({
      pcs: pcsState(),
      battery: batteryState(parameters.bess),
      limits: { dischargeW: 0, chargeW: 0 },
      lossW: 0,
    })),
    meters: {
      pcc: meterState(),
      training: meterState(),
      ups: meterState(),
      mechanical: meterState(),
    },
    target: point,
    upsOutputW: point.upsOutputW,
    upsLossW: upsLossW(parameters.ups, point.upsOutputW),
    mechanicalW: point.mechanicalW,
    transformerLossW: 0,
    steps: 0,
    timeS: 0,
    sinceShownS: 0,
    shown: 0,
  };
  for (const bess of state.bess) limitPower(bess.limits, bess.battery, parameters.bess);
  balance(state, parameters);
  showMeters(state, parameters);
  return state;
}

/** Starts another kind of load. Cooling and UPS load follow with their lag. */
export function setLoad(state: PlantState, parameters: PlantParameters, mode: LoadMode): void {
  switch (mode) {
    case "steady":
      startPattern(state.load, { kind: "constant", powerW: state.load.patternW });
      return;
    case "training-1hz":
      startPattern(state.load, { kind: "square" });
      state.target = OPERATING_POINTS.mean;
      return;
    case "checkpoint":
      startPattern(state.load, { kind: "checkpoint" });
      state.target = OPERATING_POINTS.full;
      return;
    case "idle":
    case "low":
    case "mean":
    case "full":
    case "hot":
      startPattern(state.load, constantLoad(mode, parameters));
      state.target = OPERATING_POINTS[mode];
  }
}

function constantLoad(
  mode: "idle" | "low" | "mean" | "full" | "hot",
  parameters: PlantParameters,
): LoadPattern {
  const { idleW, lowW, meanW, highW } = parameters.load;
  const powerW = { idle: idleW, low: lowW, mean: meanW, full: highW, hot: highW }[mode];
  return { kind: "constant", powerW };
}

/**
 * Moves the plant by `dtS` (10 ms; any step up to 1 s is stable). Deterministic: the same state and
 * inputs give the same run. Changes `state` in place and returns it.
 */
export function stepPlant(
  state: PlantState,
  inputs: PlantInputs,
  parameters: PlantParameters,
  dtS: number,
): PlantState {
  assert(dtS > 0 && dtS <= 1, "a step is longer than nothing and at most a second");
  assert(inputs.bess.length === state.bess.length, "one input per battery");
  stepLoad(state.load, parameters.load, state.random, dtS);
  stepFrequency(state.grid, parameters.grid, state.random, dtS);
  const follow = 1 - Math.exp(-dtS / parameters.auxiliaryTauS);
  state.upsOutputW += (state.target.upsOutputW - state.upsOutputW) * follow;
  state.mechanicalW += (state.target.mechanicalW - state.mechanicalW) * follow;
  state.upsLossW = upsLossW(parameters.ups, state.upsOutputW);
  for (const [index, bess] of state.bess.entries()) {
    stepBess(bess, inputs.bess[index] ?? AT_REST, parameters, dtS);
  }
  balance(state, parameters, inputs);
  state.steps += 1;
  state.timeS += dtS;
  state.sinceShownS += dtS;
  countMeters(state, parameters, dtS);
  if (state.sinceShownS >= parameters.meter.periodS - dtS / 2) showMeters(state, parameters);
  return state;
}

const AT_REST: BessInputs = { reactiveVar: 0, reversionAfterS: 0 };

function stepBess(
  bess: BessState,
  inputs: BessInputs,
  parameters: PlantParameters,
  dtS: number,
): void {
  const { pcs, battery, limits } = bess;
  limitPower(limits, battery, parameters.bess);
  stepPcs(pcs, parameters.bess, { limits, ...inputs }, dtS);
  bess.lossW = pcsLossW(pcs, parameters.bess);
  stepBattery(battery, parameters.bess, pcs.meanW + bess.lossW, dtS);
}

/** Consumers draw, batteries give, the grid does the rest. */
function balance(state: PlantState, parameters: PlantParameters, inputs?: PlantInputs): void {
  const belowW = state.load.powerW + state.upsOutputW + state.upsLossW + state.mechanicalW;
  state.transformerLossW = transformerLossW(parameters.transformer, belowW);
  let bessW = 0;
  let bessVar = 0;
  for (const [index, bess] of state.bess.entries()) {
    bessW += bess.pcs.powerW;
    if (bess.pcs.mode === "running") bessVar += inputs?.bess[index]?.reactiveVar ?? 0;
  }
  const loadW = belowW + state.transformerLossW;
  const loadVar = parameters.grid.loadVarPerW * loadW;
  setImport(state.grid, parameters.grid, loadW - bessW, loadVar - bessVar);
}

type MeterVisit = (meter: MeterState, inputs: MeterInputs) => void;

function forEachMeter(state: PlantState, parameters: PlantParameters, visit: MeterVisit): void {
  const { voltageV, frequencyHz, importW, importVar } = state.grid;
  const feeder = (meter: MeterState, activeW: number): void => {
    const reactiveVar = parameters.grid.loadVarPerW * activeW;
    visit(meter, { activeW, reactiveVar, voltageV, frequencyHz });
  };
  visit(state.meters.pcc, {
    activeW: importW,
    reactiveVar: importVar,
    voltageV,
    frequencyHz,
  });
  feeder(state.meters.training, state.load.powerW);
  feeder(state.meters.ups, state.upsOutputW + state.upsLossW);
  feeder(state.meters.mechanical, state.mechanicalW);
}

function countMeters(state: PlantState, parameters: PlantParameters, dtS: number): void {
  forEachMeter(state, parameters, (meter, inputs) => {
    countMeter(meter, inputs, dtS);
  });
}

function showMeters(state: PlantState, parameters: PlantParameters): void {
  const periodS = state.sinceShownS;
  forEachMeter(state, parameters, (meter, inputs) => {
    showMeter(meter, inputs, parameters.meter, periodS);
  });
  state.sinceShownS = 0;
  state.shown += 1;
}

/**
 * What the bus does not account for, as a part of all power that flows into it. The model is exact;
 * a number above a millionth is a mistake in it.
 */
export function balanceError(state: PlantState): number {
  let sourcesW = state.grid.importW;
  let throughputW = Math.abs(state.grid.importW);
  for (const { pcs } of state.bess) {
    sourcesW += pcs.powerW;
    throughputW += Math.abs(pcs.powerW);
  }
  const sinksW =
    state.load.powerW +
    state.upsOutputW +
    state.upsLossW +
    state.mechanicalW +
    state.transformerLossW;
  return throughputW > 0 ? Math.abs(sourcesW - sinksW) / throughputW : 0;
}
