import { asciiName, latin1Text } from "./text.ts";
import { WireError } from "./wire-error.ts";

/**
 * Reads the Basic Encoding Rules, as far as the stack of IEC 61850 uses them, from octets that a
 * stranger wrote. Every limit is checked before anything is allocated.
 *
 * @see ITU-T X.690 (2021), section 8; the definite form only, section 8.1.3.3
 */

/** Levels of values in values. The elements of a PDU itself are fixed by grammar, not counted. */
export const NESTING_MAX = 12;
/** Elements in one list. */
export const ELEMENTS_MAX = 100_000;
const LENGTH_OCTETS_MAX = 4;
/** A 64-bit number and the octet that says that it is not negative. */
const INTEGER_OCTETS_MAX = 9;
const OBJECT_IDENTIFIER_OCTETS_MAX = 32;
/** Six octets always fit in a double's 53 bits. */
const SAFE_OCTETS = 6;
const CONSTRUCTED = 0x20;

/** Bits in octets, the first bit in the highest place of the first octet. */
export interface BitString {
  readonly bitCount: number;
  readonly bytes: Uint8Array;
}

/**
 * A cursor over a row of elements. `next` steps to an element; the content methods then read it.
 *
 * A tag is given as its octets are written: 0xa1, or 0xbf48 for the two-octet form.
 */
export class BerReader {
  readonly bytes: Uint8Array;
  readonly #end: number;
  readonly #depth: number;
  #at: number;
  #tag = 0;
  #contentStart = 0;
  #contentEnd = 0;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length, depth = 0) {
    this.bytes = bytes;
    this.#at = start;
    this.#end = end;
    this.#depth = depth;
  }

  get isDone(): boolean {
    return this.#at >= this.#end;
  }

  /** Tag of the element that `next` stepped to. */
  get tag(): number {
    return this.#tag;
  }

  /** Octets in the content of the present element. */
  get size(): number {
    return this.#contentEnd - this.#contentStart;
  }

  /**
   * Steps to the next element.
   *
   * @returns its tag
   * @throws WireError missing-element at the end of the row
   */
  next(): number {
    if (this.isDone) throw new WireError("missing-element", { at: this.#at });
    this.#tag = this.#readTag();
    const size = this.#readLength();
    if (size > this.#end - this.#at) {
      throw new WireError("truncated", { at: this.#at, size, left: this.#end - this.#at });
    }
    this.#contentStart = this.#at;
    this.#contentEnd = this.#at + size;
    this.#at = this.#contentEnd;
    return this.#tag;
  }

  /** Steps to the next element, which has this tag. */
  expect(tag: number): this {
    if (this.next() !== tag) throw this.unexpected();
    return this;
  }

  /** Steps to the next element if it has this tag. */
  optional(tag: number): boolean {
    if (this.isDone) return false;
    const before = this.#at;
    if (this.next() === tag) return true;
    this.#at = before;
    return false;
  }

  /** Steps over whatever follows until an element with this tag: additions of a later edition. */
  seek(tag: number): boolean {
    while (!this.isDone) if (this.next() === tag) return true;
    return false;
  }

  /** @throws WireError trailing-octets unless every element was read */
  finish(): void {
    if (!this.isDone) throw new WireError("trailing-octets", { at: this.#at });
  }

  unexpected(): WireError {
    return new WireError("unexpected-element", { tag: this.#tag, at: this.#contentStart });
  }

  /** A reader of the elements within the present one. */
  enter(): BerReader {
    if (!this.isConstructed) throw this.unexpected();
    return new BerReader(this.bytes, this.#contentStart, this.#contentEnd, this.#depth);
  }

  /** The same for a value in a value, where the grammar allows any depth and we do not. */
  descend(): BerReader {
    if (this.#depth >= NESTING_MAX) throw new WireError("too-deep", { nesting: this.#depth + 1 });
    if (!this.isConstructed) throw this.unexpected();
    return new BerReader(this.bytes, this.#contentStart, this.#contentEnd, this.#depth + 1);
  }

  get isConstructed(): boolean {
    const first = this.#tag > 0xff ? this.#tag >>> 8 : this.#tag;
    return (first & CONSTRUCTED) !== 0;
  }

  /** Reads every element of this row by `one`, which must step exactly once. */
  list<T>(one: (reader: BerReader) => T): T[] {
    const elements: T[] = [];
    while (!this.isDone) {
      if (elements.length >= ELEMENTS_MAX) {
        throw new WireError("too-many-elements", { most: ELEMENTS_MAX });
      }
      elements.push(one(this));
    }
    return elements;
  }

  /** Any octet but zero is true. */
  boolean(): boolean {
    this.#expectSize(1, 1);
    return this.bytes[this.#contentStart] !== 0;
  }

  nothing(): void {
    this.#expectSize(0, 0);
  }

  /** A whole number; a bigint only where a double would lose digits. */
  integer(): number | bigint {
    const size = this.size;
    if (size === 0) throw new WireError("wrong-size", { at: this.#contentStart, size });
    if (size > INTEGER_OCTETS_MAX) {
      throw new WireError("integer-too-long", { at: this.#contentStart, size });
    }
    if (size <= SAFE_OCTETS) return this.#safeInteger();
    let whole = BigInt.asIntN(8, BigInt(this.bytes[this.#contentStart] ?? 0));
    for (let at = this.#contentStart + 1; at < this.#contentEnd; at++) {
      whole = (whole << 8n) | BigInt(this.bytes[at] ?? 0);
    }
    const nearest = Number(whole);
    return Number.isSafeInteger(nearest) ? nearest : whole;
  }

  /** The same, of a number that is not negative. */
  unsigned(): number | bigint {
    const whole = this.integer();
    if (whole < 0) throw new WireError("out-of-range", { at: this.#contentStart });
    return whole;
  }

  /** A number of the protocol itself, within bounds. */
  integerWithin(least: number, most: number): number {
    const whole = this.integer();
    if (typeof whole === "bigint" || whole < least || whole > most) {
      throw new WireError("out-of-range", { at: this.#contentStart, least, most });
    }
    return whole;
  }

  /** A view of the content. */
  octets(): Uint8Array {
    return this.bytes.subarray(this.#contentStart, this.#contentEnd);
  }

  /** A view of the content, of one size. */
  octetsOf(least: number, most = least): Uint8Array {
    this.#expectSize(least, most);
    return this.octets();
  }

  /** A copy of the content: the value outlives the frame. */
  copy(): Uint8Array {
    return this.bytes.slice(this.#contentStart, this.#contentEnd);
  }

  bitString(): BitString {
    const unused = this.size === 0 ? -1 : (this.bytes[this.#contentStart] ?? 0);
    const bitCount = (this.size - 1) * 8 - unused;
    if (unused < 0 || unused > 7 || bitCount < 0) {
      throw new WireError("bad-bit-string", { at: this.#contentStart, unused });
    }
    return { bitCount, bytes: this.bytes.slice(this.#contentStart + 1, this.#contentEnd) };
  }

  /** Text of the device, one character per octet. */
  text(): string {
    return latin1Text(this.bytes, this.#contentStart, this.#contentEnd);
  }

  /** An identifier of the model. @throws WireError bad-name */
  name(): string {
    const name = asciiName(this.bytes, this.#contentStart, this.#contentEnd);
    if (name === undefined) throw new WireError("bad-name", { at: this.#contentStart });
    return name;
  }

  /** `1.0.9506.2.3`. @see ITU-T X.690, section 8.19 */
  objectIdentifier(): string {
    if (this.size === 0 || this.size > OBJECT_IDENTIFIER_OCTETS_MAX) throw this.#badIdentifier();
    const arcs: number[] = [];
    let arc = 0;
    for (const octet of this.octets()) {
      arc = arc * 128 + (octet & 0x7f);
      if (arc > Number.MAX_SAFE_INTEGER / 256) throw this.#badIdentifier();
      if ((octet & 0x80) !== 0) continue;
      arcs.push(arc);
      arc = 0;
    }
    if (((this.bytes[this.#contentEnd - 1] ?? 0) & 0x80) !== 0) throw this.#badIdentifier();
    const [first = 0, ...rest] = arcs;
    const root = Math.min(2, Math.floor(first / 40));
    return [root, first - root * 40, ...rest].join(".");
  }

  #badIdentifier(): WireError {
    return new WireError("bad-object-identifier", { at: this.#contentStart });
  }

  #safeInteger(): number {
    const bytes = this.bytes;
    let whole = ((bytes[this.#contentStart] ?? 0) << 24) >> 24;
    for (let at = this.#contentStart + 1; at < this.#contentEnd; at++) {
      whole = whole * 256 + (bytes[at] ?? 0);
    }
    return whole;
  }

  #expectSize(least: number, most: number): void {
    if (this.size < least || this.size > most) {
      throw new WireError("wrong-size", { at: this.#contentStart, size: this.size, least, most });
    }
  }

  #readTag(): number {
    const first = this.#octet();
    if ((first & 0x1f) !== 0x1f) return first;
    const second = this.#octet();
    // A number below 31 fits in one octet and must be there; one above 127 needs a third.
    if (second > 0x7f || second < 0x1f) throw new WireError("tag-too-long", { at: this.#at - 2 });
    return (first << 8) | second;
  }

  #readLength(): number {
    const first = this.#octet();
    if (first < 0x80) return first;
    const octets = first & 0x7f;
    if (octets === 0) throw new WireError("indefinite-length", { at: this.#at - 1 });
    if (octets > LENGTH_OCTETS_MAX) throw new WireError("length-too-long", { at: this.#at - 1 });
    let length = 0;
    for (let i = 0; i < octets; i++) length = length * 256 + this.#octet();
    return length;
  }

  #octet(): number {
    if (this.#at >= this.#end) throw new WireError("truncated", { at: this.#at });
    return this.bytes[this.#at++] ?? 0;
  }
}
