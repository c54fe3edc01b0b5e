import { MessageChannel, type MessagePort, type Worker } from "node:worker_threads";
import { assert } from "../domain/assert.ts";
import type { CommandStep } from "../domain/command.ts";
import { type ErrorCode, GatewayError } from "../domain/errors.ts";
import type { Clock } from "../domain/time.ts";
import { startThread } from "../platform/worker-thread.ts";
import type {
  Answer,
  FromWorker,
  JournalAnswer,
  JournalRequest,
  OpenedMessage,
  Question,
  ResendRange,
  ToWorker,
} from "./messages.ts";
import { NameBook } from "./names.ts";
import { Outgoing } from "./outgoing.ts";
import { packRows, unpackStored } from "./packing.ts";
import {
  type BacklogQuery,
  type CommandRecord,
  type HistoryPage,
  type HistoryQuery,
  type NewFrame,
  type OpenCommand,
  type OpenReport,
  type ReplayMark,
  type ResumeMark,
  type RowProducer,
  STORE_LIMITS,
  type StoredRow,
  type StoreFaults,
  type StoreLimits,
  type StoreReport,
  type StoreStats,
  type StreamMark,
} from "./rows.ts";

export interface StoreOptions {
  /** Exists, and belongs to this store alone. */
  readonly directory: string;
  readonly limits?: Partial<StoreLimits>;
  readonly clock: Clock;
  /** Told of levels, losses and the end of the store; called on the main thread. */
  readonly report: (report: StoreReport) => void;
  readonly faults?: StoreFaults;
}

interface WaitingFrame {
  readonly bytes: number;
  readonly rows: number;
  readonly producer: RowProducer;
  readonly mark: ResumeMark;
  readonly resolve: () => void;
  readonly reject: (error: GatewayError) => void;
}

interface WaitingAnswer {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: GatewayError) => void;
}

interface WaitingVerdict {
  readonly resolve: (verdict: "fresh" | "replay") => void;
  readonly reject: (error: GatewayError) => void;
}

const CLOSE_MS = 2000;
/** Questions on their way at once; more are refused with STORE_BUSY. */
const QUESTIONS_MAX = 256;

/**
 * Everything the gateway must not lose, on disk: rows on their way north, recent history, commands
 * before they are executed. All disk work is done by one worker thread; nothing here blocks.
 *
 * What it promises: a row whose `appendFrame` resolved is handed out by `takeBacklog` until it is
 * marked sent, over any crash, unless room ran out or its bytes were damaged, and then that is
 * counted and reported. What it does not: to hand it out only once.
 */
export class Store {
  /** What opening found: a crash before, or files that could not be used. */
  readonly opened: OpenReport;
  /** The last row of each stream on disk when the store was opened. */
  readonly streamMarks: readonly StreamMark[];
  readonly replayMarks: readonly ReplayMark[];

  readonly #worker: Worker;
  readonly #commands: MessagePort;
  readonly #clock: Clock;
  readonly #limits: StoreLimits;
  readonly #report: (report: StoreReport) => void;
  readonly #names: NameBook;
  readonly #nameOf: (text: string, texts: string[]) => number;
  readonly #marks: Map<RowProducer, ResumeMark>;
  readonly #stalled = new Set<RowProducer>();
  readonly #frames = new Map<number, WaitingFrame>();
  readonly #steps = new Map<number, Omit<WaitingFrame, "bytes" | "rows" | "producer" | "mark">>();
  readonly #answers = new Map<number, WaitingAnswer>();
  readonly #verdicts = new Map<number, WaitingVerdict>();
  readonly #outgoing: Outgoing;
  #nextId: number;
  #lastAppendedId: number;
  #token = 0;
  #inFlightBytes = 0;
  #inFlightRows = 0;
  #busyFrames = 0;
  #failure: GatewayError | undefined;
  #isClosing = false;

  private constructor(options: StoreOptions, worker: StartedWorker) {
    const { message } = worker;
    this.#worker = worker.worker;
    this.#commands = worker.commands;
    this.#clock = options.clock;
    this.#limits = worker.limits;
    this.#report = options.report;
    this.opened = message.report;
    this.streamMarks = message.streamMarks;
    this.replayMarks = message.replayMarks;
    this.#names = new NameBook(message.names);
    this.#nameOf = this.#names.numberOf.bind(this.#names);
    this.#marks = new Map(message.resumeMarks);
    this.#nextId = message.nextId;
    this.#lastAppendedId = message.nextId - 1;
    this.#outgoing = new Outgoing(options.clock, worker.limits, (batch) => {
      const moved = batch.frames.map(({ frame }) => frame.buffer);
      this.#worker.postMessage({ kind: "batch", batch } satisfies ToWorker, moved);
    });
    this.#listen();
    if (message.losses.length > 0) this.#report({ kind: "lost", losses: message.losses });
  }

  /**
   * Opens the store of a directory, or makes one. Files that are not a database (any more) are
   * renamed beside it; `opened.corrupt` says so.
   *
   * @throws GatewayError STORE_UNUSABLE, STORE_IO or STORE_FULL when there can be no store
   */
  static async open(options: StoreOptions): Promise<Store> {
    const limits = { ...STORE_LIMITS, ...options.limits };
    const { port1, port2 } = new MessageChannel();
    const start = { directory: options.directory, limits, faults: options.faults ?? {} };
    const worker = startThread(import.meta.url, "store-worker", {
      workerData: { ...start, commands: port2 },
      transferList: [port2],
    });
    try {
      const message = await openedBy(worker);
      return new Store(options, { worker, commands: port1, limits, message });
    } catch (error) {
      port1.close();
      await worker.terminate();
      throw error;
    }
  }

  /** The id for the next row. Each is given once, and `appendFrame` sees them in this order. */
  nextId(): number {
    const id = this.#nextId;
    this.#nextId += 1;
    return id;
  }

  /** Where every producer resumes: the last frame that is on disk with all of its rows. */
  resumeMarks(): ReadonlyMap<RowProducer, ResumeMark> {
    return this.#marks;
  }

  /**
   * Where one producer resumes. Call it whenever the link to a producer begins anew: after
   * `appendFrame` has refused a frame, all further ones of that producer are refused too, until
   * this call; otherwise the resume mark would pass over the refused one.
   */
  resume(producer: RowProducer): ResumeMark | undefined {
    this.#stalled.delete(producer);
    this.#outgoing.flush();
    this.#post({ kind: "resume", producer });
    return this.#marks.get(producer);
  }

  /**
   * Stores the rows of a frame and the producer's resume mark in one transaction; resolves when
   * both are on disk. Rows that were stored before are left out. Payloads are copied at once.
   *
   * @throws GatewayError STORE_BUSY when too much is on its way already, STORE_FULL when the disk
   * takes nothing, STORE_IO when it failed; the frame is then for its producer to send again
   */
  async appendFrame(frame: NewFrame): Promise<void> {
    this.#assertOpen();
    this.#checkIds(frame);
    const refusal = this.#refusalOf(frame);
    if (refusal !== undefined) {
      const [first, last] = [frame.rows.at(0), frame.rows.at(-1)];
      if (first !== undefined && last !== undefined) {
        this.#post({ kind: "gone", first: first.id, last: last.id });
      }
      this.#busyFrames += 1;
      throw refusal;
    }
    const packed = packRows(frame.rows, this.#nameOf);
    const { producer, epoch, frameNo } = frame;
    const bytes = packed.buffer.byteLength;
    this.#inFlightBytes += bytes;
    this.#inFlightRows += packed.count;
    this.#token += 1;
    const token = this.#token;
    const names = this.#names.takeFresh();
    const stored = new Promise<void>((resolve, reject) => {
      const mark = { epoch, frameNo };
      this.#frames.set(token, { bytes, rows: packed.count, producer, mark, resolve, reject });
    });
    this.#outgoing.addFrame(token, { ...packed, producer, epoch, frameNo, names });
    await stored;
  }

  /** The broker took these rows. On disk within a second; a crash before sends them again. */
  markSent(ids: readonly number[]): void {
    if (this.#failure === undefined && !this.#isClosing) this.#outgoing.addSent(ids);
  }

  /** Rows that wait, oldest first. Takes nothing away: `markSent` does. */
  async takeBacklog(query: BacklogQuery): Promise<readonly StoredRow[]> {
    const exclude = Float64Array.from(query.exclude);
    // What is sent by now must not come back as waiting.
    this.#outgoing.flush();
    const answer = await this.#ask({ about: "backlog", query: { ...query, exclude } });
    return this.#rowsOf(answer).rows;
  }

  /** The consumer has every row of this stream and epoch up to `seq`: their protection ends. */
  consumerAck(stream: string, epoch: number, seq: number): void {
    this.#post({ kind: "ack", stream, epoch, seq });
  }

  /** Has sent rows of a range sent once more; tells how many of them were still there. */
  async resend(range: ResendRange): Promise<number> {
    this.#outgoing.flush();
    const answer = await this.#ask({ about: "resend", range });
    assert(answer.about === "requeued", "the store answered another question");
    return answer.rows;
  }

  /** What is stored of one device, sent or not, within a time range. */
  async history(query: HistoryQuery & { readonly device: string }): Promise<HistoryPage> {
    const { device, ...rest } = query;
    return this.#rowsOf(await this.#ask({ about: "history", stream: device, query: rest }));
  }

  /** Rows of event streams (`EVENT_STREAM`) of classes 0, 1 and 2. */
  async events(query: HistoryQuery): Promise<HistoryPage> {
    return this.#rowsOf(await this.#ask({ about: "events", query }));
  }

  /** The app has published these losses; they are not reported again. */
  confirmLosses(lossIds: readonly number[]): void {
    this.#post({ kind: "confirm-losses", lossIds });
  }

  /**
   * Writes a command down before it is executed, ahead of every frame that waits. `replay`: its id
   * was used before, or nobody can tell any more; it must not be executed.
   *
   * @throws GatewayError STORE_FULL or STORE_IO: not on disk, must not be executed
   */
  async journalCommand(record: CommandRecord): Promise<"fresh" | "replay"> {
    if (this.#failure !== undefined) throw this.#failure;
    this.#assertOpen();
    this.#token += 1;
    const request: JournalRequest = { token: this.#token, record };
    this.#commands.postMessage(request);
    return new Promise((resolve, reject) => {
      this.#verdicts.set(request.token, { resolve, reject });
    });
  }

  /** A step of a command's life; resolves when it is on disk. A final one ends the command. */
  async recordStep(step: CommandStep): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    this.#token += 1;
    const token = this.#token;
    this.#assertOpen();
    const stored = new Promise<void>((resolve, reject) => {
      this.#steps.set(token, { resolve, reject });
    });
    this.#outgoing.addStep(token, step);
    await stored;
  }

  /** Accepted and not ended. After a restart these are reported, and never executed again. */
  async openCommands(): Promise<readonly OpenCommand[]> {
    const answer = await this.#ask({ about: "commands" });
    assert(answer.about === "commands", "the store answered another question");
    return answer.commands;
  }

  async stats(): Promise<StoreStats> {
    const answer = await this.#ask({ about: "stats" });
    assert(answer.about === "stats", "the store answered another question");
    return { ...answer.stats, busyFrames: this.#busyFrames };
  }

  /** Stores what is on its way and closes the files, within 2 s. */
  async close(): Promise<void> {
    if (this.#isClosing) return;
    this.#outgoing.flush();
    this.#outgoing.stop();
    this.#isClosing = true;
    const stop = new AbortController();
    if (this.#failure === undefined) {
      const late = this.#clock.sleep(CLOSE_MS, stop.signal).catch(() => undefined);
      await Promise.race([this.#askToClose().catch(() => undefined), late]);
    }
    stop.abort();
    this.#commands.close();
    await this.#worker.terminate();
    this.#failAll(new GatewayError("STORE_UNUSABLE", { closed: true }));
  }

  async #askToClose(): Promise<void> {
    this.#token += 1;
    const token = this.#token;
    this.#worker.postMessage({ kind: "close", token } satisfies ToWorker);
    await new Promise<Answer>((resolve, reject) => {
      this.#answers.set(token, { resolve, reject });
    });
  }

  #refusalOf(frame: NewFrame): GatewayError | undefined {
    if (this.#failure !== undefined) return this.#failure;
    const { producer, frameNo } = frame;
    if (this.#stalled.has(producer)) return new GatewayError("STORE_BUSY", { producer, frameNo });
    const rows = this.#inFlightRows + frame.rows.length;
    // A single frame passes whatever its size, else it could never be stored.
    if (this.#inFlightRows === 0) return undefined;
    const isBusy =
      rows > this.#limits.inFlightRows || this.#inFlightBytes >= this.#limits.inFlightBytes;
    if (!isBusy) return undefined;
    if (producer !== "services") this.#stalled.add(producer);
    return new GatewayError("STORE_BUSY", { producer, frameNo, rows });
  }

  #checkIds(frame: NewFrame): void {
    for (const { id } of frame.rows) {
      assert(id > this.#lastAppendedId, "ids of rows must increase");
      assert(id < this.#nextId, "ids of rows come from nextId");
      this.#lastAppendedId = id;
    }
  }

  #rowsOf(answer: Answer): HistoryPage {
    assert(answer.about === "rows", "the store answered another question");
    const textOf = (name: number, texts: readonly string[]): string => {
      const text = this.#names.textOf(name, texts);
      assert(text !== undefined, `name ${name} was never given`);
      return text;
    };
    return { rows: unpackStored(answer.packed, textOf), more: answer.more };
  }

  async #ask(question: Question): Promise<Answer> {
    if (this.#failure !== undefined) throw this.#failure;
    this.#assertOpen();
    if (this.#answers.size >= QUESTIONS_MAX) throw new GatewayError("STORE_BUSY");
    this.#token += 1;
    const token = this.#token;
    this.#post({ kind: "ask", token, question });
    return new Promise((resolve, reject) => {
      this.#answers.set(token, { resolve, reject });
    });
  }

  #post(message: ToWorker): void {
    if (this.#failure === undefined && !this.#isClosing) this.#worker.postMessage(message);
  }

  #assertOpen(): void {
    assert(!this.#isClosing, "the store is used after close");
  }

  #listen(): void {
    this.#worker.on("message", (message: FromWorker) => {
      this.#take(message);
    });
    this.#worker.on("error", (cause) => {
      this.#fail(new GatewayError("STORE_UNUSABLE", {}, { cause }));
    });
    this.#worker.on("exit", () => {
      if (!this.#isClosing) this.#fail(new GatewayError("STORE_UNUSABLE", { ended: true }));
    });
    this.#commands.on("message", (answer: JournalAnswer) => {
      const waiting = this.#verdicts.get(answer.token);
      this.#verdicts.delete(answer.token);
      if (answer.result === "refused") waiting?.reject(new GatewayError(answer.code));
      else waiting?.resolve(answer.result);
    });
  }

  #take(message: FromWorker): void {
    switch (message.kind) {
      case "committed":
        for (const token of message.stored) this.#settle(token, undefined);
        for (const token of message.refused) this.#settle(token, "STORE_FULL");
        break;
      case "answer": {
        const waiting = this.#answers.get(message.token);
        this.#answers.delete(message.token);
        waiting?.resolve(message.answer);
        break;
      }
      case "reports":
        // Who closes the store can store no event about it any more; losses that were not
        // confirmed are told at the next start.
        if (!this.#isClosing) for (const report of message.reports) this.#report(report);
        break;
      case "failed":
        this.#fail(new GatewayError(message.code, {}, { cause: new Error(message.why) }));
        break;
      case "opened":
        assert(false, "the store is opened twice");
    }
  }

  #settle(token: number, refusal: ErrorCode | undefined): void {
    const frame = this.#frames.get(token);
    const waiting = frame ?? this.#steps.get(token);
    assert(waiting !== undefined, "the store answered what nobody asked");
    this.#frames.delete(token);
    this.#steps.delete(token);
    if (frame !== undefined) {
      this.#inFlightBytes -= frame.bytes;
      this.#inFlightRows -= frame.rows;
      if (refusal === undefined) this.#advance(frame.producer, frame.mark);
    }
    if (refusal === undefined) waiting.resolve();
    else waiting.reject(new GatewayError(refusal));
  }

  /** A frame that came twice does not move the mark back. */
  #advance(producer: RowProducer, mark: ResumeMark): void {
    const known = this.#marks.get(producer);
    if (known?.epoch === mark.epoch && known.frameNo >= mark.frameNo) return;
    this.#marks.set(producer, mark);
  }

  #fail(error: GatewayError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#outgoing.stop();
    this.#failAll(error);
    if (!this.#isClosing) this.#report({ kind: "failed", error });
  }

  #failAll(error: GatewayError): void {
    const everyone = [this.#frames, this.#steps, this.#answers, this.#verdicts];
    for (const waiting of everyone) {
      for (const { reject } of waiting.values()) reject(error);
      waiting.clear();
    }
    this.#inFlightBytes = 0;
    this.#inFlightRows = 0;
  }
}

interface StartedWorker {
  readonly worker: Worker;
  readonly commands: MessagePort;
  readonly limits: StoreLimits;
  readonly message: OpenedMessage;
}

async function openedBy(worker: Worker): Promise<OpenedMessage> {
  return new Promise((resolve, reject) => {
    worker.once("message", (message: FromWorker) => {
      worker.removeListener("error", reject);
      if (message.kind === "opened") resolve(message);
      else if (message.kind === "failed") {
        const cause = new Error(message.why);
        reject(new GatewayError(message.code, {}, { cause }));
      }
    });
    worker.once("error", reject);
  });
}
