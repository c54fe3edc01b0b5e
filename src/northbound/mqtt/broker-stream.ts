import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { type Puback, PubackFilter } from "./codec.ts";

/**
 * What the MQTT library is given for a socket: the same bytes, without the PUBACKs of our own
 * messages, of which it knows nothing. It costs the library more to read one than us to send it.
 */
export class BrokerStream extends Duplex {
  readonly #socket: Socket;

  /** A packet longer than `maxPacketBytes` ends the connection before it is collected. */
  constructor(socket: Socket, maxPacketBytes: number, onPuback: (puback: Puback) => void) {
    super();
    this.#socket = socket;
    const filter = new PubackFilter(maxPacketBytes, onPuback);
    socket.on("data", (chunk: Buffer) => {
      const rest = filter.pass(chunk);
      if (rest === undefined) socket.destroy();
      else for (const part of rest) if (!this.push(part)) socket.pause();
    });
    socket.on("end", () => this.push(null));
    socket.on("error", (error) => this.destroy(error));
    socket.on("close", () => this.destroy());
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(
    chunk: Uint8Array,
    _: BufferEncoding,
    done: (error?: Error | null) => void,
  ): void {
    this.#socket.write(chunk, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}
