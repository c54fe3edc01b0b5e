import type { MonotonicMs } from "../domain/time.ts";
import { type AlarmRecord, subjectOf } from "./alarm-record.ts";
import type { AlarmLimits } from "./limits.ts";

interface Cause {
  count: number;
  /** When the last one ended. */
  endedAt: MonotonicMs;
}

/** What is told of each device, so that what follows from it calls nobody. */
export class Causes {
  readonly #limits: Pick<AlarmLimits, "afterCauseMs">;
  readonly #causes = new Map<string, Cause>();
  /** Ids from which anything follows at all. */
  readonly #ids = new Set<string>();
  /** Causes whose last alarm has ended, and from which something may still follow. */
  #fading = 0;
  #isStirred = false;

  constructor(limits: Pick<AlarmLimits, "afterCauseMs">) {
    this.#limits = limits;
  }

  /** There is an alarm with these causes. */
  heed({ rule }: AlarmRecord): void {
    for (const id of rule.suppressedBy) this.#ids.add(id);
  }

  begin({ id, subject }: AlarmRecord, now: MonotonicMs): void {
    const known = this.#causes.get(subject);
    if (known?.count === 0) this.#fading -= 1;
    if (known === undefined) this.#causes.set(subject, { count: 1, endedAt: now });
    else known.count += 1;
    this.#isStirred ||= this.#ids.has(id);
  }

  end({ id, subject }: AlarmRecord, now: MonotonicMs): void {
    const cause = this.#causes.get(subject);
    if (cause === undefined) return;
    cause.count -= 1;
    cause.endedAt = now;
    if (cause.count > 0) return;
    if (this.#ids.has(id)) this.#fading += 1;
    else this.#causes.delete(subject);
  }

  /** True while an alarm of that id is told of that device. */
  isTold(id: string, device: string | undefined): boolean {
    return (this.#causes.get(subjectOf(id, device))?.count ?? 0) > 0;
  }

  /** True while something stands on the same device from which this one follows. */
  suppress({ causes }: AlarmRecord, now: MonotonicMs): boolean {
    return causes.some((subject) => {
      const cause = this.#causes.get(subject);
      if (cause === undefined) return false;
      return cause.count > 0 || now - cause.endedAt < this.#limits.afterCauseMs;
    });
  }

  /** True when something may follow, or no longer follow, since it was last asked. */
  takeNews(): boolean {
    const isNews = this.#isStirred || this.#fading > 0;
    this.#isStirred = false;
    return isNews;
  }

  /** Forgets what ended long ago. */
  forget(now: MonotonicMs): void {
    if (this.#fading === 0) return;
    for (const [subject, { count, endedAt }] of this.#causes) {
      if (count > 0 || now - endedAt < this.#limits.afterCauseMs) continue;
      this.#causes.delete(subject);
      this.#fading -= 1;
    }
  }
}
