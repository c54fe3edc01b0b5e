import { strict as assert } from "node:assert";
import type { ControlPlan } from "../../src/control/plan.ts";
import { PLAIN_TRIP } from "../../src/control/plan.ts";
import { RECOVERIES_MAX } from "../../src/control/trip-cause.ts";
import { VirtualSite } from "../support/virtual-site.ts";
import { smallSite } from "../support/virtual-world.ts";

const HOUR_MS = 3_600_000;
const RECOVERS_AFTER_S = 1;

/** Without the count of faults: a stopped converter shows one each time. */
const recovering = (plan: ControlPlan): ControlPlan => ({
  ...plan,
  trips: plan.trips
    .filter(({ id }) => id === "emergency-stop")
    .map((rule) => ({
      ...rule,
      terms: { ...(rule.terms ?? PLAIN_TRIP), recoversAfterMs: RECOVERS_AFTER_S * 1_000 },
    })),
});

async function opened(): Promise<VirtualSite> {
  const change = (text: string): string => smallSite(text, "peak-cap");
  const site = await VirtualSite.open({ change, plan: recovering, load: "full", hasDisk: true });
  await site.run(8);
  return site;
}

/** True when the trip of the second battery has ended by itself. */
async function comesAndGoes(site: VirtualSite): Promise<boolean> {
  site.plant.trip("bess-2", "emergency-stop");
  await site.run(1);
  assert.equal(site.status.trips[0]?.id, "emergency-stop");
  site.plant.clearCause("bess-2");
  await site.run(RECOVERS_AFTER_S + 2);
  return site.status.trips.length === 0;
}

async function restart(site: VirtualSite): Promise<void> {
  await site.killControl();
  await site.run(1);
  await site.startControl();
  await site.run(3);
}

describe("scene: control is killed after a trip has ended by itself", () => {
  it("does not let it do so more often than it might without", async () => {
    const site = await opened();
    for (let time = 1; time <= RECOVERIES_MAX; time += 1) {
      assert.ok(await comesAndGoes(site), `time ${time}`);
      await restart(site);
    }
    assert.equal(await comesAndGoes(site), false);
    await restart(site);
    assert.equal(site.status.trips[0]?.id, "emergency-stop", "and it stays latched");
    await site.close();
  });

  for (const hours of [2, -2])
    it(`nor when the clock was set by ${hours} h in between`, async () => {
      const site = await opened();
      for (let time = 1; time <= RECOVERIES_MAX; time += 1) assert.ok(await comesAndGoes(site));
      site.clock.stepUtc(hours * HOUR_MS);
      await site.run(0.5);
      await restart(site);
      assert.equal(await comesAndGoes(site), false);
      await site.close();
    });

  it("writes nothing more while nothing more has come about", async () => {
    const site = await opened();
    assert.ok(await comesAndGoes(site));
    const { saved } = site.disk.counts;
    await site.run(30);
    assert.equal(site.disk.counts.saved, saved);
    site.clock.stepUtc(1_000);
    await site.run(1);
    assert.equal(site.disk.counts.saved, saved, "a second is no step");
    await site.close();
  });
});
