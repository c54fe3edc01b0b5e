import { FreshPhase, type PhaseState } from "./fresh-phase.ts";

/** A round this much later than a period after the one before is not the next one. */
const NEXT_WITHIN = 1.5;

/**
 * Compares each round of a device with the one before, and asks for cycles whose reads come just
 * after it has renewed its values.
 */
export class PhaseLock {
  readonly #onShift: (shiftMs: number) => void;
  #phase: FreshPhase | undefined;
  #periodMs = Number.NaN;
  #before = new Uint8Array(0);
  #dueBefore = Number.NaN;
  /** How long before a cycle reads began when their place was last free to move with it. */
  #leadMs = Number.NaN;
  #shiftMs = 0;

  constructor(onShift: (shiftMs: number) => void) {
    this.#onShift = onShift;
  }

  get state(): PhaseState {
    return this.#phase?.state ?? "observing";
  }

  /**
   * Takes in a round that a cycle waits for.
   *
   * @param bytes all registers of the round; the caller may fill the array again
   */
  note(
    bytes: Uint8Array,
    round: { readonly dueMs: number; readonly periodMs: number; readonly leadMs: number },
  ): void {
    const { dueMs, periodMs, leadMs } = round;
    if (this.#phase === undefined || periodMs !== this.#periodMs) {
      this.#phase = new FreshPhase(periodMs);
      this.#periodMs = periodMs;
    }
    const isFresh = !isSame(bytes, this.#before);
    const isNext = dueMs - this.#dueBefore < NEXT_WITHIN * periodMs;
    this.#dueBefore = dueMs;
    if (isFresh) this.#keep(bytes);
    if (!isNext) this.#phase.interrupt();
    const readsMs = this.#phase.note(isFresh);
    // Reads that begin earlier before their cycle shall stay where they are: the cycle moves.
    if (this.#phase.state === "observing") this.#leadMs = leadMs - (this.#shiftMs - readsMs);
    this.#shiftMs = readsMs + leadMs - this.#leadMs;
    this.#onShift(this.#shiftMs);
  }

  #keep(bytes: Uint8Array): void {
    if (this.#before.length !== bytes.length) this.#before = new Uint8Array(bytes.length);
    this.#before.set(bytes);
  }
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at += 1) if (a[at] !== b[at]) return false;
  return true;
}
