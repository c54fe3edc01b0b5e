import { GatewayError } from "../domain/errors.ts";
import type { PointIndex, StreamId } from "../domain/point.ts";
import type { Setpoint, WriteOutcome } from "../domain/write.ts";
import { pointOf, writeRule } from "./plan-points.ts";
import { writable } from "./control-settings.ts";
import type { SiteContext } from "./site-context.ts";

/** Of the drivers, what writing needs. */
export interface WritingDriver {
  write(setpoints: readonly Setpoint[], signal: AbortSignal): Promise<readonly WriteOutcome[]>;
  letGo(): void;
}

/**
 * The points that may ever be written, by device: the lines of the site's envelope for which the
 * profile has a way. A device without any is not in it.
 */
export function writablePoints(
  context: SiteContext,
): ReadonlyMap<StreamId, ReadonlySet<PointIndex>> {
  const byStream = new Map<StreamId, Set<PointIndex>>();
  for (const { device, point: name } of writable(context)) {
    const stream = context.deviceById.get(device)?.definition.stream;
    const point = pointOf(context, device, name);
    if (stream === undefined || point === undefined) continue;
    if (writeRule(context, device, name) === undefined) continue;
    const points = byStream.get(stream) ?? new Set();
    byStream.set(stream, points.add(point));
  }
  return byStream;
}

/** One way to write to a device, for these points and no others, whoever gives the order. */
export class DeviceWriter implements WritingDriver {
  readonly #driver: WritingDriver;
  readonly #points: ReadonlySet<PointIndex>;

  constructor(driver: WritingDriver, points: ReadonlySet<PointIndex>) {
    this.#driver = driver;
    this.#points = points;
  }

  /** One outcome per setpoint, in their order; what is read only never reaches the driver. */
  async write(
    setpoints: readonly Setpoint[],
    signal: AbortSignal,
  ): Promise<readonly WriteOutcome[]> {
    const taken = setpoints.filter(({ point }) => this.#points.has(point));
    const outcomes = taken.length > 0 ? await this.#driver.write(taken, signal) : [];
    return setpoints.map((setpoint) => outcomes[taken.indexOf(setpoint)] ?? readOnly(setpoint));
  }

  letGo(): void {
    this.#driver.letGo();
  }
}

function readOnly({ point }: Setpoint): WriteOutcome {
  const error = new GatewayError("REQUEST_REFUSED", { point, reason: "read-only" });
  return { result: "refused", error };
}
