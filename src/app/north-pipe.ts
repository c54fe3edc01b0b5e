import type { CommandStep } from "../domain/command.ts";
import { GatewayError } from "../domain/errors.ts";
import type { PlantEvent, Severity } from "../domain/event.ts";
import type { StreamId } from "../domain/point.ts";
import type { Round } from "../domain/round.ts";
import type { Clock, UtcMs } from "../domain/time.ts";
import type { Speaker } from "../dcpi/document.ts";
import { eventDocument, eventTopic } from "../dcpi/events.ts";
import { asBackfill, TelemetryEncoder, type TelemetryForm } from "../dcpi/telemetry.ts";
import type { ReceivedFrame } from "../link/round-consumer.ts";
import type { Publisher } from "../northbound/publisher.ts";
import type { PointImage } from "../points/image.ts";
import type { NewRow, RowClass, RowProducer } from "../store/rows.ts";
import type { Store } from "../store/store.ts";
import type { SiteContext } from "./site-context.ts";

/** Streams whose messages services numbers itself. */
const EVENT_STREAM = "events";
const ACK_STREAM = "acks";

const CLASS_BY_SEVERITY: Readonly<Record<Severity, RowClass>> = {
  trip: 0,
  critical: 0,
  warning: 1,
  info: 2,
};
const ACK_CLASS: RowClass = 0;
const TELEMETRY_CLASS: RowClass = 3;
const DIAGNOSTICS_CLASS: RowClass = 4;

export interface NorthPipeParts {
  readonly context: SiteContext;
  readonly store: Store;
  readonly publisher: Pick<Publisher, "publishRow">;
  readonly image: PointImage;
  readonly clock: Clock;
  readonly speaker: Speaker;
  readonly modelHash: string;
  readonly form: TelemetryForm;
  /** `dcpi/v1/<site>/<gateway>/`. */
  readonly prefix: string;
  /** What a step of a command says north, in the dialect of its asker. */
  readonly ackOf: (step: CommandStep) => { readonly topic: string; readonly payload: Uint8Array };
}

/** Counted since the start. */
export interface NorthPipeCounters {
  rounds: number;
  values: number;
  events: number;
  steps: number;
  /** Frames that the store refused; their producer keeps and sends them again. */
  refusedFrames: number;
}

/**
 * The way of everything that goes north: encoded once, offered to the live lane, stored as the same
 * bytes. A frame of a producer is stored in one transaction with the place where it resumes.
 */
export class NorthPipe {
  readonly counters: NorthPipeCounters = {
    rounds: 0,
    values: 0,
    events: 0,
    steps: 0,
    refusedFrames: 0,
  };
  readonly #parts: NorthPipeParts;
  readonly #encoders = new Map<StreamId, StreamEncoder>();
  readonly #epoch: number;
  readonly #lastSeqs = new Map<string, { readonly epoch: number; readonly seq: number }>();
  #frameNo = 0;

  constructor(parts: NorthPipeParts) {
    this.#parts = parts;
    this.#epoch = parts.clock.utcNow();
    const { context, modelHash, form, prefix } = parts;
    // A producer that outlived services keeps its epoch: numbers that began anew would be taken
    // for rows that come twice.
    for (const { stream, epoch, seq } of parts.store.streamMarks)
      this.#lastSeqs.set(stream, { epoch, seq });
    for (const device of context.table.devices) {
      this.#encoders.set(device.stream, {
        device: device.id,
        topic: `${prefix}tel/${device.id}`,
        class: device.deviceClass === "gateway" ? DIAGNOSTICS_CLASS : TELEMETRY_CLASS,
        encoder: new TelemetryEncoder(context.table, device, { modelHash, form }),
      });
    }
  }

  /**
   * Takes a frame in; resolves when it is on disk.
   *
   * @throws GatewayError STORE_BUSY or STORE_FULL: the frame is for its producer to send again
   */
  async take(frame: ReceivedFrame): Promise<void> {
    const { producer, epoch, frameNo } = frame;
    const rows: NewRow[] = [];
    const steps: CommandStep[] = [];
    for (const item of frame.items) {
      if (item.kind === "round") rows.push(this.#roundRow(item.round, epoch));
      else if (item.kind === "event")
        rows.push(this.#eventRow(item.event, `events-${producer}`, epoch));
      else {
        rows.push(this.#ackRow(item.step, `acks-${producer}`, epoch));
        steps.push(item.step);
      }
    }
    // In the commit of their frame or before it: a command that ended is not left open by a crash.
    const recorded = steps.map(async (step) => this.#parts.store.recordStep(step));
    const stored = this.#append({ producer, epoch, frameNo, rows }).catch((error: unknown) => {
      this.#takeBack(rows, epoch);
      throw error;
    });
    await Promise.all([...recorded, stored]);
  }

  /** An event of services itself. */
  async tell(event: PlantEvent): Promise<void> {
    await this.#appendOwn([this.#eventRow(event, EVENT_STREAM, this.#epoch)]);
  }

  /** A round that services makes of its own state. */
  async tellRound(stream: StreamId, fill: (seq: number) => Round): Promise<void> {
    const name = this.#encoders.get(stream)?.device ?? "gateway";
    const round = fill(this.#nextSeq(name, this.#epoch));
    await this.#appendOwn([this.#roundRow(round, this.#epoch)]);
  }

  /** A step of a command that never reached control. */
  async answer(step: CommandStep): Promise<void> {
    await this.#appendOwn([this.#ackRow(step, ACK_STREAM, this.#epoch)]);
  }

  /** An answer whose bytes are made already. */
  async answerWith(topic: string, payload: Uint8Array, at: UtcMs): Promise<void> {
    await this.#appendOwn([
      this.#row({ class: ACK_CLASS, topic, stream: ACK_STREAM, epoch: this.#epoch, at, payload }),
    ]);
  }

  #roundRow(round: Round, epoch: number): NewRow {
    const stream = this.#encoders.get(round.stream);
    if (stream === undefined)
      throw new GatewayError("FRAME_MALFORMED", { stream: round.stream, reason: "no such stream" });
    if (round.isHistory !== true) this.#parts.image.post(round);
    this.counters.rounds += 1;
    this.counters.values += round.points.length;
    const row: NewRow = {
      id: this.#parts.store.nextId(),
      class: stream.class,
      topic: stream.topic,
      stream: stream.device,
      seq: round.seq,
      utc: round.receivedUtc,
      payload:
        round.isHistory === true
          ? asBackfill(stream.encoder.encode(epoch, round))
          : stream.encoder.encode(epoch, round),
    };
    this.#parts.publisher.publishRow(row);
    return row;
  }

  #eventRow(event: PlantEvent, stream: string, epoch: number): NewRow {
    const { speaker, prefix } = this.#parts;
    this.counters.events += 1;
    return this.#row({
      class: CLASS_BY_SEVERITY[event.severity],
      topic: prefix + eventTopic(event),
      stream,
      epoch,
      at: event.at,
      payload: eventDocument(speaker, event, this.counters.events),
    });
  }

  #ackRow(step: CommandStep, stream: string, epoch: number): NewRow {
    const { ackOf } = this.#parts;
    this.counters.steps += 1;
    const { topic, payload } = ackOf(step);
    return this.#row({ class: ACK_CLASS, topic, stream, epoch, at: step.at, payload });
  }

  #row(parts: {
    readonly class: RowClass;
    readonly topic: string;
    readonly stream: string;
    readonly epoch: number;
    readonly at: UtcMs;
    readonly payload: Uint8Array;
  }): NewRow {
    const row: NewRow = {
      id: this.#parts.store.nextId(),
      class: parts.class,
      topic: parts.topic,
      stream: parts.stream,
      seq: this.#nextSeq(parts.stream, parts.epoch),
      utc: parts.at,
      payload: parts.payload,
    };
    this.#parts.publisher.publishRow(row);
    return row;
  }

  #nextSeq(stream: string, epoch: number): number {
    const last = this.#lastSeqs.get(stream);
    const seq = last?.epoch === epoch ? last.seq + 1 : 1;
    this.#lastSeqs.set(stream, { epoch, seq });
    return seq;
  }

  /**
   * Numbers of a refused frame are given again: the store takes nothing of its producer after it
   * until the link begins anew, and then the same frame comes first.
   */
  #takeBack(rows: readonly NewRow[], epoch: number): void {
    for (const { stream, seq } of rows) {
      const last = this.#lastSeqs.get(stream);
      if (last?.epoch === epoch && seq <= last.seq)
        this.#lastSeqs.set(stream, { epoch, seq: seq - 1 });
    }
  }

  async #appendOwn(rows: readonly NewRow[]): Promise<void> {
    this.#frameNo += 1;
    await this.#append({ producer: "services", epoch: this.#epoch, frameNo: this.#frameNo, rows });
  }

  async #append(frame: {
    readonly producer: RowProducer;
    readonly epoch: number;
    readonly frameNo: number;
    readonly rows: readonly NewRow[];
  }): Promise<void> {
    try {
      await this.#parts.store.appendFrame(frame);
    } catch (error) {
      this.counters.refusedFrames += 1;
      throw error;
    }
  }
}

interface StreamEncoder {
  readonly device: string;
  readonly topic: string;
  readonly class: RowClass;
  readonly encoder: TelemetryEncoder;
}
