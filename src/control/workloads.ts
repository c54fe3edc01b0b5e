import type { WorkloadAnswer, WorkloadNotice, WorkloadRefusal } from "../domain/announcement.ts";
import { type MonotonicMs, monotonicMs } from "../domain/time.ts";
import { clamp } from "./arbitration.ts";
import {
  announce,
  type AnnouncementEnd,
  type AnnouncementState,
  leadMs,
  withdraw,
} from "./smoothing/announcements.ts";
import type { SmoothingSettings } from "./smoothing/settings.ts";
import type { SmoothingState } from "./smoothing/smoothing.ts";

/** Steps of all workloads that wait for their time; a notice with more is refused. */
export const WORKLOAD_STEPS_MAX = 256;
/** Steps of one notice. */
export const STEPS_EACH_MAX = 32;
/** Workloads whose last power is remembered; for one more the oldest is forgotten. */
export const WORKLOADS_MAX = 1_000;
/** So many of the next steps are told to smoothing, which prepares for the first of them. */
const TOLD_MAX = 4;
/** Smoothing looks for a step this long before its earliest time: from then on it stays, ms. */
const LOOK_MS = 2_000;
/** A step whose time passed so long ago without being looked at is forgotten, ms. */
const FORGOTTEN_MS = 10_000;
/** The load may go beyond its declared highest by this part of its range before that matters. */
const BEYOND_SHARE = 0.01;

/** A step of the load that is to come, as a difference: what the load is then is not known yet. */
export interface PlannedStep {
  readonly id: string;
  readonly workload: string;
  readonly at: MonotonicMs;
  readonly withinMs: number;
  readonly deltaW: number;
  /** Mean power of the workload after it, W. */
  readonly powerW: number;
  /** The load before it, as smoothing was told, W; NaN: it was not. */
  toldFromW: number;
}

/** What workloads have announced. Plain data. */
export interface WorkloadsState {
  /** By time. */
  steps: PlannedStep[];
  /** Mean power of each workload as it said and did, W. */
  readonly powersW: Map<string, number>;
  /** Notices that were taken and that were not, and steps that nobody looked at in their time. */
  taken: number;
  refused: number;
  forgotten: number;
}

export function noWorkloads(): WorkloadsState {
  return { steps: [], powersW: new Map(), taken: 0, refused: 0, forgotten: 0 };
}

export interface WorkloadSight {
  readonly now: MonotonicMs;
  readonly smoothing: SmoothingState | undefined;
}

/** Takes a notice, or says why not. */
export function takeWorkload(
  state: WorkloadsState,
  notice: WorkloadNotice,
  { now, smoothing }: WorkloadSight,
): WorkloadAnswer {
  const others = state.steps.filter(({ workload }) => workload !== notice.workload);
  if (smoothing === undefined) return refuse(state, notice, { refused: "not-smoothed" });
  if (now > notice.notAfter) return refuse(state, notice, { refused: "too-late" });
  if (notice.steps.length > STEPS_EACH_MAX)
    return refuse(state, notice, { refused: "too-many-steps" });
  if (others.length + notice.steps.length > WORKLOAD_STEPS_MAX)
    return refuse(state, notice, { refused: "too-many-announcements" });
  const { settings, meanW } = smoothing;
  const beforeW = notice.powerW ?? state.powersW.get(notice.workload) ?? 0;
  const planned = planSteps(notice, beforeW, settings.deadbandW);
  const room = roomFor(planned, { others, notice, meanW, beforeW, highW: settings.highW });
  const beyondW = BEYOND_SHARE * (settings.highW - settings.lowW);
  if (room.leastW < -beyondW)
    return refuse(state, notice, { refused: "too-much-power", availableW: room.availableW });
  for (const { id } of state.steps.filter(({ workload }) => workload === notice.workload))
    withdraw(smoothing.announcements, id);
  const { moved, shiftMs, neededMs } = putOff(planned, notice.slackMs, { now, settings });
  state.steps = [...others, ...moved].sort((a, b) => a.at - b.at);
  remember(state, notice.workload, beforeW);
  state.taken += 1;
  const startsAt = moved[0]?.at;
  return {
    workload: notice.workload,
    refused: undefined,
    startsAt,
    shiftMs,
    leadMs: startsAt === undefined ? 0 : startsAt - now,
    neededMs,
    availableW: room.availableW,
  };
}

/** Later by as much as the ramp needs before the first step, if that is allowed. */
function putOff(
  planned: readonly PlannedStep[],
  slackMs: number,
  { now, settings }: { readonly now: MonotonicMs; readonly settings: SmoothingSettings },
): {
  readonly moved: readonly PlannedStep[];
  readonly shiftMs: number;
  readonly neededMs: number;
} {
  const [first] = planned;
  if (first === undefined) return { moved: [], shiftMs: 0, neededMs: 0 };
  const neededMs = leadMs(settings, 0, first.deltaW);
  const shiftMs = clamp(now + neededMs - first.at, 0, slackMs);
  const moved = planned.map((step) => ({ ...step, at: monotonicMs(step.at + shiftMs) }));
  return { moved, shiftMs, neededMs };
}

function refuse(
  state: WorkloadsState,
  { workload }: WorkloadNotice,
  why: { readonly refused: WorkloadRefusal; readonly availableW?: number | undefined },
): WorkloadAnswer {
  state.refused += 1;
  return refusedWorkload(workload, why.refused, why.availableW);
}

export function refusedWorkload(
  workload: string,
  refused: WorkloadRefusal,
  availableW?: number,
): WorkloadAnswer {
  return {
    workload,
    refused,
    startsAt: undefined,
    shiftMs: 0,
    leadMs: 0,
    neededMs: 0,
    availableW,
  };
}

/** The steps as differences; what is smaller than the band is part of the next one. */
function planSteps(notice: WorkloadNotice, beforeW: number, leastW: number): PlannedStep[] {
  const { workload, withinMs, steps } = notice;
  const planned: PlannedStep[] = [];
  let fromW = beforeW;
  for (const { at, powerW } of steps) {
    const deltaW = powerW - fromW;
    if (Math.abs(deltaW) <= leastW) continue;
    fromW = powerW;
    const id = steps.length === 1 ? workload : `${workload}#${planned.length + 1}`;
    planned.push({ id, workload, at, withinMs, deltaW, powerW, toldFromW: Number.NaN });
  }
  return planned;
}

/**
 * How far the load stays below its declared highest while this workload rises: at each of its steps
 * upwards, with what the others have announced until then. What the workload draws above its mean
 * comes on top. Without a known load nothing is said.
 */
function roomFor(
  planned: readonly PlannedStep[],
  sight: {
    readonly others: readonly PlannedStep[];
    readonly notice: WorkloadNotice;
    readonly meanW: number;
    readonly beforeW: number;
    readonly highW: number;
  },
): { readonly leastW: number; readonly availableW: number | undefined } {
  const { others, notice, meanW, beforeW, highW } = sight;
  if (Number.isNaN(meanW)) return { leastW: Infinity, availableW: undefined };
  let leastW = Infinity;
  let availableW = Math.max(highW - meanW + beforeW, 0);
  for (const { at, deltaW, powerW } of planned) {
    if (deltaW <= 0) continue;
    const othersW = others.reduce((sumW, other) => sumW + (other.at <= at ? other.deltaW : 0), 0);
    const leftW = highW - (meanW - beforeW + othersW);
    leastW = Math.min(leastW, leftW - Math.max(powerW, notice.peakW));
    availableW = Math.max(Math.min(availableW, leftW), 0);
  }
  return { leastW, availableW };
}

function remember({ powersW }: WorkloadsState, workload: string, powerW: number): void {
  powersW.delete(workload);
  powersW.set(workload, powerW);
  if (powersW.size <= WORKLOADS_MAX) return;
  const [oldest] = powersW.keys();
  if (oldest !== undefined) powersW.delete(oldest);
}

/**
 * Before smoothing decides: tells it the next steps, from the load as it is now. Once it looks for
 * a step, or its reference has set out, that one stays as it was told.
 */
export function tellSteps(
  state: WorkloadsState,
  smoothing: SmoothingState,
  now: MonotonicMs,
): void {
  if (state.steps.length === 0 || Number.isNaN(smoothing.meanW)) return;
  const { settings, announcements } = smoothing;
  const { lowW, highW, deadbandW } = settings;
  let fromW = smoothing.meanW;
  for (const [place, step] of state.steps.entries()) {
    if (place >= TOLD_MAX) {
      if (Number.isNaN(step.toldFromW)) return;
      withdraw(announcements, step.id);
      step.toldFromW = Number.NaN;
      continue;
    }
    if (isFixed(step, settings, now)) fromW = step.toldFromW;
    else if (!(Math.abs(step.toldFromW - fromW) <= deadbandW)) {
      const toW = clamp(fromW + step.deltaW, lowW, highW);
      const { id, at, withinMs } = step;
      announce(announcements, { id, at, fromW, toW, withinMs, enforcedW: undefined });
      step.toldFromW = fromW;
    }
    fromW = clamp(fromW + step.deltaW, lowW, highW);
  }
}

function isFixed(step: PlannedStep, settings: SmoothingSettings, now: MonotonicMs): boolean {
  if (Number.isNaN(step.toldFromW)) return false;
  const beforeMs = Math.max(leadMs(settings, 0, step.deltaW), step.withinMs + LOOK_MS);
  return now >= step.at - beforeMs;
}

/** After smoothing has decided: forgets what has come, and what has not. */
export function endSteps(
  state: WorkloadsState,
  { announcements }: SmoothingState,
  now: MonotonicMs,
): void {
  if (state.steps.length === 0) return;
  const { ended } = announcements;
  const over = ended === undefined ? undefined : state.steps.find(({ id }) => id === ended.id);
  if (over !== undefined && ended !== undefined)
    endStep(state, announcements, { over, as: ended.as });
  for (;;) {
    // By time: while smoothing rests or is blind it looks for nothing.
    const [oldest] = state.steps;
    if (oldest === undefined || now <= oldest.at + oldest.withinMs + FORGOTTEN_MS) return;
    withdraw(announcements, oldest.id);
    state.steps.shift();
    state.forgotten += 1;
  }
}

function endStep(
  state: WorkloadsState,
  announcements: AnnouncementState,
  { over, as }: { readonly over: PlannedStep; readonly as: AnnouncementEnd },
): void {
  if (as === "happened") {
    remember(state, over.workload, over.powerW);
    dropSteps(state, ({ id }) => id !== over.id);
  }
  if (as !== "not-honoured") return;
  // What was to follow a step that did not come would begin from something else.
  for (const { id, workload } of state.steps)
    if (workload === over.workload) withdraw(announcements, id);
  dropSteps(state, ({ workload }) => workload !== over.workload);
}

function dropSteps(state: WorkloadsState, isKept: (step: PlannedStep) => boolean): void {
  state.steps = state.steps.filter(isKept);
}
