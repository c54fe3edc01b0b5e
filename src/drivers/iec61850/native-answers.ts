import {
  ERROR_CONNECTION_LOST,
  ERROR_PARSING,
  ERROR_TIMEOUT,
  type NativeType,
  TYPE_ARRAY,
  TYPE_STRUCTURE,
} from "../../../native/mms-client.ts";
import { BerReader } from "../../wire/mms/ber-reader.ts";
import { BerWriter } from "../../wire/mms/ber-writer.ts";
import { smallNumber, originOf } from "../../wire/mms/control.ts";
import { controlOf } from "../../wire/mms/names.ts";
import { byNames, type ObjectName, writeVariableAccess } from "../../wire/mms/object-name.ts";
import type { InformationReport, ServiceError } from "../../wire/mms/pdu.ts";
import { encodePdu } from "../../wire/mms/pdu.ts";
import { controlNoticeOf } from "../../wire/mms/termination.ts";
import type { TypeSpec } from "../../wire/mms/type-spec.ts";
import { type MmsValue, readAccessResult } from "../../wire/mms/value.ts";

/** What libiec61850 says, as the PDUs that the device had sent. */

/** What becomes of a request whose call failed. */
export type Failure =
  | { readonly failure: "refused"; readonly pdu: Uint8Array }
  /** No answer: the one who asked has a deadline. */
  | { readonly failure: "silence" }
  | { readonly failure: "malformed" }
  | { readonly failure: "lost" };

const REJECTS_FROM = 100;
const CLASS_ACCESS = 7;
const CLASS_DEFINITION = 2;
const CLASS_OTHERS = 12;
/** The library counts these two classes in an order of its own. */
const ACCESS_CODES: Readonly<Record<number, number>> = { 1: 2, 2: 1 };
const DEFINITION_CODES: Readonly<Record<number, number>> = { 1: 2, 2: 3, 3: 4, 4: 1 };

/** @param error of the library, not `NO_ERROR` */
export function failureOf(invokeId: number, error: number): Failure {
  if (error === ERROR_CONNECTION_LOST) return { failure: "lost" };
  if (error === ERROR_TIMEOUT) return { failure: "silence" };
  if (error === ERROR_PARSING) return { failure: "malformed" };
  if (error >= REJECTS_FROM) {
    const reason = Math.max(0, error - REJECTS_FROM - 2);
    const pdu = encodePdu({ kind: "reject", invokeId, rejected: 1, reason });
    return { failure: "refused", pdu };
  }
  const known = serviceErrorOf(error);
  return {
    failure: "refused",
    pdu: encodePdu({ kind: "confirmed-error", invokeId, error: known }),
  };
}

export function serviceErrorOf(error: number): ServiceError {
  const ten = Math.floor(error / 10);
  const code = error % 10;
  // Below ten the library speaks of itself, and from ninety of files.
  if (ten < 1 || ten > 8) return { class: CLASS_OTHERS, code: 0 };
  const errorClass = ten - 1;
  if (errorClass === CLASS_ACCESS) return { class: errorClass, code: ACCESS_CODES[code] ?? code };
  if (errorClass === CLASS_DEFINITION) {
    return { class: errorClass, code: DEFINITION_CODES[code] ?? code };
  }
  return { class: errorClass, code };
}

const CONFIRMED_RESPONSE = 0xa1;
const READ_RESPONSE = 0xa4;
const RESULTS = 0xa1;
const UNCONFIRMED = 0xa3;
const INFORMATION_REPORT = 0xa0;
const REPORT_RESULTS = 0xa0;
const INTEGER = 0x02;

/** @param results BER of the AccessResults one after another: they go through as they are */
export function readResponsePdu(invokeId: number, results: Uint8Array): Uint8Array {
  const writer = new BerWriter();
  writer.nest(CONFIRMED_RESPONSE, () => {
    writer.integer(INTEGER, invokeId);
    writer.nest(READ_RESPONSE, () => writer.octets(RESULTS, results));
  });
  return writer.finish();
}

/** The elements of an array, without what is around them. @throws WireError */
export function elementsOf(array: Uint8Array): Uint8Array {
  const reader = new BerReader(array);
  reader.expect(RESULTS);
  return reader.octets();
}

export function reportPdu(list: ObjectName, results: Uint8Array): Uint8Array {
  return informationPdu({ by: "list", list }, results);
}

function informationPdu(access: InformationReport["access"], results: Uint8Array): Uint8Array {
  const writer = new BerWriter();
  writer.nest(UNCONFIRMED, () => {
    writer.nest(INFORMATION_REPORT, () => {
      writeVariableAccess(writer, access);
      writer.octets(REPORT_RESULTS, results);
    });
  });
  return writer.finish();
}

const KINDS: Readonly<Record<number, (type: NativeType) => TypeSpec>> = {
  2: () => ({ kind: "boolean" }),
  3: ({ size }) => ({ kind: "bits", size }),
  4: ({ size }) => ({ kind: "integer", bits: size }),
  5: ({ size }) => ({ kind: "unsigned", bits: size }),
  6: ({ size, exponentBits }) => ({ kind: "float", width: size, exponentBits }),
  7: ({ size }) => ({ kind: "octets", size }),
  8: ({ size }) => ({ kind: "text", size }),
  10: ({ size }) => ({ kind: "binary-time", hasDate: size === 6 }),
  13: ({ size }) => ({ kind: "unicode", size }),
  14: () => ({ kind: "utc-time" }),
};

/** Undefined for a type that the library does not describe to us. */
export function typeSpecOf(type: NativeType): TypeSpec | undefined {
  if (type.kind === TYPE_STRUCTURE) {
    const members: { readonly name: string; readonly type: TypeSpec }[] = [];
    for (const part of type.parts) {
      const spec = typeSpecOf(part.type);
      if (spec === undefined) return undefined;
      members.push({ name: part.name, type: spec });
    }
    return { kind: "structure", members };
  }
  if (type.kind === TYPE_ARRAY) {
    const [only] = type.parts;
    const element = only === undefined ? undefined : typeSpecOf(only.type);
    return element === undefined ? undefined : { kind: "array", count: type.size, element };
  }
  return KINDS[type.kind]?.(type);
}

/**
 * Puts together again what the library takes apart: a device that breaks a command off says why and
 * which in one report, and the library hands out the two one after the other. The cause alone is
 * also what comes before a refusal; so the end of a command is joined with the cause directly
 * before it when both are about the same object and number.
 */
export class NoticeJoiner {
  #cause:
    { readonly octets: Uint8Array; readonly object: string; readonly number: number } | undefined;

  /** @returns the PDU of one information report. @throws WireError */
  take(name: ObjectName, octets: Uint8Array): Uint8Array {
    const cause = this.#cause;
    this.#cause = undefined;
    const result = readAccessResult(new BerReader(octets));
    const notice = controlNoticeOf({ access: byNames([name]), results: [result] });
    if (notice?.notice === "application-error") {
      const { object, number } = notice.error;
      this.#cause = { octets, object, number };
    }
    const isJoined =
      cause !== undefined &&
      notice?.notice === "termination" &&
      result.kind !== "error" &&
      cause.number === commandNumber(result) &&
      isSameObject(cause.object, notice.name);
    if (!isJoined) return informationPdu(byNames([name]), octets);
    const both = new Uint8Array(cause.octets.length + octets.length);
    both.set(cause.octets);
    both.set(octets, cause.octets.length);
    return informationPdu(byNames([LAST_ERROR, name]), both);
  }
}

const LAST_ERROR: ObjectName = { scope: "device", item: "LastApplError" };

/** It follows the origin, whatever else an edition puts before. */
function commandNumber(command: MmsValue): number | undefined {
  if (command.kind !== "structure") return undefined;
  const origin = command.members.findIndex((member) => originOf(member) !== undefined);
  return origin < 0 ? undefined : smallNumber(command.members[origin + 1]);
}

function isSameObject(object: string, name: ObjectName & { readonly scope: "domain" }): boolean {
  const slash = object.indexOf("/");
  const one = controlOf(object.slice(0, slash), object.slice(slash + 1))?.object;
  const other = controlOf(name.domain, name.item)?.object;
  if (one === undefined || other === undefined) return false;
  return one.ld === other.ld && one.ln === other.ln && one.path.join("$") === other.path.join("$");
}
