import { endpointName, type LinkPool } from "../drivers/modbus/link-pool.ts";
import { isModbus } from "../config/connection-port.ts";
import type { StreamId } from "../domain/point.ts";
import type { DeviceContext, SiteContext } from "./site-context.ts";
import { endpointOf } from "./south.ts";

/** One connection to the south, as the process that holds it counts it. */
export interface LinkStatus {
  /** Name in the site file. */
  readonly connection: string;
  readonly devices: readonly string[];
  /** Median of the devices' last requests, ms; undefined before the first answer. */
  readonly roundTripMs: number | undefined;
  /** Since the start of the process. */
  readonly requests: number;
  /** Requests without a good answer, and lost connections. */
  readonly errors: number;
}

interface DriverTrips {
  readonly roundTripP50Ms: number | undefined;
  /** Of a driver that has a connection of its own. */
  readonly requests?: number;
  readonly timeouts?: number;
  readonly malformed?: number;
  readonly losses?: number;
}

interface SouthSide {
  readonly devices: readonly Pick<DeviceContext, "config" | "definition">[];
  readonly pool: Pick<LinkPool, "loads">;
  driver(stream: StreamId): { readonly counters: DriverTrips } | undefined;
}

/** Every connection of a process, in the order of the site file. */
export function linkStatus(context: Pick<SiteContext, "site">, south: SouthSide): LinkStatus[] {
  const loads = south.pool.loads();
  return Object.entries(context.site.connections).flatMap(([connection, config]): LinkStatus[] => {
    const devices = south.devices.filter((device) => device.config.connection === connection);
    if (devices.length === 0) return [];
    const counters = isModbus(config)
      ? loads.get(endpointName(endpointOf(config)))?.counters
      : ownCounters(devices.map(({ definition }) => south.driver(definition.stream)?.counters));
    const trips = devices
      .map(({ definition }) => south.driver(definition.stream)?.counters.roundTripP50Ms)
      .filter((ms) => ms !== undefined && Number.isFinite(ms) && ms > 0);
    return [
      {
        connection,
        devices: devices.map(({ definition }) => definition.id),
        roundTripMs: middleOf(trips as readonly number[]),
        requests: counters?.requests ?? 0,
        errors:
          counters === undefined
            ? 0
            : counters.timeouts + counters.malformed + counters.exceptions + counters.losses,
      },
    ];
  });
}

interface LinkCounters {
  readonly requests: number;
  readonly timeouts: number;
  readonly malformed: number;
  readonly exceptions: number;
  readonly losses: number;
}

/** Of devices that have their connections themselves. */
function ownCounters(all: readonly (DriverTrips | undefined)[]): LinkCounters {
  const sum = (pick: (one: DriverTrips) => number | undefined): number =>
    all.reduce((total, one) => total + (one === undefined ? 0 : (pick(one) ?? 0)), 0);
  return {
    requests: sum(({ requests }) => requests),
    timeouts: sum(({ timeouts }) => timeouts),
    malformed: sum(({ malformed }) => malformed),
    exceptions: 0,
    losses: sum(({ losses }) => losses),
  };
}

function middleOf(values: readonly number[]): number | undefined {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}
