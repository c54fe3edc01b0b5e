/** How long something has been the case without a break. Plain data. */
export interface Held {
  /** Monotonic ms; NaN while it is not the case. */
  since: number;
}

/** After a longer pause controllers go on as if only this had passed, s: a pause is not a step. */
export const LONGEST_STEP_S = 5;

const MS_PER_S = 1_000;

export function notHeld(): Held {
  return { since: Number.NaN };
}

/** Notes whether it is the case now. @returns for how long it has been, ms; −1 while it is not */
export function heldMs(held: Held, isThere: boolean, now: number): number {
  if (!isThere) {
    held.since = Number.NaN;
    return -1;
  }
  if (Number.isNaN(held.since)) held.since = now;
  return now - held.since;
}

/** Time since the step before, s; 0 for the first, whose `steppedAt` is NaN. */
export function stepSeconds(steppedAt: number, now: number): number {
  if (Number.isNaN(steppedAt)) return 0;
  return Math.min(Math.max(0, (now - steppedAt) / MS_PER_S), LONGEST_STEP_S);
}

/** How far a first-order lag of `timeS` goes towards its end in `dtS`, 0 to 1. */
export function lagShare(dtS: number, timeS: number): number {
  return 1 - Math.exp(-dtS / timeS);
}
