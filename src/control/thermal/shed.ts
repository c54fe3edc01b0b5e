import { assert } from "../../domain/assert.ts";
import { heldMs, type Held, notHeld } from "./held.ts";

/**
 * The request of a zone to take load off its racks, with its causes. A request grows while its
 * causes do, never shrinks, and ends only when every cause is known to be gone for a while and the
 * coolant would take the load that comes back; a latched one not before a person releases it.
 */
export interface ShedSettings {
  /** Every cause is known to be gone for so long, ms; §6: cause clear and hold-off. */
  readonly clearMs: number;
}

export const SHED_DEFAULTS: ShedSettings = { clearMs: 60_000 };

/** By the safety table (§6): leak and low flow latch, heat does once its limit was passed. */
export const SHED_CAUSES = [
  "leak-confirmed",
  "coolant-flow-lost",
  "coolant-hot",
  "coolant-heating",
  "cooling-unknown",
  "two-phase-trip",
  "phase-change-inadequate",
] as const;

export type ShedCause = (typeof SHED_CAUSES)[number];

export const LATCHING: ReadonlySet<ShedCause> = new Set<ShedCause>([
  "leak-confirmed",
  "coolant-flow-lost",
  "coolant-hot",
  "two-phase-trip",
]);

/** What is known of a cause in this step; the caller keeps one for each and changes it. */
export interface ShedClaim {
  stands: boolean;
  /** A reading shows that it is gone; what is not known is neither. */
  isGone: boolean;
  /** Heat that has to go for it, W. */
  powerW: number;
}

export type ShedClaims = Readonly<Record<ShedCause, ShedClaim>>;

export interface ShedInputs {
  readonly claims: ShedClaims;
  /** The coolant would take the load that comes back; see `judgeCoolant`. */
  isReleaseSafe: boolean;
}

interface CauseState {
  isAsked: boolean;
  isLatched: boolean;
  isGoneLong: boolean;
  since: number;
  readonly gone: Held;
}

/** Plain data. */
export interface ShedState {
  readonly causes: Readonly<Record<ShedCause, CauseState>>;
  readonly out: ShedOut;
}

export interface ShedOut {
  isAsked: boolean;
  /** Heat that has to go, W; 0 while nothing is asked. */
  powerW: number;
  /** The one that came first; undefined while nothing is asked. */
  cause: ShedCause | undefined;
  isLatched: boolean;
  /** Grows with every change of what is latched. */
  revision: number;
}

export type ShedRelease =
  /** Not latched any more: the request ends when the coolant takes the load that comes back. */
  | { readonly result: "released"; readonly causes: readonly ShedCause[] }
  | {
      readonly result: "refused";
      readonly reason: "no-such-trip" | "cause-present" | "cause-unknown" | "hold-off";
    };

export function shedClaims(): ShedClaims {
  return record(() => ({ stands: false, isGone: false, powerW: 0 }));
}

export function createShed(settings: ShedSettings): ShedState {
  assert(settings.clearMs >= 0, "a hold-off is not negative");
  return {
    causes: record(() => ({
      isAsked: false,
      isLatched: false,
      isGoneLong: false,
      since: Number.NaN,
      gone: notHeld(),
    })),
    out: { isAsked: false, powerW: 0, cause: undefined, isLatched: false, revision: 0 },
  };
}

export function stepShed(
  state: ShedState,
  { claims, isReleaseSafe }: ShedInputs,
  settings: ShedSettings,
  now: number,
): ShedOut {
  const { out } = state;
  for (const name of SHED_CAUSES) {
    const cause = state.causes[name];
    const claim = claims[name];
    const goneMs = heldMs(cause.gone, claim.isGone && !claim.stands, now);
    cause.isGoneLong = goneMs >= settings.clearMs;
    if (claim.stands) ask(state, name, claim.powerW, now);
    else if (!cause.isLatched && cause.isGoneLong && isReleaseSafe) cause.isAsked = false;
  }
  summarize(state);
  return out;
}

/** Takes a saved latch back. */
export function restoreShed(state: ShedState, cause: ShedCause, powerW: number): void {
  ask(state, cause, powerW, -Infinity);
  summarize(state);
}

/** Lifts latches whose cause is known to be gone; a cause that cannot be seen is not gone. */
export function releaseShed(
  state: ShedState,
  asked: ShedCause | "all",
  claims: ShedClaims,
): ShedRelease {
  const latched = SHED_CAUSES.filter(
    (name) => state.causes[name].isLatched && (asked === "all" || asked === name),
  );
  if (latched.length === 0) return { result: "refused", reason: "no-such-trip" };
  const standing = latched.find((name) => !state.causes[name].isGoneLong);
  if (standing !== undefined) return { result: "refused", reason: whyNot(claims[standing]) };
  for (const name of latched) {
    const cause = state.causes[name];
    cause.isLatched = false;
    state.out.revision += 1;
  }
  summarize(state);
  return { result: "released", causes: latched };
}

function whyNot(claim: ShedClaim): "cause-present" | "cause-unknown" | "hold-off" {
  if (claim.stands) return "cause-present";
  return claim.isGone ? "hold-off" : "cause-unknown";
}

function ask({ causes, out }: ShedState, name: ShedCause, powerW: number, now: number): void {
  const cause = causes[name];
  if (!cause.isAsked) cause.since = now;
  cause.isAsked = true;
  if (LATCHING.has(name) && !cause.isLatched) {
    cause.isLatched = true;
    out.revision += 1;
  }
  if (powerW > out.powerW) out.powerW = powerW;
}

function summarize({ causes, out }: ShedState): void {
  out.isAsked = false;
  out.isLatched = false;
  out.cause = undefined;
  let since = Infinity;
  for (const name of SHED_CAUSES) {
    const cause = causes[name];
    if (!cause.isAsked) continue;
    out.isAsked = true;
    out.isLatched ||= cause.isLatched;
    if (!(cause.since < since)) continue;
    since = cause.since;
    out.cause = name;
  }
  if (!out.isAsked) out.powerW = 0;
}

function record<T>(make: () => T): Readonly<Record<ShedCause, T>> {
  return Object.fromEntries(SHED_CAUSES.map((name) => [name, make()])) as Record<ShedCause, T>;
}
