import type { Announcement } from "../../domain/announcement.ts";
import type { MonotonicMs } from "../../domain/time.ts";
import { clamp } from "../arbitration.ts";
import type { LoadEnvelope } from "./governor.ts";
import type { SmoothingSettings } from "./settings.ts";

export type AnnouncementEnd = "happened" | "not-honoured" | "enforcement-broken";

/** Announcements that are kept; one more takes the place of the one furthest ahead. */
export const ANNOUNCEMENTS_MAX = 16;
/** A step has happened when the load has been beyond the middle for this long. */
const SEEN_MS = 2_000;
/** A load this much beyond an enforced bound shows that nothing enforces it, part of the range. */
const BROKEN_SHARE = 0.02;

/** Plain data. */
export interface AnnouncementState {
  /** By time. */
  readonly pending: Announcement[];
  /** Since when the load has been beyond the middle of the next step; −1: it is not. */
  beyondAt: number;
  /** How the first one ended in this cycle. */
  ended: { readonly id: string; readonly as: AnnouncementEnd } | undefined;
  /** Announcements that came while all places were taken. */
  dropped: number;
}

export function noAnnouncements(): AnnouncementState {
  return { pending: [], beyondAt: -1, ended: undefined, dropped: 0 };
}

/** Takes an announcement; one with the id of a known one takes its place. */
export function announce(state: AnnouncementState, announcement: Announcement): void {
  withdraw(state, announcement.id);
  const { pending } = state;
  let place = pending.length;
  while (place > 0 && (pending[place - 1]?.at ?? 0) > announcement.at) place -= 1;
  pending.splice(place, 0, announcement);
  if (pending.length <= ANNOUNCEMENTS_MAX) return;
  pending.pop();
  state.dropped += 1;
}

export function withdraw(state: AnnouncementState, id: string): void {
  const place = state.pending.findIndex((known) => known.id === id);
  if (place < 0) return;
  state.pending.splice(place, 1);
  if (place === 0) state.beyondAt = -1;
}

/** Time before the step at which the reference sets out: it is halfway when the step comes, ms. */
export function leadMs(settings: SmoothingSettings, fromW: number, toW: number): number {
  const rampWPerS = toW > fromW ? settings.rampUpWPerS : settings.rampDownWPerS;
  return (1_000 * Math.abs(toW - fromW)) / (2 * rampWPerS);
}

/**
 * The level that the reference goes to for the next announced step, W; NaN: none is near. Notes in
 * `ended` when a step has come, or has not.
 */
export function announcedTargetW(
  state: AnnouncementState,
  settings: SmoothingSettings,
  now: MonotonicMs,
  loadW: number,
): number {
  state.ended = undefined;
  const next = state.pending[0];
  if (next === undefined) return Number.NaN;
  const { at, fromW, toW, withinMs } = next;
  if (now >= at - withinMs - SEEN_MS) {
    const isBeyond = (loadW - (fromW + toW) / 2) * (toW - fromW) > 0;
    if (!isBeyond) state.beyondAt = -1;
    else if (state.beyondAt < 0) state.beyondAt = now;
    const hasHappened = state.beyondAt >= 0 && now - state.beyondAt >= SEEN_MS;
    if (hasHappened) return end(state, next, "happened");
    if (now > at + withinMs + SEEN_MS) {
      end(state, next, "not-honoured");
      return Number.NaN;
    }
  }
  return now >= at - leadMs(settings, fromW, toW) ? toW : Number.NaN;
}

function end(state: AnnouncementState, { id, toW }: Announcement, as: AnnouncementEnd): number {
  state.ended = { id, as };
  state.pending.shift();
  state.beyondAt = -1;
  return toW;
}

/** Puts into `envelope` what the load may do, with what the next announcement enforces. */
export function announcedEnvelope(
  state: AnnouncementState,
  settings: SmoothingSettings,
  envelope: LoadEnvelope,
  terms: { readonly now: MonotonicMs; readonly loadW: number },
): void {
  const { lowW, highW } = settings;
  envelope.lowW = lowW;
  envelope.highW = highW;
  envelope.laterLowW = lowW;
  envelope.laterHighW = highW;
  envelope.laterInS = 0;
  const next = state.pending[0];
  if (next?.enforcedW === undefined) return;
  const untilMs = next.at - next.withinMs - terms.now;
  if (untilMs <= 0) return;
  const isUp = next.toW > next.fromW;
  const boundW = clamp(next.enforcedW, lowW, highW);
  const brokenW = BROKEN_SHARE * (highW - lowW);
  if (isUp ? terms.loadW > boundW + brokenW : terms.loadW < boundW - brokenW) {
    state.ended = { id: next.id, as: "enforcement-broken" };
    state.pending[0] = { ...next, enforcedW: undefined };
    return;
  }
  envelope.laterInS = untilMs / 1_000;
  if (isUp) envelope.highW = boundW;
  else envelope.lowW = boundW;
}
