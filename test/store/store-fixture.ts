import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { type Clock, monotonicMs, type UtcMs, utcMs } from "../../src/domain/time.ts";
import { Engine, type EngineOptions } from "../../src/store/engine.ts";
import { NameBook } from "../../src/store/names.ts";
import { packRows } from "../../src/store/packing.ts";
import {
  type NewFrame,
  type NewRow,
  type RowClass,
  STORE_LIMITS,
  type StoreLimits,
} from "../../src/store/rows.ts";

/** The machine's clock, for tests that have a real worker behind them. */
export const realClock: Clock = {
  now: () => monotonicMs(Number(process.hrtime.bigint()) / 1e6),
  utcNow: () => utcMs(Date.now()),
  sleep: async (ms, signal) => {
    await wait(ms, undefined, { signal: signal as AbortSignal, ref: false });
  },
};

const directories: string[] = [];

export function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "dcpi-store-"));
  directories.push(directory);
  return directory;
}

export function removeDirectories(): void {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
}

export const START_UTC = Date.UTC(2026, 0, 1);

export interface RowShape {
  readonly id: number;
  readonly seq: number;
  readonly stream?: string;
  readonly class?: RowClass;
  readonly bytes?: number;
  readonly utc?: number;
}

/** A row whose payload begins with its stream and sequence, so that a mix-up shows. */
export function row(shape: RowShape): NewRow {
  const stream = shape.stream ?? "meter-1";
  const text = new TextEncoder().encode(`${stream} ${shape.seq}`);
  const payload = new Uint8Array(Math.max(text.length, shape.bytes ?? 0)).fill(46);
  payload.set(text);
  return {
    id: shape.id,
    class: shape.class ?? 3,
    topic: `tel/${stream}`,
    stream,
    seq: shape.seq,
    utc: utcMs(shape.utc ?? START_UTC + shape.id),
    payload,
  };
}

export function isIntact(stored: { stream: string; seq: number; payload: Uint8Array }): boolean {
  return new TextDecoder().decode(stored.payload).startsWith(`${stored.stream} ${stored.seq}`);
}

/** An engine in this thread, with a clock that moves only when the test says so. */
export class Bench {
  readonly directory: string;
  readonly limits: StoreLimits;
  readonly #names = new NameBook([]);
  engine: Engine;
  nowMs = 1_000_000;
  utcMs = START_UTC;
  #token = 0;
  #frameNo = 0;

  constructor(
    limits: Partial<StoreLimits> = {},
    directory = newDirectory(),
    open?: ConstructorParameters<typeof Engine>[1],
  ) {
    this.directory = directory;
    this.limits = { ...STORE_LIMITS, ...limits };
    this.engine = new Engine(this.#options(), open);
  }

  /** Appends and commits a frame; tells whether it was stored. */
  store(rows: readonly NewRow[], frame: Partial<NewFrame> = {}): boolean {
    this.append(rows, frame);
    return this.engine.commit().stored.length > 0;
  }

  append(rows: readonly NewRow[], frame: Partial<NewFrame> = {}): void {
    const packed = packRows(rows, (text, texts) => this.#names.find(text, texts));
    this.#token += 1;
    this.#frameNo = frame.frameNo ?? this.#frameNo + 1;
    const { producer = "field", epoch = 1 } = frame;
    const whole = { ...packed, producer, epoch, frameNo: this.#frameNo, names: [] };
    const frames = [{ token: this.#token, frame: whole }];
    this.engine.append({ frames, steps: [], sent: new Float64Array(0) });
  }

  sent(...ids: number[]): void {
    this.engine.append({ frames: [], steps: [], sent: Float64Array.from(ids) });
    this.engine.commit();
  }

  waiting(limit = 5000, exclude: readonly number[] = []): number[] {
    const query = { limit, maxBytes: Infinity, exclude, beforeId: Number.MAX_SAFE_INTEGER };
    return this.engine.takeBacklog(query).map(({ id }) => id);
  }

  /** Closes the files and opens them again. */
  reopen(): void {
    this.engine.close();
    this.engine = new Engine(this.#options());
  }

  #options(): EngineOptions {
    return {
      directory: this.directory,
      limits: this.limits,
      faults: {},
      now: () => this.nowMs,
      utcNow: () => this.utcMs,
    };
  }
}

export const utc = (ms: number): UtcMs => utcMs(ms);
