import { towards } from "../arbitration.ts";
import type { SmoothingSettings } from "./settings.ts";

/** A load is still that is so near to its last seconds, part of how far these are from its mean. */
const STILL_PART = 0.25;

/** What a rest of the predictions is about: the part of the state of smoothing that it moves. */
export interface RestState {
  readonly loadW: number;
  /** Mean of the last few seconds, W. */
  readonly recentW: number;
  /** Slow mean of the load, W. */
  meanW: number;
  /** What is left of the beginning or the end of a rest, W: on top of what is predicted. */
  restOffsetW: number;
}

/**
 * From now on the slow part of the load alone is answered. Of one that has stepped and stands still
 * that is where it is, or it would be answered by a step of the batteries. Of any other, what the
 * batteries give of its last seconds beyond its mean is given back at the ramp.
 */
export function beginRest(state: RestState): void {
  const { loadW, recentW, meanW } = state;
  const isStill = Math.abs(loadW - recentW) < STILL_PART * Math.abs(recentW - meanW);
  if (isStill) state.meanW = recentW;
  else state.restOffsetW += recentW - meanW;
}

/**
 * From now on the load is answered as it is. How far its last seconds are from the mean by which it
 * was answered until now, the grid has; it is taken back at the ramp, not in a cycle.
 */
export function endRest(state: RestState): void {
  state.restOffsetW += state.meanW - state.recentW;
}

/**
 * What is left of its beginning or end after a cycle, W: what that moves the grid by and what the
 * reference does are together no faster than the ramp.
 *
 * @param movedW what the reference did in this cycle
 */
export function offsetAfter(
  offsetW: number,
  { rampUpWPerS, rampDownWPerS }: SmoothingSettings,
  { movedW, elapsedS }: { readonly movedW: number; readonly elapsedS: number },
): number {
  const upW = Math.max(rampUpWPerS * elapsedS - movedW, 0);
  const downW = Math.max(rampDownWPerS * elapsedS + movedW, 0);
  return towards(offsetW, 0, offsetW > 0 ? upW : downW);
}
