import { assert } from "../domain/assert.ts";
import { utcMs } from "../domain/time.ts";
import type { NewRow, RowClass, RowProducer, StoredRow } from "./rows.ts";

/**
 * Rows as they go between the threads: one buffer, moved and not copied. Columns of float64 first,
 * `COLUMNS` for each row, then the payloads.
 */
export interface PackedRows {
  readonly count: number;
  readonly buffer: ArrayBuffer;
  /** Topics and streams too rare for a number: the columns hold −1 − place. */
  readonly texts: readonly string[];
}

/** A frame on its way to the worker. */
export interface PackedFrame extends PackedRows {
  readonly producer: RowProducer;
  readonly epoch: number;
  readonly frameNo: number;
  /** Numbers given since the last frame, which the worker stores with the rows. */
  readonly names: readonly (readonly [number, string])[];
}

export const COLUMN = {
  id: 0,
  class: 1,
  topic: 2,
  stream: 3,
  seq: 4,
  utc: 5,
  /** Start of the payload in the buffer, bytes. */
  start: 6,
  end: 7,
  /** Of stored rows only; in a frame the whole frame has one. */
  epoch: 8,
  producer: 9,
} as const;
export const COLUMNS = 10;

export const PRODUCERS: readonly RowProducer[] = ["control", "field", "services"];

/** Gives a text its number, or −1 − place in the list of texts that travels with the rows. */
type NameOf = (text: string, texts: string[]) => number;

/** Sum of the payloads, bytes. */
export function payloadBytes(rows: readonly NewRow[]): number {
  let bytes = 0;
  for (const row of rows) bytes += row.payload.byteLength;
  return bytes;
}

export function packRows(rows: readonly NewRow[], nameOf: NameOf): PackedRows {
  const texts: string[] = [];
  const columnBytes = rows.length * COLUMNS * 8;
  const buffer = new ArrayBuffer(columnBytes + payloadBytes(rows));
  const columns = new Float64Array(buffer, 0, rows.length * COLUMNS);
  const bytes = new Uint8Array(buffer);
  let start = columnBytes;
  let at = 0;
  for (const row of rows) {
    columns[at + COLUMN.id] = row.id;
    columns[at + COLUMN.class] = row.class;
    columns[at + COLUMN.topic] = nameOf(row.topic, texts);
    columns[at + COLUMN.stream] = nameOf(row.stream, texts);
    columns[at + COLUMN.seq] = row.seq;
    columns[at + COLUMN.utc] = row.utc;
    columns[at + COLUMN.start] = start;
    bytes.set(row.payload, start);
    start += row.payload.byteLength;
    columns[at + COLUMN.end] = start;
    at += COLUMNS;
  }
  return { count: rows.length, buffer, texts };
}

/** Rows read by the worker, packed for the way back. */
export function packStored(rows: readonly StoredRow[], nameOf: NameOf): PackedRows {
  const packed = packRows(rows, nameOf);
  const columns = columnsOf(packed);
  for (const [index, row] of rows.entries()) {
    columns[index * COLUMNS + COLUMN.epoch] = row.epoch;
    columns[index * COLUMNS + COLUMN.producer] = PRODUCERS.indexOf(row.producer);
  }
  return packed;
}

export function columnsOf(packed: PackedRows): Float64Array {
  return new Float64Array(packed.buffer, 0, packed.count * COLUMNS);
}

export function unpackStored(
  packed: PackedRows,
  textOf: (name: number, texts: readonly string[]) => string,
): StoredRow[] {
  const columns = columnsOf(packed);
  const bytes = new Uint8Array(packed.buffer);
  const rows: StoredRow[] = [];
  for (let index = 0; index < packed.count; index += 1) {
    const number = (column: number): number => columns[index * COLUMNS + column] ?? Number.NaN;
    const producer = PRODUCERS[number(COLUMN.producer)];
    assert(producer !== undefined, "a stored row has no producer");
    rows.push({
      id: number(COLUMN.id),
      class: number(COLUMN.class) as RowClass,
      topic: textOf(number(COLUMN.topic), packed.texts),
      stream: textOf(number(COLUMN.stream), packed.texts),
      producer,
      epoch: number(COLUMN.epoch),
      seq: number(COLUMN.seq),
      utc: utcMs(number(COLUMN.utc)),
      payload: bytes.subarray(number(COLUMN.start), number(COLUMN.end)),
    });
  }
  return rows;
}
