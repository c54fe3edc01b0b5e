import type {
  CommandFault,
  CommandRequest,
  Dialect,
  LeaseLimits,
} from "../dcpi/command-request.ts";
import { type CommandTopic, parseCommands } from "../dcpi/commands.ts";
import { JSON_MAX_BYTES } from "../dcpi/strict-json.ts";
import { parseWorkload, type WorkloadRequest } from "../dcpi/workload.ts";
import type { WorkloadFault, WorkloadUnread } from "../dcpi/workload-reading.ts";
import { parseWorkloadStatus, type WorkloadStatus } from "../dcpi/workload-status.ts";
import type { MonotonicMs, UtcMs } from "../domain/time.ts";
import { TokenBucket } from "./token-bucket.ts";

/** Longest payload that is looked at, bytes. */
export const COMMAND_MAX_BYTES = JSON_MAX_BYTES;
/** A command written longer ago, or further ahead, than this is refused, ms. */
export const AGE_WINDOW_MS = 30_000;
/** Commands of one principal. */
export const RATE_PER_S = 50;
export const RATE_BURST = 50;
/** Commands that only make things safer have a bucket of their own, which nothing else empties. */
export const SAFER_PER_S = 10;
export const SAFER_BURST = 20;
/**
 * Messages of one principal beyond its rate that are still read, to see whether they make things
 * safer. Bounds what a flood may cost: beyond it, and of longer ones, nothing is read.
 */
export const READ_PER_S = 500;
export const READ_BURST = 500;
export const READ_MAX_BYTES = 4_096;

/** Announcements of workloads have a bucket of their own: they take no command's place. */
export const ANNOUNCE_PER_S = 20;
export const ANNOUNCE_BURST = 200;
/** So have their words on how they do: a thousand of them, each every twenty seconds. */
export const STATUS_PER_S = 50;
export const STATUS_BURST = 200;

/** Name of whoever sends unsigned commands where the site allows them. */
export const UNSIGNED_PRINCIPAL = "unsigned";
/** User property that carries a detached signature. */
const SIGNATURE_PROPERTY = "sig";
/** User property by which a sender may name a command that its body does not name. */
const ID_PROPERTY = "command_id";
/** Letters that an id may have: what else is in correlation data is not taken for one. */
const PRINTABLE = /^[\x21-\x7e]{1,64}$/;

export interface VerifyPolicy {
  /**
   * `allow` is for demonstrations: whoever reaches the broker may command. With `refuse`, and as
   * long as no key is trusted, every command is refused.
   */
  readonly unsigned: "refuse" | "allow";
  /** `facility_id` of this site. */
  readonly facility: string;
  readonly lease: LeaseLimits;
}

/** What came in; the message of the northbound gate fits. */
export interface InboundMessage {
  readonly payload: Uint8Array;
  readonly retained: boolean;
  readonly correlation: Uint8Array | undefined;
  readonly properties: ReadonlyMap<string, string>;
  readonly hasRepeatedProperty: boolean;
  readonly receivedAt: MonotonicMs;
  readonly receivedUtc: UtcMs;
}

/** What is wrong with a message whatever it says. */
export type MessageFault =
  | "retained"
  | "too-long"
  | "repeated-property"
  | "unsigned"
  | "unknown-key"
  | "rate-limited"
  | "too-old"
  | "from-the-future";

/** What every message of a workload says of itself. */
type WorkloadWord = Pick<WorkloadRequest, "workload" | "timestamp" | "dialect">;

export type VerifyFault = CommandFault | MessageFault;

type WorkloadRefused = Omit<WorkloadUnread, "refused" | "at"> & {
  readonly refused: WorkloadFault | MessageFault;
  readonly at: string | undefined;
};

/** What a workload said, or why it is not taken. */
type VerifiedWord<T> =
  { readonly accepted: { readonly principal: string; readonly said: T } } | WorkloadRefused;

export type VerifiedWorkload = VerifiedWord<WorkloadRequest>;
export type VerifiedStatus = VerifiedWord<WorkloadStatus>;

export type Verified =
  | { readonly accepted: { readonly principal: string; readonly request: CommandRequest } }
  | {
      readonly refused: VerifyFault;
      readonly at: string | undefined;
      readonly text: string;
      /** For the answer, as far as the message may be believed to name itself. */
      readonly id: string | undefined;
      readonly dialect: Dialect | undefined;
    };

interface Buckets {
  readonly all: TokenBucket;
  readonly safer: TokenBucket;
  readonly read: TokenBucket;
  readonly announcements: TokenBucket;
  readonly statuses: TokenBucket;
}

/**
 * Decides whether a message may become a command. In the order of cost: retained, length,
 * signature, rate, form, age. Before somebody has proved who they are, a refusal names the reason
 * and nothing more.
 */
export class CommandVerifier {
  readonly #policy: VerifyPolicy;
  readonly #buckets = new Map<string, Buckets>();

  constructor(policy: VerifyPolicy) {
    this.#policy = policy;
  }

  verify(topic: CommandTopic, message: InboundMessage): Verified {
    const stranger = this.#refuseStranger(message);
    if (stranger !== undefined) return bare(stranger);
    const principal = UNSIGNED_PRINCIPAL;
    const buckets = this.#bucketsOf(principal, message.receivedAt);
    const isInRate = buckets.all.take(message.receivedAt);
    if (!isInRate && !isWorthReading(message, buckets.read)) return bare("rate-limited");
    const parsed = parseCommands(message.payload, {
      topic,
      transportId: transportIdOf(message),
      facility: this.#policy.facility,
      lease: this.#policy.lease,
    });
    if ("refused" in parsed) return parsed;
    const { id, dialect } = parsed;
    // Its bucket is asked last: a flood of other commands must not take what it keeps for these.
    if (!isInRate && !(isSafer(parsed) && buckets.safer.take(message.receivedAt))) {
      return { ...bare("rate-limited"), id, dialect };
    }
    const off = offClock(message, parsed.timestamp);
    if (off === undefined) return { accepted: { principal, request: parsed } };
    return { ...off, id, dialect };
  }

  /** The same for what a workload announces. */
  verifyWorkload(message: InboundMessage): VerifiedWorkload {
    return this.#verifyWord(message, "announcements", parseWorkload);
  }

  /** The same for what a workload says of its state. */
  verifyStatus(message: InboundMessage): VerifiedStatus {
    return this.#verifyWord(message, "statuses", parseWorkloadStatus);
  }

  #verifyWord<T extends WorkloadWord>(
    message: InboundMessage,
    rate: "announcements" | "statuses",
    parse: (payload: Uint8Array, own: { readonly facility: string }) => T | WorkloadUnread,
  ): VerifiedWord<T> {
    const stranger = this.#refuseStranger(message);
    if (stranger !== undefined) return bare(stranger);
    const principal = UNSIGNED_PRINCIPAL;
    const bucket = this.#bucketsOf(principal, message.receivedAt)[rate];
    if (!bucket.take(message.receivedAt)) return bare("rate-limited");
    const said = parse(message.payload, { facility: this.#policy.facility });
    if ("refused" in said) return said;
    const off = offClock(message, said.timestamp);
    if (off === undefined) return { accepted: { principal, said } };
    return { ...off, id: said.workload, dialect: said.dialect };
  }

  #refuseStranger(message: InboundMessage): MessageFault | undefined {
    if (message.retained) return "retained";
    if (message.payload.length > COMMAND_MAX_BYTES) return "too-long";
    if (message.hasRepeatedProperty) return "repeated-property";
    // No key is trusted yet: a signature proves nothing, and is not passed over in silence either.
    if (message.properties.has(SIGNATURE_PROPERTY)) return "unknown-key";
    return this.#policy.unsigned === "allow" ? undefined : "unsigned";
  }

  /** Principals are the names of trusted keys and `unsigned`: their number is the site's choice. */
  #bucketsOf(principal: string, now: MonotonicMs): Buckets {
    const known = this.#buckets.get(principal);
    if (known !== undefined) return known;
    const buckets = {
      all: new TokenBucket({ perS: RATE_PER_S, burst: RATE_BURST }, now),
      safer: new TokenBucket({ perS: SAFER_PER_S, burst: SAFER_BURST }, now),
      read: new TokenBucket({ perS: READ_PER_S, burst: READ_BURST }, now),
      announcements: new TokenBucket({ perS: ANNOUNCE_PER_S, burst: ANNOUNCE_BURST }, now),
      statuses: new TokenBucket({ perS: STATUS_PER_S, burst: STATUS_BURST }, now),
    };
    this.#buckets.set(principal, buckets);
    return buckets;
  }
}

interface Bare {
  readonly refused: MessageFault;
  readonly at: undefined;
  readonly text: string;
  readonly id: undefined;
  readonly dialect: undefined;
}

function bare(reason: MessageFault): Bare {
  return { refused: reason, at: undefined, text: reason, id: undefined, dialect: undefined };
}

/** What a message says of its own time has to be near ours. */
function offClock(
  { receivedUtc }: InboundMessage,
  timestamp: UtcMs,
): { readonly refused: MessageFault; readonly at: string; readonly text: string } | undefined {
  const ageMs = receivedUtc - timestamp;
  if (Math.abs(ageMs) <= AGE_WINDOW_MS) return undefined;
  return {
    refused: ageMs > 0 ? "too-old" : "from-the-future",
    at: "/timestamp",
    text: `the message is more than ${AGE_WINDOW_MS / 1_000} s off our clock`,
  };
}

/** What makes things safer is short. */
function isWorthReading({ payload, receivedAt }: InboundMessage, read: TokenBucket): boolean {
  return payload.length <= READ_MAX_BYTES && read.take(receivedAt);
}

/** Giving the battery back does not wait behind other commands. */
function isSafer(request: CommandRequest): boolean {
  return request.commands.every(({ intent }) => intent.kind === "release");
}

function transportIdOf({ properties, correlation }: InboundMessage): string | undefined {
  const named = properties.get(ID_PROPERTY);
  if (named !== undefined) return named;
  if (correlation === undefined || correlation.length > 64) return undefined;
  const text = String.fromCharCode(...correlation);
  return PRINTABLE.test(text) ? text : undefined;
}
