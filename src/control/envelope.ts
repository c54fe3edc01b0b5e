import type { PointIndex } from "../domain/point.ts";
import type { MonotonicMs } from "../domain/time.ts";
import { freshValue, type ImageView } from "../points/image.ts";
import { clamp } from "./arbitration.ts";
import { holdsFresh } from "./conditions.ts";
import { itemAt } from "./item-at.ts";
import type { EnvelopeBound, EnvelopeEntry, ExclusionPlan } from "./plan.ts";
import { numberAt } from "../points/number-at.ts";

/**
 * What may be written at all, compiled: the last thing that every write passes, whoever asked for
 * it. A point without an entry cannot be written by any way. Plain data.
 */
export interface Envelope {
  readonly entries: readonly EnvelopeEntry[];
  readonly placeByPoint: ReadonlyMap<PointIndex, number>;
  /** Exclusions that each entry belongs to. */
  readonly exclusions: readonly (readonly ExclusionPlan[])[];
  /** What was last written, by place of the entry; NaN before. */
  readonly lastValues: Float64Array;
  readonly lastAt: Float64Array;
  /** Last known minimum and maximum where a bound lies in another point; NaN before. */
  readonly lastMinima: Float64Array;
  readonly lastMaxima: Float64Array;
}

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
}

export type EnvelopeRefusal =
  | "not-a-number"
  | "read-only"
  | "out-of-envelope"
  | "limit-unknown"
  | "too-fast"
  | "too-soon"
  | "interlock"
  | "excluded";

export type EnvelopeVerdict =
  | {
      readonly result: "allowed";
      readonly value: number;
      /** What made it another value than asked. */
      readonly limitedBy: "range" | "rate" | undefined;
    }
  | { readonly result: "refused"; readonly reason: EnvelopeRefusal };

export function compileEnvelope(
  entries: readonly EnvelopeEntry[],
  exclusions: readonly ExclusionPlan[],
): Envelope {
  const unset = () => new Float64Array(entries.length).fill(Number.NaN);
  return {
    entries,
    placeByPoint: new Map(entries.map((entry, place) => [entry.point, place])),
    exclusions: entries.map((entry) =>
      exclusions.filter((exclusion) => exclusion.points.includes(entry.point)),
    ),
    lastValues: unset(),
    lastAt: unset(),
    lastMinima: unset(),
    lastMaxima: unset(),
  };
}

/** What of a write may go out now. Changes nothing but the memory of moving limits. */
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
  if (entry.isReadOnly) return refused("read-only");

  const range = rangeNow(envelope, entry, { place, view, now });
  const inRange = range === undefined ? request.value : clamp(request.value, ...range);
  const limitedBy = inRange === request.value ? undefined : "range";
  if (request.isProtective) return allowed(inRange, limitedBy);

  const mode = request.mode ?? entry.mode;
  if (range === undefined) return refused("limit-unknown");
  if (limitedBy !== undefined && mode === "refuse") return refused("out-of-envelope");
  return judgeMove(envelope, { place, entry, value: inRange, view, now, mode, limitedBy });
}

/** The range of a point as its entry states it, where it does not move. */
export function fixedRange(
  envelope: Envelope,
  point: PointIndex,
): { readonly min: number; readonly max: number; readonly mode: "clamp" | "refuse" } | undefined {
  const place = envelope.placeByPoint.get(point);
  if (place === undefined) return undefined;
  const entry = itemAt(envelope.entries, place);
  if (entry.isReadOnly) return undefined;
  return {
    min: entry.min.kind === "fixed" ? entry.min.value : -Infinity,
    max: entry.max.kind === "fixed" ? entry.max.value : Infinity,
    mode: entry.mode,
  };
}

/** Remembers what went out: rate, interval and exclusion start from it. */
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

interface Sight {
  readonly place: number;
  readonly view: ImageView;
  readonly now: MonotonicMs;
}

interface WriteSight extends Sight {
  readonly entry: EnvelopeEntry;
  /** Inside the range. */
  readonly value: number;
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
  if (rated === value) return allowed(value, limitedBy);
  return mode === "refuse" ? refused("too-fast") : allowed(rated, "rate");
}

/** Undefined while a limit that lies in another point has never been known. */
function rangeNow(
  envelope: Envelope,
  entry: EnvelopeEntry,
  sight: Sight,
): readonly [min: number, max: number] | undefined {
  const minimum = boundNow(entry.min, envelope.lastMinima, sight);
  const maximum = boundNow(entry.max, envelope.lastMaxima, sight);
  if (Number.isNaN(minimum + maximum)) return undefined;
  return [minimum, Math.max(minimum, maximum)];
}

/** A limit in another point is kept at its last value while that point is not known. */
function boundNow(bound: EnvelopeBound, memory: Float64Array, sight: Sight): number {
  if (bound.kind === "fixed") return bound.value;
  const { view, now, place } = sight;
  const magnitude = freshValue(view, bound.input.point, now, bound.input.maxAgeMs);
  if (magnitude !== undefined) memory[place] = bound.sign * Math.abs(magnitude);
  return numberAt(memory, place);
}

function holdOff(envelope: Envelope, sight: WriteSight): EnvelopeRefusal | undefined {
  const { place, entry, value, view, now } = sight;
  const isOpen = entry.interlocks.every((lock) =>
    holdsFresh(view, lock.condition, now, lock.maxAgeMs),
  );
  if (!isOpen) return "interlock";
  const sinceMs = now - numberAt(envelope.lastAt, place);
  if (value !== envelope.lastValues[place] && sinceMs < entry.minimumIntervalMs) return "too-soon";
  if (value !== 0 && isExcluded(envelope, sight)) return "excluded";
  return undefined;
}

function isExcluded(envelope: Envelope, { place, entry, view }: WriteSight): boolean {
  for (const exclusion of itemAt(envelope.exclusions, place)) {
    for (const point of exclusion.points)
      if (point !== entry.point && isUsed(envelope, point, view)) return true;
  }
  return false;
}

/** What we wrote counts before what is read; a point that nobody knows may be in use. */
function isUsed(envelope: Envelope, point: PointIndex, view: ImageView): boolean {
  const place = envelope.placeByPoint.get(point);
  const written = place === undefined ? Number.NaN : numberAt(envelope.lastValues, place);
  return !(written === 0 || (Number.isNaN(written) && view.values[point] === 0));
}

function withinRate(envelope: Envelope, { place, entry, value, now }: WriteSight): number {
  const last = numberAt(envelope.lastValues, place);
  if (entry.rampPerS === undefined || Number.isNaN(last)) return value;
  const step = (entry.rampPerS * (now - numberAt(envelope.lastAt, place))) / 1_000;
  return clamp(value, last - step, last + step);
}

function allowed(value: number, limitedBy: "range" | "rate" | undefined): EnvelopeVerdict {
  return { result: "allowed", value, limitedBy };
}

function refused(reason: EnvelopeRefusal): EnvelopeVerdict {
  return { result: "refused", reason };
}
