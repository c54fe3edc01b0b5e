import { hexOf } from "./hex.ts";

/** Entries whose delivery is remembered, per block. */
const RECENT_MAX = 4_096;

/** Where reports go on after a broken link, as it is stored. */
export interface StoredReportState {
  readonly block: string;
  readonly entryId: Uint8Array;
}

/**
 * What is known of a report control block from one association to the next: the entry that is
 * safely stored, the entries that were delivered after it, and what the data set was.
 *
 * The entry to resume after moves only by `stored`, called when the values of a report are on disk:
 * a crash before it brings them again, and nothing is lost.
 */
export class ReportMemory {
  #stored: StoredReportState | undefined;
  readonly #recent = new Set<string>();
  /** Of the last subscription; undefined before the first. */
  configurationRevision: number | undefined;
  memberNames: readonly string[] | undefined;

  constructor(stored: StoredReportState | undefined) {
    this.#stored = stored;
  }

  get resume(): StoredReportState | undefined {
    return this.#stored;
  }

  /** The values of this entry, and of all before it, are on disk. */
  stored(state: StoredReportState): void {
    this.#stored = { block: state.block, entryId: state.entryId.slice() };
  }

  /** The device does not know where to resume, or the buffer is another one. */
  forget(): void {
    this.#stored = undefined;
    this.#recent.clear();
  }

  /**
   * Notes an entry.
   * @returns false when it was delivered before: the device sends it a second time
   */
  note(entryId: Uint8Array, entryTimeMs: number | undefined): boolean {
    const key = `${hexOf(entryId)}@${entryTimeMs ?? 0}`;
    if (this.#recent.has(key)) return false;
    this.#recent.add(key);
    if (this.#recent.size > RECENT_MAX) {
      for (const oldest of this.#recent) {
        this.#recent.delete(oldest);
        break;
      }
    }
    return true;
  }
}
