import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { requireSite } from "../config/load.ts";
import { buildPointTable } from "../config/point-table.ts";
import type { DeviceConfig, SiteConfig, StoreConfig } from "../config/schema.ts";
import type { ConnectionConfig } from "../config/schema-connection.ts";
import { assert } from "../domain/assert.ts";
import { GatewayError } from "../domain/errors.ts";
import type { DeviceDefinition, PointTable } from "../domain/point.ts";
import { maxAges } from "../points/freshness.ts";
import type { CompiledProfile } from "../profiles/binding.ts";
import { loadProfiles, ProfileFiles } from "./profile-files.ts";
import { profileRoots } from "./profile-roots.ts";
import { explained } from "./site-check.ts";

export interface DeviceContext {
  readonly definition: DeviceDefinition;
  readonly config: DeviceConfig;
  readonly connection: ConnectionConfig;
  readonly profile: CompiledProfile;
}

/** What every process knows of its site; each builds it for itself from the same file. */
export interface SiteContext extends SiteFolders {
  readonly site: SiteConfig;
  /** The site file, for messages. */
  readonly file: string;
  readonly table: PointTable;
  /** How old each point of the table may get, ms, by its place. */
  readonly maxAgesMs: Float64Array;
  /** Devices of the site file; those of the gateway itself are only in the table. */
  readonly devices: readonly DeviceContext[];
  readonly deviceById: ReadonlyMap<string, DeviceContext>;
  readonly store: StoreConfig;
}

export interface SiteFolders {
  /** Folder of the store and of what else has to survive. */
  readonly dataDirectory: string;
  /** Folder of the sockets. */
  readonly runtimeDirectory: string;
}

const STORE_DEFAULTS: StoreConfig = {
  directory: "data",
  quotaMiB: 2_048,
  retainMinutes: 10,
  retainMiB: 64,
  historyMinutes: 60,
  historyMiB: 256,
};

/**
 * Reads a site file and everything that it names.
 *
 * @throws GatewayError FILE_UNREADABLE, CONFIG_INVALID, PROFILE_MISSING, PROFILE_INVALID
 */
export async function loadContext(file: string): Promise<SiteContext> {
  const text = await readSiteFile(file);
  const site = requireSite(text, file);
  try {
    return contextOf(site, file);
  } catch (error) {
    throw error instanceof GatewayError ? explained(error, text, file) : error;
  }
}

/**
 * Where a site has its data and its sockets: all that a question to a running gateway needs.
 *
 * @throws GatewayError FILE_UNREADABLE, CONFIG_INVALID
 */
export async function loadFolders(file: string): Promise<SiteFolders> {
  return foldersOf(requireSite(await readSiteFile(file), file), file);
}

/**
 * A site as its file says, with its folders, and without its devices' profiles.
 *
 * @throws GatewayError FILE_UNREADABLE, CONFIG_INVALID
 */
export async function readSite(
  file: string,
): Promise<SiteFolders & Pick<SiteContext, "site" | "file">> {
  const site = requireSite(await readSiteFile(file), file);
  return { site, file, ...foldersOf(site, file) };
}

async function readSiteFile(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw new GatewayError("FILE_UNREADABLE", { file }, { cause });
  }
}

/** @throws GatewayError PROFILE_MISSING, PROFILE_INVALID */
export function contextOf(site: SiteConfig, file: string): SiteContext {
  const profiles = loadProfiles(site, new ProfileFiles(profileRoots(site, file)));
  const table = buildPointTable(site, profiles);
  const devices = site.devices.map((config, index) =>
    deviceContext(site, config, table.devices[index], profiles.get(config.id)),
  );
  return {
    site,
    file,
    table,
    maxAgesMs: maxAges(table, ageLimits(site)),
    devices,
    deviceById: new Map(devices.map((device) => [device.config.id, device])),
    store: site.store ?? STORE_DEFAULTS,
    ...foldersOf(site, file),
  };
}

function ageLimits({ devices }: SiteConfig): ReadonlyMap<string, number> {
  return new Map(
    devices.flatMap(({ id, maxAgeMs }) => (maxAgeMs === undefined ? [] : [[id, maxAgeMs]])),
  );
}

function foldersOf(site: SiteConfig, file: string): SiteFolders {
  const { directory } = site.store ?? STORE_DEFAULTS;
  const dataDirectory = path.resolve(path.dirname(file), directory);
  return { dataDirectory, runtimeDirectory: runtimeDirectoryOf(site, file, dataDirectory) };
}

function deviceContext(
  site: SiteConfig,
  config: DeviceConfig,
  definition: DeviceDefinition | undefined,
  profile: CompiledProfile | undefined,
): DeviceContext {
  const connection = site.connections[config.connection];
  assert(profile !== undefined && definition !== undefined, "every device has its profile");
  assert(connection !== undefined, "every device has its connection");
  return { definition, config, connection, profile };
}

/**
 * Sockets have short paths: beside the data where the path allows it, else in the system's folder
 * for such things under a name made from the path of the data.
 */
function runtimeDirectoryOf(site: SiteConfig, file: string, dataDirectory: string): string {
  if (site.runtimeDirectory !== undefined)
    return path.resolve(path.dirname(file), site.runtimeDirectory);
  const beside = path.join(dataDirectory, "run");
  if (beside.length <= RUNTIME_PATH_MAX) return beside;
  const name = createHash("sha256").update(dataDirectory).digest("hex").slice(0, 12);
  return path.join(tmpdir(), `dcpi-gateway-${name}`);
}

/** Room for the longest socket name below it. */
const RUNTIME_PATH_MAX = 107 - "/services/queries/socket".length;
