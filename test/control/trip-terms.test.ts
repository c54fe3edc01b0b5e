import { strict as assert } from "node:assert";
import { judgeWrite } from "../../src/control/envelope.ts";
import type { ControlPlan, TripTerms } from "../../src/control/plan.ts";
import { PLAIN_TRIP } from "../../src/control/plan.ts";
import { FIRST_WORD_MS } from "../../src/control/trip-cause.ts";
import { SNAPSHOT_UNITS_MAX } from "../../src/control/trip-snapshot.ts";
import { SNAPSHOTS_MAX } from "../../src/control/trips.ts";
import { pointIndex } from "../../src/domain/point.ts";
import { monotonicMs } from "../../src/domain/time.ts";
import { PointImage } from "../../src/points/image.ts";
import {
  chillerEntry,
  METER,
  MW,
  STATE_FAULT,
  STATE_OFF,
  testPlan,
  unitPoints,
} from "../support/plant-plan.ts";
import { HandCycle, powerCommand } from "./support/hand-cycle.ts";

const SENSORS = [30, 31, 32].map(pointIndex);
const COUNT = 33;
const BESS_1 = unitPoints(0);
const BESS_2 = unitPoints(1);

/** The test site with one more trip: sensors of the plant that stop both batteries. */
function planOf(terms: Partial<TripTerms> = {}, sensors = 1, id = "fire-alarm"): ControlPlan {
  const base = testPlan({
    peakCapW: undefined,
    withFeeders: false,
    importLimitW: 90 * MW,
    exportLimitW: 50 * MW,
    rampWPerS: 24 * MW,
  });
  const [condition, ...channels] = SENSORS.slice(0, sensors).map((point) => ({
    point,
    when: { equals: 1 },
    isActiveLow: false,
  }));
  assert.ok(condition !== undefined);
  const rule = {
    id,
    device: "panel",
    pointName: "fire-alarm",
    text: "fire",
    condition,
    units: [0, 1],
    terms: { ...PLAIN_TRIP, channels, ...terms },
  };
  return { ...base, trips: [...base.trips, rule] };
}

/** Both batteries at work, 4 MW each. */
function atWork(plan: ControlPlan): HandCycle {
  const hand = new HandCycle(plan, COUNT);
  for (const sensor of SENSORS) hand.values[sensor] = 0;
  hand.run(200);
  const commands = [powerCommand("battery", 8 * MW)];
  hand.turn({}, { commands });
  hand.run(1_000);
  assert.deepEqual(
    [BESS_1.setpoint, BESS_2.setpoint].map((point) => hand.values[point]),
    [4 * MW, 4 * MW],
  );
  return hand;
}

const idsOf = (hand: HandCycle): string[] => hand.status.trips.map(({ id }) => id);

describe("a trip by an input of the plant", () => {
  it("writes STOP and zero to every unit that it names in the cycle that sees it", () => {
    const hand = atWork(planOf());
    const { writes } = hand.turn({ [SENSORS[0]!]: 1 });
    assert.deepEqual(
      new Set(writes.map(({ point, value, isProtective }) => [point, value, isProtective].join())),
      new Set(
        [BESS_1, BESS_2].flatMap(({ run, setpoint }) => [`${run},0,true`, `${setpoint},0,true`]),
      ),
    );
    assert.equal(hand.values[BESS_1.state], STATE_OFF);
  });

  it("is ended by no command from afar, only at the box", () => {
    const hand = atWork(planOf());
    hand.turn({ [SENSORS[0]!]: 1 });
    hand.turn({ [SENSORS[0]!]: 0 });
    for (let sequence = 2; sequence < 40; sequence += 1) {
      const asset = ["battery", "bess-1", "bess-2"][sequence % 3]!;
      const { writes } = hand.turn({}, { commands: [powerCommand(asset, 9 * MW, sequence)] });
      for (const { value } of writes) assert.equal(value, 0);
    }
    assert.deepEqual(idsOf(hand), ["fire-alarm"]);
    assert.equal(hand.reset(), "done");
    assert.deepEqual(idsOf(hand), []);
  });

  it("lets nothing out to what it stops but its own zero and STOP, until it is reset", () => {
    const plan = planOf();
    const free = { ...chillerEntry(), asset: "bess-1", pointName: "x-mode", point: SENSORS[2]! };
    const entry = { ...free, min: 0, max: 1, interlocks: [], minimumIntervalMs: 0 };
    const hand = atWork({ ...plan, envelope: [...plan.envelope, entry] });
    const { view } = new PointImage(COUNT);
    const says = (isProtective: boolean): string => {
      const request = { point: entry.point, value: 1, isProtective };
      const verdict = judgeWrite(hand.control.envelope, request, view, monotonicMs(hand.now));
      return verdict.result === "refused" ? verdict.reason : verdict.result;
    };
    assert.equal(says(false), "allowed");
    hand.turn({ [SENSORS[0]!]: 1 });
    assert.deepEqual([says(false), says(true)], ["tripped", "allowed"]);
    hand.turn({ [SENSORS[0]!]: 0 });
    assert.equal(says(false), "tripped");
    assert.equal(hand.reset(), "done");
    assert.equal(says(false), "allowed");
  });

  it("survives kill −9, and a record that cannot be read counts as latched", () => {
    const hand = atWork(planOf());
    hand.turn({ [SENSORS[0]!]: 1 });
    hand.turn({ [SENSORS[0]!]: 0 });
    hand.restart();
    for (const { value } of hand.run(1_000).writes) assert.equal(value, 0);
    assert.deepEqual(idsOf(hand), ["fire-alarm"]);
    hand.restart("unreadable");
    hand.run(1_000);
    assert.deepEqual(idsOf(hand), ["latches-unreadable"]);
    assert.deepEqual(
      hand.status.units.map(({ mode }) => mode),
      ["tripped", "tripped"],
    );
  });
});

describe("what is kept with a trip", () => {
  it("is the plant as it was: power, setpoint, charge, state, grid, and when the cause came", () => {
    const hand = atWork(planOf());
    hand.turn({ [METER]: 20 * MW + 1 });
    hand.turn({ [SENSORS[0]!]: 1 });
    const [trip] = hand.status.trips;
    assert.equal(trip?.at, hand.now);
    assert.equal(trip.causeAt, hand.now, "the reading that showed it came in this cycle");
    const { snapshot } = trip;
    assert.equal(snapshot?.source, "meter");
    assert.equal(snapshot.gridW, 20 * MW + 1);
    assert.equal(snapshot.loadW, 28 * MW + 1);
    assert.equal(snapshot.totalW, 8 * MW);
    assert.deepEqual(snapshot.units, [
      {
        asset: "bess-1",
        mode: "ready",
        powerW: 4 * MW,
        setpointW: 4 * MW,
        socPercent: 60,
        state: 3,
      },
      {
        asset: "bess-2",
        mode: "ready",
        powerW: 4 * MW,
        setpointW: 4 * MW,
        socPercent: 60,
        state: 3,
      },
    ]);
    const event = hand.events.find(({ id }) => id === "fire-alarm");
    assert.equal(
      event?.text,
      "fire (bess-1 was at 4.00 MW, 60.0 %, all batteries 8.00 MW, grid 20.00 MW)",
    );
  });

  it("is saved with it, and taken back after a restart", () => {
    const hand = atWork(planOf());
    hand.turn({ [SENSORS[0]!]: 1 });
    const before = hand.status.trips;
    hand.restart();
    assert.deepEqual(hand.status.trips, before);
  });

  it("is bounded: the first trips, and the first units of each", () => {
    const units = 20;
    const base = testPlan({ units, peakCapW: undefined, withFeeders: false });
    const hand = new HandCycle(base, 10 + units * 10);
    hand.run(200);
    const pressed = Object.fromEntries(
      Array.from({ length: units }, (_, unit) => [unitPoints(unit).alarms, 64]),
    );
    hand.turn(pressed);
    const { trips } = hand.status;
    assert.equal(trips.length, units);
    assert.equal(trips.filter(({ snapshot }) => snapshot !== undefined).length, SNAPSHOTS_MAX);
    assert.ok(trips[0]?.snapshot !== undefined, "the first-out has one");
    assert.equal(trips[0].snapshot.units.length, SNAPSHOT_UNITS_MAX);
  });
});

describe("the reset of a trip", () => {
  it("waits until the cause has been gone for its time, without a break", () => {
    const hand = atWork(planOf({ holdOffMs: 1_000 }));
    hand.turn({ [SENSORS[0]!]: 1 });
    assert.equal(hand.reset(), "cause-present");
    hand.turn({ [SENSORS[0]!]: 0 });
    assert.equal(hand.reset(), "cause-just-gone");
    hand.run(500);
    hand.turn({ [SENSORS[0]!]: 1 });
    hand.turn({ [SENSORS[0]!]: 0 });
    hand.run(900);
    assert.equal(hand.reset(), "cause-just-gone");
    hand.run(100);
    assert.equal(hand.reset(), "done");
  });

  it("needs a name, and is told with it", () => {
    const hand = atWork(planOf());
    hand.turn({ [SENSORS[0]!]: 1 });
    hand.turn({ [SENSORS[0]!]: 0 });
    for (const nobody of ["", "  "]) assert.equal(hand.reset(nobody), "name-needed");
    assert.equal(hand.reset("anna"), "done");
    assert.match(hand.events.at(-1)?.text ?? "", /was reset by anna \(at the box\)/);
  });

  for (const [who, role, expected] of [
    ["a stranger", "operator", "not-allowed"],
    ["bob", "operator", "done"],
    ["bob", "safety", "not-allowed"],
    ["anna", "operator", "done"],
    ["anna", "safety", "done"],
  ] as const)
    it(`of a trip for role ${role} by ${who} is ${expected}, where the site names people`, () => {
      const people = [
        { name: "anna", role: "safety" },
        { name: "bob", role: "operator" },
      ] as const;
      const plan = { ...planOf({ role }), protection: { blocks: [], derates: [], people } };
      const hand = atWork(plan);
      hand.turn({ [SENSORS[0]!]: 1 });
      hand.turn({ [SENSORS[0]!]: 0 });
      assert.equal(hand.reset(who), expected);
      if (expected === "done")
        assert.match(hand.events.at(-1)?.text ?? "", /\((safety|operator)\)$/);
    });

  it("of latches that could not be read is for the safety role", () => {
    const people = [{ name: "bob", role: "operator" }] as const;
    const plan = { ...planOf(), protection: { blocks: [], derates: [], people } };
    const hand = new HandCycle(plan, COUNT);
    hand.restart("unreadable");
    hand.turn();
    assert.equal(hand.reset("bob"), "not-allowed");
  });
});

describe("a trip that may end by itself", () => {
  it("does so three times in an hour, then waits for a person, who lets it do so again", () => {
    const hand = atWork(planOf({ recoversAfterMs: 500 }));
    const once = (): void => {
      hand.turn({ [SENSORS[0]!]: 1 });
      assert.deepEqual(idsOf(hand), ["fire-alarm"]);
      hand.turn({ [SENSORS[0]!]: 0 });
      hand.run(450);
      assert.deepEqual(idsOf(hand), ["fire-alarm"], "not before its time");
      hand.run(100);
    };
    for (let time = 1; time <= 3; time += 1) {
      once();
      assert.deepEqual(idsOf(hand), [], `time ${time}`);
    }
    once();
    hand.run(5_000);
    assert.deepEqual(idsOf(hand), ["fire-alarm"], "the fourth stays");
    assert.equal(hand.reset(), "done");
    once();
    assert.deepEqual(idsOf(hand), []);
  });

  it("counts by the hour", () => {
    const hand = atWork(planOf({ recoversAfterMs: 500 }));
    for (let time = 1; time <= 3; time += 1) {
      hand.turn({ [SENSORS[0]!]: 1 });
      hand.turn({ [SENSORS[0]!]: 0 });
      hand.run(600);
    }
    hand.now += 3_600_000;
    hand.turn({ [SENSORS[0]!]: 1 });
    hand.turn({ [SENSORS[0]!]: 0 });
    hand.run(600);
    assert.deepEqual(idsOf(hand), []);
  });

  it("does not after a restart: nobody knows how often it was", () => {
    const hand = atWork(planOf({ recoversAfterMs: 500 }));
    hand.turn({ [SENSORS[0]!]: 1 });
    hand.turn({ [SENSORS[0]!]: 0 });
    hand.restart();
    hand.run(5_000);
    assert.deepEqual(idsOf(hand), ["fire-alarm"]);
  });

  it("or be let pass three times: then it latches", () => {
    const base = planOf();
    const fault = { point: BESS_1.state, when: { equals: STATE_FAULT }, isActiveLow: false };
    const rule = {
      ...base.trips[0]!,
      id: "fault-repeated",
      condition: fault,
      units: [0],
      terms: { ...PLAIN_TRIP, passesPerHour: 3 },
    };
    const hand = atWork({ ...base, trips: [rule] });
    for (let time = 1; time <= 3; time += 1) {
      hand.turn({ [BESS_1.state]: STATE_FAULT });
      hand.run(300);
      assert.deepEqual(idsOf(hand), [], `fault ${time}`);
      assert.equal(hand.status.units[0]?.mode, "faulted");
      hand.turn({ [BESS_1.state]: 3 });
      hand.run(300);
    }
    const { writes } = hand.turn({ [BESS_1.state]: STATE_FAULT });
    assert.deepEqual(idsOf(hand), ["fault-repeated"]);
    assert.ok(writes.some(({ point, value }) => point === BESS_1.run && value === 0));
    assert.equal(hand.status.units[1]?.mode, "ready", "the other one goes on");
    hand.turn({ [BESS_1.state]: 3 });
    assert.equal(hand.reset(), "done");
  });
});

describe("a trip that lets discharge ramp to zero", () => {
  const ramping = (): HandCycle => atWork(planOf({ rampMs: 5_000 }, 1, "gas-warning"));

  it("ends charging at once, is at zero within 5 s, and stops then, latched", () => {
    const hand = ramping();
    const startMs = hand.now;
    let beforeW = 4 * MW;
    let atZeroMs = Infinity;
    hand.turn({ [SENSORS[0]!]: 1 });
    for (; hand.now - startMs < 5_100; hand.turn()) {
      const powerW = hand.values[BESS_1.setpoint]!;
      assert.ok(powerW >= 0 && powerW <= beforeW, `${powerW} W after ${beforeW} W`);
      assert.ok(beforeW - powerW <= 0.13 * MW, `a step of ${beforeW - powerW} W`);
      beforeW = powerW;
      if (powerW === 0) atZeroMs = Math.min(atZeroMs, hand.now - startMs);
    }
    assert.ok(atZeroMs > 1_000 && atZeroMs <= 5_000, `${atZeroMs} ms`);
    assert.equal(hand.status.units[0]?.mode, "tripped");
    assert.equal(hand.values[BESS_1.run], 0, "stopped in the end");
    hand.turn({ [SENSORS[0]!]: 0 });
    hand.run(2_000);
    assert.deepEqual(idsOf(hand), ["gas-warning"]);
  });

  it("takes no charge from the cycle on that sees it", () => {
    const hand = new HandCycle(planOf({ rampMs: 5_000 }, 1, "gas-warning"), COUNT);
    for (const sensor of SENSORS) hand.values[sensor] = 0;
    hand.run(200);
    hand.turn({}, { commands: [powerCommand("battery", -8 * MW)] });
    hand.run(1_000);
    assert.equal(hand.values[BESS_1.setpoint], -4 * MW);
    hand.turn({ [SENSORS[0]!]: 1 });
    assert.equal(Math.abs(hand.values[BESS_1.setpoint]!), 0);
  });

  it("is a stop at once as soon as another trip wants that", () => {
    const hand = ramping();
    hand.turn({ [SENSORS[0]!]: 1 });
    hand.turn();
    assert.ok(hand.values[BESS_1.setpoint]! > 3 * MW);
    hand.turn({ [BESS_1.alarms]: 64 });
    assert.equal(hand.values[BESS_1.setpoint], 0);
    assert.equal(hand.status.trips[0]?.isFirstOut, true);
    assert.deepEqual(idsOf(hand), ["gas-warning", "emergency-stop"]);
  });

  it("is a stop after a restart: nobody knows how far it was", () => {
    const hand = ramping();
    hand.turn({ [SENSORS[0]!]: 1 });
    hand.restart();
    hand.turn();
    assert.equal(hand.values[BESS_1.run], 0);
  });
});

describe("sensors of a trip", () => {
  const blindMs = 2_000;

  it("alone: one that cannot be read for its time trips, as the open contact would", () => {
    const hand = atWork(planOf({ blindMs }));
    hand.bad.add(SENSORS[0]!);
    hand.run(1_950);
    assert.deepEqual(idsOf(hand), []);
    hand.run(150);
    assert.deepEqual(idsOf(hand), ["fire-alarm"]);
    assert.equal(hand.reset(), "cause-present");
    hand.bad.clear();
    hand.turn();
    assert.equal(hand.reset(), "done");
  });

  it("alone: has some seconds for its first word after a start, then it trips", () => {
    const hand = new HandCycle(planOf({ blindMs }), COUNT);
    hand.bad.add(SENSORS[0]!);
    hand.run(FIRST_WORD_MS - 100);
    assert.deepEqual(idsOf(hand), []);
    hand.run(200);
    assert.deepEqual(idsOf(hand), ["fire-alarm"]);
  });

  it("alone without a time: one that cannot be read says nothing", () => {
    const hand = atWork(planOf());
    hand.bad.add(SENSORS[0]!);
    hand.run(30_000);
    assert.deepEqual(idsOf(hand), []);
  });

  it("of three: one is outvoted and told, two trip", () => {
    const hand = atWork(planOf({ blindMs }, 3));
    hand.turn({ [SENSORS[1]!]: 1 });
    hand.run(3_100);
    assert.deepEqual(idsOf(hand), []);
    assert.deepEqual(hand.phasesOf("sensor-deviates"), ["raised"]);
    hand.turn({ [SENSORS[2]!]: 1 });
    assert.deepEqual(idsOf(hand), ["fire-alarm"]);
    hand.run(100);
    assert.equal(hand.reset(), "cause-present");
    hand.turn({ [SENSORS[1]!]: 0 });
    assert.equal(hand.reset(), "done");
  });

  it("of three: a lost one is told, and votes for the trip", () => {
    const hand = atWork(planOf({ blindMs }, 3));
    hand.bad.add(SENSORS[0]!);
    hand.run(2_100);
    assert.deepEqual(idsOf(hand), []);
    assert.deepEqual(hand.phasesOf("sensor-lost"), ["raised"]);
    hand.turn({ [SENSORS[2]!]: 1 });
    assert.deepEqual(idsOf(hand), ["fire-alarm"]);
  });

  it("of two trips of one device: each is told by itself, once", () => {
    const plan = planOf({ blindMs }, 2);
    const alone = { point: SENSORS[2]!, when: { equals: 1 }, isActiveLow: false };
    const [fire] = plan.trips.slice(-1);
    assert.ok(fire !== undefined);
    const terms = { ...PLAIN_TRIP, channels: [alone, alone], blindMs: 60_000 };
    const gas = { ...fire, id: "gas-alarm", pointName: "gas-alarm", condition: alone, terms };
    const hand = atWork({ ...plan, trips: [...plan.trips, gas] });
    hand.bad.add(SENSORS[0]!);
    hand.run(5_000);
    assert.deepEqual(hand.phasesOf("sensor-lost"), ["raised"]);
  });

  it("of three: two lost ones trip", () => {
    const hand = atWork(planOf({ blindMs }, 3));
    hand.bad.add(SENSORS[0]!);
    hand.bad.add(SENSORS[1]!);
    hand.run(2_100);
    assert.deepEqual(idsOf(hand), ["fire-alarm"]);
  });

  it("of two: one is enough", () => {
    const hand = atWork(planOf({ blindMs }, 2));
    hand.turn({ [SENSORS[1]!]: 1 });
    assert.deepEqual(idsOf(hand), ["fire-alarm"]);
  });
});

describe("a unit that was stopped before it was ever heard", () => {
  it("is one that nobody knows yet when its trip is reset, and breaks nothing", () => {
    const hand = new HandCycle(planOf(), COUNT);
    for (const sensor of SENSORS) hand.values[sensor] = 0;
    hand.bad.add(BESS_1.power);
    hand.turn({ [SENSORS[0]!]: 1 });
    hand.turn({ [SENSORS[0]!]: 0 });
    assert.equal(hand.reset(), "done");
    hand.run(500);
    assert.deepEqual(
      hand.status.units.map(({ mode }) => mode),
      ["unknown", "ready"],
    );
    assert.ok(Number.isFinite(hand.status.totalW));
    hand.bad.clear();
    hand.run(500);
    assert.equal(hand.status.units[0]?.mode, "ready");
  });
});

describe("a stopped unit", () => {
  it("is left to protection: reactive power goes to zero and nobody asks for any", () => {
    const base = planOf();
    const reactive = SENSORS[2]!;
    const units = base.units.map((unit, place) =>
      place === 0 ? { ...unit, points: { ...unit.points, reactive } } : unit,
    );
    const [chiller] = base.envelope.slice(-1);
    const entry = {
      ...chiller!,
      asset: "bess-1",
      pointName: "reactive-power-setpoint",
      point: reactive,
      min: -5 * MW,
      max: 5 * MW,
      interlocks: [],
      minimumIntervalMs: 0,
    };
    const hand = atWork({ ...base, units, envelope: [...base.envelope, entry] });
    hand.turn({ [reactive]: 3 * MW });
    const { writes } = hand.turn({ [SENSORS[0]!]: 1 });
    assert.ok(
      writes.some(
        ({ point, value, isProtective }) => point === reactive && value === 0 && isProtective,
      ),
    );
    hand.turn();
    const held = hand.run(1_200).writes.filter(({ point }) => point === reactive);
    assert.deepEqual(held, [], "read back");
  });
});
