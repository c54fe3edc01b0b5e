import { GatewayError } from "../../domain/errors.ts";
import { rejectWord, serviceErrorWord } from "../../wire/mms/error-words.ts";
import type { ServiceError } from "../../wire/mms/pdu.ts";
import type { MmsResponse } from "../../wire/mms/response.ts";

/** What a device says to a request. A refusal is an answer, not an error. */
export type Answer =
  | { readonly answer: "response"; readonly response: MmsResponse }
  | { readonly answer: "service-error"; readonly error: ServiceError }
  | { readonly answer: "reject"; readonly rejected: number; readonly reason: number };

export type Refusal = Exclude<Answer, { answer: "response" }>;

type Service = MmsResponse["service"];
export type ResponseOf<S extends Service> = Extract<MmsResponse, { service: S }>;

/**
 * The response to a request for `service`; undefined when the device refused it.
 * @throws GatewayError REPLY_MALFORMED when it answers something else
 */
export function responseOf<S extends Service>(
  answer: Answer,
  service: S,
): ResponseOf<S> | undefined {
  if (answer.answer !== "response") return undefined;
  const { response } = answer;
  if (response.service !== service) {
    throw new GatewayError("REPLY_MALFORMED", { asked: service, answered: response.service });
  }
  return response as ResponseOf<S>;
}

export function refusalWord(refusal: Refusal): string {
  return refusal.answer === "reject"
    ? `reject: ${rejectWord(refusal)}`
    : serviceErrorWord(refusal.error);
}

/** A refusal for whoever cannot do without the response. */
export function refusalError(refusal: Refusal): GatewayError {
  return new GatewayError("DEVICE_EXCEPTION", { refused: refusalWord(refusal) });
}

const ACCESS_CLASS = 7;
/** Codes of the class "access" as those of a single access. */
const ACCESS_CODES: Readonly<Record<number, number>> = { 1: 9, 2: 10, 3: 3, 4: 0 };

/** The refusal as the code of one access, where it says as much; undefined otherwise. */
export function accessCodeOf(refusal: Refusal): number | undefined {
  if (refusal.answer === "reject" || refusal.error.class !== ACCESS_CLASS) return undefined;
  return ACCESS_CODES[refusal.error.code];
}
