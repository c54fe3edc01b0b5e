import { strict as assert } from "node:assert";
import { conditionHolds } from "../../src/domain/condition.ts";

describe("condition of a bit or value", () => {
  const cases = [
    [{ bit: 0 }, false, 1, true],
    [{ bit: 0 }, false, 2, false],
    [{ bit: 31 }, false, 2 ** 31, true],
    [{ bit: 40 }, false, 2 ** 40 + 5, true],
    [{ bit: 40 }, false, 2 ** 41, false],
    [{ bit: 1 }, true, 1, true],
    [{ equals: 6 }, false, 6, true],
    [{ equals: 6 }, true, 6, false],
  ] as const;
  for (const [when, isActiveLow, value, expected] of cases) {
    it(`${JSON.stringify(when)}${isActiveLow ? " low" : ""} is ${String(expected)} at ${value}`, () => {
      assert.equal(conditionHolds({ when, isActiveLow }, value), expected);
    });
  }
});
