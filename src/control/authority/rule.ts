import type { Command, CommandStep } from "../../domain/command.ts";
import type { MonotonicMs, UtcMs } from "../../domain/time.ts";
import type { ImageView } from "../../points/image.ts";
import { freshState } from "../conditions.ts";
import { type Envelope, lockAssets, LOCKED_OUT, OPEN, PERHAPS_LOCKED_OUT } from "../envelope.ts";
import type { AuthorityStatus } from "../exchange.ts";
import { endLease, type LeaseState } from "../leases.ts";
import { pushStep } from "../push-step.ts";
import type { Notices } from "../notices.ts";
import type { ControlPlan } from "../plan.ts";
import {
  authorityRefusal,
  type AuthorityState,
  isLocal,
  lockoutOf,
  UNREADABLE,
} from "./authority.ts";

export interface RuleSight {
  readonly plan: ControlPlan;
  readonly view: ImageView;
  readonly now: MonotonicMs;
  readonly notices: Notices;
}

/** Reads the selector and locks what is locked out, before anything is decided. */
export function observeAuthority(
  state: AuthorityState,
  envelope: Envelope,
  { plan, view, now, notices }: RuleSight,
): void {
  const { localSelector } = plan;
  if (localSelector !== undefined)
    state.selector = freshState(view, localSelector.condition, now, localSelector.maxAgeMs);
  if (state.lockedRevision !== state.revision) {
    lockAssets(envelope, (asset) => lockOf(state, asset));
    state.lockedRevision = state.revision;
  }
  const isActive = isLocal(state);
  if (!notices.isNews("local-mode", undefined, isActive)) return;
  notices.tell(
    { id: "local-mode", device: undefined },
    isActive,
    isActive ? `${whyLocal(state)}: nothing from afar is taken` : "commands from afar are taken",
  );
}

/** What is asked from afar, as far as it may be; the rest is refused, and told so. */
export function admitted(
  state: AuthorityState,
  commands: readonly Command[],
  { steps, utc }: { readonly steps: CommandStep[]; readonly utc: UtcMs },
): readonly Command[] {
  return commands.filter((command) => {
    const refusal = authorityRefusal(state, command.asset);
    if (refusal === undefined) return true;
    pushStep(steps, command, utc, { stage: "received" });
    pushStep(steps, command, utc, { stage: "refused", reason: refusal });
    return false;
  });
}

/** Ends what was asked from afar before the box was taken over. */
export function endRemoteLeases(
  leases: LeaseState,
  sight: { readonly steps: CommandStep[]; readonly utc: UtcMs },
): void {
  for (const lease of [...leases.leases])
    endLease(leases, lease, sight, { stage: "superseded", reason: "local-mode" });
}

export function authorityStatus(state: AuthorityState): AuthorityStatus {
  const { holds, yields, lockouts, isLocalAsked } = state;
  const localBy = isLocalAsked ? "person" : "selector";
  return {
    isLocal: isLocal(state),
    localBy: isLocal(state) ? localBy : undefined,
    holds,
    yields,
    lockouts,
  };
}

function lockOf(state: AuthorityState, asset: string): number {
  const lockout = lockoutOf(state, asset);
  if (lockout === undefined) return OPEN;
  return lockout.by === UNREADABLE ? PERHAPS_LOCKED_OUT : LOCKED_OUT;
}

function whyLocal({ isLocalAsked, selector }: AuthorityState): string {
  if (isLocalAsked) return "a person took the gateway over";
  return selector === "active"
    ? "the selector stands on local"
    : "the selector cannot be read and counts as local";
}
