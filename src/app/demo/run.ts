import { setMaxListeners } from "node:events";
import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { GatewayError } from "../../domain/errors.ts";
import { type Clock, slept } from "../../domain/time.ts";
import type { RequestClient } from "../../link/request-client.ts";
import { SystemClock } from "../../platform/clock.ts";
import { isSiteOrder, sceneOf, type SiteCommand } from "../../simulator/scenes.ts";
import { superviseRoles } from "../commands/roles.ts";
import { type DemoBroker, startDemoBroker } from "../demo-broker.ts";
import { every } from "../every.ts";
import { isUnreachable, openQueries } from "../queries.ts";
import {
  type CommandCall,
  type ExitStatus,
  hasFlag,
  numberOption,
  textOption,
} from "../terminal.ts";
import { DemoPlant } from "./demo-plant.ts";
import type { DemoState } from "./demo-state.ts";
import { DemoFeed } from "./feed.ts";
import { FIRST_KEYS, type KeyOrder, type KeyState, pressed } from "./keys.ts";
import { lengthS, Program } from "./program.ts";
import { DEMO_PRESETS, type DemoPreset, demoSiteText } from "./site.ts";
import { DEMO_COMMAND_TOPIC, dischargeMessage } from "./site-command.ts";
import { smallScreen } from "./small-screen.ts";
import { repairOrders, SNAPSHOT_S, type StoryOrder } from "./story.ts";
import { TREND_SAMPLE_MS } from "./trend.ts";
import { DemoView, eventLine } from "./view.ts";

const DEMO_MQTT_PORT = 18_830;
const DEMO_BASE_PORT = 15_020;
const DEMO_DEVICES = 30;
const SECOND_MS = 1_000;
/** The plant is up, the gateway not yet: how long a first answer may take. */
const FIRST_ANSWER_MS = 30_000;
/** The gateway has to see that the causes are gone before it resets a trip. */
const RESET_TRIES = 10;
const RESET_PAUSE_MS = 500;
/** What a battery at work gives, and what the grid gives then. */
const WORKS_W = 3_000_000;
const CAPPED_W = 20_500_000;
const WORKS_MS = 5_000;
const WORKS_LOOK_MS = 90;

/**
 * `demo`: a simulated plant, a broker and the gateway on this machine, and a picture of it.
 * Exit status: 1 when a sample was lost or a cycle in 10,000 overran.
 */
export async function demo(call: CommandCall): Promise<ExitStatus> {
  const number = numberOption(call, "scene");
  const scene = number === undefined ? undefined : sceneOf(number);
  if (number !== undefined && scene === undefined)
    throw new GatewayError("CONFIG_INVALID", { option: "--scene", reason: "no such scene" });
  const isSnapshot = hasFlag(call, "snapshot");
  const run = await DemoRun.start(call);
  try {
    if (isSnapshot) return await run.watch(SNAPSHOT_S);
    // A person looks as long as they want; a program gets the scene and its end.
    const length = scene === undefined || run.isPicture ? Infinity : lengthS(scene);
    return await run.watch(numberOption(call, "seconds") ?? length);
  } finally {
    await run.stop();
  }
}

interface Folders {
  readonly file: string;
  readonly mqttPort: number;
  readonly runtimeDirectory: string;
}

class DemoRun {
  readonly #call: CommandCall;
  readonly #clock: Clock = new SystemClock();
  readonly #stop = new AbortController();
  readonly #file: string;
  readonly #mqttPort: number;
  readonly #feed: DemoFeed;
  readonly #control: RequestClient;
  readonly #view: DemoView;
  readonly #program: Program;
  #plant: DemoPlant | undefined;
  #broker: { readonly run: DemoBroker; readonly stop: AbortController } | undefined;
  #roles: Promise<void> = Promise.resolve();
  #isUp = false;
  #keys: KeyState = FIRST_KEYS;
  #elapsedS = 0;
  /** What is shown while the picture stands still. */
  #frozen: DemoState | undefined;

  static async start(call: CommandCall): Promise<DemoRun> {
    const mqttPort = numberOption(call, "mqtt-port") ?? DEMO_MQTT_PORT;
    const folder =
      textOption(call, "data-dir") ?? (await mkdtemp(path.join(tmpdir(), "dcpi-demo-")));
    const runtimeDirectory = await mkdtemp(path.join(tmpdir(), "dcpi-run-"));
    await mkdir(folder, { recursive: true });
    const file = path.join(folder, "site.yaml");
    const basePort = numberOption(call, "base-port") ?? DEMO_BASE_PORT;
    const preset = presetOf(call);
    await writeFile(
      file,
      demoSiteText({
        basePort,
        mqttPort,
        directory: "data",
        runtimeDirectory,
        preset,
        hasStations: true,
      }),
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

  private constructor(call: CommandCall, parts: Folders) {
    this.#call = call;
    this.#file = parts.file;
    this.#mqttPort = parts.mqttPort;
    const { runtimeDirectory, mqttPort } = parts;
    const open = (purpose: Parameters<typeof openQueries>[0]["purpose"]): RequestClient =>
      openQueries({ runtimeDirectory, purpose, clock: this.#clock });
    this.#control = open("control/local");
    this.#feed = new DemoFeed(
      {
        services: open("services/queries"),
        control: this.#control,
        field: open("field/local"),
      },
      { mqttPort, clock: this.#clock },
    );
    const form = hasFlag(call, "snapshot") ? "nothing" : hasFlag(call, "json") ? "json" : undefined;
    this.#view = new DemoView(call.terminal, form);
    this.#program = new Program(hasFlag(call, "steady"));
    const scene = numberOption(call, "scene");
    if (scene !== undefined) this.#program.scene(scene, 0);
  }

  get isPicture(): boolean {
    return this.#view.form === "picture";
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
    await this.#firstAnswer(over);
    const keys = this.#view.keys((key) => void this.#press(key));
    const startedAt = this.#clock.now();
    const sampling = every(this.#clock, TREND_SAMPLE_MS, over, async () =>
      this.#unlessGone(async () => this.#feed.sample()),
    );
    for (let shownMs = 0; shownMs <= seconds * SECOND_MS; shownMs += this.#view.periodMs) {
      const due = startedAt + shownMs;
      this.#elapsedS = Math.floor(shownMs / SECOND_MS);
      if (!(await slept(this.#clock, Math.max(0, due - this.#clock.now()), over))) break;
      await this.#playDue();
      await this.#unlessGone(async () => this.#feed.refresh());
      this.#show();
    }
    keys.stop();
    if (this.#view.form === "nothing") await this.#untilBatteryWorks(over);
    const isCut = over.aborted;
    const status = this.#end((this.#clock.now() - startedAt) / SECOND_MS, isCut);
    this.#stop.abort();
    await sampling;
    return status;
  }

  /**
   * The load is high for one half of each second only: of the two, the picture shows the one in
   * which the battery covers it. Gives up after a while.
   */
  async #untilBatteryWorks(signal: AbortSignal): Promise<void> {
    const until = this.#clock.now() + WORKS_MS;
    while (this.#clock.now() < until) {
      await this.#unlessGone(async () => this.#feed.refresh());
      const { bess, grid } = this.#feed.plant?.power_w ?? {};
      if ((bess ?? 0) > WORKS_W && (grid ?? Infinity) < CAPPED_W) return;
      if (!(await slept(this.#clock, WORKS_LOOK_MS, signal))) return;
    }
  }

  async stop(): Promise<void> {
    this.#feed.close();
    this.#stop.abort();
    await this.#roles.catch(() => undefined);
    this.#plant?.stop();
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
    const preset = presetOf(this.#call);
    this.#plant = await DemoPlant.start(
      { siteFile: this.#file, preset },
      {
        onSnapshot: (snapshot) => {
          this.#feed.takeSnapshot(snapshot);
        },
        onSiteOrder: (order) => void this.#play([order]),
        onProblem: (text) => {
          if (this.#isUp) this.#feed.say(`plant: ${text}`, "warning");
          else terminal.err(text);
        },
        onEnd: () => {
          this.#stop.abort();
        },
      },
    );
    this.#isUp = true;
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
    const hear = (topic: string, payload: string): void => {
      if (this.#view.form === "json" && /^dcpi\/.*\/ack\//.test(topic))
        this.#view.json({ type: "ack", ...(JSON.parse(payload) as object) });
    };
    this.#broker = {
      run: await startDemoBroker({ port: this.#mqttPort, hear }, stop.signal),
      stop,
    };
  }

  async #closeBroker(): Promise<void> {
    const broker = this.#broker;
    this.#broker = undefined;
    broker?.stop.abort();
    await broker?.run.stopped;
  }

  async #firstAnswer(signal: AbortSignal): Promise<void> {
    const until = this.#clock.now() + FIRST_ANSWER_MS;
    while (!signal.aborted) {
      await this.#unlessGone(async () => this.#feed.refresh());
      if (this.#feed.isReady) return;
      if (this.#clock.now() > until)
        throw new GatewayError("REQUEST_TIMEOUT", {
          process: "services",
          afterMs: FIRST_ANSWER_MS,
        });
      await slept(this.#clock, 100, signal);
    }
  }

  /** What cannot be asked now is asked again in a moment. */
  async #unlessGone(ask: () => Promise<void>): Promise<void> {
    try {
      await ask();
    } catch (error) {
      if (!isUnreachable(error)) throw error;
    }
  }

  #state(): DemoState | undefined {
    const { selectedUnit } = this.#keys;
    const elapsedS = this.#elapsedS;
    return this.#feed.state({ elapsedS, selectedUnit, title: this.#program.title(elapsedS) });
  }

  #show(): void {
    const state = this.#state();
    if (state === undefined) return;
    switch (this.#view.form) {
      case "nothing":
        return;
      case "lines":
        this.#view.line(state);
        return;
      case "json":
        this.#view.json(state.plant);
        for (const event of this.#feed.takeFresh()) this.#view.json(eventLine(event));
        return;
      case "picture":
        this.#view.draw({
          state: this.#frozen ?? state,
          keys: this.#keys,
          points: this.#feed.points,
          devices: this.#devices,
          nowMs: this.#clock.now(),
          utcMs: this.#clock.utcNow(),
        });
    }
  }

  async #playDue(): Promise<void> {
    const begins = this.#program.begins(this.#elapsedS);
    if (begins === undefined) return;
    this.#feed.say(begins.line);
    await this.#play(begins.does);
  }

  async #play(orders: readonly StoryOrder[]): Promise<void> {
    for (const order of orders) {
      if (order === "broker-off") await this.#closeBroker();
      else if (order === "broker-on") {
        if (this.#broker === undefined) await this.#openBroker();
      } else if (order === "estop") {
        for (const trip of this.#devices.filter((id) => /^bess-\d+$/.test(id)))
          this.#plant?.order({ trip, cause: "emergency-stop" });
      } else if (isSiteOrder(order)) this.#command(order);
      else this.#plant?.order(order);
    }
  }

  /** As the world beyond the gateway would: a message on the broker. */
  #command({ dischargeW, leaseS }: SiteCommand): void {
    const message = dischargeMessage({ dischargeW, leaseS, utcMs: this.#clock.utcNow() });
    this.#feed.say(`command: discharge ${(dischargeW / 1e6).toFixed(0)} MW for ${leaseS} s`);
    this.#broker?.run.publish(DEMO_COMMAND_TOPIC, message);
  }

  get #devices(): readonly string[] {
    const ids = new Set(this.#feed.points.map(({ id }) => id.slice(0, id.indexOf("/"))));
    return [...ids].filter((id) => !id.startsWith("gateway-"));
  }

  async #press(key: string): Promise<void> {
    const before = this.#keys;
    const { state, orders } = pressed(before, key, {
      nowMs: this.#clock.now(),
      devices: this.#devices,
      unitCount: this.#state()?.control?.status.units.length ?? 0,
    });
    this.#keys = state;
    if (state.isFrozen !== before.isFrozen) {
      const now = this.#state();
      this.#frozen = state.isFrozen && now !== undefined ? { ...now, isFrozen: true } : undefined;
    }
    for (const order of orders) await this.#unlessGone(async () => this.#obey(order));
    if (!this.#stop.signal.aborted) this.#show();
  }

  async #obey(order: KeyOrder): Promise<void> {
    switch (order.do) {
      case "quit":
        this.#stop.abort();
        return;
      case "scene":
        await this.#play(["broker-on"]);
        this.#program.scene(order.number, this.#elapsedS);
        return;
      case "normal":
        await this.#play(["broker-on", ...repairOrders(this.#devices)]);
        this.#program.story(this.#elapsedS);
        return;
      case "broker":
        await this.#play([this.#broker === undefined ? "broker-on" : "broker-off"]);
        this.#feed.say(this.#broker === undefined ? "the broker is off" : "the broker is on");
        return;
      case "estop":
        this.#feed.say("emergency stop pressed", "warning");
        await this.#play(["estop"]);
        return;
      case "fault": {
        const { device, fault } = order;
        this.#feed.say(`${device}: fault ${fault}`);
        await this.#play([{ device, fault, ...(fault === "slow" ? { ms: 500 } : { code: 4 }) }]);
        return;
      }
      case "reset":
        await this.#play(repairOrders(this.#devices));
        await this.#reset();
    }
  }

  /** As an operator at the box would: the gateway refuses while it still sees a cause. */
  async #reset(): Promise<void> {
    for (let tries = RESET_TRIES; tries > 0; tries -= 1) {
      if (!(await slept(this.#clock, RESET_PAUSE_MS, this.#stop.signal))) return;
      const answer = await this.#control.request("reset", { trip: "all", by: "demo operator" });
      const { result, reason } = answer as { readonly result: string; readonly reason?: string };
      const isLast = tries === 1;
      if (result === "done" || reason === "no-such-trip") {
        this.#feed.say(result === "done" ? "reset: done" : "reset: repaired, nothing was tripped");
        return;
      }
      if (isLast) this.#feed.say(`reset: refused, ${reason ?? "no reason"}`, "warning");
    }
  }

  #end(seconds: number, isCut: boolean): ExitStatus {
    if (this.#view.form === "nothing") return this.#snapshot(isCut);
    const summary = this.#feed.summary(Math.round(seconds));
    this.#view.summarise(summary);
    return summary.ok ? 0 : 1;
  }

  /** The picture as text, or with `--json` the state of which it is made. */
  #snapshot(isCut: boolean): ExitStatus {
    const state = this.#state();
    if (isCut || state === undefined) return 3;
    const { terminal } = this.#call;
    if (hasFlag(this.#call, "json")) terminal.out(JSON.stringify(state));
    else for (const line of smallScreen(state, false)) terminal.out(line);
    return 0;
  }
}

/** @throws GatewayError CONFIG_INVALID */
function presetOf(call: CommandCall): DemoPreset {
  const name = textOption(call, "preset") ?? "d95";
  const preset = DEMO_PRESETS.find((known) => known === name);
  if (preset === undefined)
    throw new GatewayError("CONFIG_INVALID", {
      option: "--preset",
      reason: `is one of ${DEMO_PRESETS.join(", ")}`,
    });
  return preset;
}
