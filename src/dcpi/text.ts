/** Bytes of `text` in UTF-8. A lone surrogate becomes U+FFFD: what leaves us is always valid. */
export function utf8Bytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length * 3);
  return bytes.slice(0, writeUtf8(bytes, 0, text));
}

/**
 * Writes `text` at `at`; there must be room for three bytes per UTF-16 unit.
 * @returns the place behind the last byte
 */
export function writeUtf8(bytes: Uint8Array, at: number, text: string): number {
  let end = at;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) {
      bytes[end++] = unit;
      continue;
    }
    const code = text.codePointAt(index) ?? 0xfffd;
    if (code > 0xffff) index += 1;
    end = writeCodePoint(bytes, end, code >= 0xd800 && code <= 0xdfff ? 0xfffd : code);
  }
  return end;
}

function writeCodePoint(bytes: Uint8Array, at: number, code: number): number {
  if (code < 0x800) {
    bytes[at] = 0xc0 | (code >> 6);
    bytes[at + 1] = 0x80 | (code & 0x3f);
    return at + 2;
  }
  if (code < 0x1_0000) {
    bytes[at] = 0xe0 | (code >> 12);
    bytes[at + 1] = 0x80 | ((code >> 6) & 0x3f);
    bytes[at + 2] = 0x80 | (code & 0x3f);
    return at + 3;
  }
  bytes[at] = 0xf0 | (code >> 18);
  bytes[at + 1] = 0x80 | ((code >> 12) & 0x3f);
  bytes[at + 2] = 0x80 | ((code >> 6) & 0x3f);
  bytes[at + 3] = 0x80 | (code & 0x3f);
  return at + 4;
}

/**
 * Text of UTF-8 bytes; undefined when they are not valid UTF-8: overlong forms, surrogates and cut
 * sequences are refused, because two parsers may read them differently.
 */
export function utf8Text(bytes: Uint8Array): string | undefined {
  const parts: string[] = [];
  let units: number[] = [];
  let at = 0;
  while (at < bytes.length) {
    const lead = bytes[at] ?? 0;
    const length = sequenceLength(lead);
    const code = lead < 0x80 ? lead : decodeSequence(bytes, at, length);
    if (code === undefined) return undefined;
    units.push(code);
    at += length;
    if (units.length === 4_096) {
      parts.push(String.fromCodePoint(...units));
      units = [];
    }
  }
  parts.push(String.fromCodePoint(...units));
  return parts.join("");
}

/** Bytes of the sequence that `lead` begins; 1 for a byte that begins none. */
function sequenceLength(lead: number): number {
  if (lead >= 0xf0 && lead <= 0xf4) return 4;
  if (lead >= 0xe0 && lead <= 0xef) return 3;
  return lead >= 0xc2 && lead <= 0xdf ? 2 : 1;
}

const SMALLEST = [0, 0, 0x80, 0x800, 0x1_0000] as const;

function decodeSequence(bytes: Uint8Array, at: number, length: number): number | undefined {
  if (length === 1) return undefined;
  let code = (bytes[at] ?? 0) & (0x7f >> length);
  for (let index = 1; index < length; index++) {
    const byte = bytes[at + index] ?? 0;
    if ((byte & 0xc0) !== 0x80) return undefined;
    code = (code << 6) | (byte & 0x3f);
  }
  const isSurrogate = code >= 0xd800 && code <= 0xdfff;
  const isMisfit = code < (SMALLEST[length] ?? 0) || code > 0x10_ffff || isSurrogate;
  return isMisfit ? undefined : code;
}
