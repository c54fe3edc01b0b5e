import { strict as assert } from "node:assert";
import type { ControlPlan } from "../../src/control/plan.ts";
import { siteSettings } from "../control/smoothing/support/arms.ts";
import { LOOPS } from "../control/smoothing/support/timing.ts";
import { MW, STATE_OFF, testPlan, unitPoints } from "../support/plant-plan.ts";
import { PlantSite, pressEmergencyStop, type SeenCycle } from "../support/plant-site.ts";

/** Four converters of 12 MW stand for the four of 55 MW: all powers are 48/220 of those. */
const TOTAL_W = (150 * MW * 48) / 220;
const UNITS = 4;
const PERIOD_MS = 50;

function planOf(change: (plan: ControlPlan) => ControlPlan = (plan) => plan): ControlPlan {
  const smoothing = siteSettings(LOOPS.d95, {
    loadPeriodMs: 100,
    meterLagMs: 55,
    rampUpWPerS: 50_000,
    rampDownWPerS: 50_000,
    lowW: 9 * MW,
    highW: 62 * MW,
    dischargeRatingW: 48 * MW,
    chargeRatingW: 48 * MW,
  });
  const limits = { importLimitW: 90 * MW, exportLimitW: 40 * MW, peakCapW: 90 * MW };
  return change(testPlan({ units: UNITS, smoothing, ...limits }));
}

function discharging(plan: ControlPlan): PlantSite {
  const site = new PlantSite({
    plan,
    soc: 80,
    training: (ms) => 5 * MW + (ms >= 21_000 ? TOTAL_W : 0),
  });
  site.run(24_000);
  assert.ok(Math.abs(site.batteryW - TOTAL_W) < 0.06 * TOTAL_W, `${site.batteryW} W`);
  return site;
}

/** Cycles from now on. */
function cyclesOf(site: PlantSite): SeenCycle[] {
  const seen: SeenCycle[] = [];
  site.onCycle.push((cycle) => seen.push(cycle));
  return seen;
}

const press = (site: PlantSite, isPressed: boolean): void => {
  for (const unit of site.units) pressEmergencyStop(unit, isPressed);
};

/** Every write of a cycle to the units, as `point: value`. */
function told({ writes }: SeenCycle): ReadonlyMap<number, number> {
  return new Map(writes.map(({ point, value }) => [point, value]));
}

describe("scenario 18: the emergency stop during a discharge of 150 MW", function () {
  this.timeout(60_000);

  it("is answered by 0 and STOP to every unit in the cycle that sees it, first of all", () => {
    const site = discharging(planOf());
    const seen = cyclesOf(site);
    press(site, true);
    site.run(4 * PERIOD_MS);
    const first = seen.find(({ status }) => status.trips.length > 0);
    assert.ok(first !== undefined);
    for (let place = 0; place < UNITS; place += 1) {
      const { setpoint, run } = unitPoints(place);
      assert.equal(told(first).get(setpoint), 0, `setpoint of unit ${place + 1}`);
      assert.equal(told(first).get(run), 0, `run command of unit ${place + 1}`);
    }
    assert.ok(first.writes.every(({ isProtective }) => isProtective));
    site.run(200);
    assert.equal(site.batteryW, 0);
    for (const unit of site.units) assert.equal(unit.state, STATE_OFF);
  });

  it("latches: neither the end of the cause, nor commands, nor a restart let a unit go", () => {
    const site = discharging(planOf());
    press(site, true);
    site.run(1_000);
    press(site, false);
    site.command({
      id: "far",
      action: { kind: "set-power", powerW: 5 * MW, rampWPerS: undefined },
    });
    site.run(1_000);
    assert.equal(site.stagesOf("far").at(-1), "refused");
    site.restartControl();
    const seen = cyclesOf(site);
    site.run(10_000);
    assert.equal(site.last?.status.trips.length, UNITS);
    for (const { writes } of seen)
      for (const { value, isProtective } of writes) assert.ok(isProtective && value === 0);
    assert.equal(site.batteryW, 0);
  });

  it("is lifted by a person at the box once its cause is gone, and not before", () => {
    const site = discharging(planOf());
    press(site, true);
    site.run(1_000);
    const seen = cyclesOf(site);
    site.order({ kind: "reset", trip: "all", by: "anna" });
    site.run(PERIOD_MS);
    assert.deepEqual(
      seen.flatMap(({ answers }) => answers.map(({ result, reason }) => [result, reason])),
      [["refused", "cause-present"]],
    );
    assert.equal(site.last?.status.trips.length, UNITS);
    press(site, false);
    site.run(1_000);
    assert.equal(site.last.status.trips.length, UNITS, "its end alone lifts nothing");
    site.order({ kind: "reset", trip: "all", by: "anna" });
    site.run(5_000);
    assert.deepEqual(site.last.status.trips, []);
    assert.deepEqual(
      site.last.status.units.map(({ mode }) => mode),
      ["ready", "ready", "ready", "ready"],
    );
  });

  it("goes unanswered where the site has no trips (negative control)", () => {
    const site = discharging(planOf((plan) => ({ ...plan, trips: [] })));
    press(site, true);
    site.run(1_000);
    assert.ok(site.batteryW > 0.9 * TOTAL_W, `${site.batteryW} W`);
  });
});
