import { itemAt } from "./item-at.ts";
import { type ControlPlan, PLAIN_TRIP, type TripRule } from "./plan.ts";
import { RECOVERIES_MAX, RECOVERIES_WITHIN_MS, type TripMark } from "./trip-cause.ts";

/** When a trip was let pass or lifted itself within the last hour, as it is saved. */
export interface SavedPasses {
  readonly id: string;
  readonly device: string;
  /** UTC, ms; NaN for one that cannot be read. */
  readonly at: readonly number[];
}

/** The two clocks at one moment: monotonic time does not outlive a process. */
export interface ClockPair {
  readonly now: number;
  readonly utc: number;
}

type Places = Pick<ControlPlan, "trips">;

export function savedPasses(
  marks: readonly TripMark[],
  { trips }: Places,
  { now, utc }: ClockPair,
): readonly SavedPasses[] {
  return trips.flatMap(({ id, device }, place) => {
    const recent = itemAt(marks, place).passes.filter((at) => now - at < RECOVERIES_WITHIN_MS);
    const at = recent.map((pass) => Math.round(utc - (now - pass)));
    return at.length === 0 ? [] : [{ id, device, at }];
  });
}

/** Records from before it had none. */
export function parsePasses(document: unknown): readonly SavedPasses[] | "unreadable" | undefined {
  if (document === undefined) return undefined;
  if (!Array.isArray(document) || !document.every(isPasses)) return "unreadable";
  return document.map(({ id, device, at }) => ({ id, device, at: at.map(timeOf) }));
}

/**
 * Takes them back before the first cycle. What cannot be read, or is still to come because the
 * clock was set back, counts as just now: in doubt nothing recovers by itself.
 */
export function restorePasses(
  marks: readonly TripMark[],
  { trips }: Places,
  saved: readonly SavedPasses[] | "unreadable",
  clocks: ClockPair,
): void {
  for (const [place, rule] of trips.entries()) {
    const most = mostOf(rule);
    const before =
      saved === "unreadable"
        ? Array.from({ length: most }, () => clocks.now)
        : saved.filter((one) => isOf(one, rule)).flatMap(({ at }) => timesOf(at, clocks));
    const { passes } = itemAt(marks, place);
    // By the hour the oldest goes first.
    passes.push(...before.sort((a, b) => a - b).slice(-most));
  }
}

/** More of them say nothing more. */
function mostOf({ terms = PLAIN_TRIP }: TripRule): number {
  return Math.max(RECOVERIES_MAX, terms.passesPerHour);
}

function timesOf(times: readonly number[], { now, utc }: ClockPair): readonly number[] {
  return times.map((at) => (utc >= at ? now - (utc - at) : now));
}

function isOf(saved: SavedPasses, rule: TripRule): boolean {
  return saved.id === rule.id && saved.device === rule.device;
}

interface UncheckedPasses extends Pick<SavedPasses, "id" | "device"> {
  readonly at: readonly unknown[];
}

function isPasses(document: unknown): document is UncheckedPasses {
  if (typeof document !== "object" || document === null) return false;
  if (!("id" in document && "device" in document && "at" in document)) return false;
  const { id, device, at } = document;
  return typeof id === "string" && typeof device === "string" && Array.isArray(at);
}

function timeOf(at: unknown): number {
  return typeof at === "number" ? at : Number.NaN;
}
