import { assert } from "../../domain/assert.ts";
import { WireError } from "./wire-error.ts";

/**
 * TPKT: packets of the ISO transport on a TCP stream.
 *
 * @see RFC 1006, section 6 (version 3; length with header, 7 to 65,535 octets)
 */

export const TPKT_HEADER_OCTETS = 4;
const VERSION = 3;
const LENGTH_MIN = 7;
export const TPKT_LENGTH_MAX = 0xffff;

/**
 * Cuts a byte stream into packets, whatever the pieces in which it arrives. It copies an octet at
 * most once and holds at most one unfinished packet.
 */
export class TpktFramer {
  #partial = new Uint8Array(TPKT_HEADER_OCTETS);
  #held = 0;
  /** Octets of the unfinished packet; of its header, until that is complete. */
  #wanted = TPKT_HEADER_OCTETS;

  /** True while a packet has begun and not ended. */
  get isInside(): boolean {
    return this.#held > 0;
  }

  /** Memory that the framer keeps, in octets. */
  get capacity(): number {
    return this.#partial.length;
  }

  /**
   * Hands the content of every packet that `chunk` completes to `take`: one TPDU each, a view that
   * is valid until `take` returns.
   *
   * @throws WireError tpkt-version or tpkt-length when the stream is not TPKT; the connection must
   *   then be closed
   */
  push(chunk: Uint8Array, take: (tpdu: Uint8Array) => void): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#held === 0 && chunk.length - at >= TPKT_HEADER_OCTETS) {
        const end = at + packetOctets(chunk, at);
        if (end <= chunk.length) {
          take(chunk.subarray(at + TPKT_HEADER_OCTETS, end));
          at = end;
          continue;
        }
      }
      at = this.#gather(chunk, at, take);
    }
  }

  /** Forgets an unfinished packet: a new connection begins. */
  reset(): void {
    this.#held = 0;
    this.#wanted = TPKT_HEADER_OCTETS;
  }

  /** Takes what the unfinished header or packet lacks. @returns where in `chunk` it stopped */
  #gather(chunk: Uint8Array, from: number, take: (tpdu: Uint8Array) => void): number {
    const piece = chunk.subarray(from, from + this.#wanted - this.#held);
    this.#partial.set(piece, this.#held);
    this.#held += piece.length;
    if (this.#held < this.#wanted) return from + piece.length;
    if (this.#wanted === TPKT_HEADER_OCTETS) {
      this.#expect(packetOctets(this.#partial, 0));
    } else {
      const whole = this.#partial.subarray(TPKT_HEADER_OCTETS, this.#held);
      this.reset();
      take(whole);
    }
    return from + piece.length;
  }

  #expect(octets: number): void {
    this.#wanted = octets;
    if (octets <= this.#partial.length) return;
    const larger = new Uint8Array(octets);
    larger.set(this.#partial.subarray(0, this.#held));
    this.#partial = larger;
  }
}

/** Writes the header of a packet whose TPDU has `octets`. */
export function putTpktHeader(bytes: Uint8Array, at: number, octets: number): void {
  const length = octets + TPKT_HEADER_OCTETS;
  assert(length >= LENGTH_MIN && length <= TPKT_LENGTH_MAX, "a packet is 7 to 65,535 octets");
  bytes[at] = VERSION;
  bytes[at + 1] = 0;
  bytes[at + 2] = length >>> 8;
  bytes[at + 3] = length & 0xff;
}

/** A TPDU in its packet. */
export function encodeTpkt(tpdu: Uint8Array): Uint8Array {
  const packet = new Uint8Array(TPKT_HEADER_OCTETS + tpdu.length);
  putTpktHeader(packet, 0, tpdu.length);
  packet.set(tpdu, TPKT_HEADER_OCTETS);
  return packet;
}

function packetOctets(bytes: Uint8Array, at: number): number {
  const version = bytes[at] ?? 0;
  if (version !== VERSION) throw new WireError("tpkt-version", { version });
  const length = ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
  if (length < LENGTH_MIN) throw new WireError("tpkt-length", { length });
  return length;
}
