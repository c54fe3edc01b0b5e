import type { UtcMs } from "../../domain/time.ts";

/**
 * What people at the box have decided, and what the hard-wired selector says. Nothing that comes
 * from afar undoes any of it. Plain data.
 */
export interface AuthorityState {
  /** A person took the box over; the selector can do the same. */
  isLocalAsked: boolean;
  /** Of the hard-wired selector, as the last cycle saw it; undefined: the site has none. */
  selector: "active" | "clear" | "unknown" | undefined;
  holds: readonly Hold[];
  lockouts: readonly Lockout[];
  yields: readonly Yield[];
  /** Grows with every change that has to be saved. */
  revision: number;
  /** Of the lockouts that the envelope keeps now. */
  lockedRevision: number;
}

/** An asset goes on with what it was last asked for, until it is released. */
export interface Hold {
  readonly asset: string;
  readonly by: string;
  readonly at: UtcMs;
}

/** Somebody else writes to an asset: it is left to them until it is released. */
export interface Yield {
  readonly asset: string;
  readonly at: UtcMs;
}

/** Nobody writes to an asset, not even protection: somebody works on it. */
export interface Lockout {
  readonly asset: string;
  /** Who alone lifts it. */
  readonly by: string;
  readonly at: UtcMs;
}

/** What is saved of it. */
export interface AuthorityRecord {
  readonly isLocalAsked: boolean;
  readonly holds: readonly Hold[];
  readonly lockouts: readonly Lockout[];
  readonly yields: readonly Yield[];
}

/** Who is said to have locked assets whose lockouts could not be read: anybody lifts those. */
export const UNREADABLE = "(unreadable)";

export function fullAuthority(): AuthorityState {
  return {
    isLocalAsked: false,
    selector: undefined,
    holds: [],
    lockouts: [],
    yields: [],
    revision: 0,
    // None: the first cycle locks what was saved.
    lockedRevision: -1,
  };
}

/** True while nothing from afar is taken. A selector that cannot be read says local. */
export function isLocal({ isLocalAsked, selector }: AuthorityState): boolean {
  return isLocalAsked || (selector !== undefined && selector !== "clear");
}

export function isHeldAsset({ holds }: AuthorityState, asset: string): boolean {
  return holds.some((hold) => hold.asset === asset);
}

export function lockoutOf({ lockouts }: AuthorityState, asset: string): Lockout | undefined {
  return lockouts.find((lockout) => lockout.asset === asset);
}

/** Why a command from afar is not taken, whatever it asks; undefined: this is no reason. */
export function authorityRefusal(
  state: AuthorityState,
  asset: string,
): AuthorityRefusal | undefined {
  if (isLocal(state)) return "local-mode";
  if (lockoutOf(state, asset) !== undefined) return "locked-out";
  if (hasYielded(state, asset)) return "another-writer";
  return isHeldAsset(state, asset) ? "held-locally" : undefined;
}

export type AuthorityRefusal = "local-mode" | "locked-out" | "another-writer" | "held-locally";

export function hasYielded({ yields }: AuthorityState, asset: string): boolean {
  return yields.some((one) => one.asset === asset);
}

/** Leaves an asset to whoever else writes to it. */
export function yieldAsset(state: AuthorityState, asset: string, at: UtcMs): void {
  if (hasYielded(state, asset)) return;
  state.yields = [...state.yields, { asset, at }];
  state.revision += 1;
}

/** Takes saved decisions back before the first cycle. */
export function restoreAuthority(state: AuthorityState, saved: AuthorityRecord): void {
  const { isLocalAsked, holds, lockouts, yields } = saved;
  state.isLocalAsked = isLocalAsked;
  state.holds = holds;
  state.lockouts = lockouts;
  state.yields = yields;
}

/**
 * Saved decisions could not be read: somebody may be at work on any asset, and may have taken the
 * box over. Protection alone still writes, as its latches demand.
 */
export function distrustAll(state: AuthorityState, assets: readonly string[], at: UtcMs): void {
  state.isLocalAsked = true;
  state.lockouts = assets.map((asset) => ({ asset, by: UNREADABLE, at }));
  state.revision += 1;
}

export function authorityRecord(state: AuthorityState): AuthorityRecord {
  const { isLocalAsked, holds, lockouts, yields } = state;
  return { isLocalAsked, holds, lockouts, yields };
}

/** What was saved; undefined for anything else than a whole record. */
export function parseAuthorityRecord(document: unknown): AuthorityRecord | undefined {
  if (typeof document !== "object" || document === null) return undefined;
  const { isLocalAsked, holds, lockouts, yields } = document as Readonly<Record<string, unknown>>;
  if (typeof isLocalAsked !== "boolean") return undefined;
  if (!Array.isArray(holds) || !holds.every(isNamed)) return undefined;
  if (!Array.isArray(lockouts) || !lockouts.every(isNamed)) return undefined;
  if (!Array.isArray(yields) || !yields.every(isYield)) return undefined;
  return { isLocalAsked, holds, lockouts, yields };
}

function isYield(entry: unknown): entry is Yield {
  if (typeof entry !== "object" || entry === null) return false;
  const { asset, at } = entry as Readonly<Record<string, unknown>>;
  return typeof asset === "string" && typeof at === "number";
}

function isNamed(entry: unknown): entry is Hold & Lockout {
  return isYield(entry) && "by" in entry && typeof entry.by === "string";
}
