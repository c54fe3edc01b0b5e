import { GatewayError } from "../../../src/domain/errors.ts";
import type { Clock } from "../../../src/domain/time.ts";
import type {
  LinkCounters,
  LinkLoad,
  LinkRead,
  LinkWrite,
  ModbusLink,
} from "../../../src/drivers/modbus/link.ts";
import {
  modbusException,
  type ReadReply,
  type WriteReply,
} from "../../../src/wire/modbus/client-codec.ts";

/** A device behind a link, in virtual time. */
export class FakeLink implements ModbusLink {
  readonly registers = new Uint16Array(0x1_0000);
  readonly bits = new Uint8Array(0x1_0000);
  readonly illegal = new Set<number>();
  readonly reads: LinkRead[] = [];
  readonly writes: LinkWrite[] = [];
  /** Everything in order: `open`, `read 10+3`, `write 6@20=7`, `close`. */
  readonly log: string[] = [];
  latencyMs = 0;
  isOpen = false;
  counters = {} as LinkCounters;
  /** Why no connection can be made; undefined: it can. */
  onOpen: () => GatewayError | undefined = () => undefined;
  /** Exception or failure of a read; undefined: it succeeds. */
  onRead: (request: LinkRead) => number | GatewayError | undefined = () => undefined;
  /** Exception, failure, or a write that is accepted and ignored. */
  onWrite: (request: LinkWrite) => number | GatewayError | "ignore" | undefined = () => undefined;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async open(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const failure = this.onOpen();
    if (failure !== undefined) throw failure;
    this.log.push("open");
    this.isOpen = true;
    return Promise.resolve();
  }

  async close(): Promise<void> {
    if (this.isOpen) this.log.push("close");
    this.isOpen = false;
    return Promise.resolve();
  }

  async read(request: LinkRead, signal: AbortSignal): Promise<ReadReply> {
    this.reads.push(request);
    this.log.push(`read ${request.address}+${request.count}`);
    if (!this.isOpen) throw new GatewayError("LINK_LOST", { sent: false });
    if (this.latencyMs > 0) await this.#clock.sleep(this.latencyMs, signal);
    signal.throwIfAborted();
    const failure = this.onRead(request);
    if (typeof failure === "number") return modbusException(failure);
    if (failure !== undefined) throw failure;
    return this.#answer(request);
  }

  async write(request: LinkWrite, signal: AbortSignal): Promise<WriteReply> {
    this.writes.push(request);
    const value = request.bytes.reduce((sum, byte) => sum * 256 + byte, 0);
    this.log.push(`write ${request.function}@${request.address}=${value}`);
    if (!this.isOpen) throw new GatewayError("LINK_LOST", { sent: false });
    if (this.latencyMs > 0) await this.#clock.sleep(this.latencyMs, signal);
    const failure = this.onWrite(request);
    if (typeof failure === "number") return modbusException(failure);
    if (failure === "ignore") return "written";
    if (failure !== undefined) throw failure;
    this.#store(request);
    return "written";
  }

  load(): LinkLoad {
    return { busy: 0, waiting: 0 };
  }

  #answer({ table, address, count }: LinkRead): ReadReply {
    for (let at = address; at < address + count; at += 1) {
      if (this.illegal.has(at)) return modbusException(2);
    }
    if (table === "coil" || table === "discrete") {
      const packed = new Uint8Array((count + 7) >> 3);
      for (let bit = 0; bit < count; bit += 1) {
        packed[bit >> 3] = (packed[bit >> 3] ?? 0) | ((this.bits[address + bit] ?? 0) << (bit & 7));
      }
      return packed;
    }
    const bytes = new Uint8Array(count * 2);
    for (let at = 0; at < count; at += 1) {
      const word = this.registers[address + at] ?? 0;
      bytes[at * 2] = word >> 8;
      bytes[at * 2 + 1] = word & 0xff;
    }
    return bytes;
  }

  #store({ function: code, address, bytes, count }: LinkWrite): void {
    const word = (at: number) => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
    switch (code) {
      case 5:
        this.bits[address] = bytes[0] === 0xff ? 1 : 0;
        return;
      case 15:
        for (let bit = 0; bit < count; bit += 1) {
          this.bits[address + bit] = ((bytes[bit >> 3] ?? 0) >> (bit & 7)) & 1;
        }
        return;
      case 22: {
        const and = word(0);
        this.registers[address] =
          ((this.registers[address] ?? 0) & and) | (word(2) & ~and & 0xffff);
        return;
      }
      default:
        for (let at = 0; at < count; at += 1) this.registers[address + at] = word(at * 2);
    }
  }
}

export function timedOut(): GatewayError {
  return new GatewayError("LINK_TIMEOUT", { sent: true, timeoutMs: 500 });
}
