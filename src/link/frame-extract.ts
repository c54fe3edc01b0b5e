import type { StreamId } from "../domain/point.ts";
import type { Round } from "../domain/round.ts";
import { encodeFrame } from "./codec.ts";
import type { FrameSeqs } from "./frame-ring.ts";
import { FrameWriter } from "./frame-writer.ts";

/**
 * The part of every frame that live consumers of one role get: the rounds of a few streams. Nothing
 * is kept of it but the part of the newest frame, and nothing is made while nobody listens.
 */
export class FrameExtract {
  readonly streams: ReadonlySet<StreamId>;
  readonly #writer = new FrameWriter();
  #listeners = 0;
  #frameNo = 0;
  #message: Uint8Array | undefined;

  constructor(streams: ReadonlySet<StreamId>) {
    this.streams = streams;
  }

  join(): void {
    this.#listeners++;
  }

  leave(): void {
    this.#listeners--;
  }

  addRound(round: Round): void {
    if (this.#listeners > 0 && this.streams.has(round.stream)) this.#writer.addRound(round);
  }

  /** The frame is whole: what was added is its part. */
  finish(frameNo: number): void {
    this.#frameNo = frameNo;
    this.#message =
      this.#writer.itemCount === 0
        ? undefined
        : encodeFrame(this.#writer, { type: "frame", frameNo, hasMore: false });
  }

  /** Undefined when the frame has nothing for this role, or is not the newest. */
  message(frameNo: number): Uint8Array | undefined {
    return frameNo === this.#frameNo ? this.#message : undefined;
  }

  /** What a gap tells of these streams. */
  seqsOf(seqs: FrameSeqs): FrameSeqs {
    return new Map([...seqs].filter(([stream]) => this.streams.has(stream)));
  }
}
