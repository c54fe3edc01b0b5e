import { createServer, type Server, type Socket } from "node:net";
import type { AddressInfo } from "node:net";
import { assert } from "../domain/assert.ts";
import { GatewayError } from "../domain/errors.ts";
import type { Clock } from "../domain/time.ts";
import {
  Connection,
  type ConnectionTerms,
  type ServedDevice,
  type ServerCounters,
} from "./connection.ts";

export interface ServerEndpoint {
  readonly protocol: "modbus-tcp" | "modbus-rtu-over-tcp";
  readonly host: string;
  /** 0: any free port; `open` says which. */
  readonly port: number;
}

export interface ModbusServerOptions {
  readonly endpoint: ServerEndpoint;
  /** One port serves several devices by unit id. */
  readonly devices: readonly ServedDevice[];
  readonly clock: Clock;
  /** Take the time that a serial line of this speed would take; undefined: none. */
  readonly serialBaud?: number | undefined;
}

/** Connections to one port unless a device allows fewer; more are reset and counted. */
const CONNECTIONS_MAX = 64;

/** A Modbus server for the devices behind one port. */
export class ModbusServer {
  readonly counters: ServerCounters = {
    connections: 0,
    refusedConnections: 0,
    requests: 0,
    pauseViolations: 0,
    malformed: 0,
    noiseBytes: 0,
    droppedAnswers: 0,
  };
  readonly #endpoint: ServerEndpoint;
  readonly #devices: readonly ServedDevice[];
  readonly #terms: ConnectionTerms;
  readonly #connections = new Set<Connection>();
  readonly #connectionsMax: number;
  #listener: Server | undefined;
  #port = 0;
  #isOpen = false;
  #isBlackhole = false;

  /** @throws GatewayError CONFIG_INVALID when two devices answer to one unit id */
  constructor(options: ModbusServerOptions) {
    const { endpoint, devices, clock, serialBaud } = options;
    const deviceByUnit = new Map<number, ServedDevice>();
    for (const device of devices) {
      for (const unit of device.units) {
        const other = deviceByUnit.get(unit);
        if (other !== undefined) throw sameUnit(endpoint, unit, [other.id, device.id]);
        deviceByUnit.set(unit, device);
      }
    }
    this.#endpoint = endpoint;
    this.#devices = devices;
    this.#connectionsMax = Math.min(
      CONNECTIONS_MAX,
      ...devices.map(({ facts }) => facts.maxConnections ?? CONNECTIONS_MAX),
    );
    this.#terms = {
      protocol: endpoint.protocol,
      clock,
      counters: this.counters,
      deviceByUnit,
      line: serialBaud === undefined ? undefined : { baud: serialBaud, freeAtMs: 0 },
    };
  }

  /**
   * Listens. Returns the port.
   * @throws GatewayError PORT_IN_USE, also for an address that this machine has not or that is not
   *   allowed: `reason` says which
   */
  async open(): Promise<number> {
    assert(!this.#isOpen, "a server opens once");
    this.#isOpen = true;
    await this.#listen(this.#endpoint.port);
    return this.#port;
  }

  /** Closes the port and every connection. */
  async close(): Promise<void> {
    this.#isOpen = false;
    await this.#unlisten();
  }

  /**
   * Does to the port and its connections what the faults of the devices ask for. A fault of the
   * connection (`reset`, `reboot`, `stopped`, `blackhole`) hits every device behind the port.
   */
  async faultsChanged(changed: ServedDevice): Promise<void> {
    if (!this.#isOpen) return;
    const has = (kind: string): boolean => this.#devices.some(({ fault }) => fault?.kind === kind);
    this.#isBlackhole = has("blackhole");
    for (const connection of this.#connections) connection.setBlackhole(this.#isBlackhole);
    if (changed.fault?.kind === "reset" || changed.fault?.kind === "reboot") {
      for (const connection of this.#connections) connection.reset();
    }
    if (has("stopped")) await this.#unlisten();
    else if (this.#listener === undefined) await this.#listen(this.#port);
  }

  async #listen(port: number): Promise<void> {
    const listener = createServer({ noDelay: true }, (socket) => {
      this.#accept(socket);
    });
    this.#listener = listener;
    await new Promise<void>((resolve, reject) => {
      listener.once("error", (cause: NodeJS.ErrnoException) => {
        const { host } = this.#endpoint;
        const devices = this.#devices.map(({ id }) => id).join(", ");
        const reason = cause.code ?? cause.message;
        reject(new GatewayError("PORT_IN_USE", { host, port, devices, reason }, { cause }));
      });
      listener.listen({ host: this.#endpoint.host, port }, resolve);
    });
    this.#port = (listener.address() as AddressInfo).port;
  }

  async #unlisten(): Promise<void> {
    const listener = this.#listener;
    if (listener === undefined) return;
    this.#listener = undefined;
    const closed = new Promise<void>((resolve) => {
      listener.close(() => {
        resolve();
      });
    });
    for (const connection of this.#connections) connection.close();
    await closed;
  }

  #accept(socket: Socket): void {
    if (this.#connections.size >= this.#connectionsMax) {
      this.counters.refusedConnections += 1;
      socket.on("error", () => undefined);
      socket.resetAndDestroy();
      return;
    }
    this.counters.connections += 1;
    const connection = new Connection(socket, this.#terms);
    this.#connections.add(connection);
    connection.setBlackhole(this.#isBlackhole);
    socket.on("close", () => this.#connections.delete(connection));
  }
}

function sameUnit(
  { host, port }: ServerEndpoint,
  unit: number,
  ids: readonly string[],
): GatewayError {
  return new GatewayError("CONFIG_INVALID", {
    reason: "two devices answer to one unit id behind one port",
    devices: ids.join(", "),
    unit,
    host,
    port,
  });
}
