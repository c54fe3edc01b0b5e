import type { AckOrder } from "../alarms/ack-order.ts";
import { AlarmBoard, type AlarmCall } from "../alarms/alarm-board.ts";
import type { AlarmRecord, AlarmTime } from "../alarms/alarm-record.ts";
import type { AlarmCounts } from "../alarms/counts.ts";
import { ALARM_LIMITS } from "../alarms/limits.ts";
import { readMemory, writeMemory } from "../alarms/memory.ts";
import { isPlain, type Shelf, type ShelveOrder } from "../alarms/shelves.ts";
import type { StandingAlarm } from "../alarms/standing.ts";
import { gatewayDeviceId } from "../config/point-table.ts";
import { alarmEntry } from "../domain/alarms/catalogue.ts";
import { GatewayError } from "../domain/errors.ts";
import type { PlantEvent } from "../domain/event.ts";
import type { Clock, MonotonicMs, UtcMs } from "../domain/time.ts";
import type { Answer } from "../link/request-server.ts";
import type { LatchFiles, LatchRecord } from "../platform/latch-files.ts";
import type { Logger } from "../platform/log.ts";
import type { AlarmSink } from "./alarm-feed.ts";
import { ofServices } from "./services-alarms.ts";

/** How often delays and shelves are looked at, ms. A trip waits for none of it. */
export const TURN_MS = 250;
/** A restart of services takes less, ms. */
export const SERVICES_PATIENCE_MS = 30_000;
/** What the disk did not take is tried again after this long, ms. */
const SAVE_RETRY_MS = 5_000;
/** Alarms in one answer: it fits its socket. */
const PAGE_MAX = 200;
const TEXT_MAX = 300;
/** Alarms that one event for the audit names; more take another one. */
const NAMES_MAX = 40;

/** Other processes that tell alarms. */
type Neighbour = "field" | "services";

interface Hearing {
  heardUtc: UtcMs | undefined;
  /** Since when it does not answer. */
  lostAt: MonotonicMs | undefined;
}

export interface AlarmDeskParts {
  readonly clock: Clock;
  readonly log: Logger;
  /** Device of the desk's own events. */
  readonly device: string;
  /** The connection that a device shares with others; undefined: none. */
  readonly segmentOf: (device: string) => string | undefined;
  readonly files: Pick<LatchFiles, "save">;
  readonly record: LatchRecord;
  /** What the desk tells goes here; it is not told to the desk again. */
  readonly onEvent: (event: PlantEvent) => void;
  /** Trips that are latched: after a restart nobody tells them again. */
  readonly trips: () => readonly Pick<PlantEvent, "id" | "device" | "text" | "at">[];
}

/** What `alarms` answers: a page of the list, and what goes for all of it. */
export interface AlarmsAnswer {
  readonly alarms: readonly StandingAlarm[];
  readonly total: number;
  readonly counts: AlarmCounts;
  /** The last calls, oldest first. */
  readonly calls: readonly AlarmCall[];
  readonly shelves: readonly Shelf[];
  readonly utc: number;
  readonly field: SourceWord;
  readonly services: SourceWord;
}

/** `lost`: its alarms are as last known at `asOf`; without it nothing was ever heard of it. */
interface SourceWord {
  readonly state: "heard" | "lost" | "not-asked";
  readonly asOf?: number;
}

export interface DeskAnswer {
  readonly result: "done" | "refused";
  readonly reason?: string;
  /** Alarms that were acknowledged. */
  readonly count?: number;
  readonly untilUtc?: number;
}

/**
 * The alarm board of the box, in gateway-control: it works with every other process dead, and only
 * a person at the box acknowledges or shelves. Nothing that is asked of it changes the plant.
 */
export class AlarmDesk {
  readonly #parts: AlarmDeskParts;
  readonly #board: AlarmBoard;
  #turnedAt = -Infinity;
  #savedRevision = 0;
  #isSaving = false;
  #saveAfter = -Infinity;
  #isUnsaved = false;
  readonly #hearing: Readonly<Record<Neighbour, Hearing>> = {
    field: { heardUtc: undefined, lostAt: undefined },
    services: { heardUtc: undefined, lostAt: undefined },
  };
  #isServicesGone = false;

  constructor(parts: AlarmDeskParts) {
    this.#parts = parts;
    const { device, segmentOf } = parts;
    this.#board = new AlarmBoard({ device, segmentOf });
    this.#restore(parts.record);
  }

  /** What this process tells. */
  readonly take = (event: PlantEvent): void => {
    this.#board.take(event, "control", this.#now());
  };

  /** What field tells, and whether it is heard. */
  readonly field: AlarmSink = this.#sinkOf("field");
  /** The same of services, of which nothing else is taken than its own alarms. */
  readonly services: AlarmSink = this.#sinkOf("services");

  #sinkOf(source: Neighbour): AlarmSink {
    const hearing = this.#hearing[source];
    return {
      heard: (isAnew) => {
        const { now, utc } = this.#now();
        hearing.heardUtc = utc;
        hearing.lostAt = undefined;
        this.#board.sourceHeard(source);
        if (isAnew) this.#board.reconfirm(source, now);
      },
      take: (event) => {
        const taken = source === "services" ? ofServices(event) : event;
        if (taken !== undefined) this.#board.take(taken, source, this.#now());
      },
      lost: () => {
        const { now, utc } = this.#now();
        hearing.lostAt ??= now;
        this.#board.sourceLost(source, hearing.heardUtc ?? utc);
      },
    };
  }

  /** To be called behind every cycle: what it takes is taken from the wait for the next one. */
  readonly afterCycle = (now: MonotonicMs): void => {
    if (now - this.#turnedAt < TURN_MS) return;
    this.#turnedAt = now;
    this.turn();
  };

  /** One look at delays, shelves and latched trips; saves what has changed. */
  turn(): void {
    const at = this.#now();
    for (const trip of this.#parts.trips()) {
      if (this.#board.isTold(trip.id, trip.device)) continue;
      const event = { ...trip, severity: "trip", phase: "raised", point: undefined } as const;
      this.#board.take(event, "control", at);
    }
    this.#watchServices(at);
    this.#board.step(at);
    this.#tellBoard();
    if (this.#board.revision !== this.#savedRevision && at.now >= this.#saveAfter) void this.save();
  }

  /** For the gateway's own points. */
  figures(): {
    readonly "x-alarms-standing": number;
    readonly "x-alarms-unacknowledged": number;
  } {
    const { standing, unacknowledged } = this.#board.counts(this.#parts.clock.now());
    return { "x-alarms-standing": standing, "x-alarms-unacknowledged": unacknowledged };
  }

  /** What a person at the box may ask. */
  readonly answers: ReadonlyMap<string, Answer> = new Map<string, Answer>([
    ["alarms", async ({ params }) => Promise.resolve(this.#list(fieldsOf(params)))],
    ["ack", async ({ params }) => Promise.resolve(this.#acknowledge(ackOrder(params)))],
    ["shelve", async ({ params }) => Promise.resolve(this.#shelve(shelveOrder(params)))],
    ["unshelve", async ({ params }) => Promise.resolve(this.#unshelve(ackOrder(params)))],
  ]);

  /** Puts what has changed on the disk, now. */
  async save(): Promise<void> {
    if (this.#isSaving) return;
    this.#isSaving = true;
    const { revision } = this.#board;
    const { files, clock, log } = this.#parts;
    const { text, forgotten } = writeMemory(this.#board.memory(), ALARM_LIMITS.savedBytesMax);
    if (forgotten > 0) log.warn({ event: "acks-not-kept", forgotten }, "too many to be saved");
    try {
      await files.save(text);
      this.#savedRevision = revision;
      this.#tellUnsaved(false);
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      this.#saveAfter = clock.now() + SAVE_RETRY_MS;
      this.#tellUnsaved(true);
    } finally {
      this.#isSaving = false;
    }
  }

  #list({ from }: Readonly<Record<string, unknown>>): AlarmsAnswer {
    const { now, utc } = this.#now();
    const first = typeof from === "number" && from > 0 ? from : 0;
    return {
      alarms: this.#board
        .standing(now, first, PAGE_MAX)
        .map((alarm) => ({ ...alarm, text: alarm.text.slice(0, TEXT_MAX) })),
      total: this.#board.standingCount,
      counts: this.#board.counts(now),
      calls: first === 0 ? this.#board.calls().map(shortened) : [],
      shelves: first === 0 ? this.#board.shelves() : [],
      utc,
      field: sourceWord(this.#hearing.field),
      services: sourceWord(this.#hearing.services),
    };
  }

  /** Without services nothing goes north, and nobody else than this process would tell it. */
  #watchServices({ now, utc }: AlarmTime): void {
    const { lostAt } = this.#hearing.services;
    const isGone = lostAt !== undefined && now - lostAt >= SERVICES_PATIENCE_MS;
    if (isGone === this.#isServicesGone || (lostAt !== undefined && !isGone)) return;
    this.#isServicesGone = isGone;
    const device = gatewayDeviceId("services");
    this.#tell({
      id: "services-gone",
      severity: "warning",
      phase: isGone ? "raised" : "cleared",
      device,
      point: undefined,
      text: isGone ? `${device} does not answer: nothing goes north` : `${device} answers again`,
      at: utc,
    });
  }

  #acknowledge(order: AckOrder): DeskAnswer {
    const { id, device, by } = order;
    if (!isPlain(by, ALARM_LIMITS.nameMax)) return refused("name-needed");
    const at = this.#now();
    const isKnown = id === "all" || alarmEntry(id) !== undefined || this.#board.knows(id);
    if (!isKnown) return refused("unknown-alarm");
    const waited = this.#board.acknowledge({ id, device, by }, at);
    if (waited.length === 0) return refused("nothing-waits");
    for (let first = 0; first < waited.length; first += NAMES_MAX)
      this.#tellAcknowledged(waited.slice(first, first + NAMES_MAX), by, at.utc);
    this.turn();
    return { result: "done", count: waited.length };
  }

  #shelve(order: ShelveOrder): DeskAnswer {
    const { id, device, by, reason } = order;
    if (alarmEntry(id) === undefined && !this.#board.knows(id)) return refused("unknown-alarm");
    const at = this.#now();
    const shelf = this.#board.shelve(order, at);
    if (typeof shelf === "string") return refused(shelf);
    const until = new Date(shelf.untilUtc).toISOString();
    this.#tell({
      ...once("alarm-shelved", at.utc),
      device,
      text: `${by} shelved ${nameOf({ id, device })} until ${until}: ${reason}`,
    });
    this.turn();
    return { result: "done", untilUtc: shelf.untilUtc };
  }

  #unshelve({ id, device, by }: AckOrder): DeskAnswer {
    if (!isPlain(by, ALARM_LIMITS.nameMax)) return refused("name-needed");
    const shelf = this.#board.unshelve({ id, device, by }, this.#now());
    if (shelf === undefined) return refused("not-shelved");
    this.turn();
    return { result: "done" };
  }

  #restore(record: LatchRecord): void {
    const at = this.#now();
    if (record.state === "absent") return;
    const memory = record.state === "valid" ? readMemory(record.content) : "unreadable";
    if (memory === "unreadable") {
      const text = "what was acknowledged and shelved could not be read: nothing counts as such";
      this.#tell({ ...once("alarms-unreadable", at.utc), severity: "warning", text });
      return;
    }
    this.#board.restore(memory, at);
  }

  #tellAcknowledged(alarms: readonly AlarmRecord[], by: string, at: UtcMs): void {
    const [only] = alarms.length === 1 ? alarms : [];
    this.#tell({
      ...once("alarm-acknowledged", at),
      device: only?.device,
      text: `${by} acknowledged ${alarms.map(nameOf).join(", ")}`,
    });
  }

  #tellUnsaved(isUnsaved: boolean): void {
    if (isUnsaved === this.#isUnsaved) return;
    this.#isUnsaved = isUnsaved;
    this.#tell({
      id: "alarms-not-saved",
      severity: "warning",
      phase: isUnsaved ? "raised" : "cleared",
      device: this.#parts.device,
      point: undefined,
      text: isUnsaved
        ? "the disk does not take acknowledgements: a restart would not know them"
        : "acknowledgements are on the disk",
      at: this.#now().utc,
    });
  }

  #tell(event: PlantEvent): void {
    this.#parts.onEvent(event);
    this.take(event);
  }

  #tellBoard(): void {
    for (const event of this.#board.takeEvents()) this.#parts.onEvent(event);
  }

  #now(): AlarmTime {
    const { clock } = this.#parts;
    const now: MonotonicMs = clock.now();
    return { now, utc: clock.utcNow() };
  }
}

function sourceWord({ heardUtc: asOf, lostAt }: Hearing): SourceWord {
  if (lostAt === undefined) return { state: asOf === undefined ? "not-asked" : "heard" };
  return asOf === undefined ? { state: "lost" } : { state: "lost", asOf };
}

function once(id: string, at: UtcMs): PlantEvent {
  const subject = { device: undefined, point: undefined, text: "" };
  return { id, severity: "info", phase: "once", ...subject, at };
}

function nameOf({ id, device }: Pick<AlarmRecord, "id" | "device">): string {
  return device === undefined ? id : `${id} of ${device}`;
}

function shortened(call: AlarmCall): AlarmCall {
  return { ...call, text: call.text.slice(0, TEXT_MAX) };
}

function refused(reason: string): DeskAnswer {
  return { result: "refused", reason };
}

/** @throws GatewayError REQUEST_REFUSED */
function ackOrder(params: unknown): AckOrder {
  const { id, device, by } = fieldsOf(params);
  if (typeof id !== "string" || typeof by !== "string" || !isTextOrNothing(device))
    throw new GatewayError("REQUEST_REFUSED", {
      reason: "an order has id, by, and may have device",
    });
  return { id, device, by };
}

/** @throws GatewayError REQUEST_REFUSED */
function shelveOrder(params: unknown): ShelveOrder {
  const { reason, forMs } = fieldsOf(params);
  if (typeof reason !== "string" || typeof forMs !== "number")
    throw new GatewayError("REQUEST_REFUSED", { reason: "shelve needs reason and forMs" });
  return { ...ackOrder(params), reason, forMs };
}

function fieldsOf(params: unknown): Readonly<Record<string, unknown>> {
  const isObject = typeof params === "object" && params !== null;
  return isObject ? (params as Readonly<Record<string, unknown>>) : {};
}

function isTextOrNothing(value: unknown): value is string | undefined {
  return value === undefined || typeof value === "string";
}
