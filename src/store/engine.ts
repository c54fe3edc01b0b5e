import { GatewayError } from "../domain/errors.ts";
import { Ballast } from "./ballast.ts";
import { BlockIndex, blockLimits } from "./blocks.ts";
import { CommandJournal } from "./command-journal.ts";
import { CommitTimes } from "./commit-times.ts";
import {
  type Opened,
  type Sqlite,
  fileBytes,
  isFull,
  openDatabase,
  usedBytes,
  type Statement,
} from "./database.ts";
import { Delivery } from "./delivery.ts";
import { bytesOnDisk, Eviction, levelOf } from "./eviction.ts";
import { FrameWriter } from "./frame-writer.ts";
import { IdRanges } from "./id-ranges.ts";
import { Losses } from "./losses.ts";
import { Marks } from "./marks.ts";
import { NameBook } from "./names.ts";
import type { Batch } from "./messages.ts";
import { Pending, type PendingFrame } from "./pending.ts";
import { oldestWaiting, type Shelf, takeBacklog } from "./readings.ts";
import { RowTables } from "./row-tables.ts";
import {
  type BacklogQuery,
  type OpenReport,
  ROW_CLASSES,
  type RowClass,
  type RowProducer,
  type StoredRow,
  type StoreFaults,
  type StoreLevel,
  type StoreLimits,
  type StoreReport,
  type StoreStats,
} from "./rows.ts";

/** What the engine needs to know of the world. */
export interface EngineOptions {
  readonly directory: string;
  readonly limits: StoreLimits;
  readonly faults: StoreFaults;
  /** Monotonic, ms. */
  readonly now: () => number;
  readonly utcNow: () => number;
}

/** What became of the requests that one commit carried, by their tokens. */
export interface CommitOutcome {
  readonly stored: readonly number[];
  readonly refused: readonly number[];
}

/** While the disk is full, it is tried again this often. */
const FULL_RETRY_MS = 1000;
/** One transaction at most, whatever waits. */
const BATCH_BYTES_MAX = 8 * 1024 * 1024;
const BATCH_QUOTA_PARTS = 8;
const QUARANTINED_MAX = 256;

/**
 * The store itself, in one thread and synchronous: whoever drives it (`store-worker.ts`, a test)
 * says when to commit and when to tidy up.
 */
export class Engine {
  readonly opened: OpenReport;
  readonly journal: CommandJournal;
  readonly marks: Marks;
  readonly losses: Losses;
  readonly names: NameBook;
  readonly delivery: Delivery;
  readonly shelf: Shelf;
  readonly pending = new Pending();

  readonly #options: EngineOptions;
  readonly #limits: StoreLimits;
  readonly #db: Sqlite;
  readonly #tables: RowTables;
  readonly #blocks: BlockIndex;
  readonly #eviction: Eviction;
  readonly #writer: FrameWriter;
  readonly #ballast: Ballast;
  readonly #times = new CommitTimes();
  readonly #saveSettled: Statement;

  readonly #stalled = new Set<RowProducer>();
  #waitingRows = 0;
  #sentRows = 0;
  #refusedFrames = 0;
  #damagedRows = 0;
  #level: StoreLevel = "normal";
  #triedFullAt = Number.NEGATIVE_INFINITY;
  #reports: StoreReport[] = [];
  #reportedDrops = 0;

  /** @throws GatewayError STORE_UNUSABLE, STORE_IO or STORE_FULL when it cannot be opened */
  constructor(options: EngineOptions, open: typeof openDatabase = openDatabase) {
    this.#options = options;
    this.#limits = options.limits;
    this.#ballast = new Ballast(options.directory, options.limits.quotaBytes);
    const { db, wasClosed, corrupt } = this.#openWithRoom(open);
    this.opened = { wasClosed, corrupt };
    this.#db = db;
    this.names = new NameBook(
      db.prepare("SELECT number, text FROM name").raw().all() as [number, string][],
    );
    this.#tables = new RowTables(db, this.names);
    this.#blocks = new BlockIndex(db, blockLimits(options.limits.quotaBytes));
    this.delivery = new Delivery(options.limits);
    this.marks = new Marks(db);
    this.losses = new Losses(db);
    this.journal = new CommandJournal(db, options.limits);
    const parts = {
      db,
      tables: this.#tables,
      blocks: this.#blocks,
      delivery: this.delivery,
      marks: this.marks,
      losses: this.losses,
    };
    this.#eviction = new Eviction(parts, options.limits);
    this.#writer = new FrameWriter(parts, this.names, options.limits.heldBytes);
    this.shelf = { ...parts, readRow: this.#readRow.bind(this) };
    this.#saveSettled = db.prepare("INSERT OR REPLACE INTO state VALUES ('settled', ?)");
    this.#load();
  }

  /** First id that is free. */
  get nextId(): number {
    const stored = Math.max(this.#tables.maxId(), this.delivery.settled.max);
    return Math.max(stored, this.#writer.lastId) + 1;
  }

  /** Part of what was written that a rate must leave out: it is written once. */
  get ballastBytes(): number {
    return this.#ballast.written;
  }

  /** Payload stored since the process started, bytes. */
  get storedBytes(): number {
    return this.#writer.appendedBytes;
  }

  append(batch: Batch): void {
    this.pending.add(batch);
    for (const { frame } of batch.frames) {
      for (const [number, text] of frame.names) this.#writer.learnName(number, text);
    }
  }

  /** The producer begins again behind its resume mark. */
  resume(producer: RowProducer): void {
    this.#stalled.delete(producer);
  }

  /** Rows counted as waiting again, after `requeueRange`. */
  countRequeued(rows: number): void {
    this.#waitingRows += rows;
  }

  /** Stores everything that is pending. One transaction for each batch, one fsync for each. */
  commit(): CommitOutcome {
    const stored: number[] = [];
    const refused: number[] = [];
    const bytesMax = Math.min(BATCH_BYTES_MAX, this.#limits.quotaBytes / BATCH_QUOTA_PARTS);
    do {
      const batch = this.pending.takeFrames(bytesMax);
      const stalled = batch.filter(({ frame }) => this.#stalled.has(frame.producer));
      const accepted = batch.filter(({ frame }) => !this.#stalled.has(frame.producer));
      this.#hold(stalled);
      const isStored = this.#commitOrHold(accepted);
      const steps = this.pending.takeSteps();
      refused.push(...stalled.map(({ token }) => token));
      (isStored ? stored : refused).push(...[...accepted, ...steps].map(({ token }) => token));
    } while (this.pending.hasFrames);
    this.#refusedFrames += refused.length;
    return { stored, refused };
  }

  /** What there is to say since the last call. */
  takeReports(): readonly StoreReport[] {
    const dropped = this.#writer.held.dropped - this.#reportedDrops;
    if (dropped > 0) this.#reports.push({ kind: "held-dropped", rows: dropped });
    this.#reportedDrops += dropped;
    const reports = this.#reports;
    this.#reports = [];
    return reports;
  }

  /** Ends protections, deletes old history, forgets old ids, refills the ballast. Every 10 s. */
  maintain(): void {
    const now = this.#options.now();
    this.delivery.expire(now, (ids) => this.#estimateBytes(ids));
    this.#unlessFull(() => {
      this.marks.save(this.#tables.maxId());
      this.#eviction.trimHistory(now);
      this.journal.forget(this.#options.utcNow());
    });
    this.#setLevel();
    this.#regainRoom();
  }

  /** Moves the log into the file; `TRUNCATE` when nothing else is to do. */
  checkpoint(mode: "PASSIVE" | "TRUNCATE"): void {
    try {
      this.#db.pragma(`wal_checkpoint(${mode})`);
    } catch (error) {
      // The log stays as it is, and is read as well as the file.
      if (!isFull(error)) throw error;
    }
  }

  takeBacklog(query: BacklogQuery): StoredRow[] {
    const exclude = new Set([...query.exclude, ...this.pending.sent]);
    return takeBacklog(this.shelf, { ...query, exclude });
  }

  /** All but what only the driver of the engine knows. */
  stats(): Omit<StoreStats, "busyFrames" | "bytesWrittenPerDay"> {
    const now = this.#options.now();
    const oldest = this.#waitingRows > 0 ? oldestWaiting(this.shelf) : undefined;
    const { held, appendedRows, duplicateRows } = this.#writer;
    return {
      level: this.#level,
      waitingRows: this.#waitingRows,
      oldestWaitingMs: oldest === undefined ? 0 : Math.max(0, this.#options.utcNow() - oldest),
      storedRows: this.#blocks.storedRows,
      usedBytes: usedBytes(this.#db),
      quotaBytes: this.#limits.quotaBytes,
      appendedRows,
      duplicateRows,
      sentRows: this.#sentRows,
      refusedFrames: this.#refusedFrames,
      heldRows: held.rows.length,
      heldDroppedRows: held.dropped,
      lostRowsByClass: [...this.losses.rowsByClass],
      damagedRows: this.#damagedRows,
      commitsPerS: this.#times.perS(now),
      commitP50Ms: this.#times.quantileMs(0.5),
      commitP99Ms: this.#times.quantileMs(0.99),
    };
  }

  /** Writes the rest down and closes the files. Nothing may be called afterwards. */
  close(): CommitOutcome {
    const outcome = this.commit();
    this.#unlessFull(() => {
      this.marks.save(this.#tables.maxId());
      this.#db.exec("INSERT OR REPLACE INTO state VALUES ('closed', 1)");
    });
    this.checkpoint("TRUNCATE");
    this.#db.close();
    return outcome;
  }

  #openWithRoom(open: typeof openDatabase): Opened {
    const { directory } = this.#options;
    const { quotaBytes } = this.#limits;
    try {
      return open(directory, quotaBytes);
    } catch (error) {
      if (!(error instanceof GatewayError) || error.code !== "STORE_FULL") throw error;
      this.#ballast.release();
      return open(directory, quotaBytes);
    }
  }

  /** From disk, also after a transaction that failed: what is in memory may be ahead of it. */
  #load(): void {
    const now = this.#options.now();
    const settled = this.#db.prepare("SELECT value FROM state WHERE key = 'settled'").pluck().get();
    this.delivery.load(settled instanceof Uint8Array ? settled : undefined, now);
    this.marks.load(this.names);
    this.losses.load();
    this.#db
      .transaction(() => {
        this.#blocks.load(this.#db, this.#tables, { ms: now, utc: this.#options.utcNow() });
      })
      .immediate();
    const blocksOf = (rowClass: RowClass) => this.#blocks.of(rowClass);
    this.#waitingRows = this.delivery.countWaiting(blocksOf, this.#tables);
    this.#setLevel();
  }

  /** False when the disk is full: then alarms are held and their frames must come again. */
  #commitOrHold(batch: readonly PendingFrame[]): boolean {
    const now = this.#options.now();
    if (this.#level === "full" && now - this.#triedFullAt < FULL_RETRY_MS) {
      this.#hold(batch);
      return false;
    }
    if (this.#level === "full") this.#regainRoom();
    try {
      this.#transact(batch, 0);
      return true;
    } catch (error) {
      if (!isFull(error)) throw error;
    }
    this.#ballast.release();
    // The disk holds no more than this: from now on room is made before it is missing.
    this.#eviction.quotaBytes = Math.min(this.#eviction.quotaBytes, fileBytes(this.#db));
    try {
      this.#transact(batch, 2 * this.#incomingBytes(batch));
      return true;
    } catch (error) {
      if (!isFull(error)) throw error;
    }
    this.#triedFullAt = now;
    if (this.#level !== "full") this.#report("full");
    this.#hold(batch);
    return false;
  }

  #hold(batch: readonly PendingFrame[]): void {
    for (const { frame } of batch) {
      this.#writer.hold(frame);
      // Whoever numbers frames must present this one again before the next; services cannot.
      if (frame.producer !== "services") this.#stalled.add(frame.producer);
    }
  }

  #transact(batch: readonly PendingFrame[], freeBytes: number): void {
    this.#db.exec("BEGIN IMMEDIATE");
    let startedAt: number;
    let changed: { readonly waiting: number; readonly sent: number };
    try {
      changed = this.#fill(batch, freeBytes);
      startedAt = this.#options.now();
      this.#delayCommit();
      this.#db.exec("COMMIT");
    } catch (error) {
      this.#rollBack();
      throw error;
    }
    this.#times.add(startedAt, this.#options.now());
    this.#writer.committed();
    this.#waitingRows += changed.waiting;
    this.#sentRows += changed.sent;
    this.pending.clearSmallWork();
    this.#setLevel();
  }

  #fill(batch: readonly PendingFrame[], freeBytes: number): { waiting: number; sent: number } {
    let waiting = 0;
    if (freeBytes > 0) waiting -= this.#eviction.freeAtLeast(freeBytes);
    else waiting -= this.#eviction.makeRoom(this.#incomingBytes(batch));
    const now = this.#options.now();
    waiting += this.#writer.writeHeld(now);
    for (const { frame } of batch) waiting += this.#writer.write(frame, now);
    let sent = 0;
    for (const id of this.pending.sent) sent += this.delivery.markSent(id, id, now);
    for (const { step } of this.pending.steps) this.journal.recordStep(step);
    this.losses.confirm(this.pending.confirmed);
    this.#save();
    return { waiting: waiting - sent, sent };
  }

  #save(): void {
    this.#writer.saveNames();
    const settled = this.delivery.takeChanged();
    if (settled !== undefined) this.#saveSettled.run(settled);
  }

  #incomingBytes(batch: readonly PendingFrame[]): number {
    let bytes = this.#writer.held.bytes;
    let rows = this.#writer.held.rows.length;
    for (const { frame } of batch) {
      bytes += frame.buffer.byteLength;
      rows += frame.count;
    }
    return bytesOnDisk(bytes, rows);
  }

  #readRow(rowClass: RowClass, id: number): StoredRow | undefined {
    const row = this.#tables.read(rowClass, id);
    if (row !== "damaged") return row;
    this.#quarantine(rowClass, id);
    return undefined;
  }

  /** Never sent; if it had not been sent yet, it is lost, and said to be. */
  #quarantine(rowClass: RowClass, id: number): void {
    this.#damagedRows += 1;
    const wasWaiting = !this.delivery.settled.has(id);
    const isDone = this.#unlessFull(() => {
      this.marks.save(this.#tables.maxId());
      if (wasWaiting) {
        this.losses.record(rowClass, this.#tables.heads(rowClass, id, id), "damaged");
        this.delivery.markGone(id, id);
      }
      this.#tables.quarantine(rowClass, id, QUARANTINED_MAX);
      this.#blocks.dropRow(rowClass, id);
    });
    if (isDone && wasWaiting) this.#waitingRows -= 1;
  }

  /** A transaction that may as well come later: false when the disk took none of it. */
  #unlessFull(work: () => void): boolean {
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      work();
      this.#save();
      this.#db.exec("COMMIT");
    } catch (error) {
      this.#rollBack();
      if (!isFull(error)) throw error;
      return false;
    }
    this.#writer.namesSaved();
    return true;
  }

  #rollBack(): void {
    if (this.#db.inTransaction) this.#db.exec("ROLLBACK");
    this.#writer.rolledBack();
    this.#load();
  }

  /** Takes the ballast back when the disk has room again, and then trusts in the whole quota. */
  #regainRoom(): void {
    if (!this.#ballast.load()) return;
    this.#eviction.quotaBytes = this.#limits.quotaBytes;
  }

  #usedShare(): number {
    return usedBytes(this.#db) / this.#eviction.quotaBytes;
  }

  #setLevel(): void {
    const level = levelOf(this.#usedShare(), this.#level);
    if (level !== this.#level) this.#report(level);
  }

  #report(level: StoreLevel): void {
    this.#level = level;
    this.#reports.push({ kind: "level", level, usedShare: this.#usedShare() });
  }

  #estimateBytes(ids: IdRanges): number {
    let bytes = 0;
    for (const rowClass of ROW_CLASSES) {
      for (const block of this.#blocks.of(rowClass)) {
        if (ids.intersects(block.firstId, block.lastId)) bytes += block.bytes;
      }
    }
    return bytes;
  }

  #delayCommit(): void {
    const { delayCommitMs } = this.#options.faults;
    if (delayCommitMs === undefined) return;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, delayCommitMs);
  }
}
