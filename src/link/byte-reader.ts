import { GatewayError } from "../domain/errors.ts";
import { readUtf8 } from "../domain/utf8.ts";

/** Reads a message from front to back. Whatever does not fit is FRAME_MALFORMED. */
export class ByteReader {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  #at: number;

  constructor(bytes: Uint8Array, start: number) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = start;
  }

  /** Moves over `count` bytes and returns where they start. */
  skip(count: number): number {
    const start = this.#at;
    if (count > this.bytes.length - start) throw malformed("message too short");
    this.#at = start + count;
    return start;
  }

  u8(): number {
    return this.#view.getUint8(this.skip(1));
  }

  u16(): number {
    return this.#view.getUint16(this.skip(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.skip(4), true);
  }

  /** A number that is neither infinite nor NaN. */
  finite(): number {
    const value = this.#view.getFloat64(this.skip(8), true);
    if (!Number.isFinite(value)) throw malformed("not a number");
    return value;
  }

  /** A whole number from `least` up to 2^53 − 1, as a double. */
  count(least: number): number {
    const value = this.#view.getFloat64(this.skip(8), true);
    if (!Number.isSafeInteger(value) || value < least) throw malformed("not a count");
    return value;
  }

  /** @param byteCount from the message itself; checked against `maxBytes` */
  text(byteCount: number, maxBytes: number): string {
    if (byteCount > maxBytes) throw malformed("text too long");
    const start = this.skip(byteCount);
    const text = readUtf8(this.bytes, start, start + byteCount);
    if (text === undefined) throw malformed("text is not UTF-8");
    return text;
  }

  /** Nothing may be left over: a longer message is not the message we know. */
  end(): void {
    if (this.#at !== this.bytes.length) throw malformed("bytes left over");
  }
}

export function malformed(reason: string): GatewayError {
  return new GatewayError("FRAME_MALFORMED", { reason });
}

/** The member of a closed list that a code byte names. */
export function member<T>(list: readonly T[], code: number): T {
  const found = list[code];
  if (found === undefined) throw malformed("unknown code");
  return found;
}
