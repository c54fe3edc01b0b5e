import {
  ARMS,
  type Comparison,
  compare,
  compositeComparison,
  squareComparison,
  OTHER_LOADS,
  otherComparison,
  worstBandDb,
} from "../control/smoothing/support/comparison.ts";
import { LOOP_NAMES, type LoopName } from "../control/smoothing/support/timing.ts";
import type { AddFigure, Bounds, FigureSink } from "./figures.ts";

/** dB that the product must reach, and what we would like, by load and chain of delays. */
const TARGETS: Readonly<Record<string, Partial<Record<LoopName, Bounds>>>> = {
  "square 1 Hz": {
    d30: { must: -18, aim: -21 },
    d95: { must: -8, aim: -9 },
    d225: { must: -8, aim: -9 },
  },
};
/** Of the largest line, dB. */
const LINE_TARGETS: Readonly<Record<string, Partial<Record<LoopName, Bounds>>>> = {
  "square 1 Hz": { d30: { must: -28 }, d225: { must: -13 } },
  "square 2 Hz": { d225: { must: -8 } },
};
/** No case may be worse than the load itself by more than this, dB. */
const HARM_MAX_DB = 0.3;
/** Nor in either of the two bands. */
const BAND_HARM = { must: 1, aim: 0.3 };
const RAMP_SHARE_MAX = 1.001;

export interface SmoothingTerms {
  readonly sink: FigureSink;
  /** Only cases whose name begins so. */
  readonly only: string;
}

/**
 * Grid power against load power for none, a plain ramp limiter and the product, on the same battery
 * behind the same delays: simulated meters and converters in virtual time, fixed seeds.
 */
export function smoothingBench({ sink, only }: SmoothingTerms): void {
  const comparisons = [0.2, 0.5, 1, 2, 3].map((hz) => squareComparison(hz));
  const others = OTHER_LOADS.map((load) => otherComparison(load));
  for (const comparison of [...comparisons, compositeComparison(), ...others])
    for (const loop of LOOP_NAMES) {
      const name = `${comparison.name} ${loop}`;
      if (!name.startsWith(only)) continue;
      sink.say(`smoothing: ${name}`);
      tell(comparison, loop, sink.forCase(name));
    }
}

function tell(comparison: Comparison, loop: LoopName, add: AddFigure): void {
  for (const arm of ARMS) {
    const outcome = compare(comparison, loop, arm);
    const isProduct = arm === "product";
    const bounds = isProduct ? (TARGETS[comparison.name]?.[loop] ?? { must: HARM_MAX_DB }) : {};
    const line = isProduct ? (LINE_TARGETS[comparison.name]?.[loop] ?? {}) : {};
    add(`${arm} rms 0.1-20 Hz`, outcome.rmsDb, "dB", bounds);
    add(`${arm} largest line`, outcome.lineDb, "dB", line);
    add(`${arm} rms 0.1-2 Hz`, outcome.slowBandDb, "dB");
    add(`${arm} rms 2-20 Hz`, outcome.fastBandDb, "dB");
    add(`${arm} worst band`, worstBandDb(outcome), "dB", isProduct ? BAND_HARM : {});
    add(`${arm} 1 s ramp`, outcome.secondRampWPerS / 1e6, "MW/s");
    if (arm === "none") continue;
    add(
      `${arm} reference ramp`,
      outcome.referenceRampShare,
      "of the limit",
      isProduct ? { must: RAMP_SHARE_MAX } : {},
    );
    add(
      `${arm} steps outside of the energy`,
      outcome.energyViolations,
      "steps",
      isProduct ? { must: 0 } : {},
    );
    if (isProduct) add("identified delay", outcome.identifiedMs, "ms");
  }
}
