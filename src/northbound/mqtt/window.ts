import { assert } from "../../domain/assert.ts";
import type { MonotonicMs } from "../../domain/time.ts";
import type { OutboxRow } from "../publisher.ts";

/** What waits for the broker's acknowledgement. */
export type Sent =
  | { readonly kind: "row"; readonly row: OutboxRow; readonly lane: "live" | "backfill" }
  | { readonly kind: "retained"; readonly topic: string }
  | { readonly kind: "urgent"; readonly topic: string }
  | { readonly kind: "goodbye" };

interface Slot {
  readonly sent: Sent;
  readonly sentAt: MonotonicMs;
}

/** QoS 1 messages on their way: which packet id carries what, and how many more may go. */
export class InFlightWindow {
  readonly #slots = new Map<number, Slot>();
  #free: number[] = [];
  #size = 0;
  #backfill = 0;

  /** Empties the window and sets how many messages fit; ids are 1 … `size`. */
  reset(size: number): readonly Sent[] {
    const lost = [...this.#slots.values()].map((slot) => slot.sent);
    this.#slots.clear();
    this.#size = size;
    this.#backfill = 0;
    this.#free = Array.from({ length: size }, (_, index) => size - index);
    return lost;
  }

  get size(): number {
    return this.#size;
  }

  get inFlight(): number {
    return this.#slots.size;
  }

  get backfillInFlight(): number {
    return this.#backfill;
  }

  get isFull(): boolean {
    return this.#free.length === 0;
  }

  /** Takes a free packet id. Never called on a full window. */
  enter(sent: Sent, now: MonotonicMs): number {
    const id = this.#free.pop();
    assert(id !== undefined, "a message was sent beyond the publish window");
    this.#slots.set(id, { sent, sentAt: now });
    if (isBackfill(sent)) this.#backfill += 1;
    return id;
  }

  /** Undefined for an acknowledgement of something that is not on its way. */
  leave(packetId: number): Sent | undefined {
    const slot = this.#slots.get(packetId);
    if (slot === undefined) return undefined;
    this.#slots.delete(packetId);
    this.#free.push(packetId);
    if (isBackfill(slot.sent)) this.#backfill -= 1;
    return slot.sent;
  }

  /** When the oldest message left that is still without an answer. */
  oldestSentAt(): MonotonicMs | undefined {
    for (const slot of this.#slots.values()) return slot.sentAt;
    return undefined;
  }
}

function isBackfill(sent: Sent): boolean {
  return sent.kind === "row" && sent.lane === "backfill";
}
