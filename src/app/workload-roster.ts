import type { WorkloadRequest } from "../dcpi/workload.ts";
import { ALL, type WorkloadSight, type WorkloadWord } from "../dcpi/shed/orders.ts";
import type { WorkloadStatus } from "../dcpi/workload-status.ts";
import type { WorkloadNotice, WorkloadStep } from "../domain/announcement.ts";
import type { MonotonicMs } from "../domain/time.ts";

/** Workloads that are known by their announcements or their words; beyond it the oldest goes. */
export const WORKLOADS_MAX = 1_000;
/** A power that a workload said counts for so long, ms; then its schedule does. */
export const WORD_FRESH_MS = 60_000;

export interface RosterCounters {
  readonly workloads: number;
  /** Dropped because there were too many. */
  readonly forgotten: number;
}

interface Known {
  readonly sight: Omit<WorkloadSight, "powerW">;
  /** Mean before the first step, W. */
  readonly baseW: number;
  readonly steps: readonly WorkloadStep[];
  readonly at: MonotonicMs;
}

interface Said extends WorkloadWord {
  /** When the workload says that it wrote it, UTC ms. */
  readonly timestamp: number;
}

/** Who runs here and what each draws, as far as they have said. Bounded. */
export class WorkloadRoster {
  readonly #known = new Map<string, Known>();
  readonly #said = new Map<string, Said>();
  #forgotten = 0;

  get counters(): RosterCounters {
    return { workloads: this.#known.size, forgotten: this.#forgotten };
  }

  /** @param notice as control has put it off */
  announce(request: WorkloadRequest, notice: WorkloadNotice, now: MonotonicMs): void {
    const { workload, dialect, flexibility, rampWPerS } = request;
    // Its messages would be everybody's.
    if (workload === ALL) return;
    const before = this.#known.get(workload);
    const baseW = notice.powerW ?? (before === undefined ? 0 : plannedW(before, now));
    const sight = { workload, dialect, flexibility, rampWPerS };
    this.#keep(this.#known, workload, { sight, baseW, steps: notice.steps, at: now });
  }

  /** False: it is older than what the workload said last. */
  report({ workload, state, powerW, timestamp }: WorkloadStatus, at: MonotonicMs): boolean {
    if (timestamp < (this.#said.get(workload)?.timestamp ?? -Infinity)) return false;
    this.#keep(this.#said, workload, { state, powerW, timestamp, at });
    return true;
  }

  isKnown(workload: string): boolean {
    return this.#known.has(workload);
  }

  wordOf(workload: string): WorkloadWord | undefined {
    return this.#said.get(workload);
  }

  /** Every workload that draws something now. */
  *sights(now: MonotonicMs): Generator<WorkloadSight> {
    for (const [workload, known] of this.#known) {
      const powerW = drawnW(known, this.#said.get(workload), now);
      if (powerW > 0) yield { ...known.sight, powerW };
    }
  }

  #keep<T>(map: Map<string, T>, workload: string, value: T): void {
    map.delete(workload);
    map.set(workload, value);
    if (map.size <= WORKLOADS_MAX) return;
    const [oldest] = map.keys();
    if (oldest !== undefined) map.delete(oldest);
    this.#forgotten += 1;
  }
}

/** What it says that it draws, or what it has announced for this time, W. */
function drawnW(known: Known, said: Said | undefined, now: MonotonicMs): number {
  if (said === undefined || said.at < known.at) return plannedW(known, now);
  if (said.state === "terminated" || said.state === "paused") return said.powerW ?? 0;
  const isFresh = now - said.at <= WORD_FRESH_MS;
  return isFresh && said.powerW !== undefined ? said.powerW : plannedW(known, now);
}

function plannedW({ baseW, steps }: Known, now: MonotonicMs): number {
  return steps.findLast(({ at }) => at <= now)?.powerW ?? baseW;
}
