import type { Server, Socket } from "node:net";
import { assert } from "../domain/assert.ts";
import type { CommandStep } from "../domain/command.ts";
import { GatewayError } from "../domain/errors.ts";
import type { PlantEvent } from "../domain/event.ts";
import type { Producer, StreamId } from "../domain/point.ts";
import type { Round } from "../domain/round.ts";
import type { AbortSignalLike, Clock, UtcMs } from "../domain/time.ts";
import { encodeFrame, encodeHello } from "./codec.ts";
import { FrameExtract } from "./frame-extract.ts";
import { FrameRing } from "./frame-ring.ts";
import { FrameWriter } from "./frame-writer.ts";
import { LatestImage } from "./latest-image.ts";
import { type ConsumerRole, MAX_FRAME_ITEMS, type Resume } from "./messages.ts";
import { type ConnectionOwner, ProducerConnection } from "./producer-connection.ts";
import { closeUnix, serveUnix } from "./unix-socket.ts";

export interface ProducerLimits {
  /** How long a round waits for others to share its frame, ms. */
  readonly coalesceMs: number;
  /** Oldest frame that is kept for a durable consumer, ms. */
  readonly ringMs: number;
  readonly ringBytes: number;
  readonly liveQueueBytes: number;
  readonly durableWindowBytes: number;
  readonly maxConnections: number;
  /** A peer that has not said who it is by then is closed, ms. */
  readonly introductionMs: number;
  /** At stop: how long the durable consumer gets to acknowledge what is left, ms. */
  readonly drainMs: number;
}

export const PRODUCER_LIMITS: ProducerLimits = {
  coalesceMs: 3,
  ringMs: 60_000,
  ringBytes: 32 * 1024 * 1024,
  liveQueueBytes: 4 * 1024 * 1024,
  durableWindowBytes: 1024 * 1024,
  maxConnections: 8,
  introductionMs: 5_000,
  drainMs: 1_000,
};

export interface RoundProducerOptions {
  readonly socketPath: string;
  readonly role: Producer;
  /** New at every start and never used again, ≥ 1. */
  readonly epoch: number;
  readonly tableHash: string;
  readonly tableSize: number;
  readonly clock: Clock;
  /**
   * Streams that live consumers of a role get; of a role without an entry: all. Such a consumer
   * gets no events and no steps, and no frame in which there is nothing for it.
   */
  readonly streamsFor?: ReadonlyMap<ConsumerRole, ReadonlySet<StreamId>>;
  readonly limits?: Partial<ProducerLimits>;
  /** Hears, for each stream, up to which round everything is on disk. */
  readonly onStored?: (seqs: ReadonlyMap<StreamId, number>) => void;
}

/** Since the start of the producer; `ring…` and `connections` are as of now. */
export interface ProducerCounters {
  readonly frames: number;
  readonly frameBytes: number;
  readonly rounds: number;
  readonly points: number;
  readonly events: number;
  readonly steps: number;
  readonly ringFrames: number;
  readonly ringBytes: number;
  /** Frames that nobody stored before the ring was full. */
  readonly overrunFrames: number;
  /** Frames that a live consumer was too slow for. */
  readonly skippedFrames: number;
  readonly images: number;
  readonly connections: number;
  /** Connections closed because there were too many, or another one took their place. */
  readonly refusedConnections: number;
  /** Peers closed because of what they sent or did not send. */
  readonly hostilePeers: number;
  readonly cutTexts: number;
  /** Events and steps too long for the link. */
  readonly droppedFacts: number;
}

/** A frame is closed when it is this long, although the time to wait for more is not over. */
const FULL_FRAME_BYTES = 256 * 1024;

/**
 * The end of the link that has something to tell. Posting copies, never waits and never fails: what
 * nobody can take is kept in a bounded ring, and what the ring cannot keep is counted.
 */
export class RoundProducer {
  readonly #options: RoundProducerOptions;
  readonly #limits: ProducerLimits;
  readonly #clock: Clock;
  readonly #ring: FrameRing;
  readonly #image: LatestImage;
  readonly #writer = new FrameWriter();
  readonly #extracts: ReadonlyMap<ConsumerRole, FrameExtract>;
  readonly #owner: ConnectionOwner;
  readonly #startedUtc: UtcMs;
  readonly #stop = new AbortController();
  readonly #connections = new Map<ProducerConnection, Socket>();
  readonly #framedSeqs = new Map<StreamId, number>();
  #frameSeqs = new Map<StreamId, number>();
  #isFlushDue = false;
  #closed: () => Promise<void> = async () => Promise.resolve();
  #onReleased: () => void = () => undefined;
  readonly #counts = {
    frames: 0,
    frameBytes: 0,
    rounds: 0,
    points: 0,
    events: 0,
    steps: 0,
    skippedFrames: 0,
    images: 0,
    refusedConnections: 0,
    hostilePeers: 0,
    droppedFacts: 0,
  };

  constructor(options: RoundProducerOptions) {
    assert(Number.isSafeInteger(options.epoch) && options.epoch >= 1, "an epoch is a count");
    this.#options = options;
    this.#limits = { ...PRODUCER_LIMITS, ...options.limits };
    this.#clock = options.clock;
    this.#ring = new FrameRing(this.#limits);
    this.#image = new LatestImage(options.tableSize);
    this.#extracts = new Map(
      [...(options.streamsFor ?? [])].map(([role, streams]) => [role, new FrameExtract(streams)]),
    );
    this.#startedUtc = options.clock.utcNow();
    this.#owner = this.#connectionOwner();
  }

  /**
   * Resolves when consumers can connect. When `signal` aborts, what was posted is flushed, the
   * durable consumer gets a moment to store it, and the socket is closed: see `closed`.
   *
   * @throws GatewayError CONFIG_INVALID or INSTANCE_RUNNING when the socket cannot be used
   */
  async listen(signal: AbortSignalLike): Promise<void> {
    const { socketPath } = this.#options;
    this.#closed = await serveUnix(
      {
        path: socketPath,
        onConnection: (socket) => {
          this.#accept(socket);
        },
        close: async (server) => this.#close(server),
      },
      signal,
    );
  }

  /** Resolves when the socket that `listen` opened is closed. */
  async closed(): Promise<void> {
    await this.#closed();
  }

  /** Copies the round; it leaves with the next frame, at most `coalesceMs` later. */
  postRound(round: Round): void {
    // Who connects late wants what is, not what was.
    if (round.isHistory !== true) this.#image.take(round);
    this.#writer.addRound(round);
    for (const extract of this.#extracts.values()) extract.addRound(round);
    this.#frameSeqs.set(round.stream, round.seq);
    this.#counts.rounds++;
    this.#counts.points += round.points.length;
    const isFull =
      this.#writer.byteLength >= FULL_FRAME_BYTES || this.#writer.itemCount >= MAX_FRAME_ITEMS;
    if (isFull) this.flush();
    else this.#flushSoon();
  }

  /** Critical events and trips leave at once, together with what was waiting. */
  postEvent(event: PlantEvent): void {
    if (!this.#writer.addEvent(event)) {
      this.#counts.droppedFacts++;
      return;
    }
    this.#counts.events++;
    const isUrgent = event.severity === "critical" || event.severity === "trip";
    if (isUrgent || this.#writer.itemCount >= MAX_FRAME_ITEMS) this.flush();
    else this.#flushSoon();
  }

  /** Somebody waits for the answer to a command: a step leaves at once. */
  postStep(step: CommandStep): void {
    if (this.#writer.addStep(step)) {
      this.#counts.steps++;
      this.flush();
    } else this.#counts.droppedFacts++;
  }

  /** Sends what waits, if anything does. */
  flush(): void {
    if (this.#writer.itemCount === 0) return;
    const frameNo = this.#ring.nextFrame;
    const message = encodeFrame(this.#writer, { type: "frame", frameNo, hasMore: false });
    for (const [stream, seq] of this.#frameSeqs) this.#framedSeqs.set(stream, seq);
    this.#ring.push(message, this.#clock.now(), this.#frameSeqs);
    this.#frameSeqs = new Map();
    this.#counts.frames++;
    this.#counts.frameBytes += message.length;
    for (const extract of this.#extracts.values()) extract.finish(frameNo);
    for (const connection of this.#connections.keys()) connection.pump();
  }

  counters(): ProducerCounters {
    return {
      ...this.#counts,
      ringFrames: this.#ring.nextFrame - this.#ring.oldestFrame,
      ringBytes: this.#ring.bytes,
      overrunFrames: this.#ring.overrunFrames,
      connections: this.#connections.size,
      cutTexts: this.#writer.cutTexts,
    };
  }

  #flushSoon(): void {
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    void this.#flushLater();
  }

  async #flushLater(): Promise<void> {
    await this.#clock.sleep(this.#limits.coalesceMs, this.#stop.signal).catch(() => undefined);
    this.#isFlushDue = false;
    this.flush();
  }

  #accept(socket: Socket): void {
    if (this.#connections.size >= this.#limits.maxConnections || this.#stop.signal.aborted) {
      this.#counts.refusedConnections++;
      socket.on("error", () => undefined).destroy();
      return;
    }
    const connection = new ProducerConnection(socket, this.#owner, this.#limits);
    this.#connections.set(connection, socket);
    connection.send(
      encodeHello({
        producer: this.#options.role,
        epoch: this.#options.epoch,
        startedUtc: this.#startedUtc,
        tableHash: this.#options.tableHash,
        tableSize: this.#options.tableSize,
        oldestFrame: this.#ring.oldestFrame,
        nextFrame: this.#ring.nextFrame,
      }),
    );
    void this.#awaitIntroduction(connection, socket);
  }

  async #awaitIntroduction(connection: ProducerConnection, socket: Socket): Promise<void> {
    const left = new AbortController();
    socket.once("close", () => {
      left.abort();
    });
    await this.#clock.sleep(this.#limits.introductionMs, left.signal).catch(() => undefined);
    if (connection.resume === undefined && !left.signal.aborted) {
      connection.close(new GatewayError("PEER_LOST", { reason: "it never said who it is" }));
    }
  }

  #connectionOwner(): ConnectionOwner {
    return {
      epoch: this.#options.epoch,
      ring: this.#ring,
      framedSeqs: this.#framedSeqs,
      onResume: (connection, resume) => {
        this.#admit(connection, resume);
      },
      onAck: (frameNo) => {
        const stored = this.#ring.release(frameNo);
        if (stored.size > 0) this.#options.onStored?.(stored);
        this.#onReleased();
      },
      onSkipped: () => {
        this.#counts.skippedFrames++;
      },
      extractFor: (role) => this.#extracts.get(role),
      image: (streams) => this.#imageMessages(streams),
      onClosed: (connection, error) => {
        this.#connections.delete(connection);
        if (error !== undefined) this.#counts.hostilePeers++;
        this.#onReleased();
      },
    };
  }

  /** One durable consumer at a time: the newest, because an older one is a dead process's. */
  #admit(connection: ProducerConnection, resume: Resume): void {
    this.flush();
    if (resume.mode === "live") return;
    for (const other of this.#connections.keys()) {
      if (other === connection || other.resume?.mode !== "durable") continue;
      this.#counts.refusedConnections++;
      other.close();
    }
  }

  *#imageMessages(streams: ReadonlySet<StreamId> | undefined): Generator<Uint8Array> {
    this.#counts.images++;
    const frameNo = this.#ring.nextFrame - 1;
    const writer = new FrameWriter();
    for (const round of this.#image.rounds(streams)) {
      if (writer.byteLength >= FULL_FRAME_BYTES || writer.itemCount >= MAX_FRAME_ITEMS) {
        yield encodeFrame(writer, { type: "image", frameNo, hasMore: true });
      }
      writer.addRound(round);
    }
    yield encodeFrame(writer, { type: "image", frameNo, hasMore: false });
  }

  async #close(server: Server): Promise<void> {
    this.#stop.abort();
    this.flush();
    await this.#drained();
    await closeUnix(server, this.#connections.values());
  }

  /** Resolves when nothing is left to store, nobody is left to store it, or time is up. */
  async #drained(): Promise<void> {
    const isDone = () =>
      this.#ring.oldestFrame === this.#ring.nextFrame ||
      ![...this.#connections.keys()].some(({ resume }) => resume?.mode === "durable");
    if (isDone()) return;
    const done = new AbortController();
    this.#onReleased = () => {
      if (isDone()) done.abort();
    };
    await this.#clock.sleep(this.#limits.drainMs, done.signal).catch(() => undefined);
  }
}
