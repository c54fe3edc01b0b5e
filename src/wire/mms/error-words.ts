/**
 * Refusals in words. A code that is not in a list keeps its number: nothing is guessed.
 *
 * @see ISO 9506-2, productions DataAccessError and ServiceError; IEC 61850-7-2, section 20.5.2.9
 *   (AddCause); IEC 61850-8-1, section 20 (LastApplError)
 */

const DATA_ACCESS_ERRORS = [
  "object-invalidated",
  "hardware-fault",
  "temporarily-unavailable",
  "object-access-denied",
  "object-undefined",
  "invalid-address",
  "type-unsupported",
  "type-inconsistent",
  "object-attribute-inconsistent",
  "object-access-unsupported",
  "object-non-existent",
  "object-value-invalid",
] as const;

export type DataAccessErrorName = (typeof DATA_ACCESS_ERRORS)[number];

const ADDITIONAL_CAUSES = [
  "unknown",
  "not-supported",
  "blocked-by-switching-hierarchy",
  "select-failed",
  "invalid-position",
  "position-reached",
  "parameter-change-in-execution",
  "step-limit",
  "blocked-by-mode",
  "blocked-by-process",
  "blocked-by-interlocking",
  "blocked-by-synchrocheck",
  "command-already-in-execution",
  "blocked-by-health",
  "one-of-n-control",
  "abortion-by-cancel",
  "time-limit-over",
  "abortion-by-trip",
  "object-not-selected",
  "object-already-selected",
  "no-access-authority",
  "ended-with-overshoot",
  "abortion-due-to-deviation",
  "abortion-by-communication-loss",
  "blocked-by-command",
  "none",
  "inconsistent-parameters",
  "locked-by-other-client",
] as const;

const CONTROL_ERRORS = ["no-error", "unknown", "timeout-test-not-ok", "operator-test-not-ok"];

const SERVICE_ERROR_CLASSES = [
  "vmd-state",
  "application-reference",
  "definition",
  "resource",
  "service",
  "service-preempt",
  "time-resolution",
  "access",
  "initiate",
  "conclude",
  "cancel",
  "file",
  "others",
];

const ACCESS_CODES = [
  "other",
  "object-access-unsupported",
  "object-non-existent",
  "object-access-denied",
  "object-invalidated",
];

const REJECTED = [
  "",
  "confirmed-request",
  "confirmed-response",
  "confirmed-error",
  "unconfirmed",
  "pdu",
  "cancel-request",
  "cancel-response",
  "cancel-error",
  "conclude-request",
  "conclude-response",
  "conclude-error",
];

const ACCESS_CLASS = 7;

/** `object-access-denied`; `code-42` for one that the standard does not have. */
export function dataAccessErrorWord(code: number): string {
  return DATA_ACCESS_ERRORS[code] ?? `code-${code}`;
}

export function dataAccessErrorCode(name: DataAccessErrorName): number {
  return DATA_ACCESS_ERRORS.indexOf(name);
}

/** Why a command was refused or broken off: `blocked-by-interlocking`. */
export function additionalCauseWord(code: number): string {
  return ADDITIONAL_CAUSES[code] ?? `cause-${code}`;
}

/** The `error` of a LastApplError. */
export function controlErrorWord(code: number): string {
  return CONTROL_ERRORS[code] ?? `error-${code}`;
}

/** `access: object-non-existent`; codes of other classes stay numbers. */
export function serviceErrorWord(error: { readonly class: number; readonly code: number }): string {
  const errorClass = SERVICE_ERROR_CLASSES[error.class] ?? `class-${error.class}`;
  const word = error.class === ACCESS_CLASS ? ACCESS_CODES[error.code] : undefined;
  return `${errorClass}: ${word ?? `code-${error.code}`}`;
}

/** What of ours a peer could not read. */
export function rejectWord(reject: { readonly rejected: number; readonly reason: number }): string {
  return `${REJECTED[reject.rejected] ?? `part-${reject.rejected}`}: reason-${reject.reason}`;
}
