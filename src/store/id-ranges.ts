import { assert } from "../domain/assert.ts";

/**
 * A set of whole numbers ≥ 0, kept as ranges: what is sent of millions of rows costs a few bytes as
 * long as it is sent about in order.
 */
export class IdRanges {
  /** Both inclusive, ascending, never touching one another. */
  readonly #first: number[] = [];
  readonly #last: number[] = [];
  #count = 0;

  get rangeCount(): number {
    return this.#first.length;
  }

  /** How many numbers are in the set. */
  get count(): number {
    return this.#count;
  }

  /** The largest number in the set; −1 when it is empty. */
  get max(): number {
    return this.#last.at(-1) ?? -1;
  }

  has(id: number): boolean {
    return this.covers(id, id);
  }

  /** Every number from `first` to `last` is in the set. */
  covers(first: number, last: number): boolean {
    const at = this.#endingAtOrAfter(first);
    const start = this.#first[at];
    return start !== undefined && start <= first && (this.#last[at] ?? -1) >= last;
  }

  /** At least one number from `first` to `last` is in the set. */
  intersects(first: number, last: number): boolean {
    const start = this.#first[this.#endingAtOrAfter(first)];
    return start !== undefined && start <= last;
  }

  /** Adds `first` … `last`; tells how many of them were not in the set before. */
  add(first: number, last = first): number {
    assert(first >= 0 && first <= last, "a range of ids ends before it begins");
    // From the range that touches `first` from below to the one that touches `last` from above.
    const from = this.#endingAtOrAfter(first - 1);
    let to = from;
    let covered = 0;
    let low = first;
    let high = last;
    for (;;) {
      const start = this.#first[to];
      const end = this.#last[to];
      if (start === undefined || end === undefined || start > last + 1) break;
      covered += Math.max(0, Math.min(end, last) - Math.max(start, first) + 1);
      low = Math.min(low, start);
      high = Math.max(high, end);
      to += 1;
    }
    this.#first.splice(from, to - from, low);
    this.#last.splice(from, to - from, high);
    const added = last - first + 1 - covered;
    this.#count += added;
    return added;
  }

  /** Takes `first` … `last` out; tells how many of them were in the set. */
  remove(first: number, last = first): number {
    assert(first >= 0 && first <= last, "a range of ids ends before it begins");
    const from = this.#endingAtOrAfter(first);
    let to = from;
    let removed = 0;
    const keptFirst: number[] = [];
    const keptLast: number[] = [];
    for (;;) {
      const start = this.#first[to];
      const end = this.#last[to];
      if (start === undefined || end === undefined || start > last) break;
      removed += Math.min(end, last) - Math.max(start, first) + 1;
      if (start < first) {
        keptFirst.push(start);
        keptLast.push(first - 1);
      }
      if (end > last) {
        keptFirst.push(last + 1);
        keptLast.push(end);
      }
      to += 1;
    }
    this.#first.splice(from, to - from, ...keptFirst);
    this.#last.splice(from, to - from, ...keptLast);
    this.#count -= removed;
    return removed;
  }

  /** The ranges from `first` to `last` that are not in the set, ascending. */
  *gaps(first: number, last: number): Generator<readonly [number, number]> {
    let from = first;
    for (let at = this.#endingAtOrAfter(first); from <= last; at += 1) {
      const start = this.#first[at];
      if (start === undefined || start > last) break;
      if (start > from) yield [from, start - 1];
      from = (this.#last[at] ?? start) + 1;
    }
    if (from <= last) yield [from, last];
  }

  /** The ranges of the set, ascending. */
  *ranges(): Generator<readonly [number, number]> {
    for (const [at, first] of this.#first.entries()) yield [first, this.#last[at] ?? first];
  }

  /**
   * Takes the shortest range out, so that a set in pieces stays small. Its rows are sent again,
   * which is allowed; the other way round rows would be lost.
   */
  dropShortest(): number {
    let shortest = -1;
    let length = Number.POSITIVE_INFINITY;
    for (const [at, first] of this.#first.entries()) {
      const here = (this.#last[at] ?? first) - first + 1;
      if (here < length) [shortest, length] = [at, here];
    }
    const first = this.#first[shortest];
    const last = this.#last[shortest];
    return first === undefined || last === undefined ? 0 : this.remove(first, last);
  }

  /** Differences as LEB128, 7 bits a byte, lowest first: a few bytes for each range. */
  toBytes(): Uint8Array {
    const bytes: number[] = [];
    let before = 0;
    for (const [first, last] of this.ranges()) {
      pushNumber(bytes, first - before);
      pushNumber(bytes, last - first);
      before = last;
    }
    return Uint8Array.from(bytes);
  }

  /** Undefined when the bytes are not those of a set. */
  static fromBytes(bytes: Uint8Array): IdRanges | undefined {
    const numbers = readNumbers(bytes);
    if (numbers === undefined || numbers.length % 2 !== 0) return undefined;
    const set = new IdRanges();
    let before = 0;
    for (let at = 0; at < numbers.length; at += 2) {
      const first = before + (numbers[at] ?? 0);
      const last = first + (numbers[at + 1] ?? 0);
      if (!Number.isSafeInteger(last)) return undefined;
      set.add(first, last);
      before = last;
    }
    return set;
  }

  /** Place of the first range that ends at `id` or behind it. */
  #endingAtOrAfter(id: number): number {
    let low = 0;
    let high = this.#last.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#last[middle] ?? 0) < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

const PAYLOAD_BITS = 128;

function pushNumber(bytes: number[], value: number): void {
  let rest = value;
  // Division, not shifts: ids pass 2^32.
  while (rest >= PAYLOAD_BITS) {
    bytes.push((rest % PAYLOAD_BITS) + PAYLOAD_BITS);
    rest = Math.floor(rest / PAYLOAD_BITS);
  }
  bytes.push(rest);
}

function readNumbers(bytes: Uint8Array): number[] | undefined {
  const numbers: number[] = [];
  let value = 0;
  let scale = 1;
  for (const byte of bytes) {
    value += (byte % PAYLOAD_BITS) * scale;
    if (byte < PAYLOAD_BITS) {
      numbers.push(value);
      value = 0;
      scale = 1;
    } else {
      scale *= PAYLOAD_BITS;
    }
  }
  return scale === 1 ? numbers : undefined;
}
