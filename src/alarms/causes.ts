import type { MonotonicMs } from "../domain/time.ts";
import type { AlarmRecord } from "./alarm-record.ts";
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

  constructor(limits: Pick<AlarmLimits, "afterCauseMs">) {
    this.#limits = limits;
  }

  begin({ id, device }: AlarmRecord, now: MonotonicMs): void {
    const name = nameOf(id, device);
    const cause = this.#causes.get(name) ?? { count: 0, endedAt: now };
    this.#causes.set(name, cause);
    cause.count += 1;
  }

  end({ id, device }: AlarmRecord, now: MonotonicMs): void {
    const cause = this.#causes.get(nameOf(id, device));
    if (cause === undefined) return;
    cause.count -= 1;
    cause.endedAt = now;
  }

  /** True while something stands on the same device from which this one follows. */
  suppress({ rule, device }: AlarmRecord, now: MonotonicMs): boolean {
    return rule.suppressedBy.some((id) => {
      const cause = this.#causes.get(nameOf(id, device));
      if (cause === undefined) return false;
      return cause.count > 0 || now - cause.endedAt < this.#limits.afterCauseMs;
    });
  }

  /** Forgets what ended long ago. */
  forget(now: MonotonicMs): void {
    for (const [name, { count, endedAt }] of this.#causes)
      if (count === 0 && now - endedAt >= this.#limits.afterCauseMs) this.#causes.delete(name);
  }
}

function nameOf(id: string, device: string | undefined): string {
  return `${id}\n${device ?? ""}`;
}
