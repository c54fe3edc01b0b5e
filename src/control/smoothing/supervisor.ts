import type { SmoothingSettings } from "./settings.ts";

/** Values of the specification, §2.2, and a shorter way out of what is clearly harm. */
const WINDOW_S = 5;
const HARM_RATIO = 0.9;
const HARM_S = 10;
const CLEAR_HARM_RATIO = 1.12;
const CLEAR_HARM_S = 3;
const RETRY_S = 60;
/** A rest lasts at least so long … */
const REST_LEAST_S = 5;
/** … and ends early when predictions have become this much better than those that did harm. */
const BETTER = 0.5;
const LOWEST_HZ = 0.1;
/** Below this part of the range there is only noise. */
const STILL_SHARE = 0.005;

/**
 * Do no harm: compares what the grid sees in the band of the iterations with what the load does.
 * While smoothing does not help there, nothing fast is answered; the ramp governor goes on.
 * Plain data.
 */
export interface SupervisorState {
  readonly load: BandState;
  readonly grid: BandState;
  harmS: number;
  clearHarmS: number;
  /** Time until the next try, s; 0: predictions are used. */
  restS: number;
  /** Squared error of the predictions, part of that of the slow mean, when they did harm. */
  harmfulError: number;
  trips: number;
}

interface BandState {
  low: number;
  high: number;
  /** What of the band is a steady slope: the grid may follow one, and nothing of it is harm. */
  slope: number;
  /** Mean square in the band, W². */
  power: number;
  isSet: boolean;
}

export function createSupervisor(): SupervisorState {
  const band = (): BandState => ({ low: 0, high: 0, slope: 0, power: 0, isSet: false });
  return {
    load: band(),
    grid: band(),
    harmS: 0,
    clearHarmS: 0,
    restS: 0,
    harmfulError: 1,
    trips: 0,
  };
}

/** Forgets what it has seen; a rest that runs goes on. */
export function restartSupervisor(state: SupervisorState): void {
  state.load.isSet = false;
  state.grid.isSet = false;
  state.harmS = 0;
  state.clearHarmS = 0;
}

/** rms of grid power / rms of load power in the band; NaN while the load is still. */
export function harmRatio(state: SupervisorState, settings: SmoothingSettings): number {
  const stillW = STILL_SHARE * (settings.highW - settings.lowW);
  if (!(state.load.power > stillW * stillW)) return Number.NaN;
  return Math.sqrt(state.grid.power / state.load.power);
}

/**
 * Takes the readings of one cycle; afterwards `restS > 0` says that predictions do harm.
 *
 * A wrong delay does harm although the predictions look good by themselves: then nothing gets
 * better while it rests, and the rest is a whole one.
 */
export function stepSupervisor(
  state: SupervisorState,
  settings: SmoothingSettings,
  readings: {
    readonly loadW: number;
    readonly gridW: number;
    /** Squared error of the predictions, part of that of the slow mean. */
    readonly errorShare: number;
  },
  elapsedS: number,
): void {
  const highestHz = 1_000 / (4 * settings.meterPeriodMs);
  addToBand(state.load, readings.loadW, elapsedS, highestHz);
  addToBand(state.grid, readings.gridW, elapsedS, highestHz);
  if (state.restS > 0) {
    state.restS = Math.max(state.restS - elapsedS, 0);
    const isBetter = readings.errorShare < BETTER * Math.min(state.harmfulError, 1);
    if (isBetter && state.restS <= RETRY_S - REST_LEAST_S) state.restS = 0;
    if (state.restS === 0) restartSupervisor(state);
    return;
  }
  const ratio = harmRatio(state, settings);
  state.harmS = ratio > HARM_RATIO ? state.harmS + elapsedS : 0;
  state.clearHarmS = ratio > CLEAR_HARM_RATIO ? state.clearHarmS + elapsedS : 0;
  if (state.harmS < HARM_S && state.clearHarmS < CLEAR_HARM_S) return;
  state.restS = RETRY_S;
  state.harmfulError = readings.errorShare;
  state.trips += 1;
}

function addToBand(band: BandState, value: number, elapsedS: number, highestHz: number): void {
  if (!band.isSet) {
    band.low = value;
    band.high = value;
    band.slope = 0;
    band.power = 0;
    band.isSet = true;
    return;
  }
  band.high += shareOf(elapsedS, highestHz) * (value - band.high);
  band.low += shareOf(elapsedS, LOWEST_HZ) * (band.high - band.low);
  const above = band.high - band.low;
  band.slope += shareOf(elapsedS, LOWEST_HZ) * (above - band.slope);
  const inBand = above - band.slope;
  band.power += Math.min(1, elapsedS / WINDOW_S) * (inBand * inBand - band.power);
}

function shareOf(elapsedS: number, cornerHz: number): number {
  return 1 - Math.exp(-2 * Math.PI * cornerHz * elapsedS);
}
