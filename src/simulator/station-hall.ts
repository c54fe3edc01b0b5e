import type { TlsOptions } from "node:tls";
import { assert } from "../domain/assert.ts";
import type { Clock } from "../domain/time.ts";
import type { CompiledProfile } from "../profiles/binding.ts";
import { parseStationFault } from "./iec61850/fault-order.ts";
import { SimulatedStation } from "./iec61850/station.ts";
import type { FaultMessage } from "./orders.ts";
import type { Plant } from "./plant.ts";
import { PlantStation } from "./plant-station.ts";

interface Placed {
  readonly id: string;
  readonly profile: CompiledProfile;
  readonly host: string;
  readonly port: number;
  /** Served over TLS with these. */
  readonly tls?: TlsOptions;
}

/** The devices of IEC 61850 of a simulation. */
export class StationHall {
  readonly #placed: readonly Placed[];
  readonly #stations = new Map<string, SimulatedStation>();
  readonly #shown: readonly PlantStation[];
  readonly #closed: Promise<void>[] = [];
  readonly #end = new AbortController();

  /** @param plant undefined: the stations hold their first values */
  constructor(placed: readonly Placed[], plant: Plant | undefined) {
    this.#placed = placed;
    for (const { id, profile } of placed) {
      const facts = profile.iec61850;
      assert(facts !== undefined, `${id} does not speak IEC 61850`);
      this.#stations.set(id, new SimulatedStation({ id, profile, facts }));
    }
    this.#shown =
      plant === undefined
        ? []
        : [...this.#stations.values()].map((station) => new PlantStation(station, plant));
  }

  has(id: string): boolean {
    return this.#stations.has(id);
  }

  station(id: string): SimulatedStation {
    const station = this.#stations.get(id);
    assert(station !== undefined, `the simulation has no station ${id}`);
    return station;
  }

  /** @returns ports by id. @throws GatewayError PORT_IN_USE */
  async open(clock: Clock, signal: AbortSignal): Promise<ReadonlyMap<string, number>> {
    const ports = new Map<string, number>();
    const end = (): void => {
      this.#end.abort(signal.reason);
    };
    if (signal.aborted) end();
    else signal.addEventListener("abort", end, { once: true });
    this.show();
    for (const placed of this.#placed) {
      const { id } = placed;
      const server = await this.station(id).open({ ...placed, clock }, this.#end.signal);
      ports.set(id, server.port);
      this.#closed.push(server.closed);
    }
    return ports;
  }

  /** Brings what the plant does into the models. */
  show(): void {
    for (const station of this.#shown) station.show();
  }

  /** Undefined when done, else the problem in a sentence. */
  obey(message: FaultMessage): string | undefined {
    const station = this.station(message.device);
    if (message.fault === "none") {
      station.setFault(undefined);
      return undefined;
    }
    const fault = parseStationFault({ ...message });
    if ("problem" in fault) return fault.problem;
    station.setFault(fault);
    return undefined;
  }

  /** Closes every port; resolves when that is done. */
  async close(): Promise<void> {
    this.#end.abort();
    await Promise.all(this.#closed);
  }
}
