import { assert } from "../../domain/assert.ts";
import { numberAt } from "../../points/number-at.ts";
import { LONGEST_STEP_S, type SmoothingSettings } from "./settings.ts";

/** The reading of the battery is right in the long run, the counted energy in the short one. */
const TRUST_S = 60;

/** Stored energy: counted from the power, held to the battery's own reading. Plain data. */
export interface EnergyState {
  /** NaN before the first reading, J. */
  storedJ: number;
}

/**
 * @param batteryW measured power, else what was asked for
 * @param readingJ of the battery; NaN: none
 */
export function stepEnergy(
  state: EnergyState,
  settings: SmoothingSettings,
  batteryW: number,
  { readingJ, elapsedS }: { readonly readingJ: number; readonly elapsedS: number },
): void {
  if (Number.isNaN(state.storedJ)) {
    state.storedJ = readingJ;
    return;
  }
  const { dischargeEfficiency, chargeEfficiency } = settings;
  const takenW = batteryW > 0 ? batteryW / dischargeEfficiency : batteryW * chargeEfficiency;
  state.storedJ -= takenW * elapsedS;
  if (!Number.isNaN(readingJ))
    state.storedJ += (readingJ - state.storedJ) * Math.min(1, elapsedS / TRUST_S);
}

const HOURS = 24;
const HOUR_S = 3_600;
/** From this part of the budget on the deadband widens; back below it smoothing starts again. */
const NEAR_BUDGET = 0.8;
const BACK_BELOW = 0.9;

/**
 * What the battery has given in the last 24 h, by hours. The hour that runs and all of the 24
 * before it count: never less than the truth. Plain data.
 */
export interface ThroughputState {
  readonly hoursJ: Float64Array;
  hour: number;
  hourS: number;
  totalJ: number;
  isSpent: boolean;
}

export function emptyThroughput(): ThroughputState {
  return { hoursJ: new Float64Array(HOURS + 1), hour: 0, hourS: 0, totalJ: 0, isSpent: false };
}

export function stepThroughput(
  state: ThroughputState,
  settings: SmoothingSettings,
  batteryW: number,
  elapsedS: number,
): void {
  assert(elapsedS >= 0 && elapsedS <= LONGEST_STEP_S, "one cycle at a time");
  const { hoursJ } = state;
  state.hourS += elapsedS;
  if (state.hourS >= HOUR_S) {
    state.hourS -= HOUR_S;
    state.hour = (state.hour + 1) % hoursJ.length;
    hoursJ[state.hour] = 0;
    state.totalJ = 0;
    for (const givenJ of hoursJ) state.totalJ += givenJ;
  }
  const givenJ = (Math.max(batteryW, 0) * elapsedS) / settings.dischargeEfficiency;
  hoursJ[state.hour] = numberAt(hoursJ, state.hour) + givenJ;
  state.totalJ += givenJ;
  const share = spentShare(state, settings);
  state.isSpent = share >= (state.isSpent ? BACK_BELOW : 1);
}

/** Part of the daily budget that is used up. */
export function spentShare(state: ThroughputState, settings: SmoothingSettings): number {
  return state.totalJ / settings.dailyThroughputJ;
}

/**
 * Half width of the band in which the grid power is left alone, W: as configured, and near the
 * budget wider and wider, until the band is half of the whole range.
 */
export function deadbandOf(state: ThroughputState, settings: SmoothingSettings): number {
  const { deadbandW, lowW, highW } = settings;
  const near = (spentShare(state, settings) - NEAR_BUDGET) / (1 - NEAR_BUDGET);
  if (near <= 0) return deadbandW;
  const widestW = Math.max((highW - lowW) / 4, deadbandW);
  return deadbandW + Math.min(near, 1) * (widestW - deadbandW);
}

/** What lies outside of a band around zero. */
export function deadZone(value: number, halfWidth: number): number {
  if (value > halfWidth) return value - halfWidth;
  return value < -halfWidth ? value + halfWidth : 0;
}
