import { GatewayError } from "../domain/errors.ts";
import { readUtf8 } from "../domain/utf8.ts";

/** Reads what `ByteWriter` wrote. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  /** @throws GatewayError FILE_UNREADABLE at the end of the bytes, as all the others */
  byte(): number {
    return this.#view.getUint8(this.#take(1));
  }

  uint32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  whole(): number {
    let value = 0;
    for (let factor = 1; factor < 2 ** 35; factor *= 0x80) {
      const byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
    throw malformed("a whole number has no end");
  }

  /** A number of items of which each takes at least a byte. */
  count(): number {
    const count = this.whole();
    if (count > this.left) throw malformed("more items are named than there are bytes");
    return count;
  }

  number(): number {
    return this.#view.getFloat64(this.#take(8), true);
  }

  text(): string {
    const length = this.uint32();
    const start = this.#take(length);
    const text = readUtf8(this.#bytes, start, start + length);
    if (text === undefined) throw malformed("a text is not UTF-8");
    return text;
  }

  /** A copy. */
  bytes(count: number): Uint8Array {
    const start = this.#take(count);
    // Not `slice`: of what a file was read into it would be a view of the same memory.
    const copy = new Uint8Array(count);
    copy.set(this.#bytes.subarray(start, start + count));
    return copy;
  }

  #take(count: number): number {
    if (count > this.left) throw malformed("a record ends too early");
    const start = this.#at;
    this.#at += count;
    return start;
  }
}

export function malformed(reason: string): GatewayError {
  return new GatewayError("FILE_UNREADABLE", { what: "recording", reason });
}
