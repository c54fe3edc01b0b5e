import { numberAt } from "../../points/number-at.ts";
import { backOf, emptyHistory, type History, push } from "./predictor/history.ts";
import type { SmoothingSettings } from "./settings.ts";

/** Lines a tenth of a hertz apart need ten seconds. */
const WINDOW_S = 10;
const LOWEST_HZ = 0.1;
const HIGHEST_HZ = 6;
/** Of the meter's own rate: above it a line shows at another frequency, or not at all. */
const METER_SHARE = 0.4;
/** Longer than the window: a single step, which is a line of all frequencies, is no alarm. */
const RAISE_S = 15;
/** Cleared after so long below a part of the limit. */
const CLEAR_S = 10;
const CLEAR_SHARE = 0.8;
/** The sliding sums forget their rounding errors, a little every cycle. */
const FORGET = 0.999_999_9;

/**
 * Finds the largest line of the grid power between 0.1 and 6 Hz: what turbines and other plants
 * resonate with. A sliding Fourier sum for each tenth of a hertz, seen through a Hann window.
 * Plain data; never grows.
 */
export interface ResonanceState {
  /** From the first value: that keeps the sums small. */
  readonly gridW: History;
  originW: number;
  readonly cosines: Float64Array;
  readonly sines: Float64Array;
  /** Parts of each sum, from one line below the lowest to one above the highest. */
  readonly real: Float64Array;
  readonly imaginary: Float64Array;
  /** True when the line below the lowest is the mean. */
  readonly hasMean: boolean;
  /** What the oldest value still counts when it leaves. */
  readonly fade: number;
  /** Frequency of the lowest line that is looked at, and from one to the next. */
  readonly firstHz: number;
  readonly spacingHz: number;
  frequencyHz: number;
  amplitudeW: number;
  aboveS: number;
  belowS: number;
  isAlarm: boolean;
}

export type ResonanceAdvice =
  /** The load has it as well: shift or spread the iterations, or cap their power. */
  | "change-the-workload"
  /** The battery makes or enlarges it: answer nothing fast. */
  | "smooth-slowly";

export type ResonanceReport =
  | { readonly kind: "quiet" }
  | {
      readonly kind: "line";
      readonly frequencyHz: number;
      readonly amplitudeW: number;
      readonly advice: ResonanceAdvice;
    };

export function createResonance(settings: SmoothingSettings): ResonanceState {
  const { cycleMs, meterPeriodMs } = settings;
  const values = Math.round((WINDOW_S * 1_000) / cycleMs);
  const windowS = (values * cycleMs) / 1_000;
  const rateHz = 1_000 / Math.max(cycleMs, meterPeriodMs);
  const first = Math.max(1, Math.round(LOWEST_HZ * windowS));
  const last = Math.floor(Math.min(HIGHEST_HZ, METER_SHARE * rateHz) * windowS);
  const lines = Math.max(last - first + 1, 1) + 2;
  const angle = (line: number): number => (2 * Math.PI * (first - 1 + line)) / values;
  return {
    gridW: emptyHistory(values),
    originW: Number.NaN,
    cosines: Float64Array.from({ length: lines }, (_, line) => Math.cos(angle(line))),
    sines: Float64Array.from({ length: lines }, (_, line) => Math.sin(angle(line))),
    real: new Float64Array(lines),
    imaginary: new Float64Array(lines),
    hasMean: first === 1,
    fade: FORGET ** values,
    firstHz: first / windowS,
    spacingHz: 1 / windowS,
    frequencyHz: 0,
    amplitudeW: 0,
    aboveS: 0,
    belowS: 0,
    isAlarm: false,
  };
}

/** Takes the grid power of one cycle. */
export function stepResonance(
  state: ResonanceState,
  settings: SmoothingSettings,
  gridW: number,
): void {
  const { gridW: history, real, imaginary, cosines, sines, fade } = state;
  const isFull = history.count === history.values.length;
  const oldest = isFull ? backOf(history, history.count - 1) : 0;
  if (Number.isNaN(state.originW)) state.originW = gridW;
  const deviationW = gridW - state.originW;
  push(history, deviationW);
  const change = deviationW - fade * oldest;
  for (let line = 0; line < real.length; line += 1) {
    const a = FORGET * numberAt(real, line) + change;
    const b = FORGET * numberAt(imaginary, line);
    const cosine = numberAt(cosines, line);
    const sine = numberAt(sines, line);
    real[line] = a * cosine - b * sine;
    imaginary[line] = a * sine + b * cosine;
  }
  if (state.hasMean) {
    // Without the mean of the window, a single step is gone when it has left it.
    real[0] = 0;
    imaginary[0] = 0;
  }
  if (!isFull) return;
  findLargest(state);
  watch(state, settings);
}

/** Hann in the frequency domain: half of a line less a quarter of each neighbour. */
function findLargest(state: ResonanceState): void {
  const { real, imaginary, gridW } = state;
  let best = 0;
  let bestLine = 1;
  for (let line = 1; line + 1 < real.length; line += 1) {
    const a = hannAt(real, line);
    const b = hannAt(imaginary, line);
    const square = a * a + b * b;
    if (square <= best) continue;
    best = square;
    bestLine = line;
  }
  state.frequencyHz = state.firstHz + (bestLine - 1) * state.spacingHz;
  // The mean of a Hann window is a half, and a line has its other half at the negative frequency.
  state.amplitudeW = (4 * Math.sqrt(best)) / gridW.values.length;
}

function hannAt(sums: Float64Array, line: number): number {
  return numberAt(sums, line) / 2 - (numberAt(sums, line - 1) + numberAt(sums, line + 1)) / 4;
}

function watch(state: ResonanceState, settings: SmoothingSettings): void {
  const cycleS = settings.cycleMs / 1_000;
  const { amplitudeW } = state;
  state.aboveS = amplitudeW > settings.lineLimitW ? state.aboveS + cycleS : 0;
  state.belowS = amplitudeW < CLEAR_SHARE * settings.lineLimitW ? state.belowS + cycleS : 0;
  if (state.aboveS >= RAISE_S) state.isAlarm = true;
  else if (state.belowS >= CLEAR_S) state.isAlarm = false;
}

/**
 * What there is to say.
 *
 * @param harmRatio rms of grid / rms of load in the band, see the supervisor; NaN: not known
 */
export function resonanceReport(state: ResonanceState, harmRatio: number): ResonanceReport {
  if (!state.isAlarm) return { kind: "quiet" };
  const { frequencyHz, amplitudeW } = state;
  const advice = harmRatio > 1 ? "smooth-slowly" : "change-the-workload";
  return { kind: "line", frequencyHz, amplitudeW, advice };
}
