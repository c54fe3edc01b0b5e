import type { Command } from "../domain/command.ts";
import { clamp } from "./arbitration.ts";
import type { LeaseStatus } from "./exchange.ts";
import {
  type LeaseRefusal,
  type LeaseSight,
  STRONGEST_PRIORITY,
  WEAKEST_PRIORITY,
} from "./leases.ts";
import { megawatts } from "./notices.ts";
import type { ControlPlan } from "./plan.ts";
import { pushStep, type StepFacts } from "./push-step.ts";
import { capLastsS } from "./smoothing/smoothing.ts";
import type { SmoothingLevel } from "./smoothing-level.ts";

/** The point of the grid connection that carries it. */
const POINT = "import-limit";
/** The import has stayed below for so long: that is its effect. */
const SETTLED_MS = 1_000;
/** Meters and the band of smoothing leave it this uncertain, part of the limit. */
const NOISE_SHARE = 0.005;
/** The import of an iteration swings around its mean; so long a mean is told as the effect, ms. */
const EFFECT_MEAN_MS = 2_000;
/** A request begins no further ahead than this, ms. */
const NOTICE_MAX_MS = 86_400_000;
/** The reference sets out for it at least this long before its start, where there is time, ms … */
const LEAD_MS = 180_000;
/** … and this many times as long as the ramp takes. */
const LEAD_SHARE = 1.25;
const MS_PER_S = 1_000;

/** A limit of the import that somebody has asked for, in force until its lease ends. Plain data. */
export interface HeldLimit {
  readonly command: Command;
  readonly limitW: number;
  /** What the import would have been, W; the limit is that much less the reduction. */
  readonly baselineW: number;
  readonly startsAt: number;
  readonly expiresAt: number;
  /** True once the reference has set out for it: whoever gives notice gets it from the start. */
  isSetOut: boolean;
  /** Mean of the import since then, W. */
  meanW: number;
  /** Since when that has been below the limit, monotonic ms; undefined: it is not. */
  belowSince: number | undefined;
  isTold: boolean;
}

/** Plain data. */
export interface ImportLimitState {
  held: HeldLimit | undefined;
}

export interface ImportLimitSight extends Omit<LeaseSight, "units" | "envelope"> {
  /** Undefined where the site does not smooth: there is no reference to move. */
  readonly smoothing: SmoothingLevel | undefined;
  /** Most that the batteries could give in the cycle before, W, beside their other duties. */
  readonly reachW: number;
}

/** True for a command that the grid connection, and not a battery, is asked to follow. */
export function isImportLimit(plan: ControlPlan, { asset, action }: Command): boolean {
  if (asset !== plan.grid.device) return false;
  return action.kind !== "set-power" && (action.kind !== "set-point" || action.point === POINT);
}

/**
 * Where the reference is held for it, W; Infinity: nobody asks. The band in which the grid power is
 * left alone lies below the limit.
 */
export function askedLimitW(
  { held }: ImportLimitState,
  smoothing: SmoothingLevel | undefined,
): number {
  if (held?.isSetOut !== true) return Infinity;
  return Math.max(held.limitW - (smoothing?.smoothing.settings.deadbandW ?? 0), 0);
}

/**
 * Takes a limit, or lets it go. One that would take the battery below what the ramp and the reserve
 * need is shortened to the time that it can be kept, one that asks for more than its power is
 * raised to that, and refused where nothing is left.
 */
export function takeImportLimit(
  state: ImportLimitState,
  command: Command,
  sight: ImportLimitSight,
): void {
  const { now, steps, utc } = sight;
  const tell = (facts: StepFacts): void => {
    pushStep(steps, command, utc, facts);
  };
  tell({ stage: "received" });
  if (now > command.notAfter) {
    tell({ stage: "expired", reason: "too-late" });
    return;
  }
  const refusal = whyRefused(state, command, sight);
  if (refusal !== undefined) {
    tell({ stage: "refused", reason: refusal });
    return;
  }
  if (command.action.kind === "release") {
    end(state, sight, { stage: "superseded", reason: "released" });
    tell({ stage: "accepted" });
    tell({ stage: "done" });
    return;
  }
  const { smoothing } = sight;
  const offer =
    smoothing === undefined ? "not-available" : offerFor(command, { ...sight, smoothing });
  if (typeof offer === "string") {
    tell({ stage: "refused", reason: offer });
    return;
  }
  end(state, sight, { stage: "superseded", reason: command.id });
  state.held = {
    command,
    ...offer,
    expiresAt: offer.startsAt + offer.leaseMs,
    isSetOut: false,
    meanW: Number.NaN,
    belowSince: undefined,
    isTold: false,
  };
  const promised = { leaseMs: offer.leaseMs, withinMs: offer.withinMs };
  const { cut } = offer;
  const facts = { applied: amountOf(state.held), promised };
  tell(
    cut === undefined
      ? { stage: "accepted", ...facts }
      : { stage: "clamped", reason: cut, ...facts },
  );
}

/** What of a request can be kept. */
interface Offer {
  readonly limitW: number;
  readonly baselineW: number;
  readonly startsAt: number;
  readonly leaseMs: number;
  readonly withinMs: number;
  /** What made it less than was asked. */
  readonly cut: "limits-now" | "reserve" | undefined;
}

function offerFor(
  { action, leaseMs: askedMs }: Command,
  { now, smoothing, reachW }: ImportLimitSight & { readonly smoothing: SmoothingLevel },
): Offer | LeaseRefusal | "reserve" {
  const { meanW: baselineW, recentW } = smoothing.smoothing;
  const isReduction = action.kind === "reduce-import";
  const startsAt = isReduction ? Math.max(action.startsAt, now) : now;
  const askedW = isReduction
    ? baselineW - action.reductionW
    : action.kind === "set-point"
      ? action.value
      : Number.NaN;
  if (!(askedW >= 0)) return "out-of-envelope";
  // The batteries have to give what the load draws above it.
  const leastW = Math.max(baselineW, recentW) - reachW;
  const limitW = Math.max(askedW, leastW);
  if (isReduction && limitW >= baselineW) return "not-available";
  const lastsMs = lastsS(smoothing, limitW) * MS_PER_S;
  const beforeMs = Math.min(startsAt - now, leadMs(smoothing, limitW));
  const leaseMs = Math.floor(Math.min(askedMs, lastsMs - beforeMs));
  if (!(leaseMs > 0)) return "reserve";
  const isShort = leaseMs < askedMs;
  const cut = limitW > askedW ? "limits-now" : isShort ? "reserve" : undefined;
  const withinMs = Math.max(rampS(smoothing, limitW) * MS_PER_S, startsAt - now);
  return { limitW, baselineW, startsAt, leaseMs, withinMs, cut };
}

/** What was asked in its own terms: a limit, or a reduction of the import, W. */
function amountOf({ command, limitW, baselineW }: HeldLimit, importW = limitW): number {
  return command.action.kind === "reduce-import" ? baselineW - importW : importW;
}

/** How long it can be kept from setting out: on the way there half of it is given on average. */
function lastsS(level: SmoothingLevel, limitW: number): number {
  const heldS = capLastsS(level.smoothing, limitW);
  return heldS > 0 ? heldS + rampS(level, limitW) / 2 : 0;
}

/** From where the reference is now, s. */
function rampS({ smoothing }: SmoothingLevel, limitW: number): number {
  const { governor, settings } = smoothing;
  return Math.max(governor.referenceW - limitW, 0) / settings.rampDownWPerS;
}

function leadMs(smoothing: SmoothingLevel, limitW: number): number {
  return Math.max(LEAD_MS, LEAD_SHARE * rampS(smoothing, limitW) * MS_PER_S);
}

function whyRefused(
  { held }: ImportLimitState,
  command: Command,
  { plan, smoothing, now }: ImportLimitSight,
): LeaseRefusal | undefined {
  const isOwn = held?.command.holder === command.holder;
  if (isOwn && command.sequence <= held.command.sequence) return "stale-sequence";
  if (command.action.kind === "release") return isOwn ? undefined : "no-lease";
  const bad = whyBadRequest(command, plan, now);
  if (bad !== undefined) return bad;
  if (held !== undefined && !isOwn && held.command.priority <= command.priority)
    return "lease-held";
  return isSmoothing(smoothing) ? undefined : "not-available";
}

/** A limit is kept by the reference, which only moves while the load is smoothed. */
function isSmoothing(level: SmoothingLevel | undefined): boolean {
  return level !== undefined && level.out.mode !== "init" && level.out.mode !== "standby";
}

function whyBadRequest(
  { action, priority, leaseMs }: Command,
  plan: ControlPlan,
  now: number,
): LeaseRefusal | undefined {
  if (!isRequest(action, now)) return "bad-value";
  if (clamp(priority, STRONGEST_PRIORITY, WEAKEST_PRIORITY) !== priority) return "bad-priority";
  return leaseMs > 0 && leaseMs <= plan.leases.maximumMs ? undefined : "bad-lease";
}

/** Lets a limit go that somebody else than its holder ends. */
export function dropImportLimit(
  state: ImportLimitState,
  sight: Pick<ImportLimitSight, "steps" | "utc">,
  reason: string,
): void {
  end(state, sight, { stage: "superseded", reason });
}

function isRequest(action: Command["action"], now: number): boolean {
  if (action.kind === "set-point") return action.value >= 0;
  if (action.kind !== "reduce-import") return false;
  return action.reductionW > 0 && action.startsAt - now <= NOTICE_MAX_MS;
}

/** Sets out for a limit whose start is near. */
export function prepareImportLimit(
  { held }: ImportLimitState,
  { now, smoothing }: Pick<ImportLimitSight, "now" | "smoothing">,
): void {
  if (held === undefined || held.isSetOut || smoothing === undefined) return;
  held.isSetOut = now >= held.startsAt - leadMs(smoothing, held.limitW);
}

/** Tells the measured effect once it is there, and lets the limit go when its time has passed. */
export function followImportLimit(
  state: ImportLimitState,
  sight: ImportLimitSight & { readonly gridW: number; readonly elapsedMs: number },
): void {
  const { held } = state;
  if (held === undefined) return;
  const { now, utc, steps, gridW, plan, notices } = sight;
  if (now >= held.expiresAt) {
    end(state, sight, { stage: "expired", reason: "lease-ended" });
    notices.once(
      { id: "lease-expired", device: plan.grid.device },
      `the import limit of ${held.command.holder} ended; ${megawatts(held.limitW)} is let go`,
    );
    return;
  }
  if (held.isTold || !held.isSetOut) return;
  takeMean(held, gridW, sight.elapsedMs);
  if (!(held.meanW <= held.limitW * (1 + NOISE_SHARE))) held.belowSince = undefined;
  else held.belowSince ??= now;
  if (held.belowSince === undefined || now - held.belowSince < SETTLED_MS) return;
  held.isTold = true;
  const facts = { applied: amountOf(held), measured: amountOf(held, held.meanW) };
  pushStep(steps, held.command, utc, { stage: "effect", ...facts });
  pushStep(steps, held.command, utc, { stage: "done", ...facts });
}

function takeMean(held: HeldLimit, gridW: number, elapsedMs: number): void {
  if (Number.isNaN(gridW) || Number.isNaN(held.meanW)) held.meanW = gridW;
  else held.meanW += Math.min(1, elapsedMs / EFFECT_MEAN_MS) * (gridW - held.meanW);
}

/** As a lease in force; undefined: nobody holds one. */
export function importLimitLease(
  { held }: ImportLimitState,
  plan: ControlPlan,
  sight: { readonly now: number; readonly referenceW: number },
): LeaseStatus | undefined {
  if (held === undefined) return undefined;
  const { command, limitW, startsAt, expiresAt } = held;
  return {
    kind: "import-limit",
    asset: plan.grid.device,
    holder: command.holder,
    commandId: command.id,
    priority: command.priority,
    targetW: limitW,
    partW: sight.referenceW,
    startsInMs: Math.max(startsAt - sight.now, 0),
    remainingMs: expiresAt - sight.now,
  };
}

function end(
  state: ImportLimitState,
  { steps, utc }: Pick<ImportLimitSight, "steps" | "utc">,
  facts: StepFacts,
): void {
  const { held } = state;
  state.held = undefined;
  if (held !== undefined && !held.isTold)
    pushStep(steps, held.command, utc, { applied: amountOf(held), ...facts });
}
