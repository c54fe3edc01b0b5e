import { assert } from "../../domain/assert.ts";
import { numberAt } from "../../points/number-at.ts";
import { clearHistory, copyNewest, emptyHistory, type History, push } from "./predictor/history.ts";
import { peakAt } from "./predictor/period.ts";

const WINDOW_S = 40;
/** Fewer seconds than this show nothing. */
const LEAST_S = 15;
/** Between the two series at the right delay; less is not believed. */
const CORRELATION_MIN = 0.7;
/** A smaller delay is the true one when it fits within this as well: the load is periodic. */
const AS_GOOD = 0.05;
/** Slower movements than this do not count. */
const FAST_S = 2;
/** The command must have moved this much, part of the rating, rms. */
const MOVED_SHARE = 0.01;

/**
 * What one unit was asked for, and what it showed, cycle by cycle. One for every converter, and one
 * for all together: the sum, seen by the meter that the load is seen by, gives the whole delay of
 * the loop. Plain data; never grows.
 */
export interface DelayTrack {
  readonly commandsW: History;
  readonly measuredW: History;
}

/** What a search is computed from. Plain data that a worker can be sent; oldest first. */
export interface DelayRequest {
  readonly commandsW: Float64Array;
  readonly measuredW: Float64Array;
  /** Values of both that are used. */
  readonly count: number;
  readonly cycleMs: number;
  readonly delayMaxMs: number;
  readonly ratingW: number;
}

export type DelayEstimate =
  | { readonly result: "found"; readonly delayMs: number; readonly correlation: number }
  /** Too short, too still, or it does not follow at all. */
  | { readonly result: "not-enough" | "too-still" | "does-not-follow" };

export function createDelayTrack(cycleMs: number): DelayTrack {
  const kept = Math.ceil((WINDOW_S * 1_000) / cycleMs);
  return { commandsW: emptyHistory(kept), measuredW: emptyHistory(kept) };
}

/** @param measuredW NaN: not known, and nothing before it can be compared with what comes after */
export function trackDelay(track: DelayTrack, commandW: number, measuredW: number): void {
  if (Number.isNaN(measuredW)) {
    clearHistory(track.commandsW);
    clearHistory(track.measuredW);
    return;
  }
  push(track.commandsW, commandW);
  push(track.measuredW, measuredW);
}

/** A request of what the track holds now; its arrays are its own. */
export function delayRequest(
  track: DelayTrack,
  terms: Pick<DelayRequest, "cycleMs" | "delayMaxMs" | "ratingW">,
): DelayRequest {
  const commandsW = new Float64Array(track.commandsW.count);
  const measuredW = new Float64Array(track.measuredW.count);
  copyNewest(track.commandsW, commandsW);
  copyNewest(track.measuredW, measuredW);
  return { commandsW, measuredW, count: commandsW.length, ...terms };
}

/**
 * Finds the delay from a command to its effect in the readings, in parts of a cycle, by their
 * cross-correlation. Takes milliseconds: meant for a thread beside the cycle.
 */
export function identifyDelay(request: DelayRequest): DelayEstimate {
  const { commandsW, measuredW, count, cycleMs, delayMaxMs, ratingW } = request;
  assert(count <= commandsW.length && count <= measuredW.length, "a request of our own");
  const lags = Math.ceil(delayMaxMs / cycleMs) + 2;
  if (count * cycleMs < LEAST_S * 1_000 || count <= 2 * lags) return { result: "not-enough" };
  const window = Math.max(2, Math.round((FAST_S * 1_000) / cycleMs));
  const x = around(commandsW.subarray(0, count), window);
  const y = around(measuredW.subarray(0, count), window);
  const rows = x.length - lags;
  const rms = Math.sqrt(squares(x, 0, rows) / rows);
  if (rms < MOVED_SHARE * ratingW) return { result: "too-still" };
  const scores = correlations(x, y, lags);
  // A peak between two cycles is compared by its height there, not by that of the nearest cycle.
  let best = 0;
  for (let lag = 1; lag + 1 < lags; lag += 1)
    if (!Number.isNaN(peakAt(scores, lag))) best = Math.max(best, heightAt(scores, lag));
  if (best < CORRELATION_MIN) return { result: "does-not-follow" };
  for (let lag = 1; lag + 1 < lags; lag += 1) {
    const peak = peakAt(scores, lag);
    const correlation = heightAt(scores, lag);
    if (!Number.isNaN(peak) && correlation >= best - AS_GOOD)
      return { result: "found", delayMs: peak * cycleMs, correlation };
  }
  return { result: "does-not-follow" };
}

function correlations(x: Float64Array, y: Float64Array, lags: number): Float64Array {
  const rows = x.length - lags;
  const scores = new Float64Array(lags);
  const own = squares(x, 0, rows);
  for (let lag = 0; lag < lags; lag += 1) {
    let product = 0;
    for (let t = 0; t < rows; t += 1) product += numberAt(x, t) * numberAt(y, t + lag);
    const norm = own * squares(y, lag, rows);
    scores[lag] = norm > 0 ? product / Math.sqrt(norm) : 0;
  }
  return scores;
}

/** Height of the parabola through a value and its neighbours. */
function heightAt(scores: Float64Array, lag: number): number {
  const before = numberAt(scores, lag - 1);
  const here = numberAt(scores, lag);
  const after = numberAt(scores, lag + 1);
  const curvature = before - 2 * here + after;
  return curvature === 0 ? here : here - (before - after) ** 2 / (8 * curvature);
}

/**
 * What changes within about a second, of a series: what the reference does slowly looks the same at
 * every delay. The difference to the mean of a window that ends with the value.
 */
function around(values: Float64Array, window: number): Float64Array {
  const fast = new Float64Array(Math.max(values.length - window, 0));
  let sum = 0;
  for (let t = 0; t < values.length; t += 1) {
    sum += numberAt(values, t);
    if (t >= window) {
      sum -= numberAt(values, t - window);
      fast[t - window] = numberAt(values, t) - sum / window;
    }
  }
  return fast;
}

function squares(values: Float64Array, from: number, count: number): number {
  let sum = 0;
  for (let place = from; place < from + count; place += 1) sum += numberAt(values, place) ** 2;
  return sum;
}
