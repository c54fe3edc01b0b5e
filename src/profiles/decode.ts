import { assert } from "../domain/assert.ts";
import { GOOD, isBad, isGood, qualityCode, worstQuality } from "../domain/quality.ts";
import type { QualityCode } from "../domain/quality.ts";
import { qualityAt, setBad, valueAt } from "../domain/round.ts";
import type { RoundColumns } from "../domain/round.ts";
import {
  numberReader,
  readHighBits,
  readLowBits,
  readString,
  readWhole,
  sliceOf,
} from "../wire/modbus/codec.ts";
import type { NumberReader } from "../wire/modbus/codec.ts";
import type { BoundPoint, Conversion, ReadBinding } from "./binding.ts";
import {
  absentPatterns,
  isExponent,
  isOutside,
  timesPowerOfTen,
  valueOfRaw,
  wordsOfPattern,
} from "./conversion.ts";
import type { AbsentPattern } from "./conversion.ts";

const NOT_AVAILABLE = qualityCode("not-available-pattern");
const MALFORMED = qualityCode("malformed");
const OUT_OF_RANGE = qualityCode("out-of-range");
const UNKNOWN_CODE = qualityCode("unknown-code");
const INPUT_BAD = qualityCode("input-bad");

/** A point in one answer of the read plan: made once per plan, used for every answer. */
export interface PointSlot {
  readonly point: BoundPoint;
  readonly read: ReadBinding;
  /** Where the point's first register begins in the answer's register bytes. */
  readonly byteOffset: number;
  /** Where its scale factor begins in the same answer; undefined: none, fixed, or static. */
  readonly sfByteOffset: number | undefined;
  /**
   * Power of ten last seen; NaN while not known. `decodePoint` sets it from the answer; the driver
   * sets it for a static scale factor, which it reads once per connection.
   */
  exponent: number;
  /** What `decodePoint` would otherwise find out again for every answer. */
  readonly plan: DecodePlan;
}

interface DecodePlan {
  readonly kind: "number" | "code" | "text";
  readonly reader: NumberReader;
  /** Raw numbers that mean "no value", where a pattern is one number and the other way round. */
  readonly absentRaws: readonly { readonly raw: number; readonly quality: QualityCode }[];
  /** All other patterns. */
  readonly absentBits: readonly AbsentPattern[];
  readonly scale: number;
  readonly offset: number;
  readonly curve: boolean;
  /** Plausible range; a percentage gets its range when it has become a value of its own unit. */
  readonly minimum: number;
  readonly maximum: number;
  readonly isLong: boolean;
}

/** A slot for a point that the device gives; derived and write-only points have none. */
export function slotOf(
  point: BoundPoint,
  byteOffset: number,
  sfByteOffset: number | undefined,
): PointSlot {
  const { read } = point;
  assert(read !== undefined, `${point.id} is not read`);
  const exponent = knownExponent(read.conversion);
  return { point, read, byteOffset, sfByteOffset, exponent, plan: planOf(point, read) };
}

/**
 * Power of ten that is known without reading: 0 without scale factor, NaN when it has to be read.
 */
export function knownExponent(conversion: Conversion): number {
  if (conversion.sf === undefined) return 0;
  return conversion.sf.exponent ?? Number.NaN;
}

/** Reads a scale-factor register; NaN when the device marks it as absent, or it is none. */
export function exponentFrom(view: DataView, byteOffset: number): number {
  const exponent = view.getInt16(byteOffset);
  return isExponent(exponent) ? exponent : Number.NaN;
}

/**
 * Decodes one point of an answer into position `at` of the columns. Never throws on what a device
 * sends: what is no value becomes a quality. Makes no objects for numbers.
 *
 * An enum code that the profile does not know is bad/unknown-code, and the code goes into `texts`.
 * So do all digits of an unscaled 64-bit integer beyond 2^53.
 */
export function decodePoint(
  slot: PointSlot,
  view: DataView,
  columns: RoundColumns,
  at: number,
): void {
  const { plan } = slot;
  if (plan.kind === "text") {
    decodeText(slot, view, columns, at);
    return;
  }
  if (slot.sfByteOffset !== undefined) slot.exponent = exponentFrom(view, slot.sfByteOffset);
  const raw = plan.reader(view, slot.byteOffset);
  const absent = absentQuality(slot, raw, view);
  if (absent !== GOOD) {
    setBad(columns, at, absent);
  } else if (plan.kind === "code") {
    decodeCode(slot.read.conversion, raw, columns, at);
  } else {
    setNumber(slot, raw, columns, at);
    if (plan.isLong) keepDigits(slot, view, columns, at);
  }
}

/** Decodes a coil or discrete input into position `at` of the columns. */
export function decodeBit(point: BoundPoint, bit: 0 | 1, columns: RoundColumns, at: number): void {
  assert(point.read !== undefined, `${point.id} is not read`);
  const { conversion } = point.read;
  const absent = conversion.absent.get(bit === 1 ? "1" : "0");
  if (absent !== undefined) {
    setBad(columns, at, absent);
    return;
  }
  decodeCode(conversion, bit, columns, at);
}

/** True for a point whose value needs another point of the device: see `finishPoint`. */
export function needsFinish(point: BoundPoint): boolean {
  const conversion = point.read?.conversion;
  return conversion?.percentOf !== undefined || conversion?.absentWhen !== undefined;
}

/**
 * Second half of decoding, for points that need another point of the device. Call it exactly once
 * after each `decodePoint` of the point, when all points of the round are decoded.
 *
 * @param columns of all points of the device, by ordinal
 */
export function finishPoint(point: BoundPoint, columns: RoundColumns): void {
  const conversion = point.read?.conversion;
  if (conversion === undefined) return;
  const at = point.ordinal;
  const { absentWhen, percentOf } = conversion;
  if (
    absentWhen !== undefined &&
    isGood(qualityAt(columns, absentWhen.ordinal)) &&
    columns.values[absentWhen.ordinal] === absentWhen.equals
  ) {
    setBad(columns, at, NOT_AVAILABLE);
    return;
  }
  const quality = qualityAt(columns, at);
  if (percentOf === undefined || isBad(quality)) return;
  const referenceQuality = qualityAt(columns, percentOf);
  if (isBad(referenceQuality)) {
    setBad(columns, at, INPUT_BAD);
    return;
  }
  const value = valueAt(columns, at) * valueAt(columns, percentOf);
  if (isOutside(point.range, value)) {
    setBad(columns, at, OUT_OF_RANGE);
    return;
  }
  columns.values[at] = value;
  columns.quality[at] = worstQuality(quality, referenceQuality);
}

function decodeText(slot: PointSlot, view: DataView, columns: RoundColumns, at: number): void {
  const { conversion, count } = slot.read;
  const layout = conversion.string;
  assert(layout !== undefined, `${slot.point.id} has no string layout`);
  const text = readString(view, slot.byteOffset, count, layout);
  // A text of padding only is the absent pattern that profiles name "".
  const absent = text === "" ? conversion.absent.get("") : undefined;
  if (absent !== undefined) {
    setBad(columns, at, absent);
    return;
  }
  columns.values[at] = Number.NaN;
  columns.quality[at] = GOOD;
  columns.texts.set(at, text);
}

function planOf(point: BoundPoint, read: ReadBinding): DecodePlan {
  const { conversion } = read;
  const { raw, percentOf, curve, scale, offset } = conversion;
  const [minimum, maximum] = percentOf === undefined ? (point.range ?? UNLIMITED) : UNLIMITED;
  const isCoded = conversion.codes !== undefined || raw === "bool";
  const reader = readerOf(read);
  return {
    kind: raw === "string" ? "text" : isCoded ? "code" : "number",
    reader,
    ...absentOf(read, reader),
    scale,
    offset,
    curve: curve !== undefined,
    minimum,
    maximum,
    isLong: raw === "int64" || raw === "uint64",
  };
}

const UNLIMITED: readonly [number, number] = [-Number.MAX_VALUE, Number.MAX_VALUE];

/** Types of which each pattern is one number, and each number one pattern. */
const EXACT_TYPES: ReadonlySet<string> = new Set(["uint16", "int16", "uint32", "int32", "bits"]);

function absentOf(
  read: ReadBinding,
  reader: NumberReader,
): Pick<DecodePlan, "absentRaws" | "absentBits"> {
  const { conversion, count } = read;
  if (conversion.raw === "string") return { absentRaws: [], absentBits: [] };
  if (conversion.slice !== undefined || !EXACT_TYPES.has(conversion.raw) || count > 2) {
    return { absentRaws: [], absentBits: absentPatterns(conversion) };
  }
  const absentRaws = [...conversion.absent].map(([hex, quality]) => {
    const view = new DataView(new ArrayBuffer(2 * count));
    wordsOfPattern(hex, conversion, count).forEach((word, index) => {
      view.setUint16(2 * index, word);
    });
    return { raw: reader(view, 0), quality };
  });
  return { absentRaws, absentBits: [] };
}

function readerOf({ conversion, count }: ReadBinding): NumberReader {
  const { raw, order, slice, sliceSigned } = conversion;
  if (slice !== undefined) {
    return (view, at) => {
      const high = readHighBits(view, at, count, order);
      return sliceOf([high, readLowBits(view, at, count, order)], slice, sliceSigned);
    };
  }
  if (raw !== "bits" && raw !== "bool" && raw !== "string") return numberReader(raw, order);
  return (view, at) =>
    readHighBits(view, at, count, order) * 2 ** 32 + readLowBits(view, at, count, order);
}

/** GOOD when the answer holds a value. */
function absentQuality(slot: PointSlot, raw: number, view: DataView): QualityCode {
  const { absentRaws, absentBits } = slot.plan;
  for (const pattern of absentRaws) {
    if (pattern.raw === raw) return pattern.quality;
  }
  if (absentBits.length > 0) {
    const quality = absentBitsQuality(slot, view);
    if (quality !== GOOD) return quality;
  }
  if (Number.isNaN(slot.exponent)) return NOT_AVAILABLE;
  if (!Number.isNaN(raw)) return GOOD;
  return isFloat(slot.read.conversion) ? NOT_AVAILABLE : MALFORMED;
}

function absentBitsQuality(slot: PointSlot, view: DataView): QualityCode {
  const { count, conversion } = slot.read;
  const low = readLowBits(view, slot.byteOffset, count, conversion.order);
  const high = readHighBits(view, slot.byteOffset, count, conversion.order);
  for (const pattern of slot.plan.absentBits) {
    if (pattern.low === low && pattern.high === high) return pattern.quality;
  }
  return GOOD;
}

function isFloat(conversion: Conversion): boolean {
  return conversion.raw === "float32" || conversion.raw === "float64";
}

function decodeCode(conversion: Conversion, raw: number, columns: RoundColumns, at: number): void {
  const value = meaningOf(conversion, raw);
  if (value === undefined) {
    setBad(columns, at, UNKNOWN_CODE);
    columns.texts.set(at, String(raw));
    return;
  }
  if (columns.texts.size > 0) columns.texts.delete(at);
  columns.values[at] = value;
  columns.quality[at] = GOOD;
}

function meaningOf(conversion: Conversion, raw: number): number | undefined {
  if (conversion.codes !== undefined) return conversion.codes.get(raw) ?? conversion.elseCode;
  return (raw !== 0) !== conversion.isActiveLow ? 1 : 0;
}

function setNumber(slot: PointSlot, raw: number, columns: RoundColumns, at: number): void {
  const { plan } = slot;
  const value = plan.curve
    ? valueOfRaw(slot.read.conversion, raw, slot.exponent)
    : timesPowerOfTen(raw * plan.scale, slot.exponent) + plan.offset;
  // Written so that NaN and infinities fall outside too.
  if (!(value >= plan.minimum && value <= plan.maximum)) {
    setBad(columns, at, OUT_OF_RANGE);
    return;
  }
  columns.values[at] = value;
  columns.quality[at] = GOOD;
}

/** Keeps the digits that a double would lose, where the number is not scaled. */
function keepDigits(slot: PointSlot, view: DataView, columns: RoundColumns, at: number): void {
  if (columns.texts.size > 0) columns.texts.delete(at);
  const { conversion } = slot.read;
  if (conversion.scale !== 1 || conversion.offset !== 0 || conversion.sf !== undefined) return;
  if (isBad(qualityAt(columns, at)) || conversion.slice !== undefined) return;
  const type = conversion.raw === "int64" ? "int64" : "uint64";
  const whole = readWhole(view, slot.byteOffset, type, conversion.order);
  if (typeof whole === "bigint") columns.texts.set(at, whole.toString());
}
