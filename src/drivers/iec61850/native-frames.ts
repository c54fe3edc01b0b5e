import { GatewayError } from "../../domain/errors.ts";

/**
 * Frames between the gateway and the process that has libiec61850 loaded: four octets of length,
 * one of kind, four of association, then what the kind says. What the device says travels as MMS
 * PDUs: what comes out of a process that a broken device can corrupt goes through the same decoder,
 * with the same limits, as what comes from a device.
 */
export const FRAME = {
  /** To the process: JSON of `OpenOrder`. */
  open: 1,
  /** Four octets of its life in ms, then a confirmed request. */
  request: 2,
  /** Four octets of invoke id: not to be sent any more, if it is not yet. */
  cancel: 3,
  release: 4,
  abort: 5,
  /** From the process: it is ready, association 0. JSON of `Ready`. */
  ready: 16,
  /** It can never be: JSON with the `reason`. */
  unusable: 17,
  /** JSON of `Opened`. */
  opened: 18,
  /** JSON of `Failed`. */
  failed: 19,
  /** A response, an error or an information report. */
  pdu: 20,
  /** An answer that the library could not read. */
  malformed: 21,
  /** The association is over; JSON of `Over`. */
  over: 22,
} as const;

export interface NativeFrame {
  readonly kind: number;
  readonly association: number;
  /** A view that is valid until the taker returns. */
  readonly body: Uint8Array;
}

/** The largest PDU that is ever agreed, and the names of a directory in parts. */
export const FRAME_OCTETS_MAX = 1024 * 1024;
const LENGTH_OCTETS = 4;
const HEAD_OCTETS = 5;

export function encodeFrame(kind: number, association: number, body: Uint8Array): Uint8Array {
  const frame = new Uint8Array(LENGTH_OCTETS + HEAD_OCTETS + body.length);
  const view = new DataView(frame.buffer);
  view.setUint32(0, HEAD_OCTETS + body.length);
  view.setUint8(4, kind);
  view.setUint32(5, association);
  frame.set(body, LENGTH_OCTETS + HEAD_OCTETS);
  return frame;
}

export function encodeJsonFrame(kind: number, association: number, body: object): Uint8Array {
  return encodeFrame(kind, association, new TextEncoder().encode(JSON.stringify(body)));
}

/** A number of four octets in front of a body. */
export function withNumber(number: number, rest: Uint8Array = new Uint8Array()): Uint8Array {
  const body = new Uint8Array(4 + rest.length);
  new DataView(body.buffer).setUint32(0, number);
  body.set(rest, 4);
  return body;
}

/** @throws GatewayError FRAME_MALFORMED */
export function numberOf(body: Uint8Array): number {
  if (body.length < 4) throw malformed("a number is missing");
  return new DataView(body.buffer, body.byteOffset).getUint32(0);
}

/** The members of a JSON object; what they are is for the reader to check. */
export function jsonOf(body: Uint8Array): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(body));
  } catch (cause) {
    throw new GatewayError("FRAME_MALFORMED", { reason: "no JSON" }, { cause });
  }
  if (typeof value !== "object" || value === null) throw malformed("no JSON object");
  return value as Readonly<Record<string, unknown>>;
}

/** Cuts a stream into frames; holds at most one that is not whole. */
export class FrameCutter {
  readonly #take: (frame: NativeFrame) => void;
  #held = new Uint8Array();
  #heldOctets = 0;

  constructor(take: (frame: NativeFrame) => void) {
    this.#take = take;
  }

  /** @throws GatewayError FRAME_MALFORMED: the stream is of no use any more */
  push(chunk: Uint8Array): void {
    let rest = chunk;
    if (this.#heldOctets > 0) rest = this.#fill(rest);
    while (this.#heldOctets === 0 && rest.length > 0) {
      const octets = frameOctets(rest);
      if (octets === undefined || octets > rest.length) {
        this.#hold(rest, octets);
        return;
      }
      this.#deliver(rest.subarray(0, octets));
      rest = rest.subarray(octets);
    }
  }

  /** Completes the frame that is held. @returns what comes after it */
  #fill(chunk: Uint8Array): Uint8Array {
    let rest = chunk;
    if (this.#heldOctets < LENGTH_OCTETS) {
      rest = this.#append(rest, LENGTH_OCTETS);
      if (this.#heldOctets < LENGTH_OCTETS) return rest;
    }
    const octets = frameOctets(this.#held.subarray(0, this.#heldOctets)) ?? LENGTH_OCTETS;
    rest = this.#append(rest, octets);
    if (this.#heldOctets < octets) return rest;
    const whole = this.#held.subarray(0, octets);
    this.#heldOctets = 0;
    this.#deliver(whole);
    return rest;
  }

  /** Takes up to `upTo` octets in all. */
  #append(chunk: Uint8Array, upTo: number): Uint8Array {
    const part = chunk.subarray(0, upTo - this.#heldOctets);
    this.#reserve(upTo);
    this.#held.set(part, this.#heldOctets);
    this.#heldOctets += part.length;
    return chunk.subarray(part.length);
  }

  #hold(rest: Uint8Array, octets: number | undefined): void {
    this.#reserve(octets ?? LENGTH_OCTETS);
    this.#held.set(rest);
    this.#heldOctets = rest.length;
  }

  /** Room for a whole frame at once: a slow stream does not make it be copied again and again. */
  #reserve(octets: number): void {
    if (this.#held.length >= octets) return;
    const larger = new Uint8Array(octets);
    larger.set(this.#held.subarray(0, this.#heldOctets));
    this.#held = larger;
  }

  #deliver(frame: Uint8Array): void {
    const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
    this.#take({
      kind: view.getUint8(LENGTH_OCTETS),
      association: view.getUint32(LENGTH_OCTETS + 1),
      body: frame.subarray(LENGTH_OCTETS + HEAD_OCTETS),
    });
  }
}

/** Length of the frame that begins here, with its own length; undefined when that is not whole. */
function frameOctets(bytes: Uint8Array): number | undefined {
  if (bytes.length < LENGTH_OCTETS) return undefined;
  const octets = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  if (octets < HEAD_OCTETS || octets > FRAME_OCTETS_MAX) throw malformed("length", octets);
  return LENGTH_OCTETS + octets;
}

function malformed(reason: string, octets = 0): GatewayError {
  return new GatewayError("FRAME_MALFORMED", { reason, octets });
}
