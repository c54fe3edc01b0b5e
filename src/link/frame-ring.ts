import type { StreamId } from "../domain/point.ts";
import type { MonotonicMs } from "../domain/time.ts";

/** Of every stream in a frame: its last seq there. */
export type FrameSeqs = ReadonlyMap<StreamId, number>;

interface KeptFrame {
  readonly message: Uint8Array;
  readonly madeAt: MonotonicMs;
  readonly seqs: FrameSeqs;
}

export interface RingLimits {
  readonly ringMs: number;
  readonly ringBytes: number;
}

/** What a kept frame costs beside its bytes: objects, map, slot. An estimate that errs upward. */
const FRAME_OVERHEAD_BYTES = 512;
/** Empty slots at the front are cut off when there are this many and they are most of the list. */
const SLACK_SLOTS = 1024;

/**
 * Frames that are not yet acknowledged, oldest first and without holes. Bounded by age and by bytes
 * together: at either limit the oldest frame goes, and is counted.
 */
export class FrameRing {
  readonly #limits: RingLimits;
  #slots: (KeptFrame | undefined)[] = [];
  #front = 0;
  #nextFrame = 1;
  #bytes = 0;
  #overrunFrames = 0;
  #releasedFrame = 0;
  readonly #goneSeqs = new Map<StreamId, number>();

  constructor(limits: RingLimits) {
    this.#limits = limits;
  }

  /** First frame that is still here; `nextFrame` when the ring is empty. */
  get oldestFrame(): number {
    return this.#nextFrame - (this.#slots.length - this.#front);
  }

  get nextFrame(): number {
    return this.#nextFrame;
  }

  /** The frame behind the last one that anybody acknowledged, whether it is still here or not. */
  get firstUnacknowledged(): number {
    return this.#releasedFrame + 1;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Frames that were dropped at a limit before anybody acknowledged them. */
  get overrunFrames(): number {
    return this.#overrunFrames;
  }

  /** Of every stream, the last seq in a frame that is gone, acknowledged or not. */
  get goneSeqs(): FrameSeqs {
    return this.#goneSeqs;
  }

  push(message: Uint8Array, madeAt: MonotonicMs, seqs: FrameSeqs): void {
    this.#slots.push({ message, madeAt, seqs });
    this.#bytes += message.length + FRAME_OVERHEAD_BYTES;
    this.#nextFrame++;
    this.dropExcess(madeAt);
  }

  /** Drops what is too old or too much. */
  dropExcess(now: MonotonicMs): void {
    for (;;) {
      const oldest = this.#slots[this.#front];
      if (oldest === undefined) return;
      const isTooOld = now - oldest.madeAt > this.#limits.ringMs;
      if (!isTooOld && this.#bytes <= this.#limits.ringBytes) return;
      this.#dropOldest(oldest);
      this.#overrunFrames++;
    }
  }

  /**
   * Frames up to `frameNo` are stored elsewhere and need not be kept.
   * @returns of each stream in them, its last seq
   */
  release(frameNo: number): FrameSeqs {
    this.#releasedFrame = Math.max(this.#releasedFrame, frameNo);
    const seqs = new Map<StreamId, number>();
    while (this.oldestFrame <= frameNo) {
      const oldest = this.#slots[this.#front];
      if (oldest === undefined) break;
      for (const [stream, seq] of oldest.seqs) seqs.set(stream, seq);
      this.#dropOldest(oldest);
    }
    return seqs;
  }

  /** Undefined when the frame is gone or not yet made. */
  message(frameNo: number): Uint8Array | undefined {
    const slot = this.#front + frameNo - this.oldestFrame;
    return slot < this.#front ? undefined : this.#slots[slot]?.message;
  }

  #dropOldest(frame: KeptFrame): void {
    this.#slots[this.#front] = undefined;
    this.#front++;
    this.#bytes -= frame.message.length + FRAME_OVERHEAD_BYTES;
    for (const [stream, seq] of frame.seqs) this.#goneSeqs.set(stream, seq);
    if (this.#front > SLACK_SLOTS && this.#front * 2 > this.#slots.length) {
      this.#slots = this.#slots.slice(this.#front);
      this.#front = 0;
    }
  }
}
