import type { Batch } from "./messages.ts";

export type PendingFrame = Batch["frames"][number];
type PendingStep = Batch["steps"][number];

/** What waits for the next commit. Bounded by the client, which lets only so much under way. */
export class Pending {
  readonly #frames: PendingFrame[] = [];
  #sent: number[] = [];
  #steps: PendingStep[] = [];
  #confirmed: number[] = [];

  get hasFrames(): boolean {
    return this.#frames.length > 0;
  }

  get isEmpty(): boolean {
    const told = this.#sent.length + this.#confirmed.length;
    return this.#frames.length + this.#steps.length + told === 0;
  }

  get sent(): readonly number[] {
    return this.#sent;
  }

  get steps(): readonly PendingStep[] {
    return this.#steps;
  }

  get confirmed(): readonly number[] {
    return this.#confirmed;
  }

  add({ frames, steps, sent }: Batch): void {
    for (const frame of frames) this.#frames.push(frame);
    for (const step of steps) this.#steps.push(step);
    for (const id of sent) this.#sent.push(id);
  }

  addConfirmed(lossIds: readonly number[]): void {
    for (const lossId of lossIds) this.#confirmed.push(lossId);
  }

  /** The first frames that together have at most `bytesMax`; one in any case. */
  takeFrames(bytesMax: number): PendingFrame[] {
    let bytes = 0;
    let count = 0;
    for (const { frame } of this.#frames) {
      bytes += frame.buffer.byteLength;
      if (count > 0 && bytes > bytesMax) break;
      count += 1;
    }
    return this.#frames.splice(0, count);
  }

  takeSteps(): readonly PendingStep[] {
    const steps = this.#steps;
    this.#steps = [];
    return steps;
  }

  /** What was only told is on disk. */
  clearSmallWork(): void {
    this.#sent = [];
    this.#confirmed = [];
  }
}
