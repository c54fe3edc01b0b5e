import { assert } from "../../domain/assert.ts";
import { heldMs, type Held, notHeld } from "./held.ts";
import { isKnown, isLost, knownOf, type Measured } from "./measured.ts";

/**
 * Load is shed before coolant does damage: from the slope of a coolant temperature follows when it
 * will be at its limit, and load is asked to go while there is still time for it to go. Before
 * that, by the safety table (§6), flow and cooling are increased.
 *
 * Safe direction: a temperature that is lost is taken to rise on as it last did, and never to fall.
 */
export interface HeatLimitSettings {
  /** Damage begins here, Cel; demo site §2: supply 45, return 60. */
  readonly limitCel: number;
  /** From here on all the cooling there is, Cel; demo site §2: supply 42, return 52. */
  readonly warmCel: number;
  readonly hysteresisK: number;
  /** Load needs so long to go, ms: asked, ordered, capped. */
  readonly leadMs: number;
  /** The slope is taken over this time, ms. */
  readonly windowMs: number;
  /** A smaller slope is the sensor's resolution, K/s. */
  readonly slopeMinimumKPerS: number;
  /** The forecast holds for so long before it is believed, ms. */
  readonly persistMs: number;
}

export const RETURN_LIMIT_DEFAULTS: HeatLimitSettings = {
  limitCel: 60,
  warmCel: 52,
  hysteresisK: 3,
  leadMs: 60_000,
  windowMs: 5_000,
  slopeMinimumKPerS: 0.05,
  persistMs: 1_000,
};

export const SUPPLY_LIMIT_DEFAULTS: HeatLimitSettings = {
  ...RETURN_LIMIT_DEFAULTS,
  limitCel: 45,
  warmCel: 42,
};

/** Most readings that a slope is taken from; older ones than the window do not count. */
const READINGS_MAX = 32;
/** Fewer say nothing of a slope. */
const READINGS_MIN = 3;
const MS_PER_S = 1_000;

/** Plain data. */
export interface HeatLimitState {
  readonly cels: Float64Array;
  readonly times: Float64Array;
  /** Readings so far; the newest stands at (count − 1) modulo the size. */
  count: number;
  /** NaN before. */
  lastCel: number;
  lastAt: number;
  readonly near: Held;
  readonly out: HeatLimitOut;
}

export interface HeatLimitInputs {
  temperature: Measured;
  /** Other sensors count than before: what the value moved by meanwhile is their difference. */
  isSwitched?: boolean;
}

export interface HeatLimitOut {
  /** As it is taken to be, Cel; NaN before anything is known. */
  cel: number;
  slopeKPerS: number;
  /** Until the limit at this slope, s; Infinity: never. */
  secondsToLimit: number;
  /** All the cooling there is. */
  isWarm: boolean;
  /** Load has to be shed. */
  isCause: boolean;
  /** The limit is passed. */
  isBeyond: boolean;
  isBlind: boolean;
  /** A reading shows that it is well below, and not about to rise. */
  isCalm: boolean;
}

export function createHeatLimit(settings: HeatLimitSettings): HeatLimitState {
  assert(settings.warmCel < settings.limitCel, "it is warm before it is too hot");
  assert(settings.leadMs > 0 && settings.windowMs > 0, "times are positive");
  return {
    cels: new Float64Array(READINGS_MAX),
    times: new Float64Array(READINGS_MAX),
    count: 0,
    lastCel: Number.NaN,
    lastAt: Number.NaN,
    near: notHeld(),
    out: {
      cel: Number.NaN,
      slopeKPerS: 0,
      secondsToLimit: Infinity,
      isWarm: false,
      isCause: false,
      isBeyond: false,
      isBlind: false,
      isCalm: false,
    },
  };
}

export function stepHeatLimit(
  state: HeatLimitState,
  { temperature, isSwitched = false }: HeatLimitInputs,
  settings: HeatLimitSettings,
  now: number,
): HeatLimitOut {
  const { out } = state;
  out.isBlind = isLost(temperature);
  if (isSwitched && isKnown(temperature)) moveReadings(state, knownOf(temperature), now);
  if (isKnown(temperature)) take(state, knownOf(temperature), now);
  const isFresh = !out.isBlind && temperature.state === "good";
  if (isFresh) out.slopeKPerS = slopeOf(state, settings, now);
  else out.slopeKPerS = Math.max(0, out.slopeKPerS);
  const sinceS = isFresh ? 0 : (now - state.lastAt) / MS_PER_S;
  out.cel = state.lastCel + out.slopeKPerS * sinceS;
  out.secondsToLimit = secondsTo(out.cel, out.slopeKPerS, settings);
  judge(state, settings, now, isFresh);
  return out;
}

function take(state: HeatLimitState, cel: number, now: number): void {
  const place = state.count % READINGS_MAX;
  state.cels[place] = cel;
  state.times[place] = now;
  state.count += 1;
  state.lastCel = cel;
  state.lastAt = now;
}

/** As if these sensors had told it all along: the slope stays what it was. */
function moveReadings(state: HeatLimitState, cel: number, now: number): void {
  const { cels, lastCel, lastAt, out } = state;
  if (Number.isNaN(lastCel)) return;
  const expectedCel = lastCel + (out.slopeKPerS * (now - lastAt)) / MS_PER_S;
  const byK = cel - expectedCel;
  for (let place = 0; place < READINGS_MAX; place += 1) cels[place] = (cels[place] ?? 0) + byK;
}

/** Least squares over the readings of the window, K/s; 0 where they are too few to say. */
function slopeOf(state: HeatLimitState, { windowMs }: HeatLimitSettings, now: number): number {
  const { cels, times, count } = state;
  let [readings, sumS, sumCel, sumSS, sumSCel] = [0, 0, 0, 0, 0];
  for (let back = 1; back <= Math.min(count, READINGS_MAX); back += 1) {
    const place = (count - back) % READINGS_MAX;
    const agoMs = now - (times[place] ?? -Infinity);
    if (!(agoMs <= windowMs)) break;
    const atS = -agoMs / MS_PER_S;
    const aboveK = (cels[place] ?? 0) - state.lastCel;
    readings += 1;
    sumS += atS;
    sumCel += aboveK;
    sumSS += atS * atS;
    sumSCel += atS * aboveK;
  }
  const spread = readings * sumSS - sumS * sumS;
  if (readings < READINGS_MIN || spread <= 0) return 0;
  return (readings * sumSCel - sumS * sumCel) / spread;
}

function secondsTo(
  cel: number,
  slopeKPerS: number,
  { limitCel, slopeMinimumKPerS }: HeatLimitSettings,
): number {
  if (Number.isNaN(cel)) return Infinity;
  if (cel >= limitCel) return 0;
  return slopeKPerS >= slopeMinimumKPerS ? (limitCel - cel) / slopeKPerS : Infinity;
}

function judge(
  { near, out }: HeatLimitState,
  settings: HeatLimitSettings,
  now: number,
  isFresh: boolean,
): void {
  const { limitCel, warmCel, hysteresisK, leadMs, persistMs } = settings;
  const leadS = leadMs / MS_PER_S;
  out.isBeyond = out.cel >= limitCel;
  const nearMs = heldMs(near, out.secondsToLimit <= leadS, now);
  out.isCause = out.isBeyond || nearMs >= persistMs;
  // What is not known neither ends nor begins it.
  const edgeCel = out.isWarm ? warmCel - hysteresisK : warmCel;
  if (!Number.isNaN(out.cel)) out.isWarm = out.cel >= edgeCel || out.isCause;
  out.isCalm = isFresh && out.cel < warmCel - hysteresisK && out.secondsToLimit > 2 * leadS;
}
