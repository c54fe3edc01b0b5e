import { GatewayError } from "../domain/errors.ts";
import { pointIndex, type PointTable, type StreamId } from "../domain/point.ts";
import type { Setpoint } from "../domain/write.ts";
import type { WriteReport } from "../control/exchange.ts";
import type { WritingDriver } from "./device-writer.ts";
import type { OrderGivers } from "./order-givers.ts";
import { writeReport } from "./write-report.ts";

/** Setpoints of one order. */
const SETPOINTS_MAX = 64;

export interface OrderParts {
  readonly south: { writer(stream: StreamId): WritingDriver | undefined };
  readonly table: Pick<PointTable, "devices">;
  readonly givers: Pick<OrderGivers, "note">;
}

/**
 * Carries out a write order of control. It comes over a socket that only control may open; what the
 * site does not let be written is refused all the same.
 *
 * @throws GatewayError REQUEST_REFUSED for an order of another form, or a device that has no way to
 *   be written to here
 */
export async function obeyOrder(
  { south, table, givers }: OrderParts,
  params: unknown,
  signal: AbortSignal,
): Promise<readonly WriteReport[]> {
  const order = orderOf(params);
  const device = table.devices.find(({ id }) => id === order.device);
  const writer = device === undefined ? undefined : south.writer(device.stream);
  if (writer === undefined)
    throw new GatewayError("REQUEST_REFUSED", {
      device: order.device,
      reason: "nothing may be written to it here",
    });
  givers.note(writer);
  const outcomes = await writer.write(order.setpoints, signal);
  return outcomes.map((outcome, at) => writeReport(order.setpoints[at], outcome));
}

/**
 * Lets a device go: what keeps its setpoints alive ends, and the next one begins anew.
 *
 * @returns whether anything may be written to it here
 */
export function obeyLetGo({ south, table }: Omit<OrderParts, "givers">, params: unknown): boolean {
  const { device: name } = (params ?? {}) as { readonly device?: unknown };
  const device = table.devices.find(({ id }) => id === name);
  const writer = device === undefined ? undefined : south.writer(device.stream);
  writer?.letGo();
  return writer !== undefined;
}

interface Order {
  readonly device: string;
  readonly setpoints: readonly Setpoint[];
}

function orderOf(params: unknown): Order {
  const { device, setpoints } = (params ?? {}) as {
    readonly device?: unknown;
    readonly setpoints?: unknown;
  };
  const list: readonly unknown[] = Array.isArray(setpoints) ? setpoints : [];
  if (typeof device !== "string" || list.length === 0 || list.length > SETPOINTS_MAX)
    throw new GatewayError("REQUEST_REFUSED", { reason: "a write order has device and setpoints" });
  return { device, setpoints: list.map(setpointOf) };
}

function setpointOf(member: unknown): Setpoint {
  const { point, value, confirm } = (member ?? {}) as Readonly<Record<string, unknown>>;
  const isWhen = confirm === "read-back" || confirm === "by-poll";
  const isPoint = typeof point === "number" && Number.isSafeInteger(point) && point >= 0;
  if (!isPoint || typeof value !== "number" || !isWhen)
    throw new GatewayError("REQUEST_REFUSED", { reason: "a setpoint has point, value, confirm" });
  return { point: pointIndex(point), value, confirm };
}
