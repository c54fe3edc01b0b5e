import { assert } from "../../domain/assert.ts";
import { type Held, heldMs, lagShare, notHeld, stepSeconds } from "./held.ts";
import { isKnown, isLost, isSet, knownOf, type Measured } from "./measured.ts";

/**
 * Water where none should be, by the safety table (§6). One sign is watched and told. Confirmed is
 * a leak by a second rope, or by a rope and a loss of pressure or of level: then load is asked to
 * go first, and only when it is gone, or after `isolateAfterMs`, the zone's valve closes and its
 * pumps stop. A confirmed leak is latched.
 *
 * Safe direction: beside a wet rope another sensor that stays lost for `voteMs` counts as its vote.
 * Lost sensors alone confirm nothing, and nothing that is lost ends a watch or a latch.
 */
export interface LeakSettings {
  /** A sensor is wet for so long before it counts, ms: one more poll. */
  readonly persistMs: number;
  /** Signs are gone for so long before a watch ends, ms. */
  readonly clearMs: number;
  readonly voteMs: number;
  /** A sensor is lost for so long before it is told, ms. */
  readonly lostMs: number;
  /** Part of its usual pressure that the loop loses, and reservoir that it loses, % of full. */
  readonly pressureLossPart: number;
  readonly levelLossPercent: number;
  /** What is usual is learned with this lag, s. */
  readonly usualLagS: number;
  /** The pumps go on so long for load that does not go, ms. */
  readonly isolateAfterMs: number;
  /** Below this the load is gone, W. */
  readonly idleW: number;
}

export const LEAK_DEFAULTS: LeakSettings = {
  persistMs: 1_000,
  clearMs: 10_000,
  voteMs: 30_000,
  lostMs: 5_000,
  pressureLossPart: 0.15,
  levelLossPercent: 5,
  usualLagS: 600,
  isolateAfterMs: 20_000,
  idleW: 100_000,
};

export type LeakPhase = "dry" | "suspected" | "confirmed" | "isolated";

/** Plain data. */
export interface LeakState {
  phase: LeakPhase;
  confirmedAt: number;
  readonly rope: Held;
  readonly secondRope: Held;
  readonly loss: Held;
  readonly vote: Held;
  readonly clear: Held;
  readonly lost: Held;
  usualKpa: number;
  usualPercent: number;
  steppedAt: number;
  readonly out: LeakOut;
}

export interface LeakInputs {
  /** Flags: 1 is wet. */
  rope: Measured;
  secondRope: Measured;
  ropeFault: Measured;
  /** Pressure of the loop, kPa, and its reservoir, %. */
  pressure: Measured;
  level: Measured;
  /** A float switch: 1 is low. */
  levelLow: Measured;
  /** Heat that the racks still give, W. */
  heat: Measured;
}

export interface LeakOut {
  phase: LeakPhase;
  /** Load has to go: asked for in the step that confirms. */
  requestShed: boolean;
  /** Only once the load is gone, or did not go. */
  closeValve: boolean;
  stopPumps: boolean;
  isSensorLost: boolean;
  /** What was seen, for people: in bits of `LEAK_SIGNS`. */
  signs: number;
  /** Every sign is known to be gone. */
  isDry: boolean;
}

/** Bits of `LeakOut.signs`. */
export const LEAK_SIGNS = { rope: 1, secondRope: 2, loss: 4, vote: 8 } as const;

export function createLeak(settings: LeakSettings): LeakState {
  assert(settings.persistMs >= 0 && settings.isolateAfterMs >= 0, "times are not negative");
  assert(settings.pressureLossPart > 0 && settings.levelLossPercent > 0, "a loss is a loss");
  return {
    phase: "dry",
    confirmedAt: Number.NaN,
    rope: notHeld(),
    secondRope: notHeld(),
    loss: notHeld(),
    vote: notHeld(),
    clear: notHeld(),
    lost: notHeld(),
    usualKpa: Number.NaN,
    usualPercent: Number.NaN,
    steppedAt: Number.NaN,
    out: {
      phase: "dry",
      requestShed: false,
      closeValve: false,
      stopPumps: false,
      isSensorLost: false,
      signs: 0,
      isDry: false,
    },
  };
}

export function stepLeak(
  state: LeakState,
  inputs: LeakInputs,
  settings: LeakSettings,
  now: number,
): LeakOut {
  const dtS = stepSeconds(state.steppedAt, now);
  state.steppedAt = now;
  const { out } = state;
  out.signs = signsOf(state, inputs, settings, now);
  learnUsual(state, inputs, settings, dtS);
  const isFaulty = isLost(inputs.rope) || isLost(inputs.secondRope);
  const lostMs = heldMs(state.lost, isFaulty || isSet(inputs.ropeFault), now);
  out.isSensorLost = lostMs >= settings.lostMs;
  out.isDry = isDry(inputs, out.signs);
  movePhase(state, inputs, settings, now);
  out.phase = state.phase;
  const isLatched = state.phase === "confirmed" || state.phase === "isolated";
  out.requestShed = isLatched;
  out.closeValve = state.phase === "isolated";
  out.stopPumps = state.phase === "isolated";
  return out;
}

/** Takes a saved latch back: the zone stays isolated. */
export function restoreLeak(state: LeakState): void {
  state.phase = "isolated";
  state.out.phase = "isolated";
}

/** Lifts the latch where every sign is known to be gone. @returns whether it did */
export function resetLeak(state: LeakState): boolean {
  if (!state.out.isDry) return false;
  state.phase = "dry";
  state.confirmedAt = Number.NaN;
  state.usualKpa = Number.NaN;
  state.usualPercent = Number.NaN;
  return true;
}

function signsOf(
  state: LeakState,
  inputs: LeakInputs,
  settings: LeakSettings,
  now: number,
): number {
  const { persistMs, voteMs } = settings;
  const isWet = heldMs(state.rope, holds(state.rope, inputs.rope), now) >= persistMs;
  const isSecondWet =
    heldMs(state.secondRope, holds(state.secondRope, inputs.secondRope), now) >= persistMs;
  const isLosing = heldMs(state.loss, isLosingCoolant(state, inputs, settings), now) >= persistMs;
  const isOtherLost = isWet ? isMute(inputs.secondRope) : isSecondWet && isRopeMute(inputs);
  const hasVote = heldMs(state.vote, isOtherLost, now) >= voteMs;
  return (
    (isWet ? LEAK_SIGNS.rope : 0) |
    (isSecondWet ? LEAK_SIGNS.secondRope : 0) |
    (isLosing ? LEAK_SIGNS.loss : 0) |
    (hasVote ? LEAK_SIGNS.vote : 0)
  );
}

/** A rope that was wet and is lost now has not become dry by that. */
function holds(held: Held, rope: Measured): boolean {
  return isSet(rope) || (isLost(rope) && !Number.isNaN(held.since));
}

function isMute(rope: Measured): boolean {
  return isLost(rope);
}

function isRopeMute({ rope, ropeFault }: LeakInputs): boolean {
  return isLost(rope) || isSet(ropeFault);
}

function isLosingCoolant(
  { usualKpa, usualPercent }: LeakState,
  { pressure, level, levelLow }: LeakInputs,
  { pressureLossPart, levelLossPercent }: LeakSettings,
): boolean {
  return (
    knownOf(pressure) < usualKpa * (1 - pressureLossPart) ||
    knownOf(level) < usualPercent - levelLossPercent ||
    isSet(levelLow)
  );
}

/** While nothing is suspected: what a leak takes does not become usual. */
function learnUsual(
  state: LeakState,
  { pressure, level }: LeakInputs,
  { usualLagS }: LeakSettings,
  dtS: number,
): void {
  if (state.out.signs !== 0) return;
  const share = lagShare(dtS, usualLagS);
  state.usualKpa = towardsUsual(state.usualKpa, knownOf(pressure), share);
  state.usualPercent = towardsUsual(state.usualPercent, knownOf(level), share);
}

function towardsUsual(usual: number, value: number, share: number): number {
  if (Number.isNaN(value)) return usual;
  return Number.isNaN(usual) ? value : usual + (value - usual) * share;
}

function isDry(inputs: LeakInputs, signs: number): boolean {
  const isSensorKnown = (rope: Measured): boolean => rope.state === "absent" || isKnown(rope);
  return signs === 0 && isSensorKnown(inputs.rope) && isSensorKnown(inputs.secondRope);
}

function movePhase(
  state: LeakState,
  inputs: LeakInputs,
  settings: LeakSettings,
  now: number,
): void {
  const { signs, isDry: isGone } = state.out;
  const clearMs = heldMs(state.clear, isGone, now);
  switch (state.phase) {
    case "dry":
    case "suspected":
      if (isConfirmed(signs)) {
        state.phase = "confirmed";
        state.confirmedAt = now;
      } else if (signs !== 0) state.phase = "suspected";
      else if (clearMs >= settings.clearMs) state.phase = "dry";
      break;
    case "confirmed":
      if (isLoadGone(inputs, settings, now - state.confirmedAt)) state.phase = "isolated";
      break;
    case "isolated":
      break;
  }
}

/** One of the ropes, and anything besides it. */
function isConfirmed(signs: number): boolean {
  const isRope = (signs & (LEAK_SIGNS.rope | LEAK_SIGNS.secondRope)) !== 0;
  return isRope && (signs & (signs - 1)) !== 0;
}

/** Never in the step that asks for it. */
function isLoadGone(inputs: LeakInputs, settings: LeakSettings, sinceMs: number): boolean {
  return (
    sinceMs > 0 && (knownOf(inputs.heat) < settings.idleW || sinceMs >= settings.isolateAfterMs)
  );
}
