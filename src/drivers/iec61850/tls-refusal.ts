const NOBODY_VOUCHES = "nobody whom tls/trusted names vouches for the device";

/** As a device does that gets no sense out of the first words of TLS. */
export const ENDED_IN_TLS =
  "the device ended the connection before TLS was agreed: it may speak without TLS only";

/** What TLS says of a connection that it did not make, and where the site file has the word. */
const REASONS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: "the certificate of the device has expired",
  CERT_NOT_YET_VALID: "the certificate of the device is not valid yet: look at both clocks",
  DEPTH_ZERO_SELF_SIGNED_CERT: NOBODY_VOUCHES,
  SELF_SIGNED_CERT_IN_CHAIN: NOBODY_VOUCHES,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: NOBODY_VOUCHES,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: NOBODY_VOUCHES,
  ERR_TLS_CERT_ALTNAME_INVALID: "the certificate of the device is not of tls/serverName",
  ERR_SSL_WRONG_VERSION_NUMBER: "the device does not speak TLS on that port",
  EPROTO: "the device and this gateway do not agree on TLS",
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    "the device wants a certificate of ours: tls/certificate and tls/key",
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: "the device does not trust our certificate",
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: "the device does not take our certificate",
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: "our certificate has expired",
};

/**
 * Why TLS ended a connection, as a sentence; undefined when it was not TLS.
 * @param isAgreeing the two were still agreeing on TLS
 */
export function tlsRefusal(cause: Error, isAgreeing: boolean): string | undefined {
  const { code = "" } = cause as NodeJS.ErrnoException;
  if (isAgreeing && code === "ECONNRESET") return ENDED_IN_TLS;
  return REASONS[code];
}
