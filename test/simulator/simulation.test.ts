import { strict as assert } from "node:assert";
import { type Clock, monotonicMs, utcMs } from "../../src/domain/time.ts";
import { compileProfile } from "../../src/profiles/compile.ts";
import { parseProfile } from "../../src/profiles/parse.ts";
import { FLEET_TICKS_PER_S } from "../../src/simulator/fleet-values.ts";
import { fleetDevices, fleetProfileDocument } from "../../src/simulator/fleet.ts";
import { DEMO_PLANT } from "../../src/simulator/plant.ts";
import {
  endpointKey,
  Simulation,
  type SimulationDevice,
  type SimulationOptions,
} from "../../src/simulator/simulation.ts";
import { SimClock } from "../support/sim-clock.ts";
import { BESS, BESS_AT, BESS_NOMINAL, METER } from "./support/demo-profiles.ts";
import { makeProfile, place } from "../support/profile-builder.ts";
import { RawClient } from "./support/raw-client.ts";

const loopback = { protocol: "modbus-tcp", host: "127.0.0.1", port: 0 } as const;

const DEVICES: readonly SimulationDevice[] = [
  { id: "pcc-meter", profile: METER, nominal: [], endpoint: loopback, unitId: 1 },
  { id: "bess-1", profile: BESS, nominal: BESS_NOMINAL, endpoint: loopback, unitId: 1 },
  { id: "m-ups", profile: METER, nominal: [], endpoint: { ...loopback, name: "line" }, unitId: 2 },
  { id: "m-mech", profile: METER, nominal: [], endpoint: { ...loopback, name: "line" }, unitId: 3 },
];

const READ_POWER = "0001 0000 0006 01 03 0000 0002";

describe("simulation", () => {
  const cleanUps: (() => Promise<void> | void)[] = [];
  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
  });

  async function started(options: Partial<SimulationOptions> = {}) {
    const clock = new SimClock();
    const simulation = new Simulation({
      devices: DEVICES,
      plant: DEMO_PLANT,
      clock,
      seed: 1,
      preset: "d95",
      ...options,
    });
    const stop = new AbortController();
    const { ports, finished } = await simulation.start(stop.signal);
    cleanUps.push(async () => {
      stop.abort();
      await finished;
    });
    const connect = async (key: string): Promise<RawClient> => {
      const client = await RawClient.connect(ports.get(key) ?? 0);
      cleanUps.push(() => {
        client.close();
      });
      return client;
    };
    return { clock, simulation, ports, connect, stop, finished };
  }

  it("opens one port per endpoint and tells which", async () => {
    const { ports } = await started();
    assert.deepEqual([...ports.keys()], ["pcc-meter", "bess-1", "line"]);
    assert.equal(new Set(ports.values()).size, 3);
    const fixed = { ...loopback, port: 15_020 };
    assert.equal(endpointKey({ id: "a", endpoint: fixed }), "127.0.0.1:15020");
  });

  it("moves the registers of a battery and of the meter after a write on the wire", async () => {
    const { clock, simulation, connect } = await started();
    const bess = await connect("bess-1");
    const meter = await connect("pcc-meter");
    await clock.advance(1000);
    const before = await meter.ask(READ_POWER, 13);
    await bess.ask(`0001 0000 0009 01 10 000${BESS_AT.enabled} 0001 02 0001`, 12);
    const write = `0001 0000 000b 01 10 000${BESS_AT.setpoint} 0002 04 005b8d80`;
    assert.equal(await bess.ask(write, 12), `00010000000601100004000` + "2");
    await clock.advance(1000);
    const after = await meter.ask(READ_POWER, 13);
    const watts = (answer: string): number => Buffer.from(answer.slice(18), "hex").readFloatBE(0);
    assert.ok(Math.abs(watts(before) - watts(after) - 6e6) < 50_000);
    assert.equal(simulation.snapshot()?.bess[0]?.state, "running");
    assert.equal((await bess.ask(READ_POWER, 13)).slice(18), "005b8d80");
  });

  it("keeps the plant in step with the clock", async () => {
    const { clock, simulation } = await started();
    await clock.advance(5000);
    assert.equal(simulation.counters.steps, 500);
    assert.ok(Math.abs((simulation.snapshot()?.timeS ?? 0) - 5) < 1e-6);
    assert.equal(simulation.counters.skippedMs, 0);
  });

  it("skips what it cannot make up after a long pause, and counts it", async () => {
    let nowMs = 0;
    let sleeps = 0;
    const stop = new AbortController();
    const clock: Clock = {
      now: () => monotonicMs(nowMs),
      utcNow: () => utcMs(nowMs),
      sleep: async (ms) => {
        sleeps += 1;
        nowMs += sleeps === 3 ? 2000 : ms;
        if (sleeps === 10) stop.abort();
        await Promise.resolve();
      },
    };
    const simulation = new Simulation({
      devices: DEVICES,
      plant: DEMO_PLANT,
      clock,
      seed: 1,
      preset: "d95",
    });
    const { finished } = await simulation.start(stop.signal);
    await finished;
    assert.equal(simulation.counters.skippedMs, 1500);
    assert.equal(simulation.counters.steps, 2 + 50 + 6);
    assert.ok(Math.abs((simulation.snapshot()?.timeS ?? 0) - 0.58) < 1e-6);
  });

  it("does what a control message says and explains what it cannot do", async () => {
    const { simulation, connect } = await started();
    const meter = await connect("pcc-meter");
    assert.equal(
      await simulation.order({ device: "pcc-meter", fault: "exception", code: 4 }),
      undefined,
    );
    assert.equal(await meter.ask(READ_POWER, 9), "000100000003018304");
    assert.equal(await simulation.order({ device: "pcc-meter", fault: "none" }), undefined);
    assert.equal((await meter.ask(READ_POWER, 13)).slice(0, 18), "000100000007010304");
    assert.match((await simulation.order({ device: "x", fault: "silent" })) ?? "", /no device x/);
    assert.match((await simulation.order({ device: "pcc-meter", fault: "?" })) ?? "", /unknown/);
    assert.equal(simulation.serverCounters("pcc-meter").requests, 2);
  });

  it("plays a scene in the plant's own time, and tells what it does", async () => {
    const lines: string[] = [];
    const { clock, simulation } = await started({
      tell: (event) => {
        if (event.kind === "warning") lines.push(event.text);
        else if (event.kind !== "step") lines.push(`${event.kind} ${event.scene.number}`);
        else lines.push(`${JSON.stringify(event.step.order)} ${event.problem ?? "done"}`);
      },
    });
    await simulation.fault("m-ups", { kind: "frozen" });
    assert.equal(await simulation.order({ scene: 14 }), undefined);
    assert.equal(simulation.device("m-ups").fault, undefined, "a scene begins whole");
    await clock.advance(9_900);
    assert.deepEqual(lines, ["begins 14"]);
    await clock.advance(200);
    assert.equal(simulation.snapshot()?.voltageV, 0);
    for (let second = 0; second < 420; second += 1) await clock.advance(1000);
    assert.deepEqual(lines, [
      "begins 14",
      '{"grid":"lost"} done',
      '{"grid":"back"} done',
      "ends 14",
    ]);
    assert.ok((simulation.snapshot()?.voltageV ?? 0) > 19_000);
  });

  it("warns once when a load is set that the site's own UPS units are too small for", async () => {
    const warnings: string[] = [];
    const { simulation } = await started({
      plant: { ...DEMO_PLANT, ratings: { ups: { ratingW: 500_000 } } },
      tell: (event) => {
        if (event.kind === "warning") warnings.push(event.text);
      },
    });
    const asked = [{ inferenceW: 900_000 }, { scene: 5 }, { inferenceW: 4e6 }, { grid: "lost" }];
    const counts: number[] = [];
    for (const order of asked) {
      assert.equal(await simulation.order(order), undefined);
      counts.push(warnings.length);
    }
    assert.deepEqual(counts, [0, 1, 2, 2]);
    assert.match(
      warnings[0] ?? "",
      /^the load behind the UPS is 4\.\d+ MW, its units are made for 1\.50 MW: .*inferenceW/,
    );
    simulation.begin("full", { inferenceW: 500_000 });
    assert.equal(warnings.length, 2);
    simulation.begin("full");
    assert.equal(warnings.length, 3);
  });

  it("leaves to its listener what the plant cannot do, and says what it could not", async () => {
    const told: unknown[] = [];
    const { clock, simulation } = await started({ tell: (event) => told.push(event) });
    await simulation.order({ scene: 12 });
    simulation.schedule([{ atS: 1, order: { failPump: "cdu-1", pump: 1 } }]);
    await clock.advance(221_000);
    assert.deepEqual(told.slice(1), [
      {
        kind: "step",
        step: { atS: 0, order: { dischargeW: 10e6, leaseS: 260 } },
        problem: undefined,
      },
      {
        kind: "step",
        step: { atS: 1, order: { failPump: "cdu-1", pump: 1 } },
        problem: "cdu-1 is no coolant distribution unit of this plant",
      },
      { kind: "step", step: { atS: 220, order: "estop" }, problem: undefined },
    ]);
  });

  it("lets a day pass in 144 s", async () => {
    const { clock, simulation } = await started();
    await simulation.order({ scene: 1 });
    for (let second = 0; second < 12; second += 1) await clock.advance(1000);
    const { timeS, trainingW, heatDemandW } = simulation.snapshot() ?? {};
    assert.ok(Math.abs((timeS ?? 0) - 7200) < 1, `${String(timeS)} s`);
    assert.ok(Math.abs((trainingW ?? 0) / 15e6 - 1) < 0.01);
    assert.equal(heatDemandW, 1e6);
  });

  it("has no orders for a plant that is not there", async () => {
    const { simulation } = await started({ plant: undefined });
    assert.match((await simulation.order({ grid: "lost" })) ?? "", /no plant/);
    assert.equal(await simulation.order({ device: "pcc-meter", fault: "frozen" }), undefined);
  });

  it("freezes one device while the plant and the others go on", async () => {
    const { clock, simulation } = await started();
    simulation.load("training-1hz");
    await simulation.fault("pcc-meter", { kind: "frozen" });
    const frozen = simulation.device("pcc-meter").readPoint("active-power");
    const other = simulation.device("bess-1").readPoint("heartbeat");
    await clock.advance(2000);
    assert.equal(simulation.device("pcc-meter").readPoint("active-power"), frozen);
    assert.notEqual(simulation.device("bess-1").readPoint("heartbeat"), other);
    await simulation.clear("pcc-meter");
    await clock.advance(100);
    assert.notEqual(simulation.device("pcc-meter").readPoint("active-power"), frozen);
  });

  it("trips a battery, moves the frequency and changes the load on request", async () => {
    const { clock, simulation } = await started();
    simulation.trip("bess-1", "fault");
    simulation.offsetFrequency(-0.5);
    simulation.load("idle");
    await clock.advance(2000);
    const snapshot = simulation.snapshot();
    assert.ok(snapshot !== undefined);
    assert.equal(snapshot.bess[0]?.state, "fault");
    assert.ok(Math.abs(snapshot.frequencyHz - 49.5) < 0.1);
    assert.ok(Math.abs(snapshot.trainingW / 4e6 - 1) < 0.01);
    simulation.clearCause("bess-1");
    simulation.device("bess-1").write(1, { table: "holding", address: BESS_AT.reset }, [1]);
    assert.equal(simulation.snapshot()?.bess[0]?.state, "running");
  });

  it("settles before it starts", () => {
    const clock = new SimClock();
    const simulation = new Simulation({
      devices: DEVICES,
      plant: { ...DEMO_PLANT, operatingPoint: "idle" },
      clock,
      seed: 1,
      preset: "d95",
    });
    simulation.load("full");
    const gridW = (): number => simulation.snapshot()?.gridW ?? Number.NaN;
    assert.ok(gridW() < 7e6, "the registers begin with the operating point");
    simulation.settle(900);
    const settledW = gridW();
    assert.ok(settledW > 22e6, "the load is there");
    simulation.settle(60);
    assert.ok(Math.abs(gridW() / settledW - 1) < 0.001, "and nothing moves any more");
  });

  it("closes its ports when told to stop", async () => {
    const { stop, finished, ports } = await started();
    stop.abort();
    await finished;
    await assert.rejects(RawClient.connect(ports.get("bess-1") ?? 0), { code: "ECONNREFUSED" });
  });

  it("lets go of its ports when one of them is taken", async () => {
    const { ports } = await started();
    const taken = { ...loopback, port: ports.get("bess-1") ?? 0 };
    const second = new Simulation({
      devices: [DEVICES[0]!, { ...DEVICES[1]!, endpoint: taken }],
      plant: undefined,
      clock: new SimClock(),
      seed: 1,
      preset: "d95",
    });
    await assert.rejects(second.start(new AbortController().signal), { code: "PORT_IN_USE" });
  });

  it("counts seconds on devices that no plant moves", async () => {
    const profile = makeProfile({ points: [{ id: "x-uptime", read: place(0) }] });
    const nominal = [{ table: "holding", address: 0, words: [0xfffe] } as const];
    const device = { id: "env-1", profile, nominal, endpoint: loopback, unitId: 1 };
    const { clock, simulation } = await started({ devices: [device], plant: undefined });
    await clock.advance(2500);
    assert.equal(simulation.device("env-1").readPoint("x-uptime"), 1, "counted over its end");
    assert.equal(simulation.snapshot(), undefined);
  });

  it("moves every value of a fleet and says when", async () => {
    const parsed = parseProfile(JSON.stringify(fleetProfileDocument(5, 100)));
    assert.ok("profile" in parsed);
    const compiled = compileProfile(parsed.profile);
    assert.ok("profile" in compiled);
    const { profile } = compiled;
    assert.equal(profile.points.length, 5);
    const devices = fleetDevices(profile, {
      count: 3,
      host: "127.0.0.1",
      port: 0,
      devicesPerPort: 2,
    });
    const { clock, simulation, ports } = await started({
      devices,
      plant: undefined,
      fleetEveryMs: 50,
    });
    assert.deepEqual([...ports.keys()], ["fleet-port-1", "fleet-port-2"]);
    await clock.advance(1000);
    for (const id of ["fleet-1", "fleet-2", "fleet-3"]) {
      const device = simulation.device(id);
      assert.equal(device.readPoint("x-updated"), 1);
      assert.equal(device.readPoint("x-value-1"), 22);
      assert.equal(device.readPoint("x-value-4"), 25);
    }
    assert.equal(FLEET_TICKS_PER_S, 10_000);
  });
});
