import type { Command } from "../../src/domain/command.ts";
import type { PlantEvent } from "../../src/domain/event.ts";
import type { PointIndex } from "../../src/domain/point.ts";
import { GOOD, qualityCode } from "../../src/domain/quality.ts";
import type { Reading } from "../../src/domain/round.ts";
import { monotonicMs, utcMs } from "../../src/domain/time.ts";
import type { CommandStep } from "../../src/domain/command.ts";
import { cycle, statusOf } from "../../src/control/cycle.ts";
import type {
  ControlStatus,
  ControlWrite,
  CyclicReport,
  CycleResult,
  LocalOrder,
} from "../../src/control/exchange.ts";
import type { ControlPlan } from "../../src/control/plan.ts";
import { type ControlState, createControl, latchState } from "../../src/control/state.ts";
import { FrozenDetector } from "../../src/points/frozen.ts";
import { PointImage } from "../../src/points/image.ts";
import { QualityOverrides } from "../../src/points/quality-overrides.ts";
import {
  BREAKER_OPEN,
  ESTOP_BIT,
  FREQUENCY,
  MECHANICAL,
  METER,
  MW,
  NOMINAL_V,
  pointCountOf,
  STATE_FAULT,
  STATE_OFF,
  STATE_RUNNING,
  TRAIN,
  unitPoints,
  UPS,
  VOLTAGE,
} from "./plant-plan.ts";
import { seeded } from "./plant-random.ts";

const TICK_MS = 5;
const START_UTC = Date.UTC(2026, 0, 1);
const NO_COMMUNICATION = qualityCode("no-communication");

/** A battery unit with its inverter: dead time, first order, slew, reversion, faults. */
export interface PlantUnit {
  powerW: number;
  setpointW: number;
  soc: number;
  heartbeat: number;
  state: number;
  alarmBits: number;
  /** Setpoints on their way: when they act. */
  readonly queue: { at: number; valueW: number }[];
  writtenAt: number;
  /** Nothing gets through in either direction. */
  isCut: boolean;
  /** Acknowledges writes and does nothing. */
  ignores: boolean;
  /** Takes setpoints, shows them, and gives nothing: it is not enabled. */
  isDisabled: boolean;
  /** Answers writes with an exception. */
  refuses: boolean;
  /** Carries its part of the site while the grid is dead, whatever it is asked for. */
  formsIsland: boolean;
}

export interface SiteOptions {
  readonly plan: ControlPlan;
  /** W drawn by the training hall, at ms. */
  readonly training?: (ms: number) => number;
  /** Hz at ms, as the meter shows it; 50 and never quite still unless said. */
  readonly frequency?: (ms: number) => number;
  readonly seed?: number;
  /** Probability that a reading is lost. */
  readonly lossRate?: number;
  /** Longest delay of a reading, ms. */
  readonly latenessMs?: number;
  readonly soc?: number;
  readonly batteriesW?: number;
  readonly meterFrozenAfterMs?: number;
  readonly trainFrozenAfterMs?: number;
}

/** What a cycle said, and what is in force after it. */
export type SeenCycle = CycleResult & { readonly status: ControlStatus };

interface Poll {
  readonly everyMs: number;
  readonly phaseMs: number;
  readonly read: () => Reading;
  readonly detector: FrozenDetector | undefined;
  readonly isCut: () => boolean;
  /** Readings do not overtake each other on one connection. */
  arrivesAt: number;
}

/** The demo site's electrical side, small enough to run an hour in a second. */
export class PlantSite {
  readonly plan: ControlPlan;
  readonly units: PlantUnit[];
  readonly events: PlantEvent[] = [];
  readonly steps: CommandStep[] = [];
  nowMs = 1_000;
  upsW = 4.436 * MW;
  mechanicalW = 1.111 * MW;
  training: (ms: number) => number;
  isMeterFrozen = false;
  isTrainFrozen = false;
  isMeterCut = false;
  /** The breaker at the grid connection: what it says, and whether the grid's voltage is there. */
  isBreakerOpen = false;
  voltagePu = 1;
  areFeedersCut = false;
  image: PointImage;
  control: ControlState;
  /** Qualities as they go north, by point. */
  readonly north: Uint8Array;
  /** Source times as they go north. */
  readonly northTimes: Float64Array;
  isControlDead = false;
  isStopping = false;
  last: SeenCycle | undefined;
  readonly onCycle: ((result: SeenCycle, site: PlantSite) => void)[] = [];
  readonly #options: SiteOptions;
  readonly #random: () => number;
  readonly #overrides: QualityOverrides;
  readonly #polls: Poll[];
  #arriving: { at: number; reading: Reading }[] = [];
  #writing: { at: number; write: ControlWrite }[] = [];
  #outcomes: CyclicReport[] = [];
  #commands: Command[] = [];
  #orders: LocalOrder[] = [];
  readonly #held = { meterW: 0, trainW: 0 };

  constructor(options: SiteOptions) {
    this.#options = options;
    this.plan = options.plan;
    this.training = options.training ?? (() => 20 * MW);
    this.#random = seeded(options.seed ?? 1);
    this.units = this.plan.units.map(() => ({
      powerW: (options.batteriesW ?? 0) / this.plan.units.length,
      setpointW: (options.batteriesW ?? 0) / this.plan.units.length,
      soc: options.soc ?? 62.5,
      heartbeat: 0,
      state: STATE_RUNNING,
      alarmBits: 0,
      queue: [],
      writtenAt: this.nowMs,
      isCut: false,
      ignores: false,
      isDisabled: false,
      refuses: false,
      formsIsland: false,
    }));
    const count = pointCountOf(this.units.length);
    this.image = new PointImage(count);
    this.north = new Uint8Array(count);
    this.northTimes = new Float64Array(count);
    this.#overrides = new QualityOverrides([...this.north.keys()]);
    this.control = createControl(this.plan, { now: monotonicMs(this.nowMs), latches: undefined });
    this.#polls = this.#makePolls();
  }

  get trainingW(): number {
    return this.training(this.nowMs);
  }

  get frequencyHz(): number {
    const stillHz = 50 + ((this.nowMs / TICK_MS) % 2 === 0 ? 1e-4 : -1e-4);
    return this.#options.frequency?.(this.nowMs) ?? stillHz;
  }

  get batteryW(): number {
    return this.units.reduce((sum, unit) => sum + unit.powerW, 0);
  }

  get loadW(): number {
    const sumW = this.trainingW + this.upsW + this.mechanicalW;
    return sumW + 22_000 + 270_000 * (sumW / (30.87 * MW)) ** 2;
  }

  /** Nothing comes from a dead grid; what the batteries give then stays in the site. */
  get gridW(): number {
    return this.isGridDead ? 0 : this.loadW - this.batteryW;
  }

  get isGridDead(): boolean {
    return this.isBreakerOpen || this.voltagePu < 0.5;
  }

  command(command: Partial<Command> & Pick<Command, "action">): void {
    this.#commands.push({
      id: `c-${this.nowMs}`,
      holder: "cloud",
      asset: "battery",
      priority: 7,
      sequence: this.nowMs,
      leaseMs: 60_000,
      notAfter: monotonicMs(this.nowMs + 10_000),
      receivedUtc: utcMs(START_UTC + this.nowMs),
      ...command,
    });
  }

  order(order: LocalOrder): void {
    this.#orders.push(order);
  }

  eventsOf(id: string): readonly PlantEvent[] {
    return this.events.filter((event) => event.id === id);
  }

  stagesOf(commandId: string): readonly string[] {
    return this.steps.filter((step) => step.commandId === commandId).map((step) => step.stage);
  }

  /** kill −9 and start again: only the saved latches survive. */
  restartControl(): void {
    const utc = utcMs(START_UTC + this.nowMs);
    const saved = JSON.parse(JSON.stringify(latchState(this.control, utc))) as ReturnType<
      typeof latchState
    >;
    this.image = new PointImage(pointCountOf(this.units.length));
    this.control = createControl(this.plan, {
      now: monotonicMs(this.nowMs),
      utc,
      latches: saved,
    });
    this.#writing = [];
    this.#outcomes = [];
    this.#arriving = [];
    this.isControlDead = false;
  }

  run(ms: number): void {
    const endMs = this.nowMs + ms;
    while (this.nowMs < endMs) this.#tick();
  }

  #tick(): void {
    this.nowMs += TICK_MS;
    const islandW = this.isGridDead ? this.loadW / this.units.length : undefined;
    for (const unit of this.units) {
      if (islandW !== undefined && unit.formsIsland) unit.powerW = islandW;
      else if (islandW !== undefined) unit.powerW = 0;
      stepUnit(unit, this.nowMs, islandW !== undefined);
    }
    if (!this.isMeterFrozen) this.#held.meterW = this.gridW;
    if (!this.isTrainFrozen) this.#held.trainW = this.trainingW;
    for (const poll of this.#polls) this.#poll(poll);
    this.#deliver();
    if (this.nowMs % this.plan.periodMs === 0 && !this.isControlDead) this.#cycle();
  }

  #poll(poll: Poll): void {
    if ((this.nowMs - poll.phaseMs) % poll.everyMs !== 0 || poll.isCut()) return;
    if (this.#random() < (this.#options.lossRate ?? 0)) return;
    const reading = poll.read();
    const events: PlantEvent[] = [];
    const passed = poll.detector?.apply(reading, events) ?? reading;
    this.events.push(...events);
    const lateMs = Math.floor(this.#random() * (this.#options.latenessMs ?? 0));
    poll.arrivesAt = Math.max(poll.arrivesAt, this.nowMs + lateMs);
    this.#arriving.push({ at: poll.arrivesAt, reading: copyOf(passed, poll.arrivesAt) });
  }

  #deliver(): void {
    for (const { reading } of this.#arriving.filter(({ at }) => at <= this.nowMs)) {
      this.image.post(reading);
      const passed = this.#overrides.apply(copyOf(reading, reading.receivedAt));
      passed.points.forEach((point, at) => {
        this.north[point] = passed.quality[at] ?? GOOD;
        this.northTimes[point] = passed.sourceTimes?.[at] ?? passed.receivedUtc;
      });
    }
    this.#arriving = this.#arriving.filter(({ at }) => at > this.nowMs);
    const due = this.#writing.filter(({ at }) => at <= this.nowMs);
    this.#writing = this.#writing.filter(({ at }) => at > this.nowMs);
    for (const { write } of due) this.#outcomes.push(this.#execute(write));
  }

  #execute(write: ControlWrite): CyclicReport {
    const place = this.plan.units.findIndex((unit) => unit.asset === write.asset);
    const unit = this.units[place]!;
    const points = unitPoints(place);
    const { point, value, sentAt } = write;
    const report = { point, value, sentAt, readBack: undefined };
    if (unit.isCut) return { ...report, result: "unknown", reason: "LINK_TIMEOUT" };
    if (unit.refuses) return { ...report, result: "refused", reason: "DEVICE_EXCEPTION" };
    if (!unit.ignores) {
      unit.writtenAt = this.nowMs;
      if (write.point === points.setpoint) {
        unit.setpointW = write.value;
        unit.queue.push({ at: this.nowMs + 10, valueW: write.value });
      } else if (write.point === points.run) {
        if (unit.state !== STATE_FAULT) unit.state = write.value === 0 ? STATE_OFF : STATE_RUNNING;
      }
    }
    return { ...report, result: "accepted", reason: undefined };
  }

  #cycle(): void {
    this.image.take();
    const turned = cycle(this.control, {
      now: monotonicMs(this.nowMs),
      utc: utcMs(START_UTC + this.nowMs),
      view: this.image.view,
      commands: this.#commands,
      orders: this.#orders,
      outcomes: this.#outcomes,
      isStopping: this.isStopping,
    });
    const result = { ...turned, status: statusOf(this.control) };
    this.#commands = [];
    this.#orders = [];
    this.#outcomes = [];
    this.#override(result);
    for (const write of result.writes) this.#writing.push({ at: this.nowMs + TICK_MS, write });
    this.events.push(...result.events);
    this.steps.push(...result.steps);
    this.last = result;
    for (const look of this.onCycle) look(result, this);
  }

  #override(result: CycleResult): void {
    for (let index = 0; index < this.north.length; index += 1) this.#overrides.set(index, GOOD);
    for (const { point, quality } of result.distrusted) this.#overrides.set(point, quality);
  }

  #makePolls(): Poll[] {
    const phase = (everyMs: number): number =>
      Math.floor((this.#random() * everyMs) / TICK_MS) * TICK_MS;
    const poll = (
      everyMs: number,
      rest: Omit<Poll, "everyMs" | "phaseMs" | "arrivesAt">,
    ): Poll => ({
      everyMs,
      phaseMs: this.#options.seed === undefined ? everyMs - TICK_MS : phase(everyMs),
      arrivesAt: 0,
      ...rest,
    });
    const detector = (device: string, point: PointIndex, afterMs: number | undefined) =>
      afterMs === undefined
        ? undefined
        : new FrozenDetector({
            device,
            watches: [
              {
                point,
                pointName: "active-power",
                afterMs,
                resolution: 0,
              },
            ],
            heartbeat: undefined,
          });
    const { meterFrozenAfterMs, trainFrozenAfterMs } = this.#options;
    return [
      poll(50, {
        read: () =>
          this.#reading(
            [METER, FREQUENCY, VOLTAGE],
            [this.#held.meterW, this.frequencyHz, this.voltagePu * NOMINAL_V],
          ),
        detector: detector("pcc-meter", METER, meterFrozenAfterMs),
        isCut: () => this.isMeterCut,
      }),
      poll(100, {
        read: () => this.#reading([TRAIN], [this.#held.trainW]),
        detector: detector("m-train", TRAIN, trainFrozenAfterMs),
        isCut: () => this.areFeedersCut,
      }),
      poll(1_000, {
        read: () => this.#reading([UPS, MECHANICAL], [this.upsW, this.mechanicalW]),
        detector: undefined,
        isCut: () => this.areFeedersCut,
      }),
      ...this.units.map((unit, place) =>
        poll(50, {
          read: () => this.#unitReading(unit, place),
          detector: undefined,
          isCut: () => unit.isCut,
        }),
      ),
      ...(this.plan.rideThrough === undefined
        ? []
        : [
            poll(100, {
              read: () => this.#reading([BREAKER_OPEN], [this.isBreakerOpen ? 1 : 0]),
              detector: undefined,
              isCut: () => false,
            }),
          ]),
    ];
  }

  #unitReading(unit: PlantUnit, place: number): Reading {
    const points = unitPoints(place);
    return this.#reading(
      [
        points.power,
        points.setpoint,
        points.soc,
        points.chargeLimit,
        points.dischargeLimit,
        points.state,
        points.alarms,
        points.heartbeat,
        points.run,
      ],
      [
        Math.round(unit.powerW / 1_000) * 1_000,
        unit.setpointW,
        Math.round(unit.soc * 10) / 10,
        12 * MW,
        12 * MW,
        unit.state,
        unit.alarmBits,
        Math.floor(unit.heartbeat),
        unit.state === STATE_OFF ? 0 : 1,
      ],
    );
  }

  #reading(points: readonly number[], values: readonly number[]): Reading {
    return {
      points: Uint32Array.from(points),
      values: Float64Array.from(values),
      quality: new Uint8Array(points.length).fill(GOOD),
      sourceTimes: undefined,
      texts: undefined,
      receivedAt: monotonicMs(this.nowMs),
      receivedUtc: utcMs(START_UTC + this.nowMs),
    };
  }
}

/** What a supervisor emits when a device is gone: every point bad, the last good time unchanged. */
export function lostReading(points: readonly number[], at: number): Reading {
  return {
    points: Uint32Array.from(points),
    values: new Float64Array(points.length).fill(Number.NaN),
    quality: new Uint8Array(points.length).fill(NO_COMMUNICATION),
    sourceTimes: undefined,
    texts: undefined,
    receivedAt: monotonicMs(at),
    receivedUtc: utcMs(START_UTC + at),
  };
}

export function pressEmergencyStop(unit: PlantUnit, isPressed: boolean): void {
  unit.alarmBits = isPressed ? 2 ** ESTOP_BIT : 0;
}

function copyOf(reading: Reading, receivedAt: number): Reading {
  return {
    ...reading,
    quality: reading.quality.slice(),
    sourceTimes: reading.sourceTimes?.slice(),
    receivedAt: monotonicMs(receivedAt),
  };
}

function stepUnit(unit: PlantUnit, nowMs: number, isIslanded: boolean): void {
  unit.heartbeat += TICK_MS / 1_000;
  const hours = TICK_MS / 3_600_000;
  unit.soc -= (unit.powerW * hours * 100) / (6 * MW);
  while (unit.queue.length > 1 && (unit.queue[1]?.at ?? Infinity) <= nowMs) unit.queue.shift();
  if (unit.state !== STATE_RUNNING) {
    unit.powerW = 0;
    unit.queue.length = 0;
    return;
  }
  // Without a grid to follow it does not follow setpoints either.
  if (isIslanded) {
    unit.queue.splice(0, unit.queue.length - 1);
    return;
  }
  if (nowMs - unit.writtenAt > 3_000) {
    const step = 25_000 * (TICK_MS / 1_000);
    unit.powerW -= Math.min(Math.max(unit.powerW, -step), step);
    unit.queue.length = 0;
    unit.setpointW = 0;
    return;
  }
  const acting = unit.queue[0];
  const wantedW = acting !== undefined && acting.at <= nowMs ? acting.valueW : undefined;
  if (wantedW === undefined) return;
  const targetW = unit.isDisabled ? 0 : Math.min(Math.max(wantedW, -12 * MW), 12 * MW);
  const moveW = (targetW - unit.powerW) * (1 - Math.exp(-TICK_MS / 20));
  const slewW = 120 * MW * (TICK_MS / 1_000);
  unit.powerW += Math.min(Math.max(moveW, -slewW), slewW);
}
