import { strict as assert } from "node:assert";
import { beginRest, endRest, offsetAfter } from "../../../src/control/smoothing/rest.ts";
import { siteSettings } from "./support/arms.ts";
import { MW } from "./support/rig.ts";
import { LOOPS } from "./support/timing.ts";

const settings = { ...siteSettings(LOOPS.d95), rampUpWPerS: MW, rampDownWPerS: 2 * MW };
/** Load, mean of its last seconds and slow mean, W. */
const at = (loadW: number, recentW: number, meanW: number) => ({
  loadW: loadW * MW,
  recentW: recentW * MW,
  meanW: meanW * MW,
  restOffsetW: 0,
});

describe("rest of the predictions", () => {
  it("begins at a load that has stepped and stands where it is", () => {
    const state = at(380, 378, 320);
    beginRest(state);
    assert.equal(state.meanW, 378 * MW);
    assert.equal(state.restOffsetW, 0);
  });

  it("gives back at the ramp what it answers less of any other", () => {
    const state = at(340, 378, 320);
    beginRest(state);
    assert.equal(state.meanW, 320 * MW);
    assert.equal(state.restOffsetW, 58 * MW);
  });

  it("ends with what it has answered", () => {
    const state = at(400, 378, 320);
    endRest(state);
    assert.equal(state.restOffsetW, -58 * MW);
    assert.equal(state.meanW, 320 * MW);
  });

  // What goes to the grid is the reference less the offset.
  for (const [offsetW, movedW, leftW, why] of [
    [10, 0, 9.9, "upwards"],
    [10, 0.1, 10, "not while the reference takes the whole ramp"],
    [10, -0.2, 9.7, "and what the reference takes away"],
    [-10, 0, -9.8, "downwards"],
    [-10, -0.2, -10, "not while the reference falls with the whole ramp"],
    [-10, 0.1, -9.7, "and what the reference adds"],
    [0.05, 0, 0, "to its end"],
    [0, 0.1, 0, "and stays there"],
  ] as const)
    it(`goes from ${offsetW} MW at the ramp, with a reference that moves ${movedW} MW: ${why}`, () => {
      const offset = offsetAfter(offsetW * MW, settings, { movedW: movedW * MW, elapsedS: 0.1 });
      assert.ok(Math.abs(offset - leftW * MW) < 1, `${offset} W`);
    });
});
