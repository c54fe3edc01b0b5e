import type { ReportMemory, StoredReportState } from "./report-memory.ts";

/** Entries that wait to be stored; beyond it the oldest is forgotten: the next stands for it. */
const WAITING_MAX = 4_096;

interface Waiting {
  readonly seq: number;
  readonly memory: ReportMemory;
  readonly state: StoredReportState;
}

/**
 * Entries of buffered blocks, from their delivery until their values are on disk: only then a block
 * may resume after them.
 */
export class EntryLedger {
  #waiting: Waiting[] = [];
  /** Changes when the place to resume at does. */
  revision = 0;

  get size(): number {
    return this.#waiting.length;
  }

  /** @param seq of the round that has the values of the entry */
  note(seq: number, memory: ReportMemory, state: StoredReportState): void {
    this.#waiting.push({ seq, memory, state });
    if (this.#waiting.length > WAITING_MAX) this.#waiting.shift();
  }

  /** All rounds up to this one are on disk. */
  stored(seq: number): void {
    let count = 0;
    for (const { seq: own, memory, state } of this.#waiting) {
      if (own > seq) break;
      memory.stored(state);
      count += 1;
    }
    if (count === 0) return;
    this.#waiting = this.#waiting.slice(count);
    this.revision += 1;
  }
}
