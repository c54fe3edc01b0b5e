import { chmod, mkdir, rm, stat } from "node:fs/promises";
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { dirname } from "node:path";
import { GatewayError } from "../domain/errors.ts";
import { type AbortSignalLike, throwIfAborted } from "../domain/time.ts";

/** `sun_path` holds 108 bytes with its end mark (unix(7)); a longer path would be cut silently. */
const MAX_PATH_BYTES = 107;
/** Owner and group may connect, nobody else: of whom, the socket's directory says. */
const SOCKET_MODE = 0o660;
/** A directory that is not there yet is made for this user alone. */
const DIRECTORY_MODE = 0o700;

export interface ListenOptions {
  readonly path: string;
  readonly onConnection: (socket: Socket) => void;
}

/**
 * Listens on a Unix socket. A file that a killed process has left there is replaced; a socket on
 * which somebody listens is not.
 *
 * @throws GatewayError CONFIG_INVALID when the path is too long or cannot be used; INSTANCE_RUNNING
 *   when another process listens there
 */
export async function listenUnix(options: ListenOptions): Promise<Server> {
  const { path } = options;
  checkPath(path);
  await mkdir(dirname(path), { recursive: true, mode: DIRECTORY_MODE }).catch(unusable(path));
  await removeStale(path);
  const server = createServer(options.onConnection);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    listenForOwnerOnly(server, path, () => {
      server.off("error", reject);
      resolve();
    });
  }).catch(unusable(path));
  await chmod(path, SOCKET_MODE).catch(unusable(path));
  return server;
}

export interface ServeOptions extends ListenOptions {
  /** Says goodbye and closes the server. */
  readonly close: (server: Server) => Promise<void>;
}

/**
 * Listens as `listenUnix` does, and closes when `signal` aborts.
 *
 * @returns what waits until it is closed
 */
export async function serveUnix(
  options: ServeOptions,
  signal: AbortSignalLike,
): Promise<() => Promise<void>> {
  const server = await listenUnix(options);
  const closed = new Promise<void>((resolve) => {
    const close = () => {
      void options.close(server).then(resolve);
    };
    if (signal.aborted) close();
    else signal.addEventListener("abort", close, { once: true });
  });
  return async () => closed;
}

/**
 * Opens a connection.
 *
 * @throws GatewayError PEER_LOST when nobody listens; the signal's reason when it aborts
 */
export async function connectUnix(path: string, signal: AbortSignalLike): Promise<Socket> {
  checkPath(path);
  throwIfAborted(signal);
  const socket = createConnection(path);
  return new Promise((resolve, reject) => {
    const leave = () => {
      signal.removeEventListener("abort", abort);
      socket.off("connect", connected).off("error", failed);
    };
    const connected = () => {
      leave();
      resolve(socket);
    };
    const failed = (cause: Error) => {
      leave();
      socket.destroy();
      reject(new GatewayError("PEER_LOST", { path, reason: "nobody listens" }, { cause }));
    };
    const abort = () => {
      leave();
      socket.on("error", () => undefined).destroy();
      reject(signal.reason);
    };
    signal.addEventListener("abort", abort);
    socket.on("connect", connected).on("error", failed);
  });
}

/** Closes the listener and every connection given; resolves when the socket file is gone. */
export async function closeUnix(server: Server, sockets: Iterable<Socket>): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => {
      resolve();
    });
  });
  for (const socket of sockets) socket.destroy();
  await closed;
}

function checkPath(path: string): void {
  const bytes = Buffer.byteLength(path);
  if (bytes > MAX_PATH_BYTES) {
    throw new GatewayError("CONFIG_INVALID", {
      path,
      bytes,
      maxBytes: MAX_PATH_BYTES,
      reason: "the path of a socket is too long; choose a shorter runtime directory",
    });
  }
}

/** Between `bind` and `chmod` nobody else may slip in: the file is born with the owner's rights. */
function listenForOwnerOnly(server: Server, path: string, onListening: () => void): void {
  const former = process.umask(0o177);
  try {
    server.listen(path, onListening);
  } finally {
    process.umask(former);
  }
}

async function removeStale(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return;
  if (!found.isSocket()) {
    throw new GatewayError("CONFIG_INVALID", { path, reason: "something else has this name" });
  }
  if (await isListening(path)) throw new GatewayError("INSTANCE_RUNNING", { path });
  await rm(path, { force: true });
}

/** Only a refusal proves that nobody listens: a full backlog or a missing right does not. */
async function isListening(path: string): Promise<boolean> {
  const probe = createConnection(path);
  try {
    return await new Promise<boolean>((resolve) => {
      probe.once("connect", () => {
        resolve(true);
      });
      probe.once("error", (error: NodeJS.ErrnoException) => {
        resolve(error.code !== "ECONNREFUSED" && error.code !== "ENOENT");
      });
    });
  } finally {
    probe.destroy();
  }
}

function unusable(path: string): (cause: unknown) => never {
  return (cause) => {
    throw new GatewayError("CONFIG_INVALID", { path, reason: "cannot listen here" }, { cause });
  };
}
