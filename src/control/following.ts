import { lowerCeiling, nearest, type PowerBox, raiseFloor } from "./arbitration.ts";
import type { UnitMode } from "./exchange.ts";
import { megawatts, type Notices } from "./notices.ts";
import type { BatteryUnitPlan } from "./plan.ts";
import { leastSince, mostSince, newestValue, type Series } from "./series.ts";

/**
 * Whether a unit does what it is asked for. One that takes setpoints, shows them, and gives another
 * power all the same (it is not enabled, it derates by itself, it stands in another mode) would
 * leave its part ungiven without anybody being told. Plain data.
 */
export interface FollowState {
  /** Since when it has come no nearer to what it is asked for, monotonic ms; NaN: it follows. */
  straySince: number;
  /** How near it had come then, W. */
  nearestW: number;
  /** Until when it counts at what it gives, monotonic ms; then it is tried again. */
  leftUntil: number;
}

/** Further off than this part of its rating is no longer the converter's own error. */
const STRAY_SHARE = 0.05;
/** It is on its way as long as it comes nearer by this part of its rating … */
const NEARER_SHARE = 0.01;
/** … in this time, ms: ten times the longest delay of a converter that is driven fast. */
const STRAY_MS = 5_000;
/** It may still be at what it was asked for so long ago, ms. */
const LATE_MS = 2_000;
/** Counted at what it gives for so long, ms. */
const RETRY_MS = 60_000;
/** It has to follow for so long before it is told that it does, ms. */
const PROVED_MS = 10_000;

export function noFollowing(): FollowState {
  return { straySince: Number.NaN, nearestW: Number.NaN, leftUntil: -Infinity };
}

/** What watching needs of a unit. */
interface Watched {
  readonly mode: UnitMode;
  readonly countedW: number;
  readonly box: PowerBox;
  readonly follow: FollowState;
}

/** Looks whether a unit follows, and leaves one that does not at what it gives. */
export function watchUnit(
  { mode, countedW, box, follow }: Watched,
  plan: BatteryUnitPlan,
  sent: Series,
  sight: { readonly now: number; readonly notices: Notices },
): void {
  const powerW = mode === "ready" ? countedW : Number.NaN;
  observeFollowing(follow, plan, { powerW, sent }, sight);
  if (isLeftAtGiven(follow, sight.now)) leaveAtGiven(box, powerW);
}

/** True while a unit counts at what it gives, and the others take the rest. */
export function isLeftAtGiven({ leftUntil }: FollowState, now: number): boolean {
  return now < leftUntil;
}

/**
 * Compares what a unit gives with what it was asked for.
 *
 * @param given `powerW` is NaN for a unit that is not driven: nothing is asked of it
 */
export function observeFollowing(
  state: FollowState,
  plan: BatteryUnitPlan,
  given: { readonly powerW: number; readonly sent: Series },
  sight: { readonly now: number; readonly notices: Notices },
): void {
  const { now } = sight;
  if (Number.isNaN(given.powerW)) {
    state.straySince = Number.NaN;
    state.leftUntil = -Infinity;
    tell(plan, { isStray: false, given }, sight);
    return;
  }
  if (isLeftAtGiven(state, now)) return;
  const ratingW = Math.max(plan.dischargeRatingW, plan.chargeRatingW);
  const errorW = errorOf(given, now);
  if (!(errorW > STRAY_SHARE * ratingW)) {
    state.straySince = Number.NaN;
    if (now - state.leftUntil >= PROVED_MS) tell(plan, { isStray: false, given }, sight);
    return;
  }
  if (!(errorW > state.nearestW - NEARER_SHARE * ratingW) || Number.isNaN(state.straySince)) {
    state.straySince = now;
    state.nearestW = errorW;
  }
  if (now - state.straySince < STRAY_MS) return;
  state.straySince = Number.NaN;
  state.leftUntil = now + RETRY_MS;
  tell(plan, { isStray: true, given }, sight);
}

/** Narrows what a unit may be asked for to what it gives, as far as the stronger limits allow. */
export function leaveAtGiven(box: PowerBox, powerW: number): void {
  const givenW = nearest(box, powerW);
  lowerCeiling(box, givenW, "device-limits");
  raiseFloor(box, givenW, "device-limits");
}

/** How far it is from all that it was asked for lately, W. */
function errorOf({ powerW, sent }: { powerW: number; sent: Series }, now: number): number {
  if (sent.count === 0) return 0;
  const leastW = leastSince(sent, now - LATE_MS);
  const mostW = mostSince(sent, now - LATE_MS);
  return Math.max(leastW - powerW, powerW - mostW, 0);
}

function tell(
  { asset: device }: BatteryUnitPlan,
  found: { readonly isStray: boolean; readonly given: { powerW: number; sent: Series } },
  { notices }: { readonly notices: Notices },
): void {
  const { isStray, given } = found;
  if (!notices.isNews("unit-does-not-follow", device, isStray)) return;
  const words = `${megawatts(given.powerW)} of the ${megawatts(newestValue(given.sent))}`;
  notices.tell(
    { id: "unit-does-not-follow", device, point: "active-power" },
    isStray,
    isStray
      ? `${device} gives ${words} it was asked for; it counts at what it gives, the others take ` +
          `the rest, and it is tried again in ${RETRY_MS / 1_000} s`
      : `${device} follows its setpoints again`,
  );
}
