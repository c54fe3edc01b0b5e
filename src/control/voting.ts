import type { MonotonicMs } from "../domain/time.ts";
import { freshValue, type ImageView } from "../points/image.ts";
import { numberAt, placeAt } from "../points/number-at.ts";
import { clamp } from "./arbitration.ts";
import type { ConditionState } from "./conditions.ts";
import type { VotedPlan } from "./plan.ts";

/** What the channels of a digital trip say, counted; a faulty one is in none of the others. */
export interface DigitalVotes {
  readonly count: number;
  readonly active: number;
  /** Diagnosed: it shows nothing, and has for too long. */
  readonly faulty: number;
  /** Shows nothing for the moment. */
  readonly unknown: number;
}

/**
 * Digital trips: two of three, one of two, one of one. A channel that is known to be faulty votes
 * for the trip; so with one lost of three one of the other two is enough. What may still turn into
 * a trip when a channel speaks again is unknown, not clear.
 */
export function voteDigital({ count, active, faulty, unknown }: DigitalVotes): ConditionState {
  const needed = count >= 3 ? 2 : 1;
  if (active + faulty >= needed) return "active";
  return active + faulty + unknown >= needed ? "unknown" : "clear";
}

/** How many channels a voted value stands on. */
export type VoteBasis = "three" | "two" | "one" | "none";

export interface VoteSettings {
  /** Further apart than this part of the value, or than `floor`, is a deviation. */
  readonly deviationFraction: number;
  readonly floor: number;
  /** So many deviating samples in a row, and a channel counts no more. */
  readonly samples: number;
  /** So many samples without any change, while another one moves: the channel is stuck. */
  readonly stuckSamples: number;
  /** Of two that are left, and differ, the worse one counts. */
  readonly worse: "higher" | "lower";
}

/** What is known of the channels of one value. Plain data. */
export interface VoteState {
  /** Deviating samples in a row. */
  readonly deviating: Uint32Array;
  /** Agreeing samples in a row, of one that is out. */
  readonly agreeing: Uint32Array;
  /** Samples in a row without a change. */
  readonly still: Uint32Array;
  readonly lastValues: Float64Array;
  /** Time of the last sample that counted, by channel. */
  readonly sampledAt: Float64Array;
  /** 1 while a channel is not believed. */
  readonly isOut: Uint8Array;
  value: number;
  /** Receive time of the newest reading that counts. */
  at: number;
  basis: VoteBasis;
}

/** Newest reading of one channel; undefined: none that is good and young enough. */
export interface VoteReading {
  readonly value: number;
  /** Receive time, monotonic ms: a sample is counted once. */
  readonly at: number;
}

/** Samples in a row that agree again until a channel that was out counts again. */
export const AGREEING_SAMPLES = 20;
export const STUCK_SAMPLES = 50;

export function noVotes(channels: number): VoteState {
  return {
    deviating: new Uint32Array(channels),
    agreeing: new Uint32Array(channels),
    still: new Uint32Array(channels),
    lastValues: new Float64Array(channels).fill(Number.NaN),
    sampledAt: new Float64Array(channels).fill(-Infinity),
    isOut: new Uint8Array(channels),
    value: Number.NaN,
    at: -Infinity,
    basis: "none",
  };
}

/**
 * Two of three for a measured value: of three the middle one counts, of two the worse one, of one
 * itself. A channel that deviates from the middle for several samples, or stands still while
 * another one moves, is out until it agrees again; one that shows nothing is not there.
 */
export function voteValue(
  state: VoteState,
  readings: readonly (VoteReading | undefined)[],
  settings: VoteSettings,
): void {
  noteStillness(state, readings);
  const middle = valueOf(believed(state, readings), settings);
  if (middle !== undefined) judgeChannels(state, readings, { settings, middle });
  const counted = believed(state, readings);
  state.basis = BASES[Math.min(counted.length, 3)] ?? "none";
  state.value = valueOf(counted, settings) ?? Number.NaN;
  for (const [channel, reading] of readings.entries())
    if (reading !== undefined && state.isOut[channel] !== 1)
      state.at = Math.max(state.at, reading.at);
}

/** Votes on the inputs of a plan, by their readings that are good and young enough. */
export function voteInputs(
  state: VoteState,
  { inputs, ...settings }: VotedPlan,
  { view, now }: { readonly view: ImageView; readonly now: MonotonicMs },
): void {
  const readings = inputs.map(({ point, maxAgeMs }): VoteReading | undefined => {
    const value = freshValue(view, point, now, maxAgeMs);
    return value === undefined ? undefined : { value, at: numberAt(view.receivedAt, point) };
  });
  voteValue(state, readings, { ...settings, stuckSamples: STUCK_SAMPLES });
}

const BASES: readonly VoteBasis[] = ["none", "one", "two", "three"];

function noteStillness(state: VoteState, readings: readonly (VoteReading | undefined)[]): void {
  for (const [channel, reading] of readings.entries()) {
    if (reading === undefined || !isNew(state, channel, reading)) continue;
    const isSame = reading.value === state.lastValues[channel];
    state.still[channel] = isSame ? placeAt(state.still, channel) + 1 : 0;
    state.lastValues[channel] = reading.value;
  }
}

function isNew(state: VoteState, channel: number, { at }: VoteReading): boolean {
  return at > numberAt(state.sampledAt, channel);
}

/** Values of the channels that count. */
function believed(
  state: VoteState,
  readings: readonly (VoteReading | undefined)[],
): readonly number[] {
  return readings.flatMap((reading, channel) =>
    reading !== undefined && state.isOut[channel] !== 1 ? [reading.value] : [],
  );
}

/** The middle of three, the worse of two, the only one. */
function valueOf(
  [first, second, third]: readonly number[],
  { worse }: VoteSettings,
): number | undefined {
  if (first === undefined || second === undefined) return first;
  const low = Math.min(first, second);
  const high = Math.max(first, second);
  if (third !== undefined) return clamp(third, low, high);
  return worse === "higher" ? high : low;
}

function judgeChannels(
  state: VoteState,
  readings: readonly (VoteReading | undefined)[],
  { settings, middle }: { readonly settings: VoteSettings; readonly middle: number },
): void {
  const isMajority = believed(state, readings).length >= 3;
  const band = Math.max(settings.deviationFraction * Math.abs(middle), settings.floor);
  for (const [channel, reading] of readings.entries()) {
    if (reading === undefined || !isNew(state, channel, reading)) continue;
    state.sampledAt[channel] = reading.at;
    const isStuck = isStandingAlone(state, readings, { channel, settings });
    const isFar = Math.abs(reading.value - middle) > band;
    // Of two that differ nobody knows which one is wrong: the worse one counts, none is out.
    const isTold = isMajority || state.isOut[channel] === 1;
    noteSample(state, channel, { isStuck, isFar: isFar && isTold, samples: settings.samples });
  }
}

function noteSample(
  state: VoteState,
  channel: number,
  found: { readonly isStuck: boolean; readonly isFar: boolean; readonly samples: number },
): void {
  const isWrong = found.isStuck || found.isFar;
  const { deviating, agreeing, isOut } = state;
  deviating[channel] = isWrong ? placeAt(deviating, channel) + 1 : 0;
  agreeing[channel] = isWrong ? 0 : placeAt(agreeing, channel) + 1;
  if (found.isStuck || placeAt(deviating, channel) >= found.samples) isOut[channel] = 1;
  else if (placeAt(agreeing, channel) >= AGREEING_SAMPLES) isOut[channel] = 0;
}

/** It has not moved for long, and another one has a moment ago. */
function isStandingAlone(
  { still }: VoteState,
  readings: readonly (VoteReading | undefined)[],
  { channel, settings }: { readonly channel: number; readonly settings: VoteSettings },
): boolean {
  const { stuckSamples } = settings;
  if (placeAt(still, channel) < stuckSamples) return false;
  return readings.some(
    (reading, other) =>
      other !== channel && reading !== undefined && placeAt(still, other) < stuckSamples / 2,
  );
}
