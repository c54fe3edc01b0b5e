import { freshValue, type ImageView } from "../points/image.ts";
import { numberAt } from "../points/number-at.ts";
import type { MonotonicMs } from "../domain/time.ts";
import { freshState } from "./conditions.ts";
import type { GridPresence, RideThroughRule, RideThroughStatus } from "./exchange.ts";
import type { Notices } from "./notices.ts";
import type { ControlPlan, RideThroughPlan } from "./plan.ts";

/** Plain data. */
export interface RideThroughState {
  readonly plan: RideThroughPlan;
  presence: GridPresence;
  /** Receive time of the first of the readings in a row that show no voltage. */
  collapsedAt: number | undefined;
  /** Since when everything says that the grid is there, after a loss. */
  wellSince: number | undefined;
  /** What said that it was lost. */
  cause: string;
}

/** Undefined where the site says nothing of a loss of its grid. */
export function createRideThrough({ rideThrough }: ControlPlan): RideThroughState | undefined {
  if (rideThrough === undefined) return undefined;
  return {
    plan: rideThrough,
    presence: "present",
    collapsedAt: undefined,
    wellSince: undefined,
    cause: "",
  };
}

/**
 * Finds out whether the grid is there. One that says it is lost is enough; that it is back has to
 * be said by all, and a reading that is not there says nothing.
 */
export function observeGridLoss(
  state: RideThroughState,
  sight: { readonly view: ImageView; readonly now: MonotonicMs },
): void {
  const { now } = sight;
  const flags = flagsSay(state.plan, sight);
  const voltage = voltageSays(state, sight);
  const cause = flags.lostBy ?? (voltage === "lost" ? "no voltage at its meter" : undefined);
  if (cause !== undefined) {
    if (!isGridGone(state)) state.cause = cause;
    state.presence = "lost";
    state.wellSince = undefined;
  } else if (isGridGone(state)) waitForReturn(state, flags.areClear && voltage === "well", now);
  else state.presence = voltage === "collapsed" ? "doubtful" : "present";
}

function waitForReturn(state: RideThroughState, isWell: boolean, now: number): void {
  state.wellSince = isWell ? (state.wellSince ?? now) : undefined;
  const { wellSince } = state;
  if (wellSince === undefined) state.presence = "lost";
  else state.presence = now - wellSince >= state.plan.returnMs ? "present" : "returning";
}

function flagsSay(
  { flags }: RideThroughPlan,
  { view, now }: { readonly view: ImageView; readonly now: MonotonicMs },
): { readonly lostBy: string | undefined; readonly areClear: boolean } {
  let areClear = true;
  for (const { condition, maxAgeMs, name } of flags) {
    const says = freshState(view, condition, now, maxAgeMs);
    if (says === "active") return { lostBy: name, areClear: false };
    if (says === "unknown") areClear = false;
  }
  return { lostBy: undefined, areClear };
}

type VoltageSays = "lost" | "collapsed" | "low" | "well" | "unknown";

/** A dip that the converters ride through by themselves is no loss: only one that lasts is. */
function voltageSays(
  state: RideThroughState,
  { view, now }: { readonly view: ImageView; readonly now: MonotonicMs },
): VoltageSays {
  const { voltage } = state.plan;
  if (voltage === undefined) return "well";
  const { point, maxAgeMs } = voltage.input;
  const voltageV = freshValue(view, point, now, maxAgeMs);
  if (voltageV === undefined || voltageV >= voltage.lostBelowV) state.collapsedAt = undefined;
  if (voltageV === undefined) return "unknown";
  if (voltageV >= voltage.lostBelowV) return voltageV >= voltage.backAboveV ? "well" : "low";
  const readAt = numberAt(view.receivedAt, point);
  state.collapsedAt ??= readAt;
  return readAt - state.collapsedAt >= voltage.confirmMs ? "lost" : "collapsed";
}

/** True from the loss until the grid has been back for the site's time. */
export function isGridGone(state: RideThroughState | undefined): boolean {
  return state?.presence === "lost" || state?.presence === "returning";
}

/** True while what the meter of a dead grid says of power and frequency is no measurement. */
export function isMeterVoid(state: RideThroughState | undefined): boolean {
  return state?.presence === "lost" || state?.presence === "doubtful";
}

export function rideThroughRule(state: RideThroughState | undefined): RideThroughRule {
  if (state === undefined || state.presence === "present") return "none";
  if (state.presence === "doubtful") return "held";
  return state.plan.carries ? "carry" : "stop";
}

/** Tells that the grid is lost and what is done for it, and that it is back. */
export function tellRideThrough(state: RideThroughState, device: string, notices: Notices): void {
  const isGone = isGridGone(state);
  const { plan, cause } = state;
  if (!notices.isNews("ride-through", device, isGone)) return;
  const done = plan.carries
    ? "the batteries carry the site by themselves, their reserve is free"
    : "the batteries are held at 0 W";
  notices.tell(
    { id: "ride-through", device },
    isGone,
    isGone
      ? `the grid is lost (${cause}): ${done}, and nothing else is asked of them`
      : `the grid has been back for ${Math.round(plan.returnMs / 1_000)} s: control goes on`,
  );
}

export function rideThroughStatus(state: RideThroughState, now: number): RideThroughStatus {
  const { presence, plan, wellSince, cause } = state;
  return {
    presence,
    rule: rideThroughRule(state),
    cause: isGridGone(state) ? cause : undefined,
    returnsInMs: wellSince === undefined ? undefined : wellSince + plan.returnMs - now,
  };
}
