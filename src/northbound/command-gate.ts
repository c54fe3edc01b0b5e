import { assert } from "../domain/assert.ts";
import type { MonotonicMs, UtcMs } from "../domain/time.ts";

/** A message of somebody who wants something. Nothing about it is trusted yet. */
export interface CommandMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  /** The broker sent what it had kept: an order of unknown age. */
  readonly retained: boolean;
  readonly correlation: Uint8Array | undefined;
  readonly responseTopic: string | undefined;
  readonly contentType: string | undefined;
  /** MQTT 5 user properties; of a repeated name the first, and `repeated` says so. */
  readonly properties: ReadonlyMap<string, string>;
  readonly hasRepeatedProperty: boolean;
  readonly receivedAt: MonotonicMs;
  readonly receivedUtc: UtcMs;
}

/** Where inbound messages are put. Returns at once; never throws for what a peer sends. */
export interface CommandGate {
  offer(message: CommandMessage): void;
}

export interface GateCounters {
  readonly offered: number;
  readonly queued: number;
  /** Refused at the door: the queue was full. */
  readonly overflowed: number;
  /** Refused at the door: longer than `maxPayloadBytes`; the payload is not kept. */
  readonly oversize: number;
}

/** Most messages that wait to be judged. At the limit new ones are refused and counted. */
export const COMMAND_QUEUE_MAX = 64;
/** Longest payload that is looked at, bytes. */
export const COMMAND_PAYLOAD_MAX_BYTES = 64 * 1024;

export interface GateRefusal {
  readonly message: CommandMessage;
  readonly reason: "oversize" | "overflow";
}

/**
 * Holds inbound commands until somebody judges them, one at a time and in their order. Bounded in
 * number and bytes, so that a flood costs the peer its own commands and nothing else.
 */
export class CommandQueue implements CommandGate {
  readonly #waiting: CommandMessage[] = [];
  readonly #onRefusal: (refusal: GateRefusal) => void;
  #wake: (() => void) | undefined;
  #offered = 0;
  #overflowed = 0;
  #oversize = 0;

  /** @param onRefusal told of every message refused at the door, its payload cut to nothing */
  constructor(onRefusal: (refusal: GateRefusal) => void) {
    this.#onRefusal = onRefusal;
  }

  offer(message: CommandMessage): void {
    this.#offered += 1;
    if (message.payload.length > COMMAND_PAYLOAD_MAX_BYTES) {
      this.#oversize += 1;
      this.#refuse(message, "oversize");
      return;
    }
    if (this.#waiting.length >= COMMAND_QUEUE_MAX) {
      this.#overflowed += 1;
      this.#refuse(message, "overflow");
      return;
    }
    this.#waiting.push(message);
    this.#wake?.();
  }

  /**
   * The next message, waiting for one.
   * @throws the signal's reason when it aborts
   */
  async next(signal: AbortSignal): Promise<CommandMessage> {
    assert(this.#wake === undefined, "only one reader takes commands out of the queue");
    for (;;) {
      signal.throwIfAborted();
      const message = this.#waiting.shift();
      if (message !== undefined) return message;
      await this.#arrival(signal);
    }
  }

  counters(): GateCounters {
    return {
      offered: this.#offered,
      queued: this.#waiting.length,
      overflowed: this.#overflowed,
      oversize: this.#oversize,
    };
  }

  async #arrival(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        signal.removeEventListener("abort", done);
        this.#wake = undefined;
        resolve();
      };
      this.#wake = done;
      signal.addEventListener("abort", done);
    });
  }

  #refuse(message: CommandMessage, reason: GateRefusal["reason"]): void {
    this.#onRefusal({ message: { ...message, payload: new Uint8Array(0) }, reason });
  }
}
