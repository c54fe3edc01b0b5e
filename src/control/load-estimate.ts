import type { MonotonicMs } from "../domain/time.ts";
import type { ImageView } from "../points/image.ts";
import { numberAt } from "../points/number-at.ts";
import { clamp } from "./arbitration.ts";
import { type GridState, loadByFeeders } from "./grid-trust.ts";
import type { GridPlan } from "./plan.ts";
import { leastSince, mostSince } from "./series.ts";
import type { UnitState } from "./units.ts";

/** The feeders are held to the meter in about this time, however often they are read. */
const HOLD_TO_METER_MS = 10_000;
/** After a gap the meter is no more trusted at once than after so long. */
const LONGEST_HOLD_MS = 1_000;

/**
 * What the load draws, for answering it fast.
 *
 * Feeders see the load alone. The meter of the connection sees it together with the batteries, at
 * an instant that is never quite the one of their own readings: while they move, their answer
 * looks like a step of the load, and would be answered again. So the load is what the feeders say
 * whenever they are read anew, where they are read fast enough; between their readings it is what
 * the meter says, and that moves it no further than the batteries' own movement leaves certain.
 * What is right in the long run comes from the meter.
 *
 * Plain data.
 */
export interface LoadEstimate {
  /** What the feeders miss of the load by the meter, W; NaN before both are known. */
  missedW: number;
  /** Of the cycle before, W. */
  loadW: number;
  /** When the fastest feeder was last read, monotonic ms. */
  feederAt: number;
}

export function noLoadEstimate(): LoadEstimate {
  return { missedW: Number.NaN, loadW: Number.NaN, feederAt: -Infinity };
}

export interface LoadSight {
  readonly grid: GridState;
  readonly units: readonly UnitState[];
  readonly view: ImageView;
  readonly now: MonotonicMs;
  /** A reading of the meter shows what was at most so long ago, ms. */
  readonly lagMs: number;
}

/** The load in this cycle, W; NaN: not known. */
export function estimateLoad(state: LoadEstimate, plan: GridPlan, sight: LoadSight): number {
  state.loadW = nextLoad(state, plan, sight);
  return state.loadW;
}

function nextLoad(state: LoadEstimate, plan: GridPlan, sight: LoadSight): number {
  const { grid, view, now } = sight;
  if (grid.source === "none") return Number.NaN;
  const isFast = grid.distrusted !== "feeders" && plan.feeders.some(({ setsPace }) => setsPace);
  const feedersW = isFast ? loadByFeeders(plan, view, now) : undefined;
  if (feedersW === undefined) return grid.loadW;
  const at = newestReading(plan, view);
  const sinceMs = at - state.feederAt;
  const isNew = sinceMs > 0;
  state.feederAt = at;
  if (isNew && grid.source === "meter") {
    const missingW = sight.units.every(isMeasured) ? grid.loadW - feedersW : Number.NaN;
    holdToMeter(state, { missingW, mostW: mostMissedW(plan, grid), sinceMs });
  }
  const byFeedersW = feedersW + (Number.isNaN(state.missedW) ? 0 : state.missedW);
  if (isNew || grid.source !== "meter" || Number.isNaN(state.loadW)) return byFeedersW;
  return movedByMeter(state.loadW, sight);
}

function newestReading({ feeders }: GridPlan, view: ImageView): number {
  let at = -Infinity;
  for (const { setsPace, point } of feeders)
    if (setsPace) at = Math.max(at, numberAt(view.receivedAt, point));
  return at;
}

/** One that was never heard counts at what it does by itself: that may be so for long. */
function isMeasured({ powers, mode }: UnitState): boolean {
  return powers.count > 0 || mode === "unknown";
}

/** Beyond what the cross-check allows it is not an error of the meters but something new. */
function mostMissedW({ crossCheck }: GridPlan, { loadW }: GridState): number {
  return 2 * crossCheck.fraction * Math.abs(loadW);
}

/**
 * @param terms `missingW` is NaN where what the meter says of the load is a guess, because a unit
 *   only counts: then none of the difference is missed
 */
function holdToMeter(
  state: LoadEstimate,
  terms: { readonly missingW: number; readonly mostW: number; readonly sinceMs: number },
): void {
  const { missingW, mostW, sinceMs } = terms;
  if (Number.isNaN(missingW)) {
    if (Number.isNaN(state.missedW)) state.missedW = 0;
    return;
  }
  const beforeW = Number.isNaN(state.missedW) ? missingW : state.missedW;
  const share = Math.min(sinceMs, LONGEST_HOLD_MS) / HOLD_TO_METER_MS;
  state.missedW = clamp(beforeW + share * (missingW - beforeW), -mostW, mostW);
}

/** As far as the meter's reading cannot be explained by what the batteries have done meanwhile. */
function movedByMeter(beforeW: number, { grid, units, now, lagMs }: LoadSight): number {
  let leastW = grid.gridW;
  let mostW = grid.gridW;
  for (const { powers, countedW } of units) {
    const isHeard = powers.count > 0;
    leastW += isHeard ? leastSince(powers, now - lagMs) : countedW;
    mostW += isHeard ? mostSince(powers, now - lagMs) : countedW;
  }
  return Number.isNaN(leastW + mostW) ? beforeW : clamp(beforeW, leastW, mostW);
}
