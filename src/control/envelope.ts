import type { PointIndex } from "../domain/point.ts";
import type { MonotonicMs } from "../domain/time.ts";
import { freshValue, type ImageView } from "../points/image.ts";
import { clamp } from "./arbitration.ts";
import { freshState } from "./conditions.ts";
import { itemAt } from "./item-at.ts";
import type { EnvelopeEntry, InputPoint } from "./plan.ts";
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

export function compileEnvelope(entries: readonly EnvelopeEntry[]): Envelope {
  const unset = () => new Float64Array(entries.length).fill(Number.NaN);
  return {
    entries,
    placeByPoint: new Map(entries.map((entry, place) => [entry.point, place])),
    lastValues: unset(),
    lastAt: unset(),
    openAt: unset(),
    locks: new Uint8Array(entries.length),
  };
}

/** Locks every point of the assets that are named, and opens all others. */
export function lockAssets({ entries, locks }: Envelope, lockOf: (asset: string) => number): void {
  for (const [place, { asset }] of entries.entries()) locks[place] = lockOf(asset);
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
  const lock = byteAt(envelope.locks, place);
  if (lock === LOCKED_OUT || (lock === PERHAPS_LOCKED_OUT && !request.isProtective))
    return refused("locked-out");

  const value = clamp(request.value, entry.min, entry.max);
  const limitedBy = value === request.value ? undefined : "range";
  if (request.isProtective) return allowed(value, limitedBy);

  const mode = request.mode ?? entry.mode;
  if (limitedBy !== undefined && mode === "refuse") return refused("out-of-envelope");
  const { from } = request;
  return judgeMove(envelope, { place, entry, value, from, view, now, mode, limitedBy });
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
  for (const { condition, maxAgeMs } of entry.interlocks) {
    const state = freshState(view, condition, now, maxAgeMs);
    if (state === "clear") return "interlock";
    // One lost poll says nothing of a switch: it is what it was, for a moment.
    const heldMs = entry.confirm === "by-poll" ? INTERLOCK_HELD_MS : 0;
    const isHeld = now - numberAt(envelope.openAt, place) <= heldMs;
    if (state === "unknown") return isHeld ? tooSoon(envelope, sight) : "interlock-unknown";
  }
  envelope.openAt[place] = now;
  return tooSoon(envelope, sight);
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
