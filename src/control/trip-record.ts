import { utcMs } from "../domain/time.ts";
import { type AuthorityRecord, parseAuthorityRecord } from "./authority/authority.ts";
import { itemAt } from "./item-at.ts";
import type { ControlPlan } from "./plan.ts";
import {
  type ClockPair,
  parsePasses,
  restorePasses,
  type SavedPasses,
  savedPasses,
} from "./trip-passes.ts";
import { parseSnapshot } from "./trip-snapshot.ts";
import { keyOf, LATCHES_UNREADABLE, type TripState } from "./trips.ts";

/**
 * What is saved of the latches, and of what people at the box have decided: names instead of
 * places, so that it outlives a changed site. Version 1 had no authority.
 */
export interface LatchRecord {
  readonly version: 1 | 2;
  readonly authority?: AuthorityRecord;
  readonly latches: readonly SavedLatch[];
  /** Recoveries of the last hour; records from before it, and those without any, have none. */
  readonly passes?: readonly SavedPasses[] | "unreadable" | undefined;
}

interface SavedLatch {
  readonly id: string;
  readonly device: string;
  readonly text: string;
  readonly at: number;
  readonly isFirstOut: boolean;
  readonly assets: readonly string[];
  /** As in `LatchedTrip`; records from before it had none. */
  readonly causeAt?: number | undefined;
  readonly snapshot?: unknown;
}

/** What to save; `restoreTrips` takes it back. */
export function latchRecord(
  state: TripState,
  plan: ControlPlan,
  authority: AuthorityRecord,
  clocks: ClockPair,
): LatchRecord {
  const passes = savedPasses(state.marks, plan, clocks);
  return {
    version: 2,
    ...(passes.length === 0 ? {} : { passes }),
    authority,
    latches: state.latched.map(({ units, ...trip }) => ({
      ...trip,
      assets: units.map((unit) => itemAt(plan.units, unit).asset),
    })),
  };
}

/** Reads a saved record; anything else than a whole one is unreadable. */
export function parseLatchRecord(document: unknown): LatchRecord | "unreadable" {
  if (!isObject(document)) return "unreadable";
  const { version, latches } = document;
  if (!Array.isArray(latches) || !latches.every(isLatch)) return "unreadable";
  if (version === 1) return { version, latches };
  const authority = version === 2 ? parseAuthorityRecord(document["authority"]) : undefined;
  if (authority === undefined) return "unreadable";
  return { version: 2, latches, authority, passes: parsePasses(document["passes"]) };
}

/**
 * Takes saved latches back before the first cycle. What cannot be read, or names a unit that is no
 * longer known, holds every unit: a forgotten trip must not be the way to lose one.
 */
export function restoreTrips(
  state: TripState,
  plan: ControlPlan,
  saved: LatchRecord | "unreadable",
  clocks: ClockPair,
): void {
  const all = plan.units.map((_unit, place) => place);
  const passes = saved === "unreadable" ? saved : saved.passes;
  if (passes !== undefined) restorePasses(state.marks, plan, passes, clocks);
  if (saved === "unreadable") {
    const at = utcMs(clocks.utc);
    const text = "the saved trips could not be read; all units stay stopped";
    const { latched } = state;
    const trip = { id: LATCHES_UNREADABLE, device: "gateway", text, at, units: all };
    latched.push({ ...trip, isFirstOut: latched.length === 0 });
    state.revision += 1;
    return;
  }
  for (const { assets, at, causeAt, snapshot, ...trip } of saved.latches) {
    const units = assets.map((asset) => plan.units.findIndex((unit) => unit.asset === asset));
    const isKnown = units.length > 0 && !units.includes(-1);
    const picture = parseSnapshot(snapshot);
    state.restored.add(keyOf(trip));
    state.latched.push({
      ...trip,
      at: utcMs(at),
      units: isKnown ? units : all,
      ...(causeAt === undefined ? {} : { causeAt: utcMs(causeAt) }),
      ...(picture === undefined ? {} : { snapshot: picture }),
    });
  }
}

function isObject(document: unknown): document is Readonly<Record<string, unknown>> {
  return typeof document === "object" && document !== null && !Array.isArray(document);
}

function isLatch(document: unknown): document is SavedLatch {
  if (!isObject(document)) return false;
  const { id, device, text, at, isFirstOut, assets, causeAt } = document;
  return (
    [id, device, text].every((word) => typeof word === "string") &&
    typeof at === "number" &&
    typeof isFirstOut === "boolean" &&
    (causeAt === undefined || typeof causeAt === "number") &&
    Array.isArray(assets) &&
    assets.every((asset) => typeof asset === "string")
  );
}
