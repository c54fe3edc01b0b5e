import { GatewayError } from "../domain/errors.ts";
import { crc32c } from "./checksum.ts";

/**
 * A segment: eight bytes that name the format, then records. A record is its length, its CRC-32C
 * (both 32 bits, little-endian), its kind and its content; the sum covers kind and content.
 */
export const MAGIC = Uint8Array.from([0x44, 0x43, 0x50, 0x49, 0x52, 0x45, 0x43, 0x31]);
/** Of everything below the magic bytes; another version is not read. */
export const FORMAT_VERSION = 1;
const HEAD_BYTES = 9;
/** Longest record: a snapshot of the largest site that there can be, and some room. */
export const RECORD_MAX_BYTES = 64 * 1_024 * 1_024;

/**
 * `header`: begins a segment and says what made it. `snapshot`: the whole state, after a cycle.
 * `cycle`: the inputs and outputs of one. `gap`: cycles are missing; a snapshot follows.
 */
export const RECORD_KINDS = ["header", "snapshot", "cycle", "gap"] as const;
export type RecordKind = (typeof RECORD_KINDS)[number];

export interface SegmentRecord {
  readonly kind: RecordKind;
  readonly content: Uint8Array;
  /** Place of the record in its file. */
  readonly at: number;
}

/** Head of a record; its content follows. */
export function recordHead(kind: RecordKind, content: Uint8Array): Uint8Array {
  const head = new Uint8Array(HEAD_BYTES);
  const view = new DataView(head.buffer);
  head[8] = RECORD_KINDS.indexOf(kind);
  view.setUint32(0, content.length, true);
  view.setUint32(4, crc32c(content, crc32c(head.subarray(8))), true);
  return head;
}

/** What a segment ends with: nothing more, or bytes that are no whole record. */
export type SegmentEnd =
  | { readonly end: "whole" }
  | { readonly end: "torn"; readonly at: number; readonly lostBytes: number };

/**
 * The records of a segment up to its end, or up to the first that is not whole: what a kill or a
 * power cut left, and everything behind it, is not believed.
 *
 * @throws GatewayError FILE_UNREADABLE when it is no segment at all
 */
export function* readSegment(bytes: Uint8Array): Generator<SegmentRecord, SegmentEnd> {
  for (const [place, byte] of MAGIC.entries())
    if (place < bytes.length && bytes[place] !== byte)
      throw new GatewayError("FILE_UNREADABLE", { reason: "it is no recording of this gateway" });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < MAGIC.length) return { end: "torn", at: 0, lostBytes: bytes.length };
  let at = MAGIC.length;
  while (at < bytes.length) {
    const record = recordAt(bytes, view, at);
    if (record === undefined) return { end: "torn", at, lostBytes: bytes.length - at };
    yield record;
    at += HEAD_BYTES + record.content.length;
  }
  return { end: "whole" };
}

function recordAt(bytes: Uint8Array, view: DataView, at: number): SegmentRecord | undefined {
  if (bytes.length - at < HEAD_BYTES) return undefined;
  const length = view.getUint32(at, true);
  const start = at + HEAD_BYTES;
  if (length > RECORD_MAX_BYTES || length > bytes.length - start) return undefined;
  const sum = crc32c(bytes.subarray(at + 8, start + length));
  const kind = RECORD_KINDS[bytes[at + 8] ?? RECORD_KINDS.length];
  if (kind === undefined || sum !== view.getUint32(at + 4, true)) return undefined;
  return { kind, content: bytes.subarray(start, start + length), at };
}
