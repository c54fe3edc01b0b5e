import { crc32 } from "node:zlib";
import { assert } from "../domain/assert.ts";
import { utcMs } from "../domain/time.ts";
import { rowTable, type Sqlite, type Statement } from "./database.ts";
import type { NameBook } from "./names.ts";
import { COLUMN, COLUMNS, PRODUCERS } from "./packing.ts";
import { ROW_CLASSES, type RowClass, type StoredRow } from "./rows.ts";

/** What a row costs beside its payload: identity, checksum, page headers. */
export const ROW_OVERHEAD_BYTES = 64;
/** Added to the producer of a row that was held in memory while the disk was full. */
export const HELD = 8;

/** The identity of a row without its payload; what counts when rows are given up. */
export interface RowHead {
  readonly id: number;
  readonly producer: number;
  readonly stream: string;
  readonly epoch: number;
  readonly seq: number;
  readonly utc: number;
}

interface Statements {
  readonly insert: Statement;
  readonly get: Statement;
  readonly heads: Statement;
  readonly ids: Statement;
  readonly countRange: Statement;
  readonly lengths: Statement;
  readonly deleteRange: Statement;
  readonly quarantine: Statement;
}

type RowColumns = [
  number,
  string | number,
  string | number,
  number,
  number,
  number,
  number,
  number,
  Uint8Array,
];
type HeadColumns = [number, number, string | number, number, number, number];

/** The rows on disk: one table for each class, so that the cheapest rows can go first. */
export class RowTables {
  readonly #db: Sqlite;
  readonly #names: NameBook;
  readonly #tables: readonly Statements[];
  /** id, class, producer, epoch, seq, utc, checksums of stream and topic. */
  readonly #identity = new Float64Array(8);
  readonly #identityBytes = new Uint8Array(this.#identity.buffer);
  readonly #nameCrcs = new Map<string, number>();

  constructor(db: Sqlite, names: NameBook) {
    this.#db = db;
    this.#names = names;
    this.#tables = ROW_CLASSES.map((rowClass) => statements(db, rowClass));
  }

  /** Stores row `index` of a packed frame. */
  insert(frame: FrameView, index: number, producer: number): void {
    const at = index * COLUMNS;
    const id = frame.columns[at + COLUMN.id] ?? 0;
    const rowClass = (frame.columns[at + COLUMN.class] ?? 0) as RowClass;
    const topic = frame.columns[at + COLUMN.topic] ?? 0;
    const stream = frame.columns[at + COLUMN.stream] ?? 0;
    const seq = frame.columns[at + COLUMN.seq] ?? 0;
    const utc = frame.columns[at + COLUMN.utc] ?? 0;
    const start = frame.columns[at + COLUMN.start] ?? 0;
    const end = frame.columns[at + COLUMN.end] ?? 0;
    const payload = new Uint8Array(frame.buffer, start, end - start);
    const streamText = this.textOf(stream, frame.texts);
    const topicText = this.textOf(topic, frame.texts);
    const head = { id, producer, stream: streamText, epoch: frame.epoch, seq, utc };
    const crc = this.#crc(head, rowClass, topicText, payload);
    this.#of(rowClass).insert.run(
      id,
      stream < 0 ? `=${streamText}` : stream,
      topic < 0 ? `=${topicText}` : topic,
      producer,
      frame.epoch,
      seq,
      utc,
      crc,
      payload,
    );
  }

  textOf(name: number, texts: readonly string[]): string {
    const text = this.#names.textOf(name, texts);
    assert(text !== undefined, `name ${name} was never given`);
    return text;
  }

  /** Undefined when there is no such row; `damaged` when it is not what was stored. */
  read(rowClass: RowClass, id: number): StoredRow | "damaged" | undefined {
    const found = this.#of(rowClass).get.get(id) as RowColumns | undefined;
    if (found === undefined) return undefined;
    const [, streamName, topicName, producerCode, epoch, seq, utc, crc, payload] = found;
    const stream = this.#storedText(streamName);
    const topic = this.#storedText(topicName);
    const producer = PRODUCERS[producerCode % HELD];
    if (stream === undefined || topic === undefined || producer === undefined) return "damaged";
    if (!(payload instanceof Uint8Array)) return "damaged";
    const head = { id, producer: producerCode, stream, epoch, seq, utc };
    if (this.#crc(head, rowClass, topic, payload) !== crc) return "damaged";
    return { id, class: rowClass, topic, stream, producer, epoch, seq, utc: utcMs(utc), payload };
  }

  /** Identities from `first` to `last`, ascending; unreadable names are `?`. */
  heads(rowClass: RowClass, first: number, last: number): RowHead[] {
    const rows = this.#of(rowClass).heads.all(first, last) as HeadColumns[];
    return rows.map(([id, producer, stream, epoch, seq, utc]) => {
      return { id, producer, stream: this.#storedText(stream) ?? "?", epoch, seq, utc };
    });
  }

  /** Ids from `first` to `last`, ascending, at most `limit`. */
  ids(rowClass: RowClass, [first, last]: readonly [number, number], limit: number): number[] {
    return this.#of(rowClass).ids.all(first, last, limit) as number[];
  }

  count(rowClass: RowClass, first: number, last: number): number {
    return this.#of(rowClass).countRange.get(first, last) as number;
  }

  /** Id, size of the payload and UTC of at most `limit` rows from `first` on. */
  sizes(rowClass: RowClass, first: number, limit: number): [number, number, number][] {
    return this.#of(rowClass).lengths.all(first, limit) as [number, number, number][];
  }

  delete(rowClass: RowClass, first: number, last: number): void {
    this.#of(rowClass).deleteRange.run(first, last);
  }

  /** Sets a damaged row aside, where nobody sends it. At most `kept` of them are kept. */
  quarantine(rowClass: RowClass, id: number, kept: number): void {
    this.#of(rowClass).quarantine.run(rowClass, id);
    this.delete(rowClass, id, id);
    this.#db
      .prepare("DELETE FROM quarantine WHERE id <= (SELECT max(id) FROM quarantine) - ?")
      .run(kept);
  }

  /** Largest id on disk, 0 when there is none. */
  maxId(): number {
    let max = 0;
    for (const rowClass of ROW_CLASSES) {
      const sql = `SELECT coalesce(max(id), 0) FROM ${rowTable(rowClass)}`;
      max = Math.max(max, Number(this.#db.prepare(sql).pluck().get()));
    }
    return max;
  }

  #storedText(name: string | number): string | undefined {
    if (typeof name === "number") return this.#names.textOf(name, []);
    return typeof name === "string" ? name.slice(1) : undefined;
  }

  #of(rowClass: RowClass): Statements {
    const found = this.#tables[rowClass];
    assert(found !== undefined, "a row has no class");
    return found;
  }

  #crc(head: RowHead, rowClass: RowClass, topic: string, payload: Uint8Array): number {
    this.#identity[0] = head.id;
    this.#identity[1] = rowClass;
    this.#identity[2] = head.producer;
    this.#identity[3] = head.epoch;
    this.#identity[4] = head.seq;
    this.#identity[5] = head.utc;
    this.#identity[6] = this.#nameCrc(head.stream);
    this.#identity[7] = this.#nameCrc(topic);
    return crc32(payload, crc32(this.#identityBytes));
  }

  #nameCrc(name: string): number {
    const known = this.#nameCrcs.get(name);
    if (known !== undefined) return known;
    if (this.#nameCrcs.size >= NAME_CRCS_MAX) this.#nameCrcs.clear();
    const crc = crc32(name);
    this.#nameCrcs.set(name, crc);
    return crc;
  }
}

const NAME_CRCS_MAX = 16_384;

/** A packed frame with its columns laid open. */
export interface FrameView {
  readonly columns: Float64Array;
  readonly buffer: ArrayBuffer;
  readonly texts: readonly string[];
  readonly epoch: number;
}

function statements(db: Sqlite, rowClass: RowClass): Statements {
  const table = rowTable(rowClass);
  const columns = "id, stream, topic, producer, epoch, seq, utc, crc, payload";
  const range = "WHERE id BETWEEN ? AND ?";
  return {
    insert: db.prepare(`INSERT INTO ${table} (${columns}) VALUES (?,?,?,?,?,?,?,?,?)`),
    get: db.prepare(`SELECT ${columns} FROM ${table} WHERE id = ?`).raw(),
    heads: db
      .prepare(`SELECT id, producer, stream, epoch, seq, utc FROM ${table} ${range} ORDER BY id`)
      .raw(),
    ids: db.prepare(`SELECT id FROM ${table} ${range} ORDER BY id LIMIT ?`).pluck(),
    countRange: db.prepare(`SELECT count(*) FROM ${table} ${range}`).pluck(),
    lengths: db
      .prepare(`SELECT id, length(payload), utc FROM ${table} WHERE id >= ? ORDER BY id LIMIT ?`)
      .raw(),
    deleteRange: db.prepare(`DELETE FROM ${table} ${range}`),
    quarantine: db.prepare(
      `INSERT OR REPLACE INTO quarantine SELECT id, ?, stream, topic, producer, epoch, seq, utc,
       crc, payload FROM ${table} WHERE id = ?`,
    ),
  };
}
