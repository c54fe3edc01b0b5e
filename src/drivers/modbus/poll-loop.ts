import { assert } from "../../domain/assert.ts";
import { GatewayError } from "../../domain/errors.ts";
import { qualityCode } from "../../domain/quality.ts";
import type { Reading, RoundColumns } from "../../domain/round.ts";
import type { Clock } from "../../domain/time.ts";
import type { Setpoint, WriteOutcome } from "../../domain/write.ts";
import type { BoundPoint, CompiledProfile } from "../../profiles/binding.ts";
import { deriveInto } from "../../profiles/derive.ts";
import { pollPeriodMs } from "../../profiles/poll-period.ts";
import type { DeviceSession } from "./device-session.ts";
import type { GapMemory } from "./gap-memory.ts";
import { KeepAlives } from "./keep-alives.ts";
import type { LinkTerms, ModbusLink } from "./link.ts";
import type { PhaseLock } from "./phase-lock.ts";
import { planReads, type ReadCost } from "./planner.ts";
import { type CycleAlignment, PollSchedule, type ScheduledGroup } from "./poll-schedule.ts";
import { decodeRound, makeRoundPlan, readingOf, type RoundPlan } from "./round-plan.ts";
import { RoundReader } from "./round-reader.ts";
import type { CostModel, DurationWindow } from "./round-trip.ts";
import { SetpointWriter } from "./setpoint-writer.ts";

const NEVER_READ = qualityCode("never-read");
/** Combinations of groups whose plans are kept. */
const PLANS_MAX = 64;
/** Rounds between two looks at whether the learned cost asks for other requests. */
const REPLAN_EVERY = 256;
const REPLAN_FACTOR = 4;
const LEAD_MARGIN_MS = 1;
const LEAD_LEARNED_AFTER = 20;
const LEAD_FIRST_MS = 5;
const DUTY_WEIGHT = 0.05;

export interface PollLoopOptions {
  readonly profile: CompiledProfile;
  /** Place of the profile's first point in the site's point table. */
  readonly firstPoint: number;
  readonly unitId: number;
  /** Shared with other units where they stand behind one endpoint. */
  readonly link: ModbusLink;
  readonly clock: Clock;
  /** Periods by group name that replace the profile's; `default` for all groups, ms. */
  readonly pollMs?: Readonly<Record<string, number>>;
  /** Shift of all polls against those of other devices, ms. */
  readonly phaseMs?: number;
  /** Fast polls end just before each control cycle. */
  readonly align?: CycleAlignment;
  readonly gaps: GapMemory;
  readonly cost: CostModel;
  /** Of requests. */
  readonly roundTrips: DurationWindow;
  /** Of the rounds that a cycle waits for: from when they were due to their end. */
  readonly rounds: DurationWindow;
  /** Hears of those rounds, where cycles shall follow what the device does. */
  readonly lock?: PhaseLock;
}

/** One connection's life: rounds on absolute deadlines, writes in between. */
export class PollLoop {
  readonly schedule: PollSchedule;
  readonly reader: RoundReader;
  readonly keepAlives: KeepAlives;
  readonly #options: PollLoopOptions;
  readonly #session: DeviceSession;
  readonly #writer: SetpointWriter;
  readonly #terms: LinkTerms;
  readonly #plans = new Map<number, RoundPlan>();
  readonly #failed = new AbortController();
  #plannedFor: { readonly revision: number; readonly cost: ReadCost };
  #lastStartedAt = Number.NaN;
  /** Rounds, writes and beats that need the connection now. */
  #users = 0;
  polls = 0;
  requestsPerRound = 0;
  duty = 0;
  /** Rounds that a cycle waited for, and those of them that it did not wait long enough for. */
  alignedRounds = 0;
  lateRounds = 0;

  constructor(options: PollLoopOptions) {
    const { profile, link, clock } = options;
    const { timeoutMs, pauseMs, serial } = profile.modbus;
    this.#options = options;
    const quietMs = Math.max(pauseMs, serial?.turnaroundMs ?? 0);
    this.#terms = { timeoutMs, pauseMs: quietMs, lane: "poll" };
    const groups = groupsOf(options);
    this.#session = {
      profile,
      unit: options.unitId,
      link,
      clock,
      terms: { ...this.#terms, lane: "urgent" },
      columns: emptyColumns(profile.points.length),
      groupReadAt: new Float64Array(profile.groups.length).fill(Number.NaN),
      periodsMs: groups.map(({ periodMs }) => periodMs),
      exponents: new Float64Array(profile.points.length).fill(Number.NaN),
      doneSteps: new Set(),
      held: new Map(),
      readNow: async (points, signal) => this.#readNow(points, signal),
      whileOpen: async (use, callSignal) => this.#whileOpen(use, callSignal),
    };
    this.schedule = new PollSchedule(groups, options.align);
    this.reader = new RoundReader({ ...options, facts: profile.modbus });
    this.#writer = new SetpointWriter(this.#session);
    this.keepAlives = new KeepAlives(this.#session, this.#writer, (error) => {
      this.#failed.abort(error);
    });
    this.#plannedFor = { revision: options.gaps.revision, cost: options.cost.cost() };
  }

  /** @throws GatewayError when the link or the device is lost; returns only by an error */
  async run(emit: (reading: Reading) => void, signal: AbortSignal): Promise<void> {
    const stop = () => {
      this.#failed.abort(signal.reason);
    };
    signal.throwIfAborted();
    signal.addEventListener("abort", stop, { once: true });
    try {
      await this.#poll(emit, this.#failed.signal);
    } finally {
      signal.removeEventListener("abort", stop);
      // A write that outlives the connection must not begin a keep-alive, nor close the next one.
      this.#failed.abort();
      this.letGo();
    }
  }

  async write(
    setpoints: readonly Setpoint[],
    signal: AbortSignal,
  ): Promise<readonly WriteOutcome[]> {
    return Promise.all(setpoints.map(async (setpoint) => this.#write(setpoint, signal)));
  }

  letGo(): void {
    this.keepAlives.stop();
    this.#session.held.clear();
  }

  get leadMs(): number {
    const { align, rounds } = this.#options;
    if (align === undefined) return 0;
    const mostMs = align.periodMs / 2;
    const p99Ms = rounds.count < LEAD_LEARNED_AFTER ? undefined : rounds.quantile(0.99);
    return Math.min(mostMs, p99Ms === undefined ? LEAD_FIRST_MS : p99Ms + LEAD_MARGIN_MS);
  }

  async #poll(emit: (reading: Reading) => void, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const all = (1 << this.#options.profile.groups.length) - 1;
    await this.#round(all, emit, signal);
    // Static scale factors came with the first round and are not read again.
    this.#plans.clear();
    this.schedule.start(clock.now(), this.leadMs);
    for (;;) {
      // Learned anew in each round, and the same for all of one.
      const { leadMs } = this;
      const due = this.schedule.nextDue(leadMs);
      if (due === undefined) await untilAborted(signal);
      const waitMs = (due ?? 0) - clock.now();
      if (waitMs > 0) await clock.sleep(waitMs, signal);
      signal.throwIfAborted();
      const mask = this.schedule.take(clock.now(), leadMs);
      if (mask === 0) continue;
      const { bytes } = await this.#round(mask, emit, signal);
      if (this.schedule.isBeforeCycle(mask)) this.#noteRound(bytes, due ?? 0, leadMs);
      this.schedule.skipMissed(clock.now(), leadMs, mask);
    }
  }

  /** A wait that ended late is part of what the lead has to cover; one that ended early is not. */
  #noteRound(bytes: Uint8Array, dueMs: number, leadMs: number): void {
    const { clock, rounds, lock } = this.#options;
    const tookMs = clock.now() - dueMs;
    rounds.add(Math.max(0, tookMs));
    this.alignedRounds += 1;
    if (tookMs > leadMs) this.lateRounds += 1;
    lock?.note(bytes, { dueMs, periodMs: this.schedule.fastestMs, leadMs });
  }

  async #round(
    mask: number,
    emit: (reading: Reading) => void,
    signal: AbortSignal,
  ): Promise<RoundPlan> {
    const { clock, profile } = this.#options;
    const { columns, groupReadAt, exponents } = this.#session;
    const plan = this.#planFor(mask);
    let startedAt = clock.now();
    const failed = await this.#whileOpen(async () => {
      startedAt = clock.now();
      return this.reader.read(plan, signal);
    }, signal);
    decodeRound(plan, failed, columns);
    if (profile.derived.length > 0) deriveInto(profile, columns);
    const receivedAt = clock.now();
    for (let group = 0; group < groupReadAt.length; group += 1) {
      if ((mask & (1 << group)) !== 0) groupReadAt[group] = receivedAt;
    }
    for (const slot of plan.scaled) exponents[slot.point.ordinal] = slot.exponent;
    this.polls += 1;
    this.requestsPerRound = plan.reads.length;
    this.#countDuty(startedAt, receivedAt);
    if (plan.ordinals.length > 0) {
      emit(readingOf(plan, columns, { receivedAt, receivedUtc: clock.utcNow() }));
    }
    return plan;
  }

  #countDuty(startedAt: number, endedAt: number): void {
    const intervalMs = startedAt - this.#lastStartedAt;
    this.#lastStartedAt = startedAt;
    if (!(intervalMs > 0)) return;
    const share = Math.min(1, (endedAt - startedAt) / intervalMs);
    this.duty += (share - this.duty) * DUTY_WEIGHT;
  }

  async #write(setpoint: Setpoint, signal: AbortSignal): Promise<WriteOutcome> {
    const { profile, firstPoint, unitId } = this.#options;
    const point = profile.points[setpoint.point - firstPoint];
    assert(point?.write !== undefined, "a setpoint is for a writable point of this device");
    try {
      return await this.#whileOpen(async () => this.#put(point, setpoint, signal), signal);
    } catch (error) {
      // The connection that the write needs could not be made: nothing has left.
      if (error instanceof GatewayError) return { result: "refused", error };
      if (!signal.aborted) throw error;
      const facts = { unit: unitId, sent: false };
      return {
        result: "refused",
        error: new GatewayError("LINK_LOST", facts, { cause: signal.reason }),
      };
    }
  }

  async #put(point: BoundPoint, setpoint: Setpoint, signal: AbortSignal): Promise<WriteOutcome> {
    const isCyclic = setpoint.confirm === "by-poll";
    const sent = await this.#writer.send(point, setpoint.value, { isCyclic, signal });
    if (sent.result === "accepted" && !this.#failed.signal.aborted) {
      this.keepAlives.hold(point.write?.keepAlive ?? [], isCyclic);
    }
    return this.#writer.confirm(point, sent, !isCyclic, signal);
  }

  /** A few points, now, in columns of their own: nothing of it gets into a round. */
  async #readNow(points: readonly BoundPoint[], signal: AbortSignal): Promise<RoundColumns> {
    const plan = this.#makePlan(points, this.#session.terms);
    const failed = await this.reader.read(plan, signal);
    const { values, quality, texts } = this.#session.columns;
    const columns = {
      values: values.slice(),
      quality: quality.slice(),
      texts: new Map(texts),
    };
    decodeRound(plan, failed, columns);
    return columns;
  }

  #planFor(mask: number): RoundPlan {
    this.#dropOldPlans();
    const known = this.#plans.get(mask);
    if (known !== undefined) return known;
    const { profile } = this.#options;
    const points = profile.points.filter(
      ({ group, read }) => read !== undefined && group !== undefined && (mask & (1 << group)) !== 0,
    );
    if (this.#plans.size >= PLANS_MAX) this.#plans.clear();
    const plan = this.#makePlan(points, this.#terms);
    this.#plans.set(mask, plan);
    return plan;
  }

  #makePlan(points: readonly BoundPoint[], terms: LinkTerms): RoundPlan {
    const { profile, firstPoint, gaps, unitId } = this.#options;
    const { cost } = this.#plannedFor;
    const facts = profile.modbus;
    const { exponents } = this.#session;
    const knowsFactor = ({ ordinal }: BoundPoint) => !Number.isNaN(exponents[ordinal]);
    const plan = planReads({ points, facts, unit: unitId, cost, gaps, knowsFactor });
    return makeRoundPlan({ plan, profile, firstPoint, terms, exponents });
  }

  /** Plans follow what was learned: illegal gaps at once, costs when they differ much. */
  #dropOldPlans(): void {
    const { gaps, cost } = this.#options;
    const isNewGap = gaps.revision !== this.#plannedFor.revision;
    const isTimeToLook = this.polls % REPLAN_EVERY === 0;
    if (!isNewGap && !isTimeToLook) return;
    const now = cost.cost();
    if (!isNewGap && !differsMuch(now, this.#plannedFor.cost)) return;
    this.#plannedFor = { revision: gaps.revision, cost: now };
    this.#plans.clear();
  }

  /**
   * A device that wants its connection closed between rounds has one while a round, a write or a
   * beat needs it; the last of them closes it.
   */
  async #whileOpen<T>(use: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const { link, profile } = this.#options;
    if (!profile.modbus.closeAfterRound) return use();
    this.#users += 1;
    try {
      if (!link.isOpen) await link.open(signal);
      return await use();
    } finally {
      this.#users -= 1;
      if (this.#users === 0 && !this.#failed.signal.aborted) await link.close();
    }
  }
}

function groupsOf(options: PollLoopOptions): ScheduledGroup[] {
  const { profile, pollMs = {}, phaseMs = 0, align } = options;
  assert(profile.groups.length < 31, "groups of a device fit in a word of bits");
  const { minimumPeriodMs } = profile.modbus;
  const terms = { pollMs, minimumPeriodMs, cycleMs: align?.periodMs };
  return profile.groups.map((group) => {
    const periodMs = pollPeriodMs(group, terms);
    return periodMs === 0
      ? { periodMs, phaseMs: 0 }
      : { periodMs, phaseMs: phaseMs + group.phaseMs };
  });
}

/** What a gap is worth follows from the ratio of the two figures. */
function differsMuch(now: ReadCost, planned: ReadCost): boolean {
  const worthNow = now.requestMs / Math.max(now.registerMs, 1e-6);
  const worthPlanned = planned.requestMs / Math.max(planned.registerMs, 1e-6);
  const ratio = worthNow / worthPlanned;
  return ratio > REPLAN_FACTOR || ratio < 1 / REPLAN_FACTOR;
}

function emptyColumns(points: number): RoundColumns {
  return {
    values: new Float64Array(points).fill(Number.NaN),
    quality: new Uint8Array(points).fill(NEVER_READ),
    texts: new Map(),
  };
}

async function untilAborted(signal: AbortSignal): Promise<never> {
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else {
      const wake = () => {
        resolve();
      };
      signal.addEventListener("abort", wake, { once: true });
    }
  });
  throw signal.reason;
}
