import assert from "node:assert/strict";
import { openSite } from "../integration/open-site.ts";
import { delay, eventually, type SiteRun } from "../integration/site-run.ts";
import { type Body, type Got, type Subscriber, valuesOf } from "../integration/subscriber.ts";
import { batteryOrder } from "./battery-order.ts";
import { BessWatch, worstStep } from "./bess-watch.ts";
import { controlSight, servicesSight } from "./gateway-eye.ts";
import { say } from "./say.ts";

const RAMP_W_PER_S = 50_000;
const UNITS = 2;

describe("a battery command over MQTT", function () {
  this.timeout(240_000);
  let run: SiteRun;
  let north: Subscriber;

  before(async () => {
    [run, north] = await openSite("cmd", {
      load: "low",
      topics: ["tel/bess-1", "tel/bess-2", "ack/#", "evt/#", "status"],
    });
    await eventually("both batteries are ready", 30_000, async () => {
      const { units } = await controlSight(run);
      return units.every(({ mode }) => mode === "ready") ? true : undefined;
    });
  });

  after(async () => {
    await north.close();
    await run.close();
  });

  const step = async (id: string, stage: string, withinMs = 20_000): Promise<Body> => {
    const got = await north.wait(
      `${stage} of ${id}`,
      withinMs,
      ({ topic, body }) => topic === `ack/${id}` && body["stage"] === stage,
    );
    return got.body;
  };
  const stages = (id: string): unknown[] => north.on(`ack/${id}`).map(({ body }) => body["stage"]);
  const ended = async (id: string): Promise<Body> => {
    const isEnd = ({ body }: Got): boolean => body["final"] === true;
    const last = await eventually(`end of ${id}`, 20_000, () =>
      north.on(`ack/${id}`).find(isEnd),
    ).catch(() => undefined);
    assert(
      last !== undefined,
      `${id} has no end: ${JSON.stringify(north.on(`ack/${id}`).map((got) => got.body))}`,
    );
    return last.body;
  };

  it("reaches the register, is read back and measured, and ramps away when its time is over", async () => {
    const watches = await Promise.all(
      [3, 4].map(async (offset) => BessWatch.open(run.basePort + offset)),
    );
    const given = { target_power_mw: 3, duration_sec: 20, ramp_rate_mw_per_sec: 1 };
    await north.publish("cmd/battery/control", batteryOrder("e-1", given));
    const done = await ended("e-1");
    assert.deepEqual(stages("e-1"), [
      "received",
      "accepted",
      "written",
      "read-back",
      "effect",
      "done",
    ]);
    const effect = await step("e-1", "effect");
    assert.equal(done["status"], "executed");
    assert.equal(effect["read_back"], "applied");
    const measuredW = Number(effect["measured_w"]);
    assert(Math.abs(measuredW - 3e6) < 30_000, `${measuredW} W measured`);
    const seen = watches.map((watch) => watch.last?.setpointW);
    assert.deepEqual(seen, [1.5e6, 1.5e6], "each unit's register holds half");
    const shown = valuesOf(north.on("tel/bess-1").at(-1) ?? assert.fail())["active_power_w"];
    assert(Math.abs(Number(shown) - 1.5e6) < 15_000, `${String(shown)} W in the telemetry`);

    await eventually("the lease is over", 30_000, async () =>
      (await controlSight(run)).leases.length === 0 ? true : undefined,
    );
    const from = watches.map((watch) => watch.samples.length);
    const startMs = performance.now();
    await eventually("the leased part is gone", 90_000, () =>
      watches.every(({ last }) => Math.abs(last?.setpointW ?? 1) < 1) ? true : undefined,
    );
    const tookS = (performance.now() - startMs) / 1_000;
    say(`lease over: 3 MW ramped away in ${tookS.toFixed(1)} s (60 s at 50 kW/s)`);
    assert(tookS > 54 && tookS < 66, `${tookS} s`);
    for (const [at, watch] of watches.entries()) {
      const tail = watch.samples.slice(from[at]);
      const worst = worstStep(tail, ({ setpointW }) => setpointW, RAMP_W_PER_S / UNITS);
      say(`bess-${at + 1}: worst step beyond the ramp: ${worst.text}`);
      // Two cycles and the register's step of 1 kW may fall between two samples.
      assert(worst.beyondW <= 4_000, `${worst.text} beyond the ramp`);
      await watch.close();
    }
  });

  it("is clamped beyond the envelope, and says so", async () => {
    const given = { target_power_mw: 40, duration_sec: 2 };
    await north.publish("cmd/battery/control", batteryOrder("e-2", given));
    const clamped = await step("e-2", "clamped");
    assert.equal(clamped["requested_mw"], 40);
    assert.equal(clamped["applied_mw"], 24);
    assert.equal(clamped["reason"], "envelope");
    await ended("e-2");
  });

  it("ends as refused with `differs` where a device takes the write and ignores it", async () => {
    run.order({ device: "bess-1", fault: "write-ignored" });
    await delay(300);
    const given = { target_power_mw: 2, duration_sec: 30, ramp_rate_mw_per_sec: 2 };
    await north.publish("cmd/battery/control", batteryOrder("e-3", given));
    const last = await ended("e-3");
    run.order({ device: "bess-1", fault: "none" });
    assert.equal(last["stage"], "refused");
    assert.equal(last["reason"], "read-back-differs");
    assert.equal(last["read_back"], "differs");
    assert.equal((await step("e-3", "read-back"))["read_back"], "differs");
  });

  it("is answered once: a second message with the same id is a replay", async () => {
    const order = batteryOrder("e-4", { target_power_mw: 0.1, duration_sec: 5 });
    await north.publish("cmd/battery/control", order);
    await step("e-4", "accepted");
    await north.publish("cmd/battery/control", order);
    const refused = await step("e-4", "refused");
    assert.equal(refused["reason"], "replayed");
  });

  it("is refused with the place of what is wrong in it", async () => {
    const given = { target_power_mw: -3, duration_sec: 5 };
    await north.publish("cmd/battery/control", batteryOrder("e-5", given));
    const refused = await step("e-5", "refused");
    assert.equal(refused["at"], "/target_power_mw");
    assert.equal(refused["reason"], "sign-disagrees");
  });
});

describe("an unsigned command", function () {
  this.timeout(120_000);
  let run: SiteRun;
  let north: Subscriber;

  before(async () => {
    [run, north] = await openSite("sig", {
      load: "low",
      topics: ["ack/#", "status"],
      change: (text) => text.replace("unsignedCommands: allow", "unsignedCommands: refuse"),
    });
  });

  after(async () => {
    await north.close();
    await run.close();
  });

  it("is refused where the site file does not allow it, and no lease begins", async () => {
    const given = { target_power_mw: 3, duration_sec: 20 };
    await north.publish("cmd/battery/control", batteryOrder("e-6", given));
    const { gate } = await eventually("the refusal is counted", 10_000, async () => {
      const sight = await servicesSight(run);
      return sight.gate.refused > 0 ? sight : undefined;
    });
    assert.deepEqual([gate.offered, gate.refused], [1, 1]);
    assert.match(run.roles.get("services")?.text() ?? "", /"command-refused","reason":"unsigned"/);
    // Whoever has not proved who they are gets no answer: nobody learns from us what would work.
    assert.deepEqual(north.on("ack/e-6"), []);
    assert.deepEqual((await controlSight(run)).leases, []);
  });
});
