export type JsonValue =
  string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** Keys and places that lead from the whole to a value. */
export type JsonPath = readonly (string | number)[];

export interface JsonLimits {
  /** Objects and lists in one another. */
  readonly maxDepth: number;
  /** Members and elements in all, the whole counted too. */
  readonly maxNodes: number;
}

export type JsonFault =
  | "not-json"
  | "duplicate-key"
  | "forbidden-key"
  | "too-deep"
  | "too-many-members"
  | "number-not-exact"
  | "lone-surrogate";

export interface JsonFailure {
  readonly fault: JsonFault;
  /** One plain sentence for the author of the text. */
  readonly sentence: string;
  /** To the value in which the fault is. */
  readonly path: JsonPath;
  /** Where in the text, UTF-16 units. */
  readonly offset: number;
}

/** Told of every value where it begins; the path is the reader's own and changes. */
export type JsonVisit = (path: JsonPath, offset: number) => void;

/**
 * Reads JSON that two readers cannot understand differently: no key twice in an object and no magic
 * one, no lone surrogates, whole numbers only as far as they are exact. Objects have no prototype.
 *
 * @see RFC 8259; RFC 7493 (I-JSON)
 */
export function readJson(
  text: string,
  limits: JsonLimits,
  visit?: JsonVisit,
): { readonly value: JsonValue } | { readonly failure: JsonFailure } {
  const reader = new Reader(text, limits, visit);
  try {
    return { value: reader.document() };
  } catch (error) {
    if (!(error instanceof Failed)) throw error;
    return { failure: error.failure };
  }
}

/** RFC 6901. @param maxLetters of each part, where a stranger chose the keys */
export function pointerOf(path: JsonPath, maxLetters?: number): string {
  return path.map((part) => pointerPart(String(part).slice(0, maxLetters))).join("");
}

/** Part of a JSON pointer for a key or an index. */
export function pointerPart(key: string | number): string {
  return `/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

const FORBIDDEN_KEYS = new Set(["__proto__", "constructor", "prototype"]);
const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
const PLAIN_TEXT = /[^"\\\u0000-\u001f]*/y;
const HEX_DIGITS = /^[0-9a-fA-F]{4}$/;
const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ["\\", "\\"],
  ["/", "/"],
  ["b", "\b"],
  ["f", "\f"],
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
]);
/** With the flag u only surrogates that stand alone match. */
const LONE_SURROGATE = /\p{Surrogate}/u;
const LITERALS = [
  ["true", true],
  ["false", false],
  ["null", null],
] as const;

/** How a failure finds its way out of the reading. Never leaves this file. */
class Failed extends Error {
  readonly failure: JsonFailure;

  constructor(failure: JsonFailure) {
    super(failure.fault);
    this.failure = failure;
  }
}

class Reader {
  readonly #text: string;
  readonly #limits: JsonLimits;
  readonly #visit: JsonVisit | undefined;
  readonly #path: (string | number)[] = [];
  #at = 0;
  #nodes = 0;

  constructor(text: string, limits: JsonLimits, visit: JsonVisit | undefined) {
    this.#text = text;
    this.#limits = limits;
    this.#visit = visit;
  }

  document(): JsonValue {
    const value = this.#value();
    this.#skipSpace();
    if (this.#at < this.#text.length) this.#fail("there is text after the end of the object");
    return value;
  }

  #value(): JsonValue {
    this.#nodes += 1;
    if (this.#nodes > this.#limits.maxNodes) {
      this.#fail("there are too many values", "too-many-members");
    }
    this.#skipSpace();
    this.#visit?.(this.#path, this.#at);
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
    if (this.#take("}")) return object;
    do {
      const key = this.#key(object);
      if (!this.#take(":")) this.#fail(`a colon is missing after "${key}"`);
      object[key] = this.#value();
      this.#path.pop();
    } while (this.#take(","));
    if (!this.#take("}")) this.#fail("a comma or a closing brace is missing here");
    return object;
  }

  /** The next key of an object; it stays on the path until its value is read. */
  #key(object: Readonly<Record<string, JsonValue>>): string {
    this.#skipSpace();
    const start = this.#at;
    if (this.#text[start] !== '"') this.#fail("a key in double quotes is missing here");
    const key = this.#string();
    this.#path.push(key);
    if (FORBIDDEN_KEYS.has(key)) this.#fail("this key is not allowed", "forbidden-key", start);
    if (key in object) {
      this.#fail(`the key "${key}" stands twice in this object`, "duplicate-key", start);
    }
    return key;
  }

  #array(): JsonValue {
    const array: JsonValue[] = [];
    this.#open();
    if (this.#take("]")) return array;
    do {
      this.#path.push(array.length);
      array.push(this.#value());
      this.#path.pop();
    } while (this.#take(","));
    if (!this.#take("]")) this.#fail("a comma or a closing bracket is missing here");
    return array;
  }

  #open(): void {
    if (this.#path.length >= this.#limits.maxDepth) {
      this.#fail("values are nested too deeply", "too-deep");
    }
    this.#at += 1;
  }

  #string(): string {
    const start = this.#at++;
    let value = "";
    for (;;) {
      value += this.#match(PLAIN_TEXT)?.[0] ?? "";
      const end = this.#text[this.#at++];
      if (end === '"') break;
      const escaped = end === "\\" ? this.#escape() : undefined;
      if (escaped === undefined) {
        this.#fail("this text is not closed or has a bad escape", "not-json", start);
      }
      value += escaped;
    }
    if (LONE_SURROGATE.test(value)) {
      this.#fail("this text has half a character", "lone-surrogate", start);
    }
    return value;
  }

  /** Undefined for what is no escape. */
  #escape(): string | undefined {
    const letter = this.#text[this.#at++] ?? "";
    if (letter !== "u") return ESCAPES.get(letter);
    const digits = this.#text.slice(this.#at, this.#at + 4);
    this.#at += 4;
    return HEX_DIGITS.test(digits) ? String.fromCharCode(Number.parseInt(digits, 16)) : undefined;
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
    const start = this.#at;
    const match = this.#match(NUMBER);
    if (match === undefined) this.#fail("a value is missing or malformed");
    const value = Number(match[0]);
    const isWhole = match[1] === undefined && match[2] === undefined;
    const isExact = isWhole ? Number.isSafeInteger(value) : Number.isFinite(value);
    if (!isExact) this.#fail("this number is too large to be exact", "number-not-exact", start);
    return value;
  }

  #match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match === null) return undefined;
    this.#at += match[0].length;
    return match;
  }

  #take(letter: string): boolean {
    this.#skipSpace();
    if (this.#text[this.#at] !== letter) return false;
    this.#at += 1;
    return true;
  }

  #skipSpace(): void {
    while (" \t\n\r".includes(this.#text[this.#at] ?? "x")) this.#at += 1;
  }

  #fail(sentence: string, fault: JsonFault = "not-json", offset = this.#at): never {
    throw new Failed({ fault, sentence, path: [...this.#path], offset });
  }
}
