import { assert } from "../../domain/assert.ts";
import type { BitString } from "./ber-reader.ts";
import { isName, latin1Octets } from "./text.ts";

/**
 * Writes the Basic Encoding Rules: definite form, shortest lengths, shortest integers. What cannot
 * be encoded is our own mistake: whoever takes values from outside has checked them.
 *
 * @see ITU-T X.690 (2021), section 8
 */

const FIRST_CAPACITY = 512;
const LENGTH_MAX = 0x7fff_ffff;

export class BerWriter {
  #bytes = new Uint8Array(FIRST_CAPACITY);
  #at = 0;

  /** Octets written so far. */
  get length(): number {
    return this.#at;
  }

  /** An element around what `body` writes. */
  nest(tag: number, body: () => void): this {
    this.#tag(tag);
    const lengthAt = this.#at;
    this.#room(1);
    this.#at += 1;
    body();
    this.#closeLength(lengthAt);
    return this;
  }

  /** A boolean: true is 0x01, which every known peer takes. */
  boolean(tag: number, value: boolean): this {
    return this.octets(tag, Uint8Array.of(value ? 1 : 0));
  }

  nothing(tag: number): this {
    return this.octets(tag, new Uint8Array(0));
  }

  /** In two's complement, so an unsigned number with its top bit set gets a leading zero. */
  integer(tag: number, value: number | bigint): this {
    if (typeof value === "bigint") return this.#bigInteger(tag, value);
    assert(Number.isSafeInteger(value), "an integer on the wire is whole");
    if (value > 0x7fff_ffff || value < -0x8000_0000) return this.#bigInteger(tag, BigInt(value));
    let size = 1;
    while (value >> (size * 8 - 1) !== value >> 31) size++;
    this.#head(tag, size);
    for (let shift = (size - 1) * 8; shift >= 0; shift -= 8) {
      this.#bytes[this.#at++] = (value >> shift) & 0xff;
    }
    return this;
  }

  /** Content as it is. */
  octets(tag: number, content: Uint8Array): this {
    this.#head(tag, content.length);
    this.#bytes.set(content, this.#at);
    this.#at += content.length;
    return this;
  }

  bitString(tag: number, bits: BitString): this {
    const size = (bits.bitCount + 7) >> 3;
    assert(bits.bytes.length === size, "bits fill their octets");
    this.#head(tag, size + 1);
    this.#bytes[this.#at] = size * 8 - bits.bitCount;
    this.#bytes.set(bits.bytes, this.#at + 1);
    this.#at += size + 1;
    return this;
  }

  /** Text of one octet per character. */
  text(tag: number, text: string): this {
    const content = latin1Octets(text);
    assert(content !== undefined, "a VisibleString has characters of one octet");
    return this.octets(tag, content);
  }

  name(tag: number, name: string): this {
    assert(isName(name), "a name is 1 to 129 visible ASCII characters");
    return this.text(tag, name);
  }

  /** `1.0.9506.2.3` */
  objectIdentifier(tag: number, dotted: string): this {
    const [root = 0, second = 0, ...rest] = dotted.split(".").map(Number);
    assert(
      root <= 2 && (root === 2 || second < 40) && rest.every(Number.isSafeInteger),
      "an object identifier is whole numbers",
    );
    const content: number[] = [];
    for (const arc of [root * 40 + second, ...rest]) putArc(content, arc);
    return this.octets(tag, Uint8Array.from(content));
  }

  /** Elements that are already encoded. */
  encoded(elements: Uint8Array): this {
    this.#room(elements.length);
    this.#bytes.set(elements, this.#at);
    this.#at += elements.length;
    return this;
  }

  /** A copy of what was written; the writer can be used again after `reset`. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#at);
  }

  reset(): this {
    this.#at = 0;
    return this;
  }

  #bigInteger(tag: number, value: bigint): this {
    let size = 5;
    while (BigInt.asIntN(size * 8, value) !== value) size++;
    assert(size <= 9, "an integer on the wire has at most 64 bits");
    this.#head(tag, size);
    for (let shift = (size - 1) * 8; shift >= 0; shift -= 8) {
      this.#bytes[this.#at++] = Number((value >> BigInt(shift)) & 0xffn);
    }
    return this;
  }

  /** Tag and length, and room for the content. */
  #head(tag: number, size: number): void {
    this.#tag(tag);
    const lengthAt = this.#at;
    this.#room(size + 5);
    this.#at += 1;
    if (size > 0x7f) {
      this.#at += lengthOctets(size);
      this.#putLength(lengthAt, size);
    } else this.#bytes[lengthAt] = size;
  }

  #tag(tag: number): void {
    this.#room(2);
    if (tag > 0xff) this.#bytes[this.#at++] = tag >>> 8;
    this.#bytes[this.#at++] = tag & 0xff;
  }

  /** Sets the length before what has been written since; a long one moves it up. */
  #closeLength(lengthAt: number): void {
    const size = this.#at - lengthAt - 1;
    if (size <= 0x7f) {
      this.#bytes[lengthAt] = size;
      return;
    }
    const extra = lengthOctets(size);
    this.#room(extra);
    this.#bytes.copyWithin(lengthAt + 1 + extra, lengthAt + 1, this.#at);
    this.#at += extra;
    this.#putLength(lengthAt, size);
  }

  #putLength(at: number, size: number): void {
    const octets = lengthOctets(size);
    this.#bytes[at] = 0x80 | octets;
    for (let i = octets; i > 0; i--) {
      this.#bytes[at + i] = (size >>> ((octets - i) * 8)) & 0xff;
    }
  }

  #room(octets: number): void {
    const needed = this.#at + octets;
    if (needed <= this.#bytes.length) return;
    assert(needed <= LENGTH_MAX, "an encoding fits in memory");
    const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    larger.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = larger;
  }
}

/** Octets of a long-form length, behind the one that counts them. */
function lengthOctets(size: number): number {
  if (size <= 0xff) return 1;
  if (size <= 0xffff) return 2;
  return size <= 0xff_ffff ? 3 : 4;
}

function putArc(content: number[], arc: number): void {
  const septets = [arc % 128];
  for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128)) {
    septets.unshift((rest % 128) | 0x80);
  }
  content.push(...septets);
}
