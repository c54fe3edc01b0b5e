import { GatewayError } from "../../domain/errors.ts";
import { dataAccessErrorWord } from "../../wire/mms/error-words.ts";
import { byNames, type ObjectName } from "../../wire/mms/object-name.ts";
import type { MmsValue } from "../../wire/mms/value.ts";
import { accessCodeOf, type Answer, refusalError, responseOf } from "./answer.ts";
import type { Dialogue } from "./dialogue.ts";
import type { CallTerms, EngineWriteOutcome, UnknownWhy } from "./engine.ts";

/**
 * Writes one variable, once. Whatever goes wrong before the request is on its way is a refusal:
 * nothing has happened. After that, without an answer, the outcome is unknown.
 */
export async function writeName(
  dialogue: Dialogue,
  name: ObjectName,
  value: MmsValue,
  terms: CallTerms,
): Promise<EngineWriteOutcome> {
  const progress = { isSent: false };
  try {
    const answer = await dialogue.request(
      { service: "write", access: byNames([name]), values: [value] },
      {
        ...terms,
        isUrgent: true,
        onSent: () => {
          progress.isSent = true;
        },
      },
    );
    return outcomeOf(answer);
  } catch (error) {
    const known = asGatewayError(error, terms.signal);
    if (!progress.isSent) {
      return { outcome: "refused", wasSent: false, code: undefined, error: known };
    }
    return { outcome: "unknown", why: unknownWhy(known, terms.signal), error: known };
  }
}

function outcomeOf(answer: Answer): EngineWriteOutcome {
  if (answer.answer !== "response") {
    const error = refusalError(answer);
    return { outcome: "refused", wasSent: true, code: accessCodeOf(answer), error };
  }
  const results = responseOf(answer, "write")?.results ?? [];
  const [result, ...others] = results;
  if (result === undefined || others.length > 0) {
    throw new GatewayError("REPLY_MALFORMED", { asked: 1, answered: results.length });
  }
  if (result === "accepted") return { outcome: "accepted" };
  const { code } = result;
  const error = new GatewayError("DEVICE_EXCEPTION", { code, refused: dataAccessErrorWord(code) });
  return { outcome: "refused", wasSent: true, code, error };
}

/** The abort of a caller as an error of its own; our own mistakes are thrown on. */
export function asGatewayError(error: unknown, signal: AbortSignal): GatewayError {
  if (error instanceof GatewayError) return error;
  if (!signal.aborted) throw error;
  return new GatewayError("LINK_TIMEOUT", { aborted: true }, { cause: error });
}

export function unknownWhy(error: GatewayError, signal: AbortSignal): UnknownWhy {
  if (signal.aborted) return "aborted";
  if (error.code === "LINK_TIMEOUT") return "timeout";
  return error.code === "REPLY_MALFORMED" ? "malformed" : "down";
}
