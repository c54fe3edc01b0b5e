import type { Severity } from "../domain/event.ts";
import type { MonotonicMs } from "../domain/time.ts";
import type { AlarmLimits } from "./limits.ts";

/**
 * Who may call a person now. A trip always may. The others share a few calls in a window, and the
 * last of them is kept for the alarm that tells of the flood. Beyond it a critical one still calls
 * when none of its kind has called in the window.
 */
export class Annunciator {
  readonly #limits: Pick<AlarmLimits, "callsMax" | "callWindowMs">;
  /** Of the calls in the window, oldest first. */
  #calls: { readonly id: string; readonly at: MonotonicMs }[] = [];
  #collectedAt: MonotonicMs | undefined;
  #collected = 0;

  constructor(limits: Pick<AlarmLimits, "callsMax" | "callWindowMs">) {
    this.#limits = limits;
  }

  /** True when it calls; false: it is collected. */
  offer(alarm: { readonly id: string; readonly severity: Severity }, now: MonotonicMs): boolean {
    const { id, severity } = alarm;
    this.#forget(now);
    const isFree = this.#calls.length < this.#limits.callsMax - 1;
    const isNewKind = severity === "critical" && this.#calls.every((call) => call.id !== id);
    const isCalled = severity === "trip" || isFree || isNewKind;
    if (isCalled) this.#calls.push({ id, at: now });
    else {
      this.#collected += 1;
      this.#collectedAt = now;
    }
    return isCalled;
  }

  /** The flood's own call. */
  noteFlood(id: string, now: MonotonicMs): void {
    this.#calls.push({ id, at: now });
  }

  /** Alarms collected in the flood that goes on. */
  get collected(): number {
    return this.#collected;
  }

  /** True from the first one that was collected until a whole window had none. */
  isFlood(now: MonotonicMs): boolean {
    if (this.#collectedAt === undefined) return false;
    if (now - this.#collectedAt < this.#limits.callWindowMs) return true;
    this.#collectedAt = undefined;
    this.#collected = 0;
    return false;
  }

  /** Calls in the window. */
  callsIn(now: MonotonicMs): number {
    this.#forget(now);
    return this.#calls.length;
  }

  #forget(now: MonotonicMs): void {
    const since = now - this.#limits.callWindowMs;
    this.#calls = this.#calls.filter(({ at }) => at > since);
  }
}
