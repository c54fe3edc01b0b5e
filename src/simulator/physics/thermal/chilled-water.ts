import { type ChilledWaterParameters, onDuty } from "./parameters.ts";

/** Where a chiller is between off and running. */
export type ChillerMode = "off" | "pump" | "delay" | "ramp" | "running" | "failed";

export interface ChillerState {
  mode: ChillerMode;
  /** Time in the mode, s. */
  elapsedS: number;
  /** Part of its rating that it can give now, 0 to 1. */
  capacity: number;
}

export interface ChillerInputs {
  /** As its own run command says; undefined: nobody has said, the sequence decides. */
  isWanted: boolean | undefined;
  hasFailed: boolean;
  supplySetpointCel: number;
}

/** The chilled water of the hall's air: one mass, cooled by units of which one stands by. */
export interface ChilledWaterState {
  readonly chillers: readonly ChillerState[];
  supplyCel: number;
  returnCel: number;
  /** Integral part of the capacity controller, 0 to 1. */
  integral: number;
  /** Part of the present capacity that is asked for. */
  demand: number;
  /** Taken out of the water over the step, W. */
  rejectedW: number;
  compressorsW: number;
  fansAndPumpsW: number;
  /** Part of the heat that the outside air takes without compressors, 0 to 1. */
  freeShare: number;
}

export const PUMP_S = 30;
export const DELAY_S = 60;
export const RAMP_S = 240;
export const OFF_MIN_S = 300;
const DEMAND_PER_K = 0.5;
const DEMAND_PER_KS = 0.004;
const CARNOT = 0.4;
const COP_MAX = 7;
const KELVIN = 273.15;
const FAN_EXPONENT = 1.5;
/** Below this part of the rating no compressor runs. */
const SMALLEST_LOAD = 1e-3;

export function chilledWaterState(parameters: ChilledWaterParameters): ChilledWaterState {
  return {
    chillers: Array.from({ length: parameters.units }, (_, place) =>
      place < onDuty(parameters.units)
        ? { mode: "running", elapsedS: 0, capacity: 1 }
        : { mode: "off", elapsedS: OFF_MIN_S, capacity: 0 },
    ),
    supplyCel: parameters.supplyCel,
    returnCel: parameters.supplyCel + parameters.riseK,
    integral: 0,
    demand: 0,
    rejectedW: 0,
    compressorsW: 0,
    fansAndPumpsW: 0,
    freeShare: 0,
  };
}

export interface ChilledWaterSurroundings {
  /** From the hall's air, W. */
  readonly heatW: number;
  readonly ambientCel: number;
  readonly isPowered: boolean;
  /** Length of the step, s. */
  readonly dtS: number;
}

export function stepChilledWater(
  state: ChilledWaterState,
  inputs: readonly ChillerInputs[],
  around: ChilledWaterSurroundings,
  parameters: ChilledWaterParameters,
): void {
  const { dtS } = around;
  sequence(state.chillers, inputs, around.isPowered);
  for (const chiller of state.chillers) stepChiller(chiller, dtS);
  let capacity = 0;
  let running = 0;
  let setpointCel = 0;
  for (const [place, chiller] of state.chillers.entries()) {
    if (chiller.capacity <= 0) continue;
    capacity += chiller.capacity;
    running += 1;
    setpointCel += inputs[place]?.supplySetpointCel ?? parameters.supplyCel;
  }
  if (running > 0) askFor(state, state.supplyCel - setpointCel / running, dtS);
  else state.demand = 0;
  state.rejectedW = state.demand * capacity * parameters.ratingW;
  draw(state, { ...around, running }, parameters);
  state.supplyCel += ((around.heatW - state.rejectedW) * dtS) / parameters.massJPerK;
  // The flow follows the heat: the air handlers keep the rise.
  state.returnCel = state.supplyCel + (around.heatW > 0 ? parameters.riseK : 0);
}

function askFor(state: ChilledWaterState, errorK: number, dtS: number): void {
  const asked = state.integral + DEMAND_PER_K * errorK;
  const isWindingUp = (asked >= 1 && errorK > 0) || (asked <= 0 && errorK < 0);
  if (!isWindingUp)
    state.integral = Math.min(1, Math.max(0, state.integral + DEMAND_PER_KS * errorK * dtS));
  state.demand = Math.min(1, Math.max(0, asked));
}

/** So many run as are on duty; another one starts when one is lost or was stopped. */
function sequence(
  chillers: readonly ChillerState[],
  inputs: readonly ChillerInputs[],
  isPowered: boolean,
): void {
  // Units that run go first, so that one that comes back waits in its turn.
  let missing = onDuty(chillers.length);
  for (const [place, chiller] of chillers.entries()) {
    const told = inputs[place];
    const hasFailed = told?.hasFailed === true;
    if (!isAble(told, isPowered)) stopChiller(chiller, hasFailed);
    else if (chiller.mode === "failed") chiller.mode = "off";
    if (isTurning(chiller)) missing -= 1;
  }
  for (const [place, chiller] of chillers.entries()) {
    const told = inputs[place];
    const isDue = missing > 0 || told?.isWanted === true;
    if (!isDue || !isRested(chiller, told, isPowered)) continue;
    startChiller(chiller);
    missing -= 1;
  }
}

function isRested(
  { mode, elapsedS }: ChillerState,
  told: ChillerInputs | undefined,
  isPowered: boolean,
): boolean {
  return mode === "off" && elapsedS >= OFF_MIN_S && isAble(told, isPowered);
}

function isTurning({ mode }: ChillerState): boolean {
  return mode !== "off" && mode !== "failed";
}

function isAble(told: ChillerInputs | undefined, isPowered: boolean): boolean {
  return isPowered && told?.hasFailed !== true && told?.isWanted !== false;
}

function startChiller(chiller: ChillerState): void {
  chiller.mode = "pump";
  chiller.elapsedS = 0;
}

function stopChiller(chiller: ChillerState, hasFailed: boolean): void {
  const mode = hasFailed ? "failed" : "off";
  if (chiller.mode === mode) return;
  // What was off has been off since then, whatever befalls it.
  if (isTurning(chiller)) chiller.elapsedS = 0;
  chiller.mode = mode;
  chiller.capacity = 0;
}

const MODE_ENDS: Readonly<Partial<Record<ChillerMode, readonly [afterS: number, ChillerMode]>>> = {
  pump: [PUMP_S, "delay"],
  delay: [DELAY_S, "ramp"],
  ramp: [RAMP_S, "running"],
};

function stepChiller(chiller: ChillerState, dtS: number): void {
  chiller.elapsedS += dtS;
  const end = MODE_ENDS[chiller.mode];
  if (end !== undefined && chiller.elapsedS >= end[0]) {
    chiller.elapsedS -= end[0];
    chiller.mode = end[1];
  }
  if (chiller.mode === "ramp") chiller.capacity = chiller.elapsedS / RAMP_S;
  if (chiller.mode === "running") chiller.capacity = 1;
}

function draw(
  state: ChilledWaterState,
  around: ChilledWaterSurroundings & { readonly running: number },
  parameters: ChilledWaterParameters,
): void {
  const { ambientCel, running } = around;
  const aboveK = state.returnCel - ambientCel - parameters.freeApproachK;
  const rangeK = Math.max(state.returnCel - state.supplyCel, 1e-3);
  state.freeShare = Math.min(1, Math.max(0, aboveK / rangeK));
  const ratedW = running * parameters.ratingW;
  const load = ratedW > 0 ? state.rejectedW / ratedW : 0;
  const mechanical = load * (1 - state.freeShare);
  const hotK = ambientCel + parameters.condenserApproachK + KELVIN;
  const coldK = state.supplyCel - parameters.evaporatorApproachK + KELVIN;
  const cop = Math.min(COP_MAX, (CARNOT * coldK) / Math.max(1, hotK - coldK));
  state.compressorsW =
    mechanical > SMALLEST_LOAD
      ? (ratedW / cop) * (0.08 + 0.72 * mechanical + 0.2 * mechanical ** 2)
      : 0;
  let pumping = 0;
  for (const chiller of state.chillers) if (isTurning(chiller)) pumping += 1;
  state.fansAndPumpsW =
    pumping * parameters.pumpW + parameters.fansPerW * ratedW * load ** FAN_EXPONENT;
}
