import { join } from "node:path";

/**
 * Every socket of the gateway and who may use it. One socket has one purpose, because a process
 * cannot see who its peer on a Unix socket is: the file's rights decide. Each lies in a directory
 * of its own, whose group the socket inherits (systemd/tmpfiles.d sets it, with the set-group-id
 * bit).
 */
export type SocketPurpose =
  | "field/rounds"
  | "field/orders"
  | "field/alarms"
  | "field/local"
  | "control/rounds"
  | "control/commands"
  | "control/local"
  | "services/queries"
  | "services/alarms"
  | "goose/states";

/** @param runtimeDirectory `/run/dcpi-gateway` under systemd */
export function socketPath(runtimeDirectory: string, purpose: SocketPurpose): string {
  return join(runtimeDirectory, purpose, "socket");
}
