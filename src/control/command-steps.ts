import type { CommandStep } from "../domain/command.ts";
import type { ImageView } from "../points/image.ts";
import { freshValue } from "../points/image.ts";
import type { Parts } from "./dispatch.ts";
import { itemAt } from "./item-at.ts";
import {
  endLease,
  type Lease,
  type LeaseSight,
  type LeaseState,
  membersOf,
  pushLeaseStep,
} from "./leases.ts";
import { canCommand } from "./units.ts";
import type { CyclicReport } from "./exchange.ts";
import { differs, noteAccepted, type WriteState } from "./writes.ts";
import { numberAt } from "../points/number-at.ts";

export interface FollowSight extends LeaseSight {
  readonly view: ImageView;
  readonly parts: Parts;
  readonly writes: readonly WriteState[];
}

/** Nearer than this a part has reached its target, W. */
const REACHED_W = 1;
/** How long the measured effect is waited for after it should be there, ms. */
const EFFECT_PATIENCE_MS = 2_000;

/**
 * Follows each command from the write to its measured effect: written when the device accepted it,
 * read back when its poll shows it, effect when the ramp is over and the settling time passed.
 * Then the command is done; its lease stays in force.
 *
 * A device that takes the write and shows something else ends it as refused with `differs`; one
 * that cannot be read ends it as unknown. Then the lease ends too: control does not go on counting
 * on a power that nobody gives.
 */
export function followLeases(state: LeaseState, sight: FollowSight): void {
  for (const lease of [...state.leases]) {
    const tripped = membersOf(state, lease.asset).some(
      (unit) => itemAt(sight.units, unit).mode === "tripped",
    );
    if (tripped) endLease(state, lease, sight, { stage: "refused", reason: "tripped" });
    else if (lease.progress.stage !== "ended") follow(state, lease, sight);
  }
}

export type OutcomeSight = Pick<FollowSight, "plan" | "units" | "writes" | "utc">;

/**
 * What a report of the driver says for the commands, between two cycles: that the device took the
 * setpoint. Nothing is decided by it, and the next cycle gets the same report; only the one who
 * asked does not wait a period for the answer.
 */
export function tellWritten(
  state: LeaseState,
  report: CyclicReport,
  sight: OutcomeSight,
): readonly CommandStep[] {
  const steps: CommandStep[] = [];
  const { plan, units, writes, utc } = sight;
  for (const [place, unitPlan] of plan.units.entries())
    noteAccepted(itemAt(writes, place), unitPlan, report);
  for (const lease of state.leases) {
    const members = membersOf(state, lease.asset).filter((unit) => canCommand(itemAt(units, unit)));
    const isTaken = members.every((unit) => itemAt(writes, unit).acceptedAt >= lease.takenAt);
    if (members.length > 0 && isTaken) toldWritten(state, lease, { utc, steps });
  }
  return steps;
}

function follow(state: LeaseState, lease: Lease, sight: FollowSight): void {
  const units = membersOf(state, lease.asset).filter((unit) =>
    canCommand(itemAt(sight.units, unit)),
  );
  const writes = units.map((unit) => itemAt(sight.writes, unit));
  const { progress, takenAt } = lease;
  const isRefused = writes.some((write) => write.refusedAt >= takenAt);
  if (isRefused && progress.stage === "accepted") {
    endLease(state, lease, sight, { stage: "refused", reason: "device-refused" });
    return;
  }
  if (progress.stage !== "read-back" && writes.some(differs)) {
    toldWritten(state, lease, sight);
    pushLeaseStep(state, lease, sight, { stage: "read-back", readBack: "differs" });
    endLease(state, lease, sight, {
      stage: "refused",
      reason: "read-back-differs",
      readBack: "differs",
      measured: measuredW(sight, units, -Infinity),
    });
    return;
  }
  const isHeard = units.length > 0;
  if (isHeard && writes.every((write) => write.acceptedAt >= takenAt))
    toldWritten(state, lease, sight);
  if (isHeard && writes.every((write) => write.confirmedAt >= takenAt)) {
    toldWritten(state, lease, sight);
    toldReadBack(state, lease, sight);
  }
  if (progress.stage === "read-back") awaitEffect(state, lease, { ...sight, members: units });
  else if (sight.now - takenAt > patienceMs(state, lease, sight)) {
    const reason = isHeard ? "unconfirmed" : "not-available";
    endLease(state, lease, sight, { stage: "unknown", reason, readBack: "unconfirmed" });
  }
}

function toldWritten(
  state: LeaseState,
  lease: Lease,
  sight: Pick<LeaseSight, "steps" | "utc">,
): void {
  if (lease.progress.stage !== "accepted") return;
  lease.progress.stage = "written";
  pushLeaseStep(state, lease, sight, { stage: "written" });
}

function toldReadBack(state: LeaseState, lease: Lease, sight: FollowSight): void {
  if (lease.progress.stage !== "written") return;
  lease.progress.stage = "read-back";
  pushLeaseStep(state, lease, sight, { stage: "read-back", readBack: "applied" });
}

function awaitEffect(
  state: LeaseState,
  lease: Lease,
  sight: FollowSight & { readonly members: readonly number[] },
): void {
  const { progress } = lease;
  const { now, plan, members, parts } = sight;
  if (members.length === 0) {
    // A moment without an answer of any says nothing of the effect.
    progress.unheardSince ??= now;
    if (now - progress.unheardSince >= EFFECT_PATIENCE_MS)
      endLease(state, lease, sight, { stage: "unknown", reason: "effect-not-measured" });
    return;
  }
  progress.unheardSince = undefined;
  const isThere = Math.abs(numberAt(parts, lease.asset) - lease.targetW) <= REACHED_W;
  if (!isThere && !isHeldShort(lease, sight)) return;
  progress.reachedAt ??= now;
  const settleMs = Math.max(0, ...members.map((unit) => itemAt(plan.units, unit).settleMs));
  if (now - progress.reachedAt < settleMs) return;
  const measured = measuredW(sight, members, progress.reachedAt);
  if (measured === undefined) {
    if (now - progress.reachedAt < settleMs + EFFECT_PATIENCE_MS) return;
    endLease(state, lease, sight, { stage: "unknown", reason: "effect-not-measured" });
    return;
  }
  pushLeaseStep(state, lease, sight, { stage: "effect", measured, readBack: "applied" });
  pushLeaseStep(state, lease, sight, { stage: "done", measured, readBack: "applied" });
}

/** True when the units are at their limits on the way to the target: more does not come. */
function isHeldShort(
  lease: Lease,
  sight: FollowSight & { readonly members: readonly number[] },
): boolean {
  const isUp = lease.targetW > numberAt(sight.parts, lease.asset);
  let reachW = 0;
  for (const unit of sight.members) {
    const { box } = itemAt(sight.units, unit);
    reachW += isUp ? box.highW : box.lowW;
  }
  const partW = numberAt(sight.parts, lease.asset);
  return isUp ? partW >= reachW - REACHED_W : partW <= reachW + REACHED_W;
}

/** What the units give, W, as measured since an instant; undefined where one was not. */
function measuredW(
  sight: FollowSight,
  units: readonly number[],
  sinceMs: number,
): number | undefined {
  if (units.length === 0) return undefined;
  let sumW = 0;
  for (const unit of units) {
    const plan = itemAt(sight.plan.units, unit);
    const powerW = freshValue(sight.view, plan.points.power, sight.now, plan.silentMs);
    const at = numberAt(sight.view.receivedAt, plan.points.power);
    if (powerW === undefined || at < sinceMs) return undefined;
    sumW += powerW;
  }
  return sumW;
}

/** A device's reversion time is the longest that a write can be in doubt. */
function patienceMs(state: LeaseState, lease: Lease, { plan }: FollowSight): number {
  const times = membersOf(state, lease.asset).map(
    (unit) => itemAt(plan.units, unit).reversion.afterMs,
  );
  return Math.max(...times);
}
