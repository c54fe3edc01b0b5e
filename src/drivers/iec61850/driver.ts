import { assert } from "../../domain/assert.ts";
import { GatewayError } from "../../domain/errors.ts";
import type { PlantEvent } from "../../domain/event.ts";
import type { DeviceId } from "../../domain/point.ts";
import type { Clock } from "../../domain/time.ts";
import type { Setpoint, WriteOutcome } from "../../domain/write.ts";
import type { CompiledProfile } from "../../profiles/binding.ts";
import type { Iec61850Facts, ReportBinding } from "../../profiles/binding-iec61850.ts";
import type { Driver, EmitReading } from "../driver.ts";
import type { Commander, Writable } from "./commander.ts";
import type { Association, AssociateOptions, Engine } from "./engine.ts";
import { EntryLedger } from "./entry-ledger.ts";
import { HeldSetpoints } from "./held-setpoints.ts";
import { bytesOfHex, hexOf } from "./hex.ts";
import { DeviceNotices } from "./notices.ts";
import { ReportMemory } from "./report-memory.ts";
import { RoundTrips } from "./round-trips.ts";
import { SafeStates } from "./safe-states.ts";
import { Session, type SessionCounters } from "./session.ts";

/** How long a device gets to answer a good-bye. */
const RELEASE_MS = 300;

/** Where the reports of a device resume, by the name of the report in the profile. */
export type ReportState = Readonly<
  Record<string, { readonly block: string; readonly entryId: string }>
>;

export interface Iec61850DriverOptions {
  readonly device: DeviceId;
  readonly profile: CompiledProfile;
  /** Place of the profile's first point in the site's point table. */
  readonly firstPoint: number;
  readonly engine: Engine;
  /** Where the device is and how it is reached; limits and times come from the profile. */
  readonly endpoint: Pick<
    AssociateOptions,
    "host" | "port" | "tls" | "password" | "calling" | "called"
  >;
  readonly clock: Clock;
  /** Periods by group name that replace the profile's; `default` for all groups, ms. */
  readonly pollMs?: Readonly<Record<string, number>>;
  readonly phaseMs?: number;
  /** What was stored when the gateway ran last. */
  readonly reports?: ReportState;
  /** Hears what people should know of the device's reports. */
  readonly onEvent?: (event: PlantEvent) => void;
}

/** Counted since the driver was made, over all its associations. */
export interface Iec61850Counters extends Readonly<SessionCounters> {
  readonly associations: number;
  readonly requests: number;
  readonly timeouts: number;
  readonly malformed: number;
  readonly losses: number;
  /** Values whose clock is more than two seconds off, in this association. */
  readonly skewed: number;
  /** Median of the last polls, ms; undefined before the first. */
  readonly roundTripP50Ms: number | undefined;
  /** No cycle waits for these rounds. */
  readonly alignedRounds: 0;
  readonly lateRounds: 0;
  readonly roundP50Ms: undefined;
  readonly roundP99Ms: undefined;
}

/** Reads, follows and commands one device of IEC 61850 as its profile says. */
export class Iec61850Driver implements Driver {
  readonly #options: Iec61850DriverOptions;
  readonly #facts: Iec61850Facts;
  readonly #notices: DeviceNotices;
  readonly #ledger = new EntryLedger();
  readonly #memories = new Map<string, ReportMemory>();
  readonly #safe = new SafeStates();
  readonly #held = new HeldSetpoints();
  readonly #roundTrips = new RoundTrips();
  readonly #counters: SessionCounters = {
    polls: 0,
    overruns: 0,
    reports: 0,
    historyReports: 0,
    lostReports: 0,
    gaps: 0,
  };
  #ended = { associations: 0, requests: 0, timeouts: 0, malformed: 0, losses: 0 };
  #association: Association | undefined;
  #session: Session | undefined;

  constructor(options: Iec61850DriverOptions) {
    const { profile, device, clock, onEvent } = options;
    assert(profile.iec61850 !== undefined, "the profile is of a device of IEC 61850");
    this.#options = options;
    this.#facts = profile.iec61850;
    this.#notices = new DeviceNotices(device, clock, onEvent ?? (() => undefined));
    for (const { name } of this.#facts.reports) {
      const stored = options.reports?.[name];
      const entryId = stored === undefined ? undefined : bytesOfHex(stored.entryId);
      this.#memories.set(
        name,
        new ReportMemory(
          stored === undefined || entryId === undefined
            ? undefined
            : { block: stored.block, entryId },
        ),
      );
    }
  }

  async run(emit: EmitReading, signal: AbortSignal): Promise<void> {
    assert(this.#association === undefined, "a driver runs once at a time");
    const failed = new AbortController();
    const stop = (): void => {
      failed.abort(signal.reason);
    };
    if (signal.aborted) return;
    signal.addEventListener("abort", stop, { once: true });
    try {
      const association = await this.#options.engine.associate(this.#terms(), failed.signal);
      this.#association = association;
      this.#ended = { ...this.#ended, associations: this.#ended.associations + 1 };
      association.onDown(({ error }) => {
        failed.abort(error);
      });
      const session = new Session(this.#parts(association), emit, failed);
      this.#session = session;
      await session.run(failed.signal);
    } catch (error) {
      if (signal.aborted) return;
      throw failed.signal.aborted ? failed.signal.reason : error;
    } finally {
      signal.removeEventListener("abort", stop);
      await this.#leave();
    }
  }

  async write(
    setpoints: readonly Setpoint[],
    signal: AbortSignal,
  ): Promise<readonly WriteOutcome[]> {
    return Promise.all(setpoints.map(async (setpoint) => this.#write(setpoint, signal)));
  }

  /** All rounds of this driver up to this one are on disk. @param seq its number */
  stored(seq: number): void {
    this.#ledger.stored(seq);
  }

  /**
   * Stops the keep-alives: the device shall do what it does without a controller. What makes it
   * safe stays wanted, whoever asked for it.
   */
  letGo(): void {
    this.#held.clear();
  }

  /** Reports come when the device has something to say: no read leads a cycle. */
  get leadMs(): number {
    return 0;
  }

  get phase(): undefined {
    return undefined;
  }

  /** To be kept for the next start; changes when `reportRevision` does. */
  get reportState(): ReportState {
    const entries = [...this.#memories].flatMap(([name, { resume }]) =>
      resume === undefined
        ? []
        : [[name, { block: resume.block, entryId: hexOf(resume.entryId) }] as const],
    );
    return Object.fromEntries(entries);
  }

  get reportRevision(): number {
    return this.#ledger.revision;
  }

  get isAssociated(): boolean {
    return this.#association?.isUp === true;
  }

  get counters(): Iec61850Counters {
    const now = this.#association?.counters;
    const { requests, timeouts, malformed } = this.#ended;
    return {
      ...this.#counters,
      ...this.#ended,
      requests: requests + (now?.requests ?? 0),
      timeouts: timeouts + (now?.timeouts ?? 0),
      malformed: malformed + (now?.malformed ?? 0),
      skewed: this.#session?.skewed ?? 0,
      roundTripP50Ms: this.#roundTrips.median,
      alignedRounds: 0,
      lateRounds: 0,
      roundP50Ms: undefined,
      roundP99Ms: undefined,
    };
  }

  async #write(setpoint: Setpoint, signal: AbortSignal): Promise<WriteOutcome> {
    const { profile, firstPoint } = this.#options;
    const ordinal = setpoint.point - firstPoint;
    const point = profile.points[ordinal];
    const write = this.#facts.writes.get(ordinal);
    assert(
      point !== undefined && write !== undefined,
      "a setpoint is for a writable point of this device",
    );
    const writable: Writable = { point, write };
    this.#safe.supersede(ordinal);
    const commander = this.#session?.commander;
    const outcome: WriteOutcome =
      commander === undefined
        ? { result: "refused", error: new GatewayError("LINK_LOST", { sent: false }) }
        : await commander.write(writable, setpoint, signal);
    this.#safe.note(writable, setpoint.value, outcome);
    // A cyclic one ends with its giver's writes.
    if (setpoint.confirm === "read-back") this.#held.note(writable, setpoint.value, outcome);
    return outcome;
  }

  #terms(): AssociateOptions {
    const { pduOctets, outstanding, probe } = this.#facts;
    return {
      ...this.#options.endpoint,
      connectTimeoutMs: this.#facts.connectTimeoutMs,
      requestTimeoutMs: this.#facts.requestTimeoutMs,
      probePeriodMs: this.#facts.probePeriodMs,
      ...(pduOctets === undefined ? {} : { pduOctets }),
      ...(outstanding === undefined ? {} : { outstanding }),
      ...(probe === undefined ? {} : { probe }),
    };
  }

  #parts(association: Association): ConstructorParameters<typeof Session>[0] {
    const { profile, firstPoint, clock, phaseMs = 0 } = this.#options;
    return {
      association,
      profile,
      facts: this.#facts,
      firstPoint,
      clock,
      periodsMs: this.#periodsMs(),
      phaseMs,
      memoryOf: (binding) => this.#memoryOf(binding),
      ledger: this.#ledger,
      notices: this.#notices,
      counters: this.#counters,
      roundTrips: this.#roundTrips,
      assertSafe: async (commander: Commander, signal: AbortSignal) =>
        this.#safe.assertAgain(commander, signal),
      beat: async (keepAlive, commander, signal) => this.#held.beat(keepAlive, commander, signal),
    };
  }

  #periodsMs(): readonly number[] {
    const { profile, pollMs = {} } = this.#options;
    const leastMs = Math.max(1, this.#facts.minimumPeriodMs);
    return profile.groups.map(({ name, everyMs }) => {
      const wantedMs = everyMs === 0 ? 0 : (pollMs[name] ?? pollMs["default"] ?? everyMs);
      return wantedMs === 0 ? 0 : Math.max(wantedMs, leastMs);
    });
  }

  #memoryOf({ name }: ReportBinding): ReportMemory {
    const memory = this.#memories.get(name);
    assert(memory !== undefined, "every report of the profile has its memory");
    return memory;
  }

  async #leave(): Promise<void> {
    const association = this.#association;
    this.#session = undefined;
    this.#association = undefined;
    this.#held.clear();
    if (association === undefined) return;
    if (association.isUp) {
      const { signal } = new AbortController();
      await association.release({ signal, timeoutMs: RELEASE_MS }).catch(() => undefined);
    } else this.#ended = { ...this.#ended, losses: this.#ended.losses + 1 };
    const { requests, timeouts, malformed } = association.counters;
    this.#ended = {
      ...this.#ended,
      requests: this.#ended.requests + requests,
      timeouts: this.#ended.timeouts + timeouts,
      malformed: this.#ended.malformed + malformed,
    };
  }
}
