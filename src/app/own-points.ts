import { GATEWAY_POINTS, gatewayDeviceId } from "../config/point-table.ts";
import { assert } from "../domain/assert.ts";
import type { DeviceDefinition, RoleName } from "../domain/point.ts";
import type { Round } from "../domain/round.ts";
import type { Clock } from "../domain/time.ts";
import type { SiteContext } from "./site-context.ts";

type OwnName<R extends RoleName> = (typeof GATEWAY_POINTS)[R][number]["name"];

/** Period of the gateway's own points. */
export const OWN_POINTS_MS = 1_000;

/** What a process of the gateway says of itself, as rounds of its own device. */
export class OwnPoints<R extends RoleName> {
  readonly device: DeviceDefinition;
  readonly #names: readonly string[];
  readonly #clock: Clock;
  readonly #points: Uint32Array;
  #seq = 0;

  constructor(context: SiteContext, role: R, clock: Clock) {
    const id = gatewayDeviceId(role);
    const device = context.table.devices.find((candidate) => candidate.id === id);
    assert(device !== undefined, `the point table has the device ${id}`);
    this.device = device;
    this.#clock = clock;
    this.#names = GATEWAY_POINTS[role].map(({ name }) => name);
    this.#points = Uint32Array.from(this.#names, (_name, at) => device.firstPoint + at);
  }

  /** Numbered here, unless the caller numbers its rounds itself. */
  round(values: Readonly<Record<OwnName<R>, number>>, seq = this.#nextSeq()): Round {
    const columns = Float64Array.from(
      this.#names,
      (name) => (values as Readonly<Record<string, number>>)[name] ?? 0,
    );
    return {
      stream: this.device.stream,
      seq,
      points: this.#points,
      values: columns,
      quality: new Uint8Array(columns.length),
      sourceTimes: undefined,
      texts: undefined,
      receivedAt: this.#clock.now(),
      receivedUtc: this.#clock.utcNow(),
    };
  }

  #nextSeq(): number {
    this.#seq += 1;
    return this.#seq;
  }
}
