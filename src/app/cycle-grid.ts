import { type MonotonicMs, monotonicMs } from "../domain/time.ts";
import type { CycleAlignment } from "../drivers/modbus/poll-schedule.ts";

/** No cycle is shorter or longer than its period by more than this … */
const SLEW_MAX_MS = 1;
/** … nor by more than this share of it. */
const SLEW_MAX_SHARE = 0.05;

/**
 * When cycles begin: cycle k at origin + k · period. The origin can be moved, by a little in each
 * cycle, so that cycles stand where a meter has just renewed its values.
 */
export class CycleGrid implements CycleAlignment {
  readonly periodMs: number;
  readonly #firstOriginMs: number;
  readonly #slewMs: number;
  #shiftMs = 0;
  #wantedMs = 0;
  #movedMs = 0;

  constructor(originMs: MonotonicMs, periodMs: number) {
    this.periodMs = periodMs;
    this.#firstOriginMs = originMs;
    this.#slewMs = Math.min(SLEW_MAX_MS, SLEW_MAX_SHARE * periodMs);
  }

  get originMs(): MonotonicMs {
    return monotonicMs(this.#firstOriginMs + this.#shiftMs);
  }

  /** How far the origin has been moved to and fro since the start, ms. */
  get movedMs(): number {
    return this.#movedMs;
  }

  /** Asks for cycles that begin so much later, or earlier, than they did at the start. */
  want(shiftMs: number): void {
    this.#wantedMs = shiftMs;
  }

  /** Moves towards what is wanted; called once in each cycle. */
  step(): void {
    const leftMs = this.#wantedMs - this.#shiftMs;
    const stepMs = Math.min(Math.max(leftMs, -this.#slewMs), this.#slewMs);
    this.#shiftMs += stepMs;
    this.#movedMs += Math.abs(stepMs);
  }
}
