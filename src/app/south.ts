import path from "node:path";
import { groupPeriodMs } from "../config/point-table.ts";
import { isModbus, type ModbusConnection, portOf } from "../config/connection-port.ts";
import type { PlantEvent } from "../domain/event.ts";
import type { PointDefinition, PointIndex, Producer, StreamId } from "../domain/point.ts";
import type { Round } from "../domain/round.ts";
import { type Clock, slept } from "../domain/time.ts";
import { type FleetMember, superviseFleet } from "../drivers/fleet.ts";
import { ModbusDriver } from "../drivers/modbus/driver.ts";
import type { GapState } from "../drivers/modbus/gap-memory.ts";
import type { Iec61850Driver } from "../drivers/iec61850/driver.ts";
import {
  endpointCost,
  type LinkEndpoint,
  LinkPool,
  type MakeLink,
} from "../drivers/modbus/link-pool.ts";
import type { CycleAlignment } from "../drivers/modbus/poll-schedule.ts";
import { SUPERVISOR_LIMITS } from "../drivers/supervisor.ts";
import { TimerWheel, WheelClock } from "../drivers/wheel.ts";
import { readBounded, writeDurably } from "../platform/files.ts";
import { DeviceWriter, writablePoints } from "./device-writer.ts";
import { roleFolder } from "./role.ts";
import type { DeviceContext, SiteContext } from "./site-context.ts";
import { type Engines, Stations } from "./south-iec61850.ts";

/** A silent unit may hold up the others on its bus for this share of the time. */
const BUS_SHARE = 0.1;
const GAPS_SAVED_EVERY_MS = 30_000;
const REPORTS_SAVED_EVERY_MS = 1_000;
/** A device that buffers what happens shall be heard soon after it is back. */
const STATION_RETRY_MAX_MS = 1_000;
const GAPS_FILE_MAX_BYTES = 4 * 1024 * 1024;

export interface SouthOptions {
  readonly context: SiteContext;
  readonly role: Producer;
  readonly clock: Clock;
  readonly random: () => number;
  readonly align?: CycleAlignment;
  /** Cycles follow the new values of this device. */
  readonly lock?: { readonly device: string; readonly want: (shiftMs: number) => void };
  /** See `LinkPoolOptions`. */
  readonly makeLink?: MakeLink;
  /** Other engines of IEC 61850 than ours. */
  readonly engines?: Engines;
}

/** A driver of any protocol. */
export type SouthDriver = ModbusDriver | Iec61850Driver;

/** All drivers of a process, and what they share. */
export class South {
  readonly pool: LinkPool;
  readonly #options: SouthOptions;
  readonly #devices: readonly DeviceContext[];
  /** Field has many slow devices: its waits end on the slots of one wheel. */
  readonly #pollClock: Clock;
  readonly #stations: Stations;
  readonly #drivers = new Map<StreamId, SouthDriver>();
  readonly #writable: ReadonlyMap<StreamId, ReadonlySet<PointIndex>>;
  readonly #writers = new Map<StreamId, DeviceWriter>();
  readonly #savedRevisions = new Map<StreamId, number>();
  #gaps: Readonly<Record<string, GapState>> = {};

  constructor(options: SouthOptions) {
    this.#options = options;
    const { clock, context, role, makeLink, engines } = options;
    const wheel = new TimerWheel(clock);
    this.#stations = new Stations({
      siteFile: context.file,
      stateFile: path.join(roleFolder(context.dataDirectory, role), "reports.json"),
      clock,
      wheel,
      ...(engines === undefined ? {} : { engines }),
    });
    this.pool = new LinkPool({ clock, wheel, ...(makeLink === undefined ? {} : { makeLink }) });
    this.#pollClock = role === "field" ? new WheelClock(clock, wheel) : clock;
    this.#writable = writablePoints(context);
    this.#devices = context.devices.filter(({ definition }) => definition.producer === role);
  }

  get devices(): readonly DeviceContext[] {
    return this.#devices;
  }

  driver(stream: StreamId): SouthDriver | undefined {
    return this.#drivers.get(stream);
  }

  /** The one way to write to a device; undefined where nothing of it may be written. */
  writer(stream: StreamId): DeviceWriter | undefined {
    const driver = this.#drivers.get(stream);
    const points = this.#writable.get(stream);
    if (driver === undefined || points === undefined) return undefined;
    const known = this.#writers.get(stream);
    if (known !== undefined) return known;
    const writer = new DeviceWriter(driver, points);
    this.#writers.set(stream, writer);
    return writer;
  }

  drivers(): ReadonlyMap<StreamId, SouthDriver> {
    return this.#drivers;
  }

  /** Rounds of these streams are on disk up to these numbers. */
  stored(seqs: ReadonlyMap<StreamId, number>): void {
    for (const [stream, seq] of seqs) {
      const driver = this.#drivers.get(stream);
      if (driver !== undefined && "stored" in driver) driver.stored(seq);
    }
  }

  /** Polls every device of the process until `signal` aborts. */
  async run(
    sinks: { readonly emit: (round: Round) => void; readonly onEvent: (event: PlantEvent) => void },
    signal: AbortSignal,
  ): Promise<void> {
    try {
      await this.#stations.load(this.#devices);
      await this.#poll(sinks, signal);
    } finally {
      this.#stations.close();
    }
  }

  async #poll(sinks: Parameters<South["run"]>[0], signal: AbortSignal): Promise<void> {
    const { random } = this.#options;
    this.#gaps = await this.#loadGaps();
    const saving = Promise.all([this.#saveGaps(signal), this.#saveReports(signal)]);
    await superviseFleet(
      this.#devices.map((device) => this.#member(device, sinks.onEvent)),
      { clock: this.#pollClock, random, ...sinks },
      signal,
    );
    await saving;
  }

  #member(device: DeviceContext, onEvent: (event: PlantEvent) => void): FleetMember {
    const { definition, config, profile, connection } = device;
    const { table } = this.#options.context;
    const periods = profile.groups
      .map((group) => groupPeriodMs(group, device, this.#options.context.site))
      .filter((periodMs) => periodMs > 0);
    return {
      device: definition,
      points: profilePoints(table.points, definition.firstPoint, profile.points.length),
      limits: {
        ...SUPERVISOR_LIMITS,
        ...(isModbus(connection) ? {} : { retryMaxMs: STATION_RETRY_MAX_MS }),
        busShare: this.#isShared(device) ? BUS_SHARE : undefined,
        maxAgeMs: config.maxAgeMs,
      },
      periodMs: periods.length > 0 ? Math.min(...periods) : 1_000,
      makeDriver: (phaseMs) => {
        const driver = isModbus(connection)
          ? this.#makeDriver(device, connection, phaseMs)
          : this.#stations.makeDriver(device, connection, { phaseMs, onEvent });
        this.#drivers.set(definition.stream, driver);
        return driver;
      },
    };
  }

  #isShared({ config }: DeviceContext): boolean {
    return (
      this.#devices.filter((other) => other.config.connection === config.connection).length > 1
    );
  }

  #makeDriver(device: DeviceContext, connection: ModbusConnection, phaseMs: number): ModbusDriver {
    const { definition, config, profile } = device;
    const { align, lock } = this.#options;
    const endpoint = endpointOf(connection);
    const gaps = this.#gaps[definition.id];
    const cost = endpointCost(endpoint, profile.modbus.serial?.turnaroundMs);
    return new ModbusDriver({
      profile,
      firstPoint: definition.firstPoint,
      unitId: config.unit,
      link: this.pool.acquire(endpoint, profile.modbus.pauseAfterConnectMs),
      clock: this.#pollClock,
      pollMs: config.pollMs,
      phaseMs,
      ...(align === undefined ? {} : { align }),
      ...(lock?.device === definition.id ? { onCycleShift: lock.want } : {}),
      ...(gaps === undefined ? {} : { gaps }),
      ...(cost === undefined ? {} : { cost }),
    });
  }

  async #saveReports(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    let isOver = false;
    while (!isOver) {
      isOver = !(await slept(clock, REPORTS_SAVED_EVERY_MS, signal));
      await this.#stations.save();
    }
  }

  get #gapsFile(): string {
    const { context, role } = this.#options;
    return path.join(roleFolder(context.dataDirectory, role), "gaps.json");
  }

  /** What was learned is a help, not a need: a file that cannot be read is learned again. */
  async #loadGaps(): Promise<Readonly<Record<string, GapState>>> {
    try {
      const bytes = await readBounded(this.#gapsFile, GAPS_FILE_MAX_BYTES);
      if (bytes === undefined) return {};
      const record: unknown = JSON.parse(bytes.toString("utf8"));
      return typeof record === "object" && record !== null
        ? (record as Readonly<Record<string, GapState>>)
        : {};
    } catch {
      return {};
    }
  }

  async #saveGaps(signal: AbortSignal): Promise<void> {
    const { clock, context } = this.#options;
    // Once more at the end, when what was learned last would else be lost.
    let isOver = false;
    while (!isOver) {
      isOver = !(await slept(clock, GAPS_SAVED_EVERY_MS, signal));
      let isChanged = false;
      const record: Record<string, GapState> = {};
      for (const [stream, driver] of this.#drivers) {
        if (!("gapsRevision" in driver)) continue;
        if (driver.gapsRevision !== (this.#savedRevisions.get(stream) ?? 0)) isChanged = true;
        this.#savedRevisions.set(stream, driver.gapsRevision);
        record[context.table.devices[stream]?.id ?? ""] = driver.gaps;
      }
      if (!isChanged) continue;
      await writeDurably(this.#gapsFile, JSON.stringify(record)).catch(() => undefined);
    }
  }
}

function profilePoints(
  points: readonly PointDefinition[],
  first: number,
  count: number,
): readonly PointDefinition[] {
  return points.slice(first, first + count);
}

/** Where and how a connection of the site file is made. */
export function endpointOf(connection: ModbusConnection): LinkEndpoint {
  switch (connection.protocol) {
    case "modbus-tcp": {
      const { host, client = "own" } = connection;
      return { kind: "tcp", host, port: portOf(connection), client };
    }
    case "modbus-rtu-over-tcp":
      return { kind: "rtu-over-tcp", host: connection.host, port: portOf(connection) };
    case "modbus-rtu":
      return { ...connection, kind: "serial" };
  }
}
