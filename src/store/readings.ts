import type { Block, BlockIndex } from "./blocks.ts";
import type { Delivery } from "./delivery.ts";
import type { RowTables } from "./row-tables.ts";
import {
  type BacklogQuery,
  EVENT_STREAM,
  type HistoryQuery,
  ROW_CLASSES,
  type RowClass,
  type StoredRow,
} from "./rows.ts";

/** Most rows of one answer. */
export const ANSWER_ROWS_MAX = 5000;
/** Most payload of one answer, bytes. */
const ANSWER_BYTES_MAX = 8 * 1024 * 1024;

/** Reads one row, or sets it aside when it is damaged. */
export type ReadRow = (rowClass: RowClass, id: number) => StoredRow | undefined;

/** One piece of a long search: the worker does other work between two of them. */
export type Search<T> = Generator<undefined, T, undefined>;

export interface Shelf {
  readonly tables: RowTables;
  readonly blocks: BlockIndex;
  readonly delivery: Delivery;
  readonly readRow: ReadRow;
}

/** Which streams a history is about. */
export type StreamChoice = { readonly stream: string } | "events";

export interface HistoryRows {
  readonly rows: StoredRow[];
  readonly more: boolean;
}

/** The oldest waiting rows, in the order of their ids. */
export function takeBacklog(shelf: Shelf, query: BacklogQuery): StoredRow[] {
  const limit = Math.min(query.limit, ANSWER_ROWS_MAX);
  const maxBytes = Math.min(query.maxBytes, ANSWER_BYTES_MAX);
  const exclude = new Set(query.exclude);
  const beforeId = shelf.tables.maxId() + 1;
  const ids = shelf.delivery.waiting(shelf.tables, { beforeId, limit, exclude });
  const rows: StoredRow[] = [];
  let bytes = 0;
  for (const [id, rowClass] of ids) {
    const row = shelf.readRow(rowClass, id);
    if (row === undefined) continue;
    bytes += row.payload.byteLength;
    if (rows.length > 0 && bytes > maxBytes) break;
    rows.push(row);
  }
  return rows;
}

/** UTC of the oldest row that waits. */
export function oldestWaiting(shelf: Shelf): number | undefined {
  const beforeId = shelf.tables.maxId() + 1;
  const query = { beforeId, limit: 1, exclude: new Set<number>() };
  const [oldest] = shelf.delivery.waiting(shelf.tables, query);
  if (oldest === undefined) return undefined;
  const [id, rowClass] = oldest;
  return shelf.tables.heads(rowClass, id, id)[0]?.utc;
}

/**
 * Rows of a time range, sorted by id, which is the order in which they came. Blocks whose times do
 * not meet the range are not read.
 */
export function* searchHistory(
  shelf: Shelf,
  choice: StreamChoice,
  query: HistoryQuery,
): Search<HistoryRows> {
  const isNewestFirst = query.order === "newest-first";
  const page = new Page(Math.min(query.limit, ANSWER_ROWS_MAX));
  const found: (readonly [number, RowClass])[] = [];
  const blocks = candidates(shelf, { choice, query });
  for (let at = 0; at < blocks.length && page.wants(settledCount(found, blocks[at], query));) {
    for (const block of blocks.slice(at, at + BLOCKS_AT_ONCE)) {
      found.push(...matches(shelf, block, { choice, query }));
    }
    at += BLOCKS_AT_ONCE;
    yield undefined;
  }
  found.sort(([a], [b]) => (isNewestFirst ? b - a : a - b));
  for (const [id, rowClass] of found) {
    if (!page.hasRoom) return { rows: page.rows, more: true };
    const row = shelf.readRow(rowClass, id);
    if (row !== undefined) page.add(row);
    if (page.rows.length % ROWS_AT_ONCE === 0) yield undefined;
  }
  return { rows: page.rows, more: false };
}

/** Marks sent rows of a range as waiting again; tells how many there were. */
export function* requeueRange(
  shelf: Shelf,
  range: { stream: string; epoch: number; fromSeq: number; toSeq: number },
): Search<number> {
  let requeued = 0;
  const all = ROW_CLASSES.flatMap((rowClass) => [...shelf.blocks.of(rowClass)]);
  for (let at = 0; at < all.length; at += BLOCKS_AT_ONCE) {
    for (const block of all.slice(at, at + BLOCKS_AT_ONCE)) {
      for (const head of shelf.tables.heads(block.class, block.firstId, block.lastId)) {
        if (head.stream !== range.stream || head.epoch !== range.epoch) continue;
        if (head.seq < range.fromSeq || head.seq > range.toSeq) continue;
        if (shelf.delivery.requeue(head.id)) requeued += 1;
      }
    }
    yield undefined;
  }
  return requeued;
}

const BLOCKS_AT_ONCE = 8;
const ROWS_AT_ONCE = 200;
/** Telemetry and diagnostics are not searched for events. */
const EVENT_CLASSES: readonly RowClass[] = [0, 1, 2];

interface Wanted {
  readonly choice: StreamChoice;
  readonly query: HistoryQuery;
}

class Page {
  readonly rows: StoredRow[] = [];
  readonly #limit: number;
  #bytes = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get hasRoom(): boolean {
    return this.rows.length < this.#limit && this.#bytes < ANSWER_BYTES_MAX;
  }

  /** One more than the page holds tells that there is more. */
  wants(count: number): boolean {
    return count <= this.#limit;
  }

  add(row: StoredRow): void {
    this.rows.push(row);
    this.#bytes += row.payload.byteLength;
  }
}

/** In the order in which their rows can first appear in the answer. */
function candidates(shelf: Shelf, { choice, query }: Wanted): Block[] {
  const isNewestFirst = query.order === "newest-first";
  const after = query.afterId;
  const classes = choice === "events" ? EVENT_CLASSES : ROW_CLASSES;
  const blocks = classes.flatMap((rowClass) => {
    return shelf.blocks.of(rowClass).filter((block) => {
      if (block.maxUtc < query.from || block.minUtc > query.to) return false;
      if (after === undefined) return true;
      return isNewestFirst ? block.firstId < after : block.lastId > after;
    });
  });
  return blocks.sort((a, b) => (isNewestFirst ? b.lastId - a.lastId : a.firstId - b.firstId));
}

/** How many of the found rows no later block can come before. */
function settledCount(
  found: readonly (readonly [number, RowClass])[],
  next: Block | undefined,
  query: HistoryQuery,
): number {
  if (next === undefined) return found.length;
  const { firstId, lastId } = next;
  const isNewestFirst = query.order === "newest-first";
  return found.filter(([id]) => (isNewestFirst ? id > lastId : id < firstId)).length;
}

function matches(
  shelf: Shelf,
  block: Block,
  { choice, query }: Wanted,
): (readonly [number, RowClass])[] {
  const isNewestFirst = query.order === "newest-first";
  const found: (readonly [number, RowClass])[] = [];
  for (const head of shelf.tables.heads(block.class, block.firstId, block.lastId)) {
    if (head.utc < query.from || head.utc > query.to) continue;
    if (query.afterId !== undefined) {
      if (isNewestFirst ? head.id >= query.afterId : head.id <= query.afterId) continue;
    }
    const isWanted = choice === "events" ? isEvents(head.stream) : head.stream === choice.stream;
    if (isWanted) found.push([head.id, block.class]);
  }
  return found;
}

function isEvents(stream: string): boolean {
  return (
    stream === EVENT_STREAM ||
    stream.startsWith(`${EVENT_STREAM}-`) ||
    stream.startsWith(`${EVENT_STREAM}/`)
  );
}
