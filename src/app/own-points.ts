import { type GATEWAY_POINTS, gatewayDeviceId } from "../config/point-table.ts";
import { assert } from "../domain/assert.ts";
import type { DeviceDefinition, RoleName } from "../domain/point.ts";
import { GOOD, qualityCode } from "../domain/quality.ts";
import type { Round } from "../domain/round.ts";
import type { Clock } from "../domain/time.ts";
import type { SiteContext } from "./site-context.ts";

type OwnName<R extends RoleName> = (typeof GATEWAY_POINTS)[R][number]["name"];

/** What a process cannot tell because it does not know what it would be computed from. */
const NOT_KNOWN = qualityCode("input-bad");

/** What a process of the gateway says of itself, as rounds of its own device. */
export class OwnPoints<R extends RoleName> {
  readonly device: DeviceDefinition;
  readonly #names: readonly string[];
  readonly #clock: Clock;
  readonly #points: Uint32Array;
  #seq = 0;

  constructor(context: Pick<SiteContext, "table">, role: R, clock: Clock) {
    const id = gatewayDeviceId(role);
    const device = context.table.devices.find((candidate) => candidate.id === id);
    assert(device !== undefined, `the point table has the device ${id}`);
    this.device = device;
    this.#clock = clock;
    const points = context.table.points.slice(
      device.firstPoint,
      device.firstPoint + device.pointCount,
    );
    this.#names = points.map(({ name }) => name);
    this.#points = Uint32Array.from(points, ({ index }) => index);
  }

  /**
   * Numbered here, unless the caller numbers its rounds itself. What is not known goes out as bad.
   * Points that only some sites have are told under their names like the others.
   */
  round(values: Readonly<Record<OwnName<R>, number | undefined>>, seq = this.#nextSeq()): Round {
    const byName: Readonly<Record<string, number | undefined>> = values;
    const columns = Float64Array.from(this.#names, (name) => byName[name] ?? Number.NaN);
    return {
      stream: this.device.stream,
      seq,
      points: this.#points,
      values: columns,
      quality: Uint8Array.from(columns, (value) => (Number.isNaN(value) ? NOT_KNOWN : GOOD)),
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
