import { GatewayError } from "../../domain/errors.ts";

/**
 * What is wrong with octets that a peer sent. A closed list, to be counted by name; the layer is in
 * the name where only one layer can find it.
 */
export type WireFault =
  // BER
  | "truncated"
  | "indefinite-length"
  | "length-too-long"
  | "tag-too-long"
  | "too-deep"
  | "too-many-elements"
  | "unexpected-element"
  | "missing-element"
  | "trailing-octets"
  | "wrong-size"
  | "integer-too-long"
  | "out-of-range"
  | "bad-bit-string"
  | "bad-object-identifier"
  | "bad-name"
  // Transport
  | "tpkt-version"
  | "tpkt-length"
  | "cotp-header"
  | "cotp-type"
  | "cotp-class"
  | "cotp-size"
  | "cotp-empty-segment"
  | "tsdu-too-long"
  // Session and presentation
  | "session-type"
  | "session-parameter"
  | "presentation-type"
  | "presentation-context"
  | "presentation-encoding"
  // ACSE and MMS
  | "acse-type"
  | "mms-type"
  | "directory-endless";

/**
 * A peer's octets that are not what the standards say. Nothing after it on the same association can
 * be trusted, except where a caller knows that the fault lies within one whole PDU.
 *
 * It is a REPLY_MALFORMED like that of every other protocol; `fault` is for counters.
 */
export class WireError extends GatewayError {
  readonly fault: WireFault;

  constructor(fault: WireFault, facts: Readonly<Record<string, number | string>> = {}) {
    super("REPLY_MALFORMED", { fault, ...facts });
    this.fault = fault;
  }
}
