import { type ChildProcess, fork } from "node:child_process";
import { setMaxListeners } from "node:events";
import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { GatewayError } from "../../domain/errors.ts";
import { type Clock, slept } from "../../domain/time.ts";
import { SystemClock } from "../../platform/clock.ts";
import { superviseRoles, cliFile } from "../commands/roles.ts";
import { type DemoBroker, startDemoBroker } from "../demo-broker.ts";
import { isUnreachable, openQueries } from "../queries.ts";
import {
  type CommandCall,
  type ExitStatus,
  hasFlag,
  numberOption,
  textOption,
} from "../terminal.ts";
import { DemoFeed } from "./feed.ts";
import { demoSiteText } from "./site.ts";
import { actAt, STORY } from "./story.ts";
import { DemoView } from "./view.ts";

const DEMO_MQTT_PORT = 18_830;
const DEMO_BASE_PORT = 15_020;
const DEMO_DEVICES = 28;
const SECOND_MS = 1_000;
/** The plant is up, the gateway not yet: how long a first answer may take. */
const FIRST_ANSWER_MS = 30_000;

/**
 * `demo`: a simulated plant, a broker and the gateway on this machine, and a picture of it.
 * Exit status: 1 when a sample was lost or a cycle in 10,000 overran.
 */
export async function demo(call: CommandCall): Promise<ExitStatus> {
  const seconds = numberOption(call, "seconds") ?? Infinity;
  const run = await DemoRun.start(call);
  try {
    return await run.watch(seconds);
  } finally {
    await run.stop();
  }
}

class DemoRun {
  readonly #call: CommandCall;
  readonly #clock: Clock = new SystemClock();
  readonly #stop = new AbortController();
  readonly #file: string;
  readonly #mqttPort: number;
  readonly #feed: DemoFeed;
  readonly #view: DemoView;
  #plant: ChildProcess | undefined;
  #broker: { readonly run: DemoBroker; readonly stop: AbortController } | undefined;
  #roles: Promise<void> = Promise.resolve();

  static async start(call: CommandCall): Promise<DemoRun> {
    const mqttPort = numberOption(call, "mqtt-port") ?? DEMO_MQTT_PORT;
    const folder =
      textOption(call, "data-dir") ?? (await mkdtemp(path.join(tmpdir(), "dcpi-demo-")));
    const runtimeDirectory = await mkdtemp(path.join(tmpdir(), "dcpi-run-"));
    await mkdir(folder, { recursive: true });
    const file = path.join(folder, "site.yaml");
    const basePort = numberOption(call, "base-port") ?? DEMO_BASE_PORT;
    await writeFile(
      file,
      demoSiteText({ basePort, mqttPort, directory: "data", runtimeDirectory }),
    );
    const run = new DemoRun(call, { file, mqttPort, runtimeDirectory });
    try {
      await run.#open();
    } catch (error) {
      await run.stop();
      throw error;
    }
    return run;
  }

  private constructor(
    call: CommandCall,
    parts: { readonly file: string; readonly mqttPort: number; readonly runtimeDirectory: string },
  ) {
    this.#call = call;
    this.#file = parts.file;
    this.#mqttPort = parts.mqttPort;
    const { runtimeDirectory, mqttPort } = parts;
    this.#feed = new DemoFeed(
      openQueries({ runtimeDirectory, purpose: "services/queries", clock: this.#clock }),
      { mqttPort, clock: this.#clock },
    );
    this.#view = new DemoView(call.terminal, hasFlag(call, "json"));
  }

  /**
   * One picture after the other until time is up, a person has seen enough, or a process cannot be
   * helped.
   */
  async watch(seconds: number): Promise<ExitStatus> {
    const { signal } = this.#call;
    const over = AbortSignal.any([signal, this.#stop.signal]);
    // Each of them waits on it for a moment: that is no leak.
    setMaxListeners(0, over, this.#stop.signal);
    const keys = this.#view.keys((key) => void this.#press(key));
    await this.#firstAnswer(over);
    const startedAt = this.#clock.now();
    let act = "";
    for (let shownMs = 0; shownMs <= seconds * SECOND_MS; shownMs += this.#view.periodMs) {
      const due = startedAt + shownMs;
      const second = Math.floor(shownMs / SECOND_MS);
      if (!(await slept(this.#clock, Math.max(0, due - this.#clock.now()), over))) break;
      const current = hasFlag(this.#call, "steady") ? undefined : actAt(second);
      if (current !== undefined && current.name !== act) {
        act = current.name;
        await this.#play(current.does);
      }
      await this.#show(second, current?.title ?? "steady load");
    }
    keys.stop();
    return this.#summary((this.#clock.now() - startedAt) / SECOND_MS);
  }

  async stop(): Promise<void> {
    this.#feed.close();
    this.#stop.abort();
    await this.#roles.catch(() => undefined);
    this.#plant?.kill("SIGTERM");
    await this.#broker?.run.stopped;
    this.#view.end();
  }

  get #logFile(): string {
    return path.join(path.dirname(this.#file), "gateway.log");
  }

  async #open(): Promise<void> {
    const { terminal } = this.#call;
    terminal.err(
      `starting ${DEMO_DEVICES} devices, a broker on port ${this.#mqttPort} and the gateway`,
    );
    terminal.err(`site file: ${this.#file}   log of the gateway: ${this.#logFile}`);
    terminal.err(`watch the traffic:  mosquitto_sub -p ${this.#mqttPort} -t 'dcpi/#' -v`);
    await this.#openBroker();
    await this.#openPlant();
    this.#roles = superviseRoles(this.#file, this.#stop.signal, this.#logFile).catch(
      (error: unknown) => {
        this.#stop.abort(error);
        throw error;
      },
    );
    this.#roles.catch(() => undefined);
  }

  async #openBroker(): Promise<void> {
    const stop = new AbortController();
    this.#stop.signal.addEventListener("abort", () => {
      stop.abort();
    });
    this.#broker = { run: await startDemoBroker({ port: this.#mqttPort }, stop.signal), stop };
  }

  async #closeBroker(): Promise<void> {
    const broker = this.#broker;
    this.#broker = undefined;
    broker?.stop.abort();
    await broker?.run.stopped;
  }

  async #openPlant(): Promise<void> {
    const preset = textOption(this.#call, "preset") ?? "d95";
    const args = ["simulate", "--config", this.#file, "--preset", preset, "--load", "mean"];
    const plant = fork(cliFile(), args, {
      execArgv: process.execArgv,
      stdio: ["pipe", "pipe", "inherit", "ipc"],
    });
    this.#plant = plant;
    plant.on("message", (message) => {
      this.#feed.takeSnapshot(message);
    });
    await new Promise<void>((resolve, reject) => {
      // What it says to people is not for us, but has to be read.
      plant.stdout?.resume();
      plant.on("message", (message) => {
        if ((message as { readonly ready?: unknown } | null)?.ready === true) resolve();
      });
      plant.once("exit", (code) => {
        reject(new GatewayError("PORT_IN_USE", { process: "simulate", status: code ?? -1 }));
        this.#stop.abort();
      });
    });
  }

  async #firstAnswer(signal: AbortSignal): Promise<void> {
    const until = this.#clock.now() + FIRST_ANSWER_MS;
    while (!signal.aborted) {
      try {
        await this.#feed.refresh();
        if (this.#feed.isReady) return;
      } catch (error) {
        if (!isUnreachable(error)) throw error;
      }
      if (this.#clock.now() > until)
        throw new GatewayError("REQUEST_TIMEOUT", {
          process: "services",
          afterMs: FIRST_ANSWER_MS,
        });
      await slept(this.#clock, 100, signal);
    }
  }

  async #show(second: number, title: string): Promise<void> {
    try {
      await this.#feed.refresh();
    } catch (error) {
      if (!isUnreachable(error)) throw error;
      return;
    }
    this.#view.show(this.#feed, { second, title });
  }

  async #play(orders: (typeof STORY)[number]["does"]): Promise<void> {
    for (const order of orders) {
      if (order === "broker-off") await this.#closeBroker();
      else if (order === "broker-on") {
        if (this.#broker === undefined) await this.#openBroker();
      } else this.#plant?.send(order);
    }
  }

  async #press(key: string): Promise<void> {
    switch (key) {
      case "q":
        this.#stop.abort();
        return;
      case "b":
        await this.#play([this.#broker === undefined ? "broker-on" : "broker-off"]);
        return;
      case "f":
        this.#plant?.send({ device: "pcc-meter", fault: "frozen" });
        return;
      case "x":
        this.#plant?.send({ device: "ups-1", fault: "stopped" });
        return;
      case "r":
        for (const device of ["pcc-meter", "ups-1"]) this.#plant?.send({ device, fault: "none" });
        return;
      default:
    }
  }

  #summary(seconds: number): ExitStatus {
    const summary = this.#feed.summary(Math.round(seconds));
    this.#view.summarise(summary);
    return summary.ok ? 0 : 1;
  }
}
