import { GatewayError } from "../../domain/errors.ts";
import type { Clock, MonotonicMs } from "../../domain/time.ts";
import type {
  Backlog,
  NorthLog,
  OutboxRow,
  RetainedDocument,
  UrgentMessage,
} from "../publisher.ts";
import { BackfillLane } from "./backfill.ts";
import { publishBytes } from "./codec.ts";
import type { AckOutcome, BrokerConnection, WillMessage } from "./connection.ts";
import { Fifo } from "./fifo.ts";
import { RateMeter } from "./pace.ts";
import { InFlightWindow, type Sent } from "./window.ts";

/** Most QoS 1 messages without an answer; a broker may allow fewer. */
export const WINDOW_MAX = 200;
/** Live rows that wait for the window. A row beyond either comes out of the store later. */
export const LIVE_QUEUE_MAX = 1_000;
export const LIVE_QUEUE_MAX_BYTES = 8 * 1024 * 1024;
/** Documents kept for the broker; one beyond is dropped and counted. */
export const RETAINED_MAX = 512;
/** Bytes that may wait in the socket: above, rows wait with us, where they keep their order. */
const BUFFER_MAX_BYTES = 1024 * 1024;
/** The same for the backfill, so that a live row finds a short queue. */
const BACKFILL_BUFFER_MAX_BYTES = 64 * 1024;
/** The same for what is sent now or never. */
const NOW_BUFFER_MAX_BYTES = 256 * 1024;
/** Share of the window that the backfill may fill. */
const BACKFILL_WINDOW_SHARE = 0.5;
/** Pause after the broker said that it is busy; doubled each time until it takes something, ms. */
const BUSY_FIRST_MS = 1_000;
const BUSY_MAX_MS = 60_000;

interface Counts {
  sent: number;
  acked: number;
  backfilled: number;
  refused: number;
  oversize: number;
  missed: number;
  lostInFlight: number;
  sentNow: number;
  droppedNow: number;
  sentUrgent: number;
  missedUrgent: number;
  droppedRetained: number;
}

export interface SenderParts {
  readonly clock: Clock;
  readonly log: NorthLog;
  readonly backlog: Backlog;
  /** Marks a payload as late. */
  readonly flagBackfill: (payload: Uint8Array) => Uint8Array;
}

/**
 * What goes out over one connection after another, and in which order: retained documents, live
 * rows, backfill. Keeps the publish window, because the MQTT library does not.
 */
export class Sender {
  readonly #parts: SenderParts;
  readonly #backfill: BackfillLane;
  readonly #window = new InFlightWindow();
  readonly #live = new Fifo<OutboxRow>();
  readonly #liveRate = new RateMeter();
  readonly #retained = new Map<string, RetainedDocument>();
  readonly #unsaid = new Set<string>();
  readonly counts: Counts = {
    sent: 0,
    acked: 0,
    backfilled: 0,
    refused: 0,
    oversize: 0,
    missed: 0,
    lostInFlight: 0,
    sentNow: 0,
    droppedNow: 0,
    sentUrgent: 0,
    missedUrgent: 0,
    droppedRetained: 0,
  };
  #connection: BrokerConnection | undefined;
  #liveBytes = 0;
  #isHeld = false;
  #busyUntil = 0;
  #busyMs = 0;
  #hasToldRefusal = false;

  constructor(parts: SenderParts) {
    this.#parts = parts;
    this.#backfill = new BackfillLane(parts.backlog, parts.log);
  }

  get inFlight(): number {
    return this.#window.inFlight;
  }

  get windowSize(): number {
    return this.#window.size;
  }

  get liveQueued(): number {
    return this.#live.length;
  }

  liveRatePerS(): number {
    return this.#liveRate.perS(this.#parts.clock.now());
  }

  /** @param jitter uniform in [0, 1): when catching up begins */
  attach(connection: BrokerConnection, jitter: number): void {
    this.#connection = connection;
    this.#isHeld = false;
    this.#busyUntil = 0;
    this.#busyMs = 0;
    this.#hasToldRefusal = false;
    this.#window.reset(Math.max(1, Math.min(connection.receiveMaximum, WINDOW_MAX)));
    for (const topic of this.#retained.keys()) this.#unsaid.add(topic);
    this.#backfill.start(this.#parts.clock.now(), jitter);
    this.pump();
  }

  /** The connection is gone: everything on its way is unsent again. */
  detach(): void {
    this.#connection = undefined;
    this.#backfill.flush();
    for (const sent of this.#window.reset(0)) {
      if (sent.kind === "row") {
        this.counts.lostInFlight += 1;
        this.#backfill.giveBack(sent.row.id);
      }
    }
    for (const row of this.#live.drain()) {
      this.counts.missed += 1;
      this.#backfill.giveBack(row.id);
    }
    this.#liveBytes = 0;
    this.#backfill.stop();
  }

  /** Sends nothing new, so that what is on its way can be answered. */
  hold(): void {
    this.#isHeld = true;
  }

  publishRow(row: OutboxRow): boolean {
    this.#liveRate.add(this.#parts.clock.now());
    if (this.#backfill.isTaken(row.id)) return true;
    if (!this.#takesLive(row)) {
      this.counts.missed += 1;
      this.#backfill.noteMissed();
      return false;
    }
    this.#backfill.reserve(row.id);
    this.#live.push(row);
    this.#liveBytes += row.payload.length;
    this.pump();
    return true;
  }

  publishNow(topic: string, payload: Uint8Array): void {
    const connection = this.#connection;
    const isFree =
      connection !== undefined && !this.#isHeld && connection.bufferedBytes < NOW_BUFFER_MAX_BYTES;
    if (!isFree) {
      this.counts.droppedNow += 1;
      return;
    }
    this.counts.sentNow += 1;
    connection.send({ topic, payload, packetId: 0, isRetained: false, expirySeconds: undefined });
  }

  publishUrgent(message: UrgentMessage): boolean {
    const connection = this.#connection;
    const now = this.#parts.clock.now();
    const isFree =
      connection !== undefined &&
      !this.#isHeld &&
      now >= this.#busyUntil &&
      !this.#window.isFull &&
      connection.bufferedBytes < BUFFER_MAX_BYTES;
    if (!isFree || !this.#fits(connection, message)) {
      this.counts.missedUrgent += 1;
      return false;
    }
    const packetId = this.#window.enter({ kind: "urgent", topic: message.topic }, now);
    this.counts.sentUrgent += 1;
    connection.send({ ...message, packetId, isRetained: false });
    return true;
  }

  setRetained(document: RetainedDocument): void {
    if (!this.#retained.has(document.topic) && this.#retained.size >= RETAINED_MAX) {
      this.counts.droppedRetained += 1;
      return;
    }
    this.#retained.set(document.topic, document);
    this.#unsaid.add(document.topic);
    this.pump();
  }

  /** The last word: what the will would say. Needs a place in the window. */
  sayGoodbye({ topic, payload }: WillMessage): void {
    if (this.#connection === undefined || this.#window.isFull) return;
    const packetId = this.#window.enter({ kind: "goodbye" }, this.#parts.clock.now());
    const message = { topic, payload, packetId, isRetained: true, expirySeconds: undefined };
    this.#connection.send(message);
  }

  acknowledge(packetId: number, outcome: AckOutcome): void {
    const sent = this.#window.leave(packetId);
    if (sent === undefined) return;
    if (outcome === "accepted") this.#accepted(sent);
    else this.#declined(sent, outcome);
    this.pump();
  }

  tick(now: MonotonicMs): void {
    const isCatchingUp = this.#connection !== undefined && !this.#isHeld && now >= this.#busyUntil;
    this.#backfill.tick(now, isCatchingUp ? this.#liveRate.perS(now) : undefined);
    this.pump();
  }

  /** Age of the oldest unanswered message, ms; 0 when there is none. */
  oldestAgeMs(now: MonotonicMs): number {
    const sentAt = this.#window.oldestSentAt();
    return sentAt === undefined ? 0 : now - sentAt;
  }

  /** Sends what may go. */
  pump(): void {
    const connection = this.#connection;
    if (connection === undefined || this.#isHeld) return;
    const now = this.#parts.clock.now();
    if (now < this.#busyUntil) return;
    while (!this.#window.isFull && connection.bufferedBytes < BUFFER_MAX_BYTES) {
      const isSent =
        this.#sendRetained(connection, now) ||
        this.#sendLive(connection, now) ||
        this.#sendBackfill(connection, now);
      if (!isSent) return;
    }
  }

  #takesLive(row: OutboxRow): boolean {
    if (this.#connection === undefined || this.#isHeld) return false;
    if (this.#parts.clock.now() < this.#busyUntil) return false;
    if (this.#live.length >= LIVE_QUEUE_MAX) return false;
    return this.#liveBytes + row.payload.length <= LIVE_QUEUE_MAX_BYTES;
  }

  #sendRetained(connection: BrokerConnection, now: MonotonicMs): boolean {
    const [topic] = this.#unsaid;
    if (topic === undefined) return false;
    this.#unsaid.delete(topic);
    const document = this.#retained.get(topic);
    if (document === undefined || !this.#fits(connection, document)) return true;
    const packetId = this.#window.enter({ kind: "retained", topic }, now);
    connection.send({ ...document, packetId, isRetained: true });
    return true;
  }

  #sendLive(connection: BrokerConnection, now: MonotonicMs): boolean {
    const row = this.#live.shift();
    if (row === undefined) return false;
    this.#liveBytes -= row.payload.length;
    this.#sendRow(connection, { kind: "row", row, lane: "live" }, now);
    return true;
  }

  #sendBackfill(connection: BrokerConnection, now: MonotonicMs): boolean {
    const most = Math.max(1, Math.floor(this.#window.size * BACKFILL_WINDOW_SHARE));
    if (this.#window.backfillInFlight >= most) return false;
    if (connection.bufferedBytes >= BACKFILL_BUFFER_MAX_BYTES) return false;
    const row = this.#backfill.next();
    if (row === undefined) return false;
    const late = { ...row, payload: this.#parts.flagBackfill(row.payload) };
    this.#sendRow(connection, { kind: "row", row: late, lane: "backfill" }, now);
    return true;
  }

  #sendRow(
    connection: BrokerConnection,
    sent: Extract<Sent, { kind: "row" }>,
    now: MonotonicMs,
  ): void {
    const { id, topic, payload } = sent.row;
    if (!this.#fits(connection, sent.row)) {
      this.#backfill.postpone(id, now);
      return;
    }
    const packetId = this.#window.enter(sent, now);
    this.counts.sent += 1;
    connection.send({ topic, payload, packetId, isRetained: false, expirySeconds: undefined });
  }

  #fits(
    connection: BrokerConnection,
    { topic, payload }: Pick<OutboxRow, "topic" | "payload">,
  ): boolean {
    // A topic is at most three bytes a letter; a broker ends the connection for one byte too many.
    const bytes = publishBytes(topic.length * 3, payload.length, connection.protocol);
    if (bytes <= connection.maximumPacketBytes) return true;
    this.counts.oversize += 1;
    this.#parts.log.warn(
      { event: "message-oversize", topic, bytes },
      "message is too long to send",
    );
    return false;
  }

  #accepted(sent: Sent): void {
    this.#busyMs = 0;
    if (sent.kind !== "row") return;
    this.counts.acked += 1;
    if (sent.lane === "backfill") this.counts.backfilled += 1;
    this.#backfill.settle(sent.row.id);
  }

  #declined(sent: Sent, outcome: Exclude<AckOutcome, "accepted">): void {
    const now = this.#parts.clock.now();
    this.counts.refused += 1;
    if (outcome === "broker-busy") {
      this.#busyMs = Math.min(Math.max(BUSY_FIRST_MS, this.#busyMs * 2), BUSY_MAX_MS);
      this.#busyUntil = now + this.#busyMs;
      if (sent.kind === "row") this.#backfill.giveBack(sent.row.id);
      if (sent.kind === "retained") this.#unsaid.add(sent.topic);
    } else if (sent.kind === "row") {
      this.#backfill.postpone(sent.row.id, now);
    }
    this.#tellRefusal(sent, outcome);
  }

  /** Once per connection; the count tells how often. */
  #tellRefusal(sent: Sent, outcome: string): void {
    if (this.#hasToldRefusal) return;
    this.#hasToldRefusal = true;
    const topic =
      sent.kind === "row" ? sent.row.topic : sent.kind === "urgent" ? sent.topic : sent.kind;
    const { code, message } = new GatewayError("PUBLISH_FAILED", { topic, outcome });
    this.#parts.log.warn({ event: "publish-refused", code, topic, outcome }, message);
  }
}
