import type { CompiledProfile, RegisterPlace } from "../profiles/binding.ts";
import { rawLimits, rawOfValue } from "../profiles/conversion.ts";
import { encodeScaleFactor } from "../profiles/encode.ts";
import type { RegisterTable } from "../wire/modbus/registers.ts";
import type { ImageOf, PointAccess } from "./point-access.ts";

/** Registers as unsigned words (bits as 0 or 1) from `address` on. */
export interface RegisterWords {
  readonly table: RegisterTable;
  readonly address: number;
  readonly words: readonly number[];
  /** Another unit id of the device; undefined: its own. */
  readonly unit?: number | undefined;
}

/** Registers are filled at most to this part of their range when a scale factor is chosen. */
const FILL = 0.9;
const EXPONENT_MIN = -3;
const EXPONENT_MAX = 9;

/**
 * Gives every register its first value: those of `nominal`, and for points that are not in it the
 * middle of their range. A scale factor that nobody states is the finest that holds the ranges of
 * all points that use it.
 */
export function fillImages(
  profile: CompiledProfile,
  accesses: readonly PointAccess[],
  imageOf: ImageOf,
  nominal: readonly RegisterWords[],
): void {
  const known = new KnownRegisters(nominal);
  for (const { unit, ...place } of nominal) imageOf(unit).setWords(place, place.words);
  chooseExponents(accesses, imageOf, known);
  const valueOf = (ordinal: number): number | undefined => {
    const access = accesses.find(({ point }) => point.ordinal === ordinal);
    const value = access?.read(undefined);
    return typeof value === "number" ? value : undefined;
  };
  // Percentages last: what they are percent of has its value by then.
  const ordered = [...accesses].sort((a, b) => rank(a) - rank(b));
  for (const access of ordered) {
    if (known.has(access.binding)) continue;
    const { percentOf } = access.binding.conversion;
    const reference = percentOf === undefined ? undefined : valueOf(percentOf);
    access.write(middleOf(access, profile.name), reference);
  }
}

function rank({ binding }: PointAccess): number {
  return binding.conversion.percentOf === undefined ? 0 : 1;
}

function chooseExponents(
  accesses: readonly PointAccess[],
  imageOf: ImageOf,
  known: KnownRegisters,
): void {
  const chosen = new Map<string, { place: RegisterPlace; exponent: number }>();
  for (const access of accesses) {
    const place = access.binding.conversion.sf?.place;
    if (place === undefined || known.has(place)) continue;
    const key = keyOf(place, place.address);
    const exponent = Math.max(exponentFor(access), chosen.get(key)?.exponent ?? EXPONENT_MIN);
    chosen.set(key, { place, exponent });
  }
  for (const { place, exponent } of chosen.values()) {
    imageOf(place.unit).setWords(place, encodeScaleFactor(exponent));
  }
}

function exponentFor({ point, binding }: PointAccess): number {
  if (point.range === undefined) return 0;
  const [, most] = rawLimits(binding.conversion, binding);
  const largest = Math.max(...point.range.map(Math.abs));
  for (let exponent = EXPONENT_MIN; exponent < EXPONENT_MAX; exponent += 1) {
    if (Math.abs(rawOfValue(binding.conversion, largest, exponent)) <= most * FILL) return exponent;
  }
  return EXPONENT_MAX;
}

function middleOf({ point, binding }: PointAccess, name: string): number | string {
  if (point.type === "text") return name;
  if (point.type === "enum" || point.type === "bool" || point.type === "bits") {
    const [first] = binding.conversion.codes?.values() ?? [];
    return point.type === "enum" ? (first ?? 0) : 0;
  }
  if (point.range === undefined) return 0;
  const [low, high] = point.range;
  return (low + high) / 2;
}

/** Which registers the nominal image states. */
class KnownRegisters {
  readonly #keys = new Set<string>();

  constructor(nominal: readonly RegisterWords[]) {
    for (const words of nominal) {
      for (let index = 0; index < words.words.length; index += 1) {
        this.#keys.add(keyOf(words, words.address + index));
      }
    }
  }

  has(place: RegisterPlace): boolean {
    return this.#keys.has(keyOf(place, place.address));
  }
}

function keyOf(
  place: { readonly table: RegisterTable; readonly unit?: number | undefined },
  address: number,
): string {
  return `${place.unit ?? "own"} ${place.table} ${address}`;
}
