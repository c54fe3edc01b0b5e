import type { MonotonicMs } from "../../domain/time.ts";
import { freshValue, type ImageView } from "../../points/image.ts";
import { type Envelope, judgeWrite, recordWrite } from "../envelope.ts";
import type { ControlWrite, CyclicReport } from "../exchange.ts";
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

/**
 * Sends a value where it is news, or where the last one may be lost.
 *
 * @param value NaN: there is nothing to write yet
 * @param isSafeState asked for again until the device shows it, whatever the envelope's rate says
 */
export function drive(
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
export function noteReport(
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
