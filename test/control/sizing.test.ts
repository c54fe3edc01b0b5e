import { strict as assert } from "node:assert";
import {
  sizing,
  type SizingReport,
  type SizingSite,
  sizingText,
} from "../../src/control/sizing.ts";
import type { SmoothingSettings } from "../../src/control/smoothing/settings.ts";
import { siteSettings } from "./smoothing/support/arms.ts";
import { LOOPS } from "./smoothing/support/timing.ts";

const MW = 1e6;
const MWH = 3.6e9;
const LOSSLESS = { dischargeEfficiency: 1, chargeEfficiency: 1 };

function reportOf(
  settings: Partial<SmoothingSettings> = {},
  changes: Partial<SizingSite> = {},
): SizingReport {
  return sizing({
    settings: siteSettings(LOOPS.d95, settings),
    usableJ: 100 * MWH,
    reserveJ: 0,
    capacityJ: 100 * MWH,
    rideThroughW: 0,
    peakCapW: undefined,
    ...changes,
  });
}

/** Two units of 12 MW and 6 MWh; 4 to 26 MW of load; 0.05 MW/s. */
function demoSite(changes: Partial<SizingSite> = {}): SizingReport {
  const ramps = { rampUpWPerS: 0.05 * MW, rampDownWPerS: 0.05 * MW };
  const ratings = { dischargeRatingW: 24 * MW, chargeRatingW: 24 * MW };
  return reportOf(
    { ...ramps, ...ratings, lowW: 4 * MW, highW: 26 * MW },
    {
      usableJ: 0.65 * 12 * MWH,
      reserveJ: 0.2 * 12 * MWH,
      capacityJ: 12 * MWH,
      rideThroughW: 4.44 * MW,
      peakCapW: 20 * MW,
      ...changes,
    },
  );
}

function strongSite(): SizingReport {
  return reportOf({}, { peakCapW: 350 * MW });
}

const near = (value: number, wanted: number, share = 1e-3): void => {
  assert.ok(Math.abs(value - wanted) <= share * Math.abs(wanted), `${value}, not ${wanted}`);
};

describe("sizing at the desk", () => {
  const needs = [
    [10 / 60, 33.3],
    [1, 5.56],
    [10, 0.556],
    [50, 0.111],
  ] as const;
  for (const [mwPerS, mwh] of needs)
    it(`needs ${mwh} MWh for 200 MW at ${mwPerS.toFixed(2)} MW/s`, () => {
      const ramps = { rampUpWPerS: mwPerS * MW, rampDownWPerS: mwPerS * MW };
      const report = reportOf({ ...ramps, ...LOSSLESS });
      near(report.rampJ / MWH, mwh, 2e-3);
      near(report.neededJ, report.rampJ + 2 * report.marginJ);
      assert.ok(report.marginJ > 200 * MW * 0.095);
    });

  it("needs more with losses", () => {
    near(reportOf().rampJ, 20_000 * MW * (1 / 0.95), 1e-6);
  });

  it("finds 1.42 of 7.8 MWh needed at the site of the demo", () => {
    const report = demoSite();
    near(report.rampJ / MWH, 1.42, 5e-3);
    near(report.site.usableJ / MWH, 7.8);
    assert.equal(report.isGuaranteed, true);
    near(report.bestUpWPerS!, (22 * MW) ** 2 / (2 * 0.95 * (7.8 * MWH - 2 * report.marginJ)));
    assert.deepEqual([report.largestRangeW, report.largestRangeBy], [24 * MW, "power"]);
  });

  it("finds ramps and ranges at which the need is exactly what the battery has", () => {
    for (const [up, down] of [
      [1, 1],
      [1, 0.3],
      [0.3, 1],
    ] as const) {
      const given = {
        rampUpWPerS: up * MW,
        rampDownWPerS: down * MW,
        energyErrorJ: 50 * MW,
        dischargeRatingW: 999 * MW,
        chargeRatingW: 999 * MW,
      };
      const usableJ = 4 * MWH;
      const report = reportOf(given, { usableJ });
      const { bestUpWPerS = 0, bestDownWPerS = 0, largestRangeW } = report;
      const atBest = { ...given, rampUpWPerS: bestUpWPerS, rampDownWPerS: bestDownWPerS };
      near(reportOf(atBest).neededJ, usableJ, 1e-9);
      const upOnly = { ...given, rampUpWPerS: bestUpWPerS, rampDownWPerS: 1e12 };
      near(reportOf(upOnly).neededJ, usableJ, 1e-9);
      const downOnly = { ...given, rampDownWPerS: bestDownWPerS, rampUpWPerS: 1e12 };
      near(reportOf(downOnly).neededJ, usableJ, 1e-9);
      assert.equal(report.largestRangeBy, "energy");
      near(reportOf({ ...given, highW: 200 * MW + largestRangeW }).neededJ, usableJ, 1e-9);
    }
  });

  it("says what is missing", () => {
    const report = reportOf(
      { dischargeRatingW: 120 * MW, chargeRatingW: 150 * MW, ...LOSSLESS },
      { usableJ: 5 * MWH },
    );
    assert.equal(report.isGuaranteed, false);
    near(report.missingJ, 20_000 * MW + 2 * report.marginJ - 5 * MWH);
    assert.deepEqual([report.missingDischargeW, report.missingChargeW], [80 * MW, 50 * MW]);
    const text = sizingText(report).join("\n");
    assert.match(text, /NOT guaranteed: 593 kWh are missing for the ramp\./);
    assert.match(text, /a rise beyond 120 MW at once reaches the grid, up to 80\.0 MW of it/);
    assert.match(text, /a fall beyond 150 MW at once reaches the grid, up to 50\.0 MW of it/);
    assert.doesNotMatch(text, /guaranteed for every load/);
  });

  it("guarantees a ramp only with converters for both directions", () => {
    for (const changes of [{ dischargeRatingW: 199 * MW }, { chargeRatingW: 199 * MW }]) {
      const report = reportOf(changes);
      assert.equal(report.isGuaranteed, false);
      assert.deepEqual([report.largestRangeW, report.largestRangeBy], [199 * MW, "power"]);
    }
    assert.equal(reportOf().isGuaranteed, true);
  });

  it("guarantees no ramp with a battery smaller than its margins", () => {
    const report = reportOf({ energyErrorJ: MWH }, { usableJ: 2 * MWH });
    assert.deepEqual([report.bestUpWPerS, report.bestDownWPerS], [undefined, undefined]);
    assert.equal(report.largestRangeW, 0);
    assert.ok(sizingText(report).some((line) => line.startsWith("NOT guaranteed: any ramp")));
  });

  it("needs a quarter of the energy and half of the power for an announced step", () => {
    const { announced } = reportOf(LOSSLESS);
    near(announced.leadS, 100);
    near(announced.energyJ / MWH, 1.39, 2e-3);
    assert.equal(announced.powerW, 100 * MW);
    const slower = reportOf({ ...LOSSLESS, rampDownWPerS: 0.5 * MW });
    near(slower.announced.leadS, 200);
  });

  it("knows the pulse that nothing removes", () => {
    near(reportOf({ delayMs: 250 }).pulseJ, 50 * MW);
    near(reportOf({ delayMs: 100 }).pulseJ, 20 * MW);
    const text = sizingText(reportOf({ delayMs: 250 })).join("\n");
    assert.match(text, /NOT guaranteed, by any setting: .* 250 ms .* 200 MW and 13\.9 kWh at most/);
  });

  it("counts what iterations take out of a battery", () => {
    const { iterations } = reportOf();
    near(iterations.dailyJ / MWH, 1_200);
    near(iterations.cyclesPerDay, 12);
    assert.equal(iterations.budgetS, 86_400);
    // A fifth of the range may stay: a fifth less.
    near(reportOf({ deadbandW: 20 * MW }).iterations.dailyJ / MWH, 960);
    assert.equal(reportOf({ deadbandW: 100 * MW }).iterations.dailyJ, 0);
    const spent = reportOf({ dailyThroughputJ: 300 * MWH });
    near(spent.iterations.budgetS, 21_600);
    assert.match(sizingText(spent).join("\n"), /uses up the day's throughput in 6\.00 h/);
  });

  it("carries the load at the reserve", () => {
    near(demoSite().rideThroughS, (2.4 * MWH * 0.95) / (4.44 * MW));
    assert.match(sizingText(demoSite()).join("\n"), /2\.40 MWh carries 4\.44 MW for 30\.8 min/);
    assert.equal(reportOf().rideThroughS, Infinity);
  });

  it("holds a cap as long as what the ramp needs afterwards is left", () => {
    const { peak, marginJ } = demoSite();
    const afterJ = (6 * MW) ** 2 / (2 * 0.05 * MW * 0.95);
    near(peak!.holdS, ((7.8 * MWH - afterJ - marginJ) * 0.95) / (6 * MW), 1e-9);
    assert.equal(demoSite({ peakCapW: 30 * MW }).peak!.holdS, Infinity);
    assert.equal(demoSite({ peakCapW: undefined }).peak, undefined);
    const small = reportOf({ dischargeRatingW: 40 * MW }, { peakCapW: 350 * MW });
    assert.equal(small.peak!.shortW, 10 * MW);
    near((small.peak!.holdS * 40) / (strongSite().peak!.holdS * 50), 1, 1e-9);
    assert.match(sizingText(small).join("\n"), /the last 10\.0 MW of that load are beyond/);
  });

  it("tells it in sentences", () => {
    assert.deepEqual(sizingText(demoSite()), [
      "The load may go by 22.0 MW at any moment. With a grid ramp of 3.00 MW/min up and " +
        "3.00 MW/min down that needs 1.42 MWh (2.19 kWh of it as margin on each side) and " +
        "22.0 MW of converters.",
      "The battery has 7.80 MWh between reserve and ceiling, 24.0 MW discharging and 24.0 MW " +
        "charging.",
      "The ramp is guaranteed for every load in that range.",
      "The slowest grid ramp that its energy allows for that range is 0.545 MW/min up and " +
        "0.492 MW/min down.",
      "At the ramp of this site it is enough for a load that goes by at most 24.0 MW; its " +
        "converters end there.",
      "A step of 22.0 MW that is announced 220 s ahead needs 354 kWh and 11.0 MW; earlier is of " +
        "no use.",
      "NOT guaranteed, by any setting: a step that nobody announces is seen by the grid for the " +
        "95 ms until the battery answers, 22.0 MW and 0.581 kWh at most.",
      "Iterations of 22.0 MW all day take 132 MWh out of the battery, 11.0 full cycles a day.",
      "The reserve of 2.40 MWh carries 4.44 MW for 30.8 min when the grid is lost.",
      "A full battery holds the cap of 20.0 MW against the highest load for 73.1 min. NOT " +
        "guaranteed: the cap after that; the import then rises with the ramp.",
    ]);
  });
});
