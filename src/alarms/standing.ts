import type { Severity } from "../domain/event.ts";
import type { UtcMs } from "../domain/time.ts";
import { type AlarmRecord, type AlarmState, SEVERITY_RANK } from "./alarm-record.ts";
import type { Shelf } from "./shelves.ts";

/** One line of the standing list. Times are UTC ms; what does not apply is not there. */
export interface StandingAlarm {
  readonly id: string;
  readonly device?: string;
  readonly point?: string;
  readonly severity: Severity;
  readonly state: Exclude<AlarmState, "normal">;
  readonly text: string;
  readonly raisedAt: number;
  readonly returnedAt?: number;
  readonly ack?: { readonly by: string; readonly at: number };
  readonly shelf?: { readonly by: string; readonly reason: string; readonly until: number };
  /** It is one of those for which this alarm stands. */
  readonly partOf?: string;
  /** The first of its group. */
  readonly isFirstOut?: true;
  /** The first of its group was this one. */
  readonly after?: string;
  /** Beginnings since it was normal, more than one. */
  readonly raises?: number;
  readonly isChattering?: true;
  /** It did not call, because too many did. */
  readonly isCollected?: true;
  /** Its source is not heard: this is what was known then. */
  readonly asOf?: number;
}

export function standingOf(
  record: AlarmRecord,
  sight: {
    readonly asOf: UtcMs | undefined;
    readonly shelf: Shelf | undefined;
    readonly before: AlarmRecord | undefined;
    readonly isChattering: boolean;
  },
): StandingAlarm {
  const { id, severity, state, text, raisedUtc, partOf } = record;
  const { asOf, before } = sight;
  const shelf = state === "shelved" ? sight.shelf : undefined;
  return {
    id,
    ...given("device", record.device),
    ...given("point", record.point),
    severity,
    state: state === "normal" ? "acknowledged" : state,
    text,
    raisedAt: raisedUtc,
    ...given("returnedAt", record.returnedUtc),
    ...given("ack", record.ack),
    ...given("shelf", shelf === undefined ? undefined : shelfOf(shelf)),
    ...given("partOf", partOf?.isIn === true ? partOf.id : undefined),
    ...given("isFirstOut", ifSo(record.isFirstOut)),
    ...given("after", before === undefined ? undefined : nameOf(before)),
    ...given("raises", record.raises > 1 ? record.raises : undefined),
    ...given("isChattering", ifSo(sight.isChattering)),
    ...given("isCollected", ifSo(record.isCollected)),
    ...given("asOf", asOf),
  };
}

/** What does not apply is not there: not even as undefined. */
function given<Name extends string, T>(
  name: Name,
  value: T | undefined,
): Partial<Readonly<Record<Name, T>>> {
  return value === undefined ? {} : ({ [name]: value } as Partial<Record<Name, T>>);
}

function ifSo(isSo: boolean): true | undefined {
  return isSo ? true : undefined;
}

function shelfOf({ by, reason, untilUtc }: Shelf): NonNullable<StandingAlarm["shelf"]> {
  return { by, reason, until: untilUtc };
}

function nameOf({ id, device }: AlarmRecord): string {
  return `${id} of ${device ?? "the gateway"}`;
}

/** What calls before what is set aside; the graver before; what waits before; the first before. */
export function inOrder(records: readonly AlarmRecord[]): readonly AlarmRecord[] {
  return [...records].sort(
    (a, b) =>
      ASIDE_RANK[a.state] - ASIDE_RANK[b.state] ||
      SEVERITY_RANK[b.severity] - SEVERITY_RANK[a.severity] ||
      WAIT_RANK[a.state] - WAIT_RANK[b.state] ||
      Number(b.isFirstOut) - Number(a.isFirstOut) ||
      a.raisedUtc - b.raisedUtc ||
      compare(a.key, b.key),
  );
}

const ASIDE_RANK: Readonly<Record<AlarmState, number>> = {
  unacknowledged: 0,
  returned: 0,
  acknowledged: 0,
  normal: 0,
  shelved: 1,
  suppressed: 2,
};

const WAIT_RANK: Readonly<Record<AlarmState, number>> = {
  unacknowledged: 0,
  returned: 1,
  acknowledged: 2,
  normal: 2,
  shelved: 2,
  suppressed: 2,
};

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
