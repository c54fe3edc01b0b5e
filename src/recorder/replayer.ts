import { cycle, stepsOf } from "../control/cycle.ts";
import type { CycleInputs, CycleResult } from "../control/exchange.ts";
import type { ControlState } from "../control/state.ts";
import { traceLength, writeTrace } from "../control/trace.ts";
import { digestOf } from "../control/trace-digest.ts";
import type { CommandStep } from "../domain/command.ts";
import type { MonotonicMs, UtcMs } from "../domain/time.ts";
import type { ImageView } from "../points/image.ts";
import { ByteReader } from "./byte-reader.ts";
import {
  type CycleRecord,
  type ListedOutputs,
  type RecordedWrite,
  readHead,
  readRest,
} from "./cycle-record.ts";
import { firstDifference } from "./difference.ts";
import { applyEnvelopeChanges } from "./envelope-changes.ts";
import type { RecordedImage } from "./image-changes.ts";
import { readPlain } from "./plain.ts";
import type { SegmentRecord } from "./segment.ts";
import { readSnapshot } from "./snapshot.ts";

/** What the cycle does with a record that is not what it did then. */
export interface ReplayDifference {
  readonly now: MonotonicMs;
  readonly utc: UtcMs;
  /** What is another one, and where: `write`, `events.0.text`, `state.units.0.mode`. */
  readonly what: string;
  /** Place of a point in the table, where one is concerned. */
  readonly point: number | undefined;
  readonly recorded: string;
  readonly replayed: string;
}

/** Cycles that a recording does not have, as it says itself. */
export interface RecordedGap {
  readonly cycles: number;
  readonly fromUtc: number;
  readonly toUtc: number;
  readonly reason: string;
}

/** A cycle that was played back. */
export interface ReplayedCycle {
  readonly record: CycleRecord;
  readonly result: CycleResult;
  /** Told between the cycle before and this one, by the reports of drivers. */
  readonly toldBetween: readonly CommandStep[];
}

export type ReplayStep =
  | { readonly kind: "cycle"; readonly cycle: ReplayedCycle }
  | { readonly kind: "difference"; readonly difference: ReplayDifference }
  /** A cycle whose beginning is not known: nothing before it, or a gap. */
  | { readonly kind: "skipped" }
  | { readonly kind: "gap"; readonly gap: RecordedGap }
  | { readonly kind: "snapshot"; readonly isCompared: boolean };

/**
 * Plays records of cycles back: builds the state from a snapshot, gives it the inputs that it had,
 * and compares whatever comes of it. A later snapshot is compared with the state as it has become,
 * field by field. Pure.
 */
export class Replayer {
  #state: ControlState | undefined;
  #image: RecordedImage | undefined;
  #trace = new Float64Array(0);

  /** As after the last record; undefined before the first snapshot and behind a gap. */
  get state(): ControlState | undefined {
    return this.#state;
  }

  get view(): ImageView | undefined {
    return this.#image?.view;
  }

  /** Forgets the state: what comes next is not the continuation of what was. */
  begin(): void {
    this.#state = undefined;
  }

  /** @throws GatewayError FILE_UNREADABLE */
  take({ kind, content }: SegmentRecord): ReplayStep {
    switch (kind) {
      case "header":
        // A segment goes on where the one before ended, if no snapshot says otherwise.
        return { kind: "skipped" };
      case "gap":
        this.begin();
        return { kind: "gap", gap: readPlain(new ByteReader(content)) as RecordedGap };
      case "snapshot":
        return this.#snapshot(content);
      case "cycle":
        return this.#cycle(content);
    }
  }

  #snapshot(content: Uint8Array): ReplayStep {
    const { state, image, utc } = readSnapshot(content);
    const before = this.#state;
    const found =
      before === undefined ? undefined : this.#difference({ before, state, image, utc });
    this.#state = state;
    this.#image = image;
    this.#trace = new Float64Array(traceLength(state));
    if (found !== undefined) return { kind: "difference", difference: found };
    return { kind: "snapshot", isCompared: before !== undefined };
  }

  #difference(found: {
    readonly before: ControlState;
    readonly state: ControlState;
    readonly image: RecordedImage;
    readonly utc: UtcMs;
  }): ReplayDifference | undefined {
    const { before, state, image, utc } = found;
    const now = state.cycledAt;
    const other = firstDifference(state, before, "state");
    if (other !== undefined) {
      const { path: what, recorded, replayed } = other;
      return { now, utc, what, point: undefined, recorded: say(recorded), replayed: say(replayed) };
    }
    const point = this.#image?.differsAt(image);
    if (point === undefined || this.#image === undefined) return undefined;
    const recorded = say(image.view.values[point]);
    return { now, utc, what: "image", point, recorded, replayed: say(this.view?.values[point]) };
  }

  #cycle(content: Uint8Array): ReplayStep {
    const state = this.#state;
    const image = this.#image;
    if (state === undefined || image === undefined) return { kind: "skipped" };
    const bytes = new ByteReader(content);
    const head = readHead(bytes);
    image.take(bytes);
    const record: CycleRecord = { ...head, ...readRest(bytes, state.envelope) };
    const toldBetween: CommandStep[] = [];
    for (const { report, utc } of record.reports) toldBetween.push(...stepsOf(state, report, utc));
    applyEnvelopeChanges(state.envelope, record.envelope);
    const result = cycle(state, inputsOf(record, image.view));
    const difference = this.#compare(state, record, result);
    if (difference !== undefined) return { kind: "difference", difference };
    return { kind: "cycle", cycle: { record, result, toldBetween } };
  }

  #compare(
    state: ControlState,
    record: CycleRecord,
    result: CycleResult,
  ): ReplayDifference | undefined {
    const { now, utc } = record;
    const found = otherWrite(record.writes, result.writes) ?? otherList(record, result);
    if (found !== undefined) return { now, utc, ...found };
    const view = this.view;
    if (view === undefined) return undefined;
    const length = writeTrace(state, view, this.#trace);
    const { high, low } = digestOf(this.#trace.subarray(0, length));
    if (high === record.digest.high && low === record.digest.low) return undefined;
    return {
      now,
      utc,
      what: "arbitration",
      point: undefined,
      recorded: `digest ${hex(record.digest.high)}${hex(record.digest.low)}`,
      replayed: `digest ${hex(high)}${hex(low)}`,
    };
  }
}

function inputsOf(record: CycleRecord, view: ImageView): CycleInputs {
  const { now, utc, isStopping, inputs, reports } = record;
  const outcomes = reports.map(({ report }) => report);
  return { now, utc, view, outcomes, isStopping, ...inputs };
}

type Found = Omit<ReplayDifference, "now" | "utc">;

function otherWrite(
  recorded: readonly RecordedWrite[],
  replayed: readonly RecordedWrite[],
): Found | undefined {
  const count = Math.max(recorded.length, replayed.length);
  for (let at = 0; at < count; at += 1) {
    const then = recorded[at];
    const now = replayed[at];
    if (then !== undefined && now !== undefined && isSameWrite(then, now)) continue;
    const point = then?.point ?? now?.point;
    return { what: "write", point, recorded: sayWrite(then), replayed: sayWrite(now) };
  }
  return undefined;
}

function isSameWrite(then: RecordedWrite, now: RecordedWrite): boolean {
  return (
    then.point === now.point &&
    Object.is(then.value, now.value) &&
    then.isProtective === now.isProtective &&
    then.confirm === now.confirm
  );
}

function otherList(record: CycleRecord, result: CycleResult): Found | undefined {
  const { events, steps, answers, workloads, distrusted } = result;
  const replayed: ListedOutputs = { events, steps, answers, workloads, distrusted };
  const found =
    firstDifference(record.outputs, replayed) ??
    firstDifference(record.latchRevision, result.latchRevision, "latches");
  if (found === undefined) return undefined;
  const { path: what, recorded, replayed: now } = found;
  return { what, point: undefined, recorded: say(recorded), replayed: say(now) };
}

function sayWrite(write: RecordedWrite | undefined): string {
  if (write === undefined) return "nothing";
  return `${write.value}${write.isProtective ? " (protective)" : ""}`;
}

/** A value for people. */
function say(value: unknown): string {
  if (Object.is(value, -0)) return "-0";
  if (typeof value !== "object" || value === null) return String(value);
  return JSON.stringify(value).slice(0, WORDS_MAX);
}

const WORDS_MAX = 200;
const HEX_DIGITS = 8;

function hex(word: number): string {
  return word.toString(16).padStart(HEX_DIGITS, "0");
}
