import type { CyclicReport, CycleInputs, CycleResult } from "../control/exchange.ts";
import type { ControlPlan } from "../control/plan.ts";
import type { ControlState } from "../control/state.ts";
import type { Command, CommandStep } from "../domain/command.ts";
import type { PlantEvent } from "../domain/event.ts";
import type { Clock, UtcMs } from "../domain/time.ts";
import { ByteWriter } from "../recorder/byte-writer.ts";
import { writePlain } from "../recorder/plain.ts";
import { CycleRecorder } from "../recorder/recorder.ts";
import type { RecordedGap } from "../recorder/replayer.ts";
import type { RecordKind } from "../recorder/segment.ts";

/** A reader begins at a snapshot: so much has to be played at most before what is looked for. */
const SNAPSHOT_MS = 60_000;
/** After a loss the next beginning is tried so much later: a beginning is a large record. */
export const BEGIN_AGAIN_MS = 5_000;
/** Nobody says that a record is kept: after so long without a failure it is believed. */
export const SOUND_MS = 8_000;
const GAP_MAX_BYTES = 1_024;

/** Takes records, and never waits. */
export interface RecordSink {
  /** False: there is no room, or nobody takes it; nothing of it is kept. */
  offer(kind: RecordKind, content: Uint8Array): boolean;
  /** Grows when something that was taken could not be kept: a segment is at its end then. */
  readonly failures: number;
  /** Why not, for a person. */
  readonly reason: string;
}

export interface FlightRecorderParts {
  readonly sink: RecordSink;
  /** A `SegmentHeader` as bytes. */
  readonly header: (plan: ControlPlan) => Uint8Array;
  readonly clock: Clock;
  /** A new segment begins when so much is in one. */
  readonly segmentBytes: number;
  /** Device of the event. */
  readonly device: string;
  readonly onEvent: (event: PlantEvent) => void;
}

/** What was recorded since the start. */
export interface RecorderFigures {
  readonly isRecording: boolean;
  readonly cycles: number;
  readonly lostCycles: number;
  readonly bytes: number;
  readonly segments: number;
}

/**
 * Records every cycle: what it saw, what it was asked, and what it did, so that it can be played
 * back. The cycle's thread copies what changed and goes on; where nobody takes it, cycles are
 * missing from the record and counted, and no cycle is late.
 */
export class FlightRecorder {
  readonly #parts: FlightRecorderParts;
  readonly #gapOut = new ByteWriter(GAP_MAX_BYTES);
  #recorder: CycleRecorder | undefined;
  #state: ControlState | undefined;
  #isRecording = false;
  #failures = 0;
  #segmentBytes = 0;
  #snapshotAt = 0;
  #triedAt = -Infinity;
  /** Kept until the recording has been sound for a while: it may be one and the same. */
  #gap: { cycles: number; fromUtc: UtcMs; isNewSegment: boolean } | undefined;
  #isRaised = false;
  readonly #figures = { cycles: 0, lostCycles: 0, bytes: 0, segments: 0 };

  constructor(parts: FlightRecorderParts) {
    this.#parts = parts;
  }

  get figures(): RecorderFigures {
    return { ...this.#figures, isRecording: this.#isRecording };
  }

  /** Before a cycle, when its image is taken; see `CycleRecorder`. */
  before(state: ControlState, inputs: CycleInputs, taken: Uint32Array): void {
    // Another state: the settings in force have changed places with a shadow's.
    if (this.#recorder === undefined || state !== this.#state) {
      this.#state = state;
      this.#isRecording = false;
      this.#recorder = new CycleRecorder(state, inputs.view.values.length);
      this.#begin(this.#recorder, state, inputs);
    }
    this.#recorder.before(inputs, taken);
  }

  /** After the cycle. @param trace numbers of `writeTrace` */
  after(state: ControlState, inputs: CycleInputs, done: CycleEnd): void {
    const recorder = this.#recorder;
    if (recorder === undefined) return;
    const { now } = inputs;
    const record = recorder.after(done.result, done.trace);
    const isKept = this.#isSound() && record !== undefined && this.#offer("cycle", record);
    if (!isKept) this.#lose(inputs.utc);
    else this.#figures.cycles += 1;
    if (this.#isRecording && now - this.#triedAt >= SOUND_MS) this.#heal();
    if (this.#isRecording) this.#renew(recorder, state, inputs);
    else if (now - this.#triedAt >= BEGIN_AGAIN_MS) this.#begin(recorder, state, inputs);
  }

  report(report: CyclicReport, utc: UtcMs): void {
    this.#recorder?.report(report, utc);
  }

  direct(command: Command): void {
    this.#recorder?.direct(command);
  }

  told(steps: readonly CommandStep[]): void {
    if (steps.length > 0) this.#recorder?.told(steps);
  }

  /** Something changed the state that is in no record: the next cycle cannot be played. */
  miss(): void {
    this.#isRecording = false;
  }

  /** False from the first failure behind the sink on: what was taken last is not in the file. */
  #isSound(): boolean {
    const { failures } = this.#parts.sink;
    if (failures !== this.#failures) {
      this.#failures = failures;
      this.#isRecording = false;
      if (this.#gap !== undefined) this.#gap.isNewSegment = true;
      else this.#gap = { cycles: 0, fromUtc: this.#parts.clock.utcNow(), isNewSegment: true };
    }
    return this.#isRecording;
  }

  #lose(utc: UtcMs): void {
    this.#isRecording = false;
    this.#figures.lostCycles += 1;
    this.#gap ??= { cycles: 0, fromUtc: utc, isNewSegment: false };
    this.#gap.cycles += 1;
    this.#tell(true);
  }

  /** A new segment when this one is long enough, a snapshot from time to time. */
  #renew(recorder: CycleRecorder, state: ControlState, { now, view, utc }: CycleInputs): void {
    const isLong = this.#segmentBytes >= this.#parts.segmentBytes;
    if (!isLong && now - this.#snapshotAt < SNAPSHOT_MS) return;
    const snapshot = recorder.snapshot(state, view, utc);
    if (snapshot === undefined) return;
    this.#snapshotAt = now;
    if (isLong) this.#isRecording = this.#beginSegment(state);
    // Without its snapshot a segment cannot be read from its beginning.
    const isThere = this.#isRecording && this.#offer("snapshot", snapshot);
    if (!isThere && isLong) this.#isRecording = false;
  }

  /** At the start, and after a loss. */
  #begin(recorder: CycleRecorder, state: ControlState, inputs: CycleInputs): void {
    const { now, view, utc } = inputs;
    this.#triedAt = now;
    const snapshot = recorder.snapshot(state, view, utc);
    if (snapshot === undefined) return;
    const gap = this.#gap;
    const isNewSegment = gap?.isNewSegment !== false;
    if (isNewSegment && !this.#beginSegment(state)) return;
    if (gap !== undefined && !this.#offer("gap", this.#gapRecord(gap, utc))) return;
    if (!this.#offer("snapshot", snapshot)) return;
    this.#snapshotAt = now;
    this.#isRecording = true;
  }

  #heal(): void {
    this.#gap = undefined;
    this.#tell(false);
  }

  #beginSegment({ plan }: ControlState): boolean {
    if (!this.#offer("header", this.#parts.header(plan))) return false;
    this.#segmentBytes = 0;
    this.#figures.segments += 1;
    return true;
  }

  #gapRecord(gap: { readonly cycles: number; readonly fromUtc: UtcMs }, utc: UtcMs): Uint8Array {
    const { cycles, fromUtc } = gap;
    const { reason } = this.#parts.sink;
    this.#gapOut.clear();
    writePlain(this.#gapOut, { cycles, fromUtc, toUtc: utc, reason } satisfies RecordedGap);
    return this.#gapOut.written();
  }

  #offer(kind: RecordKind, content: Uint8Array): boolean {
    if (!this.#parts.sink.offer(kind, content)) return false;
    this.#segmentBytes += content.length;
    this.#figures.bytes += content.length;
    return true;
  }

  #tell(isActive: boolean): void {
    if (isActive === this.#isRaised) return;
    this.#isRaised = isActive;
    const { onEvent, device, clock, sink } = this.#parts;
    onEvent({
      id: "recorder-gap",
      severity: "warning",
      phase: isActive ? "raised" : "cleared",
      device,
      point: undefined,
      text: isActive
        ? `cycles are missing from the flight recording: ${sink.reason}`
        : `the flight recording goes on; ${this.#figures.lostCycles} cycles are missing from it`,
      at: clock.utcNow(),
    });
  }
}

/** What came of a cycle. */
export interface CycleEnd {
  readonly result: CycleResult;
  readonly trace: Float64Array;
}
