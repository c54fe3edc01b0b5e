import type { ReportEntry } from "../../wire/mms/report.ts";

/** What one moment changed. */
export interface Entry {
  /** Counts up; unique within a block. */
  readonly id: number;
  readonly utcMs: number;
  readonly changes: readonly Change[];
}

export type Change = Required<Pick<ReportEntry, "index" | "value">> & {
  readonly reasons: NonNullable<ReportEntry["reasons"]>;
};

/**
 * What a buffered report block holds: entries that wait to be sent and, as long as there is room,
 * those that were, for a client that asks for them again.
 *
 * @see IEC 61850-7-2, section 17.2.2 (BRCB: buffering, EntryID, BufOvfl, PurgeBuf)
 */
export class EntryBuffer {
  readonly #entriesMax: number;
  readonly #entries: Entry[] = [];
  /** Place of the next entry to send. */
  #next = 0;
  /** Entries were lost that nobody was sent; true until a report has said so. */
  hasOverflowed = false;

  constructor(entriesMax: number) {
    this.#entriesMax = entriesMax;
  }

  get size(): number {
    return this.#entries.length;
  }

  get waiting(): number {
    return this.#entries.length - this.#next;
  }

  /** Takes an entry; the oldest gives way when there is no room. */
  add(entry: Entry): void {
    this.#entries.push(entry);
    if (this.#entries.length <= this.#entriesMax) return;
    this.#entries.shift();
    if (this.#next > 0) this.#next -= 1;
    else this.hasOverflowed = true;
  }

  /** The next entry to send. */
  get next(): Entry | undefined {
    return this.#entries[this.#next];
  }

  sent(): void {
    this.#next += 1;
  }

  /** To send from behind this entry on. @returns false when the buffer does not hold it */
  resumeAfter(id: number): boolean {
    const at = this.#entries.findIndex((entry) => entry.id === id);
    if (at < 0) return false;
    this.#next = at + 1;
    return true;
  }

  /** To send from the oldest entry on. */
  rewind(): void {
    this.#next = 0;
  }

  /** Forgets everything. A client that missed it shall learn so: the next report has BufOvfl. */
  purge(): void {
    this.#entries.length = 0;
    this.#next = 0;
    this.hasOverflowed = true;
  }
}
