import { assert } from "../domain/assert.ts";
import type { AbortSignalLike, Clock, MonotonicMs, UtcMs } from "../domain/time.ts";

const SLOT_MS = 10;
const SLOTS = 512;
/** Longest sleep: a wheel whose timers were all cancelled holds its process no longer than this. */
const SLEEP_SLOTS_MAX = 10;

/** Something that will happen, unless it is cancelled first. */
export interface WheelTimer {
  cancel(): void;
}

class Entry implements WheelTimer {
  readonly dueTick: number;
  readonly fire: () => void;
  readonly #slot: Set<Entry>;
  readonly #onCancel: () => void;

  constructor(dueTick: number, fire: () => void, slot: Set<Entry>, onCancel: () => void) {
    this.dueTick = dueTick;
    this.fire = fire;
    this.#slot = slot;
    this.#onCancel = onCancel;
  }

  cancel(): void {
    if (this.#slot.delete(this)) this.#onCancel();
  }
}

/**
 * All coarse timers of a process on one sleep: request time-outs, poll periods of slow devices. A
 * timer costs two set operations instead of an entry in the run time's own timers, and those that
 * are due together wake together. It fires up to one slot (10 ms) late, never early.
 */
export class TimerWheel {
  readonly #clock: Clock;
  readonly #slots: Set<Entry>[] = Array.from({ length: SLOTS }, () => new Set<Entry>());
  /** Every slot before this tick has fired. */
  #tick = 0;
  #size = 0;
  /** The tick that is slept for; nothing has to fire before it. */
  #wakeTick = Number.POSITIVE_INFINITY;
  readonly #onCancel = () => {
    this.#size -= 1;
  };

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Timers that wait. */
  get size(): number {
    return this.#size;
  }

  /** Calls `fire` once, after at least `delayMs`. */
  schedule(delayMs: number, fire: () => void): WheelTimer {
    assert(delayMs >= 0, "a timer cannot be due in the past");
    const now = this.#clock.now();
    // Nobody waited: the ticks that passed meanwhile had nothing to fire.
    if (this.#size === 0) this.#tick = Math.floor(now / SLOT_MS);
    const dueTick = Math.max(Math.ceil((now + delayMs) / SLOT_MS), this.#tick + 1);
    const slot = this.#slots[dueTick % SLOTS];
    assert(slot !== undefined, "the wheel has a slot for every tick");
    const entry = new Entry(dueTick, fire, slot, this.#onCancel);
    slot.add(entry);
    this.#size += 1;
    this.#wakeAt(Math.min(dueTick, this.#tick + SLEEP_SLOTS_MAX));
    return entry;
  }

  /** A sleep that an earlier one overtook runs out for nothing: that is cheaper than to end it. */
  #wakeAt(tick: number): void {
    if (tick >= this.#wakeTick) return;
    this.#wakeTick = tick;
    void this.#sleepUntil(tick);
  }

  async #sleepUntil(tick: number): Promise<void> {
    const waitMs = tick * SLOT_MS - this.#clock.now();
    if (waitMs > 0) await this.#clock.sleep(waitMs);
    else await Promise.resolve();
    if (tick === this.#wakeTick) this.#turn();
  }

  /**
   * Fires what is due and sleeps until the next slot that holds something: idle, it has no timer.
   */
  #turn(): void {
    const reached = Math.floor(this.#clock.now() / SLOT_MS);
    // After a long stall every slot is visited once, not once for each turn that was missed.
    if (reached - this.#tick > SLOTS) this.#tick = reached - SLOTS;
    while (this.#tick < reached) {
      this.#tick += 1;
      this.#fireSlot(reached);
    }
    this.#wakeTick = Number.POSITIVE_INFINITY;
    if (this.#size > 0) this.#wakeAt(this.#nextTick());
  }

  /** The next tick whose slot is not empty, if it is not too far. */
  #nextTick(): number {
    let ahead = 1;
    while (ahead < SLEEP_SLOTS_MAX && this.#slots[(this.#tick + ahead) % SLOTS]?.size === 0)
      ahead += 1;
    return this.#tick + ahead;
  }

  #fireSlot(reached: number): void {
    const slot = this.#slots[this.#tick % SLOTS];
    assert(slot !== undefined, "the wheel has a slot for every tick");
    for (const entry of slot) {
      if (entry.dueTick > reached) continue;
      slot.delete(entry);
      this.#size -= 1;
      entry.fire();
    }
  }
}

/**
 * A clock whose sleeps end on the slots of a wheel: for the many devices of the field process,
 * where 10 ms do not matter and a timer each would.
 */
export class WheelClock implements Clock {
  readonly #clock: Clock;
  readonly #wheel: TimerWheel;

  constructor(clock: Clock, wheel: TimerWheel) {
    this.#clock = clock;
    this.#wheel = wheel;
  }

  now(): MonotonicMs {
    return this.#clock.now();
  }

  utcNow(): UtcMs {
    return this.#clock.utcNow();
  }

  async sleep(ms: number, signal?: AbortSignalLike): Promise<void> {
    if (signal?.aborted === true) throw signal.reason;
    await new Promise<void>((resolve, reject) => {
      const timer = this.#wheel.schedule(ms, () => {
        signal?.removeEventListener("abort", abort);
        resolve();
      });
      const abort = () => {
        timer.cancel();
        signal?.removeEventListener("abort", abort);
        reject(signal?.reason);
      };
      signal?.addEventListener("abort", abort);
    });
  }
}
