import { clamp } from "./arbitration.ts";
import type { DeratePlan } from "./plan.ts";

/** The part of a unit's power that a temperature leaves, without regard to what was before. */
export function derateLine({ fromCel, toCel }: DeratePlan, temperatureCel: number): number {
  return clamp((toCel - temperatureCel) / (toCel - fromCel), 0, 1);
}

/**
 * The part that is left now: what the line takes is taken at once, and comes back only along a line
 * that is `hysteresisK` further away. So a temperature that wanders by less moves nothing.
 *
 * @param before the part that was left until now, 0…1
 */
export function deratePart(plan: DeratePlan, temperatureCel: number, before: number): number {
  const isHot = plan.toCel > plan.fromCel;
  const backCel = temperatureCel + (isHot ? plan.hysteresisK : -plan.hysteresisK);
  return clamp(before, derateLine(plan, backCel), derateLine(plan, temperatureCel));
}
