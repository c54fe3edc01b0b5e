import { GatewayError } from "../../src/domain/errors.ts";
import type { Clock } from "../../src/domain/time.ts";
import type {
  LinkCounters,
  LinkLoad,
  LinkRead,
  LinkWrite,
  ModbusLink,
} from "../../src/drivers/modbus/link.ts";
import { type Exchange, RequestQueue } from "../../src/drivers/modbus/request-queue.ts";
import type { TimerWheel } from "../../src/drivers/wheel.ts";
import { answer } from "../../src/simulator/answers.ts";
import type { SimulatedDevice } from "../../src/simulator/device.ts";
import type { Fault } from "../../src/simulator/faults.ts";
import {
  encodeRead,
  encodeWrite,
  parseReadReply,
  parseWriteReply,
  type ReadReply,
  type WriteReply,
} from "../../src/wire/modbus/client-codec.ts";
import {
  decodeRequest,
  encodeException,
  encodeMbap,
  MBAP_FRAME_BYTES_MAX,
  MBAP_HEADER_BYTES,
} from "../../src/wire/modbus/server-codec.ts";

export interface VirtualLinkOptions {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly devices: readonly SimulatedDevice[];
  /** Time of one request and its answer, ms. */
  readonly roundTripMs: () => number;
}

const CONNECT_TIMEOUT_MS = 3_000;
const UNANSWERED: ReadonlySet<Fault["kind"]> = new Set(["silent", "reboot", "blackhole"]);

/**
 * The way to simulated devices without a socket, in the time of a test's clock. Requests and
 * answers pass both codecs as bytes; the faults of a device act here as on its server.
 */
export class VirtualLink implements ModbusLink {
  readonly #options: VirtualLinkOptions;
  readonly #queue: RequestQueue;
  #isOpen = false;

  constructor(options: VirtualLinkOptions) {
    this.#options = options;
    this.#queue = new RequestQueue({
      clock: options.clock,
      wheel: options.wheel,
      pauseMs: 0,
      start: (exchange) => void this.#exchange(exchange),
      abandon: (_, isDead) => {
        if (isDead) this.#lose();
      },
    });
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get counters(): LinkCounters {
    return this.#queue.counters;
  }

  async open(signal: AbortSignal): Promise<void> {
    if (this.#isOpen) return;
    const { clock, roundTripMs } = this.#options;
    await clock.sleep(roundTripMs(), signal);
    if (this.#has("stopped") || this.#has("reset")) throw new GatewayError("LINK_REFUSED", {});
    if (this.#has("blackhole")) {
      await clock.sleep(CONNECT_TIMEOUT_MS, signal);
      throw new GatewayError("LINK_TIMEOUT", {});
    }
    this.#isOpen = true;
    this.#queue.counters.connects += 1;
    this.#queue.release();
  }

  async read(request: LinkRead, signal: AbortSignal): Promise<ReadReply> {
    if (!this.#isOpen) throw new GatewayError("LINK_LOST", { sent: false });
    return (await this.#queue.submit(request, signal)) as ReadReply;
  }

  async write(request: LinkWrite, signal: AbortSignal): Promise<WriteReply> {
    if (!this.#isOpen) throw new GatewayError("LINK_LOST", { sent: false });
    return (await this.#queue.submit(request, signal)) as WriteReply;
  }

  async close(): Promise<void> {
    if (this.#isOpen) this.#lose();
    return Promise.resolve();
  }

  load(): LinkLoad {
    return this.#queue.load();
  }

  #has(kind: Fault["kind"]): boolean {
    return this.#options.devices.some(({ fault }) => fault?.kind === kind);
  }

  #lose(): void {
    this.#isOpen = false;
    this.#queue.counters.losses += 1;
    this.#queue.failAll({}, undefined);
  }

  async #exchange(exchange: Exchange): Promise<void> {
    const { clock, roundTripMs, devices } = this.#options;
    const { request } = exchange;
    const travelMs = roundTripMs();
    await clock.sleep(travelMs / 2);
    if (!this.#isOpen) return;
    const device = devices.find(({ units }) => units.includes(request.unit));
    device?.tick(clock.now());
    const fault = device?.fault;
    if (fault?.kind === "stopped" || fault?.kind === "reset") {
      this.#lose();
      return;
    }
    if (device === undefined || (fault !== undefined && UNANSWERED.has(fault.kind))) return;
    const reply = replyOf(device, request);
    await clock.sleep(travelMs / 2 + (fault?.kind === "slow" ? fault.ms : 0));
    // What comes after the time-out belongs to nobody.
    if (this.#queue.current !== exchange) return;
    this.#queue.hear();
    this.#queue.finish(reply);
  }
}

/** What the device answers, by way of the bytes that would be on the wire. */
function replyOf(device: SimulatedDevice, request: LinkRead | LinkWrite): ReadReply | WriteReply {
  const asked = "table" in request ? encodeRead(request, 1) : encodeWrite(request, 1);
  const target = new Uint8Array(MBAP_FRAME_BYTES_MAX);
  const decoded = decodeRequest(asked, MBAP_HEADER_BYTES, asked.length);
  const place = { target, at: MBAP_HEADER_BYTES, unit: request.unit };
  const end =
    device.fault?.kind === "exception"
      ? encodeException(target, place.at, decoded.function, device.fault.code)
      : answer(device, decoded, place);
  encodeMbap(target, 0, end - MBAP_HEADER_BYTES, { transaction: 1, unit: request.unit });
  const frame = target.subarray(0, end);
  if ("table" in request) return parseReadReply(request, frame);
  return parseWriteReply(request, frame);
}
