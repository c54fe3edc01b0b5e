import { strict as assert } from "node:assert";
import type { ControlPlan } from "../../src/control/plan.ts";
import { siteSettings } from "../control/smoothing/support/arms.ts";
import { LOOPS } from "../control/smoothing/support/timing.ts";
import { MW, STATE_FAULT, testPlan } from "../support/plant-plan.ts";
import { PlantSite } from "../support/plant-site.ts";

/** Four converters of 12 MW stand for the four of 55 MW: all powers are 48/220 of those. */
const SCALE = 48 / 220;
const TOTAL_W = 150 * MW * SCALE;
const RAMP_W_PER_S = 50_000;
const STEP_MS = 5;
/** Feeders, meter and converter, each late by its own period: what a total may be off for. */
const NOISE = 0.01;

function planOf(change: (plan: ControlPlan) => ControlPlan = (plan) => plan): ControlPlan {
  const smoothing = siteSettings(LOOPS.d95, {
    loadPeriodMs: 100,
    meterLagMs: 55,
    rampUpWPerS: RAMP_W_PER_S,
    rampDownWPerS: RAMP_W_PER_S,
    lowW: 9 * MW,
    highW: 62 * MW,
    dischargeRatingW: 48 * MW,
    chargeRatingW: 48 * MW,
  });
  return change(
    testPlan({
      units: 4,
      smoothing,
      importLimitW: 90 * MW,
      exportLimitW: 40 * MW,
      peakCapW: 90 * MW,
    }),
  );
}

/** A load that stepped up so far that the batteries give `powerW` against the slow reference. */
function discharging(plan: ControlPlan, powerW = TOTAL_W): PlantSite {
  const stepMs = 21_000;
  const site = new PlantSite({
    plan,
    soc: 80,
    training: (ms) => 5 * MW + (ms >= stepMs ? powerW : 0),
  });
  site.run(24_000);
  return site;
}

const referenceOf = (site: PlantSite): number =>
  site.last?.status.smoothing?.referenceW ?? Number.NaN;

/** Runs a site beside its twin to which nothing happens: what the load needs is what that gives. */
function beside(site: PlantSite, ms: number, look: (partOfNeed: number) => void): void {
  const twin = discharging(planOf());
  for (let passed = 0; passed < ms; passed += STEP_MS) {
    site.run(STEP_MS);
    twin.run(STEP_MS);
    look(site.batteryW / twin.batteryW);
  }
}

/** Largest excess of what the batteries give over what is needed, part of it. */
function largestExcess(site: PlantSite, ms: number): number {
  let most = -Infinity;
  beside(site, ms, (part) => {
    most = Math.max(most, part - 1);
  });
  return most;
}

/** Time until the total is back within the noise, and stays there for a second, ms. */
function offFor(site: PlantSite): number {
  let passed = 0;
  let offMs = 0;
  beside(site, 1_500, (part) => {
    passed += STEP_MS;
    if (Math.abs(part - 1) > NOISE) offMs = passed;
  });
  return offMs;
}

describe("scenario 12: one of four converters is lost", function () {
  this.timeout(60_000);

  it("reports a trip: the others take its part within a cycle and a converter's answer", () => {
    const site = discharging(planOf());
    assert.ok(Math.abs(site.batteryW - TOTAL_W) < 0.06 * TOTAL_W, `${site.batteryW} W`);
    site.units[0]!.state = STATE_FAULT;
    const offMs = offFor(site);
    // One reading, one cycle, the write, and five time constants of 20 ms.
    assert.ok(offMs <= 250, `off for ${offMs} ms`);
    assert.equal(site.units[0]!.powerW, 0);
    assert.equal(site.eventsOf("pcs-fault")[0]?.device, "bess-1");
    assert.equal(site.eventsOf("ramp-breach").length, 0);
  });

  it("reports a trip that nobody reads: then its part is missing (negative control)", () => {
    const deaf = planOf((plan) => ({
      ...plan,
      units: plan.units.map((unit) => ({ ...unit, points: { ...unit.points, faults: [] } })),
    }));
    const site = discharging(deaf);
    site.units[0]!.state = STATE_FAULT;
    assert.ok(offFor(site) > 1_000);
  });

  it("declares once, and exactly, what the other three cannot take", () => {
    const site = discharging(planOf(), 46 * MW);
    const shortW = site.batteryW - 36 * MW;
    const beforeW = referenceOf(site);
    site.units[0]!.state = STATE_FAULT;
    site.run(1_000);
    const breaches = site.eventsOf("ramp-breach");
    assert.equal(breaches.length, 1, "it is told once");
    const declaredMw = Number(/^([\d.]+) MW/.exec(breaches[0]?.text ?? "")?.[1]);
    const jumpW = referenceOf(site) - beforeW;
    assert.ok(Math.abs(declaredMw * MW - jumpW) < 0.06 * MW, `${declaredMw} MW of ${jumpW} W`);
    // The trim, at most 1 % of the rating, is part of what was given and of no reference.
    assert.ok(Math.abs(jumpW - shortW) < 0.01 * 48 * MW, `${jumpW} W of ${shortW} W`);
    assert.ok(Math.abs(site.gridW - referenceOf(site)) < 0.05 * MW, "r is what the grid gives");
    const toldW = referenceOf(site);
    site.run(1_000);
    assert.ok(Math.abs(referenceOf(site) - toldW) <= RAMP_W_PER_S * 1.001, "then the ramp holds");
  });

  it("falls silent: what is delivered never exceeds what is needed", () => {
    const site = discharging(planOf());
    site.units[0]!.isCut = true;
    // Beyond the time in which its own reversion begins, and well into its ramp.
    let leastCountedW = Infinity;
    site.onCycle.push(({ status }) => {
      const countedW = status.units[0]?.powerW ?? Number.NaN;
      leastCountedW = Math.min(leastCountedW, countedW - site.units[0]!.powerW);
    });
    const excess = largestExcess(site, 60_000);
    assert.ok(excess <= NOISE, `${(100 * excess).toFixed(2)} % too much`);
    // Rounded to 1 kW where it is read, and ramped away in steps of a cycle.
    assert.ok(leastCountedW >= -2_000, `counted at ${-leastCountedW} W less than it gives`);
    assert.ok(site.units[0]!.powerW > 0, "it still gives something by itself");
    assert.equal(site.eventsOf("unit-silent")[0]?.device, "bess-1");
  });

  it("falls silent and is counted as gone at once: then it is given twice (negative control)", () => {
    const hasty = planOf((plan) => ({
      ...plan,
      units: plan.units.map((unit) => ({
        ...unit,
        reversion: { afterMs: 0, powerW: 0, rampWPerS: 1e12 },
      })),
    }));
    const site = discharging(hasty);
    site.units[0]!.isCut = true;
    const excess = largestExcess(site, 2_000);
    assert.ok(excess > 0.1, `${(100 * excess).toFixed(2)} % too much`);
  });

  for (const lostMs of [50, 100, 150])
    it(`loses one segment of TCP for ${lostMs} ms: nothing changes`, () => {
      const [site, twin] = [discharging(planOf()), discharging(planOf())];
      site.units[0]!.isCut = true;
      let mostW = 0;
      for (let passed = 0; passed < 3_000; passed += STEP_MS) {
        if (passed === lostMs) site.units[0]!.isCut = false;
        site.run(STEP_MS);
        twin.run(STEP_MS);
        mostW = Math.max(mostW, Math.abs(site.batteryW - twin.batteryW));
        for (const [place, unit] of site.units.entries())
          mostW = Math.max(mostW, Math.abs(unit.powerW - twin.units[place]!.powerW));
      }
      assert.ok(mostW <= 0.001 * TOTAL_W, `${mostW} W`);
      assert.deepEqual(site.events, twin.events);
    });

  it("is lost for longer than that: the guard above can be seen to fail (negative control)", () => {
    const [site, twin] = [discharging(planOf()), discharging(planOf())];
    site.units[0]!.isCut = true;
    site.run(2_000);
    twin.run(2_000);
    assert.notDeepEqual(site.events, twin.events);
  });
});
