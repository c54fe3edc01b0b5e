import type { AbortSignalLike, Clock, MonotonicMs } from "../domain/time.ts";

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
/** The last stretch is waited without giving the processor away. */
const SPIN_MS = 0.5;

/**
 * Hits a deadline to a few microseconds when the machine is idle: sleeps, then takes turns of the
 * event loop, so that replies still come in, and spins at the end.
 */
export class PreciseTimer implements DeadlineTimer {
  readonly #clock: Clock;
  readonly #nextTurn: () => Promise<void>;

  /** @param nextTurn lets whatever is ready in the event loop run once */
  constructor(clock: Clock, nextTurn: () => Promise<void> = eventLoopTurn) {
    this.#clock = clock;
    this.#nextTurn = nextTurn;
  }

  async waitUntil(deadline: MonotonicMs, signal: AbortSignalLike): Promise<void> {
    throwIfAborted(signal);
    const sleepMs = Math.floor(deadline - this.#clock.now() - SLEEP_MARGIN_MS);
    if (sleepMs > 0) await this.#clock.sleep(sleepMs, signal);
    while (deadline - this.#clock.now() > SPIN_MS) {
      await this.#nextTurn();
      throwIfAborted(signal);
    }
    // Bounded by SPIN_MS: the clock only moves forward.
    while (this.#clock.now() < deadline);
  }
}

function throwIfAborted(signal: AbortSignalLike): void {
  if (signal.aborted) throw signal.reason;
}

async function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
