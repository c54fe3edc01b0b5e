import { assert } from "../domain/assert.ts";
import { type Producer, type StreamId, streamId } from "../domain/point.ts";
import { GOOD } from "../domain/quality.ts";
import type { Round } from "../domain/round.ts";
import { monotonicMs, utcMs } from "../domain/time.ts";
import { utf8Length, writeUtf8 } from "../domain/utf8.ts";
import { ByteReader, malformed, member } from "./byte-reader.ts";
import { parseEvent, parseStep } from "./facts.ts";
import {
  CONTIGUOUS,
  FRAME_HAS_MORE,
  type FrameWriter,
  HAS_QUALITY,
  HAS_SOURCE_TIMES,
  HAS_TEXTS,
  IS_HISTORY,
  ITEM_EVENT,
  ITEM_ROUND,
  ITEM_STEP,
  writeHeader,
} from "./frame-writer.ts";
import { HEADER_BYTES } from "./message-splitter.ts";
import {
  type Ack,
  type ConsumerMode,
  type ConsumerRole,
  type Frame,
  type FrameItem,
  type Gap,
  type Hello,
  type LinkMessage,
  MAX_FACT_BYTES,
  MAX_FRAME_ITEMS,
  MAX_HASH_BYTES,
  MAX_ROUND_POINTS,
  MAX_TEXT_BYTES,
  type Resume,
} from "./messages.ts";

const HELLO = 1;
const FRAME = 2;
const IMAGE = 3;
const GAP = 4;
const RESUME = 5;
const ACK = 6;

/** The code of a word is its place in its list. */
const PRODUCERS: readonly Producer[] = ["control", "field"];
const ROLES: readonly ConsumerRole[] = ["services", "scada", "control"];
const MODES: readonly ConsumerMode[] = ["durable", "live"];

/** Place of the message type in the header. */
const TYPE_AT = 6;
const HELLO_BYTES = HEADER_BYTES + 40;
const GAP_BYTES = HEADER_BYTES + 20;
const GAP_STREAM_BYTES = 12;
const RESUME_BYTES = HEADER_BYTES + 20;
const ACK_BYTES = HEADER_BYTES + 16;
const MAX_STREAMS = 65_536;
const FIRST_ARENA_POINTS = 4096;

/** Producer's first message: u8 producer, u8 0, u16 hash length, u32 table size, four f64, hash. */
export function encodeHello(hello: Omit<Hello, "type">): Uint8Array {
  const hashBytes = utf8Length(hello.tableHash);
  assert(hashBytes <= MAX_HASH_BYTES, "the table hash is too long for a hello");
  const { bytes, view } = message(HELLO, HELLO_BYTES + hashBytes);
  view.setUint8(8, PRODUCERS.indexOf(hello.producer));
  view.setUint16(10, hashBytes, true);
  view.setUint32(12, hello.tableSize, true);
  view.setFloat64(16, hello.epoch, true);
  view.setFloat64(24, hello.startedUtc, true);
  view.setFloat64(32, hello.oldestFrame, true);
  view.setFloat64(40, hello.nextFrame, true);
  writeUtf8(bytes, HELLO_BYTES, hello.tableHash, hashBytes);
  return bytes;
}

/** Ends the frame that `writer` holds. */
export function encodeFrame(writer: FrameWriter, frame: Omit<Frame, "items">): Uint8Array {
  const typeCode = frame.type === "frame" ? FRAME : IMAGE;
  return writer.finish(typeCode, frame.frameNo, frame.hasMore ? FRAME_HAS_MORE : 0);
}

/** f64 first frame, f64 last frame, u32 streams, then of each u32 stream and f64 seq. */
export function encodeGap(gap: Omit<Gap, "type">): Uint8Array {
  const { bytes, view } = message(GAP, GAP_BYTES + gap.lastSeqs.size * GAP_STREAM_BYTES);
  view.setFloat64(8, gap.firstFrame, true);
  view.setFloat64(16, gap.lastFrame, true);
  view.setUint32(24, gap.lastSeqs.size, true);
  let at = GAP_BYTES;
  for (const [stream, seq] of gap.lastSeqs) {
    view.setUint32(at, stream, true);
    view.setFloat64(at + 4, seq, true);
    at += GAP_STREAM_BYTES;
  }
  return bytes;
}

/** u8 role, u8 mode, u8 wants image, u8 0, f64 epoch, f64 frame. */
export function encodeResume(resume: Omit<Resume, "type">): Uint8Array {
  const { bytes, view } = message(RESUME, RESUME_BYTES);
  view.setUint8(8, ROLES.indexOf(resume.role));
  view.setUint8(9, MODES.indexOf(resume.mode));
  view.setUint8(10, resume.wantsImage ? 1 : 0);
  view.setFloat64(12, resume.epoch, true);
  view.setFloat64(20, resume.frameNo, true);
  return bytes;
}

/** f64 epoch, f64 frame. */
export function encodeAck(ack: Omit<Ack, "type">): Uint8Array {
  const { bytes, view } = message(ACK, ACK_BYTES);
  view.setFloat64(8, ack.epoch, true);
  view.setFloat64(16, ack.frameNo, true);
  return bytes;
}

function message(typeCode: number, totalBytes: number): { bytes: Uint8Array; view: DataView } {
  const bytes = new Uint8Array(totalBytes);
  const view = new DataView(bytes.buffer);
  writeHeader(view, typeCode, totalBytes);
  return { bytes, view };
}

/**
 * Reads messages. A message is checked to its last byte before anything of it is handed out. The
 * columns of a frame's rounds lie in memory that the next frame fills again.
 */
export class LinkDecoder {
  readonly #tableSize: number;
  readonly #points = new Arena((length) => new Uint32Array(length));
  readonly #floats = new Arena((length) => new Float64Array(length));
  readonly #quality = new Arena((length) => new Uint8Array(length));

  /** @param tableSize points of the site; a round that names another is malformed */
  constructor(tableSize: number) {
    this.#tableSize = tableSize;
  }

  /**
   * @param bytes one message as `MessageSplitter` cut it
   * @throws GatewayError FRAME_MALFORMED
   */
  decode(bytes: Uint8Array): LinkMessage {
    const reader = new ByteReader(bytes, TYPE_AT);
    const typeCode = reader.u8();
    reader.skip(1);
    const decoded = this.#body(typeCode, reader);
    reader.end();
    return decoded;
  }

  #body(typeCode: number, reader: ByteReader): LinkMessage {
    switch (typeCode) {
      case HELLO:
        return decodeHello(reader);
      case FRAME:
        return this.#frame("frame", reader);
      case IMAGE:
        return this.#frame("image", reader);
      case GAP:
        return decodeGap(reader);
      case RESUME:
        return decodeResume(reader);
      case ACK:
        return { type: "ack", epoch: reader.count(1), frameNo: reader.count(1) };
      default:
        throw malformed("unknown message type");
    }
  }

  #frame(type: Frame["type"], reader: ByteReader): Frame {
    const frameNo = reader.count(type === "frame" ? 1 : 0);
    const itemCount = reader.u32();
    const flags = reader.u32();
    if (itemCount > MAX_FRAME_ITEMS) throw malformed("too many items");
    if (flags > (type === "image" ? FRAME_HAS_MORE : 0)) throw malformed("unknown flags");
    this.#points.reset();
    this.#floats.reset();
    this.#quality.reset();
    const items: FrameItem[] = [];
    for (let item = 0; item < itemCount; item++) items.push(this.#item(reader));
    return { type, frameNo, items, hasMore: flags === FRAME_HAS_MORE };
  }

  #item(reader: ByteReader): FrameItem {
    const kind = reader.u8();
    const flags = reader.u8();
    const stream = reader.u16();
    const length = reader.u32();
    if (kind === ITEM_ROUND) {
      return { kind: "round", round: this.#round(reader, { flags, stream, count: length }) };
    }
    if (flags !== 0 || stream !== 0) throw malformed("unknown flags");
    switch (kind) {
      case ITEM_EVENT:
        return { kind: "event", event: parseEvent(reader.text(length, MAX_FACT_BYTES)) };
      case ITEM_STEP:
        return { kind: "step", step: parseStep(reader.text(length, MAX_FACT_BYTES)) };
      default:
        throw malformed("unknown item");
    }
  }

  #round(
    reader: ByteReader,
    { flags, stream, count }: { flags: number; stream: number; count: number },
  ): Round {
    if (count > MAX_ROUND_POINTS) throw malformed("too many points");
    if (flags > (CONTIGUOUS | HAS_QUALITY | HAS_SOURCE_TIMES | HAS_TEXTS | IS_HISTORY)) {
      throw malformed("unknown flags");
    }
    return {
      stream: streamId(stream),
      seq: reader.count(1),
      receivedAt: monotonicMs(reader.finite()),
      receivedUtc: utcMs(reader.finite()),
      points: this.#pointColumn(reader, count, flags),
      values: copyColumn(reader, this.#floats.take(count)),
      quality:
        (flags & HAS_QUALITY) === 0
          ? this.#quality.take(count).fill(GOOD)
          : copyColumn(reader, this.#quality.take(count)),
      sourceTimes:
        (flags & HAS_SOURCE_TIMES) === 0 ? undefined : copyColumn(reader, this.#floats.take(count)),
      texts: (flags & HAS_TEXTS) === 0 ? undefined : decodeTexts(reader, count),
      ...((flags & IS_HISTORY) === 0 ? {} : { isHistory: true }),
    };
  }

  #pointColumn(reader: ByteReader, count: number, flags: number): Uint32Array {
    const points = this.#points.take(count);
    if ((flags & CONTIGUOUS) !== 0) {
      const first = reader.u32();
      if (first + count > this.#tableSize) throw malformed("point outside the table");
      for (let at = 0; at < count; at++) points[at] = first + at;
      return points;
    }
    copyColumn(reader, points);
    for (const point of points) {
      if (point >= this.#tableSize) throw malformed("point outside the table");
    }
    return points;
  }
}

/** Memory for the columns of one frame, one behind the other. */
class Arena<T extends Uint8Array | Uint32Array | Float64Array> {
  readonly #make: (length: number) => T;
  #memory: T;
  #used = 0;

  constructor(make: (length: number) => T) {
    this.#make = make;
    this.#memory = make(FIRST_ARENA_POINTS);
  }

  reset(): void {
    this.#used = 0;
  }

  /** Columns taken before keep their memory when a larger one has to be made. */
  take(length: number): T {
    if (this.#used + length > this.#memory.length) {
      this.#memory = this.#make(Math.max(length, 2 * this.#memory.length));
      this.#used = 0;
    }
    const start = this.#used;
    this.#used = start + length;
    return this.#memory.subarray(start, start + length) as T;
  }
}

function copyColumn<T extends Uint8Array | Uint32Array | Float64Array>(
  reader: ByteReader,
  column: T,
): T {
  const start = reader.skip(column.byteLength);
  const target = new Uint8Array(column.buffer, column.byteOffset, column.byteLength);
  target.set(reader.bytes.subarray(start, start + column.byteLength));
  return column;
}

function decodeTexts(reader: ByteReader, count: number): Map<number, string> {
  const texts = new Map<number, string>();
  const textCount = reader.u32();
  for (let text = 0; text < textCount; text++) {
    const position = reader.u32();
    if (position >= count || texts.has(position)) throw malformed("text without a point");
    texts.set(position, reader.text(reader.u16(), MAX_TEXT_BYTES));
  }
  return texts;
}

function decodeHello(reader: ByteReader): Hello {
  const producer = member(PRODUCERS, reader.u8());
  if (reader.u8() !== 0) throw malformed("unknown flags");
  const hashBytes = reader.u16();
  const tableSize = reader.u32();
  const epoch = reader.count(1);
  const startedUtc = utcMs(reader.finite());
  const oldestFrame = reader.count(1);
  const nextFrame = reader.count(1);
  if (oldestFrame > nextFrame) throw malformed("frames are not in order");
  const tableHash = reader.text(hashBytes, MAX_HASH_BYTES);
  return {
    type: "hello",
    producer,
    epoch,
    startedUtc,
    tableHash,
    tableSize,
    oldestFrame,
    nextFrame,
  };
}

function decodeGap(reader: ByteReader): Gap {
  const firstFrame = reader.count(1);
  const lastFrame = reader.count(1);
  if (firstFrame > lastFrame) throw malformed("frames are not in order");
  const streamCount = reader.u32();
  const lastSeqs = new Map<StreamId, number>();
  for (let entry = 0; entry < streamCount; entry++) {
    const stream = streamId(reader.u32());
    if (stream >= MAX_STREAMS || lastSeqs.has(stream)) throw malformed("unknown stream");
    lastSeqs.set(stream, reader.count(1));
  }
  return { type: "gap", firstFrame, lastFrame, lastSeqs };
}

function decodeResume(reader: ByteReader): Resume {
  const role = member(ROLES, reader.u8());
  const mode = member(MODES, reader.u8());
  const wantsImage = member([false, true], reader.u8());
  if (reader.u8() !== 0) throw malformed("unknown flags");
  const epoch = reader.count(0);
  const frameNo = reader.count(0);
  return { type: "resume", role, mode, wantsImage, epoch, frameNo };
}
