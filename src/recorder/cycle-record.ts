import type { Command, CommandStep } from "../domain/command.ts";
import { pointIndex } from "../domain/point.ts";
import { monotonicMs, type UtcMs, utcMs } from "../domain/time.ts";
import type { ReadBack } from "../domain/write.ts";
import type { ControlWrite, CyclicReport, CycleInputs, CycleResult } from "../control/exchange.ts";
import type { Envelope } from "../control/envelope.ts";
import type { Digest } from "../control/trace-digest.ts";
import { itemAt } from "../control/item-at.ts";
import type { ByteReader } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";
import { type EnvelopeChange, readEnvelopeChanges } from "./envelope-changes.ts";
import { readPlain, writePlain } from "./plain.ts";

/** A report of a driver, and when it was taken in. */
export interface TimedReport {
  readonly report: CyclicReport;
  readonly utc: UtcMs;
}

/** What others did between two cycles, for whoever asks why; nothing of it is played back. */
export interface BesideCycle {
  /** Commands of the direct lane. */
  readonly direct: readonly Command[];
  /** Steps that the direct lane told. */
  readonly told: readonly CommandStep[];
}

/** The inputs of a cycle without its image and without its reports, which stand apart. */
export type ListedInputs = Pick<CycleInputs, "commands" | "orders" | "news" | "workloads">;
export type ListedOutputs = Pick<
  CycleResult,
  "events" | "steps" | "answers" | "workloads" | "distrusted"
>;
/** A write as a record has it: the rest of it follows from the point and the cycle. */
export type RecordedWrite = Pick<ControlWrite, "point" | "value" | "isProtective" | "confirm">;

/** All of a record but the image. */
export interface CycleRecord {
  readonly now: CycleInputs["now"];
  readonly utc: UtcMs;
  readonly isStopping: boolean;
  readonly reports: readonly TimedReport[];
  readonly envelope: readonly EnvelopeChange[];
  readonly inputs: ListedInputs;
  readonly beside: BesideCycle;
  readonly writes: readonly RecordedWrite[];
  readonly outputs: ListedOutputs;
  readonly latchRevision: number;
  readonly digest: Digest;
}

const STOPPING = 1;
const LISTS = 2;
const NO_INPUTS: ListedInputs = {
  commands: [],
  orders: [],
  news: undefined,
  workloads: undefined,
};
const NOTHING_BESIDE: BesideCycle = { direct: [], told: [] };
const NO_OUTPUTS: ListedOutputs = {
  events: [],
  steps: [],
  answers: [],
  workloads: [],
  distrusted: [],
};

export function writeInputs(out: ByteWriter, inputs: CycleInputs, beside: BesideCycle): void {
  const { commands, orders, news, workloads } = inputs;
  const hasLists =
    commands.length > 0 ||
    orders.length > 0 ||
    news !== undefined ||
    (workloads?.length ?? 0) > 0 ||
    beside.direct.length > 0 ||
    beside.told.length > 0;
  out.number(inputs.now);
  out.number(inputs.utc);
  out.byte((inputs.isStopping === true ? STOPPING : 0) | (hasLists ? LISTS : 0));
  if (hasLists) writePlain(out, { inputs: { commands, orders, news, workloads }, beside });
}

/** The beginning of a record; image, envelope and reports follow. */
export interface RecordHead {
  readonly now: CycleInputs["now"];
  readonly utc: UtcMs;
  readonly isStopping: boolean;
  readonly inputs: ListedInputs;
  readonly beside: BesideCycle;
}

/** @throws GatewayError FILE_UNREADABLE, as all that reads here */
export function readHead(bytes: ByteReader): RecordHead {
  const now = monotonicMs(bytes.number());
  const utc = utcMs(bytes.number());
  const flags = bytes.byte();
  const lists =
    (flags & LISTS) === 0
      ? { inputs: NO_INPUTS, beside: NOTHING_BESIDE }
      : (readPlain(bytes) as Pick<RecordHead, "inputs" | "beside">);
  return { now, utc, isStopping: (flags & STOPPING) !== 0, ...lists };
}

const RESULTS = ["accepted", "refused", "unknown"] as const;
const READ_BACKS = ["none", "unconfirmed", "applied", "differs"] as const;
const HAS_REASON = 0x80;

export function writeReports(out: ByteWriter, reports: readonly TimedReport[]): void {
  out.whole(reports.length);
  for (const { report, utc } of reports) {
    const { point, value, result, reason, readBack, sentAt } = report;
    const place = READ_BACKS.indexOf(readBack?.result ?? "none");
    const flags = RESULTS.indexOf(result) * READ_BACKS.length + place;
    out.byte(flags | (reason === undefined ? 0 : HAS_REASON));
    out.whole(point);
    out.number(value);
    out.number(sentAt);
    out.number(utc);
    if (reason !== undefined) out.text(reason);
    if (readBack !== undefined && "value" in readBack) out.number(readBack.value);
  }
}

function readReports(bytes: ByteReader): readonly TimedReport[] {
  const reports: TimedReport[] = [];
  for (let left = bytes.count(); left > 0; left -= 1) {
    const flags = bytes.byte();
    const code = flags & ~HAS_REASON;
    const result = itemAt(RESULTS, Math.floor(code / READ_BACKS.length) % RESULTS.length);
    const shown = itemAt(READ_BACKS, code % READ_BACKS.length);
    const point = pointIndex(bytes.whole());
    const value = bytes.number();
    const sentAt = monotonicMs(bytes.number());
    const utc = utcMs(bytes.number());
    const reason = (flags & HAS_REASON) === 0 ? undefined : bytes.text();
    const readBack = readBackOf(shown, bytes);
    reports.push({ report: { point, value, result, reason, readBack, sentAt }, utc });
  }
  return reports;
}

function readBackOf(shown: (typeof READ_BACKS)[number], bytes: ByteReader): ReadBack | undefined {
  if (shown === "none") return undefined;
  return shown === "unconfirmed" ? { result: shown } : { result: shown, value: bytes.number() };
}

const PROTECTIVE = 1;
const READ_BACK = 2;

export function writeOutputs(out: ByteWriter, result: CycleResult, digest: Digest): void {
  const { events, steps, answers, workloads, distrusted } = result;
  const hasLists =
    events.length + steps.length + answers.length + workloads.length + distrusted.length > 0;
  out.byte(hasLists ? LISTS : 0);
  if (hasLists) writePlain(out, { events, steps, answers, workloads, distrusted });
  out.whole(result.writes.length);
  for (const { point, value, isProtective, confirm } of result.writes) {
    out.byte((isProtective ? PROTECTIVE : 0) | (confirm === "read-back" ? READ_BACK : 0));
    out.whole(point);
    out.number(value);
  }
  out.whole(result.latchRevision);
  out.uint32(digest.high);
  out.uint32(digest.low);
}

/**
 * What follows the image in a record.
 *
 * @param envelopeThen of the state before the cycle
 */
export function readRest(
  bytes: ByteReader,
  envelopeThen: Envelope,
): Omit<CycleRecord, keyof RecordHead> {
  const envelope = readEnvelopeChanges(bytes, envelopeThen);
  const reports = readReports(bytes);
  const flags = bytes.byte();
  const outputs = (flags & LISTS) === 0 ? NO_OUTPUTS : (readPlain(bytes) as ListedOutputs);
  const writes: RecordedWrite[] = [];
  for (let left = bytes.count(); left > 0; left -= 1) {
    const kind = bytes.byte();
    writes.push({
      point: pointIndex(bytes.whole()),
      value: bytes.number(),
      isProtective: (kind & PROTECTIVE) !== 0,
      confirm: (kind & READ_BACK) === 0 ? "by-poll" : "read-back",
    });
  }
  const latchRevision = bytes.whole();
  const digest = { high: bytes.uint32(), low: bytes.uint32() };
  return { envelope, reports, outputs, writes, latchRevision, digest };
}
