import type { GatewayError } from "../../domain/errors.ts";

/** What the network, or TLS, says of a connection that was not made. */
const CAUSES: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nobody listens on that port there",
  EHOSTUNREACH: "there is no way to that host",
  ENETUNREACH: "there is no way to that network",
  ENOTFOUND: "there is no host of that name",
  EAI_AGAIN: "the name of the host cannot be looked up now",
  ETIMEDOUT: "the host does not answer",
  ECONNRESET: "the connection was reset",
  ENOENT: "there is no such port on this machine",
  EACCES: "this user may not open it",
  CERT_HAS_EXPIRED: "the certificate of the device has expired",
  CERT_NOT_YET_VALID: "the certificate of the device is not valid yet: look at both clocks",
  DEPTH_ZERO_SELF_SIGNED_CERT: "the device vouches for itself: give its certificate with --ca",
  SELF_SIGNED_CERT_IN_CHAIN: "nobody trusted vouches for the device: give its authority with --ca",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    "nobody trusted vouches for the device: give its authority with --ca",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    "nobody trusted vouches for the device: give its authority with --ca",
  ERR_TLS_CERT_ALTNAME_INVALID:
    "the certificate is of another name: give the name in it with --server-name",
  ERR_SSL_WRONG_VERSION_NUMBER: "the device does not speak TLS on that port",
  EPROTO: "the two do not agree on TLS",
};

/** Why a connection failed, as a sentence without its subject; undefined when nobody said. */
export function causeText({ cause }: GatewayError): string | undefined {
  if (!(cause instanceof Error)) return undefined;
  const { code } = cause as NodeJS.ErrnoException;
  return (code === undefined ? undefined : CAUSES[code]) ?? cause.message;
}
