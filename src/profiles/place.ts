import type { RegisterTable } from "../wire/modbus/registers.ts";
import type { RegisterPlace, SunspecChain, SunspecModelPlace } from "./binding.ts";
import type { Profile } from "./schema.ts";
import { HEADER_REGISTERS, isKnownModel, modelLength, sunspecPoint } from "./sunspec/models.ts";
import type { SunspecPoint, VendorModels } from "./sunspec/models.ts";

/** What an `at` means. */
export interface FoundPlace {
  readonly place: RegisterPlace;
  readonly sunspec: SunspecPoint | undefined;
}

export type PlaceResult = FoundPlace | { readonly problem: string };

const ADDRESS_MAX = 65_535;
const SUNSPEC_HEADER = 2;
const DEFAULT_BASE = 40_000;

/** Finds places: plain addresses, and points of the SunSpec models of one profile. */
export class PlaceFinder {
  readonly chain: SunspecChain | undefined;
  readonly #vendor: VendorModels;

  constructor(vendor: VendorModels, chain: SunspecChain | undefined) {
    this.#vendor = vendor;
    this.chain = chain;
  }

  /**
   * @param at `holding 40084`, `input 28`, `coil 3`, `discrete 7`, `701.W`
   * @param size what the line says of the size, and what a repeat adds to a plain address
   */
  find(at: string, size: { readonly count?: number; readonly shift?: number }): PlaceResult {
    const plain = /^(holding|input|coil|discrete) (\d{1,5})$/.exec(at);
    if (plain === null) return this.#findInModel(at, size.count);
    const address = Number(plain[2]) + (size.shift ?? 0);
    const count = size.count ?? 1;
    if (address + count - 1 > ADDRESS_MAX) return { problem: `"${at}" ends beyond address 65535` };
    const table = plain[1] as RegisterTable;
    return {
      place: { table, address, count, unit: undefined, model: undefined },
      sunspec: undefined,
    };
  }

  /** Place of a SunSpec scale factor. */
  scaleFactorPlace(point: SunspecPoint): RegisterPlace | undefined {
    const { scaleFactor, model } = point;
    if (scaleFactor?.kind !== "register") return undefined;
    const start = this.#start(model);
    return start === undefined ? undefined : holding(start + scaleFactor.offset, 1, model);
  }

  #findInModel(at: string, count: number | undefined): PlaceResult {
    if (!/^\d+\./.test(at)) {
      return { problem: `"${at}" is neither a table with an address nor a point of a model` };
    }
    const sunspec = sunspecPoint(at, this.#vendor);
    if (sunspec === undefined) return { problem: `no SunSpec model has a point "${at}"` };
    const start = this.#start(sunspec.model);
    if (start === undefined) return { problem: `model ${sunspec.model} is not in the chain` };
    return {
      place: holding(start + sunspec.offset, count ?? sunspec.count, sunspec.model),
      sunspec,
    };
  }

  #start(model: number): number | undefined {
    return this.chain?.models.find((place) => place.model === model)?.address;
  }
}

function holding(address: number, count: number, model: number): RegisterPlace {
  return { table: "holding", address, count, unit: undefined, model };
}

export type ChainResult =
  { readonly chain: SunspecChain | undefined } | { readonly problem: string };

/**
 * Where the models stand if the device has those that the profile names, one after the other. The
 * driver replaces this by what it finds; simulation and test vectors use it as it is.
 */
export function chainOf(profile: Profile): ChainResult {
  const vendor: VendorModels = profile.models ?? {};
  const entries = profile.sunspec?.chain ?? modelsUsed(profile);
  if (entries.length === 0) return { chain: undefined };
  const { bases, has } = fingerprintOf(profile);
  const base = profile.sunspec?.base ?? bases[0] ?? DEFAULT_BASE;
  const models: SunspecModelPlace[] = [];
  let address = base + SUNSPEC_HEADER;
  for (const entry of entries) {
    const found = lengthOf(entry, vendor, has);
    if ("problem" in found) return found;
    models.push({ ...found, address });
    address += HEADER_REGISTERS + found.length;
  }
  return { chain: { bases, base, models } };
}

function fingerprintOf(profile: Profile): {
  readonly bases: readonly number[];
  readonly has: Readonly<Record<string, number>>;
} {
  const found = profile.identify?.find(({ sunspec }) => sunspec !== undefined)?.sunspec;
  return { bases: found?.bases ?? [DEFAULT_BASE], has: found?.has ?? {} };
}

type ChainEntry = NonNullable<Profile["sunspec"]>["chain"][number];

function lengthOf(
  entry: ChainEntry,
  vendor: VendorModels,
  has: Readonly<Record<string, number>>,
): { readonly model: number; readonly length: number } | { readonly problem: string } {
  if (typeof entry !== "number") return entry;
  if (!isKnownModel(entry, vendor)) return { problem: `SunSpec model ${entry} is not known` };
  const length = has[String(entry)] ?? modelLength(entry, vendor);
  if (length !== undefined) return { model: entry, length };
  return { problem: `model ${entry} has no fixed length: write {"model": ${entry}, "length": n}` };
}

function modelsUsed(profile: Profile): readonly number[] {
  const used = new Set<number>();
  for (const line of profile.points) {
    for (const at of [line.at, line.write?.at]) {
      const model = /^(\d+)\./.exec(at ?? "")?.[1];
      if (model !== undefined) used.add(Number(model));
    }
  }
  const sorted = [...used].sort((a, b) => a - b);
  return sorted.length === 0 || sorted[0] === 1 ? sorted : [1, ...sorted];
}

export type Notation = NonNullable<NonNullable<Profile["modbus"]>["notation"]>;

/** A wire address, with the table where the manufacturer's number names it. */
export interface WireAddress {
  readonly table: RegisterTable | undefined;
  readonly address: number;
}

/**
 * Wire address of the number that the manufacturer printed; undefined when the notation cannot
 * express it.
 */
export function wireAddressOf(documented: string, notation: Notation): WireAddress | undefined {
  const text = documented.trim();
  const number = /^(0x[0-9a-f]+|\d+)$/i.test(text) ? Number(text) : Number.NaN;
  if (typeof notation === "object") return addressFrom(0, number + notation.offset, undefined);
  switch (notation) {
    case "wire":
    case "jbus":
      return addressFrom(0, number, undefined);
    case "one-based":
      return addressFrom(1, number, undefined);
    case "hex-one-based":
      return addressFrom(1, Number.parseInt(text, 16), undefined);
    case "modicon-5":
      return modicon(text, 5);
    case "modicon-6":
      return modicon(text, 6);
  }
}

const MODICON_TABLES: Readonly<Record<string, RegisterTable>> = {
  0: "coil",
  1: "discrete",
  3: "input",
  4: "holding",
};

function modicon(text: string, digits: number): WireAddress | undefined {
  const padded = text.padStart(digits, "0");
  const table = MODICON_TABLES[padded.slice(0, 1)];
  if (padded.length !== digits || table === undefined) return undefined;
  return addressFrom(1, Number(padded.slice(1)), table);
}

function addressFrom(
  first: number,
  number: number,
  table: RegisterTable | undefined,
): WireAddress | undefined {
  return number >= first ? { table, address: number - first } : undefined;
}
