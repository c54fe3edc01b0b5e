import {
  APPLICATION_CONTEXT_MMS,
  type Apdu,
  type ApplicationEntity,
  type AssociateResponse,
  decodeApdu,
  encodeApdu,
} from "./acse.ts";
import type { Initiate } from "./initiate.ts";
import { decodePdu, encodePdu, type MmsPdu, type ServiceError } from "./pdu.ts";
import {
  ABSTRACT_SYNTAX,
  answerContexts,
  type ContextIds,
  decodePresentationAbort,
  decodePresentationAccept,
  decodePresentationConnect,
  decodePresentationData,
  decodePresentationReject,
  encodePresentationAbort,
  encodePresentationAccept,
  encodePresentationConnect,
  encodePresentationData,
  grantedContexts,
  type PresentationContext,
  TRANSFER_SYNTAX_BER,
} from "./presentation.ts";
import { decodeSpdu, encodeSpdu, type Spdu } from "./session.ts";
import { WireError } from "./wire-error.ts";

/**
 * The layers between transport and MMS as one: what both sides of an association say in a TSDU.
 *
 * @see IEC 61850-8-1, annex on the OSI profile; ISO 9506-2, section on the mapping to ACSE
 */

/** Addresses of one side. The defaults are what devices expect when nobody configured anything. */
export interface OsiAddress {
  readonly session: Uint8Array;
  readonly presentation: Uint8Array;
  readonly entity: ApplicationEntity;
}

export const DEFAULT_CALLING: OsiAddress = {
  session: Uint8Array.of(0, 1),
  presentation: Uint8Array.of(0, 0, 0, 1),
  entity: { title: "1.1.1.999", qualifier: 12 },
};
export const DEFAULT_CALLED: OsiAddress = {
  session: Uint8Array.of(0, 1),
  presentation: Uint8Array.of(0, 0, 0, 1),
  entity: { title: "1.1.1.999.1", qualifier: 12 },
};
export const DEFAULT_TRANSPORT_SELECTOR = Uint8Array.of(0, 1);

/** The contexts that a client of ours proposes. */
export const OUR_CONTEXTS: readonly PresentationContext[] = [
  { id: 1, abstractSyntax: ABSTRACT_SYNTAX.acse, transferSyntaxes: [TRANSFER_SYNTAX_BER] },
  { id: 3, abstractSyntax: ABSTRACT_SYNTAX.mms, transferSyntaxes: [TRANSFER_SYNTAX_BER] },
];
const OUR_IDS: ContextIds = { acse: 1, mms: 3 };

/** What a client asks. */
export interface AssociationRequest {
  readonly calling: OsiAddress;
  readonly called: OsiAddress;
  readonly password: Uint8Array | undefined;
  readonly initiate: Initiate;
}

/** What a server was asked. */
export interface AssociationIndication {
  readonly contexts: readonly PresentationContext[];
  /** Undefined when ACSE or MMS is not among the contexts: to be refused. */
  readonly ids: ContextIds | undefined;
  readonly calledSession: Uint8Array | undefined;
  readonly calledPresentation: Uint8Array | undefined;
  readonly called: ApplicationEntity;
  readonly calling: ApplicationEntity;
  readonly password: Uint8Array | undefined;
  readonly initiate: Initiate;
}

/** What a client was answered. A refusal is an answer, not an error. */
export type AssociationAnswer =
  | { readonly result: "associated"; readonly ids: ContextIds; readonly initiate: Initiate }
  | { readonly result: "refused"; readonly by: "session"; readonly reason: number | undefined }
  | { readonly result: "refused"; readonly by: "presentation"; readonly reason: number | undefined }
  | {
      readonly result: "refused";
      readonly by: "acse";
      readonly how: Exclude<AssociateResponse["result"], "accepted">;
      readonly source: AssociateResponse["source"];
      readonly reason: number;
    }
  | { readonly result: "refused"; readonly by: "mms"; readonly error: ServiceError }
  | { readonly result: "aborted" };

/** One TSDU of an association that stands. */
export type Unit =
  | { readonly unit: "mms"; readonly pdu: MmsPdu }
  | { readonly unit: "release-request" | "release-response" }
  | { readonly unit: "abort"; readonly by: "user" | "provider" };

export function encodeAssociationRequest(request: AssociationRequest): Uint8Array {
  const { calling, called, password, initiate } = request;
  const apdu = encodeApdu({
    type: "associate-request",
    applicationContext: APPLICATION_CONTEXT_MMS,
    called: called.entity,
    calling: calling.entity,
    password,
    user: {
      contextId: OUR_IDS.mms,
      content: encodePdu({ kind: "initiate-request", initiate }),
    },
  });
  const content = encodePresentationConnect({
    callingSelector: calling.presentation,
    calledSelector: called.presentation,
    contexts: OUR_CONTEXTS,
    value: { contextId: OUR_IDS.acse, content: apdu },
  });
  return encodeSpdu({
    type: "connect",
    callingSelector: calling.session,
    calledSelector: called.session,
    content,
  });
}

/** What a client asks of our own server. @throws WireError */
export function decodeAssociationRequest(tsdu: Uint8Array): AssociationIndication {
  const spdu = decodeSpdu(tsdu);
  if (spdu.type !== "connect") throw new WireError("session-type", { type: spdu.type });
  const connect = decodePresentationConnect(spdu.content);
  const apdu = decodeApdu(connect.value.content);
  if (apdu.type !== "associate-request") throw new WireError("acse-type", { type: apdu.type });
  const pdu = decodePdu(apdu.user.content);
  if (pdu.kind !== "initiate-request") throw new WireError("mms-type", { kind: pdu.kind });
  return {
    contexts: connect.contexts,
    ids: grantedContexts(connect.contexts, answerContexts(connect.contexts)),
    calledSession: spdu.calledSelector,
    calledPresentation: connect.calledSelector,
    called: apdu.called,
    calling: apdu.calling,
    password: apdu.password,
    initiate: pdu.initiate,
  };
}

/**
 * The answer of our own server that lets a client in.
 *
 * @param ids of the indication, which has them
 */
export function encodeAssociationAccept(
  indication: AssociationIndication,
  ids: ContextIds,
  initiate: Initiate,
): Uint8Array {
  const content = encodePdu({ kind: "initiate-response", initiate });
  return encodeAnswer(indication, ids, {
    applicationContext: APPLICATION_CONTEXT_MMS,
    result: "accepted",
    source: "service-user",
    diagnostic: 0,
    responding: { title: undefined, qualifier: undefined },
    user: { contextId: ids.mms, content },
  });
}

/** The answer that does not; `diagnostic` 13 is a failed authentication. */
export function encodeAssociationRefusal(
  indication: AssociationIndication,
  ids: ContextIds,
  diagnostic: number,
): Uint8Array {
  return encodeAnswer(indication, ids, {
    applicationContext: APPLICATION_CONTEXT_MMS,
    result: "rejected-permanent",
    source: "service-user",
    diagnostic,
    responding: { title: undefined, qualifier: undefined },
    user: undefined,
  });
}

function encodeAnswer(
  indication: AssociationIndication,
  ids: ContextIds,
  response: AssociateResponse,
): Uint8Array {
  const content = encodePresentationAccept({
    respondingSelector: indication.calledPresentation,
    results: answerContexts(indication.contexts),
    value: {
      contextId: ids.acse,
      content: encodeApdu({ type: "associate-response", ...response }),
    },
  });
  return encodeSpdu({
    type: "accept",
    callingSelector: undefined,
    calledSelector: indication.calledSession,
    content,
  });
}

/**
 * What the server said to our request.
 *
 * @throws WireError when it is no answer to an association
 */
export function decodeAssociationAnswer(tsdu: Uint8Array): AssociationAnswer {
  const spdu = decodeSpdu(tsdu);
  switch (spdu.type) {
    case "accept":
      return acceptedBy(spdu.content);
    case "refuse":
      return refusedBy(spdu);
    case "abort":
      return { result: "aborted" };
    default:
      throw new WireError("session-type", { type: spdu.type });
  }
}

/** A session may refuse for itself, or carry the refusal of the layers above. */
function refusedBy(spdu: Extract<Spdu, { type: "refuse" }>): AssociationAnswer {
  if (spdu.content.length === 0) {
    return { result: "refused", by: "session", reason: spdu.reason };
  }
  const { providerReason, value } = decodePresentationReject(spdu.content);
  const apdu = value === undefined ? undefined : decodeApdu(value.content);
  if (apdu?.type === "associate-response") {
    const refusal = refusalOf(apdu);
    if (refusal !== undefined) return refusal;
  }
  return { result: "refused", by: "presentation", reason: providerReason };
}

function acceptedBy(content: Uint8Array): AssociationAnswer {
  const { results, value } = decodePresentationAccept(content);
  const apdu = decodeApdu(value.content);
  if (apdu.type !== "associate-response") throw new WireError("acse-type", { type: apdu.type });
  const refusal = refusalOf(apdu);
  if (refusal !== undefined) return refusal;
  const ids = grantedContexts(OUR_CONTEXTS, results);
  if (ids === undefined) return { result: "refused", by: "presentation", reason: undefined };
  if (apdu.user === undefined) throw new WireError("missing-element");
  expectContext(apdu.user.contextId, ids.mms);
  const pdu = decodePdu(apdu.user.content);
  if (pdu.kind === "initiate-error") {
    return { result: "refused", by: "mms", error: pdu.error };
  }
  if (pdu.kind !== "initiate-response") throw new WireError("mms-type", { kind: pdu.kind });
  return { result: "associated", ids, initiate: pdu.initiate };
}

function refusalOf(apdu: AssociateResponse): AssociationAnswer | undefined {
  const { result, source, diagnostic } = apdu;
  if (result === "accepted") return undefined;
  return { result: "refused", by: "acse", how: result, source, reason: diagnostic };
}

/** A PDU on its way. */
export function encodeMms(ids: ContextIds, pdu: MmsPdu): Uint8Array {
  return wrapMms(ids, encodePdu(pdu));
}

/** The same for a PDU that is already encoded, and was measured. */
export function wrapMms(ids: ContextIds, pdu: Uint8Array): Uint8Array {
  const content = encodePresentationData({ contextId: ids.mms, content: pdu });
  return encodeSpdu({ type: "data", content });
}

export function encodeRelease(
  ids: ContextIds,
  type: "release-request" | "release-response",
): Uint8Array {
  // The answer of known servers has no reason, and a request has "normal".
  const reason = type === "release-request" ? 0 : undefined;
  const content = encodePresentationData({
    contextId: ids.acse,
    content: encodeApdu({ type, reason }),
  });
  return encodeSpdu({ type: type === "release-request" ? "finish" : "disconnect", content });
}

export function encodeAbort(ids: ContextIds): Uint8Array {
  const content = encodeApdu({ type: "abort", source: "service-user" });
  return encodeSpdu({
    type: "abort",
    content: encodePresentationAbort({
      type: "user",
      value: { contextId: ids.acse, content },
    }),
  });
}

/**
 * Reads a TSDU of an association that stands.
 *
 * @throws WireError
 */
export function decodeUnit(tsdu: Uint8Array, ids: ContextIds): Unit {
  const spdu = decodeSpdu(tsdu);
  switch (spdu.type) {
    case "data": {
      const { contextId, content } = decodePresentationData(spdu.content);
      expectContext(contextId, ids.mms);
      return { unit: "mms", pdu: decodePdu(content) };
    }
    case "finish":
      return release(spdu.content, ids, "release-request");
    case "disconnect":
      return release(spdu.content, ids, "release-response");
    case "abort":
      // The end is certain from here: whatever a device puts inside must not hide it.
      return { unit: "abort", by: abortedBy(spdu.content) };
    default:
      throw new WireError("session-type", { type: spdu.type });
  }
}

function release(
  content: Uint8Array,
  ids: ContextIds,
  type: "release-request" | "release-response",
): Unit {
  const value = decodePresentationData(content);
  expectContext(value.contextId, ids.acse);
  const apdu: Apdu = decodeApdu(value.content);
  if (apdu.type !== type) throw new WireError("acse-type", { type: apdu.type });
  return { unit: type };
}

function abortedBy(content: Uint8Array): "user" | "provider" {
  try {
    return decodePresentationAbort(content).type;
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return "provider";
  }
}

function expectContext(got: number, wanted: number): void {
  if (got !== wanted) throw new WireError("presentation-context", { got, wanted });
}
