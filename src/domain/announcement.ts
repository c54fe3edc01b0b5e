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

/** One change of a workload's mean power. */
export interface WorkloadStep {
  readonly at: MonotonicMs;
  /** Mean from then on, W. */
  readonly powerW: number;
}

/**
 * What a workload says that it will draw, as services has verified it. It takes the place of all
 * that the same workload said before; without steps it takes that back.
 */
export interface WorkloadNotice {
  readonly workload: string;
  /** Mean before the first step, W; undefined: what it said last, and 0 if it never did. */
  readonly powerW: number | undefined;
  /** Most that it draws at any instant, W. */
  readonly peakW: number;
  /** By time. */
  readonly steps: readonly WorkloadStep[];
  /** All steps together may come this much later, if that helps, ms. */
  readonly slackMs: number;
  /** Each comes at most this much before or after its time, ms. */
  readonly withinMs: number;
  /** Not taken when control gets it later than this. */
  readonly notAfter: MonotonicMs;
}

/** Why a notice is not taken: what it asks for is then not prepared. */
export type WorkloadRefusal =
  | "not-smoothed"
  | "control-ends"
  | "too-late"
  | "too-many-steps"
  | "too-many-announcements"
  | "too-much-power";

/** What control makes of a notice. */
export interface WorkloadAnswer {
  readonly workload: string;
  /** Undefined: it is taken. */
  readonly refused: WorkloadRefusal | undefined;
  /** The first step is prepared for then; undefined without steps. */
  readonly startsAt: MonotonicMs | undefined;
  /** By how much it was put off, ms. */
  readonly shiftMs: number;
  /** From now to the first step, and what the grid's ramp needs to be half way by then, ms. */
  readonly leadMs: number;
  readonly neededMs: number;
  /** Most that this workload may draw, W; undefined while the load is not known. */
  readonly availableW: number | undefined;
}
