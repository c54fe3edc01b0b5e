import { attributeAt, type SclAttribute, type SclObject } from "./model.ts";
import type { FunctionalConstraint } from "../wire/mms/names.ts";

/** The value of a data object that says what the object is for. */
export interface MainValue {
  /** Data object, parts, attribute: `PhV.phsA.cVal.mag.f`. */
  readonly path: readonly string[];
  readonly fc: FunctionalConstraint;
  readonly attribute: SclAttribute;
  /** Of the data object itself or of the part that it is in. */
  readonly object: SclObject;
}

/** Where common data classes keep it, in the order in which it is looked for. */
const PLACES: readonly (readonly string[])[] = [
  ["mag", "f"],
  ["mag", "i"],
  ["cVal", "mag", "f"],
  ["mxVal", "f"],
  ["mxVal", "i"],
  ["actVal"],
  ["stVal"],
  ["general"],
  ["setMag", "f"],
  ["setMag", "i"],
  ["setVal"],
];

const READABLE: ReadonlySet<string> = new Set(["ST", "MX", "SP"]);

/** Every main value of a data object: its own, or those of its parts. */
export function mainValues(object: SclObject, before: readonly string[] = []): MainValue[] {
  const path = [...before, object.name];
  const own = PLACES.flatMap((place): MainValue[] => {
    const [first] = place;
    const top = object.attributes.find(({ name }) => name === first);
    const attribute = attributeAt({ ...object, parts: [] }, place);
    const { fc } = top ?? {};
    if (attribute === undefined || fc === undefined || !READABLE.has(fc)) return [];
    if (attribute.bType === "Struct" || attribute.count !== undefined) return [];
    return [{ path: [...path, ...place], fc, attribute, object }];
  });
  return [...own.slice(0, 1), ...object.parts.flatMap((part) => mainValues(part, path))];
}

/** Units of SCL files in the spelling of the plant vocabulary. */
const UNITS: ReadonlyMap<string, string> = new Map([
  ["W", "W"],
  ["Watts", "W"],
  ["VAr", "var"],
  ["var", "var"],
  ["VA", "VA"],
  ["V", "V"],
  ["A", "A"],
  ["Hz", "Hz"],
  ["Wh", "Wh"],
  ["VArh", "varh"],
  ["°C", "Cel"],
  ["degC", "Cel"],
  ["deg C", "Cel"],
  ["K", "K"],
  ["s", "s"],
  ["Pa", "Pa"],
  ["ohm", "Ohm"],
  ["Ohm", "Ohm"],
  ["m/s", "m/s"],
  ["m3/s", "m3/s"],
]);

/** Numbers of `SIUnit` for files that give the number. @see IEC 61850-7-3, annex A */
const UNITS_BY_NUMBER: ReadonlyMap<string, string> = new Map([
  ["4", "s"],
  ["5", "A"],
  ["6", "K"],
  ["23", "Cel"],
  ["29", "V"],
  ["33", "Hz"],
  ["38", "W"],
  ["39", "Pa"],
  ["61", "VA"],
  ["62", "W"],
  ["63", "var"],
  ["72", "Wh"],
  ["73", "varh"],
]);

const PREFIXES: ReadonlySet<string> = new Set(["m", "k", "M", "G"]);
const PREFIX_BY_NUMBER: ReadonlyMap<string, string> = new Map([
  ["-3", "m"],
  ["0", ""],
  ["3", "k"],
  ["6", "M"],
  ["9", "G"],
]);

/** Unit with its prefix as the file gives it; undefined when it does not, or in no known one. */
export function unitOf(object: SclObject): string | undefined {
  const si = attributeAt(object, ["units", "SIUnit"])?.value;
  if (si === undefined) return undefined;
  const unit = UNITS.get(si) ?? UNITS_BY_NUMBER.get(si);
  const multiplier = attributeAt(object, ["units", "multiplier"])?.value ?? "";
  const prefix = PREFIX_BY_NUMBER.get(multiplier) ?? multiplier;
  if (unit === undefined) return undefined;
  if (prefix === "") return unit;
  return PREFIXES.has(prefix) ? prefix + unit : undefined;
}
