import path from "node:path";
import { cpuSeconds, mosquitto, residentMb, start, type Started } from "../support/processes.ts";
import { type BenchSite, PREFIX } from "./bench-site.ts";
import { monotonicNow } from "./mqtt-wire.ts";
import type { WindowReport } from "./window-report.ts";

export type GatewayRole = "control" | "field" | "services";
/** In the order in which they are ended: control last. */
export const ROLES: readonly GatewayRole[] = ["services", "field", "control"];

export interface RigOptions {
  readonly site: BenchSite;
  /** Folder for V8 profiles of the gateway's processes. */
  readonly profileFolder: string | undefined;
}

/** CPU time and memory of a process over a window. */
export interface Usage {
  /** Share of one core, threads included. */
  readonly cores: number;
  readonly residentMb: number;
}

const BENCH = import.meta.dirname;
const CLI = path.join("dist", "src", "app", "cli.js");
const UP_MS = 60_000;
const ANSWER_MS = 20_000;

/** Everything of a bench that runs in a process of its own, and is ended with it. */
export class Rig {
  readonly #options: RigOptions;
  readonly #running: Started[] = [];
  #subscriber: Started | undefined;

  constructor(options: RigOptions) {
    this.#options = options;
  }

  async broker(): Promise<Started> {
    const { site } = this.#options;
    return this.#keep(await mosquitto(site.mqttPort, site.folder));
  }

  /** @param file of the devices, where they are not all of the site's */
  async plant(file = this.#options.site.file): Promise<Started> {
    return this.#bench("plant", [file]);
  }

  /** What answers steps of a load: see its `main.ts`. */
  async loopPlant(file: string, model: object): Promise<Started> {
    return this.#bench("loop-plant", [file, JSON.stringify(model)]);
  }

  /** The least that answers a step of the load. */
  async loopFloor(file: string, periodMs: number, capW: number): Promise<Started> {
    return this.#bench("loop-floor", [file, String(periodMs), String(capW)]);
  }

  /** A timer and nothing else. */
  async bareTimer(periodMs: number): Promise<Started> {
    return this.#bench("bare-timer", [String(periodMs)]);
  }

  /** Keeps one core busy for at most so long. */
  async burner(seconds: number): Promise<Started> {
    return this.#bench("burner", [String(seconds)]);
  }

  async subscriber(): Promise<void> {
    this.#subscriber = await this.#bench("subscriber", [
      String(this.#options.site.mqttPort),
      PREFIX,
    ]);
  }

  /** The yardstick: reads and publishes the same without being a product. */
  async floor(): Promise<Started> {
    const { mqttPort, firstPort, shape } = this.#options.site;
    const numbers = [mqttPort, firstPort, shape.devices, shape.points, shape.periodMs];
    return this.#bench("floor", [...numbers.map(String), PREFIX]);
  }

  /** The compiled gateway's three processes, as systemd would start them. */
  gateway(environment: Readonly<Record<string, string>> = {}): ReadonlyMap<GatewayRole, Started> {
    const { site, profileFolder } = this.#options;
    const settings = Object.entries({ DCPI_PARENT_PIPE: "1", ...environment });
    return new Map(
      ROLES.map((role) => {
        const profiling =
          profileFolder === undefined
            ? []
            : ["--cpu-prof", `--cpu-prof-dir=${path.join(profileFolder, role)}`];
        const started = start("env", [
          ...settings.map(([name, value]) => `${name}=${value}`),
          process.execPath,
          ...profiling,
          CLI,
          role,
          "--config",
          site.file,
        ]);
        return [role, this.#keep(started)] as const;
      }),
    );
  }

  /** What the subscriber saw and the processes used in a window. */
  async window<K>(
    seconds: number,
    processes: ReadonlyMap<K, Started>,
  ): Promise<{ readonly report: WindowReport; readonly usage: ReadonlyMap<K, Usage> }> {
    const subscriber = this.#subscriber;
    if (subscriber === undefined) throw new Error("the subscriber is not there yet");
    const before = new Map([...processes].map(([name, { pid }]) => [name, cpuSeconds(pid)]));
    const openedMs = monotonicNow();
    subscriber.child.stdin?.write("open\n");
    await pause(seconds * 1_000);
    const spentS = (monotonicNow() - openedMs) / 1_000;
    const usage = new Map(
      [...processes].map(([name, { pid }]) => {
        const cores = (cpuSeconds(pid) - (before.get(name) ?? 0)) / spentS;
        return [name, { cores, residentMb: residentMb(pid) }] as const;
      }),
    );
    const told = nextLine(subscriber, "window ");
    subscriber.child.stdin?.write("close\n");
    const report = JSON.parse(await told) as WindowReport;
    if (report.messages === 0)
      throw new Error(`nothing came in ${seconds} s\n${this.#lastWords(processes)}`);
    return { report, usage };
  }

  /** Ends processes in the given order and waits until they are gone. */
  async end(processes: Iterable<Started>): Promise<void> {
    for (const running of processes) {
      await running.kill("SIGTERM");
      this.#running.splice(this.#running.indexOf(running), 1);
    }
  }

  async close(): Promise<void> {
    await this.end([...this.#running].reverse());
    await this.#options.site.remove();
  }

  #lastWords(processes: ReadonlyMap<unknown, Started>): string {
    return [...processes.values()].map((started) => started.text().slice(-1_000)).join("\n");
  }

  async #bench(name: string, args: readonly string[]): Promise<Started> {
    const file = path.join(BENCH, name, "main.ts");
    const started = this.#keep(start(process.execPath, ["--import", "tsx", file, ...args]));
    await started.line(/^up$/, UP_MS);
    return started;
  }

  #keep(started: Started): Started {
    this.#running.push(started);
    return started;
  }
}

/** The rest of the next line that begins so, from now on. */
export async function nextLine(started: Started, beginning: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const timer = setTimeout(() => {
      started.child.stdout?.off("data", take);
      reject(new Error(`no answer within ${ANSWER_MS} ms`));
    }, ANSWER_MS);
    const take = (chunk: Buffer): void => {
      text += chunk.toString("utf8");
      const found = text
        .split("\n")
        .slice(0, -1)
        .find((line) => line.startsWith(beginning));
      if (found === undefined) return;
      clearTimeout(timer);
      started.child.stdout?.off("data", take);
      resolve(found.slice(beginning.length));
    };
    started.child.stdout?.on("data", take);
  });
}

export async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
