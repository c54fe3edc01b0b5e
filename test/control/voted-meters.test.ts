import { strict as assert } from "node:assert";
import type { ControlPlan } from "../../src/control/plan.ts";
import { pointIndex } from "../../src/domain/point.ts";
import { METER, MW, testPlan, unitPoints } from "../support/plant-plan.ts";
import { HandCycle } from "./support/hand-cycle.ts";

const SECOND = pointIndex(30);
const THIRD = pointIndex(31);
const COUNT = 32;
const CAP_W = 18 * MW;
const LOAD_W = 21 * MW;

/** Two batteries under a peak cap; the grid's power is measured three times, or once. */
function planOf(isVoted = true): ControlPlan {
  const base = testPlan({ peakCapW: CAP_W, withFeeders: false, rampWPerS: 24 * MW });
  const inputs = [METER, SECOND, THIRD].map((point) => ({ point, maxAgeMs: 300 }));
  const voted = {
    names: ["pcc-meter", "pcc-2", "pcc-3"],
    inputs,
    deviationFraction: 0.02,
    floor: 50_000,
    samples: 3,
    worse: "higher",
  } as const;
  return { ...base, grid: { ...base.grid, ...(isVoted ? { voted } : {}) } };
}

/** Meters see what the load and the batteries make of it; `offW` is what one adds to it. */
function site(plan = planOf()) {
  const hand = new HandCycle(plan, COUNT);
  const offW: Record<number, number> = { [METER]: 0, [SECOND]: 0, [THIRD]: 0 };
  const turn = () => {
    const batteriesW = [0, 1].reduce(
      (sumW, unit) => sumW + (hand.values[unitPoints(unit).power] ?? 0),
      0,
    );
    const wobbleW = 1_000 * Math.sin(hand.now);
    const gridW = LOAD_W - batteriesW + wobbleW;
    return hand.turn(
      Object.fromEntries([METER, SECOND, THIRD].map((p) => [p, gridW + (offW[p] ?? 0)])),
    );
  };
  const run = (cycles: number): number[] =>
    Array.from({ length: cycles }, () => {
      turn();
      return hand.status.totalW;
    });
  run(60);
  return { hand, offW, run };
}

const spread = (powersW: readonly number[]): number => Math.max(...powersW) - Math.min(...powersW);

describe("meters of the grid that vote", () => {
  it("keep the batteries where they are when one is 5 % off, and tell it after three samples", () => {
    const { hand, offW, run } = site();
    const before = hand.status.totalW;
    assert.ok(Math.abs(before - (LOAD_W - CAP_W)) < 0.1 * MW, `${before} W`);
    offW[METER] = 0.05 * CAP_W;
    const early = run(2);
    assert.deepEqual(hand.phasesOf("sensor-deviates"), []);
    const late = run(100);
    assert.deepEqual(hand.phasesOf("sensor-deviates"), ["raised"]);
    assert.ok(spread([before, ...early, ...late]) < 0.01 * CAP_W);
    const { distrusted } = hand.turn();
    assert.deepEqual(
      distrusted.map(({ point }) => point),
      [METER],
      "what goes north of it is marked",
    );
    offW[METER] = 0;
    run(40);
    assert.deepEqual(hand.phasesOf("sensor-deviates"), ["raised", "cleared"]);
  });

  it("would move them if it were the only one (negative control)", () => {
    const { hand, offW, run } = site(planOf(false));
    offW[METER] = 0.05 * CAP_W;
    assert.ok(spread([hand.status.totalW, ...run(50)]) > 0.04 * CAP_W);
  });

  it("go on with two, by the higher import, and with one", () => {
    const { hand, offW, run } = site();
    hand.bad.add(METER);
    offW[THIRD] = 0.2 * MW;
    run(60);
    assert.equal(hand.status.source, "meter");
    const gridW = hand.values[SECOND]! - offW[SECOND]!;
    assert.ok(Math.abs(gridW - (CAP_W - 0.2 * MW)) < 0.1 * MW, `${gridW} W`);
    hand.bad.add(THIRD);
    run(60);
    assert.equal(hand.status.source, "meter");
    assert.ok(Math.abs(hand.values[SECOND]! - CAP_W) < 0.1 * MW);
    hand.bad.add(SECOND);
    run(60);
    assert.equal(hand.status.source, "none", "nothing is known: the batteries let go");
  });
});
