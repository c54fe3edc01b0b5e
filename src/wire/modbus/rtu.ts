/**
 * Modbus RTU frames: unit, PDU, CRC. On a serial line silence ends a frame; inside a TCP stream
 * there is none, so the length follows from the function code and the CRC decides.
 *
 * @see MODBUS over Serial Line Specification and Implementation Guide V1.02, section 2.5.1 (RTU),
 *   appendix B (CRC)
 */

export const RTU_FRAME_BYTES_MAX = 256;
const CRC_BYTES = 2;
const POLYNOMIAL_REFLECTED = 0xa001;

const CRC_TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit += 1) {
    crc = (crc & 1) === 1 ? (crc >>> 1) ^ POLYNOMIAL_REFLECTED : crc >>> 1;
  }
  return crc;
});

/** CRC-16 of Modbus over `bytes[start, end)`; it goes on the wire low byte first. */
export function crc16(bytes: Uint8Array, start: number, end: number): number {
  let crc = 0xffff;
  for (let at = start; at < end; at += 1) {
    crc = (crc >>> 8) ^ (CRC_TABLE[(crc ^ (bytes[at] ?? 0)) & 0xff] ?? 0);
  }
  return crc;
}

/** Appends the CRC of `target[start, end)` and returns the end of the frame. */
export function appendCrc(target: Uint8Array, start: number, end: number): number {
  const crc = crc16(target, start, end);
  target[end] = crc & 0xff;
  target[end + 1] = crc >>> 8;
  return end + CRC_BYTES;
}

/** True when `bytes[start, end)` ends with its own CRC. */
export function hasValidCrc(bytes: Uint8Array, start: number, end: number): boolean {
  const body = end - CRC_BYTES;
  const found = (bytes[body] ?? 0) | ((bytes[body + 1] ?? 0) << 8);
  return body > start && crc16(bytes, start, body) === found;
}

/**
 * Where the next frame lies. `skipped` bytes before `start` belong to no frame. `incomplete`: wait
 * for more; everything before `start` can be dropped.
 */
export interface RtuSplit {
  readonly kind: "frame" | "incomplete";
  readonly start: number;
  readonly end: number;
  readonly skipped: number;
}

/** Finds the next request in a stream; after noise it starts again at the next byte. */
export function splitRtuRequest(bytes: Uint8Array, start: number, end: number): RtuSplit {
  return split(bytes, start, end, requestBytes);
}

/** What a response answers. */
export interface RtuAsked {
  readonly unit: number;
  readonly function: number;
}

/**
 * Finds the next response to `asked` in a stream; after noise it starts again at the next byte. The
 * response to anything else is noise: what looks like one may ask to wait for bytes that never
 * come.
 */
export function splitRtuResponse(
  bytes: Uint8Array,
  start: number,
  end: number,
  asked: RtuAsked,
): RtuSplit {
  return split(bytes, start, end, (all, at, to) =>
    answers(all, at, to, asked) ? responseBytes(all, at, to) : -1,
  );
}

/** As far as it has come. */
function answers(bytes: Uint8Array, start: number, end: number, asked: RtuAsked): boolean {
  if (bytes[start] !== asked.unit) return false;
  return end - start < 2 || ((bytes[start + 1] ?? 0) & ~EXCEPTION_FLAG) === asked.function;
}

/** Length of the frame at `start`; 0: not known yet; -1: no such frame. */
type FrameBytes = (bytes: Uint8Array, start: number, end: number) => number;

function split(bytes: Uint8Array, start: number, end: number, frameBytes: FrameBytes): RtuSplit {
  let at = start;
  for (; at < end; at += 1) {
    const length = frameBytes(bytes, at, end);
    if (length < 0 || length > RTU_FRAME_BYTES_MAX) continue;
    if (length === 0 || at + length > end) {
      return { kind: "incomplete", start: at, end, skipped: at - start };
    }
    if (hasValidCrc(bytes, at, at + length)) {
      return { kind: "frame", start: at, end: at + length, skipped: at - start };
    }
  }
  return { kind: "incomplete", start: at, end, skipped: at - start };
}

/** Whole length, unit and CRC included, of requests that always have the same. */
const REQUEST_BYTES: ReadonlyMap<number, number> = new Map([
  [1, 8],
  [2, 8],
  [3, 8],
  [4, 8],
  [5, 8],
  [6, 8],
  [22, 10],
  [43, 7],
]);

const RESPONSE_BYTES: ReadonlyMap<number, number> = new Map([
  [5, 8],
  [6, 8],
  [15, 8],
  [16, 8],
  [22, 10],
]);
const EXCEPTION_BYTES = 5;
const EXCEPTION_FLAG = 0x80;

function requestBytes(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < 2) return 0;
  const code = bytes[start + 1] ?? 0;
  if (code === 15 || code === 16) return end - start < 7 ? 0 : 9 + (bytes[start + 6] ?? 0);
  return REQUEST_BYTES.get(code) ?? -1;
}

function responseBytes(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < 2) return 0;
  const code = bytes[start + 1] ?? 0;
  if ((code & EXCEPTION_FLAG) !== 0) return EXCEPTION_BYTES;
  if (code >= 1 && code <= 4) return end - start < 3 ? 0 : 5 + (bytes[start + 2] ?? 0);
  if (code === 43) return identificationBytes(bytes, start, end);
  return RESPONSE_BYTES.get(code) ?? -1;
}

const IDENTIFICATION_HEAD_BYTES = 8;

/** Device identification says the length of each of its objects, not its own. */
function identificationBytes(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < IDENTIFICATION_HEAD_BYTES) return 0;
  if (bytes[start + 2] !== 0x0e) return -1;
  const objects = bytes[start + 7] ?? 0;
  let length = IDENTIFICATION_HEAD_BYTES;
  for (let object = 0; object < objects; object += 1) {
    if (length > RTU_FRAME_BYTES_MAX) return -1;
    if (start + length + 2 > end) return 0;
    length += 2 + (bytes[start + length + 1] ?? 0);
  }
  return length + CRC_BYTES;
}
