import { type Clock, isAborted, monotonicMs, type MonotonicMs } from "../domain/time.ts";
import { JitterHistogram } from "../platform/histogram.ts";
import type { DeadlineTimer } from "../platform/precise-timer.ts";
import type { CycleGrid } from "./cycle-grid.ts";

export interface CycleRunnerParts {
  readonly clock: Clock;
  readonly timer: DeadlineTimer;
  readonly grid: CycleGrid;
  readonly act: (now: MonotonicMs) => void;
}

/** What is told goes back this long, and up to as long again. */
const WINDOW_MS = 150_000;
const MS_PER_S = 1_000;

export interface CycleFigures {
  readonly "x-cycles": number;
  readonly "cycle-overruns": number;
  readonly "x-cycle-lateness.p50": number;
  readonly "x-cycle-lateness.p99": number;
  readonly "x-cycle-lateness.p999": number;
  readonly "x-cycle-lateness.maximum": number;
  readonly "x-cycle-duration.p99": number;
  readonly "x-cycle-duration.maximum": number;
  readonly "x-cycle-slew": number;
}

export interface CycleTiming {
  readonly periodMs: number;
  readonly cycles: number;
  readonly overruns: number;
  /** `JitterHistogram.counts` of how late cycles began. */
  readonly latenessCounts: readonly number[];
}

/**
 * Two windows, of which one is full: what is told never goes back to a few cycles, and an old
 * maximum is forgotten.
 */
class RecentTimes {
  #now = new JitterHistogram();
  #before = new JitterHistogram();
  readonly #both = new JitterHistogram();

  record(ms: number): void {
    this.#now.record(ms);
  }

  /** The older window is forgotten, and a new one begins. */
  turn(): void {
    [this.#now, this.#before] = [this.#before, this.#now];
    this.#now.reset();
  }

  merged(): JitterHistogram {
    this.#both.reset();
    this.#both.add(this.#before);
    this.#both.add(this.#now);
    return this.#both;
  }
}

/**
 * Starts cycle k at origin + k·period of a grid, and lets the grid move between two cycles. A cycle
 * that ends after the next one's beginning costs that one, and those that follow keep their places:
 * an overrun is counted and never causes a burst.
 */
export class CycleRunner {
  readonly #parts: CycleRunnerParts;
  readonly #windowCycles: number;
  readonly #sinceStart = new JitterHistogram();
  readonly #lateness = new RecentTimes();
  readonly #durations = new RecentTimes();
  #cycles = 0;
  #overruns = 0;

  constructor(parts: CycleRunnerParts) {
    this.#parts = parts;
    this.#windowCycles = Math.ceil(WINDOW_MS / parts.grid.periodMs);
  }

  get overruns(): number {
    return this.#overruns;
  }

  /** Resolves when `signal` has aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, timer, grid, act } = this.#parts;
    const { periodMs } = grid;
    let next = Math.max(0, Math.ceil((clock.now() - grid.originMs) / periodMs));
    while (!signal.aborted) {
      const deadline = monotonicMs(grid.originMs + next * periodMs);
      await timer.waitUntil(deadline, signal).catch((error: unknown) => {
        if (!isAborted(signal)) throw error;
      });
      if (isAborted(signal)) return;
      const now = clock.now();
      act(now);
      this.#record(now - deadline, clock.now() - now);
      grid.step();
      // A grid that moved back would ask for this cycle a second time.
      const following = Math.floor((clock.now() - grid.originMs) / periodMs) + 1;
      this.#overruns += Math.max(0, following - next - 1);
      next = Math.max(next + 1, following);
    }
  }

  /** For the gateway's own points; durations in s, of the last minutes. */
  figures(): CycleFigures {
    const lateness = this.#lateness.merged();
    const durations = this.#durations.merged();
    return {
      "x-cycles": this.#cycles,
      "cycle-overruns": this.#overruns,
      "x-cycle-lateness.p50": lateness.percentileMs(0.5) / MS_PER_S,
      "x-cycle-lateness.p99": lateness.percentileMs(0.99) / MS_PER_S,
      "x-cycle-lateness.p999": lateness.percentileMs(0.999) / MS_PER_S,
      "x-cycle-lateness.maximum": lateness.maxMs / MS_PER_S,
      "x-cycle-duration.p99": durations.percentileMs(0.99) / MS_PER_S,
      "x-cycle-duration.maximum": durations.maxMs / MS_PER_S,
      "x-cycle-slew": this.#parts.grid.movedMs / MS_PER_S,
    };
  }

  /** Everything since the start, for somebody who asks twice and takes the difference. */
  timing(): CycleTiming {
    return {
      periodMs: this.#parts.grid.periodMs,
      cycles: this.#cycles,
      overruns: this.#overruns,
      latenessCounts: this.#sinceStart.counts(),
    };
  }

  #record(lateMs: number, durationMs: number): void {
    if (this.#cycles % this.#windowCycles === 0 && this.#cycles > 0) {
      this.#lateness.turn();
      this.#durations.turn();
    }
    this.#cycles += 1;
    this.#sinceStart.record(lateMs);
    this.#lateness.record(lateMs);
    this.#durations.record(durationMs);
  }
}
