import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { splitRtuResponse } from "../../wire/modbus/rtu.ts";

const EXCEPTION_FLAG = 0x80;
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
  #unit = -1;
  #code = -1;
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
    this.#unit = frame[0] ?? 0;
    this.#code = frame[1] ?? 0;
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
    let bytes = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
    for (;;) {
      const { kind, start, end } = splitRtuResponse(bytes, 0, bytes.length);
      if (kind === "incomplete") {
        // Less than a frame: what was dropped before `start` cannot begin one.
        this.#buffer = bytes.subarray(start);
        return;
      }
      if (this.#isOurs(bytes, start)) {
        this.forget();
        this.emit("data", Buffer.from(bytes.subarray(start, end)));
        return;
      }
      this.#onStray();
      bytes = bytes.subarray(end);
    }
  }

  #isOurs(bytes: Uint8Array, start: number): boolean {
    const code = (bytes[start + 1] ?? 0) & ~EXCEPTION_FLAG;
    return bytes[start] === this.#unit && code === this.#code;
  }
}
