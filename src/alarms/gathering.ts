import type { MonotonicMs } from "../domain/time.ts";
import type { AlarmRecord } from "./alarm-record.ts";
import type { AlarmLimits } from "./limits.ts";

/** An alarm that stands for many of one cause. */
interface Gathered {
  readonly members: Set<AlarmRecord>;
  /** Earliest of those that made the group; it stays the first. */
  firstDevice: string;
  firstToldAt: MonotonicMs;
  lastJoinAt: MonotonicMs;
}

/** So few that are left are named. */
const NAMED_MAX = 3;

/** What became of an alarm that was looked at for a shared cause. */
export interface GatherResult {
  readonly group: AlarmRecord;
  /** The group begins, or is another one than people have taken note of. */
  readonly isNews: boolean;
}

export interface GatherSight {
  readonly records: Iterable<AlarmRecord>;
  readonly now: MonotonicMs;
  /** The record that stands for many on a connection; undefined: of the whole site. */
  readonly groupOf: (segment: string | undefined) => AlarmRecord;
}

/**
 * Finds alarms of one kind with a shared cause: several behind one connection, or many at once. The
 * first of them is kept in words.
 */
export class Gathering {
  readonly #limits: AlarmLimits;
  readonly #segmentOf: (device: string) => string | undefined;
  readonly #groups = new Map<AlarmRecord, Gathered>();

  constructor(limits: AlarmLimits, segmentOf: (device: string) => string | undefined) {
    this.#limits = limits;
    this.#segmentOf = segmentOf;
  }

  /** Looks at an alarm that begins; undefined: it stands alone. */
  look(record: AlarmRecord, sight: GatherSight): GatherResult | undefined {
    if (record.partOf?.isIn === true) return undefined;
    const open = this.#openFor(record, sight.now);
    if (open !== undefined) {
      this.#join(record, open, sight.now);
      return { group: open, isNews: false };
    }
    const since = record.toldAt - this.#limits.gatherMs;
    const alike = [...sight.records].filter(
      (other) =>
        other.id === record.id &&
        other.isTold &&
        other.ack === undefined &&
        other.toldAt >= since &&
        other.partOf?.isIn !== true,
    );
    const segment = this.#segment(record);
    const near =
      segment === undefined ? [] : alike.filter((other) => this.#segment(other) === segment);
    const isOfSite = alike.length >= this.#limits.gatherMin && near.length < alike.length;
    if (!isOfSite && near.length < this.#limits.gatherMinOnSegment) return undefined;
    const group = sight.groupOf(isOfSite ? undefined : segment);
    for (const member of isOfSite ? alike : near) this.#join(member, group, sight.now);
    return { group, isNews: true };
  }

  /** How many of a group are still there, in words; undefined: none. */
  words(group: AlarmRecord): string | undefined {
    const gathered = this.#groups.get(group);
    if (gathered === undefined) return undefined;
    const left = [...gathered.members].filter(({ isTold }) => isTold);
    if (left.length === 0) return undefined;
    const { size } = gathered.members;
    const names = left.length > NAMED_MAX ? "" : ` (${left.map(nameOf).join(", ")})`;
    const count =
      left.length === size
        ? `${size} devices do`
        : `${left.length} of ${size} devices${names} still do`;
    return `${count} not answer; the first was ${gathered.firstDevice}`;
  }

  /** The group is over: what comes next has another cause. */
  end(group: AlarmRecord): void {
    for (const member of this.#groups.get(group)?.members ?? []) member.partOf = undefined;
    this.#groups.delete(group);
  }

  groups(): readonly AlarmRecord[] {
    return [...this.#groups.keys()];
  }

  /** A record is forgotten. */
  drop(record: AlarmRecord): void {
    for (const { members } of this.#groups.values()) members.delete(record);
    this.end(record);
  }

  #openFor(record: AlarmRecord, now: MonotonicMs): AlarmRecord | undefined {
    const segment = this.#segment(record);
    for (const [group, { lastJoinAt }] of this.#groups) {
      const isWide = group.device === undefined || group.device === segment;
      const isKind = group.id === record.rule.gathersAs;
      if (isKind && isWide && group.isIn && now - lastJoinAt <= this.#limits.joinMs) return group;
    }
    return undefined;
  }

  #join(member: AlarmRecord, group: AlarmRecord, now: MonotonicMs): void {
    let gathered = this.#groups.get(group);
    if (gathered === undefined) {
      const firstDevice = nameOf(member);
      gathered = { members: new Set(), firstDevice, firstToldAt: member.toldAt, lastJoinAt: now };
      this.#groups.set(group, gathered);
    }
    if (member.toldAt < gathered.firstToldAt) {
      gathered.firstToldAt = member.toldAt;
      gathered.firstDevice = nameOf(member);
    }
    gathered.members.add(member);
    gathered.lastJoinAt = now;
    member.partOf = group;
  }

  #segment({ device }: AlarmRecord): string | undefined {
    return device === undefined ? undefined : this.#segmentOf(device);
  }
}

function nameOf({ device }: AlarmRecord): string {
  return device ?? "the gateway";
}
