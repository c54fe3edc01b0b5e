/**
 * `node main.ts <mqtt port> <first port> <devices> <points> <period ms> <prefix>`: the least that
 * reads the same registers and publishes the same values: raw sockets, no store, no quality, no
 * model, QoS 0. What it costs is what the work costs in Node before any product.
 */
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { fieldOfExtraPoint } from "../../../src/domain/vocabulary/vocabulary.ts";
import { WireClient } from "../mqtt-wire.ts";

const MBAP_BYTES = 9;
const REGISTERS_MAX = 125;
const SECOND_MS = 1_000;
const TICKS_PER_S = 10_000;

class Poller {
  readonly #name: string;
  readonly #points: number;
  readonly #publish: (name: string, text: string) => void;
  readonly #requests: readonly Buffer[];
  readonly #keys: readonly string[];
  readonly #image: Buffer;
  readonly #socket: Socket;
  #at = 0;
  #round = 0;
  #rest: Buffer = Buffer.alloc(0);

  static async open(
    name: string,
    terms: { readonly port: number; readonly points: number },
    publish: (name: string, text: string) => void,
  ): Promise<Poller> {
    const socket = connect({ port: terms.port, host: "127.0.0.1", noDelay: true });
    await once(socket, "connect");
    return new Poller(name, { ...terms, socket }, publish);
  }

  private constructor(
    name: string,
    { points, socket }: { readonly points: number; readonly socket: Socket },
    publish: (name: string, text: string) => void,
  ) {
    this.#name = name;
    this.#points = points;
    this.#publish = publish;
    this.#requests = requestsFor(points);
    this.#image = Buffer.alloc(2 * points);
    this.#keys = Array.from({ length: points }, (_, index) =>
      index === 0
        ? `{"${fieldOfExtraPoint("x-updated", "s")}":`
        : `,"${fieldOfExtraPoint(`x-value-${index}`, "W")}":`,
    );
    this.#socket = socket;
    socket.on("data", (chunk) => {
      this.#take(chunk);
    });
  }

  poll(): void {
    this.#at = 0;
    this.#ask();
  }

  #ask(): void {
    const request = this.#requests[this.#at];
    if (request !== undefined) this.#socket.write(request);
  }

  #take(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const length = bytes.length < MBAP_BYTES ? Infinity : MBAP_BYTES + (bytes[8] ?? 0);
    if (bytes.length < length) {
      this.#rest = Buffer.from(bytes);
      return;
    }
    this.#rest = Buffer.alloc(0);
    bytes.copy(this.#image, this.#at * REGISTERS_MAX * 2, MBAP_BYTES);
    this.#at += 1;
    if (this.#at < this.#requests.length) this.#ask();
    else this.#finish();
  }

  #finish(): void {
    this.#round += 1;
    let text = `{"s":"${this.#name}","e":1,"n":${this.#round},"t":${Date.now()},"v":`;
    for (let index = 0; index < this.#points; index += 1) {
      const register = this.#image.readUInt16BE(2 * index);
      const value = index === 0 ? register / TICKS_PER_S : register;
      text += `${this.#keys[index] ?? ""}${value}`;
    }
    this.#publish(this.#name, `${text}}}`);
  }
}

function requestsFor(registers: number): Buffer[] {
  return Array.from({ length: Math.ceil(registers / REGISTERS_MAX) }, (_, index) => {
    const request = Buffer.alloc(12);
    request.writeUInt16BE(index, 0);
    request.writeUInt16BE(6, 4);
    request[6] = 1;
    request[7] = 3;
    request.writeUInt16BE(index * REGISTERS_MAX, 8);
    request.writeUInt16BE(Math.min(REGISTERS_MAX, registers - index * REGISTERS_MAX), 10);
    return request;
  });
}

const [mqttPort = 0, firstPort = 0, devices = 0, points = 0, periodMs = SECOND_MS] = process.argv
  .slice(2)
  .map(Number);
const prefix = process.argv[7] ?? "";
const client = await WireClient.open(mqttPort, "bench-floor");
for (let index = 0; index < devices; index += 1) {
  const poller = await Poller.open(
    `fleet-${index + 1}`,
    { port: firstPort + index, points },
    (name, text) => {
      client.publish(`${prefix}tel/${name}`, Buffer.from(text, "latin1"), 0);
    },
  );
  setTimeout(
    () => {
      setInterval(() => {
        poller.poll();
      }, periodMs);
    },
    (index * periodMs) / devices,
  );
}
process.stdin.on("end", () => process.exit(0)).resume();
process.stdout.write("up\n");
