import { isBad, isGood } from "../domain/quality.ts";
import { conditionHolds } from "../domain/condition.ts";
import type { ImageView } from "../points/image.ts";
import type { ConditionPlan } from "./plan.ts";
import { byteAt, numberAt } from "../points/number-at.ts";

export type ConditionState = "active" | "clear" | "unknown";

/**
 * Whether a condition is there. A bad value says nothing; an uncertain one can say that it is
 * there, not that it is gone.
 */
export function conditionState(view: ImageView, condition: ConditionPlan): ConditionState {
  const quality = byteAt(view.quality, condition.point);
  if (isBad(quality)) return "unknown";
  if (conditionHolds(condition, numberAt(view.values, condition.point))) return "active";
  return isGood(quality) ? "clear" : "unknown";
}

/** Whether a condition is there, by a good reading that is not older than `maxAgeMs`. */
export function freshState(
  view: ImageView,
  condition: ConditionPlan,
  now: number,
  maxAgeMs: number,
): ConditionState {
  const ageMs = now - numberAt(view.receivedAt, condition.point);
  const isFresh = ageMs <= maxAgeMs && isGood(byteAt(view.quality, condition.point));
  return isFresh ? conditionState(view, condition) : "unknown";
}
