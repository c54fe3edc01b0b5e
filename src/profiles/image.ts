import type { RegisterTable } from "../wire/modbus/registers.ts";
import type { RegisterPlace } from "./binding.ts";

/** Registers and bits of one device as far as they are known: a few words in four tables. */
export class RegisterWords {
  readonly #words = new Map<string, number>();

  /** Puts words (or bits) from an address upwards. */
  set(table: RegisterTable, address: number, words: readonly number[]): void {
    words.forEach((word, index) => {
      this.#words.set(`${table} ${address + index}`, word);
    });
  }

  /** Words of a place; undefined when one of them is not known. */
  at(place: RegisterPlace): readonly number[] | undefined {
    const words: number[] = [];
    for (let index = 0; index < place.count; index += 1) {
      const word = this.#words.get(`${place.table} ${place.address + index}`);
      if (word === undefined) return undefined;
      words.push(word);
    }
    return words;
  }
}

/** Register bytes as they come from the wire. */
export function viewOfWords(words: readonly number[]): DataView {
  const view = new DataView(new ArrayBuffer(words.length * 2));
  words.forEach((word, index) => {
    view.setUint16(index * 2, word);
  });
  return view;
}

/** Reads `0172 012C`, or `1 0 1` for bits; undefined when it is neither. */
export function parseWords(text: string, isBits: boolean): readonly number[] | undefined {
  const parts = text.trim().split(/\s+/);
  const form = isBits ? /^[01]$/ : /^[0-9A-Fa-f]{4}$/;
  if (!parts.every((part) => form.test(part))) return undefined;
  return parts.map((part) => Number.parseInt(part, 16));
}
