import { assert } from "../domain/assert.ts";
import { GOOD, isGood, type QualityCode, worstQuality } from "../domain/quality.ts";
import type { Reading } from "../domain/round.ts";
import { byteAt, numberAt, placeAt } from "./number-at.ts";

/** Longest reading, points: one device's table is never longer. */
const SMALLEST_COLUMNS = 64;

/**
 * Lowers the quality of points in readings that pass by: of a value that the device calls good but
 * that is not believed. The last good time of such a value stays what it was.
 *
 * O(1) per point, and no allocation once the longest reading has passed.
 */
export class QualityOverrides {
  readonly #codes: Uint8Array;
  /** When each point was last passed on as good, UTC ms. */
  readonly #lastGood: Float64Array;
  #loweredCount = 0;
  #sourceTimes = new Float64Array(SMALLEST_COLUMNS);

  constructor(pointCount: number) {
    this.#codes = new Uint8Array(pointCount);
    this.#lastGood = new Float64Array(pointCount).fill(Number.NaN);
  }

  /** From now on the point is at best `quality`; `GOOD` lifts it. */
  set(index: number, quality: QualityCode): void {
    const before = this.#codes[index];
    assert(before !== undefined, `there is no point ${index} to lower`);
    if (isGood(before) !== isGood(quality)) this.#loweredCount += isGood(quality) ? -1 : 1;
    this.#codes[index] = quality;
  }

  get(index: number): QualityCode {
    return byteAt(this.#codes, index);
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
    if (this.#loweredCount === 0) {
      this.#remember(reading);
      return reading;
    }
    const { points, quality, sourceTimes, receivedUtc } = reading;
    const times = this.#columns(points.length);
    let isLowered = false;
    for (let at = 0; at < points.length; at += 1) {
      const index = placeAt(points, at);
      const time = sourceTimes?.[at] ?? receivedUtc;
      const found = byteAt(quality, at);
      const code = worstQuality(found, byteAt(this.#codes, index));
      times[at] = time;
      if (isGood(code)) this.#lastGood[index] = time;
      else if (isGood(found)) {
        quality[at] = code;
        times[at] = numberAt(this.#lastGood, index);
        isLowered = true;
      }
    }
    return isLowered ? { ...reading, sourceTimes: times } : reading;
  }

  #remember(reading: Reading): void {
    const { points, quality, sourceTimes, receivedUtc } = reading;
    for (let at = 0; at < points.length; at += 1) {
      if (quality[at] !== GOOD) continue;
      this.#lastGood[placeAt(points, at)] = sourceTimes?.[at] ?? receivedUtc;
    }
  }

  #columns(length: number): Float64Array {
    if (this.#sourceTimes.length < length) this.#sourceTimes = new Float64Array(2 * length);
    return this.#sourceTimes.subarray(0, length);
  }
}
