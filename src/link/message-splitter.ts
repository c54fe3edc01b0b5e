import { GatewayError } from "../domain/errors.ts";
import { LINK_VERSION } from "./messages.ts";

/** Every message starts with it: length behind the header u32, magic u8, version u8, type u8, 0. */
export const HEADER_BYTES = 8;
export const MAGIC = 0xd7;

/**
 * Cuts a byte stream into messages. Holds at most one incomplete message, and never more bytes than
 * have arrived: a length alone reserves nothing.
 */
export class MessageSplitter {
  readonly #maxBytes: number;
  #held: Uint8Array;
  #heldBytes = 0;

  /** @param maxBytes largest message, header included */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
    this.#held = new Uint8Array(0);
  }

  /**
   * Takes what the socket gave and hands over every message that is now complete, header included.
   * The bytes of a message may be used until the call returns.
   *
   * @throws GatewayError FRAME_MALFORMED or FRAME_VERSION; the stream cannot be read any further
   */
  push(chunk: Uint8Array, onMessage: (message: Uint8Array) => void): void {
    let bytes = chunk;
    if (this.#heldBytes > 0) {
      this.#hold(chunk);
      bytes = this.#held.subarray(0, this.#heldBytes);
    }
    let at = 0;
    for (;;) {
      const total = this.#messageBytes(bytes, at);
      if (total === undefined || at + total > bytes.length) break;
      onMessage(bytes.subarray(at, at + total));
      at += total;
    }
    this.#keep(bytes, at);
  }

  /** Size of the message at `at`, or undefined while its header is not complete. */
  #messageBytes(bytes: Uint8Array, at: number): number | undefined {
    if (bytes.length - at < HEADER_BYTES) return undefined;
    const view = new DataView(bytes.buffer, bytes.byteOffset + at, HEADER_BYTES);
    if (view.getUint8(4) !== MAGIC || view.getUint8(7) !== 0) {
      throw new GatewayError("FRAME_MALFORMED", { reason: "no message starts here" });
    }
    const version = view.getUint8(5);
    if (version !== LINK_VERSION) {
      throw new GatewayError("FRAME_VERSION", { version, supported: LINK_VERSION });
    }
    const total = HEADER_BYTES + view.getUint32(0, true);
    if (total > this.#maxBytes) {
      throw new GatewayError("FRAME_MALFORMED", {
        reason: "message too long",
        bytes: total,
        maxBytes: this.#maxBytes,
      });
    }
    return total;
  }

  #hold(chunk: Uint8Array): void {
    const needed = this.#heldBytes + chunk.length;
    if (needed > this.#held.length) {
      const larger = new Uint8Array(Math.max(needed, 2 * this.#held.length));
      larger.set(this.#held.subarray(0, this.#heldBytes));
      this.#held = larger;
    }
    this.#held.set(chunk, this.#heldBytes);
    this.#heldBytes = needed;
  }

  /** Keeps what lies behind `at` for the next call. */
  #keep(bytes: Uint8Array, at: number): void {
    const rest = bytes.subarray(at);
    if (rest.length === 0) {
      this.#heldBytes = 0;
      return;
    }
    if (bytes.buffer === this.#held.buffer) {
      if (at === 0) return;
      this.#held.copyWithin(0, at, this.#heldBytes);
      this.#heldBytes = rest.length;
      return;
    }
    this.#heldBytes = 0;
    this.#hold(rest);
  }
}
