import { assert } from "../../domain/assert.ts";
import { putTpktHeader, TPKT_HEADER_OCTETS, TPKT_LENGTH_MAX } from "./tpkt.ts";
import { WireError } from "./wire-error.ts";

/**
 * The ISO transport protocol, class 0: connect, data in segments, disconnect.
 *
 * @see ITU-T X.224 (1995), section 13 (structure of TPDUs); RFC 1006, section 4 (TPDU size)
 */

/** A transport selector, at most 32 octets. */
export type Selector = Uint8Array;

export interface TransportConnect {
  readonly type: "connect-request" | "connect-confirm";
  readonly destinationReference: number;
  readonly sourceReference: number;
  /** Largest TPDU in octets, header included; undefined when the peer does not say. */
  readonly tpduOctets: number | undefined;
  readonly callingSelector: Selector | undefined;
  readonly calledSelector: Selector | undefined;
}

export type Tpdu =
  | TransportConnect
  /** `content` is a view into the frame. */
  | { readonly type: "data"; readonly isLast: boolean; readonly content: Uint8Array }
  | {
      readonly type: "disconnect";
      readonly destinationReference: number;
      readonly sourceReference: number;
      readonly reason: number;
    }
  | { readonly type: "error"; readonly destinationReference: number; readonly reason: number };

/** What RFC 1006 assumes when nobody says a size. */
export const TPDU_OCTETS_DEFAULT = 65_531;
/** Header of a data TPDU: its length, its type, end mark and number. */
const DATA_HEADER_OCTETS = 3;
const SELECTOR_OCTETS_MAX = 32;

const CODE = { request: 0xe0, confirm: 0xd0, disconnect: 0x80, data: 0xf0, error: 0x70 } as const;
const PARAMETER = { size: 0xc0, calling: 0xc1, called: 0xc2 } as const;
const END_OF_TSDU = 0x80;
/** Sizes are powers of two, 128 to 8192, told by their exponent. */
const SIZE_CODE_MIN = 7;
const SIZE_CODE_MAX = 13;

/**
 * Reads one TPDU.
 *
 * @throws WireError cotp-header, cotp-type, cotp-class or cotp-size
 */
export function decodeTpdu(bytes: Uint8Array): Tpdu {
  const headerEnd = (bytes[0] ?? 0) + 1;
  const code = bytes[1] ?? 0;
  if (headerEnd < DATA_HEADER_OCTETS || headerEnd > bytes.length || headerEnd > 0xff) {
    throw new WireError("cotp-header", { octets: headerEnd });
  }
  switch (code) {
    case CODE.data:
      return decodeSegment(bytes, headerEnd);
    case CODE.request:
    case CODE.confirm:
      return decodeConnect(bytes.subarray(0, headerEnd));
    case CODE.disconnect:
    case CODE.error:
      return decodeEnd(code, bytes.subarray(0, headerEnd));
    default:
      throw new WireError("cotp-type", { code });
  }
}

function decodeSegment(bytes: Uint8Array, headerEnd: number): Tpdu {
  if (headerEnd !== DATA_HEADER_OCTETS) throw new WireError("cotp-header", { octets: headerEnd });
  return {
    type: "data",
    isLast: ((bytes[2] ?? 0) & END_OF_TSDU) !== 0,
    content: bytes.subarray(DATA_HEADER_OCTETS),
  };
}

function decodeEnd(code: typeof CODE.disconnect | typeof CODE.error, header: Uint8Array): Tpdu {
  const destinationReference = uint16(header, 2);
  if (code === CODE.error) {
    requireHeader(header.length, 5);
    return { type: "error", destinationReference, reason: header[4] ?? 0 };
  }
  requireHeader(header.length, 7);
  return {
    type: "disconnect",
    destinationReference,
    sourceReference: uint16(header, 4),
    reason: header[6] ?? 0,
  };
}

function requireHeader(octets: number, least: number): void {
  if (octets < least) throw new WireError("cotp-header", { octets, least });
}

function decodeConnect(header: Uint8Array): TransportConnect {
  requireHeader(header.length, 7);
  const classAndOptions = header[6] ?? 0;
  const transportClass = classAndOptions >> 4;
  if (transportClass !== 0) throw new WireError("cotp-class", { class: transportClass });
  let tpduOctets: number | undefined;
  let callingSelector: Selector | undefined;
  let calledSelector: Selector | undefined;
  for (let at = 7; at < header.length;) {
    const end = at + 2 + (header[at + 1] ?? 0);
    if (end > header.length || at + 2 > header.length) throw new WireError("cotp-header", { at });
    const value = header.subarray(at + 2, end);
    switch (header[at]) {
      case PARAMETER.size:
        tpduOctets = sizeOf(value);
        break;
      case PARAMETER.calling:
        callingSelector = selectorOf(value);
        break;
      case PARAMETER.called:
        calledSelector = selectorOf(value);
        break;
      default: // Others are for other classes, or no concern of ours: X.224, section 13.3.4.
    }
    at = end;
  }
  return {
    type: header[1] === CODE.request ? "connect-request" : "connect-confirm",
    destinationReference: uint16(header, 2),
    sourceReference: uint16(header, 4),
    tpduOctets,
    callingSelector,
    calledSelector,
  };
}

function sizeOf(value: Uint8Array): number {
  const code = value[0] ?? 0;
  if (value.length !== 1 || code < SIZE_CODE_MIN || code > SIZE_CODE_MAX) {
    throw new WireError("cotp-size", { code });
  }
  return 2 ** code;
}

function selectorOf(value: Uint8Array): Selector {
  if (value.length > SELECTOR_OCTETS_MAX) throw new WireError("cotp-header", { at: value.length });
  return value.slice();
}

/** Writes a TPDU of the connection; data goes out by `segmentTsdu`. */
export function encodeTpdu(tpdu: Exclude<Tpdu, { type: "data" }>): Uint8Array {
  switch (tpdu.type) {
    case "disconnect":
      return Uint8Array.of(
        6,
        CODE.disconnect,
        ...octetsOf(tpdu.destinationReference),
        ...octetsOf(tpdu.sourceReference),
        tpdu.reason,
      );
    case "error":
      return Uint8Array.of(4, CODE.error, ...octetsOf(tpdu.destinationReference), tpdu.reason);
    default:
      return encodeConnect(tpdu);
  }
}

function encodeConnect(connect: TransportConnect): Uint8Array {
  const octets = [
    0,
    connect.type === "connect-request" ? CODE.request : CODE.confirm,
    ...octetsOf(connect.destinationReference),
    ...octetsOf(connect.sourceReference),
    0,
  ];
  if (connect.tpduOctets !== undefined) {
    const code = Math.log2(connect.tpduOctets);
    assert(
      Number.isInteger(code) && code >= SIZE_CODE_MIN && code <= SIZE_CODE_MAX,
      "a TPDU size is a power of two",
    );
    octets.push(PARAMETER.size, 1, code);
  }
  putSelector(octets, PARAMETER.called, connect.calledSelector);
  putSelector(octets, PARAMETER.calling, connect.callingSelector);
  octets[0] = octets.length - 1;
  return Uint8Array.from(octets);
}

function putSelector(octets: number[], code: number, selector: Selector | undefined): void {
  if (selector === undefined) return;
  assert(selector.length <= SELECTOR_OCTETS_MAX, "a selector has at most 32 octets");
  octets.push(code, selector.length, ...selector);
}

/**
 * Cuts a TSDU into data TPDUs, each in its packet, ready to be written in one piece.
 *
 * @param tpduOctets as agreed in the connect confirm, at least 128
 */
export function segmentTsdu(tsdu: Uint8Array, tpduOctets: number): Uint8Array {
  assert(tsdu.length > 0, "there is something to send");
  assert(tpduOctets >= 2 ** SIZE_CODE_MIN, "a TPDU has at least 128 octets");
  const tpduMost = Math.min(tpduOctets, TPKT_LENGTH_MAX - TPKT_HEADER_OCTETS);
  const most = tpduMost - DATA_HEADER_OCTETS;
  const segments = Math.ceil(tsdu.length / most);
  const overhead = TPKT_HEADER_OCTETS + DATA_HEADER_OCTETS;
  const frames = new Uint8Array(tsdu.length + segments * overhead);
  let at = 0;
  for (let from = 0; from < tsdu.length; from += most) {
    const piece = tsdu.subarray(from, from + most);
    putTpktHeader(frames, at, DATA_HEADER_OCTETS + piece.length);
    frames[at + 4] = DATA_HEADER_OCTETS - 1;
    frames[at + 5] = CODE.data;
    frames[at + 6] = from + most >= tsdu.length ? END_OF_TSDU : 0;
    frames.set(piece, at + overhead);
    at += overhead + piece.length;
  }
  return frames;
}

/**
 * Joins the segments of a TSDU. Holds at most `mostOctets`; a TSDU in one segment, which is nearly
 * every one, is not copied.
 */
export class TsduAssembler {
  readonly #mostOctets: number;
  #partial = new Uint8Array(0);
  #held = 0;

  constructor(mostOctets: number) {
    this.#mostOctets = mostOctets;
  }

  /** True while segments wait for their last one. */
  get isInside(): boolean {
    return this.#held > 0;
  }

  /** Memory that the assembler keeps, in octets. */
  get capacity(): number {
    return this.#partial.length;
  }

  /**
   * @returns the TSDU that this segment completes, a view valid until the next call; undefined when
   *   more is to come
   * @throws WireError tsdu-too-long; cotp-empty-segment for one that is neither content nor end,
   *   of which a peer could send any number
   */
  push(segment: {
    readonly isLast: boolean;
    readonly content: Uint8Array;
  }): Uint8Array | undefined {
    const { isLast, content } = segment;
    if (content.length === 0 && !isLast) throw new WireError("cotp-empty-segment");
    if (this.#held + content.length > this.#mostOctets) {
      throw new WireError("tsdu-too-long", { most: this.#mostOctets });
    }
    if (isLast && this.#held === 0) return content;
    this.#room(content.length);
    this.#partial.set(content, this.#held);
    this.#held += content.length;
    if (!isLast) return undefined;
    const whole = this.#partial.subarray(0, this.#held);
    this.#held = 0;
    return whole;
  }

  reset(): void {
    this.#held = 0;
  }

  #room(octets: number): void {
    const needed = this.#held + octets;
    if (needed <= this.#partial.length) return;
    const capacity = Math.min(this.#mostOctets, Math.max(needed, this.#partial.length * 2));
    const larger = new Uint8Array(capacity);
    larger.set(this.#partial.subarray(0, this.#held));
    this.#partial = larger;
  }
}

function octetsOf(value: number): [number, number] {
  assert(value >= 0 && value <= 0xffff, "a reference is two octets");
  return [value >>> 8, value & 0xff];
}

function uint16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}
