import path from "node:path";
import {
  type MmsConnection,
  type ModbusConnection,
  isModbus,
  portOf,
} from "../../config/connection-port.ts";
import type { ConnectionConfig } from "../../config/schema-connection.ts";
import type { Clock } from "../../domain/time.ts";
import type { Setpoint } from "../../domain/write.ts";
import type { Driver } from "../../drivers/driver.ts";
import { TsEngine } from "../../drivers/iec61850/association.ts";
import type { Engine } from "../../drivers/iec61850/engine.ts";
import { ModbusDriver } from "../../drivers/modbus/driver.ts";
import type { LinkWrite, ModbusLink } from "../../drivers/modbus/link.ts";
import { endpointCost, LinkPool, type MakeLink } from "../../drivers/modbus/link-pool.ts";
import { TimerWheel } from "../../drivers/wheel.ts";
import type { BoundPoint, CompiledProfile } from "../../profiles/binding.ts";
import type { NodeWrite } from "../../profiles/binding-iec61850.ts";
import { roleFolder } from "../role.ts";
import type { DeviceContext, SiteContext } from "../site-context.ts";
import { endpointOf } from "../south.ts";
import { Stations } from "../south-iec61850.ts";
import { RehearsalLink } from "./device-rehearsal.ts";
import { RehearsalEngine, type RehearsedService } from "./device-rehearsal-mms.ts";

/** The way of a command to one device, beside the gateway. */
export interface DeviceAccess {
  /** For sentences: `192.0.2.11:502 unit 1`. */
  readonly place: string;
  /** A driver for one run. It takes no report block, and nothing out of the device's buffer. */
  driver(): Driver;
  /** A driver that reads and does not write, and what it would have written. */
  rehearsal(): Rehearsal;
}

export interface Rehearsal {
  readonly driver: Driver;
  readonly confirm: Setpoint["confirm"];
  /** What the writing of a point has put on the wire so far, in order. */
  sent(point: BoundPoint): readonly WireWrite[];
}

/** One request that would go on the wire. */
export interface WireWrite {
  /** `value` is the setpoint itself; the others are the steps around it. */
  readonly purpose: "before" | "value" | "after";
  readonly line: string;
  readonly facts: Readonly<Record<string, string | number | readonly string[]>>;
}

export interface DeviceAccessOptions {
  readonly context: SiteContext;
  readonly device: DeviceContext;
  readonly clock: Clock;
  /** See `LinkPoolOptions`. */
  readonly makeLink?: MakeLink;
}

/** @throws GatewayError FILE_UNREADABLE when what the connection names cannot be read */
export async function accessTo(options: DeviceAccessOptions): Promise<DeviceAccess> {
  const { connection } = options.device;
  return isModbus(connection) ? modbusAccess(options, connection) : mmsAccess(options, connection);
}

/** Where a connection leads, for people. */
export function placeOf(connection: ConnectionConfig): string {
  if (connection.protocol === "modbus-rtu") return connection.path;
  return `${connection.host}:${portOf(connection)}`;
}

function modbusAccess(options: DeviceAccessOptions, connection: ModbusConnection): DeviceAccess {
  const { device } = options;
  return {
    place: `${placeOf(connection)} unit ${device.config.unit}`,
    driver: () => modbusDriver(options, connection, (link) => link),
    rehearsal: () => {
      let recorder: RehearsalLink | undefined;
      const own = { ...options, device: { ...device, profile: withoutBeats(device.profile) } };
      const driver = modbusDriver(own, connection, (link) => {
        recorder = new RehearsalLink(link);
        return recorder;
      });
      const sent = (point: BoundPoint): readonly WireWrite[] =>
        wireWrites(point, recorder?.writes ?? []);
      return { driver, confirm: "by-poll", sent };
    },
  };
}

/** Beats come by the clock and are none of a setpoint's own writes: they are told in words. */
function withoutBeats(profile: CompiledProfile): CompiledProfile {
  const points = profile.points.map((point): BoundPoint => {
    const { write } = point;
    return write === undefined ? point : { ...point, write: { ...write, keepAlive: [] } };
  });
  return { ...profile, points };
}

function modbusDriver(
  { device, clock, makeLink }: DeviceAccessOptions,
  connection: ModbusConnection,
  through: (link: ModbusLink) => ModbusLink,
): ModbusDriver {
  const { definition, config, profile } = device;
  const endpoint = endpointOf(connection);
  const wheel = new TimerWheel(clock);
  const pool = new LinkPool({ clock, wheel, ...(makeLink === undefined ? {} : { makeLink }) });
  const cost = endpointCost(endpoint, profile.modbus.serial?.turnaroundMs);
  return new ModbusDriver({
    profile,
    firstPoint: definition.firstPoint,
    unitId: config.unit,
    link: through(pool.acquire(endpoint, profile.modbus.pauseAfterConnectMs)),
    clock,
    pollMs: config.pollMs,
    ...(cost === undefined ? {} : { cost }),
  });
}

/** Steps come first and last, as the driver takes them; what lies between is the value. */
function wireWrites(point: BoundPoint, requests: readonly LinkWrite[]): readonly WireWrite[] {
  const before = point.write?.before.length ?? 0;
  const after = requests.length - (point.write?.after.length ?? 0);
  return requests.map(({ unit, function: code, address, bytes }, at) => {
    const words = wordsOf(code, bytes);
    return {
      purpose: at < before ? "before" : at >= after ? "after" : "value",
      line: `function ${code}, address ${address}, unit ${unit}: ${words.join(" ")}`,
      facts: { unit, function: code, address, words },
    };
  });
}

/** Registers as they stand in the frame, in hex; coils as their packed bytes. */
function wordsOf(code: LinkWrite["function"], bytes: Uint8Array): readonly string[] {
  const size = code === 15 ? 1 : 2;
  const words: string[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    const word = [...bytes.subarray(at, at + size)].reduce((sum, byte) => sum * 256 + byte, 0);
    words.push(
      word
        .toString(16)
        .toUpperCase()
        .padStart(size * 2, "0"),
    );
  }
  return words;
}

async function mmsAccess(
  options: DeviceAccessOptions,
  connection: MmsConnection,
): Promise<DeviceAccess> {
  const { device } = options;
  const quiet = withoutReports(device, (write) => write);
  const stations = await stationsOf(options, quiet, (engine) => engine);
  const terms = { phaseMs: 0, onEvent: () => undefined };
  // What a rehearsal sends is taken by nobody: to read it back would only cost time.
  const blind = withoutReports(device, (write) => ({
    ...write,
    feedback: undefined,
    keepAlive: [],
  }));
  let recorder: RehearsalEngine | undefined;
  const rehearsing = await stationsOf(options, blind, (engine) => {
    recorder = new RehearsalEngine(engine);
    return recorder;
  });
  return {
    place: placeOf(connection),
    driver: () => stations.makeDriver(quiet, connection, terms),
    rehearsal: () => ({
      driver: rehearsing.makeDriver(blind, connection, terms),
      // A selected object takes no cyclic setpoints, and a person gives none.
      confirm: "read-back",
      sent: () => (recorder?.services ?? []).map(mmsWrite),
    }),
  };
}

async function stationsOf(
  { context, clock }: DeviceAccessOptions,
  device: DeviceContext,
  through: (engine: Engine) => Engine,
): Promise<Stations> {
  const wheel = new TimerWheel(clock);
  const folder = roleFolder(context.dataDirectory, device.config.process);
  const stations = new Stations({
    siteFile: context.file,
    // Only read, and of no use without reports: it is never saved here.
    stateFile: path.join(folder, "reports.json"),
    clock,
    wheel,
    engines: {
      engineFor: (_settings, cache) =>
        through(new TsEngine({ clock, wheel, ...(cache === undefined ? {} : { cache }) })),
      close: () => undefined,
    },
  });
  await stations.load([device]);
  return stations;
}

/** Report blocks, and what a device buffers in them, are the gateway's: here values are polled. */
function withoutReports(
  device: DeviceContext,
  change: (write: NodeWrite) => NodeWrite,
): DeviceContext {
  const { profile } = device;
  if (profile.iec61850 === undefined) return device;
  const writes = new Map(
    [...profile.iec61850.writes].map(([ordinal, write]) => [ordinal, change(write)] as const),
  );
  const facts = { ...profile.iec61850, reports: [], writes };
  return { ...device, profile: { ...profile, iec61850: facts } };
}

function mmsWrite({ service, reference, value }: RehearsedService): WireWrite {
  const shown = value === undefined ? "" : ` = ${value}`;
  return {
    purpose: service.startsWith("select") ? "before" : "value",
    line: `${service} ${reference}${shown}`,
    facts: { service, reference, ...(value === undefined ? {} : { value }) },
  };
}
