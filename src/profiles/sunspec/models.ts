import { REGISTERS_BY_TYPE } from "../../wire/modbus/registers.ts";
import type { NumberType } from "../../wire/modbus/registers.ts";
import document from "./models.json" with { type: "json" };

/** A point of a SunSpec model, resolved. */
export interface SunspecPoint {
  readonly model: number;
  /** From the model's ID register. */
  readonly offset: number;
  /** Registers. */
  readonly count: number;
  /** As the model names it: `enum16`, `acc32`. */
  readonly sunspecType: string;
  readonly raw: NumberType | "bits" | "string" | undefined;
  readonly scaleFactor: SunspecScaleFactor | undefined;
  /** Codes that the model defines, for enums. */
  readonly symbols: Readonly<Record<string, string>> | undefined;
}

export type SunspecScaleFactor =
  | { readonly kind: "register"; readonly offset: number }
  | { readonly kind: "fixed"; readonly exponent: number };

/** A model of a manufacturer: offsets count from the ID register. */
export interface VendorModelTable {
  readonly length: number;
  readonly points: Readonly<Record<string, VendorPointRow>>;
}

export interface VendorPointRow {
  readonly offset: number;
  readonly type: string;
  readonly size?: number | undefined;
  readonly sf?: string | undefined;
}

export type VendorModels = Readonly<Record<string, VendorModelTable>>;

interface ModelRow {
  readonly length: number;
  /** True where the length depends on counts that only the device knows. */
  readonly variable?: boolean;
  readonly group?: {
    readonly name: string;
    readonly offset: number;
    readonly size: number;
    readonly points: Readonly<Record<string, string>>;
  };
  /** Name to "offset type registers scale-factor unit"; `-` where there is none. */
  readonly points: Readonly<Record<string, string>>;
  readonly symbols?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

const MODELS = document.models as Readonly<Record<string, ModelRow>>;
/** ID and length registers stand in front of every model. */
export const HEADER_REGISTERS = 2;
const HEADER_POINTS: Readonly<Record<string, string>> = { ID: "0 uint16 1", L: "1 uint16 1" };

const RAW_BY_TYPE: Readonly<Record<string, NumberType | "bits" | "string">> = {
  uint16: "uint16",
  acc16: "uint16",
  enum16: "uint16",
  count: "uint16",
  int16: "int16",
  sunssf: "sunssf",
  uint32: "uint32",
  acc32: "uint32",
  enum32: "uint32",
  int32: "int32",
  uint64: "uint64",
  acc64: "uint64",
  int64: "int64",
  float32: "float32",
  float64: "float64",
  bitfield16: "bits",
  bitfield32: "bits",
  string: "string",
};

/** Raw patterns by which a SunSpec device marks a value as absent, as hex after ordering. */
export const ABSENT_PATTERNS: Readonly<Record<string, string>> = {
  int16: "8000",
  sunssf: "8000",
  uint16: "ffff",
  enum16: "ffff",
  bitfield16: "ffff",
  acc16: "0000",
  int32: "80000000",
  uint32: "ffffffff",
  enum32: "ffffffff",
  bitfield32: "ffffffff",
  acc32: "00000000",
  int64: "8000000000000000",
  uint64: "ffffffffffffffff",
  acc64: "0000000000000000",
  float32: "7fc00000",
  float64: "7ff8000000000000",
  string: "",
};

/** Length register of a model without repeating parts; undefined when it is not known. */
export function modelLength(model: number, vendor: VendorModels): number | undefined {
  const table = vendor[String(model)];
  if (table !== undefined) return table.length;
  const row = MODELS[String(model)];
  if (row === undefined || row.variable === true) return undefined;
  // One block of the repeating group, where the device does not say otherwise.
  return row.length + (row.group?.size ?? 0);
}

/** True for a model whose points this gateway or the profile knows. */
export function isKnownModel(model: number, vendor: VendorModels): boolean {
  return vendor[String(model)] !== undefined || MODELS[String(model)] !== undefined;
}

/**
 * Finds `701.W`, `704.PFWInj.PF`, `714.Prt.DCV` or `714.Prt[2].DCV` (blocks count from 1).
 * Undefined when no model has such a point.
 */
export function sunspecPoint(reference: string, vendor: VendorModels): SunspecPoint | undefined {
  const dot = reference.indexOf(".");
  const number = reference.slice(0, dot);
  const name = reference.slice(dot + 1);
  const table = vendor[number];
  if (table !== undefined) return vendorPoint(Number(number), table, name);
  const row = MODELS[number];
  if (row === undefined) return undefined;
  const text = row.points[name] ?? HEADER_POINTS[name];
  const found = text === undefined ? blockPoint(row, name) : { text, name, shift: 0 };
  return found === undefined ? undefined : standardPoint(Number(number), row, found);
}

interface FoundRow {
  readonly text: string;
  readonly name: string;
  /** Added to the offset that the row gives. */
  readonly shift: number;
}

/** A point of a repeating block. */
function blockPoint(row: ModelRow, name: string): FoundRow | undefined {
  const { group } = row;
  const parts = /^([A-Za-z0-9_]+)(?:\[([1-9]\d*)\])?\.([A-Za-z0-9_]+)$/.exec(name);
  if (group === undefined || parts?.[1] !== group.name) return undefined;
  const inBlock = parts[3] ?? "";
  const text = group.points[inBlock];
  if (text === undefined) return undefined;
  const shift = group.offset + (Number(parts[2] ?? 1) - 1) * group.size;
  return { text, name: `${group.name}.${inBlock}`, shift };
}

function standardPoint(model: number, row: ModelRow, found: FoundRow): SunspecPoint {
  const [offset = "0", sunspecType = "", count = "1", sf = "-"] = found.text.split(" ");
  const sfOffset = row.points[sf]?.split(" ")[0];
  return {
    model,
    offset: Number(offset) + found.shift,
    count: Number(count),
    sunspecType,
    raw: RAW_BY_TYPE[sunspecType],
    scaleFactor: scaleFactorOf(sf, sfOffset === undefined ? undefined : Number(sfOffset)),
    symbols: row.symbols?.[found.name],
  };
}

function vendorPoint(
  model: number,
  table: VendorModelTable,
  name: string,
): SunspecPoint | undefined {
  const row = table.points[name];
  if (row === undefined) return undefined;
  const raw = RAW_BY_TYPE[row.type];
  return {
    model,
    offset: row.offset,
    count: row.size ?? registersOf(row.type, raw),
    sunspecType: row.type,
    raw,
    scaleFactor: scaleFactorOf(row.sf ?? "-", table.points[row.sf ?? ""]?.offset),
    symbols: undefined,
  };
}

function scaleFactorOf(sf: string, offset: number | undefined): SunspecScaleFactor | undefined {
  if (sf === "-") return undefined;
  if (offset !== undefined) return { kind: "register", offset };
  return { kind: "fixed", exponent: Number(sf) };
}

function registersOf(sunspecType: string, raw: SunspecPoint["raw"]): number {
  if (raw === "bits") return sunspecType === "bitfield32" ? 2 : 1;
  return raw === undefined || raw === "string" ? 1 : REGISTERS_BY_TYPE[raw];
}
