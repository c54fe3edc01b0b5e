import { clamp, towards } from "./arbitration.ts";
import { rampStepW } from "./link-rules.ts";
import { connectionRange } from "./peak-cap.ts";
import type { GridPlan } from "./plan.ts";

export interface HandoverSight {
  readonly plan: { readonly grid: GridPlan };
  readonly grid: { readonly loadW: number };
  readonly elapsedMs: number;
}

/**
 * When other settings take over, the batteries go on with what they give: the difference to what
 * the new settings decide goes at the site's ramp, inside the limits of the connection.
 */
export function handedOver(
  state: { handoverW: number },
  { plan, grid, elapsedMs }: HandoverSight,
  decidedW: number,
): number {
  if (state.handoverW === 0) return decidedW;
  const stepW = rampStepW(plan.grid, -state.handoverW, elapsedMs);
  state.handoverW = towards(state.handoverW, 0, stepW);
  const { loadW } = grid;
  const range = connectionRange(plan.grid, { leastW: loadW, mostW: loadW });
  return clamp(decidedW + state.handoverW, range.lowW, range.highW);
}
