import type { CommandStep } from "../domain/command.ts";
import type { PlantEvent } from "../domain/event.ts";
import type { Producer, StreamId } from "../domain/point.ts";
import type { Round } from "../domain/round.ts";
import type { UtcMs } from "../domain/time.ts";

/** Version of everything in this folder that goes over a socket. Both ends must have the same. */
export const LINK_VERSION = 1;

/** Largest message of the rounds link, header included. */
export const MAX_FRAME_BYTES = 4 * 1024 * 1024;
/** Largest message before the consumer has sent its first `resume`, and from a consumer at all. */
export const MAX_CONSUMER_MESSAGE_BYTES = 64;
export const MAX_ROUND_POINTS = 65_536;
/** Longest text of one point, UTF-8; a longer one is cut and counted. */
export const MAX_TEXT_BYTES = 4096;
/** All texts of one round together; those behind the limit are left out and counted. */
export const MAX_ROUND_TEXT_BYTES = 1024 * 1024;
/** Longest event or step as JSON; a longer one is not sent and counted. */
export const MAX_FACT_BYTES = 16 * 1024;
/** Rounds, events and steps in one frame. */
export const MAX_FRAME_ITEMS = 16_384;
/** Longest table hash in a hello. */
export const MAX_HASH_BYTES = 128;

export type ConsumerRole = "services" | "scada" | "control";

/**
 * `durable`: stores frames and acknowledges what it has stored; the producer keeps a frame until
 * then. `live`: wants what is true now; what it is too slow for is left out.
 */
export type ConsumerMode = "durable" | "live";

/** First message on a connection, from the producer. */
export interface Hello {
  readonly type: "hello";
  readonly producer: Producer;
  /** New at every start of the producer and never used again. */
  readonly epoch: number;
  /** When this epoch began. */
  readonly startedUtc: UtcMs;
  readonly tableHash: string;
  readonly tableSize: number;
  /** First frame that can still be sent; equals `nextFrame` when there is none. */
  readonly oldestFrame: number;
  /** Number that the next frame will have. The first of an epoch is 1. */
  readonly nextFrame: number;
}

/** What travels in a frame, in the order it was posted. */
export type FrameItem =
  | { readonly kind: "round"; readonly round: Round }
  | { readonly kind: "event"; readonly event: PlantEvent }
  | { readonly kind: "step"; readonly step: CommandStep };

/**
 * One frame. An `image` says what is known after frame `frameNo` or a little later: of every stream
 * those parts of former rounds that no later round has replaced, with the identity and times of
 * their round. It is for knowing, not for storing.
 *
 * The columns of its rounds are filled again for the next frame: read them in the callback.
 */
export interface Frame {
  readonly type: "frame" | "image";
  readonly frameNo: number;
  readonly items: readonly FrameItem[];
  /** More messages of the same image follow. Always false for a `frame`. */
  readonly hasMore: boolean;
}

/** Frames that this consumer will never get. */
export interface Gap {
  readonly type: "gap";
  readonly firstFrame: number;
  readonly lastFrame: number;
  /**
   * Of every stream that ever lost a frame here, the last seq in a frame that is gone. What the
   * consumer lacks of a stream are the seqs behind its last one up to this one.
   */
  readonly lastSeqs: ReadonlyMap<StreamId, number>;
}

/** First message of a consumer. */
export interface Resume {
  readonly type: "resume";
  readonly role: ConsumerRole;
  readonly mode: ConsumerMode;
  readonly wantsImage: boolean;
  /** Epoch of the last frame stored; 0 when none is. */
  readonly epoch: number;
  /** Last frame stored; 0 when none is. */
  readonly frameNo: number;
}

/** Everything up to this frame is stored; sent by a durable consumer. */
export interface Ack {
  readonly type: "ack";
  readonly epoch: number;
  readonly frameNo: number;
}

export type LinkMessage = Hello | Frame | Gap | Resume | Ack;
