import { connect, type Socket } from "node:net";
import { assert } from "../../domain/assert.ts";
import { GatewayError } from "../../domain/errors.ts";
import type { Clock } from "../../domain/time.ts";
import {
  encodeRead,
  encodeWrite,
  parseReadReply,
  parseWriteReply,
  type ReadReply,
  type ResponseFrame,
  ResponseFramer,
  type WriteReply,
} from "../../wire/modbus/client-codec.ts";
import type { TimerWheel } from "../wheel.ts";
import type { LinkCounters, LinkLoad, LinkRead, LinkWrite, ModbusLink } from "./link.ts";
import { type Exchange, RequestQueue } from "./request-queue.ts";
import { closedSocket, connected, CONNECT_TIMEOUT_MS } from "./socket.ts";

/** The kernel probes a silent peer after this long; a dead one is found without traffic. */
const KEEP_ALIVE_MS = 10_000;
const READ_BUFFER_BYTES = 4_096;
/** Transactions that timed out and whose answers may still come. */
const ABANDONED_MAX = 16;
const TRANSACTION_MAX = 0xffff;

export interface TcpLinkOptions {
  readonly host: string;
  readonly port: number;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly connectTimeoutMs?: number;
  /** Some devices drop what comes right after the connection. */
  readonly pauseAfterConnectMs?: number;
  /** Another way to the other end than the machine's own; it hands over every piece that comes. */
  readonly dial?: (take: (chunk: Uint8Array) => void) => Socket;
}

/** Modbus TCP with our own codec: one socket write per request, one request under way. */
export class TcpLink implements ModbusLink {
  readonly #options: TcpLinkOptions;
  readonly #queue: RequestQueue;
  readonly #framer = new ResponseFramer();
  readonly #abandoned: number[] = [];
  readonly #take = (frame: ResponseFrame) => {
    this.#receive(frame);
  };
  #socket: Socket | undefined;
  #isOpen = false;
  #transaction = 0;

  constructor(options: TcpLinkOptions) {
    this.#options = options;
    this.#queue = new RequestQueue({
      clock: options.clock,
      wheel: options.wheel,
      pauseMs: 0,
      start: (exchange) => {
        this.#send(exchange);
      },
      abandon: (_, isDead) => {
        this.#abandon(isDead);
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
    assert(this.#socket === undefined, "one opens a link at a time");
    const { host, port, clock } = this.#options;
    const socket = this.#connect();
    this.#socket = socket;
    try {
      await connected(socket, {
        facts: { host, port },
        timeoutMs: this.#options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
        wheel: this.#options.wheel,
        signal,
      });
      const pauseMs = this.#options.pauseAfterConnectMs ?? 0;
      if (pauseMs > 0) await clock.sleep(pauseMs, signal);
      if (socket.destroyed) throw new GatewayError("LINK_LOST", { host, port });
    } catch (error) {
      if (this.#socket === socket) this.#socket = undefined;
      socket.destroy();
      throw error;
    }
    this.#begin(socket);
  }

  async read(request: LinkRead, signal: AbortSignal): Promise<ReadReply> {
    if (!this.#isOpen) throw this.#notOpen();
    return (await this.#queue.submit(request, signal)) as ReadReply;
  }

  async write(request: LinkWrite, signal: AbortSignal): Promise<WriteReply> {
    if (!this.#isOpen) throw this.#notOpen();
    return (await this.#queue.submit(request, signal)) as WriteReply;
  }

  async close(): Promise<void> {
    const socket = this.#socket;
    if (socket === undefined) return;
    const closed = closedSocket(socket);
    this.#end(undefined);
    await closed;
  }

  load(): LinkLoad {
    return this.#queue.load();
  }

  #connect(): Socket {
    const { dial } = this.#options;
    return dial === undefined ? this.#connectByMachine() : this.#connectBy(dial);
  }

  #connectBy(dial: NonNullable<TcpLinkOptions["dial"]>): Socket {
    const socket = dial((chunk) => {
      this.#chunk(socket, chunk);
    });
    return socket;
  }

  #connectByMachine(): Socket {
    // One buffer for all that comes, instead of a new one of 64 KiB per reply.
    const buffer = new Uint8Array(READ_BUFFER_BYTES);
    const socket = connect({
      host: this.#options.host,
      port: this.#options.port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_MS,
      onread: {
        buffer,
        callback: (length: number) => {
          this.#chunk(socket, buffer.subarray(0, length));
          return true;
        },
      },
    });
    return socket;
  }

  #begin(socket: Socket): void {
    this.#framer.reset();
    this.#abandoned.length = 0;
    this.#isOpen = true;
    this.#queue.counters.connects += 1;
    socket.on("error", (error) => {
      this.#lose(socket, error);
    });
    socket.on("close", () => {
      this.#lose(socket, undefined);
    });
    this.#queue.release();
  }

  #send(exchange: Exchange): void {
    assert(this.#socket !== undefined, "requests go only while the link is open");
    this.#transaction = this.#transaction === TRANSACTION_MAX ? 1 : this.#transaction + 1;
    const { request } = exchange;
    const frame =
      "table" in request
        ? encodeRead(request, this.#transaction)
        : encodeWrite(request, this.#transaction);
    this.#socket.write(frame);
  }

  #chunk(socket: Socket, chunk: Uint8Array): void {
    if (this.#socket !== socket) return;
    this.#queue.hear();
    try {
      this.#framer.push(chunk, this.#take);
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      // Where the next frame begins is not known: the connection is of no use any more.
      this.#queue.counters.malformed += 1;
      if (this.#queue.current !== undefined) this.#queue.fail(sentError(error));
      this.#lose(socket, error);
    }
  }

  #receive(frame: ResponseFrame): void {
    const exchange = this.#queue.current;
    if (exchange === undefined || frame.transaction !== this.#transaction) {
      this.#drop(frame.transaction);
      return;
    }
    const { request } = exchange;
    let reply: ReadReply | WriteReply;
    try {
      reply =
        "table" in request
          ? parseReadReply(request, frame.bytes)
          : parseWriteReply(request, frame.bytes);
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      this.#queue.counters.malformed += 1;
      this.#queue.fail(sentError(error));
      return;
    }
    this.#queue.finish(reply instanceof Uint8Array ? reply.slice() : reply);
  }

  /** An answer to another request than the one under way. */
  #drop(transaction: number): void {
    const at = this.#abandoned.indexOf(transaction);
    if (at < 0) {
      this.#queue.counters.strayReplies += 1;
      return;
    }
    this.#abandoned.splice(at, 1);
    this.#queue.counters.lateReplies += 1;
  }

  #abandon(isDead: boolean): void {
    this.#abandoned.push(this.#transaction);
    if (this.#abandoned.length > ABANDONED_MAX) this.#abandoned.shift();
    // Half a frame has come and no more: the next answer would be taken for its rest.
    if (!this.#framer.isInside && !isDead) return;
    this.#queue.counters.losses += 1;
    this.#end(undefined);
  }

  #lose(socket: Socket, cause: unknown): void {
    if (this.#socket !== socket) return;
    this.#queue.counters.losses += 1;
    this.#end(cause);
  }

  #end(cause: unknown): void {
    const { host, port } = this.#options;
    const socket = this.#socket;
    this.#socket = undefined;
    this.#isOpen = false;
    this.#queue.failAll({ host, port }, cause);
    socket?.destroy();
  }

  #notOpen(): GatewayError {
    const { host, port } = this.#options;
    return new GatewayError("LINK_LOST", { host, port, sent: false });
  }
}

function sentError(error: GatewayError): GatewayError {
  return new GatewayError(error.code, { ...error.context, sent: true }, { cause: error });
}
