import type { GatewayError } from "../../domain/errors.ts";
import type {
  ReadReply,
  ReadRequest,
  WriteReply,
  WriteRequest,
} from "../../wire/modbus/client-codec.ts";

/** How a request stands in the queue of its link, and how long it may take. */
export interface LinkTerms {
  /** From the moment the request is on the wire. */
  readonly timeoutMs: number;
  /** The link stays quiet this long after the answer, for devices that need it. */
  readonly pauseMs: number;
  /** Writes and the reads that confirm them overtake polls. */
  readonly lane: "urgent" | "poll";
}

export interface LinkRead extends ReadRequest, LinkTerms {}
export interface LinkWrite extends WriteRequest, LinkTerms {}

/** How busy a link is: what the load of a serial bus is judged by. */
export interface LinkLoad {
  /** Share of the last seconds in which a request was under way, 0 to 1. */
  readonly busy: number;
  /** Requests in the queue now. */
  readonly waiting: number;
}

/** Counted since the link was made; they never go back. */
export interface LinkCounters {
  readonly requests: number;
  readonly replies: number;
  readonly exceptions: number;
  readonly timeouts: number;
  readonly malformed: number;
  /** Answers to requests that had timed out before: dropped. */
  readonly lateReplies: number;
  /** Answers to no request at all: dropped. */
  readonly strayReplies: number;
  /** Requests refused because the queue was full. */
  readonly refusedBusy: number;
  readonly connects: number;
  readonly losses: number;
}

/** The counters of a link that was never used. */
export function noCounters(): { -readonly [Key in keyof LinkCounters]: LinkCounters[Key] } {
  return {
    requests: 0,
    replies: 0,
    exceptions: 0,
    timeouts: 0,
    malformed: 0,
    lateReplies: 0,
    strayReplies: 0,
    refusedBusy: 0,
    connects: 0,
    losses: 0,
  };
}

/**
 * A way to one or more Modbus units: a TCP connection or a serial bus. One request is under way at
 * a time; of those that wait, urgent ones go first.
 */
export interface ModbusLink {
  readonly isOpen: boolean;

  /**
   * Connects; does nothing when already connected.
   * @throws GatewayError LINK_REFUSED, LINK_TIMEOUT
   */
  open(signal: AbortSignal): Promise<void>;

  /**
   * An exception of the device is a value. The bytes belong to the caller.
   * @throws GatewayError LINK_TIMEOUT, LINK_LOST, LINK_BUSY, REPLY_MALFORMED
   */
  read(request: LinkRead, signal: AbortSignal): Promise<ReadReply>;

  /**
   * As `read`. Ask `wasSent` of what it throws: a request that never left has changed nothing.
   * @throws GatewayError LINK_TIMEOUT, LINK_LOST, LINK_BUSY, REPLY_MALFORMED
   */
  write(request: LinkWrite, signal: AbortSignal): Promise<WriteReply>;

  /** Disconnects and rejects what waits with LINK_LOST. Safe to call twice. */
  close(): Promise<void>;

  load(): LinkLoad;
  readonly counters: LinkCounters;
}

/** Whether the request that failed had left for the device: then its effect is not known. */
export function wasSent(error: GatewayError): boolean {
  return error.context["sent"] === true;
}
