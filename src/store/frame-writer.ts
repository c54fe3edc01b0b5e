import type { Statement } from "./database.ts";
import type { Holdings } from "./eviction.ts";
import { HeldRows, rowKey } from "./held-rows.ts";
import type { NameBook } from "./names.ts";
import { COLUMN, COLUMNS, columnsOf, type PackedFrame, PRODUCERS } from "./packing.ts";
import { type FrameView, HELD } from "./row-tables.ts";
import type { RowClass } from "./rows.ts";

/** Classes that are worth memory while the disk is full: safety events and alarms. */
const HELD_CLASS_MAX = 1;

/** Puts frames into the tables, inside a transaction of the caller. */
export class FrameWriter {
  readonly held: HeldRows;
  readonly #parts: Holdings;
  readonly #names: NameBook;
  readonly #saveName: Statement;
  #unsavedNames: (readonly [number, string])[] = [];
  #lastId = 0;
  #appendedRows = 0;
  #appendedBytes = 0;
  #duplicateRows = 0;
  /** Of the transaction that runs. */
  #appendedNow = 0;
  #bytesNow = 0;
  #duplicatesNow = 0;
  #wroteHeld = false;

  constructor(parts: Holdings, names: NameBook, heldBytes: number) {
    this.#parts = parts;
    this.#names = names;
    this.held = new HeldRows(heldBytes);
    this.#saveName = parts.db.prepare("INSERT OR REPLACE INTO name VALUES (?,?)");
  }

  get appendedRows(): number {
    return this.#appendedRows;
  }

  get appendedBytes(): number {
    return this.#appendedBytes;
  }

  get duplicateRows(): number {
    return this.#duplicateRows;
  }

  /** Largest id ever presented. */
  get lastId(): number {
    return this.#lastId;
  }

  learnName(number: number, text: string): void {
    this.#names.learn(number, text);
    this.#unsavedNames.push([number, text]);
  }

  saveNames(): void {
    for (const [number, text] of this.#unsavedNames) this.#saveName.run(number, text);
  }

  /** Stores the rows of a frame and where its producer resumes; tells how many wait now. */
  write(frame: PackedFrame, now: number): number {
    const { marks, delivery } = this.#parts;
    const view = viewOf(frame);
    const producer = PRODUCERS.indexOf(frame.producer);
    const mark = marks.resumeMark(frame.producer);
    const isKnown = mark?.epoch === frame.epoch && frame.frameNo <= mark.frameNo;
    let waiting = 0;
    for (let index = 0; index < frame.count; index += 1) {
      const at = index * COLUMNS;
      const id = view.columns[at + COLUMN.id] ?? 0;
      this.#lastId = Math.max(this.#lastId, id);
      if (isKnown || !this.#isNew(view, at, producer)) {
        this.#duplicatesNow += 1;
        // The id is used up: a hole in the ids would be looked for again and again.
        delivery.markGone(id, id);
        continue;
      }
      this.#insert(view, index, { producer, now });
      waiting += 1;
    }
    if (!isKnown) {
      marks.saveResume(frame.producer, { epoch: frame.epoch, frameNo: frame.frameNo });
    }
    return waiting;
  }

  /** Stores the rows that were held while the disk was full; tells how many wait now. */
  writeHeld(now: number): number {
    for (const { frame, producer } of this.held.rows) {
      this.#insert(frame, 0, { producer: producer + HELD, now });
    }
    this.#wroteHeld = this.held.rows.length > 0;
    return this.held.rows.length;
  }

  /** Keeps the alarms of a frame that could not be stored. */
  hold(frame: PackedFrame): void {
    const view = viewOf(frame);
    const producer = PRODUCERS.indexOf(frame.producer);
    for (let index = 0; index < frame.count; index += 1) {
      const at = index * COLUMNS;
      if ((view.columns[at + COLUMN.class] ?? 0) > HELD_CLASS_MAX) {
        // The row comes again under another id; this one will never be stored.
        const id = view.columns[at + COLUMN.id] ?? 0;
        this.#parts.delivery.markGone(id, id);
        continue;
      }
      const row = this.#identity(view, at);
      if (this.#parts.marks.isKnown(producer, row)) continue;
      this.held.hold(view, index, { producer, key: rowKey(producer, row) });
    }
  }

  namesSaved(): void {
    this.#unsavedNames = [];
  }

  /** The transaction is on disk. */
  committed(): void {
    this.namesSaved();
    this.#appendedBytes += this.#bytesNow;
    this.#appendedRows += this.#appendedNow;
    this.#duplicateRows += this.#duplicatesNow;
    this.#appendedNow = 0;
    this.#bytesNow = 0;
    this.#duplicatesNow = 0;
    if (this.#wroteHeld) this.held.clear();
    this.#wroteHeld = false;
  }

  /** The transaction was rolled back. */
  rolledBack(): void {
    this.#appendedNow = 0;
    this.#bytesNow = 0;
    this.#duplicatesNow = 0;
    this.#wroteHeld = false;
  }

  #isNew(view: FrameView, at: number, producer: number): boolean {
    const row = this.#identity(view, at);
    if (!this.#parts.marks.advance(producer, row.stream, row.epoch, row.seq)) return false;
    return this.held.isEmpty || !this.held.has(rowKey(producer, row));
  }

  #identity(view: FrameView, at: number): { epoch: number; stream: string; seq: number } {
    const name = view.columns[at + COLUMN.stream] ?? 0;
    const stream = this.#parts.tables.textOf(name, view.texts);
    return { epoch: view.epoch, stream, seq: view.columns[at + COLUMN.seq] ?? 0 };
  }

  #insert(view: FrameView, index: number, { producer, now }: { producer: number; now: number }) {
    const { tables, blocks, delivery } = this.#parts;
    tables.insert(view, index, producer);
    const at = index * COLUMNS;
    const id = view.columns[at + COLUMN.id] ?? 0;
    const start = view.columns[at + COLUMN.start] ?? 0;
    const end = view.columns[at + COLUMN.end] ?? 0;
    const utc = view.columns[at + COLUMN.utc] ?? 0;
    const rowClass = (view.columns[at + COLUMN.class] ?? 0) as RowClass;
    blocks.add(rowClass, { id, bytes: end - start, utc, storedAt: now });
    // Only a held row can be taken for gone before it is stored.
    if (delivery.settled.has(id)) delivery.requeue(id);
    this.#appendedNow += 1;
    this.#bytesNow += end - start;
  }
}

function viewOf(frame: PackedFrame): FrameView {
  const { buffer, texts, epoch } = frame;
  return { columns: columnsOf(frame), buffer, texts, epoch };
}
