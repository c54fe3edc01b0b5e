import { strict as assert } from "node:assert";
import { openBox, resetBox } from "../../src/control/arbitration.ts";
import { unknownGrid } from "../../src/control/grid-trust.ts";
import { itemAt } from "../../src/control/item-at.ts";
import {
  beyondCapW,
  createSmoothingLevel,
  expectedLoad,
  keepEnergy,
  observeSmoothing,
  pinSmoothed,
  smoothLoad,
  type SmoothingLevel,
  takeNews,
  trackUnits,
  unitDelayRequest,
} from "../../src/control/smoothing-level.ts";
import { type UnitState, unknownUnit } from "../../src/control/units.ts";
import { monotonicMs } from "../../src/domain/time.ts";
import { PointImage } from "../../src/points/image.ts";
import { MW, testPlan, unitPoints } from "../support/plant-plan.ts";
import { readingOf } from "../support/plant-reading.ts";
import { lostReading } from "../support/plant-site.ts";
import { siteSettings } from "./smoothing/support/arms.ts";
import { LOOPS } from "./smoothing/support/timing.ts";

const CYCLE_MS = 50;
const MWH = 3_600e6;
const settings = siteSettings(LOOPS.d95, {
  lowW: 5 * MW,
  highW: 27 * MW,
  rampUpWPerS: 50_000,
  rampDownWPerS: 50_000,
  dischargeRatingW: 24 * MW,
  chargeRatingW: 24 * MW,
});
const plan = testPlan({ smoothing: settings });
const TERMS = { isEnabled: true, dutyW: 0, dispatchW: 0, capW: Infinity };

/** Two units that are read in every cycle, and a meter that says what is asked of it. */
class Level {
  readonly level: SmoothingLevel;
  readonly image = new PointImage(40);
  readonly grid = unknownGrid(plan.grid, monotonicMs(0));
  readonly units: UnitState[] = plan.units.map(() => unknownUnit(monotonicMs(0)));
  readonly reach = openBox();
  nowMs = 0;
  loadW = 20 * MW;
  soc: readonly number[] = [60, 62];

  constructor() {
    const level = createSmoothingLevel(plan, monotonicMs(0));
    assert.ok(level !== undefined);
    this.level = level;
    this.grid.source = "meter";
    for (const unit of this.units) {
      unit.mode = "ready";
      unit.countedW = 0;
    }
    resetBox(this.reach, -24 * MW, 24 * MW, "device-limits");
  }

  observe(): void {
    this.nowMs += CYCLE_MS;
    for (const [place, soc] of this.soc.entries())
      this.image.post(readingOf({ [unitPoints(place).soc]: soc }, { at: this.nowMs }));
    this.image.take();
    const batteryW = this.units.reduce((sum, { countedW }) => sum + countedW, 0);
    this.grid.loadW = this.loadW;
    this.grid.gridW = this.loadW - batteryW;
    const { grid, units, image } = this;
    const view = image.view;
    observeSmoothing(this.level, { plan, view, now: monotonicMs(this.nowMs), grid, units });
  }

  /** A cycle whose answer the two units give at once, in equal parts. */
  turn(terms: Partial<typeof TERMS> = {}): number {
    this.observe();
    smoothLoad(this.level, { ...TERMS, reach: this.reach, ...terms });
    for (const unit of this.units) unit.countedW = this.level.out.powerW / 2;
    return this.level.out.powerW;
  }

  turns(count: number, terms: Partial<typeof TERMS> = {}): void {
    for (let cycle = 0; cycle < count; cycle += 1) this.turn(terms);
  }
}

/** Nobody asks for anything beside smoothing. */
const NOBODY = { isDuty: false, askedLimitW: Infinity };

describe("smoothing as a level", () => {
  it("is none where the site does not smooth", () => {
    assert.equal(createSmoothingLevel(testPlan(), monotonicMs(0)), undefined);
  });

  it("counts the energy of units that can be told something, between reserve and ceiling", () => {
    const site = new Level();
    site.observe();
    const { inputs } = site.level;
    // 6 MWh each; a reading is wrong by up to its step of 0.1 %, on both sides.
    assert.ok(Math.abs(inputs.storedJ - (0.6 + 0.62) * 6 * MWH) < 1);
    assert.ok(Math.abs(inputs.floorJ - 2 * 0.301 * 6 * MWH) < 1);
    assert.ok(Math.abs(inputs.ceilingJ - 2 * 0.949 * 6 * MWH) < 1);
    itemAt(site.units, 1).mode = "silent";
    site.observe();
    assert.deepEqual([...site.level.counted], [1, 0]);
    assert.ok(Math.abs(inputs.storedJ - 0.6 * 6 * MWH) < 1);
    assert.ok(Math.abs(inputs.ceilingJ - 0.949 * 6 * MWH) < 1);
  });

  it("counts the energy anew when a unit comes or goes", () => {
    const site = new Level();
    site.turns(100);
    const both = site.level.smoothing.energy.storedJ;
    itemAt(site.units, 1).mode = "silent";
    site.turns(2);
    const one = site.level.smoothing.energy.storedJ;
    assert.ok(Math.abs(both - 1.22 * 6 * MWH) < 0.01 * MWH, `${both / MWH} MWh`);
    assert.ok(Math.abs(one - 0.6 * 6 * MWH) < 0.01 * MWH, `${one / MWH} MWh`);
  });

  it("leaves energy and room for what is promised to the grid", () => {
    const site = new Level();
    site.observe();
    const { floorJ, ceilingJ } = site.level.inputs;
    keepEnergy(site.level, { reserveEnergyJ: MWH, reserveRoomJ: 2 * MWH });
    assert.deepEqual(
      [site.level.inputs.floorJ - floorJ, ceilingJ - site.level.inputs.ceilingJ],
      [MWH, 2 * MWH],
    );
  });

  it("answers a step of the load in the cycle that sees it, and keeps the ramp", () => {
    const site = new Level();
    site.turns(200);
    const beforeW = site.level.out.referenceW;
    site.loadW = 10 * MW;
    const powerW = site.turn();
    assert.ok(Math.abs(powerW - (10 * MW - beforeW)) < 0.2 * MW, `${powerW} W`);
    assert.ok(Math.abs(site.level.out.referenceW - beforeW) <= 50_000 * 0.05 * 1.001);
  });

  it("does nothing while it is off, or has no unit that can be told something", () => {
    for (const isOff of [true, false]) {
      const site = new Level();
      site.turns(20);
      if (!isOff) for (const unit of site.units) unit.mode = "silent";
      site.turns(2, { isEnabled: !isOff });
      site.loadW = 10 * MW;
      const powerW = site.turn({ isEnabled: !isOff });
      assert.ok(Math.abs(powerW) < 0.1 * MW, `${powerW} W`);
      assert.equal(site.level.out.mode, "standby");
    }
  });

  it("adds a duty to the grid without any ramp, and keeps the reference out of it", () => {
    const site = new Level();
    site.turns(200);
    const beforeW = site.level.out.powerW;
    const referenceW = site.level.out.referenceW;
    const powerW = site.turn({ dutyW: 2 * MW });
    assert.ok(Math.abs(powerW - beforeW - 2 * MW) < 0.02 * MW, `${powerW - beforeW} W`);
    assert.ok(Math.abs(site.level.out.referenceW - referenceW) <= 50_000 * 0.05 * 1.001);
  });

  it("pins what it asks for under its own name, and under the cap's where that decides", () => {
    const site = new Level();
    site.turns(200);
    const box = openBox();
    resetBox(box, -24 * MW, 24 * MW, "device-limits");
    pinSmoothed(site.level, box, NOBODY);
    assert.deepEqual([box.lowW, box.highW], [site.level.out.powerW, site.level.out.powerW]);
    assert.deepEqual([box.lowBy, box.highBy], ["governor", "governor"]);
    site.turn({ capW: 15 * MW });
    resetBox(box, -24 * MW, 24 * MW, "device-limits");
    pinSmoothed(site.level, box, NOBODY);
    assert.deepEqual([box.lowBy, box.highBy], ["peak-cap", "peak-cap"]);
    resetBox(box, -24 * MW, 24 * MW, "device-limits");
    pinSmoothed(site.level, box, { isDuty: false, askedLimitW: 15 * MW });
    assert.equal(box.lowBy, "grid-instruction", "somebody asks for just that");
    resetBox(box, -24 * MW, 24 * MW, "device-limits");
    pinSmoothed(site.level, box, { isDuty: true, askedLimitW: 15 * MW });
    assert.equal(box.lowBy, "frequency-duty");
    resetBox(box, 3 * MW, 4 * MW, "connection");
    pinSmoothed(site.level, box, NOBODY);
    assert.ok(box.lowW >= 3 * MW && box.highW <= 4 * MW, "a stronger level's limits stay");
  });

  it("expects the load between what it is and what it will be", () => {
    const site = new Level();
    assert.deepEqual(expectedLoad(site.level, 7 * MW), { leastW: 7 * MW, mostW: 7 * MW });
    site.turns(20);
    assert.deepEqual(expectedLoad(site.level, 7 * MW), { leastW: 7 * MW, mostW: 20 * MW });
    assert.deepEqual(expectedLoad(site.level, 26 * MW), { leastW: 20 * MW, mostW: 26 * MW });
  });

  it("expects no edge of a load that is answered by its slow mean", () => {
    const site = new Level();
    site.turns(20);
    site.level.smoothing.supervisor.restS = 60;
    assert.deepEqual(expectedLoad(site.level, 26 * MW), { leastW: 26 * MW, mostW: 26 * MW });
  });

  it("goes beyond its cap only where the battery has no energy left for it", () => {
    const site = new Level();
    site.turns(200, { capW: 26 * MW });
    assert.equal(beyondCapW(site.level), 0);
    const empty = new Level();
    empty.soc = [30.2, 30.2];
    empty.turns(400, { capW: 15 * MW });
    const { referenceW } = empty.level.out;
    assert.equal(beyondCapW(empty.level), referenceW - 15 * MW);
    assert.ok(referenceW > 19 * MW, `${referenceW} W`);
  });

  it("adds up a jump of several cycles, and none while something else decides", () => {
    const site = new Level();
    site.turns(200);
    resetBox(site.reach, -1 * MW, 1 * MW, "device-limits");
    const beforeW = site.level.out.referenceW;
    site.loadW = 12 * MW;
    site.turns(3);
    // What the ramp allows in these cycles is no jump.
    const jumpW = 13 * MW - beforeW;
    assert.ok(Math.abs(site.level.jumpW - jumpW) <= 0.02 * MW, `${site.level.jumpW} ${jumpW} W`);
    assert.ok(site.level.jumpedAt > 0);
    const off = new Level();
    off.turns(200);
    resetBox(off.reach, -1 * MW, 1 * MW, "device-limits");
    off.loadW = 12 * MW;
    off.turns(3, { isEnabled: false });
    assert.equal(off.level.jumpW, 0);
  });

  it("takes a delay that was found, tells when it is another one, and keeps those of units", () => {
    const { level } = new Level();
    const found = (delayMs: number) => ({ result: "found", delayMs, correlation: 0.9 }) as const;
    assert.equal(takeNews(level, { delay: found(96) }), false);
    assert.equal(takeNews(level, { delay: found(180) }), true);
    assert.equal(level.smoothing.delayMs, 180);
    takeNews(level, { unitDelay: { unit: 1, found: found(60) } });
    takeNews(level, { unitDelay: { unit: 0, found: { result: "too-still" } } });
    assert.deepEqual([...level.unitDelaysMs], [Number.NaN, 60]);
  });

  it("tracks what a unit is asked for and gives, from anew after it was not heard", () => {
    const site = new Level();
    for (let cycle = 0; cycle < 10; cycle += 1)
      trackUnits(site.level, Float64Array.of(cycle, 2 * cycle), site.units);
    const { commandsW, count, ratingW } = unitDelayRequest(site.level, 1);
    assert.deepEqual([count, commandsW.at(-1), ratingW], [10, 18, 12 * MW]);
    itemAt(site.units, 1).mode = "silent";
    trackUnits(site.level, Float64Array.of(0, 0), site.units);
    assert.equal(unitDelayRequest(site.level, 1).count, 0);
    assert.equal(unitDelayRequest(site.level, 0).count, 11);
  });

  it("does not take a charge that cannot be read for an empty battery", () => {
    const site = new Level();
    site.turns(20);
    const storedJ = site.level.smoothing.energy.storedJ;
    site.image.post(lostReading([unitPoints(0).soc], site.nowMs + 1));
    site.soc = [];
    site.turn();
    assert.equal(site.level.inputs.storedJ, Number.NaN);
    assert.ok(Math.abs(site.level.smoothing.energy.storedJ - storedJ) < 0.001 * MWH);
  });
});
