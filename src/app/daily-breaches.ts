import type { CycleResult } from "../control/exchange.ts";
import type { ControlState } from "../control/state.ts";

/** Means that are compared are of so long, ms. */
const MEAN_MS = 1_000;
/** Incidents that are nearer to each other are one. */
const CALM_MS = 5_000;
/** What the loop's delay lets through of a swing: this many times its part of a second. */
const DELAY_SHARE = 1.2;
/** Noise of the meter, part of the connection, each second. */
const NOISE_SHARE = 0.002;
/** Events that declare a breach. */
const DECLARING: ReadonlySet<string> = new Set(["ramp-breach", "import-limit-exceeded"]);

const NOTHING_SMOOTHS = { mode: "standby", delayMs: 0 } as const;

export interface BreachCounts {
  declared: number;
  undeclared: number;
}

/**
 * Counts what went beyond the ramp and the import limit: what control declared itself, and, by the
 * meter's means of a second, what it did not.
 */
export class BreachWatch {
  #sumW = 0;
  #samples = 0;
  #leastW = Infinity;
  #mostW = -Infinity;
  #swingBeforeW = 0;
  #meanBeforeW = Number.NaN;
  #meanFrom = Number.NaN;
  #declaredAt = -Infinity;
  #undeclaredAt = -Infinity;
  /** A breach that was seen and not yet declared: control has as long as a calm for its word. */
  #openAt: number | undefined;

  observe(state: ControlState, { events }: Pick<CycleResult, "events">, to: BreachCounts): void {
    const now = state.cycledAt;
    for (const { id, phase } of events) {
      if (!DECLARING.has(id) || phase === "cleared") continue;
      to.declared += 1;
      this.#declaredAt = now;
    }
    if (this.#isBeyond(state)) this.#openAt ??= now;
    if (this.#openAt === undefined) return;
    if (now - this.#declaredAt <= CALM_MS) this.#openAt = undefined;
    else if (now - this.#openAt >= CALM_MS) {
      if (this.#openAt - this.#undeclaredAt > CALM_MS) to.undeclared += 1;
      this.#undeclaredAt = now;
      this.#openAt = undefined;
    }
  }

  /** True in the cycle that ends a second in which the import went further than it may. */
  #isBeyond(state: ControlState): boolean {
    const { grid, plan, cycledAt: now } = state;
    if (grid.source === "none") {
      this.#forget();
      return false;
    }
    if (Number.isNaN(this.#meanFrom)) this.#meanFrom = now;
    this.#sumW += grid.gridW;
    this.#samples += 1;
    this.#leastW = Math.min(this.#leastW, grid.loadW);
    this.#mostW = Math.max(this.#mostW, grid.loadW);
    if (now - this.#meanFrom < MEAN_MS) return false;
    const meanW = this.#sumW / this.#samples;
    const swingW = this.#mostW - this.#leastW;
    const rampW = meanW - this.#meanBeforeW;
    const isBeyond =
      meanW > plan.grid.importLimitW * (1 + NOISE_SHARE) ||
      isBeyondRamp(state, rampW, Math.max(swingW, this.#swingBeforeW));
    this.#meanBeforeW = meanW;
    this.#swingBeforeW = swingW;
    this.#restart(now);
    return isBeyond;
  }

  #forget(): void {
    this.#restart(Number.NaN);
    this.#meanBeforeW = Number.NaN;
    this.#swingBeforeW = 0;
  }

  #restart(from: number): void {
    this.#meanFrom = from;
    this.#sumW = 0;
    this.#samples = 0;
    this.#leastW = Infinity;
    this.#mostW = -Infinity;
  }
}

/** Where nothing smooths the load, its own ramps are nobody's breach. */
function isBeyondRamp(state: ControlState, rampW: number, swingW: number): boolean {
  const { mode, delayMs } = state.smoothing?.smoothing ?? NOTHING_SMOOTHS;
  if (mode === "init" || mode === "standby") return false;
  const { rampUpWPerS, rampDownWPerS, importLimitW } = state.plan.grid;
  const passingW = (DELAY_SHARE * swingW * delayMs) / MEAN_MS + NOISE_SHARE * importLimitW;
  return rampW > rampUpWPerS + passingW || -rampW > rampDownWPerS + passingW;
}
