import type { MonotonicMs, UtcMs } from "./time.ts";

/** What a command asks of an asset. Powers in W; positive discharges a battery. */
export type CommandAction =
  | { readonly kind: "set-power"; readonly powerW: number; readonly rampWPerS: number | undefined }
  /** Import of the grid connection, this much less than it would be from a time on. */
  | { readonly kind: "reduce-import"; readonly reductionW: number; readonly startsAt: MonotonicMs }
  | { readonly kind: "release" }
  | { readonly kind: "set-point"; readonly point: string; readonly value: number };

/** What an action asks for, W or the point's unit; undefined for a release. */
export function requestedOf(action: CommandAction): number | undefined {
  switch (action.kind) {
    case "set-power":
      return action.powerW;
    case "reduce-import":
      return action.reductionW;
    case "set-point":
      return action.value;
    case "release":
      return undefined;
  }
}

/**
 * A request that services has verified and stored. Control leases, clamps and executes it.
 * Never executed twice: `id` is unique in the replay window.
 */
export interface Command {
  readonly id: string;
  /** Who holds the lease while it runs: principal of the signature, or `unsigned`. */
  readonly holder: string;
  /** Device or group of the site file that it is for. */
  readonly asset: string;
  readonly action: CommandAction;
  /** Arbitration level 4 (grid instruction) … 7 (schedule); lower wins. */
  readonly priority: number;
  /** Fencing: of one holder and asset, only a higher sequence is taken. */
  readonly sequence: number;
  /** How long the request stays in force after control took it or, later, after its start, ms. */
  readonly leaseMs: number;
  /** Not executed when control gets it later than this. */
  readonly notAfter: MonotonicMs;
  readonly receivedUtc: UtcMs;
}

/** A command ends in exactly one of these. */
export type CommandEnd = "done" | "refused" | "expired" | "superseded" | "unknown";

export type CommandStage =
  "received" | "accepted" | "clamped" | "written" | "read-back" | "effect" | CommandEnd;

export interface CommandPromise {
  /** From its start on it is kept for so long, ms. */
  readonly leaseMs: number;
  /** From now until it can be there, ms. */
  readonly withinMs: number;
}

/** One step of a command's life; goes north as an acknowledgement. */
export interface CommandStep {
  readonly commandId: string;
  readonly stage: CommandStage;
  readonly final: boolean;
  readonly asset: string;
  /** Kebab-case word from a closed list of the sender: `out-of-envelope`, `lease-lost`. */
  readonly reason: string | undefined;
  /** What was asked, W or the point's unit. */
  readonly requested: number | undefined;
  /** What was written after the envelope. */
  readonly applied: number | undefined;
  /** What was measured afterwards. */
  readonly measured: number | undefined;
  readonly readBack: "applied" | "differs" | "unconfirmed" | undefined;
  /** With `accepted` and `clamped` of an import limit: what is promised. */
  readonly promised?: CommandPromise | undefined;
  readonly at: UtcMs;
}
