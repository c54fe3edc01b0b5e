import { guaranteedJ } from "../../../../src/control/smoothing/governor.ts";
import { NoControl, PlainLimiter, Product, siteSettings } from "./arms.ts";
import { compositeLoad, squareLoad, STEP_S } from "./loads.ts";
import {
  type Band,
  decibels,
  largestLineW,
  largestRamp,
  rmsIn,
  secondMeans,
  spectrumOf,
} from "./metrics.ts";
import { type Controller, MW, record, Rig, RIG } from "./rig.ts";
import { type LoopName, LOOPS } from "./timing.ts";

/** A load, and the site that it is smoothed at: the same for every arm. */
export interface Comparison {
  readonly name: string;
  readonly loadW: Float64Array;
  /** Seconds at the beginning that do not count: nobody has seen the load yet. */
  readonly settleS: number;
  readonly lowW: number;
  readonly highW: number;
  readonly rampWPerS: number;
}

export const ARMS = ["none", "plain", "product"] as const;
export type Arm = (typeof ARMS)[number];

const WHOLE: Band = { fromHz: 0.1, toHz: 20 };
const LINES: Band = { fromHz: 0.1, toHz: 3 };

/** What one arm made of a load. Decibels against the load itself; negative is better. */
export interface Outcome {
  readonly rmsDb: number;
  readonly lineDb: number;
  readonly slowBandDb: number;
  readonly fastBandDb: number;
  /** Fastest change of the one-second mean of the grid power within a second, W/s. */
  readonly secondRampWPerS: number;
  /** Fastest change of the reference in a cycle, part of what is allowed; NaN without one. */
  readonly referenceRampShare: number;
  readonly energyViolations: number;
  readonly identifiedMs: number;
}

export function squareComparison(hz: number, changes: { readonly seed?: number } = {}): Comparison {
  return {
    name: `square ${hz} Hz`,
    loadW: squareLoad({ seconds: 120, hz, ...changes }),
    settleS: 40,
    lowW: 190 * MW,
    highW: 430 * MW,
    rampWPerS: 2 * MW,
  };
}

/**
 * Other frequencies, duties, jitter and seeds. The limits between bands were chosen with 2.3, 2.6
 * and 3.4 Hz in view; nothing was tuned with those below 2 Hz.
 */
export const OTHER_LOADS = [
  { hz: 0.35, duty: 0.7 },
  { hz: 0.7, duty: 0.6 },
  { hz: 1.4, duty: 0.5 },
  { hz: 1.7, duty: 0.7 },
  { hz: 2.3, duty: 0.5 },
  { hz: 2.6, duty: 0.4 },
  { hz: 3.4, duty: 0.5 },
] as const;

export function otherComparison(load: (typeof OTHER_LOADS)[number]): Comparison {
  const terms = { seconds: 120, ...load, jitter: 0.02, levelJitter: 0.02, seed: 77 };
  return {
    ...squareComparison(load.hz),
    name: `other ${load.hz} Hz`,
    loadW: squareLoad(terms),
  };
}

export function compositeComparison(): Comparison {
  return {
    name: "composite job",
    loadW: compositeLoad(),
    settleS: 0,
    lowW: 140 * MW,
    highW: 430 * MW,
    rampWPerS: 2 * MW,
  };
}

/** The worse of the two bands, dB: harm in one is not made up for by the other. */
export function worstBandDb({ slowBandDb, fastBandDb }: Outcome): number {
  return Math.max(slowBandDb, fastBandDb);
}

/** Runs one arm on a comparison's load, over one of the chains of delays. */
export function compare(comparison: Comparison, loop: LoopName, arm: Arm): Outcome {
  const { loadW, settleS, lowW, highW, rampWPerS } = comparison;
  const timing = LOOPS[loop];
  const ratingW = 1.05 * (highW - lowW);
  const settings = siteSettings(timing, {
    lowW,
    highW,
    rampUpWPerS: rampWPerS,
    rampDownWPerS: rampWPerS,
    dischargeRatingW: ratingW,
    chargeRatingW: ratingW,
  });
  const usableJ = 1.1 * guaranteedJ(settings, settings.delayMs / 1_000);
  const controller = controllerOf(arm, settings, usableJ);
  const rig = new Rig({ ...RIG, timing, ratingW, usableJ, startJ: 0.9 * usableJ }, controller);
  const trace = record(rig, loadW);
  const from = Math.round(settleS / STEP_S);
  const load = spectrumOf(loadW.subarray(from), STEP_S);
  const gridW = trace.gridW.subarray(from);
  const grid = spectrumOf(gridW, STEP_S);
  const against = (band: Band): number => decibels(rmsIn(grid, band), rmsIn(load, band));
  const rampW = largestRamp(trace.referenceW, STEP_S, timing.cycleMs / 1_000);
  return {
    rmsDb: against(WHOLE),
    lineDb: decibels(largestLineW(grid, LINES), largestLineW(load, LINES)),
    slowBandDb: against({ fromHz: 0.1, toHz: 2 }),
    fastBandDb: against({ fromHz: 2, toHz: 20 }),
    secondRampWPerS: largestRamp(secondMeans(gridW, STEP_S), STEP_S, 1),
    referenceRampShare: arm === "none" ? Number.NaN : rampW / rampWPerS,
    energyViolations: trace.storedJ.filter((storedJ) => storedJ < 0 || storedJ > usableJ).length,
    identifiedMs: controller instanceof Product ? controller.state.delayMs : Number.NaN,
  };
}

function controllerOf(
  arm: Arm,
  settings: ReturnType<typeof siteSettings>,
  usableJ: number,
): Controller {
  switch (arm) {
    case "none":
      return new NoControl();
    case "plain":
      return new PlainLimiter(settings);
    case "product":
      return new Product(settings, { usableJ });
  }
}
