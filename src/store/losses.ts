import { assert } from "../domain/assert.ts";
import { utcMs } from "../domain/time.ts";
import type { Sqlite, Statement } from "./database.ts";
import { PRODUCERS } from "./packing.ts";
import { HELD, type RowHead } from "./row-tables.ts";
import { type Loss, type LossReason, ROW_CLASSES, type RowClass } from "./rows.ts";

/** Losses not yet confirmed by the app; beyond it, one row stands for all further ones. */
const LOSSES_MAX = 4096;

/**
 * Rows given up unsent, written down in the transaction that gives them up: a crash right after it
 * does not make the loss a silent one.
 */
export class Losses {
  readonly #db: Sqlite;
  readonly #rowsByClass: number[] = ROW_CLASSES.map(() => 0);
  #fresh: Loss[] = [];
  readonly #insert: Statement;
  readonly #saveTotals: Statement;

  constructor(db: Sqlite) {
    this.#db = db;
    this.#insert = db.prepare("INSERT INTO loss VALUES (NULL,?,?,?,?,?,?,?,?,?,?)");
    this.#saveTotals = db.prepare("INSERT OR REPLACE INTO state VALUES ('lost', ?)");
  }

  get rowsByClass(): readonly number[] {
    return this.#rowsByClass;
  }

  load(): void {
    const stored = this.#db.prepare("SELECT value FROM state WHERE key = 'lost'").pluck().get();
    const totals = typeof stored === "string" ? (JSON.parse(stored) as unknown) : [];
    for (const rowClass of ROW_CLASSES) {
      const total: unknown = Array.isArray(totals) ? totals[rowClass] : 0;
      this.#rowsByClass[rowClass] = typeof total === "number" ? total : 0;
    }
    this.#fresh = [];
  }

  /** What the app has not confirmed yet, oldest first. */
  unconfirmed(): Loss[] {
    const rows = this.#db.prepare("SELECT * FROM loss ORDER BY id").raw().all();
    return (rows as LossColumns[]).map(lossOf);
  }

  /** What was recorded since the last call; call it after the commit. */
  takeFresh(): readonly Loss[] {
    const fresh = this.#fresh;
    this.#fresh = [];
    return fresh;
  }

  /** Writes down rows of one class that go unsent: one entry for each stream and epoch. */
  record(rowClass: RowClass, rows: readonly RowHead[], reason: LossReason): void {
    if (rows.length === 0) return;
    const byStream = new Map<string, RowHead[]>();
    for (const row of rows) {
      const key = `${row.producer % HELD} ${row.epoch} ${row.stream}`;
      const same = byStream.get(key);
      if (same === undefined) byStream.set(key, [row]);
      else same.push(row);
    }
    this.#makeRoom(byStream.size);
    for (const same of byStream.values()) this.#recordStream(rowClass, same, reason);
    this.#rowsByClass[rowClass] = (this.#rowsByClass[rowClass] ?? 0) + rows.length;
    this.#saveTotals.run(JSON.stringify(this.#rowsByClass));
  }

  confirm(lossIds: readonly number[]): void {
    if (lossIds.length === 0) return;
    const statement = this.#db.prepare("DELETE FROM loss WHERE id = ?");
    for (const lossId of lossIds) statement.run(lossId);
  }

  #recordStream(rowClass: RowClass, rows: readonly RowHead[], reason: LossReason): void {
    const [first] = rows;
    assert(first !== undefined, "a loss has no rows");
    const range = { minSeq: first.seq, maxSeq: first.seq, minUtc: first.utc, maxUtc: first.utc };
    for (const { seq, utc } of rows) {
      range.minSeq = Math.min(range.minSeq, seq);
      range.maxSeq = Math.max(range.maxSeq, seq);
      range.minUtc = Math.min(range.minUtc, utc);
      range.maxUtc = Math.max(range.maxUtc, utc);
    }
    const columns: LossValues = [
      rowClass,
      first.producer % HELD,
      first.stream,
      first.epoch,
      range.minSeq,
      range.maxSeq,
      rows.length,
      range.minUtc,
      range.maxUtc,
      reason,
    ];
    const { lastInsertRowid } = this.#insert.run(...columns);
    this.#fresh.push(lossOf([Number(lastInsertRowid), ...columns]));
  }

  /** The oldest entries go first: the totals by class stay true in any case. */
  #makeRoom(entries: number): void {
    const kept = Math.max(0, LOSSES_MAX - entries);
    this.#db
      .prepare(
        "DELETE FROM loss WHERE id <= coalesce((SELECT id FROM loss ORDER BY id DESC LIMIT 1 OFFSET ?), 0)",
      )
      .run(kept);
  }
}

type LossValues = [
  number,
  number,
  string,
  number,
  number,
  number,
  number,
  number,
  number,
  LossReason,
];
type LossColumns = [number, ...LossValues];

function lossOf(row: LossColumns): Loss {
  const [lossId, rowClass, producer, stream, epoch, firstSeq, lastSeq, rows, from, to, reason] =
    row;
  const name = PRODUCERS[producer];
  assert(name !== undefined, "a loss has no producer");
  return {
    lossId,
    class: rowClass as RowClass,
    producer: name,
    stream,
    epoch,
    firstSeq,
    lastSeq,
    rows,
    fromUtc: utcMs(from),
    toUtc: utcMs(to),
    reason,
  };
}
