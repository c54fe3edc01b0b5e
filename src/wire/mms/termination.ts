import { utf8Bytes } from "../../domain/utf8.ts";
import { originOf, type Origin, smallNumber } from "./control.ts";
import { byNames, type ObjectName } from "./object-name.ts";
import { controlOf } from "./names.ts";
import type { InformationReport } from "./pdu.ts";
import type { AccessResult, MmsValue } from "./value.ts";

/**
 * How a command with enhanced security ends, and why one was refused. The reason comes in a report
 * of its own before the negative answer, or together with the command that ended badly.
 *
 * @see IEC 61850-8-1, section 20.8 (CommandTermination, LastApplError)
 */

export interface ApplicationError {
  /** What was written, `DCPIBESS1/DRCC1$CO$OutVarSet$SBOw`. */
  readonly object: string;
  /** In words by `controlErrorWord`. */
  readonly error: number;
  readonly origin: Origin;
  readonly number: number;
  /** In words by `additionalCauseWord`. */
  readonly additionalCause: number;
}

export type ControlNotice =
  /** Why the command was refused; the refusal itself follows. */
  | { readonly notice: "application-error"; readonly error: ApplicationError }
  /** The command is over: well when there is no error. */
  | {
      readonly notice: "termination";
      readonly name: ObjectName & { readonly scope: "domain" };
      /** The command's structure, as it was sent. */
      readonly command: AccessResult;
      readonly error: ApplicationError | undefined;
    };

const LAST_APPLICATION_ERROR = "LastApplError";
const ERROR_NAME: ObjectName = { scope: "device", item: LAST_APPLICATION_ERROR };

/** Undefined for an information report that is about no command, or is not understood. */
export function controlNoticeOf(information: InformationReport): ControlNotice | undefined {
  const { access, results } = information;
  if (access.by !== "names" || access.variables.length !== results.length) return undefined;
  const [first, second] = access.variables;
  const [firstResult, secondResult] = results;
  if (first === undefined || firstResult === undefined || results.length > 2) return undefined;
  if (!isErrorName(first.name)) {
    return second === undefined ? terminationOf(first.name, firstResult, undefined) : undefined;
  }
  const error = applicationErrorOf(firstResult);
  if (error === undefined) return undefined;
  if (second === undefined || secondResult === undefined) {
    return { notice: "application-error", error };
  }
  return terminationOf(second.name, secondResult, error);
}

function isErrorName(name: ObjectName): boolean {
  return name.scope === "device" && name.item === LAST_APPLICATION_ERROR;
}

function terminationOf(
  name: ObjectName,
  command: AccessResult,
  error: ApplicationError | undefined,
): ControlNotice | undefined {
  if (name.scope !== "domain") return undefined;
  if (controlOf(name.domain, name.item) === undefined) return undefined;
  return { notice: "termination", name, command, error };
}

function applicationErrorOf(result: AccessResult): ApplicationError | undefined {
  if (result.kind !== "structure" || result.members.length !== 5) return undefined;
  const [object, error, origin, number, cause] = result.members;
  if (object?.kind !== "text") return undefined;
  const errorCode = smallNumber(error);
  const who = originOf(origin);
  const ctlNum = smallNumber(number);
  const additionalCause = smallNumber(cause);
  if (errorCode === undefined || who === undefined) return undefined;
  if (ctlNum === undefined || additionalCause === undefined) return undefined;
  return { object: object.value, error: errorCode, origin: who, number: ctlNum, additionalCause };
}

/** The report that our own server sends. */
export function encodeControlNotice(notice: ControlNotice): InformationReport {
  const names: ObjectName[] = [];
  const results: AccessResult[] = [];
  if (notice.error !== undefined) {
    names.push(ERROR_NAME);
    results.push(errorValue(notice.error));
  }
  if (notice.notice === "termination") {
    names.push(notice.name);
    results.push(notice.command);
  }
  return { access: byNames(names), results };
}

function errorValue(error: ApplicationError): MmsValue {
  const { category, identification } = error.origin;
  return {
    kind: "structure",
    members: [
      { kind: "text", value: error.object },
      { kind: "integer", value: error.error },
      {
        kind: "structure",
        members: [
          { kind: "integer", value: category },
          { kind: "octets", bytes: utf8Bytes(identification) },
        ],
      },
      { kind: "unsigned", value: error.number },
      { kind: "integer", value: error.additionalCause },
    ],
  };
}
