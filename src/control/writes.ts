import type { PointIndex } from "../domain/point.ts";
import { isGood } from "../domain/quality.ts";
import type { MonotonicMs } from "../domain/time.ts";
import { freshValue, type ImageView } from "../points/image.ts";
import { conditionState } from "./conditions.ts";
import {
  type Envelope,
  type EnvelopeRequest,
  type EnvelopeVerdict,
  judgeWrite,
  recordWrite,
} from "./envelope.ts";
import type { ControlWrite, CyclicReport } from "./exchange.ts";
import { megawatts, type Notices } from "./notices.ts";
import type { BatteryUnitPlan, RunCommandPlan } from "./plan.ts";
import {
  addToSeries,
  clearSeries,
  emptySeries,
  newestTime,
  newestValue,
  placeBack,
  type Series,
} from "./series.ts";
import { byteAt, numberAt } from "../points/number-at.ts";

/** What was sent to a unit, and what came of it. Plain data. */
export interface WriteState {
  /** The last setpoints sent, W, since the unit was heard. */
  readonly sent: Series;
  /** When the last setpoint that the device accepted, and that its read-back showed, was sent. */
  acceptedAt: number;
  confirmedAt: number;
  /** When it was last unknown whether a setpoint arrived, monotonic ms. */
  doubtAt: number;
  /** When the last setpoint that the device refused was sent. */
  refusedAt: number;
  /** Receive time of the read-back that was looked at last. */
  readAt: number;
  /** Read-backs in a row that show nothing we sent. */
  differing: number;
  /** What was last read back as sent, W; NaN before. */
  confirmedW: number;
  /** What nobody here can have sent, W, and since when it has been shown; undefined: it is not. */
  foreignW: number;
  foreignSince: number | undefined;
  /** The next cycle sends whatever the value: for a new command, and as first word to a unit. */
  isDue: boolean;
  /** True when an interlock of the envelope held the last setpoint back. */
  isInterlocked: boolean;
  /** Until when START is asked for after a trip was reset; undefined: not asked. */
  startUntil: number | undefined;
  /** When START was last tried for it; −Infinity before. */
  startSentAt: number;
}

export interface WriteSight {
  readonly view: ImageView;
  readonly now: MonotonicMs;
  readonly envelope: Envelope;
  readonly notices: Notices;
}

type Sending = WriteSight & { readonly writes: ControlWrite[] };

/** Most setpoints that are kept to be compared with what a unit shows; see `setpointsKept`. */
export const SETPOINTS_KEPT_MAX = 1_024;
/** One read-back may cross a write on the wire: the second in a row counts. */
const DIFFERING_READS = 2;
/** A device that is slow to show what it was told shows it some day; a foreign value stays. */
const FOREIGN_MS = 1_000;
/** How long START is asked for after a reset, and how often, ms. */
const START_FOR_MS = 10_000;
/** Reactive setpoints are read back slowly: a zero that is older than this is written again. */
const REACTIVE_AGE_MS = 5_000;
const START_EVERY_MS = 1_000;

/**
 * How many setpoints have to be remembered, one per cycle, until a read-back shows one of them: as
 * long as it may take, and as old as a reading of a unit that is not silent can be.
 */
export function setpointsKept(plan: BatteryUnitPlan, periodMs: number): number {
  return Math.ceil((plan.readBack.withinMs + plan.silentMs) / periodMs) + 1;
}

/** @param kept see `setpointsKept` */
export function noWrites(kept: number): WriteState {
  return {
    sent: emptySeries(kept),
    acceptedAt: -Infinity,
    confirmedAt: -Infinity,
    doubtAt: -Infinity,
    refusedAt: -Infinity,
    readAt: -Infinity,
    differing: 0,
    confirmedW: Number.NaN,
    foreignW: Number.NaN,
    foreignSince: undefined,
    isDue: true,
    isInterlocked: false,
    startUntil: undefined,
    startSentAt: -Infinity,
  };
}

/** A new command begins: its setpoint is sent at once, and is judged by what comes of it alone. */
export function expectWrite(state: WriteState): void {
  state.isDue = true;
  state.differing = 0;
}

/** A unit is heard for the first time, or again: what was sent before says nothing any more. */
export function forgetWrites(state: WriteState): void {
  expectWrite(state);
  clearSeries(state.sent);
  state.confirmedW = Number.NaN;
}

/**
 * Notes what became of a setpoint. One that may be lost is sent again with what is asked for by
 * then; until one has arrived, a read-back that shows an older one is no contradiction.
 */
export function noteOutcome(
  state: WriteState,
  plan: BatteryUnitPlan,
  report: CyclicReport,
  { now, notices }: Pick<WriteSight, "now" | "notices">,
): void {
  if (report.point !== plan.points.setpoint) return;
  const isRefused = report.result === "refused";
  const device = plan.asset;
  if (notices.isNews("write-refused", device, isRefused))
    notices.tell(
      { id: "write-refused", device, point: "active-power-setpoint" },
      isRefused,
      isRefused
        ? `${device} refused ${megawatts(report.value)} (${report.reason ?? "no reason"})`
        : `${device} takes setpoints again`,
    );
  if (isRefused) state.refusedAt = Math.max(state.refusedAt, report.sentAt);
  if (report.result === "unknown") {
    state.doubtAt = now;
    state.isDue = true;
  }
  noteAccepted(state, plan, report);
}

/** Notes that the device took a setpoint; to note it twice changes nothing. */
export function noteAccepted(state: WriteState, plan: BatteryUnitPlan, report: CyclicReport): void {
  if (report.point !== plan.points.setpoint || report.result !== "accepted") return;
  state.acceptedAt = Math.max(state.acceptedAt, report.sentAt);
}

/**
 * Compares the setpoint that the device shows with what was sent. It may show any that was in force
 * since `withinMs` before; anything else twice in a row differs: the device took it and did
 * nothing, or somebody else writes.
 */
export function checkReadBack(state: WriteState, plan: BatteryUnitPlan, sight: WriteSight): void {
  const { view, notices } = sight;
  const { setpoint } = plan.points;
  const readAt = numberAt(view.receivedAt, setpoint);
  if (readAt <= state.readAt || !isGood(byteAt(view.quality, setpoint))) return;
  state.readAt = readAt;
  const shownW = numberAt(view.values, setpoint);
  const match = matchingTime(state, plan, shownW, readAt);
  if (match === "too-early") return;
  if (match !== undefined) {
    state.confirmedAt = Math.max(state.confirmedAt, match);
    state.confirmedW = shownW;
    state.differing = 0;
  } else if (state.acceptedAt >= state.doubtAt) state.differing += 1;
  if (match === undefined && !differs(state)) return;
  const device = plan.asset;
  const subject = { id: "setpoint-differs", device, point: "active-power-setpoint" } as const;
  if (notices.isNews("setpoint-differs", device, differs(state)))
    notices.tell(
      subject,
      differs(state),
      differs(state) ? whatDiffers(state, plan, shownW) : `${device} shows the setpoint again`,
    );
}

/**
 * True where somebody else must have written what the device shows: it changed while nothing else
 * was sent, or it lies outside of all that was sent, and stays there. Anything between could be a
 * device that limits what it is asked for, and zero one that went back to it by itself.
 */
export function isForeign(
  state: WriteState,
  plan: BatteryUnitPlan,
  { view, now }: Pick<WriteSight, "view" | "now">,
): boolean {
  const found =
    differs(state) && !Number.isNaN(state.confirmedW) ? origin(state, plan, view) : "own";
  if (found !== "outside") {
    state.foreignSince = undefined;
    return found === "changed";
  }
  const shownW = numberAt(view.values, plan.points.setpoint);
  if (!(Math.abs(shownW - state.foreignW) <= plan.readBack.toleranceW))
    state.foreignSince = undefined;
  state.foreignW = shownW;
  state.foreignSince ??= now;
  return now - state.foreignSince >= FOREIGN_MS;
}

/** Where the setpoint that differs can have come from. */
function origin(
  { sent, confirmedW, confirmedAt }: WriteState,
  plan: BatteryUnitPlan,
  view: ImageView,
): "changed" | "outside" | "own" {
  const shownW = numberAt(view.values, plan.points.setpoint);
  let lowW = Math.min(0, confirmedW);
  let highW = Math.max(0, confirmedW);
  let isSteady = true;
  for (let back = 0; back < sent.count; back += 1) {
    const place = placeBack(sent, back);
    const sentW = numberAt(sent.values, place);
    if (numberAt(sent.times, place) >= confirmedAt && sentW !== confirmedW) isSteady = false;
    lowW = Math.min(lowW, sentW);
    highW = Math.max(highW, sentW);
  }
  const { toleranceW } = plan.readBack;
  if (isSteady && Math.abs(shownW) > toleranceW) return "changed";
  return shownW < lowW - toleranceW || shownW > highW + toleranceW ? "outside" : "own";
}

/** True while the device shows something else than what was sent to it. */
export function differs(state: WriteState): boolean {
  return state.differing >= DIFFERING_READS;
}

/**
 * Sends a unit what it is asked for, when that is news or due again.
 *
 * @param wanted `fromW`: what the unit gives by itself, if it has not been told anything yet
 */
export function writeSetpoint(
  state: WriteState,
  plan: BatteryUnitPlan,
  wanted: { readonly powerW: number; readonly fromW: number | undefined },
  sight: Sending,
): void {
  const { now, notices } = sight;
  const { setpoint: point } = plan.points;
  const asked = Math.trunc(wanted.powerW / plan.stepW) * plan.stepW;
  const request = { point, value: asked, isProtective: false, mode: "clamp" } as const;
  const verdict = judge(sight, { ...request, from: wanted.fromW });
  const device = plan.asset;
  const why = verdict.result === "refused" ? verdict.reason : verdict.limitedBy;
  const isHeldOff = why !== undefined;
  if (notices.isNews("envelope-clamped", device, isHeldOff))
    notices.tell(
      { id: "envelope-clamped", device, point: "active-power-setpoint" },
      isHeldOff,
      isHeldOff
        ? `the envelope of ${device} does not let ${megawatts(asked)} through (${why})`
        : `the envelope of ${device} is kept again`,
    );
  state.isInterlocked = verdict.result === "refused" && verdict.reason === "interlock";
  if (verdict.result === "refused") return;
  const sinceMs = now - newestTime(state.sent);
  const changeW = Math.abs(verdict.value - lastSetpoint(state));
  if (!state.isDue && !(changeW >= plan.stepW) && sinceMs < plan.repeatMs) return;
  sendSetpoint(state, plan, { value: verdict.value, isProtective: false }, sight);
}

/** Whether the STOP of a unit, and its zero, are read back. */
export function isStopConfirmed(
  plan: BatteryUnitPlan,
  sight: Pick<WriteSight, "view" | "now">,
): boolean {
  const { run, setpoint } = plan.points;
  const isZero = freshValue(sight.view, setpoint, sight.now, plan.silentMs) === 0;
  return isZero && (run === undefined || isStopped(run, plan, sight));
}

/**
 * Holds a tripped unit: STOP and zero in every cycle until they are read back, then again whenever
 * they are not, and each `repeatMs` so that its own timer does not run out.
 */
export function assertStop(state: WriteState, plan: BatteryUnitPlan, sight: Sending): void {
  const { run, setpoint, reactive } = plan.points;
  state.startUntil = undefined;
  const sinceMs = sight.now - newestTime(state.sent);
  const isRecent = lastSetpoint(state) === 0 && sinceMs < plan.repeatMs;
  const isIdle = reactive === undefined || isShownZero(plan, reactive, sight);
  if (isStopConfirmed(plan, sight) && isIdle && isRecent) return;
  if (run !== undefined)
    push(plan, { point: run.point, value: run.stopValue, isProtective: true }, sight);
  const zero = judge(sight, { point: setpoint, value: 0, isProtective: true });
  if (zero.result === "allowed")
    sendSetpoint(state, plan, { value: zero.value, isProtective: true }, sight);
  if (reactive !== undefined) push(plan, { point: reactive, value: 0, isProtective: true }, sight);
}

function isShownZero(
  plan: BatteryUnitPlan,
  point: PointIndex,
  { view, now }: Pick<WriteSight, "view" | "now">,
): boolean {
  return freshValue(view, point, now, Math.max(plan.silentMs, REACTIVE_AGE_MS)) === 0;
}

/** After a reset: START and the reset of the unit's own alarms, until it runs or time is up. */
export function askStart(state: WriteState, now: MonotonicMs): void {
  state.startUntil = now + START_FOR_MS;
  state.startSentAt = -Infinity;
}

export function writeStart(state: WriteState, plan: BatteryUnitPlan, sight: Sending): void {
  const { now } = sight;
  const { run } = plan.points;
  if (state.startUntil === undefined || run === undefined) return;
  const isFirst = state.startSentAt === -Infinity;
  if (now > state.startUntil || (!isFirst && !isStopped(run, plan, sight))) {
    state.startUntil = undefined;
    return;
  }
  if (now - state.startSentAt < START_EVERY_MS) return;
  state.startSentAt = now;
  if (run.alarmReset !== undefined)
    push(plan, { point: run.alarmReset, value: 1, isProtective: false }, sight);
  push(plan, { point: run.point, value: run.startValue, isProtective: false }, sight);
}

/** True for a unit that was told nothing, or has taken 0 W. */
export function holdsNothing(state: WriteState): boolean {
  const { sent, acceptedAt } = state;
  return sent.count === 0 || (lastSetpoint(state) === 0 && acceptedAt >= newestTime(sent));
}

/** The last setpoint sent, W; NaN before the first. */
export function lastSetpoint(state: WriteState): number {
  return newestValue(state.sent);
}

function judge({ envelope, view, now }: WriteSight, request: EnvelopeRequest): EnvelopeVerdict {
  return judgeWrite(envelope, request, view, now);
}

/** A setpoint that the envelope has let through. */
function sendSetpoint(
  state: WriteState,
  plan: BatteryUnitPlan,
  passed: Pick<ControlWrite, "value" | "isProtective">,
  sending: Sending,
): void {
  addToSeries(state.sent, sending.now, passed.value);
  state.isDue = false;
  send(plan, { point: plan.points.setpoint, ...passed }, sending);
}

/** Any other write, if the envelope lets it through as it is. */
function push(
  plan: BatteryUnitPlan,
  write: Pick<ControlWrite, "point" | "value" | "isProtective">,
  sending: Sending,
): void {
  const verdict = judge(sending, { ...write, mode: "refuse" });
  if (verdict.result === "allowed" && verdict.value === write.value) send(plan, write, sending);
}

function send(
  plan: BatteryUnitPlan,
  write: Pick<ControlWrite, "point" | "value" | "isProtective">,
  { envelope, writes, now }: Sending,
): void {
  const { asset, stream } = plan;
  recordWrite(envelope, write.point, write.value, now);
  writes.push({ asset, stream, lane: "cyclic", confirm: "by-poll", sentAt: now, ...write });
}

function isStopped(
  run: RunCommandPlan,
  plan: BatteryUnitPlan,
  { view, now }: Pick<WriteSight, "view" | "now">,
): boolean {
  if (run.stopped.length > 0)
    return run.stopped.some((condition) => conditionState(view, condition) === "active");
  return freshValue(view, run.point, now, plan.silentMs) === run.stopValue;
}

function hasSent({ sent }: WriteState, valueW: number): boolean {
  for (let back = 0; back < sent.count; back += 1)
    if (numberAt(sent.values, placeBack(sent, back)) === valueW) return true;
  return false;
}

/** When the setpoint that is shown was sent, if it may still be shown at `readAt`. */
function matchingTime(
  { sent }: WriteState,
  plan: BatteryUnitPlan,
  shownW: number,
  readAt: number,
): number | "too-early" | undefined {
  const { withinMs, toleranceW } = plan.readBack;
  const inForceSince = readAt - withinMs;
  for (let back = 0; back < sent.count; back += 1) {
    const place = placeBack(sent, back);
    const sentAt = numberAt(sent.times, place);
    if (sentAt > readAt) continue;
    if (Math.abs(numberAt(sent.values, place) - shownW) <= toleranceW) return sentAt;
    if (sentAt <= inForceSince) return undefined;
  }
  return "too-early";
}

function whatDiffers(state: WriteState, plan: BatteryUnitPlan, shownW: number): string {
  const { asset } = plan;
  const sentW = lastSetpoint(state);
  return state.confirmedAt === -Infinity || hasSent(state, shownW)
    ? `${asset} accepted ${megawatts(sentW)} and still shows ${megawatts(shownW)}`
    : `${asset} shows ${megawatts(shownW)}, which this gateway did not write: a second writer?`;
}
