import { assert } from "../domain/assert.ts";
import { isGood, type QualityCode, worstQuality } from "../domain/quality.ts";
import type { Reading } from "../domain/round.ts";
import { byteAt, numberAt, placeAt } from "./number-at.ts";

/** First size of the column of times; it grows to twice the longest reading that was lowered. */
const SMALLEST_COLUMNS = 64;
const NONE = 0;
/** Slots are counted from 1 in 16 bits. */
const LOWERABLE_MAX = 0xffff;

/**
 * Lowers the quality of points in readings that pass by: of a value that the device calls good but
 * that is not believed. The last good time of such a value stays what it was.
 *
 * It knows beforehand which points it may have to lower, and remembers the others not at all. O(1)
 * per point, and no allocation once the longest reading has passed.
 */
export class QualityOverrides {
  readonly #first: number;
  /** Slot of a point, counted from 1, by its place behind `#first`. */
  readonly #slots: Uint16Array;
  readonly #codes: Uint8Array;
  /** When each was last passed on as good, UTC ms. */
  readonly #lastGood: Float64Array;
  #loweredCount = 0;
  #sourceTimes = new Float64Array(SMALLEST_COLUMNS);

  /** @param lowerable places in the point table, of neighbours where memory matters */
  constructor(lowerable: readonly number[]) {
    const points = [...new Set(lowerable)];
    assert(points.length <= LOWERABLE_MAX, "at most 65,535 points can be lowered");
    this.#first = points.reduce((first, point) => Math.min(first, point), Infinity);
    const last = points.reduce((end, point) => Math.max(end, point), -1);
    this.#slots = new Uint16Array(points.length === 0 ? 0 : last - this.#first + 1);
    points.forEach((point, at) => (this.#slots[point - this.#first] = at + 1));
    this.#codes = new Uint8Array(points.length + 1);
    this.#lastGood = new Float64Array(points.length + 1).fill(Number.NaN);
  }

  /** From now on the point is at best `quality`; `GOOD` lifts it. */
  set(index: number, quality: QualityCode): void {
    const slot = this.#slotOf(index);
    assert(slot !== NONE, `there is no point ${index} to lower`);
    const before = byteAt(this.#codes, slot);
    if (isGood(before) !== isGood(quality)) this.#loweredCount += isGood(quality) ? -1 : 1;
    this.#codes[slot] = quality;
  }

  get(index: number): QualityCode {
    return byteAt(this.#codes, this.#slotOf(index));
  }

  /** How many points are lowered now. */
  get loweredCount(): number {
    return this.#loweredCount;
  }

  /**
   * Lowers qualities in the reading's own column. Returns the reading to pass on: the same object
   * when nothing was lowered, else one with the last good times in place. Its columns are the
   * reading's and this object's own: they hold until the next call.
   */
  apply(reading: Reading): Reading {
    const { points, quality, sourceTimes, receivedUtc } = reading;
    let times: Float64Array | undefined;
    for (let at = 0; at < points.length; at += 1) {
      const slot = this.#slotOf(placeAt(points, at));
      if (slot === NONE) continue;
      const found = byteAt(quality, at);
      if (!isGood(found)) continue;
      const code = worstQuality(found, byteAt(this.#codes, slot));
      if (isGood(code)) {
        this.#lastGood[slot] = sourceTimes?.[at] ?? receivedUtc;
        continue;
      }
      times ??= this.#timesOf(reading);
      quality[at] = code;
      times[at] = numberAt(this.#lastGood, slot);
    }
    return times === undefined ? reading : { ...reading, sourceTimes: times };
  }

  #slotOf(index: number): number {
    return this.#slots[index - this.#first] ?? NONE;
  }

  #timesOf({ points, sourceTimes, receivedUtc }: Reading): Float64Array {
    const { length } = points;
    if (this.#sourceTimes.length < length) this.#sourceTimes = new Float64Array(2 * length);
    const times = this.#sourceTimes.subarray(0, length);
    if (sourceTimes === undefined) times.fill(receivedUtc);
    else times.set(sourceTimes);
    return times;
  }
}
