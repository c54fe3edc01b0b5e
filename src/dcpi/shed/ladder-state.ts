import type { ShedLevel, StandingShed } from "../../domain/shed.ts";
import type { MonotonicMs } from "../../domain/time.ts";
import type { ShedOrder, WorkloadSight, WorkloadWord } from "./orders.ts";

/** Orders under way; what would be one more is asked of all, and counted. */
export const ORDERS_MAX = 256;
/** Zones that may ask at the same time: the most that a site file has. */
export const SHEDS_MAX = 512;
/** An order that is not confirmed is said again after this, ms. */
export const REPEAT_MS = 5_000;
/** To throttle within this and its ramp, ms; then it is ordered to pause. */
export const ASK_MS = 10_000;
/** To pause within this and its ramp, ms; what is asked of all has the same. */
export const ORDER_MS = 20_000;
/** Longest ramp that a deadline allows for, ms. */
export const RAMP_MAX_MS = 30_000;
/** Who did not answer is asked again after this, ms, and so often at most. */
export const FAILED_REPEAT_MS = 30_000;
export const REPEATS_MAX = 120;
/** What nobody took for so long is told as unconfirmed, ms. */
export const UNSENT_MS = 10_000;
/** A load may come back: said so often, unless the workload says that it runs. */
export const RESUME_SAYS = 3;
/** How long a word that load may come back is worth hearing, ms. */
export const RESUME_VALID_MS = 600_000;
/** What a control that runs shorter than this does not ask for may still stand, ms. */
export const SETTLE_MS = 90_000;
/** A need that grows by less is the noise of a measurement. */
export const SLACK_PART = 0.02;

/** That a workload may take its load back. */
export interface Resume {
  readonly id: string;
  readonly zone: string;
  readonly cause: string;
  readonly workload: string;
  readonly sight: WorkloadSight;
  readonly since: MonotonicMs;
  saidAt: MonotonicMs | undefined;
  left: number;
}

export interface LadderCounters {
  orders: number;
  repeats: number;
  confirmed: number;
  /** Workloads that confirmed, and then did otherwise. */
  broken: number;
  /** Throttled too late or not at all: ordered to pause. */
  escalated: number;
  unconfirmed: number;
  resumes: number;
  /** Orders that were asked of all, and zones that were not served, because there were so many. */
  beyondLimit: number;
  /** Repeated to the limit. */
  givenUp: number;
}

/** Everything that is asked of workloads. Plain data; `stepLadder` alone changes it. */
export interface Ladder {
  readonly sheds: Map<string, StandingShed>;
  readonly orders: Map<string, ShedOrder>;
  readonly resumes: Map<string, Resume>;
  readonly counters: LadderCounters;
  /** Begins every id: of this run alone. */
  readonly run: string;
  serial: number;
  /** Grows with whatever has to survive a restart. */
  revision: number;
}

/** What leaves: an order, or that load may come back. */
export type ShedMessage =
  | { readonly kind: "order"; readonly order: ShedOrder; readonly shed: StandingShed }
  | { readonly kind: "resume"; readonly resume: Resume };

export interface LadderInputs {
  readonly now: MonotonicMs;
  /** Undefined: control has said nothing since the last step. What stood, stands. */
  readonly level: ShedLevel | undefined;
  /** The workloads whose load is cooled by a zone, as far as anybody knows. */
  readonly workloadsOf: (zone: string) => Iterable<WorkloadSight>;
  readonly wordOf: (workload: string) => WorkloadWord | undefined;
}

export function createLadder(run: string): Ladder {
  return {
    sheds: new Map(),
    orders: new Map(),
    resumes: new Map(),
    counters: {
      orders: 0,
      repeats: 0,
      confirmed: 0,
      broken: 0,
      escalated: 0,
      unconfirmed: 0,
      resumes: 0,
      beyondLimit: 0,
      givenUp: 0,
    },
    run,
    serial: 0,
    revision: 0,
  };
}
