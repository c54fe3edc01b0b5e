import { conditionHolds } from "../domain/condition.ts";
import { isBad } from "../domain/quality.ts";
import { qualityAt, type RoundColumns, valueAt } from "../domain/round.ts";
import type { AlarmRule } from "./binding.ts";

/**
 * True while the device shows the alarm; undefined when its point is bad, so that nobody knows.
 *
 * @param columns of all points of the device, by ordinal
 */
export function isAlarmActive(rule: AlarmRule, columns: RoundColumns): boolean | undefined {
  if (isBad(qualityAt(columns, rule.ordinal))) return undefined;
  return conditionHolds(rule, valueAt(columns, rule.ordinal));
}
