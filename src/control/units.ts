import type { PointIndex } from "../domain/point.ts";
import { isBad, isGood } from "../domain/quality.ts";
import type { MonotonicMs } from "../domain/time.ts";
import { freshValue, type ImageView } from "../points/image.ts";
import {
  lowerCeiling,
  nameHigh,
  nameLow,
  openBox,
  pin,
  type PowerBox,
  raiseFloor,
  resetBox,
} from "./arbitration.ts";
import { conditionState } from "./conditions.ts";
import type { RideThroughRule, UnitMode } from "./exchange.ts";
import { type FollowState, noFollowing } from "./following.ts";
import type { UnitRule } from "./protection.ts";
import { fadedLimit, silentPower } from "./link-rules.ts";
import { megawatts, type Notices } from "./notices.ts";
import type { BatteryUnitPlan, ControlPlan, InputPoint } from "./plan.ts";
import { addToSeries, clearSeries, emptySeries, READINGS_KEPT, type Series } from "./series.ts";
import { byteAt, numberAt } from "../points/number-at.ts";

/** What control knows of one unit. Plain data. */
export interface UnitState {
  mode: UnitMode;
  /** In the cycle before. */
  modeBefore: UnitMode;
  /** As its fault was last read: one that cannot be read is not gone. */
  isFaulted: boolean;
  /** Measured power, W, by receive time. */
  readonly powers: Series;
  /** When a good power was last received, monotonic ms; −Infinity before the first. */
  seenAt: number;
  /** What the unit is counted at, W: measured, or by its link rule while it is silent. */
  countedW: number;
  /** What the meters have just shown for it while it is silent, W; taken by the next cycle. */
  shownW: number | undefined;
  /** When something was last sent to it, monotonic ms. */
  sentAt: number;
  /** While it is held, W. */
  heldW: number;
  /** When this state was made, monotonic ms. */
  readonly sinceAt: number;
  /** What it may be asked for, W. */
  readonly box: PowerBox;
  /** Magnitudes of the limits as last used, W; they fade when they are no longer known. */
  readonly limits: UnitLimits;
  readonly follow: FollowState;
  /** While a trip lets it ramp to zero: what it may still discharge, W; NaN while none does. */
  rampW: number;
}

interface UnitLimits {
  dischargeW: number;
  chargeW: number;
  /** What the energy above the reserve, and the room below the ceiling, allow. */
  reserveW: number;
  roomW: number;
}

export interface UnitSight {
  readonly view: ImageView;
  readonly now: MonotonicMs;
  readonly elapsedMs: number;
  readonly plan: ControlPlan;
  readonly isTripped: boolean;
  /** A trip lets it ramp to zero within this time, ms, and charge nothing; undefined: none. */
  readonly tripRampMs: number | undefined;
  /** What narrows it by itself. */
  readonly rule: UnitRule;
  /** What a person holds it at, W; undefined: nobody does. */
  readonly heldW: number | undefined;
  /** True while it is left to somebody else who writes to it. */
  readonly isYielded: boolean;
  /** What a loss of the grid makes of it. */
  readonly ride: RideThroughRule;
  /**
   * True when a setpoint has gone out since the unit was heard and nothing holds the next one off.
   * Until then it goes its own way, and control with it.
   */
  readonly isTold: boolean;
  readonly notices: Notices;
}

const SECONDS_PER_HOUR = 3_600;

export function unknownUnit(now: MonotonicMs): UnitState {
  return {
    mode: "unknown",
    modeBefore: "unknown",
    isFaulted: false,
    powers: emptySeries(READINGS_KEPT),
    seenAt: -Infinity,
    countedW: Number.NaN,
    shownW: undefined,
    sentAt: -Infinity,
    heldW: 0,
    sinceAt: now,
    box: openBox(),
    limits: { dischargeW: 0, chargeW: 0, reserveW: 0, roomW: 0 },
    follow: noFollowing(),
    rampW: Number.NaN,
  };
}

/** True for a unit that setpoints may be sent to. */
export function canCommand(unit: UnitState): boolean {
  return unit.mode === "ready" || unit.mode === "starting";
}

/**
 * True in the cycle in which a unit counts at something else than before: it is heard, for the
 * first time or again, and goes its own way until it is told; or it has just fallen silent.
 */
export function isCountedAnew(unit: UnitState): boolean {
  const hasGone = unit.mode === "silent" && unit.modeBefore !== "silent";
  return unit.mode === "starting" || hasGone;
}

/** True in the cycle in which a person takes hold of a unit. */
export function isTakenOver(unit: UnitState): boolean {
  return unit.mode === "held" && unit.modeBefore !== "held";
}

/** Reads a unit, finds its mode and what it may be asked for. */
export function observeUnit(unit: UnitState, plan: BatteryUnitPlan, sight: UnitSight): void {
  const powerW = readPower(unit, plan, sight);
  unit.modeBefore = unit.mode;
  unit.mode = nextMode(unit, plan, { ...sight, powerW });
  count(unit, plan, { ...sight, powerW });
  tellMode(unit, plan, { notices: sight.notices, isHeard: powerW !== undefined });
  // What was measured is the first thing asked for: its limits start from there as well.
  if (unit.mode === "starting") startLimits(unit.limits, unit.countedW);
  narrowBox(unit, plan, sight);
}

/**
 * The measured power, if the unit is heard; a device whose counter stands still is not. One lost
 * poll makes its points bad at once; the unit is silent only when that lasts.
 */
function readPower(unit: UnitState, plan: BatteryUnitPlan, sight: UnitSight): number | undefined {
  const { view, now } = sight;
  const { power, heartbeat } = plan.points;
  if (!isBeating(view, heartbeat, now)) return undefined;
  const powerW = freshValue(view, power, now, plan.silentMs);
  if (powerW === undefined) {
    const wasHeard = unit.mode !== "silent" && unit.mode !== "unknown";
    return wasHeard && now - unit.seenAt <= plan.silentMs ? unit.countedW : undefined;
  }
  unit.seenAt = numberAt(view.receivedAt, power);
  addToSeries(unit.powers, unit.seenAt, powerW);
  return powerW;
}

/** A counter that cannot be read says nothing; one that is told to stand still does. */
function isBeating(view: ImageView, heartbeat: InputPoint | undefined, now: number): boolean {
  if (heartbeat === undefined) return true;
  const quality = byteAt(view.quality, heartbeat.point);
  if (isBad(quality)) return true;
  return isGood(quality) && now - numberAt(view.changedAt, heartbeat.point) <= heartbeat.maxAgeMs;
}

interface ModeSight extends UnitSight {
  readonly powerW: number | undefined;
}

function nextMode(unit: UnitState, plan: BatteryUnitPlan, sight: ModeSight): UnitMode {
  const states = plan.points.faults.map((fault) => conditionState(sight.view, fault));
  const isActive = states.includes("active");
  if (isActive || !states.includes("unknown")) unit.isFaulted = isActive;
  if (sight.isTripped) return "tripped";
  if (isActive || (isKeptAtZero(unit, sight) && sight.powerW !== undefined)) return "faulted";
  // One that was stopped or in fault before it was ever heard is not lost: nobody knows it yet.
  if (sight.powerW === undefined)
    return unit.mode === "unknown" || Number.isNaN(unit.countedW) ? "unknown" : "silent";
  return sight.isYielded ? "yielded" : heardMode(unit, sight);
}

/**
 * A fault that cannot be read is not gone. And where the converter is heard, and the battery behind
 * it is not, zero can be sent, and is.
 */
function isKeptAtZero({ isFaulted }: UnitState, { rule }: ModeSight): boolean {
  return isFaulted || rule.isBatteryStill;
}

/** Of a unit that is heard and has no reason of its own not to follow. */
function heardMode(unit: UnitState, { isTold, ride, heldW }: ModeSight): UnitMode {
  // One that carries the site is told nothing, and goes its own way for just that.
  if (!isTold && ride !== "carry") return "starting";
  const isKnown = canCommand(unit) || unit.mode === "held";
  if (heldW !== undefined && isKnown) return "held";
  return canCommand(unit) ? "ready" : "starting";
}

function count(unit: UnitState, plan: BatteryUnitPlan, sight: ModeSight): void {
  const { now, elapsedMs, powerW } = sight;
  if (powerW !== undefined) {
    unit.countedW = powerW;
    unit.shownW = undefined;
    return;
  }
  if (Number.isNaN(unit.countedW)) {
    // Never heard: it does what it does by itself once it must have reverted from full power.
    if (now - unit.sinceAt >= longestReversionMs(plan)) unit.countedW = plan.reversion.powerW;
    return;
  }
  const lastContactAt = Math.max(unit.seenAt, unit.sentAt);
  const { countedW, shownW } = unit;
  unit.countedW = silentPower({ countedW, shownW, lastContactAt, now, elapsedMs }, plan);
  unit.shownW = undefined;
  clearSeries(unit.powers);
}

/** From the last contact until a unit has gone to its reversion power from wherever it was, ms. */
function longestReversionMs(plan: BatteryUnitPlan): number {
  const { afterMs, powerW, rampWPerS } = plan.reversion;
  const mostW = Math.max(plan.dischargeRatingW - powerW, plan.chargeRatingW + powerW);
  return afterMs + (1_000 * mostW) / rampWPerS;
}

function tellMode(
  unit: UnitState,
  plan: BatteryUnitPlan,
  sight: { readonly notices: Notices; readonly isHeard: boolean },
): void {
  const { asset: device } = plan;
  const { notices } = sight;
  const isLost = !sight.isHeard && unit.seenAt > -Infinity;
  if (notices.isNews("unit-silent", device, isLost))
    notices.tell(
      { id: "unit-silent", device, point: "active-power" },
      isLost,
      isLost
        ? `${device} is silent; it counts at ${megawatts(unit.countedW)} until it reverts`
        : `${device} is heard again`,
    );
  const isFaulted = unit.mode === "faulted" && unit.isFaulted;
  if (isFaulted === unit.isFaulted && notices.isNews("pcs-fault", device, isFaulted))
    notices.tell(
      { id: "pcs-fault", device },
      isFaulted,
      isFaulted ? `${device} reports a fault; the others take its share` : `${device} is back`,
    );
}

function startLimits(limits: UnitLimits, powerW: number): void {
  limits.dischargeW = Math.max(powerW, 0);
  limits.chargeW = Math.max(-powerW, 0);
  limits.reserveW = limits.dischargeW;
  limits.roomW = limits.chargeW;
}

function narrowBox(unit: UnitState, plan: BatteryUnitPlan, sight: UnitSight): void {
  const { box } = unit;
  switch (unit.mode) {
    case "tripped":
    case "faulted":
      resetBox(box, 0, 0, unit.mode === "tripped" ? "protection" : "device-limits");
      return;
    case "unknown":
    case "silent": {
      const countedW = Number.isNaN(unit.countedW) ? 0 : unit.countedW;
      resetBox(box, countedW, countedW, "link-lost");
      return;
    }
    case "starting":
      resetBox(box, unit.countedW, unit.countedW, "start");
      return;
    case "yielded":
      resetBox(box, unit.countedW, unit.countedW, "local-hold");
      return;
    case "held":
      narrowHeld(unit, plan, sight);
      return;
    case "ready":
      narrowReady(unit, plan, sight);
  }
}

/** What the device can give, and its reserve, stay stronger than whoever holds it. */
function narrowHeld(unit: UnitState, plan: BatteryUnitPlan, sight: UnitSight): void {
  narrowReady(unit, plan, sight);
  if (isTakenOver(unit)) unit.heldW = sight.heldW ?? unit.countedW;
  pin(unit.box, unit.heldW, "local-hold");
}

function narrowReady(unit: UnitState, plan: BatteryUnitPlan, sight: UnitSight): void {
  narrowByDevice(unit, plan, sight);
  narrowByProtection(unit, plan, sight);
}

/** What may not be done at all is the last word: no level below can ask for it. */
function narrowByProtection(unit: UnitState, plan: BatteryUnitPlan, sight: UnitSight): void {
  const { box, countedW } = unit;
  const { rule, tripRampMs, elapsedMs } = sight;
  if (tripRampMs === undefined) unit.rampW = Number.NaN;
  else {
    if (Number.isNaN(unit.rampW)) unit.rampW = Math.max(countedW, 0);
    unit.rampW = Math.max(unit.rampW - (plan.dischargeRatingW * elapsedMs) / tripRampMs, 0);
    lowerCeiling(box, unit.rampW, "protection");
  }
  if (rule.isChargeBlocked || tripRampMs !== undefined) raiseFloor(box, 0, "protection");
  if (rule.isDischargeBlocked) lowerCeiling(box, 0, "protection");
}

function narrowByDevice(unit: UnitState, plan: BatteryUnitPlan, sight: UnitSight): void {
  const { box, limits } = unit;
  const { view, now } = sight;
  const upWPerS = sight.plan.grid.rampUpWPerS / sight.plan.units.length;
  const downWPerS = sight.plan.grid.rampDownWPerS / sight.plan.units.length;
  const upStepW = (upWPerS * sight.elapsedMs) / 1_000;
  const downStepW = (downWPerS * sight.elapsedMs) / 1_000;
  const { chargePart, dischargePart } = sight.rule;
  const read = (
    input: InputPoint | undefined,
    ratingW: number,
    part: number | undefined,
  ): number | undefined => {
    if (part === undefined) return undefined;
    if (input === undefined) return ratingW * part;
    const limitW = freshValue(view, input.point, now, input.maxAgeMs);
    return limitW === undefined ? undefined : Math.min(Math.abs(limitW), ratingW) * part;
  };
  const dischargeW = read(plan.points.dischargeLimit, plan.dischargeRatingW, dischargePart);
  const chargeW = read(plan.points.chargeLimit, plan.chargeRatingW, chargePart);
  limits.dischargeW = fadedLimit(dischargeW, limits.dischargeW, upStepW);
  limits.chargeW = fadedLimit(chargeW, limits.chargeW, downStepW);

  resetBox(box, -limits.chargeW, limits.dischargeW, "device-limits");
  if (chargeW === undefined) nameLow(box, "link-lost");
  if (dischargeW === undefined) nameHigh(box, "link-lost");
  if (sight.ride === "stop") resetBox(box, 0, 0, "ride-through");
  if (sight.ride === "carry") {
    narrowByCharge(unit, plan, sight);
    return;
  }
  narrowByEnergy(unit, plan, { ...sight, upWPerS, downWPerS });
}

/**
 * Near the reserve and near the ceiling the power is limited to what can still ramp away at the
 * site's ramp before the energy is used up: P² / 2R. So reaching the limit is not a step. A new
 * reading of the state of charge moves the limit by a step of its own; that too goes at the ramp.
 */
function narrowByEnergy(
  unit: UnitState,
  plan: BatteryUnitPlan,
  sight: UnitSight & { readonly upWPerS: number; readonly downWPerS: number },
): void {
  const { box, limits } = unit;
  const { view, now, elapsedMs, upWPerS, downWPerS } = sight;
  const upStepW = (upWPerS * elapsedMs) / 1_000;
  const downStepW = (downWPerS * elapsedMs) / 1_000;
  const { soc: input } = plan.points;
  const { reservePercent, minPercent, maxPercent, resolutionPercent } = plan.soc;
  const socPercent = freshValue(view, input.point, now, input.maxAgeMs);
  if (socPercent === undefined) {
    limits.reserveW = fadedLimit(undefined, Math.min(limits.reserveW, limits.dischargeW), upStepW);
    limits.roomW = fadedLimit(undefined, Math.min(limits.roomW, limits.chargeW), downStepW);
    lowerCeiling(box, limits.reserveW, "link-lost");
    raiseFloor(box, -limits.roomW, "link-lost");
    return;
  }
  const floorPercent = Math.max(reservePercent, minPercent);
  const perPercentJ = (plan.capacityWh * SECONDS_PER_HOUR) / 100;
  const aboveJ = Math.max(socPercent - floorPercent - resolutionPercent, 0) * perPercentJ;
  const roomJ = Math.max(maxPercent - resolutionPercent - socPercent, 0) * perPercentJ;
  // From what was possible: far from a limit its energy would allow much more than its converter.
  const givenW = Math.min(limits.reserveW, limits.dischargeW);
  const takenW = Math.min(limits.roomW, limits.chargeW);
  limits.reserveW = Math.max(rampableW(upWPerS, aboveJ), givenW - upStepW);
  limits.roomW = Math.max(rampableW(downWPerS, roomJ), takenW - downStepW);
  lowerCeiling(box, limits.reserveW, "reserve");
  raiseFloor(box, -limits.roomW, "reserve");
}

/**
 * While a unit carries the site there is no ramp to keep and no reserve to save: it gives until it
 * is empty, and takes until it is full. A charge that cannot be read stops nothing here; the
 * battery's own protection does.
 */
function narrowByCharge(unit: UnitState, plan: BatteryUnitPlan, sight: UnitSight): void {
  const { box, limits } = unit;
  const { soc: input } = plan.points;
  const { minPercent, maxPercent, resolutionPercent } = plan.soc;
  const socPercent = freshValue(sight.view, input.point, sight.now, input.maxAgeMs);
  limits.reserveW = limits.dischargeW;
  limits.roomW = limits.chargeW;
  if (socPercent === undefined) return;
  if (socPercent <= minPercent + resolutionPercent) lowerCeiling(box, 0, "reserve");
  if (socPercent >= maxPercent - resolutionPercent) raiseFloor(box, 0, "reserve");
}

/** The power that still ramps away before an energy is used up, W. */
function rampableW(rampWPerS: number, energyJ: number): number {
  return Math.sqrt(2 * rampWPerS * energyJ);
}

/** Points that control drives by itself: nobody else writes them. */
export function ownedPoints(plan: ControlPlan): ReadonlySet<PointIndex> {
  const owned = new Set<PointIndex>();
  for (const { points } of plan.units) {
    owned.add(points.setpoint);
    if (points.run === undefined) continue;
    owned.add(points.run.point);
    if (points.run.alarmReset !== undefined) owned.add(points.run.alarmReset);
  }
  for (const unit of plan.reactive?.units ?? []) if (unit !== undefined) owned.add(unit.setpoint);
  return owned;
}
