import { freshValue, type ImageView } from "../points/image.ts";
import { numberAt } from "../points/number-at.ts";
import type { MonotonicMs } from "../domain/time.ts";
import { clamp, nearest } from "./arbitration.ts";
import { isFixedUnit, type Parts } from "./dispatch.ts";
import { itemAt } from "./item-at.ts";
import type { LeaseState } from "./leases.ts";
import type { ControlPlan } from "./plan.ts";
import { NEGLIGIBLE_W, shareEqually, type Shares } from "./share.ts";
import { type EnergyShareState, selectUnits, shareByEnergy } from "./share-energy.ts";
import { canCommand, type UnitState } from "./units.ts";

export interface RestSight {
  readonly plan: ControlPlan;
  readonly units: readonly UnitState[];
  readonly leases: LeaseState;
  readonly parts: Parts;
  readonly now: MonotonicMs;
  readonly elapsedMs: number;
}

/**
 * What the levels ask beyond the parts: first from units that no instruction fixes.
 *
 * @param energy undefined: in equal parts
 */
export function shareRest(
  shares: Shares,
  energy: EnergyShareState | undefined,
  sight: RestSight,
  restW: number,
): void {
  const { units, leases } = sight;
  const free: number[] = [];
  const fixed: number[] = [];
  for (const [place, unit] of units.entries()) {
    if (canCommand(unit)) (isFixedUnit(leases, place) ? fixed : free).push(place);
  }
  const isNoneFree = free.length === 0;
  const first = isNoneFree ? fixed : free;
  const leftW =
    energy === undefined
      ? shareEqually(shares, first, restW)
      : shareWithGroup(shares, energy, { ...sight, members: first }, restW);
  if (leftW !== 0 && !isNoneFree) shareEqually(shares, fixed, leftW);
}

/** Reads the state of charge of each unit; what is not known stays as it was. */
export function readCharges(
  energy: EnergyShareState,
  plan: ControlPlan,
  { view, now }: { readonly view: ImageView; readonly now: MonotonicMs },
): void {
  for (const [place, { points }] of plan.units.entries()) {
    const { point, maxAgeMs } = points.soc;
    energy.socPercents[place] = freshValue(view, point, now, maxAgeMs) ?? Number.NaN;
  }
}

/**
 * By energy, with what a group that all units belong to was leased: who gives it is nobody's
 * business but the share's. What a unit itself was leased stays with it.
 */
function shareWithGroup(
  shares: Shares,
  energy: EnergyShareState,
  sight: RestSight & { readonly members: readonly number[] },
  restW: number,
): number {
  const { plan, units, parts, members, now, elapsedMs } = sight;
  const { powersW } = shares;
  let amountW = restW;
  let givenW = 0;
  const isOneGroup = plan.groups.every((group) => group.units.length === units.length);
  for (const place of members) {
    if (isOneGroup) {
      const ownW = nearest(itemAt(units, place).box, numberAt(parts, place));
      amountW += numberAt(powersW, place) - ownW;
      powersW[place] = ownW;
    }
    givenW += numberAt(powersW, place);
  }
  const sharing = { now, elapsedS: elapsedMs / 1_000, amountW: amountW + givenW };
  selectUnits(energy, shares, members, sharing);
  return shareByEnergy(energy, shares, members, takeBack(shares, members, amountW));
}

/**
 * Before one unit discharges more, those that charge do so less, and the other way round: power
 * never goes from one battery into another. Returns what is left of the amount, W.
 */
function takeBack(shares: Shares, members: readonly number[], amountW: number): number {
  const { powersW, lowsW, highsW } = shares;
  const sign = Math.sign(amountW);
  let opposedW = 0;
  for (const place of members) opposedW += Math.max(-sign * numberAt(powersW, place), 0);
  if (opposedW <= NEGLIGIBLE_W) return amountW;
  const part = Math.min(Math.abs(amountW) / opposedW, 1);
  let leftW = amountW;
  for (const place of members) {
    const fromW = numberAt(powersW, place);
    if (sign * fromW >= 0) continue;
    const toW = clamp(fromW * (1 - part), numberAt(lowsW, place), numberAt(highsW, place));
    powersW[place] = toW;
    leftW -= toW - fromW;
  }
  return leftW;
}
