import { strict as assert } from "node:assert";
import type { ShadowAnswer } from "../../src/app/shadow-host.ts";
import { VirtualSite, type VirtualSiteOptions } from "../support/virtual-site.ts";

const MW = 1e6;
const CAP_W = 20 * MW;
const SHADOW_CAP_W = 23 * MW;
const RAMP_W_PER_S = 0.05 * MW;
const CYCLE_S = 0.05;
/** Setpoints are rounded to a kilowatt, for each of the two units. */
const ROUNDING_W = 2_000;
/** Of a load that only its noise moves, from one cycle to the next. */
const NOISE_W = 30_000;
const MINUTE_MS = 60_000;

const withShadow =
  (lines: string) =>
  (text: string): string =>
    text.replace("  stopRampMs: 1000", `  shadow:\n${lines}\n  stopRampMs: 1000`);

const OTHER_CAP = withShadow("    peakCapKw: 23000");
const SMOOTHED = withShadow(
  "    smoothing: { loadMinKw: 6000, loadMaxKw: 28000, meterPeriodMs: 50 }\n    peakCapKw: 26500",
);
const UNSMOOTHED = withShadow("    without: [smoothing]\n    peakCapKw: 22000");

async function opened(
  change: (text: string) => string,
  options: Omit<VirtualSiteOptions, "change"> = {},
): Promise<VirtualSite> {
  const site = await VirtualSite.open({ change, load: "full", ...options });
  await site.run(8);
  return site;
}

const report = (site: VirtualSite): ShadowAnswer => site.shadow({ kind: "report" });

/** What the batteries are asked for, cycle by cycle from now on. */
function totals(site: VirtualSite): number[] {
  const seen: number[] = [];
  site.onCycle.push(() => seen.push(site.status.totalW));
  return seen;
}

function largestStepW(values: readonly number[]): number {
  return Math.max(
    0,
    ...values.slice(1).map((value, at) => Math.abs(value - (values[at] ?? value))),
  );
}

async function commanded(site: VirtualSite, id: string, action: string): Promise<string> {
  await site.publish("cmd/power/control", {
    dcpi_version: "1.0",
    message_type: "power_control",
    command_id: id,
    timestamp: new Date(site.clock.utcNow()).toISOString(),
    commands: [{ target: "gateway-control", action }],
  });
  await site.run(2 * CYCLE_S);
  const last = site.answers.filter(({ topic }) => topic === `ack/${id}`).at(-1)?.body;
  const { stage = "", reason = "" } = (last ?? {}) as { readonly stage?: string; reason?: string };
  return `${stage} ${reason}`.trim();
}

async function armed(site: VirtualSite, forMs = 10 * MINUTE_MS): Promise<void> {
  assert.equal(site.shadow({ kind: "arm", forMs, by: "anna" }).result, "done");
  assert.equal(await commanded(site, `on-${site.clock.now()}`, "x_shadow_on"), "done");
}

describe("shadow: other settings beside the control loop", function () {
  this.timeout(60_000);

  it("writes nothing, raises nothing, and says what it would have done otherwise", async () => {
    const plain = await opened((text) => text);
    const site = await opened(OTHER_CAP);
    await plain.run(20);
    await site.run(20);
    assert.deepEqual(site.events, plain.events, "the plant hears nothing of it");
    assert.equal(site.status.totalW, plain.status.totalW);
    const { report: seen, isWriting } = report(site);
    assert.equal(isWriting, false);
    assert.ok(seen!.cycles > 500);
    assert.equal(seen!.skipped, 0);
    const apartW = SHADOW_CAP_W - CAP_W;
    assert.ok(Math.abs(seen!.total.meanW + apartW) < 0.1 * MW, `${seen!.total.meanW} W`);
    assert.ok(Math.abs(seen!.total.rmsW - apartW) < 0.2 * MW, `${seen!.total.rmsW} W`);
    assert.equal(seen!.units.length, 2);
    const unitsW = seen!.units.reduce((sum, { meanW }) => sum + meanW, 0);
    assert.ok(Math.abs(unitsW - seen!.total.meanW) < 1);
    assert.ok(seen!.total.realGivenWh > seen!.total.shadowGivenWh + 10_000);
    assert.equal(seen!.bindings[0]?.level, "peak-cap");
    assert.deepEqual(Object.keys(seen!.events), []);
    await plain.close();
    await site.close();
  });

  it("is smoothed as if it had been obeyed: no rest, nobody that does not follow", async () => {
    const site = await opened(SMOOTHED, { load: "training-1hz" });
    await site.run(40);
    const { report: seen } = report(site);
    assert.deepEqual(seen?.events, {});
    // Of all 48 s, with the first of them, in which the load is learned.
    assert.ok(seen.shadowRamp.rmsW < 0.85 * seen.realRamp.rmsW, JSON.stringify(seen));
    const governor = seen.bindings.find(({ level }) => level === "governor");
    assert.ok((governor?.shadow ?? 0) > 0.5 && governor?.real === 0, JSON.stringify(seen.bindings));
    await site.close();
  });

  it("needs both a person at the box and a command to write", async () => {
    const site = await opened(OTHER_CAP);
    assert.equal(await commanded(site, "a-1", "x_shadow_on"), "refused not-armed-at-the-box");
    site.shadow({ kind: "arm", forMs: MINUTE_MS, by: "anna" });
    await site.run(1);
    assert.equal(report(site).isWriting, false, "a person alone is not enough");
    assert.equal(await commanded(site, "a-2", "x_shadow_on"), "done");
    assert.equal(report(site).isWriting, true);
    assert.equal(site.eventsOf("shadow-writes").at(-1)?.phase, "raised");
    void site.order({ kind: "mode", mode: "local", by: "anna" });
    await site.run(1);
    assert.equal(report(site).isWriting, false, "nothing from afar is in force in local mode");
    assert.equal(await commanded(site, "a-3", "x_shadow_on"), "refused local-mode");
    await site.close();
  });

  it("ends with the time that was allowed, with a disarm at the box, and with a restart", async () => {
    const site = await opened(OTHER_CAP);
    await armed(site, 5_000);
    await site.run(4);
    assert.equal(report(site).isWriting, true);
    await site.run(2);
    assert.equal(report(site).isWriting, false, "time is up");
    assert.equal(site.eventsOf("shadow-writes").at(-1)?.phase, "cleared");
    await armed(site);
    assert.equal(site.shadow({ kind: "disarm", by: "anna" }).result, "done");
    await site.run(2 * CYCLE_S);
    assert.equal(report(site).isWriting, false, "at once");
    assert.equal(await commanded(site, "b-1", "x_shadow_on"), "refused not-armed-at-the-box");
    await armed(site);
    await site.killControl();
    await site.startControl();
    await site.run(1);
    assert.equal(report(site).isWriting, false, "the site file is in force after a restart");
    assert.equal(report(site).allowedMs, 0);
    await site.close();
  });

  it("takes over without a step, and hands back without one", async () => {
    const site = await opened(OTHER_CAP);
    const seen = totals(site);
    await armed(site);
    await site.run(70);
    assert.ok(Math.abs(site.status.totalW - 2.75 * MW) < 0.2 * MW, `${site.status.totalW} W`);
    site.shadow({ kind: "disarm", by: "anna" });
    await site.run(70);
    assert.ok(Math.abs(site.status.totalW - 5.75 * MW) < 0.2 * MW, `${site.status.totalW} W`);
    const mostW = RAMP_W_PER_S * CYCLE_S + ROUNDING_W + NOISE_W;
    assert.ok(largestStepW(seen) <= mostW, `${largestStepW(seen)} W in a cycle`);
    assert.deepEqual(site.eventsOf("second-writer"), []);
    assert.deepEqual(site.eventsOf("setpoint-differs"), []);
    await site.close();
  });

  for (const [name, change, control] of [
    ["from a cap to smoothing", SMOOTHED, "peak-cap"],
    ["from smoothing to a cap", UNSMOOTHED, "smoothing"],
  ] as const)
    it(`takes over without a step ${name}, and back`, async () => {
      const site = await opened(change, { control });
      await site.run(10);
      const seen = totals(site);
      await armed(site);
      await site.run(20);
      site.shadow({ kind: "disarm", by: "anna" });
      await site.run(20);
      const mostW = RAMP_W_PER_S * CYCLE_S + ROUNDING_W + 2 * NOISE_W;
      assert.ok(largestStepW(seen) <= mostW, `${largestStepW(seen)} W in a cycle`);
      assert.ok(Math.max(...seen) - Math.min(...seen) > 0.5 * MW, "it moved");
      await site.close();
    });

  it("keeps a trip latched, and a lease in force, through the exchange", async () => {
    const site = await opened(OTHER_CAP);
    site.plant.trip("bess-2", "emergency-stop");
    site.command({ id: "lease", asset: "bess-1", action: SET_4_MW });
    await site.run(2);
    await armed(site);
    await site.run(5);
    assert.equal(report(site).isWriting, true);
    assert.equal(site.status.trips[0]?.id, "emergency-stop");
    assert.equal(site.status.units[1]?.mode, "tripped");
    assert.equal(site.plant.device("bess-2").readNumber("active-power-setpoint", NaN), 0);
    assert.equal(site.status.leases[0]?.commandId, "lease");
    site.plant.trip("bess-1", "emergency-stop");
    await site.run(0.3);
    assert.equal(site.status.units[0]?.mode, "tripped", "protection is the shadow's as well");
    assert.equal(site.plant.device("bess-1").readNumber("active-power-setpoint", NaN), 0);
    await site.close();
  });

  it("is nothing where the site file names none", async () => {
    const site = await opened((text) => text);
    assert.deepEqual([report(site).result, report(site).reason], ["refused", "no-shadow"]);
    await site.close();
  });
});

const SET_4_MW = { kind: "set-power", powerW: 4 * MW, rampWPerS: undefined } as const;
