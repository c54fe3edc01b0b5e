import type { JsonValue } from "../wire/json/reader.ts";
import { W_PER_MW } from "./document.ts";
import { memberOf } from "./workload-reading.ts";

/** Lowest first: the order in which workloads are asked to give way. */
export const PRIORITIES = ["low", "normal", "high", "critical"] as const;
export type Priority = (typeof PRIORITIES)[number];

/** How a workload can give way, by its own announcement. */
export interface Flexibility {
  readonly priority: Priority;
  /** Least power that it can be throttled to, W; undefined: it cannot be. */
  readonly throttleToW: number | undefined;
  readonly canPause: boolean;
  /** Longest pause, ms; undefined: it names none. */
  readonly pauseMaxMs: number | undefined;
}

const PLACES = ["/flexibility", "/flexibility_parameters", "/power_profile/flexibility"] as const;
/** The documents have the priority in three places. */
const PRIORITY_PLACES = [
  ["/power_profile", "priority"],
  ["/timing_constraints", "priority"],
  ["/flexibility_parameters", "priority_level"],
] as const;

/**
 * Where several places say different things the one that spares the workload counts. A member of
 * the wrong form is passed over and named: an announcement is not refused for what it may give.
 */
export function readFlexibility(
  message: JsonValue,
  baselineW: number,
): { readonly flexibility: Flexibility; readonly odd: readonly string[] } {
  const odd: string[] = [];
  const said = <T extends JsonValue>(
    names: readonly string[],
    fits: (value: JsonValue) => value is T,
  ): readonly T[] =>
    PLACES.flatMap((place) =>
      names.flatMap((name) => fitting(message, [place, name], { fits, odd })),
    );
  const throttles = said(["can_throttle", "throttling_capability"], isYesOrNo);
  const leastMw = said(["min_power_mw"], isAmount);
  const pauses = said(["can_pause"], isYesOrNo);
  const longestS = said(["max_pause_duration_sec"], isAmount);
  const priorities = PRIORITY_PLACES.flatMap((place) =>
    fitting(message, place, { fits: isPriority, odd }),
  );
  const leastW = leastMw.length === 0 ? baselineW : Math.max(...leastMw) * W_PER_MW;
  return {
    flexibility: {
      priority: highest(priorities) ?? "normal",
      throttleToW: isAllowed(throttles) ? leastW : undefined,
      canPause: isAllowed(pauses),
      pauseMaxMs: longestS.length === 0 ? undefined : Math.min(...longestS) * 1_000,
    },
    odd,
  };
}

function fitting<T extends JsonValue>(
  message: JsonValue,
  [place, name]: readonly [place: string, name: string],
  { fits, odd }: { readonly fits: (value: JsonValue) => value is T; readonly odd: string[] },
): readonly T[] {
  let part: JsonValue | undefined = message;
  for (const step of place.slice(1).split("/")) part = memberOf(part, step);
  const value = memberOf(part, name);
  if (value === undefined) return [];
  if (fits(value)) return [value];
  odd.push(`${place}/${name}`);
  return [];
}

function isAllowed(said: readonly boolean[]): boolean {
  return said.length > 0 && said.every(Boolean);
}

function highest(said: readonly Priority[]): Priority | undefined {
  return PRIORITIES.findLast((priority) => said.includes(priority));
}

function isYesOrNo(value: JsonValue): value is boolean {
  return typeof value === "boolean";
}

function isAmount(value: JsonValue): value is number {
  return typeof value === "number" && value >= 0 && Number.isFinite(value);
}

function isPriority(value: JsonValue): value is Priority {
  return PRIORITIES.some((priority) => priority === value);
}
