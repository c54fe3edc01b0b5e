/** One finished message of the store, waiting for the broker. */
export interface OutboxRow {
  /** Given by the store, rising; known before the row is committed. */
  readonly id: number;
  readonly topic: string;
  readonly payload: Uint8Array;
}

export interface TakeRequest {
  /** Most rows. */
  readonly limit: number;
  /** Most bytes of payload; one row larger than that may come alone. */
  readonly maxBytes: number;
  /** Rows that are on their way already, or refused for now: they take no place in the answer. */
  readonly exclude: Iterable<number>;
}

/** What the publisher asks of the store. */
export interface Backlog {
  /**
   * The oldest rows that are not marked sent, in the order of their ids. What was sent since the
   * question may still be in the answer.
   */
  takeBacklog(request: TakeRequest): Promise<readonly OutboxRow[]>;
  /** The broker has acknowledged these; the store keeps them for as long as it promises. */
  markSent(ids: readonly number[]): void;
}

/** A document that the broker keeps for whoever subscribes later. */
export interface RetainedDocument {
  readonly topic: string;
  readonly payload: Uint8Array;
  /** The broker forgets it after this, s; undefined: never. Without MQTT 5: never. */
  readonly expirySeconds: number | undefined;
}

/** What somebody has to do in time: nothing that is too late is worth hearing. */
export interface UrgentMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  /** The broker forgets it after this, s. */
  readonly expirySeconds: number;
}

/** Sends what the gateway has to say. Everything works, and returns at once, without a broker. */
export interface Publisher {
  /** Works until `signal` aborts; then says goodbye and resolves. Never fails for a broker. */
  run(signal: AbortSignal): Promise<void>;
  /**
   * Offers a row to the live lane. False: not taken now (no broker, or the lane is full); it comes
   * out of the backlog later.
   */
  publishRow(row: OutboxRow): boolean;
  /** At most once: sent now or dropped and counted. */
  publishNow(topic: string, payload: Uint8Array): void;
  /**
   * Sent at once, before everything that waits, at least once and not retained. False: not sent,
   * and not kept: whoever means it says it again.
   */
  publishUrgent(message: UrgentMessage): boolean;
  /** Replaces what was said on this topic before; said again after every connect. */
  setRetained(document: RetainedDocument): void;
  counters(): PublisherCounters;
}

/** All counts since the start of the process. */
export interface PublisherCounters {
  readonly connected: boolean;
  /** `host:port` while connected. */
  readonly broker: string | undefined;
  readonly protocol: 4 | 5 | undefined;
  readonly connects: number;
  readonly failedConnects: number;
  /** Rows that the live lane is offered, per second, smoothed. */
  readonly liveRatePerS: number;
  readonly liveQueued: number;
  readonly inFlight: number;
  readonly window: number;
  readonly sent: number;
  readonly acked: number;
  /** Of `acked`: those that came out of the backlog. */
  readonly backfilled: number;
  /** Acknowledged with a reason that means no. */
  readonly refused: number;
  /** Longer than the broker or we allow; not sent. */
  readonly oversize: number;
  /** Rows that the live lane did not take. */
  readonly missed: number;
  /** In flight when a connection broke; they come out of the backlog. */
  readonly lostInFlight: number;
  readonly sentNow: number;
  readonly droppedNow: number;
  readonly sentUrgent: number;
  /** Asked to be sent when nothing could be. */
  readonly missedUrgent: number;
  /** Retained documents beyond the limit. */
  readonly droppedRetained: number;
}

/** Where changes of the publisher are told; pino's loggers fit. */
export interface NorthLog {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
}
