import { Buffer } from "node:buffer";
import { once } from "node:events";
import { connect, type Socket } from "node:net";

const CONNECT = 0x10;
const CONNACK = 2;
const PUBLISH = 3;
const PUBACK = 4;
const SUBSCRIBE = 0x82;
const SUBACK = 9;
const ID_MAX = 65_535;

export interface WireMessage {
  readonly topic: string;
  readonly payload: Buffer;
  /** CLOCK_MONOTONIC when the bytes had come in, ms. */
  readonly atMs: number;
}

/** CLOCK_MONOTONIC, the same in every process of one boot, ms. */
export function monotonicNow(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/**
 * The least of an MQTT 3.1.1 client that measures: no retries, no keep-alive, acknowledges what
 * comes at once. What it costs is the cost of the messages.
 */
export class WireClient {
  readonly #socket: Socket;
  readonly #onMessage: (message: WireMessage) => void;
  #rest: Buffer = Buffer.alloc(0);
  #nextId = 0;
  #onAnswer: (type: number) => void = () => undefined;

  static async open(
    port: number,
    clientId: string,
    onMessage: (message: WireMessage) => void = () => undefined,
  ): Promise<WireClient> {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    await once(socket, "connect");
    const client = new WireClient(socket, onMessage);
    await client.#ask(
      packet(CONNECT, [text("MQTT"), Buffer.from([4, 2, 0, 0]), text(clientId)]),
      CONNACK,
    );
    return client;
  }

  private constructor(socket: Socket, onMessage: (message: WireMessage) => void) {
    this.#socket = socket;
    this.#onMessage = onMessage;
    socket.on("data", (chunk) => {
      this.#take(chunk);
    });
    socket.on("error", () => undefined);
  }

  async subscribe(filter: string, qos: 0 | 1): Promise<void> {
    await this.#ask(packet(SUBSCRIBE, [this.#id(), text(filter), Buffer.from([qos])]), SUBACK);
  }

  publish(topic: string, payload: Uint8Array, qos: 0 | 1): void {
    const head = qos === 0 ? [text(topic)] : [text(topic), this.#id()];
    this.#socket.write(packet((PUBLISH << 4) | (qos << 1), [...head, payload]));
  }

  close(): void {
    this.#socket.destroy();
  }

  #id(): Buffer {
    this.#nextId = (this.#nextId % ID_MAX) + 1;
    return Buffer.from([this.#nextId >> 8, this.#nextId & 0xff]);
  }

  async #ask(bytes: Buffer, answer: number): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#onAnswer = (type) => {
        if (type === answer) resolve();
      };
      this.#socket.write(bytes);
    });
  }

  #take(chunk: Buffer): void {
    const atMs = monotonicNow();
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const acks: Buffer[] = [];
    for (;;) {
      const found = packetAt(bytes);
      if (found === undefined) break;
      this.#packet(bytes[0] ?? 0, bytes.subarray(found.start, found.end), { atMs, acks });
      bytes = bytes.subarray(found.end);
    }
    // A copy: the chunk's memory belongs to the socket's pool.
    this.#rest = Buffer.from(bytes);
    if (acks.length > 0) this.#socket.write(Buffer.concat(acks));
  }

  #packet(
    head: number,
    body: Buffer,
    { atMs, acks }: { readonly atMs: number; readonly acks: Buffer[] },
  ): void {
    const type = head >> 4;
    if (type !== PUBLISH) {
      this.#onAnswer(type);
      return;
    }
    const topicEnd = 2 + body.readUInt16BE(0);
    const isAcknowledged = (head & 0x06) !== 0;
    if (isAcknowledged)
      acks.push(Buffer.from([PUBACK << 4, 2, body[topicEnd] ?? 0, body[topicEnd + 1] ?? 0]));
    this.#onMessage({
      topic: body.toString("latin1", 2, topicEnd),
      payload: body.subarray(topicEnd + (isAcknowledged ? 2 : 0)),
      atMs,
    });
  }
}

/** Where the body of the first packet lies; undefined as long as it is not whole. */
function packetAt(bytes: Buffer): { readonly start: number; readonly end: number } | undefined {
  let length = 0;
  for (let at = 1; at <= 4; at += 1) {
    const byte = bytes[at];
    if (byte === undefined) return undefined;
    length += (byte & 0x7f) * 128 ** (at - 1);
    if ((byte & 0x80) !== 0) continue;
    const end = at + 1 + length;
    return bytes.length < end ? undefined : { start: at + 1, end };
  }
  throw new Error("the broker sent a length of more than four bytes");
}

function packet(head: number, parts: readonly Uint8Array[]): Buffer {
  let left = parts.reduce((sum, part) => sum + part.length, 0);
  const start = [head];
  do {
    const digit = left % 128;
    left = Math.floor(left / 128);
    start.push(left > 0 ? digit | 0x80 : digit);
  } while (left > 0);
  return Buffer.concat([Buffer.from(start), ...parts]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, "utf8");
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]);
}
