import { assert } from "../../domain/assert.ts";
import type { Clock } from "../../domain/time.ts";
import { type Report, type ReportOption, type Trigger } from "../../wire/mms/report.ts";
import type { Alarms } from "./alarms.ts";
import type { Client } from "./client.ts";
import { type DataSet, referenceOf } from "./data-set.ts";
import { type Change, type Entry, EntryBuffer } from "./entry-buffer.ts";
import { entryIdOctets } from "./report-fields.ts";
import { reportPdus } from "./report-pdus.ts";
import { Reservation } from "./reservation.ts";
import type { AttributeTrigger } from "./model.ts";
import type { Watcher } from "./variable.ts";

/** What a client may set while a block is disabled. */
export interface ReportSettings {
  reportId: string;
  dataSet: DataSet | undefined;
  options: ReadonlySet<ReportOption>;
  triggers: ReadonlySet<Trigger>;
  bufferTimeMs: number;
  integrityPeriodMs: number;
}

export interface ReportBlockTerms {
  /** `DCPIBESS1/LLN0$BR$brcbEvt01` */
  readonly reference: string;
  readonly isBuffered: boolean;
  readonly entriesMax: number;
  readonly settings: ReportSettings;
  readonly configurationRevision: number;
  readonly clock: Clock;
  readonly alarms: Alarms;
  readonly firstEntry: number;
}

export interface ReportCounters {
  reports: number;
  /** Reports of an unbuffered block that a client did not read fast enough. */
  unread: number;
  /** Values longer than any PDU of their client. */
  oversized: number;
}

const SEQUENCE_MAX = { unbuffered: 255, buffered: 65_535 } as const;
const BUFFERED_ONLY: readonly ReportOption[] = ["buffer-overflow", "entry-id"];
const NEVER = (): void => undefined;

/**
 * A report control block at work: gathers what changes, and tells it to the client that enabled it.
 * What a client may do to it is in `ReportAccess`.
 *
 * @see IEC 61850-7-2, section 17.2
 */
export class ReportBlock implements Watcher {
  readonly reference: string;
  readonly isBuffered: boolean;
  readonly buffer: EntryBuffer;
  readonly reservation: Reservation;
  readonly counters: ReportCounters = { reports: 0, unread: 0, oversized: 0 };
  configurationRevision: number;
  readonly #clock: Clock;
  readonly #alarms: Alarms;
  #settings: ReportSettings;
  #isEnabled = false;
  #sequence = 0;
  #nextId: number;
  #lastEntry: { readonly id: Uint8Array; readonly utcMs: number } | undefined;
  #unwatch: readonly (() => void)[] = [];
  /** What changed in the present moment. */
  readonly #moment = new Map<number, Set<Trigger>>();
  /** What waits for the end of the buffer time. */
  readonly #gathered = new Map<number, Change>();
  #endGathering = NEVER;
  #endIntegrity = NEVER;

  constructor(terms: ReportBlockTerms) {
    this.reference = terms.reference;
    this.isBuffered = terms.isBuffered;
    this.configurationRevision = terms.configurationRevision;
    this.buffer = new EntryBuffer(terms.entriesMax);
    this.reservation = new Reservation(terms.alarms);
    this.#clock = terms.clock;
    this.#alarms = terms.alarms;
    this.#nextId = terms.firstEntry;
    this.#settings = terms.settings;
    this.#attend();
  }

  get settings(): Readonly<ReportSettings> {
    return this.#settings;
  }

  get isEnabled(): boolean {
    return this.#isEnabled;
  }

  get sequence(): number {
    return this.#sequence;
  }

  /** Of the entry that was sent last, or that a client resumed after. */
  get lastEntry(): { readonly id: Uint8Array; readonly utcMs: number } | undefined {
    return this.#lastEntry;
  }

  /** Changes settings of a disabled block. What a buffered one holds was made by the old ones. */
  configure(settings: ReportSettings, isPurging: boolean): void {
    assert(!this.#isEnabled, "the settings of an enabled block do not change");
    this.#settings = settings;
    this.#dropGathered();
    if (this.isBuffered && isPurging) this.purge();
    this.#attend();
  }

  purge(): void {
    this.#dropGathered();
    this.buffer.purge();
    this.#lastEntry = undefined;
  }

  /** From behind this entry on. @returns false when it is not held: then from the oldest on */
  resumeAfter(id: number): boolean {
    const isHeld = this.buffer.resumeAfter(id);
    if (!isHeld) this.buffer.rewind();
    this.#lastEntry = isHeld ? { id: entryIdOctets(id), utcMs: this.#clock.utcNow() } : undefined;
    return isHeld;
  }

  enable(client: Client): void {
    assert(this.#settings.dataSet !== undefined, "a block without a data set is not enabled");
    this.reservation.take(client);
    this.#isEnabled = true;
    this.#sequence = 0;
    this.#attend();
    // Behind the answer to whoever enabled it.
    this.#alarms.after(0, () => {
      this.#sendWaiting();
    });
  }

  disable(): void {
    this.#isEnabled = false;
    if (!this.isBuffered) this.#dropGathered();
    this.#attend();
  }

  /** Everything at once, now. */
  interrogate(): void {
    this.#alarms.after(0, () => {
      if (this.#isEnabled) this.#tellAll("general-interrogation");
    });
  }

  /** The client reads again. */
  drained(): void {
    this.#sendWaiting();
  }

  changed(index: number, trigger: Exclude<AttributeTrigger, "none">): void {
    if (!this.#settings.triggers.has(trigger)) return;
    const reasons = this.#moment.get(index);
    if (reasons === undefined) this.#moment.set(index, new Set([trigger]));
    else reasons.add(trigger);
  }

  /** All changes of one moment have been told. */
  endMoment(): void {
    if (this.#moment.size === 0) return;
    const changes = Array.from(this.#moment, ([index, reasons]) => this.#change(index, reasons));
    this.#moment.clear();
    changes.sort((a, b) => a.index - b.index);
    const { bufferTimeMs } = this.#settings;
    if (bufferTimeMs === 0) {
      this.#tell(changes);
      return;
    }
    // A value that changes twice within the buffer time must not hide its first change.
    if (changes.some(({ index }) => this.#gathered.has(index))) this.#tellGathered();
    if (this.#gathered.size === 0) {
      this.#endGathering = this.#alarms.after(bufferTimeMs, () => {
        this.#tellGathered();
      });
    }
    for (const change of changes) this.#gathered.set(change.index, change);
  }

  /** Watches the data set and the clock, or leaves them alone. */
  #attend(): void {
    this.#endIntegrity();
    this.#endIntegrity = NEVER;
    for (const end of this.#unwatch) end();
    this.#unwatch = [];
    const { dataSet, integrityPeriodMs, triggers } = this.#settings;
    if (dataSet === undefined || !(this.#isEnabled || this.isBuffered)) return;
    this.#unwatch = dataSet.members.map(({ variable }, index) => variable.watch(this, index));
    if (integrityPeriodMs > 0 && triggers.has("integrity")) this.#attendClock(integrityPeriodMs);
  }

  #attendClock(periodMs: number): void {
    this.#endIntegrity = this.#alarms.after(periodMs, () => {
      this.#attendClock(periodMs);
      this.#tellAll("integrity");
    });
  }

  #change(index: number, reasons: Iterable<Trigger>): Change {
    const member = this.#settings.dataSet?.members[index];
    assert(member !== undefined, "a change is of a member of the data set");
    return { index, value: member.variable.value, reasons: [...reasons] };
  }

  #tellAll(trigger: Trigger): void {
    this.#tellGathered();
    const size = this.#settings.dataSet?.members.length ?? 0;
    this.#tell(Array.from({ length: size }, (_, index) => this.#change(index, [trigger])));
  }

  #tellGathered(): void {
    if (this.#gathered.size === 0) return;
    const changes = [...this.#gathered.values()].sort((a, b) => a.index - b.index);
    this.#dropGathered();
    this.#tell(changes);
  }

  #dropGathered(): void {
    this.#endGathering();
    this.#endGathering = NEVER;
    this.#gathered.clear();
  }

  #tell(changes: readonly Change[]): void {
    const entry = { id: this.#nextId, utcMs: this.#clock.utcNow(), changes };
    this.#nextId += 1;
    if (this.isBuffered) {
      this.buffer.add(entry);
      this.#sendWaiting();
      return;
    }
    const { client } = this.reservation;
    if (!this.#isEnabled || client === undefined) return;
    if (client.isCongested) this.#skip();
    else this.#send(client, entry);
  }

  /** An unbuffered report is lost; its number is not given to another. */
  #skip(): void {
    this.counters.unread += 1;
    this.#count();
  }

  #sendWaiting(): void {
    const { client } = this.reservation;
    if (!this.isBuffered || !this.#isEnabled || client === undefined) return;
    for (let { next } = this.buffer; next !== undefined; { next } = this.buffer) {
      if (client.isCongested) return;
      this.#lastEntry = { id: entryIdOctets(next.id), utcMs: next.utcMs };
      this.#send(client, next);
      this.buffer.sent();
    }
  }

  #send(client: Client, entry: Entry): void {
    const dataSetSize = this.#settings.dataSet?.members.length ?? 0;
    const { pdus, dropped } = reportPdus(this.#reportOf(entry), dataSetSize, client.pduOctets);
    for (const pdu of pdus) client.send(pdu);
    this.counters.reports += 1;
    this.counters.oversized += dropped;
    this.buffer.hasOverflowed = false;
    this.#count();
  }

  #count(): void {
    this.#sequence = sequenceAfter(this.#sequence, this.isBuffered);
  }

  #reportOf(entry: Entry): Report {
    const { dataSet, reportId, options } = this.#settings;
    assert(dataSet !== undefined, "a report is of a data set");
    const sent = new Set(options);
    if (!this.isBuffered) for (const option of BUFFERED_ONLY) sent.delete(option);
    return {
      reportId: reportId === "" ? this.reference : reportId,
      options: sent,
      sequence: this.#sequence,
      entryTimeMs: entry.utcMs,
      dataSet: dataSet.name,
      hasOverflowed: this.buffer.hasOverflowed,
      entryId: entryIdOctets(entry.id),
      configurationRevision: this.configurationRevision,
      subSequence: 0,
      moreFollows: false,
      entries: entry.changes.map((change) => {
        const member = dataSet.members[change.index];
        return { ...change, reference: member === undefined ? "" : referenceOf(member) };
      }),
    };
  }
}

/** The number of the next report: of eight bits, and of sixteen in a buffered block. */
export function sequenceAfter(sequence: number, isBuffered: boolean): number {
  const most = isBuffered ? SEQUENCE_MAX.buffered : SEQUENCE_MAX.unbuffered;
  return sequence >= most ? 0 : sequence + 1;
}
