import type { MonotonicMs } from "../domain/time.ts";
import { decodeGooseFrame, type GooseFrame } from "../wire/goose/codec.ts";
import { type GooseState, GooseSupervision } from "../wire/goose/supervision.ts";
import { type MmsValue } from "../wire/mms/value.ts";
import { WireError } from "../wire/mms/wire-error.ts";
import type { GooseSubscription, SafeRule } from "./goose-settings.ts";

/** What is told of one publisher; plain JSON. */
export interface GooseReport {
  readonly name: string;
  /** Whether its values may be used. */
  readonly quality: "good" | "bad";
  readonly fault?: string;
  readonly stateNumber: number;
  readonly sequenceNumber: number;
  /**
   * Names of the rules that demand the safe state now. None while the quality is bad: what a loss
   * means is the site's to say.
   */
  readonly safeStateDemandedBy: readonly string[];
  readonly values: readonly (boolean | number | string | null)[];
}

interface Followed {
  readonly subscription: GooseSubscription;
  readonly supervision: GooseSupervision;
  told: string;
}

/**
 * Brings frames to the publishers they are from, and tells what changed. What it tells can demand
 * the safe state and nothing else: GOOSE has no signature, and whoever is on the wire can send it.
 */
export class GooseDesk {
  readonly #followed: readonly Followed[];
  readonly #tell: (report: GooseReport) => void;
  readonly counters = { frames: 0, malformed: 0, strays: 0 };

  constructor(subscriptions: readonly GooseSubscription[], tell: (report: GooseReport) => void) {
    this.#followed = subscriptions.map((subscription) => ({
      subscription,
      supervision: new GooseSupervision(subscription),
      told: "",
    }));
    this.#tell = tell;
  }

  /** Everything, for who begins to listen. */
  get reports(): readonly GooseReport[] {
    return this.#followed.map(reportOf);
  }

  get verdicts(): Readonly<Record<string, GooseSupervision["counters"]>> {
    return Object.fromEntries(
      this.#followed.map(({ subscription, supervision }) => [
        subscription.name,
        supervision.counters,
      ]),
    );
  }

  /** Takes whatever came from the wire. */
  take(bytes: Uint8Array, now: MonotonicMs): void {
    this.counters.frames += 1;
    let frame: GooseFrame;
    try {
      frame = decodeGooseFrame(bytes);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.counters.malformed += 1;
      return;
    }
    const followed = this.#followed.find(({ subscription }) => isFrom(frame, subscription));
    if (followed === undefined) {
      this.counters.strays += 1;
      return;
    }
    // What is over is over before it is heard again: a late tick must not hide it.
    if (followed.supervision.tick(now)) this.#tellChange(followed);
    followed.supervision.take(frame, now);
    this.#tellChange(followed);
  }

  /** Ends what nobody has confirmed in time; to be called every few milliseconds. */
  tick(now: MonotonicMs): void {
    for (const followed of this.#followed) {
      if (followed.supervision.tick(now)) this.#tellChange(followed);
    }
  }

  /** Repetitions say nothing new, and are not told. */
  #tellChange(followed: Followed): void {
    const report = reportOf(followed);
    const told = JSON.stringify({ ...report, sequenceNumber: 0 });
    if (told === followed.told) return;
    followed.told = told;
    this.#tell(report);
  }
}

function isFrom(frame: GooseFrame, subscription: GooseSubscription): boolean {
  return (
    frame.applicationId === subscription.applicationId &&
    frame.pdu.controlBlock === subscription.controlBlock &&
    frame.destination.every((octet, at) => octet === subscription.destination[at])
  );
}

function reportOf({ subscription, supervision }: Followed): GooseReport {
  const { state } = supervision;
  return {
    name: subscription.name,
    quality: state.fault === undefined ? "good" : "bad",
    ...(state.fault === undefined ? {} : { fault: state.fault }),
    stateNumber: state.state,
    sequenceNumber: state.sequence,
    safeStateDemandedBy: demandsOf(subscription, state),
    values: state.values.map(plainOf),
  };
}

function demandsOf(subscription: GooseSubscription, state: GooseState): readonly string[] {
  if (state.fault !== undefined) return [];
  return subscription.safeWhen
    .filter((rule) => isMet(rule, state.values[rule.index]))
    .map(({ name }) => name);
}

/** Positions of a switch in two bits; the other two are none. @see IEC 61850-7-3, Dbpos */
const POSITIONS = ["intermediate", "open", "closed", "faulty"] as const;

/** What cannot be what the rule expects does not let the plant go on: it is met. */
function isMet(rule: SafeRule, value: MmsValue | undefined): boolean {
  if (typeof rule.when === "boolean") {
    return value?.kind !== "boolean" || value.value === rule.when;
  }
  if (value?.kind !== "bits" || value.bitCount !== POSITIONS.length / 2) return true;
  const position = POSITIONS[(value.bytes[0] ?? 0) >> 6];
  const isNone = position === "intermediate" || position === "faulty";
  return isNone || position === rule.when;
}

/** Numbers, texts and truths go out as they are; positions by their words; the rest as null. */
function plainOf(value: MmsValue): boolean | number | string | null {
  switch (value.kind) {
    case "boolean":
    case "float":
    case "text":
    case "unicode":
      return value.value;
    case "integer":
    case "unsigned":
      return typeof value.value === "number" ? value.value : String(value.value);
    case "bits":
      return value.bitCount === 2 ? (POSITIONS[(value.bytes[0] ?? 0) >> 6] ?? null) : null;
    default:
      return null;
  }
}
