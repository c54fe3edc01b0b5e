import { assert } from "../../domain/assert.ts";
import { type MonotonicMs, monotonicMs } from "../../domain/time.ts";

/** Groups due within this time of one another are one round. */
const TOGETHER_MS = 1;

export interface ScheduledGroup {
  /** 0: once per connection. */
  readonly periodMs: number;
  readonly phaseMs: number;
}

/** Polls that end just before the beginning of every cycle. */
export interface CycleAlignment {
  /** Beginning of cycle 0, asked anew for each poll: cycles may move, slowly. */
  readonly originMs: MonotonicMs;
  readonly periodMs: number;
}

/** What is read besides the loop begins this share of a cycle after its beginning. */
const ASIDE = 0.25;
const SAME_RATIO = 1e-9;

interface Slot extends ScheduledGroup {
  /** `before`: ends before a cycle; `aside`: where it holds up nothing of the loop. */
  readonly place: "before" | "aside" | "free";
  /** Number of the next poll, counted from the origin. */
  next: number;
}

/**
 * When each group of a device is due: at `phase + k · period` on the monotonic clock, so that
 * devices stay apart whenever they connected. A poll that is missed is skipped and counted; it
 * never causes a burst.
 */
export class PollSchedule {
  readonly #slots: readonly Slot[];
  readonly #align: CycleAlignment | undefined;
  /** Period of the group that is read most often; Infinity when all are read once. */
  readonly fastestMs: number;
  #overruns = 0;

  constructor(groups: readonly ScheduledGroup[], align: CycleAlignment | undefined) {
    this.#align = align;
    this.fastestMs = Math.min(
      ...groups.map(({ periodMs }) => periodMs).filter((periodMs) => periodMs > 0),
    );
    this.#slots = groups.map((group) => {
      assert(group.periodMs >= 0, "a period is not negative");
      return { ...group, place: placeOf(group.periodMs, this.fastestMs, align), next: 0 };
    });
  }

  get overruns(): number {
    return this.#overruns;
  }

  /** Everything was read at `now`: the next polls are the first ones after it. */
  start(now: MonotonicMs, leadMs: number): void {
    for (const slot of this.#slots) slot.next = this.#firstAfter(slot, now, leadMs);
  }

  /** When the next poll is due; undefined when all groups are read once. */
  nextDue(leadMs: number): MonotonicMs | undefined {
    let earliest = Number.POSITIVE_INFINITY;
    for (const slot of this.#slots) {
      if (slot.periodMs > 0) earliest = Math.min(earliest, this.#dueOf(slot, leadMs));
    }
    return Number.isFinite(earliest) ? monotonicMs(earliest) : undefined;
  }

  /** Groups that are due, as bits; they count as polled. */
  take(now: MonotonicMs, leadMs: number): number {
    let mask = 0;
    this.#slots.forEach((slot, index) => {
      if (slot.periodMs === 0 || this.#dueOf(slot, leadMs) > now + TOGETHER_MS) return;
      mask |= 1 << index;
      slot.next += 1;
    });
    return mask;
  }

  /**
   * Skips the polls whose time passed while the round of the groups `mask` was under way. Another
   * group that became due meanwhile is only late, unless it missed a whole period.
   */
  skipMissed(now: MonotonicMs, leadMs: number, mask: number): void {
    this.#slots.forEach((slot, index) => {
      if (slot.periodMs === 0) return;
      const graceMs = (mask & (1 << index)) === 0 ? slot.periodMs : 0;
      if (this.#dueOf(slot, leadMs) + graceMs > now) return;
      const next = this.#firstAfter(slot, now, leadMs);
      this.#overruns += next - slot.next;
      slot.next = next;
    });
  }

  /** True where a cycle waits for one of these groups. */
  isBeforeCycle(mask: number): boolean {
    return this.#slots.some(
      (slot, index) => slot.place === "before" && (mask & (1 << index)) !== 0,
    );
  }

  #firstAfter(slot: Slot, now: MonotonicMs, leadMs: number): number {
    if (slot.periodMs === 0) return 0;
    return Math.floor((now - this.#baseOf(slot, leadMs)) / slot.periodMs) + 1;
  }

  #dueOf(slot: Slot, leadMs: number): number {
    return this.#baseOf(slot, leadMs) + slot.next * slot.periodMs;
  }

  #baseOf(slot: Slot, leadMs: number): number {
    if (slot.place === "free" || this.#align === undefined) return slot.phaseMs;
    const { originMs, periodMs } = this.#align;
    return slot.place === "before" ? originMs - leadMs : originMs + ASIDE * periodMs;
  }
}

/**
 * The device's fastest groups are what the cycle waits for; the others would only make that wait
 * longer.
 */
function placeOf(
  periodMs: number,
  fastestMs: number,
  align: CycleAlignment | undefined,
): Slot["place"] {
  if (align === undefined || periodMs === 0) return "free";
  const cycles = periodMs / align.periodMs;
  if (!isWhole(cycles) && !isWhole(1 / cycles)) return "free";
  return periodMs === fastestMs ? "before" : "aside";
}

function isWhole(ratio: number): boolean {
  return Math.abs(ratio - Math.round(ratio)) < SAME_RATIO;
}
