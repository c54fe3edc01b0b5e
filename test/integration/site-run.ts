import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import path from "node:path";
import { demoSiteText } from "../../src/app/demo/site.ts";
import { runInRealTime } from "../../src/platform/scheduling.ts";
import { mosquitto, scratchFolder, start, type Started } from "../support/processes.ts";

export type RoleName = "control" | "field" | "services";

/** Connections of the demonstration's plant, one port each. */
const PLANT_PORTS = 16;
const PORTS_FROM = 20_000;
/** Below the ports that the system gives to outgoing connections. */
const PORTS_TO = 32_000;
const CLI = path.join("dist", "src", "app", "cli.js");
const UP_MS = 30_000;

/** Status and words of a command that has ended. */
export interface CommandEnd {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

/**
 * The site of the demonstration in a folder and on ports of its own: its plant, and each process of
 * the gateway for itself, so that a test can kill one and see what the others do.
 */
export class SiteRun {
  readonly folder: string;
  readonly file: string;
  readonly runtimeDirectory: string;
  readonly basePort: number;
  readonly mqttPort: number;
  readonly roles = new Map<RoleName, Started>();
  readonly #started: Started[] = [];
  #plant: Started | undefined;
  broker: Started | undefined;

  /** @param change what the test wants different in the site file */
  static async open(
    name: string,
    change: (text: string) => string = (text) => text,
    mqttPort?: number,
  ): Promise<SiteRun> {
    buildOnce();
    const folder = await scratchFolder(name);
    const basePort = await freePorts(PLANT_PORTS + 1);
    const run = new SiteRun(folder, basePort, mqttPort ?? basePort + PLANT_PORTS);
    const { runtimeDirectory } = run;
    const text = demoSiteText({
      basePort,
      mqttPort: run.mqttPort,
      directory: "data",
      control: "peak-cap",
      runtimeDirectory,
    });
    await writeFile(run.file, change(text));
    return run;
  }

  private constructor(folder: string, basePort: number, mqttPort: number) {
    this.folder = folder;
    this.file = path.join(folder, "site.yaml");
    this.runtimeDirectory = path.join(folder, "r");
    this.basePort = basePort;
    this.mqttPort = mqttPort;
  }

  get brokerUrl(): string {
    return `mqtt://127.0.0.1:${this.mqttPort}`;
  }

  /** The simulated plant; resolves when its servers listen. */
  async startPlant(load = "full"): Promise<void> {
    this.#plant = this.#start("simulate", "--load", load);
    await this.#plant.line(/devices are up/, UP_MS);
  }

  /** An order to the plant: a fault, a load, a trip. */
  order(order: object): void {
    assert(this.#plant !== undefined, "the plant runs");
    this.#plant.child.stdin?.write(`${JSON.stringify(order)}\n`);
  }

  async startBroker(): Promise<void> {
    this.broker = await mosquitto(this.mqttPort, this.folder);
    this.#started.push(this.broker);
  }

  async killBroker(): Promise<void> {
    await this.broker?.kill("SIGKILL");
  }

  /** Starts a process of the gateway; resolves when it says that it runs. */
  async startRole(name: RoleName): Promise<Started> {
    const started = this.launchRole(name);
    await started.line(/"event":"started"/, UP_MS);
    return started;
  }

  launchRole(name: RoleName): Started {
    const started = this.#start(name);
    // As `run` and its unit do.
    if (name === "control") runInRealTime(started.pid);
    this.roles.set(name, started);
    return started;
  }

  async startGateway(): Promise<void> {
    for (const name of ["control", "field", "services"] as const) await this.startRole(name);
  }

  async killRole(name: RoleName): Promise<void> {
    await this.roles.get(name)?.kill("SIGKILL");
  }

  /** A command of the gateway on this site, to its end. */
  async command(...args: readonly string[]): Promise<CommandEnd> {
    return runCommand(...args, "--config", this.file);
  }

  async close(): Promise<void> {
    for (const started of this.#started.reverse()) await started.kill("SIGKILL");
    await rm(this.folder, { recursive: true, force: true });
  }

  /** It ends with this process: the pipe to it breaks. */
  #start(...args: readonly string[]): Started {
    const command = [process.execPath, CLI, ...args, "--config", this.file];
    const started = start("env", ["DCPI_PARENT_PIPE=1", ...command]);
    this.#started.push(started);
    return started;
  }
}

/** A command of the gateway, to its end. */
export async function runCommand(...args: readonly string[]): Promise<CommandEnd> {
  const started = start(process.execPath, [CLI, ...args]);
  let out = "";
  let err = "";
  started.child.stdout?.on("data", (chunk: Buffer) => (out += chunk.toString("utf8")));
  started.child.stderr?.on("data", (chunk: Buffer) => (err += chunk.toString("utf8")));
  const closed = new Promise<void>((resolve) => started.child.once("close", resolve));
  const status = await started.ended();
  await closed;
  return { status, out, err };
}

/** Compiles the sources where they are newer than the build. */
export function buildOnce(): void {
  const stamp = path.join("dist", ".built");
  const built = existsSync(stamp) ? statSync(stamp).mtimeMs : 0;
  if (newestMs("src") < built && newestMs("native") < built) return;
  const tsc = path.join("node_modules", "typescript", "bin", "tsc");
  const args = [tsc, "-p", "tsconfig.build.json", "--noCheck"];
  const { status } = spawnSync(process.execPath, args, { stdio: "inherit" });
  assert.equal(status, 0, "the sources compile");
  spawnSync("touch", [stamp]);
}

function newestMs(folder: string): number {
  let latest = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const file = path.join(folder, entry.name);
    latest = Math.max(latest, entry.isDirectory() ? newestMs(file) : statSync(file).mtimeMs);
  }
  return latest;
}

/** First of so many neighbouring ports on which nobody listens. */
export async function freePorts(count: number): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const first = PORTS_FROM + Math.floor(Math.random() * (PORTS_TO - PORTS_FROM - count));
    const free = await Promise.all(
      Array.from({ length: count }, async (_, at) => isFree(first + at)),
    );
    if (free.every(Boolean)) return first;
  }
  throw new Error("no free ports");
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", () => {
      resolve(false);
    });
    server.listen(port, "127.0.0.1", () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}

export async function delay(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

/** Resolves with the first answer that is not undefined; rejects when time is up. */
export async function eventually<T>(
  what: string,
  withinMs: number,
  look: () => T | undefined | Promise<T | undefined>,
): Promise<T> {
  const until = Date.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > until) throw new Error(`${withinMs} ms passed before: ${what}`);
    await delay(20);
  }
}
