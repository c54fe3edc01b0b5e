import { GatewayError } from "../domain/errors.ts";
import type { Clock } from "../domain/time.ts";
import { RequestClient } from "../link/request-client.ts";
import { type SocketPurpose, socketPath } from "../link/socket-paths.ts";

const TIMEOUT_MS = 5_000;

/** Asks one question on a local socket and leaves again. */
export async function askOnce(
  parts: {
    readonly runtimeDirectory: string;
    readonly purpose: SocketPurpose;
    readonly clock: Clock;
  },
  method: string,
  params: unknown,
): Promise<unknown> {
  const client = openQueries(parts);
  try {
    return await client.request(method, params);
  } finally {
    client.close();
  }
}

export function openQueries(parts: {
  readonly runtimeDirectory: string;
  readonly purpose: SocketPurpose;
  readonly clock: Clock;
}): RequestClient {
  return new RequestClient({
    socketPath: socketPath(parts.runtimeDirectory, parts.purpose),
    clock: parts.clock,
    random: Math.random,
    timeoutMs: TIMEOUT_MS,
  });
}

/** True where the process that should answer is not there: exit status 3. */
export function isUnreachable(error: unknown): boolean {
  return (
    error instanceof GatewayError &&
    (error.code === "PEER_LOST" || error.code === "REQUEST_TIMEOUT")
  );
}
