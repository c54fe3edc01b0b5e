import type { Socket } from "node:net";
import { backoffMs } from "../domain/backoff.ts";
import { GatewayError } from "../domain/errors.ts";
import { type AbortSignalLike, type Clock, isAborted } from "../domain/time.ts";
import { malformed } from "./byte-reader.ts";
import { MessageSplitter } from "./message-splitter.ts";
import {
  decodeRequestMessage,
  encodeRequestMessage,
  MAX_REQUEST_BYTES,
  receivedError,
  type RequestMessage,
} from "./request-messages.ts";
import { connectUnix } from "./unix-socket.ts";

export interface RequestClientOptions {
  readonly socketPath: string;
  readonly clock: Clock;
  /** Between 0 and 1; for the jitter of reconnects. */
  readonly random: () => number;
  /** Default: 5 s. */
  readonly timeoutMs?: number;
  readonly onPush?: (topic: string, body: unknown) => void;
  /** Called on every change of the connection. */
  readonly onState?: (state: "connected" | "lost") => void;
}

const DEFAULT_TIMEOUT_MS = 5_000;
/** Requests that wait for an answer; one more is refused at once. */
const MAX_WAITING = 256;
const RECONNECT = { firstMs: 50, longestMs: 1_000 } as const;

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Asks a `RequestServer`. Connects when there is something to ask; with `run`, stays connected,
 * which is what pushes need.
 */
export class RequestClient {
  readonly #options: RequestClientOptions;
  readonly #stop = new AbortController();
  readonly #waiting = new Map<number, Waiting>();
  #connecting: Promise<Socket> | undefined;
  #lost = Promise.resolve();
  #lastId = 0;

  constructor(options: RequestClientOptions) {
    this.#options = options;
  }

  /**
   * The answer to one request, as JSON gave it: check it.
   *
   * @throws GatewayError REQUEST_TIMEOUT; PEER_LOST, whose `sent` says whether the peer may have
   * got
   *   the request; REQUEST_REFUSED, or whatever error the peer answered with; the signal's reason
   */
  async request(method: string, params: unknown, signal?: AbortSignalLike): Promise<unknown> {
    if (signal?.aborted === true) throw signal.reason;
    if (this.#waiting.size >= MAX_WAITING) throw refused("too many requests wait", method);
    const id = ++this.#lastId;
    const bytes = encodeRequestMessage({ type: "request", id, method, params }, MAX_REQUEST_BYTES);
    if (bytes === undefined) throw refused("the request is too long", method);
    const answered = new AbortController();
    const answer = new Promise<unknown>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
    });
    const abort = () => {
      this.#giveUp(id, signal?.reason);
    };
    signal?.addEventListener("abort", abort);
    void this.#timeOut(id, method, answered.signal);
    void this.#send(id, bytes);
    try {
      return await answer;
    } finally {
      answered.abort();
      signal?.removeEventListener("abort", abort);
      this.#waiting.delete(id);
    }
  }

  /** Stays connected until `signal` aborts; resolves then. */
  async run(signal: AbortSignalLike): Promise<void> {
    for (let attempt = 0; !isAborted(signal); attempt++) {
      try {
        const socket = await this.#connection();
        attempt = 0;
        await until(signal, this.#lost);
        if (isAborted(signal)) socket.destroy();
      } catch (error) {
        if (!(error instanceof GatewayError) || error.code !== "PEER_LOST") throw error;
      }
      const delayMs = backoffMs(RECONNECT, attempt, this.#options.random);
      await this.#options.clock.sleep(delayMs, signal).catch(() => undefined);
    }
  }

  /** Ends the connection; requests that wait are rejected. A client is not used again after it. */
  close(): void {
    this.#stop.abort(new GatewayError("PEER_LOST", { reason: "closed by this side" }));
    void this.#connecting?.then(
      (socket) => socket.destroy(),
      () => undefined,
    );
  }

  async #send(id: number, bytes: Uint8Array): Promise<void> {
    try {
      const socket = await this.#connection();
      // It may have timed out while we were connecting: then nobody wants it done any more.
      if (this.#waiting.has(id)) socket.write(bytes);
    } catch (error) {
      const path = this.#options.socketPath;
      const lost =
        error instanceof GatewayError && error.code === "PEER_LOST"
          ? new GatewayError("PEER_LOST", { path, sent: false }, { cause: error })
          : error;
      this.#waiting.get(id)?.reject(lost);
    }
  }

  async #timeOut(id: number, method: string, answered: AbortSignalLike): Promise<void> {
    const timeoutMs = this.#options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    await this.#options.clock.sleep(timeoutMs, answered).catch(() => undefined);
    if (!answered.aborted) {
      this.#giveUp(id, new GatewayError("REQUEST_TIMEOUT", { method, timeoutMs }));
    }
  }

  /** Nobody waits for this answer any more: the peer need not work it out. */
  #giveUp(id: number, reason: unknown): void {
    this.#waiting.get(id)?.reject(reason);
    const bytes = encodeRequestMessage({ type: "cancel", id }, MAX_REQUEST_BYTES);
    void this.#connecting?.then(
      (socket) => bytes !== undefined && socket.writable && socket.write(bytes),
      () => undefined,
    );
  }

  /** One connection at a time, opened by whoever needs it first. */
  async #connection(): Promise<Socket> {
    this.#connecting ??= this.#connect();
    return this.#connecting;
  }

  async #connect(): Promise<Socket> {
    try {
      const socket = await connectUnix(this.#options.socketPath, this.#stop.signal);
      this.#listen(socket);
      this.#options.onState?.("connected");
      return socket;
    } catch (error) {
      this.#connecting = undefined;
      throw error;
    }
  }

  #listen(socket: Socket): void {
    const splitter = new MessageSplitter(MAX_REQUEST_BYTES);
    let fault: unknown;
    socket.on("data", (chunk) => {
      try {
        splitter.push(chunk, (bytes) => {
          this.#take(decodeRequestMessage(bytes));
        });
      } catch (error) {
        if (!(error instanceof GatewayError)) throw error;
        fault = error;
        socket.destroy();
      }
    });
    socket.on("error", (error) => {
      fault = error;
    });
    this.#lost = new Promise((resolve) => {
      socket.on("close", () => {
        this.#connecting = undefined;
        this.#rejectAll(fault);
        this.#options.onState?.("lost");
        resolve();
      });
    });
  }

  #take(message: RequestMessage): void {
    switch (message.type) {
      case "answer":
        if (message.error === undefined) this.#waiting.get(message.id)?.resolve(message.result);
        else this.#waiting.get(message.id)?.reject(receivedError(message.error));
        return;
      case "push":
        this.#options.onPush?.(message.topic, message.body);
        return;
      case "request":
      case "cancel":
        throw malformed("not the server's turn to say this");
    }
  }

  #rejectAll(cause: unknown): void {
    const path = this.#options.socketPath;
    for (const { reject } of this.#waiting.values()) {
      reject(new GatewayError("PEER_LOST", { path, sent: true }, { cause }));
    }
  }
}

function refused(reason: string, method: string): GatewayError {
  return new GatewayError("REQUEST_REFUSED", { reason, method });
}

/** Resolves when `done` does or the signal aborts, and leaves no listener behind. */
async function until(signal: AbortSignalLike, done: Promise<void>): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const leave = () => {
      signal.removeEventListener("abort", leave);
      resolve();
    };
    signal.addEventListener("abort", leave);
    void done.then(leave);
  });
}
