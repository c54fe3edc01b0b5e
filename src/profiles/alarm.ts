import { assert } from "../domain/assert.ts";
import { conditionHolds } from "../domain/condition.ts";
import { isBad } from "../domain/quality.ts";
import type { RoundColumns } from "../domain/round.ts";
import type { AlarmRule } from "./binding.ts";

/**
 * True while the device shows the alarm; undefined when its point is bad, so that nobody knows.
 *
 * @param columns of all points of the device, by ordinal
 */
export function isAlarmActive(rule: AlarmRule, columns: RoundColumns): boolean | undefined {
  const quality = columns.quality[rule.ordinal];
  const value = columns.values[rule.ordinal];
  assert(quality !== undefined && value !== undefined, "columns are shorter than the device");
  if (isBad(quality)) return undefined;
  return conditionHolds(rule, value);
}
