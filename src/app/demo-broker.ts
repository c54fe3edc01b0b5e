import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { Aedes } from "aedes";
import { GatewayError } from "../domain/errors.ts";

const LOOPBACK = "127.0.0.1";
/** Clients of a demonstration; one beyond is turned away. */
const DEMO_CLIENTS_MAX = 64;

export interface DemoBroker {
  readonly port: number;
  /** Sends a message to every client that listens to its topic. */
  readonly publish: (topic: string, payload: string) => void;
  /** Resolves when the broker has stopped and every socket is closed. */
  readonly stopped: Promise<void>;
}

/** Hears every message, as a client that subscribed to everything would. */
export type Hear = (topic: string, payload: string) => void;

/**
 * The broker of the demonstration, and of tests that need one: in this process, on the loopback
 * interface, open to everybody there, nothing kept on disk. It speaks MQTT 3.1.1, not 5.
 *
 * @param options port 0 takes a free one
 * @throws GatewayError PORT_IN_USE
 */
export async function startDemoBroker(
  options: { readonly port: number; readonly hear?: Hear },
  signal: AbortSignal,
): Promise<DemoBroker> {
  signal.throwIfAborted();
  const broker = await Aedes.createBroker({ id: "demo" });
  const { hear } = options;
  if (hear !== undefined)
    broker.on("publish", ({ topic, payload }) => {
      hear(topic, payload.toString());
    });
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    broker.handle(socket);
  });
  server.maxConnections = DEMO_CLIENTS_MAX;
  try {
    await listening(server, options.port);
  } catch (error) {
    broker.close();
    throw error;
  }
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : options.port;
  const publish = (topic: string, payload: string): void => {
    const packet = { cmd: "publish", qos: 1, dup: false, retain: false } as const;
    broker.publish({ ...packet, topic, payload }, () => undefined);
  };
  return { port, publish, stopped: stopOn(signal, { server, sockets, broker }) };
}

async function listening(server: Server, port: number): Promise<void> {
  const failed = once(server, "error");
  const ready = once(server, "listening");
  server.listen(port, LOOPBACK);
  const [error] = (await Promise.race([failed, ready])) as [NodeJS.ErrnoException | undefined];
  if (error === undefined) return;
  if (error.code !== "EADDRINUSE" && error.code !== "EACCES") throw error;
  throw new GatewayError("PORT_IN_USE", { port, host: LOOPBACK }, { cause: error });
}

interface Parts {
  readonly server: Server;
  readonly sockets: ReadonlySet<Socket>;
  readonly broker: Aedes;
}

async function stopOn(signal: AbortSignal, { server, sockets, broker }: Parts): Promise<void> {
  if (!signal.aborted) {
    await new Promise<void>((resolve) => {
      signal.addEventListener(
        "abort",
        () => {
          resolve();
        },
        { once: true },
      );
    });
  }
  const closed = once(server, "close");
  server.close();
  for (const socket of sockets) socket.destroy();
  await new Promise<void>((resolve) => {
    broker.close(() => {
      resolve();
    });
  });
  await closed;
}
