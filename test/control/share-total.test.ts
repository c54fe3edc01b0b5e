import { strict as assert } from "node:assert";
import { ENERGY_SHARE_DEFAULTS } from "../../src/control/share-energy.ts";
import { MW, type PlanOptions, STATE_FAULT, testPlan } from "../support/plant-plan.ts";
import { PlantSite } from "../support/plant-site.ts";

/** Batteries at 80 and 40 % that share by energy; 30 % are kept. */
function siteOf(options: PlanOptions = {}, socs: readonly number[] = [80, 40]): PlantSite {
  const share = "share" in options ? options.share : ENERGY_SHARE_DEFAULTS;
  const plan = testPlan({ peakCapW: undefined, ...options, share });
  const site = new PlantSite({ plan });
  for (const [place, unit] of site.units.entries()) unit.soc = socs[place] ?? 60;
  return site;
}

const askedOf = (site: PlantSite): readonly number[] =>
  [...site.control.total.shares.powersW].map((powerW) => powerW / MW);

const near = (value: number | undefined, wanted: number, within: number): void => {
  assert.ok(Math.abs((value ?? Number.NaN) - wanted) <= within, `${value}, not ${wanted}`);
};

/** Runs, and looks in every cycle whether one unit charges while another discharges. */
function run(site: PlantSite, ms: number): void {
  if (site.onCycle.length === 0)
    site.onCycle.push(() => {
      const powers = askedOf(site);
      const [least, most] = [Math.min(...powers), Math.max(...powers)];
      assert.ok(!(least < -1e-6 && most > 1e-6), `${least} and ${most} MW at once`);
    });
  site.run(ms);
}

const setPower = (powerMw: number, rampWPerS?: number) =>
  ({ kind: "set-power", powerW: powerMw * MW, rampWPerS }) as const;

describe("sharing the total by energy", () => {
  it("lets the fuller give more of what the cap asks, and the emptier take more", () => {
    const site = siteOf({ peakCapW: 13.5 * MW });
    run(site, 5_000);
    const [first = 0, second = 0] = askedOf(site);
    near(first + second, 12, 0.5);
    near(first / (first + second), 50 / 60, 0.02);
    const charging = siteOf({ exportLimitW: 0 });
    charging.training = () => -19 * MW;
    run(charging, 5_000);
    const [most = 0, least = 0] = askedOf(charging);
    near(most + least, -13.5, 0.5);
    near(least / (most + least), 55 / 70, 0.02);
  });

  it("shares a group's leased part like everything else, and nothing else changes by it", () => {
    const equal = siteOf({ share: undefined });
    const shared = siteOf();
    for (const site of [equal, shared]) {
      site.command({ id: "a", asset: "battery", action: setPower(14, 3 * MW) });
      run(site, 8_000);
      near(site.last?.status.totalW, 14 * MW, 1);
    }
    // So near its reserve the second may give 10.4 MW, not 12.
    const [first = 0, second = 0] = askedOf(shared);
    near(first, 11.95, 0.05);
    near(second, 2.05, 0.05);
    near(askedOf(equal)[0], 7, 1e-6);
  });

  it("leaves to a unit what it was leased itself", () => {
    const site = siteOf();
    site.command({ id: "a", asset: "bess-2", action: setPower(3, 3 * MW) });
    run(site, 3_000);
    near(askedOf(site)[1], 3, 1e-6);
    near(askedOf(site)[0], 0, 1e-6);
  });

  it("takes back what one unit gives before another one takes it", () => {
    const site = siteOf({ exportLimitW: 0 });
    site.command({ id: "a", asset: "bess-2", action: setPower(4, 4 * MW) });
    run(site, 3_000);
    near(askedOf(site)[1], 4, 1e-6);
    // 3 MW of load are left: of the 4 MW leased one is too much.
    site.training = () => -2.5 * MW;
    run(site, 3_000);
    const [first, second] = askedOf(site);
    near(first, 0, 1e-6);
    near(second, 3.07, 0.2);
  });

  it("brings the charges together while the load swings", () => {
    const site = siteOf({ peakCapW: 20 * MW }, [70, 50]);
    site.training = (ms) => (ms % 2_000 < 1_000 ? 22 : 14) * MW;
    run(site, 300_000);
    const [first = 0, second = 0] = site.units.map(({ soc }) => soc);
    assert.ok(first - second < 19 && first - second > 0, `${first} and ${second} %`);
  }).timeout(60_000);

  it("gives a small power with one unit, and a large one with both in the same cycle", () => {
    const site = siteOf({ peakCapW: 22 * MW }, [62.5, 62.5]);
    run(site, 10_000);
    near(askedOf(site)[0]! / askedOf(site)[1]!, 1, 0.01);
    run(site, 55_000);
    const [first = 0, second = 0] = askedOf(site);
    near(first + second, 3.6, 0.5);
    assert.ok(Math.min(first, second) < 0.01, `${first} and ${second} MW`);
    site.training = () => 36 * MW;
    run(site, 1_000);
    near(askedOf(site)[0]! + askedOf(site)[1]!, 19.5, 0.6);
    assert.ok(Math.min(...askedOf(site)) > 7);
  });

  it("gives the others the share of one that trips, in the same cycle", () => {
    const site = siteOf({ peakCapW: 16 * MW, units: 3 }, [80, 60, 60]);
    run(site, 5_000);
    const before = askedOf(site).reduce((sum, power) => sum + power, 0);
    site.units[0]!.state = STATE_FAULT;
    site.onCycle.length = 0;
    site.onCycle.push(() => {
      if (site.last?.status.units[0]?.mode !== "faulted") return;
      const after = askedOf(site);
      near(after[1]! + after[2]!, before, 0.4);
    });
    site.run(3_000);
    assert.equal(site.last?.status.units[0]?.mode, "faulted");
  });
});
