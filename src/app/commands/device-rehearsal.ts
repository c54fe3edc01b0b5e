import type {
  LinkCounters,
  LinkLoad,
  LinkRead,
  LinkWrite,
  ModbusLink,
} from "../../drivers/modbus/link.ts";
import type { ReadReply, WriteReply } from "../../wire/modbus/client-codec.ts";

/**
 * A link that reads from the device and keeps every write to itself, as if the device had taken
 * it: what a driver would put on the wire, by the driver's own code.
 */
export class RehearsalLink implements ModbusLink {
  readonly #link: ModbusLink;
  readonly writes: LinkWrite[] = [];

  constructor(link: ModbusLink) {
    this.#link = link;
  }

  get isOpen(): boolean {
    return this.#link.isOpen;
  }

  get counters(): LinkCounters {
    return this.#link.counters;
  }

  async open(signal: AbortSignal): Promise<void> {
    await this.#link.open(signal);
  }

  async read(request: LinkRead, signal: AbortSignal): Promise<ReadReply> {
    return this.#link.read(request, signal);
  }

  async write(request: LinkWrite): Promise<WriteReply> {
    this.writes.push(request);
    return Promise.resolve("written");
  }

  async close(): Promise<void> {
    await this.#link.close();
  }

  load(): LinkLoad {
    return this.#link.load();
  }
}
