import { assert } from "../../domain/assert.ts";
import { WireError } from "./wire-error.ts";

/**
 * The ISO session protocol, version 2, kernel and duplex: little more than an envelope here.
 *
 * @see ITU-T X.225 (1995), section 8 (structure and encoding of SPDUs); IEC 61850-8-1, annex on the
 *   OSI profile
 */

export type Spdu =
  | {
      readonly type: "connect" | "accept";
      readonly callingSelector: Uint8Array | undefined;
      /** In an accept the responding selector. */
      readonly calledSelector: Uint8Array | undefined;
      /** The presentation's octets, a view into the TSDU. */
      readonly content: Uint8Array;
    }
  | { readonly type: "refuse"; readonly reason: number | undefined; readonly content: Uint8Array }
  | {
      readonly type: "data" | "finish" | "disconnect" | "abort";
      readonly content: Uint8Array;
    }
  | { readonly type: "abort-accept" };

const CODE = {
  connect: 0x0d,
  accept: 0x0e,
  refuse: 0x0c,
  finish: 0x09,
  disconnect: 0x0a,
  abort: 0x19,
  "abort-accept": 0x1a,
  giveTokens: 0x01,
} as const;

const PARAMETER = {
  connectItem: 0x05,
  transportDisconnect: 0x11,
  protocolOptions: 0x13,
  requirements: 0x14,
  version: 0x16,
  reason: 0x32,
  callingSelector: 0x33,
  calledSelector: 0x34,
  userData: 0xc1,
  extendedUserData: 0xc2,
} as const;

const SELECTOR_OCTETS_MAX = 16;
const LONG_LENGTH = 0xff;
const DUPLEX = 0x02;
const VERSION_2 = 0x02;
/** Transport not kept, user abort, no reason: X.225, section 8.3.10.2. */
const USER_ABORT = 0x0b;
/** GIVE TOKENS and DATA TRANSFER, both without parameters, stand before all data. */
const DATA_PREFIX = Uint8Array.of(0x01, 0x00, 0x01, 0x00);
const NO_CONTENT = new Uint8Array(0);

/**
 * Reads one TSDU.
 *
 * @throws WireError session-type or session-parameter
 */
export function decodeSpdu(tsdu: Uint8Array): Spdu {
  const code = tsdu[0] ?? 0;
  if (code === CODE.giveTokens) return decodeData(tsdu);
  const { value, end } = parameter(tsdu, 0);
  if (end !== tsdu.length) throw new WireError("session-parameter", { at: end });
  switch (code) {
    case CODE.connect:
      return { type: "connect", ...connectParameters(value) };
    case CODE.accept:
      return { type: "accept", ...connectParameters(value) };
    case CODE.refuse:
      return refusal(value);
    case CODE.finish:
      return { type: "finish", content: userData(parametersOf(value)) };
    case CODE.disconnect:
      return { type: "disconnect", content: userData(parametersOf(value)) };
    case CODE.abort:
      return { type: "abort", content: userData(parametersOf(value)) };
    case CODE["abort-accept"]:
      return { type: "abort-accept" };
    default:
      throw new WireError("session-type", { code });
  }
}

function decodeData(tsdu: Uint8Array): Spdu {
  const isData = DATA_PREFIX.every((octet, at) => tsdu[at] === octet);
  if (!isData) throw new WireError("session-type", { code: tsdu[2] ?? 0 });
  return { type: "data", content: tsdu.subarray(DATA_PREFIX.length) };
}

function connectParameters(body: Uint8Array): {
  readonly callingSelector: Uint8Array | undefined;
  readonly calledSelector: Uint8Array | undefined;
  readonly content: Uint8Array;
} {
  const parameters = parametersOf(body);
  return {
    callingSelector: selectorOf(parameters, PARAMETER.callingSelector),
    calledSelector: selectorOf(parameters, PARAMETER.calledSelector),
    content: userData(parameters),
  };
}

function refusal(body: Uint8Array): Spdu {
  const reason = parametersOf(body).get(PARAMETER.reason);
  return { type: "refuse", reason: reason?.[0], content: reason?.subarray(1) ?? NO_CONTENT };
}

function selectorOf(parameters: Parameters, code: number): Uint8Array | undefined {
  const value = parameters.get(code);
  if (value === undefined) return undefined;
  if (value.length > SELECTOR_OCTETS_MAX) throw new WireError("session-parameter", { code });
  return value.slice();
}

function userData(parameters: Parameters): Uint8Array {
  return (
    parameters.get(PARAMETER.userData) ?? parameters.get(PARAMETER.extendedUserData) ?? NO_CONTENT
  );
}

type Parameters = ReadonlyMap<number, Uint8Array>;

/** Parameters by code, groups as a whole. What is not known is of no concern: X.225, 8.2.6. */
function parametersOf(body: Uint8Array): Parameters {
  const parameters = new Map<number, Uint8Array>();
  for (let at = 0; at < body.length;) {
    const { value, end } = parameter(body, at);
    parameters.set(body[at] ?? 0, value);
    at = end;
  }
  return parameters;
}

function parameter(bytes: Uint8Array, at: number): { value: Uint8Array; end: number } {
  const first = bytes[at + 1];
  const isLong = first === LONG_LENGTH;
  const start = at + (isLong ? 4 : 2);
  const length = isLong ? ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0) : (first ?? 0);
  const end = start + length;
  if (end > bytes.length) throw new WireError("session-parameter", { at, length });
  return { value: bytes.subarray(start, end), end };
}

/** Writes one TSDU. */
export function encodeSpdu(spdu: Spdu): Uint8Array {
  switch (spdu.type) {
    case "data":
      return join([DATA_PREFIX, spdu.content]);
    case "connect":
    case "accept":
      return put(CODE[spdu.type], [
        put(PARAMETER.connectItem, [
          put(PARAMETER.protocolOptions, [Uint8Array.of(0)]),
          put(PARAMETER.version, [Uint8Array.of(VERSION_2)]),
        ]),
        put(PARAMETER.requirements, [Uint8Array.of(0, DUPLEX)]),
        ...putSelector(PARAMETER.callingSelector, spdu.callingSelector),
        ...putSelector(PARAMETER.calledSelector, spdu.calledSelector),
        put(PARAMETER.userData, [spdu.content]),
      ]);
    case "refuse":
      return put(CODE.refuse, [
        put(PARAMETER.reason, [Uint8Array.of(spdu.reason ?? 0), spdu.content]),
      ]);
    case "abort":
      return put(CODE.abort, [
        put(PARAMETER.transportDisconnect, [Uint8Array.of(USER_ABORT)]),
        put(PARAMETER.userData, [spdu.content]),
      ]);
    case "abort-accept":
      return put(CODE["abort-accept"], []);
    default:
      return put(CODE[spdu.type], [put(PARAMETER.userData, [spdu.content])]);
  }
}

function putSelector(code: number, selector: Uint8Array | undefined): readonly Uint8Array[] {
  if (selector === undefined) return [];
  assert(selector.length <= SELECTOR_OCTETS_MAX, "a session selector has at most 16 octets");
  return [put(code, [selector])];
}

function put(code: number, parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  assert(length <= 0xffff, "a session parameter fits in two octets of length");
  const head =
    length < LONG_LENGTH
      ? Uint8Array.of(code, length)
      : Uint8Array.of(code, LONG_LENGTH, length >>> 8, length & 0xff);
  return join([head, ...parts]);
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
