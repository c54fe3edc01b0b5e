import { assert } from "../domain/assert.ts";
import type { MonotonicMs } from "../domain/time.ts";

/** Allows `perS` events a second on average and `burst` at once. */
export class TokenBucket {
  readonly #perS: number;
  readonly #burst: number;
  #tokens: number;
  #filledAt: MonotonicMs;

  constructor(limits: { readonly perS: number; readonly burst: number }, now: MonotonicMs) {
    assert(limits.perS > 0 && limits.burst >= 1, "a bucket must let something through");
    this.#perS = limits.perS;
    this.#burst = limits.burst;
    this.#tokens = limits.burst;
    this.#filledAt = now;
  }

  /** True and one less, or false. */
  take(now: MonotonicMs): boolean {
    const filled = this.#tokens + ((now - this.#filledAt) / 1_000) * this.#perS;
    this.#tokens = Math.min(this.#burst, filled);
    this.#filledAt = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
