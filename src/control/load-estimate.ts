import type { MonotonicMs } from "../domain/time.ts";
import type { ImageView } from "../points/image.ts";
import { clamp } from "./arbitration.ts";
import { type GridState, loadByFeeders } from "./grid-trust.ts";
import type { GridPlan } from "./plan.ts";

/** The feeders are held to the meter in about this time. */
const HOLD_TO_METER_S = 10;

/**
 * What the load draws, for answering it fast.
 *
 * Feeders see the load alone. The meter of the connection sees it together with the batteries, at
 * an instant that is never quite the one of their own readings: there each answer of the batteries
 * looks like a step of the load, and would be answered again. So what moves fast is taken from the
 * feeders, where they are read fast enough; what is right in the long run from the meter.
 *
 * Plain data.
 */
export interface LoadEstimate {
  /** What the feeders miss of the load by the meter, W; NaN before both are known. */
  missedW: number;
}

export function noLoadEstimate(): LoadEstimate {
  return { missedW: Number.NaN };
}

/**
 * The load in this cycle, W; NaN: not known.
 *
 * @param terms.grid what is believed in this cycle
 */
export function estimateLoad(
  state: LoadEstimate,
  plan: GridPlan,
  terms: {
    readonly grid: GridState;
    readonly view: ImageView;
    readonly now: MonotonicMs;
    readonly elapsedS: number;
  },
): number {
  const { grid, view, now, elapsedS } = terms;
  if (grid.source === "none") return Number.NaN;
  const isFast = grid.distrusted !== "feeders" && plan.feeders.some(({ setsPace }) => setsPace);
  const feedersW = isFast ? loadByFeeders(plan, view, now) : undefined;
  if (feedersW === undefined) return grid.loadW;
  if (grid.source === "meter") {
    const missingW = grid.loadW - feedersW;
    // Beyond what the cross-check allows it is not an error of the meters but something new.
    const mostW = 2 * plan.crossCheck.fraction * Math.abs(grid.loadW);
    const beforeW = Number.isNaN(state.missedW) ? missingW : state.missedW;
    const share = Math.min(1, elapsedS / HOLD_TO_METER_S);
    state.missedW = clamp(beforeW + share * (missingW - beforeW), -mostW, mostW);
  }
  return feedersW + (Number.isNaN(state.missedW) ? 0 : state.missedW);
}
