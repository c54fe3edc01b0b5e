import { backoffMs } from "../domain/backoff.ts";
import { type ErrorCode, GatewayError } from "../domain/errors.ts";
import type { Producer, StreamId } from "../domain/point.ts";
import { type AbortSignalLike, type Clock, isAborted, slept, type UtcMs } from "../domain/time.ts";
import { malformed } from "./byte-reader.ts";
import { ConsumerSession } from "./consumer-session.ts";
import type { ConsumerMode, ConsumerRole, Frame, Gap, Hello, Resume } from "./messages.ts";
import { connectUnix } from "./unix-socket.ts";

/** A frame and whose it is. Read its rounds before the callback returns. */
export interface ReceivedFrame extends Frame {
  readonly producer: Producer;
  readonly epoch: number;
}

/** What this consumer will never get. */
export type LinkGap =
  | {
      /** The ring of the producer overran, or this live consumer was too slow. */
      readonly kind: "frames-lost";
      readonly producer: Producer;
      readonly epoch: number;
      readonly firstFrame: number;
      readonly lastFrame: number;
      /** See `Gap.lastSeqs`. */
      readonly lastSeqs: ReadonlyMap<StreamId, number>;
    }
  | {
      /**
       * The producer was started again. What it had made after `lastFrame` and nobody had stored is
       * gone; how much that was, nobody knows.
       */
      readonly kind: "new-epoch";
      readonly producer: Producer;
      readonly formerEpoch: number;
      /** Last frame of the former epoch that this consumer has. */
      readonly lastFrame: number;
      readonly epoch: number;
      /** When the new epoch began. */
      readonly startedUtc: UtcMs;
    };

export type LinkState =
  | { readonly state: "connected"; readonly hello: Hello }
  | { readonly state: "lost"; readonly error: GatewayError };

/** A place in what a producer sends. */
export interface FramePlace {
  readonly epoch: number;
  readonly frameNo: number;
}

export interface RoundConsumerOptions {
  readonly socketPath: string;
  readonly role: ConsumerRole;
  readonly mode: ConsumerMode;
  /** Default: true for a live consumer. */
  readonly wantsImage?: boolean;
  readonly tableHash: string;
  readonly tableSize: number;
  readonly clock: Clock;
  /** Between 0 and 1; for the jitter of reconnects. */
  readonly random: () => number;
  /** The last frame stored, asked at every connect. Undefined: none, or not durable. */
  readonly resume: () => FramePlace | undefined;
  readonly onFrame: (frame: ReceivedFrame) => void;
  readonly onGap: (gap: LinkGap) => void;
  /** Called on every change; the first time when the first attempt has an outcome. */
  readonly onState: (state: LinkState) => void;
}

/** Since the start of the consumer. */
export interface ConsumerCounters {
  readonly frames: number;
  readonly images: number;
  /** Frames sent again after a reconnect and not handed over again. */
  readonly duplicateFrames: number;
  readonly gaps: number;
  readonly connects: number;
  /** Connections ended because of what the peer sent. */
  readonly hostilePeers: number;
}

/** A peer that accepts and does not say hello by then is given up, ms. */
const INTRODUCTION_MS = 5_000;
const RECONNECT = { firstMs: 50, longestMs: 1_000 } as const;
/** So many attempts that the next one waits the longest. */
const SELDOM = 10;

/**
 * The end of the link that wants to know. Connects again until told to stop; every frame is handed
 * over once per `run` and in order, or reported in a gap.
 */
export class RoundConsumer {
  readonly #options: RoundConsumerOptions;
  #session: ConsumerSession | undefined;
  #isPaused = false;
  #isConnected: boolean | undefined;
  /** Why the link was last said to be lost; not said again until it is connected. */
  #toldLost: ErrorCode | undefined;
  /** Last frame handed over or known to be lost. */
  #last: FramePlace | undefined;
  /** The epoch that the app knows of; no frame of it may have come yet. */
  #knownEpoch: FramePlace | undefined;
  readonly #counts = {
    frames: 0,
    images: 0,
    duplicateFrames: 0,
    gaps: 0,
    connects: 0,
    hostilePeers: 0,
  };

  constructor(options: RoundConsumerOptions) {
    this.#options = options;
  }

  /**
   * Resolves after `signal` has aborted. A peer with another point table or another version of the
   * link is lost as long as it is so: only a restart of one of the two helps, and it may come.
   *
   * @throws whatever a callback throws
   */
  async run(signal: AbortSignalLike): Promise<void> {
    this.#last = undefined;
    this.#knownEpoch = undefined;
    for (let attempt = 0; !isAborted(signal); attempt++) {
      const connectsBefore = this.#counts.connects;
      try {
        await this.#connectOnce(signal);
      } catch (error) {
        if (isAborted(signal)) return;
        if (this.#lose(error) === "until-restarted") attempt = SELDOM;
      }
      if (this.#counts.connects > connectsBefore) attempt = 0;
      const delayMs = backoffMs(RECONNECT, attempt, this.#options.random);
      await slept(this.#options.clock, delayMs, signal);
    }
  }

  /** Tells the producer that everything up to this frame is stored. */
  ack(epoch: number, frameNo: number): void {
    this.#session?.ack(epoch, frameNo);
  }

  /** No more is read from the socket; what has been read already is still handed over. */
  pause(): void {
    this.#isPaused = true;
    this.#session?.pause();
  }

  unpause(): void {
    this.#isPaused = false;
    this.#session?.unpause();
  }

  counters(): ConsumerCounters {
    return { ...this.#counts };
  }

  async #connectOnce(signal: AbortSignalLike): Promise<void> {
    const socket = await connectUnix(this.#options.socketPath, signal);
    const session = new ConsumerSession(socket, {
      tableHash: this.#options.tableHash,
      tableSize: this.#options.tableSize,
      onHello: (hello) => this.#start(hello),
      onFrame: (frame, hello) => {
        this.#take(frame, hello);
      },
      onGap: (gap, hello) => {
        this.#takeGap(gap, hello);
      },
    });
    this.#session = session;
    const over = new AbortController();
    void this.#awaitHello(session, over.signal);
    try {
      await session.run(signal);
    } finally {
      over.abort();
      this.#session = undefined;
    }
  }

  async #awaitHello(session: ConsumerSession, over: AbortSignalLike): Promise<void> {
    if ((await slept(this.#options.clock, INTRODUCTION_MS, over)) && session.hello === undefined) {
      session.end(new GatewayError("PEER_LOST", { reason: "it never said hello" }));
    }
  }

  #lose(error: unknown): "for-a-while" | "until-restarted" {
    if (!(error instanceof GatewayError)) throw error;
    const isForeign = error.code === "PEER_MISMATCH" || error.code === "FRAME_VERSION";
    const isNews = isForeign && this.#toldLost !== error.code;
    if (this.#isConnected !== false || isNews) {
      this.#options.onState({ state: "lost", error });
      this.#toldLost = error.code;
    }
    this.#isConnected = false;
    if (isForeign) return "until-restarted";
    if (error.code === "FRAME_MALFORMED") this.#counts.hostilePeers++;
    else if (error.code !== "PEER_LOST") throw error;
    return "for-a-while";
  }

  #start(hello: Hello): Omit<Resume, "type"> {
    const { role, mode, resume } = this.#options;
    const stored = resume();
    this.#counts.connects++;
    this.#isConnected = true;
    this.#toldLost = undefined;
    this.#options.onState({ state: "connected", hello });
    this.#noteEpoch(hello, stored);
    this.#last = this.#lastOf(hello, stored);
    if (this.#isPaused) this.#session?.pause();
    return {
      role,
      mode,
      wantsImage: this.#options.wantsImage ?? mode === "live",
      epoch: stored?.epoch ?? 0,
      frameNo: stored?.frameNo ?? 0,
    };
  }

  /** Where this epoch goes on: undefined when with whatever frame comes first. */
  #lastOf({ epoch }: Hello, stored: FramePlace | undefined): FramePlace | undefined {
    if (this.#options.mode === "live") return undefined;
    if (this.#last?.epoch === epoch) return this.#last;
    return stored?.epoch === epoch ? stored : undefined;
  }

  /** Tells the app once of every restart of the producer. */
  #noteEpoch(hello: Hello, stored: FramePlace | undefined): void {
    const former = this.#last ?? this.#knownEpoch ?? stored;
    const isKnown = former === undefined || former.epoch === hello.epoch;
    this.#knownEpoch = { epoch: hello.epoch, frameNo: 0 };
    if (isKnown) return;
    this.#counts.gaps++;
    this.#options.onGap({
      kind: "new-epoch",
      producer: hello.producer,
      formerEpoch: former.epoch,
      lastFrame: former.frameNo,
      epoch: hello.epoch,
      startedUtc: hello.startedUtc,
    });
  }

  #take(frame: Frame, { producer, epoch }: Hello): void {
    const last = this.#last?.frameNo;
    const isImage = frame.type === "image";
    if (isImage) this.#counts.images++;
    else {
      if (last !== undefined && frame.frameNo <= last) {
        // What was not stored is sent again, but only to one who stores.
        if (this.#options.mode === "live") throw malformed("frames go back");
        this.#counts.duplicateFrames++;
        return;
      }
      this.#mustFollow(frame.frameNo);
      this.#counts.frames++;
    }
    // An image stands for the frames before it, but not for one who stores frames.
    if (!isImage || this.#options.mode === "live") this.#last = { epoch, frameNo: frame.frameNo };
    this.#options.onFrame({ ...frame, producer, epoch });
  }

  /**
   * For one who stores, every frame counts. To a live consumer a frame in which there is nothing
   * for it is not sent; what it was too slow for is told by a gap.
   */
  #mustFollow(firstFrame: number): void {
    if (this.#options.mode === "live" || this.#last === undefined) return;
    if (firstFrame > this.#last.frameNo + 1) throw malformed("frames left out");
  }

  #takeGap(gap: Gap, { producer, epoch }: Hello): void {
    const last = this.#last?.frameNo ?? 0;
    if (gap.lastFrame <= last) return;
    this.#mustFollow(gap.firstFrame);
    this.#last = { epoch, frameNo: gap.lastFrame };
    this.#counts.gaps++;
    this.#options.onGap({
      kind: "frames-lost",
      producer,
      epoch,
      firstFrame: Math.max(gap.firstFrame, last + 1),
      lastFrame: gap.lastFrame,
      lastSeqs: gap.lastSeqs,
    });
  }
}
