import { assert } from "../domain/assert.ts";
import { CANONICAL_POINTS } from "../domain/vocabulary/vocabulary.ts";
import type { CompiledProfile } from "../profiles/binding.ts";
import { FLEET_FIRST_ADDRESS, FLEET_TICKS_PER_S } from "./fleet-values.ts";
import type { SimulationDevice } from "./simulation.ts";

const FLEET_POINTS_MAX = 2000;
/** Devices behind one port by default: one, as most devices with Ethernet have it. */
const DEVICES_PER_PORT = 1;
const FLEET_CLASS = "environment-sensor";
const UNIT_IDS_MAX = 247;

/**
 * Profile document of a synthetic device with `points` contiguous points of two registers each.
 * `x-updated` is the monotonic time of the last change, s, modulo `FLEET_WRAP_S`; the others are
 * counters in 32-bit floating point.
 */
export function fleetProfileDocument(points: number, everyMs: number): FleetProfileDocument {
  assert(points >= 1 && points <= FLEET_POINTS_MAX, "a device has 1 to 2,000 points");
  const lines: FleetPoint[] = [
    {
      point: "x-updated",
      at: `holding ${FLEET_FIRST_ADDRESS}`,
      type: "uint32",
      scale: 1 / FLEET_TICKS_PER_S,
      unit: "s",
      group: "all",
      source: "own",
    },
  ];
  for (let index = 1; index < points; index += 1) {
    lines.push({
      point: `x-value-${index}`,
      at: `holding ${FLEET_FIRST_ADDRESS + 2 * index}`,
      type: "float32",
      unit: "W",
      group: "all",
      source: "own",
    });
  }
  return {
    format: 1,
    version: "1.0.0",
    status: "draft",
    identity: {
      manufacturer: "simulator",
      model: `fleet-${points}`,
      class: FLEET_CLASS,
      protocols: ["modbus-tcp"],
    },
    sources: { own: { document: "synthetic device", revision: "1", licence: "Apache-2.0" } },
    modbus: { maxRead: 125, maxGap: 0, timeoutMs: 1000, minimumPeriodMs: 10 },
    groups: { all: { everyMs } },
    points: lines,
    missing: missingPoints(),
  };
}

/** What a device of the class should have, and why this one does not. */
function missingPoints(): Record<string, string> {
  const required = [...CANONICAL_POINTS.values()].filter(
    ({ classes }) => classes.get(FLEET_CLASS) === "required",
  );
  return Object.fromEntries(required.map(({ id }) => [id, "a synthetic device measures nothing"]));
}

export interface FleetProfileDocument {
  readonly format: 1;
  readonly version: string;
  readonly status: "draft";
  readonly identity: {
    readonly manufacturer: string;
    readonly model: string;
    readonly class: string;
    readonly protocols: readonly string[];
  };
  readonly sources: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly modbus: Readonly<Record<string, number>>;
  readonly groups: Readonly<Record<string, { readonly everyMs: number }>>;
  readonly points: readonly FleetPoint[];
  readonly missing: Readonly<Record<string, string>>;
}

export interface FleetPoint {
  readonly point: string;
  readonly at: string;
  readonly type: string;
  readonly scale?: number;
  readonly unit: string;
  readonly group: string;
  readonly source: string;
}

export interface FleetTerms {
  readonly count: number;
  readonly host: string;
  /** Port of the first endpoint, the next one follows; 0: any free ports. */
  readonly port: number;
  readonly devicesPerPort?: number;
}

/** Synthetic devices `fleet-1` … for a `Simulation`; devices of one port have unit ids from 1. */
export function fleetDevices(profile: CompiledProfile, terms: FleetTerms): SimulationDevice[] {
  const perPort = terms.devicesPerPort ?? DEVICES_PER_PORT;
  assert(perPort >= 1 && perPort <= UNIT_IDS_MAX, "unit ids are 1 to 247");
  return Array.from({ length: terms.count }, (_, index) => {
    const endpoint = Math.floor(index / perPort);
    return {
      id: `fleet-${index + 1}`,
      profile,
      nominal: [],
      endpoint: {
        name: `fleet-port-${endpoint + 1}`,
        protocol: "modbus-tcp",
        host: terms.host,
        port: terms.port === 0 ? 0 : terms.port + endpoint,
      },
      unitId: (index % perPort) + 1,
      values: "fleet",
    };
  });
}
