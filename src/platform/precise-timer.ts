import {
  type AbortSignalLike,
  type Clock,
  type MonotonicMs,
  throwIfAborted,
} from "../domain/time.ts";

/** Waits for a moment instead of for a time: what a cycle needs to keep its phase. */
export interface DeadlineTimer {
  /** Resolves at `deadline`, or at once when it is past; rejects with the signal's reason. */
  waitUntil(deadline: MonotonicMs, signal: AbortSignalLike): Promise<void>;
}

/**
 * Node's timers are early or late by up to a millisecond, and epoll counts whole ones: the sleep
 * ends this much before the deadline.
 */
const SLEEP_MARGIN_MS = 1.5;
/** Naps between two turns of the event loop: a reply that comes meanwhile is heard this late. */
const NAP_MS = 0.25;
/** The last stretch is waited without giving the processor away. */
const SPIN_MS = 0.1;

/** What a wait is made of besides the clock. */
export interface WaitParts {
  /** Lets whatever is ready in the event loop run once. */
  readonly nextTurn: () => Promise<void>;
  /** Stops the thread for a time, to some 50 µs; costs no processor. */
  readonly nap: (ms: number) => void;
}

/**
 * Hits a deadline to a few microseconds when the machine is idle: sleeps, then takes short naps
 * with turns of the event loop between them, so that replies still come in, and spins at the end.
 */
export class PreciseTimer implements DeadlineTimer {
  readonly #clock: Clock;
  readonly #parts: WaitParts;

  constructor(clock: Clock, parts: WaitParts = { nextTurn: eventLoopTurn, nap }) {
    this.#clock = clock;
    this.#parts = parts;
  }

  async waitUntil(deadline: MonotonicMs, signal: AbortSignalLike): Promise<void> {
    throwIfAborted(signal);
    const sleepMs = Math.floor(deadline - this.#clock.now() - SLEEP_MARGIN_MS);
    if (sleepMs > 0) await this.#clock.sleep(sleepMs, signal);
    for (;;) {
      const napMs = Math.min(deadline - this.#clock.now() - SPIN_MS, NAP_MS);
      if (napMs <= 0) break;
      this.#parts.nap(napMs);
      await this.#parts.nextTurn();
      throwIfAborted(signal);
    }
    // Bounded by SPIN_MS: the clock only moves forward.
    while (this.#clock.now() < deadline);
  }
}

const NEVER_WOKEN = new Int32Array(new SharedArrayBuffer(4));

function nap(ms: number): void {
  Atomics.wait(NEVER_WOKEN, 0, 0, ms);
}

async function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
