import type { MonotonicMs } from "../../domain/time.ts";

/** First wait after a connection broke: most breaks are a broker's restart, ms. */
export const BACKOFF_QUICK_MS = 200;
export const BACKOFF_FIRST_MS = 1_000;
export const BACKOFF_MAX_MS = 60_000;

/**
 * Waits between attempts: one quick one, then decorrelated jitter, so that a thousand gateways do
 * not come back to a broker in the same second.
 * @see Brooker, "Exponential Backoff And Jitter" (decorrelated jitter)
 */
export class Backoff {
  readonly #random: () => number;
  #lastMs = 0;

  /** @param random uniform in [0, 1) */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** How long to wait now, ms. */
  next(): number {
    if (this.#lastMs === 0) {
      this.#lastMs = BACKOFF_QUICK_MS;
      return BACKOFF_QUICK_MS;
    }
    const highMs = Math.max(this.#lastMs * 3, BACKOFF_FIRST_MS * 2);
    const waitMs = BACKOFF_FIRST_MS + this.#random() * (highMs - BACKOFF_FIRST_MS);
    this.#lastMs = Math.min(waitMs, BACKOFF_MAX_MS);
    return this.#lastMs;
  }

  reset(): void {
    this.#lastMs = 0;
  }
}

/** Share of the newest second in the smoothed rate. */
const NEWEST_SHARE = 0.3;
const SECOND_MS = 1_000;

/** Events per second, smoothed over a few seconds. */
export class RateMeter {
  #since: MonotonicMs | undefined;
  #count = 0;
  #perS = 0;

  add(now: MonotonicMs): void {
    this.#roll(now);
    this.#count += 1;
  }

  perS(now: MonotonicMs): number {
    this.#roll(now);
    return this.#perS;
  }

  #roll(now: MonotonicMs): void {
    this.#since ??= now;
    const elapsedMs = now - this.#since;
    if (elapsedMs < SECOND_MS) return;
    const isFirst = this.#perS === 0;
    const newest = (this.#count * SECOND_MS) / elapsedMs;
    // A long silence weighs as many seconds as it lasted.
    const share = isFirst ? 1 : 1 - (1 - NEWEST_SHARE) ** (elapsedMs / SECOND_MS);
    this.#perS += (newest - this.#perS) * share;
    this.#since = now;
    this.#count = 0;
  }
}

/** Longest burst that a bucket allows, in time at its rate, ms. */
const BURST_MS = 250;

/** Lets through a rate that its owner may change at any time. */
export class TokenBucket {
  #tokens = 0;
  #filledAt: MonotonicMs | undefined;

  refill(now: MonotonicMs, ratePerS: number): void {
    const elapsedMs = Math.max(0, now - (this.#filledAt ?? now));
    this.#filledAt = now;
    const most = Math.max(1, (ratePerS * BURST_MS) / SECOND_MS);
    this.#tokens = Math.min(most, this.#tokens + (ratePerS * elapsedMs) / SECOND_MS);
  }

  /** True and one less, or false. */
  take(): boolean {
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
