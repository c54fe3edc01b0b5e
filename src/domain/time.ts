declare const brand: unique symbol;
/** Two branded numbers never mix by accident; the brand costs nothing at run time. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/**
 * Milliseconds on a clock that only moves forward, counted from boot (CLOCK_MONOTONIC). The same in
 * every process of this machine during one boot; used for every interval; never stored, never sent
 * north.
 */
export type MonotonicMs = Brand<number, "MonotonicMs">;

/**
 * Milliseconds since 1970-01-01T00:00:00Z. Meaningful to other machines; may jump; never used for
 * an interval.
 */
export type UtcMs = Brand<number, "UtcMs">;

export const monotonicMs = (ms: number): MonotonicMs => ms as MonotonicMs;
export const utcMs = (ms: number): UtcMs => ms as UtcMs;

/**
 * The only way any part of the gateway learns the time or waits. `SystemClock` in production,
 * `SimClock` in tests.
 */
export interface Clock {
  now(): MonotonicMs;
  utcNow(): UtcMs;
  /** Resolves after `ms`, or rejects with `signal.reason` as soon as `signal` aborts. */
  sleep(ms: number, signal?: AbortSignalLike): Promise<void>;
}

/** The part of `AbortSignal` the core may see, so that the core needs no DOM or Node types. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: "abort", listener: () => void, options?: { once?: boolean }): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

/** Asks anew: after an `await` the answer may be another one. */
export function isAborted(signal: AbortSignalLike): boolean {
  return signal.aborted;
}

/** @throws whatever the signal was aborted with */
export function throwIfAborted(signal: AbortSignalLike): void {
  if (signal.aborted) throw signal.reason;
}

/**
 * Waits `ms`, or until `signal` aborts: true when the time passed, false when there is nothing left
 * to wait for. A mistake of ours, such as a negative time, is still thrown.
 */
export async function slept(clock: Clock, ms: number, signal: AbortSignalLike): Promise<boolean> {
  try {
    await clock.sleep(ms, signal);
  } catch (error) {
    if (!isAborted(signal)) throw error;
  }
  return !isAborted(signal);
}
