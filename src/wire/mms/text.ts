import { readUtf8 } from "../../domain/utf8.ts";

/**
 * Texts of the MMS stack, without the decoders of a platform: names are visible ASCII, values of
 * VisibleString one character per octet (devices put Latin-1 there), those of MMSString UTF-8.
 *
 * @see ISO 9506-2, production Identifier; IEC 61850-8-1, section 8 (object references)
 */

/** Octets of a whole object reference, the longest name there is. */
export const NAME_OCTETS_MAX = 129;
/** Characters per call of `fromCharCode`: an argument list has a limit of its own. */
const PIECE = 4096;

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

/**
 * UTF-8; octets that are not are taken one by one, so that a device with an old habit does not lose
 * its text, nor all the values beside it.
 */
export function unicodeText(bytes: Uint8Array): string {
  return readUtf8(bytes) ?? latin1Text(bytes, 0, bytes.length);
}
