/** Where a part of a JSON text stands; both count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Positions of every value by JSON pointer: "" is the whole, `/points/3/at` a value. */
export type Positions = ReadonlyMap<string, Position>;

export type JsonResult =
  | { readonly value: unknown; readonly positions: Positions }
  | { readonly problem: string; readonly position: Position };

/** Deepest nesting that is read. */
const DEPTH_MAX = 32;

/**
 * Reads JSON (RFC 8259) and remembers where each value stands. A key that stands twice in one
 * object is an error: the reader of the file could not know which one counts.
 */
export function parseJson(text: string): JsonResult {
  const scanner = new Scanner(text);
  try {
    const value = scanner.document();
    return { value, positions: scanner.positions };
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    return { problem: error.message, position: positionAt(text, error.offset) };
  }
}

/** Part of a JSON pointer for a key or an index. */
export function pointerPart(key: string | number): string {
  return `/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

class JsonError extends Error {
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const SPACE = /[ \t\n\r]*/y;

class Scanner {
  readonly positions = new Map<string, Position>();
  readonly #text: string;
  readonly #lineStarts: readonly number[];
  #offset = 0;

  constructor(text: string) {
    this.#text = text;
    this.#lineStarts = lineStartsOf(text);
  }

  document(): unknown {
    const value = this.#value("", 0);
    this.#skipSpace();
    if (this.#offset < this.#text.length) this.#fail("there is text after the end of the object");
    return value;
  }

  #value(pointer: string, depth: number): unknown {
    this.#skipSpace();
    this.positions.set(pointer, positionIn(this.#lineStarts, this.#offset));
    if (depth > DEPTH_MAX) this.#fail("values are nested too deeply");
    const character = this.#text[this.#offset];
    if (character === "{") return this.#object(pointer, depth);
    if (character === "[") return this.#array(pointer, depth);
    if (character === '"') return this.#string();
    for (const [word, value] of WORDS) {
      if (this.#text.startsWith(word, this.#offset)) {
        this.#offset += word.length;
        return value;
      }
    }
    const number = this.#match(NUMBER);
    if (number === undefined) this.#fail("a value is missing or malformed");
    return Number(number);
  }

  #object(pointer: string, depth: number): Record<string, unknown> {
    const object: Record<string, unknown> = {};
    this.#offset += 1;
    if (this.#take("}")) return object;
    do {
      this.#skipSpace();
      const start = this.#offset;
      if (this.#text[start] !== '"') this.#fail("a key in double quotes is missing here");
      const key = this.#string();
      if (Object.hasOwn(object, key)) {
        throw new JsonError(`the key "${key}" stands twice in this object`, start);
      }
      if (key === "__proto__") throw new JsonError("this key is not allowed", start);
      if (!this.#take(":")) this.#fail(`a colon is missing after "${key}"`);
      object[key] = this.#value(pointer + pointerPart(key), depth + 1);
    } while (this.#take(","));
    if (!this.#take("}")) this.#fail("a comma or a closing brace is missing here");
    return object;
  }

  #array(pointer: string, depth: number): unknown[] {
    const array: unknown[] = [];
    this.#offset += 1;
    if (this.#take("]")) return array;
    do array.push(this.#value(pointer + pointerPart(array.length), depth + 1));
    while (this.#take(","));
    if (!this.#take("]")) this.#fail("a comma or a closing bracket is missing here");
    return array;
  }

  #string(): string {
    const literal = this.#match(STRING);
    if (literal === undefined) this.#fail("this text is not closed or has a bad escape");
    return JSON.parse(literal) as string;
  }

  #take(character: string): boolean {
    this.#skipSpace();
    if (this.#text[this.#offset] !== character) return false;
    this.#offset += 1;
    return true;
  }

  #skipSpace(): void {
    this.#match(SPACE);
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#offset;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#offset += found.length;
    return found;
  }

  #fail(message: string): never {
    throw new JsonError(message, this.#offset);
  }
}

const WORDS: readonly (readonly [word: string, value: unknown])[] = [
  ["true", true],
  ["false", false],
  ["null", null],
];

function lineStartsOf(text: string): readonly number[] {
  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}

function positionAt(text: string, offset: number): Position {
  return positionIn(lineStartsOf(text), offset);
}

function positionIn(lineStarts: readonly number[], offset: number): Position {
  let low = 0;
  let high = lineStarts.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((lineStarts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return { line: low + 1, column: offset - (lineStarts[low] ?? 0) + 1 };
}
