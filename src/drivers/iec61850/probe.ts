import { assert } from "../../domain/assert.ts";
import type { TimerWheel, WheelTimer } from "../wheel.ts";

/** Probes without an answer after which a device is gone. */
const MISSES_MAX = 2;
/**
 * Of the probe period: silence before the first probe, and how long each probe may take. A device
 * that falls silent just after it was heard is gone after 2.2 periods: with one second, the
 * turns of the wheel and a busy machine, within two and a half.
 */
const IDLE_SHARE = 0.4;
const ANSWER_SHARE = 0.7;

export interface ProbeTerms {
  readonly wheel: TimerWheel;
  readonly periodMs: number;
  /** Sends a probe; any whole packet from the device is its answer. */
  readonly send: () => void;
  readonly gone: (silentMs: number) => void;
}

/**
 * Watches a link on which the network may say nothing when the device is gone. A device that talks
 * is never probed; one that falls silent is gone after about two periods: four tenths of a period
 * of silence, and two probes of seven tenths each.
 */
export class LinkProbe {
  readonly #terms: ProbeTerms;
  #timer: WheelTimer | undefined;
  #hasHeard = false;
  #unanswered = 0;
  readonly counters = { probes: 0, probeMisses: 0 };

  constructor(terms: ProbeTerms) {
    assert(terms.periodMs > 0, "a link is probed in a period");
    this.#terms = terms;
  }

  start(): void {
    this.#wait(IDLE_SHARE);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** Something whole came. */
  hear(): void {
    this.#hasHeard = true;
  }

  #wait(share: number): void {
    this.#timer = this.#terms.wheel.schedule(this.#terms.periodMs * share, () => {
      this.#look();
    });
  }

  #look(): void {
    if (this.#hasHeard) {
      this.#hasHeard = false;
      this.#unanswered = 0;
      this.#wait(IDLE_SHARE);
      return;
    }
    if (this.#unanswered > 0) this.counters.probeMisses += 1;
    if (this.#unanswered >= MISSES_MAX) {
      this.#timer = undefined;
      this.#terms.gone(this.#terms.periodMs * (IDLE_SHARE + MISSES_MAX * ANSWER_SHARE));
      return;
    }
    this.#unanswered += 1;
    this.counters.probes += 1;
    this.#wait(ANSWER_SHARE);
    this.#terms.send();
  }
}
