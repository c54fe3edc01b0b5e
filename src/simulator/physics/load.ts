import type { LoadParameters } from "./parameters.ts";
import { nextNormal, type RandomState } from "./random.ts";

/**
 * What the training hall does. `constant` draws one power; `square` alternates between low and high
 * once per iteration; `checkpoint` is high with a dip each minute.
 */
export type LoadPattern =
  | { readonly kind: "constant"; readonly powerW: number }
  | { readonly kind: "square" }
  | { readonly kind: "checkpoint" };

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
  };
}

/** A new pattern starts from its beginning: the first half of an iteration is high. */
export function startPattern(state: LoadState, pattern: LoadPattern): void {
  state.pattern = pattern;
  state.phase = 0;
  state.stretch = 1;
  state.elapsedS = 0;
}

/** Moves the load by `dtS`; an edge takes `edgeS` from low to high, whatever caused it. */
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
  switch (state.pattern.kind) {
    case "constant":
      return state.pattern.powerW;
    case "square": {
      state.phase += (dtS * parameters.iterationHz) / state.stretch;
      if (state.phase >= 1) {
        state.phase %= 1;
        // Three sigma: a period never becomes nothing, whatever the jitter.
        const normal = Math.min(Math.max(nextNormal(random), -3), 3);
        state.stretch = Math.max(0.1, 1 + parameters.jitter * normal);
      }
      return state.phase < parameters.duty ? parameters.highW : parameters.lowW;
    }
    case "checkpoint": {
      const untilNextS = parameters.checkpointEveryS - parameters.checkpointS;
      const isDip = state.elapsedS % parameters.checkpointEveryS >= untilNextS;
      return isDip ? parameters.checkpointW : parameters.highW;
    }
  }
}
