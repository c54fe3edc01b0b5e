import type { CommandStep } from "../domain/command.ts";
import type { GatewayError } from "../domain/errors.ts";
import type { UtcMs } from "../domain/time.ts";

/**
 * What a row is worth when room runs out; 4 goes first. 0 audit, command results and safety
 * events · 1 alarms · 2 billing and state of charge · 3 telemetry · 4 diagnostics.
 */
export type RowClass = 0 | 1 | 2 | 3 | 4;
export const ROW_CLASSES: readonly RowClass[] = [0, 1, 2, 3, 4];

/** Who numbered a row: a process that reads devices, or services itself. */
export type RowProducer = "control" | "field" | "services";

/** One finished message for the north, with the identity that it keeps for ever. */
export interface NewRow {
  /** From `Store.nextId()`: increases from row to row, also over a restart. */
  readonly id: number;
  readonly class: RowClass;
  readonly topic: string;
  /** Device, or `events…`: numbered without gaps by its producer. */
  readonly stream: string;
  readonly seq: number;
  /** When the round or event came to be. Never stamped again. */
  readonly utc: UtcMs;
  readonly payload: Uint8Array;
}

/** A row as it was stored. Epoch (of the producer), stream and seq name it. */
export interface StoredRow extends NewRow {
  readonly producer: RowProducer;
  readonly epoch: number;
}

/** What one frame of a producer brought. */
export interface NewFrame {
  readonly producer: RowProducer;
  readonly epoch: number;
  /** Place in the producer's ring; the last one stored is where the producer resumes. */
  readonly frameNo: number;
  readonly rows: readonly NewRow[];
}

/** The last frame of a producer that is on disk together with all of its rows. */
export interface ResumeMark {
  readonly epoch: number;
  readonly frameNo: number;
}

/** The last row of a stream that is on disk: what a gap event is made of. */
export interface StreamMark {
  readonly producer: RowProducer;
  readonly stream: string;
  readonly epoch: number;
  readonly seq: number;
}

/** Streams of this name, or beginning with it and `-` or `/`, hold events. */
export const EVENT_STREAM = "events";

export interface StoreLimits {
  /** Size of the database file, bytes. The log file and the ballast (2 %) come on top. */
  readonly quotaBytes: number;
  /** How long a row stays protected after the broker took it and no consumer acknowledged it. */
  readonly retainMs: number;
  readonly retainBytes: number;
  /** How long and how much of what was sent stays readable. */
  readonly historyMs: number;
  readonly historyBytes: number;
  /** What may be on the way to the worker before `appendFrame` refuses with STORE_BUSY. */
  readonly inFlightBytes: number;
  readonly inFlightRows: number;
  /** Two commits of frames start at least this far apart, unless `commitRows` wait. */
  readonly commitEveryMs: number;
  readonly commitRows: number;
  /** Rows of class 0 and 1 kept in memory while the disk is full; the oldest is dropped. */
  readonly heldBytes: number;
  /** How long a command's id is remembered after it expired. */
  readonly replayMs: number;
  readonly replayIds: number;
  /** How long an ended command stays in the journal. */
  readonly commandMs: number;
}

/** Defaults for a small box with 4 GB of flash. */
export const STORE_LIMITS: StoreLimits = {
  quotaBytes: 1024 * 1024 * 1024,
  retainMs: 600_000,
  retainBytes: 64 * 1024 * 1024,
  historyMs: 3_600_000,
  historyBytes: 256 * 1024 * 1024,
  inFlightBytes: 32 * 1024 * 1024,
  inFlightRows: 20_000,
  commitEveryMs: 100,
  commitRows: 500,
  heldBytes: 8 * 1024 * 1024,
  replayMs: 120_000,
  replayIds: 100_000,
  commandMs: 86_400_000,
};

/** How full the store is: shares of `quotaBytes`; `full` when the disk takes nothing any more. */
export type StoreLevel = "normal" | "warning" | "evicting" | "critical" | "full";

/** Rows of one stream that were given up unsent. The app publishes it as an event. */
export interface Loss {
  /** Name of the report, for `Store.confirmLosses`: until then it is told again at every start. */
  readonly lossId: number;
  readonly class: RowClass;
  readonly producer: RowProducer;
  readonly stream: string;
  readonly epoch: number;
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly rows: number;
  readonly fromUtc: UtcMs;
  readonly toUtc: UtcMs;
  readonly reason: LossReason;
}

/** `evicted`: no room. `damaged`: the stored bytes are not what was stored. */
export type LossReason = "evicted" | "damaged";

/** What the store has to say without being asked. */
export type StoreReport =
  | { readonly kind: "level"; readonly level: StoreLevel; readonly usedShare: number }
  | { readonly kind: "lost"; readonly losses: readonly Loss[] }
  | { readonly kind: "held-dropped"; readonly rows: number }
  | { readonly kind: "failed"; readonly error: GatewayError };

/** What opening found. */
export interface OpenReport {
  /** False after a crash or a power cut. */
  readonly wasClosed: boolean;
  /** Set when the old files could not be used and lie renamed beside the new ones. */
  readonly corrupt: { readonly why: string; readonly movedTo: readonly string[] } | undefined;
}

export interface BacklogQuery {
  /** Most rows and bytes of payload to bring; at least one row when any waits. */
  readonly limit: number;
  readonly maxBytes: number;
  /** Rows that are on their way to the broker already, or not wanted by it for now. */
  readonly exclude: Iterable<number>;
}

export interface HistoryQuery {
  readonly from: UtcMs;
  readonly to: UtcMs;
  readonly limit: number;
  /** Of several pages: the id that ended the page before. */
  readonly afterId?: number | undefined;
  readonly order?: "oldest-first" | "newest-first" | undefined;
}

export interface HistoryPage {
  readonly rows: readonly StoredRow[];
  /** There is more behind the last row. */
  readonly more: boolean;
}

/** A verified command on its way to control. */
export interface CommandRecord {
  /** Key that signed it, and its id under that key: together used once only. */
  readonly kid: string;
  readonly jti: string;
  /** Issued and expires, UTC ms. */
  readonly iat: UtcMs;
  readonly exp: UtcMs;
  readonly seq: number;
  /** The bytes that were signed. */
  readonly raw: Uint8Array;
  /** Id that its steps carry. */
  readonly commandId: string;
  /** What the caller needs to report on it after a restart, as JSON. */
  readonly command: string;
}

/** A command that was accepted and has not ended. After a restart: never executed again. */
export interface OpenCommand extends CommandRecord {
  readonly lastStep: CommandStep | undefined;
}

/** Highest issue time and sequence ever taken under a key. */
export interface ReplayMark {
  readonly kid: string;
  readonly maxIat: UtcMs;
  readonly maxSeq: number;
}

export interface StoreStats {
  readonly level: StoreLevel;
  /** Rows that wait to be sent, and how old the oldest of them is. */
  readonly waitingRows: number;
  readonly oldestWaitingMs: number;
  readonly storedRows: number;
  /** Of the database file: in use, and allowed. */
  readonly usedBytes: number;
  readonly quotaBytes: number;
  /** Since the process started. */
  readonly appendedRows: number;
  readonly duplicateRows: number;
  readonly sentRows: number;
  readonly busyFrames: number;
  readonly refusedFrames: number;
  readonly heldRows: number;
  readonly heldDroppedRows: number;
  /** Given up unsent since the database was made, by class 0 … 4. */
  readonly lostRowsByClass: readonly number[];
  readonly damagedRows: number;
  readonly commitsPerS: number;
  /** Duration of the commit itself, fsync included. */
  readonly commitP50Ms: number;
  readonly commitP99Ms: number;
  /** Written to flash, at the rate since start: log and database file. */
  readonly bytesWrittenPerDay: number;
}

/** Faults that tests and benches put in, openly. Absent in production. */
export interface StoreFaults {
  /** Every commit takes this much longer. */
  readonly delayCommitMs?: number;
}
