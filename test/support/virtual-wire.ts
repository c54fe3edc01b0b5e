import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { assert } from "../../src/domain/assert.ts";
import type { Clock } from "../../src/domain/time.ts";
import { answer } from "../../src/simulator/answers.ts";
import type { SimulatedDevice } from "../../src/simulator/device.ts";
import type { Fault } from "../../src/simulator/faults.ts";
import {
  decodeRequest,
  encodeException,
  encodeMbap,
  MBAP_FRAME_BYTES_MAX,
  MBAP_HEADER_BYTES,
} from "../../src/wire/modbus/server-codec.ts";

/** What happens to one request, or to its answer. */
export type Trouble =
  | { readonly kind: "lost-request" | "lost-reply" | "duplicated" | "previous" }
  | { readonly kind: "wrong-transaction" | "wrong-unit" | "truncated" | "garbage" | "in-pieces" }
  | { readonly kind: "wrong-length"; readonly by: number }
  | { readonly kind: "exception"; readonly code: number }
  | { readonly kind: "late"; readonly ms: number };

export const TROUBLE_KINDS = [
  "lost-request",
  "lost-reply",
  "duplicated",
  "previous",
  "wrong-transaction",
  "wrong-unit",
  "truncated",
  "garbage",
  "in-pieces",
  "wrong-length",
  "exception",
  "late",
] as const satisfies readonly Trouble["kind"][];

export interface WireOptions {
  readonly clock: Clock;
  readonly devices: readonly SimulatedDevice[];
  /** Time of one request and its answer, ms. */
  readonly roundTripMs: () => number;
  readonly random: () => number;
  /** What goes wrong with the request that begins now; undefined: nothing. */
  readonly troubleOf: (device: string) => Trouble | undefined;
  /** A request has arrived at a device, and is done. */
  readonly onRequest: (device: string, frame: Uint8Array) => void;
  /** The answer to a request has arrived as the device made it. */
  readonly onAnswer: (device: string, request: Uint8Array, reply: Uint8Array) => void;
}

const CONNECT_TIMEOUT_MS = 3_000;
const UNANSWERED: ReadonlySet<Fault["kind"]> = new Set(["silent", "reboot", "blackhole"]);
/** Whoever asked has given up after this, ms: the shortest time-out of the site's profiles. */
const PATIENCE_MS = 200;
const GARBAGE_BYTES_MAX = 24;
const DEVICE_BUSY = 6;

/** What a socket of Node is to the link, without a network: it speaks by the test's clock. */
class VirtualSocket extends EventEmitter {
  destroyed = false;
  /** Nothing overtakes on a connection. */
  arrivesAt = 0;
  lastReply: Uint8Array | undefined;
  /** Reboots of all devices before it was connected: one more, and nobody knows it any more. */
  reboots = 0;
  readonly take: (chunk: Uint8Array) => void;
  readonly #wire: VirtualWire;

  constructor(wire: VirtualWire, take: (chunk: Uint8Array) => void) {
    super();
    this.#wire = wire;
    this.take = take;
  }

  write(frame: Uint8Array): boolean {
    void this.#wire.carry(this, frame.slice());
    return true;
  }

  destroy(): this {
    if (this.destroyed) return this;
    this.destroyed = true;
    queueMicrotask(() => this.emit("close"));
    return this;
  }

  fail(code: string): void {
    if (this.destroyed) return;
    this.emit("error", Object.assign(new Error(code), { code }));
    this.destroy();
  }
}

/**
 * The network between the gateway's own Modbus client and simulated devices, as bytes and in the
 * time of a test: it loses, delays, repeats and damages what a seed says.
 */
export class VirtualWire {
  readonly #options: WireOptions;

  constructor(options: WireOptions) {
    this.#options = options;
  }

  /** For the link's option `dial`. */
  readonly dial = (take: (chunk: Uint8Array) => void): Socket => {
    const socket = new VirtualSocket(this, take);
    void this.#connect(socket);
    return socket as unknown as Socket;
  };

  async carry(socket: VirtualSocket, request: Uint8Array): Promise<void> {
    const { clock, roundTripMs, devices, troubleOf, onRequest } = this.#options;
    const travelMs = roundTripMs();
    const askedAt = clock.now();
    const device = devices.find(({ units }) => units.includes(request[6] ?? 0));
    assert(device !== undefined, "the gateway asks devices that are there");
    const trouble = troubleOf(device.id);
    await clock.sleep(travelMs / 2);
    if (trouble?.kind === "lost-request") return;
    device.tick(clock.now());
    const { fault } = device;
    const isForgotten = fault?.kind !== "reboot" && socket.reboots !== this.#reboots();
    if (fault?.kind === "stopped" || fault?.kind === "reset" || isForgotten) {
      socket.fail("ECONNRESET");
      return;
    }
    if (fault !== undefined && UNANSWERED.has(fault.kind)) return;
    const isDone = trouble?.kind !== "exception" && fault?.kind !== "exception";
    const code = trouble?.kind === "exception" ? trouble.code : DEVICE_BUSY;
    const reply = replyOf(device, request, isDone ? undefined : code);
    if (isDone) onRequest(device.id, request);
    const slowMs = fault?.kind === "slow" ? fault.ms : 0;
    await this.#answer(
      socket,
      { device: device.id, request, reply, trouble, askedAt },
      travelMs / 2 + slowMs,
    );
  }

  async #connect(socket: VirtualSocket): Promise<void> {
    const { clock, roundTripMs, devices } = this.#options;
    await clock.sleep(roundTripMs());
    const has = (...kinds: readonly Fault["kind"][]): boolean =>
      devices.some(({ fault }) => fault !== undefined && kinds.includes(fault.kind));
    if (has("stopped", "reset", "reboot")) {
      socket.fail("ECONNREFUSED");
      return;
    }
    if (has("blackhole")) {
      await clock.sleep(CONNECT_TIMEOUT_MS);
      socket.fail("ETIMEDOUT");
      return;
    }
    socket.reboots = this.#reboots();
    if (!socket.destroyed) socket.emit("connect");
  }

  #reboots(): number {
    return this.#options.devices.reduce((sum, { counters }) => sum + counters.reboots, 0);
  }

  async #answer(
    socket: VirtualSocket,
    exchange: {
      readonly device: string;
      readonly request: Uint8Array;
      readonly reply: Uint8Array;
      readonly trouble: Trouble | undefined;
      readonly askedAt: number;
    },
    afterMs: number,
  ): Promise<void> {
    const { clock, onAnswer } = this.#options;
    const { device, request, reply, trouble, askedAt } = exchange;
    if (trouble?.kind === "lost-reply") return;
    const lateMs = trouble?.kind === "late" ? trouble.ms : 0;
    const pieces = this.#damaged(reply, trouble, socket.lastReply);
    socket.lastReply = reply;
    socket.arrivesAt = Math.max(socket.arrivesAt, clock.now() + afterMs + lateMs);
    await clock.sleep(Math.max(0, socket.arrivesAt - clock.now()));
    const isAwaited = !socket.destroyed && clock.now() - askedAt < PATIENCE_MS;
    if (pieces.includes(reply) && isAwaited) onAnswer(device, request, reply);
    for (const piece of pieces) if (!socket.destroyed) socket.take(piece);
  }

  /** What arrives instead of `reply`, piece by piece. */
  #damaged(
    reply: Uint8Array,
    trouble: Trouble | undefined,
    previous: Uint8Array | undefined,
  ): readonly Uint8Array[] {
    const { random } = this.#options;
    const copy = reply.slice();
    switch (trouble?.kind) {
      case "duplicated":
        return [reply, copy];
      case "previous":
        return previous === undefined ? [reply] : [previous, reply];
      case "wrong-transaction":
        copy[1] = ((copy[1] ?? 0) + 1 + Math.floor(random() * 200)) & 0xff;
        return [copy];
      case "wrong-unit":
        copy[6] = ((copy[6] ?? 0) + 1) & 0xff;
        return [copy];
      case "wrong-length":
        copy[5] = Math.max(0, (copy[5] ?? 0) + trouble.by) & 0xff;
        return [copy];
      case "truncated":
        return [copy.subarray(0, 1 + Math.floor(random() * (copy.length - 1)))];
      case "garbage":
        return [
          Uint8Array.from({ length: 1 + Math.floor(random() * GARBAGE_BYTES_MAX) }, () =>
            Math.floor(random() * 256),
          ),
        ];
      case "in-pieces": {
        const cut = 1 + Math.floor(random() * (copy.length - 1));
        return [copy.subarray(0, cut), copy.subarray(cut)];
      }
      default:
        return [reply];
    }
  }
}

/** The frame that a device answers with; `refusal` instead of doing anything. */
function replyOf(
  device: SimulatedDevice,
  asked: Uint8Array,
  refusal: number | undefined,
): Uint8Array {
  const target = new Uint8Array(MBAP_FRAME_BYTES_MAX);
  const unit = asked[6] ?? 0;
  const transaction = ((asked[0] ?? 0) << 8) | (asked[1] ?? 0);
  const decoded = decodeRequest(asked, MBAP_HEADER_BYTES, asked.length);
  const place = { target, at: MBAP_HEADER_BYTES, unit };
  const end =
    refusal === undefined
      ? answer(device, decoded, place)
      : encodeException(target, place.at, decoded.function, refusal);
  encodeMbap(target, 0, end - MBAP_HEADER_BYTES, { transaction, unit });
  return target.slice(0, end);
}
