import { assert } from "../domain/assert.ts";
import type { MonotonicMs } from "../domain/time.ts";
import { freshValue, type ImageView } from "../points/image.ts";
import { numberAt, placeAt } from "../points/number-at.ts";
import { clamp } from "./arbitration.ts";
import type { ConditionState } from "./conditions.ts";
import { itemAt } from "./item-at.ts";
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
  /** Of two that are left, and differ, the worse one counts. */
  readonly worse: "higher" | "lower";
  /**
   * A channel is stuck only where two others, both believed, have left by more than this the place
   * where they were when it last changed. A plant at rest stands still to the last digit that its
   * sensors resolve, and then the one that moves is the liar. Undefined: where any other one has
   * changed at all.
   */
  readonly stuckBeyond?: number | undefined;
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
  /** What each channel shows now; NaN: nothing that is good and young enough. */
  readonly shown: Float64Array;
  /** Receive time of that, monotonic ms: a sample is counted once. */
  readonly shownAt: Float64Array;
  /** Time of the last sample that counted, by channel; 1 where `shown` is a new one. */
  readonly sampledAt: Float64Array;
  readonly isNew: Uint8Array;
  /** What the other channels (columns) showed when a channel (row) last changed. */
  readonly shownThen: Float64Array;
  /** 1 while a channel is not believed. */
  readonly isOut: Uint8Array;
  value: number;
  /** Lowest and highest that may count: apart only where two channels are left. */
  low: number;
  high: number;
  /** Channels that count: bit n for channel n. */
  counted: number;
  /** Samples in a row in which the two that are left deviated from one another. */
  apart: number;
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
/** So many samples without any change, while another one moves: the channel is stuck. */
export const STUCK_SAMPLES = 50;
export const CHANNELS_MAX = 3;

export function noVotes(channels: number): VoteState {
  assert(channels <= CHANNELS_MAX, "three channels vote at most");
  return {
    deviating: new Uint32Array(channels),
    agreeing: new Uint32Array(channels),
    still: new Uint32Array(channels),
    lastValues: new Float64Array(channels).fill(Number.NaN),
    shown: new Float64Array(channels).fill(Number.NaN),
    shownAt: new Float64Array(channels).fill(-Infinity),
    sampledAt: new Float64Array(channels).fill(-Infinity),
    isNew: new Uint8Array(channels),
    shownThen: new Float64Array(channels * channels).fill(Number.NaN),
    isOut: new Uint8Array(channels),
    value: Number.NaN,
    low: Number.NaN,
    high: Number.NaN,
    counted: 0,
    apart: 0,
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
  for (let channel = 0; channel < state.shown.length; channel += 1) {
    const reading = readings[channel];
    show(state, channel, reading?.value ?? Number.NaN, reading?.at ?? -Infinity);
  }
  vote(state, settings);
}

/** Votes on the inputs of a plan, by their readings that are good and young enough. */
export function voteInputs(
  state: VoteState,
  plan: Omit<VotedPlan, "names">,
  { view, now }: { readonly view: ImageView; readonly now: MonotonicMs },
): void {
  for (let channel = 0; channel < state.shown.length; channel += 1) {
    const { point, maxAgeMs } = itemAt(plan.inputs, channel);
    const value = freshValue(view, point, now, maxAgeMs) ?? Number.NaN;
    show(state, channel, value, numberAt(view.receivedAt, point));
  }
  vote(state, plan);
}

const BASES: readonly VoteBasis[] = ["none", "one", "two", "three"];

/** What is no number shows nothing. */
function show(state: VoteState, channel: number, value: number, at: number): void {
  state.shown[channel] = Number.isFinite(value) ? value : Number.NaN;
  state.shownAt[channel] = at;
}

function vote(state: VoteState, settings: VoteSettings): void {
  noteStillness(state);
  const believed = weigh(state);
  if (believed > 0) judgeChannels(state, settings, believed >= CHANNELS_MAX);
  const count = weigh(state);
  state.basis = BASES[count] ?? "none";
  state.value = worseOf(state, settings);
  const before = state.at;
  for (let channel = 0; channel < state.shown.length; channel += 1)
    if (isThere(state, channel) && state.isOut[channel] !== 1)
      state.at = Math.max(state.at, numberAt(state.shownAt, channel));
  noteApart(state, settings, { count, isNewer: state.at > before });
}

function isThere({ shown }: VoteState, channel: number): boolean {
  return !Number.isNaN(numberAt(shown, channel));
}

function noteStillness(state: VoteState): void {
  for (let channel = 0; channel < state.shown.length; channel += 1) {
    const at = numberAt(state.shownAt, channel);
    const isNew = isThere(state, channel) && at > numberAt(state.sampledAt, channel);
    state.isNew[channel] = isNew ? 1 : 0;
    if (!isNew) continue;
    state.sampledAt[channel] = at;
    const value = numberAt(state.shown, channel);
    const isSame = value === state.lastValues[channel];
    state.still[channel] = isSame ? placeAt(state.still, channel) + 1 : 0;
    state.lastValues[channel] = value;
    if (!isSame) rememberOthers(state, channel);
  }
}

function rememberOthers({ shown, shownThen }: VoteState, channel: number): void {
  const first = channel * shown.length;
  for (let other = 0; other < shown.length; other += 1)
    shownThen[first + other] = numberAt(shown, other);
}

/** Counts the channels that are believed, and takes the middle of three, or both of two. */
function weigh(state: VoteState): number {
  let count = 0;
  state.counted = 0;
  state.low = Number.NaN;
  state.high = Number.NaN;
  for (let channel = 0; channel < state.shown.length; channel += 1) {
    if (!isThere(state, channel) || state.isOut[channel] === 1) continue;
    const value = numberAt(state.shown, channel);
    const { low, high } = state;
    count += 1;
    state.counted |= 1 << channel;
    const middle = clamp(value, low, high);
    state.low = count === 2 ? Math.min(high, value) : count === 1 ? value : middle;
    state.high = count === 2 ? Math.max(low, value) : count === 1 ? value : middle;
  }
  return count;
}

function worseOf({ low, high }: VoteState, { worse }: VoteSettings): number {
  return worse === "higher" ? high : low;
}

function bandOf(value: number, { deviationFraction, floor }: VoteSettings): number {
  return Math.max(deviationFraction * Math.abs(value), floor);
}

function judgeChannels(state: VoteState, settings: VoteSettings, isMajority: boolean): void {
  const middle = worseOf(state, settings);
  const band = bandOf(middle, settings);
  for (let channel = 0; channel < state.shown.length; channel += 1) {
    if (state.isNew[channel] !== 1) continue;
    const isStuck = isStandingAlone(state, channel, settings);
    const isFar = Math.abs(numberAt(state.shown, channel) - middle) > band;
    // Of two that differ nobody knows which one is wrong: the worse one counts, none is out.
    const isTold = isMajority || state.isOut[channel] === 1;
    const isWrong = isStuck || (isFar && isTold);
    noteSample(state, channel, { isWrong, isStuck, samples: settings.samples });
  }
}

function noteSample(
  { deviating, agreeing, isOut }: VoteState,
  channel: number,
  found: { readonly isWrong: boolean; readonly isStuck: boolean; readonly samples: number },
): void {
  deviating[channel] = found.isWrong ? placeAt(deviating, channel) + 1 : 0;
  agreeing[channel] = found.isWrong ? 0 : placeAt(agreeing, channel) + 1;
  if (found.isStuck || placeAt(deviating, channel) >= found.samples) isOut[channel] = 1;
  else if (placeAt(agreeing, channel) >= AGREEING_SAMPLES) isOut[channel] = 0;
}

/** It has not moved for long, and others have a moment ago. */
function isStandingAlone(
  { still, shown, shownThen, counted }: VoteState,
  channel: number,
  { stuckBeyond }: VoteSettings,
): boolean {
  if (placeAt(still, channel) < STUCK_SAMPLES) return false;
  let moving = 0;
  for (let other = 0; other < shown.length; other += 1) {
    const value = numberAt(shown, other);
    if (other === channel || Number.isNaN(value)) continue;
    if (placeAt(still, other) >= STUCK_SAMPLES / 2) continue;
    if (stuckBeyond === undefined) return true;
    const then = numberAt(shownThen, channel * shown.length + other);
    const isBelieved = (counted & (1 << other)) !== 0;
    if (isBelieved && Math.abs(value - then) > stuckBeyond) moving += 1;
  }
  return moving >= 2;
}

function noteApart(
  state: VoteState,
  settings: VoteSettings,
  { count, isNewer }: { readonly count: number; readonly isNewer: boolean },
): void {
  if (count !== 2) state.apart = 0;
  else if (isNewer)
    state.apart = state.high - state.low > bandOf(state.value, settings) ? state.apart + 1 : 0;
}
