import { assert } from "../domain/assert.ts";
import { type Sqlite, type Statement } from "./database.ts";
import { ROW_OVERHEAD_BYTES, type RowTables } from "./row-tables.ts";
import { ROW_CLASSES, type RowClass } from "./rows.ts";

/** A run of rows of one class: the unit in which rows are found by time and given up. */
export interface Block {
  readonly class: RowClass;
  firstId: number;
  lastId: number;
  rows: number;
  bytes: number;
  minUtc: number;
  maxUtc: number;
  /**
   * When its first row was stored, ms on this process's monotonic clock; for rows of an earlier
   * process as the wall clock told at start, never in the future.
   */
  readonly storedAt: number;
}

/** How large a block grows before the next one is begun. */
export interface BlockLimits {
  readonly rows: number;
  readonly bytes: number;
  readonly ms: number;
}

interface CountedRow {
  readonly id: number;
  /** Of its payload. */
  readonly bytes: number;
  readonly utc: number;
  /** See `Block.storedAt`. */
  readonly storedAt: number;
}

const ROWS_MAX = 256;
const MS_MAX = 60_000;
const COUNTED_AT_ONCE = 10_000;
/** A block is at most this part of the quota, so that giving one up is a small step. */
const QUOTA_PARTS = 64;

export function blockLimits(quotaBytes: number): BlockLimits {
  return { rows: ROWS_MAX, bytes: Math.floor(quotaBytes / QUOTA_PARTS), ms: MS_MAX };
}

/** What lies where, kept in memory; closed blocks are on disk, the open one is counted again. */
export class BlockIndex {
  readonly #limits: BlockLimits;
  readonly #byClass: Block[][] = ROW_CLASSES.map(() => []);
  readonly #insert: Statement;
  readonly #delete: Statement;
  #rows = 0;

  constructor(db: Sqlite, limits: BlockLimits) {
    this.#limits = limits;
    this.#insert = db.prepare("INSERT OR REPLACE INTO block VALUES (?,?,?,?,?,?,?)");
    this.#delete = db.prepare("DELETE FROM block WHERE class = ? AND first_id = ?");
  }

  get storedRows(): number {
    return this.#rows;
  }

  of(rowClass: RowClass): readonly Block[] {
    const blocks = this.#byClass[rowClass];
    assert(blocks !== undefined, "a row has no class");
    return blocks;
  }

  /** Reads closed blocks from disk and counts the rows behind them. */
  load(db: Sqlite, tables: RowTables, now: { readonly ms: number; readonly utc: number }): void {
    for (const rowClass of ROW_CLASSES) {
      const blocks = this.#list(rowClass);
      blocks.length = 0;
      const stored = db
        .prepare("SELECT * FROM block WHERE class = ? ORDER BY first_id")
        .raw()
        .all(rowClass) as number[][];
      for (const row of stored) blocks.push(blockOf(row, now));
      this.#countOpen(rowClass, tables, now);
    }
    this.#rows = 0;
    for (const rowClass of ROW_CLASSES) {
      for (const block of this.of(rowClass)) this.#rows += block.rows;
    }
  }

  /** Counts a row that was just stored. */
  add(rowClass: RowClass, row: CountedRow): void {
    const blocks = this.#list(rowClass);
    const last = blocks.at(-1);
    if (last !== undefined && row.id < last.lastId) {
      this.#addLate(blocks, row);
    } else if (last === undefined || this.#isClosed(last, row.storedAt)) {
      if (last !== undefined) this.#save(last);
      blocks.push(blockOfRow(rowClass, row));
    } else {
      count(last, row);
    }
    this.#rows += 1;
  }

  /** A row that was held in memory for a while comes behind younger ones. */
  #addLate(blocks: readonly Block[], row: CountedRow): void {
    const block = blocks.findLast(({ firstId }) => firstId <= row.id) ?? blocks[0];
    assert(block !== undefined, "there is no block before the last one");
    if (row.id < block.firstId) this.#delete.run(block.class, block.firstId);
    count(block, row);
    if (block !== blocks.at(-1)) this.#save(block);
  }

  /** Forgets a block whose rows were deleted. */
  remove(block: Block): void {
    const blocks = this.#list(block.class);
    const at = blocks.indexOf(block);
    assert(at >= 0, "a block is given up twice");
    blocks.splice(at, 1);
    this.#rows -= block.rows;
    this.#delete.run(block.class, block.firstId);
  }

  /** Counts out one row that was set aside. */
  dropRow(rowClass: RowClass, id: number): void {
    const block = this.of(rowClass).find(({ firstId, lastId }) => firstId <= id && id <= lastId);
    if (block === undefined) return;
    block.rows -= 1;
    this.#rows -= 1;
    if (block.rows === 0) {
      this.#rows += block.rows;
      this.remove(block);
    } else if (block !== this.of(rowClass).at(-1)) {
      this.#save(block);
    }
  }

  #countOpen(rowClass: RowClass, tables: RowTables, now: { ms: number; utc: number }): void {
    let from = (this.of(rowClass).at(-1)?.lastId ?? -1) + 1;
    for (;;) {
      const rows = tables.sizes(rowClass, from, COUNTED_AT_ONCE);
      for (const [id, bytes, utc] of rows) {
        const storedAt = now.ms - Math.max(0, now.utc - utc);
        this.add(rowClass, { id, bytes, utc, storedAt });
        from = id + 1;
      }
      if (rows.length < COUNTED_AT_ONCE) return;
    }
  }

  #isClosed(block: Block, at: number): boolean {
    const { rows, bytes, ms } = this.#limits;
    return block.rows >= rows || block.bytes >= bytes || at - block.storedAt >= ms;
  }

  #save(block: Block): void {
    const { firstId, lastId, rows, bytes, minUtc, maxUtc } = block;
    this.#insert.run(block.class, firstId, lastId, rows, bytes, minUtc, maxUtc);
  }

  #list(rowClass: RowClass): Block[] {
    const blocks = this.#byClass[rowClass];
    assert(blocks !== undefined, "a row has no class");
    return blocks;
  }
}

function blockOfRow(rowClass: RowClass, row: CountedRow): Block {
  const { id, utc, storedAt } = row;
  const bytes = row.bytes + ROW_OVERHEAD_BYTES;
  const ids = { firstId: id, lastId: id, rows: 1 };
  return { class: rowClass, ...ids, bytes, minUtc: utc, maxUtc: utc, storedAt };
}

function count(block: Block, row: CountedRow): void {
  block.firstId = Math.min(block.firstId, row.id);
  block.lastId = Math.max(block.lastId, row.id);
  block.rows += 1;
  block.bytes += row.bytes + ROW_OVERHEAD_BYTES;
  block.minUtc = Math.min(block.minUtc, row.utc);
  block.maxUtc = Math.max(block.maxUtc, row.utc);
}

function blockOf(
  row: readonly number[],
  now: { readonly ms: number; readonly utc: number },
): Block {
  const [rowClass, firstId, lastId, rows, bytes, minUtc, maxUtc] = row;
  assert(maxUtc !== undefined, "a block is stored with too few columns");
  return {
    class: rowClass as RowClass,
    firstId: firstId ?? 0,
    lastId: lastId ?? 0,
    rows: rows ?? 0,
    bytes: bytes ?? 0,
    minUtc: minUtc ?? 0,
    maxUtc,
    storedAt: now.ms - Math.max(0, now.utc - maxUtc),
  };
}
