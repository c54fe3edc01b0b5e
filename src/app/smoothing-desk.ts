import type { Worker } from "node:worker_threads";
import {
  type DelayEstimate,
  type DelayRequest,
  identifyDelay,
} from "../control/smoothing/delay.ts";
import {
  type Coefficients,
  refit,
  type RefitRequest,
} from "../control/smoothing/predictor/refit.ts";
import type { SmoothingNews } from "../control/smoothing/exchange.ts";
import { type SmoothingLevel, unitDelayRequest } from "../control/smoothing-level.ts";
import { loopDelayRequest, refitRequest } from "../control/smoothing/smoothing.ts";
import { GatewayError } from "../domain/errors.ts";
import type { MonotonicMs } from "../domain/time.ts";
import { startThread } from "../platform/worker-thread.ts";

/** What is computed beside the cycle. */
export type DeskQuestion =
  | { readonly kind: "refit"; readonly request: RefitRequest }
  | { readonly kind: "loop-delay"; readonly request: DelayRequest }
  | { readonly kind: "unit-delay"; readonly unit: number; readonly request: DelayRequest };

export type DeskAnswer =
  | { readonly kind: "refit"; readonly found: Coefficients }
  | { readonly kind: "loop-delay"; readonly found: DelayEstimate }
  | { readonly kind: "unit-delay"; readonly unit: number; readonly found: DelayEstimate };

/** Takes longer than a cycle may. */
export function answerOf(question: DeskQuestion): DeskAnswer {
  switch (question.kind) {
    case "refit":
      return { kind: "refit", found: refit(question.request) };
    case "loop-delay":
      return { kind: "loop-delay", found: identifyDelay(question.request) };
    case "unit-delay":
      return { kind: "unit-delay", unit: question.unit, found: identifyDelay(question.request) };
  }
}

/** Who computes it: a thread of its own, or a test. */
export interface Desk {
  /** Answers later, never before it returns. */
  ask(question: DeskQuestion, answer: (answer: DeskAnswer) => void): void;
}

const REFIT_MS = 1_000;
const DELAY_MS = 20_000;
/** Each unit in its turn. */
const UNIT_DELAY_MS = 7_000;
/** A question without an answer for this long is given up, and its kind is asked again. */
const PATIENCE_MS = 10_000;

/** When something is asked again, by kind; what is under way is not asked twice. */
interface Due {
  at: number;
  askedAt: number;
}

/**
 * Asks a desk when it is time, and hands what it found to the next cycle: so the cycle never waits
 * for it, and a recording of its inputs is enough to replay it.
 */
export class SmoothingDesk {
  readonly #desk: Desk;
  readonly #due: Readonly<Record<DeskQuestion["kind"], Due>> = {
    refit: { at: REFIT_MS, askedAt: -Infinity },
    "loop-delay": { at: DELAY_MS, askedAt: -Infinity },
    "unit-delay": { at: DELAY_MS, askedAt: -Infinity },
  };
  #startedAt: number | undefined;
  #unit = 0;
  #found: SmoothingNews = {};

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  /** What was found since the cycle before; undefined: nothing. */
  take(): SmoothingNews | undefined {
    const found = this.#found;
    this.#found = {};
    return Object.keys(found).length === 0 ? undefined : found;
  }

  /** After a cycle: asks what is due. */
  after(level: SmoothingLevel, now: MonotonicMs): void {
    this.#startedAt ??= now;
    const since = now - this.#startedAt;
    if (this.#isDue("refit", since, REFIT_MS))
      this.#ask({ kind: "refit", request: refitRequest(level.smoothing) });
    if (this.#isDue("loop-delay", since, DELAY_MS))
      this.#ask({ kind: "loop-delay", request: loopDelayRequest(level.smoothing) });
    if (level.unitTracks.length > 0 && this.#isDue("unit-delay", since, UNIT_DELAY_MS)) {
      const unit = this.#unit % level.unitTracks.length;
      this.#unit = unit + 1;
      this.#ask({ kind: "unit-delay", unit, request: unitDelayRequest(level, unit) });
    }
  }

  #isDue(kind: DeskQuestion["kind"], since: number, everyMs: number): boolean {
    const due = this.#due[kind];
    if (since < due.at || since - due.askedAt < PATIENCE_MS) return false;
    due.at = since + everyMs;
    due.askedAt = since;
    return true;
  }

  #ask(question: DeskQuestion): void {
    this.#desk.ask(question, (answer) => {
      this.#due[answer.kind].askedAt = -Infinity;
      this.#keep(answer);
    });
  }

  #keep(answer: DeskAnswer): void {
    switch (answer.kind) {
      case "refit":
        this.#found = { ...this.#found, refit: answer.found };
        return;
      case "loop-delay":
        this.#found = { ...this.#found, delay: answer.found };
        return;
      case "unit-delay":
        this.#found = { ...this.#found, unitDelay: { unit: answer.unit, found: answer.found } };
    }
  }
}

/** Questions that wait for their answer; one more, and the thread is taken for stuck. */
export const DESK_WAITING_MAX = 8;

/** As much of a worker as its desk needs. */
export interface DeskWorker {
  postMessage(question: DeskQuestion): void;
  on(event: "message", listener: (answer: DeskAnswer) => void): void;
  on(event: "error", listener: (error: Error) => void): void;
  terminate(): Promise<unknown>;
}

export interface DeskThreadParts {
  /** Told of each end of a thread that nobody asked for; the next question starts another. */
  readonly onFailure: (error: Error) => void;
  /** Undefined: a thread of this process. */
  readonly start?: () => DeskWorker;
}

/**
 * A thread that is started with its first question, and anew after it has failed or answers no
 * more: what it did not answer is asked again when it is due.
 */
export class DeskThread implements Desk {
  readonly #parts: DeskThreadParts;
  #waiting: ((answer: DeskAnswer) => void)[] = [];
  #worker: DeskWorker | undefined;
  #restarts = 0;
  #isClosed = false;

  constructor(parts: DeskThreadParts) {
    this.#parts = parts;
  }

  /** How often a thread ended that nobody asked to. */
  get restarts(): number {
    return this.#restarts;
  }

  ask(question: DeskQuestion, answer: (answer: DeskAnswer) => void): void {
    if (this.#isClosed) return;
    const worker = this.#worker ?? this.#begin();
    if (this.#waiting.length >= DESK_WAITING_MAX) {
      void worker.terminate();
      this.#fail(worker, new GatewayError("REQUEST_TIMEOUT", { waiting: DESK_WAITING_MAX }));
      return;
    }
    this.#waiting.push(answer);
    worker.postMessage(question);
  }

  /** What waits is not answered any more, and what is asked is passed over. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const worker = this.#worker;
    this.#worker = undefined;
    this.#waiting = [];
    await worker?.terminate();
  }

  #begin(): DeskWorker {
    const worker = this.#parts.start?.() ?? startWorker();
    const waiting: ((answer: DeskAnswer) => void)[] = [];
    this.#waiting = waiting;
    worker.on("message", (answer) => {
      // A thread that was given up may still have had an answer on its way.
      if (this.#worker === worker) waiting.shift()?.(answer);
    });
    worker.on("error", (error) => {
      this.#fail(worker, error);
    });
    this.#worker = worker;
    return worker;
  }

  #fail(worker: DeskWorker, error: Error): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    this.#waiting = [];
    this.#restarts += 1;
    this.#parts.onFailure(error);
  }
}

function startWorker(): DeskWorker {
  const worker: Worker = startThread(import.meta.url, "refit-worker", { workerData: {} });
  worker.unref();
  return worker;
}
