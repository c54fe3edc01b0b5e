import type { PlantEvent } from "../domain/event.ts";
import type { MonotonicMs } from "../domain/time.ts";
import { type AlarmRecord, keyOf, SEVERITY_RANK } from "./alarm-record.ts";

/**
 * The alarms that are remembered, at most so many. For one more the least urgent is forgotten: one
 * that is not active before any that is, and a trip for nothing. What is not more urgent than any
 * of them is not taken. Either way it is counted.
 */
export class RecordTable {
  readonly #records = new Map<string, AlarmRecord>();
  readonly #capacity: number;
  readonly #onForgotten: (record: AlarmRecord, now: MonotonicMs) => void;
  overflowed = 0;

  constructor(capacity: number, onForgotten: (record: AlarmRecord, now: MonotonicMs) => void) {
    this.#capacity = capacity;
    this.#onForgotten = onForgotten;
  }

  get(key: string): AlarmRecord | undefined {
    return this.#records.get(key);
  }

  all(): Iterable<AlarmRecord> {
    return this.#records.values();
  }

  /** Undefined: there is no room for it. */
  add(record: AlarmRecord, now: MonotonicMs): AlarmRecord | undefined {
    if (this.#records.size >= this.#capacity) {
      this.overflowed += 1;
      const least = this.#leastUrgent();
      if (least === undefined || urgency(least) >= SEVERITY_RANK[record.severity] + ACTIVE)
        return undefined;
      this.#drop(least, now);
    }
    this.#records.set(record.key, record);
    return record;
  }

  /** Has room for it in any case. */
  make(record: AlarmRecord, now: MonotonicMs): AlarmRecord {
    const least = this.#records.size >= this.#capacity ? this.#leastUrgent() : undefined;
    if (least !== undefined) {
      this.overflowed += 1;
      this.#drop(least, now);
    }
    this.#records.set(record.key, record);
    return record;
  }

  /**
   * Which alarms an end means: the one with its name, or the one that was told without its point,
   * as a latch is after a restart; an end without a point means all of that id on that device. One
   * that nobody knows means nothing: who comes late is told of ends whose beginnings it missed.
   */
  endedBy({ id, device, point }: PlantEvent): readonly AlarmRecord[] {
    const exact = this.#records.get(keyOf(id, device, point));
    if (exact?.isTold === true) return [exact];
    const pointless = this.#records.get(keyOf(id, device, undefined));
    if (point !== undefined) return pointless?.isTold === true ? [pointless] : [];
    return [...this.#records.values()].filter(
      (r) => r.id === id && r.device === device && r.isTold,
    );
  }

  /** Forgets which of these has been normal for a while. */
  forget(records: Iterable<AlarmRecord>, now: MonotonicMs, afterMs: number): void {
    for (const record of records)
      if (record.state === "normal" && !record.isTold && now - record.stateAt > afterMs)
        this.#drop(record, now);
  }

  #leastUrgent(): AlarmRecord | undefined {
    let least: AlarmRecord | undefined;
    for (const record of this.#records.values())
      if (least === undefined || urgency(record) < urgency(least)) least = record;
    return least;
  }

  #drop(record: AlarmRecord, now: MonotonicMs): void {
    this.#records.delete(record.key);
    this.#onForgotten(record, now);
  }
}

/** More than any severity: what is active stays before what is not. */
const ACTIVE = 10;

function urgency({ severity, isIn, isTold }: AlarmRecord): number {
  return SEVERITY_RANK[severity] + (isIn || isTold ? ACTIVE : 0);
}
