import type { PointType } from "../domain/point.ts";
import {
  CANONICAL_POINTS,
  CANONICAL_UNITS,
  ENUM_TEXTS,
  conversionTo,
  fieldOfExtraPoint,
} from "../domain/vocabulary/vocabulary.ts";
import type { CanonicalPoint, UnitConversion } from "../domain/vocabulary/vocabulary.ts";
import type { PointLine } from "./schema-point.ts";

/** What a point is, whatever the device: canonical, or stated by the profile for an `x-` point. */
export interface PointMeaning {
  readonly id: string;
  readonly field: string;
  readonly type: PointType;
  readonly unit: string | undefined;
  readonly texts: readonly string[] | undefined;
  readonly range: readonly [number, number] | undefined;
  readonly canonical: CanonicalPoint | undefined;
}

export type MeaningResult = PointMeaning | { readonly problem: string };

/** True for a point that is not in the plant vocabulary. */
function isExtraPoint(id: string): boolean {
  return id.startsWith("x-");
}

/** Meaning of a bound point. */
export function meaningOfLine(line: PointLine, wireType: string): MeaningResult {
  if (!isExtraPoint(line.point)) return canonicalMeaning(line.point, line.limits);
  const type = extraType(line, wireType);
  const isNumber = type === "float" || type === "int";
  const unit = isNumber && typeof line.unit === "string" ? canonicalUnitFor(line.unit) : undefined;
  if (unit === undefined && isNumber) {
    return { problem: `"${line.point}" needs a unit, "1" where it has none` };
  }
  return {
    id: line.point,
    field: fieldOfExtraPoint(line.point, unit),
    type,
    unit,
    texts: type === "enum" ? textsOf(line) : undefined,
    range: line.limits,
    canonical: undefined,
  };
}

/** Meaning of a derived point. */
export function meaningOfDerived(id: string, unit: string | undefined): MeaningResult {
  if (!isExtraPoint(id)) return canonicalMeaning(id, undefined);
  const known = unit === undefined ? undefined : canonicalUnitFor(unit);
  return {
    id,
    field: fieldOfExtraPoint(id, known),
    type: known === undefined ? "bool" : "float",
    unit: known,
    texts: undefined,
    range: undefined,
    canonical: undefined,
  };
}

/** How the device's unit becomes the point's; undefined when it cannot. */
export function unitConversion(
  meaning: PointMeaning,
  unit: string | undefined,
): UnitConversion | undefined {
  if (meaning.unit === undefined) return { factor: 1, offset: 0 };
  return unit === undefined ? undefined : conversionTo(meaning.unit, unit);
}

/** The canonical unit for a unit; a unit that the vocabulary does not have stays as it is. */
function canonicalUnitFor(unit: string): string {
  if (CANONICAL_UNITS.has(unit)) return unit;
  for (const canonical of CANONICAL_UNITS.values()) {
    if (canonical.accepts.has(unit)) return canonical.id;
  }
  return unit;
}

function canonicalMeaning(
  id: string,
  limits: readonly [number, number] | undefined,
): MeaningResult {
  const point = CANONICAL_POINTS.get(id);
  if (point === undefined) {
    return { problem: `"${id}" is not in the plant vocabulary; name it "x-${id}"` };
  }
  if (point.madeByGateway) return { problem: `"${id}" is made by the gateway` };
  const texts = point.enumName === undefined ? undefined : ENUM_TEXTS.get(point.enumName);
  return {
    id,
    field: point.telemetryField,
    type: point.type,
    unit: point.unit,
    texts,
    range: narrower(point.range, limits),
    canonical: point,
  };
}

function extraType(line: PointLine, wireType: string): PointType {
  const meanings = Object.values(line.values ?? {});
  if (meanings.length > 0) return meanings.every(isBoolean) ? "bool" : "enum";
  if (wireType === "string") return "text";
  if (wireType === "bits" && line.slice === undefined) return "bits";
  if (wireType === "bool") return "bool";
  if (line.slice?.[1] === 1 && typeof line.unit !== "string") return "bool";
  return isWhole(line, wireType) ? "int" : "float";
}

/** True where the value is the raw integer itself. */
function isWhole(line: PointLine, wireType: string): boolean {
  const isScaled =
    (line.scale ?? 1) !== 1 ||
    (line.offset ?? 0) !== 0 ||
    line.sf !== undefined ||
    line.curve !== undefined ||
    line.percentOf !== undefined;
  const isConverted = typeof line.unit === "string" && canonicalUnitFor(line.unit) !== line.unit;
  return !isScaled && !isConverted && !wireType.startsWith("float");
}

function textsOf(line: PointLine): readonly string[] {
  const texts = Object.values(line.values ?? {}).map(String);
  return [...new Set(line.else === undefined ? texts : [...texts, line.else])];
}

function isBoolean(value: unknown): value is boolean {
  return typeof value === "boolean";
}

function narrower(
  range: readonly [number, number] | undefined,
  limits: readonly [number, number] | undefined,
): readonly [number, number] | undefined {
  if (range === undefined || limits === undefined) return limits ?? range;
  return [Math.max(range[0], limits[0]), Math.min(range[1], limits[1])];
}
