import { BerReader } from "./ber-reader.ts";
import { BerWriter } from "./ber-writer.ts";
import { WireError } from "./wire-error.ts";

/**
 * The ISO presentation protocol, normal mode: which abstract syntax has which context number, and
 * one fully encoded value at a time.
 *
 * @see ITU-T X.226 (1994), section 8 (structure and encoding of PPDUs)
 */

export const ABSTRACT_SYNTAX = { acse: "2.2.1.0.1", mms: "1.0.9506.2.1" } as const;
/** Basic Encoding Rules: the only transfer syntax of this profile. */
export const TRANSFER_SYNTAX_BER = "2.1.1";

/** What a context carries, and its number on this association. */
export interface PresentationContext {
  readonly id: number;
  readonly abstractSyntax: string;
  readonly transferSyntaxes: readonly string[];
}

/** One value in its context. */
export interface ContextValue {
  readonly contextId: number;
  /** The encoded value, a view into what was decoded. */
  readonly content: Uint8Array;
}

export interface PresentationConnect {
  readonly callingSelector: Uint8Array | undefined;
  readonly calledSelector: Uint8Array | undefined;
  readonly contexts: readonly PresentationContext[];
  readonly value: ContextValue;
}

/** The answer to a proposed context, in the order of the proposals. */
export interface ContextResult {
  readonly result: "acceptance" | "user-rejection" | "provider-rejection";
  readonly transferSyntax: string | undefined;
}

export interface PresentationAccept {
  readonly respondingSelector: Uint8Array | undefined;
  readonly results: readonly ContextResult[];
  readonly value: ContextValue;
}

export interface PresentationReject {
  readonly providerReason: number | undefined;
  readonly value: ContextValue | undefined;
}

export type PresentationAbort =
  | { readonly type: "user"; readonly value: ContextValue | undefined }
  | { readonly type: "provider"; readonly reason: number | undefined };

/** Context numbers of the two syntaxes that every association needs. */
export interface ContextIds {
  readonly acse: number;
  readonly mms: number;
}

const SET = 0x31;
const SEQUENCE = 0x30;
const INTEGER = 0x02;
const OBJECT_IDENTIFIER = 0x06;
const FULLY_ENCODED = 0x61;
const SINGLE_VALUE = 0xa0;
const OCTET_ALIGNED = 0x81;
const MODE = 0xa0;
const NORMAL_PARAMETERS = 0xa2;
const NORMAL_MODE = 1;
const SELECTOR_OCTETS_MAX = 16;
const CONTEXT_ID_MAX = 0xffff;
/** More contexts than any profile proposes. */
const CONTEXTS_MAX = 16;
const RESULTS = ["acceptance", "user-rejection", "provider-rejection"] as const;

/** @throws WireError */
export function decodePresentationConnect(bytes: Uint8Array): PresentationConnect {
  let callingSelector: Uint8Array | undefined;
  let calledSelector: Uint8Array | undefined;
  let contexts: readonly PresentationContext[] = [];
  let value: ContextValue | undefined;
  const parameters = normalParameters(bytes);
  while (!parameters.isDone) {
    switch (parameters.next()) {
      case 0x81:
        callingSelector = parameters.octetsOf(0, SELECTOR_OCTETS_MAX).slice();
        break;
      case 0x82:
        calledSelector = parameters.octetsOf(0, SELECTOR_OCTETS_MAX).slice();
        break;
      case 0xa4:
        contexts = shortList(parameters, readContext);
        break;
      case FULLY_ENCODED:
        value = readValue(parameters);
        break;
      default: // Requirements and default context: nothing that changes what follows.
    }
  }
  if (value === undefined) throw new WireError("presentation-encoding");
  return { callingSelector, calledSelector, contexts, value };
}

/** @throws WireError */
export function decodePresentationAccept(bytes: Uint8Array): PresentationAccept {
  let respondingSelector: Uint8Array | undefined;
  let results: readonly ContextResult[] = [];
  let value: ContextValue | undefined;
  const parameters = normalParameters(bytes);
  while (!parameters.isDone) {
    switch (parameters.next()) {
      case 0x83:
        respondingSelector = parameters.octetsOf(0, SELECTOR_OCTETS_MAX).slice();
        break;
      case 0xa5:
        results = shortList(parameters, readResult);
        break;
      case FULLY_ENCODED:
        value = readValue(parameters);
        break;
      default: // As above.
    }
  }
  if (value === undefined) throw new WireError("presentation-encoding");
  return { respondingSelector, results, value };
}

/** @throws WireError */
export function decodePresentationReject(bytes: Uint8Array): PresentationReject {
  const parameters = only(bytes, SEQUENCE).enter();
  let providerReason: number | undefined;
  let value: ContextValue | undefined;
  while (!parameters.isDone) {
    const tag = parameters.next();
    if (tag === 0x8a) providerReason = parameters.integerWithin(0, 0xff);
    else if (tag === FULLY_ENCODED) value = readValue(parameters);
  }
  return { providerReason, value };
}

/** @throws WireError */
export function decodePresentationAbort(bytes: Uint8Array): PresentationAbort {
  const reader = new BerReader(bytes);
  switch (reader.next()) {
    case 0xa0: {
      const parameters = reader.enter();
      const value = parameters.seek(FULLY_ENCODED) ? readValue(parameters) : undefined;
      return { type: "user", value };
    }
    case SEQUENCE: {
      const parameters = reader.enter();
      const reason = parameters.optional(0x80) ? parameters.integerWithin(0, 0xff) : undefined;
      return { type: "provider", reason };
    }
    default:
      throw new WireError("presentation-type", { tag: reader.tag });
  }
}

/** The value of a data, finish or disconnect SPDU. @throws WireError */
export function decodePresentationData(bytes: Uint8Array): ContextValue {
  return readValue(only(bytes, FULLY_ENCODED));
}

/**
 * Context numbers that the answer grants.
 *
 * @param contexts as proposed
 * @param results as answered, in the order of the proposals
 * @returns undefined when ACSE or MMS was not accepted with the Basic Encoding Rules
 */
export function grantedContexts(
  contexts: readonly PresentationContext[],
  results: readonly ContextResult[],
): ContextIds | undefined {
  const idOf = (abstractSyntax: string): number | undefined =>
    contexts.find(
      (context, at) =>
        context.abstractSyntax === abstractSyntax &&
        results[at]?.result === "acceptance" &&
        (results[at].transferSyntax ?? TRANSFER_SYNTAX_BER) === TRANSFER_SYNTAX_BER,
    )?.id;
  const acse = idOf(ABSTRACT_SYNTAX.acse);
  const mms = idOf(ABSTRACT_SYNTAX.mms);
  return acse === undefined || mms === undefined ? undefined : { acse, mms };
}

/** A server's answer to proposed contexts: what it knows with BER, and nothing else. */
export function answerContexts(contexts: readonly PresentationContext[]): ContextResult[] {
  const known: readonly string[] = Object.values(ABSTRACT_SYNTAX);
  return contexts.map(({ abstractSyntax, transferSyntaxes }) =>
    known.includes(abstractSyntax) && transferSyntaxes.includes(TRANSFER_SYNTAX_BER)
      ? { result: "acceptance", transferSyntax: TRANSFER_SYNTAX_BER }
      : { result: "provider-rejection", transferSyntax: undefined },
  );
}

export function encodePresentationConnect(connect: PresentationConnect): Uint8Array {
  return encodeNormal((writer) => {
    if (connect.callingSelector !== undefined) writer.octets(0x81, connect.callingSelector);
    if (connect.calledSelector !== undefined) writer.octets(0x82, connect.calledSelector);
    writer.nest(0xa4, () => {
      for (const context of connect.contexts) writeContext(writer, context);
    });
    writeValue(writer, connect.value);
  });
}

export function encodePresentationAccept(accept: PresentationAccept): Uint8Array {
  return encodeNormal((writer) => {
    if (accept.respondingSelector !== undefined) writer.octets(0x83, accept.respondingSelector);
    writer.nest(0xa5, () => {
      for (const { result, transferSyntax } of accept.results) {
        writer.nest(SEQUENCE, () => {
          writer.integer(0x80, RESULTS.indexOf(result));
          if (transferSyntax !== undefined) writer.objectIdentifier(0x81, transferSyntax);
        });
      }
    });
    writeValue(writer, accept.value);
  });
}

export function encodePresentationReject(reject: PresentationReject): Uint8Array {
  const writer = new BerWriter();
  return writer
    .nest(SEQUENCE, () => {
      if (reject.providerReason !== undefined) writer.integer(0x8a, reject.providerReason);
      if (reject.value !== undefined) writeValue(writer, reject.value);
    })
    .finish();
}

export function encodePresentationAbort(abort: PresentationAbort): Uint8Array {
  const writer = new BerWriter();
  if (abort.type === "user") {
    writer.nest(0xa0, () => {
      if (abort.value !== undefined) writeValue(writer, abort.value);
    });
  } else {
    writer.nest(SEQUENCE, () => {
      if (abort.reason !== undefined) writer.integer(0x80, abort.reason);
    });
  }
  return writer.finish();
}

export function encodePresentationData(value: ContextValue): Uint8Array {
  const writer = new BerWriter();
  writeValue(writer, value);
  return writer.finish();
}

function only(bytes: Uint8Array, tag: number): BerReader {
  const reader = new BerReader(bytes);
  if (reader.next() !== tag) throw new WireError("presentation-type", { tag: reader.tag });
  reader.finish();
  return reader;
}

/** The parameters of a connect or accept, a set whose members come in any order. */
function normalParameters(bytes: Uint8Array): BerReader {
  const members = only(bytes, SET).enter();
  let mode: number | undefined;
  let parameters: BerReader | undefined;
  while (!members.isDone) {
    switch (members.next()) {
      case MODE:
        mode = members.enter().expect(0x80).integerWithin(0, 1);
        break;
      case NORMAL_PARAMETERS:
        parameters = members.enter();
        break;
      default:
        throw members.unexpected();
    }
  }
  if (mode !== NORMAL_MODE || parameters === undefined) {
    throw new WireError("presentation-encoding", { mode: mode ?? -1 });
  }
  return parameters;
}

function shortList<T>(reader: BerReader, one: (inside: BerReader) => T): readonly T[] {
  const elements = reader.enter().list(one);
  if (elements.length > CONTEXTS_MAX) {
    throw new WireError("too-many-elements", { most: CONTEXTS_MAX });
  }
  return elements;
}

function readContext(list: BerReader): PresentationContext {
  const context = list.expect(SEQUENCE).enter();
  const id = context.expect(INTEGER).integerWithin(0, CONTEXT_ID_MAX);
  const abstractSyntax = context.expect(OBJECT_IDENTIFIER).objectIdentifier();
  const transferSyntaxes = shortList(context.expect(SEQUENCE), (syntaxes) =>
    syntaxes.expect(OBJECT_IDENTIFIER).objectIdentifier(),
  );
  return { id, abstractSyntax, transferSyntaxes };
}

function readResult(list: BerReader): ContextResult {
  const fields = list.expect(SEQUENCE).enter();
  const code = fields.expect(0x80).integerWithin(0, RESULTS.length - 1);
  const transferSyntax = fields.optional(0x81) ? fields.objectIdentifier() : undefined;
  return { result: RESULTS[code] ?? "provider-rejection", transferSyntax };
}

/** Exactly one value: this profile never sends more in one PPDU. */
function readValue(reader: BerReader): ContextValue {
  const values = reader.enter();
  const fields = values.expect(SEQUENCE).enter();
  values.finish();
  fields.optional(OBJECT_IDENTIFIER);
  const contextId = fields.expect(INTEGER).integerWithin(0, CONTEXT_ID_MAX);
  const tag = fields.next();
  if (tag !== SINGLE_VALUE && tag !== OCTET_ALIGNED) throw fields.unexpected();
  const content = fields.octets();
  fields.finish();
  return { contextId, content };
}

function encodeNormal(body: (writer: BerWriter) => void): Uint8Array {
  const writer = new BerWriter();
  return writer
    .nest(SET, () => {
      writer.nest(MODE, () => writer.integer(0x80, NORMAL_MODE));
      writer.nest(NORMAL_PARAMETERS, () => {
        body(writer);
      });
    })
    .finish();
}

function writeContext(writer: BerWriter, context: PresentationContext): void {
  writer.nest(SEQUENCE, () => {
    writer.integer(INTEGER, context.id);
    writer.objectIdentifier(OBJECT_IDENTIFIER, context.abstractSyntax);
    writer.nest(SEQUENCE, () => {
      for (const syntax of context.transferSyntaxes) {
        writer.objectIdentifier(OBJECT_IDENTIFIER, syntax);
      }
    });
  });
}

function writeValue(writer: BerWriter, value: ContextValue): void {
  writer.nest(FULLY_ENCODED, () => {
    writer.nest(SEQUENCE, () => {
      writer.integer(INTEGER, value.contextId);
      writer.octets(SINGLE_VALUE, value.content);
    });
  });
}
