import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { startDemoBroker } from "../../src/app/demo-broker.ts";
import { delay, runCommand, SiteRun } from "./site-run.ts";
import { Subscriber, valuesOf } from "./subscriber.ts";

/** Starting six processes on a loaded machine; on an idle one it takes a few seconds. */
const START_MS = 120_000;
const ARRIVES_MS = 20_000;
/** A command outlives the tests that look at it, however long the machine takes for them. */
const LEASE_S = 600;

describe("the whole chain, from simulated devices to a broker", function () {
  this.timeout(60_000);
  const broker = new AbortController();
  let run: SiteRun;
  let north: Subscriber;
  let stopped: Promise<void>;

  before(async function () {
    this.timeout(START_MS);
    const started = await startDemoBroker({ port: 0 }, broker.signal);
    stopped = started.stopped;
    run = await SiteRun.open("chain", undefined, started.port);
    north = await Subscriber.open({
      url: run.brokerUrl,
      version: 4,
      clientId: "north",
      topics: ["tel/#", "evt/#", "ack/#"],
    });
    await Promise.all([
      run.startPlant("mean"),
      ...(["control", "field", "services"] as const).map(async (name) => run.startRole(name)),
    ]);
  });

  after(async () => {
    await north.close();
    await run.close();
    broker.abort();
    await stopped;
  });

  it("brings values of every device to the broker", async () => {
    const devices = ["pcc-meter", "bess-2", "ups-3", "chiller-4", "cdu-8", "env-6", "heat-meter-1"];
    for (const device of devices)
      await north.wait(`values of ${device}`, ARRIVES_MS, (got) => {
        if (got.topic !== `tel/${device}`) return false;
        return Object.values(valuesOf(got)).some((value) => typeof value === "number");
      });
    const meter = await north.wait("the power of the grid", ARRIVES_MS, (got) => {
      const power = got.topic === "tel/pcc-meter" ? valuesOf(got)["active_power_w"] : null;
      return typeof power === "number";
    });
    const powerW = valuesOf(meter)["active_power_w"];
    assert(typeof powerW === "number" && powerW > 10e6 && powerW < 30e6, `${String(powerW)} W`);
  });

  it("keeps the model and its state at the broker for whoever comes later", async () => {
    const late = await Subscriber.open({
      url: run.brokerUrl,
      version: 4,
      clientId: "late",
      topics: ["model", "status"],
    });
    try {
      const model = await late.wait("the model", ARRIVES_MS, ({ topic }) => topic === "model");
      assert(model.isRetained);
      const { devices } = model.body as { readonly devices: readonly { readonly id: string }[] };
      const ids = devices.map(({ id }) => id);
      for (const id of ["pcc-meter", "bess-1", "env-6", "gateway-services"])
        assert(ids.includes(id));
      const isOnline = ({ body }: { readonly body: Readonly<Record<string, unknown>> }): boolean =>
        body["status"] === "online";
      await late.wait("online", ARRIVES_MS, (got) => got.topic === "status" && isOnline(got));
      const told = north.on("tel/pcc-meter").at(-1)?.body["m"];
      assert.equal(told, model.body["model_hash"]);
    } finally {
      await late.close();
    }
  });

  it("carries out a command and tells every step of it", async () => {
    await north.publish("cmd/battery/control", {
      PSWD_version: "1.0",
      command_id: "chain-1",
      timestamp: new Date().toISOString(),
      command_type: "discharge",
      target_power_mw: 1,
      duration_sec: LEASE_S,
    });
    const stage = async (name: string): Promise<Readonly<Record<string, unknown>>> => {
      const got = await north.wait(
        name,
        ARRIVES_MS,
        ({ topic, body }) =>
          topic === "ack/chain-1" && (body["stage"] === name || body["stage"] === "refused"),
      );
      assert.equal(got.body["stage"], name, JSON.stringify(got.body));
      return got.body;
    };
    await stage("received");
    const accepted = await stage("accepted");
    assert.equal(accepted["requested_w"], 1_000_000);
    await stage("written");
    const readBack = await stage("read-back");
    assert.equal(readBack["read_back"], "applied");
  });

  it("shows a point with its quality", async () => {
    const some = await run.command("points", "bess-1/state-of-charge", "--json");
    assert.equal(some.status, 0, some.err);
    const [point] = some.out.trim().split("\n").map(parse);
    assert(point !== undefined);
    assert.equal(point["id"], "bess-1/state-of-charge");
    assert.equal(point["quality"], "good");
    assert.equal(typeof point["value"], "number");
  });

  it("tells its state in words", async () => {
    const words = await run.command("status");
    assert.equal(words.status, 0, words.err);
    assert.match(words.out, /^services +online/m);
    assert.match(words.out, /^mqtt +connected/m);
    const told = north.on("ack/chain-1").map(({ body }) => [body["stage"], body["reason"]]);
    assert.match(
      words.out,
      /lease +battery by .*: 1\.000 MW/,
      `${words.out}of the command was told: ${JSON.stringify(told)}`,
    );
  });

  it("lists its events", async () => {
    const { status, err } = await run.command("events", "--json");
    assert.equal(status, 0, err);
  });

  it("ends with 3 where nobody answers", async () => {
    const other = path.join(run.folder, "elsewhere.yaml");
    const sample = await runCommand("config", "sample");
    await writeFile(other, sample.out);
    const { status, out, err } = await runCommand("points", "--once", "--config", other);
    assert.deepEqual([status, out], [3, ""]);
    assert.match(err, /gateway-services does not answer/);
  });

  it("checks site files and profiles", async () => {
    const good = await runCommand("config", "check", run.file);
    assert.deepEqual([good.status, good.out.trim()], [0, `${run.file}: ok`]);
    const bad = path.join(run.folder, "bad.yaml");
    await writeFile(bad, "site: x\ngateway: [\n");
    const refused = await runCommand("config", "check", bad);
    assert.equal(refused.status, 1);
    assert.match(refused.err, /bad\.yaml:\d+:\d+: /);
    const missing = await runCommand("config", "check", path.join(run.folder, "none.yaml"));
    assert.equal(missing.status, 2);
    const tested = await runCommand("profile", "test", "janitza/umg604");
    assert.equal(tested.status, 0, tested.out + tested.err);
  });

  it("ends in order when it is told to, also after it has carried out a command", async () => {
    for (const name of ["services", "field", "control"] as const) {
      const role = run.roles.get(name);
      assert(role !== undefined);
      const stop = role.kill("SIGTERM");
      const status = await Promise.race([stop, delay(ARRIVES_MS).then(() => "still there")]);
      assert.equal(status, 0, name);
    }
  });

  it("ends with 2 and its usage where it is asked nonsense", async () => {
    const { status, err } = await runCommand("no-such-command");
    assert.equal(status, 2);
    assert.match(err, /Exit status/);
  });
});

function parse(line: string): Readonly<Record<string, unknown>> {
  return JSON.parse(line) as Readonly<Record<string, unknown>>;
}
