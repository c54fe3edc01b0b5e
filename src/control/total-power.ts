import type { MonotonicMs } from "../domain/time.ts";
import {
  bindingLevel,
  clamp,
  lowerCeiling,
  nameHigh,
  nameLow,
  nearest,
  openBox,
  pin,
  type PowerBox,
  raiseFloor,
  resetBox,
  towards,
} from "./arbitration.ts";
import { hasGroupPart, isFixedUnit, type Parts } from "./dispatch.ts";
import type { Level, RideThroughRule } from "./exchange.ts";
import { answerFrequency, type FrequencyLevel } from "./frequency-level.ts";
import type { GridState } from "./grid-trust.ts";
import { handedOver } from "./handover.ts";
import { itemAt } from "./item-at.ts";
import { type LeaseState, membersOf } from "./leases.ts";
import { blindTotal, rampStepW } from "./link-rules.ts";
import { connectionRange, peakFloor } from "./peak-cap.ts";
import type { ControlPlan } from "./plan.ts";
import { shareEqually, type Shares } from "./share.ts";
import { createEnergyShare, type EnergyShareState } from "./share-energy.ts";
import { shareRest } from "./share-total.ts";
import {
  beyondCapW,
  expectedLoad,
  keepEnergy,
  pinSmoothed,
  smoothLoad,
  type SmoothingLevel,
} from "./smoothing-level.ts";
import { canCommand, isCountedAnew, type UnitState } from "./units.ts";
import { numberAt } from "../points/number-at.ts";

/** Plain data. */
export interface TotalState {
  /** Of the last cycle, with silent units at what they count, W. */
  totalW: number;
  /** Of the cycle before it, as last told. */
  beforeW: number;
  /** Units that were faulted or tripped then. */
  lostUnits: number;
  /** What the units' own parts add up to, and what the levels made of it, W. */
  partsW: number;
  targetW: number;
  binding: Level;
  /** What each unit is asked for, or counted at, W. */
  readonly shares: Shares;
  /** Undefined: units share in equal parts. */
  readonly energy: EnergyShareState | undefined;
  readonly box: PowerBox;
  /** What the devices leave to smoothing. */
  readonly reach: PowerBox;
  /** True while the batteries ramp away because nothing is known of the grid. */
  isBlindRamp: boolean;
  /** How far beyond the parts the way back from that began; undefined when it is over. */
  returning: { readonly beyondW: number; readonly at: number } | undefined;
  /** What the total is beyond what is decided, since other settings took over, W. */
  handoverW: number;
  peakNeedW: number;
  shortfallW: number;
  /** When the import was last above its limit, monotonic ms; −Infinity before. */
  importOverAt: number;
  /** When it was last within, monotonic ms. */
  importWithinAt: number;
  /** When the cap was last not covered, alike. */
  shortAt: number;
}

export interface TotalSight {
  readonly plan: ControlPlan;
  /** Undefined: the site does not smooth; then the peak cap alone answers the load. */
  readonly smoothing: SmoothingLevel | undefined;
  readonly frequency: FrequencyLevel | undefined;
  readonly now: MonotonicMs;
  readonly elapsedMs: number;
  readonly units: readonly UnitState[];
  readonly grid: GridState;
  readonly leases: LeaseState;
  readonly parts: Parts;
  readonly isStopping: boolean;
  /** What a loss of the grid makes of everything else. */
  readonly ride: RideThroughRule;
  /** What somebody asks the import to be kept below, W; Infinity: nobody. */
  readonly askedLimitW: number;
}

export function noTotal({ units, share }: ControlPlan, now: MonotonicMs): TotalState {
  const unitCount = units.length;
  return {
    energy: share === undefined ? undefined : createEnergyShare(units, share, now),
    totalW: 0,
    beforeW: 0,
    lostUnits: 0,
    partsW: 0,
    targetW: 0,
    binding: "schedule",
    shares: {
      powersW: new Float64Array(unitCount),
      lowsW: new Float64Array(unitCount),
      highsW: new Float64Array(unitCount),
    },
    box: openBox(),
    reach: openBox(),
    isBlindRamp: false,
    returning: undefined,
    handoverW: 0,
    peakNeedW: 0,
    shortfallW: 0,
    importOverAt: -Infinity,
    importWithinAt: -Infinity,
    shortAt: -Infinity,
  };
}

/**
 * Decides what all batteries together give, and shares it. Each level narrows what the one above
 * left; what nobody asks otherwise is the sum of the leased parts.
 */
export function decideTotal(state: TotalState, sight: TotalSight): void {
  const { shares, box } = state;
  const { units } = sight;
  rebase(state, units);
  placeParts(shares, sight);
  const partsW = sum(shares.powersW);
  openTotal(box, units, shares);
  const isLettingGo = isLetAlone(sight);
  if (sight.isStopping) narrowStopping(state, sight);
  else if (sight.ride !== "none") narrowRiding(state, sight);
  else if (isLettingGo) narrowBlind(state, sight);
  else narrowByLevels(state, sight, partsW);

  if (isLettingGo) followPinned(state, sight);
  const targetW = nearest(box, partsW);
  if (isLettingGo) state.handoverW = 0;
  const decidedW = isLettingGo ? targetW : comeBack(state, sight, { targetW, partsW });
  const totalW = handedOver(state, sight, decidedW);
  state.partsW = partsW;
  state.targetW = targetW;
  state.binding = bindingOf(state, sight, partsW);
  shareRest(shares, state.energy, sight, totalW - partsW);
  if (sight.ride === "carry") countCarried(shares, units);
  state.totalW = sum(shares.powersW);
  // A unit that starts is held for one cycle where it is: that is not yet a shortfall.
  const isStarting = units.some((unit) => unit.mode === "starting");
  state.shortfallW = isStarting ? 0 : Math.max(state.peakNeedW - state.totalW, 0);
}

function bindingOf({ box, peakNeedW }: TotalState, sight: TotalSight, partsW: number): Level {
  if (sight.ride !== "none" && !sight.isStopping) return "ride-through";
  return peakNeedW > box.highW ? box.highBy : bindingLevel(box, partsW);
}

/** True while parts do not move by themselves, because control lets go or holds. */
export function isLetAlone(sight: Pick<TotalSight, "isStopping" | "ride" | "grid">): boolean {
  return sight.isStopping || sight.ride !== "none" || isBlind(sight.grid);
}

/** True while nothing is known of the grid: then parts do not move by themselves. */
export function isBlind(grid: GridState): boolean {
  return grid.source === "none";
}

/** After a blind cycle the parts are what is really given: the way back starts from there. */
export function shrinkParts(parts: Parts, state: TotalState, leases: LeaseState): void {
  const { shares, totalW } = state;
  const { powersW } = shares;
  for (let unit = 0; unit < powersW.length; unit += 1) {
    const partW = numberAt(parts, unit);
    // What a unit gives of a group's part is not its own.
    if (!hasGroupPart(parts, leases, unit))
      parts[unit] = clamp(numberAt(powersW, unit), Math.min(partW, 0), Math.max(partW, 0));
  }
  const partsW = sum(parts);
  if (Math.abs(partsW) <= Math.abs(totalW)) return;
  for (let asset = 0; asset < parts.length; asset += 1)
    parts[asset] = (numberAt(parts, asset) * totalW) / partsW;
}

/**
 * What a unit turns out to give it gave before as well: the total of the cycle before is told anew
 * with it. Else holding that total would take the difference from the others.
 */
function rebase(state: TotalState, units: readonly UnitState[]): void {
  for (const [place, unit] of units.entries()) {
    if (isCountedAnew(unit)) state.totalW += unit.countedW - numberAt(state.shares.powersW, place);
  }
}

/** Gives every unit its own part, and the units of a group equal parts of the group's. */
function placeParts(shares: Shares, sight: TotalSight): void {
  const { units, parts, leases } = sight;
  for (const [place, unit] of units.entries()) {
    shares.lowsW[place] = unit.box.lowW;
    shares.highsW[place] = unit.box.highW;
    shares.powersW[place] = nearest(unit.box, numberAt(parts, place));
  }
  for (let asset = units.length; asset < parts.length; asset += 1) {
    const partW = numberAt(parts, asset);
    const members = membersOf(leases, asset);
    // What a unit that cannot be moved gives anyway is given; but it is no reason for the others
    // to work against it.
    let givenW = 0;
    for (const place of members) {
      if (itemAt(units, place).mode !== "ready")
        givenW += numberAt(shares.powersW, place) - numberAt(parts, place);
    }
    const restW = partW - givenW;
    const askedW = partW > 0 ? Math.max(restW, 0) : Math.min(restW, 0);
    shareEqually(shares, members, askedW);
  }
}

function openTotal(box: PowerBox, units: readonly UnitState[], shares: Shares): void {
  resetBox(box, sum(shares.lowsW), sum(shares.highsW), "device-limits");
  // The total is named after the level that takes most from a unit: the strongest that does.
  for (const { box: own } of units) {
    if (own.highBy !== "device-limits" && box.highBy !== "protection") nameHigh(box, own.highBy);
    if (own.lowBy !== "device-limits" && box.lowBy !== "protection") nameLow(box, own.lowBy);
  }
}

function narrowBlind(state: TotalState, sight: TotalSight): void {
  const { grid, now, elapsedMs, plan, units } = sight;
  const blindSinceMs = now - grid.knownAt;
  const { totalW } = state;
  pin(state.box, blindTotal({ totalW, blindSinceMs, elapsedMs }, plan.grid), "blind");
  // Before a unit is heard there is nothing to ramp, and no way back from it.
  if (blindSinceMs > plan.grid.blindMs && units.some(canCommand)) state.isBlindRamp = true;
  state.returning = undefined;
  state.peakNeedW = 0;
}

/**
 * While the grid may be gone the total stands still; then it is nothing at all, or what the units
 * carry by themselves. Nobody is asked: what the dead grid's meter says is no reason for anything.
 */
function narrowRiding(state: TotalState, { ride, units, frequency }: TotalSight): void {
  const { box } = state;
  let totalW = state.totalW;
  if (ride === "stop") totalW = 0;
  if (ride === "carry") {
    totalW = 0;
    for (const unit of units) totalW += carriedW(unit);
  }
  pin(box, totalW, "ride-through");
  if (ride !== "held" && frequency !== undefined) {
    // What was promised to a grid that is gone is not owed: it begins anew when the grid is back.
    resetBox(state.reach, 0, 0, "ride-through");
    answerFrequency(frequency, state.reach);
  }
  // The way back from it begins at what is then given.
  if (ride !== "held") state.isBlindRamp = true;
  state.returning = undefined;
  state.peakNeedW = 0;
}

/** Of a unit that carries the site only what goes beyond its limits is taken back, W. */
function carriedW(unit: UnitState): number {
  return nearest(unit.box, Number.isNaN(unit.countedW) ? 0 : unit.countedW);
}

function countCarried({ powersW }: Shares, units: readonly UnitState[]): void {
  for (const [place, unit] of units.entries()) powersW[place] = carriedW(unit);
}

/** To zero at the site's ramp, from now on: nobody will be there to hold anything. */
function narrowStopping(state: TotalState, { elapsedMs, plan }: TotalSight): void {
  const stepW = rampStepW(plan.grid, -state.totalW, elapsedMs);
  pin(state.box, towards(state.totalW, 0, stepW), "stop");
  state.returning = undefined;
  state.peakNeedW = 0;
}

function narrowByLevels(state: TotalState, sight: TotalSight, partsW: number): void {
  const { box } = state;
  const { plan, grid, smoothing } = sight;
  const { loadW } = grid;
  if (smoothing !== undefined) answerLoad(state, smoothing, { sight, partsW });
  const expected =
    smoothing === undefined ? { leastW: loadW, mostW: loadW } : expectedLoad(smoothing, loadW);
  const connection = connectionRange(plan.grid, expected);
  lowerCeiling(box, connection.highW, "connection");
  raiseFloor(box, connection.lowW, "connection");
  narrowByInstruction(state.box, state.shares, { sight, partsW });
  if (smoothing !== undefined) {
    const isDuty = sight.frequency?.isTold === true;
    pinSmoothed(smoothing, box, { isDuty, askedLimitW: sight.askedLimitW });
    state.peakNeedW = box.lowW + beyondCapW(smoothing);
    return;
  }
  const floorW = peakFloor(plan.grid, loadW);
  raiseFloor(box, floorW, "peak-cap");
  state.peakNeedW = Math.max(floorW, 0);
}

/**
 * The grid's reference moves away from the load by the schedule, and stays below the cap and the
 * import limit. What it works with is what the devices can do: the limits of the connection hold
 * for what is then asked.
 */
function answerLoad(
  state: TotalState,
  smoothing: SmoothingLevel,
  { sight, partsW }: { readonly sight: TotalSight; readonly partsW: number },
): void {
  const { importLimitW, peakCapW = importLimitW } = sight.plan.grid;
  const { frequency } = sight;
  openTotal(state.reach, sight.units, state.shares);
  if (frequency !== undefined) {
    answerFrequency(frequency, state.reach);
    keepEnergy(smoothing, frequency.out);
  }
  smoothLoad(smoothing, {
    isEnabled: true,
    reach: state.reach,
    dutyW: frequency?.out.dutyW ?? 0,
    dispatchW: partsW,
    capW: Math.min(peakCapW, importLimitW, sight.askedLimitW),
  });
  // The way back from a blind ramp begins at what the batteries give: smoothing takes no step.
  state.isBlindRamp = false;
}

/** While something else decides, smoothing goes along with it: so it comes back without a step. */
function followPinned({ box }: TotalState, { smoothing, ride, isStopping }: TotalSight): void {
  if (smoothing === undefined) return;
  // A dip that the converters ride through is over in a moment: then it goes on as if it had not
  // been, and what the converters gave in the dip is no reason for another reference.
  if (ride === "held" && !isStopping) return;
  const none = { dutyW: 0, dispatchW: 0, capW: Infinity };
  smoothLoad(smoothing, { isEnabled: false, reach: box, ...none });
}

/** Units under a grid instruction keep what it says; the others have what is left. */
function narrowByInstruction(
  box: PowerBox,
  shares: Shares,
  { sight, partsW }: { readonly sight: TotalSight; readonly partsW: number },
): void {
  let lowW = partsW;
  let highW = partsW;
  let isFixed = false;
  for (let place = 0; place < sight.units.length; place += 1) {
    if (isFixedUnit(sight.leases, place)) isFixed = true;
    else {
      lowW += numberAt(shares.lowsW, place) - numberAt(shares.powersW, place);
      highW += numberAt(shares.highsW, place) - numberAt(shares.powersW, place);
    }
  }
  if (!isFixed) return;
  raiseFloor(box, lowW, "grid-instruction");
  lowerCeiling(box, highW, "grid-instruction");
}

/**
 * After a blind ramp the way back to full authority takes its time: what the levels ask beyond the
 * parts, which ramp by themselves, comes in by and by.
 */
function comeBack(
  state: TotalState,
  { now, plan }: TotalSight,
  { targetW, partsW }: { readonly targetW: number; readonly partsW: number },
): number {
  if (state.isBlindRamp) {
    state.isBlindRamp = false;
    state.returning = { beyondW: state.totalW - partsW, at: now };
  }
  if (state.returning === undefined) return targetW;
  const { beyondW, at } = state.returning;
  const done = (now - at) / plan.grid.returnMs;
  if (done >= 1) {
    state.returning = undefined;
    return targetW;
  }
  return partsW + beyondW * (1 - done) + (targetW - partsW) * done;
}

function sum(column: Float64Array): number {
  let total = 0;
  for (const value of column) total += value;
  return total;
}
