import {
  type AssociationAnswer,
  DEFAULT_CALLED,
  DEFAULT_CALLING,
  encodeAssociationRequest,
} from "../../wire/mms/association.ts";
import { serviceErrorWord } from "../../wire/mms/error-words.ts";
import { type Initiate, ourInitiate, supportedServices } from "../../wire/mms/initiate.ts";
import { objectNameOf } from "../../wire/mms/names.ts";
import { byNames } from "../../wire/mms/object-name.ts";
import type { MmsRequest } from "../../wire/mms/request.ts";
import type { AssociateOptions, Negotiated } from "./engine.ts";

const PDU_OCTETS_DEFAULT = 65_000;
/** A device may agree to less than anything could be read in. */
const PDU_OCTETS_MIN = 128;
const OUTSTANDING_DEFAULT = 5;
const NESTING = 10;

const OUR_SERVICES = [
  "status",
  "getNameList",
  "identify",
  "read",
  "write",
  "getVariableAccessAttributes",
  "getNamedVariableListAttributes",
  "informationReport",
  "conclude",
] as const;

/** What we would like to have. */
export function proposed(options: AssociateOptions): Negotiated {
  return {
    pduOctets: options.pduOctets ?? PDU_OCTETS_DEFAULT,
    outstanding: options.outstanding ?? OUTSTANDING_DEFAULT,
    nesting: NESTING,
    services: new Set(),
  };
}

export function associationRequest(options: AssociateOptions, wanted: Negotiated): Uint8Array {
  const { pduOctets, outstanding, nesting } = wanted;
  return encodeAssociationRequest({
    calling: options.calling ?? DEFAULT_CALLING,
    called: options.called ?? DEFAULT_CALLED,
    password: options.password,
    initiate: ourInitiate(
      { pduOctets, outstandingCalling: outstanding, outstandingCalled: outstanding, nesting },
      OUR_SERVICES,
    ),
  });
}

/** The cheapest question that the device understands. */
export function probeRequest(options: AssociateOptions, negotiated: Negotiated): MmsRequest {
  if (negotiated.services.has("status") || options.probe === undefined) {
    return { service: "status", isExtended: false };
  }
  return {
    service: "read",
    isSpecificationWanted: false,
    access: byNames([objectNameOf(options.probe)]),
  };
}

/** What came of it: a device may lower a limit, not raise it. */
export function agreed(ours: Negotiated, theirs: Initiate): Negotiated {
  const pduOctets = Math.min(ours.pduOctets, theirs.pduOctets ?? ours.pduOctets);
  return {
    pduOctets: Math.max(pduOctets, PDU_OCTETS_MIN),
    outstanding: Math.max(1, Math.min(ours.outstanding, theirs.outstandingCalled)),
    nesting: theirs.nesting,
    services: supportedServices(theirs.services),
  };
}

export function refusalFacts(
  answer: Exclude<AssociationAnswer, { result: "associated" }>,
): Readonly<Record<string, string | number>> {
  if (answer.result === "aborted") return { by: "abort" };
  if (answer.by === "mms") return { by: answer.by, refused: serviceErrorWord(answer.error) };
  const { by, reason } = answer;
  return reason === undefined ? { by } : { by, reason };
}
