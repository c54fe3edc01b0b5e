import { strict as assert } from "node:assert";
import { blindTotal, fadedLimit, rampStepW, silentPower } from "../../src/control/link-rules.ts";
import { MW, testPlan, testUnit } from "../support/plant-plan.ts";

const { grid } = testPlan();
const unit = testUnit(0);

describe("rule of a silent unit", () => {
  const sight = { countedW: 6 * MW, lastContactAt: 0, shownW: undefined, elapsedMs: 50 };
  const cases = [
    ["keeps its last confirmed power", { now: 2_999 }, 6 * MW],
    ["follows its reversion ramp once its time has passed", { now: 3_000 }, 6 * MW - 1_250],
    ["counts at what the meters show, at once", { now: 500, shownW: 1 * MW }, 1 * MW],
    ["never counts at more than its rating", { now: 500, shownW: 99 * MW }, 12 * MW],
    ["never counts at less than it can charge", { now: 500, shownW: -99 * MW }, -12 * MW],
  ] as const;
  for (const [name, rest, expected] of cases) {
    it(name, () => {
      assert.equal(silentPower({ ...sight, ...rest }, unit), expected);
    });
  }
});

describe("rule of a lost limit", () => {
  it("takes a known limit at once and lets an unknown one fade at the ramp", () => {
    assert.equal(fadedLimit(3, 10, 1), 3);
    assert.equal(fadedLimit(undefined, 10, 1), 9);
    assert.equal(fadedLimit(undefined, 0.5, 1), 0);
  });
});

describe("rule of the lost meter", () => {
  const cases = [
    ["holds for a second", 5 * MW, 1_000, 5 * MW],
    ["then lets a discharge go at the ramp of a rising import", 5 * MW, 1_001, 5 * MW - 2_500],
    ["lets a charge go at the ramp of a falling import", -5 * MW, 1_001, -5 * MW + 5_000],
    ["ends at zero", 1_000, 9_999, 0],
  ] as const;
  for (const [name, totalW, blindSinceMs, expected] of cases) {
    it(name, () => {
      const site = { ...grid, rampDownWPerS: 0.1 * MW };
      assert.equal(blindTotal({ totalW, blindSinceMs, elapsedMs: 50 }, site), expected);
    });
  }

  it("has a step for each direction", () => {
    const site = { ...grid, rampUpWPerS: 10, rampDownWPerS: 20 };
    assert.deepEqual([rampStepW(site, -1, 100), rampStepW(site, 1, 100)], [1, 2]);
  });
});
