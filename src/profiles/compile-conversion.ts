import { qualityCode, qualityCodeByName } from "../domain/quality.ts";
import type { QualityCode } from "../domain/quality.ts";
import type { ByteOrder } from "../wire/modbus/registers.ts";
import { isBitTable, REGISTERS_BY_TYPE } from "../wire/modbus/registers.ts";
import type { Conversion, RegisterPlace, ScaleFactor } from "./binding.ts";
import type { Compilation, Draft } from "./compilation.ts";
import { unitConversion } from "./define.ts";
import type { PointMeaning } from "./define.ts";
import type { ProblemList } from "./problems.ts";
import type { UnitConversion } from "../domain/vocabulary/vocabulary.ts";
import type { PointLine } from "./schema-point.ts";
import { ABSENT_PATTERNS } from "./sunspec/models.ts";

const NOT_AVAILABLE = qualityCode("not-available-pattern");
/** Decimal places of a scale that are turned into a power of ten. */
const DECIMALS_MAX = 9;

/** Compiles how the registers of a line become its value. */
export function compileConversion(
  draft: Draft,
  place: RegisterPlace,
  compilation: Compilation,
): Conversion {
  const { line, path, wireType } = draft;
  const linear = linearOf(draft, compilation);
  const sf = scaleFactorOf(draft, compilation);
  const canFold = sf === undefined && line.curve === undefined;
  const folded = canFold ? foldDecimals(linear.scale) : undefined;
  if (line.active === "low" && draft.meaning.type !== "bool") {
    compilation.problems.add(`${path}/active`, "only a flag can be active when low");
  }
  if (line.curve !== undefined && !isMonotonic(line.curve)) {
    const message = "a curve must rise or fall all the way in both columns";
    compilation.problems.add(`${path}/curve`, message, 13);
  }
  return {
    raw: wireType as Conversion["raw"],
    order: orderOf(draft, place.count, compilation),
    slice: sliceOf(draft, place.count, compilation),
    sliceSigned: line.signed === true,
    scale: folded?.scale ?? linear.scale,
    offset: linear.offset,
    sf: folded?.sf ?? sf,
    curve: line.curve,
    ...statesOf(draft, compilation),
    absent: absentOf(draft, place, compilation),
    absentWhen: absentWhenOf(draft, compilation),
    percentOf: percentOf(draft, compilation),
    isActiveLow: isActiveLow(draft),
    string: wireType === "string" ? stringLayout(line) : undefined,
  };
}

/**
 * States by code; a flag in a number is set by everything but 0, unless the line says otherwise.
 */
function statesOf(draft: Draft, compilation: Compilation): Pick<Conversion, "codes" | "elseCode"> {
  const { line, meaning, wireType } = draft;
  if (line.values !== undefined) {
    return { codes: codesOf(draft, compilation), elseCode: elseCodeOf(draft, compilation) };
  }
  if (meaning.type !== "bool" || wireType === "bool") {
    return { codes: undefined, elseCode: undefined };
  }
  const set = isActiveLow(draft) ? 0 : 1;
  const codes = new Map([
    [0, 1 - set],
    [1, set],
  ]);
  return { codes, elseCode: set };
}

function elseCodeOf({ line, path, meaning }: Draft, { problems }: Compilation): number | undefined {
  if (line.else === undefined) return undefined;
  const code = codeOf(line.else, meaning);
  if (code === undefined) {
    problems.add(`${path}/else`, `"${line.else}" is no state of "${line.point}"`, 14);
  }
  return code;
}

function isActiveLow({ line, meaning }: Draft): boolean {
  return line.active === "low" || (line.sign === "inverted" && meaning.type === "bool");
}

function stringLayout(line: PointLine): NonNullable<Conversion["string"]> {
  return { pad: line.pad ?? "nul", byteOrder: line.order === "BA" ? "BA" : "AB" };
}

/** Number that stands for a text, a flag or a number of a point; undefined when it has no such. */
export function codeOf(
  value: string | number | boolean,
  meaning: PointMeaning,
): number | undefined {
  if (typeof value === "boolean") return meaning.type === "bool" ? Number(value) : undefined;
  if (typeof value === "number") return value;
  const index = meaning.texts?.indexOf(value) ?? -1;
  if (index >= 0) return index;
  if (meaning.type === "bool" && (value === "true" || value === "false"))
    return Number(value === "true");
  return undefined;
}

interface Linear {
  readonly scale: number;
  readonly offset: number;
}

/** Scale and offset to the canonical unit and sign. */
function linearOf(draft: Draft, { problems }: Compilation): Linear {
  const { line, path, meaning } = draft;
  if (typeof line.scale === "string") {
    problems.add(`${path}/scale`, "selectors are not supported by this version");
    return { scale: 1, offset: 0 };
  }
  const { scale = 1, offset = 0 } = line;
  if (scale === 0) problems.add(`${path}/scale`, "a scale of 0 gives no value");
  const sign = line.sign === "inverted" && meaning.type !== "bool" ? -1 : 1;
  if (line.percentOf !== undefined) {
    const share = line.unit === "1" ? sign : sign / 100;
    return { scale: scale * share, offset: offset * share };
  }
  const conversion = unitOf(draft, problems);
  return {
    scale: scale * conversion.factor * sign,
    offset: (offset * conversion.factor + conversion.offset) * sign,
  };
}

function unitOf({ line, path, meaning }: Draft, problems: ProblemList): UnitConversion {
  const unit = typeof line.unit === "string" ? line.unit : undefined;
  const conversion = unitConversion(meaning, unit);
  if (conversion !== undefined) return conversion;
  const given = unit === undefined ? "no unit is given" : `"${unit}" cannot become it`;
  problems.add(`${path}/unit`, `"${line.point}" is in ${meaning.unit ?? ""}: ${given}`, 3);
  return { factor: 1, offset: 0 };
}

/**
 * Writes a decimal scale as a whole number and a power of ten: 0.1 has no exact double, dividing by
 * 10 gives the nearest one.
 */
function foldDecimals(
  scale: number,
): { readonly scale: number; readonly sf: ScaleFactor } | undefined {
  if (Number.isInteger(scale)) return undefined;
  for (let decimals = 1; decimals <= DECIMALS_MAX; decimals += 1) {
    const whole = Math.round(scale * 10 ** decimals);
    if (whole !== 0 && Math.abs(whole / 10 ** decimals - scale) <= Math.abs(scale) * 1e-15) {
      return { scale: whole, sf: { place: undefined, exponent: -decimals, isStatic: true } };
    }
  }
  return undefined;
}

function scaleFactorOf(draft: Draft, compilation: Compilation): ScaleFactor | undefined {
  const { line, path, found } = draft;
  const { finder, problems } = compilation;
  const isStatic = typeof line.sf === "object" && line.sf.static === true;
  if (typeof line.sf === "object" && line.sf.exponent !== undefined) {
    return { place: undefined, exponent: line.sf.exponent, isStatic: true };
  }
  if (typeof line.sf === "object" && line.sf.at !== undefined) {
    const result = finder.find(line.sf.at, { count: 1 });
    if ("problem" in result) {
      problems.add(`${path}/sf/at`, result.problem);
      return undefined;
    }
    const unit = draft.unitId;
    return { place: { ...result.place, unit }, exponent: undefined, isStatic };
  }
  if (typeof line.sf === "string") {
    const model = found.sunspec?.model;
    const at = model === undefined || line.sf.includes(".") ? line.sf : `${model}.${line.sf}`;
    const result = finder.find(at, { count: 1 });
    if (!("problem" in result)) return { place: result.place, exponent: undefined, isStatic };
    problems.add(`${path}/sf`, result.problem);
    return undefined;
  }
  return sunspecScaleFactor(draft, compilation, isStatic);
}

function sunspecScaleFactor(
  { found }: Draft,
  { finder }: Compilation,
  isStatic: boolean,
): ScaleFactor | undefined {
  if (found.sunspec?.scaleFactor === undefined) return undefined;
  if (found.sunspec.scaleFactor.kind === "fixed") {
    return { place: undefined, exponent: found.sunspec.scaleFactor.exponent, isStatic: true };
  }
  return { place: finder.scaleFactorPlace(found.sunspec), exponent: undefined, isStatic };
}

const ORDERS_BY_COUNT: Readonly<Record<number, readonly ByteOrder[]>> = {
  1: ["AB", "BA"],
  2: ["ABCD", "CDAB", "BADC", "DCBA"],
  3: ["ABCD", "CDAB", "BADC", "DCBA"],
  4: ["ABCDEFGH", "GHEFCDAB", "BADCFEHG", "HGFEDCBA"],
};

function orderOf(draft: Draft, count: number, { problems }: Compilation): ByteOrder {
  const { line, path, wireType } = draft;
  const orders = wireType === "string" ? ORDERS_BY_COUNT[1] : ORDERS_BY_COUNT[count];
  const usual = orders?.[0] ?? "ABCD";
  const { order } = line;
  if (order === undefined || (order === "ABCD" && count !== 2)) return usual;
  if (order.startsWith("$")) {
    problems.add(`${path}/order`, "selectors are not supported by this version");
    return usual;
  }
  const match = orders?.find((known) => known === order);
  if (match !== undefined) return match;
  problems.add(`${path}/order`, `"${order}" is no byte order of ${count} registers`);
  return usual;
}

const SLICED = new Set(["uint16", "uint32", "uint64", "bits"]);

function sliceOf(
  { line, path, wireType }: Draft,
  count: number,
  { problems }: Compilation,
): Conversion["slice"] {
  if (line.slice === undefined) return undefined;
  const [first, bits] = line.slice;
  if (!SLICED.has(wireType)) {
    problems.add(`${path}/slice`, "a slice is cut from an unsigned integer or from bits");
  } else if (first + bits > 16 * count || bits > 53) {
    problems.add(`${path}/slice`, `the slice ends beyond the ${16 * count} bits of the value`);
  }
  return line.slice;
}

function codesOf(draft: Draft, { problems }: Compilation): ReadonlyMap<number, number> {
  const { line, path, meaning } = draft;
  const codes = new Map<number, number>();
  for (const [key, text] of Object.entries(line.values ?? {})) {
    const code = codeOf(text, meaning);
    if (code === undefined || (meaning.type !== "enum" && meaning.type !== "bool")) {
      const allowed = meaning.texts?.join(", ") ?? (meaning.type === "bool" ? "true, false" : "");
      const message = `"${String(text)}" is no state of "${line.point}": ${allowed}`;
      problems.add(`${path}/values/${key}`, message, 14);
      continue;
    }
    codes.set(Number(key), code);
  }
  return codes;
}

function absentOf(
  draft: Draft,
  place: RegisterPlace,
  { problems }: Compilation,
): ReadonlyMap<string, QualityCode> {
  const { line, path, found, wireType } = draft;
  const { absent } = line;
  const patterns = new Map<string, QualityCode>();
  if (absent === "sunspec" || (absent === undefined && found.sunspec !== undefined)) {
    const pattern = ABSENT_PATTERNS[found.sunspec?.sunspecType ?? wireType];
    if (pattern !== undefined) patterns.set(padded(pattern, place, wireType), NOT_AVAILABLE);
    return patterns;
  }
  const reasons: readonly (readonly [string, string])[] = Array.isArray(absent)
    ? absent.map((hex): readonly [string, string] => [hex, "not-available-pattern"])
    : Object.entries(absent ?? {});
  for (const [hex, reason] of reasons) {
    const quality = qualityCodeByName(reason);
    if (quality === undefined) {
      problems.add(`${path}/absent/${hex}`, `"${reason}" is not a reason for a bad value`);
    } else if (hex.length > 4 * place.count) {
      problems.add(`${path}/absent/${hex}`, `"${hex}" is longer than the value`);
    } else {
      patterns.set(padded(hex.toLowerCase(), place, wireType), quality);
    }
  }
  return patterns;
}

function padded(hex: string, place: RegisterPlace, wireType: string): string {
  if (wireType === "string") return "";
  const isBit = isBitTable(place.table);
  return isBit ? String(Number.parseInt(hex, 16)) : hex.padStart(4 * place.count, "0");
}

function absentWhenOf({ line, path }: Draft, compilation: Compilation): Conversion["absentWhen"] {
  const { absentWhen } = line;
  if (absentWhen === undefined) return undefined;
  const ordinal = compilation.ordinalOf(absentWhen.point, `${path}/absentWhen/point`);
  if (ordinal === undefined) return undefined;
  const equals = codeOf(absentWhen.equals, compilation.meaningAt(ordinal));
  if (equals === undefined) {
    const message = `"${String(absentWhen.equals)}" is no state of "${absentWhen.point}"`;
    compilation.problems.add(`${path}/absentWhen/equals`, message);
    return undefined;
  }
  return { ordinal, equals };
}

function percentOf({ line, path }: Draft, compilation: Compilation): number | undefined {
  if (line.percentOf === undefined) return undefined;
  if (line.unit !== "%" && line.unit !== "1") {
    compilation.problems.add(
      `${path}/unit`,
      'a value that is percent of a point has the unit "%"',
      3,
    );
  }
  return compilation.ordinalOf(line.percentOf, `${path}/percentOf`);
}

function isMonotonic(curve: NonNullable<PointLine["curve"]>): boolean {
  const goes = (column: 0 | 1, direction: 1 | -1): boolean =>
    curve.every((point, index) => {
      const next = curve[index + 1];
      return next === undefined || (next[column] - point[column]) * direction > 0;
    });
  return (goes(0, 1) || goes(0, -1)) && (goes(1, 1) || goes(1, -1));
}

/** Registers of a line, from its type or its SunSpec point; undefined when it does not say. */
export function countOf(line: PointLine, wireType: string): number | undefined {
  if (wireType === "string" || wireType === "bits")
    return line.length ?? (wireType === "bits" ? 1 : undefined);
  if (wireType === "bool") return 1;
  return (REGISTERS_BY_TYPE as Readonly<Record<string, number>>)[wireType];
}
