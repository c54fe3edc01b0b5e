import { assert } from "../domain/assert.ts";
import { pointIndex } from "../domain/point.ts";
import { qualityCode } from "../domain/quality.ts";
import type { ImageView } from "../points/image.ts";
import { byteAt, numberAt, placeAt } from "../points/number-at.ts";
import { type ByteReader, malformed } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";

/** What of a point differs from the record before; the rest is as it was. */
const VALUE = 1;
const QUALITY = 2;
/** Its time is another one than that of the point before it in this record. */
const RECEIVED = 4;
/** It changed when it was received … */
const CHANGED_THEN = 8;
/** … or at another time. */
const CHANGED = 16;

/** The columns of a view that control reads; it reads neither texts nor the device's times. */
interface Columns {
  readonly values: Float64Array;
  readonly quality: Uint8Array;
  readonly receivedAt: Float64Array;
  readonly changedAt: Float64Array;
}

/** Writes what changed in the image, against what was written before. */
export class ImageWriter {
  readonly #known: Columns;

  constructor(pointCount: number) {
    this.#known = neverRead(pointCount);
  }

  /**
   * @param taken places of points that may have changed since, in any order, also twice
   * @param count how many of `taken` count
   */
  changes(out: ByteWriter, view: ImageView, taken: Uint32Array, count: number): void {
    out.whole(count);
    let before = 0;
    let receivedBefore = Number.NaN;
    for (let at = 0; at < count; at += 1) {
      const index = placeAt(taken, at);
      writeStep(out, index - before);
      before = index;
      receivedBefore = this.#point(out, view, index, receivedBefore);
    }
  }

  /** Every point that was ever read. */
  everything(out: ByteWriter, view: ImageView): void {
    const known = neverRead(view.values.length);
    let count = 0;
    const { length } = view.values;
    const taken = new Uint32Array(length);
    for (let index = 0; index < length; index += 1) {
      const isRead = view.receivedAt[index] !== -Infinity;
      if (isRead || view.quality[index] !== known.quality[index]) taken[count++] = index;
    }
    copyInto(this.#known, known);
    this.changes(out, view, taken, count);
  }

  #point(out: ByteWriter, view: ImageView, index: number, receivedBefore: number): number {
    const known = this.#known;
    const value = numberAt(view.values, index);
    const quality = byteAt(view.quality, index);
    const receivedAt = numberAt(view.receivedAt, index);
    const changedAt = numberAt(view.changedAt, index);
    let flags = 0;
    if (!Object.is(value, numberAt(known.values, index))) flags |= VALUE;
    if (quality !== byteAt(known.quality, index)) flags |= QUALITY;
    if (receivedAt !== receivedBefore) flags |= RECEIVED;
    if (changedAt !== numberAt(known.changedAt, index))
      flags |= changedAt === receivedAt ? CHANGED_THEN : CHANGED;
    out.byte(flags);
    if ((flags & VALUE) !== 0) out.number(value);
    if ((flags & QUALITY) !== 0) out.byte(quality);
    if ((flags & RECEIVED) !== 0) out.number(receivedAt);
    if ((flags & CHANGED) !== 0) out.number(changedAt);
    known.values[index] = value;
    known.quality[index] = quality;
    known.receivedAt[index] = receivedAt;
    known.changedAt[index] = changedAt;
    return receivedAt;
  }
}

/** An image that is made from a recording. */
export class RecordedImage {
  readonly #columns: Columns;
  readonly view: ImageView;

  constructor(pointCount: number) {
    this.#columns = neverRead(pointCount);
    this.view = {
      ...this.#columns,
      get sourceTimes(): never {
        return unread("the device's own times");
      },
      get texts(): never {
        return unread("texts");
      },
    };
  }

  /** @throws GatewayError FILE_UNREADABLE */
  take(bytes: ByteReader): void {
    let index = 0;
    let receivedAt = Number.NaN;
    for (let left = bytes.count(); left > 0; left -= 1) {
      index += readStep(bytes);
      if (index < 0 || index >= this.#columns.values.length)
        throw malformed("a point is named that the site does not have");
      receivedAt = this.#point(bytes, index, receivedAt);
    }
  }

  #point(bytes: ByteReader, index: number, receivedBefore: number): number {
    const { values, quality, receivedAt, changedAt } = this.#columns;
    const flags = bytes.byte();
    if ((flags & VALUE) !== 0) values[index] = bytes.number();
    if ((flags & QUALITY) !== 0) quality[index] = bytes.byte();
    const at = (flags & RECEIVED) === 0 ? receivedBefore : bytes.number();
    receivedAt[index] = at;
    if ((flags & CHANGED_THEN) !== 0) changedAt[index] = at;
    if ((flags & CHANGED) !== 0) changedAt[index] = bytes.number();
    return at;
  }

  /** Everything is as if it had never been read. */
  reset(): void {
    copyInto(this.#columns, neverRead(this.#columns.values.length));
  }

  /** The first point that is another one in a second image; undefined: none. */
  differsAt(other: RecordedImage): number | undefined {
    const { values, quality, receivedAt, changedAt } = this.#columns;
    const theirs = other.#columns;
    for (let index = 0; index < values.length; index += 1) {
      const isSame =
        Object.is(values[index], theirs.values[index]) &&
        quality[index] === theirs.quality[index] &&
        receivedAt[index] === theirs.receivedAt[index] &&
        changedAt[index] === theirs.changedAt[index];
      if (!isSame) return pointIndex(index);
    }
    return undefined;
  }
}

function neverRead(pointCount: number): Columns {
  return {
    values: new Float64Array(pointCount).fill(Number.NaN),
    quality: new Uint8Array(pointCount).fill(qualityCode("never-read")),
    receivedAt: new Float64Array(pointCount).fill(-Infinity),
    changedAt: new Float64Array(pointCount).fill(-Infinity),
  };
}

function copyInto(to: Columns, from: Columns): void {
  to.values.set(from.values);
  to.quality.set(from.quality);
  to.receivedAt.set(from.receivedAt);
  to.changedAt.set(from.changedAt);
}

/** A step forward is even, one back is odd: most are 1. */
function writeStep(out: ByteWriter, step: number): void {
  out.whole(step >= 0 ? step * 2 : -step * 2 - 1);
}

function readStep(bytes: ByteReader): number {
  const coded = bytes.whole();
  return coded % 2 === 0 ? coded / 2 : -(coded + 1) / 2;
}

function unread(what: string): never {
  assert(false, `control reads ${what}, which a recording does not have`);
}
