import { writeUtf8 } from "../domain/utf8.ts";

/** Room that `writeNumber` needs, bytes. */
export const NUMBER_MAX_BYTES = 32;

/** Fewest and most digits that say all that a float32 register knows. */
const FLOAT32_DIGITS = 9;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
/** Below this a value is written by the slow path: no plant measures it. */
const SMALLEST = 1e-9;
const LARGEST_INTEGER = 1e15;
const SPLIT = 10_000_000;
/** Decimals tried beyond nine digits: a scaled 32-bit counter has ten. */
const EXACT_EXTRA = 2;
/** A double that came of `register · scale` is within this of its short decimal form. */
const SCALING_NOISE = 1e-14;

const POWERS = Array.from({ length: 19 }, (_, exponent) => Number(`1e${exponent}`));

/**
 * Writes a finite number as JSON, as short as it stays exact to what the device resolves: whole
 * numbers as such; a float32 with the fewest digits that give the same float32; any other with the
 * fewest decimals that differ only by the noise of scaling, and at most nine significant digits
 * where there are no such. A number of nine digits or more that happens to be a float32 is taken
 * for one. Zero has no sign.
 *
 * @returns the place behind the last byte
 */
export function writeNumber(bytes: Uint8Array, at: number, value: number): number {
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < LARGEST_INTEGER) {
    const start = signed(bytes, at, value < 0);
    return writeInteger(bytes, start, size);
  }
  if (size < SMALLEST || size >= LARGEST_INTEGER) return writeUtf8(bytes, at, String(value));
  const decimals = decimalsOf(value, size);
  return writeDecimal(bytes, signed(bytes, at, value < 0), size, decimals);
}

/** The number that `writeNumber` writes, for documents that are made by JSON.stringify. */
export function shortNumber(value: number): number {
  const size = Math.abs(value);
  if (Number.isInteger(value) || size < SMALLEST || size >= LARGEST_INTEGER) return value + 0;
  const power = POWERS[decimalsOf(value, size)] ?? 1;
  return (Math.sign(value) * Math.round(size * power)) / power;
}

function decimalsOf(value: number, size: number): number {
  const isFloat32 = Math.fround(value) === value;
  const most = mostDecimals(size);
  for (let decimals = 1; decimals < most + EXACT_EXTRA; decimals++) {
    const power = POWERS[decimals] ?? 1;
    const scaled = size * power;
    const rounded = Math.round(scaled);
    const isExact = isFloat32
      ? Math.fround(rounded / power) === size
      : Math.abs(scaled - rounded) <= scaled * SCALING_NOISE;
    if (isExact) return decimals;
  }
  return most;
}

/** Decimals that make nine significant digits; at least one. */
function mostDecimals(size: number): number {
  let decimals = 1;
  let scaled = size * 10;
  const enough = POWERS[FLOAT32_DIGITS - 1] ?? 1;
  while (scaled < enough && decimals < POWERS.length - 1) {
    decimals += 1;
    scaled *= 10;
  }
  return decimals;
}

function signed(bytes: Uint8Array, at: number, isNegative: boolean): number {
  if (!isNegative) return at;
  bytes[at] = MINUS;
  return at + 1;
}

function writeDecimal(bytes: Uint8Array, at: number, size: number, decimals: number): number {
  const power = POWERS[decimals] ?? 1;
  const scaled = Math.round(size * power);
  const whole = Math.floor(scaled / power);
  let end = writeInteger(bytes, at, whole);
  let rest = scaled - whole * power;
  let places = decimals;
  while (places > 0 && rest % 10 === 0) {
    rest /= 10;
    places -= 1;
  }
  if (places === 0) return end;
  bytes[end++] = POINT;
  for (let index = end + places - 1; index >= end; index--) {
    const next = Math.floor(rest / 10);
    bytes[index] = ZERO + rest - next * 10;
    rest = next;
  }
  return end + places;
}

function writeInteger(bytes: Uint8Array, at: number, size: number): number {
  if (size < SPLIT) return writeSmall(bytes, at, size);
  const high = Math.floor(size / SPLIT);
  const end = writeInteger(bytes, at, high);
  let low = (size - high * SPLIT) | 0;
  for (let index = end + 6; index >= end; index--) {
    const next = (low / 10) | 0;
    bytes[index] = ZERO + low - next * 10;
    low = next;
  }
  return end + 7;
}

function writeSmall(bytes: Uint8Array, at: number, size: number): number {
  // Whole-number arithmetic of the engine: the loop below is the hottest of all telemetry.
  let rest = size | 0;
  let end = at + 1;
  for (let limit = 10; rest >= limit && limit < SPLIT; limit = (limit * 10) | 0) end += 1;
  for (let index = end - 1; index >= at; index--) {
    const next = (rest / 10) | 0;
    bytes[index] = ZERO + rest - ((next * 10) | 0);
    rest = next;
  }
  return end;
}
