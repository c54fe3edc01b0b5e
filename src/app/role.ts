import { setMaxListeners } from "node:events";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { GatewayError } from "../domain/errors.ts";
import type { RoleName } from "../domain/point.ts";
import type { Clock } from "../domain/time.ts";
import { SystemClock } from "../platform/clock.ts";
import { createLogger, logFile, type Logger } from "../platform/log.ts";
import { becomeSingleInstance } from "../platform/single-instance.ts";
import { Watchdog } from "../platform/watchdog.ts";
import { loadContext, type SiteContext } from "./site-context.ts";

/** What every process of the gateway begins with. */
export interface Role {
  readonly context: SiteContext;
  readonly clock: Clock;
  readonly log: Logger;
  readonly watchdog: Watchdog;
  readonly random: () => number;
  /** Names the rounds of this run; see the decision on epochs. */
  readonly epoch: number;
}

/** Folders hold trips, commands and readings: they are for this user and group alone. */
const FOLDER_MODE = 0o750;

/**
 * Loads the site and makes sure that this role runs only once for it.
 *
 * @throws GatewayError of an unreadable or wrong file, or INSTANCE_RUNNING
 */
export async function startRole(name: RoleName, file: string): Promise<Role> {
  const context = await loadContext(file);
  const { dataDirectory, runtimeDirectory } = context;
  const folders = [dataDirectory, runtimeDirectory].map((folder) => roleFolder(folder, name));
  for (const folder of folders) await makeFolder(folder);
  becomeSingleInstance(path.join(roleFolder(runtimeDirectory, name), "lock"));
  const clock = new SystemClock();
  const log = roleLogger(name, process.env);
  const onUnheard = (reason: string): void => {
    log.error({ event: "watchdog-unheard", reason }, "the service manager hears nothing");
  };
  return {
    context,
    clock,
    log,
    watchdog: new Watchdog({ environment: process.env, pid: process.pid, clock, onUnheard }),
    random: Math.random,
    epoch: clock.utcNow(),
  };
}

/** Each role has its own user, and a folder of its own below those of the site. */
export function roleFolder(folder: string, name: RoleName): string {
  return path.join(folder, name);
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: FOLDER_MODE });
  } catch (cause) {
    throw new GatewayError("FILE_UNREADABLE", { folder, reason: "it cannot be made" }, { cause });
  }
}

/** Who starts the roles may send their lines to a file: the demonstration draws on its terminal. */
export function roleLogger(name: string, environment: NodeJS.ProcessEnv): Logger {
  const file = environment["DCPI_LOG_FILE"];
  return file === undefined
    ? createLogger(name, "info")
    : createLogger(name, "info", logFile(file));
}

/**
 * Runs the parts of a process until `signal` aborts. When one of them fails the others are told to
 * stop: half a process would only look alive. Resolves or rejects after the last of them has ended.
 *
 * @param begin opens what the parts need and begins them; everything ends by the signal it gets
 * @throws the first failure; nothing when everything ended because it was told to
 */
export async function runTogether(
  signal: AbortSignal,
  begin: (stop: AbortSignal) => Promise<readonly Promise<void>[]>,
): Promise<void> {
  const failed = new AbortController();
  const stop = AbortSignal.any([signal, failed.signal]);
  // Every device and every wait of the process listens to it; that is no leak.
  setMaxListeners(0, stop);
  const noted = async (part: Promise<unknown>): Promise<void> => {
    try {
      await part;
    } catch (error) {
      if (!signal.aborted || error !== signal.reason) failed.abort(error);
    }
  };
  await noted(begin(stop).then(async (parts) => Promise.all(parts.map(noted))));
  failed.signal.throwIfAborted();
}

/** Share of one core that this process used since the last call, %. */
export class CpuMeter {
  readonly #clock: Clock;
  #usage = process.cpuUsage();
  #at: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#at = clock.now();
  }

  percent(): number {
    const usage = process.cpuUsage(this.#usage);
    const now = this.#clock.now();
    const spentMs = (usage.user + usage.system) / 1_000;
    const percent = now > this.#at ? (100 * spentMs) / (now - this.#at) : 0;
    this.#usage = process.cpuUsage();
    this.#at = now;
    return percent;
  }
}
