import { setMaxListeners } from "node:events";
import type { CommandStep } from "../domain/command.ts";
import type { Clock } from "../domain/time.ts";
import type { Batch } from "./messages.ts";
import type { PackedFrame } from "./packing.ts";

export interface OutgoingLimits {
  /** Two batches that somebody waits for are at least this far apart, unless rows pile up. */
  readonly commitEveryMs: number;
  readonly commitRows: number;
}

/** What only has to be told is sent on this much later at the latest. */
const TOLD_MS = 1000;

/**
 * Gathers what is for the disk into batches, one for each commit: at once when the last one is long
 * enough ago, else as soon as it is. Waking the other thread costs more than storing a row.
 */
export class Outgoing {
  readonly #clock: Clock;
  readonly #limits: OutgoingLimits;
  readonly #post: (batch: Batch) => void;
  #frames: { readonly token: number; readonly frame: PackedFrame }[] = [];
  #steps: { readonly token: number; readonly step: CommandStep }[] = [];
  #sent: number[] = [];
  #rows = 0;
  #postedAt = Number.NEGATIVE_INFINITY;
  #wakeAt = Number.POSITIVE_INFINITY;
  readonly #stop = new AbortController();

  constructor(clock: Clock, limits: OutgoingLimits, post: (batch: Batch) => void) {
    this.#clock = clock;
    this.#limits = limits;
    this.#post = post;
    // Sleeps that were overtaken listen until they run out: bounded, and no leak.
    setMaxListeners(0, this.#stop.signal);
  }

  addFrame(token: number, frame: PackedFrame): void {
    this.#frames.push({ token, frame });
    this.#rows += frame.count;
    this.#schedule();
  }

  addStep(token: number, step: CommandStep): void {
    this.#steps.push({ token, step });
    this.#schedule();
  }

  addSent(ids: readonly number[]): void {
    for (const id of ids) this.#sent.push(id);
    this.#schedule();
  }

  /** Sends what is gathered now, whatever the time. */
  flush(): void {
    this.#wakeAt = Number.POSITIVE_INFINITY;
    if (this.#frames.length + this.#steps.length + this.#sent.length === 0) return;
    this.#postedAt = this.#clock.now();
    const batch = {
      frames: this.#frames,
      steps: this.#steps,
      sent: Float64Array.from(this.#sent),
    };
    this.#frames = [];
    this.#steps = [];
    this.#sent = [];
    this.#rows = 0;
    this.#post(batch);
  }

  /** Nothing more is sent by itself. */
  stop(): void {
    this.#stop.abort();
  }

  #schedule(): void {
    const now = this.#clock.now();
    const isAwaited = this.#frames.length + this.#steps.length > 0;
    const dueAt = isAwaited ? this.#postedAt + this.#limits.commitEveryMs : now + TOLD_MS;
    if (dueAt <= now || this.#rows >= this.#limits.commitRows) this.flush();
    else if (dueAt < this.#wakeAt) this.#wakeUp(dueAt, dueAt - now);
  }

  /** A sleep that an earlier one overtook runs out for nothing: that is cheaper than to end it. */
  #wakeUp(at: number, inMs: number): void {
    this.#wakeAt = at;
    this.#clock.sleep(inMs, this.#stop.signal).then(
      () => {
        if (this.#wakeAt === at) this.flush();
      },
      (error: unknown) => {
        if (!this.#stop.signal.aborted) throw error;
      },
    );
  }
}
