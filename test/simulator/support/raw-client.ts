import { connect, type Socket } from "node:net";

/** A socket that sends and receives exactly the bytes that a test says. */
export class RawClient {
  /** Resolves with the error code (`ECONNRESET`) or `end` when the connection is gone. */
  readonly gone: Promise<string>;
  readonly #socket: Socket;
  #received = Buffer.alloc(0);
  #isGone = false;
  #wake: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    let reason = "end";
    socket.on("data", (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
    socket.on("error", (error: NodeJS.ErrnoException) => {
      reason = error.code ?? "error";
    });
    this.gone = new Promise((resolve) => {
      socket.on("close", () => {
        this.#isGone = true;
        this.#wake();
        resolve(reason);
      });
    });
  }

  /** Rejects with the socket's error when nobody listens. */
  static async connect(port: number): Promise<RawClient> {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true });
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    return new RawClient(socket);
  }

  /** Bytes that have come and were not taken yet. */
  get waiting(): number {
    return this.#received.length;
  }

  send(bytes: string | Uint8Array): void {
    this.#socket.write(
      typeof bytes === "string" ? Buffer.from(bytes.replaceAll(" ", ""), "hex") : bytes,
    );
  }

  /** The next `count` bytes as hex; mocha's time limit bounds the wait. */
  async receive(count: number): Promise<string> {
    while (this.#received.length < count) {
      if (this.#isGone) throw new Error(`only ${this.#received.length} of ${count} bytes came`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const taken = this.#received.subarray(0, count).toString("hex");
    this.#received = this.#received.subarray(count);
    return taken;
  }

  async ask(bytes: string | Uint8Array, answerBytes: number): Promise<string> {
    this.send(bytes);
    return this.receive(answerBytes);
  }

  close(): void {
    this.#socket.destroy();
  }
}
