import type { Socket } from "node:net";
import { GatewayError } from "../domain/errors.ts";
import type { AbortSignalLike } from "../domain/time.ts";
import { malformed } from "./byte-reader.ts";
import { encodeAck, encodeResume, LinkDecoder } from "./codec.ts";
import { MessageSplitter } from "./message-splitter.ts";
import {
  type Frame,
  type Gap,
  type Hello,
  type LinkMessage,
  MAX_FRAME_BYTES,
  type Resume,
} from "./messages.ts";

/** What one connection tells the consumer. Whatever these throw ends the consumer, not the peer. */
export interface SessionOwner {
  readonly tableHash: string;
  readonly tableSize: number;
  /** The peer is the right one: where to go on. */
  onHello(hello: Hello): Omit<Resume, "type">;
  onFrame(frame: Frame, hello: Hello): void;
  onGap(gap: Gap, hello: Hello): void;
}

/** One connection of a consumer, from hello to its end. */
export class ConsumerSession {
  readonly #socket: Socket;
  readonly #owner: SessionOwner;
  readonly #decoder: LinkDecoder;
  readonly #splitter = new MessageSplitter(MAX_FRAME_BYTES);
  #hello: Hello | undefined;
  #end: ((error: unknown) => void) | undefined;

  constructor(socket: Socket, owner: SessionOwner) {
    this.#socket = socket;
    this.#owner = owner;
    this.#decoder = new LinkDecoder(owner.tableSize);
  }

  get hello(): Hello | undefined {
    return this.#hello;
  }

  /**
   * Never resolves: rejects when the connection is over.
   *
   * @throws GatewayError PEER_LOST; FRAME_MALFORMED or FRAME_VERSION for what the peer sent;
   *   PEER_MISMATCH when it has another point table; the signal's reason; what the owner threw
   */
  async run(signal: AbortSignalLike): Promise<never> {
    const abort = () => {
      this.end(signal.reason);
    };
    signal.addEventListener("abort", abort);
    try {
      return await new Promise<never>((_resolve, reject) => {
        this.#end = reject;
        this.#listen();
        if (signal.aborted) abort();
      });
    } finally {
      this.#end = undefined;
      signal.removeEventListener("abort", abort);
      this.#socket.destroy();
    }
  }

  /** Ends the session with this error; the first one counts. */
  end(error: unknown): void {
    this.#end?.(error);
    this.#socket.destroy();
  }

  ack(epoch: number, frameNo: number): void {
    if (this.#hello?.epoch !== epoch || this.#socket.destroyed) return;
    this.#socket.write(encodeAck({ epoch, frameNo }));
  }

  pause(): void {
    this.#socket.pause();
  }

  unpause(): void {
    this.#socket.resume();
  }

  #listen(): void {
    this.#socket.on("data", (chunk) => {
      this.#read(chunk);
    });
    this.#socket.on("error", (cause) => {
      this.end(new GatewayError("PEER_LOST", { reason: "the connection broke" }, { cause }));
    });
    this.#socket.on("close", () => {
      this.end(new GatewayError("PEER_LOST", { reason: "the peer closed the connection" }));
    });
  }

  #read(chunk: Uint8Array): void {
    try {
      this.#splitter.push(chunk, (bytes) => {
        if (!this.#socket.destroyed) this.#take(this.#decoder.decode(bytes));
      });
    } catch (error) {
      this.end(error);
    }
  }

  #take(message: LinkMessage): void {
    if (this.#hello === undefined) {
      if (message.type !== "hello") throw malformed("the producer must say hello first");
      this.#greet(message);
      return;
    }
    switch (message.type) {
      case "frame":
      case "image":
        this.#owner.onFrame(message, this.#hello);
        return;
      case "gap":
        this.#owner.onGap(message, this.#hello);
        return;
      case "hello":
      case "resume":
      case "ack":
        throw malformed("not the producer's turn to say this");
    }
  }

  #greet(hello: Hello): void {
    const { tableHash, tableSize } = this.#owner;
    if (hello.tableHash !== tableHash || hello.tableSize !== tableSize) {
      throw new GatewayError("PEER_MISMATCH", {
        producer: hello.producer,
        ourTable: tableHash,
        theirTable: hello.tableHash,
      });
    }
    this.#hello = hello;
    this.#socket.write(encodeResume(this.#owner.onHello(hello)));
  }
}
