import { strict as assert } from "node:assert";
import { siteSettings } from "../control/smoothing/support/arms.ts";
import { LOOPS } from "../control/smoothing/support/timing.ts";
import { MW, testPlan, unitPoints } from "../support/plant-plan.ts";
import { PlantSite, pressEmergencyStop } from "../support/plant-site.ts";
import { monotonicMs } from "../../src/domain/time.ts";

const RAMP_W_PER_S = 50_000;
const CYCLE_S = 0.05;
const HOUR_MS = 3_600_000;
const LEASE_MS = 60_000;
const LEASED_W = 5 * MW;
/** The job stops at 20 min, and comes back at 40 min; iterations of 1 Hz in between. */
const STOP_MS = 20 * 60_000;
const BACK_MS = 40 * 60_000;
const STEP_ALLOWED_W = RAMP_W_PER_S * CYCLE_S * 1.001;

function loadW(ms: number): number {
  if (ms >= STOP_MS && ms < BACK_MS) return 6 * MW;
  return (ms % 1_000 < 500 ? 18 : 12) * MW;
}

interface Hour {
  readonly site: PlantSite;
  /** Cycles in which the reference moved faster than the ramp, without a declared breach. */
  readonly faults: readonly string[];
  readonly cycles: number;
}

/** The north gives a lease and dies in the same second; nothing comes for an hour. */
function anHourWithout(leaseMs = LEASE_MS): Hour {
  const smoothing = siteSettings(LOOPS.d95, {
    loadPeriodMs: 100,
    meterLagMs: 55,
    rampUpWPerS: RAMP_W_PER_S,
    rampDownWPerS: RAMP_W_PER_S,
    lowW: 6 * MW,
    highW: 28 * MW,
    dischargeRatingW: 24 * MW,
    chargeRatingW: 24 * MW,
  });
  const plan = testPlan({ smoothing, share: undefined });
  const site = new PlantSite({ plan, training: loadW });
  site.run(30_000);
  const faults: string[] = [];
  let cycles = 0;
  let beforeW = site.last?.status.smoothing?.referenceW ?? Number.NaN;
  site.onCycle.push(({ status }) => {
    cycles += 1;
    const referenceW = status.smoothing?.referenceW ?? Number.NaN;
    const stepW = Math.abs(referenceW - beforeW);
    if (!(stepW <= STEP_ALLOWED_W)) faults.push(`${stepW} W at ${site.nowMs} ms`);
    beforeW = referenceW;
    for (const { setpointW = 0, lowW, highW, asset } of status.units)
      if (Math.abs(setpointW) > 12 * MW || lowW > highW) faults.push(`${asset} at ${setpointW} W`);
  });
  site.command({
    id: "last",
    leaseMs,
    action: { kind: "set-power", powerW: LEASED_W, rampWPerS: undefined },
  });
  site.run(HOUR_MS);
  return { site, faults, cycles };
}

describe("everything north is gone for an hour", function () {
  this.timeout(120_000);

  it("moves nothing faster than the ramp, keeps protection, and takes commands back bumpless", () => {
    const { site, faults, cycles } = anHourWithout();
    assert.deepEqual(faults.slice(0, 5), []);
    assert.equal(cycles, HOUR_MS / 50);
    assert.deepEqual(site.last?.status.leases, [], "the lease ran out long ago");
    assert.equal(site.eventsOf("lease-expired").length, 1);
    for (const { soc } of site.units) assert.ok(soc >= 30 && soc <= 95, `${soc} %`);

    // What the north had in its queue all the while is too late; what is new begins at the ramp.
    const stale = { kind: "set-power", powerW: -20 * MW, rampWPerS: undefined } as const;
    site.command({ id: "stale", action: stale, notAfter: monotonicMs(site.nowMs - HOUR_MS) });
    const beforeW = site.last.status.smoothing?.referenceW ?? Number.NaN;
    site.command({
      id: "new",
      action: { kind: "set-power", powerW: LEASED_W, rampWPerS: undefined },
    });
    site.run(50_000);
    assert.equal(site.stagesOf("stale").at(-1), "expired");
    assert.ok(site.stagesOf("new").includes("accepted"));
    const afterW = site.last.status.smoothing?.referenceW ?? Number.NaN;
    const setOutW = beforeW - afterW;
    assert.ok(setOutW > 20 * RAMP_W_PER_S, `it sets out: ${setOutW} W`);
    assert.ok(setOutW <= 50.01 * RAMP_W_PER_S, `at the ramp: ${setOutW} W`);
    assert.deepEqual(faults.slice(0, 5), []);

    pressEmergencyStop(site.units[0]!, true);
    const told: number[] = [];
    site.onCycle.push(({ writes, status }) => {
      if (status.trips.length === 0) return;
      for (const { point, value } of writes)
        if (point === unitPoints(0).setpoint || point === unitPoints(1).setpoint) told.push(value);
    });
    site.run(1_000);
    assert.ok(told.length > 0 && told.every((value) => value === 0), "protection is whole");
    assert.equal(site.batteryW, 0);
  });

  it("would go on with what was leased if a lease had no end (negative control)", () => {
    const { site } = anHourWithout(3_600_000);
    assert.equal(site.last?.status.leases.length, 1);
    assert.deepEqual(site.eventsOf("lease-expired"), []);
  });
});
