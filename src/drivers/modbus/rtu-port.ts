import { EventEmitter } from "node:events";
import type { Socket } from "node:net";

/** Unit, function, one byte of body, CRC. */
const EXCEPTION_BYTES = 5;
const EXCEPTION_FLAG = 0x80;

/**
 * RTU frames, CRC and all, inside a TCP connection, as serial device servers pass them on. It is
 * the port that modbus-serial speaks through; the library's own ones either speak MBAP
 * ("TcpRTUBuffered") or know no function 22 and keep the bytes of a late answer ("Telnet").
 *
 * A stream has no silence that ends a frame: the length follows from the request, and bytes that
 * come while nothing was asked are dropped and counted.
 */
export class RtuPort extends EventEmitter {
  readonly #socket: Socket;
  readonly #onStray: () => void;
  #buffer: Buffer = Buffer.alloc(0);
  #unit = -1;
  #code = -1;
  #expectedBytes = 0;
  isOpen = true;

  constructor(socket: Socket, onStray: () => void) {
    super();
    this.#socket = socket;
    this.#onStray = onStray;
    socket.on("data", (chunk: Buffer) => {
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
    this.#expectedBytes = answerBytes(frame);
    this.#buffer = Buffer.alloc(0);
    this.#socket.write(frame);
  }

  /** Nobody waits for the answer any more. */
  forget(): void {
    this.#expectedBytes = 0;
    this.#buffer = Buffer.alloc(0);
  }

  #receive(chunk: Buffer): void {
    if (this.#expectedBytes === 0) {
      this.#onStray();
      return;
    }
    this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
    const start = this.#answerStart();
    if (start < 0) {
      // Noise, or the answer of a unit that was given up: only its last byte may begin ours.
      this.#buffer = this.#buffer.subarray(-1);
      return;
    }
    const isException = ((this.#buffer[start + 1] ?? 0) & EXCEPTION_FLAG) !== 0;
    const end = start + (isException ? EXCEPTION_BYTES : this.#expectedBytes);
    if (this.#buffer.length < end) {
      this.#buffer = this.#buffer.subarray(start);
      return;
    }
    const frame = this.#buffer.subarray(start, end);
    this.forget();
    this.emit("data", frame);
  }

  #answerStart(): number {
    for (let at = 0; at + 1 < this.#buffer.length; at += 1) {
      if (this.#buffer[at] !== this.#unit) continue;
      if (((this.#buffer[at + 1] ?? 0) & ~EXCEPTION_FLAG) === this.#code) return at;
    }
    return -1;
  }
}

/** How long the answer to a request frame is when it is no exception. */
function answerBytes(request: Buffer): number {
  const count = request.readUInt16BE(4);
  switch (request[1]) {
    case 1:
    case 2:
      return EXCEPTION_BYTES + ((count + 7) >> 3);
    case 3:
    case 4:
      return EXCEPTION_BYTES + count * 2;
    case 22:
      return 10;
    default:
      return 8;
  }
}
