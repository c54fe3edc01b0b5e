import { assert } from "../domain/assert.ts";

/** Unit `place` of the model: it has one for each device. */
export function at<T>(units: readonly T[], place: number): T {
  const unit = units[place];
  assert(unit !== undefined, "the model has a unit for each device");
  return unit;
}
