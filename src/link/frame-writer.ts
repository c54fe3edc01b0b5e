import { assert } from "../domain/assert.ts";
import type { CommandStep } from "../domain/command.ts";
import type { PlantEvent } from "../domain/event.ts";
import type { Round } from "../domain/round.ts";
import { GOOD } from "../domain/quality.ts";
import { utf8Length, writeUtf8 } from "../domain/utf8.ts";
import { HEADER_BYTES, MAGIC } from "./message-splitter.ts";
import {
  LINK_VERSION,
  MAX_FACT_BYTES,
  MAX_FRAME_BYTES,
  MAX_ROUND_POINTS,
  MAX_ROUND_TEXT_BYTES,
  MAX_TEXT_BYTES,
} from "./messages.ts";

export const ITEM_ROUND = 1;
export const ITEM_EVENT = 2;
export const ITEM_STEP = 3;

/** Flags of a round item: which columns follow, and how. */
export const CONTIGUOUS = 1;
export const HAS_QUALITY = 2;
export const HAS_SOURCE_TIMES = 4;
export const HAS_TEXTS = 8;
/** The round tells of the past. */
export const IS_HISTORY = 16;

/** Frame number f64, items u32, flags u32: behind the message header. */
export const FRAME_HEADER_BYTES = HEADER_BYTES + 16;
export const FRAME_HAS_MORE = 1;

const FIRST_CAPACITY_BYTES = 64 * 1024;
const ROUND_HEADER_BYTES = 32;
const TEXT_HEADER_BYTES = 6;

/**
 * The items of one frame as bytes, in the order they are added. Numbers of the header are
 * little-endian; columns are in the byte order of the machine, which both ends share: a Unix socket
 * does not leave it.
 */
export class FrameWriter {
  #bytes = new Uint8Array(FIRST_CAPACITY_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #at = FRAME_HEADER_BYTES;
  #itemCount = 0;
  #cutTexts = 0;

  get byteLength(): number {
    return this.#at;
  }

  get itemCount(): number {
    return this.#itemCount;
  }

  /** Texts that were shortened or left out at a limit, since the start. */
  get cutTexts(): number {
    return this.#cutTexts;
  }

  /** Copies the round: its columns are the caller's again when this returns. */
  addRound(round: Round): void {
    const { points, values, quality, sourceTimes, texts } = round;
    const count = points.length;
    assertShape(round);
    const isContiguous = isRange(points);
    const hasQuality = !isAllGood(quality);
    const hasTexts = texts !== undefined && texts.size > 0;
    this.#reserve(ROUND_HEADER_BYTES + 4 + count * 21);
    const flags =
      (isContiguous ? CONTIGUOUS : 0) |
      (hasQuality ? HAS_QUALITY : 0) |
      (sourceTimes !== undefined ? HAS_SOURCE_TIMES : 0) |
      (hasTexts ? HAS_TEXTS : 0) |
      (round.isHistory === true ? IS_HISTORY : 0);
    this.#roundHeader(round, flags);
    if (isContiguous) this.#u32(points[0] ?? 0);
    else this.#column(points);
    this.#column(values);
    if (hasQuality) this.#column(quality);
    if (sourceTimes !== undefined) this.#column(sourceTimes);
    if (hasTexts) this.#texts(texts, count);
    this.#itemCount++;
  }

  /** False when the event is longer than the link carries: it has not been added. */
  addEvent(event: PlantEvent): boolean {
    return this.#fact(ITEM_EVENT, JSON.stringify(event));
  }

  /** False when the step is longer than the link carries: it has not been added. */
  addStep(step: CommandStep): boolean {
    return this.#fact(ITEM_STEP, JSON.stringify(step));
  }

  /**
   * The frame as one message of its own memory, and an empty writer for the next one.
   *
   * @param typeCode of the message
   */
  finish(typeCode: number, frameNo: number, flags: number): Uint8Array {
    assert(this.#at <= MAX_FRAME_BYTES, "a frame grew beyond its limit");
    writeHeader(this.#view, typeCode, this.#at);
    this.#view.setFloat64(HEADER_BYTES, frameNo, true);
    this.#view.setUint32(HEADER_BYTES + 8, this.#itemCount, true);
    this.#view.setUint32(HEADER_BYTES + 12, flags, true);
    const message = this.#bytes.slice(0, this.#at);
    this.#at = FRAME_HEADER_BYTES;
    this.#itemCount = 0;
    return message;
  }

  #roundHeader(round: Round, flags: number): void {
    const at = this.#at;
    this.#view.setUint8(at, ITEM_ROUND);
    this.#view.setUint8(at + 1, flags);
    this.#view.setUint16(at + 2, round.stream, true);
    this.#view.setUint32(at + 4, round.points.length, true);
    this.#view.setFloat64(at + 8, round.seq, true);
    this.#view.setFloat64(at + 16, round.receivedAt, true);
    this.#view.setFloat64(at + 24, round.receivedUtc, true);
    this.#at = at + ROUND_HEADER_BYTES;
  }

  #column(column: Uint8Array | Uint32Array | Float64Array): void {
    const bytes = new Uint8Array(column.buffer, column.byteOffset, column.byteLength);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  #texts(texts: ReadonlyMap<number, string>, count: number): void {
    this.#reserve(4);
    const countAt = this.#at;
    const end = this.#at + MAX_ROUND_TEXT_BYTES;
    this.#at += 4;
    let written = 0;
    for (const [position, text] of texts) {
      assert(position >= 0 && position < count, "a text belongs to no point of its round");
      const wanted = utf8Length(text);
      const length = Math.min(wanted, MAX_TEXT_BYTES);
      if (length < wanted) this.#cutTexts++;
      if (this.#at + TEXT_HEADER_BYTES + length > end) {
        this.#cutTexts++;
        continue;
      }
      this.#text(position, text, length);
      written++;
    }
    this.#view.setUint32(countAt, written, true);
  }

  #text(position: number, text: string, maxBytes: number): void {
    this.#reserve(TEXT_HEADER_BYTES + maxBytes);
    const start = this.#at + TEXT_HEADER_BYTES;
    const end = writeUtf8(this.#bytes, start, text, maxBytes);
    this.#view.setUint32(this.#at, position, true);
    this.#view.setUint16(this.#at + 4, end - start, true);
    this.#at = end;
  }

  #fact(kind: number, json: string): boolean {
    const length = utf8Length(json);
    if (length > MAX_FACT_BYTES) return false;
    this.#reserve(8 + length);
    this.#view.setUint32(this.#at, kind, true);
    this.#view.setUint32(this.#at + 4, length, true);
    this.#at = writeUtf8(this.#bytes, this.#at + 8, json, length);
    this.#itemCount++;
    return true;
  }

  #u32(value: number): void {
    this.#view.setUint32(this.#at, value, true);
    this.#at += 4;
  }

  #reserve(bytes: number): void {
    const needed = this.#at + bytes;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    larger.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}

/** Fills in the first bytes of a message that is `totalBytes` long. */
export function writeHeader(view: DataView, typeCode: number, totalBytes: number): void {
  view.setUint32(0, totalBytes - HEADER_BYTES, true);
  view.setUint8(4, MAGIC);
  view.setUint8(5, LINK_VERSION);
  view.setUint8(6, typeCode);
  view.setUint8(7, 0);
}

function assertShape({ points, values, quality, sourceTimes }: Round): void {
  const count = points.length;
  assert(count <= MAX_ROUND_POINTS, "a round has more points than the link carries");
  assert(values.length === count && quality.length === count, "columns differ in length");
  assert(sourceTimes === undefined || sourceTimes.length === count, "columns differ in length");
}

function isRange(points: Uint32Array): boolean {
  const first = points[0] ?? 0;
  for (let at = 1; at < points.length; at++) {
    if (points[at] !== first + at) return false;
  }
  return true;
}

function isAllGood(quality: Uint8Array): boolean {
  for (const code of quality) {
    if (code !== GOOD) return false;
  }
  return true;
}
