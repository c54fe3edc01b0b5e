import { assert } from "../domain/assert.ts";
import type { WorkloadAnswer } from "../domain/announcement.ts";
import type { Command, CommandStep } from "../domain/command.ts";
import type { UtcMs } from "../domain/time.ts";
import { hasYielded, isHeldAsset, isLocal, yieldAsset } from "./authority/authority.ts";
import { takeOrder } from "./authority/orders.ts";
import { admitted, endRemoteLeases, observeAuthority } from "./authority/rule.ts";
import { tellChannels, tellVotedMeters } from "./channel-notices.ts";
import { followLeases, tellWritten } from "./command-steps.ts";
import { adoptMeasured, adoptParts, rampParts } from "./dispatch.ts";
import { LONGEST_STEP_MS, observeInterlocks } from "./envelope.ts";
import type {
  ControlStatus,
  ControlWrite,
  CycleInputs,
  CyclicReport,
  CycleResult,
  OrderAnswer,
} from "./exchange.ts";
import { observeFrequency, tellFrequency } from "./frequency-level.ts";
import { tellSource } from "./grid-notices.ts";
import { distrustedPoints, observeGrid } from "./grid-trust.ts";
import { watchUnit } from "./following.ts";
import { itemAt } from "./item-at.ts";
import {
  askedLimitW,
  dropImportLimit,
  followImportLimit,
  type ImportLimitSight,
  isImportLimit,
  prepareImportLimit,
  takeImportLimit,
} from "./import-limit.ts";
import { endLease, expireLeases, type LeaseSight, membersOf, takeCommand } from "./leases.ts";
import { megawatts, Notices } from "./notices.ts";
import {
  isGridGone,
  isMeterVoid,
  observeGridLoss,
  rideThroughRule,
  tellRideThrough,
} from "./ride-through.ts";
import { observeReactive, shareReactive, tellReactive, writeReactive } from "./reactive-level.ts";
import { imagineAnswer, observeSmoothing, takeNews, trackUnits } from "./smoothing-level.ts";
import { tellDelay, tellSmoothing } from "./smoothing-notices.ts";
import type { ControlState } from "./state.ts";
import { readCharges } from "./share-total.ts";
import { controlStatus, tellTotal } from "./status.ts";
import { decideTotal, isLetAlone, shrinkParts } from "./total-power.ts";
import { observeProtection } from "./protection.ts";
import { takeSnapshot } from "./trip-snapshot.ts";
import { inhibitTripped, isTripped, latchTrips, resetTrips, tripsOver } from "./trips.ts";
import { canCommand, isCountedAnew, isTakenOver, observeUnit, type UnitState } from "./units.ts";
import {
  askStart,
  assertStop,
  checkReadBack,
  expectWrite,
  forgetWrites,
  holdsNothing,
  isForeign,
  isStopConfirmed,
  noteOutcome,
  writeSetpoint,
  writeStart,
} from "./writes.ts";
import { endSteps, takeWorkload, tellSteps } from "./workloads.ts";
import { isBad } from "../domain/quality.ts";
import { byteAt, numberAt } from "../points/number-at.ts";

/** `cyclic` for commands that `cycle` takes; everything else goes over the direct lane. */
export function laneOf(state: ControlState, command: Command): "cyclic" | "direct" {
  const isDriven = state.leases.assets.some(({ asset }) => asset === command.asset);
  if (isImportLimit(state.plan, command)) return "cyclic";
  return isDriven && command.action.kind !== "set-point" ? "cyclic" : "direct";
}

/**
 * One control cycle: reads the image, decides, and says what to write. Changes nothing but `state`;
 * the same state and inputs give the same result. Never throws on plant data.
 */
export function cycle(state: ControlState, inputs: CycleInputs): CycleResult {
  const { now, utc } = inputs;
  const sinceMs = now - state.cycledAt;
  assert(sinceMs >= 0, "time ran backwards between two control cycles");
  state.cycledAt = now;
  const turn: Turn = {
    inputs,
    elapsedMs: Math.min(sinceMs, LONGEST_STEP_MS),
    notices: new Notices(state.notices, utc),
    writes: [],
    steps: [],
  };
  const answers = protect(state, turn);
  takeFound(state, turn);
  observe(state, turn);
  const workloads = takeWorkloads(state, turn);
  takeCommands(state, turn);
  decide(state, turn);
  write(state, turn);
  follow(state, turn);
  tellSmoothing(state, turn.notices);
  if (state.frequency !== undefined)
    tellFrequency(state.frequency, state.plan.grid.device, turn.notices);
  if (state.rideThrough !== undefined)
    tellRideThrough(state.rideThrough, state.plan.grid.device, turn.notices);
  if (state.reactive !== undefined)
    tellReactive(state.reactive, state.plan.grid.device, turn.notices);
  tellTotal(state, turn.notices, turn.elapsedMs);
  return {
    writes: turn.writes.sort((a, b) => Number(b.isProtective) - Number(a.isProtective)),
    events: turn.notices.events,
    steps: turn.steps,
    answers,
    workloads,
    distrusted: distrustedPoints(state.grid, state.plan.grid),
    latchRevision: state.trips.revision + state.authority.revision,
  };
}

/** Steps that a report of the driver allows to be told before the cycle that takes it in. */
export function stepsOf(
  state: ControlState,
  report: CyclicReport,
  utc: UtcMs,
): readonly CommandStep[] {
  const { plan, units, writes } = state;
  return tellWritten(state.leases, report, { plan, units, writes, utc });
}

/** What is in force after the last cycle. */
export function statusOf(state: ControlState): ControlStatus {
  return controlStatus(state, state.cycledAt);
}

/**
 * True when no unit is left with a power that control has asked of it. One that a person holds is
 * let go of by the next cycle only.
 */
export function isLetGo(state: ControlState): boolean {
  return state.units.every((unit, place) => {
    const isAsked = canCommand(unit) || unit.mode === "held";
    return !isAsked || holdsNothing(itemAt(state.writes, place));
  });
}

interface Turn {
  readonly inputs: CycleInputs;
  readonly elapsedMs: number;
  readonly notices: Notices;
  readonly writes: ControlWrite[];
  readonly steps: CommandStep[];
}

function protect(state: ControlState, turn: Turn): readonly OrderAnswer[] {
  const { view, now, utc, orders } = turn.inputs;
  const { plan, trips, authority, envelope } = state;
  const { events } = turn.notices;
  const { grid, units, writes } = state;
  const seen = { plan, view, grid, units, writes, totalW: state.total.totalW };
  const snapshotOf = (places: readonly number[]) => takeSnapshot(places, seen);
  latchTrips(trips, plan, { view, now, utc, snapshotOf }, events);
  const held = plan.units.map((_unit, place) => isTripped(trips, place));
  const standOf = (place: number): "still" | "moving" | "silent" =>
    standingOf(state, place, turn.inputs);
  const answers = orders.map((order) =>
    order.kind === "reset"
      ? resetTrips(trips, plan, { now, utc, order }, events)
      : takeOrder(authority, order, { plan, trips, standOf, utc, events }),
  );
  observeAuthority(authority, envelope, { plan, view, now, notices: turn.notices });
  inhibitTripped(trips, plan, envelope);
  observeInterlocks(envelope, view, now);
  tellChannels(trips, plan, { now, notices: turn.notices });
  for (const [place, write] of state.writes.entries())
    if (held[place] === true && !isTripped(trips, place)) askStart(write, turn.inputs.now);
  return answers;
}

function standingOf(
  { plan, units }: ControlState,
  place: number,
  sight: Pick<CycleInputs, "view" | "now">,
): "still" | "moving" | "silent" {
  const isHeard = !isBad(byteAt(sight.view.quality, itemAt(plan.units, place).points.power));
  if (!isHeard || itemAt(units, place).mode === "unknown") return "silent";
  return isStopConfirmed(itemAt(plan.units, place), sight) ? "still" : "moving";
}

function takeFound({ smoothing, plan }: ControlState, { inputs, notices }: Turn): void {
  if (smoothing === undefined || inputs.news === undefined) return;
  const isAnother = takeNews(smoothing, inputs.news);
  if (isAnother) tellDelay(smoothing, plan.grid.device, notices);
}

function takeWorkloads(state: ControlState, { inputs }: Turn): readonly WorkloadAnswer[] {
  const { workloads = [], now } = inputs;
  const smoothing = state.smoothing?.smoothing;
  return workloads.map((notice) => takeWorkload(state.workloads, notice, { now, smoothing }));
}

function observe(state: ControlState, turn: Turn): void {
  const { plan, units, writes, envelope, protection } = state;
  const { notices, elapsedMs } = turn;
  const { view, now, outcomes } = turn.inputs;
  observeProtection(protection, { plan, view, now, notices });
  if (state.rideThrough !== undefined) observeGridLoss(state.rideThrough, { view, now });
  const ride = rideThroughRule(state.rideThrough);
  for (const [place, unitPlan] of plan.units.entries()) {
    const unit = itemAt(units, place);
    const write = itemAt(writes, place);
    const isTold = write.sent.count > 0 && !write.isInterlocked;
    const sight = { view, now, elapsedMs, plan, notices, ride };
    observeUnit(unit, unitPlan, {
      ...sight,
      isTold,
      ...tripsOver(state.trips, place),
      rule: itemAt(protection.units, place),
      ...authorityOver(state, place, turn),
    });
    // What carries the site is told nothing: what it was told before counts no more.
    if (unit.mode === "starting" || ride === "carry") forgetWrites(write);
    if (isCountedAnew(unit)) goOn(state, place);
    if (isTakenOver(unit)) takeOver(state, place, turn);
    for (const report of outcomes) noteOutcome(write, unitPlan, report, { now, notices });
    checkReadBack(write, unitPlan, { view, now, envelope, notices });
    watchUnit(unit, unitPlan, write.sent, { now, notices });
    const isDriven = unit.mode === "ready" || unit.mode === "held";
    if (isDriven && isForeign(write, unitPlan, { view, now })) leaveTo(state, place, turn);
  }
  const sight = { view, now, units, notices };
  observeGrid(state.grid, plan.grid, sight);
  tellSource(state.grid, plan.grid, sight);
  tellVotedMeters(state.grid, plan.grid, notices);
}

/** When control ends, nobody is there to hold anything: then a hold ends, too. */
function authorityOver(
  { plan, authority, total }: ControlState,
  place: number,
  { inputs }: Turn,
): { readonly heldW: number | undefined; readonly isYielded: boolean } {
  const { asset } = itemAt(plan.units, place);
  const isHeld = inputs.isStopping !== true && isHeldAsset(authority, asset);
  return {
    heldW: isHeld ? numberAt(total.shares.powersW, place) : undefined,
    isYielded: hasYielded(authority, asset),
  };
}

/** Somebody else writes to a unit: it is theirs until a person releases it. */
function leaveTo(state: ControlState, place: number, turn: Turn): void {
  const { inputs, notices } = turn;
  const { asset } = itemAt(state.plan.units, place);
  yieldAsset(state.authority, asset, inputs.utc);
  // From this cycle on: what it would be told now would be written over the other's word.
  itemAt(state.units, place).mode = "yielded";
  takeOver(state, place, turn);
  const shownW = numberAt(inputs.view.values, itemAt(state.plan.units, place).points.setpoint);
  notices.once(
    { id: "second-writer", device: asset, point: "active-power-setpoint" },
    `somebody else wrote ${megawatts(shownW)} to ${asset}: it is left to them until it is released`,
  );
}

/** Whoever had a lease of it has it no more, and what it gives is its own part. */
function takeOver(state: ControlState, place: number, turn: Turn): void {
  const { leases, parts, units } = state;
  const { mode, heldW, countedW } = itemAt(units, place);
  const reason = mode === "yielded" ? "another-writer" : "held-locally";
  for (const lease of [...leases.leases])
    if (membersOf(leases, lease.asset).includes(place))
      endLease(
        leases,
        lease,
        { steps: turn.steps, utc: turn.inputs.utc },
        { stage: "superseded", reason },
      );
  adoptParts(parts, leases, place);
  parts[place] = mode === "held" ? heldW : countedW;
}

/**
 * What runs without a holder is kept as it is, and then ramps away. Its limits were started from
 * the same power, so nothing cuts it.
 */
function goOn(state: ControlState, place: number): void {
  const { parts, leases, total } = state;
  const { modeBefore, countedW: measuredW } = itemAt(state.units, place);
  if (modeBefore === "unknown" || modeBefore === "held" || modeBefore === "yielded")
    parts[place] = measuredW;
  const beforeW = numberAt(total.shares.powersW, place);
  adoptMeasured(parts, leases, place, { beforeW, measuredW });
}

function takeCommands(state: ControlState, turn: Turn): void {
  const sight = leaseSight(state, turn);
  expireLeases(state.leases, sight);
  if (isLocal(state.authority)) {
    endRemoteLeases(state.leases, sight);
    dropImportLimit(state.importLimit, sight, "local-mode");
  }
  for (const command of admitted(state.authority, turn.inputs.commands, sight)) {
    if (isImportLimit(state.plan, command))
      takeImportLimit(state.importLimit, command, limitSight(state, turn));
    else takeCommand(state.leases, command, sight);
  }
  prepareImportLimit(state.importLimit, limitSight(state, turn));
  for (const lease of state.leases.leases) {
    if (lease.takenAt !== turn.inputs.now) continue;
    adoptParts(state.parts, state.leases, lease.asset);
    for (const place of itemAt(state.leases.assets, lease.asset).units)
      expectWrite(itemAt(state.writes, place));
  }
}

/** What the controllers between the fixed levels have to know of this cycle. */
function observeLevels(state: ControlState, { inputs }: Turn): void {
  const { plan, units, grid, total, smoothing, frequency, reactive, rideThrough } = state;
  const { view, now, isStopping = false } = inputs;
  const isVoid = isMeterVoid(rideThrough);
  if (smoothing !== undefined) {
    observeSmoothing(smoothing, { plan, view, now, grid, units, isVoid });
    if (inputs.isShadow === true) imagineAnswer(smoothing);
    tellSteps(state.workloads, smoothing.smoothing, now);
  }
  if (frequency !== undefined && plan.frequency !== undefined)
    observeFrequency(frequency, plan.frequency, { view, now, isVoid });
  if (reactive !== undefined && plan.reactive !== undefined)
    observeReactive(reactive, plan.reactive, {
      view,
      now,
      units,
      totalW: total.totalW,
      isStopping: isStopping || isGridGone(rideThrough),
      isVoid,
    });
  if (total.energy !== undefined) readCharges(total.energy, plan, { view, now });
}

function decide(state: ControlState, turn: Turn): void {
  const { plan, units, grid, leases, parts, total, smoothing, frequency, reactive } = state;
  const { elapsedMs } = turn;
  const { now, isStopping = false } = turn.inputs;
  const ride = rideThroughRule(state.rideThrough);
  const isLettingGo = isLetAlone({ isStopping, ride, grid });
  // In the first cycle after a blind ramp the parts are what is given: from there they go on.
  const mayRamp = !isLettingGo && !total.isBlindRamp;
  if (mayRamp) rampParts(parts, leases, { plan, units, elapsedMs });
  observeLevels(state, turn);
  decideTotal(total, {
    plan,
    smoothing,
    frequency,
    now,
    elapsedMs,
    units,
    grid,
    leases,
    parts,
    isStopping,
    ride,
    askedLimitW: askedLimitW(state.importLimit, smoothing),
  });
  if (isLettingGo && ride !== "held") shrinkParts(parts, total, leases);
  if (reactive !== undefined && plan.reactive !== undefined)
    shareReactive(reactive, plan.reactive, units, total.shares.powersW);
  if (smoothing === undefined) return;
  endSteps(state.workloads, smoothing.smoothing, now);
  trackUnits(smoothing, total.shares.powersW, units);
}

function write(state: ControlState, turn: Turn): void {
  const { plan, units, total } = state;
  const isCarrying = rideThroughRule(state.rideThrough) === "carry";
  for (const place of plan.units.keys()) {
    const powerW = numberAt(total.shares.powersW, place);
    if (!(isCarrying && isWithin(itemAt(units, place), powerW)))
      writeUnit(state, place, powerW, turn);
  }
}

function writeUnit(state: ControlState, place: number, powerW: number, turn: Turn): void {
  const { plan, units, envelope } = state;
  const { view, now } = turn.inputs;
  const { notices, writes } = turn;
  const sight = { view, now, envelope, notices, writes };
  const unitPlan = itemAt(plan.units, place);
  const unit = itemAt(units, place);
  const before = writes.length;
  const own = itemAt(state.writes, place);
  switch (unit.mode) {
    case "tripped":
      assertStop(own, unitPlan, sight);
      break;
    case "faulted":
    case "starting":
    case "held":
    case "ready":
      writeSetpoint(own, unitPlan, wantedOf(unit, powerW), sight);
      writeStart(own, unitPlan, sight);
      break;
    default:
      // Nothing reaches it, and a setpoint is never repeated blindly: its own reversion acts. Or it
      // is somebody else's.
      break;
  }
  if (writes.length > before) unit.sentAt = now;
  // Its share is 0 where it cannot be commanded; a trip's own stop takes care of the rest.
  const isAsked = unit.mode === "ready" || unit.mode === "faulted";
  if (isAsked && state.reactive !== undefined) writeReactive(state.reactive, plan, place, sight);
}

/** True for a unit that carries the site inside its limits: it is told nothing. */
function isWithin({ mode, countedW }: UnitState, powerW: number): boolean {
  return mode !== "tripped" && !(Math.abs(countedW - powerW) > 0);
}

function wantedOf(
  unit: UnitState,
  powerW: number,
): { readonly powerW: number; readonly fromW: number | undefined } {
  return { powerW, fromW: unit.mode === "starting" ? unit.countedW : undefined };
}

function follow(state: ControlState, turn: Turn): void {
  const { parts, writes } = state;
  const { view } = turn.inputs;
  followLeases(state.leases, { ...leaseSight(state, turn), view, parts, writes });
  const gridW = isGridGone(state.rideThrough) ? Number.NaN : state.grid.gridW;
  const { elapsedMs } = turn;
  followImportLimit(state.importLimit, { ...limitSight(state, turn), gridW, elapsedMs });
}

function leaseSight(state: ControlState, turn: Turn): LeaseSight {
  const { plan, units, envelope } = state;
  const { now, utc } = turn.inputs;
  return { now, utc, plan, units, envelope, notices: turn.notices, steps: turn.steps };
}

function limitSight({ plan, smoothing, total }: ControlState, turn: Turn): ImportLimitSight {
  const { now, utc } = turn.inputs;
  const { notices, steps } = turn;
  return { now, utc, plan, smoothing, reachW: total.reach.highW, notices, steps };
}
