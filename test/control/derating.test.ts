import { strict as assert } from "node:assert";
import * as fc from "fast-check";
import { derateLine, deratePart } from "../../src/control/derating.ts";
import type { DeratePlan } from "../../src/control/plan.ts";
import { pointIndex } from "../../src/domain/point.ts";

const HOT: DeratePlan = {
  input: { point: pointIndex(0), maxAgeMs: 1_000 },
  fromCel: 45,
  toCel: 55,
  hysteresisK: 4,
  direction: "both",
  units: [0],
};
const COLD: DeratePlan = { ...HOT, fromCel: 5, toCel: -5 };

describe("derating by temperature", () => {
  for (const [plan, cel, part] of [
    [HOT, -40, 1],
    [HOT, 45, 1],
    [HOT, 46, 0.9],
    [HOT, 50, 0.5],
    [HOT, 55, 0],
    [HOT, 90, 0],
    [COLD, 40, 1],
    [COLD, 5, 1],
    [COLD, 0, 0.5],
    [COLD, -5, 0],
    [COLD, -40, 0],
  ] as const)
    it(`leaves ${part} at ${cel} °C between ${plan.fromCel} and ${plan.toCel}`, () => {
      assert.ok(Math.abs(derateLine(plan, cel) - part) < 1e-12);
      assert.ok(Math.abs(deratePart(plan, cel, 1) - part) < 1e-12);
    });

  it("takes at once and gives back 4 K later, hot and cold", () => {
    assert.equal(deratePart(HOT, 50, 1), 0.5);
    assert.equal(deratePart(HOT, 47, 0.5), 0.5, "3 K better is not enough");
    assert.ok(Math.abs(deratePart(HOT, 45, 0.5) - 0.6) < 1e-12);
    assert.equal(deratePart(HOT, 41, 0.6), 1);
    assert.equal(deratePart(COLD, 0, 1), 0.5);
    assert.equal(deratePart(COLD, 3, 0.5), 0.5);
    assert.equal(deratePart(COLD, 9, 0.5), 1);
  });

  it("never leaves more than the line, and moves nothing for a swing within the hysteresis", () => {
    const temperatures = fc.array(fc.double({ min: 30, max: 70, noNaN: true }), { minLength: 1 });
    fc.assert(
      fc.property(temperatures, (values) => {
        let part = 1;
        for (const cel of values) {
          part = deratePart(HOT, cel, part);
          assert.ok(part <= derateLine(HOT, cel) + 1e-12 && part >= 0);
          for (const nearby of [cel, cel - 3.9, cel - 1])
            assert.ok(
              deratePart(HOT, nearby, part) <= Math.max(part, derateLine(HOT, cel)) + 1e-12,
            );
        }
      }),
    );
  });
});
