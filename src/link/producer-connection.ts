import type { Socket } from "node:net";
import { GatewayError } from "../domain/errors.ts";
import { malformed } from "./byte-reader.ts";
import type { StreamId } from "../domain/point.ts";
import { encodeGap, LinkDecoder } from "./codec.ts";
import type { FrameExtract } from "./frame-extract.ts";
import type { FrameRing, FrameSeqs } from "./frame-ring.ts";
import { MessageSplitter } from "./message-splitter.ts";
import { type ConsumerRole, MAX_CONSUMER_MESSAGE_BYTES, type Resume } from "./messages.ts";

export interface ConnectionLimits {
  /** A live consumer that has not read this much is too slow: it skips, and is told. */
  readonly liveQueueBytes: number;
  /** A durable consumer gets this much ahead of what it has read; the rest waits in the ring. */
  readonly durableWindowBytes: number;
}

/** What a connection needs of the producer it belongs to. */
export interface ConnectionOwner {
  readonly epoch: number;
  readonly ring: FrameRing;
  /** Of every stream, the last seq that is in a frame. */
  readonly framedSeqs: FrameSeqs;
  /** The connection has said who it is. */
  onResume(connection: ProducerConnection, resume: Resume): void;
  onAck(frameNo: number): void;
  onSkipped(): void;
  /** What live consumers of a role get of every frame; undefined: all of it. */
  extractFor(role: ConsumerRole): FrameExtract | undefined;
  /** Messages of an image as of now, of these streams; undefined: of all. */
  image(streams: ReadonlySet<StreamId> | undefined): Iterable<Uint8Array>;
  /** Called once, with what was wrong with the peer, if something was. */
  onClosed(connection: ProducerConnection, error: GatewayError | undefined): void;
}

/** One consumer's end at the producer. A peer that breaks the rules loses its connection, only. */
export class ProducerConnection {
  readonly #socket: Socket;
  readonly #owner: ConnectionOwner;
  readonly #limits: ConnectionLimits;
  readonly #decoder = new LinkDecoder(0);
  readonly #splitter = new MessageSplitter(MAX_CONSUMER_MESSAGE_BYTES);
  #resume: Resume | undefined;
  /** Undefined for a durable consumer, and for a live one that gets all there is. */
  #extract: FrameExtract | undefined;
  /** Next frame to send. */
  #position = 1;
  #isSkipping = false;
  #error: GatewayError | undefined;

  constructor(socket: Socket, owner: ConnectionOwner, limits: ConnectionLimits) {
    this.#socket = socket;
    this.#owner = owner;
    this.#limits = limits;
    socket.on("data", (chunk) => {
      this.#read(chunk);
    });
    socket.on("drain", () => {
      this.pump();
    });
    // What went wrong with a socket is said by `close`; without a listener it would end the
    // process.
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.#extract?.leave();
      owner.onClosed(this, this.#error);
    });
  }

  /** Undefined until the consumer has said what it wants. */
  get resume(): Resume | undefined {
    return this.#resume;
  }

  send(message: Uint8Array): void {
    if (!this.#socket.destroyed) this.#socket.write(message);
  }

  close(error?: GatewayError): void {
    this.#error ??= error;
    this.#socket.destroy();
  }

  /** Sends what there is to send, as far as the consumer reads. */
  pump(): void {
    if (this.#resume === undefined || this.#socket.destroyed) return;
    if (this.#resume.mode === "durable") this.#pumpDurable();
    else this.#pumpLive(this.#resume);
  }

  #pumpDurable(): void {
    const { ring } = this.#owner;
    while (!this.#isBehind(this.#limits.durableWindowBytes)) {
      if (this.#position < ring.oldestFrame) {
        this.#sendGap(ring.oldestFrame - 1, ring.goneSeqs);
      }
      const message = ring.message(this.#position);
      if (message === undefined) return;
      this.send(message);
      this.#position++;
    }
  }

  #pumpLive(resume: Resume): void {
    const { ring } = this.#owner;
    // After a skip nothing goes out until the consumer has read all: then one image says it all.
    if (this.#isBehind(this.#isSkipping ? 0 : this.#limits.liveQueueBytes)) {
      this.#isSkipping = true;
      this.#owner.onSkipped();
      return;
    }
    if (this.#isSkipping || this.#position < ring.oldestFrame) {
      this.#isSkipping = false;
      if (this.#position < ring.nextFrame) {
        const { framedSeqs } = this.#owner;
        this.#sendGap(ring.nextFrame - 1, this.#extract?.seqsOf(framedSeqs) ?? framedSeqs);
      }
      if (resume.wantsImage) this.#sendImage();
    }
    // Every frame is pumped when it is made, so that an extract need not keep the one before.
    for (; this.#position < ring.nextFrame; this.#position++) {
      const message = (this.#extract ?? ring).message(this.#position);
      if (message !== undefined) this.send(message);
    }
  }

  /** More than this is unread, and `drain` will say when it has been read. */
  #isBehind(bytes: number): boolean {
    return this.#socket.writableNeedDrain && this.#socket.writableLength > bytes;
  }

  #sendGap(lastFrame: number, lastSeqs: FrameSeqs): void {
    this.send(encodeGap({ firstFrame: this.#position, lastFrame, lastSeqs }));
    this.#position = lastFrame + 1;
  }

  #sendImage(): void {
    for (const message of this.#owner.image(this.#extract?.streams)) this.send(message);
  }

  #read(chunk: Uint8Array): void {
    try {
      this.#splitter.push(chunk, (message) => {
        this.#take(message);
      });
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      this.close(error);
    }
  }

  #take(bytes: Uint8Array): void {
    const message = this.#decoder.decode(bytes);
    if (message.type === "resume" && this.#resume === undefined) this.#start(message);
    else if (message.type === "ack") this.#takeAck(message.epoch, message.frameNo);
    else throw malformed("not the consumer's turn to say this");
  }

  #start(resume: Resume): void {
    const { ring, epoch } = this.#owner;
    const isSameEpoch = resume.epoch === epoch;
    if (isSameEpoch && resume.frameNo >= ring.nextFrame) throw malformed("frame was never made");
    this.#owner.onResume(this, resume);
    this.#resume = resume;
    if (resume.mode === "durable") {
      this.#position = isSameEpoch ? resume.frameNo + 1 : ring.firstUnacknowledged;
    } else {
      this.#position = ring.nextFrame;
      this.#extract = this.#owner.extractFor(resume.role);
      this.#extract?.join();
      if (resume.wantsImage) this.#sendImage();
    }
    this.pump();
  }

  #takeAck(epoch: number, frameNo: number): void {
    const { ring } = this.#owner;
    const isDurable = this.#resume?.mode === "durable";
    if (!isDurable || epoch !== this.#owner.epoch || frameNo >= ring.nextFrame) {
      throw malformed("no such frame to acknowledge");
    }
    this.#owner.onAck(frameNo);
    // It may have been sent on a former connection and stored since: no need to send it again.
    this.#position = Math.max(this.#position, frameNo + 1);
  }
}
