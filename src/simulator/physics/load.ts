import { dayJob } from "./day.ts";
import type { LoadParameters } from "./parameters.ts";
import { nextNormal, type RandomState } from "./random.ts";
import { meanOf, type Trace } from "./traces.ts";

/**
 * What the training hall does. `constant` draws one power; `square` alternates between low and high
 * once per iteration; `checkpoint` is high with a dip each minute; `day` is a day of jobs; `trace`
 * follows a recorded one.
 */
export type LoadPattern =
  | { readonly kind: "constant"; readonly powerW: number }
  | { readonly kind: "square" }
  | { readonly kind: "checkpoint" }
  | { readonly kind: "day" }
  | { readonly kind: "trace"; readonly trace: Trace };

export interface LoadState {
  pattern: LoadPattern;
  /** Power drawn now, W. */
  powerW: number;
  /** The same without the noise of thousands of power supplies. */
  patternW: number;
  /** Part of `patternW` by which it is off. */
  noise: number;
  /** Part of the iteration that has passed, 0 to 1. */
  phase: number;
  /** Length of this iteration relative to the nominal one. */
  stretch: number;
  /** Time in the pattern, s. */
  elapsedS: number;
  /** Corner of the trace that was passed last. */
  corner: number;
}

export function loadState(powerW: number): LoadState {
  return {
    pattern: { kind: "constant", powerW },
    powerW,
    patternW: powerW,
    noise: 0,
    phase: 0,
    stretch: 1,
    elapsedS: 0,
    corner: 0,
  };
}

/** A new pattern starts from its beginning: the first half of an iteration is high. */
export function startPattern(state: LoadState, pattern: LoadPattern): void {
  state.pattern = pattern;
  state.phase = 0;
  state.stretch = 1;
  state.elapsedS = 0;
  state.corner = 0;
}

/** The hall draws what its pattern begins with, or its mean where that swings: no edge. */
export function settleLoad(state: LoadState, parameters: LoadParameters): void {
  const { highW, lowW, duty } = parameters;
  const meanW = lowW + (highW - lowW) * duty;
  const { pattern } = state;
  if (pattern.kind === "constant") state.patternW = pattern.powerW;
  else if (pattern.kind === "trace") state.patternW = pattern.trace.powerW[0] ?? 0;
  else state.patternW = pattern.kind === "checkpoint" ? highW : meanW;
  state.noise = 0;
  state.powerW = state.patternW;
}

/** The feeder is dead: the job is lost, and idle machines come back with the voltage. */
export function darken(state: LoadState, parameters: LoadParameters): void {
  startPattern(state, { kind: "constant", powerW: parameters.idleW });
  state.patternW = 0;
  state.powerW = 0;
}

/**
 * Moves the load by `dtS`; an edge takes `edgeS` from low to high, whatever caused it. A step that
 * is too long to show the iterations draws their mean.
 */
export function stepLoad(
  state: LoadState,
  parameters: LoadParameters,
  random: RandomState,
  dtS: number,
): void {
  const stepMaxW = ((parameters.highW - parameters.lowW) / parameters.edgeS) * dtS;
  const wantedW = wantedPowerW(state, parameters, random, dtS);
  const missingW = wantedW - state.patternW;
  state.patternW += Math.min(Math.max(missingW, -stepMaxW), stepMaxW);
  const keep = Math.exp(-dtS / parameters.noiseTauS);
  const spread = parameters.noise * Math.sqrt(1 - keep * keep);
  state.noise = state.noise * keep + spread * nextNormal(random);
  state.powerW = state.patternW * (1 + state.noise);
}

function wantedPowerW(
  state: LoadState,
  parameters: LoadParameters,
  random: RandomState,
  dtS: number,
): number {
  state.elapsedS += dtS;
  const { pattern } = state;
  switch (pattern.kind) {
    case "constant":
      return pattern.powerW;
    case "square":
      return squareW(state, parameters, random, dtS);
    case "checkpoint": {
      const untilNextS = parameters.checkpointEveryS - parameters.checkpointS;
      const isDip = state.elapsedS % parameters.checkpointEveryS >= untilNextS;
      return isDip ? parameters.checkpointW : parameters.highW;
    }
    case "day":
      return dayW(state, parameters, random, dtS);
    case "trace": {
      const [powerW, corner] = meanOf(pattern.trace, state, dtS);
      state.corner = corner;
      return powerW;
    }
  }
}

function squareW(
  state: LoadState,
  parameters: LoadParameters,
  random: RandomState,
  dtS: number,
): number {
  const { highW, lowW, duty, iterationHz, jitter } = parameters;
  state.phase += (dtS * iterationHz) / state.stretch;
  if (state.phase >= 1) {
    state.phase %= 1;
    // Three sigma: a period never becomes nothing, whatever the jitter.
    const normal = Math.min(Math.max(nextNormal(random), -3), 3);
    state.stretch = Math.max(0.1, 1 + jitter * normal);
  }
  if (dtS * iterationHz > UNRESOLVED) return lowW + (highW - lowW) * duty;
  return state.phase < duty ? highW : lowW;
}

/** A step that takes more of an iteration than this cannot show its two halves. */
const UNRESOLVED = 0.25;

function dayW(
  state: LoadState,
  parameters: LoadParameters,
  random: RandomState,
  dtS: number,
): number {
  switch (dayJob(state.elapsedS)) {
    case "iterations":
      return squareW(state, parameters, random, dtS);
    case "high":
      return parameters.highW;
    case "checkpoint":
      return parameters.checkpointW;
    case "idle":
      return parameters.idleW;
  }
}
