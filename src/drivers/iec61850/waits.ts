import { GatewayError } from "../../domain/errors.ts";
import type { TimerWheel } from "../wheel.ts";

export interface Wait<T> {
  /** Rejects with LINK_TIMEOUT, the reason of the signal, or the error of `endAll`. */
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  /** Nobody waits any more. */
  readonly forget: () => void;
}

export interface WaitTerms {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

/** Waits for something that a device says by itself: each ends by a deadline at the latest. */
export class Waits {
  readonly #wheel: TimerWheel;
  readonly #ends = new Set<(error: unknown) => void>();

  constructor(wheel: TimerWheel) {
    this.#wheel = wheel;
  }

  get size(): number {
    return this.#ends.size;
  }

  begin<T>(terms: WaitTerms): Wait<T> {
    const { signal, timeoutMs } = terms;
    let resolve!: (value: T) => void;
    let reject!: (error: unknown) => void;
    const promise = new Promise<T>((accept, refuse) => {
      resolve = accept;
      reject = refuse;
    });
    // It may end before anybody looks: that is no uncaught error.
    promise.catch(() => undefined);
    const abort = () => {
      reject(signal.reason);
    };
    const timer = this.#wheel.schedule(timeoutMs, () => {
      reject(new GatewayError("LINK_TIMEOUT", { timeoutMs }));
    });
    this.#ends.add(reject);
    signal.addEventListener("abort", abort);
    if (signal.aborted) abort();
    const forget = () => {
      timer.cancel();
      this.#ends.delete(reject);
      signal.removeEventListener("abort", abort);
    };
    return { promise, resolve, forget };
  }

  endAll(error: unknown): void {
    for (const end of this.#ends) end(error);
    this.#ends.clear();
  }
}
