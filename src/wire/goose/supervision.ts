import type { MonotonicMs } from "../../domain/time.ts";
import type { MmsValue } from "../mms/value.ts";
import type { GooseFrame } from "./codec.ts";
import type { GoosePdu } from "./pdu.ts";

/** What a subscriber expects of one publisher: from the publisher's configuration. */
export interface GooseExpectation {
  readonly controlBlock: string;
  readonly dataSet: string;
  /** Undefined to take any. */
  readonly id: string | undefined;
  readonly configurationRevision: number;
  /** Number of values of the data set. */
  readonly values: number;
}

/** Why the state of a publisher is not to be used. */
export type GooseFault =
  /** Nothing was heard yet. */
  | "silent"
  /** Its time to live is over. */
  | "expired"
  | "other-data-set"
  | "other-configuration"
  | "needs-commissioning";

/** What became of a frame. */
export type GooseVerdict =
  /** A state begins, or is heard of first. */
  | "new-state"
  | "repeated"
  /** Not used, and the time to live goes on running. */
  | "simulated"
  | "replayed"
  | "contradictory"
  /** From this publisher, and not what was configured. */
  | Exclude<GooseFault, "silent" | "expired">;

export interface GooseState {
  /** Undefined when the values are good. */
  readonly fault: GooseFault | undefined;
  /** Of the last frame that was used, also when they are no longer good; empty before. */
  readonly values: readonly MmsValue[];
  readonly state: number;
  readonly sequence: number;
}

/** No publisher is believed longer than this, whatever it says of itself, ms. */
export const LIFE_MS_MAX = 60_000;

/**
 * Follows one publisher. Frames have no signature here, so order is all there is against replay: a
 * state is only followed by a later one, and a publisher that counts anew is heard again only when
 * the life of what it said before is over, and when its clock has not gone back.
 *
 * @see IEC 61850-8-1, section 18.1 (stNum, sqNum, timeAllowedToLive); IEC 62351-6 (replay)
 */
export class GooseSupervision {
  readonly #expected: GooseExpectation;
  #last: GoosePdu | undefined;
  #fault: GooseFault | undefined = "silent";
  #expiresAt = 0;
  readonly counters: Record<GooseVerdict | "missed" | "expired", number> = {
    "new-state": 0,
    repeated: 0,
    simulated: 0,
    replayed: 0,
    contradictory: 0,
    "other-data-set": 0,
    "other-configuration": 0,
    "needs-commissioning": 0,
    /** Repetitions, and states, that were sent and did not arrive. */
    missed: 0,
    expired: 0,
  };

  constructor(expected: GooseExpectation) {
    this.#expected = expected;
  }

  get state(): GooseState {
    const last = this.#last;
    return {
      fault: this.#fault,
      values: last?.values ?? [],
      state: last?.state ?? 0,
      sequence: last?.sequence ?? 0,
    };
  }

  /** Takes a frame that names this control block. */
  take(frame: GooseFrame, now: MonotonicMs): GooseVerdict {
    const verdict = this.#judge(frame, now);
    this.counters[verdict] += 1;
    switch (verdict) {
      case "simulated":
      case "replayed":
      case "contradictory":
        return verdict;
      case "new-state":
      case "repeated":
        this.#follow(frame.pdu);
        this.#last = frame.pdu;
        this.#fault = undefined;
        this.#expiresAt = now + Math.min(frame.pdu.timeAllowedToLiveMs, LIFE_MS_MAX);
        return verdict;
      default:
        this.#fault = verdict;
        return verdict;
    }
  }

  /** @returns true when the time to live ended now */
  tick(now: MonotonicMs): boolean {
    if (this.#fault !== undefined || now < this.#expiresAt) return false;
    this.#fault = "expired";
    this.counters.expired += 1;
    return true;
  }

  #judge({ pdu, isSimulatedFrame }: GooseFrame, now: MonotonicMs): GooseVerdict {
    const expected = this.#expected;
    // Another device that plays this one, for a test: the real one is heard beside it.
    if (pdu.isSimulated || isSimulatedFrame) return "simulated";
    const order = this.#order(pdu, now);
    if (order === "replayed") return order;
    if (pdu.needsCommissioning) return "needs-commissioning";
    if (pdu.configurationRevision !== expected.configurationRevision) return "other-configuration";
    const isSameSet =
      pdu.dataSet === expected.dataSet &&
      pdu.values.length === expected.values &&
      (expected.id === undefined || expected.id === pdu.id);
    return isSameSet ? order : "other-data-set";
  }

  #order(
    pdu: GoosePdu,
    now: MonotonicMs,
  ): Extract<GooseVerdict, "new-state" | "repeated" | "replayed" | "contradictory"> {
    const last = this.#last;
    if (last === undefined) return "new-state";
    if (pdu.state === last.state) {
      if (pdu.sequence <= last.sequence) return this.#anew(pdu, last, now);
      return isSameEvent(pdu, last) ? "repeated" : "contradictory";
    }
    if (pdu.state < last.state) return this.#anew(pdu, last, now);
    return pdu.time.utcMs < last.time.utcMs ? "replayed" : "new-state";
  }

  /** The publisher started again, or somebody repeats what it once said. */
  #anew(pdu: GoosePdu, last: GoosePdu, now: MonotonicMs): "new-state" | "replayed" {
    const isOver = this.#fault === "expired" || now >= this.#expiresAt;
    return isOver && pdu.time.utcMs > last.time.utcMs ? "new-state" : "replayed";
  }

  #follow(pdu: GoosePdu): void {
    const last = this.#last;
    if (last === undefined || pdu.state < last.state) return;
    if (pdu.state === last.state)
      this.counters.missed += Math.max(0, pdu.sequence - last.sequence - 1);
    else this.counters.missed += pdu.state - last.state - 1;
  }
}

/** A repetition says the same again: the same time, and the same values. */
function isSameEvent(pdu: GoosePdu, last: GoosePdu): boolean {
  return pdu.time.utcMs === last.time.utcMs && isSameList(pdu.values, last.values);
}

function isSameValue(one: MmsValue, other: MmsValue | undefined): boolean {
  if (one.kind !== other?.kind) return false;
  if ("members" in one && "members" in other) return isSameList(one.members, other.members);
  if ("bytes" in one && "bytes" in other) return isSameOctets(one.bytes, other.bytes);
  if ("value" in one && "value" in other) return Object.is(one.value, other.value);
  return isSameTime(one, other);
}

function isSameTime(one: MmsValue, other: MmsValue): boolean {
  if ("utcMs" in one && "utcMs" in other) return one.utcMs === other.utcMs;
  return "ms" in one && "ms" in other && one.ms === other.ms;
}

function isSameList(ones: readonly MmsValue[], others: readonly MmsValue[]): boolean {
  return ones.length === others.length && ones.every((one, at) => isSameValue(one, others[at]));
}

function isSameOctets(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((octet, at) => octet === other[at]);
}
