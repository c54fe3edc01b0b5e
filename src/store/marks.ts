import { assert } from "../domain/assert.ts";
import { rowTable, type Sqlite, type Statement } from "./database.ts";
import type { NameBook } from "./names.ts";
import { PRODUCERS } from "./packing.ts";
import { ROW_CLASSES, type ResumeMark, type RowProducer, type StreamMark } from "./rows.ts";
import { HELD } from "./row-tables.ts";

interface Mark {
  readonly producer: number;
  readonly stream: string;
  epoch: number;
  seq: number;
  isSaved: boolean;
}

/**
 * Where producers resume, and the last row of each stream, by which a row that comes twice is
 * known.
 *
 * Stream marks are written only when rows are deleted, and now and then: what was stored since is
 * read from the rows themselves, which costs nothing while they come in.
 */
export class Marks {
  readonly #db: Sqlite;
  readonly #resume = new Map<RowProducer, ResumeMark>();
  readonly #streams: readonly Map<string, Mark>[] = PRODUCERS.map(() => new Map());
  readonly #unsaved = new Set<Mark>();
  readonly #saveResume: Statement;
  readonly #saveStream: Statement;
  readonly #saveId: Statement;

  constructor(db: Sqlite) {
    this.#db = db;
    this.#saveResume = db.prepare("INSERT OR REPLACE INTO resume_mark VALUES (?,?,?)");
    this.#saveStream = db.prepare("INSERT OR REPLACE INTO stream_mark VALUES (?,?,?,?)");
    this.#saveId = db.prepare("INSERT OR REPLACE INTO state VALUES ('marks_id', ?)");
  }

  load(names: NameBook): void {
    this.#resume.clear();
    this.#unsaved.clear();
    for (const streams of this.#streams) streams.clear();
    const resume = this.#db.prepare("SELECT * FROM resume_mark").raw().all();
    for (const [producer, epoch, frameNo] of resume as [number, number, number][]) {
      this.#resume.set(producerOf(producer), { epoch, frameNo });
    }
    const streams = this.#db.prepare("SELECT * FROM stream_mark").raw().all();
    for (const [producer, stream, epoch, seq] of streams as [number, string, number, number][]) {
      this.#of(producer).set(stream, { producer, stream, epoch, seq, isSaved: true });
    }
    this.#readRows(names);
  }

  resumeMark(producer: RowProducer): ResumeMark | undefined {
    return this.#resume.get(producer);
  }

  resumeMarks(): ReadonlyMap<RowProducer, ResumeMark> {
    return this.#resume;
  }

  saveResume(producer: RowProducer, mark: ResumeMark): void {
    this.#resume.set(producer, mark);
    this.#saveResume.run(PRODUCERS.indexOf(producer), mark.epoch, mark.frameNo);
  }

  streamMarks(): StreamMark[] {
    const marks: StreamMark[] = [];
    for (const streams of this.#streams) {
      for (const { producer, stream, epoch, seq } of streams.values()) {
        marks.push({ producer: producerOf(producer), stream, epoch, seq });
      }
    }
    return marks;
  }

  /**
   * Counts a row in; false when it was stored before. Epochs are compared for equality only: a
   * machine whose clock fell back to 1970 still numbers new rows.
   */
  advance(producer: number, stream: string, epoch: number, seq: number): boolean {
    const streams = this.#of(producer);
    const mark = streams.get(stream);
    if (mark === undefined) {
      const fresh = { producer, stream, epoch, seq, isSaved: false };
      streams.set(stream, fresh);
      this.#unsaved.add(fresh);
      return true;
    }
    if (mark.epoch === epoch && seq <= mark.seq) return false;
    mark.epoch = epoch;
    mark.seq = seq;
    if (mark.isSaved) {
      mark.isSaved = false;
      this.#unsaved.add(mark);
    }
    return true;
  }

  /** True when this row, or a later one of its stream, is stored. */
  isKnown(producer: number, row: { epoch: number; stream: string; seq: number }): boolean {
    const mark = this.#of(producer).get(row.stream);
    return mark?.epoch === row.epoch && row.seq <= mark.seq;
  }

  /** Writes the stream marks; must precede every deletion of rows, in the same transaction. */
  save(upToId: number): void {
    for (const mark of this.#unsaved) {
      this.#saveStream.run(mark.producer, mark.stream, mark.epoch, mark.seq);
      mark.isSaved = true;
    }
    this.#unsaved.clear();
    this.#saveId.run(upToId);
  }

  #readRows(names: NameBook): void {
    const from = this.#db.prepare("SELECT value FROM state WHERE key = 'marks_id'").pluck().get();
    const sql = ROW_CLASSES.map((rowClass) => {
      return `SELECT id, producer, stream, epoch, seq FROM ${rowTable(rowClass)} WHERE id > $from`;
    }).join(" UNION ALL ");
    const rows = this.#db.prepare(`${sql} ORDER BY id`).raw();
    for (const row of rows.iterate({ from: from ?? -1 })) {
      const [, producer, name, epoch, seq] = row as [
        number,
        number,
        string | number,
        number,
        number,
      ];
      // A held row came out of turn; the frame that it belongs to will come again.
      if (producer >= HELD) continue;
      const stream = typeof name === "string" ? name.slice(1) : names.textOf(name, []);
      if (stream !== undefined) this.advance(producer, stream, epoch, seq);
    }
  }

  #of(producer: number): Map<string, Mark> {
    const streams = this.#streams[producer];
    assert(streams !== undefined, "a row has no producer");
    return streams;
  }
}

function producerOf(producer: number): RowProducer {
  const found = PRODUCERS[producer];
  assert(found !== undefined, "a mark has no producer");
  return found;
}
