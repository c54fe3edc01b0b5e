import { strict as assert } from "node:assert";
import * as fc from "fast-check";
import {
  bindingLevel,
  lowerCeiling,
  nearest,
  openBox,
  pin,
  raiseFloor,
  resetBox,
  towards,
} from "../../src/control/arbitration.ts";
import type { Level } from "../../src/control/exchange.ts";

function boxOf(lowW: number, highW: number) {
  const box = openBox();
  resetBox(box, lowW, highW, "device-limits");
  return box;
}

describe("arbitration", () => {
  it("lets a weaker level tighten, and never widen, what a stronger one left", () => {
    const box = boxOf(-10, 10);
    raiseFloor(box, -20, "peak-cap");
    lowerCeiling(box, 20, "peak-cap");
    assert.deepEqual([box.lowW, box.highW, box.lowBy], [-10, 10, "device-limits"]);
    raiseFloor(box, 4, "peak-cap");
    lowerCeiling(box, 2, "schedule");
    assert.deepEqual([box.lowW, box.highW], [4, 4], "the floor of the stronger level stays");
    assert.deepEqual([box.lowBy, box.highBy], ["peak-cap", "schedule"]);
  });

  it("gives of a pinned power what is left", () => {
    const box = boxOf(-10, 10);
    pin(box, 25, "grid-instruction");
    assert.deepEqual([box.lowW, box.highW], [10, 10]);
  });

  it("says who decided", () => {
    const box = boxOf(-10, 10);
    raiseFloor(box, 4, "peak-cap");
    assert.deepEqual(
      [1, 7, 12].map((wantedW) => [nearest(box, wantedW), bindingLevel(box, wantedW)]),
      [
        [4, "peak-cap"],
        [7, "schedule"],
        [10, "device-limits"],
      ],
    );
  });

  it("does not move on what is not a number", () => {
    const box = boxOf(-10, 10);
    raiseFloor(box, Number.NaN, "peak-cap");
    lowerCeiling(box, Number.NaN, "peak-cap");
    assert.deepEqual([box.lowW, box.highW], [-10, 10]);
  });

  it("moves towards a target by at most a step", () => {
    assert.deepEqual([towards(0, 10, 3), towards(0, -10, 3), towards(9, 10, 3)], [3, -3, 10]);
  });

  it("is never empty and only narrows, whatever the levels ask", () => {
    const step = fc.tuple(
      fc.constantFrom("floor", "ceiling", "pin"),
      fc.integer({ min: -30, max: 30 }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const box = boxOf(-10, 10);
        for (const [kind, powerW] of steps) {
          const before = { ...box };
          const by: Level = "governor";
          if (kind === "floor") raiseFloor(box, powerW, by);
          else if (kind === "ceiling") lowerCeiling(box, powerW, by);
          else pin(box, powerW, by);
          assert.ok(box.lowW >= before.lowW && box.highW <= before.highW && box.lowW <= box.highW);
        }
      }),
    );
  });
});
