import { assert } from "../../domain/assert.ts";
import { REGISTERS_BY_TYPE } from "./registers.ts";
import type { ByteOrder, NumberType } from "./registers.ts";

/**
 * Numbers, bits and texts in Modbus registers. Every reader takes the bytes as they came from the
 * wire, with the byte offset of the value's first register; every encoder gives the words to put
 * on the wire.
 *
 * A word is one register, most significant word first after ordering.
 * @see MODBUS Application Protocol Specification V1.1b3, section 4.2 (data encoding)
 */

/** How a text lies in registers. */
export interface StringLayout {
  readonly pad: "nul" | "space";
  /** `BA`: the first character is in the low byte of the first register. */
  readonly byteOrder: "AB" | "BA";
}

const WORD = 0x1_0000;
const DOUBLE_WORD = 0x1_0000_0000;
const MASK_32 = 0xffff_ffffn;

const scratch = new DataView(new ArrayBuffer(8));

/**
 * Reads one number, unscaled.
 *
 * @returns the nearest double for 64-bit integers; NaN when the pattern is no number of its type: a
 *   float's NaN, a BCD nibble above 9, a mod-10000 word above 9999
 */
export function readNumber(
  view: DataView,
  byteOffset: number,
  type: NumberType,
  order: ByteOrder,
): number {
  switch (type) {
    case "uint16":
      return view.getUint16(byteOffset, order === "BA");
    case "int16":
    case "sunssf":
      return view.getInt16(byteOffset, order === "BA");
    case "uint32":
      return readUint32(view, byteOffset, order);
    case "int32":
      return readUint32(view, byteOffset, order) | 0;
    case "float32":
      return readFloat32(view, byteOffset, order);
    default:
      return readRareNumber(view, byteOffset, type, order);
  }
}

type DecimalType = "bcd16" | "bcd32" | "bcd64" | "mod10k32" | "mod10k48" | "mod10k64";

type RareType =
  | DecimalType
  | Extract<
      NumberType,
      "uint64" | "int64" | "float64" | "signmag16" | "signmag32" | "uint8-high" | "uint8-low"
    >;

function readRareNumber(
  view: DataView,
  byteOffset: number,
  type: RareType,
  order: ByteOrder,
): number {
  switch (type) {
    case "uint64":
    case "int64":
      return Number(readWhole(view, byteOffset, type, order));
    case "float64":
      scratch.setUint32(0, readHighBits(view, byteOffset, 4, order));
      scratch.setUint32(4, readLowBits(view, byteOffset, 4, order));
      return scratch.getFloat64(0);
    case "signmag16":
      return fromSignMagnitude(view.getUint16(byteOffset, order === "BA"), 0x8000);
    case "signmag32":
      return fromSignMagnitude(readUint32(view, byteOffset, order), 0x8000_0000);
    case "uint8-high":
      return view.getUint16(byteOffset, order === "BA") >>> 8;
    case "uint8-low":
      return view.getUint16(byteOffset, order === "BA") & 0xff;
    default:
      return readDecimalWords(view, byteOffset, type, order);
  }
}

/** Reads one number of one type at a byte offset: `readNumber` with the choice made beforehand. */
export type NumberReader = (view: DataView, byteOffset: number) => number;

/** A reader for many answers; the usual types have one of their own, without any choice. */
export function numberReader(type: NumberType, order: ByteOrder): NumberReader {
  return (
    FAST_READERS[`${type} ${order}`] ??
    ((view, byteOffset) => readNumber(view, byteOffset, type, order))
  );
}

const FAST_READERS: Readonly<Partial<Record<string, NumberReader>>> = {
  "uint16 AB": (view, at) => view.getUint16(at),
  "int16 AB": (view, at) => view.getInt16(at),
  "uint32 ABCD": (view, at) => view.getUint32(at),
  "int32 ABCD": (view, at) => view.getInt32(at),
  "float32 ABCD": (view, at) => view.getFloat32(at),
  "uint32 CDAB": (view, at) => view.getUint16(at + 2) * WORD + view.getUint16(at),
  "int32 CDAB": (view, at) => (view.getUint16(at + 2) << 16) | view.getUint16(at),
};

/** Reads a 64-bit integer exactly: a bigint only where a double would lose digits. */
export function readWhole(
  view: DataView,
  byteOffset: number,
  type: "uint64" | "int64",
  order: ByteOrder,
): number | bigint {
  const high = readHighBits(view, byteOffset, 4, order);
  const low = readLowBits(view, byteOffset, 4, order);
  const signedHigh = type === "int64" ? high | 0 : high;
  const nearest = signedHigh * DOUBLE_WORD + low;
  if (Number.isSafeInteger(nearest)) return nearest;
  return (BigInt(signedHigh) << 32n) | BigInt(low);
}

/** The 32 least significant bits of a value, unsigned, after ordering. */
export function readLowBits(
  view: DataView,
  byteOffset: number,
  registers: number,
  order: ByteOrder,
): number {
  const last = wordAt(view, byteOffset, positionOf(registers - 1, registers, order), order);
  if (registers === 1) return last;
  const next = wordAt(view, byteOffset, positionOf(registers - 2, registers, order), order);
  return next * WORD + last;
}

/**
 * Bits 32 to 63 of a value, unsigned, after ordering; 0 where it has fewer than three registers.
 */
export function readHighBits(
  view: DataView,
  byteOffset: number,
  registers: number,
  order: ByteOrder,
): number {
  if (registers <= 2) return 0;
  const third = wordAt(view, byteOffset, positionOf(registers - 3, registers, order), order);
  if (registers === 3) return third;
  const fourth = wordAt(view, byteOffset, positionOf(registers - 4, registers, order), order);
  return fourth * WORD + third;
}

/** A word as four lower-case hex digits. */
export function hexOfWord(word: number): string {
  return word.toString(16).padStart(4, "0");
}

/** Reads a text of one byte per character (ISO 8859-1), without its padding. */
export function readString(
  view: DataView,
  byteOffset: number,
  registers: number,
  layout: StringLayout,
): string {
  let text = "";
  for (let index = 0; index < registers; index += 1) {
    const word = view.getUint16(byteOffset + 2 * index, layout.byteOrder === "BA");
    text += String.fromCharCode(word >>> 8, word & 0xff);
  }
  const end = layout.pad === "nul" ? text.indexOf("\0") : -1;
  const unpadded = end < 0 ? text : text.slice(0, end);
  return unpadded.replace(/[\0 ]+$/, "");
}

/** One bit of an answer to function 1 or 2: eight to a byte, the first in the lowest bit. */
export function readBit(bytes: Uint8Array, index: number): 0 | 1 {
  const byte = bytes[index >>> 3];
  assert(byte !== undefined, "the answer has fewer bits than were asked for");
  return ((byte >>> (index & 7)) & 1) === 0 ? 0 : 1;
}

/**
 * Cuts `count` bits out of an integer, counted from its least significant bit.
 *
 * @param bits the integer as two unsigned halves of 32 bits
 * @param slice first bit and number of bits, at most 53
 */
export function sliceOf(
  bits: readonly [high: number, low: number],
  slice: readonly [first: number, count: number],
  isSigned: boolean,
): number {
  const [high, low] = bits;
  const [first, count] = slice;
  assert(first >= 0 && count > 0 && count <= 53 && first + count <= 64, "slice out of bounds");
  const above = first >= 32 ? high / 2 ** (first - 32) : high * 2 ** (32 - first);
  const below = first >= 32 ? 0 : Math.floor(low / 2 ** first);
  const size = 2 ** count;
  const unsigned = ((Math.floor(above) % size) + below) % size;
  return isSigned && unsigned >= size / 2 ? unsigned - size : unsigned;
}

/** Smallest and largest number that a type holds; the float types have the range of a double. */
export function numberLimits(type: NumberType): readonly [minimum: number, maximum: number] {
  return LIMITS[type];
}

const LIMITS: Readonly<Record<NumberType, readonly [number, number]>> = {
  uint16: [0, 0xffff],
  int16: [-0x8000, 0x7fff],
  uint32: [0, 0xffff_ffff],
  int32: [-0x8000_0000, 0x7fff_ffff],
  uint64: [0, 2 ** 64],
  int64: [-(2 ** 63), 2 ** 63],
  float32: [-3.402_823_466_385_288_6e38, 3.402_823_466_385_288_6e38],
  float64: [-Number.MAX_VALUE, Number.MAX_VALUE],
  bcd16: [0, 9_999],
  bcd32: [0, 99_999_999],
  bcd64: [0, 9_999_999_999_999_999],
  mod10k32: [0, 99_999_999],
  mod10k48: [0, 999_999_999_999],
  mod10k64: [0, 9_999_999_999_999_999],
  signmag16: [-0x7fff, 0x7fff],
  signmag32: [-0x7fff_ffff, 0x7fff_ffff],
  "uint8-high": [0, 0xff],
  "uint8-low": [0, 0xff],
  sunssf: [-10, 10],
};

/** True where only whole numbers can be encoded. */
export function isWholeType(type: NumberType): boolean {
  return type !== "float32" && type !== "float64";
}

/**
 * Encodes one raw number; the inverse of `readNumber` and `readWhole`.
 *
 * @param value within `numberLimits(type)`, whole for whole types: the caller has checked, a misfit
 *   is our bug. The largest double of a 64-bit integer type encodes as the type's largest value
 * @returns words as on the wire; the other byte of a `uint8-*` is 0
 */
export function encodeNumber(value: number | bigint, type: NumberType, order: ByteOrder): number[] {
  const [minimum, maximum] = LIMITS[type];
  assert(value >= minimum && value <= maximum, `${String(value)} does not fit ${type}`);
  assert(
    typeof value === "bigint" || !isWholeType(type) || Number.isInteger(value),
    `${String(value)} is not whole`,
  );
  const [high, low] = bitsOfNumber(value, type);
  return encodeBits([high, low], REGISTERS_BY_TYPE[type], order);
}

/** Words of an integer given as two unsigned halves of 32 bits. */
export function encodeBits(
  bits: readonly [high: number, low: number],
  registers: number,
  order: ByteOrder,
): number[] {
  const [high, low] = bits;
  const words = [high >>> 16, high & 0xffff, low >>> 16, low & 0xffff].slice(4 - registers);
  if (isWordSwapped(order)) words.reverse();
  return isByteSwapped(order) ? words.map(swapBytes) : words;
}

/** Words of a text; cut at the end of the registers, characters beyond one byte become `?`. */
export function encodeString(text: string, registers: number, layout: StringLayout): number[] {
  const fill = layout.pad === "nul" ? 0 : 0x20;
  const byteAt = (index: number): number => {
    if (index >= text.length) return fill;
    const code = text.charCodeAt(index);
    return code > 0xff ? 0x3f : code;
  };
  return Array.from({ length: registers }, (_, index) => {
    const word = byteAt(2 * index) * 256 + byteAt(2 * index + 1);
    return layout.byteOrder === "BA" ? swapBytes(word) : word;
  });
}

function readUint32(view: DataView, byteOffset: number, order: ByteOrder): number {
  switch (order) {
    case "CDAB":
      return view.getUint16(byteOffset + 2) * WORD + view.getUint16(byteOffset);
    case "BADC":
      return view.getUint16(byteOffset, true) * WORD + view.getUint16(byteOffset + 2, true);
    case "DCBA":
      return view.getUint32(byteOffset, true);
    default:
      return view.getUint32(byteOffset);
  }
}

function readFloat32(view: DataView, byteOffset: number, order: ByteOrder): number {
  if (order === "ABCD") return view.getFloat32(byteOffset);
  scratch.setUint32(0, readUint32(view, byteOffset, order));
  return scratch.getFloat32(0);
}

/** Where word `index` of a value stands on the wire; index 0 is the most significant. */
function positionOf(index: number, registers: number, order: ByteOrder): number {
  return isWordSwapped(order) ? registers - 1 - index : index;
}

function wordAt(view: DataView, byteOffset: number, position: number, order: ByteOrder): number {
  return view.getUint16(byteOffset + 2 * position, isByteSwapped(order));
}

function isWordSwapped(order: ByteOrder): boolean {
  return order === "CDAB" || order === "DCBA" || order === "GHEFCDAB" || order === "HGFEDCBA";
}

function isByteSwapped(order: ByteOrder): boolean {
  switch (order) {
    case "BA":
    case "BADC":
    case "DCBA":
    case "BADCFEHG":
    case "HGFEDCBA":
      return true;
    default:
      return false;
  }
}

function swapBytes(word: number): number {
  return ((word & 0xff) << 8) | (word >>> 8);
}

/** BCD has four digits in a word, mod-10000 a number from 0 to 9999. */
function readDecimalWords(
  view: DataView,
  byteOffset: number,
  type: DecimalType,
  order: ByteOrder,
): number {
  const registers = REGISTERS_BY_TYPE[type];
  const isBcd = type.startsWith("bcd");
  let value = 0;
  for (let index = 0; index < registers; index += 1) {
    const word = wordAt(view, byteOffset, positionOf(index, registers, order), order);
    value = value * 10_000 + (isBcd ? digitsOf(word) : word > 9_999 ? Number.NaN : word);
  }
  return value;
}

function digitsOf(word: number): number {
  let value = 0;
  for (let shift = 12; shift >= 0; shift -= 4) {
    const digit = (word >>> shift) & 0xf;
    if (digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}

function fromSignMagnitude(bits: number, signBit: number): number {
  // Minus zero is zero: 0 - 0 is +0.
  return bits >= signBit ? 0 - (bits - signBit) : bits;
}

function bitsOfNumber(
  value: number | bigint,
  type: NumberType,
): readonly [high: number, low: number] {
  if (isDecimalType(type)) return bitsOfDecimal(Number(value), type);
  switch (type) {
    case "uint64":
    case "int64":
      return bitsOfWhole(BigInt(value), type);
    case "float32":
      scratch.setFloat32(0, Number(value));
      return [0, scratch.getUint32(0)];
    case "float64":
      scratch.setFloat64(0, Number(value));
      return [scratch.getUint32(0), scratch.getUint32(4)];
    case "signmag16":
      return [0, value < 0 ? 0x8000 - Number(value) : Number(value)];
    case "signmag32":
      return [0, value < 0 ? 0x8000_0000 - Number(value) : Number(value)];
    case "uint8-high":
      return [0, Number(value) << 8];
    default:
      return [0, Number(value) >>> 0];
  }
}

function bitsOfWhole(value: bigint, type: "uint64" | "int64"): readonly [number, number] {
  // A double cannot hold the largest 64-bit integers; the next one up means the largest.
  const largest = type === "uint64" ? 2n ** 64n - 1n : 2n ** 63n - 1n;
  const bits = BigInt.asUintN(64, value > largest ? largest : value);
  return [Number(bits >> 32n), Number(bits & MASK_32)];
}

function isDecimalType(type: NumberType): type is DecimalType {
  return type.startsWith("bcd") || type.startsWith("mod10k");
}

function bitsOfDecimal(value: number, type: DecimalType): readonly [high: number, low: number] {
  const isBcd = type.startsWith("bcd");
  const words: [number, number, number, number] = [0, 0, 0, 0];
  let rest = value;
  for (let index = 3; index >= 4 - REGISTERS_BY_TYPE[type]; index -= 1) {
    words[index] = isBcd ? wordOfDigits(rest % 10_000) : rest % 10_000;
    rest = Math.floor(rest / 10_000);
  }
  return [words[0] * WORD + words[1], words[2] * WORD + words[3]];
}

function wordOfDigits(group: number): number {
  return Number.parseInt(String(group), 16);
}
