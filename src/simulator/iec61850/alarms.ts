import { type AbortSignalLike, type Clock, slept } from "../../domain/time.ts";

/** Things to do later, on the clock that was passed in. They end with the signal. */
export class Alarms {
  readonly #clock: Clock;
  readonly #pending = new Set<AbortController>();
  #isEnded: boolean;

  constructor(clock: Clock, signal: AbortSignalLike) {
    this.#clock = clock;
    this.#isEnded = signal.aborted;
    signal.addEventListener(
      "abort",
      () => {
        this.#isEnded = true;
        for (const alarm of this.#pending) alarm.abort();
      },
      { once: true },
    );
  }

  /** How many wait. */
  get size(): number {
    return this.#pending.size;
  }

  /** Does it after `ms`, never at once. @returns what takes it back */
  after(ms: number, action: () => void): () => void {
    const alarm = new AbortController();
    if (!this.#isEnded) {
      this.#pending.add(alarm);
      void this.#wait(ms, alarm, action);
    }
    return () => {
      alarm.abort();
    };
  }

  async #wait(ms: number, alarm: AbortController, action: () => void): Promise<void> {
    const isDue = await slept(this.#clock, ms, alarm.signal);
    this.#pending.delete(alarm);
    if (isDue) action();
  }
}
