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
  newestTime,
  oldestTime,
  type Series,
  valueAt,
} from "./series.ts";
import type { UnitState } from "./units.ts";
import { numberAt } from "../points/number-at.ts";

/** What is believed of the grid meter and its feeders. Plain data. */
export interface GridState {
  source: GridSource;
  /** The meter's power, W, by the time that it shows. */
  readonly meter: Series;
  distrusted: "none" | "meter" | "feeders";
  /** True where the distrusted reading stood still: frozen, not merely wrong. */
  isFrozen: boolean;
  /** Cross-check: samples that did not match, or did while something is distrusted, in a row. */
  mismatches: number;
  matches: number;
  /** Monotonic ms of the last sample that matched, and of the verdict in force. */
  matchedAt: number;
  distrustedAt: number;
  /** Receive times of the readings of the last sample that counted. */
  sampledMeterAt: number;
  readonly sampledFeedersAt: Float64Array;
  /** What the load drew by the last readings of meter and units of one time, W; NaN before. */
  comparedW: number;
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
/** Below this scale a mismatch is measured against it, W: near zero every fraction is large. */
const SMALLEST_SCALE_W = 1_000;

export function unknownGrid(plan: GridPlan, now: MonotonicMs): GridState {
  return {
    source: "none",
    meter: emptySeries(),
    distrusted: "none",
    isFrozen: false,
    mismatches: 0,
    matches: 0,
    matchedAt: -Infinity,
    distrustedAt: -Infinity,
    sampledMeterAt: -Infinity,
    sampledFeedersAt: new Float64Array(plan.feeders.length).fill(-Infinity),
    comparedW: Number.NaN,
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
  const meterW = freshValue(view, plan.power.point, now, plan.power.maxAgeMs);
  // A meter that repeats itself to the last bit may be frozen. Then what it shows belongs to the
  // batteries of that time: with those of now, each answer of theirs would ask for another one.
  if (meterW !== undefined && !endsWith(state.meter, meterW))
    addToSeries(state.meter, numberAt(view.receivedAt, plan.power.point) - plan.delayMs, meterW);
  const byMeterW = meterW === undefined ? undefined : loadByMeter(state, units);
  const byFeedersW = loadByFeeders(plan, view, now);
  if (byMeterW !== undefined && byFeedersW !== undefined && isNewSample(state, plan, view))
    judge(state, plan, { ...sight, byMeterW, byFeedersW });
  choose(state, plan, { ...sight, meterW, byMeterW, byFeedersW });
  tellSource(state, plan, sight);
}

/** What control does not believe, for the readings that go north. */
export function distrustedPoints(state: GridState, plan: GridPlan): readonly Distrust[] {
  const quality = state.isFrozen ? STALE : MISMATCH;
  switch (state.distrusted) {
    case "none":
      return [];
    case "meter":
      return [{ point: plan.power.point, quality }];
    case "feeders":
      return plan.feeders.filter((f) => f.setsPace).map(({ point }) => ({ point, quality }));
  }
}

/**
 * What the load draws, W: grid plus batteries as they were at one instant, the newest at which all
 * were measured. Comparing readings of different instants would take each step of a battery for a
 * step of the load, and answer it.
 */
function loadByMeter(state: GridState, units: readonly UnitState[]): number | undefined {
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
  let loadW = valueAt(meter, at);
  for (const unit of units)
    loadW += unit.powers.count > 0 ? valueAt(unit.powers, at) : unit.countedW;
  if (Number.isNaN(loadW)) return undefined;
  state.comparedW = loadW;
  return loadW;
}

function loadByFeeders(plan: GridPlan, view: ImageView, now: MonotonicMs): number | undefined {
  if (plan.feeders.length === 0) return undefined;
  let sumW = 0;
  for (const feeder of plan.feeders) {
    const powerW = freshValue(view, feeder.point, now, feeder.maxAgeMs);
    if (powerW === undefined) return undefined;
    sumW += feeder.sign * powerW;
  }
  const { fixedW, atRatingW, ratingW } = plan.loss;
  return sumW + fixedW + (ratingW > 0 ? atRatingW * (sumW / ratingW) ** 2 : 0);
}

/** A sample counts when the meter and every feeder that sets the pace have been read anew. */
function isNewSample(state: GridState, plan: GridPlan, view: ImageView): boolean {
  const meterAt = numberAt(view.receivedAt, plan.power.point);
  if (meterAt <= state.sampledMeterAt) return false;
  const isNew = plan.feeders.every(
    (feeder, place) =>
      !feeder.setsPace ||
      numberAt(view.receivedAt, feeder.point) > numberAt(state.sampledFeedersAt, place),
  );
  if (!isNew) return false;
  state.sampledMeterAt = meterAt;
  for (const [place, feeder] of plan.feeders.entries())
    state.sampledFeedersAt[place] = numberAt(view.receivedAt, feeder.point);
  return true;
}

interface SampleSight extends GridSight {
  readonly byMeterW: number;
  readonly byFeedersW: number;
}

function judge(state: GridState, plan: GridPlan, sample: SampleSight): void {
  const { byMeterW, byFeedersW, now } = sample;
  const scaleW = Math.max(Math.abs(byMeterW), Math.abs(byFeedersW), SMALLEST_SCALE_W);
  if (Math.abs(byMeterW - byFeedersW) > plan.crossCheck.fraction * scaleW) {
    state.mismatches += 1;
    state.matches = 0;
    if (state.mismatches >= plan.crossCheck.samples) contradict(state, plan, sample);
    return;
  }
  state.mismatches = 0;
  state.matchedAt = now;
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
 * The two sides have contradicted each other long enough. A silent unit explains it first: then the
 * difference is what that unit really gives. Else the side that stood still since they last agreed
 * is wrong, and if both moved, the meter.
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
  if (state.distrusted !== "none") return;
  const hasMeterMoved = hasMoved("meter", plan, view, state.matchedAt);
  const haveFeedersMoved = hasMoved("feeders", plan, view, state.matchedAt);
  state.distrusted = hasMeterMoved && !haveFeedersMoved ? "feeders" : "meter";
  state.isFrozen = !(hasMeterMoved && haveFeedersMoved);
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

function tellSource(state: GridState, plan: GridPlan, { notices, now }: GridSight): void {
  const { device } = plan;
  const isMeter = state.distrusted === "meter";
  notices.tell(
    { id: "meter-frozen", device, point: "active-power" },
    isMeter && state.isFrozen,
    () =>
      isMeter
        ? `${device} stands still while the feeders move; control uses the feeders`
        : `${device} moves with the feeders again`,
  );
  notices.tell(
    { id: "meter-mismatch", device, point: "active-power" },
    isMeter && !state.isFrozen,
    () =>
      isMeter
        ? `${device} contradicts the feeders; control uses the feeders`
        : `${device} agrees with the feeders again`,
  );
  const isFeeders = state.distrusted === "feeders";
  notices.tell({ id: "feeder-mismatch", device: plan.feeders[0]?.device }, isFeeders, () =>
    isFeeders
      ? `the feeders contradict ${device}, which moves; control keeps to the meter`
      : `the feeders agree with ${device} again`,
  );
  const isLost = state.source === "none" && now - state.knownAt > plan.power.maxAgeMs;
  notices.tell({ id: "meter-lost", device, point: "active-power" }, isLost, () =>
    isLost
      ? `no trusted grid power; the battery is held, then ramps to zero`
      : `the grid power is known again`,
  );
}
