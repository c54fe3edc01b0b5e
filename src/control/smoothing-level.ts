import { freshValue, type ImageView } from "../points/image.ts";
import { byteAt, numberAt } from "../points/number-at.ts";
import type { MonotonicMs } from "../domain/time.ts";
import { pin, type PowerBox } from "./arbitration.ts";
import type { Level } from "./exchange.ts";
import type { GridState } from "./grid-trust.ts";
import { itemAt } from "./item-at.ts";
import { estimateLoad, type LoadEstimate, noLoadEstimate } from "./load-estimate.ts";
import type { BatteryUnitPlan, ControlPlan } from "./plan.ts";
import {
  createDelayTrack,
  delayRequest,
  type DelayRequest,
  type DelayTrack,
  trackDelay,
} from "./smoothing/delay.ts";
import {
  type SmoothingInputs,
  smoothingInputs,
  type SmoothingNews,
  smoothingOut,
  type SmoothingOut,
} from "./smoothing/exchange.ts";
import { backAt } from "./smoothing/predictor/history.ts";
import { expertOf } from "./smoothing/predictor/predictor.ts";
import {
  createSmoothing,
  type SmoothingState,
  stepSmoothing,
  takeDelay,
  takeRefit,
} from "./smoothing/smoothing.ts";
import { canCommand, type UnitState } from "./units.ts";

/** Ramp governor and smoothing, as a level of the arbitration. Plain data. */
export interface SmoothingLevel {
  readonly smoothing: SmoothingState;
  readonly inputs: SmoothingInputs;
  readonly out: SmoothingOut;
  readonly load: LoadEstimate;
  /** 1 for each unit whose energy counts, by place. */
  readonly counted: Uint8Array;
  /** What each unit was asked for and what it gave, and its delay as found, ms; NaN: not yet. */
  readonly unitTracks: readonly DelayTrack[];
  readonly unitDelaysMs: Float64Array;
  /** What the reference jumped beyond its ramp in the jump that is going on, W. */
  jumpW: number;
  /** Monotonic ms of its last part; −Infinity: none. */
  jumpedAt: number;
}

const J_PER_WH = 3_600;

/** Undefined where the site does not smooth. */
export function createSmoothingLevel(
  plan: ControlPlan,
  now: MonotonicMs,
): SmoothingLevel | undefined {
  if (plan.smoothing === undefined) return undefined;
  return {
    smoothing: createSmoothing(plan.smoothing, now),
    inputs: smoothingInputs(now),
    out: smoothingOut(),
    load: noLoadEstimate(),
    counted: new Uint8Array(plan.units.length),
    unitTracks: plan.units.map(() => createDelayTrack(plan.periodMs)),
    unitDelaysMs: new Float64Array(plan.units.length).fill(Number.NaN),
    jumpW: 0,
    jumpedAt: -Infinity,
  };
}

/** Takes what was found since the cycle before; true when the delay of the loop is another one. */
export function takeNews(level: SmoothingLevel, news: SmoothingNews): boolean {
  if (news.refit !== undefined) takeRefit(level.smoothing, news.refit);
  const { unitDelay } = news;
  if (unitDelay?.found.result === "found")
    level.unitDelaysMs[unitDelay.unit] = unitDelay.found.delayMs;
  return news.delay !== undefined && takeDelay(level.smoothing, news.delay);
}

export interface SmoothingSight {
  readonly plan: ControlPlan;
  readonly view: ImageView;
  readonly now: MonotonicMs;
  readonly grid: GridState;
  readonly units: readonly UnitState[];
  /** True while what the grid's meter says is no measurement: the grid is dead. */
  readonly isVoid?: boolean;
}

/** Reads what smoothing has to know of the plant in this cycle. */
export function observeSmoothing(level: SmoothingLevel, sight: SmoothingSight): void {
  const { inputs, load } = level;
  const { plan, view, now, grid, units } = sight;
  const lagMs = level.smoothing.settings.meterLagMs;
  inputs.now = now;
  inputs.loadW = estimateLoad(load, plan.grid, { grid, units, view, now, lagMs });
  inputs.gridW = grid.source === "none" ? Number.NaN : grid.gridW;
  if (sight.isVoid === true) {
    inputs.loadW = Number.NaN;
    inputs.gridW = Number.NaN;
  }
  inputs.batteryW = 0;
  for (const { countedW } of units) inputs.batteryW += countedW;
  inputs.answerW = inputs.batteryW;
  countEnergy(level, sight);
}

/**
 * For a smoothing whose commands are not done: the batteries are taken to give what it asked for
 * one delay ago, and the grid the rest of the load. So it judges itself as if it had been obeyed.
 */
export function imagineAnswer({ smoothing, inputs }: SmoothingLevel): void {
  const { commands, delayMs, settings } = smoothing;
  const back = Math.min(delayMs / settings.cycleMs, Math.max(commands.count - 1, 0));
  const askedW = backAt(commands, back);
  const answerW = Number.isNaN(askedW) ? smoothing.commandW : askedW;
  inputs.batteryW = answerW;
  inputs.answerW = answerW;
  if (!Number.isNaN(inputs.gridW)) inputs.gridW = inputs.loadW - answerW;
}

/** The energy of the units that smoothing can use. */
function countEnergy(level: SmoothingLevel, sight: SmoothingSight): void {
  const { inputs, counted, smoothing } = level;
  const { plan, units } = sight;
  inputs.storedJ = 0;
  inputs.floorJ = 0;
  inputs.ceilingJ = 0;
  for (const [place, unitPlan] of plan.units.entries()) {
    const isCounted = canCommand(itemAt(units, place)) ? 1 : 0;
    // With other units the count of the energy begins anew, from their readings.
    if (byteAt(counted, place) !== isCounted) smoothing.energy.storedJ = Number.NaN;
    counted[place] = isCounted;
    if (isCounted === 1) addEnergy(inputs, unitPlan, sight);
  }
}

function addEnergy(inputs: SmoothingInputs, unit: BatteryUnitPlan, sight: SmoothingSight): void {
  const { soc: input } = unit.points;
  const { minPercent, maxPercent, reservePercent, resolutionPercent } = unit.soc;
  const perPercentJ = (unit.capacityWh * J_PER_WH) / 100;
  const socPercent = freshValue(sight.view, input.point, sight.now, input.maxAgeMs) ?? Number.NaN;
  inputs.storedJ += socPercent * perPercentJ;
  inputs.floorJ += (Math.max(reservePercent, minPercent) + resolutionPercent) * perPercentJ;
  inputs.ceilingJ += (maxPercent - resolutionPercent) * perPercentJ;
}

/** Leaves energy and room for what is promised to the grid. */
export function keepEnergy(
  { inputs }: SmoothingLevel,
  reserve: { readonly reserveEnergyJ: number; readonly reserveRoomJ: number },
): void {
  inputs.floorJ += reserve.reserveEnergyJ;
  inputs.ceilingJ -= reserve.reserveRoomJ;
}

/** What is asked of the batteries in this cycle beside smoothing, W. */
export interface SmoothingTerms {
  /** False where something else decides the total: what the box says is then given. */
  readonly isEnabled: boolean;
  /** What the devices can give. */
  readonly reach: Readonly<PowerBox>;
  /** A duty to the grid: given without any ramp. */
  readonly dutyW: number;
  /** Of schedules and instructions. */
  readonly dispatchW: number;
  /** Import is kept below; Infinity: no cap. */
  readonly capW: number;
}

/** Answers the load; see `pinSmoothed`. */
export function smoothLoad(level: SmoothingLevel, terms: SmoothingTerms): void {
  const { smoothing, inputs, out } = level;
  const { reach, dutyW, dispatchW, capW } = terms;
  const isAny = level.counted.includes(1);
  inputs.isEnabled = terms.isEnabled && isAny;
  inputs.boxLowW = reach.lowW - dutyW;
  inputs.boxHighW = reach.highW - dutyW;
  inputs.dutyW = dutyW;
  inputs.dispatchW = dispatchW;
  inputs.capW = capW;
  stepSmoothing(smoothing, inputs, out);
  noteJump(level, out.breachW, terms.isEnabled);
}

/** Why the answer of a cycle may be what it is. */
export interface AnswerReasons {
  /** True while what the grid's frequency asks is the reason for most of it. */
  readonly isDuty: boolean;
  /** What somebody asks the import to be kept below, W; Infinity: nobody. */
  readonly askedLimitW: number;
}

/** Asks for the answer of this cycle, or what of it the levels above leave. */
export function pinSmoothed(level: SmoothingLevel, box: PowerBox, reasons: AnswerReasons): void {
  pin(box, level.out.powerW, reasonOf(level, reasons));
}

function reasonOf({ smoothing, inputs }: SmoothingLevel, reasons: AnswerReasons): Level {
  if (reasons.isDuty) return "frequency-duty";
  if (!(smoothing.governorInputs.targetW > inputs.capW)) return "governor";
  return inputs.capW === reasons.askedLimitW ? "grid-instruction" : "peak-cap";
}

/**
 * The load that the limits of the connection are held against: as it is, and as it is expected to
 * be when the answer arrives. An answer to an edge that is about to come is no excess yet. The
 * slow mean, by which a load is answered while predictions rest, foresees no edge.
 */
export function expectedLoad(
  { out, smoothing }: SmoothingLevel,
  loadW: number,
): { readonly leastW: number; readonly mostW: number } {
  const { predictedW } = out;
  const isMean = smoothing.supervisor.restS > 0 || expertOf(smoothing.predictor) === "slow";
  if (isMean || Number.isNaN(predictedW)) return { leastW: loadW, mostW: loadW };
  return { leastW: Math.min(loadW, predictedW), mostW: Math.max(loadW, predictedW) };
}

/** A step of the load may leave the ramp in more than one cycle: it is told as one jump. */
function noteJump(level: SmoothingLevel, breachW: number, isEnabled: boolean): void {
  if (breachW === 0 || !isEnabled) return;
  level.jumpW += breachW;
  level.jumpedAt = level.inputs.now;
}

/** After the share: what each unit is asked for, and what it gives. */
export function trackUnits(
  level: SmoothingLevel,
  powersW: Float64Array,
  units: readonly UnitState[],
): void {
  for (let place = 0; place < units.length; place += 1) {
    const unit = itemAt(units, place);
    const measuredW = unit.mode === "ready" ? unit.countedW : Number.NaN;
    trackDelay(itemAt(level.unitTracks, place), numberAt(powersW, place), measuredW);
  }
}

/** What a search for the delay of one unit works on. */
export function unitDelayRequest(level: SmoothingLevel, unit: number): DelayRequest {
  const { cycleMs, delayMaxMs, dischargeRatingW } = level.smoothing.settings;
  const ratingW = dischargeRatingW / level.unitTracks.length;
  return delayRequest(itemAt(level.unitTracks, unit), { cycleMs, delayMaxMs, ratingW });
}

/** How far the import is beyond the cap because the battery has no energy left for it, W. */
export function beyondCapW(level: SmoothingLevel): number {
  const { smoothing, inputs, out } = level;
  return smoothing.governor.isOverCap ? Math.max(out.referenceW - inputs.capW, 0) : 0;
}
