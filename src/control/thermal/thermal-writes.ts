import type { MonotonicMs } from "../../domain/time.ts";
import { freshValue, type ImageView } from "../../points/image.ts";
import { type Envelope, judgeWrite, recordWrite } from "../envelope.ts";
import type { ControlWrite, CyclicReport } from "../exchange.ts";
import type { Notices } from "../notices.ts";
import type { ThermalMode } from "./thermal-mode.ts";
import type { ThermalActuator } from "./zone-plan.ts";

/** What was sent to an actuator, and what came of it. Plain data. */
export interface ActuatorState {
  /** NaN before the first. */
  sentValue: number;
  sentAt: number;
  /** Nobody knows whether it arrived. */
  isInDoubt: boolean;
  /** When the device, or the envelope, refused it last. */
  refusedAt: number;
  refusal: string | undefined;
}

export interface ActuatorSight {
  readonly view: ImageView;
  readonly now: MonotonicMs;
  readonly envelope: Envelope;
  readonly writes: ControlWrite[];
}

/** What a step of one asset needs. */
export interface RunSight extends ActuatorSight {
  readonly notices: Notices;
  readonly mode: (asset: string, asked: ThermalMode) => ThermalMode;
}

/** The actuators of an asset, by name, as far as its plan has them. */
export interface ActuatorsOf<Name extends string> {
  readonly plan: { readonly actuators: Readonly<Record<Name, ThermalActuator | undefined>> };
  readonly actuators: Readonly<Record<Name, ActuatorState>>;
}

/** What a device refused is not asked of it again at once, ms. */
const RETRY_MS = 10_000;
/** A safe state is asked for again and again until it is seen, ms. */
const REASSERT_MS = 1_000;

export function noActuator(): ActuatorState {
  return {
    sentValue: Number.NaN,
    sentAt: -Infinity,
    isInDoubt: false,
    refusedAt: -Infinity,
    refusal: undefined,
  };
}

/** Another one has driven it meanwhile: what was sent says nothing any more. */
export function forgetActuator(state: ActuatorState): void {
  state.sentValue = Number.NaN;
  state.isInDoubt = false;
}

/** Drives one of an asset's actuators, where it has it, and tells when it is refused. */
export function driveActuator<Name extends string>(
  { plan, actuators }: ActuatorsOf<Name>,
  name: Name,
  wanted: { readonly value: number; readonly isSafeState: boolean },
  sight: RunSight,
): void {
  const actuator = plan.actuators[name];
  if (actuator === undefined) return;
  const state = actuators[name];
  const before = state.refusedAt;
  drive(state, actuator, wanted, sight);
  if (state.refusedAt !== before) tellRefusal(sight.notices, actuator, state);
}

/** @returns true where the report is of one of this asset's actuators */
export function noteActuators<Name extends string>(
  { plan, actuators }: ActuatorsOf<Name>,
  names: readonly Name[],
  report: CyclicReport,
  { now, notices }: { readonly now: number; readonly notices: Notices },
): boolean {
  for (const name of names) {
    const actuator = plan.actuators[name];
    if (actuator === undefined) continue;
    const state = actuators[name];
    if (!noteReport(state, actuator, report, now)) continue;
    tellRefusal(notices, actuator, state);
    return true;
  }
  return false;
}

/** Tells that an actuator does not take what it is asked for, or does again. */
function tellRefusal(
  notices: Notices,
  { asset, pointName }: ThermalActuator,
  { refusal }: ActuatorState,
): void {
  const isRefused = refusal !== undefined;
  // The others of the asset may be refused meanwhile: each is told by itself.
  const about = `${asset} ${pointName}`;
  if (!notices.isNews("cooling-write-refused", about, isRefused)) return;
  const words = isRefused
    ? `${asset} does not take its ${pointName}: ${refusal}`
    : `${asset} takes its ${pointName} again`;
  const subject = { id: "cooling-write-refused", device: asset, point: pointName, about } as const;
  notices.tell(subject, isRefused, words);
}

/**
 * Sends a value where it is news, or where the last one may be lost.
 *
 * @param value NaN: there is nothing to write yet
 * @param isSafeState asked for again until the device shows it, whatever the envelope's rate says
 */
function drive(
  state: ActuatorState,
  actuator: ThermalActuator,
  wanted: { readonly value: number; readonly isSafeState: boolean },
  sight: ActuatorSight,
): void {
  const { value, isSafeState } = wanted;
  const { now, view, envelope } = sight;
  if (Number.isNaN(value) || !isDue(state, actuator, wanted, sight)) return;
  const { point, step } = actuator;
  const asked = Math.round(value / step) * step;
  const request = { point, value: asked, isProtective: isSafeState, mode: "clamp" } as const;
  const verdict = judgeWrite(envelope, request, view, now);
  if (verdict.result === "refused") {
    state.refusedAt = now;
    state.refusal = verdict.reason;
    return;
  }
  if (verdict.value === state.sentValue && !state.isInDoubt && !isSafeState) return;
  recordWrite(envelope, point, verdict.value, now);
  state.sentValue = verdict.value;
  state.sentAt = now;
  state.isInDoubt = false;
  const { asset, stream } = actuator;
  sight.writes.push({
    asset,
    stream,
    point,
    value: verdict.value,
    confirm: "read-back",
    lane: "cyclic",
    isProtective: isSafeState,
    sentAt: now,
  });
}

/** Notes what became of a write. @returns true where it was one of this actuator */
function noteReport(
  state: ActuatorState,
  { point }: ThermalActuator,
  report: CyclicReport,
  now: number,
): boolean {
  if (report.point !== point) return false;
  const differs = report.readBack?.result === "differs";
  if (report.result === "refused" || differs) {
    state.refusedAt = now;
    state.refusal = differs ? "read-back-differs" : (report.reason ?? "no reason");
    // What it stands at is not what was sent.
    state.sentValue = Number.NaN;
  } else if (report.result === "unknown" && report.readBack?.result !== "applied")
    state.isInDoubt = true;
  else state.refusal = undefined;
  return true;
}

function isDue(
  state: ActuatorState,
  { shown, step }: ThermalActuator,
  { value, isSafeState }: { readonly value: number; readonly isSafeState: boolean },
  { now, view }: ActuatorSight,
): boolean {
  if (isSafeState) {
    if (now - state.sentAt < REASSERT_MS) return false;
    const shownValue = shown && freshValue(view, shown.point, now, shown.maxAgeMs);
    const isThere = shownValue !== undefined && Math.abs(shownValue - value) < step;
    return !isThere || state.sentValue !== value;
  }
  if (state.refusal !== undefined && now - state.refusedAt < RETRY_MS) return false;
  return state.isInDoubt || !(Math.abs(value - state.sentValue) < step);
}
