import { ANNUNCIATION_ALARMS } from "./annunciation-alarms.ts";
import { BATTERY_ALARMS } from "./battery-alarms.ts";
import { CONTROL_ALARMS } from "./control-alarms.ts";
import { COOLING_ALARMS } from "./cooling-alarms.ts";
import type { AlarmChapter, AlarmEntry } from "./entry.ts";
import { GATEWAY_ALARMS } from "./gateway-alarms.ts";
import { GRID_ALARMS } from "./grid-alarms.ts";
import { INVERTER_ALARMS } from "./inverter-alarms.ts";
import { PROTECTION_ALARMS } from "./protection-alarms.ts";
import { RECORDER_ALARMS } from "./recorder-alarms.ts";
import { THERMAL_ALARMS } from "./thermal-alarms.ts";
import { SHADOW_ALARMS } from "./shadow-alarms.ts";
import { UPS_ALARMS } from "./ups-alarms.ts";

/** Every alarm and event that the gateway tells, and those of the profiles that come with it. */
export const ALARM_CHAPTERS: readonly AlarmChapter[] = [
  GRID_ALARMS,
  CONTROL_ALARMS,
  PROTECTION_ALARMS,
  INVERTER_ALARMS,
  BATTERY_ALARMS,
  UPS_ALARMS,
  COOLING_ALARMS,
  THERMAL_ALARMS,
  SHADOW_ALARMS,
  GATEWAY_ALARMS,
  ANNUNCIATION_ALARMS,
  RECORDER_ALARMS,
];

const BY_ID: ReadonlyMap<string, AlarmEntry> = new Map(
  ALARM_CHAPTERS.flatMap(({ entries }) => entries.map((entry) => [entry.id, entry] as const)),
);

export function alarmEntry(id: string): AlarmEntry | undefined {
  return BY_ID.get(id);
}

export function alarmIds(): readonly string[] {
  return [...BY_ID.keys()];
}
