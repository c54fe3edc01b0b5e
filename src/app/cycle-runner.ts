import { type Clock, isAborted, monotonicMs, type MonotonicMs } from "../domain/time.ts";
import { JitterHistogram } from "../platform/histogram.ts";
import type { DeadlineTimer } from "../platform/precise-timer.ts";
import type { CycleGrid } from "./cycle-grid.ts";

export interface CycleRunnerParts {
  readonly clock: Clock;
  readonly timer: DeadlineTimer;
  readonly grid: CycleGrid;
  readonly act: (now: MonotonicMs) => void;
  /** ms since the last call in which the host let a processor of this machine stand. */
  readonly stolenMs?: () => number;
}

/** What is told goes back this long, and up to as long again. */
const WINDOW_MS = 150_000;
const MS_PER_S = 1_000;

export interface CycleFigures {
  readonly "x-cycles": number;
  readonly "cycle-overruns": number;
  readonly "x-cycle-overruns-stolen": number;
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
  readonly overrunsStolen: number;
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
 * Overruns that would not have been, had the host not let the processors stand. It writes its
 * account late: what it took is what it tells after the cycle and after the one that follows.
 */
class StolenCycles {
  #count = 0;
  #open: { readonly missed: number; readonly excessMs: number; readonly takenMs: number } = NONE;

  get count(): number {
    return this.#count;
  }

  /** @param excessMs by how much the cycle ended after the next one's beginning */
  add(missed: number, excessMs: number, takenMs: number): void {
    if (this.#open.missed > 0 && this.#open.takenMs + takenMs >= this.#open.excessMs)
      this.#count += this.#open.missed;
    this.#open = missed > 0 ? { missed, excessMs, takenMs } : NONE;
  }
}

const NONE = { missed: 0, excessMs: 0, takenMs: 0 };

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
  readonly #stolen = new StolenCycles();

  constructor(parts: CycleRunnerParts) {
    this.#parts = parts;
    this.#windowCycles = Math.ceil(WINDOW_MS / parts.grid.periodMs);
  }

  get overruns(): number {
    return this.#overruns;
  }

  /** Resolves when `signal` has aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, timer, grid, act, stolenMs } = this.#parts;
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
      const endMs = clock.now() - grid.originMs;
      const following = Math.floor(endMs / periodMs) + 1;
      const missed = Math.max(0, following - next - 1);
      this.#overruns += missed;
      this.#stolen.add(missed, endMs - (next + 1) * periodMs, stolenMs?.() ?? 0);
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
      "x-cycle-overruns-stolen": this.#stolen.count,
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
      overrunsStolen: this.#stolen.count,
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
