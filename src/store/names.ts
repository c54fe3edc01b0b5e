/** How often a text is seen before it gets a number: names of single commands never do. */
const NUMBER_AFTER = 8;
const CANDIDATES_MAX = 4096;
const NUMBERS_MAX = 8192;

/**
 * Numbers for the topics and streams that come again and again, so that a row does not repeat them.
 * A text without a number travels and is stored as itself: nothing fails when the numbers are used
 * up, and what is named once does not stay for ever.
 */
export class NameBook {
  readonly #numberOf = new Map<string, number>();
  readonly #textOf: string[] = [];
  readonly #seen = new Map<string, number>();
  #fresh: [number, string][] = [];

  constructor(stored: readonly (readonly [number, string])[]) {
    for (const [number, text] of stored) this.#set(number, text);
  }

  numberOf(text: string, texts: string[]): number {
    const known = this.#numberOf.get(text) ?? this.#consider(text);
    if (known !== undefined) return known;
    const at = texts.lastIndexOf(text);
    if (at >= 0) return -1 - at;
    texts.push(text);
    return -texts.length;
  }

  /** As `numberOf`, for a thread that gives no numbers. */
  find(text: string, texts: string[]): number {
    const known = this.#numberOf.get(text);
    if (known !== undefined) return known;
    texts.push(text);
    return -texts.length;
  }

  /** Undefined for a number that was never given. */
  textOf(number: number, texts: readonly string[]): string | undefined {
    return number < 0 ? texts[-1 - number] : this.#textOf[number];
  }

  /** Every number that was given, with its text. */
  entries(): (readonly [number, string])[] {
    return [...this.#numberOf].map(([text, number]) => [number, text]);
  }

  /** Learns a number that the other thread gave. */
  learn(number: number, text: string): void {
    this.#set(number, text);
  }

  /** What was numbered since the last call. */
  takeFresh(): readonly (readonly [number, string])[] {
    if (this.#fresh.length === 0) return this.#fresh;
    const fresh = this.#fresh;
    this.#fresh = [];
    return fresh;
  }

  #consider(text: string): number | undefined {
    if (this.#textOf.length >= NUMBERS_MAX) return undefined;
    const seen = (this.#seen.get(text) ?? 0) + 1;
    if (seen < NUMBER_AFTER) {
      if (this.#seen.size >= CANDIDATES_MAX) this.#seen.clear();
      this.#seen.set(text, seen);
      return undefined;
    }
    this.#seen.delete(text);
    const number = this.#textOf.length;
    this.#set(number, text);
    this.#fresh.push([number, text]);
    return number;
  }

  #set(number: number, text: string): void {
    this.#textOf[number] = text;
    this.#numberOf.set(text, number);
  }
}
