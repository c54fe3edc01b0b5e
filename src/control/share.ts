import { assert } from "../domain/assert.ts";
import { numberAt } from "../points/number-at.ts";

/** What is shared, over units that each have their own limits. Columns by place of the unit. */
export interface Shares {
  /** In: where each unit starts. Out: with its share added. */
  readonly powersW: Float64Array;
  readonly lowsW: Float64Array;
  readonly highsW: Float64Array;
}

/** Below this nothing more is shared, W. */
export const NEGLIGIBLE_W = 1e-3;

/**
 * Adds `amountW` to the members in equal parts; what one cannot take goes to the others, as water
 * finds its level. Returns what nobody could take, W, with the sign of the amount.
 *
 * Ends after one pass per member: each pass fills at least one of them or uses everything up.
 */
export function shareEqually(shares: Shares, members: readonly number[], amountW: number): number {
  const { powersW } = shares;
  const isUp = amountW > 0;
  let leftW = amountW;
  for (let passes = members.length; passes > 0; passes -= 1) {
    if (Math.abs(leftW) <= NEGLIGIBLE_W) return 0;
    let open = 0;
    for (const unit of members) if (roomW(shares, unit, isUp) !== 0) open += 1;
    if (open === 0) return leftW;
    const partW = leftW / open;
    for (const unit of members) {
      const room = roomW(shares, unit, isUp);
      const fromW = numberAt(powersW, unit);
      const toW = fromW + (isUp ? Math.min(partW, room) : Math.max(partW, room));
      powersW[unit] = toW;
      leftW -= toW - fromW;
    }
  }
  assert(Number.isFinite(leftW), "a share is a number");
  return Math.abs(leftW) <= NEGLIGIBLE_W ? 0 : leftW;
}

/** How far a unit can still move in one direction, W, with its sign; 0 at or beyond its limit. */
export function roomW(shares: Shares, unit: number, isUp: boolean): number {
  const powerW = numberAt(shares.powersW, unit);
  return isUp
    ? Math.max(numberAt(shares.highsW, unit) - powerW, 0)
    : Math.min(numberAt(shares.lowsW, unit) - powerW, 0);
}
