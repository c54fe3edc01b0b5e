import { clamp, towards } from "./arbitration.ts";
import type { BatteryUnitPlan, GridPlan } from "./plan.ts";

/**
 * One rule per lost link, in one place.
 *
 * Upstream lost: nothing happens here; leases run out and the local policy goes on.
 * Meter lost: the feeders stand in; without them `blindTotal`.
 * Unit lost: nothing can be sent to it; `silentPower` says what it is counted at.
 * A limit of a unit lost: `fadedLimit`.
 */

/** What a unit that is not heard any more is counted at, and what is known of it. */
export interface SilentSight {
  /** What it was counted at in the cycle before, W. */
  readonly countedW: number;
  /** When it was last heard or written to, monotonic ms: its own timer starts no later. */
  readonly lastContactAt: number;
  /** Power that the meters show for it, W; undefined where they do not tell. */
  readonly shownW: number | undefined;
  readonly now: number;
  readonly elapsedMs: number;
}

/**
 * Counts a silent unit at its last confirmed power until its reversion time has passed, then along
 * its reversion ramp; what the meters show goes before both. Its share is given to others no
 * faster than it really gives it up: never twice the same power.
 */
export function silentPower(sight: SilentSight, plan: BatteryUnitPlan): number {
  if (sight.shownW !== undefined)
    return clamp(sight.shownW, -plan.chargeRatingW, plan.dischargeRatingW);
  const { afterMs, powerW, rampWPerS } = plan.reversion;
  if (sight.now - sight.lastContactAt < afterMs) return sight.countedW;
  return towards(sight.countedW, powerW, (rampWPerS * sight.elapsedMs) / 1_000);
}

/** A limit that is not known any more closes at the site's ramp; a known one holds at once. */
export function fadedLimit(limitW: number | undefined, beforeW: number, fadeW: number): number {
  return limitW ?? Math.max(beforeW - fadeW, 0);
}

export interface BlindSight {
  /** Total of the cycle before, W. */
  readonly totalW: number;
  /** Since when no source of grid power is trusted: the time of the last reading that was. */
  readonly blindSinceMs: number;
  readonly elapsedMs: number;
}

/** Without any grid power: hold for a moment, then let go at the site's ramp. */
export function blindTotal(sight: BlindSight, grid: GridPlan): number {
  if (sight.blindSinceMs <= grid.blindMs) return sight.totalW;
  return towards(sight.totalW, 0, rampStepW(grid, -sight.totalW, sight.elapsedMs));
}

/**
 * How far the batteries may move in a time, W: discharging less raises the import, discharging more
 * lowers it.
 */
export function rampStepW(grid: GridPlan, directionW: number, elapsedMs: number): number {
  return ((directionW < 0 ? grid.rampUpWPerS : grid.rampDownWPerS) * elapsedMs) / 1_000;
}
