import path from "node:path";
import { groupPeriodMs } from "../config/point-table.ts";
import { MODBUS_PORT, type ConnectionConfig } from "../config/schema.ts";
import type { PlantEvent } from "../domain/event.ts";
import type { PointDefinition, Producer, StreamId } from "../domain/point.ts";
import type { Round } from "../domain/round.ts";
import { type Clock, slept } from "../domain/time.ts";
import { type FleetMember, superviseFleet } from "../drivers/fleet.ts";
import { ModbusDriver } from "../drivers/modbus/driver.ts";
import type { GapState } from "../drivers/modbus/gap-memory.ts";
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
import { roleFolder } from "./role.ts";
import type { DeviceContext, SiteContext } from "./site-context.ts";

/** A silent unit may hold up the others on its bus for this share of the time. */
const BUS_SHARE = 0.1;
const GAPS_SAVED_EVERY_MS = 30_000;
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
}

/** All drivers of a process, and what they share. */
export class South {
  readonly pool: LinkPool;
  readonly #options: SouthOptions;
  readonly #devices: readonly DeviceContext[];
  /** Field has many slow devices: its waits end on the slots of one wheel. */
  readonly #pollClock: Clock;
  readonly #drivers = new Map<StreamId, ModbusDriver>();
  readonly #savedRevisions = new Map<StreamId, number>();
  #gaps: Readonly<Record<string, GapState>> = {};

  constructor(options: SouthOptions) {
    this.#options = options;
    const { clock, context, role, makeLink } = options;
    const wheel = new TimerWheel(clock);
    this.pool = new LinkPool({ clock, wheel, ...(makeLink === undefined ? {} : { makeLink }) });
    this.#pollClock = role === "field" ? new WheelClock(clock, wheel) : clock;
    this.#devices = context.devices.filter(({ definition }) => definition.producer === role);
  }

  get devices(): readonly DeviceContext[] {
    return this.#devices;
  }

  driver(stream: StreamId): ModbusDriver | undefined {
    return this.#drivers.get(stream);
  }

  drivers(): ReadonlyMap<StreamId, ModbusDriver> {
    return this.#drivers;
  }

  /** Polls every device of the process until `signal` aborts. */
  async run(
    sinks: { readonly emit: (round: Round) => void; readonly onEvent: (event: PlantEvent) => void },
    signal: AbortSignal,
  ): Promise<void> {
    const { random } = this.#options;
    this.#gaps = await this.#loadGaps();
    const saving = this.#saveGaps(signal);
    await superviseFleet(
      this.#devices.map((device) => this.#member(device)),
      { clock: this.#pollClock, random, ...sinks },
      signal,
    );
    await saving;
  }

  #member(device: DeviceContext): FleetMember {
    const { definition, config, profile } = device;
    const { table } = this.#options.context;
    const periods = profile.groups
      .map((group) => groupPeriodMs(group, device, this.#options.context.site))
      .filter((periodMs) => periodMs > 0);
    return {
      device: definition,
      points: profilePoints(table.points, definition.firstPoint, profile.points.length),
      limits: {
        ...SUPERVISOR_LIMITS,
        busShare: this.#isShared(device) ? BUS_SHARE : undefined,
        maxAgeMs: config.maxAgeMs,
      },
      periodMs: periods.length > 0 ? Math.min(...periods) : 1_000,
      makeDriver: (phaseMs) => this.#makeDriver(device, phaseMs),
    };
  }

  #isShared({ config }: DeviceContext): boolean {
    return (
      this.#devices.filter((other) => other.config.connection === config.connection).length > 1
    );
  }

  #makeDriver(device: DeviceContext, phaseMs: number): ModbusDriver {
    const { definition, config, connection, profile } = device;
    const { align, lock } = this.#options;
    const endpoint = endpointOf(connection);
    const gaps = this.#gaps[definition.id];
    const cost = endpointCost(endpoint, profile.modbus.serial?.turnaroundMs);
    const driver = new ModbusDriver({
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
    this.#drivers.set(definition.stream, driver);
    return driver;
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
export function endpointOf(connection: ConnectionConfig): LinkEndpoint {
  switch (connection.protocol) {
    case "modbus-tcp": {
      const { host, port = MODBUS_PORT, client = "own" } = connection;
      return { kind: "tcp", host, port, client };
    }
    case "modbus-rtu-over-tcp":
      return { kind: "rtu-over-tcp", host: connection.host, port: connection.port ?? MODBUS_PORT };
    case "modbus-rtu":
      return { ...connection, kind: "serial" };
  }
}
