import { assert } from "../../domain/assert.ts";
import {
  type BatteryState,
  batteryState,
  limitPower,
  type PowerLimits,
  stepBattery,
} from "./battery.ts";
import { dayAmbientCel, dayHeatW, dayInference } from "./day.ts";
import { gridState, type GridState, setImport, stepFrequency } from "./grid.ts";
import {
  darken,
  type LoadPattern,
  loadState,
  type LoadState,
  startPattern,
  stepLoad,
} from "./load.ts";
import { transformerLossW } from "./losses.ts";
import { countMeter, type MeterInputs, meterState, type MeterState, showMeter } from "./meter.ts";
import {
  OPERATING_POINTS,
  type OperatingPoint,
  type OperatingPointName,
  type PlantParameters,
} from "./parameters.ts";
import { losePcsGrid, pcsLossW, pcsState, type PcsState, stepPcs } from "./pcs.ts";
import { type RandomState, randomState } from "./random.ts";
import { addUpUps, settleUps, stepUps, upsState, type UpsState, type UpsTotals } from "./ups.ts";

/**
 * What the plant is asked to do; `steady` holds the power of the moment, `day` begins a day of
 * jobs, weather and heat at midnight.
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

/** What somebody outside decides: machines, weather, city. */
export interface Surroundings {
  inferenceW: number;
  ambientCel: number;
  heatDemandW: number;
  heatSupplyCel: number;
}

/** What the thermal half draws. */
export interface CoolingPower {
  /** Behind the UPS. */
  readonly cduPumpsW: number;
  readonly mechanicalW: number;
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
  readonly ups: readonly UpsState[];
  readonly upsTotals: UpsTotals;
  readonly surroundings: Surroundings;
  /** Where cooling and inference are going while no thermal half says what it draws. */
  target: OperatingPoint;
  cduPumpsW: number;
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
  /** Undefined: cooling and inference follow the operating point. */
  readonly cooling?: CoolingPower | undefined;
}

export interface BessInputs {
  readonly reactiveVar: number;
  /** See `PcsInputs`. */
  readonly reversionAfterS: number;
}

const HEAT_SUPPLY_CEL = 75;
const STEP_S = 0.01;

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
    ups: Array.from({ length: parameters.ups.units }, () => upsState(parameters.ups)),
    upsTotals: { inputW: 0, outputW: 0, lossW: 0, isFed: true },
    surroundings: {
      inferenceW: point.inferenceW,
      ambientCel: point.ambientCel,
      heatDemandW: point.heatDemandW,
      heatSupplyCel: HEAT_SUPPLY_CEL,
    },
    target: point,
    cduPumpsW: point.cduPumpsW,
    mechanicalW: point.mechanicalW,
    transformerLossW: 0,
    steps: 0,
    timeS: 0,
    sinceShownS: 0,
    shown: 0,
  };
  for (const bess of state.bess) limitPower(bess.limits, bess.battery, parameters.bess);
  feedUps(state, parameters, STEP_S);
  balance(state, parameters);
  showMeters(state, parameters);
  return state;
}

/**
 * Starts another kind of load in the training hall. Without a thermal half, inference and cooling
 * follow to the operating point that belongs to it.
 */
export function setLoad(state: PlantState, parameters: PlantParameters, mode: LoadMode): void {
  startPattern(state.load, patternOf(state, parameters, mode));
  const point = pointOf(mode);
  if (point !== undefined) state.target = OPERATING_POINTS[point];
}

/** The settled state of the plant that can carry this load; undefined: the present one. */
export function pointOf(mode: LoadMode): OperatingPointName | undefined {
  switch (mode) {
    case "steady":
      return undefined;
    case "training-1hz":
      return "mean";
    case "checkpoint":
    case "day":
      return "full";
    default:
      return mode;
  }
}

function patternOf(state: PlantState, parameters: PlantParameters, mode: LoadMode): LoadPattern {
  const { idleW, lowW, meanW, highW } = parameters.load;
  switch (mode) {
    case "steady":
      return { kind: "constant", powerW: state.load.patternW };
    case "training-1hz":
      return { kind: "square" };
    case "checkpoint":
    case "day":
      return { kind: mode };
    default: {
      const powerW = { idle: idleW, low: lowW, mean: meanW, full: highW, hot: highW }[mode];
      return { kind: "constant", powerW };
    }
  }
}

/** The 20 kV bus dies or comes back. */
export function setGrid(state: PlantState, parameters: PlantParameters, isLive: boolean): void {
  state.grid.isLive = isLive;
  if (!isLive) darken(state.load, parameters.load);
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
  if (state.grid.isLive) stepLoad(state.load, parameters.load, state.random, dtS);
  stepFrequency(state.grid, parameters.grid, state.random, dtS);
  surround(state, parameters);
  cool(state, inputs.cooling, parameters, dtS);
  feedUps(state, parameters, dtS);
  for (const [index, bess] of state.bess.entries()) {
    if (!state.grid.isLive) losePcsGrid(bess.pcs);
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

/** Makes what the halves draw from each other agree, without time passing. */
export function settlePlant(
  state: PlantState,
  parameters: PlantParameters,
  cooling: CoolingPower | undefined,
): void {
  if (cooling === undefined) {
    state.surroundings.inferenceW = state.target.inferenceW;
    state.cduPumpsW = state.target.cduPumpsW;
    state.mechanicalW = state.target.mechanicalW;
  } else cool(state, cooling, parameters, STEP_S);
  for (const unit of state.ups) if (unit.trouble === "none") settleUps(unit);
  feedUps(state, parameters, STEP_S);
  balance(state, parameters);
  showMeters(state, parameters);
}

/** A day moves more than the training hall. */
function surround({ load, surroundings }: PlantState, parameters: PlantParameters): void {
  if (load.pattern.kind !== "day") return;
  const { inferenceMinimumW, inferenceMaximumW } = parameters.ups;
  surroundings.inferenceW = dayInference(load.elapsedS, inferenceMinimumW, inferenceMaximumW);
  surroundings.ambientCel = dayAmbientCel(load.elapsedS);
  surroundings.heatDemandW = dayHeatW(load.elapsedS, parameters.heatRatingW);
}

function cool(
  state: PlantState,
  cooling: CoolingPower | undefined,
  parameters: PlantParameters,
  dtS: number,
): void {
  const { surroundings, target } = state;
  if (cooling === undefined) {
    const follow = 1 - Math.exp(-dtS / parameters.auxiliaryTauS);
    const isDay = state.load.pattern.kind === "day";
    const inferenceW = isDay ? surroundings.inferenceW : target.inferenceW;
    surroundings.inferenceW += (inferenceW - surroundings.inferenceW) * follow;
    state.cduPumpsW += (target.cduPumpsW - state.cduPumpsW) * follow;
    state.mechanicalW += (target.mechanicalW - state.mechanicalW) * follow;
  } else {
    state.cduPumpsW = cooling.cduPumpsW;
    state.mechanicalW = cooling.mechanicalW;
  }
  if (!state.grid.isLive) state.mechanicalW = 0;
}

function feedUps(state: PlantState, parameters: PlantParameters, dtS: number): void {
  const { grid, ups, upsTotals, surroundings } = state;
  const demandW = surroundings.inferenceW + state.cduPumpsW + parameters.ups.controlsW;
  const { isLive, voltageV, frequencyHz } = grid;
  const voltagePu = voltageV / parameters.grid.nominalVoltageV;
  stepUps(ups, { isLive, voltagePu, frequencyHz, demandW }, parameters.ups, dtS);
  addUpUps(ups, upsTotals);
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
  const belowW = state.load.powerW + state.upsTotals.inputW + state.mechanicalW;
  state.transformerLossW = state.grid.isLive ? transformerLossW(parameters.transformer, belowW) : 0;
  let bessW = 0;
  let bessVar = 0;
  for (const [index, bess] of state.bess.entries()) {
    bessW += bess.pcs.powerW;
    if (bess.pcs.mode === "running" && state.grid.isLive)
      bessVar += inputs?.bess[index]?.reactiveVar ?? 0;
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
  feeder(state.meters.ups, state.upsTotals.inputW);
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
    state.load.powerW + state.upsTotals.inputW + state.mechanicalW + state.transformerLossW;
  return throughputW > 0 ? Math.abs(sourcesW - sinksW) / throughputW : 0;
}
