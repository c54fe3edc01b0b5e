import { readFileSync } from "node:fs";
import {
  type MessagePort,
  parentPort,
  receiveMessageOnPort,
  type Transferable,
  workerData,
} from "node:worker_threads";
import { assert } from "../domain/assert.ts";
import { type ErrorCode, GatewayError } from "../domain/errors.ts";
import { isDamage, isDiskFault, isFull, markSuspect } from "./database.ts";
import { Engine } from "./engine.ts";
import type {
  Answer,
  FromWorker,
  JournalAnswer,
  JournalRequest,
  Question,
  ToWorker,
  WorkerStart,
} from "./messages.ts";
import { packStored } from "./packing.ts";
import { requeueRange, type Search, searchHistory } from "./readings.ts";
import type { Loss, StoredRow } from "./rows.ts";

const MAINTAIN_MS = 10_000;
const CHECKPOINT_MS = 5000;
const TELL_LOSSES_MS = 10_000;
const DAY_MS = 86_400_000;
/** The log and the file each take what comes in, plus pages that change in part. */
const WRITE_FACTOR = 2.2;

const now = (): number => Number(process.hrtime.bigint()) / 1e6;
const utcNow = (): number => Date.now();

/** Drives the engine: decides when it commits, and keeps long searches out of the way. */
class Drive {
  readonly #engine: Engine;
  readonly #port: MessagePort;
  readonly #commands: MessagePort;
  readonly #end: (error: unknown) => void;
  readonly #startedAt = now();
  readonly #writtenAtStart = writtenBytes();
  #committedAt = Number.NEGATIVE_INFINITY;
  #isFileBehind = true;
  #isCommitNext = false;
  #isClosing = false;
  #toldLossesAt = Number.NEGATIVE_INFINITY;
  readonly #upkeep: NodeJS.Timeout;
  #maintainedAt = now();

  constructor(
    engine: Engine,
    { start, port }: { start: WorkerStart; port: MessagePort },
    end: (error: unknown) => void,
  ) {
    this.#engine = engine;
    this.#port = port;
    this.#commands = start.commands;
    this.#end = end;
    this.#upkeep = setInterval(() => {
      this.#guard(() => {
        this.#keepUp();
      });
    }, CHECKPOINT_MS);
    this.#commands.on("message", (request: JournalRequest) => {
      this.#guard(() => {
        this.#journal(request);
      });
    });
    this.#port.on("message", (message: ToWorker) => {
      this.#guard(() => {
        this.#take(message);
      });
    });
  }

  #take(message: ToWorker): void {
    switch (message.kind) {
      case "batch":
        this.#engine.append(message.batch);
        this.#commitSoon();
        break;
      case "ack":
        this.#engine.delivery.acknowledge(message.stream, message.epoch, message.seq);
        break;
      case "gone":
        this.#engine.delivery.markGone(message.first, message.last);
        break;
      case "resume":
        // What came before it must be refused before it: see Engine.resume.
        this.#commit();
        this.#engine.resume(message.producer);
        break;
      case "confirm-losses":
        this.#engine.pending.addConfirmed(message.lossIds);
        this.#commitSoon();
        break;
      case "ask":
        this.#answer(message.token, message.question);
        break;
      case "close":
        this.#close(message.token);
        break;
    }
  }

  /** Behind the messages that are here already: they share the commit. */
  #commitSoon(): void {
    if (this.#isCommitNext) return;
    this.#isCommitNext = true;
    setImmediate(() => {
      this.#isCommitNext = false;
      this.#guard(() => {
        this.#commit();
      });
    });
  }

  #commit(): void {
    for (;;) {
      const first = receiveMessageOnPort(this.#commands) as { message: JournalRequest } | undefined;
      if (first === undefined) break;
      this.#journal(first.message);
    }
    if (this.#engine.pending.isEmpty) return;
    this.#committedAt = now();
    const { stored, refused } = this.#engine.commit();
    this.#isFileBehind = true;
    if (stored.length + refused.length > 0) this.#post({ kind: "committed", stored, refused });
    this.#tell();
  }

  #journal({ token, record }: JournalRequest): void {
    let answer: JournalAnswer;
    try {
      answer = { token, result: this.#engine.journal.journal(record) };
    } catch (error) {
      const code = error instanceof GatewayError ? error.code : undefined;
      if (code === undefined && !isFull(error)) throw error;
      answer = { token, result: "refused", code: code ?? "STORE_FULL" };
    }
    this.#commands.postMessage(answer);
  }

  #answer(token: number, question: Question): void {
    switch (question.about) {
      case "backlog":
        this.#reply(token, this.#rows(this.#engine.takeBacklog(question.query), false));
        this.#tell();
        return;
      case "history":
      case "events": {
        const choice = question.about === "events" ? "events" : { stream: question.stream };
        const search = searchHistory(this.#engine.shelf, choice, question.query);
        this.#search(search, ({ rows, more }) => {
          this.#reply(token, this.#rows(rows, more));
          this.#tell();
        });
        return;
      }
      case "resend":
        // What was sent a moment ago is sent, and can be asked for again.
        this.#commit();
        this.#search(requeueRange(this.#engine.shelf, question.range), (rows) => {
          this.#engine.countRequeued(rows);
          this.#reply(token, { about: "requeued", rows });
        });
        return;
      case "stats": {
        const stats = { ...this.#engine.stats(), bytesWrittenPerDay: this.#writtenPerDay() };
        this.#reply(token, { about: "stats", stats });
        return;
      }
      case "commands": {
        const { commands } = this.#engine.journal.openCommands();
        this.#reply(token, { about: "commands", commands });
        return;
      }
    }
  }

  /** Piece by piece, with commits and commands in between. */
  #search<T>(search: Search<T>, done: (result: T) => void): void {
    this.#guard(() => {
      const step = search.next();
      if (step.done === true) {
        done(step.value);
        return;
      }
      setImmediate(() => {
        this.#search(search, done);
      });
    });
  }

  #rows(rows: readonly StoredRow[], more: boolean): Answer {
    const packed = packStored(rows, (text, texts) => this.#engine.names.find(text, texts));
    return { about: "rows", packed, more };
  }

  #reply(token: number, answer: Answer): void {
    const moved = answer.about === "rows" ? [answer.packed.buffer] : [];
    this.#post({ kind: "answer", token, answer }, moved);
  }

  #tell(): void {
    const reports = [...this.#engine.takeReports()];
    const losses = this.#takeLosses();
    if (losses.length > 0) reports.push({ kind: "lost", losses });
    if (reports.length > 0) this.#post({ kind: "reports", reports });
  }

  /** Not more often than a person can read; what comes in between grows the same entries. */
  #takeLosses(): readonly Loss[] {
    const at = now();
    if (at - this.#toldLossesAt < TELL_LOSSES_MS && !this.#isClosing) return [];
    const losses = this.#engine.losses.takeUntold();
    if (losses.length > 0) this.#toldLossesAt = at;
    return losses;
  }

  #keepUp(): void {
    const at = now();
    if (at - this.#maintainedAt >= MAINTAIN_MS) {
      this.#maintainedAt = at;
      this.#engine.maintain();
      this.#isFileBehind = true;
    }
    this.#tell();
    const isIdle = at - this.#committedAt >= CHECKPOINT_MS;
    if (this.#isFileBehind) this.#engine.checkpoint(isIdle ? "TRUNCATE" : "PASSIVE");
    this.#isFileBehind = !isIdle;
  }

  #close(token: number): void {
    this.#isClosing = true;
    clearInterval(this.#upkeep);
    const { stored, refused } = this.#engine.close();
    this.#post({ kind: "committed", stored, refused });
    this.#tell();
    this.#reply(token, { about: "closed" });
    this.#commands.close();
    this.#port.close();
  }

  #writtenPerDay(): number {
    const ms = Math.max(1, now() - this.#startedAt);
    const written = writtenBytes();
    const bytes =
      written === undefined || this.#writtenAtStart === undefined
        ? this.#engine.storedBytes * WRITE_FACTOR
        : written - this.#writtenAtStart - this.#engine.ballastBytes;
    return (Math.max(0, bytes) * DAY_MS) / ms;
  }

  #post(message: FromWorker, moved: readonly Transferable[] = []): void {
    this.#port.postMessage(message, moved);
  }

  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      clearInterval(this.#upkeep);
      this.#end(error);
    }
  }
}

/**
 * What this thread has had written to disk, bytes; undefined where the kernel does not tell.
 *
 * @see Linux proc(5), /proc/pid/io, write_bytes
 */
function writtenBytes(): number | undefined {
  try {
    const found = /^write_bytes: (\d+)$/m.exec(readFileSync("/proc/thread-self/io", "utf8"));
    return found === null ? undefined : Number(found[1]);
  } catch {
    // Not Linux, or a kernel without accounting: the caller estimates.
    return undefined;
  }
}

/** A disk that failed is not asked again: what is on it is known only after a new start. */
function codeOf(error: unknown, directory: string): ErrorCode {
  if (error instanceof GatewayError) return error.code;
  if (isDiskFault(error)) return "STORE_IO";
  if (isFull(error)) return "STORE_FULL";
  if (!isDamage(error)) throw error;
  markSuspect(directory);
  return "STORE_UNUSABLE";
}

function main(): void {
  assert(parentPort !== null, "the store's worker runs without its client");
  const port = parentPort;
  const start = workerData as WorkerStart;
  const end = (error: unknown): void => {
    const code = codeOf(error, start.directory);
    port.postMessage({ kind: "failed", code, why: String(error) } satisfies FromWorker);
    start.commands.close();
    port.close();
  };
  let engine: Engine;
  try {
    engine = new Engine({ ...start, now, utcNow });
  } catch (error) {
    end(error);
    return;
  }
  const opened: FromWorker = {
    kind: "opened",
    report: engine.opened,
    nextId: engine.nextId,
    names: [...engine.names.entries()],
    resumeMarks: [...engine.marks.resumeMarks()],
    streamMarks: engine.marks.streamMarks(),
    replayMarks: engine.journal.replayMarks(),
    losses: engine.losses.unconfirmed(),
  };
  new Drive(engine, { start, port }, end);
  port.postMessage(opened);
}

main();
