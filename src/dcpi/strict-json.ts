import { utf8Text } from "./text.ts";
import type { JsonValue } from "./document.ts";

/** Limits of a message that may move plant. */
export const JSON_MAX_BYTES = 64 * 1024;
export const JSON_MAX_DEPTH = 8;
/** Members and elements in all. */
export const JSON_MAX_NODES = 4_096;

export type JsonFault =
  | "too-long"
  | "not-utf-8"
  | "byte-order-mark"
  | "not-json"
  | "duplicate-key"
  | "forbidden-key"
  | "too-deep"
  | "too-many-members"
  | "number-not-exact"
  | "lone-surrogate";

export type StrictJson =
  | { readonly value: JsonValue }
  /** @param at JSON pointer to the value in which the fault is */
  | { readonly fault: JsonFault; readonly at: string };

const FORBIDDEN_KEYS = new Set(["__proto__", "constructor", "prototype"]);
const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
const PLAIN_TEXT = /[^"\\\u0000-\u001f]*/y;
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};
/** With the flag u only surrogates that stand alone match. */
const LONE_SURROGATE = /\p{Surrogate}/u;
const LITERALS = [
  ["true", true],
  ["false", false],
  ["null", null],
] as const;

class Fault extends Error {
  readonly fault: JsonFault;
  readonly at: string;
  constructor(fault: JsonFault, at: string) {
    super(fault);
    this.fault = fault;
    this.at = at;
  }
}

/**
 * Reads JSON that two parsers cannot understand differently: no duplicate or magic keys, valid
 * UTF-8 without a byte order mark, whole numbers only as far as they are exact, bounded in bytes,
 * depth and members. Objects have no prototype.
 *
 * @see RFC 8259; RFC 7493 (I-JSON)
 */
export function parseStrictJson(bytes: Uint8Array): StrictJson {
  if (bytes.length > JSON_MAX_BYTES) return { fault: "too-long", at: "" };
  const text = utf8Text(bytes);
  if (text === undefined) return { fault: "not-utf-8", at: "" };
  if (text.startsWith("\ufeff")) return { fault: "byte-order-mark", at: "" };
  try {
    return { value: new Reader(text).document() };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { fault: error.fault, at: error.at };
  }
}

class Reader {
  readonly #text: string;
  readonly #path: (string | number)[] = [];
  #at = 0;
  #nodes = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): JsonValue {
    const value = this.#value();
    this.#skipSpace();
    if (this.#at < this.#text.length) this.#fail("not-json");
    return value;
  }

  #value(): JsonValue {
    this.#nodes += 1;
    if (this.#nodes > JSON_MAX_NODES) this.#fail("too-many-members");
    this.#skipSpace();
    switch (this.#text[this.#at]) {
      case "{":
        return this.#object();
      case "[":
        return this.#array();
      case '"':
        return this.#string();
      default:
        return this.#bare();
    }
  }

  #object(): JsonValue {
    const object = Object.create(null) as Record<string, JsonValue>;
    this.#open();
    if (this.#next("}")) return object;
    do {
      this.#skipSpace();
      if (this.#text[this.#at] !== '"') this.#fail("not-json");
      const key = this.#string();
      this.#path.push(key);
      if (FORBIDDEN_KEYS.has(key)) this.#fail("forbidden-key");
      if (key in object) this.#fail("duplicate-key");
      if (!this.#next(":")) this.#fail("not-json");
      object[key] = this.#value();
      this.#path.pop();
    } while (this.#next(","));
    if (!this.#next("}")) this.#fail("not-json");
    return object;
  }

  #array(): JsonValue {
    const array: JsonValue[] = [];
    this.#open();
    if (this.#next("]")) return array;
    do {
      this.#path.push(array.length);
      array.push(this.#value());
      this.#path.pop();
    } while (this.#next(","));
    if (!this.#next("]")) this.#fail("not-json");
    return array;
  }

  #open(): void {
    this.#at += 1;
    if (this.#path.length >= JSON_MAX_DEPTH) this.#fail("too-deep");
  }

  #string(): string {
    this.#at += 1;
    let value = "";
    for (;;) {
      value += this.#match(PLAIN_TEXT)?.[0] ?? "";
      const end = this.#text[this.#at++];
      if (end === '"') break;
      if (end !== "\\") this.#fail("not-json");
      value += this.#escape();
    }
    if (LONE_SURROGATE.test(value)) this.#fail("lone-surrogate");
    return value;
  }

  #escape(): string {
    const letter = this.#text[this.#at++] ?? "";
    if (letter !== "u") return ESCAPES[letter] ?? this.#fail("not-json");
    const digits = this.#text.slice(this.#at, this.#at + 4);
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) this.#fail("not-json");
    this.#at += 4;
    return String.fromCharCode(Number.parseInt(digits, 16));
  }

  #bare(): JsonValue {
    for (const [word, value] of LITERALS) {
      if (!this.#text.startsWith(word, this.#at)) continue;
      this.#at += word.length;
      return value;
    }
    return this.#number();
  }

  #number(): number {
    const match = this.#match(NUMBER);
    if (match === undefined) this.#fail("not-json");
    const value = Number(match[0]);
    const isWhole = match[1] === undefined && match[2] === undefined;
    if (!Number.isFinite(value)) this.#fail("number-not-exact");
    if (isWhole && !Number.isSafeInteger(value)) this.#fail("number-not-exact");
    return value;
  }

  #match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match === null) return undefined;
    this.#at += match[0].length;
    return match;
  }

  #next(letter: string): boolean {
    this.#skipSpace();
    if (this.#text[this.#at] !== letter) return false;
    this.#at += 1;
    return true;
  }

  #skipSpace(): void {
    while (" \t\n\r".includes(this.#text[this.#at] ?? "x")) this.#at += 1;
  }

  #fail(fault: JsonFault): never {
    throw new Fault(fault, pointerOf(this.#path));
  }
}

/** RFC 6901. Only the first letters of a key: it comes from a stranger and goes into answers. */
function pointerOf(path: readonly (string | number)[]): string {
  return path
    .map((part) => `/${String(part).slice(0, 64).replaceAll("~", "~0").replaceAll("/", "~1")}`)
    .join("");
}
