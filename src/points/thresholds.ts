import { assert } from "../domain/assert.ts";
import type { PlantEvent, Severity } from "../domain/event.ts";
import type { PointIndex } from "../domain/point.ts";
import { isBad, isGood } from "../domain/quality.ts";
import type { Reading } from "../domain/round.ts";
import { byteAt, numberAt, placeAt } from "./number-at.ts";

/** One alarm that the gateway makes of measured values; the limits are in the points' unit. */
export interface Threshold {
  readonly id: string;
  readonly device: string;
  readonly text: string;
  readonly points: readonly PointIndex[];
  /** Of the event. */
  readonly pointName: string;
  readonly side: "above" | "below";
  /** Of several points: one beyond the limit is enough, or it takes all. */
  readonly takes: "any" | "all";
  /** From the least to the gravest; each limit lies farther out than the one before. */
  readonly levels: readonly ThresholdLevel[];
  /** So far back inside the first limit it is over. */
  readonly hysteresis: number;
  /** How long a value must be beyond, and back, ms. */
  readonly onDelayMs: number;
  readonly offDelayMs: number;
  /** Judged only while this point has this value; undefined: always. */
  readonly only: { readonly point: PointIndex; readonly equals: number } | undefined;
  /** Not judged while this point has this value: somebody has stopped it. */
  readonly unless: { readonly point: PointIndex; readonly equals: number } | undefined;
  /**
   * Judged only while one of these is on the good side of the first limit, and once
   * its own point was: an input that nothing is fitted to is no failure. Empty: always.
   */
  readonly others: readonly PointIndex[];
}

export interface ThresholdLevel {
  readonly severity: Severity;
  readonly limit: number;
}

interface Watched {
  readonly threshold: Threshold;
  /** Level in force: place in `levels`; −1: none. */
  level: number;
  /** Since when the value is beyond each limit, and back inside; NaN: it is not. Monotonic ms. */
  readonly beyondAt: Float64Array;
  insideAt: number;
  /** Its own point was on the good side once. */
  wasGood: boolean;
  isDue: boolean;
}

const NONE = -1;

/**
 * Watches values against limits. A value must be beyond its limit for a while, and well inside it
 * for a while, each limit by itself; a bad or uncertain value neither raises nor clears nor counts
 * against the while. An alarm that gets graver is
 * raised again with its new severity; it ends as a whole.
 */
export class ThresholdWatch {
  readonly #watched: readonly Watched[];
  readonly #ofPoint = new Map<number, Watched[]>();
  readonly #values = new Map<number, number>();
  /** 1 where a threshold names the point. */
  readonly #isNamed: Uint8Array;
  readonly #due: Watched[] = [];

  constructor(thresholds: readonly Threshold[], pointCount: number) {
    this.#isNamed = new Uint8Array(pointCount);
    this.#watched = thresholds.map((threshold) => ({
      threshold,
      level: NONE,
      beyondAt: new Float64Array(threshold.levels.length).fill(Number.NaN),
      insideAt: Number.NaN,
      wasGood: false,
      isDue: false,
    }));
    for (const watched of this.#watched) {
      const { points, levels, others } = watched.threshold;
      assert(points.length > 0 && levels.length > 0, "a threshold watches something");
      for (const point of [...points, ...others, ...conditionPoints(watched.threshold)]) {
        assert(point < pointCount, "a threshold names points of the table");
        this.#isNamed[point] = 1;
        this.#values.set(point, Number.NaN);
        this.#ofPoint.set(point, [...(this.#ofPoint.get(point) ?? []), watched]);
      }
    }
  }

  /** True while the alarm of this device is raised. */
  isRaised(id: string, device: string): boolean {
    return this.#watched.some(
      ({ threshold, level }) =>
        level !== NONE && threshold.id === id && threshold.device === device,
    );
  }

  /** Takes the points of a reading that thresholds name; pushes an event for each change. */
  apply(reading: Reading, events: PlantEvent[]): void {
    for (let at = 0; at < reading.points.length; at += 1) {
      const point = placeAt(reading.points, at);
      if (byteAt(this.#isNamed, point) === 0) continue;
      const watchers = this.#ofPoint.get(point) ?? [];
      const quality = byteAt(reading.quality, at);
      const isKnown = !isBad(quality) && isGood(quality);
      this.#values.set(point, isKnown ? numberAt(reading.values, at) : Number.NaN);
      for (const watched of watchers) {
        if (watched.isDue) continue;
        watched.isDue = true;
        this.#due.push(watched);
      }
    }
    for (const watched of this.#due) {
      watched.isDue = false;
      this.#judge(watched, reading, events);
    }
    this.#due.length = 0;
  }

  #judge(watched: Watched, { receivedAt, receivedUtc }: Reading, events: PlantEvent[]): void {
    const { threshold, level } = watched;
    const next = this.#isOff(threshold) ? NONE : this.#nextLevel(watched, receivedAt);
    if (next === level) return;
    const told = threshold.levels[next === NONE ? level : next];
    assert(told !== undefined, "a level is one of its threshold's");
    watched.level = next;
    events.push({
      id: threshold.id,
      severity: told.severity,
      phase: next === NONE ? "cleared" : "raised",
      device: threshold.device,
      point: threshold.pointName,
      text: threshold.text,
      at: receivedUtc,
    });
  }

  /** Not to be judged now, and known to be so. */
  #isOff({ only, unless }: Threshold): boolean {
    return this.#says(unless, true) || this.#says(only, false);
  }

  /** A condition is known, and fulfilled or not. */
  #says(condition: Threshold["only"], isFulfilled: boolean): boolean {
    if (condition === undefined) return false;
    const value = this.#valueOf(condition.point);
    return !Number.isNaN(value) && (value === condition.equals) === isFulfilled;
  }

  #nextLevel(watched: Watched, now: number): number {
    const { threshold, level, beyondAt } = watched;
    const { levels, hysteresis, onDelayMs, offDelayMs } = threshold;
    const worst = this.#worst(threshold);
    if (Number.isNaN(worst) || !this.#isJudged(watched, worst)) return level;
    let reached = NONE;
    for (const [place, { limit }] of levels.entries()) {
      const isBeyond = beyond(threshold, worst, limit) > 0;
      beyondAt[place] = heldSince(numberAt(beyondAt, place), isBeyond, now);
      if (now - numberAt(beyondAt, place) >= onDelayMs) reached = place;
    }
    const isInside = beyond(threshold, worst, levels[0]?.limit ?? 0) <= -hysteresis;
    watched.insideAt = heldSince(watched.insideAt, isInside, now);
    if (reached > level) return reached;
    return now - watched.insideAt >= offDelayMs ? NONE : level;
  }

  /** Where all of many are out it is the whole unit, and another alarm's. */
  #isJudged(watched: Watched, worst: number): boolean {
    const { threshold } = watched;
    const { others, levels, only } = threshold;
    if (only !== undefined && Number.isNaN(this.#valueOf(only.point))) return false;
    if (others.length === 0) return true;
    const limit = levels[0]?.limit ?? 0;
    watched.wasGood ||= beyond(threshold, worst, limit) < 0;
    return (
      watched.wasGood && others.some((point) => beyond(threshold, this.#valueOf(point), limit) < 0)
    );
  }

  /** The value that decides; NaN when it is not known. */
  #worst({ points, side, takes }: Threshold): number {
    const wantsLargest = (side === "above") === (takes === "any");
    let worst = wantsLargest ? -Infinity : Infinity;
    for (const point of points) {
      const value = this.#valueOf(point);
      worst = wantsLargest ? Math.max(worst, value) : Math.min(worst, value);
    }
    return worst;
  }

  #valueOf(point: PointIndex): number {
    return this.#values.get(point) ?? Number.NaN;
  }
}

/** Since when something holds; NaN: it does not. */
function heldSince(before: number, holds: boolean, now: number): number {
  if (!holds) return Number.NaN;
  return Number.isNaN(before) ? now : before;
}

/** How far a value is beyond a limit, in its unit; below nought: on the good side. */
function beyond({ side }: Threshold, value: number, limit: number): number {
  return side === "above" ? value - limit : limit - value;
}

function conditionPoints({ only, unless }: Threshold): readonly PointIndex[] {
  return [only, unless].flatMap((condition) => (condition === undefined ? [] : [condition.point]));
}
