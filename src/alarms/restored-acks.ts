import { type MonotonicMs, monotonicMs } from "../domain/time.ts";
import type { AlarmRecord } from "./alarm-record.ts";
import type { SavedAck } from "./memory.ts";

/** What was acknowledged before a restart, until its alarms are told again or time is up. */
export class RestoredAcks {
  readonly #acks = new Map<string, SavedAck>();
  #until: MonotonicMs = monotonicMs(-Infinity);

  put(acks: readonly SavedAck[], until: MonotonicMs): void {
    for (const ack of acks) this.#acks.set(ack.key, ack);
    this.#until = until;
  }

  /** Of this alarm, once; a latch is told without its point after a restart. */
  take({ key, subject, point }: AlarmRecord): SavedAck | undefined {
    const pointless = `${subject}\n`;
    for (const [saved, ack] of this.#acks) {
      const isOfLatch = point === undefined && saved.startsWith(pointless);
      if (saved !== key && saved !== pointless && !isOfLatch) continue;
      this.#acks.delete(saved);
      return ack;
    }
    return undefined;
  }

  /** True when something was forgotten because its time is up. */
  forget(now: MonotonicMs): boolean {
    if (now <= this.#until || this.#acks.size === 0) return false;
    this.#acks.clear();
    return true;
  }

  all(): Iterable<SavedAck> {
    return this.#acks.values();
  }
}
