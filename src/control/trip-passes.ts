import { itemAt } from "./item-at.ts";
import { type ControlPlan, PLAIN_TRIP, type TripRule } from "./plan.ts";
import { RECOVERIES_MAX, RECOVERIES_WITHIN_MS, type TripMark } from "./trip-cause.ts";

/** When a trip was let pass or lifted itself within the last hour, as it is saved. */
export interface SavedPasses {
  readonly id: string;
  readonly device: string;
  /** UTC, ms; NaN for one that cannot be read. */
  readonly at: readonly number[];
  /** Its cause was there, and is counted already. */
  readonly isPassing?: true | undefined;
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
    const { passes, isPassing } = itemAt(marks, place);
    const recent = passes.filter((at) => now - at < RECOVERIES_WITHIN_MS);
    const at = recent.map((pass) => Math.round(utc - (now - pass)));
    if (isPassing) return [{ id, device, at, isPassing }];
    return at.length === 0 ? [] : [{ id, device, at }];
  });
}

/** Records from before it had none. */
export function parsePasses(document: unknown): readonly SavedPasses[] | "unreadable" | undefined {
  if (document === undefined) return undefined;
  if (!Array.isArray(document) || !document.every(isPasses)) return "unreadable";
  return document.map(({ id, device, at, isPassing }) => ({
    id,
    device,
    at: at.map(timeOf),
    ...(isPassing === true ? { isPassing } : {}),
  }));
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
    const mark = itemAt(marks, place);
    const { recoversAfterMs, passesPerHour } = rule.terms ?? PLAIN_TRIP;
    if (saved === "unreadable") {
      // A latch that stays is lifted at the box. A fault that latches keeps its unit from the start
      // that would end it: of those that may be let pass, only one is taken for gone.
      const count = recoversAfterMs === undefined ? 1 : RECOVERIES_MAX;
      mark.passes.push(...Array.from({ length: count }, () => clocks.now));
      continue;
    }
    const own = saved.filter((one) => isOf(one, rule));
    const before = own.flatMap(({ at }) => timesOf(at, clocks)).sort((a, b) => a - b);
    // By the hour the oldest goes first; more than these say nothing more.
    mark.passes.push(...before.slice(-Math.max(RECOVERIES_MAX, passesPerHour)));
    // What is there at the first look is the one that was there, and counts once.
    mark.isPassing = own.some(({ isPassing }) => isPassing === true);
    mark.isThere = mark.isPassing;
  }
}

function timesOf(times: readonly number[], { now, utc }: ClockPair): readonly number[] {
  return times.map((at) => (utc >= at ? now - (utc - at) : now));
}

function isOf(saved: SavedPasses, rule: TripRule): boolean {
  return saved.id === rule.id && saved.device === rule.device;
}

interface UncheckedPasses extends Pick<SavedPasses, "id" | "device"> {
  readonly at: readonly unknown[];
  readonly isPassing?: unknown;
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
