import { strict as assert } from "node:assert";
import path from "node:path";
import { demoSiteText } from "../../src/app/demo/site.ts";
import { simulatedSite } from "../../src/app/plant.ts";
import { contextOf } from "../../src/app/site-context.ts";
import { parseSite } from "../../src/config/load.ts";
import { GatewayError } from "../../src/domain/errors.ts";
import { ModbusDriver } from "../../src/drivers/modbus/driver.ts";
import { TcpLink } from "../../src/drivers/modbus/tcp-link.ts";
import { TimerWheel } from "../../src/drivers/wheel.ts";
import { SystemClock } from "../../src/platform/clock.ts";
import type { CompiledProfile } from "../../src/profiles/binding.ts";
import { compileProfile } from "../../src/profiles/compile.ts";
import type { Profile } from "../../src/profiles/schema.ts";
import { freePortRange, freePorts } from "../support/loopback.ts";
import { start, type Started } from "../support/processes.ts";

const HERE = path.join("test", "interop");
const TERMS = { unit: 1, timeoutMs: 2_000, pauseMs: 0, lane: "poll" } as const;

describe("pymodbus as a server", () => {
  const clock = new SystemClock();
  const stop = new AbortController();
  let server: Started;
  let link: TcpLink;

  before(async () => {
    const [port = 0] = await freePorts(1);
    server = start("python3", [path.join(HERE, "pymodbus_server.py"), String(port)]);
    await server.line(/ready/, 20_000);
    link = new TcpLink({ host: "127.0.0.1", port, clock, wheel: new TimerWheel(clock) });
    await link.open(stop.signal);
  });

  after(async () => {
    await link.close();
    await server.kill("SIGTERM");
  });

  it("gives the registers asked for, in one read of the largest size", async () => {
    const request = { ...TERMS, table: "holding", address: 100, count: 125 } as const;
    const reply = await link.read(request, stop.signal);
    assert.ok(reply instanceof Uint8Array);
    assert.equal(reply.length, 250);
    const view = new DataView(reply.buffer, reply.byteOffset);
    for (let index = 0; index < 125; index += 1)
      assert.equal(view.getUint16(2 * index), 100 + index);
  });

  it("answers with exception 2 where it has no register, as a value", async () => {
    const request = { ...TERMS, table: "holding", address: 598, count: 14 } as const;
    assert.deepEqual(await link.read(request, stop.signal), { exception: 2 });
  });

  it("takes writes of one and of several registers", async () => {
    const write = { ...TERMS, lane: "urgent" } as const;
    const one = {
      ...write,
      function: 6,
      address: 20,
      count: 1,
      bytes: Uint8Array.of(0x12, 0x34),
    } as const;
    assert.equal(await link.write(one, stop.signal), "written");
    const two = {
      ...write,
      function: 16,
      address: 21,
      count: 2,
      bytes: Uint8Array.of(1, 2, 3, 4),
    } as const;
    assert.equal(await link.write(two, stop.signal), "written");
    const reply = await link.read(
      { ...TERMS, table: "holding", address: 20, count: 3 },
      stop.signal,
    );
    assert.deepEqual(reply, Uint8Array.of(0x12, 0x34, 1, 2, 3, 4));
  });

  it("gives bits, lowest address first", async () => {
    const reply = await link.read(
      { ...TERMS, table: "discrete", address: 0, count: 10 },
      stop.signal,
    );
    assert.ok(reply instanceof Uint8Array);
    const bits = Array.from({ length: 10 }, (_, at) => ((reply[at >> 3] ?? 0) >> (at & 7)) & 1);
    assert.deepEqual(bits, [1, 0, 0, 1, 0, 0, 1, 0, 0, 1]);
  });

  it("is told apart from a peer that is gone", async () => {
    await server.kill("SIGKILL");
    await assert.rejects(
      link.read({ ...TERMS, table: "holding", address: 0, count: 1 }, stop.signal),
      (error) => error instanceof GatewayError && error.code.startsWith("LINK_"),
    );
  });
});

describe("200 points scattered over 1,000 registers of a foreign server", () => {
  it("cost at most 10 requests a round, and an illegal gap costs no legal point", async () => {
    const [port = 0] = await freePorts(1);
    const server = start("python3", [path.join(HERE, "pymodbus_server.py"), String(port)]);
    await server.line(/ready/, 20_000);
    const clock = new SystemClock();
    const profile = scatteredProfile();
    const driver = new ModbusDriver({
      profile,
      firstPoint: 0,
      unitId: 1,
      link: new TcpLink({ host: "127.0.0.1", port, clock, wheel: new TimerWheel(clock) }),
      clock,
    });
    const stop = new AbortController();
    const goodByRound: number[] = [];
    const last = new Float64Array(profile.points.length);
    const running = driver.run((reading) => {
      let good = 0;
      reading.points.forEach((point, at) => {
        if (reading.quality[at] === 0) good += 1;
        last[point] = reading.values[at] ?? Number.NaN;
      });
      goodByRound.push(good);
      if (goodByRound.length === 12) stop.abort();
    }, stop.signal);
    await running;
    await server.kill("SIGTERM");
    assert.equal(goodByRound.at(-1), 200);
    assert.ok(goodByRound.filter((good) => good === 200).length >= 10, goodByRound.join(" "));
    assert.ok(driver.counters.requestsPerRound <= 10, `${driver.counters.requestsPerRound}`);
    profile.points.forEach((point, at) => {
      assert.equal(last[at], point.read?.address);
    });
  });
});

/** Every fifth register from 0 to 999 but those that the server does not have, and two more. */
function scatteredProfile(): CompiledProfile {
  const addresses = Array.from({ length: 200 }, (_, index) => index * 5).filter(
    (address) => address < 600 || address > 609,
  );
  const result = compileProfile({
    format: 1,
    version: "1.0.0",
    status: "draft",
    identity: {
      manufacturer: "test",
      model: "scattered",
      class: "meter",
      protocols: ["modbus-tcp"],
    },
    sources: { own: { document: "made for this test", licence: "Apache-2.0" } },
    modbus: { notation: "wire", readable: { holding: [[0, 999]] } },
    groups: { default: { everyMs: 100 } },
    points: [...addresses, 611, 998].map((address) => ({
      point: `x-register-${address}`,
      at: `holding ${address}`,
      type: "uint16" as const,
      unit: "1",
      group: "default",
      source: "own",
    })),
  } as unknown as Profile);
  assert.ok("profile" in result, JSON.stringify(result));
  return result.profile;
}

describe("pymodbus as a client of the simulated plant", () => {
  it("reads SunSpec, RTU over TCP and bits, and writes a setpoint", async () => {
    const basePort = await freePortRange(16);
    const text = demoSiteText({ basePort, mqttPort: 1, directory: "d", runtimeDirectory: "r" });
    const parsed = parseSite(text);
    assert.ok("site" in parsed);
    const context = contextOf(parsed.site, path.resolve("site.yaml"));
    const simulation = simulatedSite({ context, clock: new SystemClock(), preset: "d95" });
    const stop = new AbortController();
    const { finished } = await simulation.start(stop.signal);
    try {
      const client = start("python3", [
        path.join(HERE, "pymodbus_client.py"),
        String(basePort + 3),
        String(basePort + 12),
      ]);
      const line = await client.line(/^\{/, 30_000);
      const seen = JSON.parse(line) as {
        readonly tcp: Readonly<Record<string, unknown>>;
        readonly rtu: { readonly flows: Record<string, number[]>; readonly bits: boolean[] };
      };
      assert.deepEqual(seen.tcp["marker"], [0x5375, 0x6e53]);
      assert.equal(seen.tcp["outside"], 2);
      assert.equal(seen.tcp["written"], true);
      assert.deepEqual(seen.tcp["readBack"], [0, 250]);
      assert.equal(seen.rtu.flows["1"]?.length, 4);
      assert.deepEqual(seen.rtu.flows["1"], seen.rtu.flows["4"]);
      assert.equal(seen.rtu.bits.length, 4);
    } finally {
      stop.abort();
      await finished;
    }
  });
});
