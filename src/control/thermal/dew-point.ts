import { assert } from "../../domain/assert.ts";
import { knownOf, type Measured } from "./measured.ts";

/**
 * Coolant that is colder than the dew point of the room wets the racks. The guard says how cold it
 * may be asked for: the specification's safety table (§6) wants 2 to 3 K above the dew point.
 *
 * Safe direction: warmer. A dew point that is lost counts as what it was last, and after
 * `assumeAfterMs` as at least `assumedCel`; it never lowers the floor.
 */
export interface DewPointSettings {
  /** The setpoint stays this far above the dew point, K; §6: 2 to 3. */
  readonly marginK: number;
  /** Coolant that is nearer to the dew point than this is an alarm, K; demo site §2: 2. */
  readonly alarmK: number;
  /** The alarm ends this much further away, K. */
  readonly hysteresisK: number;
  /** No sensor tells anything for so long before that is told, ms: rooms are read seldom. */
  readonly lostMs: number;
  /** A dew point that has been lost for so long is not the last one any more, ms. */
  readonly assumeAfterMs: number;
  /** What it is taken for then, Cel: the most that a hall of class A1 has (ASHRAE TC 9.9). */
  readonly assumedCel: number;
}

export const DEW_POINT_DEFAULTS: DewPointSettings = {
  marginK: 3,
  alarmK: 2,
  hysteresisK: 0.5,
  lostMs: 30_000,
  assumeAfterMs: 600_000,
  assumedCel: 17,
};

/** Plain data. */
export interface DewPointState {
  /** Highest of the room's sensors when one was last known; NaN before. */
  lastCel: number;
  lostSince: number;
  readonly out: DewPointOut;
}

export interface DewPointInputs {
  /** Of the room's sensors; the highest that is known counts. */
  readonly rooms: readonly Measured[];
  /** Coolant on its way to the racks, Cel. */
  readonly supply: Measured;
}

export interface DewPointOut {
  /** NaN while nothing at all is known: then a setpoint may not be lowered. */
  dewPointCel: number;
  /** The coldest that may be asked for, Cel. */
  floorCel: number;
  /** How far the coolant is above the dew point, K; NaN while one of them is not known. */
  marginK: number;
  /** The coolant is too near to the dew point. */
  isBreached: boolean;
  /** No sensor of the room has told anything for a while. */
  isLost: boolean;
}

export function createDewPoint(settings: DewPointSettings): DewPointState {
  assert(settings.marginK >= settings.alarmK && settings.alarmK >= 0, "an alarm below the margin");
  return {
    lastCel: Number.NaN,
    lostSince: Number.NaN,
    out: {
      dewPointCel: Number.NaN,
      floorCel: Number.NaN,
      marginK: Number.NaN,
      isBreached: false,
      isLost: false,
    },
  };
}

export function stepDewPoint(
  state: DewPointState,
  { rooms, supply }: DewPointInputs,
  settings: DewPointSettings,
  now: number,
): DewPointOut {
  const { out } = state;
  const measuredCel = highestOf(rooms);
  if (!Number.isNaN(measuredCel)) {
    state.lastCel = measuredCel;
    state.lostSince = Number.NaN;
  } else if (Number.isNaN(state.lostSince)) state.lostSince = now;
  out.isLost = now - state.lostSince >= settings.lostMs;
  out.dewPointCel = state.lastCel;
  if (now - state.lostSince >= settings.assumeAfterMs)
    out.dewPointCel = Math.max(known(state.lastCel), settings.assumedCel);
  out.floorCel = out.dewPointCel + settings.marginK;
  out.marginK = knownOf(supply) - out.dewPointCel;
  // What is not known ends no alarm.
  const limitK = settings.alarmK + (out.isBreached ? settings.hysteresisK : 0);
  if (!Number.isNaN(out.marginK)) out.isBreached = out.marginK < limitK;
  return out;
}

function highestOf(rooms: readonly Measured[]): number {
  let highest = Number.NaN;
  for (const room of rooms) {
    const cel = knownOf(room);
    if (!(cel <= highest) && !Number.isNaN(cel)) highest = cel;
  }
  return highest;
}

function known(cel: number): number {
  return Number.isNaN(cel) ? -Infinity : cel;
}
