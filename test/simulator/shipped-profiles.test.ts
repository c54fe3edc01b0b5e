import { strict as assert } from "node:assert";
import { SimulatedDevice } from "../../src/simulator/device.ts";
import { DEMO_PLANT } from "../../src/simulator/plant.ts";
import { Simulation } from "../../src/simulator/simulation.ts";
import { SimClock } from "../support/sim-clock.ts";
import { RawClient } from "./support/raw-client.ts";
import { demoSite, SHIPPED, shippedProfile } from "./support/shipped-profiles.ts";

describe("simulated devices of the shipped profiles", () => {
  for (const name of SHIPPED) {
    it(`${name} starts as its nominal vector says`, () => {
      const { document, profile, nominal } = shippedProfile(name);
      const device = new SimulatedDevice({ id: "one", profile, unitId: 1, nominal });
      const vector = document.vectors?.find((each) => each.name === "nominal");
      assert.ok(vector?.expect !== undefined);
      let compared = 0;
      for (const [id, expected] of Object.entries(vector.expect)) {
        const point = profile.points.find((each) => each.id === id);
        if (point?.read === undefined || typeof expected === "object") continue;
        const value = device.readPoint(id);
        if (point.texts !== undefined) {
          assert.equal(point.texts[Number(value)], expected, id);
        } else {
          const wanted = Number(expected);
          const slack = 1e-6 * Math.max(1, Math.abs(wanted));
          assert.ok(Math.abs(Number(value) - wanted) <= slack, `${id}: ${String(value)}`);
        }
        compared += 1;
      }
      assert.ok(compared > 0);
    });

    it(`${name} gives back every value that is set, to its resolution`, () => {
      const { profile, nominal } = shippedProfile(name);
      const device = new SimulatedDevice({ id: "one", profile, unitId: 1, nominal });
      for (const { id, read } of profile.points) {
        const value = read === undefined ? undefined : device.readPoint(id);
        if (value === undefined) continue;
        assert.ok(device.setPoint(id, value), id);
        assert.equal(device.readPoint(id), value, id);
      }
    });
  }

  it("count what their profiles say that counts, without a plant too", async () => {
    let counters = 0;
    for (const name of SHIPPED) {
      const { document, profile, nominal } = shippedProfile(name);
      const clock = new SimClock();
      const endpoint = { protocol: "modbus-tcp", host: "127.0.0.1", port: 0 } as const;
      const device = { id: "one", profile, nominal, endpoint, unitId: 1 };
      const terms = { plant: undefined, clock, seed: 1, preset: "d95" } as const;
      const simulation = new Simulation({ ...terms, devices: [device] });
      const stop = new AbortController();
      const { finished } = await simulation.start(stop.signal);
      const read = (id: string): number => simulation.device("one").readNumber(id, Number.NaN);
      const counting = Object.entries(document.simulate ?? {});
      const before = counting.map(([id]) => read(id));
      await clock.advance(1_000);
      const counted = counting.map(([id], at) => read(id) - (before[at] ?? Number.NaN));
      stop.abort();
      await finished;
      assert.deepEqual(
        counted,
        counting.map(([, { counter }]) => counter),
        name,
      );
      counters += counting.length;
    }
    assert.ok(counters >= 4);
  });

  it("answers the SunSpec chain from its mark to its end", () => {
    const { profile, nominal } = shippedProfile("sunspec/der-storage");
    const device = new SimulatedDevice({ id: "one", profile, unitId: 1, nominal });
    const word = (address: number): number => {
      const bytes = device.view(1, "holding", address, 1);
      assert.ok(bytes !== undefined, `no register ${address}`);
      return ((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0);
    };
    assert.deepEqual([word(40_000), word(40_001)], [0x5375, 0x6e53]);
    const models: number[] = [];
    let at = 40_002;
    for (; word(at) !== 0xffff; at += 2 + word(at + 1)) models.push(word(at));
    assert.deepEqual(models, [1, 701, 702, 704, 713, 714, 715, 802]);
    assert.deepEqual([at, word(at + 1)], [40_471, 0]);
  });

  describe("as the demo site", () => {
    it("serves 28 devices, and the battery works through its real register map", async () => {
      const clock = new SimClock();
      const simulation = new Simulation({
        devices: demoSite(),
        plant: DEMO_PLANT,
        clock,
        seed: 1,
        preset: "d95",
      });
      const stop = new AbortController();
      const { ports, finished } = await simulation.start(stop.signal);
      try {
        assert.equal(demoSite().length, 28);
        assert.equal(ports.size, 16);
        const bess = await RawClient.connect(ports.get("bess-1") ?? 0);
        const write = async (address: number, ...words: number[]): Promise<void> => {
          const frame = Buffer.alloc(13 + words.length * 2);
          frame.writeUInt16BE(7 + words.length * 2, 4);
          frame.set([1, 16], 6);
          frame.writeUInt16BE(address, 8);
          frame.writeUInt16BE(words.length, 10);
          frame[12] = words.length * 2;
          for (const [index, word] of words.entries()) frame.writeUInt16BE(word, 13 + index * 2);
          assert.match(await bess.ask(frame, 12), /^0000000000060110/);
        };
        await write(40_300, 1);
        await write(40_303, 0, 0);
        await write(40_307, 1);
        await write(40_308, 0, 3);
        await write(40_299, 1);
        await write(40_403, 0, 1);
        // 5,750 kW: the scale factor is 3.
        await write(40_301, 0, 5750);
        await clock.advance(500);
        const snapshot = simulation.snapshot();
        assert.ok(Math.abs((snapshot?.bess[0]?.powerW ?? 0) - 5.75e6) < 1000);
        const read = await bess.ask("0001 0000 0006 01 03 9C90 0001", 11);
        assert.equal(read.slice(18), (5750).toString(16));
        const meter = await RawClient.connect(ports.get("pcc-meter") ?? 0);
        const answer = Buffer.from(await meter.ask("0001 0000 0006 01 03 0525 007C", 257), "hex");
        const importW = answer.readFloatBE(9 + (1369 - 1317) * 2);
        assert.ok(Math.abs(importW - 20.0e6) < 30_000, `${importW}`);
        // Nothing more is written: the setpoint lapses and the register shows it.
        await clock.advance(3100);
        assert.equal(simulation.snapshot()?.bess[0]?.isReverting, true);
        assert.equal((await bess.ask("0001 0000 0006 01 03 9D6E 0001", 11)).slice(18), "0000");
        bess.close();
        meter.close();
      } finally {
        stop.abort();
        await finished;
      }
    });
  });
});
