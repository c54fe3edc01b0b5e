import { assert } from "../domain/assert.ts";
import type { AddressRange, CompiledProfile, RegisterPlace } from "../profiles/binding.ts";
import { mergeRanges, spansOverlap } from "../wire/modbus/ranges.ts";
import { isBitTable, type RegisterTable } from "../wire/modbus/registers.ts";

/** Which registers a device has: everything else does not exist. */
export interface ImageLayout {
  readonly readable: ReadonlyMap<RegisterTable, readonly AddressRange[]>;
  readonly writable: ReadonlyMap<RegisterTable, readonly AddressRange[]>;
  /** Words at start, before any point: headers of SunSpec models and their unused points. */
  readonly fixed: readonly FixedWords[];
}

export interface FixedWords {
  readonly table: RegisterTable;
  readonly address: number;
  readonly words: readonly number[];
}

/** One run of neighbouring registers; a legal request lies within one. */
interface Segment {
  readonly first: number;
  readonly count: number;
  /** Two bytes per register, big-endian; one byte per bit in the bit tables. */
  readonly bytes: Uint8Array;
  readonly writable: Uint8Array;
}

const SUNSPEC_MARK = [0x5375, 0x6e53];
const SUNSPEC_END = [0xffff, 0];
const SUNSPEC_END_MODEL = 0xffff;
/** What a register of a SunSpec model holds for which the device has no value. */
const SUNSPEC_ABSENT = 0xffff;

/**
 * The registers of one unit id: sparse, so that a gateway that reads what its profile does not
 * declare is caught. No object per register: a read copies bytes.
 */
export class RegisterImage {
  readonly #segments: ReadonlyMap<RegisterTable, readonly Segment[]>;

  constructor(layout: ImageLayout) {
    const segments = new Map<RegisterTable, readonly Segment[]>();
    for (const [table, ranges] of layout.readable) {
      const writable = layout.writable.get(table) ?? [];
      segments.set(
        table,
        mergeRanges(ranges).map((range) => segmentOf(table, range, writable)),
      );
    }
    this.#segments = segments;
    for (const { table, address, words } of layout.fixed) {
      this.setWords({ table, address }, words);
    }
  }

  /**
   * The bytes of `count` registers (two each) or bits (one each), alive: a later change shows.
   * Undefined when one of them does not exist.
   */
  view(table: RegisterTable, address: number, count: number): Uint8Array | undefined {
    const segment = this.#segment(table, address, count);
    if (segment === undefined) return undefined;
    const width = widthOf(table);
    const from = (address - segment.first) * width;
    return segment.bytes.subarray(from, from + count * width);
  }

  isWritable(table: RegisterTable, address: number, count: number): boolean {
    const segment = this.#segment(table, address, count);
    if (segment === undefined) return false;
    const from = address - segment.first;
    for (let at = from; at < from + count; at += 1) {
      if (segment.writable[at] !== 1) return false;
    }
    return true;
  }

  /** Registers as unsigned words, bits as 0 or 1. The place must exist. */
  words(place: Pick<RegisterPlace, "table" | "address" | "count">): number[] {
    const bytes = this.view(place.table, place.address, place.count);
    assert(bytes !== undefined, `the image has no ${describe(place)}`);
    if (widthOf(place.table) === 1) return [...bytes];
    const words: number[] = [];
    for (let at = 0; at < bytes.length; at += 2) {
      words.push(((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0));
    }
    return words;
  }

  /** The inverse of `words`. The place must exist. */
  setWords(place: Pick<RegisterPlace, "table" | "address">, words: readonly number[]): void {
    const bytes = this.view(place.table, place.address, words.length);
    assert(bytes !== undefined, `the image has no ${describe(place)}`);
    if (widthOf(place.table) === 1) {
      bytes.set(words);
      return;
    }
    for (const [index, word] of words.entries()) {
      bytes[index * 2] = word >>> 8;
      bytes[index * 2 + 1] = word & 0xff;
    }
  }

  /** All values, for `restore`. */
  copy(): ImageCopy {
    return [...this.#segments.values()].flat().map(({ bytes }) => bytes.slice());
  }

  restore(copy: ImageCopy): void {
    const segments = [...this.#segments.values()].flat();
    assert(segments.length === copy.length, "a copy fits only its own image");
    for (const [index, segment] of segments.entries()) {
      segment.bytes.set(copy[index] ?? new Uint8Array(0));
    }
  }

  #segment(table: RegisterTable, address: number, count: number): Segment | undefined {
    const segments = this.#segments.get(table);
    if (segments === undefined) return undefined;
    let low = 0;
    let high = segments.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const segment = segments[middle];
      if (segment === undefined) return undefined;
      if (address < segment.first) high = middle - 1;
      else if (address >= segment.first + segment.count) low = middle + 1;
      else return address + count <= segment.first + segment.count ? segment : undefined;
    }
    return undefined;
  }
}

export type ImageCopy = readonly Uint8Array[];

/**
 * The registers that a device with this profile has behind unit id `unit` (undefined: its own):
 * what is bound, what the profile calls readable, and the chain of SunSpec models.
 */
export function layoutOf(profile: CompiledProfile, unit: number | undefined): ImageLayout {
  const readable = new Ranges();
  const writable = new Ranges();
  for (const place of readPlaces(profile)) if (place.unit === unit) readable.add(place);
  for (const place of writePlaces(profile)) {
    if (place.unit !== unit) continue;
    readable.add(place);
    writable.add(place);
  }
  const fixed: FixedWords[] = [];
  if (unit === undefined) {
    for (const [table, ranges] of profile.modbus.readable) {
      const illegal = profile.modbus.illegal.get(table) ?? [];
      for (const range of ranges) readable.addAll(table, without(range, illegal));
    }
    fixed.push(...sunspecWords(profile));
    for (const { table, address, words } of fixed) {
      readable.add({ table, address, count: words.length });
    }
  }
  return { readable: readable.byTable, writable: writable.byTable, fixed };
}

/** Unit ids that the profile reads or writes besides the device's own. */
export function otherUnits(profile: CompiledProfile): ReadonlySet<number> {
  const units = new Set<number>();
  for (const place of [...readPlaces(profile), ...writePlaces(profile)]) {
    if (place.unit !== undefined) units.add(place.unit);
  }
  return units;
}

export type UnitPlace = Pick<RegisterPlace, "unit" | "table" | "address" | "count">;

/** True when two places share a register; a place without unit id is behind `ownUnit`. */
export function placesOverlap(a: UnitPlace, b: UnitPlace, ownUnit: number): boolean {
  return a.table === b.table && (a.unit ?? ownUnit) === (b.unit ?? ownUnit) && spansOverlap(a, b);
}

function readPlaces(profile: CompiledProfile): RegisterPlace[] {
  const places: (RegisterPlace | undefined)[] = [];
  for (const { read, write } of profile.points) {
    places.push(read, read?.conversion.sf?.place);
    places.push(write?.conversion.sf?.place, write?.readBack?.place);
  }
  for (const interlock of profile.interlocks.values()) places.push(interlock.place);
  return places.filter((place) => place !== undefined);
}

function writePlaces(profile: CompiledProfile): RegisterPlace[] {
  const places: RegisterPlace[] = [];
  for (const { write } of profile.points) {
    if (write === undefined) continue;
    places.push({ ...write, count: write.count * write.copies });
    places.push(...write.before, ...write.after);
  }
  for (const { action } of profile.keepAlives.values()) {
    if (action.kind !== "repeat") places.push(action.place);
  }
  return places;
}

function sunspecWords(profile: CompiledProfile): FixedWords[] {
  const chain = profile.sunspec;
  if (chain === undefined) return [];
  const fixed: FixedWords[] = [{ table: "holding", address: chain.base, words: SUNSPEC_MARK }];
  let end = chain.base + SUNSPEC_MARK.length;
  for (const { model, address, length } of chain.models) {
    const body = new Array<number>(length).fill(SUNSPEC_ABSENT);
    fixed.push({ table: "holding", address, words: [model, length, ...body] });
    end = address + 2 + length;
  }
  if (chain.models.at(-1)?.model !== SUNSPEC_END_MODEL) {
    fixed.push({ table: "holding", address: end, words: SUNSPEC_END });
  }
  return fixed;
}

class Ranges {
  readonly byTable = new Map<RegisterTable, AddressRange[]>();

  add(place: Pick<RegisterPlace, "table" | "address" | "count">): void {
    this.addAll(place.table, [[place.address, place.address + place.count - 1]]);
  }

  addAll(table: RegisterTable, ranges: readonly AddressRange[]): void {
    const known = this.byTable.get(table);
    if (known === undefined) this.byTable.set(table, [...ranges]);
    else known.push(...ranges);
  }
}

/** What is left of `range` outside `holes`. */
function without(range: AddressRange, holes: readonly AddressRange[]): AddressRange[] {
  let left: AddressRange[] = [range];
  for (const [from, to] of holes) {
    left = left.flatMap(([first, last]): AddressRange[] => {
      if (to < first || from > last) return [[first, last]];
      const parts: AddressRange[] = [];
      if (first < from) parts.push([first, from - 1]);
      if (last > to) parts.push([to + 1, last]);
      return parts;
    });
  }
  return left;
}

function segmentOf(
  table: RegisterTable,
  [first, last]: AddressRange,
  writableRanges: readonly AddressRange[],
): Segment {
  const count = last - first + 1;
  const writable = new Uint8Array(count);
  for (const [from, to] of writableRanges) {
    if (to < first || from > last) continue;
    writable.fill(1, Math.max(0, from - first), Math.min(count, to - first + 1));
  }
  return { first, count, bytes: new Uint8Array(count * widthOf(table)), writable };
}

function widthOf(table: RegisterTable): 1 | 2 {
  return isBitTable(table) ? 1 : 2;
}

function describe(place: { readonly table: RegisterTable; readonly address: number }): string {
  return `${place.table} ${place.address}`;
}
