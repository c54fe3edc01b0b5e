import { type AlarmProcessing, alarmProcessing } from "../domain/alarms/processing.ts";
import type { PlantEvent, Severity } from "../domain/event.ts";
import type { MonotonicMs, UtcMs } from "../domain/time.ts";
import { monotonicMs } from "../domain/time.ts";
import {
  type Acknowledgement,
  type AlarmRecord,
  type AlarmSource,
  type AlarmTime,
  callsPeople,
  isAside,
  isChattering,
  isInAlarm,
  isWaiting,
  keyOf,
  newRecord,
  noteBegin,
  setRule,
  SEVERITY_RANK,
  stateOf,
} from "./alarm-record.ts";
import { type AckOrder, isMeant } from "./ack-order.ts";
import { Annunciator } from "./annunciator.ts";
import { Causes } from "./causes.ts";
import { type AlarmCounts, countsOf } from "./counts.ts";
import { FirstOutGroups } from "./first-out.ts";
import { Gathering } from "./gathering.ts";
import { ALARM_LIMITS, type AlarmLimits } from "./limits.ts";
import type { AlarmMemory } from "./memory.ts";
import { RecordTable } from "./record-table.ts";
import { RestoredAcks } from "./restored-acks.ts";
import { remembered } from "./rules.ts";
import { type Shelf, type ShelveOrder, type ShelveRefusal, Shelves } from "./shelves.ts";
import { inOrder, type StandingAlarm, standingOf } from "./standing.ts";

export interface AlarmBoardParts {
  /** Device of what the board tells itself. */
  readonly device: string;
  /** The connection that a device shares with others; undefined: none. */
  readonly segmentOf: (device: string) => string | undefined;
  readonly rules?: (id: string, severity: Severity) => AlarmProcessing;
  readonly limits?: Partial<AlarmLimits>;
}

/** An alarm that calls a person. */
export interface AlarmCall {
  readonly id: string;
  readonly device: string | undefined;
  readonly point: string | undefined;
  readonly severity: Severity;
  readonly text: string;
  readonly at: UtcMs;
}

/** The alarm that tells of too many. */
export const FLOOD = "alarm-flood";

/**
 * All alarms of the plant in the sense of ISA-18.2: which stand, who has taken note of them, and
 * which of them call a person. It changes nothing in the plant: an acknowledgement resets nothing,
 * and what is active stays in the list whatever is done here.
 *
 * A trip calls at once, whatever else goes on, and cannot be shelved or suppressed.
 */
export class AlarmBoard {
  readonly #parts: AlarmBoardParts;
  readonly #limits: AlarmLimits;
  readonly #rules: (id: string, severity: Severity) => AlarmProcessing;
  readonly #records: RecordTable;
  readonly #causes: Causes;
  readonly #shelves: Shelves;
  readonly #annunciator: Annunciator;
  readonly #firstOut = new FirstOutGroups();
  readonly #gathering: Gathering;
  /** Since when a source is not heard; last known then. */
  readonly #lost = new Map<AlarmSource, UtcMs>();
  readonly #reconfirmBy = new Map<AlarmSource, MonotonicMs>();
  readonly #restored = new RestoredAcks();
  readonly #calls: AlarmCall[] = [];
  #events: PlantEvent[] = [];
  #revision = 0;
  /** A group or a shelf has changed: what hangs on it has to be looked at. */
  #isStirred = false;
  /** What a delay may change, or is normal and soon forgotten. */
  readonly #waiting = new Set<AlarmRecord>();
  /** What stands, in order; undefined: it has changed since. */
  #order: readonly AlarmRecord[] | undefined;

  constructor(parts: AlarmBoardParts) {
    this.#parts = parts;
    this.#limits = { ...ALARM_LIMITS, ...parts.limits };
    this.#rules = remembered(parts.rules ?? alarmProcessing);
    this.#records = new RecordTable(this.#limits.recordsMax, (record, now) => {
      if (record.isTold) this.#causes.end(record, now);
      this.#firstOut.leave(record);
      this.#gathering.drop(record);
      this.#waiting.delete(record);
      this.#order = undefined;
    });
    this.#causes = new Causes(this.#limits);
    this.#shelves = new Shelves(this.#limits);
    this.#annunciator = new Annunciator(this.#limits);
    this.#gathering = new Gathering(this.#limits, parts.segmentOf);
  }

  /** Takes what a source tells. A trip calls before this returns. */
  take(event: PlantEvent, source: AlarmSource, at: AlarmTime): void {
    if (event.phase === "cleared") {
      for (const record of this.#records.endedBy(event)) this.#endTold(record, at);
      return;
    }
    if (event.phase === "once" && !callsPeople(event.severity)) return;
    const record = this.#recordOf(event, source, at.now);
    if (record === undefined) return;
    if (event.phase === "once") this.#pulse(record, event, at);
    else this.#raise(record, event, at);
    this.#settle(record, at);
  }

  /** Lets time pass: delays, shelves and groups that are over. To be called some times a second. */
  step(at: AlarmTime): void {
    const ended = this.#shelves.ended(at.now);
    const isStirred = this.#causes.takeNews() || this.#isStirred || ended.length > 0;
    this.#isStirred = false;
    for (const shelf of ended) {
      this.#revision += 1;
      this.#tellShelfEnd(shelf, `the time of ${nameOf(shelf)} on the shelf is over`, at);
    }
    this.#endUnconfirmed(at);
    if (isStirred) for (const group of this.#gathering.groups()) this.#renewGroup(group, at);
    this.#renewFlood(at);
    // Most alarms stand as they stand: only what waits for a delay changes by time alone.
    for (const record of isStirred ? this.#records.all() : this.#waiting) this.#settle(record, at);
    this.#records.forget(this.#waiting, at.now, this.#limits.chatterMs);
    this.#causes.forget(at.now);
    if (this.#restored.forget(at.now)) this.#revision += 1;
  }

  /**
   * Notes that a person has seen alarms. Resets nothing: what is active stays in the list.
   *
   * @returns those that waited for it
   */
  acknowledge(order: AckOrder, at: AlarmTime): readonly AlarmRecord[] {
    const waiting = [...this.#records.all()].filter(
      (record) => isWaiting(record) && isMeant(record, order),
    );
    for (const record of waiting) {
      record.ack = { by: order.by, at: at.utc };
      record.needsAck = false;
      this.#settle(record, at);
    }
    if (waiting.length > 0) this.#revision += 1;
    return waiting;
  }

  /** Puts an alarm aside for a while. It is called anew when that is over and it still stands. */
  shelve(order: ShelveOrder, at: AlarmTime): Shelf | ShelveRefusal {
    const { id, device } = order;
    const known = [...this.#records.all()].filter((r) => r.id === id && r.device === device);
    if (known.some(({ severity }) => severity === "trip")) return "not-shelvable";
    const severity = known[0]?.severity;
    const rule = severity === undefined ? alarmProcessing(id) : this.#rules(id, severity);
    if (!rule.canBeShelved) return "not-shelvable";
    const shelf = this.#shelves.add(order, at);
    if (typeof shelf === "string") return shelf;
    this.#revision += 1;
    for (const record of known) this.#settle(record, at);
    return shelf;
  }

  /** Takes it back before its time; undefined: it was not put aside. */
  unshelve(
    { id, device, by }: { readonly id: string; readonly device: string | undefined; by: string },
    at: AlarmTime,
  ): Shelf | undefined {
    const shelf = this.#shelves.remove(id, device);
    if (shelf === undefined) return undefined;
    this.#revision += 1;
    this.#tellShelfEnd(shelf, `${by} took ${nameOf(shelf)} off the shelf`, at);
    for (const record of [...this.#records.all()]) this.#settle(record, at);
    return shelf;
  }

  /** A process that tells alarms is not heard: what it told stands as last known. */
  sourceLost(source: AlarmSource, lastKnown: UtcMs): void {
    if (!this.#lost.has(source)) this.#lost.set(source, lastKnown);
  }

  sourceHeard(source: AlarmSource): void {
    this.#lost.delete(source);
  }

  /** It was started anew: what it does not tell again within a while is over. */
  reconfirm(source: AlarmSource, now: MonotonicMs): void {
    for (const record of this.#records.all())
      if (record.source === source) record.isConfirmed = false;
    this.#reconfirmBy.set(source, monotonicMs(now + this.#limits.reconfirmMs));
  }

  /** True while a source tells that it is there, whatever point it names. */
  isTold(id: string, device: string | undefined): boolean {
    return this.#causes.isTold(id, device);
  }

  /** True when an alarm of that id is remembered. */
  knows(id: string): boolean {
    for (const record of this.#records.all()) if (record.id === id) return true;
    return false;
  }

  /** Everything that is active, or that nobody has taken note of; the most urgent first. */
  standing(now: MonotonicMs, from = 0, count = Infinity): readonly StandingAlarm[] {
    return this.#inOrder()
      .slice(from, from + count)
      .map((record) =>
        standingOf(record, {
          asOf: this.#lost.get(record.source),
          shelf: this.#shelves.of(record.id, record.device),
          before: this.#firstOut.before(record),
          isChattering: isChattering(record, now, this.#limits),
        }),
      );
  }

  /** How many `standing` has. */
  get standingCount(): number {
    return this.#inOrder().length;
  }

  #inOrder(): readonly AlarmRecord[] {
    this.#order ??= inOrder([...this.#records.all()].filter(({ state }) => state !== "normal"));
    return this.#order;
  }

  shelves(): readonly Shelf[] {
    return this.#shelves.all();
  }

  /** The last calls, oldest first. */
  calls(): readonly AlarmCall[] {
    return this.#calls;
  }

  counts(now: MonotonicMs): AlarmCounts {
    return {
      ...countsOf(this.#records.all()),
      calls: this.#annunciator.callsIn(now),
      collected: this.#annunciator.collected,
      overflowed: this.#records.overflowed,
    };
  }

  /** What the board itself has to tell since it was last asked. */
  takeEvents(): readonly PlantEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  /** Grows with every change that has to be saved. */
  get revision(): number {
    return this.#revision;
  }

  /** What outlives a restart, newest acknowledgements first. */
  memory(): AlarmMemory {
    const acks = [...this.#records.all()].flatMap(({ key, state, severity, ack }) =>
      state === "acknowledged" && ack !== undefined ? [{ key, severity, ...ack }] : [],
    );
    const all = [...acks, ...this.#restored.all()].sort((a, b) => b.at - a.at);
    return { acks: all, shelves: this.#shelves.all() };
  }

  /** Takes back what was saved, before anything is told. */
  restore(memory: AlarmMemory, at: AlarmTime): void {
    for (const shelf of memory.shelves) this.#shelves.restore(shelf, at);
    this.#restored.put(memory.acks, monotonicMs(at.now + this.#limits.restoreMs));
  }

  #recordOf(
    { id, device, point, severity, text }: PlantEvent,
    source: AlarmSource,
    now: MonotonicMs,
  ): AlarmRecord | undefined {
    const found = this.#records.get(keyOf(id, device, point));
    if (found !== undefined) return found;
    // What was told without its point, as a latch is after a restart, is this one.
    const pointless = this.#records.get(keyOf(id, device, undefined));
    if (pointless?.isTold === true) return pointless;
    const rule = this.#rules(id, severity);
    const record = newRecord({ id, device, point, source, rule, severity, text });
    this.#causes.heed(record);
    return this.#records.add(record, now);
  }

  #raise(record: AlarmRecord, event: PlantEvent, at: AlarmTime): void {
    const isGraver = SEVERITY_RANK[event.severity] > SEVERITY_RANK[record.severity];
    record.text = event.text;
    record.severity = event.severity;
    setRule(record, this.#rules(event.id, event.severity));
    this.#causes.heed(record);
    this.#order = undefined;
    record.isConfirmed = true;
    if (!record.isTold) {
      noteBegin(record, { now: at.now, utc: event.at }, this.#limits);
      this.#causes.begin(record, at.now);
      if (record.partOf !== undefined) this.#isStirred = true;
    }
    if (record.isIn && isGraver) this.#callAnew(record);
  }

  /** It happened, and is over: it waits in the list until somebody has taken note. */
  #pulse(record: AlarmRecord, event: PlantEvent, at: AlarmTime): void {
    record.text = event.text;
    record.severity = event.severity;
    record.raises += 1;
    record.raisedUtc = event.at;
    record.returnedUtc = event.at;
    if (!record.needsAck) this.#callAnew(record);
    this.#firstOut.join(record);
    record.stateAt = at.now;
    this.#order = undefined;
  }

  /** What a source that was started anew did not tell again in time is over. */
  #endUnconfirmed(at: AlarmTime): void {
    for (const [source, until] of this.#reconfirmBy) {
      if (at.now < until || this.#lost.has(source)) continue;
      this.#reconfirmBy.delete(source);
      for (const record of this.#records.all())
        if (record.source === source && record.isTold && !record.isConfirmed)
          this.#endTold(record, at);
    }
  }

  #endTold(record: AlarmRecord, at: AlarmTime): void {
    if (!record.isTold) return;
    record.isTold = false;
    record.toldAt = at.now;
    this.#causes.end(record, at.now);
    if (record.partOf !== undefined) this.#isStirred = true;
    this.#settle(record, at);
  }

  #settle(record: AlarmRecord, at: AlarmTime): void {
    const isIn = isInAlarm(record, at.now, this.#limits);
    if (isIn && !record.isIn) this.#begin(record, at);
    else if (!isIn && record.isIn) this.#end(record, at);
    this.#place(record, at);
  }

  #begin(record: AlarmRecord, at: AlarmTime): void {
    const isAgain = record.needsAck && isChattering(record, at.now, this.#limits);
    record.isIn = true;
    record.raisedUtc = record.toldUtc;
    record.returnedUtc = undefined;
    if (!isAgain) this.#callAnew(record);
    this.#firstOut.join(record);
    const saved = this.#restored.take(record);
    if (saved !== undefined) this.#revision += 1;
    if (saved !== undefined && SEVERITY_RANK[record.severity] <= SEVERITY_RANK[saved.severity]) {
      record.ack = { by: saved.by, at: saved.at } satisfies Acknowledgement;
      record.needsAck = false;
      record.isCalled = true;
    }
    if (record.rule.gathersAs !== undefined) this.#gather(record, at);
  }

  #end(record: AlarmRecord, at: AlarmTime): void {
    if (record.ack !== undefined) this.#revision += 1;
    record.isIn = false;
    if (isAside(record.state)) record.needsAck = false;
    record.returnedUtc = at.utc;
    this.#gathering.end(record);
    if (record.source === "board") this.#isStirred = true;
  }

  /** Finds its state, and calls when it is one that calls. */
  #place(record: AlarmRecord, at: AlarmTime): void {
    const isShelved = this.#shelves.of(record.id, record.device) !== undefined;
    const isSuppressed = record.partOf?.isIn === true || this.#causes.suppress(record, at.now);
    // What was put aside was not dealt with: it comes back as if it were new.
    if (record.state === "shelved" && record.isIn && !isShelved) this.#callAnew(record);
    const next = stateOf(record, { isShelved, isSuppressed });
    if (next === "normal") record.needsAck = false;
    if (next !== record.state) {
      if (next === "normal") this.#firstOut.leave(record);
      record.state = next;
      record.stateAt = at.now;
      this.#order = undefined;
    }
    this.#noteWaiting(record);
    if (isWaiting(record) && !record.isCalled) this.#call(record, at);
  }

  #noteWaiting(record: AlarmRecord): void {
    if (record.isTold !== record.isIn || record.state === "normal") this.#waiting.add(record);
    else this.#waiting.delete(record);
  }

  #callAnew(record: AlarmRecord): void {
    record.needsAck = callsPeople(record.severity);
    record.ack = undefined;
    record.isCalled = false;
    record.isCollected = false;
  }

  #call(record: AlarmRecord, at: AlarmTime): void {
    record.isCalled = true;
    if (record.id === FLOOD) this.#annunciator.noteFlood(FLOOD, at.now);
    else if (!this.#annunciator.offer(record, at.now)) {
      record.isCollected = true;
      this.#renewFlood(at);
      return;
    }
    const { id, device, point, severity, text } = record;
    this.#calls.push({ id, device, point, severity, text, at: at.utc });
    if (this.#calls.length > this.#limits.callsKept) this.#calls.shift();
  }

  #gather(record: AlarmRecord, at: AlarmTime): void {
    const found = this.#gathering.look(record, {
      records: this.#records.all(),
      now: at.now,
      groupOf: (segment) => this.#own(record.rule.gathersAs ?? "", segment, at),
    });
    if (found === undefined) return;
    this.#isStirred = true;
    if (found.isNews && found.group.isIn) this.#callAnew(found.group);
    this.#renewGroup(found.group, at);
  }

  #renewGroup(group: AlarmRecord, at: AlarmTime): void {
    this.#tellOwn(group, this.#gathering.words(group), at);
  }

  #renewFlood(at: AlarmTime): void {
    const isFlood = this.#annunciator.isFlood(at.now);
    const known = this.#records.get(keyOf(FLOOD, this.#parts.device, undefined));
    if (!isFlood && known === undefined) return;
    const { collected } = this.#annunciator;
    const text = `${collected} more alarms came than people were called for; the list has them`;
    this.#tellOwn(this.#own(FLOOD, this.#parts.device, at), isFlood ? text : undefined, at);
  }

  /** An alarm that the board makes itself. */
  #own(id: string, device: string | undefined, { now }: AlarmTime): AlarmRecord {
    const facts = { id, severity: "warning", point: undefined, text: "" } as const;
    const known = this.#records.get(keyOf(id, device, undefined));
    if (known !== undefined) return known;
    const rule = this.#rules(id, "warning");
    return this.#records.make(newRecord({ ...facts, device, source: "board", rule }), now);
  }

  /** Raises or clears one of its own; undefined: it is over. */
  #tellOwn(record: AlarmRecord, text: string | undefined, at: AlarmTime): void {
    const { id, device } = record;
    if (text === undefined && !record.isTold) return;
    const phase = text === undefined ? "cleared" : "raised";
    if ((phase === "raised") !== record.isTold)
      this.#tell({ id, device, severity: "warning", phase, text: text ?? "is over" }, at);
    if (text === undefined) {
      this.#endTold(record, at);
      return;
    }
    const facts = { id, device, point: undefined, severity: "warning" } as const;
    this.#raise(record, { ...facts, phase: "raised", text, at: at.utc }, at);
    this.#settle(record, at);
  }

  #tellShelfEnd({ device }: Shelf, text: string, at: AlarmTime): void {
    this.#tell({ id: "alarm-unshelved", device, severity: "info", phase: "once", text }, at);
  }

  #tell(event: Omit<PlantEvent, "at" | "point">, { utc }: AlarmTime): void {
    this.#events.push({ ...event, point: undefined, at: utc });
  }
}

function nameOf({ id, device }: Pick<Shelf, "id" | "device">): string {
  return device === undefined ? id : `${id} of ${device}`;
}
