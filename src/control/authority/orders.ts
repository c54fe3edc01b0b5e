import type { PlantEvent } from "../../domain/event.ts";
import type { UtcMs } from "../../domain/time.ts";
import type { LocalOrder, OrderAnswer } from "../exchange.ts";
import type { ControlPlan } from "../plan.ts";
import { isStoppedByHand, liftStop, stopByHand, stoppedByHand, type TripState } from "../trips.ts";
import { type AuthorityState, type Hold, isHeldAsset, lockoutOf, UNREADABLE } from "./authority.ts";

/** Everything but a reset, which lifts trips. */
export type AuthorityOrder = Exclude<LocalOrder, { readonly kind: "reset" }>;

export interface OrderSight {
  readonly plan: ControlPlan;
  readonly trips: TripState;
  /** How a unit stands, by its place: whether its STOP is read back. */
  readonly standOf: (unit: number) => "still" | "moving" | "silent";
  readonly utc: UtcMs;
  readonly events: PlantEvent[];
}

/** Carries out what a person at the box asks. */
export function takeOrder(
  state: AuthorityState,
  order: AuthorityOrder,
  sight: OrderSight,
): OrderAnswer {
  const refusal = carryOut(state, order, sight);
  if (refusal !== undefined) return { order, result: "refused", reason: refusal };
  const isSure = order.kind !== "lockout" || !isSilent(order.asset, sight);
  state.revision += 1;
  sight.events.push({
    id: "local-order",
    severity: "info",
    phase: "once",
    device: "asset" in order && order.asset !== ALL ? order.asset : undefined,
    point: undefined,
    text: describe(order),
    at: sight.utc,
  });
  return { order, result: "done", reason: isSure ? undefined : "not-confirmed" };
}

/** Stands for every asset that the gateway may write to. */
export const ALL = "all";

/** @returns why not */
function carryOut(
  state: AuthorityState,
  order: AuthorityOrder,
  sight: OrderSight,
): string | undefined {
  switch (order.kind) {
    case "hold":
      return hold(state, order, sight);
    case "stop":
      return stop(order, sight);
    case "release":
      return release(state, order, sight);
    case "mode":
      state.isLocalAsked = order.mode === "local";
      return undefined;
    case "lockout":
      return lockOut(state, order, sight);
    case "unlock":
      return unlock(state, order);
  }
}

function hold(
  state: AuthorityState,
  { asset, by }: { readonly asset: string; readonly by: string },
  { plan, utc }: OrderSight,
): string | undefined {
  const assets = membersOf(plan, asset);
  if (assets.length === 0) return "unknown-asset";
  const fresh = assets.filter((one) => !isHeldAsset(state, one));
  state.holds = [...state.holds, ...fresh.map((one): Hold => ({ asset: one, by, at: utc }))];
  return undefined;
}

/** STOP is known of batteries only; other machines are held, and stopped by hand. */
function stop(
  { asset, by }: { readonly asset: string; readonly by: string },
  { plan, trips, utc, events }: OrderSight,
): string | undefined {
  const assets = membersOf(plan, asset);
  if (assets.length === 0) return "unknown-asset";
  const units = plan.units.flatMap((unit, place) => (assets.includes(unit.asset) ? [place] : []));
  if (units.length === 0) return "no-stop";
  for (const unit of units) stopByHand(trips, plan, { unit, by, at: utc }, events);
  return undefined;
}

function release(
  state: AuthorityState,
  { asset, by }: { readonly asset: string; readonly by: string },
  { plan, trips, utc, events }: OrderSight,
): string | undefined {
  const held = keptNames(state, trips);
  const members = membersOf(plan, asset);
  const assets = held.filter((one) => asset === ALL || one === asset || members.includes(one));
  if (assets.length === 0)
    return members.length === 0 && asset !== ALL ? "unknown-asset" : "not-held";
  state.holds = state.holds.filter((one) => !assets.includes(one.asset));
  state.yields = state.yields.filter((one) => !assets.includes(one.asset));
  for (const one of assets) liftStop(trips, { asset: one, by, at: utc }, events);
  return undefined;
}

/**
 * Every asset that is held, yielded or stopped by hand. Not those of the site: what was decided of
 * one that has left the site file since must still be undone.
 */
function keptNames({ holds, yields }: AuthorityState, trips: TripState): readonly string[] {
  const names = [...holds, ...yields].map(({ asset }) => asset);
  return [...new Set([...names, ...stoppedByHand(trips)])];
}

/**
 * A battery has to stand still first: once it is locked, nothing reaches it any more. One that is
 * silent can be locked all the same, and whoever works on it is told that nobody saw it stop.
 */
function lockOut(
  state: AuthorityState,
  { asset, by }: { readonly asset: string; readonly by: string },
  { plan, utc, trips, standOf }: OrderSight,
): string | undefined {
  if (!plan.assets.includes(asset)) return "unknown-asset";
  if (by === "" || by === UNREADABLE) return "name-needed";
  const held = lockoutOf(state, asset);
  if (held !== undefined) return held.by === by ? undefined : `locked-out-by ${held.by}`;
  const unit = plan.units.findIndex((one) => one.asset === asset);
  if (unit >= 0 && !isStoppedByHand(trips, asset)) return "stop-it-first";
  if (unit >= 0 && standOf(unit) === "moving") return "stop-not-confirmed";
  state.lockouts = [...state.lockouts, { asset, by, at: utc }];
  return undefined;
}

function unlock(
  state: AuthorityState,
  { asset, by }: { readonly asset: string; readonly by: string },
): string | undefined {
  const held = lockoutOf(state, asset);
  if (held === undefined) return "not-locked-out";
  if (held.by !== by && held.by !== UNREADABLE) return `locked-out-by ${held.by}`;
  state.lockouts = state.lockouts.filter((one) => one !== held);
  return undefined;
}

function isSilent(asset: string, { plan, standOf }: OrderSight): boolean {
  const unit = plan.units.findIndex((one) => one.asset === asset);
  return unit >= 0 && standOf(unit) === "silent";
}

/** The asset itself, the units of a group, or every asset. */
function membersOf(plan: ControlPlan, asset: string): readonly string[] {
  if (asset === ALL) return plan.assets;
  const group = plan.groups.find((one) => one.asset === asset);
  if (group === undefined) return plan.assets.includes(asset) ? [asset] : [];
  return group.units.flatMap((place) => plan.units[place]?.asset ?? []);
}

function describe(order: AuthorityOrder): string {
  switch (order.kind) {
    case "mode":
      return order.mode === "local"
        ? `${order.by} took the gateway over: nothing from afar is taken`
        : `${order.by} lets commands from afar in again`;
    case "hold":
      return `${order.by} holds ${order.asset}: it goes on with what it was last asked for`;
    case "stop":
      return `${order.by} stopped ${order.asset}`;
    case "release":
      return `${order.by} released ${order.asset}`;
    case "lockout":
      return `${order.by} locked ${order.asset} out: nothing is written to it`;
    case "unlock":
      return `${order.by} lifted the lockout of ${order.asset}`;
  }
}
