import type { ErrorObject } from "ajv";
import type { DeviceConfig, EnvelopeConfig, SiteConfig } from "./schema.ts";
import type { ConnectionConfig } from "./schema-connection.ts";

/** A site file with mistakes, made so that the rules between its fields can be looked at. */
export interface RepairedSite {
  readonly site: SiteConfig;
  /** Sections whose rules have to wait until they have their form. */
  readonly unlooked: readonly ("control" | "meters")[];
}

/** What leaves a value without its form. A number out of its range is a number all the same. */
const FORM: ReadonlySet<string> = new Set(["type", "required", "anyOf"]);

type Raw = Readonly<Record<string, unknown>>;

/**
 * Puts a stand-in where a part has not its form. Stand-ins keep the names that were written, so
 * that nobody misses them, and break no rule by themselves.
 *
 * @param errors all that the schema says about `raw`
 * @returns undefined where nothing can be said of devices and connections
 */
export function repairSite(raw: unknown, errors: readonly ErrorObject[]): RepairedSite | undefined {
  if (!isRaw(raw)) return undefined;
  const { devices, connections, envelope } = raw;
  if (!Array.isArray(devices) || !isRaw(connections)) return undefined;
  const broken = errors.filter(({ keyword }) => FORM.has(keyword)).map(partOf);
  const isBroken = (...part: readonly (string | number)[]): boolean =>
    broken.some((path) => part.every((name, depth) => path[depth] === String(name)));
  const stands: Record<string, ConnectionConfig> = {};
  for (const [name, connection] of Object.entries(connections))
    stands[name] = isBroken("connections", name)
      ? standInLine(name)
      : (connection as ConnectionConfig);
  const standDevices = devices.map((device: unknown, index) => {
    if (!isBroken("devices", index)) return device as DeviceConfig;
    const standIn = standInDevice(device, index);
    stands[standIn.connection] ??= standInLine(standIn.connection);
    return standIn;
  });
  const entries: readonly unknown[] = Array.isArray(envelope) ? envelope : [];
  const unlooked = (["control", "meters"] as const).filter((section) => isBroken(section));
  const site = {
    ...raw,
    connections: withoutSuspects(stands, standDevices),
    devices: standDevices,
    envelope: entries.map((entry, index) =>
      isBroken("envelope", index)
        ? standInEntry(entry, { index, device: standDevices[0]?.id ?? "" })
        : entry,
    ),
    ...Object.fromEntries(unlooked.map((section) => [section, undefined])),
  };
  return { site: site as unknown as SiteConfig, unlooked };
}

/** A device that does not say its connection may be the one that uses what nobody else does. */
function withoutSuspects(
  connections: SiteConfig["connections"],
  devices: readonly DeviceConfig[],
): SiteConfig["connections"] {
  const used = new Set(devices.map(({ connection }) => connection));
  if (![...used].some((name) => name.startsWith("#"))) return connections;
  return Object.fromEntries(Object.entries(connections).filter(([name]) => used.has(name)));
}

/** Path of what has not its form; a key that is missing is missed in what should have it. */
function partOf({ instancePath }: ErrorObject): readonly string[] {
  return instancePath
    .split("/")
    .slice(1)
    .map((name) => name.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** A line of its own, which nobody shares. */
function standInLine(name: string): ConnectionConfig {
  return { protocol: "modbus-rtu", path: `#${name}`, baud: 9_600, format: "8N1" };
}

function standInDevice(device: unknown, index: number): DeviceConfig {
  const { id, profile, connection, unit, process } = isRaw(device) ? device : {};
  const isNamed = typeof connection === "string";
  return {
    id: typeof id === "string" ? id : `#${index}`,
    profile: typeof profile === "string" ? profile : "",
    connection: isNamed ? connection : `#${index}`,
    unit: typeof unit === "number" ? unit : -1 - index,
    process: process === "control" ? "control" : "field",
    parameters: {},
    pollMs: {},
  };
}

function standInEntry(
  entry: unknown,
  other: { readonly index: number; readonly device: string },
): EnvelopeConfig {
  const { device, point, minimum, maximum } = isRaw(entry) ? entry : {};
  const isWhole = typeof device === "string" && typeof point === "string";
  return {
    device: typeof device === "string" ? device : other.device,
    point: isWhole ? point : `#${other.index}`,
    minimum: typeof minimum === "number" ? minimum : -Infinity,
    maximum: typeof maximum === "number" ? maximum : Infinity,
    unit: "1",
    minimumIntervalMs: 0,
    beyond: "refuse",
  };
}

function isRaw(value: unknown): value is Raw {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
