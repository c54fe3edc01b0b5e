import { strict as assert } from "node:assert";
import { stepsOf } from "../../src/control/cycle.ts";
import type { CyclicReport } from "../../src/control/exchange.ts";
import { monotonicMs, utcMs } from "../../src/domain/time.ts";
import { MW, testPlan } from "../support/plant-plan.ts";
import { PlantSite } from "../support/plant-site.ts";

const UTC = utcMs(Date.UTC(2026, 0, 1));

/** A plant of which both units were asked for power in the cycle that just ended. */
function commanded(): { readonly site: PlantSite; readonly reports: readonly CyclicReport[] } {
  const site = new PlantSite({ plan: testPlan() });
  site.run(2_000);
  site.command({ id: "ask", action: { kind: "set-power", powerW: 2 * MW, rampWPerS: undefined } });
  site.run(site.plan.periodMs);
  const reports = (site.last?.writes ?? []).map(({ point, value, sentAt }): CyclicReport => ({
    point,
    value,
    sentAt,
    result: "accepted",
    reason: undefined,
    readBack: undefined,
  }));
  return { site, reports };
}

describe("steps between two cycles", () => {
  it("tell that a setpoint was written when the last unit has taken it, and once", () => {
    const { site, reports } = commanded();
    assert.deepEqual(site.stagesOf("ask"), ["received", "accepted"]);
    assert.equal(reports.length, 2);
    const [first, second] = reports.map((report) => stepsOf(site.control, report, UTC));
    assert.deepEqual(first, []);
    assert.deepEqual(
      second?.map(({ stage, commandId, at }) => ({ stage, commandId, at })),
      [{ stage: "written", commandId: "ask", at: UTC }],
    );
    site.run(site.plan.periodMs);
    assert.equal(site.stagesOf("ask").includes("written"), false);
  });

  it("tell nothing by the late answer to an earlier setpoint of the same value", () => {
    const { site, reports } = commanded();
    for (const report of reports) {
      const sentAt = monotonicMs(report.sentAt - site.plan.periodMs);
      assert.deepEqual(stepsOf(site.control, { ...report, sentAt }, UTC), []);
    }
    assert.equal(reports.flatMap((report) => stepsOf(site.control, report, UTC)).length, 1);
  });

  it("tell nothing of a setpoint that was refused or may be lost", () => {
    for (const result of ["refused", "unknown"] as const) {
      const { site, reports } = commanded();
      for (const report of reports)
        assert.deepEqual(stepsOf(site.control, { ...report, result }, UTC), []);
    }
  });
});
