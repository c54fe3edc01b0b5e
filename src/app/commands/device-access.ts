import type { ConnectionConfig } from "../../config/schema.ts";
import type { Clock } from "../../domain/time.ts";
import type { Driver } from "../../drivers/driver.ts";
import { ModbusDriver } from "../../drivers/modbus/driver.ts";
import type { LinkWrite, ModbusLink } from "../../drivers/modbus/link.ts";
import { endpointCost, LinkPool, type MakeLink } from "../../drivers/modbus/link-pool.ts";
import { TimerWheel } from "../../drivers/wheel.ts";
import type { BoundPoint, CompiledProfile } from "../../profiles/binding.ts";
import type { DeviceContext } from "../site-context.ts";
import { endpointOf } from "../south.ts";
import { RehearsalLink } from "./device-rehearsal.ts";

/** The way of a command to one device, beside the gateway. */
export interface DeviceAccess {
  /** For sentences: `192.0.2.11:502 unit 1`. */
  readonly place: string;
  /** A driver for one run. */
  driver(): Driver;
  /** A driver that reads and does not write, and what it would have written. */
  rehearsal(): Rehearsal;
}

export interface Rehearsal {
  readonly driver: Driver;
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
  readonly device: DeviceContext;
  readonly clock: Clock;
  /** See `LinkPoolOptions`. */
  readonly makeLink?: MakeLink;
}

export function accessTo(options: DeviceAccessOptions): DeviceAccess {
  const { device } = options;
  const place = `${placeOf(device.connection)} unit ${device.config.unit}`;
  return {
    place,
    driver: () => modbusDriver(options, (link) => link),
    rehearsal: () => rehearsalOf(options),
  };
}

function rehearsalOf(options: DeviceAccessOptions): Rehearsal {
  let recorder: RehearsalLink | undefined;
  const device = { ...options.device, profile: withoutBeats(options.device.profile) };
  const driver = modbusDriver({ ...options, device }, (link) => {
    recorder = new RehearsalLink(link);
    return recorder;
  });
  return {
    driver,
    sent: (point) => wireWrites(point, recorder?.writes ?? []),
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

/** Where a connection leads, for people. */
export function placeOf(connection: ConnectionConfig): string {
  const endpoint = endpointOf(connection);
  return endpoint.kind === "serial" ? endpoint.path : `${endpoint.host}:${endpoint.port}`;
}

function modbusDriver(
  { device, clock, makeLink }: DeviceAccessOptions,
  through: (link: ModbusLink) => ModbusLink,
): ModbusDriver {
  const { definition, config, connection, profile } = device;
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
