import { isIP, connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import type { AssociateOptions } from "./engine.ts";

/** The kernel probes a silent peer as well: a second net under the probes of the association. */
const KEEP_ALIVE_MS = 10_000;

/** A socket that connects, and the event by which it tells that it has. */
export interface Dialled {
  readonly socket: Socket;
  readonly ready: "connect" | "secureConnect";
}

/**
 * Dials a device, over TLS when there are terms for it. Never falls back to plain TCP.
 *
 * @see IEC 62351-3 (TLS 1.2 or later, renegotiation off, both sides may be asked for a certificate)
 */
export function dial(options: AssociateOptions): Dialled {
  const { host, port, tls } = options;
  const common = { host, port, noDelay: true, keepAlive: true };
  if (tls === undefined) {
    const socket = connectTcp({ ...common, keepAliveInitialDelay: KEEP_ALIVE_MS });
    return { socket, ready: "connect" };
  }
  const serverName = tls.serverName ?? host;
  const socket: TLSSocket = connectTls({
    ...common,
    ca: tls.trusted,
    ...(tls.identity === undefined
      ? {}
      : { cert: tls.identity.certificate, key: tls.identity.key }),
    minVersion: "TLSv1.2",
    rejectUnauthorized: true,
    // An address is no server name on the wire; the certificate is checked against it all the same.
    ...(isIP(serverName) === 0 ? { servername: serverName } : {}),
  });
  socket.setNoDelay(true);
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  socket.once("secureConnect", () => {
    socket.disableRenegotiation();
  });
  return { socket, ready: "secureConnect" };
}
