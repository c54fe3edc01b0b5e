import { assert } from "../../../domain/assert.ts";
import { numberAt } from "../../../points/number-at.ts";
import { clamp } from "../../arbitration.ts";
import {
  addExtreme,
  clearExtremes,
  emptyExtremes,
  type Extremes,
  highestOf,
  lowestOf,
} from "./extremes.ts";
import { backAt, backOf, clearHistory, emptyHistory, type History, push } from "./history.ts";
import { type Coefficients, refitCycles } from "./refit.ts";

/** Ways to say what the load will be; the first knows nothing, the last does nothing fast. */
export const EXPERTS = ["hold", "template", "regression", "slow"] as const;
export type Expert = (typeof EXPERTS)[number];

const HOLD = 0;
const TEMPLATE = 1;
const REGRESSION = 2;
const SLOW = 3;

/** Values of the specification, §2.2. */
const SCORE_S = 5;
const RANGE_S = 30;
const SWITCH_SHARE = 0.9;
const EVENT_SHARE = 0.5;
const EVENT_MS = 60;
const EVENT_HOLD_S = 1.5;
/** A load that moves less than this part of its range within the delay is still. */
const STILL_SHARE = 0.005;
const NO_WEIGHTS = new Float64Array(0);

/**
 * Predicts the load as it will be when the battery's answer shows. Every expert says every cycle
 * what it believes; the one whose predictions have lately been best is listened to. Plain data.
 */
export interface PredictorState {
  readonly cycleS: number;
  readonly lowW: number;
  readonly highW: number;
  aheadCycles: number;
  readonly load: History;
  /** What each expert has said in the last cycles. */
  readonly said: readonly History[];
  /** What was used. */
  readonly used: History;
  readonly range: Extremes;
  /** Mean squared error of each expert, W². */
  readonly errors: Float64Array;
  /** What the experts say now, W. */
  readonly candidates: Float64Array;
  isScored: boolean;
  chosen: number;
  coefficients: Coefficients | undefined;
  /** Cycles in which the load has been far from what was predicted, and how many are an event. */
  surprises: number;
  readonly eventCyclesMin: number;
  /** Cycles that an event still forbids to predict. */
  eventCycles: number;
  events: number;
}

export function createPredictor(terms: {
  readonly cycleMs: number;
  readonly delayMs: number;
  readonly delayMaxMs: number;
  readonly loadPeriodMs: number;
  readonly lowW: number;
  readonly highW: number;
}): PredictorState {
  const { cycleMs, loadPeriodMs, delayMs, delayMaxMs, lowW, highW } = terms;
  const kept = Math.ceil(delayMaxMs / cycleMs) + 2;
  return {
    cycleS: cycleMs / 1_000,
    lowW,
    highW,
    aheadCycles: delayMs / cycleMs,
    load: emptyHistory(refitCycles(cycleMs, delayMaxMs)),
    said: EXPERTS.map(() => emptyHistory(kept)),
    used: emptyHistory(kept),
    range: emptyExtremes(Math.round((RANGE_S * 1_000) / cycleMs)),
    errors: new Float64Array(EXPERTS.length),
    candidates: new Float64Array(EXPERTS.length),
    isScored: false,
    chosen: HOLD,
    coefficients: undefined,
    surprises: 0,
    // An edge between two readings of the load may have been anywhere between them.
    eventCyclesMin: Math.max(
      2,
      Math.round(EVENT_MS / cycleMs),
      Math.round(loadPeriodMs / cycleMs) + 1,
    ),
    eventCycles: 0,
    events: 0,
  };
}

/** Forgets the load: what comes next does not continue what was. */
export function resetPredictor(state: PredictorState): void {
  clearHistory(state.load);
  clearHistory(state.used);
  for (const said of state.said) clearHistory(said);
  clearExtremes(state.range);
  state.isScored = false;
  state.chosen = HOLD;
  state.coefficients = undefined;
  state.surprises = 0;
  state.eventCycles = 0;
}

/** Another delay: what was said for the old one is no measure any more. */
export function setAhead(state: PredictorState, aheadCycles: number): void {
  assert(aheadCycles >= 0, "a prediction looks ahead");
  state.aheadCycles = aheadCycles;
  for (const said of state.said) clearHistory(said);
  clearHistory(state.used);
  const { coefficients } = state;
  // The period of the load is the same at every delay; the regression is not.
  if (coefficients !== undefined && coefficients.aheadCycles !== aheadCycles)
    state.coefficients = { ...coefficients, weights: NO_WEIGHTS, aheadCycles };
}

/** Takes what a refit found; one for another delay has come too late. */
export function takeCoefficients(state: PredictorState, coefficients: Coefficients): void {
  if (coefficients.aheadCycles === state.aheadCycles) state.coefficients = coefficients;
}

/** The expert that was used in the last cycle. */
export function expertOf(state: PredictorState): Expert {
  const expert = EXPERTS[state.eventCycles > 0 ? HOLD : state.chosen];
  assert(expert !== undefined, "one of the experts");
  return expert;
}

/** Mean squared error of the expert that is used, part of that of the slow mean; 1 at first. */
export function errorShare({ errors, chosen }: PredictorState): number {
  const slow = numberAt(errors, SLOW);
  return slow > 0 ? numberAt(errors, chosen) / slow : 1;
}

/**
 * Takes the load of this cycle and says what it will be `aheadCycles` later, W; never outside of
 * the declared range, nor of what it was in the last 30 s.
 *
 * @param meanW slow mean of the load
 * @param isSlowOnly true while predictions do harm: then nothing fast is answered
 */
export function stepPredictor(
  state: PredictorState,
  loadW: number,
  meanW: number,
  isSlowOnly: boolean,
): number {
  push(state.load, loadW);
  addExtreme(state.range, loadW);
  const lowestW = Math.max(lowestOf(state.range), state.lowW);
  const highestW = Math.min(highestOf(state.range), state.highW);
  ask(state, loadW, meanW);
  for (let expert = 0; expert < EXPERTS.length; expert += 1) {
    const sayW = numberAt(state.candidates, expert);
    // Without overlap the declared range is wrong, and the nearer of its ends is all there is.
    state.candidates[expert] = clamp(
      sayW,
      Math.min(lowestW, state.highW),
      Math.max(highestW, state.lowW),
    );
  }
  score(state, loadW);
  for (const [expert, said] of state.said.entries()) push(said, numberAt(state.candidates, expert));
  watchEvents(state, loadW, highestW - lowestW);
  const best = numberAt(state.candidates, state.chosen);
  push(state.used, best);
  if (isSlowOnly) return numberAt(state.candidates, SLOW);
  return state.eventCycles > 0 ? numberAt(state.candidates, HOLD) : best;
}

function ask(state: PredictorState, loadW: number, meanW: number): void {
  const { candidates, coefficients, errors } = state;
  candidates[HOLD] = loadW;
  candidates[SLOW] = meanW;
  const templateW = coefficients === undefined ? Number.NaN : template(state, coefficients);
  const regressionW = coefficients === undefined ? Number.NaN : regression(state, coefficients);
  // Who cannot say anything yet says what the better of the others says: once they can, it shows.
  const simpleW = numberAt(errors, SLOW) < numberAt(errors, HOLD) ? meanW : loadW;
  candidates[TEMPLATE] = Number.isNaN(templateW) ? simpleW : templateW;
  candidates[REGRESSION] = Number.isNaN(regressionW) ? simpleW : regressionW;
}

/** The load as many whole periods ago as reach beyond the delay. */
function template(state: PredictorState, { periodCycles }: Coefficients): number {
  if (Number.isNaN(periodCycles)) return Number.NaN;
  const periods = Math.max(1, Math.ceil(state.aheadCycles / periodCycles));
  return backAt(state.load, periods * periodCycles - state.aheadCycles);
}

function regression(state: PredictorState, { weights, meanW }: Coefficients): number {
  const { load } = state;
  if (weights.length === 0 || weights.length > load.count) return Number.NaN;
  let sum = meanW;
  for (let lag = 0; lag < weights.length; lag += 1)
    sum += numberAt(weights, lag) * (backOf(load, lag) - meanW);
  return sum;
}

function score(state: PredictorState, loadW: number): void {
  const { errors, said, aheadCycles, cycleS } = state;
  const share = Math.min(1, cycleS / SCORE_S);
  for (const [expert, history] of said.entries()) {
    // The newest of the history was said one cycle ago: what was said now is not in it yet.
    const saidW = backAt(history, Math.max(aheadCycles - 1, 0));
    if (Number.isNaN(saidW)) return;
    const error = (saidW - loadW) ** 2;
    const before = numberAt(errors, expert);
    errors[expert] = state.isScored ? before + share * (error - before) : error;
  }
  state.isScored = true;
  if (isStill(state)) {
    state.chosen = HOLD;
    return;
  }
  let best = state.chosen;
  for (let expert = 0; expert < EXPERTS.length; expert += 1)
    if (numberAt(errors, expert) < numberAt(errors, best)) best = expert;
  if (numberAt(errors, best) < SWITCH_SHARE * numberAt(errors, state.chosen)) state.chosen = best;
}

/**
 * There is nothing to predict of a load that is still, and whoever is best at its noise answers a
 * step out of it late.
 */
function isStill({ errors, lowW, highW }: PredictorState): boolean {
  return numberAt(errors, HOLD) < (STILL_SHARE * (highW - lowW)) ** 2;
}

/** A checkpoint, a stop, a fault: the load does what it has never done, so nothing is predicted. */
function watchEvents(state: PredictorState, loadW: number, rangeW: number): void {
  const { used, aheadCycles, cycleS } = state;
  if (state.eventCycles > 0) state.eventCycles -= 1;
  const usedW = backAt(used, Math.max(aheadCycles - 1, 0));
  if (Number.isNaN(usedW)) return;
  // Whoever takes the load as it is has predicted nothing, and is surprised by every edge.
  const isSurprise = Math.abs(loadW - usedW) > EVENT_SHARE * rangeW;
  state.surprises = isSurprise ? state.surprises + 1 : 0;
  if (state.surprises < state.eventCyclesMin) return;
  if (state.eventCycles === 0) state.events += 1;
  state.eventCycles = Math.round(EVENT_HOLD_S / cycleS);
}
