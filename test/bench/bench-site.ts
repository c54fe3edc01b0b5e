import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fleetProfileDocument } from "../../src/simulator/fleet.ts";
import { FLEET_FIRST_ADDRESS, FLEET_TICKS_PER_S } from "../../src/simulator/fleet-values.ts";
import { freePortRange } from "../support/loopback.ts";

/** How many devices with how many points each are read how often. */
export interface FleetShape {
  readonly devices: number;
  readonly points: number;
  readonly periodMs: number;
  /** Without it there is the fleet and nothing else, as the peers were measured. */
  readonly hasControl: boolean;
}

export interface BenchSite {
  readonly folder: string;
  readonly file: string;
  readonly mqttPort: number;
  /** First of the fleet's ports; the devices of the plant follow it. */
  readonly firstPort: number;
  readonly shape: FleetShape;
  remove(): Promise<void>;
}

export const SITE = "bench";
export const GATEWAY = "gw-1";
export const PREFIX = `dcpi/v1/${SITE}/${GATEWAY}/`;
/** Driven by the control loop. */
export const CYCLIC_UNIT = "bess-1";
/** Group of the control loop that `CYCLIC_UNIT` is in. */
export const CYCLIC_TARGET = "battery";
/** Driven by no controller: its setpoint is written by the direct lane. */
export const DIRECT_UNIT = "bess-2";
export const PERIOD_MS = 50;
/** The stamp of a device starts again after this many seconds: it has one register. */
export const STAMP_WRAP_S = 2 ** 16 / FLEET_TICKS_PER_S;
const PLANT_DEVICES = ["pcc-meter", CYCLIC_UNIT, DIRECT_UNIT];
const LIMIT_KW = 12_000;

/**
 * A site of its own folder: a fleet in gateway-field, and beside it what control needs to have a
 * loop to run. The battery of the direct lane is in field, where all the polling is.
 */
export async function makeBenchSite(shape: FleetShape): Promise<BenchSite> {
  const folder = await mkdtemp(path.join(tmpdir(), "dcpi-bench-"));
  const mqttPort = await freePortRange(1 + shape.devices + PLANT_DEVICES.length);
  const firstPort = mqttPort + 1;
  const file = path.join(folder, "site.yaml");
  const profiles = path.join(folder, "profiles", "simulator");
  await mkdir(profiles, { recursive: true });
  await writeFile(
    path.join(profiles, `fleet-${shape.points}.json`),
    JSON.stringify(profileOf(shape)),
  );
  // JSON is YAML, too.
  await writeFile(file, JSON.stringify(siteOf(shape, { firstPort, mqttPort }), undefined, 1));
  return {
    folder,
    file,
    mqttPort,
    firstPort,
    shape,
    remove: async () => rm(folder, { recursive: true, force: true }),
  };
}

/**
 * The simulator's synthetic device with one register for each point, as the peers were measured.
 */
function profileOf({ points, periodMs }: FleetShape): object {
  const document = fleetProfileDocument(points, periodMs);
  return {
    ...document,
    points: document.points.map((point, index) => ({
      ...point,
      at: `holding ${FLEET_FIRST_ADDRESS + index}`,
      type: "uint16",
    })),
  };
}

function siteOf(
  shape: FleetShape,
  { firstPort, mqttPort }: { readonly firstPort: number; readonly mqttPort: number },
): object {
  const fleet = Array.from({ length: shape.devices }, (_, index) => `fleet-${index + 1}`);
  const names = shape.hasControl ? [...fleet, ...PLANT_DEVICES] : fleet;
  const connections = names.map((name, index) => [
    name,
    { protocol: "modbus-tcp", host: "127.0.0.1", port: firstPort + index },
  ]);
  return {
    site: SITE,
    gateway: GATEWAY,
    profileDirectory: "profiles",
    runtimeDirectory: "run",
    mqtt: {
      brokers: [{ url: `mqtt://127.0.0.1:${mqttPort}` }],
      unsignedCommands: "allow",
    },
    connections: Object.fromEntries(connections) as object,
    devices: [
      ...fleet.map((id) => ({
        id,
        profile: `simulator/fleet-${shape.points}`,
        connection: id,
        pollMs: { all: shape.periodMs },
      })),
      ...(shape.hasControl ? PLANT : []),
    ],
    ...(shape.hasControl ? { control: controlSection(), envelope: ENVELOPE } : {}),
  };
}

const PLANT: readonly object[] = [
  { id: "pcc-meter", profile: "janitza/umg604", connection: "pcc-meter", process: "control" },
  {
    id: CYCLIC_UNIT,
    profile: "sunspec/der-storage",
    connection: CYCLIC_UNIT,
    process: "control",
  },
  { id: DIRECT_UNIT, profile: "sunspec/der-storage", connection: DIRECT_UNIT },
];

const ENVELOPE: readonly object[] = [
  ...[CYCLIC_UNIT, DIRECT_UNIT].map((device) => ({
    device,
    point: "active-power-setpoint",
    minimum: -LIMIT_KW,
    maximum: LIMIT_KW,
    unit: "kW",
    beyond: "clamp",
  })),
  { device: CYCLIC_UNIT, point: "run-command", minimum: 0, maximum: 1, unit: "1" },
];

function controlSection(): object {
  return {
    periodMs: PERIOD_MS,
    grid: {
      meter: "pcc-meter",
      importLimitKw: 60_000,
      exportLimitKw: 60_000,
      rampUpKwPerS: 100_000,
      rampDownKwPerS: 100_000,
    },
    batteries: [
      {
        id: CYCLIC_TARGET,
        units: [CYCLIC_UNIT],
        socReservePercent: 20,
        rampKwPerS: 1_000_000,
        unitCapacityKwh: 6_000,
      },
    ],
  };
}
