import { type MonotonicMs, monotonicMs } from "../domain/time.ts";
import { authorityStatus } from "./authority/rule.ts";
import { isFixedUnit } from "./dispatch.ts";
import type { ControlStatus, LeaseStatus, Level, UnitStatus, WorkloadsStatus } from "./exchange.ts";
import { importLimitLease } from "./import-limit.ts";
import { itemAt } from "./item-at.ts";
import { rampStepW } from "./link-rules.ts";
import { megawatts, type Notices } from "./notices.ts";
import { reactiveStatus } from "./reactive-level.ts";
import { smoothingStatus, unitDelayMs } from "./smoothing-notices.ts";
import type { ControlState } from "./state.ts";
import type { UnitState } from "./units.ts";
import { lastSetpoint } from "./writes.ts";
import type { WorkloadsState } from "./workloads.ts";
import { rideThroughStatus } from "./ride-through.ts";
import { numberAt } from "../points/number-at.ts";

/** Less than this part of the batteries' rating is no shortfall worth telling. */
const TELLING_FRACTION = 0.002;
/** What swings is over when it was not there for so long, ms. */
const CALM_MS = 10_000;
/** An import that is above its limit for less is the edge of a load. */
const EXCESS_MS = 400;
/** Nearer than this a unit is at its limit, W. */
const AT_LIMIT_W = 0.5;

/** Announced steps that a status tells one by one. */
const STEPS_TOLD_MAX = 8;

/** What is in force after a cycle. */
export function controlStatus(state: ControlState, now: MonotonicMs): ControlStatus {
  const { grid, total, trips } = state;
  const isKnown = grid.source !== "none";
  return {
    source: grid.source,
    gridW: isKnown ? grid.gridW : undefined,
    loadW: isKnown ? grid.loadW : undefined,
    knownAt: isKnown ? monotonicMs(grid.knownAt) : undefined,
    peakCapW: state.plan.grid.peakCapW,
    totalW: total.totalW,
    bindingLevel: total.binding,
    peakNeedW: total.peakNeedW,
    shortfallW: total.shortfallW,
    smoothing: state.smoothing === undefined ? undefined : smoothingStatus(state.smoothing),
    reactive: state.reactive === undefined ? undefined : reactiveStatus(state.reactive),
    rideThrough:
      state.rideThrough === undefined ? undefined : rideThroughStatus(state.rideThrough, now),
    workloads: workloadsStatus(state.workloads, now),
    units: state.units.map((_unit, place) => unitStatus(state, place)),
    leases: leasesStatus(state, now),
    trips: trips.latched,
    authority: authorityStatus(state.authority),
  };
}

function leasesStatus(state: ControlState, now: MonotonicMs): readonly LeaseStatus[] {
  const { leases, parts, plan, smoothing } = state;
  const referenceW = smoothing?.out.referenceW ?? Number.NaN;
  const limit = importLimitLease(state.importLimit, plan, { now, referenceW });
  const powers = leases.leases.map((lease): LeaseStatus => {
    const { holder, commandId, priority, targetW } = lease;
    const { asset } = itemAt(leases.assets, lease.asset);
    const partW = numberAt(parts, lease.asset);
    const remainingMs = lease.expiresAt - now;
    const kind = "power";
    return { kind, asset, holder, commandId, priority, targetW, partW, startsInMs: 0, remainingMs };
  });
  return limit === undefined ? powers : [limit, ...powers];
}

function workloadsStatus(state: WorkloadsState, now: MonotonicMs): WorkloadsStatus {
  const { steps, taken, refused, forgotten } = state;
  const next = steps
    .slice(0, STEPS_TOLD_MAX)
    .map(({ workload, at, deltaW }) => ({ workload, inMs: at - now, deltaW }));
  return { next, waiting: steps.length, taken, refused, forgotten };
}

function unitStatus(state: ControlState, place: number): UnitStatus {
  const unit = itemAt(state.units, place);
  const sentW = lastSetpoint(itemAt(state.writes, place));
  return {
    asset: itemAt(state.plan.units, place).asset,
    mode: unit.mode,
    setpointW: Number.isNaN(sentW) ? undefined : sentW,
    powerW: Number.isNaN(unit.countedW) ? undefined : unit.countedW,
    delayMs: unitDelayMs(state.smoothing, place),
    lowW: unit.box.lowW,
    highW: unit.box.highW,
    bindingLevel: unitBinding(state, unit, place),
  };
}

/** What decided a unit's power: its own limit where it is at it, else what decided the total. */
export function unitBinding(
  { total, leases }: ControlState,
  unit: UnitState,
  place: number,
): Level {
  if (unit.mode !== "ready") return unit.box.highBy;
  const powerW = numberAt(total.shares.powersW, place);
  const mostW = Math.max(...total.shares.powersW);
  const leastW = Math.min(...total.shares.powersW);
  const isHeldBack = total.binding === unit.box.highBy || mostW - powerW > AT_LIMIT_W;
  if (isHeldBack && powerW > 0 && unit.box.highW - powerW <= AT_LIMIT_W) return unit.box.highBy;
  const isHeldUp = total.binding === unit.box.lowBy || powerW - leastW > AT_LIMIT_W;
  if (isHeldUp && powerW < 0 && powerW - unit.box.lowW <= AT_LIMIT_W) return unit.box.lowBy;
  return isFixedUnit(leases, place) ? "grid-instruction" : total.binding;
}

/** Tells what the total cannot do, and what it cost the grid when a unit was lost. */
export function tellTotal(state: ControlState, notices: Notices, elapsedMs: number): void {
  const { plan, total } = state;
  const ratingW = plan.units.reduce((sumW, unit) => sumW + unit.dischargeRatingW, 0);
  const tellingW = ratingW * TELLING_FRACTION;
  const { device } = plan.grid;
  const isShort = total.shortfallW > tellingW;
  if (isShort) total.shortAt = state.cycledAt;
  const isToldShort = state.cycledAt - total.shortAt < CALM_MS;
  if (notices.isNews("ramp-breach", device, isToldShort))
    notices.tell(
      { id: "ramp-breach", device },
      isToldShort,
      isToldShort
        ? `${megawatts(total.shortfallW)} above the cap are not covered (${total.binding})`
        : `the batteries cover the cap again`,
    );
  tellDrop(state, notices, { elapsedMs, tellingW, isShort });
  tellImport(state, notices);
  for (const [place, unit] of state.units.entries()) {
    if (unit.mode !== "ready") continue;
    const { asset, stepW } = itemAt(plan.units, place);
    const isEmpty = unit.box.highBy === "reserve" && unit.box.highW < stepW;
    if (notices.isNews("reserve-reached", asset, isEmpty))
      notices.tell(
        { id: "reserve-reached", device: asset },
        isEmpty,
        isEmpty ? `${asset} keeps its reserve` : `${asset} is above its reserve`,
      );
  }
}

/**
 * An edge of the load that the batteries have not answered yet is no excess; a load that swings
 * across the limit is one, and it ends when there was none for a while.
 */
function tellImport({ plan, total, grid, cycledAt }: ControlState, notices: Notices): void {
  if (grid.source === "none") return;
  const { device, importLimitW } = plan.grid;
  if (!(grid.gridW > importLimitW)) total.importWithinAt = cycledAt;
  else if (cycledAt - total.importWithinAt >= EXCESS_MS) total.importOverAt = cycledAt;
  const isOver = cycledAt - total.importOverAt < CALM_MS;
  if (!notices.isNews("import-limit-exceeded", device, isOver)) return;
  notices.tell(
    { id: "import-limit-exceeded", device, point: "active-power" },
    isOver,
    isOver
      ? `the import of ${megawatts(grid.gridW)} is above ${megawatts(importLimitW)}`
      : `the import is inside its limit again`,
  );
}

/** True while smoothing declares itself what its reference could not keep of a loss. */
function tellsJumps({ smoothing }: ControlState): boolean {
  const mode = smoothing?.out.mode ?? "standby";
  return mode !== "init" && mode !== "standby";
}

function countLost({ units }: ControlState): number {
  let count = 0;
  for (const { mode } of units) if (mode === "faulted" || mode === "tripped") count += 1;
  return count;
}

/** What a trip or fault took away at once, beyond the ramp: declared with its size. */
function tellDrop(
  state: ControlState,
  notices: Notices,
  sight: { readonly elapsedMs: number; readonly tellingW: number; readonly isShort: boolean },
): void {
  const { plan, total } = state;
  const changeW = total.totalW - total.beforeW;
  total.beforeW = total.totalW;
  // One that was lost before takes nothing away: then it is the load that has let go.
  const lostUnits = countLost(state);
  const isLoss = lostUnits > total.lostUnits;
  total.lostUnits = lostUnits;
  const beyondW = Math.abs(changeW) - rampStepW(plan.grid, changeW, sight.elapsedMs);
  if (!isLoss || sight.isShort || tellsJumps(state)) return;
  // The cap's own need says it better, and without a grid there is no ramp to keep.
  if (total.binding === "peak-cap" || total.binding === "ride-through") return;
  if (beyondW > sight.tellingW)
    notices.once(
      { id: "ramp-breach", device: plan.grid.device },
      `${megawatts(Math.abs(changeW))} were lost at once with a unit`,
    );
}
