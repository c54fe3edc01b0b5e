import { isBad, isGood } from "../domain/quality.ts";
import type { MonotonicMs } from "../domain/time.ts";
import { freshValue, type ImageView } from "../points/image.ts";
import { byteAt, numberAt } from "../points/number-at.ts";
import { conditionState, type ConditionState } from "./conditions.ts";
import { deratePart } from "./derating.ts";
import { itemAt } from "./item-at.ts";
import type { Notices } from "./notices.ts";
import type {
  BatteryUnitPlan,
  BlockCause,
  BlockPlan,
  ControlPlan,
  DeratePlan,
  ProtectionPlan,
} from "./plan.ts";

/** What narrows units by itself, and ends by itself. Plain data. */
export interface ProtectionState {
  readonly plan: ProtectionPlan;
  /** By place of the block in the plan. */
  readonly blocks: readonly BlockState[];
  /** By place of the derate, the part that it leaves; NaN before its first reading. */
  readonly parts: Float64Array;
  /** Of each unit, as the last look found it. */
  readonly units: readonly UnitRule[];
}

interface BlockState {
  isOn: boolean;
  /** Since when its cause is known to be gone, monotonic ms; Infinity while it is not. */
  clearSince: number;
}

/** What protection leaves of one unit. */
export interface UnitRule {
  isChargeBlocked: boolean;
  isDischargeBlocked: boolean;
  /** Parts of its limits, 0…1; undefined: a temperature that would say it cannot be read. */
  chargePart: number | undefined;
  dischargePart: number | undefined;
  /** The battery behind the converter does not count any more. */
  isBatteryStill: boolean;
}

export interface ProtectionSight {
  readonly plan: ControlPlan;
  readonly view: ImageView;
  readonly now: MonotonicMs;
  readonly notices: Notices;
}

const NO_PROTECTION: ProtectionPlan = { blocks: [], derates: [], people: [] };
/** From this part on what is taken is worth telling. */
const TOLD_PART = 0.99;

export function createProtection({ protection, units }: ControlPlan): ProtectionState {
  const plan = protection ?? NO_PROTECTION;
  return {
    plan,
    blocks: plan.blocks.map(() => ({ isOn: false, clearSince: Infinity })),
    parts: new Float64Array(plan.derates.length).fill(Number.NaN),
    units: units.map(() => ({
      isChargeBlocked: false,
      isDischargeBlocked: false,
      chargePart: 1,
      dischargePart: 1,
      isBatteryStill: false,
    })),
  };
}

/** Finds out what each unit may do, before anything is decided. */
export function observeProtection(state: ProtectionState, sight: ProtectionSight): void {
  const { plan, view, now } = sight;
  for (const [place, rule] of state.units.entries()) {
    rule.isChargeBlocked = false;
    rule.isDischargeBlocked = false;
    rule.chargePart = 1;
    rule.dischargePart = 1;
    rule.isBatteryStill = isBatteryStill(itemAt(plan.units, place), view, now);
  }
  for (const [place, block] of state.plan.blocks.entries())
    followBlock(state, { block, own: itemAt(state.blocks, place) }, sight);
  for (const [place, derate] of state.plan.derates.entries())
    followDerate(state, derate, place, sight);
  for (const place of state.units.keys()) tellUnit(state, place, sight);
}

/**
 * A battery's counter that stands still is told; one that cannot be read says nothing. Where the
 * converter's own counter has not gone on either, nothing at all comes from there any more: that is
 * a lost link, and what the unit gives then is not zero because somebody asked for it.
 */
function isBatteryStill({ points }: BatteryUnitPlan, view: ImageView, now: number): boolean {
  const { batteryHeartbeat: counter, heartbeat } = points;
  if (counter === undefined) return false;
  const quality = byteAt(view.quality, counter.point);
  if (isBad(quality)) return false;
  const { maxAgeMs } = counter;
  const stoppedAt = numberAt(view.changedAt, counter.point);
  if (isGood(quality) && now - stoppedAt <= maxAgeMs) return false;
  if (heartbeat === undefined) return true;
  // Counters of seconds are read some part of a second apart.
  return numberAt(view.changedAt, heartbeat.point) - stoppedAt > maxAgeMs / 2;
}

/**
 * It holds at once, and ends when its cause has been gone for its time. What cannot be read is not
 * gone, and is no reason to begin.
 */
function followBlock(
  state: ProtectionState,
  { block, own }: { readonly block: BlockPlan; readonly own: BlockState },
  { view, now }: ProtectionSight,
): void {
  const says = causeState(block.cause, own, view, now);
  if (says === "active") own.isOn = true;
  if (says !== "clear") own.clearSince = Infinity;
  else if (own.clearSince === Infinity) own.clearSince = now;
  if (now - own.clearSince >= block.releaseMs) own.isOn = false;
  if (!own.isOn) return;
  for (const unit of block.units) {
    const rule = itemAt(state.units, unit);
    if (block.direction === "charge") rule.isChargeBlocked = true;
    else rule.isDischargeBlocked = true;
  }
}

function causeState(
  cause: BlockCause,
  { isOn }: BlockState,
  view: ImageView,
  now: MonotonicMs,
): ConditionState {
  if (cause.kind === "state") return conditionState(view, cause.condition);
  const { input, side, limit, hysteresis } = cause;
  const value = freshValue(view, input.point, now, input.maxAgeMs);
  if (value === undefined) return "unknown";
  const beyond = side === "above" ? value - limit : limit - value;
  if (beyond > 0) return "active";
  return isOn && beyond > -hysteresis ? "unknown" : "clear";
}

function followDerate(
  state: ProtectionState,
  derate: DeratePlan,
  place: number,
  { view, now }: ProtectionSight,
): void {
  const { input, units, direction } = derate;
  const temperatureCel = freshValue(view, input.point, now, input.maxAgeMs);
  const before = numberAt(state.parts, place);
  const part =
    temperatureCel === undefined
      ? undefined
      : deratePart(derate, temperatureCel, Number.isNaN(before) ? 1 : before);
  if (part !== undefined) state.parts[place] = part;
  for (const unit of units) {
    const rule = itemAt(state.units, unit);
    if (direction !== "discharge") rule.chargePart = lesser(rule.chargePart, part);
    if (direction !== "charge") rule.dischargePart = lesser(rule.dischargePart, part);
  }
}

/** Not known is less than anything known. */
function lesser(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? undefined : Math.min(one, other);
}

function tellUnit(state: ProtectionState, place: number, { plan, notices }: ProtectionSight): void {
  const { asset: device } = itemAt(plan.units, place);
  const rule = itemAt(state.units, place);
  const { isChargeBlocked, isDischargeBlocked, isBatteryStill } = rule;
  if (notices.isNews("charge-blocked", device, isChargeBlocked))
    notices.tell(
      { id: "charge-blocked", device },
      isChargeBlocked,
      isChargeBlocked
        ? `${device} is not charged: ${namesOf(state, place, "charge")}`
        : `${device} may be charged again`,
    );
  if (notices.isNews("discharge-blocked", device, isDischargeBlocked))
    notices.tell(
      { id: "discharge-blocked", device },
      isDischargeBlocked,
      isDischargeBlocked
        ? `${device} is not discharged: ${namesOf(state, place, "discharge")}`
        : `${device} may be discharged again`,
    );
  if (notices.isNews("battery-silent", device, isBatteryStill))
    notices.tell(
      { id: "battery-silent", device, point: "x-bms-heartbeat" },
      isBatteryStill,
      isBatteryStill
        ? `the battery of ${device} does not count any more: the unit gives nothing`
        : `the battery of ${device} counts again`,
    );
  tellDerate(rule, device, notices);
}

function tellDerate(rule: UnitRule, device: string, notices: Notices): void {
  const { chargePart = 0, dischargePart = 0 } = rule;
  const part = Math.min(chargePart, dischargePart);
  const isDerated = part < TOLD_PART;
  if (!notices.isNews("unit-derated", device, isDerated)) return;
  const isKnown = rule.chargePart !== undefined && rule.dischargePart !== undefined;
  const why = isKnown
    ? `its temperature leaves ${(100 * part).toFixed(0)} % of its power`
    : "its temperature cannot be read, and its power fades";
  notices.tell(
    { id: "unit-derated", device },
    isDerated,
    isDerated ? `${device}: ${why}` : `${device} has all of its power again`,
  );
}

function namesOf(state: ProtectionState, unit: number, direction: BlockPlan["direction"]): string {
  return state.plan.blocks
    .filter(
      (block, place) =>
        block.direction === direction &&
        block.units.includes(unit) &&
        itemAt(state.blocks, place).isOn,
    )
    .map(({ device, name }) => `${name} of ${device}`)
    .join(", ");
}
