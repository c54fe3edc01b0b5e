import type { PointIndex } from "../domain/point.ts";
import type { MonotonicMs } from "../domain/time.ts";
import { freshValue, type ImageView } from "../points/image.ts";
import { clamp } from "./arbitration.ts";
import { freshState } from "./conditions.ts";
import { itemAt } from "./item-at.ts";
import type { EnvelopeEntry, ExclusionPlan, InputPoint } from "./plan.ts";
import { byteAt, numberAt } from "../points/number-at.ts";

/**
 * What may be written at all, compiled: the last thing that every write passes, whoever asked for
 * it. A point without an entry cannot be written by any way. Plain data.
 */
export interface Envelope {
  readonly entries: readonly EnvelopeEntry[];
  readonly placeByPoint: ReadonlyMap<PointIndex, number>;
  /** What was last written, by place of the entry; NaN before. */
  readonly lastValues: Float64Array;
  readonly lastAt: Float64Array;
  /** When all interlocks of an entry were last seen open, by its place. */
  readonly openAt: Float64Array;
  /** Whether anything may go out at all, by place of the entry: `OPEN`, `LOCKED_OUT` … */
  readonly locks: Uint8Array;
  /** 1 for an entry of a unit that is stopped: protection alone writes to it. */
  readonly inhibits: Uint8Array;
  /** Of the latches that `inhibits` shows, and how many of them still let a unit ramp. */
  readonly inhibited: { revision: number; ramps: number };
  /** When it was made, monotonic ms: what was written before is not known. */
  readonly since: number;
}

/** Nothing is locked. */
export const OPEN = 0;
/** Somebody works on the asset: nothing is written, not even by protection. */
export const LOCKED_OUT = 1;
/** It is not known whether somebody does: only protection writes. */
export const PERHAPS_LOCKED_OUT = 2;

/** After a longer pause ramps go on as if only this had passed, ms: a pause is not a step. */
export const LONGEST_STEP_MS = 1_000;
/** A setpoint that is written in every cycle goes on for so long without a reading of a switch. */
const INTERLOCK_HELD_MS = 400;

/** A write that waits for a slow device, or for an answer, may still arrive for so long, ms. */
export const LONGEST_WAY_MS = 60_000;

export interface EnvelopeRequest {
  readonly point: PointIndex;
  readonly value: number;
  /**
   * True for STOP and zero after a trip: the rate, the interval and interlocks never hold a safe
   * state off.
   */
  readonly isProtective: boolean;
  /** What happens beyond the limits; undefined: what the entry says. */
  readonly mode?: "clamp" | "refuse";
  /**
   * What the device is known to do by itself, in the unit of the point: the rate counts from there
   * instead of from what was last written.
   */
  readonly from?: number | undefined;
}

export type EnvelopeRefusal =
  | "not-a-number"
  | "read-only"
  | "locked-out"
  | "out-of-envelope"
  /** The rate needs the present value, and its read-back is not fresh. */
  | "value-unknown"
  | "too-fast"
  | "too-soon"
  | "interlock"
  /** A trip holds it. */
  | "tripped"
  /** A point that may not be in force together with it is, or is about to be. */
  | "excluded"
  /** Whether such a point is in force cannot be read. */
  | "exclusion-unknown"
  /** No fresh reading shows whether the interlock is open. */
  | "interlock-unknown";

export type EnvelopeVerdict =
  | {
      readonly result: "allowed";
      readonly value: number;
      /** What made it another value than asked. */
      readonly limitedBy: "range" | "rate" | undefined;
    }
  | { readonly result: "refused"; readonly reason: EnvelopeRefusal };

/** @param since when it is made, monotonic ms */
export function compileEnvelope(entries: readonly EnvelopeEntry[], since = -Infinity): Envelope {
  const unset = () => new Float64Array(entries.length).fill(Number.NaN);
  return {
    entries,
    placeByPoint: new Map(entries.map((entry, place) => [entry.point, place])),
    lastValues: unset(),
    lastAt: unset(),
    openAt: unset(),
    locks: new Uint8Array(entries.length),
    inhibits: new Uint8Array(entries.length),
    // None: the first cycle inhibits what was saved.
    inhibited: { revision: -1, ramps: 0 },
    since,
  };
}

/** Leaves the assets that are named to protection alone, and opens all others. */
export function inhibitAssets({ entries, inhibits }: Envelope, stopped: ReadonlySet<string>): void {
  for (const [place, { asset }] of entries.entries()) inhibits[place] = stopped.has(asset) ? 1 : 0;
}

/** Locks every point of the assets that are named, and opens all others. */
export function lockAssets({ entries, locks }: Envelope, lockOf: (asset: string) => number): void {
  for (const [place, { asset }] of entries.entries()) locks[place] = lockOf(asset);
}

/**
 * Looks at the interlocks of what is written in every cycle, also while nothing is written: a
 * switch that was seen turned is not open because its next reading is lost.
 */
export function observeInterlocks(envelope: Envelope, view: ImageView, now: MonotonicMs): void {
  for (let place = 0; place < envelope.entries.length; place += 1) {
    const { confirm, interlocks } = itemAt(envelope.entries, place);
    if (confirm !== "by-poll") continue;
    let isOpen = interlocks.length > 0;
    for (const { condition, maxAgeMs } of interlocks) {
      const state = freshState(view, condition, now, maxAgeMs);
      if (state === "clear") envelope.openAt[place] = Number.NaN;
      isOpen = isOpen && state === "active";
    }
    if (isOpen) envelope.openAt[place] = now;
  }
}

/** What of a write may go out now. */
export function judgeWrite(
  envelope: Envelope,
  request: EnvelopeRequest,
  view: ImageView,
  now: MonotonicMs,
): EnvelopeVerdict {
  if (!Number.isFinite(request.value)) return refused("not-a-number");
  const place = envelope.placeByPoint.get(request.point);
  if (place === undefined) return refused("read-only");
  const entry = itemAt(envelope.entries, place);
  const barred = barredBy(envelope, place, request.isProtective);
  if (barred !== undefined) return refused(barred);

  const value = clamp(request.value, entry.min, entry.max);
  const limitedBy = value === request.value ? undefined : "range";
  if (request.isProtective) return allowed(value, limitedBy);

  const mode = request.mode ?? entry.mode;
  if (limitedBy !== undefined && mode === "refuse") return refused("out-of-envelope");
  const { from } = request;
  return judgeMove(envelope, { place, entry, value, from, view, now, mode, limitedBy });
}

/** A lockout holds against everybody, a trip against all but protection. */
function barredBy(
  { locks, inhibits }: Envelope,
  place: number,
  isProtective: boolean,
): "locked-out" | "tripped" | undefined {
  const lock = byteAt(locks, place);
  if (lock === LOCKED_OUT || (lock === PERHAPS_LOCKED_OUT && !isProtective)) return "locked-out";
  return byteAt(inhibits, place) === 1 && !isProtective ? "tripped" : undefined;
}

/** The range of a point as its entry states it. */
export function fixedRange(
  envelope: Envelope,
  point: PointIndex,
): { readonly min: number; readonly max: number; readonly mode: "clamp" | "refuse" } | undefined {
  const place = envelope.placeByPoint.get(point);
  if (place === undefined) return undefined;
  const entry = itemAt(envelope.entries, place);
  const { min, max, mode } = entry;
  return { min, max, mode };
}

/** Remembers what went out: rate and interval start from it. */
export function recordWrite(
  envelope: Envelope,
  point: PointIndex,
  value: number,
  now: MonotonicMs,
): void {
  const place = envelope.placeByPoint.get(point);
  if (place === undefined) return;
  envelope.lastValues[place] = value;
  envelope.lastAt[place] = now;
}

interface WriteSight {
  readonly place: number;
  readonly entry: EnvelopeEntry;
  /** Inside the range. */
  readonly value: number;
  readonly from: number | undefined;
  readonly view: ImageView;
  readonly now: MonotonicMs;
}

function judgeMove(
  envelope: Envelope,
  sight: WriteSight & {
    readonly mode: "clamp" | "refuse";
    readonly limitedBy: "range" | undefined;
  },
): EnvelopeVerdict {
  const { value, mode, limitedBy } = sight;
  const held = holdOff(envelope, sight);
  if (held !== undefined) return refused(held);
  const rated = withinRate(envelope, sight);
  if (rated === undefined) return refused("value-unknown");
  if (rated === value) return allowed(value, limitedBy);
  return mode === "refuse" ? refused("too-fast") : allowed(rated, "rate");
}

function holdOff(envelope: Envelope, sight: WriteSight): EnvelopeRefusal | undefined {
  const { place, entry, view, now } = sight;
  let isCertain = true;
  for (const { condition, maxAgeMs } of entry.interlocks) {
    const state = freshState(view, condition, now, maxAgeMs);
    if (state === "clear") {
      envelope.openAt[place] = Number.NaN;
      return "interlock";
    }
    // One lost poll says nothing of a switch: it is what it was, for a moment.
    const heldMs = entry.confirm === "by-poll" ? INTERLOCK_HELD_MS : 0;
    const isHeld = now - numberAt(envelope.openAt, place) <= heldMs;
    if (state === "unknown" && !isHeld) return "interlock-unknown";
    isCertain = isCertain && state !== "unknown";
  }
  if (isCertain) envelope.openAt[place] = now;
  return excluded(envelope, sight) ?? tooSoon(envelope, sight);
}

/** A point that goes to 0, or stays there, stands in nobody's way. */
function excluded(
  envelope: Envelope,
  { entry, value, view, now }: WriteSight,
): "excluded" | "exclusion-unknown" | undefined {
  if (value === 0 || entry.excludes === undefined) return undefined;
  for (const other of entry.excludes) {
    const state = forceOf(envelope, other, { view, now });
    if (state !== "rest") return state === "in-force" ? "excluded" : "exclusion-unknown";
  }
  return undefined;
}

/**
 * Whether a point is in force. What was written to it counts until a reading shows what came of it:
 * a write that is under way is in force. One that no reading shows may still arrive for as long as
 * an order may take; then the device did not take it.
 */
function forceOf(
  { placeByPoint, lastValues, lastAt, since }: Envelope,
  { point, shown, settleMs }: ExclusionPlan,
  { view, now }: { readonly view: ImageView; readonly now: MonotonicMs },
): "in-force" | "rest" | "unknown" {
  const place = placeByPoint.get(point);
  const written = place === undefined ? Number.NaN : numberAt(lastValues, place);
  const writtenAt = place === undefined || Number.isNaN(written) ? since : numberAt(lastAt, place);
  const value = freshValue(view, shown.point, now, shown.maxAgeMs);
  if (value !== undefined && value !== 0) return "in-force";
  const isOnItsWay = !Number.isNaN(written) && written !== 0;
  const shownFrom = writtenAt + settleMs + (isOnItsWay ? LONGEST_WAY_MS : 0);
  const isSettled = numberAt(view.receivedAt, shown.point) >= shownFrom;
  if (value !== undefined && isSettled) return "rest";
  return isOnItsWay ? "in-force" : "unknown";
}

function tooSoon(
  envelope: Envelope,
  { place, entry, value, now }: WriteSight,
): "too-soon" | undefined {
  const sinceMs = now - numberAt(envelope.lastAt, place);
  if (value !== envelope.lastValues[place] && sinceMs < entry.minimumIntervalMs) return "too-soon";
  return undefined;
}

/**
 * As far towards the value as the rate allows since the last write. Before the first it counts from
 * what the device shows; undefined where that is not known. A point that nobody can read has only
 * its writes to count from, and the first of them is free.
 */
function withinRate(envelope: Envelope, sight: WriteSight): number | undefined {
  const { place, entry, value, from, view, now } = sight;
  const { rampPerS, shown } = entry;
  if (rampPerS === undefined) return value;
  const written = numberAt(envelope.lastValues, place);
  const isFirst = Number.isNaN(written);
  if (from === undefined && isFirst && shown === undefined) return value;
  const last = from ?? (isFirst ? shownValue(shown, view, now) : written);
  if (last === undefined) return undefined;
  const sinceMs = isFirst ? LONGEST_STEP_MS : now - numberAt(envelope.lastAt, place);
  const step = (rampPerS * Math.min(sinceMs, LONGEST_STEP_MS)) / 1_000;
  return clamp(value, last - step, last + step);
}

function shownValue(
  shown: InputPoint | undefined,
  view: ImageView,
  now: MonotonicMs,
): number | undefined {
  return shown === undefined ? undefined : freshValue(view, shown.point, now, shown.maxAgeMs);
}

function allowed(value: number, limitedBy: "range" | "rate" | undefined): EnvelopeVerdict {
  return { result: "allowed", value, limitedBy };
}

function refused(reason: EnvelopeRefusal): EnvelopeVerdict {
  return { result: "refused", reason };
}
