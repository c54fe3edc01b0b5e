import type { PlantEvent } from "../../domain/event.ts";
import type { MonotonicMs, UtcMs } from "../../domain/time.ts";
import type { ImageView } from "../../points/image.ts";
import type { Envelope } from "../envelope.ts";
import type { ControlWrite, CyclicReport, OrderAnswer } from "../exchange.ts";
import { itemAt } from "../item-at.ts";
import { type NoticeState, Notices, noNotices } from "../notices.ts";
import { type CoolantAsk, type CoolantVerdict, judgeCoolant } from "./coolant-guard.ts";
import {
  DELIVERY_ACTUATORS,
  type DeliveryRun,
  deliveryRun,
  releaseDelivery,
  restoreDelivery,
  runDelivery,
} from "./delivery-run.ts";
import { absentMeasure, type Measured, readMeasured } from "./measured.ts";
import { SHED_CAUSES, type ShedCause } from "./shed.ts";
import type { ThermalMode } from "./thermal-mode.ts";
import { releaseZone, restoreZone, sightOf } from "./zone.ts";
import type { ThermalPlan } from "./zone-plan.ts";
import { noteActuators, type RunSight } from "./thermal-writes.ts";
import { runZone, ZONE_ACTUATORS, type ZoneRun, zoneRun } from "./zone-run.ts";

/** Every thermal controller of the site. Plain data. */
export interface ThermalState {
  readonly plan: ThermalPlan;
  readonly rooms: readonly Measured[];
  readonly zones: readonly ZoneRun[];
  readonly deliveries: readonly DeliveryRun[];
  readonly notices: NoticeState;
  /** Saved latches could not be read: nothing is written until somebody has looked. */
  isUnreadable: boolean;
  /** Grows with every change of what is latched. */
  revision: number;
  /** Where the next turn goes on. */
  nextPlace: number;
}

export interface ThermalTurn {
  readonly now: MonotonicMs;
  readonly utc: UtcMs;
  readonly view: ImageView;
  /** The one that every write of this process passes. */
  readonly envelope: Envelope;
  /** What became of the writes of earlier turns. */
  readonly outcomes: readonly CyclicReport[];
  /** Who is in force; the site's word is `asked`. */
  readonly modeOf: (asset: string, asked: ThermalMode) => ThermalMode;
}

export interface ThermalResult {
  readonly writes: readonly ControlWrite[];
  readonly events: readonly PlantEvent[];
  readonly latchRevision: number;
}

/** What is saved of the latches. */
export interface ThermalLatchRecord {
  readonly version: 1;
  readonly latches: readonly {
    readonly asset: string;
    readonly cause: string;
    readonly powerW: number;
  }[];
}

/** Most assets that one turn steps: it comes behind a cycle and must end long before the next. */
export const ASSETS_PER_TURN = 16;
/** Id of the latch that stands for saved latches which could not be read. */
const UNREADABLE = "cooling-latches-unreadable";
/** Cause under which a delivery's isolation is saved and reset. */
const HEAT_ISOLATED = "heat-isolated";
const ALL = "all";
const RELEASED = "released";

/**
 * @param latches as `thermalLatches` gave them; undefined where none were ever saved
 */
export function createThermal(
  plan: ThermalPlan,
  latches: ThermalLatchRecord | "unreadable" | undefined,
): ThermalState {
  const rooms = plan.rooms.map(absentMeasure);
  const state: ThermalState = {
    plan,
    rooms,
    zones: plan.zones.map((zone) => zoneRun(zone, rooms)),
    deliveries: plan.deliveries.map(deliveryRun),
    notices: noNotices(),
    isUnreadable: latches === "unreadable",
    revision: 0,
    nextPlace: 0,
  };
  if (latches !== undefined && latches !== "unreadable") restore(state, latches);
  return state;
}

/**
 * Steps the assets whose turn it is, at most `ASSETS_PER_TURN` of them. Called behind every cycle:
 * each asset has its step once in `periodMs`, and none waits for another one's. Changes nothing but
 * `state` and the envelope's memory of what was written; never throws on plant data.
 */
export function stepThermal(state: ThermalState, turn: ThermalTurn): ThermalResult {
  const notices = new Notices(state.notices, turn.utc);
  const writes: ControlWrite[] = [];
  for (const report of turn.outcomes) noteOutcome(state, report, turn.now, notices);
  const before = revisionsOf(state);
  const sight: RunSight = { ...turn, writes, notices, mode: modeIn(state, turn) };
  const count = state.zones.length + state.deliveries.length;
  readRooms(state, turn);
  let left = ASSETS_PER_TURN;
  for (let seen = 0; seen < count && left > 0; seen += 1) {
    const place = state.nextPlace;
    state.nextPlace = (place + 1) % count;
    if (stepAsset(state, place, sight)) left -= 1;
  }
  if (revisionsOf(state) !== before) state.revision += 1;
  const text = state.isUnreadable
    ? "saved latches of the cooling could not be read: nothing is written to it"
    : "the cooling may be driven again";
  notices.tell({ id: UNREADABLE, device: undefined }, state.isUnreadable, text);
  return { writes, events: notices.events, latchRevision: state.revision };
}

/** @returns whether it was the asset's turn */
function stepAsset(state: ThermalState, place: number, sight: RunSight): boolean {
  const { zones, deliveries } = state;
  if (place < zones.length) {
    const zone = itemAt(zones, place);
    if (sight.now < zone.dueAt) return false;
    zone.dueAt = nextDue(state, zone.dueAt, place, sight.now);
    runZone(zone, sight);
    return true;
  }
  const delivery = itemAt(deliveries, place - zones.length);
  if (sight.now < delivery.dueAt) return false;
  delivery.dueAt = nextDue(state, delivery.dueAt, place, sight.now);
  runDelivery(delivery, sight);
  return true;
}

/** Whether the coolant of an asset allows something; undefined: it is none of this plan. */
export function guardOf(
  state: ThermalState,
  asset: string,
  ask: CoolantAsk,
): CoolantVerdict | undefined {
  const run = state.zones.find(({ plan }) => plan.asset === asset);
  if (run === undefined) return undefined;
  return judgeCoolant(ask, sightOf(run.state, run.inputs), run.plan.settings.guard);
}

/** A person lifts latches; undefined: none of them is the cooling's. */
export function releaseThermal(
  state: ThermalState,
  order: OrderAnswer["order"],
): OrderAnswer | undefined {
  if (order.kind !== "reset") return undefined;
  const { trip } = order;
  const reasons = [
    ...releaseUnreadable(state, trip),
    ...releaseZones(state, trip),
    ...releaseDeliveries(state, trip),
  ];
  if (reasons.length === 0) return undefined;
  state.revision += 1;
  const refusal = reasons.find((reason) => reason !== RELEASED);
  return refusal === undefined
    ? { order, result: "done", reason: undefined }
    : { order, result: "refused", reason: refusal };
}

/** What became of each latch that was asked for: lifted, or why not. */
function releaseUnreadable(state: ThermalState, trip: string): readonly string[] {
  if (!state.isUnreadable || (trip !== ALL && trip !== UNREADABLE)) return [];
  state.isUnreadable = false;
  return [RELEASED];
}

function releaseZones({ zones }: ThermalState, trip: string): readonly string[] {
  const cause = trip === ALL ? ALL : SHED_CAUSES.find((name) => name === trip);
  if (cause === undefined) return [];
  return zones.flatMap(({ state }) => {
    const verdict = releaseZone(state, cause);
    if (verdict.result === "released") return [RELEASED];
    return verdict.reason === "no-such-trip" ? [] : [verdict.reason];
  });
}

function releaseDeliveries({ deliveries }: ThermalState, trip: string): readonly string[] {
  if (trip !== ALL && trip !== HEAT_ISOLATED) return [];
  return deliveries.map(releaseDelivery).filter((verdict) => verdict !== "no-such-trip");
}

/** What to save; `createThermal` takes it back. */
export function thermalLatches(state: ThermalState): ThermalLatchRecord {
  const zones = state.zones.flatMap(({ plan, state: { shed } }) =>
    SHED_CAUSES.filter((cause) => shed.causes[cause].isLatched).map((cause) => ({
      asset: plan.asset,
      cause,
      powerW: shed.out.powerW,
    })),
  );
  const closed = state.deliveries
    .filter(({ state: { isolation } }) => isolation !== "none" && isolation !== "blind")
    .map(({ plan }) => ({ asset: plan.asset, cause: HEAT_ISOLATED, powerW: 0 }));
  return { version: 1, latches: [...zones, ...closed] };
}

/** Reads a saved record; anything else than a whole one is unreadable. */
export function parseThermalLatches(document: unknown): ThermalLatchRecord | "unreadable" {
  if (typeof document !== "object" || document === null) return "unreadable";
  const { version, latches } = document as Readonly<Record<string, unknown>>;
  if (version !== 1 || !Array.isArray(latches) || !latches.every(isLatch)) return "unreadable";
  return { version: 1, latches };
}

function isLatch(member: unknown): member is ThermalLatchRecord["latches"][number] {
  if (typeof member !== "object" || member === null) return false;
  const { asset, cause, powerW } = member as Readonly<Record<string, unknown>>;
  return typeof asset === "string" && typeof cause === "string" && typeof powerW === "number";
}

function restore(state: ThermalState, { latches }: ThermalLatchRecord): void {
  for (const { asset, cause, powerW } of latches) {
    const zone = state.zones.find(({ plan }) => plan.asset === asset);
    const known: ShedCause | undefined = SHED_CAUSES.find((name) => name === cause);
    if (zone !== undefined && known !== undefined) restoreZone(zone.state, known, powerW);
    const delivery = state.deliveries.find(({ plan }) => plan.asset === asset);
    if (delivery !== undefined && cause === HEAT_ISOLATED) restoreDelivery(delivery);
  }
}

/** What is unreadable may have been a leak: nothing is moved, and load is asked for as ever. */
function modeIn(state: ThermalState, turn: ThermalTurn): ThermalTurn["modeOf"] {
  if (!state.isUnreadable) return turn.modeOf;
  return (asset, asked) => {
    const mode = turn.modeOf(asset, asked);
    return mode === "control" ? "request" : mode;
  };
}

function readRooms({ plan, rooms }: ThermalState, { view, now }: ThermalTurn): void {
  for (const [place, room] of rooms.entries())
    readMeasured(room, view, itemAt(plan.rooms, place), now);
}

/** Assets keep their distance from one another, so that no turn has many of them. */
function nextDue({ plan }: ThermalState, dueAt: number, place: number, now: number): number {
  const count = plan.zones.length + plan.deliveries.length;
  if (dueAt === -Infinity) return now + (plan.periodMs * (place + 1)) / count;
  return Math.max(dueAt + plan.periodMs, now);
}

function noteOutcome(
  state: ThermalState,
  report: CyclicReport,
  now: number,
  notices: Notices,
): void {
  const sight = { now, notices };
  for (const run of state.zones) if (noteActuators(run, ZONE_ACTUATORS, report, sight)) return;
  for (const run of state.deliveries)
    if (noteActuators(run, DELIVERY_ACTUATORS, report, sight)) return;
}

function revisionsOf({ zones, deliveries }: ThermalState): number {
  let sum = 0;
  for (const { state } of zones) sum += state.shed.out.revision;
  for (const { state } of deliveries) sum += state.revision;
  return sum;
}
