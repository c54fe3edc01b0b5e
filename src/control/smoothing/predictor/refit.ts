import { assert } from "../../../domain/assert.ts";
import { numberAt } from "../../../points/number-at.ts";
import { periodOf } from "./period.ts";
import { type Emphasis, emphasis, isSlowHarmed, slowBandOf } from "./slow-band.ts";

/** What a refit is computed from. Plain data that a worker can be sent. */
export interface RefitRequest {
  /** Load of the last cycles, W, oldest first; the first `count` values. */
  readonly loadW: Float64Array;
  readonly count: number;
  readonly cycleMs: number;
  /** How far ahead is predicted, cycles; not a whole number as a rule. */
  readonly aheadCycles: number;
}

/** What the predictor uses until the next refit: an input of the cycle that takes it. */
export interface Coefficients {
  /** Load ahead − mean = Σ weights[i] · (load i cycles ago − mean); empty: none could be found. */
  readonly weights: Float64Array;
  readonly meanW: number;
  /** For this far ahead, cycles. */
  readonly aheadCycles: number;
  /** Period of the load, cycles; NaN: it has none. */
  readonly periodCycles: number;
}

export const REFIT = {
  /** Lags of the regression reach back this far. */
  lagsS: 2.5,
  windowS: 30,
  /** Of the mean diagonal. */
  ridge: 1e-3,
  /** A load that has just changed shows its period in the shorter ones first. */
  periodWindowsS: [20, 8, 4],
  /** By so much a shorter window has to show it better: a longer one knows more. */
  shorterBetter: 0.05,
  /** A new refit is due this often. */
  everyS: 1,
} as const;

const NONE = new Float64Array(0);

export function lagCount(cycleMs: number): number {
  return Math.max(1, Math.floor((REFIT.lagsS * 1_000) / cycleMs));
}

/** Cycles that a request holds at most. */
export function refitCycles(cycleMs: number, delayMaxMs: number): number {
  const windowMs = (REFIT.windowS + REFIT.lagsS) * 1_000 + delayMaxMs;
  return Math.ceil(windowMs / cycleMs) + 2;
}

/**
 * Fits the D-ahead regression and finds the period. Takes milliseconds: meant for a thread beside
 * the cycle.
 */
export function refit(request: RefitRequest): Coefficients {
  const { loadW, count, cycleMs, aheadCycles } = request;
  assert(count <= loadW.length && aheadCycles >= 0, "a request of our own");
  const periodCycles = newestPeriod(request);
  const lags = lagCount(cycleMs);
  const windowValues = Math.floor((REFIT.windowS * 1_000) / cycleMs);
  const reach = Math.ceil(aheadCycles);
  const used = Math.min(count, windowValues + lags + reach);
  const none = { weights: new Float64Array(0), meanW: 0, aheadCycles, periodCycles };
  if (used < lags + reach + windowValues / 3) return none;
  const values = loadW.slice(count - used, count);
  const meanW = centre(values);
  const band = slowBandOf(values, cycleMs);
  const emphasised = emphasis(band, { lags, cycleMs });
  const weights = regression(emphasised ?? { values, unrelated: NONE }, lags, aheadCycles);
  if (weights === undefined) return none;
  // Once there is something better, a period that repeats the line alone is none.
  const periods = Math.ceil(aheadCycles / periodCycles) * periodCycles;
  const isHarmful = !Number.isNaN(periods) && isSlowHarmed(band, periods);
  return { weights, meanW, aheadCycles, periodCycles: isHarmful ? Number.NaN : periodCycles };
}

function newestPeriod({ loadW, count, cycleMs, aheadCycles }: RefitRequest): number {
  let found = Number.NaN;
  let best = 0;
  for (const windowS of REFIT.periodWindowsS) {
    const values = Math.floor((windowS * 1_000) / cycleMs);
    if (count < values) continue;
    const period = periodOf(loadW.subarray(count - values, count), { cycleMs, aheadCycles });
    if (period.correlation <= best + (best > 0 ? REFIT.shorterBetter : 0)) continue;
    best = period.correlation;
    found = period.cycles;
  }
  return found;
}

function centre(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  const mean = sum / values.length;
  for (let place = 0; place < values.length; place += 1)
    values[place] = numberAt(values, place) - mean;
  return mean;
}

/** Ridge regression of the value `ahead` on the last `lags`; undefined for a load that is still. */
function regression(
  { values: x, unrelated }: Emphasis,
  lags: number,
  ahead: number,
): Float64Array | undefined {
  const first = lags - 1;
  const end = x.length - Math.ceil(ahead);
  const matrix = gram(x, lags, { first, end });
  if (unrelated.length > 0) addByDistance(matrix, lags, { unrelated, rows: end - first });
  let trace = 0;
  for (let lag = 0; lag < lags; lag += 1) trace += numberAt(matrix, lag * lags + lag);
  if (!(trace > 0)) return undefined;
  const ridge = (REFIT.ridge * trace) / lags;
  for (let lag = 0; lag < lags; lag += 1) {
    const place = lag * lags + lag;
    matrix[place] = numberAt(matrix, place) + ridge;
  }
  const right = rightSide(x, lags, { first, end, ahead });
  return solve(matrix, right) ? right : undefined;
}

/**
 * Gram[i, j] = Σ x[t − i] · x[t − j] over the rows t of [first, end). The windows overlap, so every
 * diagonal follows from its first item by one term more and one less.
 */
function gram(
  x: Float64Array,
  lags: number,
  { first, end }: { readonly first: number; readonly end: number },
): Float64Array {
  const matrix = new Float64Array(lags * lags);
  for (let apart = 0; apart < lags; apart += 1) {
    let sum = 0;
    for (let t = first; t < end; t += 1) sum += numberAt(x, t) * numberAt(x, t - apart);
    for (let i = 0; i + apart < lags; i += 1) {
      const j = i + apart;
      if (i > 0) {
        const before = first - i;
        const after = end - i;
        sum += numberAt(x, before) * numberAt(x, before - apart);
        sum -= numberAt(x, after) * numberAt(x, after - apart);
      }
      matrix[i * lags + j] = sum;
      matrix[j * lags + i] = sum;
    }
  }
  return matrix;
}

function addByDistance(
  matrix: Float64Array,
  lags: number,
  { unrelated, rows }: { readonly unrelated: Float64Array; readonly rows: number },
): void {
  for (let i = 0; i < lags; i += 1)
    for (let j = 0; j < lags; j += 1) {
      const place = i * lags + j;
      matrix[place] = numberAt(matrix, place) + rows * numberAt(unrelated, Math.abs(i - j));
    }
}

function rightSide(
  x: Float64Array,
  lags: number,
  rows: { readonly first: number; readonly end: number; readonly ahead: number },
): Float64Array {
  const { first, end, ahead } = rows;
  const whole = Math.floor(ahead);
  const share = ahead - whole;
  const reach = share > 0 ? 1 : 0;
  const right = new Float64Array(lags);
  for (let t = first; t < end; t += 1) {
    const near = numberAt(x, t + whole);
    const goal = near + share * (numberAt(x, t + whole + reach) - near);
    for (let lag = 0; lag < lags; lag += 1)
      right[lag] = numberAt(right, lag) + goal * numberAt(x, t - lag);
  }
  return right;
}

/** Cholesky; the solution takes the place of the right side. False when the matrix is singular. */
function solve(matrix: Float64Array, right: Float64Array): boolean {
  const size = right.length;
  for (let row = 0; row < size; row += 1) {
    for (let column = 0; column <= row; column += 1) {
      let sum = numberAt(matrix, row * size + column);
      for (let k = 0; k < column; k += 1)
        sum -= numberAt(matrix, row * size + k) * numberAt(matrix, column * size + k);
      if (column < row) {
        matrix[row * size + column] = sum / numberAt(matrix, column * size + column);
      } else {
        if (!(sum > 0)) return false;
        matrix[row * size + row] = Math.sqrt(sum);
      }
    }
  }
  for (let row = 0; row < size; row += 1) {
    let sum = numberAt(right, row);
    for (let k = 0; k < row; k += 1) sum -= numberAt(matrix, row * size + k) * numberAt(right, k);
    right[row] = sum / numberAt(matrix, row * size + row);
  }
  for (let row = size - 1; row >= 0; row -= 1) {
    let sum = numberAt(right, row);
    for (let k = row + 1; k < size; k += 1)
      sum -= numberAt(matrix, k * size + row) * numberAt(right, k);
    right[row] = sum / numberAt(matrix, row * size + row);
  }
  return true;
}
