import { cycle } from "../../../src/control/cycle.ts";
import { DirectLane } from "../../../src/control/direct-lane.ts";
import type { ControlWrite, CyclicReport, LocalOrder } from "../../../src/control/exchange.ts";
import type { ControlPlan, EnvelopeEntry } from "../../../src/control/plan.ts";
import { type ControlState, createControl, latchState } from "../../../src/control/state.ts";
import { parseLatchRecord } from "../../../src/control/trip-record.ts";
import { ownedPoints } from "../../../src/control/units.ts";
import type { Command, CommandAction } from "../../../src/domain/command.ts";
import { type PointIndex, pointIndex } from "../../../src/domain/point.ts";
import { GOOD, qualityCode } from "../../../src/domain/quality.ts";
import { monotonicMs, type UtcMs, utcMs } from "../../../src/domain/time.ts";
import { PointImage } from "../../../src/points/image.ts";
import {
  chillerEntry,
  CHILLER_RUN,
  CHILLER_SUPPLY,
  ESTOP_BIT,
  METER,
  MW,
  STATE_OFF,
  STATE_RUNNING,
  testPlan,
  unitPoints,
} from "../../support/plant-plan.ts";
import { seeded } from "../../support/plant-random.ts";
import { EnvelopeOracle } from "./envelope-oracle.ts";

/** Points beyond those of the test site. */
export const REACTIVE = pointIndex(30);
export const PUMP_A = pointIndex(31);
export const PUMP_B = pointIndex(32);
export const FAN = pointIndex(33);
export const STATUS = pointIndex(34);
export const LOCAL_2 = pointIndex(35);
const POINTS = 36;

const CHILLER_INTERVAL_MS = 500;
const START_UTC = Date.UTC(2026, 0, 1);
const NO_COMMUNICATION = qualityCode("no-communication");
const STALE = qualityCode("stale");
/** Sequences of commands, orders and faults in one world. */
export const SEQUENCES_PER_WORLD = 100;
/** Control is killed behind a sequence about so often. */
const KILLED = 0.3;

/** The plan that the search is about: every kind of limit that an envelope has. */
export function searchedPlan(): ControlPlan {
  const base = testPlan({ peakCapW: 18 * MW, withFeeders: false, rampWPerS: 30 * MW });
  const envelope = base.envelope.map((entry): EnvelopeEntry => {
    const { pointName, asset } = entry;
    if (asset === "chiller-1") return { ...entry, minimumIntervalMs: CHILLER_INTERVAL_MS };
    if (pointName !== "active-power-setpoint") return entry;
    const remote = { point: LOCAL_2, when: { equals: 0 }, isActiveLow: false };
    const interlocks =
      asset === "bess-2" ? [{ name: "remote", condition: remote, maxAgeMs: 400 }] : [];
    return { ...entry, rampPerS: 20 * MW, interlocks };
  });
  const units = base.units.map((unit, place) =>
    place === 0 ? { ...unit, points: { ...unit.points, reactive: REACTIVE } } : unit,
  );
  const trips = base.trips.map((rule, place) => ({ ...rule, units: place === 0 ? [0, 1] : [1] }));
  const assets = [...base.assets, "pump-a", "pump-b", "fan-1"];
  return { ...base, units, trips, assets, envelope: [...envelope, ...ownEntries()] };
}

function ownEntries(): readonly EnvelopeEntry[] {
  const plain = { ...chillerEntry(), interlocks: [], minimumIntervalMs: 0, effect: undefined };
  const shownAt = (point: PointIndex) => ({ point, maxAgeMs: 1_000 });
  const pump = (asset: string, point: PointIndex, other: PointIndex): EnvelopeEntry => ({
    ...plain,
    asset,
    pointName: "pump-speed-setpoint",
    point,
    min: 0,
    max: 100,
    rampPerS: 50,
    minimumIntervalMs: 100,
    shown: shownAt(point),
    excludes: [{ name: "the other", point: other, shown: shownAt(other), settleMs: 200 }],
  });
  return [
    pump("pump-a", PUMP_A, PUMP_B),
    pump("pump-b", PUMP_B, PUMP_A),
    {
      ...plain,
      asset: "fan-1",
      pointName: "fan-speed-setpoint",
      point: FAN,
      min: 10,
      max: 90,
      rampPerS: 10,
      mode: "refuse",
      shown: shownAt(FAN),
    },
    {
      ...plain,
      asset: "bess-1",
      pointName: "reactive-power-setpoint",
      point: REACTIVE,
      min: -5 * MW,
      max: 5 * MW,
      shown: shownAt(REACTIVE),
    },
  ];
}

/** What somebody from afar may name; the last of them is in no envelope. */
const DIRECT: readonly (readonly [asset: string, point: string, low: number, high: number])[] = [
  ["chiller-1", "supply-temperature-setpoint", 8, 30],
  ["pump-a", "pump-speed-setpoint", -50, 150],
  ["pump-b", "pump-speed-setpoint", -50, 150],
  ["pump-a", "pump-speed-setpoint", 0, 0],
  ["pump-b", "pump-speed-setpoint", 0, 0],
  ["fan-1", "fan-speed-setpoint", 0, 100],
  ["bess-1", "reactive-power-setpoint", -8 * MW, 8 * MW],
  ["bess-1", "run-command", 0, 1],
  ["bess-1", "active-power-setpoint", -20 * MW, 20 * MW],
  ["bess-2", "alarm-reset", 1, 1],
  ["fan-1", "status", 0, 1],
];

interface Group {
  readonly points: Uint32Array;
  readonly values: Float64Array;
  readonly quality: Uint8Array;
  /** Values that a reading of before still shows, for one that is late or stuck. */
  readonly before: Float64Array;
}

/** Switches one guard of the envelope off, from outside, before each judgement. */
export type Sabotage = (state: ControlState) => void;

export interface WorldOptions {
  readonly seed: number;
  /** What control is given; the oracle keeps what is right. */
  readonly plan?: ControlPlan;
  readonly sabotage?: Sabotage;
}

interface Flight {
  readonly at: number;
  readonly point: number;
  readonly value: number;
}

/**
 * Devices, wires and people around one control core: all that reaches it is random, and all that it
 * sends is judged by an oracle that knows nothing of its code. Control dies again and again; the
 * devices, and what is on the disk, stay.
 */
export class EnvelopeWorld {
  readonly oracle: EnvelopeOracle;
  readonly #seed: number;
  readonly #random: () => number;
  readonly #plan: ControlPlan;
  readonly #sabotage: Sabotage | undefined;
  /** What the devices hold. */
  readonly #truth = new Float64Array(POINTS);
  readonly #groups: readonly Group[];
  #control: ControlState;
  #image = new PointImage(POINTS);
  #lane: DirectLane;
  #saved = "";
  #savedRevision = -1;
  #flights: Flight[] = [];
  #reports: { readonly at: number; readonly report: CyclicReport }[] = [];
  #late: { readonly group: Group; readonly values: Float64Array }[] = [];
  #nowMs = 10_000;
  #utcShiftMs = 0;
  #sequence = 0;
  sequences = 0;
  /** How often each kind of thing happened, so that nobody believes in a search that is not one. */
  readonly hits = new Map<string, number>();

  constructor({ seed, plan = searchedPlan(), sabotage }: WorldOptions) {
    this.#seed = seed;
    this.#random = seeded(seed);
    this.#plan = plan;
    this.#sabotage = sabotage;
    this.oracle = new EnvelopeOracle(seed);
    this.#groups = [
      groupOf([METER]),
      ...[0, 1].map((unit) => {
        const points = Object.values(unitPoints(unit));
        return groupOf(unit === 0 ? [...points, REACTIVE] : points);
      }),
      groupOf([CHILLER_RUN, CHILLER_SUPPLY, LOCAL_2]),
      groupOf([PUMP_A, PUMP_B]),
      groupOf([FAN, STATUS]),
    ];
    this.#settle();
    this.#control = createControl(plan, { now: monotonicMs(this.#nowMs), latches: undefined });
    this.#lane = this.#laneOf();
  }

  /** Sequences, one after the other; control dies between some of them. */
  run(): void {
    try {
      while (this.sequences < SEQUENCES_PER_WORLD && this.oracle.escapes.length === 0) {
        this.#live();
        this.sequences += 1;
        if (this.#chance(KILLED)) this.#restart();
      }
    } catch (error) {
      // Control never fails on what its devices say.
      const what = error instanceof Error ? error.message : String(error);
      this.oracle.escapes.push(`SIM_SEED=${this.#seed}: control failed, ${what}`);
    }
  }

  #settle(): void {
    const truth = this.#truth;
    truth[METER] = 20 * MW;
    truth[CHILLER_RUN] = 1;
    truth[CHILLER_SUPPLY] = 18;
    truth[FAN] = 40;
    for (const unit of [0, 1]) {
      const points = unitPoints(unit);
      truth[points.soc] = 60;
      truth[points.chargeLimit] = 12 * MW;
      truth[points.dischargeLimit] = 12 * MW;
      truth[points.state] = STATE_RUNNING;
      truth[points.run] = 1;
    }
  }

  #live(): void {
    const steps = this.#chance(0.01) ? 60 : 1 + this.#pick(2);
    for (let step = 0; step < steps; step += 1) {
      this.#pass(this.#chance(0.05) ? 50 * (1 + this.#pick(60)) : 50);
      this.#disturb();
      this.#read();
      this.#cycle();
      for (let order = this.#pick(5); order > 0; order -= 1) this.#direct();
    }
  }

  #pass(ms: number): void {
    this.#nowMs += ms;
    const due = this.#flights.filter(({ at }) => at <= this.#nowMs);
    if (due.length > 0) this.#flights = this.#flights.filter(({ at }) => at > this.#nowMs);
    for (const { point, value } of due) this.#land(point, value);
    for (const unit of [0, 1]) {
      const points = unitPoints(unit);
      const isOn = this.#truth[points.state] === STATE_RUNNING;
      this.#truth[points.power] = isOn ? (this.#truth[points.setpoint] ?? 0) : 0;
      this.#truth[points.heartbeat] = (this.#truth[points.heartbeat] ?? 0) + 1;
    }
  }

  #land(point: number, value: number): void {
    this.#truth[point] = value;
    for (const unit of [0, 1]) {
      const points = unitPoints(unit);
      if (point === points.run) this.#truth[points.state] = value === 0 ? STATE_OFF : STATE_RUNNING;
    }
    this.oracle.landed(this.#truth);
  }

  /** Somebody at the machines, and the load. */
  #disturb(): void {
    const truth = this.#truth;
    truth[METER] = (15 + 10 * this.#random()) * MW;
    if (this.#chance(0.03)) this.#flip(unitPoints(this.#pick(2)).alarms, 2 ** ESTOP_BIT);
    if (this.#chance(0.03)) this.#flip(CHILLER_RUN, 1);
    if (this.#chance(0.03)) this.#flip(LOCAL_2, 1);
    if (this.#chance(0.02)) this.#utcShiftMs += (this.#random() - 0.5) * 7_200_000;
  }

  #flip(point: number, value: number): void {
    this.#truth[point] = this.#truth[point] === 0 ? value : 0;
    this.#hit(point === CHILLER_RUN || point === LOCAL_2 ? "interlock" : "estop");
  }

  #read(): void {
    for (const { group, values } of this.#late.splice(0)) this.#post(group, values, GOOD);
    for (const group of this.#groups) {
      const fault = this.#random();
      for (let at = 0; at < group.points.length; at += 1)
        group.values[at] = this.#truth[group.points[at] ?? 0] ?? 0;
      // What excludes each other has readings that come late or not at all, but none that lie.
      const isHonest = group.points[0] === PUMP_A;
      if (fault < 0.05) this.#hit("reading-lost");
      else if (fault < 0.08) this.#post(group, group.values, NO_COMMUNICATION);
      else if (fault < 0.1) this.#post(group, group.values, STALE);
      else if (fault < 0.13) this.#late.push({ group, values: group.values.slice() });
      else if (fault < 0.15 && !isHonest) this.#post(group, group.before, GOOD);
      else {
        this.#post(group, group.values, GOOD);
        group.before.set(group.values);
      }
    }
  }

  #post(group: Group, values: Float64Array, quality: number): void {
    if (quality !== GOOD) this.#hit("reading-bad");
    else if (values !== group.values) this.#hit("reading-late-or-stuck");
    group.quality.fill(quality);
    const receivedAt = monotonicMs(this.#nowMs);
    this.#image.post({
      points: group.points,
      values,
      quality: group.quality,
      sourceTimes: undefined,
      texts: undefined,
      receivedAt,
      receivedUtc: utcMs(START_UTC + this.#nowMs),
    });
    this.oracle.received(group.points, { values, quality, at: this.#nowMs });
  }

  get #utc(): UtcMs {
    return utcMs(Math.round(START_UTC + this.#nowMs + this.#utcShiftMs));
  }

  #cycle(): void {
    this.#image.take();
    this.oracle.taken();
    this.#sabotage?.(this.#control);
    const due = this.#reports.filter(({ at }) => at <= this.#nowMs);
    if (due.length > 0) this.#reports = this.#reports.filter(({ at }) => at > this.#nowMs);
    const orders = this.#orders();
    const result = cycle(this.#control, {
      now: monotonicMs(this.#nowMs),
      utc: this.#utc,
      view: this.#image.view,
      commands: this.#chance(0.3) ? [this.#powerCommand()] : [],
      orders,
      outcomes: due.map(({ report }) => report),
    });
    this.oracle.cycled(result, this.#nowMs);
    for (const write of result.writes) this.#send(write);
    if (result.latchRevision === this.#savedRevision) return;
    this.#savedRevision = result.latchRevision;
    this.#saved = JSON.stringify(latchState(this.#control, this.#utc));
  }

  #orders(): LocalOrder[] {
    if (!this.#chance(0.15)) return [];
    const by = this.#chance(0.5) ? "anna" : "bob";
    const assets = ["bess-1", "bess-2", "chiller-1", "pump-a", "fan-1", "all", "battery"];
    const asset = assets[this.#pick(assets.length)] ?? "all";
    const kinds = ["reset", "hold", "stop", "release", "lockout", "unlock", "mode"] as const;
    const kind = kinds[this.#pick(kinds.length)] ?? "reset";
    this.#hit(kind);
    switch (kind) {
      case "reset":
        return [{ kind, trip: "all", by }];
      case "mode":
        return [{ kind, mode: this.#chance(0.2) ? "local" : "remote", by }];
      default:
        return [{ kind, asset, by }];
    }
  }

  #powerCommand(): Command {
    const assets = ["bess-1", "bess-2", "battery"];
    const powerW = (this.#random() - 0.5) * 60 * MW;
    const action: CommandAction = this.#chance(0.1)
      ? { kind: "release" }
      : { kind: "set-power", powerW, rampWPerS: undefined };
    this.#hit("cyclic-command");
    return this.#commandOf(assets[this.#pick(3)] ?? "battery", action);
  }

  #direct(): void {
    this.#sabotage?.(this.#control);
    const [asset, point, low, high] = DIRECT[this.#pick(DIRECT.length)] ?? DIRECT[0]!;
    const wild = [Number.NaN, Infinity, -1e9, 1e9][this.#pick(4)] ?? 0;
    const value = this.#chance(0.03) ? wild : low + (high - low) * this.#random();
    const command = this.#commandOf(asset, { kind: "set-point", point, value });
    this.#hit("direct-command");
    const verdict = this.#lane.judge(command, {
      view: this.#image.view,
      now: monotonicMs(this.#nowMs),
      utc: utcMs(START_UTC),
    });
    if (verdict.kind !== "write") return;
    this.#hit("direct-write");
    const { setpoint } = verdict.write;
    this.oracle.sent({ ...setpoint, asset, isProtective: false }, this.#nowMs);
    this.#fly(setpoint.point, setpoint.value);
  }

  #commandOf(asset: string, action: CommandAction): Command {
    this.#sequence += 1;
    return {
      id: `c-${this.#sequence}`,
      holder: this.#chance(0.5) ? "cloud" : "market",
      asset,
      action,
      priority: 4 + this.#pick(5),
      sequence: this.#sequence,
      leaseMs: 1 + 5_000 * this.#random(),
      notAfter: monotonicMs(this.#nowMs + (this.#chance(0.05) ? -1 : 1_000)),
      receivedUtc: utcMs(START_UTC),
    };
  }

  #send(write: ControlWrite): void {
    this.#hit("cyclic-write");
    this.oracle.sent(write, this.#nowMs);
    const { point, value, sentAt } = write;
    const fate = this.#random();
    const result = fate < 0.05 ? "refused" : fate < 0.12 ? "unknown" : "accepted";
    if (result === "accepted" || fate < 0.08) this.#fly(point, value);
    const report = {
      point,
      value,
      sentAt,
      result,
      reason: undefined,
      readBack: undefined,
    } as const;
    const at = this.#nowMs + 50 * (this.#chance(0.1) ? 2 + this.#pick(4) : 1);
    this.#reports.push({ at, report });
    if (this.#chance(0.05)) this.#reports.push({ at: at + 50 * this.#pick(4), report });
  }

  /** Writes to one device stay in their order, and are there before its readings show them. */
  #fly(point: number, value: number): void {
    const earliest = Math.max(this.#nowMs, ...this.#flights.map(({ at }) => at));
    const at = Math.min(earliest + 25 * this.#pick(3), this.#nowMs + 100);
    this.#flights.push({ at, point, value });
  }

  /** kill −9: what is on the wire arrives all the same, or is lost with its sockets. */
  #restart(): void {
    this.#hit("kill");
    if (this.#chance(0.5)) this.#flights = [];
    this.#reports = [];
    this.#late = [];
    this.#nowMs += 100;
    this.#image = new PointImage(POINTS);
    const isTorn = this.#chance(0.02);
    if (isTorn) this.#hit("latches-unreadable");
    const latches = isTorn ? "unreadable" : parseLatchRecord(JSON.parse(this.#saved));
    this.#control = createControl(this.#plan, {
      now: monotonicMs(this.#nowMs),
      utc: this.#utc,
      latches,
    });
    this.#lane = this.#laneOf();
    this.#savedRevision = -1;
    this.oracle.restarted(isTorn);
  }

  #laneOf(): DirectLane {
    const { envelope, authority } = this.#control;
    return new DirectLane(envelope, ownedPoints(this.#plan), authority);
  }

  #hit(what: string): void {
    this.hits.set(what, (this.hits.get(what) ?? 0) + 1);
  }

  #chance(probability: number): boolean {
    return this.#random() < probability;
  }

  #pick(count: number): number {
    return Math.floor(this.#random() * count);
  }
}

function groupOf(points: readonly number[]): Group {
  return {
    points: Uint32Array.from(points),
    values: new Float64Array(points.length),
    quality: new Uint8Array(points.length),
    before: new Float64Array(points.length),
  };
}
