import type { QualityCode } from "../domain/quality.ts";
import { encodeBits, hexOfWord, isWholeType, numberLimits } from "../wire/modbus/codec.ts";
import type { BoundPoint, Conversion, RegisterPlace } from "./binding.ts";

/** Largest power of ten that a scale-factor register may hold, either sign. */
const EXPONENT_LIMIT = 10;

const POWERS_OF_TEN: readonly number[] = Array.from(
  { length: EXPONENT_LIMIT + 1 },
  (_, exponent) => 10 ** exponent,
);

/** A raw pattern that stands for "no value", as two unsigned halves of 32 bits. */
export interface AbsentPattern {
  readonly high: number;
  readonly low: number;
  readonly quality: QualityCode;
}

/** True for a power of ten that a scale-factor register can mean. */
export function isExponent(exponent: number): boolean {
  return Number.isInteger(exponent) && Math.abs(exponent) <= EXPONENT_LIMIT;
}

/** `number · 10^exponent`, correctly rounded for negative exponents too. */
export function timesPowerOfTen(number: number, exponent: number): number {
  if (exponent === 0) return number;
  const power = POWERS_OF_TEN[Math.abs(exponent)] ?? Number.NaN;
  return exponent > 0 ? number * power : number / power;
}

/** Canonical value of a raw number; percent is not yet applied. */
export function valueOfRaw(conversion: Conversion, raw: number, exponent: number): number {
  if (conversion.curve !== undefined) {
    return interpolate(conversion.curve, raw, 0) * conversion.scale + conversion.offset;
  }
  return timesPowerOfTen(raw * conversion.scale, exponent) + conversion.offset;
}

/** Raw number of a canonical value, not rounded; the inverse of `valueOfRaw`. */
export function rawOfValue(conversion: Conversion, value: number, exponent: number): number {
  const scaled = (value - conversion.offset) / conversion.scale;
  if (conversion.curve !== undefined) return interpolate(conversion.curve, scaled, 1);
  return timesPowerOfTen(scaled, -exponent);
}

/** True where a larger raw number means a larger value. */
export function isRising(conversion: Conversion): boolean {
  const { curve, scale } = conversion;
  if (curve === undefined) return scale > 0;
  return (isAscending(curve, 0) === isAscending(curve, 1)) === scale > 0;
}

/** Smallest and largest raw number that the place can hold. */
export function rawLimits(
  conversion: Conversion,
  place: RegisterPlace,
): readonly [minimum: number, maximum: number] {
  if (conversion.slice !== undefined) {
    const patterns = 2 ** conversion.slice[1];
    return conversion.sliceSigned ? [-patterns / 2, patterns / 2 - 1] : [0, patterns - 1];
  }
  switch (conversion.raw) {
    case "bits":
      return [0, Math.min(2 ** (16 * place.count) - 1, Number.MAX_SAFE_INTEGER)];
    case "bool":
    case "string":
      return [0, 1];
    default:
      return numberLimits(conversion.raw);
  }
}

/** True where the raw value is a whole number. */
export function isWholeRaw(conversion: Conversion): boolean {
  const { raw } = conversion;
  return raw === "bits" || raw === "bool" || raw === "string" || isWholeType(raw);
}

/** The absent patterns of a number, in a form that is compared without making a text. */
export function absentPatterns(conversion: Conversion): readonly AbsentPattern[] {
  return [...conversion.absent].map(([hex, quality]) => {
    const digits = hex.padStart(16, "0");
    return {
      high: Number.parseInt(digits.slice(0, 8), 16),
      low: Number.parseInt(digits.slice(8), 16),
      quality,
    };
  });
}

/** Words on the wire of a raw pattern that is given as hex after ordering. */
export function wordsOfPattern(hex: string, conversion: Conversion, registers: number): number[] {
  const digits = hex.padStart(16, "0");
  const high = Number.parseInt(digits.slice(0, 8), 16);
  const low = Number.parseInt(digits.slice(8), 16);
  return encodeBits([high, low], registers, conversion.order);
}

/** Hex of words, without spaces. */
export function hexOfWords(words: readonly number[]): string {
  return words.map(hexOfWord).join("");
}

/** The raw code that means `value`; the smallest where several do. */
export function codeOfValue(codes: ReadonlyMap<number, number>, value: number): number | undefined {
  let smallest: number | undefined;
  for (const [code, meaning] of codes) {
    if (meaning === value && (smallest === undefined || code < smallest)) smallest = code;
  }
  return smallest;
}

/**
 * Reads a monotonic curve: linear between its points, clamped outside.
 *
 * @param from which column holds `given`: 0 raw, 1 value
 */
function interpolate(
  curve: readonly (readonly [raw: number, value: number])[],
  given: number,
  from: 0 | 1,
): number {
  const to = from === 0 ? 1 : 0;
  const ordered = isAscending(curve, from) ? curve : curve.toReversed();
  const [first] = ordered;
  if (first === undefined) return Number.NaN;
  let before = first;
  if (given <= before[from]) return before[to];
  for (const point of ordered) {
    if (given <= point[from]) {
      const share = (given - before[from]) / (point[from] - before[from]);
      return before[to] + share * (point[to] - before[to]);
    }
    before = point;
  }
  return before[to];
}

function isAscending(
  curve: readonly (readonly [raw: number, value: number])[],
  column: 0 | 1,
): boolean {
  const first = curve[0]?.[column] ?? 0;
  const last = curve.at(-1)?.[column] ?? 0;
  return last >= first;
}

/** True for a value that the point cannot plausibly have. */
export function isOutside(range: BoundPoint["range"], value: number): boolean {
  return range !== undefined && (value < range[0] || value > range[1]);
}
