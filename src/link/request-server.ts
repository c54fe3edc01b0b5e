import type { Server, Socket } from "node:net";
import { GatewayError } from "../domain/errors.ts";
import type { AbortSignalLike } from "../domain/time.ts";
import { malformed } from "./byte-reader.ts";
import { MessageSplitter } from "./message-splitter.ts";
import {
  decodeRequestMessage,
  encodeRequestMessage,
  MAX_REQUEST_BYTES,
  type RequestMessage,
  sentError,
} from "./request-messages.ts";
import { closeUnix, serveUnix } from "./unix-socket.ts";

export interface RequestLimits {
  readonly maxBytes: number;
  readonly maxConnections: number;
  /** Requests of one connection that are being answered at the same time. */
  readonly maxAtOnce: number;
  /** A peer that has not read this much is closed; pushes are left out at half of it. */
  readonly unreadBytes: number;
}

export const REQUEST_LIMITS: RequestLimits = {
  maxBytes: MAX_REQUEST_BYTES,
  maxConnections: 16,
  maxAtOnce: 32,
  unreadBytes: 2 * 1024 * 1024,
};

export interface Request {
  readonly method: string;
  /** From the peer: check it. */
  readonly params: unknown;
  /** Aborts when the peer no longer waits, is gone, or the server stops. */
  readonly signal: AbortSignal;
  /** Sends something to this peer beside the answer; false when it was left out. */
  readonly push: (topic: string, body: unknown) => boolean;
}

/**
 * Answers one request with something that JSON can carry. A `GatewayError` goes to the peer as it
 * is; anything else thrown is our own bug and ends the process.
 */
export type Answer = (request: Request) => Promise<unknown>;

export interface RequestServerOptions {
  readonly socketPath: string;
  readonly methods: ReadonlyMap<string, Answer>;
  readonly limits?: Partial<RequestLimits>;
}

export interface RequestServerCounters {
  readonly requests: number;
  readonly refusedRequests: number;
  readonly refusedConnections: number;
  /** Peers closed because of what they sent or did not read. */
  readonly hostilePeers: number;
  readonly droppedPushes: number;
  readonly connections: number;
}

/** Answers requests on a Unix socket, for one purpose. */
export class RequestServer {
  readonly #options: RequestServerOptions;
  readonly #limits: RequestLimits;
  readonly #peers = new Set<Peer>();
  readonly #counts = {
    requests: 0,
    refusedRequests: 0,
    refusedConnections: 0,
    hostilePeers: 0,
    droppedPushes: 0,
  };
  #closed: () => Promise<void> = async () => Promise.resolve();

  constructor(options: RequestServerOptions) {
    this.#options = options;
    this.#limits = { ...REQUEST_LIMITS, ...options.limits };
  }

  /**
   * Resolves when peers can connect; closes everything when `signal` aborts: see `closed`.
   *
   * @throws GatewayError CONFIG_INVALID or INSTANCE_RUNNING when the socket cannot be used
   */
  async listen(signal: AbortSignalLike): Promise<void> {
    const { socketPath } = this.#options;
    this.#closed = await serveUnix(
      {
        path: socketPath,
        onConnection: (socket) => {
          this.#accept(socket);
        },
        close: async (server) => this.#close(server),
      },
      signal,
    );
  }

  /** Resolves when the socket that `listen` opened is closed. */
  async closed(): Promise<void> {
    await this.#closed();
  }

  /** Sends something to every peer; who reads too slowly misses it. */
  broadcast(topic: string, body: unknown): void {
    for (const peer of this.#peers) peer.push(topic, body);
  }

  counters(): RequestServerCounters {
    return { ...this.#counts, connections: this.#peers.size };
  }

  #accept(socket: Socket): void {
    if (this.#peers.size >= this.#limits.maxConnections) {
      this.#counts.refusedConnections++;
      socket.on("error", () => undefined).destroy();
      return;
    }
    const peer = new Peer(socket, {
      limits: this.#limits,
      methods: this.#options.methods,
      counts: this.#counts,
    });
    this.#peers.add(peer);
    socket.on("close", () => {
      this.#peers.delete(peer);
    });
  }

  async #close(server: Server): Promise<void> {
    const sockets = [...this.#peers].map(({ socket }) => socket);
    await closeUnix(server, sockets);
  }
}

interface PeerSurroundings {
  readonly limits: RequestLimits;
  readonly methods: ReadonlyMap<string, Answer>;
  readonly counts: {
    requests: number;
    refusedRequests: number;
    hostilePeers: number;
    droppedPushes: number;
  };
}

/** One connection. A peer that breaks the rules loses it, only. */
class Peer {
  readonly socket: Socket;
  readonly #around: PeerSurroundings;
  readonly #splitter: MessageSplitter;
  readonly #running = new Map<number, AbortController>();

  constructor(socket: Socket, around: PeerSurroundings) {
    this.socket = socket;
    this.#around = around;
    this.#splitter = new MessageSplitter(around.limits.maxBytes);
    socket.on("data", (chunk) => {
      this.#read(chunk);
    });
    // What went wrong with a socket is said by `close`; without a listener it would end the
    // process.
    socket.on("error", () => undefined);
    socket.on("close", () => {
      for (const running of this.#running.values()) running.abort();
    });
  }

  push(topic: string, body: unknown): boolean {
    const { limits, counts } = this.#around;
    const bytes = encodeRequestMessage({ type: "push", topic, body }, limits.maxBytes);
    const isFull = this.socket.writableLength > limits.unreadBytes / 2;
    if (bytes === undefined || isFull || this.socket.destroyed) {
      counts.droppedPushes++;
      return false;
    }
    this.socket.write(bytes);
    return true;
  }

  #read(chunk: Uint8Array): void {
    try {
      this.#splitter.push(chunk, (bytes) => {
        if (!this.socket.destroyed) this.#take(decodeRequestMessage(bytes));
      });
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      this.#drop();
    }
  }

  #drop(): void {
    this.#around.counts.hostilePeers++;
    this.socket.destroy();
  }

  #take(message: RequestMessage): void {
    switch (message.type) {
      case "request":
        void this.#answer(message);
        return;
      case "cancel":
        this.#running.get(message.id)?.abort();
        return;
      case "answer":
      case "push":
        throw malformed("not the client's turn to say this");
    }
  }

  async #answer(message: RequestMessage & { type: "request" }): Promise<void> {
    const { id } = message;
    const { limits, counts } = this.#around;
    counts.requests++;
    if (this.#running.size >= limits.maxAtOnce || this.#running.has(id)) {
      this.#send(id, new GatewayError("REQUEST_REFUSED", { reason: "too many requests at once" }));
      return;
    }
    const running = new AbortController();
    this.#running.set(id, running);
    try {
      const result = await this.#call(message, running.signal);
      this.#send(id, { result });
    } catch (error) {
      if (error instanceof GatewayError) this.#send(id, error);
      else if (!running.signal.aborted) throw error;
    } finally {
      this.#running.delete(id);
    }
  }

  async #call(
    { method, params }: RequestMessage & { type: "request" },
    signal: AbortSignal,
  ): Promise<unknown> {
    const answer = this.#around.methods.get(method);
    if (answer === undefined) {
      throw new GatewayError("REQUEST_REFUSED", { reason: "unknown method", method });
    }
    const push = (topic: string, body: unknown) => this.push(topic, body);
    return answer({ method, params, signal, push });
  }

  #send(id: number, outcome: GatewayError | { readonly result: unknown }): void {
    const { limits, counts } = this.#around;
    if (outcome instanceof GatewayError) counts.refusedRequests++;
    const message: RequestMessage =
      outcome instanceof GatewayError
        ? { type: "answer", id, error: sentError(outcome) }
        : { type: "answer", id, result: outcome.result };
    const bytes = encodeRequestMessage(message, limits.maxBytes);
    if (bytes === undefined) {
      this.#send(id, new GatewayError("REQUEST_REFUSED", { reason: "the answer is too long" }));
      return;
    }
    if (this.socket.destroyed) return;
    this.socket.write(bytes);
    if (this.socket.writableLength > limits.unreadBytes) this.#drop();
  }
}
