import { createServer, isIP, type Server, type Socket } from "node:net";
import type { AddressInfo } from "node:net";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";
import { GatewayError } from "../../domain/errors.ts";
import type { Clock } from "../../domain/time.ts";
import { utf8Bytes } from "../../domain/utf8.ts";
import { Association } from "./association.ts";
import { IedDevice, type IedHooks } from "./device.ts";
import type { IedModel } from "./model.ts";

export interface MmsServerOptions {
  readonly host: string;
  /** 0: any free port; the answer says which. */
  readonly port: number;
  readonly model: IedModel;
  readonly clock: Clock;
  readonly hooks?: IedHooks;
  /** Served over TLS with these. */
  readonly tls?: TlsOptions;
  /** Asked of every client when given. */
  readonly password?: string;
  /** Largest MMS PDU that is agreed to, octets; 65,000 when left out. */
  readonly pduOctets?: number;
  /** Clients at once; 16 when left out. More are reset and counted. */
  readonly clientsMax?: number;
  /** Number of the first entry of buffered reports; 1 when left out. */
  readonly firstEntry?: number;
}

export interface MmsServer {
  readonly port: number;
  /** Values, faults and counters. */
  readonly device: IedDevice;
  /** Resolves when the signal has ended the server and every socket is closed. */
  readonly closed: Promise<void>;
}

const PDU_OCTETS = 65_000;
const CLIENTS_MAX = 16;
const FIRST_ENTRY = 1;

/**
 * Serves a simulated IED until the signal aborts.
 *
 * @throws GatewayError CONFIG_INVALID for a model that contradicts itself; PORT_IN_USE when the
 *   address cannot be had: `reason` says why
 */
export async function startMmsServer(
  options: MmsServerOptions,
  signal: AbortSignal,
): Promise<MmsServer> {
  const { model, clock, hooks = {}, firstEntry = FIRST_ENTRY } = options;
  const device = new IedDevice({ model, clock, hooks, firstEntry }, signal);
  const connections = new Connections(options, device);
  const accept = (socket: Socket): void => {
    connections.accept(socket);
  };
  const listener: Server =
    options.tls === undefined
      ? createServer({ noDelay: true }, accept)
      : createTlsServer({ ...options.tls, noDelay: true }, accept);
  // A client that fails at TLS is its own affair.
  listener.on("tlsClientError", () => {
    device.counters.refusedAssociations += 1;
  });
  await listen(listener, options);
  const endFaults = device.onFault(() => {
    connections.faultsChanged();
  });
  const closed = new Promise<void>((resolve) => {
    listener.once("close", resolve);
  });
  const close = (): void => {
    endFaults();
    listener.close();
    connections.close();
  };
  if (signal.aborted) close();
  else signal.addEventListener("abort", close, { once: true });
  return { port: (listener.address() as AddressInfo).port, device, closed };
}

async function listen(listener: Server, { host, port }: MmsServerOptions): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    listener.once("error", (cause: NodeJS.ErrnoException) => {
      const reason = cause.code ?? cause.message;
      reject(new GatewayError("PORT_IN_USE", { host, port, reason }, { cause }));
    });
    listener.listen({ host, port }, resolve);
  });
}

/** The sockets of a server. */
class Connections {
  readonly #options: MmsServerOptions;
  readonly #device: IedDevice;
  readonly #password: Uint8Array | undefined;
  readonly #sockets = new Set<Socket>();

  constructor(options: MmsServerOptions, device: IedDevice) {
    this.#options = options;
    this.#device = device;
    const { password } = options;
    this.#password = password === undefined ? undefined : utf8Bytes(password);
  }

  accept(socket: Socket): void {
    // A reset by the peer is its right; what follows is always `close`.
    socket.on("error", () => undefined);
    if (this.#sockets.size >= (this.#options.clientsMax ?? CLIENTS_MAX)) {
      this.#device.counters.refusedAssociations += 1;
      socket.resetAndDestroy();
      return;
    }
    this.#sockets.add(socket);
    const association = this.#associationOf(socket);
    socket.on("data", (chunk: Buffer) => {
      association.receive(chunk);
    });
    socket.on("drain", () => {
      association.drained();
      if (!this.#device.hasFault("blackhole")) socket.resume();
    });
    socket.on("close", () => {
      this.#sockets.delete(socket);
      association.ended();
    });
    if (this.#device.hasFault("blackhole")) socket.pause();
  }

  #associationOf(socket: Socket): Association {
    return new Association({
      device: this.#device,
      address: addressOctets(socket.remoteAddress ?? ""),
      pduOctets: this.#options.pduOctets ?? PDU_OCTETS,
      password: this.#password,
      output: {
        write: (octets) => {
          if (socket.destroyed) return;
          // Answers wait in the memory of whoever does not read them: no more requests meanwhile.
          if (!socket.write(octets)) socket.pause();
        },
        end: () => {
          socket.end();
          socket.destroySoon();
        },
        reset: () => {
          socket.resetAndDestroy();
        },
        get unsentOctets() {
          return socket.writableLength;
        },
      },
    });
  }

  /** Stops reading the sockets, or goes on with what has come meanwhile. */
  faultsChanged(): void {
    const isBlackhole = this.#device.hasFault("blackhole");
    for (const socket of this.#sockets) {
      if (isBlackhole) socket.pause();
      else socket.resume();
    }
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}

/** The octets of an address as Owner shows them: four, or sixteen. */
export function addressOctets(address: string): Uint8Array {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(address)?.[1];
  const plain = mapped ?? address;
  if (isIP(plain) === 4) return Uint8Array.from(plain.split("."), Number);
  return utf8Bytes(plain).slice(0, OWNER_OCTETS_MAX);
}

/** Owner has room for this many; an address of another family stands there as its text. */
const OWNER_OCTETS_MAX = 64;
