import type { Worker } from "node:worker_threads";
import { startThread } from "../platform/worker-thread.ts";
import type { RecordKind } from "../recorder/segment.ts";
import type { RecordSink } from "./flight-recorder.ts";
import type { RecordingLimits } from "./flight-recorder-files.ts";
import { SharedRing } from "./flight-recorder-ring.ts";
import type { RecorderThreadData } from "./flight-recorder-worker.ts";

/** Room for what the disk does not take for some seconds, beside two snapshots. */
const RING_BYTES = 8 * 1_024 * 1_024;
const POINT_BYTES = 80;
/** How long the end of the process waits for what is still to be written, ms. */
const CLOSE_MS = 2_000;

export interface RecorderThreadParts {
  readonly folder: string;
  readonly limits: RecordingLimits;
  readonly pointCount: number;
  /** Told of each end of the thread that nobody asked for. */
  readonly onFailure: (error: Error) => void;
}

/** A thread that writes segments, started with the first header, and anew when it has failed. */
export class RecorderThread implements RecordSink {
  readonly #parts: RecorderThreadParts;
  #ring: SharedRing;
  #worker: Worker | undefined;
  #failed = 0;
  #isClosed = false;

  constructor(parts: RecorderThreadParts) {
    this.#parts = parts;
    this.#ring = this.#newRing();
  }

  get failures(): number {
    return this.#failed + this.#ring.failures;
  }

  get reason(): string {
    return this.#worker === undefined ? "its thread does not run" : this.#ring.reason;
  }

  offer(kind: RecordKind, content: Uint8Array): boolean {
    if (this.#isClosed) return false;
    if (this.#worker === undefined) {
      if (kind !== "header") return false;
      this.#start();
    }
    return this.#ring.offer(kind, content);
  }

  /** Resolves when everything that was taken is written, or after a while. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const worker = this.#worker;
    this.#worker = undefined;
    if (worker === undefined) return;
    // Until now the process could have ended without it; what waits for its end keeps it alive.
    worker.ref();
    await new Promise<void>((resolve) => {
      const late = setTimeout(resolve, CLOSE_MS);
      worker.once("exit", () => {
        clearTimeout(late);
        resolve();
      });
      this.#ring.stop();
    });
    await worker.terminate();
  }

  #start(): void {
    const { folder, limits, onFailure } = this.#parts;
    this.#failed += this.#ring.failures;
    this.#ring = this.#newRing();
    const workerData: RecorderThreadData = { memory: this.#ring.memory, folder, limits };
    const worker = startThread(import.meta.url, "flight-recorder-worker", { workerData });
    worker.unref();
    worker.on("error", (error: Error) => {
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      this.#failed += 1;
      onFailure(error);
    });
    this.#worker = worker;
  }

  #newRing(): SharedRing {
    return new SharedRing(RING_BYTES + this.#parts.pointCount * POINT_BYTES);
  }
}
