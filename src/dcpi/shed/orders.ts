import type { MonotonicMs } from "../../domain/time.ts";
import type { Dialect } from "../command-request.ts";
import type { Flexibility } from "../flexibility.ts";

/** Whoever hears it: what no known workload can give is asked of all. */
export const ALL = "all";

/** A workload as it is known at this moment. */
export interface WorkloadSight {
  readonly workload: string;
  readonly dialect: Dialect;
  readonly flexibility: Flexibility;
  /** W/s; undefined: it does not say. */
  readonly rampWPerS: number | undefined;
  /** Mean power now, W. */
  readonly powerW: number;
}

export const WORKLOAD_STATES = [
  "running",
  "paused",
  "throttled",
  "terminated",
  "migrating",
] as const;
export type WorkloadState = (typeof WORKLOAD_STATES)[number];

/** What a workload says of itself. */
export interface WorkloadWord {
  readonly state: WorkloadState;
  /** W; undefined: it does not say. */
  readonly powerW: number | undefined;
  readonly at: MonotonicMs;
}

/**
 * `waiting`: nobody has taken the message yet. `asked`: it is out, and its deadline runs.
 * `confirmed`: the workload says that it does so. `failed`: the deadline is over, and there is no
 * further rung; it is asked on, and counts for nothing.
 */
export type OrderProgress = "waiting" | "asked" | "confirmed" | "failed";

/** What is asked of one workload, or of all, for one zone. Plain data. */
export interface ShedOrder {
  /** Names it in every message: a new one with each other demand. */
  id: string;
  readonly zone: string;
  readonly workload: string;
  /** As the workload was known when it was first asked. */
  readonly sight: WorkloadSight;
  action: "throttle" | "pause";
  /** What it may draw, W; of all: meaningless. */
  targetW: number;
  /** What goes by that, W. */
  savesW: number;
  progress: OrderProgress;
  /** When this demand was made. */
  madeAt: MonotonicMs;
  /** Undefined: no message of this order has left yet. */
  saidAt: MonotonicMs | undefined;
  deadlineAt: MonotonicMs | undefined;
  repeats: number;
  /** A message of it, or of one before it, has left: it has to be taken back one day. */
  wasSaid: boolean;
}

/** Above its target by so much a workload still does what it was asked. */
const TOLERANCE_PART = 0.02;
const TOLERANCE_W = 1_000;

/** Whether a workload says that it does what it was asked; undefined: it has not said anything. */
export function isConfirmedBy(
  order: ShedOrder,
  word: WorkloadWord | undefined,
): boolean | undefined {
  if (word === undefined || word.at < order.madeAt) return undefined;
  const { state, powerW } = word;
  if (state === "terminated" || state === "paused") return true;
  const allowedW = order.targetW * (1 + TOLERANCE_PART) + TOLERANCE_W;
  if (powerW !== undefined) return powerW <= allowedW;
  return order.action === "throttle" && state === "throttled";
}

/** Messages of one group supersede one another. */
export function groupOf({ workload, zone }: Pick<ShedOrder, "workload" | "zone">): string {
  return workload === ALL ? `${ALL} ${zone}` : workload;
}

/** Whether what the first asks includes what the second does. */
export function includes(one: ShedOrder, other: ShedOrder): boolean {
  if (one.action === other.action) return one.targetW <= other.targetW;
  return one.action === "pause";
}
