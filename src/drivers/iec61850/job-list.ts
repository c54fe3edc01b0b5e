import type { Clock } from "../../domain/time.ts";

/** Something that is done again and again while an association stands. */
export interface Job {
  readonly everyMs: number;
  readonly phaseMs: number;
  readonly run: (signal: AbortSignal) => Promise<void>;
}

/** Jobs on absolute deadlines, one after the other: what was missed is skipped and counted. */
export class JobList {
  readonly #clock: Clock;
  readonly #jobs: readonly (Job & { dueAt: number })[];
  readonly #missed: () => void;

  constructor(clock: Clock, jobs: readonly Job[], missed: () => void) {
    this.#clock = clock;
    this.#missed = missed;
    const now = clock.now();
    this.#jobs = jobs.map((job) => {
      const { everyMs, phaseMs } = job;
      // The first turn is within a period, in the phase of the device.
      const behind = (((phaseMs - now) % everyMs) + everyMs) % everyMs;
      return { ...job, dueAt: now + (behind === 0 ? everyMs : behind) };
    });
  }

  /** Waits for the next job and does it. */
  async next(signal: AbortSignal): Promise<void> {
    const [first, ...others] = this.#jobs;
    if (first === undefined) return;
    let job = first;
    for (const other of others) if (other.dueAt < job.dueAt) job = other;
    const waitMs = job.dueAt - this.#clock.now();
    if (waitMs > 0) await this.#clock.sleep(waitMs, signal);
    signal.throwIfAborted();
    await job.run(signal);
    job.dueAt += job.everyMs;
    const lateMs = this.#clock.now() - job.dueAt;
    if (lateMs < 0) return;
    this.#missed();
    job.dueAt += Math.floor(lateMs / job.everyMs + 1) * job.everyMs;
  }
}
