import { assert } from "../domain/assert.ts";
import { isGood } from "../domain/quality.ts";
import { qualityAt, type RoundColumns, valueAt } from "../domain/round.ts";
import { encodeBits, encodeNumber, encodeString, numberLimits } from "../wire/modbus/codec.ts";
import { isBitTable, REGISTERS_BY_TYPE } from "../wire/modbus/registers.ts";
import type {
  BoundPoint,
  Conversion,
  Interlock,
  KeepAlive,
  RegisterPlace,
  WriteBinding,
} from "./binding.ts";
import type { Bound } from "./bound.ts";
import {
  codeOfValue,
  isExponent,
  isRising,
  isWholeRaw,
  rawLimits,
  rawOfValue,
  valueOfRaw,
  wordsOfPattern,
} from "./conversion.ts";
import { knownExponent } from "./decode.ts";

/**
 * Why a value is not written: `range-unknown` when a limit has to be read from the device and is
 * not good, `scale-unknown` when the scale factor or the rating of a percentage is not.
 */
export type WriteRefusal =
  "not-writable" | "not-a-number" | "out-of-range" | "range-unknown" | "scale-unknown";

export type WriteEncoding =
  | {
      /** Words for `write.address` and following, copies included; 0 or 1 for a coil. */
      readonly registers: readonly number[];
      /** What the device will hold: the value after rounding, in the point's canonical unit. */
      readonly value: number;
    }
  | { readonly refused: WriteRefusal };

/** What the encoding of a point depends on, besides the point. */
export interface EncodeContext {
  /** Power of ten of the scale factor; 0 where the point has none. */
  readonly exponent?: number;
  /** Value of the point that this one is percent of. */
  readonly reference?: number;
  /** Words that stand there now: slices and single bytes keep their neighbours. */
  readonly current?: readonly number[];
}

const RELATIVE_SLACK = 1e-9;

/**
 * Encodes a setpoint. A value between two steps is rounded towards zero.
 *
 * @param value canonical; index of the text for an enum, 0 or 1 for a flag
 * @param columns of all points of the device, by ordinal: limits and ratings are read there
 * @param exponent power of ten of the scale factor, as last read; NaN while not known
 */
export function encodeWrite(
  point: BoundPoint,
  value: number,
  columns: RoundColumns,
  exponent: number,
): WriteEncoding {
  const { write } = point;
  if (write === undefined) return { refused: "not-writable" };
  if (!Number.isFinite(value)) return { refused: "not-a-number" };
  const bounds = boundsOf(write, columns);
  if (bounds === undefined) return { refused: "range-unknown" };
  if (!isAllowed(write, bounds, value)) return { refused: "out-of-range" };
  const { conversion } = write;
  if (conversion.codes !== undefined || conversion.raw === "bool") return encodeCode(write, value);
  const encoding = encodeScaled(write, value, columns, exponent);
  const isInside = "refused" in encoding || isAllowed(write, bounds, encoding.value);
  return isInside ? encoding : { refused: "out-of-range" };
}

/**
 * Encodes what a device would show: the inverse of decoding for every point that is read. Numbers
 * are rounded to the nearest raw value and saturate at what the registers hold.
 *
 * @param value canonical number, text, or undefined for "no value"
 * @returns words as on the wire, 0 or 1 for bit tables; undefined when the point cannot show it: it
 *   has no absent pattern, or no code for this state
 */
export function encodePoint(
  point: BoundPoint,
  value: number | string | undefined,
  context: EncodeContext = {},
): number[] | undefined {
  const { read } = point;
  assert(read !== undefined, `${point.id} is not read`);
  const { conversion } = read;
  if (value === undefined || Number.isNaN(value)) return absentWords(read, conversion);
  if (typeof value === "string") return textWords(read, conversion, value);
  const raw = shownRaw(read, conversion, value, context);
  if (raw === undefined) return undefined;
  if (isBitTable(read.table)) return [raw];
  const words = wordsOfRaw(conversion, read, raw);
  return mergeWords(conversion, words, context.current);
}

/** The register of a power of ten. */
export function encodeScaleFactor(exponent: number): number[] {
  return encodeNumber(exponent, "sunssf", "AB");
}

/** A keep-alive that writes something of its own. */
export type BeatAction = Exclude<KeepAlive["action"], { kind: "repeat" }>;

/**
 * One beat: a counter goes on from what stands in its register and starts again at 0, a toggle
 * turns.
 *
 * @param before unsigned number in the register now
 */
export function beatWords(
  action: BeatAction,
  before: number,
): { readonly words: readonly number[]; readonly value: number } {
  if (action.kind === "raw") {
    return { words: encodeNumber(action.raw, "uint16", "AB"), value: action.raw };
  }
  if (action.kind === "toggle") {
    const value = before === 0 ? 1 : 0;
    return { words: [value], value };
  }
  const [, maximum] = numberLimits(action.raw);
  const value = before >= maximum ? 0 : before + 1;
  const order = REGISTERS_BY_TYPE[action.raw] === 1 ? "AB" : "ABCD";
  return { words: encodeNumber(value, action.raw, order), value };
}

/**
 * True when a setpoint may be written as far as this interlock goes. What is not good does not
 * hold.
 *
 * @param placeValue unsigned number read at `interlock.place`, where it has one
 */
export function interlockHolds(
  interlock: Interlock,
  columns: RoundColumns,
  placeValue?: number,
): boolean {
  if (interlock.ordinal !== undefined) {
    return goodAt(columns, interlock.ordinal) === interlock.equals;
  }
  return interlock.place === undefined || placeValue === interlock.equals;
}

function boundsOf(
  write: WriteBinding,
  columns: RoundColumns,
): readonly [minimum: number, maximum: number] | undefined {
  const minimum = boundValue(write.minimum, columns);
  const maximum = boundValue(write.maximum, columns);
  return minimum === undefined || maximum === undefined ? undefined : [minimum, maximum];
}

function boundValue(bound: Bound, columns: RoundColumns): number | undefined {
  if (bound.kind === "fixed") return bound.value;
  const magnitude = goodAt(columns, bound.ordinal);
  return magnitude === undefined ? undefined : bound.sign * magnitude;
}

function goodAt(columns: RoundColumns, ordinal: number): number | undefined {
  return isGood(qualityAt(columns, ordinal)) ? valueAt(columns, ordinal) : undefined;
}

/** The edges of an excluded band may be written, what lies between them may not. */
function isAllowed(
  write: WriteBinding,
  [minimum, maximum]: readonly [number, number],
  value: number,
): boolean {
  const slack = RELATIVE_SLACK * Math.max(1, Math.abs(value));
  if (value < minimum - slack || value > maximum + slack) return false;
  return write.exclude.every(([from, to]) => value <= from + slack || value >= to - slack);
}

function encodeScaled(
  write: WriteBinding,
  value: number,
  columns: RoundColumns,
  exponent: number,
): WriteEncoding {
  const { conversion } = write;
  const power = conversion.sf === undefined ? 0 : (conversion.sf.exponent ?? exponent);
  const unitValue = conversion.percentOf === undefined ? 1 : goodAt(columns, conversion.percentOf);
  if (!isExponent(power) || unitValue === undefined || unitValue === 0) {
    return { refused: "scale-unknown" };
  }
  const raw = roundedRaw(write, towardsZero(value, write.step) / unitValue, power);
  const [minimum, maximum] = rawLimits(conversion, write);
  if (raw < minimum || raw > maximum) return { refused: "out-of-range" };
  return {
    registers: copiesOf(write, wordsOfRaw(conversion, write, raw)),
    value: valueOfRaw(conversion, raw, power) * unitValue,
  };
}

function encodeCode(write: WriteBinding, value: number): WriteEncoding {
  const raw = rawOfCode(write.conversion, value);
  if (raw === undefined) return { refused: "out-of-range" };
  const words = isBitTable(write.table) ? [raw] : wordsOfRaw(write.conversion, write, raw);
  return { registers: copiesOf(write, words), value };
}

function rawOfCode(conversion: Conversion, value: number): number | undefined {
  if (conversion.codes !== undefined) return codeOfValue(conversion.codes, value);
  if (value !== 0 && value !== 1) return undefined;
  return (value === 1) !== conversion.isActiveLow ? 1 : 0;
}

/** Multiple of `step` that is nearest to `value` without being further from zero. */
function towardsZero(value: number, step: number | undefined): number {
  if (step === undefined) return value;
  const steps = value / step;
  return Math.trunc(steps + Math.sign(steps) * slackOf(steps)) * step;
}

/** The raw number whose value is nearest to `value` without being further from zero. */
function roundedRaw(write: WriteBinding, value: number, exponent: number): number {
  const { conversion } = write;
  const exact = rawOfValue(conversion, value, exponent);
  if (!isWholeRaw(conversion) && write.stepRaw === undefined) return exact;
  const stepRaw = write.stepRaw ?? 1;
  const steps = exact / stepRaw;
  const slack = slackOf(steps);
  const isDown = value >= 0 === isRising(conversion);
  return (isDown ? Math.floor(steps + slack) : Math.ceil(steps - slack)) * stepRaw;
}

function slackOf(steps: number): number {
  return RELATIVE_SLACK * Math.max(1, Math.abs(steps));
}

function copiesOf(write: WriteBinding, words: readonly number[]): readonly number[] {
  return Array.from({ length: write.copies }, () => words).flat();
}

/** Raw number that a device shows for a value; undefined when no code means it. */
function shownRaw(
  place: RegisterPlace,
  conversion: Conversion,
  value: number,
  context: EncodeContext,
): number | undefined {
  if (conversion.codes !== undefined || conversion.raw === "bool") {
    return rawOfCode(conversion, value);
  }
  if (conversion.raw === "string") return undefined;
  const known = knownExponent(conversion);
  const exponent = Number.isNaN(known) ? (context.exponent ?? 0) : known;
  const unitValue = conversion.percentOf === undefined ? 1 : (context.reference ?? 0);
  const share = unitValue === 0 ? 0 : value / unitValue;
  const exact = rawOfValue(conversion, share, exponent);
  const [minimum, maximum] = rawLimits(conversion, place);
  const rounded = isWholeRaw(conversion) ? Math.round(exact) : exact;
  return awayFromAbsent(place, conversion, Math.min(Math.max(rounded, minimum), maximum));
}

/** A number that saturates must not look like "no value": it stops one step earlier. */
function awayFromAbsent(place: RegisterPlace, conversion: Conversion, raw: number): number {
  if (conversion.absent.size === 0 || raw === 0 || conversion.slice !== undefined) return raw;
  const words = wordsOfRaw(conversion, place, raw);
  const isAbsent = [...conversion.absent.keys()].some(
    (hex) => wordsOfPattern(hex, conversion, place.count).join() === words.join(),
  );
  return isAbsent ? raw - Math.sign(raw) : raw;
}

function wordsOfRaw(conversion: Conversion, place: RegisterPlace, raw: number): number[] {
  const { order } = conversion;
  if (conversion.slice !== undefined) {
    const [first, count] = conversion.slice;
    const unsigned = raw < 0 ? raw + 2 ** count : raw;
    return encodeBits(shiftLeft(unsigned, first), place.count, order);
  }
  switch (conversion.raw) {
    case "bits":
    case "bool":
    case "string":
      return encodeBits([Math.floor(raw / 2 ** 32), raw % 2 ** 32], place.count, order);
    default:
      return encodeNumber(raw, conversion.raw, order);
  }
}

function shiftLeft(bits: number, first: number): readonly [high: number, low: number] {
  const shifted = BigInt(bits) << BigInt(first);
  return [Number(shifted >> 32n), Number(shifted & 0xffff_ffffn)];
}

/** Puts a slice or a single byte into the words that stand there. */
function mergeWords(
  conversion: Conversion,
  words: number[],
  current: readonly number[] | undefined,
): number[] {
  const mask = maskOf(conversion, words.length);
  if (mask === undefined || current === undefined) return words;
  return words.map((word, index) => {
    const bits = mask[index] ?? 0;
    return (word & bits) | ((current[index] ?? 0) & ~bits & 0xffff);
  });
}

/** Bits of the words that belong to the value; undefined: all. */
function maskOf(conversion: Conversion, registers: number): readonly number[] | undefined {
  if (conversion.slice !== undefined) {
    const [first, count] = conversion.slice;
    return encodeBits(shiftLeft(2 ** count - 1, first), registers, conversion.order);
  }
  if (conversion.raw === "uint8-high") return encodeBits([0, 0xff00], 1, conversion.order);
  if (conversion.raw === "uint8-low") return encodeBits([0, 0x00ff], 1, conversion.order);
  return undefined;
}

function absentWords(place: RegisterPlace, conversion: Conversion): number[] | undefined {
  const [pattern] = conversion.absent.keys();
  if (pattern === undefined) {
    const { raw } = conversion;
    if (raw === "float32") return encodeBits([0, 0x7fc0_0000], 2, conversion.order);
    if (raw === "float64") return encodeBits([0x7ff8_0000, 0], 4, conversion.order);
    return undefined;
  }
  if (isBitTable(place.table)) return [Number(pattern)];
  if (conversion.raw === "string") return textWords(place, conversion, "");
  return wordsOfPattern(pattern, conversion, place.count);
}

function textWords(
  place: RegisterPlace,
  conversion: Conversion,
  text: string,
): number[] | undefined {
  if (conversion.string === undefined) return undefined;
  return encodeString(text, place.count, conversion.string);
}
