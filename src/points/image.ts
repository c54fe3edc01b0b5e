import { assert } from "../domain/assert.ts";
import type { PointIndex } from "../domain/point.ts";
import { GOOD, isBad, qualityCode } from "../domain/quality.ts";
import type { Reading } from "../domain/round.ts";
import type { MonotonicMs } from "../domain/time.ts";
import { byteAt, numberAt, placeAt } from "./number-at.ts";

/**
 * What is known of the plant: columns by place in the point table. Between two calls of
 * `PointImage.take` it does not change.
 */
export interface ImageView {
  /** In the unit of each point; NaN when bad, and for texts. */
  readonly values: Float64Array;
  /** Quality codes. */
  readonly quality: Uint8Array;
  /** Monotonic ms when the gateway received it; −Infinity before the first. */
  readonly receivedAt: Float64Array;
  /** UTC ms when the device measured; for a bad or stale value when it was last good; or NaN. */
  readonly sourceTimes: Float64Array;
  /** Monotonic ms when value or quality last differed from the reading before. */
  readonly changedAt: Float64Array;
  /** Texts and whole numbers beyond 2^53, by place in the table. */
  readonly texts: ReadonlyMap<number, string>;
}

/**
 * How far a value may lie in the future of its reader, ms: the clock of a cycle is read once,
 * before the readings that arrived during its start.
 */
const FUTURE_MS = 100;

const TOO_OLD = qualityCode("too-old");

/**
 * The latest value of every point. Drivers post at their own pace; one reader, the cycle, takes
 * everything in at once at its start, so that all of a cycle sees the same plant.
 *
 * Bounded by the table: of several readings of one point between two takes the newest is kept. A
 * value that nobody renews becomes bad/too-old in time, whoever was to renew it.
 */
export class PointImage {
  readonly view: ImageView;
  readonly #pointCount: number;
  readonly #texts = new Map<number, string>();
  readonly #inbox: {
    readonly values: Float64Array;
    readonly quality: Uint8Array;
    readonly receivedAt: Float64Array;
    readonly sourceTimes: Float64Array;
    readonly texts: Map<number, string>;
    /** 1 where a point waits in `waiting`. */
    readonly isWaiting: Uint8Array;
    readonly waiting: Uint32Array;
  };
  readonly #maxAgesMs: Float64Array | undefined;
  #waitingCount = 0;
  /** Places that the last take may have changed; one may stand in it twice. */
  readonly #taken: Uint32Array;
  #takenCount = 0;
  /** Nothing gets too old before this, monotonic ms. */
  #expireAt = Infinity;

  /** @param maxAgesMs oldest allowed age by place, see `maxAges`; undefined: nothing ages */
  constructor(pointCount: number, maxAgesMs?: Float64Array) {
    assert(Number.isInteger(pointCount) && pointCount >= 0, "a table has a whole number of points");
    assert((maxAgesMs?.length ?? pointCount) === pointCount, "every point has its maximum age");
    this.#pointCount = pointCount;
    this.#maxAgesMs = maxAgesMs;
    this.#taken = new Uint32Array(2 * pointCount);
    this.view = {
      values: new Float64Array(pointCount).fill(Number.NaN),
      quality: new Uint8Array(pointCount).fill(qualityCode("never-read")),
      receivedAt: new Float64Array(pointCount).fill(-Infinity),
      sourceTimes: new Float64Array(pointCount).fill(Number.NaN),
      changedAt: new Float64Array(pointCount).fill(-Infinity),
      texts: this.#texts,
    };
    this.#inbox = {
      values: new Float64Array(pointCount),
      quality: new Uint8Array(pointCount),
      receivedAt: new Float64Array(pointCount).fill(-Infinity),
      sourceTimes: new Float64Array(pointCount),
      texts: new Map(),
      isWaiting: new Uint8Array(pointCount),
      waiting: new Uint32Array(pointCount),
    };
  }

  /** Copies a reading's columns; the caller may fill its arrays again at once. Never blocks. */
  post(reading: Reading): void {
    const { points, receivedAt, sourceTimes } = reading;
    const inbox = this.#inbox;
    for (let at = 0; at < points.length; at += 1) {
      const index = placeAt(points, at);
      assert(index < this.#pointCount, "a reading is of points of the table");
      if (receivedAt < numberAt(inbox.receivedAt, index)) continue;
      this.#enlist(index);
      inbox.values[index] = numberAt(reading.values, at);
      inbox.quality[index] = byteAt(reading.quality, at);
      inbox.receivedAt[index] = receivedAt;
      inbox.sourceTimes[index] = sourceTimes?.[at] ?? reading.receivedUtc;
      this.#keepText(index, reading.texts?.get(at));
    }
  }

  /**
   * Swaps in everything posted since the last call. Called by the one reader, once per cycle.
   * @param now makes values older than their limit bad/too-old; their last good time stays
   */
  take(now?: MonotonicMs): void {
    for (let at = 0; at < this.#waitingCount; at += 1) {
      const index = placeAt(this.#inbox.waiting, at);
      this.#swapIn(index);
      this.#taken[at] = index;
    }
    this.#takenCount = this.#waitingCount;
    this.#waitingCount = 0;
    if (now !== undefined && this.#maxAgesMs !== undefined && now > this.#expireAt)
      this.#expire(this.#maxAgesMs, now);
  }

  /**
   * Places of all points that the last `take` may have changed, in any order, some of them twice:
   * valid until the next one.
   */
  get taken(): Uint32Array {
    return this.#taken.subarray(0, this.#takenCount);
  }

  #expire(maxAgesMs: Float64Array, now: MonotonicMs): void {
    const { receivedAt, quality } = this.view;
    let nextAt = Infinity;
    for (let index = 0; index < this.#pointCount; index += 1) {
      if (isBad(byteAt(quality, index))) continue;
      const dueAt = numberAt(receivedAt, index) + numberAt(maxAgesMs, index);
      if (now > dueAt) this.#spoil(index, now);
      else if (dueAt < nextAt) nextAt = dueAt;
    }
    this.#expireAt = nextAt;
  }

  #spoil(index: number, now: MonotonicMs): void {
    const { quality, values, changedAt } = this.view;
    quality[index] = TOO_OLD;
    values[index] = Number.NaN;
    changedAt[index] = now;
    this.#texts.delete(index);
    this.#taken[this.#takenCount] = index;
    this.#takenCount += 1;
  }

  #enlist(index: number): void {
    const inbox = this.#inbox;
    if (inbox.isWaiting[index] === 1) return;
    inbox.isWaiting[index] = 1;
    inbox.waiting[this.#waitingCount] = index;
    this.#waitingCount += 1;
  }

  #keepText(index: number, text: string | undefined): void {
    if (text !== undefined) this.#inbox.texts.set(index, text);
    else if (this.#inbox.texts.size > 0) this.#inbox.texts.delete(index);
  }

  #swapIn(index: number): void {
    const { view } = this;
    const inbox = this.#inbox;
    const value = numberAt(inbox.values, index);
    const quality = byteAt(inbox.quality, index);
    const receivedAt = numberAt(inbox.receivedAt, index);
    const isSame = Object.is(view.values[index], value) && view.quality[index] === quality;
    if (!isSame) view.changedAt[index] = receivedAt;
    view.values[index] = value;
    view.quality[index] = quality;
    view.receivedAt[index] = receivedAt;
    view.sourceTimes[index] = numberAt(inbox.sourceTimes, index);
    inbox.isWaiting[index] = 0;
    const dueAt = receivedAt + (this.#maxAgesMs?.[index] ?? Infinity);
    if (dueAt < this.#expireAt) this.#expireAt = dueAt;
    if (inbox.texts.size > 0 || this.#texts.size > 0) this.#swapText(index, receivedAt);
  }

  #swapText(index: number, receivedAt: number): void {
    const text = this.#inbox.texts.get(index);
    if (this.#texts.get(index) !== text) this.view.changedAt[index] = receivedAt;
    if (text === undefined) this.#texts.delete(index);
    else this.#texts.set(index, text);
  }
}

/**
 * The value of a point if it is good and not older than `maxAgeMs`, else undefined: an uncertain
 * value is no ground to act on. The one way the core reads a measurement.
 */
export function freshValue(
  view: ImageView,
  index: PointIndex,
  now: MonotonicMs,
  maxAgeMs: number,
): number | undefined {
  if (view.quality[index] !== GOOD) return undefined;
  const ageMs = now - numberAt(view.receivedAt, index);
  if (ageMs > maxAgeMs || ageMs < -FUTURE_MS) return undefined;
  return view.values[index];
}
