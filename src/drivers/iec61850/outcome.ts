import { GatewayError } from "../../domain/errors.ts";
import { additionalCauseWord } from "../../wire/mms/error-words.ts";
import type { ControlOutcome, EngineWriteOutcome, UnknownWhy } from "./engine.ts";

/** What became of sending something to the device, before anything is read back. */
export type Sent =
  | { readonly result: "accepted" }
  | { readonly result: "refused" | "unknown"; readonly error: GatewayError };

const UNKNOWN_CODES = {
  timeout: "LINK_TIMEOUT",
  down: "LINK_LOST",
  aborted: "LINK_LOST",
  malformed: "REPLY_MALFORMED",
} as const satisfies Readonly<Record<UnknownWhy, string>>;

/** A refusal says its stage and, where the device gives one, its cause in words. */
export function sentOfControl(outcome: ControlOutcome): Sent {
  switch (outcome.outcome) {
    case "accepted":
      return { result: "accepted" };
    case "refused": {
      const { stage, reason, additionalCause, number } = outcome;
      const code = number === undefined ? "REQUEST_REFUSED" : "DEVICE_EXCEPTION";
      const cause = additionalCause === undefined ? reason : additionalCauseWord(additionalCause);
      return { result: "refused", error: new GatewayError(code, { stage, reason, cause }) };
    }
    case "unknown": {
      const { stage, why } = outcome;
      const error = new GatewayError(UNKNOWN_CODES[why], { stage, sent: true });
      return { result: "unknown", error };
    }
  }
}

export function sentOfWrite(outcome: EngineWriteOutcome): Sent {
  if (outcome.outcome === "accepted") return { result: "accepted" };
  return { result: outcome.outcome, error: outcome.error };
}
