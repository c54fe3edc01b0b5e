import { assert } from "../domain/assert.ts";
import { utcMs } from "../domain/time.ts";
import type { Sqlite, Statement } from "./database.ts";
import { PRODUCERS } from "./packing.ts";
import { HELD, type RowHead } from "./row-tables.ts";
import { type Loss, type LossReason, ROW_CLASSES, type RowClass } from "./rows.ts";

/** Losses not yet confirmed by the app. */
const LOSSES_MAX = 4096;

/**
 * Rows given up unsent, written down in the transaction that gives them up: a crash right after it
 * does not make the loss a silent one. Until it is told, one entry grows for each stream.
 */
export class Losses {
  readonly #db: Sqlite;
  readonly #rowsByClass: number[] = ROW_CLASSES.map(() => 0);
  /** Not told yet, by class, reason and stream. */
  readonly #untold = new Map<string, LossColumns>();
  readonly #save: Statement;
  readonly #saveTotals: Statement;

  constructor(db: Sqlite) {
    this.#db = db;
    this.#save = db.prepare("INSERT OR REPLACE INTO loss VALUES (?,?,?,?,?,?,?,?,?,?,?)");
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
    // After a transaction that failed: entries go back to what is on disk.
    const onDisk = new Map(this.#stored().map((loss) => [loss[0], loss]));
    for (const [key, [lossId]] of this.#untold) {
      const loss = onDisk.get(lossId);
      if (loss === undefined) this.#untold.delete(key);
      else this.#untold.set(key, loss);
    }
  }

  /** What the app has not confirmed yet, oldest first. */
  unconfirmed(): Loss[] {
    return this.#stored().map(lossOf);
  }

  /** What was recorded since the last call; call it after the commit. */
  takeUntold(): readonly Loss[] {
    const untold = [...this.#untold.values()].map(lossOf);
    this.#untold.clear();
    return untold;
  }

  /** Writes down rows of one class that go unsent. */
  record(rowClass: RowClass, rows: readonly RowHead[], reason: LossReason): void {
    if (rows.length === 0) return;
    const changed = new Set<LossColumns>();
    for (const row of rows) changed.add(this.#count(rowClass, row, reason));
    for (const loss of changed) this.#save.run(...loss);
    this.#rowsByClass[rowClass] = (this.#rowsByClass[rowClass] ?? 0) + rows.length;
    this.#saveTotals.run(JSON.stringify(this.#rowsByClass));
  }

  confirm(lossIds: readonly number[]): void {
    if (lossIds.length === 0) return;
    const statement = this.#db.prepare("DELETE FROM loss WHERE id = ?");
    for (const lossId of lossIds) statement.run(lossId);
  }

  #count(rowClass: RowClass, row: RowHead, reason: LossReason): LossColumns {
    const producer = row.producer % HELD;
    const key = `${rowClass} ${reason} ${producer} ${row.epoch} ${row.stream}`;
    const loss = this.#untold.get(key);
    if (loss === undefined) {
      const { stream, epoch, seq, utc } = row;
      const id = this.#nextId();
      const fresh: LossColumns = [
        ...([id, rowClass, producer, stream, epoch, seq, seq, 1, utc, utc] as const),
        reason,
      ];
      this.#untold.set(key, fresh);
      return fresh;
    }
    loss[AT.firstSeq] = Math.min(loss[AT.firstSeq], row.seq);
    loss[AT.lastSeq] = Math.max(loss[AT.lastSeq], row.seq);
    loss[AT.rows] += 1;
    loss[AT.fromUtc] = Math.min(loss[AT.fromUtc], row.utc);
    loss[AT.toUtc] = Math.max(loss[AT.toUtc], row.utc);
    return loss;
  }

  /** The oldest entries make room: the totals by class stay true in any case. */
  #nextId(): number {
    const max = Number(this.#db.prepare("SELECT coalesce(max(id), 0) FROM loss").pluck().get());
    const untold = Math.max(0, ...[...this.#untold.values()].map(([lossId]) => lossId));
    const id = Math.max(max, untold) + 1;
    this.#db.prepare("DELETE FROM loss WHERE id <= ?").run(id - LOSSES_MAX);
    return id;
  }

  #stored(): LossColumns[] {
    return this.#db.prepare("SELECT * FROM loss ORDER BY id").raw().all() as LossColumns[];
  }
}

const AT = { firstSeq: 5, lastSeq: 6, rows: 7, fromUtc: 8, toUtc: 9 } as const;

/** Id, class, producer, stream, epoch, first and last seq, rows, first and last UTC, reason. */
type LossColumns = [
  number,
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
