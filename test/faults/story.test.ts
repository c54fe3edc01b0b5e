import assert from "node:assert/strict";
import { rm, readFile } from "node:fs/promises";
import path from "node:path";
import { STORY, STORY_LENGTH_S } from "../../src/app/demo/story.ts";
import type { PlantLine } from "../../src/app/demo/plant-line.ts";
import { readRecording, recordingFiles } from "../../src/app/replay-files.ts";
import type { WhyAnswer } from "../../src/app/why.ts";
import { buildOnce, eventually, freePorts, runCommand } from "../integration/site-run.ts";
import { Subscriber } from "../integration/subscriber.ts";
import {
  differences,
  type Reading,
  type ReadSetpoint,
  readRecordedSetpoints,
} from "../support/arbitration-reading.ts";
import { gateway, scratchFolder, type Started } from "../support/processes.ts";
import { batteryOrder } from "./battery-order.ts";
import { say } from "./say.ts";

/** The devices of the demonstration and the broker behind them. */
const PORTS = 40;
const UP_MS = 120_000;
const CYCLE_MS = 50;
/** What people and the north do while the story plays, s: away from the beginnings of its acts. */
const COMMAND_S = 5;
const HOLD_S = 22;
const RELEASE_S = 30;
const STOP_S = 68;
const GO_ON_S = 74;
/** The job has just stopped, and the batteries take in what it no longer draws. */
const KILL_S = 125;
/** Questions to the command itself: each starts a process that plays what was before. */
const QUESTIONS = 40;

interface Summary {
  readonly lost: number;
  readonly samples_sent: number;
  readonly ok: boolean;
}

/** `demo --json` from its first line to its last. */
class Demonstration {
  readonly file: string;
  readonly plants: PlantLine[] = [];
  readonly events = new Set<string>();
  summary: Summary | undefined;
  readonly #folder: string;
  readonly #started: Started;
  #rest = "";

  static async open(): Promise<[Demonstration, mqttPort: number]> {
    buildOnce();
    const folder = await scratchFolder("story");
    const basePort = await freePorts(PORTS);
    const mqttPort = basePort + PORTS - 1;
    const words = ["--json", "--data-dir", folder, "--base-port", String(basePort)];
    const length = ["--mqtt-port", String(mqttPort), "--seconds", String(STORY_LENGTH_S + 2)];
    return [new Demonstration(folder, gateway("demo", ...words, ...length)), mqttPort];
  }

  private constructor(folder: string, started: Started) {
    this.#folder = folder;
    this.file = path.join(folder, "site.yaml");
    this.#started = started;
    started.child.stdout?.on("data", (chunk: Buffer) => {
      const lines = (this.#rest + chunk.toString("utf8")).split("\n");
      this.#rest = lines.pop() ?? "";
      for (const line of lines) this.#take(JSON.parse(line) as Record<string, unknown>);
    });
  }

  get recording(): string {
    return path.join(this.#folder, "data", "control", "recorder");
  }

  /** Until so many seconds of the story are told: it tells one line a second. */
  async until(second: number): Promise<void> {
    await eventually(`second ${second} of the story`, UP_MS + STORY_LENGTH_S * 1_000, () =>
      this.plants.length > second ? true : undefined,
    );
  }

  /** kill -9. */
  async killControl(): Promise<void> {
    const log = await readFile(path.join(this.#folder, "gateway.log"), "utf8");
    const starts = [...log.matchAll(/"event":"role-started","role":"control".*?"pid":(\d+)/g)];
    const pid = Number(starts.at(-1)?.[1]);
    assert(pid > 1, "the log says which process is control");
    process.kill(pid, "SIGKILL");
  }

  /** Its end, when time is up. */
  async ended(): Promise<number | null> {
    return this.#started.ended();
  }

  async close(): Promise<void> {
    await this.#started.kill("SIGTERM");
    await rm(this.#folder, { recursive: true, force: true });
  }

  #take(line: Record<string, unknown>): void {
    if (line["type"] === "plant") this.plants.push(line as unknown as PlantLine);
    if (line["type"] === "event") this.events.add(String(line["id"]));
    if (line["type"] === "summary") this.summary = line as unknown as Summary;
  }
}

describe("the whole story of the demonstration, from real processes", function () {
  this.timeout(600_000);
  let run: Demonstration;
  let reading: Reading;
  let status: number | null;

  before(async () => {
    const [demonstration, mqttPort] = await Demonstration.open();
    run = demonstration;
    await run.until(1);
    const url = `mqtt://127.0.0.1:${mqttPort}`;
    const north = await Subscriber.open({ url, version: 4, clientId: "story", topics: ["ack/#"] });
    await run.until(COMMAND_S);
    const wish = { target_power_mw: 2, duration_sec: 60, ramp_rate_mw_per_sec: 1 };
    await north.publish("cmd/battery/control", batteryOrder("s-1", wish));
    await run.until(HOLD_S);
    await ordered("hold", "bess-1");
    await run.until(RELEASE_S);
    await ordered("release", "bess-1");
    await run.until(STOP_S);
    await ordered("stop", "bess-2");
    await run.until(GO_ON_S);
    await ordered("release", "bess-2");
    await run.until(KILL_S);
    await run.killControl();
    await north.close();
    status = await run.ended();
    reading = readRecordedSetpoints(readRecording(recordingFiles(run.recording)));
  });

  after(async () => {
    await run.close();
  });

  async function ordered(word: "hold" | "stop" | "release", asset: string): Promise<void> {
    const answer = await runCommand(word, asset, "--by", "anna", "--config", run.file);
    assert.equal(answer.status, 0, `${word} ${asset}: ${answer.out}${answer.err}`);
  }

  it("plays every act, through a kill -9 of control, and loses nothing", () => {
    const { plants, events, summary } = run;
    assert.ok(plants.length > STORY_LENGTH_S && STORY.length > 0);
    assert.equal(summary?.lost, 0);
    assert.equal(status, summary.ok ? 0 : 1, "it ends by itself");
    const told = ["cdu-pump-no-flow", "meter-frozen", "producer-restarted"];
    const missing = told.filter((id) => !events.has(id));
    assert.deepEqual(missing, []);
    const trainingW = plants.flatMap(({ power_w: { training } }) => training ?? []);
    assert.ok(Math.max(...trainingW) > 19e6 && Math.min(...trainingW) < 4.5e6, "the job stopped");
    assert.ok(
      plants.some(({ mqtt }) => !mqtt.connected),
      "the broker was gone",
    );
  });

  it("is recorded whole, and plays back bit-exactly", async () => {
    const { outcome, segments } = reading;
    const { cycles, gaps, torn, difference, skipped, fromUtc = 0, toUtc = 0 } = outcome;
    assert.equal(difference, undefined);
    assert.deepEqual(gaps, []);
    assert.equal(skipped, 0);
    assert.ok(torn.length <= 1, "only what was being written at the kill may be torn");
    assert.equal(segments, 2, "one of each run of control");
    const lengthS = (toUtc - fromUtc) / 1_000;
    assert.ok(lengthS > STORY_LENGTH_S, `${lengthS} s`);
    // Control was down for a second or two, and a busy machine has cycles late.
    const most = (toUtc - fromUtc) / CYCLE_MS;
    assert.ok(cycles > 0.95 * most, `${cycles} of at most ${most} cycles`);
    const end = await runCommand("replay", "--config", run.file);
    assert.equal(end.status, 0, end.out + end.err);
    assert.match(end.out, new RegExp(`^${cycles} cycles bit-exact`, "m"));
    const files = recordingFiles(run.recording);
    const sizes = await Promise.all(files.map(async (file) => (await readFile(file)).length));
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    say(
      `${cycles} cycles in ${lengthS.toFixed(1)} s, ${files.length} segments, ${bytes} bytes, ` +
        `${outcome.statesCompared} whole states compared: bit-exact`,
    );
  });

  it("names what binds every setpoint as an independent reading does", () => {
    const { setpoints, other, seen } = reading;
    const counts = [...seen].map(([level, count]) => `${level} ${count}`).join(", ");
    say(`${setpoints.length} setpoints, ${other.length} of them differ (${counts})`);
    assert.deepEqual(other.slice(0, 10), []);
    assert.ok(setpoints.length > 4 * STORY_LENGTH_S, `${setpoints.length} setpoints`);
    for (const level of ["governor", "local-hold", "start", "stop"])
      assert.ok(seen.has(level), `${level} has bound none`);
  });

  it("answers the same on the command line", async () => {
    const { setpoints } = reading;
    const stride = Math.floor(setpoints.length / QUESTIONS);
    // From each level the first and the last, and so many more over the whole of it.
    const asked = new Set<ReadSetpoint>(setpoints.filter((_, at) => at % stride === 0));
    for (const level of reading.seen.keys()) {
      const own = setpoints.filter(({ binding }) => binding === level);
      for (const one of [own[0], own.at(-1)]) if (one !== undefined) asked.add(one);
    }
    const wrong: string[] = [];
    for (const { utc, asset, binding, setpointW } of asked) {
      const at = new Date(utc).toISOString();
      const { status: left, out } = await whyAt(asset, at);
      const [answer] = left === 0 ? (JSON.parse(out) as WhyAnswer[]) : [];
      const found = differences(answer, binding, setpointW);
      wrong.push(...found.map((text) => `${asset} at ${at}: ${text}`));
    }
    say(`${asked.size} of them asked of the command, ${wrong.length} differ`);
    assert.deepEqual(wrong, []);
  });

  async function whyAt(asset: string, at: string): ReturnType<typeof runCommand> {
    return runCommand("why", asset, "--at", at, "--json", "--config", run.file);
  }
});
