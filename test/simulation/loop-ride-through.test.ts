import { strict as assert } from "node:assert";
import { frequencySettings } from "../../src/app/frequency-settings.ts";
import type { ControlPlan, RideThroughPlan } from "../../src/control/plan.ts";
import { siteSettings } from "../control/smoothing/support/arms.ts";
import { LOOPS } from "../control/smoothing/support/timing.ts";
import { MW, testPlan, testRideThrough, unitPoints } from "../support/plant-plan.ts";
import { PlantSite, type SiteOptions } from "../support/plant-site.ts";

const RAMP_W_PER_S = 50_000;
const CYCLE_MS = 50;
const RAMP_W = ((RAMP_W_PER_S * CYCLE_MS) / 1_000) * 1.001;
const SMOOTHING = siteSettings(LOOPS.d95, {
  loadPeriodMs: 100,
  meterLagMs: 55,
  rampUpWPerS: RAMP_W_PER_S,
  rampDownWPerS: RAMP_W_PER_S,
  lowW: 6 * MW,
  highW: 28 * MW,
  dischargeRatingW: 24 * MW,
  chargeRatingW: 24 * MW,
});
/** 2 MW, full at 200 mHz. */
const PROMISED = frequencySettings(
  { grid: { rampUpKwPerS: 50, rampDownKwPerS: 50 } } as Parameters<typeof frequencySettings>[0],
  {
    powerKw: 2_000,
    deadBandMhz: 10,
    fullAtMhz: 200,
    direction: "both",
    nominalHz: 50,
    sustainMinutes: 15,
  },
  SMOOTHING,
);

/** The site may use all of its batteries while the grid is lost. */
function planOf(rideThrough: RideThroughPlan | undefined, minPercent = 0): ControlPlan {
  const plan = testPlan({
    smoothing: SMOOTHING,
    frequency: PROMISED,
    peakCapW: undefined,
    ...(rideThrough === undefined ? {} : { rideThrough }),
  });
  const units = plan.units.map((unit) => ({ ...unit, soc: { ...unit.soc, minPercent } }));
  return { ...plan, units };
}

const referenceOf = (site: PlantSite): number =>
  site.last?.status.smoothing?.referenceW ?? Number.NaN;

const presenceOf = (site: PlantSite): string | undefined => site.last?.status.rideThrough?.presence;
const totalOf = (site: PlantSite): number => site.last?.status.totalW ?? Number.NaN;

const isNothingAsked = (writtenW: readonly number[]): boolean =>
  writtenW.every((powerW) => Math.abs(powerW) === 0);

/** Setpoints of the units that are written from now on, W. */
function setpointsOf(site: PlantSite): number[] {
  const points = site.units.map((_unit, place) => unitPoints(place).setpoint);
  const written: number[] = [];
  site.onCycle.push(({ writes }) => {
    for (const { point, value } of writes) if (points.includes(point)) written.push(value);
  });
  return written;
}

function carrying(plan: ControlPlan, options: Partial<SiteOptions> = {}): PlantSite {
  const site = new PlantSite({ plan, training: () => 5 * MW, soc: 31, ...options });
  for (const unit of site.units) unit.formsIsland = true;
  site.run(3_000);
  return site;
}

describe("scenario 15: a schedule beyond the reserve, and the reserve for what it is kept", function () {
  this.timeout(120_000);

  function scheduled(reservePercent: number): PlantSite {
    const plan = planOf(undefined);
    const units = plan.units.map((unit) => ({ ...unit, soc: { ...unit.soc, reservePercent } }));
    const site = new PlantSite({ plan: { ...plan, units }, soc: 35 });
    site.run(5_000);
    const action = { kind: "set-power", powerW: 20 * MW, rampWPerS: undefined } as const;
    site.command({ id: "to-10-percent", action, leaseMs: 1_800_000 });
    site.run(330_000);
    return site;
  }

  it("delivers to the reserve and not beyond, and says that the schedule was clipped", () => {
    const site = scheduled(30);
    // What the ramp back needs of energy is kept, too.
    for (const { soc } of site.units) assert.ok(soc >= 30, `${soc} %`);
    assert.equal(site.eventsOf("schedule-clipped")[0]?.phase, "raised");
  });

  it("would go on discharging if nothing were reserved (negative control)", () => {
    const site = scheduled(0);
    assert.ok(
      site.units.every(({ soc }) => soc < 30),
      `${site.units[0]?.soc} %`,
    );
    assert.deepEqual(site.eventsOf("schedule-clipped"), []);
  });

  it("frees the reserve once the grid is lost: the batteries carry the site to the end", () => {
    const site = carrying(planOf(testRideThrough({ carries: true })));
    const written = setpointsOf(site);
    site.isBreakerOpen = true;
    site.run(200);
    const { rideThrough, bindingLevel } = site.last!.status;
    assert.deepEqual(
      [rideThrough?.presence, rideThrough?.rule, rideThrough?.cause, bindingLevel],
      ["lost", "carry", "relay/position", "ride-through"],
    );
    const [told] = site.eventsOf("ride-through");
    assert.deepEqual([told?.phase, told?.severity], ["raised", "critical"]);
    written.length = 0;
    for (const unit of site.units) unit.soc = 30.2;
    site.run(20_000);
    assert.ok(
      site.units.every(({ soc }) => soc < 29.8),
      `${site.units[0]?.soc} % of charge`,
    );
    assert.deepEqual(written, [], "nobody tells them anything, at 30 % no more than before");
    assert.deepEqual(site.eventsOf("reserve-reached"), []);
    for (const unit of site.units) unit.soc = 0.3;
    site.run(10_000);
    assert.ok(written.length > 0 && isNothingAsked(written), "empty is empty");
  });

  it("would stop them at 30 % if the reserve were kept then, too (negative control)", () => {
    // The battery's own end stands where the reserve is: nothing below is free.
    const site = carrying(planOf(testRideThrough({ carries: true }), 30));
    const written = setpointsOf(site);
    site.isBreakerOpen = true;
    site.run(200);
    written.length = 0;
    for (const unit of site.units) unit.soc = 30.05;
    site.run(2_000);
    assert.ok(written.includes(0), "they are stopped");
  });

  it("keeps the reserve where the loss is not declared, whatever the batteries could", () => {
    const site = carrying(planOf(testRideThrough({ carries: true })), { soc: 30.05 });
    assert.ok(site.last!.status.units.every(({ highW }) => highW < 0.1 * MW));
    assert.equal(presenceOf(site), "present");
  });
});

describe("scenario 16: the voltage of the grid collapses", function () {
  this.timeout(120_000);

  /** 6 MW of discharge against the slow reference, and 2 MW for the frequency. */
  function discharging(rideThrough: RideThroughPlan | undefined, hz = 49.7): PlantSite {
    const site = new PlantSite({
      plan: planOf(rideThrough),
      training: (ms) => (ms < 20_000 ? 10 : 16) * MW,
      frequency: (ms) => (ms < 20_000 ? 50 : hz) + (ms % 100 < 50 ? 1e-4 : -1e-4),
    });
    site.run(22_000);
    return site;
  }

  it("rides through a short dip: what was asked before is held, and goes on afterwards", () => {
    const site = discharging(testRideThrough());
    const beforeW = site.batteryW;
    assert.ok(beforeW > 7 * MW, `${beforeW} W`);
    const written = setpointsOf(site);
    site.voltagePu = 0.15;
    const asked = site.units.map(({ setpointW }) => setpointW);
    site.run(250);
    assert.equal(presenceOf(site), "doubtful");
    for (const powerW of written) assert.ok(asked.some((w) => Math.abs(w - powerW) < 0.06 * MW));
    site.voltagePu = 1;
    site.run(2_000);
    assert.deepEqual(site.eventsOf("ride-through"), []);
    assert.ok(Math.abs(site.batteryW - beforeW) < 0.6 * MW, `${site.batteryW} of ${beforeW} W`);
  });

  it("is a loss when it lasts: nothing is asked any more, and its return is no step", () => {
    const site = discharging(testRideThrough());
    site.voltagePu = 0;
    site.run(500 + 4 * CYCLE_MS);
    assert.equal(site.last?.status.rideThrough?.cause, "no voltage at its meter");
    const written = setpointsOf(site);
    // What a dead meter says is no frequency and no load, however much it asks for.
    site.training = () => 28 * MW;
    site.run(10_000);
    assert.ok(written.length > 0 && isNothingAsked(written), written.join());
    assert.equal(totalOf(site), 0);
    assert.equal(site.eventsOf("frequency-unknown")[0]?.phase, "raised");

    site.training = () => 12 * MW;
    site.voltagePu = 1;
    site.run(9_000);
    assert.equal(presenceOf(site), "returning");
    assert.ok(isNothingAsked(written), "the converters come back by themselves");
    let fastestW = 0;
    let referenceW = Number.NaN;
    let largestW = 0;
    site.onCycle.push(() => {
      const movedW = Math.abs(referenceOf(site) - referenceW);
      if (movedW > fastestW) fastestW = movedW;
      referenceW = referenceOf(site);
      largestW = Math.max(largestW, Math.abs(site.batteryW));
    });
    site.run(500);
    const gridW = site.gridW;
    fastestW = 0;
    site.run(3_000);
    assert.equal(presenceOf(site), "present");
    assert.equal(site.eventsOf("ride-through").at(-1)?.phase, "cleared");
    assert.ok(Math.abs(referenceOf(site) - gridW) < 0.2 * MW, `${referenceOf(site)} of ${gridW} W`);
    assert.ok(fastestW <= RAMP_W, `${fastestW} W of the reference in a cycle`);
    // 2 MW are owed to the frequency again: they come by themselves, and nothing beside them.
    assert.ok(largestW < 2.4 * MW, `${largestW} W`);
  });

  it("would be answered with power if nobody looked at the voltage (negative control)", () => {
    const site = discharging(undefined);
    site.voltagePu = 0;
    site.run(500 + 4 * CYCLE_MS);
    const written = setpointsOf(site);
    site.training = () => 28 * MW;
    site.run(2_000);
    assert.ok(
      written.some((powerW) => Math.abs(powerW) > 0.5 * MW),
      "it goes on commanding",
    );
  });

  /** A cap alone, without smoothing: 5.75 MW of discharge at once for whatever is drawn. */
  function capped(rideThrough?: RideThroughPlan): PlantSite {
    const through = rideThrough === undefined ? {} : { rideThrough };
    const plan = testPlan({ peakCapW: 20 * MW, ...through });
    const site = new PlantSite({ plan, soc: 70 });
    site.run(3_000);
    assert.ok(Math.abs(totalOf(site) - 5.75 * MW) < 0.02 * MW, `${totalOf(site)} W`);
    return site;
  }

  it("goes on in a dip as before: what the meter says then is no measurement", () => {
    const inDip = (rideThrough?: RideThroughPlan): number => {
      const site = capped(rideThrough);
      site.voltagePu = 0.15;
      site.run(400);
      return totalOf(site);
    };
    assert.ok(Math.abs(inDip(testRideThrough()) - 5.75 * MW) < 0.02 * MW);
    const carelessW = inDip();
    assert.ok(carelessW < 3 * MW, `${carelessW} W where nobody looks (negative control)`);
  });

  it("comes back to a cap within the time of a way back, not in one cycle", () => {
    const site = capped(testRideThrough());
    site.isBreakerOpen = true;
    site.run(2_000);
    assert.equal(totalOf(site), 0);
    site.isBreakerOpen = false;
    site.run(9_000);
    assert.equal(presenceOf(site), "returning");
    let beforeW = totalOf(site);
    let fastestW = 0;
    site.onCycle.push(({ status }) => {
      fastestW = Math.max(fastestW, Math.abs(status.totalW - beforeW));
      beforeW = status.totalW;
    });
    site.run(4_000);
    assert.equal(presenceOf(site), "present");
    assert.ok(Math.abs(totalOf(site) - 5.75 * MW) < 0.1 * MW, `${totalOf(site)} W`);
    assert.ok(fastestW < 0.4 * MW, `${fastestW} W in a cycle`);
  });

  it("stays lost until everything has said for long enough that it is back", () => {
    const site = discharging(testRideThrough(), 50);
    site.isBreakerOpen = true;
    site.run(300);
    site.isBreakerOpen = false;
    site.run(9_000);
    site.isBreakerOpen = true;
    site.run(200);
    site.isBreakerOpen = false;
    site.voltagePu = 0.8;
    site.run(12_000);
    assert.equal(presenceOf(site), "lost", "0.8 is not back");
    site.voltagePu = 1;
    site.run(9_500);
    assert.equal(presenceOf(site), "returning");
    site.isMeterCut = true;
    site.run(1_000);
    assert.equal(presenceOf(site), "lost", "who is not heard says nothing");
    site.isMeterCut = false;
    site.run(10_400);
    assert.equal(presenceOf(site), "present");
  });

  it("comes back from carrying without a step: what a battery gives is its first setpoint", () => {
    const site = carrying(planOf(testRideThrough({ carries: true })), { soc: 60 });
    site.isBreakerOpen = true;
    site.run(5_000);
    site.isBreakerOpen = false;
    site.run(9_000);
    const written = setpointsOf(site);
    const powers = site.units.map(({ powerW }) => Math.round(powerW / 1_000) * 1_000);
    site.run(1_500);
    assert.equal(presenceOf(site), "present");
    assert.ok(written.length >= 2);
    for (const [place, powerW] of written.slice(0, 2).entries())
      assert.ok(Math.abs(powerW - powers[place]!) < 0.1 * MW, `${powerW} of ${powers[place]} W`);
    assert.deepEqual(site.eventsOf("setpoint-differs"), []);
  });
});
