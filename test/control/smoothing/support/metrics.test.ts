import { strict as assert } from "node:assert";
import { largestRamp, rmsIn, spectrumOf } from "./metrics.ts";

const STEP_S = 0.01;

/** Expected values computed once by another implementation of the same definition. */
const KNOWN = [
  {
    name: "a step up and down",
    seconds: 400,
    loadMw: (s: number): number => (s < 60 || s >= 260 ? 200 : 400),
    slow: 9.324328874901797,
    fast: 2.0363341948671825,
    whole: 9.544095867106156,
    ramp: 200,
  },
  {
    name: "a sawtooth of slow declines",
    seconds: 1_200,
    loadMw: (s: number): number => 400 - (s % 200),
    slow: 9.8988937508443,
    fast: 2.150687976335551,
    whole: 10.129834957296127,
    ramp: 199,
  },
];

describe("measures of a power trace", () => {
  for (const { name, seconds, loadMw, slow, fast, whole, ramp } of KNOWN)
    it(`agree with another implementation on ${name}`, () => {
      const count = Math.round(seconds / STEP_S);
      const values = Float64Array.from({ length: count }, (_, place) => loadMw(place / 100));
      const spectrum = spectrumOf(values, STEP_S);
      near(rmsIn(spectrum, { fromHz: 0.1, toHz: 2 }), slow);
      near(rmsIn(spectrum, { fromHz: 2, toHz: 20 }), fast);
      near(rmsIn(spectrum, { fromHz: 0.1, toHz: 20 }), whole);
      near(largestRamp(values, STEP_S, 1), ramp);
    });
});

function near(value: number, expected: number): void {
  assert.ok(Math.abs(value - expected) < 1e-6 * expected, `${value}, not ${expected}`);
}
