import { assert } from "../domain/assert.ts";
import { writeUtf8 } from "../domain/utf8.ts";

/** A text longer than this is cut, bytes: no text of control comes near it. */
export const TEXT_MAX_BYTES = 65_536;
const MOST_PER_CHARACTER = 3;

/**
 * Little-endian bytes into one array that is made once. What does not fit is not written, and
 * `isFull` says so: a record is then given up as a whole.
 */
export class ByteWriter {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #length = 0;
  #isFull = false;

  constructor(capacity: number) {
    assert(capacity > 0, "a writer has room for something");
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get length(): number {
    return this.#length;
  }

  get isFull(): boolean {
    return this.#isFull;
  }

  /** What was written since `clear`; the next `clear` gives its place away. */
  written(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
    this.#isFull = false;
  }

  byte(value: number): void {
    if (this.#has(1)) this.#bytes[this.#length++] = value;
  }

  /** Puts another value into the place of a byte that was written before. */
  setByte(at: number, value: number): void {
    if (at < this.#length) this.#bytes[at] = value;
  }

  uint32(value: number): void {
    if (!this.#has(4)) return;
    this.#view.setUint32(this.#length, value, true);
    this.#length += 4;
  }

  /** A whole number from 0 to 2^32 − 1, the smaller the shorter. */
  whole(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.byte((rest % 0x80) + 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.byte(rest);
  }

  /** All bits of a number; of the many bit patterns that are NaN always the same. */
  number(value: number): void {
    if (!this.#has(8)) return;
    if (Number.isNaN(value)) {
      this.#view.setUint32(this.#length, 0, true);
      this.#view.setUint32(this.#length + 4, NAN_HIGH, true);
    } else this.#view.setFloat64(this.#length, value, true);
    this.#length += 8;
  }

  text(text: string): void {
    if (!this.#has(text.length * MOST_PER_CHARACTER + 4)) return;
    const start = this.#length + 4;
    const end = writeUtf8(this.#bytes, start, text, TEXT_MAX_BYTES);
    this.uint32(end - start);
    this.#length = end;
  }

  bytes(bytes: Uint8Array): void {
    if (!this.#has(bytes.length)) return;
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #has(count: number): boolean {
    if (this.#length + count > this.#bytes.length) this.#isFull = true;
    return !this.#isFull;
  }
}

/** Upper half of the one pattern that stands for NaN. */
const NAN_HIGH = 0x7ff80000;
