import * as fc from "fast-check";
import { absentMeasure, type Measured } from "../../../src/control/thermal/measured.ts";

/** A sensor that the site has and that tells nothing. */
export function lost(): Measured {
  return { value: Number.NaN, state: "lost" };
}

const value = fc.oneof(
  fc.double({ min: -100, max: 5_000, noNaN: true }),
  fc.double({ min: 0, max: 100, noNaN: true }),
  fc.double(),
  fc.constantFrom(0, 1, Number.NaN, Infinity, -Infinity),
);

/** Whatever a sensor may tell, and how it may tell it. */
export const anyMeasure: fc.Arbitrary<Measured> = fc.oneof(
  value.map((each): Measured => ({ value: each, state: "good" })),
  value.map((each): Measured => ({ value: each, state: "lost" })),
  fc.constant(absentMeasure()),
);
