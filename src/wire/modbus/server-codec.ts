import { assert } from "../../domain/assert.ts";
import type { RegisterTable } from "./registers.ts";

/**
 * The server's half of the Modbus wire format: requests in, answers out. It shares no code with the
 * client's codec on purpose: a mistake in one of them must not cancel out in the other.
 *
 * @see MODBUS Application Protocol Specification V1.1b3, section 6 (function codes), section 7
 *   (exceptions); MODBUS Messaging on TCP/IP Implementation Guide V1.0b, section 3.1.3 (MBAP)
 */

export const MBAP_HEADER_BYTES = 7;
export const PDU_BYTES_MAX = 253;
/** Longest frame on TCP: header and PDU. */
export const MBAP_FRAME_BYTES_MAX = MBAP_HEADER_BYTES + PDU_BYTES_MAX;

/** Most that one request may ask for, by the specification; a device may allow less. */
export const QUANTITY_MAX = {
  readBits: 2000,
  readRegisters: 125,
  writeBits: 1968,
  writeRegisters: 123,
} as const;

const ADDRESS_SPACE = 0x1_0000;
const MEI_IDENTIFICATION = 0x0e;

export const EXCEPTION = {
  illegalFunction: 1,
  illegalAddress: 2,
  illegalValue: 3,
  deviceFailure: 4,
  deviceBusy: 6,
} as const;

export interface ReadRequest {
  readonly kind: "read";
  readonly function: 1 | 2 | 3 | 4;
  readonly table: RegisterTable;
  readonly address: number;
  readonly count: number;
}

export interface WriteRequest {
  readonly kind: "write";
  readonly function: 5 | 6 | 15 | 16;
  readonly table: "coil" | "holding";
  readonly address: number;
  /** Registers as unsigned words; coils as 0 or 1. */
  readonly values: readonly number[];
}

export interface MaskRequest {
  readonly kind: "mask";
  readonly function: 22;
  readonly address: number;
  readonly and: number;
  readonly or: number;
}

export interface IdentifyRequest {
  readonly kind: "identify";
  readonly function: 43;
  /** 1 basic, 2 regular, 3 extended, 4 one object. */
  readonly code: number;
  readonly object: number;
}

/** The request deserves an exception whatever the device is. */
export interface RefusedRequest {
  readonly kind: "refused";
  readonly function: number;
  readonly exception: number;
}

export type ModbusRequest =
  ReadRequest | WriteRequest | MaskRequest | IdentifyRequest | RefusedRequest;

const READ_TABLES = { 1: "coil", 2: "discrete", 3: "holding", 4: "input" } as const;

/**
 * Length of the Modbus TCP frame that starts at `start`.
 *
 * @returns bytes of the whole frame; 0 when the header is not complete yet; -1 when this cannot be
 *   Modbus (wrong protocol id or an impossible length): a server closes such a connection
 */
export function mbapFrameBytes(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < MBAP_HEADER_BYTES - 1) return 0;
  if (word(bytes, start + 2) !== 0) return -1;
  const length = word(bytes, start + 4);
  if (length < 2 || length > PDU_BYTES_MAX + 1) return -1;
  return MBAP_HEADER_BYTES - 1 + length;
}

/** Decodes the PDU in `bytes[start, end)`; a malformed one becomes the exception it deserves. */
export function decodeRequest(bytes: Uint8Array, start: number, end: number): ModbusRequest {
  const code = bytes[start] ?? 0;
  if (isRead(code)) return decodeRead(code, bytes, start, end);
  switch (code) {
    case 5:
      return decodeWriteCoil(bytes, start, end);
    case 6:
      if (end - start !== 5) return refused(code, EXCEPTION.illegalValue);
      return write(code, "holding", word(bytes, start + 1), [word(bytes, start + 3)]);
    case 15:
      return decodeWriteCoils(bytes, start, end);
    case 16:
      return decodeWriteRegisters(bytes, start, end);
    case 22:
      return decodeMask(bytes, start, end);
    case 43:
      return decodeIdentify(bytes, start, end);
    default:
      return refused(code, EXCEPTION.illegalFunction);
  }
}

function isRead(code: number): code is ReadRequest["function"] {
  return code >= 1 && code <= 4;
}

function decodeRead(
  code: 1 | 2 | 3 | 4,
  bytes: Uint8Array,
  start: number,
  end: number,
): ModbusRequest {
  if (end - start !== 5) return refused(code, EXCEPTION.illegalValue);
  const address = word(bytes, start + 1);
  const count = word(bytes, start + 3);
  const most = code <= 2 ? QUANTITY_MAX.readBits : QUANTITY_MAX.readRegisters;
  if (count < 1 || count > most) return refused(code, EXCEPTION.illegalValue);
  if (address + count > ADDRESS_SPACE) return refused(code, EXCEPTION.illegalAddress);
  return { kind: "read", function: code, table: READ_TABLES[code], address, count };
}

function decodeWriteCoil(bytes: Uint8Array, start: number, end: number): ModbusRequest {
  const value = word(bytes, start + 3);
  if (end - start !== 5 || (value !== 0 && value !== 0xff00)) {
    return refused(5, EXCEPTION.illegalValue);
  }
  return write(5, "coil", word(bytes, start + 1), [value === 0 ? 0 : 1]);
}

function decodeWriteCoils(bytes: Uint8Array, start: number, end: number): ModbusRequest {
  const address = word(bytes, start + 1);
  const count = word(bytes, start + 3);
  const byteCount = bytes[start + 5] ?? 0;
  const fits = byteCount === (count + 7) >> 3 && end - start === 6 + byteCount;
  if (count < 1 || count > QUANTITY_MAX.writeBits || !fits) {
    return refused(15, EXCEPTION.illegalValue);
  }
  if (address + count > ADDRESS_SPACE) return refused(15, EXCEPTION.illegalAddress);
  const values: number[] = [];
  for (let bit = 0; bit < count; bit += 1) {
    values.push(((bytes[start + 6 + (bit >> 3)] ?? 0) >> (bit & 7)) & 1);
  }
  return write(15, "coil", address, values);
}

function decodeWriteRegisters(bytes: Uint8Array, start: number, end: number): ModbusRequest {
  const address = word(bytes, start + 1);
  const count = word(bytes, start + 3);
  const byteCount = bytes[start + 5] ?? 0;
  const fits = byteCount === count * 2 && end - start === 6 + byteCount;
  if (count < 1 || count > QUANTITY_MAX.writeRegisters || !fits) {
    return refused(16, EXCEPTION.illegalValue);
  }
  if (address + count > ADDRESS_SPACE) return refused(16, EXCEPTION.illegalAddress);
  const values: number[] = [];
  for (let index = 0; index < count; index += 1) values.push(word(bytes, start + 6 + index * 2));
  return write(16, "holding", address, values);
}

function decodeMask(bytes: Uint8Array, start: number, end: number): ModbusRequest {
  if (end - start !== 7) return refused(22, EXCEPTION.illegalValue);
  return {
    kind: "mask",
    function: 22,
    address: word(bytes, start + 1),
    and: word(bytes, start + 3),
    or: word(bytes, start + 5),
  };
}

function decodeIdentify(bytes: Uint8Array, start: number, end: number): ModbusRequest {
  if (bytes[start + 1] !== MEI_IDENTIFICATION) return refused(43, EXCEPTION.illegalFunction);
  const code = bytes[start + 2] ?? 0;
  if (end - start !== 4 || code < 1 || code > 4) return refused(43, EXCEPTION.illegalValue);
  return { kind: "identify", function: 43, code, object: bytes[start + 3] ?? 0 };
}

function write(
  code: WriteRequest["function"],
  table: WriteRequest["table"],
  address: number,
  values: readonly number[],
): WriteRequest {
  return { kind: "write", function: code, table, address, values };
}

function refused(code: number, exception: number): RefusedRequest {
  return { kind: "refused", function: code, exception };
}

/** Writes the header of a frame whose PDU of `pduBytes` starts at `at + MBAP_HEADER_BYTES`. */
export function encodeMbap(
  target: Uint8Array,
  at: number,
  pduBytes: number,
  of: { readonly transaction: number; readonly unit: number },
): void {
  assert(pduBytes >= 1 && pduBytes <= PDU_BYTES_MAX, "a PDU holds 1 to 253 bytes");
  setWord(target, at, of.transaction);
  setWord(target, at + 2, 0);
  setWord(target, at + 4, pduBytes + 1);
  target[at + 6] = of.unit;
}

/** The words of a read answer, already big-endian. Returns the end of what was written. */
export function encodeRegisters(
  target: Uint8Array,
  at: number,
  code: 3 | 4,
  registers: Uint8Array,
): number {
  assert(registers.length <= QUANTITY_MAX.readRegisters * 2, "too many registers for one answer");
  target[at] = code;
  target[at + 1] = registers.length;
  target.set(registers, at + 2);
  return at + 2 + registers.length;
}

/** The bits of a read answer, one byte (0 or 1) each. Returns the end of what was written. */
export function encodeBits(target: Uint8Array, at: number, code: 1 | 2, bits: Uint8Array): number {
  assert(bits.length <= QUANTITY_MAX.readBits, "too many bits for one answer");
  const byteCount = (bits.length + 7) >> 3;
  target[at] = code;
  target[at + 1] = byteCount;
  target.fill(0, at + 2, at + 2 + byteCount);
  for (let bit = 0; bit < bits.length; bit += 1) {
    if (bits[bit] === 0) continue;
    const place = at + 2 + (bit >> 3);
    target[place] = (target[place] ?? 0) | (1 << (bit & 7));
  }
  return at + 2 + byteCount;
}

/** The answer to a write that was done. Returns the end of what was written. */
export function encodeWritten(
  target: Uint8Array,
  at: number,
  request: WriteRequest | MaskRequest,
): number {
  target[at] = request.function;
  setWord(target, at + 1, request.address);
  if (request.kind === "mask") {
    setWord(target, at + 3, request.and);
    setWord(target, at + 5, request.or);
    return at + 7;
  }
  const [first = 0] = request.values;
  if (request.function === 5) setWord(target, at + 3, first === 0 ? 0 : 0xff00);
  else if (request.function === 6) setWord(target, at + 3, first);
  else setWord(target, at + 3, request.values.length);
  return at + 5;
}

export function encodeException(
  target: Uint8Array,
  at: number,
  code: number,
  exception: number,
): number {
  target[at] = code | 0x80;
  target[at + 1] = exception;
  return at + 2;
}

/**
 * Device identification: `objects` are vendor, product and revision (ids 0, 1, 2) as Latin text.
 * Returns the end of what was written, or undefined when the object that is asked for is unknown.
 */
export function encodeIdentification(
  target: Uint8Array,
  at: number,
  request: IdentifyRequest,
  objects: readonly string[],
): number | undefined {
  const first = request.code === 4 ? request.object : 0;
  const last = request.code === 4 ? request.object : objects.length - 1;
  if (first >= objects.length) return undefined;
  target[at] = 43;
  target[at + 1] = MEI_IDENTIFICATION;
  target[at + 2] = request.code;
  // Conformity: basic objects, as a stream and one by one.
  target[at + 3] = 0x81;
  target[at + 4] = 0;
  target[at + 5] = 0;
  target[at + 6] = last - first + 1;
  let end = at + 7;
  for (let object = first; object <= last; object += 1) {
    const text = objects[object] ?? "";
    assert(end + 2 + text.length - at <= PDU_BYTES_MAX, "identification must fit one PDU");
    target[end] = object;
    target[end + 1] = text.length;
    for (let index = 0; index < text.length; index += 1) {
      target[end + 2 + index] = text.charCodeAt(index) & 0xff;
    }
    end += 2 + text.length;
  }
  return end;
}

function word(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

function setWord(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value & 0xff;
}
