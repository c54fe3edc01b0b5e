import {
  createSmoothing,
  loopDelayRequest,
  refitRequest,
  type SmoothingState,
  stepSmoothing,
  takeDelay,
  takeRefit,
} from "../../../../src/control/smoothing/smoothing.ts";
import { identifyDelay } from "../../../../src/control/smoothing/delay.ts";
import { smoothingInputs, smoothingOut } from "../../../../src/control/smoothing/exchange.ts";
import { type Coefficients, refit } from "../../../../src/control/smoothing/predictor/refit.ts";
import type { SmoothingSettings } from "../../../../src/control/smoothing/settings.ts";
import { monotonicMs } from "../../../../src/domain/time.ts";
import { type Controller, MW, type Readings } from "./rig.ts";
import type { LoopTiming } from "./timing.ts";

/** Settings of a site with a load of 200 to 400 MW, R = 1 MW/s. */
export function siteSettings(
  timing: LoopTiming,
  changes: Partial<SmoothingSettings> = {},
): SmoothingSettings {
  return {
    cycleMs: timing.cycleMs,
    meterPeriodMs: timing.meterMs,
    delayMs: timing.delayMs,
    unseenMs: 0,
    delayMaxMs: 800,
    rampUpWPerS: MW,
    rampDownWPerS: MW,
    lowW: 200 * MW,
    highW: 400 * MW,
    dischargeRatingW: 220 * MW,
    chargeRatingW: 220 * MW,
    dischargeEfficiency: 0.95,
    chargeEfficiency: 0.95,
    energyErrorJ: 0,
    deadbandW: 0,
    dailyThroughputJ: Infinity,
    lineLimitW: Infinity,
    blindMs: 1_000,
    ...changes,
  };
}

/** The battery does nothing. */
export class NoControl implements Controller {
  readonly referenceW = Number.NaN;

  step(): number {
    return 0;
  }
}

/**
 * The usual practice: the reference follows a slow mean with a ramp limit and a state-of-charge
 * term, and the battery covers the load as it was just measured. No governor, no prediction.
 */
export class PlainLimiter implements Controller {
  referenceW = Number.NaN;
  readonly #settings: SmoothingSettings;
  readonly #restorePerS: number;
  #meanW = 0;
  #givenJ = 0;

  /** @param restorePerS grid power per energy given, 1/s */
  constructor(settings: SmoothingSettings, restorePerS = 0.02) {
    this.#settings = settings;
    this.#restorePerS = restorePerS;
  }

  step({ loadW, batteryW }: Readings): number {
    const { cycleMs, rampUpWPerS, rampDownWPerS, dischargeRatingW } = this.#settings;
    const cycleS = cycleMs / 1_000;
    if (Number.isNaN(this.referenceW)) {
      this.#meanW = loadW;
      this.referenceW = loadW;
    }
    this.#meanW += (cycleS / 20) * (loadW - this.#meanW);
    this.#givenJ += batteryW * cycleS;
    const wantedW = this.#meanW + this.#restorePerS * this.#givenJ - this.referenceW;
    this.referenceW += Math.max(-rampDownWPerS * cycleS, Math.min(rampUpWPerS * cycleS, wantedW));
    const powerW = loadW - this.referenceW;
    return Math.max(-dischargeRatingW, Math.min(dischargeRatingW, powerW));
  }
}

const REFIT_MS = 1_000;
/** A refit is computed beside the cycle and used when it is ready. */
const REFIT_TAKES_MS = 100;
const IDENTIFY_MS = 20_000;

/** The product: smoothing with its refits, as if a worker made them. */
export class Product implements Controller {
  readonly state: SmoothingState;
  readonly inputs = smoothingInputs(monotonicMs(0));
  readonly out = smoothingOut();
  /** False: the delay stays as it is configured. */
  identifies = true;
  /** Called before every cycle. */
  before: (product: Product) => void = () => undefined;
  #refitAt = REFIT_MS;
  #identifyAt = IDENTIFY_MS;
  #ready: { readonly at: number; readonly found: Coefficients } | undefined;

  constructor(
    settings: SmoothingSettings,
    battery: { readonly usableJ: number; readonly refitMs?: number },
  ) {
    this.state = createSmoothing(settings, monotonicMs(0));
    this.inputs.ceilingJ = battery.usableJ;
    this.#refitMs = battery.refitMs ?? REFIT_MS;
  }

  readonly #refitMs: number;

  get referenceW(): number {
    return this.out.referenceW;
  }

  step(readings: Readings): number {
    const { inputs, out, state } = this;
    inputs.now = monotonicMs(readings.atMs);
    inputs.loadW = readings.loadW;
    inputs.gridW = readings.gridW;
    inputs.batteryW = readings.batteryW;
    inputs.answerW = readings.loadW - readings.gridW;
    inputs.storedJ = readings.storedJ;
    this.before(this);
    this.#refit(readings.atMs);
    stepSmoothing(state, inputs, out);
    return out.powerW;
  }

  #refit(atMs: number): void {
    if (this.#ready !== undefined && atMs >= this.#ready.at) {
      takeRefit(this.state, this.#ready.found);
      this.#ready = undefined;
    }
    if (atMs >= this.#refitAt) {
      this.#refitAt = atMs + this.#refitMs;
      this.#ready = { at: atMs + REFIT_TAKES_MS, found: refit(refitRequest(this.state)) };
    }
    if (this.identifies && atMs >= this.#identifyAt) {
      this.#identifyAt = atMs + IDENTIFY_MS;
      takeDelay(this.state, identifyDelay(loopDelayRequest(this.state)));
    }
  }
}
