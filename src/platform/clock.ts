import {
  type AbortSignalLike,
  type Clock,
  type MonotonicMs,
  monotonicMs,
  type UtcMs,
  utcMs,
} from "../domain/time.ts";

/** setTimeout takes no more: about 24.8 days. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The machine's clock. `now` is CLOCK_MONOTONIC, so that all processes of one boot agree on it. */
export class SystemClock implements Clock {
  now(): MonotonicMs {
    const [seconds, nanoseconds] = process.hrtime();
    return monotonicMs(seconds * 1e3 + nanoseconds / 1e6);
  }

  utcNow(): UtcMs {
    return utcMs(Date.now());
  }

  /** To the resolution of Node's timers: about a millisecond to either side. */
  async sleep(ms: number, signal?: AbortSignalLike): Promise<void> {
    if (signal?.aborted === true) throw signal.reason;
    await new Promise<void>((resolve, reject) => {
      const abort = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", abort);
        reject(signal?.reason);
      };
      const wake = () => {
        signal?.removeEventListener("abort", abort);
        resolve();
      };
      const timer = setTimeout(wake, Math.min(ms, LONGEST_TIMER_MS));
      signal?.addEventListener("abort", abort);
    });
  }
}
