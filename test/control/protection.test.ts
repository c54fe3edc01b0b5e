import { strict as assert } from "node:assert";
import type { BlockPlan, ControlPlan, DeratePlan, ProtectionPlan } from "../../src/control/plan.ts";
import { pointIndex } from "../../src/domain/point.ts";
import { MW, testPlan, unitPoints } from "../support/plant-plan.ts";
import { HandCycle, powerCommand } from "./support/hand-cycle.ts";

const CELL_V = pointIndex(30);
const CELL_CEL = pointIndex(31);
const BMS_COUNT = pointIndex(32);
const COUNT = 33;
const BESS_1 = unitPoints(0);
const HIGH_BIT = 10;
const LOW_BIT = 12;

function planOf(protection: Partial<ProtectionPlan>): ControlPlan {
  const base = testPlan({
    peakCapW: undefined,
    withFeeders: false,
    importLimitW: 90 * MW,
    exportLimitW: 50 * MW,
    rampWPerS: 24 * MW,
  });
  return { ...base, protection: { blocks: [], derates: [], people: [], ...protection } };
}

const bitBlock = (direction: BlockPlan["direction"], bit: number): BlockPlan => ({
  name: "battery-voltage-high",
  device: "bess-1",
  direction,
  cause: {
    kind: "state",
    condition: { point: BESS_1.alarms, when: { bit }, isActiveLow: false },
  },
  releaseMs: 60_000,
  units: [0],
});

const limitBlock: BlockPlan = {
  ...bitBlock("charge", 0),
  name: "cell-voltage.maximum",
  cause: {
    kind: "limit",
    input: { point: CELL_V, maxAgeMs: 1_000 },
    side: "above",
    limit: 3.55,
    hysteresis: 0.05,
  },
};

const hot: DeratePlan = {
  input: { point: CELL_CEL, maxAgeMs: 1_000 },
  fromCel: 45,
  toCel: 55,
  hysteresisK: 4,
  direction: "both",
  units: [0],
};

/** Unit 1 is asked for a power of its own. */
function asked(protection: Partial<ProtectionPlan>, powerW: number): HandCycle {
  const hand = new HandCycle(planOf(protection), COUNT);
  hand.values[CELL_V] = 3.4;
  hand.values[CELL_CEL] = 25;
  hand.run(200);
  hand.turn({}, { commands: [powerCommand("bess-1", powerW)] });
  hand.run(1_000);
  assert.equal(hand.values[BESS_1.setpoint], powerW);
  return hand;
}

const setpointOf = (hand: HandCycle): number => hand.values[BESS_1.setpoint] ?? Number.NaN;
const isZero = (value: number): boolean => Math.abs(value) === 0;

describe("a block of one direction", () => {
  it("ends charging in the cycle that sees it, and only charging", () => {
    const hand = asked({ blocks: [bitBlock("charge", HIGH_BIT)] }, -5 * MW);
    hand.turn({ [BESS_1.alarms]: 2 ** HIGH_BIT });
    assert.ok(isZero(setpointOf(hand)));
    const [unit] = hand.status.units;
    assert.ok(isZero(unit?.lowW ?? Number.NaN) && unit?.highW === 12 * MW);
    assert.deepEqual(hand.phasesOf("charge-blocked"), ["raised"]);
    hand.turn({}, { commands: [powerCommand("bess-1", 5 * MW, 2)] });
    hand.run(1_000);
    assert.equal(setpointOf(hand), 5 * MW);
  });

  it("ends discharging alike", () => {
    const hand = asked({ blocks: [bitBlock("discharge", LOW_BIT)] }, 5 * MW);
    hand.turn({ [BESS_1.alarms]: 2 ** LOW_BIT });
    assert.ok(isZero(setpointOf(hand)));
    hand.turn({}, { commands: [powerCommand("bess-1", -5 * MW, 2)] });
    hand.run(1_000);
    assert.equal(setpointOf(hand), -5 * MW);
  });

  it("lasts 60 s after its cause, counted anew when it comes back", () => {
    const hand = asked({ blocks: [bitBlock("charge", HIGH_BIT)] }, -5 * MW);
    hand.turn({ [BESS_1.alarms]: 2 ** HIGH_BIT });
    hand.turn({ [BESS_1.alarms]: 0 });
    hand.run(50_000);
    hand.turn({ [BESS_1.alarms]: 2 ** HIGH_BIT });
    hand.turn({ [BESS_1.alarms]: 0 });
    hand.run(59_800);
    assert.ok(isZero(setpointOf(hand)));
    hand.run(2_000);
    assert.equal(setpointOf(hand), -5 * MW);
    assert.deepEqual(hand.phasesOf("charge-blocked"), ["raised", "cleared"]);
  });

  it("is not ended by a reading that is not there, nor begun by one", () => {
    const hand = asked({ blocks: [bitBlock("charge", HIGH_BIT)] }, -5 * MW);
    hand.bad.add(BESS_1.alarms);
    hand.run(2_000);
    assert.equal(setpointOf(hand), -5 * MW);
    hand.bad.clear();
    hand.turn({ [BESS_1.alarms]: 2 ** HIGH_BIT });
    hand.bad.add(BESS_1.alarms);
    hand.run(120_000);
    assert.ok(isZero(setpointOf(hand)));
  });

  it("by a value begins beyond its limit, and ends only back by the hysteresis for 60 s", () => {
    const hand = asked({ blocks: [limitBlock] }, -5 * MW);
    hand.turn({ [CELL_V]: 3.55 });
    assert.equal(setpointOf(hand), -5 * MW, "at the limit is not beyond");
    hand.turn({ [CELL_V]: 3.551 });
    assert.ok(isZero(setpointOf(hand)));
    hand.turn({ [CELL_V]: 3.52 });
    hand.run(90_000);
    assert.ok(isZero(setpointOf(hand)), "not back by the hysteresis");
    hand.turn({ [CELL_V]: 3.499 });
    hand.run(59_800);
    assert.ok(isZero(setpointOf(hand)));
    hand.run(2_000);
    assert.equal(setpointOf(hand), -5 * MW);
  });

  it("holds against a person who holds the unit as well", () => {
    const hand = asked({ blocks: [bitBlock("charge", HIGH_BIT)] }, -5 * MW);
    hand.turn({}, { orders: [{ kind: "hold", asset: "bess-1", by: "anna" }] });
    hand.run(500);
    assert.equal(setpointOf(hand), -5 * MW);
    hand.turn({ [BESS_1.alarms]: 2 ** HIGH_BIT });
    assert.ok(isZero(setpointOf(hand)));
  });
});

describe("a unit that is hot", () => {
  it("gives what its temperature leaves, at once less and 4 K later more", () => {
    const hand = asked({ derates: [hot] }, 12 * MW);
    hand.turn({ [CELL_CEL]: 50 });
    assert.equal(setpointOf(hand), 6 * MW);
    assert.deepEqual([hand.status.units[0]?.lowW, hand.status.units[0]?.highW], [-6 * MW, 6 * MW]);
    assert.deepEqual(hand.phasesOf("unit-derated"), ["raised"]);
    hand.turn({ [CELL_CEL]: 47 });
    hand.run(500);
    assert.equal(setpointOf(hand), 6 * MW);
    hand.turn({ [CELL_CEL]: 41 });
    hand.run(1_000);
    assert.equal(setpointOf(hand), 12 * MW);
    assert.deepEqual(hand.phasesOf("unit-derated"), ["raised", "cleared"]);
    hand.turn({ [CELL_CEL]: 55 });
    assert.ok(isZero(setpointOf(hand)));
  });

  it("gives less of what its device allows, not of its rating", () => {
    const hand = asked({ derates: [hot] }, 12 * MW);
    hand.turn({ [CELL_CEL]: 50, [BESS_1.dischargeLimit]: 8 * MW });
    assert.equal(setpointOf(hand), 4 * MW);
  });

  it("gives less in the direction that is meant", () => {
    const hand = asked({ derates: [{ ...hot, direction: "charge" }] }, 12 * MW);
    hand.turn({ [CELL_CEL]: 55 });
    hand.run(500);
    assert.equal(setpointOf(hand), 12 * MW);
    hand.turn({}, { commands: [powerCommand("bess-1", -5 * MW, 2)] });
    hand.run(500);
    assert.ok(isZero(setpointOf(hand)));
  });

  it("gives the less the longer its temperature cannot be read, at the site's ramp", () => {
    const hand = asked({ derates: [hot] }, 12 * MW);
    hand.bad.add(CELL_CEL);
    hand.run(500);
    const fadedW = 12 * MW - setpointOf(hand);
    // 24 MW/s of the site for two units.
    assert.ok(fadedW >= 5 * MW && fadedW <= 7 * MW, `${fadedW} W`);
    hand.bad.clear();
    hand.run(1_000);
    assert.equal(setpointOf(hand), 12 * MW);
  });
});

describe("a battery behind its converter that does not count any more", () => {
  it("is held at zero after 2 s, and comes back by itself", () => {
    const base = planOf({});
    const batteryHeartbeat = { point: BMS_COUNT, maxAgeMs: 2_000 };
    const heartbeat = { point: BESS_1.heartbeat, maxAgeMs: 3_500 };
    const units = base.units.map((unit, place) =>
      place === 0 ? { ...unit, points: { ...unit.points, heartbeat, batteryHeartbeat } } : unit,
    );
    const hand = new HandCycle({ ...base, units }, COUNT);
    const beat = (ms: number, isAlive: boolean): void => {
      for (const endMs = hand.now + ms; hand.now < endMs;)
        hand.turn(isAlive ? { [BMS_COUNT]: hand.now } : {});
    };
    beat(200, true);
    hand.turn({}, { commands: [powerCommand("bess-1", 5 * MW)] });
    beat(5_000, true);
    assert.equal(setpointOf(hand), 5 * MW);
    beat(1_950, false);
    assert.equal(setpointOf(hand), 5 * MW);
    beat(200, false);
    assert.ok(isZero(setpointOf(hand)));
    assert.equal(hand.status.units[0]?.mode, "faulted");
    assert.deepEqual(hand.phasesOf("battery-silent"), ["raised"]);
    assert.deepEqual(hand.phasesOf("pcs-fault"), [], "the converter has none");
    beat(1_000, true);
    assert.equal(setpointOf(hand), 5 * MW);
    assert.deepEqual(hand.phasesOf("battery-silent"), ["raised", "cleared"]);
    const stoppedAt = hand.values[BESS_1.heartbeat]!;
    const freeze = (ms: number): string | undefined => {
      for (const endMs = hand.now + ms; hand.now < endMs;) {
        hand.values[BESS_1.heartbeat] = stoppedAt - 1;
        hand.turn();
      }
      const [unit] = hand.status.units;
      return unit?.mode;
    };
    assert.equal(freeze(3_000), "ready", "both stand still: that is not the battery's silence");
    assert.equal(freeze(1_000), "silent", "the link is lost");
    assert.deepEqual(hand.phasesOf("battery-silent"), ["raised", "cleared"]);
    beat(1_000, true);
    hand.bad.add(BMS_COUNT);
    beat(10_000, false);
    assert.equal(setpointOf(hand), 5 * MW, "a counter that cannot be read says nothing");
  });
});

describe("an interlock that was seen shut while its unit was stopped", () => {
  it("is shut when the unit may go on, although its reading is lost just then", () => {
    const base = planOf({});
    const remote = {
      name: "remote",
      condition: { point: CELL_V, when: { equals: 0 }, isActiveLow: false },
      maxAgeMs: 100,
    };
    const envelope = base.envelope.map((entry) =>
      entry.point === BESS_1.setpoint ? { ...entry, interlocks: [remote] } : entry,
    );
    const hand = new HandCycle({ ...base, envelope }, COUNT);
    hand.values[CELL_V] = 0;
    hand.run(200);
    hand.turn({}, { commands: [powerCommand("bess-1", 5 * MW)] });
    hand.run(1_000);
    assert.equal(setpointOf(hand), 5 * MW);
    hand.turn({ [BESS_1.alarms]: 64, [CELL_V]: 1 });
    hand.bad.add(CELL_V);
    hand.turn({ [BESS_1.alarms]: 0 });
    const order = { kind: "reset", trip: "all", by: "anna" } as const;
    const { answers, writes } = hand.turn({}, { orders: [order] });
    assert.equal(answers[0]?.result, "done");
    assert.deepEqual(
      writes.filter(({ point }) => point === BESS_1.setpoint),
      [],
    );
  });
});
