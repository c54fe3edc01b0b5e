import { utcMs } from "../../../src/domain/time.ts";
import {
  decodeAssociationAnswer,
  decodeAssociationRequest,
  DEFAULT_CALLED,
  DEFAULT_CALLING,
  decodeUnit,
  encodeAssociationRequest,
} from "../../../src/wire/mms/association.ts";
import { buildControl, readControl } from "../../../src/wire/mms/control.ts";
import { encodeTpdu } from "../../../src/wire/mms/cotp.ts";
import { gatewayQuality, valueTime } from "../../../src/wire/mms/gateway-quality.ts";
import { supportedServices } from "../../../src/wire/mms/initiate.ts";
import { formatReference, parseDataSetName, referenceOf } from "../../../src/wire/mms/names.ts";
import type { VariableAccess } from "../../../src/wire/mms/object-name.ts";
import {
  decodePdu,
  encodePdu,
  type InformationReport,
  type MmsPdu,
} from "../../../src/wire/mms/pdu.ts";
import { decodePosition, decodeQuality } from "../../../src/wire/mms/quality.ts";
import { decodeReport, encodeReport, isReport } from "../../../src/wire/mms/report.ts";
import { controlNoticeOf, encodeControlNotice } from "../../../src/wire/mms/termination.ts";
import { fitsType } from "../../../src/wire/mms/type-fit.ts";
import type { TypeSpec } from "../../../src/wire/mms/type-spec.ts";
import type { AccessResult, MmsValue } from "../../../src/wire/mms/value.ts";
import type { Arrival } from "./recorded-frames.ts";

const RECEIVED = utcMs(1_795_219_480_000);
const IDS = { acse: 1, mms: 3 };

/** The type of the recorded commands: what a described structure is read against. */
const OPERATE: TypeSpec = {
  kind: "structure",
  members: [
    { name: "ctlVal", type: { kind: "boolean" } },
    {
      name: "origin",
      type: {
        kind: "structure",
        members: [
          { name: "orCat", type: { kind: "integer", bits: 8 } },
          { name: "orIdent", type: { kind: "octets", size: -64 } },
        ],
      },
    },
    { name: "ctlNum", type: { kind: "unsigned", bits: 8 } },
    { name: "T", type: { kind: "utc-time" } },
    { name: "Test", type: { kind: "boolean" } },
    { name: "Check", type: { kind: "bits", size: -2 } },
  ],
};

/**
 * Does with what arrived all that an engine and a server may do with it.
 *
 * @returns true when it could be, and was, written again
 */
export function exercise(arrival: Arrival): boolean {
  if (arrival.type !== "tsdu") {
    encodeTpdu(arrival);
    return true;
  }
  const { tsdu } = arrival;
  if (tsdu[0] === 0x0d) {
    const { password, initiate } = decodeAssociationRequest(tsdu);
    supportedServices(initiate.services);
    encodeAssociationRequest({
      calling: DEFAULT_CALLING,
      called: DEFAULT_CALLED,
      password,
      initiate,
    });
    return true;
  }
  if (tsdu[0] === 0x0e || tsdu[0] === 0x0c) {
    decodeAssociationAnswer(tsdu);
    return false;
  }
  const unit = decodeUnit(tsdu, IDS);
  if (unit.unit !== "mms") return false;
  look(unit.pdu);
  decodePdu(encodePdu(unit.pdu));
  return true;
}

function look(pdu: MmsPdu): void {
  if (pdu.kind === "information-report") lookAtReport(pdu.report);
  if (pdu.kind === "confirmed-response" && pdu.response.service === "read") {
    for (const result of pdu.response.results) lookAtValue(result);
  }
  if (pdu.kind === "confirmed-request" && pdu.request.service === "write") {
    lookAtNames(pdu.request.access);
    for (const value of pdu.request.values) lookAtControl(value);
  }
}

function lookAtReport(information: InformationReport): void {
  const notice = controlNoticeOf(information);
  if (notice !== undefined) encodeControlNotice(notice);
  if (!isReport(information)) return;
  for (const size of [3, 5, 7]) {
    const decoded = decodeReport(information, size);
    if (decoded.result === "undecodable") continue;
    encodeReport(decoded.report, size);
    parseDataSetName(decoded.report.dataSet ?? "");
    for (const { value } of decoded.report.entries) lookAtValue(value);
  }
}

function lookAtNames(access: VariableAccess): void {
  if (access.by === "list") return;
  for (const { name } of access.variables) {
    if (name.scope !== "domain") continue;
    const reference = referenceOf(name.domain, name.item);
    if (reference !== undefined) formatReference(reference);
  }
}

function lookAtControl(value: MmsValue): void {
  fitsType(OPERATE, value);
  const read = readControl(OPERATE, value);
  if (read.result === "command") buildControl(OPERATE, read.command);
}

function lookAtValue(value: AccessResult): void {
  if (value.kind === "structure") value.members.forEach(lookAtValue);
  else if (value.kind === "utc-time") valueTime(value, RECEIVED);
  else if (value.kind === "bits") {
    decodePosition(value);
    gatewayQuality(decodeQuality(value), undefined);
  }
}
