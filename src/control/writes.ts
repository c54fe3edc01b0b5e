import { isGood } from "../domain/quality.ts";
import type { MonotonicMs } from "../domain/time.ts";
import { freshValue, type ImageView } from "../points/image.ts";
import { conditionState } from "./conditions.ts";
import { type Envelope, judgeWrite, recordWrite } from "./envelope.ts";
import type { ControlWrite, WriteReport } from "./exchange.ts";
import { megawatts, type Notices } from "./notices.ts";
import type { BatteryUnitPlan, RunCommandPlan } from "./plan.ts";
import type { UnitState } from "./units.ts";
import { byteAt, numberAt } from "../points/number-at.ts";

/** What was sent to a unit, and what came of it. Plain data. */
export interface WriteState {
  /** The last setpoints sent: when and what, newest at `newest`. */
  readonly times: Float64Array;
  readonly valuesW: Float64Array;
  newest: number;
  count: number;
  /** When the last setpoint that the device accepted, and that its read-back showed, was sent. */
  acceptedAt: number;
  confirmedAt: number;
  /** When it was last unknown whether a setpoint arrived, monotonic ms. */
  doubtAt: number;
  /** A refusal since the last `expectWrite`; undefined: none. */
  refusedReason: string | undefined;
  /** Receive time of the read-back that was looked at last. */
  readAt: number;
  /** Read-backs in a row that show nothing we sent. */
  differing: number;
  /** The next cycle sends whatever the value: for a new command, and as first word to a unit. */
  isDue: boolean;
  /** True when an interlock of the envelope held the last setpoint back. */
  isInterlocked: boolean;
  /** When START or the reset of its alarms was last sent after a trip; undefined: not asked. */
  startUntil: number | undefined;
  startSentAt: number;
  heartbeatAt: number;
  heartbeat: number;
}

export interface WriteSight {
  readonly view: ImageView;
  readonly now: MonotonicMs;
  readonly envelope: Envelope;
  readonly notices: Notices;
}

/** A second and a half of setpoints at 50 ms: longer than any read-back takes. */
const CAPACITY = 32;
/** One read-back may cross a write on the wire: the second in a row counts. */
const DIFFERING_READS = 2;
/** How long START is asked for after a reset, and how often, ms. */
const START_FOR_MS = 10_000;
const START_EVERY_MS = 1_000;

export function noWrites(): WriteState {
  return {
    times: new Float64Array(CAPACITY),
    valuesW: new Float64Array(CAPACITY),
    newest: -1,
    count: 0,
    acceptedAt: -Infinity,
    confirmedAt: -Infinity,
    doubtAt: -Infinity,
    refusedReason: undefined,
    readAt: -Infinity,
    differing: 0,
    isDue: true,
    isInterlocked: false,
    startUntil: undefined,
    startSentAt: -Infinity,
    heartbeatAt: -Infinity,
    heartbeat: 0,
  };
}

/** A new command begins: its setpoint is sent at once, and is judged by what comes of it alone. */
export function expectWrite(state: WriteState): void {
  state.isDue = true;
  state.refusedReason = undefined;
  state.differing = 0;
}

/** A unit is heard for the first time, or again: what was sent before says nothing any more. */
export function forgetWrites(state: WriteState): void {
  expectWrite(state);
  state.count = 0;
}

/**
 * Notes what became of a setpoint. One that may be lost is sent again with what is asked for by
 * then; until one has arrived, a read-back that shows an older one is no contradiction.
 */
export function noteOutcome(
  state: WriteState,
  plan: BatteryUnitPlan,
  report: WriteReport,
  { now, notices }: Pick<WriteSight, "now" | "notices">,
): void {
  if (report.point !== plan.points.setpoint) return;
  const isRefused = report.result === "refused";
  const device = plan.asset;
  notices.tell({ id: "write-refused", device, point: "active-power-setpoint" }, isRefused, () =>
    isRefused
      ? `${device} refused ${megawatts(report.value)} (${report.reason ?? "no reason"})`
      : `${device} takes setpoints again`,
  );
  if (isRefused) state.refusedReason = report.reason ?? "refused";
  if (report.result === "unknown") {
    state.doubtAt = now;
    state.isDue = true;
  }
  noteAccepted(state, plan, report);
}

/** Notes that the device took a setpoint; to note it twice changes nothing. */
export function noteAccepted(state: WriteState, plan: BatteryUnitPlan, report: WriteReport): void {
  if (report.point !== plan.points.setpoint || report.result !== "accepted") return;
  const sentAt = sentTime(state, report.value);
  if (sentAt !== undefined) state.acceptedAt = Math.max(state.acceptedAt, sentAt);
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
    state.differing = 0;
  } else if (state.acceptedAt >= state.doubtAt) state.differing += 1;
  if (match === undefined && !differs(state)) return;
  const device = plan.asset;
  const subject = { id: "setpoint-differs", device, point: "active-power-setpoint" } as const;
  notices.tell(subject, differs(state), () =>
    differs(state) ? whatDiffers(state, plan, shownW) : `${device} shows the setpoint again`,
  );
}

/** True while the device shows something else than what was sent to it. */
export function differs(state: WriteState): boolean {
  return state.differing >= DIFFERING_READS;
}

/** Sends a unit what it is asked for, when that is news or due again. */
export function writeSetpoint(
  state: WriteState,
  plan: BatteryUnitPlan,
  wantedW: number,
  sight: WriteSight & { readonly writes: ControlWrite[] },
): void {
  const { now, view, envelope, notices, writes } = sight;
  const { setpoint: point } = plan.points;
  const asked = Math.trunc(wantedW / plan.stepW) * plan.stepW;
  const request = { point, value: asked, isProtective: false, mode: "clamp" } as const;
  const verdict = judgeWrite(envelope, request, view, now);
  const device = plan.asset;
  const isHeldOff = verdict.result === "refused" || verdict.limitedBy !== undefined;
  notices.tell({ id: "envelope-clamped", device, point: "active-power-setpoint" }, isHeldOff, () =>
    isHeldOff
      ? `the envelope of ${device} does not let ${megawatts(asked)} through`
      : `the envelope of ${device} is kept again`,
  );
  state.isInterlocked = verdict.result === "refused" && verdict.reason === "interlock";
  if (verdict.result === "refused") return;
  const sinceMs = now - (state.count === 0 ? -Infinity : numberAt(state.times, state.newest));
  const changeW = Math.abs(verdict.value - lastSetpoint(state));
  if (!state.isDue && !(changeW >= plan.stepW) && sinceMs < plan.repeatMs) return;
  send(state, plan, verdict.value, { now, envelope, writes, isProtective: false });
}

/**
 * Holds a tripped unit: STOP and zero in every cycle until they are read back, then again whenever
 * they are not, and each `repeatMs` so that its own timer does not run out.
 */
export function assertStop(
  state: WriteState,
  plan: BatteryUnitPlan,
  sight: WriteSight & { readonly writes: ControlWrite[] },
): void {
  const { now, view, envelope, writes } = sight;
  const { run, setpoint } = plan.points;
  state.startUntil = undefined;
  const isZero = freshValue(view, setpoint, now, plan.silentMs) === 0;
  const isConfirmed = isZero && (run === undefined || isStopped(run, plan, sight));
  const sinceMs = now - (state.count === 0 ? -Infinity : numberAt(state.times, state.newest));
  if (isConfirmed && lastSetpoint(state) === 0 && sinceMs < plan.repeatMs) return;
  if (run !== undefined)
    push(writes, plan, run.point, { value: run.stopValue, isProtective: true });
  const zero = judgeWrite(envelope, { point: setpoint, value: 0, isProtective: true }, view, now);
  if (zero.result === "allowed")
    send(state, plan, zero.value, { now, envelope, writes, isProtective: true });
}

/** After a reset: START and the reset of the unit's own alarms, until it runs or time is up. */
export function askStart(state: WriteState, now: MonotonicMs): void {
  state.startUntil = now + START_FOR_MS;
  state.startSentAt = -Infinity;
}

export function writeStart(
  state: WriteState,
  plan: BatteryUnitPlan,
  sight: WriteSight & { readonly writes: ControlWrite[] },
): void {
  const { now, writes } = sight;
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
    push(writes, plan, run.alarmReset, { value: 1, isProtective: false });
  push(writes, plan, run.point, { value: run.startValue, isProtective: false });
}

/** Beats the counter that tells the unit that control lives. */
export function writeHeartbeat(
  state: WriteState,
  plan: BatteryUnitPlan,
  unit: UnitState,
  sight: WriteSight & { readonly writes: ControlWrite[] },
): void {
  const beat = plan.points.controllerHeartbeat;
  const { now, writes } = sight;
  if (beat === undefined || unit.mode === "unknown" || unit.mode === "silent") return;
  if (now - state.heartbeatAt < beat.everyMs) return;
  state.heartbeatAt = now;
  state.heartbeat = (state.heartbeat + 1) % beat.wrapAt;
  push(writes, plan, beat.point, { value: state.heartbeat, isProtective: false });
}

/** The last setpoint sent, W; NaN before the first. */
export function lastSetpoint(state: WriteState): number {
  return state.count === 0 ? Number.NaN : numberAt(state.valuesW, state.newest);
}

interface Sending {
  readonly now: MonotonicMs;
  readonly envelope: Envelope;
  readonly writes: ControlWrite[];
  readonly isProtective: boolean;
}

function send(state: WriteState, plan: BatteryUnitPlan, value: number, sending: Sending): void {
  const { now, envelope, writes, isProtective } = sending;
  state.newest = (state.newest + 1) % CAPACITY;
  state.count = Math.min(state.count + 1, CAPACITY);
  state.times[state.newest] = now;
  state.valuesW[state.newest] = value;
  state.isDue = false;
  recordWrite(envelope, plan.points.setpoint, value, now);
  push(writes, plan, plan.points.setpoint, { value, isProtective });
}

function push(
  writes: ControlWrite[],
  plan: BatteryUnitPlan,
  point: ControlWrite["point"],
  rest: Pick<ControlWrite, "value" | "isProtective">,
): void {
  const { asset, stream } = plan;
  writes.push({ asset, stream, point, lane: "cyclic", confirm: "by-poll", ...rest });
}

function isStopped(run: RunCommandPlan, plan: BatteryUnitPlan, { view, now }: WriteSight): boolean {
  if (run.stopped !== undefined) return conditionState(view, run.stopped) === "active";
  return freshValue(view, run.point, now, plan.silentMs) === run.stopValue;
}

/** When a value was last sent; undefined where it is not among the last ones. */
function sentTime(state: WriteState, value: number): number | undefined {
  for (let back = 0; back < state.count; back += 1) {
    const place = (state.newest - back + CAPACITY) % CAPACITY;
    if (state.valuesW[place] === value) return state.times[place];
  }
  return undefined;
}

/** When the setpoint that is shown was sent, if it may still be shown at `readAt`. */
function matchingTime(
  state: WriteState,
  plan: BatteryUnitPlan,
  shownW: number,
  readAt: number,
): number | "too-early" | undefined {
  const { withinMs, toleranceW } = plan.readBack;
  const inForceSince = readAt - withinMs;
  for (let back = 0; back < state.count; back += 1) {
    const place = (state.newest - back + CAPACITY) % CAPACITY;
    const sentAt = numberAt(state.times, place);
    if (sentAt > readAt) continue;
    if (Math.abs(numberAt(state.valuesW, place) - shownW) <= toleranceW) return sentAt;
    if (sentAt <= inForceSince) return undefined;
  }
  return "too-early";
}

function whatDiffers(state: WriteState, plan: BatteryUnitPlan, shownW: number): string {
  const { asset } = plan;
  const sentW = lastSetpoint(state);
  return state.confirmedAt === -Infinity || sentTime(state, shownW) !== undefined
    ? `${asset} accepted ${megawatts(sentW)} and still shows ${megawatts(shownW)}`
    : `${asset} shows ${megawatts(shownW)}, which this gateway did not write: a second writer?`;
}
