import type { Command, CommandStep } from "../domain/command.ts";
import type { UtcMs } from "../domain/time.ts";
import type { CyclicReport, CycleInputs, CycleResult } from "../control/exchange.ts";
import type { ControlState } from "../control/state.ts";
import { digestOf } from "../control/trace-digest.ts";
import type { ImageView } from "../points/image.ts";
import { ByteWriter } from "./byte-writer.ts";
import { type TimedReport, writeInputs, writeOutputs, writeReports } from "./cycle-record.ts";
import { EnvelopeWriter } from "./envelope-changes.ts";
import { ImageWriter } from "./image-changes.ts";
import { writePlain } from "./plain.ts";

/** Largest record of one cycle. */
const CYCLE_MAX_BYTES = 4 * 1_024 * 1_024;
/** A snapshot: of each point so many bytes at most, and of the state so many. */
const POINT_BYTES = 36;
const STATE_MAX_BYTES = 16 * 1_024 * 1_024;
/** What waits for the next cycle; control itself forgets reports long before, and tells that. */
const WAITING_MAX = 2_048;

/**
 * Puts cycles into records. Between two calls of `after` it is told of everything else that changes
 * control's state, so that a reader who plays the records has the same state at every cycle.
 */
export class CycleRecorder {
  readonly #out: ByteWriter;
  readonly #snapshotOut: ByteWriter;
  readonly #image: ImageWriter;
  readonly #envelope: EnvelopeWriter;
  #reports: TimedReport[] = [];
  #direct: Command[] = [];
  #told: CommandStep[] = [];

  constructor(state: ControlState, pointCount: number) {
    this.#image = new ImageWriter(pointCount);
    this.#envelope = new EnvelopeWriter(state.envelope);
    this.#out = new ByteWriter(CYCLE_MAX_BYTES);
    this.#snapshotOut = new ByteWriter(STATE_MAX_BYTES + pointCount * POINT_BYTES);
  }

  /** A report of a driver was taken in: told to the commands at once, and to the next cycle. */
  report(report: CyclicReport, utc: UtcMs): void {
    if (this.#reports.length < WAITING_MAX) this.#reports.push({ report, utc });
  }

  /** A command went to the direct lane. */
  direct(command: Command): void {
    if (this.#direct.length < WAITING_MAX) this.#direct.push(command);
  }

  /** The direct lane told steps. */
  told(steps: readonly CommandStep[]): void {
    if (this.#told.length < WAITING_MAX) this.#told.push(...steps);
  }

  /**
   * Before a cycle, when its image is taken.
   *
   * @param taken places of the points that may have changed since the cycle before
   */
  before(inputs: CycleInputs, taken: Uint32Array): void {
    const out = this.#out;
    out.clear();
    writeInputs(out, inputs, { direct: this.#direct, told: this.#told });
    this.#image.changes(out, inputs.view, taken, taken.length);
    this.#envelope.changes(out);
    writeReports(out, this.#reports);
    if (this.#reports.length > 0) this.#reports = [];
    if (this.#direct.length > 0) this.#direct = [];
    if (this.#told.length > 0) this.#told = [];
  }

  /**
   * After the cycle: its record, until the next call; undefined when it is larger than a record may
   * be.
   *
   * @param trace numbers of `writeTrace`
   */
  after(result: CycleResult, trace: Float64Array): Uint8Array | undefined {
    const out = this.#out;
    writeOutputs(out, result, digestOf(trace));
    this.#envelope.note();
    return out.isFull ? undefined : out.written();
  }

  /**
   * The whole state and image: from here on a reader can begin. Only directly after a cycle, or
   * before the first. Undefined when it is larger than a record may be.
   */
  snapshot(state: ControlState, view: ImageView, utc: UtcMs): Uint8Array | undefined {
    const out = this.#snapshotOut;
    out.clear();
    out.number(utc);
    out.whole(view.values.length);
    this.#image.everything(out, view);
    this.#envelope.note();
    writePlain(out, state);
    return out.isFull ? undefined : out.written();
  }
}
