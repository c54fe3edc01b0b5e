import { connect, type Socket } from "node:net";
import modbusSerial from "modbus-serial";
import { assert } from "../../domain/assert.ts";
import { GatewayError } from "../../domain/errors.ts";
import type { Clock } from "../../domain/time.ts";
import {
  modbusException,
  type ReadReply,
  replyBytes,
  ResponseFramer,
  type WriteReply,
} from "../../wire/modbus/client-codec.ts";
import type { TimerWheel } from "../wheel.ts";
import type { LinkCounters, LinkLoad, LinkRead, LinkWrite, ModbusLink } from "./link.ts";
import { type Exchange, RequestQueue } from "./request-queue.ts";
import { RtuPort } from "./rtu-port.ts";
import {
  type Done,
  maskByReadAndWrite,
  type SerialClient,
  sendRead,
  sendWrite,
} from "./serial-requests.ts";
import { closedSocket, connected, CONNECT_TIMEOUT_MS } from "./socket.ts";

const ModbusRTU = modbusSerial.default;

/** A character of 11 bits; 3.5 of silence end a frame, at least 1.75 ms. */
const BITS_PER_CHARACTER = 11;
const FRAME_GAP_CHARACTERS = 3.5;
const FRAME_GAP_MIN_MS = 1.75;

export type SerialTransport =
  | { readonly kind: "tcp" | "rtu-over-tcp"; readonly host: string; readonly port: number }
  | {
      readonly kind: "serial";
      readonly path: string;
      readonly baud: number;
      readonly format: "8N1" | "8E1" | "8O1" | "8N2";
    };

export interface SerialLinkOptions {
  readonly transport: SerialTransport;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly connectTimeoutMs?: number;
  readonly pauseAfterConnectMs?: number;
}

/**
 * Modbus by modbus-serial: RTU on a serial line or inside TCP, and Modbus TCP. Every rejection of
 * the library, also those that are no `Error`, becomes a `GatewayError` with its cause.
 *
 * RTU has no transaction id: after a time-out a unit is left alone for the same time again
 * (LINK_BUSY), because its late answer could not be told from the next one.
 */
export class SerialLink implements ModbusLink {
  readonly #options: SerialLinkOptions;
  readonly #queue: RequestQueue;
  /** Until when a unit that timed out is left alone. */
  readonly #quietUntil = new Map<number, number>();
  readonly #abandoned = new WeakSet<Exchange>();
  /** Follows the stream of Modbus TCP beside the library, which believes everything. */
  readonly #framer = new ResponseFramer();
  #client: SerialClient | undefined;
  #port: RtuPort | undefined;
  #socket: Socket | undefined;
  /** The socket or client that lives now: what an older one still says is not heard. */
  #connection: object | undefined;
  #isOpen = false;
  /** Ends when the line of the connection before is free again: only one may have it open. */
  #closing: Promise<void> = Promise.resolve();

  constructor(options: SerialLinkOptions) {
    this.#options = options;
    this.#queue = new RequestQueue({
      clock: options.clock,
      wheel: options.wheel,
      pauseMs: frameGapMs(options.transport),
      start: (exchange) => {
        this.#send(exchange);
      },
      abandon: (exchange, isDead) => {
        this.#abandon(exchange, isDead);
      },
    });
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get counters(): LinkCounters {
    return this.#queue.counters;
  }

  async open(signal: AbortSignal): Promise<void> {
    if (this.#isOpen) return;
    signal.throwIfAborted();
    assert(this.#client === undefined, "one opens a link at a time");
    const client = new ModbusRTU();
    this.#client = client;
    try {
      await this.#closing;
      this.#requireWanted(client);
      await this.#connect(client, signal);
      const pauseMs = this.#options.pauseAfterConnectMs ?? 0;
      if (pauseMs > 0) await this.#options.clock.sleep(pauseMs, signal);
      if (this.#connection === undefined) {
        throw new GatewayError("LINK_LOST", this.#facts());
      }
    } catch (error) {
      this.#drop();
      throw error;
    }
    this.#isOpen = true;
    this.#quietUntil.clear();
    this.#queue.counters.connects += 1;
    this.#queue.release();
  }

  async read(request: LinkRead, signal: AbortSignal): Promise<ReadReply> {
    this.#check(request.unit);
    return (await this.#queue.submit(request, signal)) as ReadReply;
  }

  async write(request: LinkWrite, signal: AbortSignal): Promise<WriteReply> {
    this.#check(request.unit);
    return (await this.#queue.submit(request, signal)) as WriteReply;
  }

  async close(): Promise<void> {
    if (this.#client === undefined) return;
    const closed = this.#socket === undefined ? undefined : closedSocket(this.#socket);
    this.#end(undefined);
    await closed;
    await this.#closing;
  }

  load(): LinkLoad {
    return this.#queue.load();
  }

  async #connect(client: SerialClient, signal: AbortSignal): Promise<void> {
    const { transport, wheel } = this.#options;
    if (transport.kind === "serial") {
      await openSerialLine(client, transport);
      if (this.#client !== client) this.#closing = closedLine(client);
      this.#requireWanted(client);
      this.#connection = client;
      client.on("close", () => {
        this.#lose(client, undefined);
      });
      client.on("error", (error) => {
        this.#lose(client, error);
      });
      return;
    }
    const { host, port } = transport;
    const socket = connect({ host, port, noDelay: true, keepAlive: true });
    this.#socket = socket;
    this.#connection = socket;
    const timeoutMs = this.#options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS;
    await connected(socket, { facts: { host, port }, timeoutMs, wheel, signal });
    socket.on("error", (error) => {
      this.#lose(socket, error);
    });
    socket.on("close", () => {
      this.#lose(socket, undefined);
    });
    await this.#speak(client, socket, transport.kind);
  }

  /** Whoever closed the link meanwhile wants no connection any more. */
  #requireWanted(client: SerialClient): void {
    if (this.#client !== client) throw new GatewayError("LINK_LOST", this.#facts());
  }

  async #speak(client: SerialClient, socket: Socket, kind: "tcp" | "rtu-over-tcp"): Promise<void> {
    if (kind === "tcp") {
      this.#guardFraming(socket);
      await client.linkTCP(socket, { port: 0 });
      return;
    }
    this.#port = new RtuPort(socket, () => {
      this.#queue.counters.lateReplies += 1;
    });
    const rtu = new ModbusRTU(this.#port);
    rtu.on("error", () => undefined);
    await new Promise<void>((resolve) => {
      rtu.open(resolve);
    });
    this.#client = rtu;
  }

  /** The library believes any length and protocol id; ours ends such a connection. */
  #guardFraming(socket: Socket): void {
    this.#framer.reset();
    socket.on("data", (chunk: Uint8Array) => {
      try {
        this.#framer.push(chunk, () => undefined);
      } catch (error) {
        this.#queue.counters.malformed += 1;
        const { current } = this.#queue;
        if (current !== undefined) this.#queue.fail(malformed(current, error));
        this.#lose(socket, error);
      }
    });
  }

  #send(exchange: Exchange): void {
    const client = this.#client;
    assert(client !== undefined, "requests go only while the link is open");
    const { request } = exchange;
    const done: Done = (error, reply) => {
      this.#settle(exchange, error, reply);
    };
    if ("table" in request) sendRead(client, request, done);
    else if (request.function === 22 && this.#options.transport.kind === "serial") {
      maskByReadAndWrite(client, request, done);
    } else sendWrite(client, request, done);
  }

  #settle(exchange: Exchange, error: unknown, reply: ReadReply | WriteReply | undefined): void {
    this.#queue.hear();
    const { counters, current } = this.#queue;
    if (current !== exchange) {
      if (this.#abandoned.has(exchange)) counters.lateReplies += 1;
      else counters.strayReplies += 1;
      return;
    }
    const exception = exceptionOf(error);
    if (exception !== undefined) this.#queue.finish(modbusException(exception));
    else if (error === undefined || error === null) this.#accept(exchange, reply);
    else if (isNotOpen(error)) {
      this.#queue.fail(new GatewayError("LINK_LOST", this.#facts(false), { cause: error }));
    } else {
      counters.malformed += 1;
      this.#queue.fail(malformed(exchange, error));
    }
  }

  #accept(exchange: Exchange, reply: ReadReply | WriteReply | undefined): void {
    const { request } = exchange;
    const hasLength =
      !("table" in request) ||
      (reply instanceof Uint8Array && reply.length === replyBytes(request));
    if (reply !== undefined && hasLength) {
      this.#queue.finish(reply);
      return;
    }
    this.#queue.counters.malformed += 1;
    this.#queue.fail(malformed(exchange, undefined));
  }

  #abandon(exchange: Exchange, isDead: boolean): void {
    this.#abandoned.add(exchange);
    this.#port?.forget();
    const { kind } = this.#options.transport;
    if (kind !== "tcp") {
      const { unit, timeoutMs } = exchange.request;
      this.#quietUntil.set(unit, this.#options.clock.now() + timeoutMs);
    }
    // Half a frame has come and no more, or nothing for long: a new connection begins anew.
    if (!this.#framer.isInside && (kind === "serial" || !isDead)) return;
    this.#queue.counters.losses += 1;
    this.#end(undefined);
  }

  #check(unit: number): void {
    if (!this.#isOpen) throw new GatewayError("LINK_LOST", this.#facts(false));
    const until = this.#quietUntil.get(unit);
    if (until === undefined) return;
    const quietMs = until - this.#options.clock.now();
    if (quietMs > 0) throw new GatewayError("LINK_BUSY", { unit, quietMs, sent: false });
    this.#quietUntil.delete(unit);
  }

  #lose(connection: object, cause: unknown): void {
    if (this.#connection !== connection) return;
    this.#queue.counters.losses += this.#isOpen ? 1 : 0;
    this.#end(cause);
  }

  #end(cause: unknown): void {
    this.#isOpen = false;
    this.#drop();
    this.#queue.failAll(this.#facts(), cause);
  }

  /** Lets go of the connection, however far it had come. */
  #drop(): void {
    this.#socket?.destroy();
    const { transport } = this.#options;
    if (transport.kind === "serial" && this.#client?.isOpen === true)
      this.#closing = closedLine(this.#client);
    this.#socket = undefined;
    this.#connection = undefined;
    this.#client = undefined;
    this.#port = undefined;
  }

  #facts(sent?: boolean): Record<string, string | number | boolean> {
    const { transport } = this.#options;
    const place =
      transport.kind === "serial"
        ? { path: transport.path }
        : { host: transport.host, port: transport.port };
    return sent === undefined ? place : { ...place, sent };
  }
}

async function openSerialLine(
  client: SerialClient,
  transport: Extract<SerialTransport, { kind: "serial" }>,
): Promise<void> {
  const parity = { N: "none", E: "even", O: "odd" } as const;
  const letter = transport.format[1] as keyof typeof parity;
  try {
    await client.connectRTUBuffered(transport.path, {
      baudRate: transport.baud,
      dataBits: 8,
      parity: parity[letter],
      stopBits: transport.format.endsWith("2") ? 2 : 1,
    });
  } catch (cause) {
    throw new GatewayError("LINK_REFUSED", { path: transport.path }, { cause });
  }
}

async function closedLine(client: SerialClient): Promise<void> {
  await new Promise<void>((resolve) => {
    client.close(() => {
      resolve();
    });
  });
}

/** An exception of the device, where that is what the library rejects with. */
function exceptionOf(error: unknown): number | undefined {
  if (typeof error !== "object" || error === null || !("modbusCode" in error)) return undefined;
  return typeof error.modbusCode === "number" ? error.modbusCode & 0xff : undefined;
}

/** The library's `PortNotOpenError` is not an `Error`; its `errno` is how to know it. */
function isNotOpen(error: unknown): boolean {
  return typeof error === "object" && error !== null && "errno" in error;
}

function malformed(exchange: Exchange, cause: unknown): GatewayError {
  const { unit, address } = exchange.request;
  return new GatewayError("REPLY_MALFORMED", { unit, address, sent: true }, { cause });
}

function frameGapMs(transport: SerialTransport): number {
  if (transport.kind !== "serial") return 0;
  const gapMs = (FRAME_GAP_CHARACTERS * BITS_PER_CHARACTER * 1000) / transport.baud;
  return Math.ceil(Math.max(gapMs, FRAME_GAP_MIN_MS));
}
