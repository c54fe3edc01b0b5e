import { type QualityCode, isBad, qualityCode } from "../domain/quality.ts";
import { type RoundColumns, setBad, valueAt } from "../domain/round.ts";
import { conversionTo } from "../domain/vocabulary/vocabulary.ts";
import type { BoundPoint } from "./binding.ts";
import type { NodeConversion, NodeWrite } from "./binding-iec61850.ts";
import type { Bound } from "./bound.ts";
import { codeOfValue, isOutside } from "./conversion.ts";
import { SI_UNITS } from "./si-units.ts";

/** A value as a device of IEC 61850 gives it; the position of a switch is 0 to 3. */
export type NodeScalar = number | bigint | boolean | string;

/** Canonical value = raw · factor + offset. */
export interface NodeScale {
  readonly factor: number;
  readonly offset: number;
}

/** What a device says about the unit of a value itself. @see IEC 61850-7-3, section 6.4.6 */
export interface DeviceUnit {
  /** `SIUnit`; undefined when it does not say. */
  readonly si: number | undefined;
  /** `multiplier`, a power of ten. */
  readonly multiplier: number;
}

/** Of integers: value = raw · scaleFactor + offset. @see IEC 61850-7-3, section 6.4.2 */
export interface DeviceScale {
  readonly scaleFactor: number;
  readonly offset: number;
}

const MALFORMED = qualityCode("malformed");
const UNKNOWN_CODE = qualityCode("unknown-code");
const OUT_OF_RANGE = qualityCode("out-of-range");
const NO_VALUE = qualityCode("not-available-pattern");
const PLAIN_SCALE: DeviceScale = { scaleFactor: 1, offset: 0 };
/** 1: a number without a dimension, which says nothing about percent or parts of one. */
const DIMENSIONLESS = 1;

/**
 * How numbers of the device become canonical ones. Its own word on its unit comes before the
 * profile's; undefined when the two are of different quantities.
 */
export function nodeScale(
  conversion: NodeConversion,
  unit?: DeviceUnit,
  device: DeviceScale = PLAIN_SCALE,
): NodeScale | undefined {
  const known = unitOfDevice(conversion, unit);
  if (known === undefined) return undefined;
  const { scale, offset, sign } = conversion;
  const factor = device.scaleFactor * scale * known.factor * sign;
  const shift = ((device.offset * scale + offset) * known.factor + known.offset) * sign;
  return { factor, offset: shift };
}

function unitOfDevice(
  { unit, canonicalUnit }: NodeConversion,
  said: DeviceUnit | undefined,
): NodeScale | undefined {
  if (said?.si === undefined || said.si === DIMENSIONLESS || canonicalUnit === undefined) {
    return unit;
  }
  const name = SI_UNITS.get(said.si);
  const si = name === undefined ? undefined : conversionTo(canonicalUnit, name);
  if (si === undefined) return undefined;
  return { factor: si.factor * 10 ** said.multiplier, offset: si.offset };
}

/** Where a value goes, and what is known of it besides. */
export interface NodeTaking {
  readonly point: BoundPoint;
  readonly conversion: NodeConversion;
  readonly scale: NodeScale;
  readonly quality: QualityCode;
}

/** Puts a value of the device into columns, at the ordinal of its point. */
export function takeNodeValue(
  taking: NodeTaking,
  scalar: NodeScalar | undefined,
  columns: RoundColumns,
): void {
  const { point, conversion, quality } = taking;
  const { ordinal } = point;
  columns.texts.delete(ordinal);
  if (isBad(quality)) setBad(columns, ordinal, quality);
  else if (scalar === undefined) setBad(columns, ordinal, MALFORMED);
  else if (conversion.kind === "text") {
    columns.values[ordinal] = Number.NaN;
    columns.quality[ordinal] = quality;
    columns.texts.set(ordinal, String(scalar));
  } else if (conversion.kind === "number") takeNumber(taking, scalar, columns);
  else takeCode(taking, scalar, columns);
}

function takeNumber(
  { point, scale, quality }: NodeTaking,
  scalar: NodeScalar,
  columns: RoundColumns,
): void {
  const { ordinal } = point;
  const raw = typeof scalar === "string" ? Number.NaN : Number(scalar);
  const value = raw * scale.factor + scale.offset;
  if (!Number.isFinite(value)) setBad(columns, ordinal, NO_VALUE);
  else if (isOutside(point.range, value)) setBad(columns, ordinal, OUT_OF_RANGE);
  else {
    columns.values[ordinal] = value;
    columns.quality[ordinal] = quality;
  }
}

function takeCode(
  { point, conversion, quality }: NodeTaking,
  scalar: NodeScalar,
  columns: RoundColumns,
): void {
  const { ordinal } = point;
  const raw = Number(scalar);
  const code = meaningOfCode(conversion, raw);
  if (code !== undefined) {
    columns.values[ordinal] = code;
    columns.quality[ordinal] = quality;
    return;
  }
  setBad(columns, ordinal, UNKNOWN_CODE);
  columns.texts.set(ordinal, String(raw));
}

function meaningOfCode(conversion: NodeConversion, raw: number): number | undefined {
  const { codes, elseCode, kind, isActiveLow } = conversion;
  if (codes !== undefined) return codes.get(raw) ?? elseCode;
  if (kind !== "flag" || Number.isNaN(raw)) return undefined;
  return (raw !== 0) === isActiveLow ? 0 : 1;
}

export type NodeEncoding =
  | { readonly raw: number | boolean; readonly value: number }
  | { readonly refused: "out-of-range" | "limit-unknown" | "no-such-state" };

/** Limits of a setpoint that the device itself tells. */
export interface DeviceLimits {
  readonly minimum: number;
  readonly maximum: number;
}

/**
 * A canonical value as the device takes it, within all limits.
 * @param columns of the device, for limits that are points
 */
export function encodeNodeValue(
  write: NodeWrite,
  value: number,
  terms: {
    readonly columns: RoundColumns;
    readonly scale: NodeScale;
    readonly limits?: DeviceLimits | undefined;
  },
): NodeEncoding {
  const range = rangeOf(write, terms);
  if (range === undefined) return { refused: "limit-unknown" };
  const isExcluded = write.exclude.some(([from, to]) => value > from && value < to);
  const isInside = value >= range.minimum && value <= range.maximum;
  if (!isInside || isExcluded) return { refused: "out-of-range" };
  if (write.conversion.kind !== "number") return encodeCode(write.conversion, value);
  const stepped = write.step === undefined ? value : Math.trunc(value / write.step) * write.step;
  return { raw: (stepped - terms.scale.offset) / terms.scale.factor, value: stepped };
}

/** Undefined while a limit is not known. */
function rangeOf(
  write: NodeWrite,
  terms: { readonly columns: RoundColumns; readonly limits?: DeviceLimits | undefined },
): DeviceLimits | undefined {
  const { columns, limits } = terms;
  const minimum = limitOf(write.minimum, columns);
  const maximum = limitOf(write.maximum, columns);
  if (minimum === undefined || maximum === undefined) return undefined;
  if (limits === undefined) return write.isLimitedByDevice ? undefined : { minimum, maximum };
  return {
    minimum: Math.max(minimum, limits.minimum),
    maximum: Math.min(maximum, limits.maximum),
  };
}

function encodeCode(conversion: NodeConversion, value: number): NodeEncoding {
  const { codes, kind, isActiveLow } = conversion;
  if (codes === undefined) {
    if (kind !== "flag") return { refused: "no-such-state" };
    return { raw: (value === 1) !== isActiveLow, value };
  }
  const raw = codeOfValue(codes, value);
  return raw === undefined ? { refused: "no-such-state" } : { raw, value };
}

function limitOf(bound: Bound, columns: RoundColumns): number | undefined {
  if (bound.kind === "fixed") return bound.value;
  const value = valueAt(columns, bound.ordinal);
  const isKnown = !isBad(columns.quality[bound.ordinal] ?? UNKNOWN_CODE) && !Number.isNaN(value);
  return isKnown ? bound.sign * value : undefined;
}
