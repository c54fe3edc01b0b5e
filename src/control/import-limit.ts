import type { Command } from "../domain/command.ts";
import { clamp } from "./arbitration.ts";
import {
  type LeaseRefusal,
  type LeaseSight,
  pushStep,
  type StepFacts,
  STRONGEST_PRIORITY,
  WEAKEST_PRIORITY,
} from "./leases.ts";
import { megawatts } from "./notices.ts";
import type { ControlPlan } from "./plan.ts";
import { capLastsS } from "./smoothing/smoothing.ts";
import type { SmoothingLevel } from "./smoothing-level.ts";

/** The point of the grid connection that carries it. */
const POINT = "import-limit";
/** The import has stayed below for so long: that is its effect. */
const SETTLED_MS = 1_000;
/** Meters and the band of smoothing leave it this uncertain, part of the limit. */
const NOISE_SHARE = 0.005;
const MS_PER_S = 1_000;

/**
 * A limit of the import that somebody has asked for, in force until its lease ends. The reference
 * sets out for it at its ramp as soon as it is taken: whoever gives notice gets it from the start.
 */
export interface HeldLimit {
  readonly command: Command;
  readonly limitW: number;
  readonly expiresAt: number;
  /** Since when the import has been below it, monotonic ms; undefined: it is not. */
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
}

/** True for a command that the grid connection, and not a battery, is asked to follow. */
export function isImportLimit(plan: ControlPlan, { asset, action }: Command): boolean {
  if (asset !== plan.grid.device) return false;
  return action.kind === "release" || (action.kind === "set-point" && action.point === POINT);
}

/**
 * Where the reference is held for it, W; Infinity: nobody asks. The band in which the grid power is
 * left alone lies below the limit.
 */
export function askedLimitW(
  { held }: ImportLimitState,
  smoothing: SmoothingLevel | undefined,
): number {
  if (held === undefined) return Infinity;
  return Math.max(held.limitW - (smoothing?.smoothing.settings.deadbandW ?? 0), 0);
}

/**
 * Takes a limit, or lets it go. One that would take the battery below what the ramp and the reserve
 * need is shortened to the time that it can be kept, and refused where that is none.
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
  const { action } = command;
  if (action.kind === "set-point") take(state, command, { sight, limitW: action.value });
  else {
    end(state, sight, { stage: "superseded", reason: "released" });
    tell({ stage: "accepted" });
    tell({ stage: "done" });
  }
}

function take(
  state: ImportLimitState,
  command: Command,
  { sight, limitW }: { readonly sight: ImportLimitSight; readonly limitW: number },
): void {
  const { now, utc, steps, smoothing } = sight;
  const lastsMs = smoothing === undefined ? 0 : lastsS(smoothing, limitW) * MS_PER_S;
  if (!(lastsMs > 0)) {
    pushStep(steps, command, utc, { stage: "refused", reason: "reserve" });
    return;
  }
  end(state, sight, { stage: "superseded", reason: command.id });
  const leaseMs = Math.min(command.leaseMs, lastsMs);
  state.held = {
    command,
    limitW,
    expiresAt: now + leaseMs,
    belowSince: undefined,
    isTold: false,
  };
  const isShort = leaseMs < command.leaseMs;
  const facts = { applied: limitW };
  if (isShort) pushStep(steps, command, utc, { stage: "clamped", reason: "reserve", ...facts });
  else pushStep(steps, command, utc, { stage: "accepted", ...facts });
}

/** How long it can be kept from now on: on the way there half of it is given on average. */
function lastsS({ smoothing }: SmoothingLevel, limitW: number): number {
  const { governor, settings } = smoothing;
  const awayW = Math.max(governor.referenceW - limitW, 0);
  const heldS = capLastsS(smoothing, limitW);
  return heldS > 0 ? heldS + awayW / settings.rampDownWPerS / 2 : 0;
}

function whyRefused(
  { held }: ImportLimitState,
  command: Command,
  { plan, smoothing }: ImportLimitSight,
): LeaseRefusal | undefined {
  const isOwn = held?.command.holder === command.holder;
  if (isOwn && command.sequence <= held.command.sequence) return "stale-sequence";
  if (command.action.kind === "release") return isOwn ? undefined : "no-lease";
  const bad = whyBadRequest(command, plan);
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
): LeaseRefusal | undefined {
  if (!(action.kind === "set-point" && action.value >= 0)) return "bad-value";
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

/** Tells the measured effect once it is there, and lets the limit go when its time has passed. */
export function followImportLimit(
  state: ImportLimitState,
  sight: ImportLimitSight & { readonly gridW: number },
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
  if (held.isTold) return;
  if (gridW > held.limitW * (1 + NOISE_SHARE) || Number.isNaN(gridW)) held.belowSince = undefined;
  else held.belowSince ??= now;
  if (held.belowSince === undefined || now - held.belowSince < SETTLED_MS) return;
  held.isTold = true;
  const facts = { applied: held.limitW, measured: gridW };
  pushStep(steps, held.command, utc, { stage: "effect", ...facts });
  pushStep(steps, held.command, utc, { stage: "done", ...facts });
}

function end(
  state: ImportLimitState,
  { steps, utc }: Pick<ImportLimitSight, "steps" | "utc">,
  facts: StepFacts,
): void {
  const { held } = state;
  state.held = undefined;
  if (held !== undefined && !held.isTold)
    pushStep(steps, held.command, utc, { applied: held.limitW, ...facts });
}
