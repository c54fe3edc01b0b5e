import { numberAt } from "../../../points/number-at.ts";

/** A period is believed from this correlation on … */
const CORRELATION_MIN = 0.5;
/** … and a shorter one is as good when it is within this of the best: it is the true one. */
const AS_GOOD = 0.03;
const SHORTEST_S = 0.3;

/** A period in cycles and parts of them, NaN: none; and how well the series repeats with it. */
export interface Period {
  readonly cycles: number;
  readonly correlation: number;
}

const NO_PERIOD: Period = { cycles: Number.NaN, correlation: 0 };

/**
 * Period of a series by its normalised autocorrelation. Of several that fit as well the shortest is
 * taken: a multiple of a period is one too.
 *
 * @param values oldest first; not changed
 */
export function periodOf(
  values: Float64Array,
  terms: { readonly cycleMs: number; readonly aheadCycles: number },
): Period {
  const { cycleMs, aheadCycles } = terms;
  const x = centred(values);
  const count = x.length;
  const first = Math.ceil(Math.max((SHORTEST_S * 1_000) / cycleMs, aheadCycles + 1));
  const scores = new Float64Array(Math.max(Math.floor(count / 2) - first, 0));
  const sums = squareSums(x);
  const allJ = numberAt(sums, count);
  if (!(allJ > 0)) return NO_PERIOD;
  let best = 0;
  for (let place = 0; place < scores.length; place += 1) {
    const lag = first + place;
    let product = 0;
    for (let t = lag; t < count; t += 1) product += numberAt(x, t) * numberAt(x, t - lag);
    const norm = numberAt(sums, count - lag) * (allJ - numberAt(sums, lag));
    const score = norm > 0 ? product / Math.sqrt(norm) : 0;
    scores[place] = score;
    best = Math.max(best, score);
  }
  if (best < CORRELATION_MIN) return NO_PERIOD;
  for (let place = 1; place + 1 < scores.length; place += 1) {
    const peak = peakAt(scores, place);
    if (!Number.isNaN(peak) && numberAt(scores, place) >= best - AS_GOOD)
      return { cycles: first + peak, correlation: numberAt(scores, place) };
  }
  return NO_PERIOD;
}

/** Place of a local maximum by the parabola through it and its neighbours; NaN: it is none. */
export function peakAt(scores: Float64Array, place: number): number {
  const before = numberAt(scores, place - 1);
  const here = numberAt(scores, place);
  const after = numberAt(scores, place + 1);
  if (here < before || here < after) return Number.NaN;
  const curvature = before - 2 * here + after;
  return curvature === 0 ? place : place + (0.5 * (before - after)) / curvature;
}

function centred(values: Float64Array): Float64Array {
  let sum = 0;
  for (const value of values) sum += value;
  const mean = sum / values.length;
  return values.map((value) => value - mean);
}

function squareSums(x: Float64Array): Float64Array {
  const sums = new Float64Array(x.length + 1);
  for (let place = 0; place < x.length; place += 1)
    sums[place + 1] = numberAt(sums, place) + numberAt(x, place) ** 2;
  return sums;
}
