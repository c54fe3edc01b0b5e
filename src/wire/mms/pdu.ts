import { BerReader } from "./ber-reader.ts";
import { BerWriter } from "./ber-writer.ts";
import { type Initiate, readInitiate, writeInitiate } from "./initiate.ts";
import { readVariableAccess, type VariableAccess, writeVariableAccess } from "./object-name.ts";
import { type MmsRequest, readRequest, writeRequest } from "./request.ts";
import { type MmsResponse, readResponse, writeResponse } from "./response.ts";
import { type AccessResult, readAccessResult, writeAccessResult } from "./value.ts";
import { WireError } from "./wire-error.ts";

/**
 * The PDUs of MMS, both directions.
 *
 * @see ISO 9506-2, production MMSpdu; IEC 61850-8-1, section 5
 */

/** Why a service was refused; `serviceErrorWord` tells it in words. */
export interface ServiceError {
  /** 0 vmd-state … 7 access … 12 others. */
  readonly class: number;
  readonly code: number;
}

/** Values that nobody asked for in this moment: reports and the ends of commands. */
export interface InformationReport {
  readonly access: VariableAccess;
  readonly results: readonly AccessResult[];
}

export type MmsPdu =
  | { readonly kind: "initiate-request" | "initiate-response"; readonly initiate: Initiate }
  | { readonly kind: "initiate-error" | "conclude-error"; readonly error: ServiceError }
  | { readonly kind: "conclude-request" | "conclude-response" }
  | {
      readonly kind: "confirmed-request";
      readonly invokeId: number;
      readonly request: MmsRequest;
    }
  | {
      readonly kind: "confirmed-response";
      readonly invokeId: number;
      readonly response: MmsResponse;
    }
  | { readonly kind: "confirmed-error"; readonly invokeId: number; readonly error: ServiceError }
  | { readonly kind: "information-report"; readonly report: InformationReport }
  /** An unconfirmed service that this stack does not have: to be counted. */
  | { readonly kind: "unconfirmed-unknown"; readonly tag: number }
  | {
      readonly kind: "reject";
      readonly invokeId: number | undefined;
      /** 1 confirmed request, 2 confirmed response … 5 the PDU itself. */
      readonly rejected: number;
      readonly reason: number;
    };

/** Reasons for which our server rejects: of a confirmed request, and of a PDU. */
export const REJECT = {
  unrecognizedService: { rejected: 1, reason: 1 },
  invalidPdu: { rejected: 5, reason: 1 },
} as const;

const TAG = {
  confirmedRequest: 0xa0,
  confirmedResponse: 0xa1,
  confirmedError: 0xa2,
  unconfirmed: 0xa3,
  reject: 0xa4,
  initiateRequest: 0xa8,
  initiateResponse: 0xa9,
  initiateError: 0xaa,
  concludeRequest: 0x8b,
  concludeResponse: 0x8c,
  concludeError: 0xad,
} as const;

const INTEGER = 0x02;
const INFORMATION_REPORT = 0xa0;
export const INVOKE_ID_MAX = 0xffff_ffff;
const ERROR_CLASS_MAX = 12;
const CODE_MAX = 0xff;
const REJECTED_MAX = 11;

/**
 * Reads one whole PDU.
 *
 * @throws WireError
 */
export function decodePdu(bytes: Uint8Array): MmsPdu {
  const reader = new BerReader(bytes);
  const tag = reader.next();
  reader.finish();
  switch (tag) {
    case TAG.confirmedRequest: {
      const fields = reader.enter();
      const invokeId = fields.expect(INTEGER).integerWithin(0, INVOKE_ID_MAX);
      return { kind: "confirmed-request", invokeId, request: only(fields, readRequest) };
    }
    case TAG.confirmedResponse: {
      const fields = reader.enter();
      const invokeId = fields.expect(INTEGER).integerWithin(0, INVOKE_ID_MAX);
      return { kind: "confirmed-response", invokeId, response: only(fields, readResponse) };
    }
    case TAG.unconfirmed:
      return readUnconfirmed(reader.enter());
    case TAG.confirmedError:
      return readConfirmedError(reader.enter());
    case TAG.reject:
      return readReject(reader.enter());
    default:
      return readAssociationPdu(reader);
  }
}

function readAssociationPdu(reader: BerReader): MmsPdu {
  switch (reader.tag) {
    case TAG.initiateRequest:
      return { kind: "initiate-request", initiate: readInitiate(reader.enter()) };
    case TAG.initiateResponse:
      return { kind: "initiate-response", initiate: readInitiate(reader.enter()) };
    case TAG.initiateError:
      return { kind: "initiate-error", error: readServiceError(reader.enter()) };
    case TAG.concludeRequest:
      reader.nothing();
      return { kind: "conclude-request" };
    case TAG.concludeResponse:
      reader.nothing();
      return { kind: "conclude-response" };
    case TAG.concludeError:
      return { kind: "conclude-error", error: readServiceError(reader.enter()) };
    default:
      throw new WireError("mms-type", { tag: reader.tag });
  }
}

function only<T>(fields: BerReader, read: (reader: BerReader) => T): T {
  const element = read(fields);
  fields.finish();
  return element;
}

function readUnconfirmed(fields: BerReader): MmsPdu {
  const tag = fields.next();
  if (tag !== INFORMATION_REPORT) return { kind: "unconfirmed-unknown", tag };
  const inside = fields.enter();
  const access = readVariableAccess(inside);
  const results = inside.expect(0xa0).enter().list(readAccessResult);
  inside.finish();
  return { kind: "information-report", report: { access, results } };
}

function readConfirmedError(fields: BerReader): MmsPdu {
  const invokeId = fields.expect(0x80).integerWithin(0, INVOKE_ID_MAX);
  fields.optional(0x81); // Which modifier failed: none is ever sent.
  return {
    kind: "confirmed-error",
    invokeId,
    error: readServiceError(fields.expect(0xa2).enter()),
  };
}

/** Descriptions and details may follow: not the same from any two vendors, and not needed. */
function readServiceError(fields: BerReader): ServiceError {
  const choice = fields.expect(0xa0).enter();
  const errorClass = choice.next() - 0x80;
  if (errorClass < 0 || errorClass > ERROR_CLASS_MAX) throw choice.unexpected();
  return { class: errorClass, code: choice.integerWithin(0, CODE_MAX) };
}

function readReject(fields: BerReader): MmsPdu {
  const invokeId = fields.optional(0x80) ? fields.integerWithin(0, INVOKE_ID_MAX) : undefined;
  const rejected = fields.next() - 0x80;
  if (rejected < 1 || rejected > REJECTED_MAX) throw fields.unexpected();
  return { kind: "reject", invokeId, rejected, reason: fields.integerWithin(0, CODE_MAX) };
}

/** Writes one whole PDU; the caller compares its length with what was agreed. */
export function encodePdu(pdu: MmsPdu): Uint8Array {
  const writer = new BerWriter();
  switch (pdu.kind) {
    case "confirmed-request":
      writer.nest(TAG.confirmedRequest, () => {
        writer.integer(INTEGER, pdu.invokeId);
        writeRequest(writer, pdu.request);
      });
      break;
    case "confirmed-response":
      writer.nest(TAG.confirmedResponse, () => {
        writer.integer(INTEGER, pdu.invokeId);
        writeResponse(writer, pdu.response);
      });
      break;
    case "confirmed-error":
      writer.nest(TAG.confirmedError, () => {
        writer.integer(0x80, pdu.invokeId);
        writer.nest(0xa2, () => {
          writeServiceError(writer, pdu.error);
        });
      });
      break;
    case "information-report":
      writer.nest(TAG.unconfirmed, () => {
        writeInformationReport(writer, pdu.report);
      });
      break;
    case "reject":
      writer.nest(TAG.reject, () => {
        if (pdu.invokeId !== undefined) writer.integer(0x80, pdu.invokeId);
        writer.integer(0x80 + pdu.rejected, pdu.reason);
      });
      break;
    default:
      writeAssociationPdu(writer, pdu);
  }
  return writer.finish();
}

type AssociationPdu = Exclude<
  MmsPdu,
  {
    kind:
      | "confirmed-request"
      | "confirmed-response"
      | "confirmed-error"
      | "information-report"
      | "reject";
  }
>;

function writeAssociationPdu(writer: BerWriter, pdu: AssociationPdu): void {
  switch (pdu.kind) {
    case "initiate-request":
    case "initiate-response":
      writer.nest(
        pdu.kind === "initiate-request" ? TAG.initiateRequest : TAG.initiateResponse,
        () => {
          writeInitiate(writer, pdu.initiate);
        },
      );
      return;
    case "initiate-error":
    case "conclude-error":
      writer.nest(pdu.kind === "initiate-error" ? TAG.initiateError : TAG.concludeError, () => {
        writeServiceError(writer, pdu.error);
      });
      return;
    case "conclude-request":
      writer.nothing(TAG.concludeRequest);
      return;
    case "conclude-response":
      writer.nothing(TAG.concludeResponse);
      return;
    case "unconfirmed-unknown":
      writer.nest(TAG.unconfirmed, () => writer.nothing(pdu.tag));
  }
}

function writeInformationReport(writer: BerWriter, report: InformationReport): void {
  writer.nest(INFORMATION_REPORT, () => {
    writeVariableAccess(writer, report.access);
    writer.nest(0xa0, () => {
      for (const result of report.results) writeAccessResult(writer, result);
    });
  });
}

function writeServiceError(writer: BerWriter, error: ServiceError): void {
  writer.nest(0xa0, () => writer.integer(0x80 + error.class, error.code));
}
