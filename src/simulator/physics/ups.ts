import type { UpsParameters } from "./parameters.ts";

/** What a unit does; `off`: it feeds nothing. */
export type UpsMode = "online" | "on-battery" | "static-bypass" | "off";

/** One uninterruptible supply of several that share one output bus. Powers in W, energy in Wh. */
export interface UpsState {
  mode: UpsMode;
  /** `bypass`: the converter has a fault; `lost`: the unit is gone; `overload`: it saves itself. */
  trouble: "none" | "bypass" | "lost" | "overload";
  /** In the battery; `batteryEfficiency` of it reaches the output. */
  energyWh: number;
  /** How long the input has been outside and inside its window, s. */
  badS: number;
  goodS: number;
  /** Part of the load that the mains carry, 0 to 1: after a return it rises over the walk-in. */
  walkIn: number;
  overloadS: number;
  outputW: number;
  inputW: number;
  /** What becomes heat in the room: of the converter, and of the battery while it discharges. */
  lossW: number;
  /** Into the battery, W. */
  rechargeW: number;
  /** Out of the battery, W, its own loss included. */
  dischargeW: number;
}

/** The bus that feeds the units, and what hangs on their output. */
export interface UpsInputs {
  readonly isLive: boolean;
  /** Of nominal. */
  readonly voltagePu: number;
  readonly frequencyHz: number;
  readonly demandW: number;
}

/** What all units together do. */
export interface UpsTotals {
  inputW: number;
  outputW: number;
  lossW: number;
  /** False: no unit feeds the output bus, everything behind it is dark. */
  isFed: boolean;
}

const TINY_S = 1e-9;
const WH_J = 3600;

export function upsState(parameters: UpsParameters): UpsState {
  return {
    mode: "online",
    trouble: "none",
    energyWh: parameters.batteryWh,
    badS: 0,
    goodS: 0,
    walkIn: 1,
    overloadS: 0,
    outputW: 0,
    inputW: 0,
    lossW: 0,
    rechargeW: 0,
    dischargeW: 0,
  };
}

/** Takes a unit out of service, or puts it on its static bypass, at once. */
export function failUps(state: UpsState, trouble: "bypass" | "lost"): void {
  state.trouble = trouble;
}

/** The unit comes back as after a return of the mains. */
export function repairUps(state: UpsState): void {
  if (state.trouble === "none") return;
  state.trouble = "none";
  state.mode = "off";
  state.goodS = 0;
}

/** The mains carry it, as if they had never been away; the battery keeps what it has. */
export function settleUps(state: UpsState): void {
  state.mode = "online";
  state.walkIn = 1;
  state.badS = 0;
}

/** How long the battery would carry what the unit feeds now, s; undefined: it feeds nothing. */
export function upsRuntimeS(state: UpsState, parameters: UpsParameters): number | undefined {
  if (state.outputW <= 0) return undefined;
  return (state.energyWh * WH_J * parameters.batteryEfficiency) / state.outputW;
}

/** Moves all units by `dtS`; those that feed share the demand equally, from this very step on. */
export function stepUps(
  units: readonly UpsState[],
  inputs: UpsInputs,
  parameters: UpsParameters,
  dtS: number,
): void {
  for (const unit of units) chooseMode(unit, inputs, parameters, dtS);
  const shareW = share(units, inputs, parameters, dtS);
  for (const unit of units) {
    unit.outputW = unit.mode === "off" ? 0 : shareW;
    feed(unit, inputs, parameters, dtS);
    protect(unit, parameters, dtS);
  }
}

/** Sums up what the units did in their last step. */
export function addUpUps(units: readonly UpsState[], totals: UpsTotals): void {
  totals.inputW = 0;
  totals.outputW = 0;
  totals.lossW = 0;
  totals.isFed = false;
  for (const unit of units) {
    totals.inputW += unit.inputW;
    totals.outputW += unit.outputW;
    totals.lossW += unit.lossW;
    if (unit.mode !== "off") totals.isFed = true;
  }
}

function chooseMode(
  unit: UpsState,
  inputs: UpsInputs,
  parameters: UpsParameters,
  dtS: number,
): void {
  const isGood = isInWindow(inputs, parameters);
  unit.goodS = isGood ? unit.goodS + dtS : 0;
  unit.badS = isGood ? 0 : unit.badS + dtS;
  if (unit.trouble === "lost") unit.mode = "off";
  else if (unit.trouble === "none") chooseFreely(unit, parameters, dtS);
  else unit.mode = inputs.isLive ? "static-bypass" : "off";
}

function chooseFreely(unit: UpsState, parameters: UpsParameters, dtS: number): void {
  const hasReturned = unit.goodS >= parameters.returnS - TINY_S;
  switch (unit.mode) {
    case "online":
      unit.walkIn = Math.min(1, unit.walkIn + dtS / parameters.walkInS);
      if (unit.badS < parameters.transferS - TINY_S) return;
      unit.mode = "on-battery";
      unit.walkIn = 0;
      return;
    case "on-battery":
      if (hasReturned) unit.mode = "online";
      return;
    case "static-bypass":
    case "off":
      if (!hasReturned) return;
      unit.mode = "online";
      // A battery that is low cannot carry the load while the mains walk in.
      unit.walkIn = unit.energyWh > parameters.lowSoc * parameters.batteryWh ? 0 : 1;
  }
}

function isInWindow(inputs: UpsInputs, { windowPu, windowHz }: UpsParameters): boolean {
  const { isLive, voltagePu, frequencyHz } = inputs;
  if (!isLive || voltagePu < windowPu[0] || voltagePu > windowPu[1]) return false;
  return frequencyHz >= windowHz[0] && frequencyHz <= windowHz[1];
}

/** What each feeding unit carries. Units whose battery cannot carry it for this step switch off. */
function share(
  units: readonly UpsState[],
  inputs: UpsInputs,
  parameters: UpsParameters,
  dtS: number,
): number {
  for (;;) {
    let feeding = 0;
    for (const { mode } of units) if (mode !== "off") feeding += 1;
    if (feeding === 0) return 0;
    const shareW = inputs.demandW / feeding;
    let hasChanged = false;
    for (const unit of units) {
      const dischargeW = fromBatteryW(unit, shareW, inputs) / parameters.batteryEfficiency;
      if (unit.mode === "off" || (dischargeW * dtS) / WH_J <= unit.energyWh) continue;
      unit.mode = "off";
      hasChanged = true;
    }
    if (!hasChanged) return shareW;
  }
}

/** Part of a unit's output that the mains do not carry, W. */
function fromBatteryW(unit: UpsState, shareW: number, { isLive }: UpsInputs): number {
  if (unit.mode === "online") return shareW * (1 - (isLive ? unit.walkIn : 0));
  return unit.mode === "on-battery" ? shareW : 0;
}

/** Where a unit takes from what it gives. */
function feed(unit: UpsState, inputs: UpsInputs, parameters: UpsParameters, dtS: number): void {
  const { outputW } = unit;
  const batteryW = fromBatteryW(unit, outputW, inputs);
  const isConverting = unit.mode === "online" && inputs.isLive;
  const converterW = isConverting ? unit.walkIn * converterLossW(parameters, outputW) : 0;
  const fullW = ((parameters.batteryWh - unit.energyWh) * WH_J) / dtS;
  const isCharging = isConverting && unit.walkIn >= 1;
  unit.dischargeW = batteryW / parameters.batteryEfficiency;
  unit.rechargeW = isCharging ? Math.min(parameters.rechargeW, fullW) : 0;
  unit.inputW = outputW - batteryW + converterW + unit.rechargeW;
  unit.lossW = converterW + unit.dischargeW - batteryW;
  unit.energyWh += ((unit.rechargeW - unit.dischargeW) * dtS) / WH_J;
}

/** A unit that is overloaded for too long leaves its converter, or gives up on battery. */
function protect(unit: UpsState, parameters: UpsParameters, dtS: number): void {
  if (unit.trouble === "overload" && unit.outputW <= parameters.ratingW) {
    unit.trouble = "none";
  }
  if (!isOverloaded(unit, parameters)) {
    unit.overloadS = 0;
    return;
  }
  unit.overloadS += dtS;
  if (unit.overloadS >= parameters.overloadS && unit.trouble === "none") unit.trouble = "overload";
}

export function isOverloaded(unit: UpsState, parameters: UpsParameters): boolean {
  return unit.outputW > parameters.overloadPart * parameters.ratingW;
}

/** Loss of one unit's converter while it feeds `outputW`. */
export function converterLossW(parameters: UpsParameters, outputW: number): number {
  return (
    parameters.lossConstant * parameters.ratingW +
    parameters.lossLinear * outputW +
    (parameters.lossQuadratic * outputW * outputW) / parameters.ratingW
  );
}
