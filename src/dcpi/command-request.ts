import type { UtcMs } from "../domain/time.ts";
import type { JsonFault } from "./strict-json.ts";

export type Dialect = "dcpi" | "pswd";

/** What one command of a message asks for. Powers in W, positive discharging. */
export type CommandIntent =
  | {
      readonly kind: "set-power";
      readonly powerW: number;
      readonly rampWPerS: number | undefined;
    }
  /** The site's import is to be this much less than it would be, from a time on. */
  | { readonly kind: "reduce-import"; readonly reductionW: number; readonly startsAt: UtcMs }
  /** Give the battery back to the plant's own control. */
  | { readonly kind: "release" }
  /** A point of the target takes a value. */
  | { readonly kind: "set-point"; readonly point: string; readonly value: number }
  /** Well formed, but nothing that this gateway can do: it is answered, not obeyed. */
  | { readonly kind: "not-supported"; readonly action: string };

/** One command of a message, before the gateway has decided anything about it. */
export interface CommandDraft {
  /** Unique: the message's id, with `.<place>` when it carries several commands. */
  readonly id: string;
  /** As the peer named it; undefined: the site's battery group, or its grid connection. */
  readonly target: string | undefined;
  readonly intent: CommandIntent;
  /** How long it stays in force, ms: what the peer named, else what the site gives. */
  readonly leaseMs: number;
  /** JSON pointer to it in the message. */
  readonly at: string;
}

export interface CommandRequest {
  readonly id: string;
  readonly dialect: Dialect;
  /** When the peer says that it wrote the message. */
  readonly timestamp: UtcMs;
  readonly correlation: string | undefined;
  readonly commands: readonly CommandDraft[];
  /** JSON pointers to members that were passed over. */
  readonly ignored: readonly string[];
}

export type CommandFault =
  | JsonFault
  | "no-dialect"
  | "two-dialects"
  | "unsupported-version"
  | "wrong-dialect"
  | "schema"
  | "no-id"
  | "timestamp-malformed"
  | "wrong-facility"
  | "sign-disagrees"
  | "no-power"
  | "two-values"
  | "duration-zero"
  | "duration-too-long"
  | "too-far-ahead"
  | "already-over"
  | "deadline-passed";

/** What the site lends. */
export interface LeaseLimits {
  /** Lease of a command that names no duration, ms. */
  readonly defaultMs: number;
  /** Longest lease that is given, ms. A longer wish is refused, not cut: it was meant. */
  readonly maximumMs: number;
}
