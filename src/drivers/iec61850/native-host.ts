import { type ChildProcess, spawn } from "node:child_process";
import { Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { assert } from "../../domain/assert.ts";
import { type Backoff, backoffMs } from "../../domain/backoff.ts";
import { GatewayError } from "../../domain/errors.ts";
import type { Clock } from "../../domain/time.ts";
import type { TimerWheel } from "../wheel.ts";
import { encodeFrame, FRAME, FrameCutter, jsonOf, type NativeFrame } from "./native-frames.ts";
import { PIPE_FD, POOL_THREADS } from "./native-terms.ts";
import { Waits } from "./waits.ts";

/** From the start of the process until it says that it is ready. */
const START_MS = 15_000;
/** Octets that wait for a process that does not take them; more, and it is ended. */
const UNSENT_OCTETS_MAX = 8 * 1024 * 1024;
const RESTART: Backoff = { firstMs: 200, longestMs: 30_000 };
/** Who wants an association waits this long for the next start, and is told to come back later. */
const PATIENCE_MS = 1_000;
/** A process that ran this long starts again as if it were the first time. */
const SETTLED_MS = 30_000;

export interface NativeHostTerms {
  /** The shared library. */
  readonly library: string;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  /** Between 0 and 1; for the jitter of restarts. */
  readonly random: () => number;
}

/** Who has an association in the process. None of these throws. */
export interface NativeUser {
  take(kind: number, body: Uint8Array): void;
  /** The process is gone, and the association with it. */
  gone(error: GatewayError): void;
}

interface Running {
  readonly child: ChildProcess;
  readonly pipe: Socket;
  readonly startedAt: number;
  readonly ready: Promise<string>;
}

/** The beginning of a process: it is ready, says why it never can be, or ends. */
class Start {
  readonly ready: Promise<string>;
  succeed!: (version: string) => void;
  fail!: (error: GatewayError) => void;
  refusal: string | undefined;

  constructor() {
    this.ready = new Promise((resolve, reject) => {
      this.succeed = resolve;
      this.fail = reject;
    });
    // Nobody may wait for it any more.
    this.ready.catch(() => undefined);
  }

  refuse(reason: string): void {
    this.refusal = reason;
    this.fail(new GatewayError("LINK_REFUSED", { reason }));
  }
}

/**
 * Keeps the process that has libiec61850 loaded: started when it is needed first, and again, later
 * and later, when it is needed after its end. Whatever ends it ends all associations in it at once.
 */
export class NativeHost {
  readonly #terms: NativeHostTerms;
  readonly #users = new Map<number, NativeUser>();
  readonly #waits: Waits;
  #running: Running | undefined;
  #lastId = 0;
  #attempt = 0;
  #notBefore = 0;
  #lastEnd = "";
  #isClosed = false;
  readonly counters = { starts: 0, deaths: 0, malformedFrames: 0, overruns: 0, lame: 0 };

  constructor(terms: NativeHostTerms) {
    this.#terms = terms;
    this.#waits = new Waits(terms.wheel);
  }

  /** Of the process, while it runs. */
  get pid(): number | undefined {
    return this.#running?.child.pid;
  }

  /**
   * A number for a new association, when the process is there.
   *
   * @throws GatewayError LINK_REFUSED with the reason when the library cannot be used, LINK_LOST
   *   when the process cannot be started; the reason of `signal`
   */
  async enter(user: NativeUser, signal: AbortSignal): Promise<number> {
    this.#lastId += 1;
    const id = this.#lastId;
    this.#users.set(id, user);
    this.#hold();
    try {
      await this.#ready(signal);
      return id;
    } catch (error) {
      this.leave(id);
      throw error;
    }
  }

  leave(id: number): void {
    this.#users.delete(id);
    this.#hold();
  }

  send(kind: number, association: number, body: Uint8Array): void {
    const running = this.#running;
    if (running === undefined) return;
    if (running.pipe.writableLength > UNSENT_OCTETS_MAX) {
      this.counters.overruns += 1;
      running.child.kill("SIGKILL");
      return;
    }
    running.pipe.write(encodeFrame(kind, association, body));
  }

  /** Ends the process, if there is one, for good. */
  close(): void {
    this.#isClosed = true;
    this.#running?.pipe.destroy();
    this.#running?.child.kill();
  }

  async #ready(signal: AbortSignal): Promise<string> {
    const { clock } = this.#terms;
    if (this.#running === undefined) {
      const waitMs = this.#notBefore - clock.now();
      if (waitMs > PATIENCE_MS)
        throw lost(`${this.#lastEnd}; next start in ${Math.ceil(waitMs)} ms`);
      if (waitMs > 0) await clock.sleep(waitMs, signal);
    }
    signal.throwIfAborted();
    if (this.#isClosed) throw lost("the native engine is closed");
    // Another one may have started it meanwhile.
    this.#running ??= this.#start();
    const wait = this.#waits.begin<never>({ signal, timeoutMs: START_MS });
    try {
      return await Promise.race([this.#running.ready, wait.promise]);
    } finally {
      wait.forget();
    }
  }

  #start(): Running {
    this.counters.starts += 1;
    const child = spawn(
      process.execPath,
      [...process.execArgv, workerFile(), this.#terms.library],
      {
        stdio: ["ignore", "ignore", "inherit", "pipe"],
        env: environment(),
      },
    );
    const pipe = child.stdio[PIPE_FD];
    assert(pipe instanceof Socket, "the stream to a child process is a socket");
    const start = new Start();
    const running = { child, pipe, startedAt: this.#terms.clock.now(), ready: start.ready };
    let isOver = false;
    const end = (reason: string) => {
      if (isOver) return;
      isOver = true;
      start.fail(lost(reason));
      this.#ended(running, start.refusal ?? reason);
    };
    const cutter = new FrameCutter((frame) => {
      this.#take(frame, start);
    });
    pipe.on("data", (chunk: Uint8Array) => {
      try {
        cutter.push(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length));
      } catch (error) {
        if (!(error instanceof GatewayError)) throw error;
        this.counters.malformedFrames += 1;
        child.kill("SIGKILL");
      }
    });
    pipe.on("error", () => undefined);
    // The stream breaks with the process, and is told at once.
    pipe.on("close", () => {
      end("the process of the native engine ended");
      child.kill("SIGKILL");
    });
    child.on("error", (cause) => {
      end(`the process of the native engine cannot be started: ${cause.message}`);
    });
    this.#held(running);
    return running;
  }

  #take({ kind, association, body }: NativeFrame, start: Start): void {
    if (kind === FRAME.ready) start.succeed(String(jsonOf(body)["version"]));
    else if (kind === FRAME.unusable) {
      start.refuse(String(jsonOf(body)["reason"]));
    } else this.#users.get(association)?.take(kind, body);
  }

  #ended(running: Running, reason: string): void {
    if (this.#running !== running) return;
    const { clock, random } = this.#terms;
    const now = clock.now();
    this.#running = undefined;
    this.#lastEnd = reason;
    this.counters.deaths += 1;
    if (now - running.startedAt >= SETTLED_MS) this.#attempt = 0;
    this.#notBefore = now + backoffMs(RESTART, this.#attempt, random);
    this.#attempt += 1;
    const users = [...this.#users.values()];
    this.#users.clear();
    for (const user of users) user.gone(lost(reason));
  }

  /** Only associations keep our own process from ending. */
  #hold(): void {
    if (this.#running !== undefined) this.#held(this.#running);
  }

  #held({ child, pipe }: Running): void {
    if (this.#users.size > 0) {
      child.ref();
      pipe.ref();
    } else {
      child.unref();
      pipe.unref();
    }
  }
}

/** What a broken device could get hold of in there has no secrets in it. */
function environment(): NodeJS.ProcessEnv {
  const kept: NodeJS.ProcessEnv = { UV_THREADPOOL_SIZE: String(POOL_THREADS) };
  for (const name of ["PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH"]) {
    const value = process.env[name];
    if (value !== undefined) kept[name] = value;
  }
  return kept;
}

function lost(reason: string): GatewayError {
  return new GatewayError("LINK_LOST", { reason });
}

function workerFile(): string {
  const ending = import.meta.url.endsWith(".ts") ? "ts" : "js";
  return fileURLToPath(new URL(`./native-worker.${ending}`, import.meta.url));
}
