import type { MonotonicMs } from "../domain/time.ts";

/** A control process that is started again has this long to come back before its word ends, ms. */
const GRACE_MS = 5_000;

/** What keeps setpoints alive at a device as long as somebody wants them. */
export interface Holder {
  letGo(): void;
}

/**
 * Ends what control asked for when control is gone: its orders came over a connection, and when
 * that has ended and no other came for a while, nobody is there to change them any more. Then the
 * keep-alives stop, and each device does what it does without a controller.
 */
export class OrderGivers {
  readonly #holders = new Set<Holder>();
  /** When the last connection was seen, monotonic ms. */
  #seenAt: number;

  constructor(now: MonotonicMs) {
    this.#seenAt = now;
  }

  /** An order for this device came. */
  note(holder: Holder): void {
    this.#holders.add(holder);
  }

  /** To be called again and again. @returns the devices that were let go now */
  look(connections: number, now: MonotonicMs): number {
    if (connections > 0) {
      this.#seenAt = now;
      return 0;
    }
    if (now - this.#seenAt < GRACE_MS) return 0;
    const count = this.#holders.size;
    for (const holder of this.#holders) holder.letGo();
    this.#holders.clear();
    return count;
  }
}
