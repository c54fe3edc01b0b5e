import type { MonotonicMs, UtcMs } from "../domain/time.ts";
import type { Parts } from "./dispatch.ts";
import {
  authorityRecord,
  type AuthorityState,
  distrustAll,
  fullAuthority,
  restoreAuthority,
} from "./authority/authority.ts";
import { compileEnvelope, type Envelope } from "./envelope.ts";
import { createFrequencyLevel, type FrequencyLevel } from "./frequency-level.ts";
import { type GridState, unknownGrid } from "./grid-trust.ts";
import type { ImportLimitState } from "./import-limit.ts";
import { type LeaseState, noLeases } from "./leases.ts";
import { type NoticeState, noNotices } from "./notices.ts";
import type { ControlPlan } from "./plan.ts";
import { createReactiveLevel, type ReactiveLevel } from "./reactive-level.ts";
import { createSmoothingLevel, type SmoothingLevel } from "./smoothing-level.ts";
import { createRideThrough, type RideThroughState } from "./ride-through.ts";
import { noTotal, type TotalState } from "./total-power.ts";
import { createProtection, type ProtectionState } from "./protection.ts";
import { type LatchRecord, latchRecord, restoreTrips } from "./trip-record.ts";
import { noTrips, type TripState } from "./trips.ts";
import { type UnitState, unknownUnit } from "./units.ts";
import { noWorkloads, type WorkloadsState } from "./workloads.ts";
import { noWrites, setpointsKept, type WriteState } from "./writes.ts";

/**
 * All that control remembers from one cycle to the next: plain data, so a structured clone of it
 * goes on as the original would.
 */
export interface ControlState {
  readonly plan: ControlPlan;
  /** Shared with the direct lane: one envelope for every write. */
  readonly envelope: Envelope;
  readonly units: readonly UnitState[];
  readonly grid: GridState;
  readonly leases: LeaseState;
  readonly parts: Parts;
  readonly total: TotalState;
  readonly writes: readonly WriteState[];
  readonly trips: TripState;
  readonly authority: AuthorityState;
  readonly notices: NoticeState;
  /** Undefined where the site does not smooth. */
  readonly smoothing: SmoothingLevel | undefined;
  readonly workloads: WorkloadsState;
  /** Undefined where nothing is promised for the frequency. */
  readonly frequency: FrequencyLevel | undefined;
  /** Undefined where nothing is asked of the batteries' reactive power. */
  readonly reactive: ReactiveLevel | undefined;
  readonly importLimit: ImportLimitState;
  /** Undefined where the site says nothing of a loss of its grid. */
  readonly rideThrough: RideThroughState | undefined;
  readonly protection: ProtectionState;
  cycledAt: MonotonicMs;
}

/** `utc`: how old what was saved is. */
export type ControlStart =
  | { readonly now: MonotonicMs; readonly latches: undefined }
  | {
      readonly now: MonotonicMs;
      readonly utc: UtcMs;
      readonly latches: LatchRecord | "unreadable" | undefined;
    };

/**
 * Control at its start: it knows nothing and writes nothing until it has read a unit.
 *
 * @param latches saved trips, see `latchState`; undefined only where none have ever been saved
 */
export function createControl(plan: ControlPlan, start: ControlStart): ControlState {
  const { now } = start;
  const trips = noTrips(plan);
  const authority = fullAuthority();
  if (start.latches !== undefined) restore({ trips, authority, plan }, start.latches, start);
  const leases = noLeases(plan);
  return {
    plan,
    envelope: compileEnvelope(plan.envelope, now),
    units: plan.units.map(() => unknownUnit(now)),
    grid: unknownGrid(plan.grid, now),
    leases,
    parts: new Float64Array(leases.assets.length),
    total: noTotal(plan, now),
    writes: plan.units.map((unit) => noWrites(setpointsKept(unit, plan.periodMs))),
    trips,
    authority,
    notices: noNotices(),
    smoothing: createSmoothingLevel(plan, now),
    workloads: noWorkloads(),
    frequency: createFrequencyLevel(plan, now),
    reactive: createReactiveLevel(plan),
    importLimit: { held: undefined },
    rideThrough: createRideThrough(plan),
    protection: createProtection(plan),
    cycledAt: now,
  };
}

function restore(
  { trips, authority, plan }: Pick<ControlState, "trips" | "authority" | "plan">,
  saved: LatchRecord | "unreadable",
  clocks: { readonly now: MonotonicMs; readonly utc: UtcMs },
): void {
  restoreTrips(trips, plan, saved, clocks);
  if (saved === "unreadable") distrustAll(authority, plan.assets, clocks.utc);
  else if (saved.authority !== undefined) restoreAuthority(authority, saved.authority);
}

/**
 * What has to be saved before a trip is acknowledged; read back by `parseLatchRecord`.
 *
 * @param utc of the last cycle
 */
export function latchState(state: ControlState, utc: UtcMs): LatchRecord {
  const { trips, plan, authority, cycledAt } = state;
  return latchRecord(trips, plan, authorityRecord(authority), { now: cycledAt, utc });
}
