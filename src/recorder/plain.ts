import { assert } from "../domain/assert.ts";
import { type ByteReader, malformed } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";

/**
 * Plain data as bytes and back: what a structured clone keeps of the states and inputs of control,
 * with every bit of its numbers (−0, ±Infinity and NaN included), properties that are undefined,
 * the order of maps and sets, and who shares an object with whom. One value has one form, so equal
 * bytes mean equal states; that is why it is not the machine's own clone format, which tells whole
 * numbers by how they happen to lie in memory.
 */
const TAG = {
  undefined: 0,
  null: 1,
  false: 2,
  true: 3,
  whole: 4,
  number: 5,
  text: 6,
  knownText: 7,
  list: 8,
  fields: 9,
  map: 10,
  set: 11,
  floats: 12,
  bytes: 13,
  wholes: 14,
  links: 15,
  known: 16,
} as const;

const DEPTH_MAX = 64;
/** Whole numbers below this are written short. */
const WHOLE_MAX = 2 ** 28;

/** Typed arrays go out as they lie in memory. */
assert(new Uint8Array(new Uint32Array([1]).buffer)[0] === 1, "this machine is little-endian");

/** Writes plain data; asserts that it is plain. */
export class PlainWriter {
  readonly #out: ByteWriter;
  readonly #texts = new Map<string, number>();
  readonly #objects = new Map<object, number>();

  constructor(out: ByteWriter) {
    this.#out = out;
  }

  write(value: unknown, depth = 0): void {
    const out = this.#out;
    switch (typeof value) {
      case "undefined":
        out.byte(TAG.undefined);
        return;
      case "boolean":
        out.byte(value ? TAG.true : TAG.false);
        return;
      case "number":
        this.#number(value);
        return;
      case "string":
        this.#text(value);
        return;
      case "object":
        if (value === null) out.byte(TAG.null);
        else this.#object(value, depth);
        return;
      default:
        assert(false, `a ${typeof value} is no plain data`);
    }
  }

  #number(value: number): void {
    const out = this.#out;
    const isShort = Number.isInteger(value) && value >= 0 && value < WHOLE_MAX;
    if (isShort && !Object.is(value, -0)) {
      out.byte(TAG.whole);
      out.whole(value);
      return;
    }
    out.byte(TAG.number);
    out.number(value);
  }

  #text(text: string): void {
    const out = this.#out;
    const known = this.#texts.get(text);
    if (known !== undefined) {
      out.byte(TAG.knownText);
      out.whole(known);
      return;
    }
    this.#texts.set(text, this.#texts.size);
    out.byte(TAG.text);
    out.text(text);
  }

  #object(value: object, depth: number): void {
    assert(depth < DEPTH_MAX, "plain data is not so deep");
    const out = this.#out;
    const known = this.#objects.get(value);
    if (known !== undefined) {
      out.byte(TAG.known);
      out.whole(known);
      return;
    }
    this.#objects.set(value, this.#objects.size);
    if (Array.isArray(value)) this.#list(TAG.list, value, depth);
    else if (value instanceof Map) this.#list(TAG.map, [...value].flat(), depth);
    else if (value instanceof Set) this.#list(TAG.set, [...value], depth);
    else if (ArrayBuffer.isView(value)) this.#column(value);
    else this.#fields(value, depth);
  }

  #list(tag: number, items: readonly unknown[], depth: number): void {
    this.#out.byte(tag);
    this.#out.whole(items.length);
    for (const item of items) this.write(item, depth + 1);
  }

  #fields(value: object, depth: number): void {
    const prototype: unknown = Object.getPrototypeOf(value);
    assert(prototype === Object.prototype || prototype === null, "plain data has no classes");
    const entries = Object.entries(value);
    this.#out.byte(TAG.fields);
    this.#out.whole(entries.length);
    for (const [name, field] of entries) {
      this.#text(name);
      this.write(field, depth + 1);
    }
  }

  #column(value: ArrayBufferView): void {
    const out = this.#out;
    assert(value.byteLength === value.buffer.byteLength, "a column shares its memory with nobody");
    if (value instanceof Float64Array) {
      out.byte(TAG.floats);
      out.whole(value.length);
      this.#floats(value);
      return;
    }
    const isBytes = value instanceof Uint8Array;
    const isWholes = value instanceof Uint32Array;
    assert(isBytes || isWholes || value instanceof Int32Array, "a column of a kind that is known");
    out.byte(isBytes ? TAG.bytes : isWholes ? TAG.wholes : TAG.links);
    out.whole(value.length);
    out.bytes(new Uint8Array(value.buffer));
  }

  /** At once where no NaN is among them: those have more than one bit pattern. */
  #floats(column: Float64Array): void {
    let hasNaN = false;
    for (const value of column) if (Number.isNaN(value)) hasNaN = true;
    if (!hasNaN) this.#out.bytes(new Uint8Array(column.buffer));
    else for (const value of column) this.#out.number(value);
  }
}

/** Reads what one `PlainWriter` wrote. */
export class PlainReader {
  readonly #in: ByteReader;
  readonly #texts: string[] = [];
  readonly #objects: object[] = [];

  constructor(bytes: ByteReader) {
    this.#in = bytes;
  }

  /** @throws GatewayError FILE_UNREADABLE */
  read(depth = 0): unknown {
    if (depth > DEPTH_MAX) throw malformed("plain data is not so deep");
    const tag = this.#in.byte();
    switch (tag) {
      case TAG.undefined:
        return undefined;
      case TAG.null:
        return null;
      case TAG.false:
      case TAG.true:
        return tag === TAG.true;
      case TAG.whole:
        return this.#in.whole();
      case TAG.number:
        return this.#in.number();
      case TAG.text:
      case TAG.knownText:
        return this.#text(tag);
      case TAG.known:
        return this.#known();
      default:
        return this.#object(tag, depth);
    }
  }

  #text(tag: number): string {
    if (tag === TAG.text) {
      const text = this.#in.text();
      this.#texts.push(text);
      return text;
    }
    const known = tag === TAG.knownText ? this.#texts[this.#in.whole()] : undefined;
    if (known === undefined) throw malformed("a text is referred to that was not there");
    return known;
  }

  #known(): object {
    const known = this.#objects[this.#in.whole()];
    if (known === undefined) throw malformed("an object is referred to that was not there");
    return known;
  }

  #object(tag: number, depth: number): object {
    switch (tag) {
      case TAG.list:
        return this.#list(depth);
      case TAG.fields:
        return this.#fields(depth);
      case TAG.map: {
        const map = new Map<unknown, unknown>();
        this.#objects.push(map);
        for (let left = this.#in.count(); left > 0; left -= 2)
          map.set(this.read(depth + 1), this.read(depth + 1));
        return map;
      }
      case TAG.set: {
        const set = new Set<unknown>();
        this.#objects.push(set);
        for (let left = this.#in.count(); left > 0; left -= 1) set.add(this.read(depth + 1));
        return set;
      }
      default:
        return this.#column(tag);
    }
  }

  #list(depth: number): unknown[] {
    const list: unknown[] = [];
    this.#objects.push(list);
    for (let left = this.#in.count(); left > 0; left -= 1) list.push(this.read(depth + 1));
    return list;
  }

  #fields(depth: number): object {
    const fields: Record<string, unknown> = {};
    this.#objects.push(fields);
    for (let left = this.#in.count(); left > 0; left -= 1) {
      const name = this.#text(this.#in.byte());
      // Defined, not assigned: the name of a field may be one that assigning means more by.
      const value = this.read(depth + 1);
      Object.defineProperty(fields, name, {
        value,
        writable: true,
        enumerable: true,
        configurable: true,
      });
    }
    return fields;
  }

  #column(tag: number): object {
    const count = this.#in.whole();
    const column = this.#filled(tag, count);
    this.#objects.push(column);
    return column;
  }

  #filled(tag: number, count: number): object {
    switch (tag) {
      case TAG.floats:
        return new Float64Array(this.#in.bytes(count * 8).buffer);
      case TAG.bytes:
        return this.#in.bytes(count);
      case TAG.wholes:
        return new Uint32Array(this.#in.bytes(count * 4).buffer);
      case TAG.links:
        return new Int32Array(this.#in.bytes(count * 4).buffer);
      default:
        throw malformed(`a value of kind ${tag}`);
    }
  }
}

/** Plain data as it is in a record. */
export function writePlain(out: ByteWriter, value: unknown): void {
  new PlainWriter(out).write(value);
}

/** @throws GatewayError FILE_UNREADABLE */
export function readPlain(bytes: ByteReader): unknown {
  return new PlainReader(bytes).read();
}
