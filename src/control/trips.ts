import type { PlantEvent } from "../domain/event.ts";
import { type UtcMs, utcMs } from "../domain/time.ts";
import type { ImageView } from "../points/image.ts";
import { type AuthorityRecord, parseAuthorityRecord } from "./authority/authority.ts";
import { conditionState } from "./conditions.ts";
import type { LatchedTrip, LocalOrder, OrderAnswer } from "./exchange.ts";
import { itemAt } from "./item-at.ts";
import type { ControlPlan, TripRule } from "./plan.ts";
import { numberAt } from "../points/number-at.ts";

/** Trips that are latched, in the order in which they came. Plain data. */
export interface TripState {
  latched: LatchedTrip[];
  /** Grows with every change. */
  revision: number;
}

/**
 * What is saved of the latches, and of what people at the box have decided: names instead of
 * places, so that it outlives a changed site. Version 1 had no authority.
 */
export interface LatchRecord {
  readonly version: 1 | 2;
  readonly authority?: AuthorityRecord;
  readonly latches: readonly {
    readonly id: string;
    readonly device: string;
    readonly text: string;
    readonly at: number;
    readonly isFirstOut: boolean;
    readonly assets: readonly string[];
  }[];
}

/** Id of the latch that stands for saved latches which could not be read. */
export const LATCHES_UNREADABLE = "latches-unreadable";
/** Id of the latch by which a person at the box stopped a unit; `release` lifts it. */
export const OPERATOR_STOP = "operator-stop";

export function noTrips(): TripState {
  return { latched: [], revision: 0 };
}

/** Latches every trip whose cause is there. The first of several in one cycle is the oldest. */
export function latchTrips(
  state: TripState,
  plan: ControlPlan,
  sight: { readonly view: ImageView; readonly utc: UtcMs },
  events: PlantEvent[],
): void {
  const { view, utc } = sight;
  const fresh = plan.trips.filter(
    (rule) => !isLatched(state, rule) && conditionState(view, rule.condition) === "active",
  );
  if (fresh.length === 0) return;
  const since = (rule: TripRule): number => numberAt(view.changedAt, rule.condition.point);
  fresh.sort((a, b) => since(a) - since(b));
  for (const rule of fresh) {
    const { id, device, text, units } = rule;
    const isFirstOut = state.latched.length === 0;
    state.latched.push({ id, device, text, at: utc, isFirstOut, units });
    state.revision += 1;
    events.push(tripEvent(rule, "raised", utc));
  }
}

/** True while a trip holds this unit. */
export function isTripped(state: TripState, unit: number): boolean {
  return state.latched.some((trip) => trip.units.includes(unit));
}

/**
 * Lifts latches whose cause is known to be gone; a cause that cannot be seen is not gone. Answers
 * once per order.
 */
export function resetTrips(
  state: TripState,
  plan: ControlPlan,
  sight: { readonly view: ImageView; readonly utc: UtcMs; readonly order: ResetOrder },
  events: PlantEvent[],
): OrderAnswer {
  const { order, view, utc } = sight;
  if (order.trip === OPERATOR_STOP) return { order, result: "refused", reason: "release-it" };
  const asked = state.latched.filter(
    ({ id }) => id !== OPERATOR_STOP && (order.trip === "all" || id === order.trip),
  );
  if (asked.length === 0) return { order, result: "refused", reason: "no-such-trip" };
  const reasons = asked.map((trip) => whyNot(trip, plan, view));
  const refusal = reasons.find((reason) => reason !== undefined);
  const lifted = asked.filter((_trip, at) => reasons[at] === undefined);
  for (const trip of lifted) {
    state.latched = state.latched.filter((other) => other !== trip);
    state.revision += 1;
    const text = `${trip.id} of ${trip.device} was reset by ${order.by}`;
    events.push(tripEvent({ ...trip, text, pointName: undefined }, "cleared", utc));
  }
  return { order, result: refusal === undefined ? "done" : "refused", reason: refusal };
}

/** Stops a unit because a person at the box says so. */
export function stopByHand(
  state: TripState,
  plan: ControlPlan,
  { unit, by, at }: { readonly unit: number; readonly by: string; readonly at: UtcMs },
  events: PlantEvent[],
): void {
  const device = itemAt(plan.units, unit).asset;
  if (isStoppedByHand(state, device)) return;
  const text = `${by} stopped ${device}`;
  const isFirstOut = state.latched.length === 0;
  const trip = { id: OPERATOR_STOP, device, text, at, isFirstOut, units: [unit] };
  state.latched.push(trip);
  state.revision += 1;
  events.push(tripEvent({ ...trip, pointName: undefined }, "raised", at));
}

export function isStoppedByHand(state: TripState, asset: string): boolean {
  return state.latched.some(({ id, device }) => id === OPERATOR_STOP && device === asset);
}

/** Every asset that a person stopped, also one that the site file no longer names. */
export function stoppedByHand({ latched }: TripState): readonly string[] {
  return latched.filter(({ id }) => id === OPERATOR_STOP).map(({ device }) => device);
}

/** Lets a unit go that a person had stopped; other trips hold it on. */
export function liftStop(
  state: TripState,
  { asset, by, at }: { readonly asset: string; readonly by: string; readonly at: UtcMs },
  events: PlantEvent[],
): void {
  const stop = state.latched.find(({ id, device }) => id === OPERATOR_STOP && device === asset);
  if (stop === undefined) return;
  state.latched = state.latched.filter((other) => other !== stop);
  state.revision += 1;
  const text = `${by} let ${asset} go`;
  events.push(tripEvent({ ...stop, text, pointName: undefined }, "cleared", at));
}

/** What to save; `restoreTrips` takes it back. */
export function latchRecord(
  state: TripState,
  plan: ControlPlan,
  authority: AuthorityRecord,
): LatchRecord {
  return {
    version: 2,
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
  return authority === undefined ? "unreadable" : { version: 2, latches, authority };
}

/**
 * Takes saved latches back before the first cycle. What cannot be read, or names a unit that is no
 * longer known, holds every unit: a forgotten trip must not be the way to lose one.
 */
export function restoreTrips(
  state: TripState,
  plan: ControlPlan,
  saved: LatchRecord | "unreadable",
  utc: UtcMs,
): void {
  const all = plan.units.map((_unit, place) => place);
  if (saved === "unreadable") {
    const text = "the saved trips could not be read; all units stay stopped";
    const { latched } = state;
    const trip = { id: LATCHES_UNREADABLE, device: "gateway", text, at: utc, units: all };
    latched.push({ ...trip, isFirstOut: latched.length === 0 });
    state.revision += 1;
    return;
  }
  for (const { assets, at, ...trip } of saved.latches) {
    const units = assets.map((asset) => plan.units.findIndex((unit) => unit.asset === asset));
    const isKnown = units.length > 0 && !units.includes(-1);
    state.latched.push({ ...trip, at: utcMs(at), units: isKnown ? units : all });
  }
}

type ResetOrder = LocalOrder & { readonly kind: "reset" };

function isLatched(state: TripState, rule: TripRule): boolean {
  return state.latched.some((trip) => trip.id === rule.id && trip.device === rule.device);
}

function whyNot(trip: LatchedTrip, plan: ControlPlan, view: ImageView): string | undefined {
  const rule = plan.trips.find((other) => other.id === trip.id && other.device === trip.device);
  if (rule === undefined) return undefined;
  const cause = conditionState(view, rule.condition);
  if (cause === "clear") return undefined;
  return cause === "active" ? "cause-present" : "cause-unknown";
}

function tripEvent(
  trip: {
    readonly id: string;
    readonly device: string;
    readonly text: string;
    readonly pointName: string | undefined;
  },
  phase: "raised" | "cleared",
  at: UtcMs,
): PlantEvent {
  const { id, device, pointName, text } = trip;
  return { id, severity: "trip", phase, device, point: pointName, text, at };
}

function isObject(document: unknown): document is Readonly<Record<string, unknown>> {
  return typeof document === "object" && document !== null && !Array.isArray(document);
}

function isLatch(document: unknown): document is LatchRecord["latches"][number] {
  if (!isObject(document)) return false;
  const { id, device, text, at, isFirstOut, assets } = document;
  return (
    [id, device, text].every((word) => typeof word === "string") &&
    typeof at === "number" &&
    typeof isFirstOut === "boolean" &&
    Array.isArray(assets) &&
    assets.every((asset) => typeof asset === "string")
  );
}
