import type { MonotonicMs } from "./time.ts";

/** A workload says that the mean of its load will change. */
export interface Announcement {
  readonly id: string;
  readonly at: MonotonicMs;
  /** Mean of the load before and after, W. */
  readonly fromW: number;
  readonly toW: number;
  /** It happens at most this much before or after `at`, ms. */
  readonly withinMs: number;
  /**
   * Until `at` something enforces that the load goes no further than this in the direction of the
   * step (a power cap of the processors), W; undefined: only a promise. Nothing but this narrows
   * what the governor counts with: a promise that is not kept must not cost the battery.
   */
  readonly enforcedW: number | undefined;
}
