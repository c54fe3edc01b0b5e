import { assert } from "../../domain/assert.ts";
import { utf8Bytes } from "../../domain/utf8.ts";
import type { BerReader, BitString } from "./ber-reader.ts";
import type { BerWriter } from "./ber-writer.ts";
import { DATA_TAG } from "./data-tags.ts";
import { decodeBinaryTime, decodeUtcTime, encodeBinaryTime, encodeUtcTime } from "./time.ts";
import type { BinaryTime, UtcTime } from "./time.ts";
import { unicodeText } from "./text.ts";
import { WireError } from "./wire-error.ts";

/**
 * Values of MMS.
 *
 * @see ISO 9506-2, productions Data, FloatingPoint and AccessResult
 */

export type MmsValue =
  | { readonly kind: "boolean"; readonly value: boolean }
  | { readonly kind: "integer"; readonly value: number | bigint }
  | { readonly kind: "unsigned"; readonly value: number | bigint }
  | { readonly kind: "float"; readonly value: number; readonly width: 32 | 64 }
  | ({ readonly kind: "bits" } & BitString)
  | { readonly kind: "octets"; readonly bytes: Uint8Array }
  /** One octet per character on the wire. */
  | { readonly kind: "text"; readonly value: string }
  /** UTF-8 on the wire. */
  | { readonly kind: "unicode"; readonly value: string }
  | ({ readonly kind: "utc-time" } & UtcTime)
  | ({ readonly kind: "binary-time" } & BinaryTime)
  | { readonly kind: "structure"; readonly members: readonly MmsValue[] }
  | { readonly kind: "array"; readonly members: readonly MmsValue[] }
  /** A type that IEC 61850 does not use: kept as it came. */
  | { readonly kind: "foreign"; readonly tag: number; readonly bytes: Uint8Array };

/** The answer to one access: a value, or why there is none, a code of `dataAccessErrorWord`. */
export type AccessResult = MmsValue | { readonly kind: "error"; readonly code: number };

const TAG = { ...DATA_TAG, float: 0x87 } as const;

/** Generalized time, BCD, boolean array and object identifier. */
const FOREIGN_TAGS: ReadonlySet<number> = new Set([0x8b, 0x8d, 0x8e, 0x8f]);
const FAILURE = 0x80;
const ERROR_CODE_MAX = 0xff;
/** Bits of exponent, in front of a float: which of the two formats follows. */
const EXPONENT_BITS = { 32: 8, 64: 11 } as const;

const scratch = new DataView(new ArrayBuffer(9));
const scratchBytes = new Uint8Array(scratch.buffer);

/** Steps to the next element and reads it as a value. @throws WireError */
export function readValue(reader: BerReader): MmsValue {
  reader.next();
  return presentValue(reader);
}

/** The same where a failure may stand instead. @throws WireError */
export function readAccessResult(reader: BerReader): AccessResult {
  if (reader.next() !== FAILURE) return presentValue(reader);
  return { kind: "error", code: reader.integerWithin(0, ERROR_CODE_MAX) };
}

function presentValue(reader: BerReader): MmsValue {
  switch (reader.tag) {
    case TAG.structure:
      return { kind: "structure", members: reader.descend().list(readValue) };
    case TAG.array:
      return { kind: "array", members: reader.descend().list(readValue) };
    case TAG.float:
      return readFloat(reader);
    case TAG["utc-time"]:
      return { kind: "utc-time", ...decodeUtcTime(reader.octets()) };
    case TAG.bits:
      return { kind: "bits", ...reader.bitString() };
    case TAG.boolean:
      return { kind: "boolean", value: reader.boolean() };
    case TAG.integer:
      return { kind: "integer", value: reader.integer() };
    case TAG.unsigned:
      return { kind: "unsigned", value: reader.unsigned() };
    default:
      return presentText(reader);
  }
}

function presentText(reader: BerReader): MmsValue {
  switch (reader.tag) {
    case TAG.octets:
      return { kind: "octets", bytes: reader.copy() };
    case TAG.text:
      return { kind: "text", value: reader.text() };
    case TAG.unicode:
      return { kind: "unicode", value: unicodeText(reader.octets()) };
    case TAG["binary-time"]:
      return { kind: "binary-time", ...decodeBinaryTime(reader.octets()) };
    default:
      if (!FOREIGN_TAGS.has(reader.tag)) throw reader.unexpected();
      return { kind: "foreign", tag: reader.tag, bytes: reader.copy() };
  }
}

function readFloat(reader: BerReader): MmsValue {
  const octets = reader.octetsOf(5, 9);
  const exponentBits = octets[0];
  scratchBytes.set(octets);
  if (octets.length === 5 && exponentBits === EXPONENT_BITS[32]) {
    return { kind: "float", value: scratch.getFloat32(1), width: 32 };
  }
  if (octets.length === 9 && exponentBits === EXPONENT_BITS[64]) {
    return { kind: "float", value: scratch.getFloat64(1), width: 64 };
  }
  throw new WireError("wrong-size", { size: octets.length, exponentBits: exponentBits ?? 0 });
}

export function writeAccessResult(writer: BerWriter, result: AccessResult): void {
  if (result.kind === "error") writer.integer(FAILURE, result.code);
  else writeValue(writer, result);
}

export function writeValue(writer: BerWriter, value: MmsValue): void {
  switch (value.kind) {
    case "structure":
    case "array":
      writer.nest(TAG[value.kind], () => {
        for (const member of value.members) writeValue(writer, member);
      });
      return;
    case "boolean":
      writer.boolean(TAG.boolean, value.value);
      return;
    case "integer":
      writer.integer(TAG.integer, value.value);
      return;
    case "unsigned":
      assert(value.value >= 0, "an unsigned value is not negative");
      writer.integer(TAG.unsigned, value.value);
      return;
    case "float":
      writeFloat(writer, value);
      return;
    case "bits":
      writer.bitString(TAG.bits, value);
      return;
    default:
      writeTextual(writer, value);
  }
}

type Textual = Extract<
  MmsValue,
  { kind: "octets" | "text" | "unicode" | "utc-time" | "binary-time" | "foreign" }
>;

function writeTextual(writer: BerWriter, value: Textual): void {
  switch (value.kind) {
    case "octets":
      writer.octets(TAG.octets, value.bytes);
      return;
    case "text":
      writer.text(TAG.text, value.value);
      return;
    case "unicode":
      writer.octets(TAG.unicode, utf8Bytes(value.value));
      return;
    case "utc-time":
      writer.octets(TAG["utc-time"], encodeUtcTime(value));
      return;
    case "binary-time":
      writer.octets(TAG["binary-time"], encodeBinaryTime(value));
      return;
    case "foreign":
      assert(FOREIGN_TAGS.has(value.tag), "a foreign value has the tag of one");
      writer.octets(value.tag, value.bytes);
  }
}

function writeFloat(writer: BerWriter, float: Extract<MmsValue, { kind: "float" }>): void {
  scratchBytes[0] = EXPONENT_BITS[float.width];
  if (float.width === 32) scratch.setFloat32(1, float.value);
  else scratch.setFloat64(1, float.value);
  writer.octets(TAG.float, scratchBytes.subarray(0, 1 + float.width / 8));
}

/** Bit `at` of a bit string, the first being 0; false beyond its end. */
export function bitAt(bits: BitString, at: number): boolean {
  return at < bits.bitCount && (((bits.bytes[at >> 3] ?? 0) >> (7 - (at & 7))) & 1) === 1;
}

/** A bit string of `bitCount` bits with those of `places` set. */
export function bitsOf(bitCount: number, places: Iterable<number>): BitString {
  const bytes = new Uint8Array((bitCount + 7) >> 3);
  for (const at of places) {
    assert(at >= 0 && at < bitCount, "a bit lies in its string");
    bytes[at >> 3] = (bytes[at >> 3] ?? 0) | (0x80 >> (at & 7));
  }
  return { bitCount, bytes };
}
