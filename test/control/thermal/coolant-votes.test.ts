import { strict as assert } from "node:assert";
import * as fc from "fast-check";
import {
  readVotes,
  standingOf,
  VOTED_QUANTITIES,
  zoneVotes,
} from "../../../src/control/thermal/coolant-votes.ts";
import { explainThermal } from "../../../src/control/thermal/thermal-words.ts";
import { guardOf } from "../../../src/control/thermal/thermal-level.ts";
import { AGREEING_SAMPLES, STUCK_SAMPLES } from "../../../src/control/voting.ts";
import { alarmProcessing } from "../../../src/domain/alarms/processing.ts";
import { monotonicMs } from "../../../src/domain/time.ts";
import { Hall, type PointName } from "../../support/thermal-hall.ts";

const SENSORS = {
  supply: ["supply", "supply2", "supply3"],
  return_: ["return_", "return2", "return3"],
  flow: ["flow", "flow2", "flow3"],
} as const satisfies Record<string, readonly PointName[]>;
type Quantity = keyof typeof SENSORS;
type Shown = number | "lost";

function hallOf(sensors: 1 | 2 | 3 = 3): Hall {
  return new Hall(1, "request", { sensors });
}

function show(hall: Hall, quantity: Quantity, values: readonly Shown[]): void {
  const shown: Partial<Record<PointName, Shown>> = {};
  for (const [channel, name] of SENSORS[quantity].entries()) {
    const value = values[channel];
    if (value !== undefined) shown[name] = value;
  }
  hall.set(shown);
}

function zoneOf(hall: Hall) {
  const [zone] = hall.state.zones;
  assert.ok(zone !== undefined);
  return zone;
}

/** What is believed: the worse value, the other one, and on how many sensors that stands. */
function seen(hall: Hall, quantity: Quantity): readonly (number | string | undefined)[] {
  const vote = zoneOf(hall).inputs.votes[quantity];
  assert.ok(vote !== undefined);
  assert.equal(vote.worse, zoneOf(hall).inputs.measures[quantity]);
  const standing = standingOf(vote);
  return [vote.worse.state === "good" ? vote.worse.value : "lost", vote.other.value, standing];
}

describe("sensors of coolant that vote", () => {
  const HONEST = {
    supply: [31.9, 32, 32.2],
    return_: [41.9, 42, 42.3],
    flow: [3_600, 3_614, 3_630],
  };
  for (const quantity of VOTED_QUANTITIES)
    for (let present = 0; present < 8; present += 1) {
      const isThere = (channel: number): boolean => (present & (1 << channel)) !== 0;
      const values = HONEST[quantity].map((v, channel): Shown => (isThere(channel) ? v : "lost"));
      it(`${quantity} of ${values.join(", ")}`, () => {
        const hall = hallOf();
        show(hall, quantity, values);
        hall.run(2);
        const good = values.filter((v) => v !== "lost").sort((a, b) => a - b);
        const [low = NaN, high = low, top] = good;
        const [worse, other] =
          top !== undefined ? [high, high] : quantity === "flow" ? [low, high] : [high, low];
        const standing = [`none of three`, "one of three", "two of three", undefined][good.length];
        const value = good.length === 0 ? "lost" : worse;
        assert.deepEqual(seen(hall, quantity), [value, other, standing]);
      });
    }

  it("has the sensor that deviates out after three samples, and back after twenty", () => {
    const hall = hallOf();
    show(hall, "supply", [31.9, 32.1, 32]);
    hall.run(5);
    show(hall, "supply", [31.9, 32.1, 60]);
    for (let sample = 1; sample <= 2; sample += 1) {
      hall.run(1);
      assert.deepEqual(seen(hall, "supply"), [32.1, 32.1, undefined], `sample ${sample}`);
    }
    assert.equal(hall.ids().includes("sensor-deviates"), false);
    hall.run(1);
    assert.deepEqual(seen(hall, "supply"), [32.1, 31.9, "two of three"]);
    hall.run(1);
    const told = hall.events.filter(({ id }) => id === "sensor-deviates");
    assert.deepEqual(
      told.map(({ device, point, phase }) => [device, point, phase]),
      [["ts-1-3", "x-supply", "raised"]],
    );
    assert.match(told[0]?.text ?? "", /does not agree with .* supply temperature of cdu-1/);
    show(hall, "supply", [31.9, 32.1, 32]);
    hall.run(AGREEING_SAMPLES - 1);
    assert.deepEqual(seen(hall, "supply")[2], "two of three");
    hall.run(1);
    assert.deepEqual(seen(hall, "supply"), [32, 32, undefined]);
    assert.equal(hall.ids("cleared").includes("sensor-deviates"), true);
  });

  it("has the one out that stands still while both others move", () => {
    const hall = hallOf();
    let s = 0;
    const wander = (): void => {
      s += 1;
      const cel = 32 + 0.6 * Math.sin(s / 5);
      show(hall, "supply", [cel + 0.05, cel - 0.05, 32]);
    };
    hall.run(STUCK_SAMPLES - 1, wander);
    assert.equal(seen(hall, "supply")[2], undefined);
    hall.run(20, wander);
    assert.equal(seen(hall, "supply")[2], "two of three");
    const [told] = hall.events.filter(({ id }) => id === "sensor-deviates");
    assert.match(told?.text ?? "", /ts-1-3\/x-supply stands still while/);
  });

  it("keeps one that resolves less in a calm loop, where the others flicker", () => {
    const hall = hallOf();
    let s = 0;
    hall.run(3 * STUCK_SAMPLES, () => {
      s += 1;
      show(hall, "supply", [32 + 0.1 * Math.sin(s), 32 + 0.1 * Math.cos(s), 32]);
    });
    assert.equal(seen(hall, "supply")[2], undefined);
  });

  it("takes what is no number for a sensor that shows nothing", () => {
    const hall = hallOf();
    show(hall, "supply", ["lost", Infinity, 32]);
    hall.run(2);
    assert.deepEqual(seen(hall, "supply"), [32, 32, "one of three"]);
  });

  it("keeps two that stand still in a calm loop, while the third one wanders off", () => {
    const hall = hallOf();
    hall.run(2 * STUCK_SAMPLES);
    let cel = 32;
    hall.run(60, () => {
      cel -= 0.1;
      show(hall, "supply", [32, 32, cel]);
    });
    assert.deepEqual(seen(hall, "supply"), [32, 32, "two of three"]);
    const out = [...(zoneOf(hall).inputs.votes.supply?.votes.isOut ?? [])];
    assert.deepEqual(out, [0, 0, 1], "the liar");
  });

  it("puts none of two out, whether they differ or one stands still", () => {
    const hall = hallOf(2);
    let cel = 42;
    hall.run(2 * STUCK_SAMPLES, () => {
      cel += 0.1;
      show(hall, "return_", [cel, 42]);
    });
    assert.deepEqual(seen(hall, "return_"), [cel, 42, undefined]);
    assert.equal(hall.ids().includes("coolant-sensors-apart"), true);
  });

  it("never leaves what the two honest ones say, whatever the third one does", () => {
    const lie = fc.oneof(
      fc.double({ min: 30, max: 34, noNaN: true }),
      fc.double(),
      fc.constantFrom<Shown>("lost", Number.NaN, 32, 0),
    );
    const step = fc.record({ lie, moveK: fc.double({ min: -2, max: 2, noNaN: true }) });
    const steps = fc.array(fc.record({ step, times: fc.integer({ min: 1, max: 25 }) }), {
      maxLength: 8,
    });
    const apart = fc.double({ min: 0, max: 0.5, noNaN: true });
    fc.assert(
      fc.property(steps, apart, fc.nat(2), (list, apartK, liar) => {
        const hall = hallOf();
        let cel = 32;
        for (const { step: each, times } of list) {
          cel = Math.min(Math.max(cel + each.moveK, 25), 38);
          const [low, high] = [cel, cel + apartK];
          const told: Shown[] = [low, high];
          told.splice(liar, 0, each.lie);
          for (let sample = 0; sample < times; sample += 1) {
            show(hall, "supply", told);
            hall.run(1);
            const [worse, other] = seen(hall, "supply").map(Number);
            for (const value of [worse, other])
              assert.ok(
                value !== undefined && value >= low && value <= high,
                `${value} of ${told.join()}`,
              );
          }
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe("two sensors that differ", () => {
  for (const swap of [false, true]) {
    const pair = (one: number, other: number): readonly Shown[] =>
      swap ? ["lost", other, one] : [one, "lost", other];
    const ran = (quantity: Quantity, values: readonly Shown[], room = 10): Hall => {
      const hall = hallOf();
      hall.run(10);
      show(hall, quantity, values);
      hall.set({ room });
      hall.run(12);
      return hall;
    };
    const order = swap ? "the other way round" : "one way round";

    it(`count by the hotter for a limit: supply, ${order}`, () => {
      const { state } = zoneOf(ran("supply", pair(32, 43)));
      assert.equal(state.supplyLimit.out.isWarm, true);
      assert.ok(zoneOf(ran("supply", pair(32, 46))).state.shed.causes["coolant-hot"].isAsked);
    });

    it(`count by the hotter for a limit: return, ${order}`, () => {
      assert.ok(zoneOf(ran("return_", pair(42, 61))).state.shed.causes["coolant-hot"].isAsked);
    });

    it(`count by the hotter supply for the guard, ${order}`, () => {
      const hall = ran("supply", pair(32, 39));
      assert.deepEqual(guardOf(hall.state, "cdu-1", { kind: "raise-heat", byW: 0 }), {
        result: "allowed",
        returnCel: 39 + 10,
      });
    });

    it(`count by the colder supply for the dew point, ${order}`, () => {
      const { dewPoint } = zoneOf(ran("supply", pair(32, 36), 31)).state;
      assert.deepEqual([dewPoint.out.marginK, dewPoint.out.isBreached], [1, true]);
    });

    it(`count by the larger rise for the heat, ${order}`, () => {
      const { out } = zoneOf(ran("supply", pair(32, 36))).state;
      assert.ok(Math.abs(out.heatW - 2.5e6) < 1e4, `${out.heatW} W`);
    });

    it(`count by the smaller flow, ${order}`, () => {
      const hall = ran("flow", pair(3_614, 1_000));
      assert.equal(zoneOf(hall).state.lowFlow.out.isLow, true);
      assert.equal(hall.ids().includes("coolant-flow-lost"), true);
    });
  }

  it("are told after three samples, and end when they agree", () => {
    const hall = hallOf();
    show(hall, "supply", ["lost", 32, 36]);
    hall.run(2);
    assert.deepEqual(hall.ids(), []);
    hall.run(1);
    const [told] = hall.events.filter(({ id }) => id === "coolant-sensors-apart");
    assert.equal(told?.device, "cdu-1");
    assert.match(told.text, /say 32\.0 and 36\.0 °C/);
    show(hall, "supply", ["lost", 32, 32.1]);
    hall.run(2);
    assert.equal(hall.ids("cleared").includes("coolant-sensors-apart"), true);
  });
});

describe("what is told of sensors of coolant", () => {
  it("is each that is lost, on its own device, where its link is the cause of it", () => {
    const hall = hallOf();
    show(hall, "flow", [3_614, "lost", 3_614]);
    hall.run(4);
    assert.deepEqual(hall.ids(), [], "a short gap is none");
    hall.run(5);
    const [told, ...more] = hall.events;
    assert.deepEqual(
      [told?.id, told?.device, told?.point],
      ["coolant-sensor-lost", "ts-1-2", "x-flow"],
    );
    assert.deepEqual(more, []);
    assert.ok(alarmProcessing("coolant-sensor-lost").suppressedBy.includes("no-communication"));
    show(hall, "flow", [3_614, 3_614, 3_614]);
    hall.run(2);
    assert.deepEqual(hall.ids("cleared"), ["coolant-sensor-lost"]);
  });

  it("is that one is left of several, and none; then it is as with one that is lost", () => {
    const hall = hallOf();
    show(hall, "supply", ["lost", "lost", 32]);
    hall.run(8);
    const few = hall.events.filter(({ id }) => id === "coolant-sensors-few");
    assert.equal(few[0]?.device, "cdu-1");
    assert.match(few[0].text, /supply temperature of cdu-1 stands on one of three sensors/);
    for (const quantity of VOTED_QUANTITIES) show(hall, quantity, ["lost", "lost", "lost"]);
    hall.run(12);
    assert.equal(hall.ids().includes("cooling-unknown"), true);
    hall.run(60);
    assert.ok(zoneOf(hall).state.shed.causes["cooling-unknown"].isAsked);
    show(hall, "supply", [32, 32, 32]);
    show(hall, "return_", [42, 42, 42]);
    show(hall, "flow", [3_614, 3_614, 3_614]);
    hall.run(2);
    assert.equal(hall.ids("cleared").includes("coolant-sensors-few"), true);
    assert.equal(hall.ids("cleared").includes("cooling-unknown"), true);
  });

  it("is not that few are left where there was one only", () => {
    const hall = hallOf();
    const { measures, votes } = zoneOf(hall).inputs;
    const three = votes.supply?.plan;
    assert.ok(three !== undefined);
    const one = { ...three, inputs: three.inputs.slice(2), sensors: three.sensors.slice(2) };
    const alone = zoneVotes({ supply: one, return_: undefined, flow: undefined }, measures);
    const read = (): readonly unknown[] => {
      readVotes(alone, { view: hall.image.view, now: monotonicMs(hall.now) });
      return [standingOf(alone.supply), alone.supply?.isFew];
    };
    hall.run(1);
    assert.deepEqual(read(), [undefined, false]);
    hall.set({ supply3: "lost" });
    hall.run(1);
    read();
    hall.run(20);
    assert.deepEqual(read(), ["none of one", false]);
  });

  it("is nothing of a unit with one sensor of each", () => {
    const hall = hallOf(1);
    assert.deepEqual(zoneOf(hall).inputs.votes, {
      supply: undefined,
      return_: undefined,
      flow: undefined,
    });
    assert.equal(zoneOf(hall).inputs.coldestSupply, zoneOf(hall).inputs.measures.supply);
    hall.set({ supply: "lost" });
    hall.run(20);
    assert.deepEqual(hall.ids(), []);
  });

  it("is on how many a value stands: in notices and in the reasons", () => {
    const hall = hallOf();
    hall.run(5);
    const sentences = (): string => {
      const now = monotonicMs(hall.now);
      const sight = { view: hall.image.view, now, timeOf: String };
      const all = explainThermal(hall.state, { asset: "cdu-1", point: undefined }, sight);
      return all.flatMap(({ links }) => links.map(({ text }) => text)).join("\n");
    };
    assert.ok(!sentences().includes("sensors"), "all count: nothing to say");
    show(hall, "supply", [32, 32, 60]);
    show(hall, "return_", ["lost", "lost", 42]);
    hall.run(5);
    assert.match(
      sentences(),
      /its supply temperature stands on two of three sensors: ts-1-3\/x-supply is outvoted/,
    );
    assert.match(
      sentences(),
      /return temperature stands on one of three sensors: \S+ shows nothing, \S+ shows nothing/,
    );
    show(hall, "return_", ["lost", "lost", 61]);
    hall.run(5);
    const text = hall.events.find(({ id }) => id === "shed-requested")?.text ?? "";
    assert.match(text, /\(supply temperature by two of three sensors, return .* by one of three/);
  });
});

/** A loop of 2.5 MW: what its sensors show follows flow and heat, and one sensor lies. */
function loop(sensors: 1 | 3, lieAt: (s: number, cel: number) => Shown) {
  const hall = new Hall(1, "control", { sensors });
  const zone = zoneOf(hall);
  let [s, heatMw, coolerCel, hottestCel] = [0, 2.5, 32, 0];
  const turn = (): void => {
    s += 1;
    const speed = hall.writes.filter(({ point }) => point === 3).at(-1)?.value ?? 83;
    const flow = (3_614 / 83) * speed;
    if (zone.state.shed.out.isAsked) heatMw = Math.max(0, heatMw - 2.5 / 30);
    const riseK = (heatMw * 1e6) / ((4_150 / 60) * flow);
    const returnCel = coolerCel + riseK;
    hottestCel = Math.max(hottestCel, returnCel);
    const wobbleK = 0.05 * Math.sin(s);
    const lie = lieAt(s, coolerCel);
    const told =
      sensors === 1 ? [lie] : [coolerCel - 0.2 + wobbleK, lie, coolerCel + 0.2 - wobbleK];
    show(hall, "supply", told);
    show(hall, "return_", [returnCel - 0.1, returnCel, returnCel + 0.1].slice(0, sensors));
    show(hall, "flow", [flow, flow * 1.002, flow * 0.998].slice(0, sensors));
    hall.set({ speed });
  };
  const run = (seconds: number, slopeKPerS = 0): void => {
    for (let second = 0; second < seconds; second += 1) {
      coolerCel += slopeKPerS;
      turn();
      hall.run(1);
    }
  };
  return { hall, run, hottestCel: () => hottestCel };
}

describe("a supply sensor that lies, in a hall", () => {
  for (const [what, lieAt] of [
    ["far too hot", () => 60],
    ["hotter and hotter", (s: number) => 32 + 0.3 * Math.max(0, s - 20)],
    ["far too cold", () => 5],
    ["now hot, now cold", (s: number) => (s % 2 === 0 ? 70 : 0)],
    ["now there, now lost", (s: number) => (s % 3 === 0 ? 60 : "lost")],
  ] as const satisfies readonly (readonly [string, (s: number) => Shown])[])
    it(`sheds no load and moves no pump when it is ${what}`, () => {
      const { hall, run } = loop(3, (s, cel) => (s < 20 ? cel : lieAt(s)));
      run(20);
      const before = hall.writes.filter(({ point }) => point === 3).at(-1)?.value ?? NaN;
      run(200);
      const asked = hall.ids().filter((id) => /shed|heating|hot|dew|flow/.test(id));
      assert.deepEqual(asked, []);
      const after = hall.writes.filter(({ point }) => point === 3).at(-1)?.value ?? NaN;
      assert.ok(Math.abs(after - before) < 5, `${before} % became ${after} %`);
    });

  it("sheds at once where it is alone (negative control)", () => {
    const { hall, run } = loop(1, (s, cel) => (s < 20 ? cel : 60));
    run(60);
    assert.equal(hall.ids().includes("shed-requested"), true);
  });

  it("hides no supply that gets hot: load goes in time", () => {
    const voted = loop(3, () => 20);
    voted.run(30);
    voted.run(120, 0.15);
    voted.run(120);
    assert.equal(voted.hall.ids().includes("coolant-heating"), true);
    assert.ok(voted.hottestCel() < 60, `${voted.hottestCel()} °C`);
    const [asked] = voted.hall.events.filter(({ id }) => id === "shed-requested");
    assert.ok(asked !== undefined && asked.at < 30_000 + (1_000 * (45 - 32)) / 0.15);
  });

  it("is taken for no slope when others begin to count", () => {
    const hall = hallOf();
    show(hall, "return_", [50, 50, 50]);
    show(hall, "supply", [39.6, 40.3, 39.9]);
    hall.run(20);
    show(hall, "supply", [39.6, 40.3, 5]);
    hall.run(30);
    assert.deepEqual(seen(hall, "supply"), [40.3, 39.6, "two of three"]);
    assert.deepEqual(hall.ids(), ["sensor-deviates"]);
  });
});
