import { assert } from "../../domain/assert.ts";
import { PRIORITIES, type Priority } from "../flexibility.ts";

/** Less than this is not asked of anybody, W. */
export const SHARE_MIN_W = 1_000;

/** What a workload can still give. */
export interface Ability {
  readonly workload: string;
  readonly priority: Priority;
  /** Mean power that it draws, or will when it has done what it was asked already, W. */
  readonly powerW: number;
  /** Undefined: it cannot be throttled. */
  readonly throttleToW: number | undefined;
  readonly canPause: boolean;
}

/** What one workload is to give. */
export interface Share {
  readonly workload: string;
  readonly action: "throttle" | "pause";
  /** What it may draw afterwards, W. */
  readonly targetW: number;
  /** What goes by that, W. */
  readonly savesW: number;
}

export interface Allocation {
  readonly shares: readonly Share[];
  /** What nobody of them can give, W. */
  readonly restW: number;
}

/**
 * Spreads a need over workloads, those of the lowest priority first: throttled, none below its
 * least power and none further than the need; where that does not suffice, paused in the same
 * order. Of the same priority who can give more comes first, so that few are disturbed.
 */
export function allocateShed(needW: number, abilities: readonly Ability[]): Allocation {
  assert(needW >= 0, "a need is not negative");
  const inOrder = [...abilities].sort(byTurn);
  const shares = new Map<string, Share>();
  let restW = needW;
  for (const { workload, powerW, throttleToW } of inOrder) {
    if (restW < SHARE_MIN_W) break;
    const mostW = throttleToW === undefined ? 0 : powerW - throttleToW;
    const savesW = Math.min(restW, mostW);
    if (savesW < SHARE_MIN_W) continue;
    shares.set(workload, { workload, action: "throttle", targetW: powerW - savesW, savesW });
    restW -= savesW;
  }
  for (const { workload, powerW, canPause } of inOrder) {
    if (restW < SHARE_MIN_W) break;
    const moreW = powerW - (shares.get(workload)?.savesW ?? 0);
    if (!canPause || moreW < SHARE_MIN_W) continue;
    shares.set(workload, { workload, action: "pause", targetW: 0, savesW: powerW });
    restW -= moreW;
  }
  return { shares: [...shares.values()], restW: Math.max(0, restW) };
}

function byTurn(one: Ability, other: Ability): number {
  const byPriority = PRIORITIES.indexOf(one.priority) - PRIORITIES.indexOf(other.priority);
  if (byPriority !== 0) return byPriority;
  const byPower = givesW(other) - givesW(one);
  return byPower === 0 ? (one.workload < other.workload ? -1 : 1) : byPower;
}

function givesW({ powerW, throttleToW, canPause }: Ability): number {
  return canPause ? powerW : powerW - (throttleToW ?? powerW);
}
