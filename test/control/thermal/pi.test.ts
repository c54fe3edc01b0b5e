import { strict as assert } from "node:assert";
import * as fc from "fast-check";
import {
  createPi,
  leadPi,
  type PiSettings,
  type PiState,
  stepPi,
  trackPi,
} from "../../../src/control/thermal/pi.ts";

const SETTINGS: PiSettings = { gain: 20, integralPerS: 8, low: 30, high: 100, ratePerS: 10 };

function at(output: number): PiState {
  const state = createPi(SETTINGS);
  trackPi(state, output, SETTINGS);
  return state;
}

describe("a proportional-integral controller", () => {
  it("stays where it is for an error, or a value to go to, that nobody knows", () => {
    const state = at(60);
    assert.equal(stepPi(state, Number.NaN, 1, SETTINGS), 60);
    assert.equal(leadPi(state, Number.NaN, 1, SETTINGS), 60);
    assert.equal(leadPi(state, 80, 1, SETTINGS), 70, "and goes on from there");
  });

  it("is at its rate or its range for an error without measure, also after no time at all", () => {
    const state = at(60);
    assert.equal(stepPi(state, -4.5e307, 0, SETTINGS), 60);
    assert.equal(stepPi(state, -4.5e307, 1, SETTINGS), 50);
    assert.equal(stepPi(state, 4.5e307, 1, SETTINGS), 60);
  });

  it("never loses its output, its range or its rate", () => {
    const step = fc.record({
      value: fc.oneof(fc.double(), fc.double({ min: -200, max: 200 })),
      dtS: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 5, noNaN: true })),
      isLed: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const state = at(60);
        let before = 60;
        for (const { value, dtS, isLed } of steps) {
          const output = (isLed ? leadPi : stepPi)(state, value, dtS, SETTINGS);
          assert.ok(output >= 30 && output <= 100, `${output}`);
          assert.ok(Math.abs(output - before) <= 10 * dtS + 1e-9);
          assert.ok(state.integral >= 30 && state.integral <= 100, `${state.integral}`);
          before = output;
        }
      }),
      { numRuns: 500 },
    );
  });
});
