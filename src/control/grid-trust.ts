import type { PointIndex } from "../domain/point.ts";
import { qualityCode } from "../domain/quality.ts";
import type { MonotonicMs } from "../domain/time.ts";
import { freshValue, type ImageView } from "../points/image.ts";
import type { Distrust, GridSource } from "./exchange.ts";
import type { Notices } from "./notices.ts";
import type { GridPlan } from "./plan.ts";
import {
  addToSeries,
  emptySeries,
  endsWith,
  heldAt,
  leastSince,
  mostSince,
  newestTime,
  oldestTime,
  READINGS_KEPT,
  type Series,
  valueAt,
} from "./series.ts";
import type { UnitState } from "./units.ts";
import { numberAt } from "../points/number-at.ts";
import { noVotes, voteInputs, type VoteState } from "./voting.ts";

/** What is believed of the grid meter and its feeders. Plain data. */
export interface GridState {
  source: GridSource;
  /** The meter's power, W, by the time that it shows; repetitions left out. */
  readonly meter: Series;
  /** When the meter last repeated its newest value; −Infinity when it did not. */
  repeatedAt: number;
  distrusted: "none" | "meter" | "feeders";
  /** True where the distrusted reading stood still: frozen, not merely wrong. */
  isFrozen: boolean;
  /** Cross-check: samples that did not match, or did while something is distrusted, in a row. */
  mismatches: number;
  matches: number;
  /** Monotonic ms of the first of the mismatches, and of the verdict in force. */
  mismatchedAt: number;
  /** The first of them came with a step that only the meter saw. */
  beganWithMeter: boolean;
  distrustedAt: number;
  /** Moves of the load that only the meter has seen while the feeders repeated themselves. */
  unseenMoves: number;
  /** What the load drew by the meter at the last sample, W. */
  sampledLoadW: number;
  /** The same at the last sample on which both sides agreed. */
  matchedLoadW: number;
  /** Receive times of the readings of the last sample that counted. */
  sampledMeterAt: number;
  sampledUnitsAt: number;
  readonly sampledFeedersAt: Float64Array;
  /** What the load drew by the last readings of meter and units of one time, W; NaN before. */
  comparedW: number;
  /** Undefined: one meter alone. */
  readonly votes: VoteState | undefined;
  /** Receive time of the reading that `meter` ends with. */
  meterAt: number;
  /** When the grid power was last known, monotonic ms. */
  knownAt: number;
  gridW: number;
  loadW: number;
}

export interface GridSight {
  readonly view: ImageView;
  readonly now: MonotonicMs;
  readonly units: readonly UnitState[];
  readonly notices: Notices;
}

const STALE = qualityCode("stale");
const MISMATCH = qualityCode("mismatch");
/** One move may be the meter's own error; two are the load's. */
const UNSEEN_MOVES = 2;
/** Readings of one cycle arrive within this time, in any order, ms. */
const SIMULTANEOUS_MS = 20;
/** A far move, in tolerances of the cross-check. */
const FAR = 3;
/** Below this scale a mismatch is measured against it, W: near zero every fraction is large. */
const SMALLEST_SCALE_W = 1_000;

export function unknownGrid(plan: GridPlan, now: MonotonicMs): GridState {
  return {
    source: "none",
    meter: emptySeries(READINGS_KEPT),
    repeatedAt: -Infinity,
    distrusted: "none",
    isFrozen: false,
    mismatches: 0,
    matches: 0,
    mismatchedAt: -Infinity,
    beganWithMeter: false,
    distrustedAt: -Infinity,
    unseenMoves: 0,
    sampledLoadW: Number.NaN,
    matchedLoadW: Number.NaN,
    sampledMeterAt: -Infinity,
    sampledUnitsAt: -Infinity,
    sampledFeedersAt: new Float64Array(plan.feeders.length).fill(-Infinity),
    comparedW: Number.NaN,
    votes: plan.voted === undefined ? undefined : noVotes(plan.voted.inputs.length),
    meterAt: -Infinity,
    knownAt: now,
    gridW: Number.NaN,
    loadW: Number.NaN,
  };
}

/**
 * Decides where the grid power comes from, and what the load draws: the meter, or the sum of the
 * feeders less the batteries where the meter is lost or contradicted, or nothing.
 */
export function observeGrid(state: GridState, plan: GridPlan, sight: GridSight): void {
  const { view, now, units } = sight;
  const meterW = readMeter(state, plan, sight);
  if (meterW !== undefined) noteMeter(state, state.meterAt, meterW);
  const byMeterW = meterW === undefined ? undefined : loadByMeter(state, units, plan.lagMs);
  const byFeedersW = loadByFeeders(plan, view, now);
  if (byMeterW !== undefined && byFeedersW !== undefined && isNewSample(state, plan, sight))
    judge(state, plan, { ...sight, byMeterW, byFeedersW });
  choose(state, plan, { ...sight, meterW, byMeterW, byFeedersW });
}

/** Every point that `distrustedPoints` may ever name. */
export function doubtfulPoints({ power, voted, feeders }: GridPlan): readonly PointIndex[] {
  const meters = voted?.inputs ?? [power];
  return [...meters, ...feeders].map(({ point }) => point);
}

/** What the meter says, or what several say together. */
function readMeter(
  state: GridState,
  { power, voted }: GridPlan,
  { view, now }: GridSight,
): number | undefined {
  if (state.votes === undefined || voted === undefined) {
    state.meterAt = numberAt(view.receivedAt, power.point);
    return freshValue(view, power.point, now, power.maxAgeMs);
  }
  voteInputs(state.votes, voted, { view, now });
  if (state.votes.basis === "none") return undefined;
  state.meterAt = state.votes.at;
  return state.votes.value;
}

/** What control does not believe, for the readings that go north. */
export function distrustedPoints(state: GridState, plan: GridPlan): readonly Distrust[] {
  const quality = state.isFrozen ? STALE : MISMATCH;
  const outvoted = (plan.voted?.inputs ?? []).flatMap(({ point }, channel) =>
    state.votes?.isOut[channel] === 1 ? [{ point, quality: MISMATCH }] : [],
  );
  switch (state.distrusted) {
    case "none":
      return outvoted;
    case "meter":
      return [...outvoted, { point: plan.power.point, quality }];
    case "feeders":
      return plan.feeders.filter((f) => f.setsPace).map(({ point }) => ({ point, quality }));
  }
}

/**
 * A meter that repeats itself to the last bit may be frozen. Then what it shows belongs to the
 * batteries of the time when it last moved: with those of now, each answer of theirs would ask for
 * another one.
 */
function noteMeter(state: GridState, at: number, meterW: number): void {
  const { meter } = state;
  if (endsWith(meter, meterW)) {
    state.repeatedAt = at;
    return;
  }
  if (state.repeatedAt > newestTime(meter))
    addToSeries(meter, state.repeatedAt, numberAt(meter.values, meter.newest));
  addToSeries(meter, at, meterW);
}

/**
 * What the load draws, W: grid plus batteries as they were at one instant, the newest at which all
 * were measured. Comparing readings of different instants would take each step of a battery for a
 * step of the load, and answer it. How old the meter's reading is within `lagMs` nobody knows:
 * where the batteries have moved in that time, the load is believed to have moved as little as
 * their powers allow.
 */
function loadByMeter(
  state: GridState,
  units: readonly UnitState[],
  lagMs: number,
): number | undefined {
  const { meter } = state;
  let at = newestTime(meter);
  let oldestAt = -Infinity;
  for (const { powers } of units) {
    if (powers.count === 0) continue;
    at = Math.min(at, newestTime(powers));
    oldestAt = Math.max(oldestAt, oldestTime(powers));
  }
  // The meter repeats itself for longer than the units' powers are remembered: nothing newer than
  // what was compared then is known.
  if (at < oldestAt && !Number.isNaN(state.comparedW)) return state.comparedW;
  const gridW = heldAt(meter, at + SIMULTANEOUS_MS);
  let batteriesW = 0;
  let leastW = 0;
  let mostW = 0;
  for (const { powers, countedW } of units) {
    const isHeard = powers.count > 0;
    batteriesW += isHeard ? valueAt(powers, at) : countedW;
    leastW += isHeard ? leastSince(powers, at - lagMs) : countedW;
    mostW += isHeard ? mostSince(powers, at - lagMs) : countedW;
  }
  if (Number.isNaN(gridW + batteriesW)) return undefined;
  const beforeW = state.comparedW;
  state.comparedW = Number.isNaN(beforeW)
    ? gridW + batteriesW
    : Math.min(Math.max(beforeW, gridW + leastW), gridW + mostW);
  return state.comparedW;
}

/** What all feeders draw, with the loss between them and the meter, W. */
export function loadByFeeders(
  plan: GridPlan,
  view: ImageView,
  now: MonotonicMs,
): number | undefined {
  if (plan.feeders.length === 0) return undefined;
  let sumW = 0;
  for (const feeder of plan.feeders) {
    const powerW = freshValue(view, feeder.point, now, feeder.maxAgeMs);
    if (powerW === undefined) return undefined;
    sumW += powerW;
  }
  const { fixedW, atRatingW, ratingW } = plan.loss;
  return sumW + fixedW + (ratingW > 0 ? atRatingW * (sumW / ratingW) ** 2 : 0);
}

/**
 * A sample counts when the meter, the units and every feeder that sets the pace have been read
 * anew: a unit whose reading is late holds back what the meter says of the load.
 */
function isNewSample(state: GridState, plan: GridPlan, { view, units }: GridSight): boolean {
  const { meterAt } = state;
  let unitsAt = Infinity;
  for (const { powers } of units)
    if (powers.count > 0) unitsAt = Math.min(unitsAt, newestTime(powers));
  if (meterAt <= state.sampledMeterAt || unitsAt <= state.sampledUnitsAt) return false;
  const isNew = plan.feeders.every(
    (feeder, place) =>
      !feeder.setsPace ||
      numberAt(view.receivedAt, feeder.point) > numberAt(state.sampledFeedersAt, place),
  );
  if (!isNew) return false;
  state.sampledMeterAt = meterAt;
  state.sampledUnitsAt = unitsAt === Infinity ? -Infinity : unitsAt;
  return true;
}

interface SampleSight extends GridSight {
  readonly byMeterW: number;
  readonly byFeedersW: number;
}

function judge(state: GridState, plan: GridPlan, sample: SampleSight): void {
  const { byMeterW, byFeedersW, now } = sample;
  const scaleW = Math.max(Math.abs(byMeterW), Math.abs(byFeedersW), SMALLEST_SCALE_W);
  // Where no feeder draws anything, nobody knows whether the transformers still do.
  const lossW = byFeedersW <= plan.loss.fixedW ? plan.loss.fixedW : 0;
  const toleranceW = plan.crossCheck.fraction * scaleW + lossW;
  countUnseenMoves(state, plan, { ...sample, toleranceW });
  for (const [place, feeder] of plan.feeders.entries())
    state.sampledFeedersAt[place] = numberAt(sample.view.receivedAt, feeder.point);
  state.sampledLoadW = byMeterW;

  const differenceW = Math.abs(byMeterW - byFeedersW);
  if (differenceW > toleranceW && differenceW <= toleranceW + movedW(sample, plan.lagMs)) return;
  if (differenceW > toleranceW) {
    if (state.mismatches === 0) {
      state.mismatchedAt = now;
      state.beganWithMeter = Math.abs(byMeterW - state.matchedLoadW) > toleranceW;
    }
    state.mismatches += 1;
    state.matches = 0;
    if (state.mismatches >= plan.crossCheck.samples) contradict(state, plan, sample);
    return;
  }
  state.mismatches = 0;
  state.matchedLoadW = byMeterW;
  if (state.distrusted === "none") return;
  // A frozen value meets the truth twice in every swing of the load: only one that moves again
  // is on its way back.
  state.matches = hasMoved(state.distrusted, plan, sample.view, state.distrustedAt)
    ? state.matches + 1
    : 0;
  if (state.matches < plan.crossCheck.samples) return;
  state.distrusted = "none";
  state.matches = 0;
}

/**
 * A step that the meter saw and a feeder could not have seen, because it was not read since: half
 * the hall may hang on a feeder that is read once a second.
 */
function isFeederLate(state: GridState, plan: GridPlan, { view }: SampleSight): boolean {
  if (!state.beganWithMeter) return false;
  return plan.feeders.some(({ point }) => numberAt(view.receivedAt, point) <= state.mismatchedAt);
}

/**
 * How far the batteries' powers have moved while a reading of the meter may have been on its way,
 * W: a difference that this explains says nothing of the meter.
 */
function movedW({ units, now }: SampleSight, lagMs: number): number {
  const sinceMs = now - lagMs;
  return units.reduce(
    (sumW, { powers }) =>
      powers.count === 0 ? sumW : sumW + mostSince(powers, sinceMs) - leastSince(powers, sinceMs),
    0,
  );
}

/**
 * Counts how often the meter has seen the load move far while the feeders repeated themselves. Far:
 * more than what a step of the batteries between two readings can look like.
 */
function countUnseenMoves(
  state: GridState,
  plan: GridPlan,
  sample: SampleSight & { readonly toleranceW: number },
): void {
  const haveMoved = plan.feeders.some(
    (feeder, place) =>
      feeder.setsPace &&
      numberAt(sample.view.changedAt, feeder.point) > numberAt(state.sampledFeedersAt, place),
  );
  if (haveMoved) state.unseenMoves = 0;
  else if (Math.abs(sample.byMeterW - state.sampledLoadW) > FAR * sample.toleranceW)
    state.unseenMoves += 1;
}

/**
 * The two sides have contradicted each other long enough. A silent unit explains it first: then the
 * difference is what that unit really gives. Else it is the meter, until it has seen the load move
 * more than once while the feeders stood still to the last bit: then it is they.
 */
function contradict(state: GridState, plan: GridPlan, sample: SampleSight): void {
  const { units, byMeterW, byFeedersW, view, now } = sample;
  const silent = units.filter((unit) => unit.mode === "silent");
  if (silent.length > 0 && state.distrusted === "none") {
    const excessW = (byMeterW - byFeedersW) / silent.length;
    for (const unit of silent) unit.shownW = unit.countedW - excessW;
    state.mismatches = 0;
    return;
  }
  if (isFeederLate(state, plan, sample)) return;
  const suspect = state.unseenMoves >= UNSEEN_MOVES ? "feeders" : "meter";
  if (state.distrusted === suspect || state.distrusted === "feeders") return;
  state.distrusted = suspect;
  state.isFrozen = suspect === "feeders" || !hasMoved("meter", plan, view, state.mismatchedAt);
  state.distrustedAt = now;
  state.matches = 0;
}

function hasMoved(
  side: "meter" | "feeders",
  plan: GridPlan,
  view: ImageView,
  sinceMs: number,
): boolean {
  if (side === "meter") return numberAt(view.changedAt, plan.power.point) > sinceMs;
  return plan.feeders.some(
    (feeder) => feeder.setsPace && numberAt(view.changedAt, feeder.point) > sinceMs,
  );
}

interface ChoiceSight extends GridSight {
  readonly meterW: number | undefined;
  readonly byMeterW: number | undefined;
  readonly byFeedersW: number | undefined;
}

function choose(state: GridState, plan: GridPlan, sight: ChoiceSight): void {
  const { meterW, byMeterW, byFeedersW, view, now, units } = sight;
  if (meterW !== undefined && byMeterW !== undefined && state.distrusted !== "meter") {
    state.source = "meter";
    state.gridW = meterW;
    state.loadW = byMeterW;
    state.knownAt = numberAt(view.receivedAt, plan.power.point);
    return;
  }
  const batteriesW = units.reduce((sumW, unit) => sumW + unit.countedW, 0);
  if (byFeedersW !== undefined && state.distrusted !== "feeders" && !Number.isNaN(batteriesW)) {
    state.source = "feeders";
    state.gridW = byFeedersW - batteriesW;
    state.loadW = byFeedersW;
    state.knownAt = now;
    return;
  }
  state.source = "none";
  state.gridW = Number.NaN;
  state.loadW = Number.NaN;
}
