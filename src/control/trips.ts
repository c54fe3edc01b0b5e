import type { PlantEvent } from "../domain/event.ts";
import { type MonotonicMs, type UtcMs, utcMs } from "../domain/time.ts";
import type { ImageView } from "../points/image.ts";
import type { LatchedTrip, LocalOrder, OrderAnswer, TripSnapshot } from "./exchange.ts";
import { type Envelope, inhibitAssets } from "./envelope.ts";
import { itemAt } from "./item-at.ts";
import { type ControlPlan, PLAIN_TRIP, type ResetRole, type TripRule } from "./plan.ts";
import {
  causeSince,
  mayPass,
  observeCause,
  RECOVERIES_MAX,
  type TripMark,
  unseenCause,
} from "./trip-cause.ts";
import { snapshotWords } from "./trip-snapshot.ts";

/** Trips that are latched, in the order in which they came. Plain data. */
export interface TripState {
  latched: LatchedTrip[];
  /** Grows with every change, and with every pass that counts. */
  revision: number;
  /** What is known of the causes, by place of the rule in the plan. */
  readonly marks: readonly TripMark[];
  /** Latches that still let discharge ramp to zero. */
  ramps: readonly TripRamp[];
  /** Latches taken from the disk: a person resets them, whatever their rule says. */
  readonly restored: Set<string>;
}

interface TripRamp {
  readonly id: string;
  readonly device: string;
  /** When all of it has to stand, monotonic ms. */
  readonly endsAt: number;
  readonly rampMs: number;
}

export interface TripSight {
  readonly view: ImageView;
  readonly now: MonotonicMs;
  readonly utc: UtcMs;
  /** The plant as it is before a trip of these units acts; undefined: none is kept. */
  readonly snapshotOf?: (units: readonly number[]) => TripSnapshot;
}

/** Id of the latch that stands for saved latches which could not be read. */
export const LATCHES_UNREADABLE = "latches-unreadable";
/** Id of the latch by which a person at the box stopped a unit; `release` lifts it. */
export const OPERATOR_STOP = "operator-stop";
/** Snapshots that are kept at a time: of the first trips, which tell what happened. */
export const SNAPSHOTS_MAX = 8;

export function noTrips({ trips }: Pick<ControlPlan, "trips">): TripState {
  return {
    latched: [],
    revision: 0,
    marks: trips.map(unseenCause),
    ramps: [],
    restored: new Set(),
  };
}

/**
 * Latches every trip whose cause is there, and lifts those that end by themselves. The first of
 * several in one cycle is the oldest.
 */
export function latchTrips(
  state: TripState,
  plan: Pick<ControlPlan, "trips">,
  sight: TripSight,
  events: PlantEvent[],
): void {
  const { view, now, utc } = sight;
  if (state.ramps.length > 0) state.ramps = state.ramps.filter(({ endsAt }) => now < endsAt);
  const fresh: { readonly rule: TripRule; readonly since: number }[] = [];
  for (let place = 0; place < plan.trips.length; place += 1) {
    const rule = itemAt(plan.trips, place);
    const mark = itemAt(state.marks, place);
    observeCause(mark, rule, sight);
    if (isToLatch(state, rule, mark, now)) fresh.push({ rule, since: causeSince(rule, view, now) });
    if (mark.cause === "clear") recover(state, { rule, mark, now, utc }, events);
  }
  if (fresh.length === 0) return;
  fresh.sort((a, b) => a.since - b.since);
  for (const { rule, since } of fresh) {
    const snapshot = isWorthOne(state) ? sight.snapshotOf?.(rule.units) : undefined;
    const causeAt = utcMs(Math.round(utc - Math.max(now - since, 0)));
    latch(state, { rule, causeAt, snapshot }, sight, events);
  }
}

function isToLatch(state: TripState, rule: TripRule, mark: TripMark, now: number): boolean {
  const wasThere = mark.isThere;
  if (mark.cause !== "unknown") mark.isThere = mark.cause === "active";
  // A pass is counted and saved, when it begins and when it ends.
  if (mark.isPassing && mark.cause === "clear") {
    mark.isPassing = false;
    state.revision += 1;
  }
  if (mark.cause !== "active") return false;
  if (!wasThere) {
    const { passesPerHour } = rule.terms ?? PLAIN_TRIP;
    mark.isPassing = passesPerHour > 0 && mayPass(mark, passesPerHour, now);
    if (mark.isPassing) state.revision += 1;
  }
  return !mark.isPassing && !isLatched(state, rule);
}

function latch(
  state: TripState,
  found: {
    readonly rule: TripRule;
    readonly causeAt: UtcMs;
    readonly snapshot: TripSnapshot | undefined;
  },
  { now, utc }: TripSight,
  events: PlantEvent[],
): void {
  const { rule, causeAt, snapshot } = found;
  const { id, device, text, units } = rule;
  const { rampMs } = rule.terms ?? PLAIN_TRIP;
  const isFirstOut = state.latched.length === 0;
  const kept = snapshot === undefined ? {} : { snapshot };
  state.latched.push({ id, device, text, at: utc, isFirstOut, units, causeAt, ...kept });
  if (rampMs > 0) state.ramps = [...state.ramps, { id, device, endsAt: now + rampMs, rampMs }];
  state.revision += 1;
  const told = snapshot === undefined ? text : `${text} (${snapshotWords(snapshot)})`;
  events.push(tripEvent({ ...rule, text: told }, "raised", utc));
}

function isWorthOne({ latched }: TripState): boolean {
  let kept = 0;
  for (const { snapshot } of latched) if (snapshot !== undefined) kept += 1;
  return kept < SNAPSHOTS_MAX;
}

/** A trip whose rule lets it lift itself, a few times an hour; then it waits for a person. */
function recover(
  state: TripState,
  found: {
    readonly rule: TripRule;
    readonly mark: TripMark;
    readonly now: number;
    readonly utc: UtcMs;
  },
  events: PlantEvent[],
): void {
  const { rule, mark, now, utc } = found;
  const { recoversAfterMs } = rule.terms ?? PLAIN_TRIP;
  if (recoversAfterMs === undefined || now - mark.clearSince < recoversAfterMs) return;
  const trip = state.latched.find((one) => isOf(one, rule));
  if (trip === undefined || state.restored.has(keyOf(trip))) return;
  if (!mayPass(mark, RECOVERIES_MAX, now)) return;
  drop(state, trip);
  const text = `${trip.id} of ${trip.device} ended by itself`;
  events.push(tripEvent({ ...trip, text, pointName: undefined }, "cleared", utc));
}

/** True while a trip holds this unit, also one that still lets it ramp to zero. */
export function isTripped(state: TripState, unit: number): boolean {
  return state.latched.some((trip) => trip.units.includes(unit));
}

/** How trips hold a unit. */
export interface TripHold {
  /** It stops at once. */
  readonly isTripped: boolean;
  /** It ramps to zero within this time, ms; undefined: it does not, or stops at once. */
  readonly tripRampMs: number | undefined;
}

export function tripsOver(state: TripState, unit: number): TripHold {
  let tripRampMs: number | undefined;
  for (const trip of state.latched) {
    if (!trip.units.includes(unit)) continue;
    const ramp = state.ramps.find((one) => isOf(trip, one));
    if (ramp === undefined) return STOPPED;
    tripRampMs = Math.min(tripRampMs ?? Infinity, ramp.rampMs);
  }
  return tripRampMs === undefined ? FREE : { isTripped: false, tripRampMs };
}

const STOPPED: TripHold = { isTripped: true, tripRampMs: undefined };
const FREE: TripHold = { isTripped: false, tripRampMs: undefined };

/** Nothing but zero and STOP goes out to a unit that is stopped, whoever asks. */
export function inhibitTripped(
  state: TripState,
  { units }: Pick<ControlPlan, "units">,
  envelope: Envelope,
): void {
  const { inhibited } = envelope;
  const { revision, ramps } = state;
  if (inhibited.revision === revision && inhibited.ramps === ramps.length) return;
  inhibited.revision = revision;
  inhibited.ramps = ramps.length;
  const stopped = new Set(
    units.filter((_unit, place) => tripsOver(state, place).isTripped).map((one) => one.asset),
  );
  inhibitAssets(envelope, stopped);
}

/**
 * Lifts latches whose cause is known to be gone, and has been for the rule's time; a cause that
 * cannot be seen is not gone. Answers once per order.
 */
export function resetTrips(
  state: TripState,
  plan: Pick<ControlPlan, "trips" | "protection">,
  sight: { readonly now: MonotonicMs; readonly utc: UtcMs; readonly order: ResetOrder },
  events: PlantEvent[],
): OrderAnswer {
  const { order, utc } = sight;
  if (order.trip === OPERATOR_STOP) return { order, result: "refused", reason: "release-it" };
  if (order.by.trim() === "") return { order, result: "refused", reason: "name-needed" };
  const asked = state.latched.filter(
    ({ id }) => id !== OPERATOR_STOP && (order.trip === "all" || id === order.trip),
  );
  if (asked.length === 0) return { order, result: "refused", reason: "no-such-trip" };
  const role = roleOf(plan, order.by);
  const reasons = asked.map((trip) => whyNot(state, plan, { trip, role, now: sight.now }));
  const refusal = reasons.find((reason) => reason !== undefined);
  const lifted = asked.filter((_trip, at) => reasons[at] === undefined);
  for (const trip of lifted) {
    drop(state, trip);
    // Whoever looked at it lets it recover by itself again.
    const mark = state.marks[placeOf(plan, trip)];
    if (mark !== undefined) mark.passes.length = 0;
    const as = role === "anybody" ? "at the box" : role;
    const text = `${trip.id} of ${trip.device} was reset by ${order.by} (${as})`;
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
  drop(state, stop);
  const text = `${by} let ${asset} go`;
  events.push(tripEvent({ ...stop, text, pointName: undefined }, "cleared", at));
}

type ResetOrder = LocalOrder & { readonly kind: "reset" };

function drop(state: TripState, trip: LatchedTrip): void {
  state.latched = state.latched.filter((other) => other !== trip);
  state.ramps = state.ramps.filter((ramp) => !isOf(trip, ramp));
  state.restored.delete(keyOf(trip));
  state.revision += 1;
}

/** Of a trip: what its latch is known by. */
export function keyOf({ id, device }: Pick<LatchedTrip, "id" | "device">): string {
  return `${id} ${device}`;
}

function isOf(
  trip: Pick<LatchedTrip, "id" | "device">,
  other: { readonly id: string; readonly device: string },
): boolean {
  return trip.id === other.id && trip.device === other.device;
}

function isLatched(state: TripState, rule: TripRule): boolean {
  return state.latched.some((trip) => isOf(trip, rule));
}

function placeOf({ trips }: Pick<ControlPlan, "trips">, trip: LatchedTrip): number {
  return trips.findIndex((rule) => isOf(trip, rule));
}

/** Where the site names nobody, the rights of the socket say who may. */
function roleOf(
  { protection }: Pick<ControlPlan, "protection">,
  by: string,
): ResetRole | "anybody" | "nobody" {
  const people = protection?.people ?? [];
  if (people.length === 0) return "anybody";
  return people.find(({ name }) => name === by)?.role ?? "nobody";
}

function whyNot(
  state: TripState,
  plan: Pick<ControlPlan, "trips">,
  {
    trip,
    role,
    now,
  }: {
    readonly trip: LatchedTrip;
    readonly role: ResetRole | "anybody" | "nobody";
    readonly now: number;
  },
): string | undefined {
  const place = placeOf(plan, trip);
  const rule = plan.trips[place];
  const { holdOffMs, role: needed } =
    rule === undefined ? UNKNOWN_RULE : (rule.terms ?? PLAIN_TRIP);
  if (role === "nobody" || (needed === "safety" && role === "operator")) return "not-allowed";
  if (rule === undefined) return undefined;
  const { cause, clearSince } = itemAt(state.marks, place);
  if (cause === "active") return "cause-present";
  if (cause === "unknown") return "cause-unknown";
  return now - clearSince < holdOffMs ? "cause-just-gone" : undefined;
}

/** Of a latch that no rule of the site explains: nobody knows what it was. */
const UNKNOWN_RULE = { holdOffMs: 0, role: "safety" } as const;

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
