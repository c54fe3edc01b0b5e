import { clamp, towards } from "./arbitration.ts";
import { itemAt } from "./item-at.ts";
import { rampStepW } from "./link-rules.ts";
import { type LeaseState, membersOf } from "./leases.ts";
import type { ControlPlan } from "./plan.ts";
import type { UnitState } from "./units.ts";
import { numberAt } from "../points/number-at.ts";

/**
 * What each asset's share of the batteries' power is, by place of the asset, W: the leased part as
 * it ramps to its target, or away once nobody holds it. What a restart found running is a part
 * without a holder.
 */
export type Parts = Float64Array;

export interface DispatchSight {
  readonly plan: ControlPlan;
  readonly units: readonly UnitState[];
  readonly elapsedMs: number;
}

/** Leases of this priority and stronger fix their units: peak cap and schedule go around them. */
const FIXING_PRIORITY = 5;
/** Nearer than this a unit gives its part and nothing else, W. */
const SAME_W = 1;

/**
 * Moves every part towards its target: at the ramp that its command asked for, or else all together
 * at the site's ramp.
 */
export function rampParts(parts: Parts, leases: LeaseState, sight: DispatchSight): void {
  const { plan, elapsedMs } = sight;
  let riseW = 0;
  let fallW = 0;
  for (let asset = 0; asset < parts.length; asset += 1) {
    const moveW = siteMoveW(parts, asset, leases, sight);
    if (moveW > 0) riseW += moveW;
    else fallW -= moveW;
  }
  const rising = fraction(rampStepW(plan.grid, 1, elapsedMs), riseW);
  const falling = fraction(rampStepW(plan.grid, -1, elapsedMs), fallW);

  for (let asset = 0; asset < parts.length; asset += 1) {
    const partW = numberAt(parts, asset);
    const lease = leaseOf(leases, asset);
    if (lease?.rampWPerS === undefined || isHeld(asset, sight)) {
      const moveW = siteMoveW(parts, asset, leases, sight);
      parts[asset] = partW + moveW * (moveW > 0 ? rising : falling);
    } else {
      parts[asset] = towards(partW, lease.targetW, (lease.rampWPerS * elapsedMs) / 1_000);
    }
    holdInReach(parts, asset, leases, sight);
  }
}

/**
 * A new lease begins with what runs already: a group with the parts of its units, a unit with its
 * part of a group's. So taking over is not a step.
 */
export function adoptParts(parts: Parts, leases: LeaseState, asset: number): void {
  const units = membersOf(leases, asset);
  for (let other = 0; other < parts.length; other += 1) {
    if (other === asset) continue;
    const members = membersOf(leases, other);
    const shared = members.filter((unit) => units.includes(unit)).length;
    const takenW = (numberAt(parts, other) * shared) / members.length;
    parts[other] = numberAt(parts, other) - takenW;
    parts[asset] = numberAt(parts, asset) + takenW;
  }
}

/** True where a unit also has a share of a group's part. */
export function hasGroupPart(parts: Parts, leases: LeaseState, unit: number): boolean {
  const { assets } = leases;
  for (let asset = 0; asset < parts.length; asset += 1) {
    if (asset === unit || numberAt(parts, asset) === 0) continue;
    if (itemAt(assets, asset).units.includes(unit)) return true;
  }
  return false;
}

/**
 * A unit that is heard goes on from what it gives, if that was its part alone: `beforeW` is what it
 * was asked for or counted at. What a level asked beyond the part is that level's to decide anew.
 */
export function adoptMeasured(
  parts: Parts,
  leases: LeaseState,
  unit: number,
  powers: { readonly beforeW: number; readonly measuredW: number },
): void {
  const isAlone = Math.abs(powers.beforeW - numberAt(parts, unit)) <= SAME_W;
  if (isAlone && !hasGroupPart(parts, leases, unit)) parts[unit] = powers.measuredW;
}

/** True for a unit under a grid instruction that nothing else may move. */
export function isFixedUnit(leases: LeaseState, unit: number): boolean {
  if (!leases.fixesUnits) return false;
  for (const lease of leases.leases) {
    if (lease.priority <= FIXING_PRIORITY && membersOf(leases, lease.asset).includes(unit))
      return true;
  }
  return false;
}

/** True for the own part of a unit that cannot be moved now: nothing of it is asked meanwhile. */
function isHeld(asset: number, { units }: DispatchSight): boolean {
  const mode = units[asset]?.mode;
  switch (mode) {
    case "silent":
    case "unknown":
    case "starting":
    case "held":
    case "yielded":
      return true;
    default:
      return false;
  }
}

/** How far a part without a ramp of its own still has to go, W. */
function siteMoveW(parts: Parts, asset: number, leases: LeaseState, sight: DispatchSight): number {
  const lease = leaseOf(leases, asset);
  if (lease?.rampWPerS !== undefined || isHeld(asset, sight)) return 0;
  return (lease?.targetW ?? 0) - numberAt(parts, asset);
}

/**
 * A part does not run ahead of what its units can give: when they can give more again, it goes on
 * at its ramp and not with a step.
 */
function holdInReach(
  parts: Parts,
  asset: number,
  leases: LeaseState,
  { units }: DispatchSight,
): void {
  let lowW = 0;
  let highW = 0;
  for (const unit of membersOf(leases, asset)) {
    const { box } = itemAt(units, unit);
    lowW += Math.min(box.lowW, 0);
    highW += Math.max(box.highW, 0);
  }
  parts[asset] = clamp(numberAt(parts, asset), lowW, highW);
}

function leaseOf(leases: LeaseState, asset: number): LeaseState["leases"][number] | undefined {
  for (const lease of leases.leases) if (lease.asset === asset) return lease;
  return undefined;
}

function fraction(stepW: number, wantedW: number): number {
  return wantedW <= stepW ? 1 : stepW / wantedW;
}
