import { assert } from "../domain/assert.ts";
import { byteAt, numberAt } from "../points/number-at.ts";
import { clamp, towards } from "./arbitration.ts";
import { itemAt } from "./item-at.ts";
import { NEGLIGIBLE_W, roomW, shareEqually, type Shares } from "./share.ts";

/**
 * Shares power so that the units' states of charge come together, and a small power with few units:
 * converters lose less near their rating. A unit that is out stands by: what the others cannot take
 * goes to it in the same cycle. Which units are in changes who gives the total, never the total.
 */
export interface EnergyShareSettings {
  /** How strongly a fuller unit is preferred: 1 to 2. */
  readonly exponent: number;
  /** A unit comes in when those that are in would give more than this part of their limits … */
  readonly inShare: number;
  /** … and one goes out when the rest would give less than this part. */
  readonly outShare: number;
  /** A unit stays in, or out, for at least this long, ms. */
  readonly minimumMs: number;
  /** It takes over, or gives up, its part in this time, s. */
  readonly fadeS: number;
  /** The largest power of the last while counts: it is forgotten with this time constant, s. */
  readonly memoryS: number;
}

export const ENERGY_SHARE_DEFAULTS: EnergyShareSettings = {
  exponent: 1,
  inShare: 0.8,
  outShare: 0.5,
  minimumMs: 60_000,
  fadeS: 2,
  memoryS: 60,
};

/** What is usable of a unit, %. */
interface SharingUnit {
  readonly soc: {
    readonly minPercent: number;
    readonly maxPercent: number;
    readonly reservePercent: number;
  };
}

/** Plain data; columns by place of the unit. */
export interface EnergyShareState {
  readonly settings: EnergyShareSettings;
  /** In: the readings, %; NaN where there is none: the last one is used, or the middle. */
  readonly socPercents: Float64Array;
  /** 1 for a unit that is in. */
  readonly isIn: Uint8Array;
  /** How far it has come in, 0 to 1. */
  readonly engaged: Float64Array;
  /** When it last came in or went out, monotonic ms. */
  readonly switchedAt: Float64Array;
  /** Largest power of the last while in each direction, W; not negative. */
  demandUpW: number;
  demandDownW: number;
  /** From empty, 0, to full, 1. */
  readonly fills: Float64Array;
  readonly emptyPercents: Float64Array;
  readonly fullPercents: Float64Array;
  readonly weights: Float64Array;
}

export interface SelectionSight {
  readonly now: number;
  readonly elapsedS: number;
  /** What there is to share in this cycle, W. */
  readonly amountW: number;
}

/**
 * All units are in at first.
 *
 * @param since they stay in for the shortest time from then on, monotonic ms
 */
export function createEnergyShare(
  units: readonly SharingUnit[],
  settings: EnergyShareSettings,
  since = -Infinity,
): EnergyShareState {
  const { exponent, inShare, outShare, minimumMs, fadeS, memoryS } = settings;
  assert(exponent >= 1 && exponent <= 2, "an exponent from 1 to 2");
  assert(
    0 < outShare && outShare < inShare && inShare <= 1,
    "units go out below where they come in",
  );
  assert(minimumMs > 0 && fadeS > 0 && memoryS > 0, "units do not come and go at once");
  return {
    settings,
    socPercents: new Float64Array(units.length).fill(Number.NaN),
    isIn: new Uint8Array(units.length).fill(1),
    engaged: new Float64Array(units.length).fill(1),
    switchedAt: new Float64Array(units.length).fill(since),
    demandUpW: 0,
    demandDownW: 0,
    fills: new Float64Array(units.length).fill(0.5),
    emptyPercents: Float64Array.from(units, ({ soc }) =>
      Math.max(soc.reservePercent, soc.minPercent),
    ),
    fullPercents: Float64Array.from(units, ({ soc }) => soc.maxPercent),
    weights: new Float64Array(units.length),
  };
}

/**
 * Once in a cycle, before the power is shared: which of the members carry it. At most one comes or
 * goes in a cycle.
 *
 * @param members places of the units that can be asked; a silent one is none, or has no room
 */
export function selectUnits(
  state: EnergyShareState,
  shares: Shares,
  members: readonly number[],
  sight: SelectionSight,
): void {
  const { amountW, elapsedS } = sight;
  assert(elapsedS >= 0, "a cycle goes forward");
  const kept = Math.exp(-elapsedS / state.settings.memoryS);
  state.demandUpW = Math.max(amountW, state.demandUpW * kept, 0);
  state.demandDownW = Math.max(-amountW, state.demandDownW * kept, 0);
  readFills(state);
  if (!bringIn(state, shares, members, sight.now)) sendOut(state, shares, members, sight.now);
  engage(state, shares, elapsedS);
}

/**
 * Adds `amountW` to the members: by their energy to those that are in, then to those that are out,
 * then to whoever has room. Returns what nobody could take, W, with the sign of the amount. As
 * `shareEqually`, which it replaces where units differ.
 */
export function shareByEnergy(
  state: EnergyShareState,
  shares: Shares,
  members: readonly number[],
  amountW: number,
): number {
  assert(Number.isFinite(amountW), "a share is a number");
  const isUp = amountW > 0;
  weigh(state, shares, { members, isUp, isEngagedOnly: true });
  let leftW = pour(state.weights, shares, members, amountW);
  if (leftW === 0) return 0;
  weigh(state, shares, { members, isUp, isEngagedOnly: false });
  leftW = pour(state.weights, shares, members, leftW);
  return leftW === 0 ? 0 : shareEqually(shares, members, leftW);
}

/** How many of the members are in and can move. */
export function unitsIn(
  state: EnergyShareState,
  shares: Shares,
  members: readonly number[],
): number {
  let count = 0;
  for (let at = 0; at < members.length; at += 1) {
    const unit = itemAt(members, at);
    if (byteAt(state.isIn, unit) === 1 && isMovable(shares, unit)) count += 1;
  }
  return count;
}

function readFills(state: EnergyShareState): void {
  const { socPercents, emptyPercents, fullPercents, fills } = state;
  for (let unit = 0; unit < fills.length; unit += 1) {
    const socPercent = numberAt(socPercents, unit);
    if (Number.isNaN(socPercent)) continue;
    const emptyPercent = numberAt(emptyPercents, unit);
    const spanPercent = numberAt(fullPercents, unit) - emptyPercent;
    fills[unit] = clamp((socPercent - emptyPercent) / spanPercent, 0, 1);
  }
}

/** The fullest of those that are out, for as long as those that are in have too much to do. */
function bringIn(
  state: EnergyShareState,
  shares: Shares,
  members: readonly number[],
  now: number,
): boolean {
  if (suffices(state, shares, members, { without: -1, share: state.settings.inShare }))
    return false;
  const unit = best(state, shares, { members, now, isIn: 0 });
  if (unit < 0) return false;
  state.isIn[unit] = 1;
  state.switchedAt[unit] = now;
  return true;
}

/** The emptiest of those that are in, if the rest has little enough to do. */
function sendOut(
  state: EnergyShareState,
  shares: Shares,
  members: readonly number[],
  now: number,
): void {
  if (unitsIn(state, shares, members) < 2) return;
  const unit = best(state, shares, { members, now, isIn: 1 });
  if (unit < 0) return;
  const { outShare } = state.settings;
  if (!suffices(state, shares, members, { without: unit, share: outShare })) return;
  state.isIn[unit] = 0;
  state.switchedAt[unit] = now;
}

/** The fullest of those that are out, or the emptiest of those that are in; −1: none is due. */
function best(
  state: EnergyShareState,
  shares: Shares,
  { members, now, isIn }: { readonly members: readonly number[]; now: number; isIn: 0 | 1 },
): number {
  const { fills, switchedAt, settings } = state;
  // A power that is mostly taken is best taken by the emptiest.
  const isUp = state.demandUpW >= state.demandDownW;
  const wantsFull = isUp === (isIn === 0);
  let found = -1;
  let foundFill = 0;
  for (let at = 0; at < members.length; at += 1) {
    const unit = itemAt(members, at);
    if (byteAt(state.isIn, unit) !== isIn || !isMovable(shares, unit)) continue;
    if (now - numberAt(switchedAt, unit) < settings.minimumMs) continue;
    const fill = wantsFull ? numberAt(fills, unit) : 1 - numberAt(fills, unit);
    if (found >= 0 && fill <= foundFill) continue;
    found = unit;
    foundFill = fill;
  }
  return found;
}

/** True when those that are in, without one, can give both demands with a part of their limits. */
function suffices(
  state: EnergyShareState,
  shares: Shares,
  members: readonly number[],
  { without, share }: { readonly without: number; readonly share: number },
): boolean {
  let upW = 0;
  let downW = 0;
  for (let at = 0; at < members.length; at += 1) {
    const unit = itemAt(members, at);
    if (unit === without || byteAt(state.isIn, unit) === 0) continue;
    upW += Math.max(numberAt(shares.highsW, unit), 0);
    downW += Math.max(-numberAt(shares.lowsW, unit), 0);
  }
  return state.demandUpW <= share * upW && state.demandDownW <= share * downW;
}

/** A unit that comes back after a loss begins with nothing. */
function engage(state: EnergyShareState, shares: Shares, elapsedS: number): void {
  const { engaged, isIn, settings } = state;
  for (let unit = 0; unit < engaged.length; unit += 1) {
    const goal = byteAt(isIn, unit);
    const was = numberAt(engaged, unit);
    engaged[unit] = isMovable(shares, unit) ? towards(was, goal, elapsedS / settings.fadeS) : 0;
  }
}

function isMovable(shares: Shares, unit: number): boolean {
  return numberAt(shares.highsW, unit) > numberAt(shares.lowsW, unit);
}

function weigh(
  state: EnergyShareState,
  shares: Shares,
  turn: {
    readonly members: readonly number[];
    readonly isUp: boolean;
    readonly isEngagedOnly: boolean;
  },
): void {
  const { weights, fills, engaged, settings } = state;
  const { members, isUp, isEngagedOnly } = turn;
  for (let at = 0; at < members.length; at += 1) {
    const unit = itemAt(members, at);
    const limitW = isUp ? numberAt(shares.highsW, unit) : -numberAt(shares.lowsW, unit);
    const fill = numberAt(fills, unit);
    const weight = Math.max(limitW, 0) * (isUp ? fill : 1 - fill) ** settings.exponent;
    weights[unit] = isEngagedOnly ? weight * numberAt(engaged, unit) : weight;
  }
}

/**
 * In proportion to the weights; what one cannot take goes to the others. Ends after one pass per
 * member: each pass fills at least one of them or uses everything up.
 */
function pour(
  weights: Float64Array,
  shares: Shares,
  members: readonly number[],
  amountW: number,
): number {
  const { powersW } = shares;
  const isUp = amountW > 0;
  let leftW = amountW;
  for (let passes = members.length; passes > 0; passes -= 1) {
    if (Math.abs(leftW) <= NEGLIGIBLE_W) return 0;
    let sum = 0;
    for (let at = 0; at < members.length; at += 1) {
      const unit = itemAt(members, at);
      if (roomW(shares, unit, isUp) !== 0) sum += numberAt(weights, unit);
    }
    if (sum <= 0) return leftW;
    const perWeightW = leftW / sum;
    for (let at = 0; at < members.length; at += 1) {
      const unit = itemAt(members, at);
      const room = roomW(shares, unit, isUp);
      const partW = perWeightW * numberAt(weights, unit);
      const fromW = numberAt(powersW, unit);
      const toW = fromW + (isUp ? Math.min(partW, room) : Math.max(partW, room));
      powersW[unit] = toW;
      leftW -= toW - fromW;
    }
  }
  return Math.abs(leftW) <= NEGLIGIBLE_W ? 0 : leftW;
}
