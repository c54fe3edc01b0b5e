/**
 * UTF-8 in the core, which has no TextEncoder. Lone surrogates become U+FFFD on the way out, as in
 * every encoder of the platform; on the way in nothing is repaired.
 */

const REPLACEMENT = 0xfffd;
/** Strings are built from this many UTF-16 units at a time: bounds the arguments of one call. */
const UNITS_AT_ONCE = 4096;

/** Bytes of `text`. */
export function utf8Bytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length * 3);
  return bytes.slice(0, writeUtf8(bytes, 0, text));
}

/**
 * Writes `text` at `at` and returns the place behind it. Writes at most `maxBytes`, cut between two
 * characters; without it, as much as there is room for.
 */
export function writeUtf8(
  bytes: Uint8Array,
  at: number,
  text: string,
  maxBytes = bytes.length - at,
): number {
  const end = at + maxBytes;
  let place = at;
  for (let unit = 0; unit < text.length; unit++) {
    const ascii = text.charCodeAt(unit);
    if (ascii < 0x80) {
      if (place >= end) break;
      bytes[place++] = ascii;
      continue;
    }
    const code = codePointAt(text, unit);
    if (place + sizeOf(code) > end) break;
    place = writeCodePoint(code, bytes, place);
    if (code > 0xffff) unit++;
  }
  return place;
}

/** Bytes that `text` takes as UTF-8. */
export function utf8Length(text: string): number {
  let length = 0;
  for (let unit = 0; unit < text.length; unit++) {
    const code = codePointAt(text, unit);
    length += sizeOf(code);
    if (code > 0xffff) unit++;
  }
  return length;
}

/**
 * The text in `bytes` from `start` up to `end`; undefined when it is not valid UTF-8: overlong
 * forms, half pairs and cut characters are refused, because two readers may take them differently.
 */
export function readUtf8(bytes: Uint8Array, start = 0, end = bytes.length): string | undefined {
  let text = "";
  let units: number[] = [];
  let at = start;
  while (at < end) {
    const lead = bytes[at] ?? 0;
    const size = sizeOfLead(lead);
    if (size === 0 || at + size > end) return undefined;
    const code = readCodePoint(bytes, at, size);
    if (code === undefined) return undefined;
    if (code > 0xffff) {
      units.push(0xd800 + ((code - 0x1_0000) >> 10), 0xdc00 + ((code - 0x1_0000) & 0x3ff));
    } else units.push(code);
    at += size;
    if (units.length >= UNITS_AT_ONCE) {
      text += String.fromCharCode(...units);
      units = [];
    }
  }
  return text + String.fromCharCode(...units);
}

/** The code point that starts at `unit`; U+FFFD for half a pair. */
function codePointAt(text: string, unit: number): number {
  const code = text.codePointAt(unit) ?? REPLACEMENT;
  return code >= 0xd800 && code <= 0xdfff ? REPLACEMENT : code;
}

function sizeOf(code: number): number {
  if (code < 0x80) return 1;
  if (code < 0x800) return 2;
  return code < 0x1_0000 ? 3 : 4;
}

/** First byte of a character by its size. */
const LEADS = [0, 0, 0xc0, 0xe0, 0xf0] as const;

function writeCodePoint(code: number, bytes: Uint8Array, at: number): number {
  const size = sizeOf(code);
  let rest = code;
  for (let place = at + size - 1; place > at; place--) {
    bytes[place] = 0x80 | (rest & 0x3f);
    rest >>= 6;
  }
  bytes[at] = (LEADS[size] ?? 0) | rest;
  return at + size;
}

/** 0 for a byte that starts no character (RFC 3629, section 4). */
function sizeOfLead(lead: number): number {
  if (lead < 0x80) return 1;
  if (lead < 0xc2) return 0;
  if (lead < 0xe0) return 2;
  if (lead < 0xf0) return 3;
  return lead < 0xf5 ? 4 : 0;
}

function readCodePoint(bytes: Uint8Array, at: number, size: number): number | undefined {
  const lead = bytes[at] ?? 0;
  if (size === 1) return lead;
  let code = lead & (0x7f >> size);
  for (let place = at + 1; place < at + size; place++) {
    const next = bytes[place] ?? 0;
    if ((next & 0xc0) !== 0x80) return undefined;
    code = (code << 6) | (next & 0x3f);
  }
  // Overlong forms, half pairs and numbers beyond Unicode would give one text two spellings.
  const isShortest = sizeOf(code) === size;
  const isCharacter = code <= 0x10_ffff && (code < 0xd800 || code > 0xdfff);
  return isShortest && isCharacter ? code : undefined;
}
