import { assert } from "../../domain/assert.ts";
import { GatewayError } from "../../domain/errors.ts";
import type { Clock } from "../../domain/time.ts";
import type { SerialFacts } from "../../profiles/binding.ts";
import type { ReadReply, WriteReply } from "../../wire/modbus/client-codec.ts";
import type { TimerWheel } from "../wheel.ts";
import {
  type LinkCounters,
  type LinkLoad,
  type LinkRead,
  type LinkWrite,
  type ModbusLink,
  noCounters,
} from "./link.ts";
import type { ReadCost } from "./planner.ts";
import { TcpLink } from "./tcp-link.ts";

/** Where one or more Modbus units are reached. */
export type LinkEndpoint =
  | {
      readonly kind: "tcp";
      readonly host: string;
      readonly port: number;
      /** Which client speaks; `own` unless a device gets on with the other one only. */
      readonly client?: "own" | "modbus-serial";
    }
  | { readonly kind: "rtu-over-tcp"; readonly host: string; readonly port: number }
  | {
      readonly kind: "serial";
      readonly path: string;
      readonly baud: number;
      readonly format: SerialFacts["format"];
    };

export interface LinkPoolOptions {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  /** Another way to an endpoint than the machine's own; undefined: sockets and serial ports. */
  readonly makeLink?: MakeLink;
}

/** @param pauseAfterConnectMs quiet time that the devices of the endpoint need */
export type MakeLink = (
  endpoint: LinkEndpoint,
  options: LinkPoolOptions,
  pauseAfterConnectMs: number,
) => Promise<ModbusLink>;

/** Names an endpoint: two devices with the same name share its link. */
export function endpointName(endpoint: LinkEndpoint): string {
  if (endpoint.kind === "serial") return `serial:${endpoint.path}`;
  if (endpoint.kind === "tcp" && endpoint.client === "modbus-serial")
    return `modbus-serial:${endpoint.host}:${endpoint.port}`;
  return `${endpoint.kind}:${endpoint.host}:${endpoint.port}`;
}

/** First guess of what a request costs at an endpoint; on a serial line its speed says it. */
export function endpointCost(endpoint: LinkEndpoint, turnaroundMs = 0): ReadCost | undefined {
  if (endpoint.kind !== "serial") return undefined;
  const characterMs = (11 * 1000) / endpoint.baud;
  // Request and answer head with CRC, and the silence around both.
  const requestMs = (8 + 5 + 2 * 3.5) * characterMs + turnaroundMs;
  return { requestMs, registerMs: 2 * characterMs };
}

/**
 * One connection per endpoint, however many units stand behind it: it is made when the first of
 * them opens and ends when the last one closes.
 */
export class LinkPool {
  readonly #options: LinkPoolOptions;
  readonly #shared = new Map<string, SharedLink>();

  constructor(options: LinkPoolOptions) {
    this.#options = options;
  }

  /**
   * A link of its own for one device.
   * @param pauseAfterConnectMs quiet time that the device needs; the longest of an endpoint counts
   */
  acquire(endpoint: LinkEndpoint, pauseAfterConnectMs = 0): ModbusLink {
    const name = endpointName(endpoint);
    let shared = this.#shared.get(name);
    if (shared === undefined) {
      shared = new SharedLink(endpoint, this.#options);
      this.#shared.set(name, shared);
    }
    shared.pauseAfterConnectMs = Math.max(shared.pauseAfterConnectMs, pauseAfterConnectMs);
    return new PooledLink(shared);
  }

  /** Load and counters of every endpoint, by its name. */
  loads(): ReadonlyMap<string, { readonly load: LinkLoad; readonly counters: LinkCounters }> {
    const loads = new Map<string, { load: LinkLoad; counters: LinkCounters }>();
    for (const [name, shared] of this.#shared) {
      loads.set(name, { load: shared.load(), counters: shared.counters });
    }
    return loads;
  }
}

/** The one connection of an endpoint. */
class SharedLink {
  readonly #endpoint: LinkEndpoint;
  readonly #options: LinkPoolOptions;
  pauseAfterConnectMs = 0;
  #link: ModbusLink | undefined;
  readonly #users = new Set<PooledLink>();
  #opening: Promise<void> | undefined;
  #stopOpening = new AbortController();
  #waiting = 0;
  #closing: Promise<void> = Promise.resolve();
  /** Changes with every connection: who opened an older one has lost it. */
  generation = 0;

  constructor(endpoint: LinkEndpoint, options: LinkPoolOptions) {
    this.#endpoint = endpoint;
    this.#options = options;
  }

  get isOpen(): boolean {
    return this.#link?.isOpen === true;
  }

  get counters(): LinkCounters {
    return this.#link?.counters ?? noCounters();
  }

  get link(): ModbusLink {
    assert(this.#link !== undefined, "a link is used after it was opened");
    return this.#link;
  }

  load(): LinkLoad {
    return this.#link?.load() ?? { busy: 0, waiting: 0 };
  }

  /**
   * Waits for the connection. A user that opens twice at once, for a round and for a write, is one
   * user.
   * @returns the generation that this user has
   */
  async enter(user: PooledLink, signal: AbortSignal): Promise<number> {
    signal.throwIfAborted();
    while (!this.isOpen) await this.#join(signal);
    this.#users.add(user);
    return this.generation;
  }

  async leave(user: PooledLink): Promise<void> {
    const wasUser = this.#users.delete(user);
    assert(wasUser, "who leaves a link came before");
    if (this.#users.size > 0 || this.#waiting > 0) return;
    this.#closing = this.link.close();
    await this.#closing;
  }

  /** Waits for the connection that is being made; the last one who gives up ends the attempt. */
  async #join(signal: AbortSignal): Promise<void> {
    if (this.#opening === undefined) {
      this.#stopOpening = new AbortController();
      this.#opening = this.#open(this.#stopOpening.signal).finally(() => {
        this.#opening = undefined;
      });
    }
    const opening = this.#opening;
    const stop = this.#stopOpening;
    this.#waiting += 1;
    try {
      await unlessAborted(opening, signal);
    } catch (error) {
      // An attempt that somebody else gave up says nothing about the device: try again.
      if (signal.aborted || error !== stop.signal.reason) throw error;
    } finally {
      this.#waiting -= 1;
      if (this.#waiting === 0) stop.abort(signal.reason);
    }
  }

  async #open(signal: AbortSignal): Promise<void> {
    await this.#closing;
    const make = this.#options.makeLink ?? makeLink;
    this.#link ??= await make(this.#endpoint, this.#options, this.pauseAfterConnectMs);
    await this.#link.open(signal);
    this.generation += 1;
  }
}

/** One device's share in a connection. */
class PooledLink implements ModbusLink {
  readonly #shared: SharedLink;
  /** Of the connection that this device opened; 0: none. */
  #generation = 0;

  constructor(shared: SharedLink) {
    this.#shared = shared;
  }

  get isOpen(): boolean {
    return this.#generation === this.#shared.generation && this.#shared.isOpen;
  }

  get counters(): LinkCounters {
    return this.#shared.counters;
  }

  async open(signal: AbortSignal): Promise<void> {
    if (this.isOpen) return;
    await this.close();
    this.#generation = await this.#shared.enter(this, signal);
  }

  async read(request: LinkRead, signal: AbortSignal): Promise<ReadReply> {
    if (!this.isOpen) throw lost(request);
    return this.#shared.link.read(request, signal);
  }

  async write(request: LinkWrite, signal: AbortSignal): Promise<WriteReply> {
    if (!this.isOpen) throw lost(request);
    return this.#shared.link.write(request, signal);
  }

  async close(): Promise<void> {
    if (this.#generation === 0) return;
    this.#generation = 0;
    await this.#shared.leave(this);
  }

  load(): LinkLoad {
    return this.#shared.load();
  }
}

/** Another connection has begun since: what was read once of the old one must be read again. */
function lost({ unit }: { readonly unit: number }): GatewayError {
  return new GatewayError("LINK_LOST", { unit, sent: false });
}

async function makeLink(
  endpoint: LinkEndpoint,
  options: LinkPoolOptions,
  pauseAfterConnectMs: number,
): Promise<ModbusLink> {
  if (endpoint.kind === "tcp" && endpoint.client !== "modbus-serial") {
    return new TcpLink({ ...options, ...endpoint, pauseAfterConnectMs });
  }
  // Only who has such an endpoint loads the library and its native serial port.
  const { SerialLink } = await import("./serial-link.ts");
  return new SerialLink({ ...options, transport: endpoint, pauseAfterConnectMs });
}

async function unlessAborted(task: Promise<void>, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const abort = () => {
      reject(signal.reason as Error);
    };
    signal.addEventListener("abort", abort, { once: true });
    task
      .finally(() => {
        signal.removeEventListener("abort", abort);
      })
      .then(resolve, reject);
  });
}
