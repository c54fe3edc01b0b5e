import { type AlarmRecord, callsPeople, isWaiting } from "./alarm-record.ts";

export interface AlarmCounts {
  /** Active, or waiting for somebody to take note; without information. */
  readonly standing: number;
  readonly unacknowledged: number;
  readonly shelved: number;
  readonly suppressed: number;
  /** Calls in the last ten minutes. */
  readonly calls: number;
  /** Collected by the flood that goes on. */
  readonly collected: number;
  /** Alarms forgotten since the start because there were too many; no active one before others. */
  readonly overflowed: number;
}

type StandingCounts = Pick<AlarmCounts, "standing" | "unacknowledged" | "shelved" | "suppressed">;

export function countsOf(records: Iterable<AlarmRecord>): StandingCounts {
  const counts = { standing: 0, unacknowledged: 0, shelved: 0, suppressed: 0 };
  for (const record of records) {
    const { state, severity } = record;
    if (state === "normal" || !callsPeople(severity)) continue;
    counts.standing += 1;
    if (isWaiting(record)) counts.unacknowledged += 1;
    if (state === "shelved" || state === "suppressed") counts[state] += 1;
  }
  return counts;
}
