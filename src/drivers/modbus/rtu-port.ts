import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { type RtuAsked, splitRtuResponse } from "../../wire/modbus/rtu.ts";

const NOTHING = new Uint8Array(0);

/**
 * RTU frames, CRC and all, inside a TCP connection, as serial device servers pass them on. It is
 * the port that modbus-serial speaks through; the library's own ones either speak MBAP
 * ("TcpRTUBuffered") or know no function 22 and keep the bytes of a late answer ("Telnet").
 *
 * A stream has no silence that ends a frame: the CRC decides where an answer lies. What is none, or
 * the answer to another request, is dropped and counted.
 */
export class RtuPort extends EventEmitter {
  readonly #socket: Socket;
  readonly #onStray: () => void;
  #buffer: Uint8Array = NOTHING;
  #asked: RtuAsked = { unit: 0, function: 0 };
  #isAsking = false;
  isOpen = true;

  constructor(socket: Socket, onStray: () => void) {
    super();
    this.#socket = socket;
    this.#onStray = onStray;
    socket.on("data", (chunk: Uint8Array) => {
      this.#receive(chunk);
    });
    socket.on("close", () => {
      this.isOpen = false;
      this.emit("close");
    });
  }

  open(opened: () => void): void {
    opened();
  }

  close(closed: () => void): void {
    this.isOpen = false;
    this.#socket.destroy();
    closed();
  }

  /** Called by modbus-serial with a whole frame. */
  write(frame: Buffer): void {
    this.#asked = { unit: frame[0] ?? 0, function: frame[1] ?? 0 };
    this.#isAsking = true;
    this.#buffer = NOTHING;
    this.#socket.write(frame);
  }

  /** Nobody waits for the answer any more. */
  forget(): void {
    this.#isAsking = false;
    this.#buffer = NOTHING;
  }

  #receive(chunk: Uint8Array): void {
    if (!this.#isAsking) {
      this.#onStray();
      return;
    }
    const bytes = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
    const { kind, start, end, skipped } = splitRtuResponse(bytes, 0, bytes.length, this.#asked);
    if (skipped > 0) this.#onStray();
    if (kind === "incomplete") {
      // Less than a frame: what was dropped before `start` cannot begin one.
      this.#buffer = bytes.subarray(start);
      return;
    }
    this.forget();
    this.emit("data", Buffer.from(bytes.subarray(start, end)));
  }
}
