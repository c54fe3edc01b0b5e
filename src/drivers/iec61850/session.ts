import { GatewayError } from "../../domain/errors.ts";
import { type QualityCode, qualityCode } from "../../domain/quality.ts";
import type { Clock } from "../../domain/time.ts";
import { utcMs } from "../../domain/time.ts";
import type { CompiledProfile, KeepAlive } from "../../profiles/binding.ts";
import type { Iec61850Facts, ReportBinding } from "../../profiles/binding-iec61850.ts";
import type { EmitReading } from "../driver.ts";
import { Commander } from "./commander.ts";
import { type DeviceModel, readModel } from "./device-model.ts";
import type { Association, ReceivedReport, ReportGap } from "./engine.ts";
import type { EntryLedger } from "./entry-ledger.ts";
import { type LiveNode, nodeKey, type NodeSource, pollSources } from "./live-node.ts";
import { type Arrival, NodeTable } from "./node-table.ts";
import { NodeWatch } from "./node-watch.ts";
import type { DeviceNotices } from "./notices.ts";
import { ReportDesk } from "./report-desk.ts";
import type { ReportMemory } from "./report-memory.ts";
import { type Job, JobList } from "./job-list.ts";
import type { RoundTrips } from "./round-trips.ts";

const MISMATCH = qualityCode("mismatch");
/** How often behaviour and place of control are read. */
const WATCH_MS = 1_000;
/** A block that another client has is tried again after this. */
const RETRY_MS = 1_000;
/** What is not yet known is looked for, and what was changed is planned anew. */
const LOOK_MS = 250;

export interface SessionParts {
  readonly association: Association;
  readonly profile: CompiledProfile;
  readonly facts: Iec61850Facts;
  readonly firstPoint: number;
  readonly clock: Clock;
  /** Poll and integrity period by group, ms; 0: once. */
  readonly periodsMs: readonly number[];
  readonly phaseMs: number;
  readonly memoryOf: (binding: ReportBinding) => ReportMemory;
  readonly ledger: EntryLedger;
  readonly notices: DeviceNotices;
  readonly counters: SessionCounters;
  readonly roundTrips: RoundTrips;
  /** Commands of safety that wait to be read back. */
  readonly assertSafe: (commander: Commander, signal: AbortSignal) => Promise<void>;
  readonly beat: (keepAlive: KeepAlive, commander: Commander, signal: AbortSignal) => Promise<void>;
}

/** Counted by the driver over all its connections. */
export interface SessionCounters {
  polls: number;
  overruns: number;
  reports: number;
  historyReports: number;
  lostReports: number;
  gaps: number;
}

/** One association's life: the model of the device, its reports, and polls beside them. */
export class Session {
  readonly #parts: SessionParts;
  readonly #live: NodeTable;
  readonly #history: NodeTable;
  readonly #failed: AbortController;
  readonly #emit: EmitReading;
  #model: DeviceModel | undefined;
  #watch: NodeWatch | undefined;
  #commander: Commander | undefined;
  #desks: readonly ReportDesk[] = [];
  #isPlanOld = false;
  #lastSeq = 0;
  #toldSkewed = 0;

  constructor(parts: SessionParts, emit: EmitReading, failed: AbortController) {
    this.#parts = parts;
    this.#emit = emit;
    this.#failed = failed;
    this.#live = new NodeTable(parts.profile, parts.firstPoint);
    this.#history = new NodeTable(parts.profile, parts.firstPoint);
  }

  /** Undefined until the model of the device is known. */
  get commander(): Commander | undefined {
    return this.#commander;
  }

  get skewed(): number {
    return this.#live.skewed;
  }

  /** @throws GatewayError when the link is lost; the reason of the signal; never returns else */
  async run(signal: AbortSignal): Promise<void> {
    await this.#prepare(signal);
    await this.#pollAll(signal);
    await this.#openAll(signal);
    const jobs = new JobList(this.#parts.clock, this.#jobs(), () => {
      this.#parts.counters.overruns += 1;
    });
    for (;;) await jobs.next(signal);
  }

  async #prepare(signal: AbortSignal): Promise<void> {
    const { association, profile, facts, clock } = this.#parts;
    const terms = { signal };
    const model = await readModel(association, profile, terms);
    const watch = await NodeWatch.find({ association, clock, facts, types: model.types }, terms);
    await watch.read(terms);
    this.#model = model;
    this.#watch = watch;
    for (const table of [this.#live, this.#history]) table.follow(model.nodes);
    this.#takeBehaviours();
    this.#commander = new Commander({
      association,
      profile,
      facts,
      model,
      watch,
      clock,
      columns: this.#live.columns,
    });
    this.#tellRefused(model.refused);
  }

  #tellRefused(refused: ReadonlyMap<number, QualityCode>): void {
    const byQuality = new Map<QualityCode, number[]>();
    for (const [ordinal, quality] of refused) {
      const own = byQuality.get(quality) ?? [];
      byQuality.set(quality, [...own, ordinal]);
    }
    for (const [quality, ordinals] of byQuality) {
      this.#give(this.#live.refused(ordinals, quality, this.#arrival()));
    }
  }

  /** Everything once: what comes by reports is known before the first of them. */
  async #pollAll(signal: AbortSignal): Promise<void> {
    await this.#poll(this.#model?.nodes ?? [], signal);
  }

  async #poll(nodes: readonly LiveNode[], signal: AbortSignal): Promise<void> {
    const { association, counters, clock, roundTrips } = this.#parts;
    const types = this.#model?.types;
    const sources = pollSources(nodes, (node) => types?.get(node));
    if (sources.length === 0) return;
    const references = sources.map(({ reference }) => reference);
    const askedAt = clock.now();
    const values = await association.read(references, { signal });
    roundTrips.add(clock.now() - askedAt);
    for (const [at, source] of sources.entries()) {
      const value = values[at];
      if (value !== undefined) this.#live.take(source, value);
    }
    counters.polls += 1;
    this.#give(this.#live.reading(this.#arrival()));
  }

  async #openAll(signal: AbortSignal): Promise<void> {
    const { facts, association, periodsMs } = this.#parts;
    const model = this.#model;
    if (model === undefined) return;
    this.#desks = facts.reports.map((binding) => {
      const memory = this.#parts.memoryOf(binding);
      return new ReportDesk({
        association,
        binding,
        model,
        memory,
        nodes: model.nodes.filter(({ point }) => point.group === binding.group),
        integrityMs: periodsMs[binding.group] ?? 0,
        sink: {
          report: (report, sources) => {
            this.#take(report, sources, memory);
          },
          gap: (gap) => {
            this.#gap(binding, gap);
          },
          lost: (why) => {
            this.#parts.counters.lostReports += 1;
            this.#parts.notices.lost(binding.name, why);
          },
          silent: (silentMs) => {
            // Who says nothing on a block that should speak has to be asked anew from the start.
            const facts = { report: binding.name, silentMs };
            this.#failed.abort(new GatewayError("LINK_TIMEOUT", facts));
          },
        },
      });
    });
    for (const desk of this.#desks) await this.#open(desk, signal);
  }

  async #open(desk: ReportDesk, signal: AbortSignal): Promise<void> {
    const { notices } = this.#parts;
    const result = await desk.open({ signal });
    const { name } = desk.binding;
    if (result.result === "subscribed") notices.subscribed(name);
    else if (result.result === "occupied") notices.occupied(name, result.owner);
    else notices.refused(name, `${result.block}.${result.step}`);
  }

  #take(
    received: ReceivedReport,
    sources: readonly (NodeSource | undefined)[],
    memory: ReportMemory,
  ): void {
    const { counters, ledger } = this.#parts;
    const { report, isBuffered, entries, block, kind } = received;
    const table = isBuffered ? this.#history : this.#live;
    // Every change of the past is an entry of its own: the periodic ones would tell it twice.
    const isTold = !isBuffered || kind !== "integrity";
    for (const { index, value } of isTold ? entries : []) {
      const source = sources[index];
      if (source !== undefined) table.take(source, value);
    }
    if (isBuffered) counters.historyReports += 1;
    else counters.reports += 1;
    const { entryTimeMs, entryId } = report;
    const notedUtc = isBuffered && entryTimeMs !== undefined ? utcMs(entryTimeMs) : undefined;
    const isEvent = kind === "spontaneous";
    const reading = table.reading({ ...this.#arrival(), notedUtc, isEvent });
    if (reading !== undefined) {
      this.#lastSeq = this.#emit(isBuffered ? { ...reading, isHistory: true } : reading);
    }
    if (entryId === undefined || !block.isBuffered) return;
    ledger.note(this.#lastSeq, memory, { block: block.name, entryId: entryId.slice() });
  }

  #gap(binding: ReportBinding, gap: ReportGap): void {
    this.#parts.counters.gaps += 1;
    this.#parts.notices.gap(binding.name, gap);
    if (gap.gap === "sequence" || gap.gap === "overflow") {
      this.#interrogate(binding);
      return;
    }
    if (gap.gap !== "configuration" && gap.gap !== "members") return;
    // The device is another one now, or says it in another way: nothing is sure until it is read.
    const ordinals = this.#ordinalsOf(binding.group);
    this.#give(this.#live.doubted(ordinals, MISMATCH, this.#arrival()));
    this.#isPlanOld = this.#desks.some((desk) => desk.isSubscribed && desk.binding === binding);
  }

  #interrogate(binding: ReportBinding): void {
    const desk = this.#desks.find((one) => one.binding === binding);
    const call = { signal: this.#failed.signal };
    desk?.interrogate(call).catch((error: unknown) => {
      this.#failed.abort(error);
    });
  }

  #ordinalsOf(group: number): readonly number[] {
    const { points } = this.#parts.profile;
    return points.filter((point) => point.group === group).map(({ ordinal }) => ordinal);
  }

  #jobs(): Job[] {
    const { periodsMs, phaseMs, profile, assertSafe, beat } = this.#parts;
    const polls = periodsMs.flatMap((everyMs, group): Job[] => {
      if (everyMs === 0) return [];
      return [{ everyMs, phaseMs, run: async (signal) => this.#pollGroup(group, signal) }];
    });
    const beats = [...profile.keepAlives.values()].map((keepAlive): Job => ({
      everyMs: keepAlive.everyMs,
      phaseMs: 0,
      run: async (signal) => {
        if (this.#commander !== undefined) await beat(keepAlive, this.#commander, signal);
      },
    }));
    return [
      ...polls,
      ...beats,
      { everyMs: WATCH_MS, phaseMs, run: async (signal) => this.#lookAtNodes(signal) },
      { everyMs: RETRY_MS, phaseMs, run: async (signal) => this.#retry(signal) },
      { everyMs: LOOK_MS, phaseMs: 0, run: async (signal) => this.#replan(signal) },
      {
        everyMs: RETRY_MS,
        phaseMs,
        run: async (signal) => {
          if (this.#commander !== undefined) await assertSafe(this.#commander, signal);
        },
      },
    ];
  }

  /** What comes by reports is not polled beside them. */
  async #pollGroup(group: number, signal: AbortSignal): Promise<void> {
    const desks = this.#desks.filter(({ binding }) => binding.group === group);
    const nodes = (this.#model?.nodes ?? []).filter(
      (node) => node.point.group === group && !desks.some(({ covered }) => covered.has(node)),
    );
    if (nodes.length > 0) await this.#poll(nodes, signal);
  }

  async #lookAtNodes(signal: AbortSignal): Promise<void> {
    await this.#watch?.read({ signal });
    const { skewed } = this.#live;
    this.#parts.notices.clock(skewed > this.#toldSkewed);
    this.#toldSkewed = skewed;
    this.#takeBehaviours();
    this.#give(this.#live.reading(this.#arrival()));
  }

  #takeBehaviours(): void {
    for (const { place } of this.#parts.facts.reads.values()) {
      const node = nodeKey(place);
      const behaviour = this.#watch?.behaviourOf(node);
      this.#live.setBehaviour(node, behaviour);
      this.#history.setBehaviour(node, behaviour);
    }
  }

  async #retry(signal: AbortSignal): Promise<void> {
    for (const desk of this.#desks) if (!desk.isSubscribed) await this.#open(desk, signal);
  }

  async #replan(signal: AbortSignal): Promise<void> {
    if (!this.#isPlanOld) return;
    this.#isPlanOld = false;
    for (const desk of this.#desks) await desk.close({ signal });
    await this.#prepare(signal);
    await this.#pollAll(signal);
    await this.#openAll(signal);
  }

  #give(reading: Parameters<EmitReading>[0] | undefined): void {
    if (reading === undefined || reading.points.length === 0) return;
    this.#lastSeq = this.#emit(reading);
  }

  #arrival(): Arrival {
    const { clock } = this.#parts;
    return { receivedAt: clock.now(), receivedUtc: clock.utcNow() };
  }
}
