import type { MonotonicMs } from "../../domain/time.ts";
import { freshValue, type ImageView } from "../../points/image.ts";
import { freshState } from "../conditions.ts";
import type { ConditionPlan, InputPoint } from "../plan.ts";

/**
 * A measurement as a thermal controller sees it. `good`: fresh, and of good quality. `lost`: the
 * site has such a sensor and it tells nothing that may be acted on, be it bad, uncertain or too
 * old. `absent`: the site has none, and nothing is missed.
 *
 * The caller keeps one for each input and changes it.
 */
export interface Measured {
  /** In the unit that its name says; flags are 0 and 1. Means nothing unless `good`. */
  value: number;
  state: MeasuredState;
}

export type MeasuredState = "good" | "lost" | "absent";

export function absentMeasure(): Measured {
  return { value: Number.NaN, state: "absent" };
}

export function goodMeasure(value: number): Measured {
  return { value, state: "good" };
}

/** The value, or NaN where there is none to act on; a good one that is no number is none. */
export function knownOf({ value, state }: Measured): number {
  return state === "good" && Number.isFinite(value) ? value : Number.NaN;
}

export function isKnown(measured: Measured): boolean {
  return !Number.isNaN(knownOf(measured));
}

/** True where there should be a value and is none. */
export function isLost(measured: Measured): boolean {
  return measured.state !== "absent" && !isKnown(measured);
}

/** True while a flag is known to be set. */
export function isSet(measured: Measured): boolean {
  return knownOf(measured) > 0;
}

/** @param point undefined: the site has none */
export function readMeasured(
  measured: Measured,
  view: ImageView,
  point: InputPoint | undefined,
  now: MonotonicMs,
): void {
  if (point === undefined) {
    measured.value = Number.NaN;
    measured.state = "absent";
    return;
  }
  const value = freshValue(view, point.point, now, point.maxAgeMs);
  measured.value = value ?? Number.NaN;
  measured.state = value === undefined ? "lost" : "good";
}

/** As `readMeasured`, of a condition: 1 while it holds. */
export function readFlag(
  measured: Measured,
  view: ImageView,
  flag: FlagPoint | undefined,
  now: MonotonicMs,
): void {
  if (flag === undefined) {
    measured.value = Number.NaN;
    measured.state = "absent";
    return;
  }
  const state = freshState(view, flag.condition, now, flag.maxAgeMs);
  measured.value = state === "active" ? 1 : 0;
  measured.state = state === "unknown" ? "lost" : "good";
}

/** A condition of a point, with the oldest reading of it that counts. */
export interface FlagPoint {
  readonly condition: ConditionPlan;
  readonly maxAgeMs: number;
}
