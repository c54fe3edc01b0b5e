import { existsSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { assert } from "../domain/assert.ts";
import { GatewayError } from "../domain/errors.ts";
import { ROW_CLASSES, type RowClass } from "./rows.ts";

export type Sqlite = Database.Database;
export type Statement = Database.Statement;

const FILE = "outbox.db";
const SUSPECT = "outbox.suspect";
const ASIDE = ".corrupt-";
/** Broken files kept for a person to look at; older ones make room. */
const ASIDES_MAX = 2;
const SCHEMA_VERSION = 1;
export const PAGE_BYTES = 4096;
/** Beyond this a whole check at start takes longer than a start may: seconds on flash. */
const CHECKED_BYTES_MAX = 64 * 1024 * 1024;
const JOURNAL_BYTES_MAX = 16 * 1024 * 1024;
const BUSY_MS = 2000;
/** SQLITE_FULL of a tiny file would come before anything can be evicted. */
const PAGES_MIN = 128;

/** Rows of one class: appended at one end, taken away at the other, no index but the id. */
export const rowTable = (rowClass: RowClass): string => `rows_p${rowClass}`;

/**
 * `topic` and `stream` hold the number of a name, or `=` and the text itself. `producer` is the
 * place in PRODUCERS, + 8 for a row that was held in memory while the disk was full.
 */
const SCHEMA = `
  ${ROW_CLASSES.map(
    (rowClass) => `CREATE TABLE ${rowTable(rowClass)} (
      id INTEGER PRIMARY KEY, stream, topic, producer INTEGER NOT NULL, epoch INTEGER NOT NULL,
      seq INTEGER NOT NULL, utc INTEGER NOT NULL, crc INTEGER NOT NULL, payload BLOB NOT NULL);`,
  ).join("\n")}
  CREATE TABLE name (number INTEGER PRIMARY KEY, text TEXT NOT NULL);
  CREATE TABLE block (
    class INTEGER NOT NULL, first_id INTEGER NOT NULL, last_id INTEGER NOT NULL,
    rows INTEGER NOT NULL, bytes INTEGER NOT NULL, min_utc INTEGER NOT NULL,
    max_utc INTEGER NOT NULL, PRIMARY KEY (class, first_id)) WITHOUT ROWID;
  CREATE TABLE state (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
  CREATE TABLE resume_mark (
    producer INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, frame_no INTEGER NOT NULL);
  CREATE TABLE stream_mark (
    producer INTEGER NOT NULL, stream TEXT NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL,
    PRIMARY KEY (producer, stream)) WITHOUT ROWID;
  CREATE TABLE loss (
    id INTEGER PRIMARY KEY, class INTEGER NOT NULL, producer INTEGER NOT NULL, stream TEXT NOT NULL,
    epoch INTEGER NOT NULL, first_seq INTEGER NOT NULL, last_seq INTEGER NOT NULL,
    rows INTEGER NOT NULL, from_utc INTEGER NOT NULL, to_utc INTEGER NOT NULL,
    reason TEXT NOT NULL);
  CREATE TABLE quarantine (
    id INTEGER PRIMARY KEY, class INTEGER NOT NULL, stream, topic, producer INTEGER, epoch INTEGER,
    seq INTEGER, utc INTEGER, crc INTEGER, payload BLOB);
  CREATE TABLE nonce (
    kid TEXT NOT NULL, jti TEXT NOT NULL, exp INTEGER NOT NULL,
    PRIMARY KEY (kid, jti)) WITHOUT ROWID;
  CREATE TABLE replay_mark (
    kid TEXT PRIMARY KEY, max_iat INTEGER NOT NULL, max_seq INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE command (
    command_id TEXT PRIMARY KEY, kid TEXT NOT NULL, jti TEXT NOT NULL, iat INTEGER NOT NULL,
    exp INTEGER NOT NULL, seq INTEGER NOT NULL, raw BLOB NOT NULL, command TEXT NOT NULL,
    crc INTEGER NOT NULL, last_step TEXT, ended_utc INTEGER) WITHOUT ROWID;
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

export interface Opened {
  readonly db: Sqlite;
  readonly wasClosed: boolean;
  readonly corrupt: { readonly why: string; readonly movedTo: readonly string[] } | undefined;
}

/**
 * Opens the database of a directory, or makes one. Files that SQLite cannot use are renamed and a
 * new database is begun: a gateway that starts empty is worth more than one that does not start.
 *
 * @throws GatewayError STORE_UNUSABLE when even a new database cannot be made, or the one that is
 * there was made by a newer version
 */
export function openDatabase(directory: string, quotaBytes: number): Opened {
  const file = join(directory, FILE);
  let why: string;
  try {
    if (existsSync(join(directory, SUSPECT))) throw new Damaged("found damaged while running");
    return { ...openFile(file, quotaBytes), corrupt: undefined };
  } catch (error) {
    if (!isDamage(error)) throw unusable(error);
    why = (error as Error).message;
  }
  const movedTo = moveAside(directory);
  rmSync(join(directory, SUSPECT), { force: true });
  try {
    return { ...openFile(file, quotaBytes), corrupt: { why, movedTo } };
  } catch (error) {
    throw unusable(error);
  }
}

/** Makes the next start begin anew; for damage that shows only while running. */
export function markSuspect(directory: string): void {
  writeFileSync(join(directory, SUSPECT), "");
}

/** Bytes of the database file that hold something; freed pages are used again. */
export function usedBytes(db: Sqlite): number {
  return (numberOf(db, "page_count") - numberOf(db, "freelist_count")) * PAGE_BYTES;
}

/** Size of the database file, bytes, freed pages included. */
export function fileBytes(db: Sqlite): number {
  return numberOf(db, "page_count") * PAGE_BYTES;
}

/**
 * The settings without which a stored row is not a stored row.
 *
 * better-sqlite3 is built so that WAL silently means synchronous=NORMAL, which loses committed
 * rows in a power cut: FULL is asked for after WAL, and asserted.
 */
export function assertDurable(db: Sqlite): void {
  assert(db.pragma("journal_mode", { simple: true }) === "wal", "the store is not in WAL mode");
  assert(numberOf(db, "synchronous") === 2, "the store does not wait for the disk");
}

/** Undefined when the error is not SQLite's. */
export function sqliteCode(error: unknown): string | undefined {
  return error instanceof Database.SqliteError ? error.code : undefined;
}

/** The disk failed: what is on it is not known any more, so nothing may be tried again. */
export function isDiskFault(error: unknown): boolean {
  const code = sqliteCode(error) ?? "";
  return code.startsWith("SQLITE_IOERR") || code === "SQLITE_READONLY";
}

export function isFull(error: unknown): boolean {
  return sqliteCode(error) === "SQLITE_FULL";
}

/** The file is not what SQLite wrote, or not SQLite's at all. */
export function isDamage(error: unknown): boolean {
  if (error instanceof Damaged) return true;
  const code = sqliteCode(error) ?? "";
  return code.startsWith("SQLITE_CORRUPT") || code === "SQLITE_NOTADB";
}

class Damaged extends Error {
  override readonly name = "Damaged";
}

function openFile(file: string, quotaBytes: number): Omit<Opened, "corrupt"> {
  const db = new Database(file, { timeout: BUSY_MS });
  try {
    db.pragma(`page_size = ${PAGE_BYTES}`);
    db.pragma("journal_mode = WAL");
    db.pragma("synchronous = FULL");
    db.pragma("wal_autocheckpoint = 1000");
    db.pragma(`journal_size_limit = ${JOURNAL_BYTES_MAX}`);
    db.pragma(`busy_timeout = ${BUSY_MS}`);
    db.pragma("temp_store = MEMORY");
    db.pragma("foreign_keys = ON");
    db.pragma("trusted_schema = OFF");
    db.pragma("cell_size_check = ON");
    db.pragma("mmap_size = 0");
    db.pragma("cache_size = -8192");
    db.pragma(`max_page_count = ${Math.max(PAGES_MIN, Math.floor(quotaBytes / PAGE_BYTES))}`);
    const wasClosed = takeIntoUse(db);
    // Only now: SQLite chooses its own setting when it first reads a file in WAL mode.
    assertDurable(db);
    return { db, wasClosed };
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Makes the tables or checks them; tells whether the last user closed the database. */
function takeIntoUse(db: Sqlite): boolean {
  const version = numberOf(db, "user_version");
  if (version === 0) {
    db.transaction(() => db.exec(SCHEMA))();
  } else if (version !== SCHEMA_VERSION) {
    throw new GatewayError("STORE_UNUSABLE", { version, expected: SCHEMA_VERSION });
  }
  const closed = db.prepare("SELECT value FROM state WHERE key = 'closed'").pluck().get() === 1;
  if (version !== 0 && !closed) checkPages(db);
  db.exec("INSERT OR REPLACE INTO state VALUES ('closed', 0)");
  return closed || version === 0;
}

/** SQLite itself notices a file that is too short; a page gone wrong it notices only by reading. */
function checkPages(db: Sqlite): void {
  if (fileBytes(db) > CHECKED_BYTES_MAX) return;
  const verdict = String(db.pragma("quick_check(1)", { simple: true }));
  if (verdict !== "ok") throw new Damaged(verdict);
}

function moveAside(directory: string): string[] {
  const numbers = asides(directory);
  const number = (numbers.at(-1) ?? 0) + 1;
  const movedTo: string[] = [];
  for (const suffix of ["", "-wal", "-shm"]) {
    const from = `${FILE}${suffix}`;
    if (!existsSync(join(directory, from))) continue;
    const to = `${FILE}${ASIDE}${number}${suffix}`;
    renameSync(join(directory, from), join(directory, to));
    movedTo.push(to);
  }
  for (const old of numbers.slice(0, Math.max(0, numbers.length + 1 - ASIDES_MAX))) {
    for (const suffix of ["", "-wal", "-shm"]) {
      rmSync(join(directory, `${FILE}${ASIDE}${old}${suffix}`), { force: true });
    }
  }
  return movedTo;
}

function asides(directory: string): number[] {
  const numbers = new Set<number>();
  for (const name of readdirSync(directory)) {
    if (!name.startsWith(`${FILE}${ASIDE}`)) continue;
    const number = Number.parseInt(name.slice(FILE.length + ASIDE.length), 10);
    if (Number.isSafeInteger(number)) numbers.add(number);
  }
  return [...numbers].sort((a, b) => a - b);
}

function numberOf(db: Sqlite, pragma: string): number {
  return Number(db.pragma(pragma, { simple: true }));
}

function unusable(error: unknown): GatewayError {
  if (error instanceof GatewayError) return error;
  if (isDiskFault(error)) return new GatewayError("STORE_IO", {}, { cause: error });
  if (isFull(error)) return new GatewayError("STORE_FULL", {}, { cause: error });
  return new GatewayError("STORE_UNUSABLE", {}, { cause: error });
}
