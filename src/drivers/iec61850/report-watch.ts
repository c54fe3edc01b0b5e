import type { TimerWheel, WheelTimer } from "../wheel.ts";

/** A device may be late by one report and a half. */
const SILENCE_PERIODS = 2.5;

/** Notices that a block, which reports in a period, no longer does. */
export class ReportWatch {
  readonly #wheel: TimerWheel;
  readonly #silenceMs: number;
  readonly #silent: (silentMs: number) => void;
  #timer: WheelTimer | undefined;
  #isStopped = false;

  /** @param integrityMs 0 for a block that reports only changes: there is nothing to expect */
  constructor(wheel: TimerWheel, integrityMs: number, silent: (silentMs: number) => void) {
    this.#wheel = wheel;
    this.#silenceMs = integrityMs * SILENCE_PERIODS;
    this.#silent = silent;
  }

  start(): void {
    this.hear();
  }

  /** A report came: the silence begins anew. */
  hear(): void {
    if (this.#silenceMs === 0 || this.#isStopped) return;
    this.#timer?.cancel();
    this.#timer = this.#wheel.schedule(this.#silenceMs, () => {
      this.#timer = undefined;
      this.#silent(this.#silenceMs);
    });
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }
}
