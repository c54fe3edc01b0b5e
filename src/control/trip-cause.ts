import type { ImageView } from "../points/image.ts";
import { numberAt } from "../points/number-at.ts";
import { conditionState, type ConditionState } from "./conditions.ts";
import { itemAt } from "./item-at.ts";
import { type ConditionPlan, PLAIN_TRIP, type TripRule } from "./plan.ts";
import { voteDigital } from "./voting.ts";

/** What is known of the cause of one rule. Plain data. */
export interface TripMark {
  cause: ConditionState;
  /** Since when the cause is known to be gone, monotonic ms; Infinity while it is not. */
  clearSince: number;
  /** Since when each channel shows nothing, monotonic ms; NaN while it shows something. */
  readonly blindSince: Float64Array;
  /** 1 for a channel that has ever shown something. */
  readonly hasSpoken: Uint8Array;
  /** Since when channels say different things, monotonic ms; Infinity while they do not. */
  disagreeSince: number;
  /** True from the moment that the cause came until it is known to be gone. */
  isThere: boolean;
  /** True while the cause is let pass this time. */
  isPassing: boolean;
  /** When it was let pass, or lifted itself, monotonic ms: those of the last hour. */
  readonly passes: number[];
}

/** After a start a channel has this long for its first word, ms. */
export const FIRST_WORD_MS = 10_000;
/** More often in an hour nothing recovers by itself. */
export const RECOVERIES_MAX = 3;
export const RECOVERIES_WITHIN_MS = 3_600_000;

export function unseenCause({ terms = PLAIN_TRIP }: TripRule): TripMark {
  const channels = 1 + terms.channels.length;
  return {
    cause: "unknown",
    clearSince: Infinity,
    blindSince: new Float64Array(channels).fill(Number.NaN),
    hasSpoken: new Uint8Array(channels),
    disagreeSince: Infinity,
    isThere: false,
    isPassing: false,
    passes: [],
  };
}

/** Looks at the channels of a rule, and lets them vote. */
export function observeCause(
  mark: TripMark,
  rule: TripRule,
  { view, now }: { readonly view: ImageView; readonly now: number },
): void {
  const { terms = PLAIN_TRIP, condition } = rule;
  const isAlone = terms.channels.length === 0 && terms.blindMs === undefined;
  mark.cause = isAlone ? conditionState(view, condition) : vote(mark, rule, { view, now });
  if (mark.cause !== "clear") mark.clearSince = Infinity;
  else if (mark.clearSince === Infinity) mark.clearSince = now;
}

function vote(
  mark: TripMark,
  rule: TripRule,
  { view, now }: { readonly view: ImageView; readonly now: number },
): ConditionState {
  const { channels, blindMs } = rule.terms ?? PLAIN_TRIP;
  const count = 1 + channels.length;
  let active = 0;
  let faulty = 0;
  let unknown = 0;
  for (let channel = 0; channel < count; channel += 1) {
    const says = conditionState(view, channelOf(rule, channel));
    const isFaulty = isBlind(mark, { channel, says, now, blindMs });
    if (says === "active") active += 1;
    else if (isFaulty) faulty += 1;
    else if (says === "unknown") unknown += 1;
  }
  const isSplit = active > 0 && active + faulty + unknown < count;
  mark.disagreeSince = isSplit ? Math.min(mark.disagreeSince, now) : Infinity;
  return voteDigital({ count, active, faulty, unknown });
}

/** When the first of the channels that say it began to, monotonic ms. */
export function causeSince(rule: TripRule, view: ImageView, now: number): number {
  const { terms = PLAIN_TRIP } = rule;
  let since = Infinity;
  for (let channel = 0; channel <= terms.channels.length; channel += 1) {
    const condition = channelOf(rule, channel);
    if (conditionState(view, condition) === "active")
      since = Math.min(since, numberAt(view.changedAt, condition.point));
  }
  return since === Infinity ? now : since;
}

/** True where a cause that came is let go once more; counts it. */
export function mayPass(mark: TripMark, most: number, now: number): boolean {
  while (mark.passes.length > 0 && now - itemAt(mark.passes, 0) >= RECOVERIES_WITHIN_MS)
    mark.passes.shift();
  if (mark.passes.length >= most) return false;
  mark.passes.push(now);
  return true;
}

function channelOf({ condition, terms }: TripRule, channel: number): ConditionPlan {
  return channel === 0 || terms === undefined ? condition : itemAt(terms.channels, channel - 1);
}

function isBlind(
  mark: TripMark,
  sight: {
    readonly channel: number;
    readonly says: ConditionState;
    readonly now: number;
    readonly blindMs: number | undefined;
  },
): boolean {
  const { channel, says, now, blindMs } = sight;
  if (says !== "unknown") {
    mark.blindSince[channel] = Number.NaN;
    mark.hasSpoken[channel] = 1;
    return false;
  }
  if (Number.isNaN(numberAt(mark.blindSince, channel))) mark.blindSince[channel] = now;
  if (blindMs === undefined) return false;
  const patienceMs = mark.hasSpoken[channel] === 1 ? blindMs : Math.max(blindMs, FIRST_WORD_MS);
  return now - numberAt(mark.blindSince, channel) >= patienceMs;
}
