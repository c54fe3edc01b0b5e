import { strict as assert } from "node:assert";
import { type GridState, unknownGrid } from "../../src/control/grid-trust.ts";
import { estimateLoad, noLoadEstimate } from "../../src/control/load-estimate.ts";
import { addToSeries } from "../../src/control/series.ts";
import { type UnitState, unknownUnit } from "../../src/control/units.ts";
import { monotonicMs } from "../../src/domain/time.ts";
import { PointImage } from "../../src/points/image.ts";
import { MECHANICAL, MW, testPlan, TRAIN, UPS } from "../support/plant-plan.ts";
import { readingOf } from "../support/plant-reading.ts";
import { lostReading } from "../support/plant-site.ts";

const CYCLE_MS = 50;
const FEEDER_MS = 100;
const LAG_MS = 55;
/** What the loss model of the site adds to 12 MW of the feeders, W. */
const LOSS_AT_12_W = 22_000 + 270_000 * (12 / 30.87) ** 2;

/** Cycles of 50 ms over a meter that is read in each, and feeders that are read less often. */
class Cycles {
  readonly plan = testPlan().grid;
  readonly estimate = noLoadEstimate();
  readonly image = new PointImage(8);
  readonly grid: GridState = unknownGrid(this.plan, monotonicMs(0));
  readonly units: UnitState[] = [];
  nowMs = 0;
  feederMs = FEEDER_MS;
  trainW = 8 * MW;
  /** What the meter finds beside what the feeders do, W. */
  missedW = 0;

  constructor() {
    this.grid.source = "meter";
  }

  get feedersW(): number {
    const sumW = this.trainW + 4 * MW;
    return sumW + 22_000 + 270_000 * (sumW / (30.87 * MW)) ** 2;
  }

  /** One cycle; the load that it finds, W. */
  turn(): number {
    const { grid, image } = this;
    this.nowMs += CYCLE_MS;
    if (this.nowMs % this.feederMs === 0)
      image.post(
        readingOf({ [TRAIN]: this.trainW, [UPS]: 3 * MW, [MECHANICAL]: MW }, { at: this.nowMs }),
      );
    image.take();
    if (grid.source === "meter") {
      grid.loadW = this.feedersW + this.missedW;
      grid.gridW = grid.loadW - this.batteryW;
    }
    return estimateLoad(this.estimate, this.plan, {
      grid,
      units: this.units,
      view: image.view,
      now: monotonicMs(this.nowMs),
      lagMs: LAG_MS,
    });
  }

  turns(count: number): number {
    let loadW = Number.NaN;
    for (let cycle = 0; cycle < count; cycle += 1) loadW = this.turn();
    return loadW;
  }

  /** A unit whose power was read now. */
  heard(powerW: number): void {
    if (this.units.length === 0) this.units.push(unknownUnit(monotonicMs(0)));
    for (const unit of this.units) {
      unit.countedW = powerW;
      addToSeries(unit.powers, this.nowMs, powerW);
    }
  }

  get batteryW(): number {
    return this.units.reduce((sum, { countedW }) => sum + countedW, 0);
  }
}

describe("estimate of the load", () => {
  it("is what the feeders and the loss say, where the meter agrees", () => {
    const cycles = new Cycles();
    assert.ok(Math.abs(cycles.turns(4) - 12 * MW - LOSS_AT_12_W) < 1);
  });

  for (const feederMs of [50, 100, 200, 500])
    it(`is held to the meter with 10 s where feeders are read each ${feederMs} ms`, () => {
      const cycles = new Cycles();
      cycles.feederMs = feederMs;
      const toFirstFeeder = feederMs / CYCLE_MS;
      cycles.turns(toFirstFeeder);
      cycles.missedW = 100_000;
      // What is left of the error after one time constant, by the exponential.
      cycles.turns(10_000 / CYCLE_MS);
      const left = 1 - cycles.estimate.missedW / 100_000;
      assert.ok(Math.abs(left - Math.exp(-1)) < 0.02, `${left} of the error is left`);
      cycles.turns(60_000 / CYCLE_MS);
      assert.ok(Math.abs(cycles.estimate.missedW - 100_000) < 500);
    });

  it("takes nothing for missed while a unit that is silent only counts", () => {
    const cycles = new Cycles();
    cycles.turns(1);
    cycles.heard(-5 * MW);
    for (const unit of cycles.units) {
      unit.mode = "silent";
      unit.powers.count = 0;
    }
    cycles.missedW = -MW;
    cycles.turns(20);
    const { estimate } = cycles;
    assert.equal(estimate.missedW, 0);
    cycles.heard(-5 * MW);
    cycles.missedW = 50_000;
    cycles.turns(2);
    const missedW: number = estimate.missedW;
    assert.ok(missedW > 0 && missedW < 1_000);
    // One that was never heard counts at what it does by itself.
    const unknown = new Cycles();
    unknown.units.push(unknownUnit(monotonicMs(0)));
    unknown.missedW = 50_000;
    unknown.turns(2);
    assert.ok(Math.abs(unknown.estimate.missedW - 50_000) < 1);
  });

  it("takes the first difference whole, and none beyond what the cross-check allows", () => {
    const cycles = new Cycles();
    cycles.missedW = 50_000;
    cycles.turns(2);
    assert.ok(Math.abs(cycles.estimate.missedW - 50_000) < 1);
    const wrong = new Cycles();
    wrong.missedW = 5 * MW;
    wrong.turns(2);
    const mostW = 2 * wrong.plan.crossCheck.fraction * wrong.grid.loadW;
    assert.ok(Math.abs(wrong.estimate.missedW - mostW) < 1, `${wrong.estimate.missedW} W`);
  });

  it("is no step after minutes without the meter", () => {
    const cycles = new Cycles();
    cycles.turns(20);
    cycles.grid.source = "feeders";
    cycles.image.post(lostReading([TRAIN], cycles.nowMs + 1));
    cycles.feederMs = Infinity;
    cycles.turns(3_000);
    cycles.grid.source = "meter";
    cycles.feederMs = FEEDER_MS;
    cycles.missedW = 100_000;
    const steps: number[] = [];
    let beforeW = cycles.estimate.missedW;
    for (let cycle = 0; cycle < 4; cycle += 1) {
      cycles.turn();
      steps.push(cycles.estimate.missedW - beforeW);
      beforeW = cycles.estimate.missedW;
    }
    assert.ok(Math.max(...steps) <= 10_001, `${steps.join()} W at once`);
    assert.ok(Math.max(...steps) > 0, "but it is held to the meter again");
  });

  it("does not take the battery's own movement for one of the load, between the feeders", () => {
    const cycles = new Cycles();
    cycles.heard(0);
    cycles.turns(2);
    const beforeW = cycles.estimate.loadW;
    // The battery has moved and has been read; the meter does not show it yet.
    cycles.heard(5 * MW);
    cycles.grid.source = "meter";
    const meterW = cycles.feedersW;
    cycles.nowMs += CYCLE_MS;
    cycles.grid.gridW = meterW;
    cycles.grid.loadW = meterW + 5 * MW;
    const sight = { grid: cycles.grid, units: cycles.units, view: cycles.image.view };
    const loadW = estimateLoad(cycles.estimate, cycles.plan, {
      ...sight,
      now: monotonicMs(cycles.nowMs),
      lagMs: LAG_MS,
    });
    assert.ok(Math.abs(loadW - beforeW) < 1, `${loadW - beforeW} W`);
  });

  it("follows a step that only the meter has seen yet, beyond what batteries explain", () => {
    const cycles = new Cycles();
    cycles.heard(2 * MW);
    cycles.turns(2);
    cycles.trainW += 6 * MW;
    const loadW = cycles.turn();
    assert.ok(Math.abs(loadW - cycles.feedersW) < 1, `${loadW} W of ${cycles.feedersW} W`);
  });

  it("is the meter's where the feeders are distrusted, lost or slow, and unknown without both", () => {
    const cycles = new Cycles();
    cycles.missedW = 200_000;
    cycles.turns(2);
    cycles.grid.distrusted = "feeders";
    cycles.trainW = 9 * MW;
    assert.equal(cycles.turn(), cycles.grid.loadW);
    cycles.grid.distrusted = "none";
    cycles.image.post(lostReading([TRAIN], cycles.nowMs + 1));
    cycles.feederMs = Infinity;
    assert.equal(cycles.turn(), cycles.grid.loadW);
    cycles.grid.source = "none";
    assert.equal(cycles.turn(), Number.NaN);
  });

  it("is the feeders' with what they miss where the meter is lost", () => {
    const cycles = new Cycles();
    cycles.missedW = 100_000;
    cycles.turns(4);
    cycles.grid.source = "feeders";
    cycles.trainW = 9 * MW;
    cycles.turn();
    const loadW = cycles.turn();
    assert.ok(Math.abs(loadW - cycles.feedersW - 100_000) < 1, `${loadW - cycles.feedersW} W`);
  });
});
