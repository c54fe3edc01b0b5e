import type { MonotonicMs, UtcMs } from "../domain/time.ts";
import { monotonicMs, utcMs } from "../domain/time.ts";
import { type AlarmTime, subjectOf } from "./alarm-record.ts";
import type { AlarmLimits } from "./limits.ts";

/** An alarm that a person has put aside, whatever point it names. */
export interface Shelf {
  readonly id: string;
  readonly device: string | undefined;
  readonly by: string;
  readonly reason: string;
  readonly sinceUtc: UtcMs;
  readonly untilUtc: UtcMs;
}

export interface ShelveOrder {
  readonly id: string;
  readonly device: string | undefined;
  readonly by: string;
  readonly reason: string;
  readonly forMs: number;
}

export type ShelveRefusal =
  | "unknown-alarm"
  | "not-shelvable"
  | "name-needed"
  | "reason-needed"
  | "no-end"
  | "too-long"
  | "too-many-shelved";

/** What is put aside; each comes back by itself. Ends are counted on the monotonic clock. */
export class Shelves {
  readonly #limits: AlarmLimits;
  readonly #shelves = new Map<string, { readonly shelf: Shelf; readonly endsAt: MonotonicMs }>();

  constructor(limits: AlarmLimits) {
    this.#limits = limits;
  }

  /** Puts aside, or anew with another end. */
  add(order: ShelveOrder, at: AlarmTime): Shelf | ShelveRefusal {
    const { id, device, by, reason, forMs } = order;
    const refusal = this.#refusalOf(order);
    if (refusal !== undefined) return refusal;
    const untilUtc = utcMs(at.utc + forMs);
    const shelf = { id, device, by, reason, sinceUtc: at.utc, untilUtc };
    this.#shelves.set(subjectOf(id, device), { shelf, endsAt: monotonicMs(at.now + forMs) });
    return shelf;
  }

  /** What was saved; a clock that was moved meanwhile makes no shelf longer than is allowed. */
  restore(shelf: Shelf, at: AlarmTime): void {
    const { shelfMaxMs, shelvesMax } = this.#limits;
    const leftMs = Math.min(shelf.untilUtc - at.utc, shelfMaxMs);
    if (leftMs <= 0 || this.#shelves.size >= shelvesMax) return;
    const untilUtc = utcMs(at.utc + leftMs);
    const endsAt = monotonicMs(at.now + leftMs);
    this.#shelves.set(subjectOf(shelf.id, shelf.device), { shelf: { ...shelf, untilUtc }, endsAt });
  }

  remove(id: string, device: string | undefined): Shelf | undefined {
    const name = subjectOf(id, device);
    const found = this.#shelves.get(name)?.shelf;
    this.#shelves.delete(name);
    return found;
  }

  of(id: string, device: string | undefined): Shelf | undefined {
    // Asked of every alarm some times a second, and mostly there is none.
    if (this.#shelves.size === 0) return undefined;
    return this.#shelves.get(subjectOf(id, device))?.shelf;
  }

  /** Takes out what is over. */
  ended(now: MonotonicMs): readonly Shelf[] {
    const over = [...this.#shelves.values()].filter(({ endsAt }) => endsAt <= now);
    for (const { shelf } of over) this.#shelves.delete(subjectOf(shelf.id, shelf.device));
    return over.map(({ shelf }) => shelf);
  }

  all(): readonly Shelf[] {
    return [...this.#shelves.values()].map(({ shelf }) => shelf);
  }

  #refusalOf({ id, device, by, reason, forMs }: ShelveOrder): ShelveRefusal | undefined {
    const { shelfMaxMs, shelvesMax, nameMax, reasonMax } = this.#limits;
    if (!isPlain(by, nameMax)) return "name-needed";
    if (!isPlain(reason, reasonMax)) return "reason-needed";
    if (!(forMs > 0)) return "no-end";
    if (forMs > shelfMaxMs) return "too-long";
    const isNew = !this.#shelves.has(subjectOf(id, device));
    return isNew && this.#shelves.size >= shelvesMax ? "too-many-shelved" : undefined;
  }
}

/** Words of a person that fit, and that end no line. */
export function isPlain(text: string, charactersMax: number): boolean {
  return text.trim() !== "" && text.length <= charactersMax && !/[\u0000-\u001f\u007f]/.test(text);
}
