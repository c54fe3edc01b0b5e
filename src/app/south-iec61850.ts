import path from "node:path";
import { type MmsConnection, portOf } from "../config/connection-port.ts";
import { GatewayError } from "../domain/errors.ts";
import type { PlantEvent } from "../domain/event.ts";
import type { Clock } from "../domain/time.ts";
import { Iec61850Driver, type ReportState } from "../drivers/iec61850/driver.ts";
import type { Engine, TlsTerms } from "../drivers/iec61850/engine.ts";
import { EngineChoice } from "../drivers/iec61850/native-engine.ts";
import { TypeCache } from "../drivers/iec61850/type-cache.ts";
import type { TimerWheel } from "../drivers/wheel.ts";
import { readBounded, writeDurably } from "../platform/files.ts";
import type { DeviceContext } from "./site-context.ts";

const FILE_MAX_BYTES = 1024 * 1024;
const STATE_MAX_BYTES = 16 * 1024 * 1024;

/** Engines of the devices of a process; each device's cache of types is its own. */
export type Engines = Pick<EngineChoice, "engineFor" | "close">;

export interface StationsOptions {
  /** Of the site file: what connections name lies beside it. */
  readonly siteFile: string;
  /** Where the places of the reports are kept. */
  readonly stateFile: string;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  /** Other engines than ours. */
  readonly engines?: Engines;
}

interface Secrets {
  readonly tls: TlsTerms | undefined;
  readonly password: Uint8Array | undefined;
}

/** The devices of IEC 61850 of a process: their files, and where their reports resume. */
export class Stations {
  readonly #options: StationsOptions;
  readonly #secrets = new Map<string, Secrets>();
  readonly #drivers = new Map<string, Iec61850Driver>();
  readonly #savedRevisions = new Map<string, number>();
  readonly #engines: Engines;
  #states: Readonly<Record<string, ReportState>> = {};

  constructor(options: StationsOptions) {
    this.#options = options;
    const { clock, wheel, engines } = options;
    this.#engines = engines ?? new EngineChoice({ clock, wheel, random: Math.random });
  }

  /** Ends what runs for the devices: the processes that have a library loaded. */
  close(): void {
    this.#engines.close();
  }

  /**
   * Reads what the connections of these devices name.
   * @throws GatewayError FILE_UNREADABLE
   */
  async load(devices: readonly DeviceContext[]): Promise<void> {
    for (const { config, connection } of devices) {
      if (connection.protocol !== "iec61850" || this.#secrets.has(config.connection)) continue;
      this.#secrets.set(config.connection, await this.#secretsOf(connection));
    }
    if (this.#secrets.size > 0) this.#states = await this.#loadStates();
  }

  makeDriver(
    device: DeviceContext,
    connection: MmsConnection,
    terms: { readonly phaseMs: number; readonly onEvent: (event: PlantEvent) => void },
  ): Iec61850Driver {
    const { definition, config, profile } = device;
    const { clock } = this.#options;
    const secrets = this.#secrets.get(config.connection);
    const reports = this.#states[definition.id];
    const driver = new Iec61850Driver({
      device: definition.id,
      profile,
      firstPoint: definition.firstPoint,
      engine: this.#engine(new TypeCache(), connection.library),
      endpoint: {
        host: connection.host,
        port: portOf(connection),
        ...(secrets?.tls === undefined ? {} : { tls: secrets.tls }),
        ...(secrets?.password === undefined ? {} : { password: secrets.password }),
      },
      clock,
      pollMs: config.pollMs,
      phaseMs: terms.phaseMs,
      ...(reports === undefined ? {} : { reports }),
      onEvent: terms.onEvent,
    });
    this.#drivers.set(definition.id, driver);
    return driver;
  }

  /** Keeps where the reports resume, if it changed; a disk that fails is tried again later. */
  async save(): Promise<void> {
    const record: Record<string, ReportState> = { ...this.#states };
    let isChanged = false;
    for (const [id, driver] of this.#drivers) {
      if (driver.reportRevision !== (this.#savedRevisions.get(id) ?? 0)) isChanged = true;
      record[id] = driver.reportState;
    }
    if (!isChanged) return;
    const revisions = [...this.#drivers].map(
      ([id, { reportRevision }]) => [id, reportRevision] as const,
    );
    try {
      await writeDurably(this.#options.stateFile, JSON.stringify(record));
      for (const [id, revision] of revisions) this.#savedRevisions.set(id, revision);
    } catch {
      // Without it some entries come a second time after a restart; none is lost.
    }
  }

  #engine(cache: TypeCache, file: string | undefined): Engine {
    const { siteFile } = this.#options;
    const library = file === undefined ? undefined : path.resolve(path.dirname(siteFile), file);
    return this.#engines.engineFor({ library }, cache);
  }

  async #secretsOf({ tls, passwordFile }: MmsConnection): Promise<Secrets> {
    const password = passwordFile === undefined ? undefined : await this.#bytes(passwordFile);
    if (tls === undefined) return { tls: undefined, password: password && trimmed(password) };
    const { certificate, key, serverName } = tls;
    const identity =
      certificate === undefined || key === undefined
        ? undefined
        : { certificate: await this.#text(certificate), key: await this.#text(key) };
    return {
      tls: { trusted: await this.#text(tls.trusted), identity, serverName },
      password: password && trimmed(password),
    };
  }

  async #text(file: string): Promise<string> {
    return (await this.#bytes(file)).toString("utf8");
  }

  async #bytes(file: string): Promise<Buffer> {
    const place = path.resolve(path.dirname(this.#options.siteFile), file);
    const bytes = await readBounded(place, FILE_MAX_BYTES);
    if (bytes === undefined) throw new GatewayError("FILE_UNREADABLE", { file: place });
    return bytes;
  }

  /** What cannot be read is begun anew: the devices tell what they hold. */
  async #loadStates(): Promise<Readonly<Record<string, ReportState>>> {
    try {
      const bytes = await readBounded(this.#options.stateFile, STATE_MAX_BYTES);
      const record: unknown = bytes === undefined ? {} : JSON.parse(bytes.toString("utf8"));
      return isStates(record) ? record : {};
    } catch {
      return {};
    }
  }
}

/** An editor ends a file with a line end, which is no part of a password. */
function trimmed(bytes: Buffer): Uint8Array {
  let end = bytes.length;
  while (end > 0 && (bytes[end - 1] === 0x0a || bytes[end - 1] === 0x0d)) end -= 1;
  return bytes.subarray(0, end);
}

function isStates(record: unknown): record is Readonly<Record<string, ReportState>> {
  return isRecord(record) && Object.values(record).every(isState);
}

function isState(state: unknown): state is ReportState {
  return (
    isRecord(state) &&
    Object.values(state).every(
      (entry) =>
        isRecord(entry) &&
        typeof entry["block"] === "string" &&
        typeof entry["entryId"] === "string",
    )
  );
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
