import { assert } from "../../domain/assert.ts";
import type { RegisterTable } from "../../wire/modbus/registers.ts";

/**
 * More holes than any register map has; beyond it nothing more is remembered, and it is counted.
 */
const ENTRIES_MAX = 4_096;

/** What was learned of one table of one unit; JSON, to be kept between runs. */
export interface GapEntry {
  readonly unit: number;
  readonly table: RegisterTable;
  /** Inclusive ranges of unbound registers, at least one of each illegal. */
  readonly illegal: readonly (readonly [first: number, last: number])[];
  /** No request may hold both this address and the one before it. */
  readonly cuts: readonly number[];
}

export interface GapState {
  readonly version: 1;
  readonly entries: readonly GapEntry[];
}

interface Learned {
  readonly unit: number;
  readonly table: RegisterTable;
  readonly illegal: (readonly [first: number, last: number])[];
  readonly cuts: Set<number>;
}

/**
 * Where a device refuses to be read across, as found by splitting requests that it answered with
 * exception 2. It only ever makes requests smaller, so a wrong entry costs a request and no point.
 */
export class GapMemory {
  readonly #learned = new Map<string, Learned>();
  #entries = 0;
  #dropped = 0;
  #revision = 0;

  constructor(state?: GapState) {
    for (const { unit, table, illegal, cuts } of state?.entries ?? []) {
      for (const [first, last] of illegal) this.#addIllegal(unit, table, [first, last]);
      for (const at of cuts) this.#addCut(unit, table, at);
    }
    this.#revision = 0;
  }

  /** Changes when something was learned: plans made before are out of date. */
  get revision(): number {
    return this.#revision;
  }

  /** Entries that were not kept because the memory is full. */
  get dropped(): number {
    return this.#dropped;
  }

  /** True when no request may reach from bound register `before` to bound register `after`. */
  forbids(
    place: { readonly unit: number; readonly table: RegisterTable },
    span: Crossing,
  ): boolean {
    const learned = this.#learned.get(keyOf(place.unit, place.table));
    if (learned === undefined) return false;
    const { before, after } = span;
    for (const [first, last] of learned.illegal) if (first < after && last > before) return true;
    for (const at of learned.cuts) if (before < at && at <= after) return true;
    return false;
  }

  /** Both sides can be read and the whole cannot: what lies between them is not to be touched. */
  learnCrossing(
    place: { readonly unit: number; readonly table: RegisterTable },
    span: Crossing,
  ): void {
    const { before, after } = span;
    assert(before < after, "a crossing goes upwards");
    if (after === before + 1) this.#addCut(place.unit, place.table, after);
    else this.#addIllegal(place.unit, place.table, [before + 1, after - 1]);
  }

  /** These registers were refused alone: they shall take no neighbour with them. */
  learnAlone(
    place: { readonly unit: number; readonly table: RegisterTable },
    first: number,
    last: number,
  ): void {
    this.#addCut(place.unit, place.table, first);
    this.#addCut(place.unit, place.table, last + 1);
  }

  toState(): GapState {
    const entries = [...this.#learned.values()].map(({ unit, table, illegal, cuts }) => ({
      unit,
      table,
      illegal: [...illegal].sort((a, b) => a[0] - b[0]),
      cuts: [...cuts].sort((a, b) => a - b),
    }));
    return { version: 1, entries };
  }

  #addIllegal(
    unit: number,
    table: RegisterTable,
    range: readonly [first: number, last: number],
  ): void {
    const { illegal } = this.#of(unit, table);
    if (illegal.some(([first, last]) => first === range[0] && last === range[1])) return;
    if (this.#mayGrow()) illegal.push(range);
  }

  #addCut(unit: number, table: RegisterTable, at: number): void {
    const { cuts } = this.#of(unit, table);
    if (!cuts.has(at) && this.#mayGrow()) cuts.add(at);
  }

  #mayGrow(): boolean {
    if (this.#entries >= ENTRIES_MAX) {
      this.#dropped += 1;
      return false;
    }
    this.#entries += 1;
    this.#revision += 1;
    return true;
  }

  #of(unit: number, table: RegisterTable): Learned {
    const key = keyOf(unit, table);
    const known = this.#learned.get(key);
    if (known !== undefined) return known;
    const learned = { unit, table, illegal: [], cuts: new Set<number>() };
    this.#learned.set(key, learned);
    return learned;
  }
}

/** Two bound registers with nothing bound between them. */
export interface Crossing {
  readonly before: number;
  readonly after: number;
}

function keyOf(unit: number, table: RegisterTable): string {
  return `${unit}/${table}`;
}
