import type { MessagePort } from "node:worker_threads";
import type { CommandStep } from "../domain/command.ts";
import type { ErrorCode } from "../domain/errors.ts";
import type { PackedFrame, PackedRows } from "./packing.ts";
import type {
  BacklogQuery,
  CommandRecord,
  HistoryQuery,
  Loss,
  OpenCommand,
  OpenReport,
  ReplayMark,
  ResumeMark,
  RowProducer,
  StoreFaults,
  StoreLimits,
  StoreReport,
  StoreStats,
  StreamMark,
} from "./rows.ts";

/** What the worker is started with. */
export interface WorkerStart {
  readonly directory: string;
  readonly limits: StoreLimits;
  readonly faults: StoreFaults;
  /** Commands come on a port of their own: they overtake every frame that waits. */
  readonly commands: MessagePort;
}

/** Between client and worker, beside `Question`s. Every token is answered once. */
export type ToWorker =
  | { readonly kind: "batch"; readonly batch: Batch }
  /** Ids of rows that will never come. */
  | { readonly kind: "gone"; readonly first: number; readonly last: number }
  | { readonly kind: "ack"; readonly stream: string; readonly epoch: number; readonly seq: number }
  | { readonly kind: "resume"; readonly producer: RowProducer }
  | { readonly kind: "confirm-losses"; readonly lossIds: readonly number[] }
  | { readonly kind: "ask"; readonly token: number; readonly question: Question }
  | { readonly kind: "close"; readonly token: number };

/** What one commit is to store. Every token is answered by a `committed` message. */
export interface Batch {
  readonly frames: readonly { readonly token: number; readonly frame: PackedFrame }[];
  readonly steps: readonly { readonly token: number; readonly step: CommandStep }[];
  /** Ids of rows that the broker took. */
  readonly sent: Float64Array;
}

export type Question =
  | { readonly about: "backlog"; readonly query: BacklogQuery }
  | { readonly about: "history"; readonly stream: string; readonly query: HistoryQuery }
  | { readonly about: "events"; readonly query: HistoryQuery }
  | { readonly about: "resend"; readonly range: ResendRange }
  | { readonly about: "stats" }
  | { readonly about: "commands" };

export interface ResendRange {
  readonly stream: string;
  readonly epoch: number;
  readonly fromSeq: number;
  readonly toSeq: number;
}

export type Answer =
  | { readonly about: "rows"; readonly packed: PackedRows; readonly more: boolean }
  | { readonly about: "requeued"; readonly rows: number }
  | { readonly about: "stats"; readonly stats: Omit<StoreStats, "busyFrames"> }
  | { readonly about: "commands"; readonly commands: readonly OpenCommand[] }
  | { readonly about: "closed" };

export interface OpenedMessage {
  readonly kind: "opened";
  readonly report: OpenReport;
  readonly nextId: number;
  readonly names: readonly (readonly [number, string])[];
  readonly resumeMarks: readonly (readonly [RowProducer, ResumeMark])[];
  readonly streamMarks: readonly StreamMark[];
  readonly replayMarks: readonly ReplayMark[];
  readonly losses: readonly Loss[];
}

export type FromWorker =
  | OpenedMessage
  | {
      readonly kind: "committed";
      readonly stored: readonly number[];
      readonly refused: readonly number[];
    }
  | { readonly kind: "answer"; readonly token: number; readonly answer: Answer }
  | { readonly kind: "reports"; readonly reports: readonly StoreReport[] }
  | { readonly kind: "failed"; readonly code: ErrorCode; readonly why: string };

export interface JournalRequest {
  readonly token: number;
  readonly record: CommandRecord;
}

export type JournalAnswer =
  | { readonly token: number; readonly result: "fresh" | "replay" }
  | { readonly token: number; readonly result: "refused"; readonly code: ErrorCode };
