/**
 * Texts of the MMS stack, without the decoders of a platform: names are visible ASCII, VisibleString
 * values one character per octet (devices put Latin-1 there), MMSString values UTF-8.
 *
 * @see ISO 9506-2, production Identifier; IEC 61850-8-1, section 8 (object references)
 */

/** Octets of a whole object reference, the longest name there is. */
export const NAME_OCTETS_MAX = 129;
/** Characters per call of `fromCharCode`: an argument list has a limit of its own. */
const PIECE = 4096;
const REPLACEMENT = 0xfffd;

/** Undefined unless the octets are 1 to 129 visible ASCII characters. */
export function asciiName(bytes: Uint8Array, start: number, end: number): string | undefined {
  const size = end - start;
  if (size < 1 || size > NAME_OCTETS_MAX) return undefined;
  for (let at = start; at < end; at++) {
    const octet = bytes[at] ?? 0;
    if (octet < 0x21 || octet > 0x7e) return undefined;
  }
  return latin1Text(bytes, start, end);
}

/** True for what `asciiName` gives. */
export function isName(text: string): boolean {
  return text.length <= NAME_OCTETS_MAX && /^[\u0021-\u007e]+$/.test(text);
}

/** One character per octet, U+0000 to U+00FF. */
export function latin1Text(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  for (let at = start; at < end; at += PIECE) {
    text += String.fromCharCode(...bytes.subarray(at, Math.min(end, at + PIECE)));
  }
  return text;
}

/** The inverse of `latin1Text`; undefined when a character has no octet. */
export function latin1Octets(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit > 0xff) return undefined;
    bytes[at] = unit;
  }
  return bytes;
}

/** UTF-8; what is not becomes U+FFFD, so that one bad text does not cost a device its values. */
export function utf8Text(bytes: Uint8Array): string {
  const pieces: string[] = [];
  let at = 0;
  while (at < bytes.length) {
    const first = bytes[at] ?? 0;
    const size = sequenceSize(first);
    const point = codePoint(bytes, at, size);
    pieces.push(String.fromCodePoint(point ?? REPLACEMENT));
    at += point === undefined ? 1 : size;
  }
  return pieces.join("");
}

/** Lone surrogates become U+FFFD. */
export function utf8Octets(text: string): Uint8Array {
  const octets: number[] = [];
  for (const character of text) {
    const unit = character.codePointAt(0) ?? REPLACEMENT;
    const point = unit >= 0xd800 && unit <= 0xdfff ? REPLACEMENT : unit;
    if (point < 0x80) octets.push(point);
    else if (point < 0x800) octets.push(0xc0 | (point >> 6), continuation(point, 0));
    else if (point < 0x1_0000) {
      octets.push(0xe0 | (point >> 12), continuation(point, 6), continuation(point, 0));
    } else {
      octets.push(0xf0 | (point >> 18), continuation(point, 12));
      octets.push(continuation(point, 6), continuation(point, 0));
    }
  }
  return Uint8Array.from(octets);
}

function continuation(point: number, shift: number): number {
  return 0x80 | ((point >> shift) & 0x3f);
}

/** Octets that the first one announces; 0 when it cannot be a first one. */
function sequenceSize(first: number): number {
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  if (first < 0xe0) return 2;
  return first < 0xf0 ? 3 : 4;
}

/** Smallest code point that needs so many octets: a longer form than needed is not UTF-8. */
const LEAST = [0, 0, 0x80, 0x800, 0x1_0000];

function codePoint(bytes: Uint8Array, at: number, size: number): number | undefined {
  if (size === 0) return undefined;
  const first = bytes[at] ?? 0;
  let point = size === 1 ? first : first & (0xff >> (size + 1));
  for (let i = 1; i < size; i++) {
    const octet = bytes[at + i] ?? 0;
    if ((octet & 0xc0) !== 0x80) return undefined;
    point = (point << 6) | (octet & 0x3f);
  }
  const isSurrogate = point >= 0xd800 && point <= 0xdfff;
  return isSurrogate || point < (LEAST[size] ?? 0) || point > 0x10_ffff ? undefined : point;
}
