/** Polls that the median is of. */
const WINDOW = 64;

/** How long the last polls took. */
export class RoundTrips {
  readonly #lastMs: number[] = [];

  add(ms: number): void {
    this.#lastMs.push(ms);
    if (this.#lastMs.length > WINDOW) this.#lastMs.shift();
  }

  /** Undefined before the first. */
  get median(): number | undefined {
    return this.#lastMs.toSorted((a, b) => a - b)[this.#lastMs.length >> 1];
  }
}
