import { strict as assert } from "node:assert";
import type { ControlPlan } from "../../src/control/plan.ts";
import { siteSettings } from "../control/smoothing/support/arms.ts";
import { LOOPS } from "../control/smoothing/support/timing.ts";
import { MW, testPlan } from "../support/plant-plan.ts";
import { PlantSite } from "../support/plant-site.ts";

/** 48 MW of batteries stand for 220: a step of the load of 10 MW for one of about 50. */
const RAMP_W_PER_S = 50_000;
const STEP_MS = 5;
const CYCLE_MS = 50;
const SECOND_MS = 1_000;
/** What the meters' own noise and rounding of two readings may add. */
const NOISE_W = 0.06 * MW;
const STEP_AT_MS = 16_000;
const BATTERY_W = 10 * MW;

function planOf(change: (plan: ControlPlan) => ControlPlan = (plan) => plan): ControlPlan {
  const smoothing = siteSettings(LOOPS.d95, {
    loadPeriodMs: 100,
    meterLagMs: 55,
    rampUpWPerS: RAMP_W_PER_S,
    rampDownWPerS: RAMP_W_PER_S,
    lowW: 9 * MW,
    highW: 40 * MW,
    dischargeRatingW: 24 * MW,
    chargeRatingW: 24 * MW,
  });
  const limits = { importLimitW: 90 * MW, exportLimitW: 40 * MW, peakCapW: 90 * MW };
  return change(testPlan({ smoothing, ...limits }));
}

/** A site whose batteries give 10 MW of a load that has just stepped up, and stands still. */
function discharging(plan: ControlPlan): PlantSite {
  const site = new PlantSite({
    plan,
    soc: 70,
    // A load that is quite still would look frozen.
    training: (ms) => (ms >= STEP_AT_MS ? 20 : 10) * MW + 2_000 * Math.sin(ms),
    meterFrozenAfterMs: 2_500,
    trainFrozenAfterMs: 2_500,
  });
  site.run(17_000);
  assert.ok(Math.abs(site.batteryW - BATTERY_W) < 0.5 * MW, `${site.batteryW} W`);
  return site;
}

/** Largest change of what the batteries give over a second, in a time, W. */
function largestRampW(site: PlantSite, ms: number, act: (passedMs: number) => void): number {
  const seen: number[] = [];
  let most = 0;
  for (let passed = 0; passed < ms; passed += STEP_MS) {
    act(passed);
    site.run(STEP_MS);
    seen.push(site.batteryW);
    const before = seen.at(-1 - SECOND_MS / STEP_MS);
    if (before !== undefined) most = Math.max(most, Math.abs(site.batteryW - before));
  }
  return most;
}

/** The grid's meter stands still for a while; with `isAlone` the feeders are gone as well. */
function freeze(site: PlantSite, forMs: number, isAlone: boolean): number {
  return largestRampW(site, forMs + 10_000, (passed) => {
    site.isMeterCut = passed < forMs;
    site.areFeedersCut = isAlone && passed < forMs;
  });
}

const ALLOWED_W = RAMP_W_PER_S + NOISE_W;

describe("scenario 10: the meter stands still", function () {
  this.timeout(60_000);

  it("for 300 ms: what was given is held", () => {
    const site = discharging(planOf());
    const beforeW = site.batteryW;
    let mostW = 0;
    let passedMs = 0;
    site.onCycle.push(() => {
      passedMs += CYCLE_MS;
      if (passedMs <= 300) mostW = Math.max(mostW, Math.abs(site.batteryW - beforeW));
    });
    const rampW = freeze(site, 300, true);
    assert.ok(mostW <= NOISE_W, `${mostW} W while it stood still`);
    assert.ok(rampW <= ALLOWED_W, `${rampW} W in a second`);
    assert.ok(Math.abs(site.batteryW - beforeW) < 11 * RAMP_W_PER_S + NOISE_W);
  });

  it("for 1 s: the feeders stand in, and nothing moves faster than the ramp", () => {
    const site = discharging(planOf());
    const sources = new Set<string>();
    site.onCycle.push(({ status }) => sources.add(status.source));
    const rampW = freeze(site, SECOND_MS, false);
    assert.ok(rampW <= ALLOWED_W, `${rampW} W in a second`);
    assert.deepEqual([...sources].sort(), ["feeders", "meter"]);
  });

  it("for 5 s and with nothing beside it: the batteries go towards zero at the ramp", () => {
    const site = discharging(planOf());
    const beforeW = site.batteryW;
    const blindTotalsW: number[] = [];
    let endW = Number.NaN;
    site.onCycle.push(({ status }) => {
      if (status.source === "none") blindTotalsW.push(status.totalW);
    });
    const rampW = largestRampW(site, 15_000, (passed) => {
      site.isMeterCut = passed < 5_000;
      site.areFeedersCut = site.isMeterCut;
      if (passed === 4_995) endW = site.batteryW;
    });
    // Blind from the age limit on, 300 ms; the hold lasts until a second after the last reading.
    const held = new Set(blindTotalsW.slice(0, (SECOND_MS - 300) / CYCLE_MS - 1));
    assert.equal(held.size, 1, `held for the first second: ${[...held].join()} W`);
    const awayW = beforeW - endW;
    assert.ok(awayW > 2.5 * RAMP_W_PER_S && awayW < 5 * RAMP_W_PER_S + NOISE_W, `${awayW} W`);
    assert.ok(rampW <= ALLOWED_W, `${rampW} W in a second, the way back included`);
    assert.equal(site.eventsOf("meter-lost").length, 2, "told, and taken back");
  });

  it("with a lease in force: what it gave comes back at the ramp, not at once", () => {
    const limits = { importLimitW: 90 * MW, exportLimitW: 40 * MW, peakCapW: undefined };
    const site = new PlantSite({ plan: testPlan(limits), soc: 70 });
    site.run(SECOND_MS);
    const action = { kind: "set-power", powerW: 5 * MW, rampWPerS: RAMP_W_PER_S } as const;
    site.command({ id: "lease", action, leaseMs: 600_000 });
    site.run(105 * SECOND_MS);
    assert.ok(Math.abs(site.batteryW - 5 * MW) < NOISE_W, `${site.batteryW} W`);
    site.isMeterCut = true;
    site.areFeedersCut = true;
    site.run(30 * SECOND_MS);
    const leftW = site.batteryW;
    assert.ok(leftW < 5 * MW - 28 * RAMP_W_PER_S, `${leftW} W`);
    site.isMeterCut = false;
    site.areFeedersCut = false;
    const rampW = largestRampW(site, 40 * SECOND_MS, () => undefined);
    assert.ok(rampW <= ALLOWED_W, `${rampW} W in a second`);
    assert.ok(Math.abs(site.batteryW - 5 * MW) < NOISE_W, `back at ${site.batteryW} W`);
  });

  it("with a ramp ten times as fast this is seen (negative control)", () => {
    const fast = planOf((plan) => ({
      ...plan,
      grid: { ...plan.grid, rampUpWPerS: 500_000, rampDownWPerS: 500_000, blindMs: 100 },
    }));
    const site = discharging(fast);
    const rampW = freeze(site, 5_000, true);
    assert.ok(rampW > ALLOWED_W, `${rampW} W`);
  });

  it("without feeders to stand in, a second would be blind (negative control)", () => {
    const alone = planOf((plan) => ({ ...plan, grid: { ...plan.grid, feeders: [] } }));
    const site = discharging(alone);
    const sources = new Set<string>();
    site.onCycle.push(({ status }) => sources.add(status.source));
    freeze(site, SECOND_MS, false);
    assert.ok(sources.has("none"));
  });
});
