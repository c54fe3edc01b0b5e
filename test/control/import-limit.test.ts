import { strict as assert } from "node:assert";
import type { Command } from "../../src/domain/command.ts";
import { monotonicMs } from "../../src/domain/time.ts";
import { MW, testPlan } from "../support/plant-plan.ts";
import { PlantSite } from "../support/plant-site.ts";
import { siteSettings } from "./smoothing/support/arms.ts";
import { LOOPS } from "./smoothing/support/timing.ts";

const LIMIT_W = 20 * MW;
const MINUTE_MS = 60_000;
const smoothing = siteSettings(LOOPS.d95, {
  loadPeriodMs: 100,
  meterLagMs: 55,
  rampUpWPerS: 50_000,
  rampDownWPerS: 50_000,
  lowW: 6 * MW,
  highW: 28 * MW,
  dischargeRatingW: 24 * MW,
  chargeRatingW: 24 * MW,
});

function siteAt(soc: number, isSmoothed = true): PlantSite {
  const site = new PlantSite({ plan: testPlan(isSmoothed ? { smoothing } : {}), soc });
  site.run(29_000);
  return site;
}

function limit(site: PlantSite, changes: Partial<Command> = {}, value = LIMIT_W): void {
  site.command({
    id: "dr",
    asset: "pcc-meter",
    action: { kind: "set-point", point: "import-limit", value },
    leaseMs: 23 * MINUTE_MS,
    priority: 4,
    ...changes,
  });
}

const referenceOf = (site: PlantSite): number =>
  site.last?.status.smoothing?.referenceW ?? Number.NaN;
const stepOf = (site: PlantSite, stage: string) =>
  site.steps.find((step) => step.commandId === "dr" && step.stage === stage);
const refusalOf = (site: PlantSite): string | undefined => {
  site.run(100);
  return stepOf(site, "refused")?.reason;
};

describe("import limit that somebody asks for", function () {
  this.timeout(240_000);

  it("is gone to at the ramp, told with its effect, kept and let go at the ramp", () => {
    const site = siteAt(62.5);
    const fromW = referenceOf(site);
    limit(site);
    let fastestW = 0;
    let beforeW = fromW;
    let reachedMs = Number.NaN;
    const fromMs = site.nowMs;
    site.onCycle.push(() => {
      fastestW = Math.max(fastestW, Math.abs(referenceOf(site) - beforeW));
      beforeW = referenceOf(site);
      if (Number.isNaN(reachedMs) && beforeW <= LIMIT_W * 1.001) reachedMs = site.nowMs;
    });
    site.run(3 * MINUTE_MS);
    const neededMs = ((fromW - LIMIT_W) / 50_000) * 1_000;
    assert.ok(Math.abs(reachedMs - fromMs - neededMs) < 12_000, `${reachedMs - fromMs} ms`);
    assert.deepEqual(site.stagesOf("dr"), ["received", "accepted", "effect", "done"]);
    const { requested, applied, measured = 0 } = stepOf(site, "effect") ?? {};
    assert.deepEqual([requested, applied], [LIMIT_W, LIMIT_W]);
    assert.ok(Math.abs(measured - LIMIT_W) < 0.1 * MW, `${measured} W`);
    site.run(19.5 * MINUTE_MS);
    assert.ok(site.gridW <= LIMIT_W * 1.002, `${site.gridW} W`);
    assert.ok(Math.abs(site.batteryW - 5.75 * MW) < 0.05 * MW, `${site.batteryW} W`);
    site.run(4 * MINUTE_MS);
    assert.ok(site.gridW > 25 * MW, `${site.gridW} W after it`);
    assert.equal(site.eventsOf("lease-expired").length, 1);
    assert.ok(fastestW <= 2_500 * 1.001, `${fastestW} W in a cycle`);
    assert.ok(site.units.every(({ soc }) => soc > 30));
  });

  it("is shortened to what the reserve leaves, with the reason, and never crosses it", () => {
    const site = siteAt(42);
    limit(site);
    site.run(100);
    assert.deepEqual(site.stagesOf("dr"), ["received", "clamped"]);
    assert.equal(stepOf(site, "clamped")?.reason, "reserve");
    const lowest: number[] = [];
    site.onCycle.push(() => lowest.push(Math.min(...site.units.map(({ soc }) => soc))));
    site.run(23 * MINUTE_MS);
    assert.ok(Math.min(...lowest) >= 30, `${Math.min(...lowest)} %`);
    assert.equal(site.eventsOf("lease-expired").length, 1, "it ended by itself, before its time");
    assert.equal(site.eventsOf("reserve-reached").length, 0, "the reserve was not even reached");
  });

  it("would reach the reserve if nobody asked how long it lasts (negative control)", () => {
    // Asked for as a cap of the site: then the battery holds it as long as it can.
    const plan = testPlan({ smoothing, peakCapW: LIMIT_W });
    const site = new PlantSite({ plan, soc: 42 });
    site.run(23.5 * MINUTE_MS);
    assert.ok(site.gridW > LIMIT_W * 1.05, "it was not kept until the end");
    assert.ok(site.eventsOf("cap-unachievable").length > 0);
  });

  it("is refused where nothing is left for it, and where no reference can be moved", () => {
    const empty = siteAt(31);
    limit(empty);
    assert.equal(refusalOf(empty), "reserve");
    const plain = siteAt(62.5, false);
    limit(plain);
    assert.equal(refusalOf(plain), "not-available");
  });

  for (const [name, changes, value, reason] of [
    ["no number", {}, Number.NaN, "bad-value"],
    ["a negative limit", {}, -1, "bad-value"],
    ["a lease without end", { leaseMs: Infinity }, LIMIT_W, "bad-lease"],
    ["a priority of protection", { priority: 1 }, LIMIT_W, "bad-priority"],
  ] as const)
    it(`is refused with ${name}`, () => {
      const site = siteAt(62.5);
      limit(site, changes, value);
      assert.equal(refusalOf(site), reason);
    });

  it("waits with a reduction until its start is near, and tells how much less it became", () => {
    const site = siteAt(62.5);
    const fromW = referenceOf(site);
    const startsAt = monotonicMs(site.nowMs + 200_000);
    limit(site, { action: { kind: "reduce-import", reductionW: MW, startsAt } });
    site.run(15_000);
    const [waiting] = site.last!.status.leases;
    assert.deepEqual(
      [waiting?.kind, waiting?.asset, waiting?.holder, waiting?.commandId],
      ["import-limit", "pcc-meter", "cloud", "dr"],
    );
    assert.ok(Math.abs((waiting?.targetW ?? 0) - site.loadW + MW) < 0.05 * MW);
    assert.equal(Math.round((waiting?.startsInMs ?? 0) / 1_000), 185);
    assert.equal(waiting?.remainingMs, waiting!.startsInMs + 23 * MINUTE_MS);
    assert.ok(Math.abs(referenceOf(site) - fromW) < 0.05 * MW, "nothing moves yet");
    site.run(35_000);
    assert.deepEqual(site.stagesOf("dr"), ["received", "accepted", "effect", "done"]);
    const { promised } = stepOf(site, "accepted") ?? {};
    assert.deepEqual(promised, { leaseMs: 23 * MINUTE_MS, withinMs: 199_950 });
    const { requested, applied, measured = 0 } = stepOf(site, "effect") ?? {};
    assert.deepEqual([requested, applied], [MW, MW]);
    assert.ok(Math.abs(measured - MW) < 0.15 * MW, `${measured} W`);
    assert.equal(site.last?.status.bindingLevel, "grid-instruction");
  });

  it("is cut to what the batteries can give, and says so", () => {
    const site = siteAt(80);
    const action = { kind: "reduce-import", reductionW: 25 * MW } as const;
    limit(site, { action: { ...action, startsAt: monotonicMs(site.nowMs) }, leaseMs: MINUTE_MS });
    site.run(100);
    const { reason, applied = 0 } = stepOf(site, "clamped") ?? {};
    assert.equal(reason, "limits-now");
    assert.ok(Math.abs(applied - 24 * MW) < 0.1 * MW, `${applied} W`);
  });

  it("is refused for more than the site draws, for nothing, and two days ahead", () => {
    for (const [reductionW, aheadMs, reason] of [
      [26 * MW, 0, "out-of-envelope"],
      [0, 0, "bad-value"],
      [MW, 2_880 * MINUTE_MS, "bad-value"],
    ] as const) {
      const site = siteAt(62.5);
      const startsAt = monotonicMs(site.nowMs + aheadMs);
      limit(site, { action: { kind: "reduce-import", reductionW, startsAt } });
      assert.equal(refusalOf(site), reason);
    }
  });

  it("is not taken when it comes too late", () => {
    const site = siteAt(62.5);
    limit(site, { notAfter: monotonicMs(site.nowMs - 1) });
    site.run(100);
    assert.deepEqual(site.stagesOf("dr"), ["received", "expired"]);
  });

  it("belongs to its holder: others need a stronger priority, and only the holder lets it go", () => {
    const site = siteAt(62.5);
    limit(site, { id: "first" });
    site.run(100);
    limit(site, { holder: "other" });
    assert.equal(refusalOf(site), "lease-held");
    site.command({ id: "rel", holder: "other", asset: "pcc-meter", action: { kind: "release" } });
    site.run(100);
    assert.deepEqual(site.stagesOf("rel"), ["received", "refused"]);
    const sequence = site.nowMs + 1;
    site.command({ id: "let", sequence, asset: "pcc-meter", action: { kind: "release" } });
    site.run(100);
    assert.deepEqual(site.stagesOf("let"), ["received", "accepted", "done"]);
    assert.deepEqual(site.stagesOf("first"), ["received", "accepted", "superseded"]);
    const referenceW = referenceOf(site);
    site.run(10_000);
    assert.ok(referenceOf(site) >= referenceW, "the reference goes back");
  });
});
