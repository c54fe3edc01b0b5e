import { GatewayError } from "../../domain/errors.ts";
import type { MonotonicMs } from "../../domain/time.ts";
import type { Backlog, NorthLog, OutboxRow } from "../publisher.ts";
import { Fifo } from "./fifo.ts";
import { TokenBucket } from "./pace.ts";

/** Rows fetched ahead, so that the store is asked seldom. */
const FETCH_MAX = 256;
const FETCH_MAX_BYTES = 2 * 1024 * 1024;
/** Fetch again when fewer than this many wait. */
const FETCH_BELOW = 128;
/** How often the store is asked although nothing is known to wait, ms. */
const POLL_MS = 5_000;
/** After a store that could not answer, ms. */
const RETRY_MS = 1_000;
/** Rows that the broker refused, remembered so that they do not stand in the way of others. */
const POSTPONED_MAX = 1_024;
/** After this a refused row is tried again, ms. */
const POSTPONED_MS = 60_000;
/** Catching up begins within this after a connect, by chance: gateways come back together. */
const START_JITTER_MS = 1_000;
/** Catching up is at least this fast, messages per second, however little is live. */
export const BACKFILL_MINIMUM_PER_S = 200;
/** Catching up runs at this many times the live rate. */
export const BACKFILL_FACTOR = 3;

/**
 * Rows of the store that were not sent when they were new. Knows which rows are on their way, so
 * that no row is sent twice over one connection.
 */
export class BackfillLane {
  readonly #backlog: Backlog;
  readonly #log: NorthLog;
  readonly #waiting = new Fifo<OutboxRow>();
  readonly #bucket = new TokenBucket();
  /** On their way in either lane, or acknowledged and perhaps still in an answer of the store. */
  readonly #taken = new Set<number>();
  readonly #postponed = new Map<number, MonotonicMs>();
  #settled: number[] = [];
  #toRelease: number[] = [];
  #connection = 0;
  #isFetching = false;
  #mayHaveMore = true;
  #nextFetchAt = 0;
  #startAt = 0;
  #failure: Error | undefined;

  constructor(backlog: Backlog, log: NorthLog) {
    this.#backlog = backlog;
    this.#log = log;
  }

  /** True when the row is on its way already. */
  isTaken(id: number): boolean {
    return this.#taken.has(id);
  }

  /** The row goes by the live lane. */
  reserve(id: number): void {
    this.#taken.add(id);
  }

  /** The row is not on its way any more: it comes out of the store again. */
  giveBack(id: number): void {
    this.#taken.delete(id);
    this.#mayHaveMore = true;
  }

  /** The broker has it. */
  settle(id: number): void {
    this.#settled.push(id);
  }

  /** The broker does not want it now. It stays in the store and is tried again later. */
  postpone(id: number, now: MonotonicMs): void {
    this.giveBack(id);
    if (this.#postponed.size >= POSTPONED_MAX) {
      const [oldest] = this.#postponed.keys();
      if (oldest !== undefined) this.#postponed.delete(oldest);
    }
    this.#postponed.set(id, (now + POSTPONED_MS) as MonotonicMs);
  }

  /** A row exists that no lane carries. */
  noteMissed(): void {
    this.#mayHaveMore = true;
  }

  /** A new connection: what was refused before may be welcome here. */
  start(now: MonotonicMs, jitter: number): void {
    this.#connection += 1;
    this.#postponed.clear();
    this.#mayHaveMore = true;
    this.#startAt = now + jitter * START_JITTER_MS;
    this.#nextFetchAt = 0;
  }

  /** The connection is gone: what was fetched waits in the store. */
  stop(): void {
    this.#connection += 1;
    for (const row of this.#waiting.drain()) this.#taken.delete(row.id);
  }

  /**
   * Regular work: tells the store what was delivered, and fetches.
   * @param liveRatePerS of the live lane; undefined while nothing may be fetched
   * @throws what the store threw, unless it was a GatewayError
   */
  tick(now: MonotonicMs, liveRatePerS: number | undefined): void {
    if (this.#failure !== undefined) throw this.#failure;
    this.flush();
    for (const [id, until] of this.#postponed) if (now >= until) this.#postponed.delete(id);
    if (liveRatePerS === undefined || now < this.#startAt) return;
    this.#bucket.refill(now, Math.max(BACKFILL_MINIMUM_PER_S, BACKFILL_FACTOR * liveRatePerS));
    const isDue = this.#mayHaveMore ? now >= this.#nextFetchAt : now >= this.#nextFetchAt + POLL_MS;
    if (!this.#isFetching && isDue && this.#waiting.length < FETCH_BELOW) void this.#fetch(now);
  }

  /** The next row that may go now. */
  next(): OutboxRow | undefined {
    if (this.#waiting.length === 0 || !this.#bucket.take()) return undefined;
    return this.#waiting.shift();
  }

  /** Tells the store what the broker has. */
  flush(): void {
    if (this.#settled.length === 0) return;
    const ids = this.#settled;
    this.#settled = [];
    this.#backlog.markSent(ids);
    // An answer under way may have been made before the store heard of it.
    if (this.#isFetching) this.#toRelease.push(...ids);
    else for (const id of ids) this.#taken.delete(id);
  }

  async #fetch(now: MonotonicMs): Promise<void> {
    const connection = this.#connection;
    this.#isFetching = true;
    this.#mayHaveMore = false;
    this.#nextFetchAt = now;
    try {
      const rows = await this.#backlog.takeBacklog({
        limit: FETCH_MAX,
        maxBytes: FETCH_MAX_BYTES,
        exclude: [...this.#taken, ...this.#postponed.keys()],
      });
      if (rows.length > 0) this.#mayHaveMore = true;
      if (connection === this.#connection) this.#keep(rows);
    } catch (error) {
      if (!(error instanceof GatewayError)) this.#failure = error as Error;
      else
        this.#log.warn({ event: "backlog-unreadable", code: error.code }, "store does not answer");
      this.#mayHaveMore = true;
      this.#nextFetchAt = now + RETRY_MS;
    } finally {
      this.#isFetching = false;
      for (const id of this.#toRelease) this.#taken.delete(id);
      this.#toRelease = [];
    }
  }

  #keep(rows: readonly OutboxRow[]): void {
    for (const row of rows) {
      if (this.#isSkipped(row.id)) continue;
      this.#taken.add(row.id);
      this.#waiting.push(row);
    }
  }

  #isSkipped(id: number): boolean {
    return this.#taken.has(id) || this.#postponed.has(id);
  }
}
