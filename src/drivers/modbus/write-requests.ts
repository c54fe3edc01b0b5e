import { assert } from "../../domain/assert.ts";
import type { RegisterPlace, WriteBinding, WriteStep } from "../../profiles/binding.ts";
import type { WriteRequest } from "../../wire/modbus/client-codec.ts";

/** What every request of a device needs besides its place. */
export interface WriteTarget {
  /** Unit of the device; a place may name another one behind the same link. */
  readonly unit: number;
  /** Most registers in one request. */
  readonly maxWrite: number;
  /** Function codes the device knows; undefined: all. */
  readonly functions: ReadonlySet<number> | undefined;
}

/**
 * The requests that put an encoded setpoint into the device, in order.
 *
 * @param words as encoded, copies included; 0 or 1 for coils
 */
export function setpointRequests(
  write: WriteBinding,
  words: readonly number[],
  target: WriteTarget,
): WriteRequest[] {
  const unit = write.unit ?? target.unit;
  const { address } = write;
  switch (write.function) {
    case 5:
      return words.map((word, at) => coilRequest(unit, address + at, word));
    case 6:
      return words.map((word, at) => registerRequest(unit, address + at, word));
    case 15:
      return [coilsRequest(unit, address, words)];
    case 16:
      return chunked(words, write.copies, target.maxWrite).map(({ at, part }) =>
        registersRequest(unit, address + at, part),
      );
    case 22:
      return words.map((word, at) =>
        maskRequest({ unit, address: address + at }, word, write.mask),
      );
  }
}

/** One raw word or coil at the setpoint's own place: the end of a pulse. */
export function releaseRequests(
  write: WriteBinding,
  raw: number,
  target: WriteTarget,
): WriteRequest[] {
  const words = new Array<number>(write.count * write.copies).fill(0);
  for (let copy = 1; copy <= write.copies; copy += 1) words[copy * write.count - 1] = raw;
  return setpointRequests(write, words, target);
}

/** Raw words at a place, with the function code that the device knows. */
export function rawRequest(
  place: RegisterPlace,
  words: readonly number[],
  target: WriteTarget,
): WriteRequest {
  const unit = place.unit ?? target.unit;
  const [word = 0] = words;
  const knows = (code: number) => target.functions?.has(code) ?? true;
  if (place.table === "coil") {
    return words.length === 1 && knows(5)
      ? coilRequest(unit, place.address, word)
      : coilsRequest(unit, place.address, words);
  }
  assert(place.table === "holding", "only coils and holding registers are written");
  return words.length === 1 && knows(6)
    ? registerRequest(unit, place.address, word)
    : registersRequest(unit, place.address, words);
}

export function stepRequest(step: WriteStep, target: WriteTarget): WriteRequest {
  return rawRequest(step, step.raw, target);
}

function coilRequest(unit: number, address: number, word: number): WriteRequest {
  const bytes = Uint8Array.of(word === 0 ? 0x00 : 0xff, 0x00);
  return { unit, function: 5, address, count: 1, bytes };
}

function registerRequest(unit: number, address: number, word: number): WriteRequest {
  return { unit, function: 6, address, count: 1, bytes: bytesOf([word]) };
}

function coilsRequest(unit: number, address: number, bits: readonly number[]): WriteRequest {
  const bytes = new Uint8Array((bits.length + 7) >> 3);
  bits.forEach((bit, at) => {
    if (bit !== 0) bytes[at >> 3] = (bytes[at >> 3] ?? 0) | (1 << (at & 7));
  });
  return { unit, function: 15, address, count: bits.length, bytes };
}

function registersRequest(unit: number, address: number, words: readonly number[]): WriteRequest {
  return { unit, function: 16, address, count: words.length, bytes: bytesOf(words) };
}

/** Result = (current AND and-mask) OR (or-mask AND NOT and-mask). */
function maskRequest(
  place: { readonly unit: number; readonly address: number },
  word: number,
  mask: number | undefined,
): WriteRequest {
  assert(mask !== undefined, "a masked write says which bits are its own");
  const bytes = bytesOf([~mask & 0xffff, word & mask]);
  return { unit: place.unit, function: 22, address: place.address, count: 1, bytes };
}

/** Copies go in one request where the device takes it; one value is never torn. */
function chunked(
  words: readonly number[],
  copies: number,
  maxWrite: number,
): { readonly at: number; readonly part: readonly number[] }[] {
  if (words.length <= maxWrite || copies === 1) return [{ at: 0, part: words }];
  const size = words.length / copies;
  return Array.from({ length: copies }, (_, copy) => ({
    at: copy * size,
    part: words.slice(copy * size, (copy + 1) * size),
  }));
}

function bytesOf(words: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(words.length * 2);
  words.forEach((word, at) => {
    bytes[at * 2] = (word >>> 8) & 0xff;
    bytes[at * 2 + 1] = word & 0xff;
  });
  return bytes;
}
