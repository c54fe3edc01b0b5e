import { dataAccessErrorCode, type DataAccessErrorName } from "../../wire/mms/error-words.ts";
import type { ServiceError } from "../../wire/mms/pdu.ts";

const refusal = (name: DataAccessErrorName): { readonly code: number } => ({
  code: dataAccessErrorCode(name),
});

/** Answers to a read or a write of one variable. */
export const REFUSED = {
  temporarilyUnavailable: refusal("temporarily-unavailable"),
  accessDenied: refusal("object-access-denied"),
  typeInconsistent: refusal("type-inconsistent"),
  attributeInconsistent: refusal("object-attribute-inconsistent"),
  accessUnsupported: refusal("object-access-unsupported"),
  nonExistent: refusal("object-non-existent"),
  valueInvalid: refusal("object-value-invalid"),
} as const;

/** Answers to a whole request (ISO 9506-2, ServiceError: class resource, definition, access). */
export const SERVICE_REFUSED = {
  answerTooLong: { class: 3, code: 0 },
  tooMany: { class: 3, code: 3 },
  alreadyExists: { class: 2, code: 5 },
  wrongNumberOfValues: { class: 4, code: 3 },
  accessUnsupported: { class: 7, code: 1 },
  nonExistent: { class: 7, code: 2 },
  accessDenied: { class: 7, code: 3 },
} as const satisfies Readonly<Record<string, ServiceError>>;

/** AddCause of commands, codes of `additionalCauseWord` (IEC 61850-7-2, section 20.5.2.9). */
export const CAUSE = {
  unknown: 0,
  selectFailed: 3,
  positionReached: 5,
  blockedByMode: 8,
  commandAlreadyInExecution: 12,
  abortionByCancel: 15,
  objectNotSelected: 18,
  objectAlreadySelected: 19,
  noAccessAuthority: 20,
  inconsistentParameters: 26,
  lockedByOtherClient: 27,
} as const;
