import { assert } from "../../domain/assert.ts";
import { GatewayError } from "../../domain/errors.ts";
import { isBitTable, type RegisterTable } from "./registers.ts";

/**
 * The client's half of the Modbus wire format on TCP: requests out, answers in. It shares no code
 * with the server's codec on purpose: a mistake in one must not cancel out in the other.
 *
 * @see MODBUS Application Protocol Specification V1.1b3, section 6 (function codes), section 7
 *   (exceptions); MODBUS Messaging on TCP/IP Implementation Guide V1.0b, section 3.1.3 (MBAP
 *   header)
 */

export interface ReadRequest {
  readonly unit: number;
  readonly table: RegisterTable;
  /** 0-based wire address. */
  readonly address: number;
  /** Registers, or bits in the bit tables. */
  readonly count: number;
}

/**
 * `bytes` is what follows the address on the wire: 5: FF00 or 0000; 6: one register; 15: packed
 * bits; 16: registers, high byte first; 22: AND mask, then OR mask.
 */
export interface WriteRequest {
  readonly unit: number;
  readonly function: 5 | 6 | 15 | 16 | 22;
  readonly address: number;
  /** Registers or coils written. */
  readonly count: number;
  readonly bytes: Uint8Array;
}

/** The device understood the frame and declined. */
export interface ModbusException {
  /** 1 illegal function, 2 illegal address, 3 illegal value, 4 failure, 6 busy … */
  readonly exception: number;
}

/** Register bytes, high byte first, or packed bits, lowest address in the lowest bit. */
export type ReadReply = Uint8Array | ModbusException;
export type WriteReply = "written" | ModbusException;

const MBAP_BYTES = 6;
/** Length field: unit and at least a function code; at most unit and a PDU of 253 bytes. */
const LENGTH_MIN = 2;
const LENGTH_MAX = 254;
export const RESPONSE_BYTES_MAX = MBAP_BYTES + LENGTH_MAX;

const UNIT_AT = 6;
const FUNCTION_AT = 7;
const BODY_AT = 8;
const EXCEPTION_FLAG = 0x80;
const ADDRESS_SPACE = 0x1_0000;

/** Most that one request may carry, by the specification; a device may take less. */
const READ_REGISTERS_MAX = 125;
const READ_BITS_MAX = 2000;
const WRITE_REGISTERS_MAX = 123;
const WRITE_BITS_MAX = 1968;

const READ_FUNCTION = { coil: 1, discrete: 2, holding: 3, input: 4 } as const;

/** How many bytes of data the answer to this request carries. */
export function replyBytes(request: ReadRequest): number {
  return isBitTable(request.table) ? (request.count + 7) >> 3 : request.count * 2;
}

/** @returns the whole frame, to be written to the socket in one piece */
export function encodeRead(request: ReadRequest, transaction: number): Uint8Array {
  const most = isBitTable(request.table) ? READ_BITS_MAX : READ_REGISTERS_MAX;
  assertSpan(request.address, request.count, most);
  const frame = new Uint8Array(MBAP_BYTES + 6);
  putHead(frame, transaction, request.unit);
  frame[FUNCTION_AT] = READ_FUNCTION[request.table];
  putUint16(frame, BODY_AT, request.address);
  putUint16(frame, BODY_AT + 2, request.count);
  return frame;
}

/** @returns the whole frame, to be written to the socket in one piece */
export function encodeWrite(request: WriteRequest, transaction: number): Uint8Array {
  assertWrite(request);
  const isMultiple = request.function === 15 || request.function === 16;
  const head = BODY_AT + (isMultiple ? 5 : 2);
  const frame = new Uint8Array(head + request.bytes.length);
  putHead(frame, transaction, request.unit);
  frame[FUNCTION_AT] = request.function;
  putUint16(frame, BODY_AT, request.address);
  if (isMultiple) {
    putUint16(frame, BODY_AT + 2, request.count);
    frame[BODY_AT + 4] = request.bytes.length;
  }
  frame.set(request.bytes, head);
  return frame;
}

/** True when the request can be put on the wire at all; a profile's lint asks the same. */
export function isWritable(request: WriteRequest): boolean {
  const { count, bytes, address } = request;
  if (address < 0 || count < 1 || address + count > ADDRESS_SPACE) return false;
  const { most, length } = writeShape(request);
  return count <= most && bytes.length === length;
}

/** Most places that one request writes, and the bytes that it then carries. */
function writeShape(request: WriteRequest): { readonly most: number; readonly length: number } {
  switch (request.function) {
    case 5:
    case 6:
      return { most: 1, length: 2 };
    case 15:
      return { most: WRITE_BITS_MAX, length: (request.count + 7) >> 3 };
    case 16:
      return { most: WRITE_REGISTERS_MAX, length: request.count * 2 };
    case 22:
      return { most: 1, length: 4 };
  }
}

/** A whole frame in a stream, from the transaction id to its last byte. */
export interface ResponseFrame {
  readonly transaction: number;
  readonly bytes: Uint8Array;
}

/**
 * Cuts a byte stream into response frames, whatever the pieces in which it arrives. Bounded: it
 * never holds more than one unfinished frame.
 */
export class ResponseFramer {
  readonly #partial = new Uint8Array(RESPONSE_BYTES_MAX);
  #held = 0;

  /** True while a frame has begun and not ended. */
  get isInside(): boolean {
    return this.#held > 0;
  }

  /**
   * Hands every frame that `chunk` completes to `take`. The frame's bytes are valid until `take`
   * returns.
   *
   * @throws GatewayError REPLY_MALFORMED when the stream is not Modbus TCP; nothing after that can
   *   be trusted and the connection must be closed
   */
  push(chunk: Uint8Array, take: (frame: ResponseFrame) => void): void {
    let at = 0;
    if (this.#held > 0) {
      at = this.#complete(chunk);
      if (at < 0) return;
      const whole = this.#partial.subarray(0, this.#held);
      this.#held = 0;
      take({ transaction: uint16(whole, 0), bytes: whole });
    }
    while (at < chunk.length) {
      const end = at + frameBytes(chunk, at, chunk.length);
      if (Number.isNaN(end) || end > chunk.length) {
        this.#partial.set(chunk.subarray(at));
        this.#held = chunk.length - at;
        return;
      }
      take({ transaction: uint16(chunk, at), bytes: chunk.subarray(at, end) });
      at = end;
    }
  }

  /** Forgets an unfinished frame: a new connection begins. */
  reset(): void {
    this.#held = 0;
  }

  /** Fills the unfinished frame. @returns how much of `chunk` it took; -1 when all and not done. */
  #complete(chunk: Uint8Array): number {
    let taken = 0;
    for (;;) {
      const wanted = frameBytes(this.#partial, 0, this.#held);
      const missing = (Number.isNaN(wanted) ? MBAP_BYTES : wanted) - this.#held;
      if (missing === 0) return taken;
      const piece = chunk.subarray(taken, taken + missing);
      if (piece.length === 0) return -1;
      this.#partial.set(piece, this.#held);
      this.#held += piece.length;
      taken += piece.length;
    }
  }
}

/** Length of the frame at `start`; NaN when its header is not complete. */
function frameBytes(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < MBAP_BYTES) return Number.NaN;
  const protocol = uint16(bytes, start + 2);
  const length = uint16(bytes, start + 4);
  if (protocol !== 0 || length < LENGTH_MIN || length > LENGTH_MAX) {
    throw new GatewayError("REPLY_MALFORMED", { protocol, length });
  }
  return MBAP_BYTES + length;
}

/**
 * What a device answered to a read.
 *
 * @param frame a whole frame of `ResponseFramer`
 * @returns a view into `frame`, or the exception
 * @throws GatewayError REPLY_MALFORMED when unit, function or byte count are not those asked for
 */
export function parseReadReply(request: ReadRequest, frame: Uint8Array): ReadReply {
  const code = READ_FUNCTION[request.table];
  const exception = parseHead(frame, request.unit, code);
  if (exception !== undefined) return exception;
  const expected = replyBytes(request);
  const stated = frame[BODY_AT];
  const received = frame.length - BODY_AT - 1;
  if (stated !== expected || received !== expected) {
    throw malformed(request.unit, code, { expectedBytes: expected, receivedBytes: received });
  }
  return frame.subarray(BODY_AT + 1);
}

/**
 * What a device answered to a write. A device echoes the head of the request; one that echoes
 * something else did not do what was asked.
 *
 * @throws GatewayError REPLY_MALFORMED when the echo differs
 */
export function parseWriteReply(request: WriteRequest, frame: Uint8Array): WriteReply {
  const exception = parseHead(frame, request.unit, request.function);
  if (exception !== undefined) return exception;
  const isMultiple = request.function === 15 || request.function === 16;
  const expected = isMultiple ? 4 : 2 + request.bytes.length;
  const received = frame.length - BODY_AT;
  if (received !== expected || !echoes(request, frame, isMultiple)) {
    throw malformed(request.unit, request.function, {
      expectedBytes: expected,
      receivedBytes: received,
    });
  }
  return "written";
}

function echoes(request: WriteRequest, frame: Uint8Array, isMultiple: boolean): boolean {
  if (uint16(frame, BODY_AT) !== request.address) return false;
  if (isMultiple) return uint16(frame, BODY_AT + 2) === request.count;
  return request.bytes.every((byte, at) => frame[BODY_AT + 2 + at] === byte);
}

/** Checks unit and function of an answer. */
function parseHead(frame: Uint8Array, unit: number, code: number): ModbusException | undefined {
  assert(frame.length >= MBAP_BYTES + LENGTH_MIN, "a frame is shorter than its header");
  if (frame[UNIT_AT] !== unit) throw malformed(unit, code, { receivedUnit: frame[UNIT_AT] ?? 0 });
  const echoed = frame[FUNCTION_AT] ?? 0;
  if (echoed === code) return undefined;
  if (echoed !== (code | EXCEPTION_FLAG) || frame.length !== BODY_AT + 1) {
    throw malformed(unit, code, { receivedFunction: echoed, receivedBytes: frame.length });
  }
  return modbusException(frame[BODY_AT] ?? 0);
}

const EXCEPTIONS: readonly ModbusException[] = Array.from({ length: 256 }, (_, exception) =>
  Object.freeze({ exception }),
);

export function modbusException(code: number): ModbusException {
  const exception = EXCEPTIONS[code];
  assert(exception !== undefined, "an exception code is one byte");
  return exception;
}

function malformed(unit: number, code: number, facts: Record<string, number>): GatewayError {
  return new GatewayError("REPLY_MALFORMED", { unit, function: code, ...facts });
}

function putHead(frame: Uint8Array, transaction: number, unit: number): void {
  assert(unit >= 0 && unit <= 255, "a unit id is one byte");
  putUint16(frame, 0, transaction);
  putUint16(frame, 4, frame.length - MBAP_BYTES);
  frame[UNIT_AT] = unit;
}

function assertSpan(address: number, count: number, most: number): void {
  assert(count >= 1 && count <= most, "a request has at least one and at most the allowed places");
  assert(address >= 0 && address + count <= ADDRESS_SPACE, "a request lies in the address space");
}

function assertWrite(request: WriteRequest): void {
  assert(isWritable(request), "a write has the bytes that its function wants");
}

function putUint16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value & 0xff;
}

function uint16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}
