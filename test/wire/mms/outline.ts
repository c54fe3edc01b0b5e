import {
  type AssociationAnswer,
  type AssociationIndication,
  decodeAssociationAnswer,
  decodeAssociationRequest,
  decodeUnit,
} from "../../../src/wire/mms/association.ts";
import { additionalCauseWord, dataAccessErrorWord } from "../../../src/wire/mms/error-words.ts";
import type { ObjectName, VariableAccess } from "../../../src/wire/mms/object-name.ts";
import type { InformationReport, MmsPdu } from "../../../src/wire/mms/pdu.ts";
import { decodeReport, isReport } from "../../../src/wire/mms/report.ts";
import type { MmsRequest } from "../../../src/wire/mms/request.ts";
import type { MmsResponse } from "../../../src/wire/mms/response.ts";
import { controlNoticeOf } from "../../../src/wire/mms/termination.ts";
import type { TypeSpec } from "../../../src/wire/mms/type-spec.ts";
import type { AccessResult } from "../../../src/wire/mms/value.ts";
import type { Arrival } from "./recorded-frames.ts";

/** One line that a reader can hold against what a recording is said to contain. */
export function outline(arrival: Arrival): string {
  if (arrival.type !== "tsdu") {
    return "tpduOctets" in arrival ? `${arrival.type} ${String(arrival.tpduOctets)}` : arrival.type;
  }
  const { tsdu } = arrival;
  if (tsdu[0] === 0x0d) return ofRequest(decodeAssociationRequest(tsdu));
  if (tsdu[0] === 0x0e) return ofAnswer(decodeAssociationAnswer(tsdu));
  const unit = decodeUnit(tsdu, { acse: 1, mms: 3 });
  if (unit.unit === "mms") return ofPdu(unit.pdu);
  return unit.unit === "abort" ? `abort by ${unit.by}` : unit.unit;
}

function ofRequest({ calling, called, initiate }: AssociationIndication): string {
  return `associate ${calling.title ?? ""} to ${called.title ?? ""}, ${String(initiate.pduOctets)}`;
}

function ofAnswer(answer: AssociationAnswer): string {
  if (answer.result !== "associated") return answer.result;
  const { pduOctets, outstandingCalling, nesting } = answer.initiate;
  const limits = `${outstandingCalling} at once, nesting ${String(nesting)}`;
  return `associated, ${String(pduOctets)}, ${limits}`;
}

function ofPdu(pdu: MmsPdu): string {
  switch (pdu.kind) {
    case "confirmed-request":
      return ofService(pdu.request);
    case "confirmed-response":
      return ofResponse(pdu.response);
    case "information-report":
      return ofInformation(pdu.report);
    default:
      return pdu.kind;
  }
}

function ofService(request: MmsRequest): string {
  switch (request.service) {
    case "getNameList": {
      const domain = request.scope.of === "domain" ? ` ${request.scope.domain}` : "";
      return `names of ${request.class}${domain}`;
    }
    case "read":
      return `read ${nameOf(request.access)}`;
    case "write":
      return `write ${nameOf(request.access)} ${request.values.map(shape).join()}`;
    case "getVariableAccessAttributes":
      return `type ${textOf(request.name)}`;
    case "getNamedVariableListAttributes":
      return `members ${textOf(request.name)}`;
    default:
      return request.service;
  }
}

function ofResponse(response: MmsResponse): string {
  switch (response.service) {
    case "getNameList":
      return `names: ${response.names.length}${response.moreFollows ? " and more" : ""}`;
    case "read":
      return `values: ${response.results.map(shape).join()}`;
    case "write":
      return response.results
        .map((result) => (result === "accepted" ? result : dataAccessErrorWord(result.code)))
        .join();
    case "identify":
      return `${response.vendor} ${response.model} ${response.revision}`;
    case "getVariableAccessAttributes":
      return `type: ${typeShape(response.type, 2)}`;
    case "getNamedVariableListAttributes":
      return `members: ${response.variables.length}, deletable ${String(response.isDeletable)}`;
    default:
      return response.service;
  }
}

/** Members of the data sets in the recordings, by the ids of their reports. */
const DATA_SET_SIZES: Readonly<Record<string, number>> = {
  "BESS1/meas01": 7,
  "BESS1/evt01": 5,
  "DCPIUPS1/LLN0$RP$urcbUps01": 3,
};

function ofInformation(information: InformationReport): string {
  const notice = controlNoticeOf(information);
  if (notice?.notice === "application-error") {
    return `refusal ${notice.error.object} ${additionalCauseWord(notice.error.additionalCause)}`;
  }
  if (notice !== undefined) {
    const { error } = notice;
    const how = error === undefined ? "well" : additionalCauseWord(error.additionalCause);
    return `end ${textOf(notice.name)} ${how}`;
  }
  if (!isReport(information)) return "information";
  const [id] = information.results;
  const size = id?.kind === "text" ? DATA_SET_SIZES[id.value] : undefined;
  const decoded = decodeReport(information, size ?? 0);
  if (decoded.result === "undecodable") return `undecodable ${decoded.fault}`;
  const { reportId, sequence, entries } = decoded.report;
  const indices = entries.map(({ index }) => index).join("");
  const reasons = [...new Set(entries.flatMap((entry) => entry.reasons ?? []))].join("+");
  return `report ${reportId} ${String(sequence)}: ${indices} ${reasons}`;
}

function nameOf(access: VariableAccess): string {
  return access.by === "list"
    ? `list ${textOf(access.list)}`
    : access.variables.map(({ name }) => textOf(name)).join();
}

function textOf(name: ObjectName): string {
  return name.scope === "domain" ? `${name.domain}/${name.item}` : name.item;
}

const LETTERS: Readonly<Partial<Record<AccessResult["kind"], string>>> = {
  float: "f",
  "utc-time": "t",
  "binary-time": "b",
  integer: "i",
  unsigned: "u",
  octets: "o",
  text: "s",
};

/** `{{f}q13t}` for a measured value. */
function shape(value: AccessResult): string {
  switch (value.kind) {
    case "structure":
      return `{${value.members.map(shape).join("")}}`;
    case "error":
      return dataAccessErrorWord(value.code);
    case "bits":
      return `q${value.bitCount}`;
    case "boolean":
      return value.value ? "1" : "0";
    default:
      return LETTERS[value.kind] ?? value.kind;
  }
}

function typeShape(type: TypeSpec, depth: number): string {
  if (type.kind !== "structure") return type.kind;
  if (depth === 0) return "{}";
  const members = type.members.map(
    ({ name, type: member }) => `${name} ${typeShape(member, depth - 1)}`,
  );
  return `{${members.join(", ")}}`;
}
