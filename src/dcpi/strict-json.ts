import { readUtf8 } from "../domain/utf8.ts";
import {
  type JsonFault as TextFault,
  type JsonValue,
  pointerOf,
  readJson,
} from "../wire/json/reader.ts";

/** Limits of a message that may move plant. */
export const JSON_MAX_BYTES = 64 * 1024;
/** Levels of objects and lists; members and elements in all. */
const LIMITS = { maxDepth: 8, maxNodes: 4_096 } as const;
/** Letters of a key in a pointer: it comes from a stranger and goes into answers. */
const KEY_LETTERS_MAX = 64;

export type JsonFault = TextFault | "too-long" | "not-utf-8" | "byte-order-mark";

export type StrictJson =
  | { readonly value: JsonValue }
  /** @param at JSON pointer to the value in which the fault is */
  | { readonly fault: JsonFault; readonly at: string };

/**
 * Reads JSON from a stranger: valid UTF-8 without a byte order mark, bounded in bytes, depth and
 * members, and not to be understood in two ways.
 */
export function parseStrictJson(bytes: Uint8Array): StrictJson {
  if (bytes.length > JSON_MAX_BYTES) return { fault: "too-long", at: "" };
  const text = readUtf8(bytes);
  if (text === undefined) return { fault: "not-utf-8", at: "" };
  if (text.startsWith("\ufeff")) return { fault: "byte-order-mark", at: "" };
  const read = readJson(text, LIMITS);
  if ("value" in read) return read;
  return { fault: read.failure.fault, at: pointerOf(read.failure.path, KEY_LETTERS_MAX) };
}
