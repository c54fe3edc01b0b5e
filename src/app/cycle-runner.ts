import { type Clock, isAborted, monotonicMs, type MonotonicMs } from "../domain/time.ts";
import { JitterHistogram } from "../platform/histogram.ts";
import type { DeadlineTimer } from "../platform/precise-timer.ts";

export interface CycleRunnerParts {
  readonly clock: Clock;
  readonly timer: DeadlineTimer;
  /** Beginning of cycle 0. */
  readonly originMs: MonotonicMs;
  readonly periodMs: number;
  readonly act: (now: MonotonicMs) => void;
}

/** Figures of this many cycles are forgotten together, so that p99 tells of the last minutes. */
const WINDOW_CYCLES = 6_000;
const MS_PER_S = 1_000;

/**
 * Starts cycle k at origin + k·period. A cycle that ends after the next one's beginning costs that
 * one, and those that follow keep their places: an overrun is counted and never causes a burst.
 */
export class CycleRunner {
  readonly #parts: CycleRunnerParts;
  readonly #lateness = new JitterHistogram();
  readonly #durations = new JitterHistogram();
  #cycles = 0;
  #overruns = 0;

  constructor(parts: CycleRunnerParts) {
    this.#parts = parts;
  }

  get overruns(): number {
    return this.#overruns;
  }

  /** Resolves when `signal` has aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, timer, originMs, periodMs, act } = this.#parts;
    let next = Math.max(0, Math.ceil((clock.now() - originMs) / periodMs));
    while (!signal.aborted) {
      const deadline = monotonicMs(originMs + next * periodMs);
      await timer.waitUntil(deadline, signal).catch((error: unknown) => {
        if (!isAborted(signal)) throw error;
      });
      if (isAborted(signal)) return;
      const now = clock.now();
      act(now);
      this.#record(now - deadline, clock.now() - now);
      const following = Math.floor((clock.now() - originMs) / periodMs) + 1;
      this.#overruns += Math.max(0, following - next - 1);
      next = following;
    }
  }

  /** For the gateway's own points; durations in s. */
  figures(): {
    readonly "x-cycles": number;
    readonly "cycle-overruns": number;
    readonly "x-cycle-lateness.p50": number;
    readonly "x-cycle-lateness.p99": number;
    readonly "x-cycle-lateness.maximum": number;
    readonly "x-cycle-duration.p99": number;
  } {
    return {
      "x-cycles": this.#cycles,
      "cycle-overruns": this.#overruns,
      "x-cycle-lateness.p50": this.#lateness.percentileMs(0.5) / MS_PER_S,
      "x-cycle-lateness.p99": this.#lateness.percentileMs(0.99) / MS_PER_S,
      "x-cycle-lateness.maximum": this.#lateness.maxMs / MS_PER_S,
      "x-cycle-duration.p99": this.#durations.percentileMs(0.99) / MS_PER_S,
    };
  }

  #record(lateMs: number, durationMs: number): void {
    if (this.#lateness.count >= WINDOW_CYCLES) {
      this.#lateness.reset();
      this.#durations.reset();
    }
    this.#cycles += 1;
    this.#lateness.record(lateMs);
    this.#durations.record(durationMs);
  }
}
