import { assert } from "../domain/assert.ts";
import type { Command, CommandAction, CommandStep } from "../domain/command.ts";
import type { MonotonicMs, UtcMs } from "../domain/time.ts";
import { clamp } from "./arbitration.ts";
import { type Envelope, fixedRange } from "./envelope.ts";
import { itemAt } from "./item-at.ts";
import { megawatts, type Notices } from "./notices.ts";
import type { ControlPlan } from "./plan.ts";
import { isEnd, pushStep, type StepFacts } from "./push-step.ts";
import { canCommand, type UnitState } from "./units.ts";

/** A request in force: who holds the power of an asset, how much, and how long. Plain data. */
export interface Lease {
  readonly commandId: string;
  readonly holder: string;
  /** Place in `LeaseState.assets`. */
  readonly asset: number;
  readonly priority: number;
  readonly requestedW: number;
  /** After the envelope. */
  readonly targetW: number;
  /** As the command asked; undefined: the site's ramp. */
  readonly rampWPerS: number | undefined;
  readonly takenAt: MonotonicMs;
  readonly expiresAt: number;
  readonly progress: LeaseProgress;
}

/** How far a command has come; see `followLeases`. */
export interface LeaseProgress {
  stage: "accepted" | "written" | "read-back" | "ended";
  /** When the leased part reached its target; undefined while it ramps. */
  reachedAt: number | undefined;
  /** Since when none of its units can be commanded; undefined while one can. */
  unheardSince: number | undefined;
}

/** Plain data. */
export interface LeaseState {
  /** Units in the order of the plan, then groups. */
  readonly assets: readonly LeaseAsset[];
  /** At most one per asset, and none on assets that share a unit with another leased one. */
  readonly leases: Lease[];
  /** False where the load is smoothed: there an instruction moves the grid's reference instead. */
  readonly fixesUnits: boolean;
  /** Last sequence by holder and asset; the one that was used longest ago comes first. */
  readonly sequences: Map<string, number>;
}

export interface LeaseAsset {
  readonly asset: string;
  /** Places of its units. */
  readonly units: readonly number[];
}

export interface LeaseSight {
  readonly now: MonotonicMs;
  readonly utc: UtcMs;
  readonly plan: ControlPlan;
  readonly units: readonly UnitState[];
  readonly envelope: Envelope;
  readonly notices: Notices;
  readonly steps: CommandStep[];
}

export type LeaseRefusal =
  | "unknown-asset"
  | "owned-by-control"
  | "bad-value"
  | "bad-priority"
  | "bad-lease"
  | "stale-sequence"
  | "too-many-holders"
  | "lease-held"
  | "no-lease"
  | "tripped"
  | "held-locally"
  | "not-available"
  | "out-of-envelope";

/** Grid instruction … schedule; stronger levels are not for commands. */
export const STRONGEST_PRIORITY = 4;
export const WEAKEST_PRIORITY = 7;

export function noLeases(plan: ControlPlan): LeaseState {
  const own = plan.units.map(({ asset }, place) => ({ asset, units: [place] }));
  const assets = [...own, ...plan.groups];
  assert(
    assets.every(({ units }) => units.every((unit) => unit < plan.units.length)),
    "a group names units of the plan",
  );
  return {
    assets,
    leases: [],
    fixesUnits: plan.smoothing === undefined,
    sequences: new Map(),
  };
}

/**
 * Takes a command: it becomes the lease of its asset, lets one go, or is refused. Of one holder and
 * asset only a higher sequence is taken. The same holder supersedes itself; another holder only
 * with a stronger priority.
 */
export function takeCommand(state: LeaseState, command: Command, sight: LeaseSight): void {
  const { now, steps, utc } = sight;
  pushStep(steps, command, utc, { stage: "received" });
  if (now > command.notAfter) {
    pushStep(steps, command, utc, { stage: "expired", reason: "too-late" });
    return;
  }
  const refusal = whyRefused(state, command, sight);
  if (refusal !== undefined) {
    pushStep(steps, command, utc, { stage: "refused", reason: refusal });
    return;
  }
  remember(state, command, sight.plan.leases.maximumHolders);
  if (command.action.kind === "release") releaseLease(state, command, sight);
  else if (command.action.kind === "set-power") lease(state, command, command.action, sight);
}

/** Ends leases whose time has passed; their parts ramp away. */
export function expireLeases(state: LeaseState, sight: LeaseSight): void {
  for (const lease of [...state.leases]) {
    if (sight.now < lease.expiresAt) continue;
    const { asset } = itemAt(state.assets, lease.asset);
    endLease(state, lease, sight, { stage: "expired", reason: "lease-ended" });
    sight.notices.once(
      { id: "lease-expired", device: asset },
      `the lease of ${lease.holder} ended; ${megawatts(lease.targetW)} ramps away`,
    );
  }
}

/** Takes a lease out of force; tells its end if its command has not ended yet. */
export function endLease(
  state: LeaseState,
  lease: Lease,
  sight: Pick<LeaseSight, "steps" | "utc">,
  end: StepFacts,
): void {
  const place = state.leases.indexOf(lease);
  assert(place >= 0, "only a lease in force ends");
  state.leases.splice(place, 1);
  pushLeaseStep(state, lease, sight, end);
}

/** Tells a step of a lease's command; nothing after its end. */
export function pushLeaseStep(
  state: LeaseState,
  lease: Lease,
  sight: Pick<LeaseSight, "steps" | "utc">,
  facts: StepFacts,
): void {
  if (lease.progress.stage === "ended") return;
  if (isEnd(facts.stage)) lease.progress.stage = "ended";
  const { asset } = itemAt(state.assets, lease.asset);
  pushStep(sight.steps, { id: lease.commandId, asset, requestedW: lease.requestedW }, sight.utc, {
    applied: lease.targetW,
    ...facts,
  });
}

function whyRefused(
  state: LeaseState,
  command: Command,
  sight: LeaseSight,
): LeaseRefusal | undefined {
  const asset = assetPlace(state, command.asset);
  if (asset < 0) return "unknown-asset";
  // The import belongs to the grid connection, not to a battery.
  const { kind } = command.action;
  if (kind === "set-point" || kind === "reduce-import") return "owned-by-control";
  const fenced = whyFenced(state, command, sight.plan.leases.maximumHolders);
  if (fenced !== undefined) return fenced;
  if (command.action.kind === "release") {
    const held = state.leases.find((lease) => lease.asset === asset);
    return held?.holder === command.holder ? undefined : "no-lease";
  }
  return (
    whyBadRequest(command, command.action, sight) ??
    whyConflict(state, command) ??
    whyUnable(state, command.action.powerW, asset, sight)
  );
}

function whyFenced(
  state: LeaseState,
  command: Command,
  maximumHolders: number,
): LeaseRefusal | undefined {
  const last = state.sequences.get(sequenceKey(command));
  if (last !== undefined) return command.sequence <= last ? "stale-sequence" : undefined;
  const isFull = state.sequences.size >= maximumHolders;
  return isFull && forgettable(state) === undefined ? "too-many-holders" : undefined;
}

/** Puts the sequence behind all others; at the limit the oldest without a lease is forgotten. */
function remember(state: LeaseState, command: Command, maximumHolders: number): void {
  const { sequences } = state;
  const key = sequenceKey(command);
  sequences.delete(key);
  const oldest = sequences.size >= maximumHolders ? forgettable(state) : undefined;
  if (oldest !== undefined) sequences.delete(oldest);
  sequences.set(key, command.sequence);
}

/** The sequence that was used longest ago and guards no lease. */
function forgettable(state: LeaseState): string | undefined {
  const held = new Set(
    state.leases.map(({ holder, asset }) =>
      sequenceKey({ holder, asset: itemAt(state.assets, asset).asset }),
    ),
  );
  for (const key of state.sequences.keys()) if (!held.has(key)) return key;
  return undefined;
}

function whyBadRequest(
  command: Command,
  action: CommandAction & { readonly kind: "set-power" },
  sight: LeaseSight,
): LeaseRefusal | undefined {
  if (!Number.isFinite(action.powerW)) return "bad-value";
  if (action.rampWPerS !== undefined && !(action.rampWPerS > 0)) return "bad-value";
  if (!(command.priority >= STRONGEST_PRIORITY && command.priority <= WEAKEST_PRIORITY))
    return "bad-priority";
  const isLength = command.leaseMs > 0 && command.leaseMs <= sight.plan.leases.maximumMs;
  return isLength ? undefined : "bad-lease";
}

function whyConflict(state: LeaseState, command: Command): LeaseRefusal | undefined {
  const isHeld = overlapping(state, assetPlace(state, command.asset)).some(
    (lease) => lease.holder !== command.holder && lease.priority <= command.priority,
  );
  return isHeld ? "lease-held" : undefined;
}

function whyUnable(
  state: LeaseState,
  powerW: number,
  asset: number,
  sight: LeaseSight,
): LeaseRefusal | undefined {
  const units = membersOf(state, asset);
  if (units.some((unit) => itemAt(sight.units, unit).mode === "tripped")) return "tripped";
  if (units.every((unit) => itemAt(sight.units, unit).mode === "held")) return "held-locally";
  if (!units.some((unit) => canCommand(itemAt(sight.units, unit)))) return "not-available";
  const range = envelopeOf(units, sight);
  if (range === undefined) return "out-of-envelope";
  const isInside = powerW >= range.min && powerW <= range.max;
  return isInside || range.mode === "clamp" ? undefined : "out-of-envelope";
}

function lease(
  state: LeaseState,
  command: Command,
  action: CommandAction & { readonly kind: "set-power" },
  sight: LeaseSight,
): void {
  const { now, utc, steps } = sight;
  const asset = assetPlace(state, command.asset);
  for (const other of overlapping(state, asset))
    endLease(state, other, sight, { stage: "superseded", reason: command.id });
  const units = membersOf(state, asset);
  const range = envelopeOf(units, sight);
  assert(range !== undefined, "a command without an envelope was refused before");
  const targetW = clamp(action.powerW, range.min, range.max);
  const rampMaxWPerS = units.reduce(
    (sum, unit) => sum + itemAt(sight.plan.units, unit).rampMaxWPerS,
    0,
  );
  const taken: Lease = {
    commandId: command.id,
    holder: command.holder,
    asset,
    priority: command.priority,
    requestedW: action.powerW,
    targetW,
    rampWPerS:
      action.rampWPerS === undefined ? undefined : Math.min(action.rampWPerS, rampMaxWPerS),
    takenAt: now,
    expiresAt: now + command.leaseMs,
    progress: { stage: "accepted", reachedAt: undefined, unheardSince: undefined },
  };
  state.leases.push(taken);
  pushStep(steps, command, utc, acceptance(taken, units, sight));
}

/** `clamped` also where the units cannot give it now: the target stays, and they may later. */
function acceptance(taken: Lease, units: readonly number[], sight: LeaseSight): StepFacts {
  const { targetW, requestedW } = taken;
  let lowW = 0;
  let highW = 0;
  for (const unit of units) {
    const { box } = itemAt(sight.units, unit);
    lowW += box.lowW;
    highW += box.highW;
  }
  const applied = clamp(targetW, lowW, highW);
  if (applied === requestedW || isStarting(units, sight))
    return targetW === requestedW
      ? { stage: "accepted", applied: targetW }
      : { stage: "clamped", reason: "envelope", applied: targetW };
  const reason = applied === targetW ? "envelope" : "limits-now";
  return { stage: "clamped", reason, applied };
}

/** In its first cycle a unit is held where it is: that says nothing of what it can give. */
function isStarting(units: readonly number[], sight: LeaseSight): boolean {
  return units.some((unit) => itemAt(sight.units, unit).mode === "starting");
}

function releaseLease(state: LeaseState, command: Command, sight: LeaseSight): void {
  const held = state.leases.find(
    (lease) => itemAt(state.assets, lease.asset).asset === command.asset,
  );
  assert(held !== undefined, "a release without a lease was refused before");
  pushStep(sight.steps, command, sight.utc, { stage: "accepted" });
  endLease(state, held, sight, { stage: "superseded", reason: "released" });
  pushStep(sight.steps, command, sight.utc, { stage: "done" });
}

function overlapping(state: LeaseState, asset: number): readonly Lease[] {
  const units = membersOf(state, asset);
  return state.leases.filter((lease) =>
    membersOf(state, lease.asset).some((unit) => units.includes(unit)),
  );
}

/** Places of the units of an asset. */
export function membersOf(state: LeaseState, asset: number): readonly number[] {
  return itemAt(state.assets, asset).units;
}

function assetPlace(state: LeaseState, asset: string): number {
  return state.assets.findIndex((known) => known.asset === asset);
}

/** The sum of what the envelope allows the units; the strictest of their modes. */
function envelopeOf(
  units: readonly number[],
  sight: LeaseSight,
): { readonly min: number; readonly max: number; readonly mode: "clamp" | "refuse" } | undefined {
  let min = 0;
  let max = 0;
  let mode: "clamp" | "refuse" = "clamp";
  for (const unit of units) {
    const plan = itemAt(sight.plan.units, unit);
    const range = fixedRange(sight.envelope, plan.points.setpoint);
    if (range === undefined) return undefined;
    min += Math.max(range.min, -plan.chargeRatingW);
    max += Math.min(range.max, plan.dischargeRatingW);
    if (range.mode === "refuse") mode = "refuse";
  }
  return { min, max, mode };
}

function sequenceKey({ holder, asset }: Pick<Command, "holder" | "asset">): string {
  return `${holder}\n${asset}`;
}
