import type { MonotonicMs } from "../../domain/time.ts";
import type { ImageView } from "../../points/image.ts";
import { byteAt, numberAt } from "../../points/number-at.ts";
import { noVotes, type VoteBasis, type VoteState, voteInputs } from "../voting.ts";
import { type Held, heldMs, notHeld } from "./held.ts";
import { absentMeasure, type Measured } from "./measured.ts";
import type { CoolantSensors, ZoneSensors } from "./zone-plan.ts";

/**
 * A quantity of a coolant unit that several sensors measure. Of three the middle one counts. Of two
 * the worse one for the use at hand: `worse` is the hotter one, or the smaller flow, and `other`
 * the one that is left over, so the colder one for the dew point. One alone counts as it is.
 */
export interface CoolantVotes {
  readonly plan: CoolantSensors;
  readonly votes: VoteState;
  readonly worse: Measured;
  readonly other: Measured;
  readonly lost: readonly Held[];
  /** 1 where a sensor has shown nothing for a while. */
  readonly isLost: Uint8Array;
  readonly few: Held;
  /** No more than one has counted for a while, of several that there are. */
  isFew: boolean;
  /** The two that are left say different things. */
  isApart: boolean;
  /** Other sensors count than at the step before: the value may have moved by their difference. */
  isSwitched: boolean;
}

export const VOTED_QUANTITIES = ["supply", "return_", "flow"] as const;
export type VotedQuantity = (typeof VOTED_QUANTITIES)[number];

/** Undefined: one sensor alone says it, or none. */
export type ZoneVotes = Readonly<Record<VotedQuantity, CoolantVotes | undefined>>;

/** Shorter gaps, as at the start, are not told, ms. */
export const SENSOR_LOST_MS = 5_000;

/** @param measures what the votes are to fill */
export function zoneVotes(
  sensors: ZoneSensors | undefined,
  measures: Readonly<Record<VotedQuantity, Measured>>,
): ZoneVotes {
  const votesOn = (quantity: VotedQuantity): CoolantVotes | undefined => {
    const plan = sensors?.[quantity];
    return plan === undefined ? undefined : coolantVotes(plan, measures[quantity]);
  };
  return { supply: votesOn("supply"), return_: votesOn("return_"), flow: votesOn("flow") };
}

function coolantVotes(plan: CoolantSensors, worse: Measured): CoolantVotes {
  return {
    plan,
    votes: noVotes(plan.inputs.length),
    worse,
    other: absentMeasure(),
    lost: plan.inputs.map(notHeld),
    isLost: new Uint8Array(plan.inputs.length),
    few: notHeld(),
    isFew: false,
    isApart: false,
    isSwitched: false,
  };
}

/** Lets the sensors of a zone vote. */
export function readVotes(
  votes: ZoneVotes,
  sight: { readonly view: ImageView; readonly now: MonotonicMs },
): void {
  for (const quantity of VOTED_QUANTITIES) {
    const vote = votes[quantity];
    if (vote !== undefined) readVote(vote, sight);
  }
}

function readVote(
  vote: CoolantVotes,
  sight: { readonly view: ImageView; readonly now: MonotonicMs },
): void {
  const { plan, votes, worse, other } = vote;
  const before = votes.counted;
  voteInputs(votes, plan, sight);
  vote.isSwitched = votes.counted !== before;
  // None left: as lost as one sensor alone would be.
  const state = votes.counted === 0 ? "lost" : "good";
  worse.value = votes.value;
  worse.state = state;
  other.value = plan.worse === "higher" ? votes.low : votes.high;
  other.state = state;
  vote.isApart = votes.apart >= plan.samples;
  for (let channel = 0; channel < vote.isLost.length; channel += 1) {
    const held = vote.lost[channel];
    const isGone = Number.isNaN(numberAt(votes.shown, channel));
    if (held !== undefined)
      vote.isLost[channel] = heldMs(held, isGone, sight.now) >= SENSOR_LOST_MS ? 1 : 0;
  }
  const isFew = plan.inputs.length > 1 && (votes.basis === "one" || votes.basis === "none");
  vote.isFew = heldMs(vote.few, isFew, sight.now) >= SENSOR_LOST_MS;
}

/** Whether a value moved because other sensors count, and not because the coolant did. */
export function isSwitched(vote: CoolantVotes | undefined): boolean {
  return vote?.isSwitched === true;
}

/** `two of three`; undefined where all that there are count, or one sensor alone says it. */
export function standingOf(vote: CoolantVotes | undefined): string | undefined {
  if (vote === undefined) return undefined;
  const { votes, plan } = vote;
  const all = BASES[plan.inputs.length] ?? "three";
  return votes.basis === all ? undefined : `${votes.basis} of ${all}`;
}

const BASES: readonly VoteBasis[] = ["none", "one", "two", "three"];

const QUANTITY_WORDS: Readonly<Record<VotedQuantity, string>> = {
  supply: "supply temperature",
  return_: "return temperature",
  flow: "flow",
};

export function quantityWords(quantity: VotedQuantity): string {
  return QUANTITY_WORDS[quantity];
}

/** What to add to a sentence about these quantities; nothing where all sensors count. */
export function standingWords(votes: ZoneVotes, quantities: readonly VotedQuantity[]): string {
  const words = quantities.flatMap((quantity) => {
    const standing = standingOf(votes[quantity]);
    return standing === undefined ? [] : [`${QUANTITY_WORDS[quantity]} by ${standing} sensors`];
  });
  return words.length === 0 ? "" : ` (${words.join(", ")})`;
}

/** The same as whole sentences, with what is wrong with each sensor that does not count. */
export function standingLines(
  votes: ZoneVotes,
  quantities: readonly VotedQuantity[],
): readonly string[] {
  return quantities.flatMap((quantity) => {
    const vote = votes[quantity];
    const standing = standingOf(vote);
    if (vote === undefined || standing === undefined) return [];
    const missing = vote.plan.sensors.flatMap(({ name }, channel) => {
      if (Number.isNaN(numberAt(vote.votes.shown, channel))) return [`${name} shows nothing`];
      return byteAt(vote.votes.isOut, channel) === 1 ? [`${name} is outvoted`] : [];
    });
    return [`its ${QUANTITY_WORDS[quantity]} stands on ${standing} sensors: ${missing.join(", ")}`];
  });
}
