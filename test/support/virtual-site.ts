import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { ControlHost } from "../../src/app/control-host.ts";
import { controlPlan } from "../../src/app/control-settings.ts";
import { fieldStreamsForControl } from "../../src/app/control-streams.ts";
import { CycleGrid } from "../../src/app/cycle-grid.ts";
import { CycleRunner } from "../../src/app/cycle-runner.ts";
import type { DailyDesk } from "../../src/app/daily.ts";
import { demoSiteText } from "../../src/app/demo/site.ts";
import { coolantModes } from "../../src/app/coolant-modes.ts";
import { simulatedSite } from "../../src/app/plant.ts";
import { RoundTap } from "../../src/app/round-tap.ts";
import { contextOf, type SiteContext } from "../../src/app/site-context.ts";
import type { ShadowAnswer, ShadowOrder } from "../../src/app/shadow-host.ts";
import { shadowPlan } from "../../src/app/shadow-settings.ts";
import { answerOf, type Desk } from "../../src/app/smoothing-desk.ts";
import { South } from "../../src/app/south.ts";
import type { FlightRecorder } from "../../src/app/flight-recorder.ts";
import { orderBoth, ThermalHost, type ThermalHostParts } from "../../src/app/thermal-host.ts";
import { thermalPlan } from "../../src/app/thermal-settings.ts";
import type { WhyAnswer } from "../../src/app/why.ts";
import { WriteDispatch } from "../../src/app/write-dispatch.ts";
import { requireSite } from "../../src/config/load.ts";
import type { ControlStatus, LocalOrder, OrderAnswer } from "../../src/control/exchange.ts";
import { doubtfulPoints } from "../../src/control/grid-trust.ts";
import type { ControlPlan } from "../../src/control/plan.ts";
import { assert } from "../../src/domain/assert.ts";
import type { Command, CommandStep } from "../../src/domain/command.ts";
import type { PlantEvent } from "../../src/domain/event.ts";
import type { Producer, StreamId } from "../../src/domain/point.ts";
import { isGood, qualityName } from "../../src/domain/quality.ts";
import type { Round } from "../../src/domain/round.ts";
import { monotonicMs } from "../../src/domain/time.ts";
import { type LinkEndpoint, type LinkPoolOptions } from "../../src/drivers/modbus/link-pool.ts";
import type { ModbusLink } from "../../src/drivers/modbus/link.ts";
import type { CycleAlignment } from "../../src/drivers/modbus/poll-schedule.ts";
import { TcpLink } from "../../src/drivers/modbus/tcp-link.ts";
import type { LatchRecord } from "../../src/platform/latch-files.ts";
import { createLogger } from "../../src/platform/log.ts";
import { PointImage } from "../../src/points/image.ts";
import { QualityOverrides } from "../../src/points/quality-overrides.ts";
import type { LoadMode } from "../../src/simulator/physics/plant-model.ts";
import type { PlantRatings } from "../../src/simulator/plant-ratings.ts";
import { seeded } from "./plant-random.ts";
import { VirtualClock } from "./virtual-clock.ts";
import { VirtualDisk } from "./virtual-disk.ts";
import { VirtualLink } from "./virtual-link.ts";
import { type NorthAnswer, VirtualNorth } from "./virtual-north.ts";
import { VirtualWire, type WireOptions } from "./virtual-wire.ts";

export interface VirtualSiteOptions {
  /** What the test wants different in the site file of the demonstration. */
  readonly change?: (text: string) => string;
  readonly preset?: "d30" | "d95" | "d225" | "d300";
  /** `peak-cap` unless said. */
  readonly control?: "smoothing" | "peak-cap";
  readonly load?: LoadMode;
  /** Of the plant, the round trips and every back-off. */
  readonly seed?: number;
  /** Who computes beside the cycle; unless said somebody who takes a tenth of a second. */
  readonly desk?: Desk;
  /** Records the cycles of control; asked anew at each of its starts. */
  readonly recorder?: (site: VirtualSite) => FlightRecorder;
  /** Told of each cycle, with the state that it left. */
  readonly daily?: (site: VirtualSite) => Pick<DailyDesk, "observe">;
  /** Of another site that was opened with the same file: saves compiling it again. */
  readonly context?: SiteContext;
  /** Where the plant differs from the demo site. */
  readonly ratings?: PlantRatings;
  /** What the test switches off in what control knows of its site. */
  readonly plan?: (plan: ControlPlan) => ControlPlan;
  /** Devices on Modbus TCP are reached by the gateway's own link over this network. */
  readonly wire?: Pick<WireOptions, "troubleOf" | "onRequest" | "onAnswer">;
  /** True: latches are on a disk that takes its time; see `disk`. */
  readonly hasDisk?: boolean;
}

/** What the north was told of one point. */
export interface Told {
  readonly value: number;
  readonly quality: string;
  /** UTC ms of the last good value; NaN: none. */
  readonly lastGoodAt: number;
}

/** An event with its time on the test's clock. */
export type SeenEvent = PlantEvent & { readonly atMs: number };

interface RunningRole {
  readonly south: South;
  readonly stop: AbortController;
  readonly finished: Promise<unknown>;
}

const SETTLE_S = 5;
const DESK_MS = 100;
const ROUND_TRIP_MS = 0.4;
const ROUND_TRIP_JITTER_MS = 0.6;
/** Of a record that is synced. */
const DISK_MS = 4;
const DISK_JITTER_MS = 12;
/** Turns of the event loop that reading a small file may take at the start. */
const START_TURNS_MAX = 1_000_000;

/**
 * The demonstration's plant with both southbound processes of the gateway, in one process and in
 * the time of a test: the plant's physics, the registers of its devices, the gateway's own drivers,
 * alarms, image, cycle and writes. What is missing are sockets, services and the broker.
 */
export class VirtualSite {
  readonly clock = new VirtualClock();
  readonly context: SiteContext;
  readonly plant: ReturnType<typeof simulatedSite>;
  readonly events: SeenEvent[] = [];
  readonly steps: CommandStep[] = [];
  /** Latches as they are on the disk. */
  latches: LatchRecord = { state: "absent" };
  thermalLatches: LatchRecord = { state: "absent" };
  /** Called after every cycle of control. */
  readonly onCycle: (() => void)[] = [];
  readonly #folder: string;
  readonly #options: VirtualSiteOptions;
  readonly #desk: Desk;
  readonly #recorder: VirtualSiteOptions["recorder"];
  readonly #daily: VirtualSiteOptions["daily"];
  readonly #disk: VirtualDisk | undefined;
  readonly #random: () => number;
  readonly #told: {
    readonly values: Float64Array;
    readonly quality: Uint8Array;
    readonly lastGoodAt: Float64Array;
  };
  readonly #stop = new AbortController();
  readonly #tasks: Promise<unknown>[] = [];
  #host: ControlHost | undefined;
  #thermal: ThermalHost | undefined;
  #north: VirtualNorth | undefined;
  #image: PointImage;
  #control: RunningRole | undefined;
  #field: RunningRole | undefined;

  static async open(options: VirtualSiteOptions = {}): Promise<VirtualSite> {
    const site = new VirtualSite(options);
    const { finished } = await site.plant.start(site.#stop.signal);
    site.#tasks.push(finished);
    await site.startField();
    await site.startControl();
    return site;
  }

  private constructor(options: VirtualSiteOptions) {
    const { change, preset = "d95", control = "peak-cap", load = "full", seed = 1 } = options;
    this.#folder = mkdtempSync(path.join(tmpdir(), "dcpi-virtual-"));
    const file = path.join(this.#folder, "site.yaml");
    const text = demoSiteText({
      basePort: 15_020,
      mqttPort: 18_830,
      directory: "data",
      runtimeDirectory: "run",
      preset,
      control,
    });
    this.#options = options;
    this.context = options.context ?? contextOf(requireSite(change?.(text) ?? text, file), file);
    this.#random = seeded(seed);
    this.#recorder = options.recorder;
    this.#daily = options.daily;
    this.#disk =
      options.hasDisk === true
        ? new VirtualDisk(this.clock, () => DISK_MS + DISK_JITTER_MS * this.#random())
        : undefined;
    this.#desk = options.desk ?? this.#slowDesk;
    const { clock, context } = this;
    const { ratings = {} } = options;
    this.plant = simulatedSite({ context, clock, preset, seed, hasPorts: false, ratings });
    this.plant.load(load);
    this.plant.settle(SETTLE_S);
    const count = context.table.points.length;
    this.#image = new PointImage(count, context.maxAgesMs);
    this.#told = {
      values: new Float64Array(count).fill(Number.NaN),
      quality: new Uint8Array(count),
      lastGoodAt: new Float64Array(count).fill(Number.NaN),
    };
  }

  /** Lets `seconds` pass. */
  async run(seconds: number): Promise<void> {
    await this.clock.advance(seconds * 1_000);
  }

  get nowS(): number {
    return this.clock.now() / 1_000;
  }

  get status(): ControlStatus {
    const { control } = (this.#host?.status() ?? {}) as { readonly control?: ControlStatus };
    assert(control !== undefined, "control runs");
    return control;
  }

  /** Where latches are saved; of a site that was opened with one. */
  get disk(): VirtualDisk {
    assert(this.#disk !== undefined, "the site has a disk");
    return this.#disk;
  }

  get isControlAlive(): boolean {
    return this.#host !== undefined;
  }

  /** What the north knows of `device/point`. */
  told(device: string, name: string): Told {
    const point = this.context.table.points.find(
      (each) => each.device === device && each.name === name,
    );
    assert(point !== undefined, `${device} has a point ${name}`);
    return {
      value: this.#told.values[point.index] ?? Number.NaN,
      quality: qualityName(this.#told.quality[point.index] ?? 0),
      lastGoodAt: this.#told.lastGoodAt[point.index] ?? Number.NaN,
    };
  }

  eventsOf(id: string, device?: string): readonly SeenEvent[] {
    return this.events.filter(
      (event) => event.id === id && (device === undefined || event.device === device),
    );
  }

  stagesOf(commandId: string): readonly string[] {
    return this.steps.filter((step) => step.commandId === commandId).map(({ stage }) => stage);
  }

  command(command: Partial<Command> & Pick<Command, "action">): void {
    assert(this.#host !== undefined, "control runs");
    this.#host.take({
      id: `c-${this.clock.now()}`,
      holder: "cloud",
      asset: "battery",
      priority: 7,
      sequence: this.clock.now(),
      leaseMs: 60_000,
      notAfter: monotonicMs(this.clock.now() + 10_000),
      receivedUtc: this.clock.utcNow(),
      ...command,
    });
  }

  async order(order: LocalOrder): Promise<OrderAnswer> {
    assert(this.#host !== undefined, "control runs");
    return orderBoth({ host: this.#host, thermal: this.#thermal }, order);
  }

  /** Why an asset is asked for what it is, by the process that runs. */
  why(asked: string, atUtc?: number): readonly WhyAnswer[] {
    assert(this.#host !== undefined, "control runs");
    return this.#host.why(asked, atUtc);
  }

  shadow(order: ShadowOrder): ShadowAnswer {
    assert(this.#host !== undefined, "control runs");
    return this.#host.shadow(order);
  }

  /** A message from the broker: `topic` is its end behind the gateway's own prefix. */
  async publish(topic: string, body: object): Promise<void> {
    this.#north ??= new VirtualNorth(
      {
        context: this.context,
        clock: this.clock,
        host: () => {
          assert(this.#host !== undefined, "control runs");
          return this.#host;
        },
      },
      this.#stop.signal,
    );
    await this.#north.publish(topic, body);
  }

  /** What was answered to messages. */
  get answers(): readonly NorthAnswer[] {
    return this.#north?.answers ?? [];
  }

  /** kill −9: nothing is said, nothing is let go. */
  async killControl(): Promise<void> {
    const control = this.#control;
    this.#control = undefined;
    this.#host = undefined;
    this.#disk?.kill();
    control?.stop.abort();
    await control?.finished;
  }

  async startControl(): Promise<void> {
    const { context, clock } = this;
    const compiled = controlPlan(context);
    assert(compiled !== undefined, "the demonstration has a control section");
    const plan = this.#options.plan?.(compiled) ?? compiled;
    const shadow = shadowPlan(context);
    const stop = new AbortController();
    const image = new PointImage(context.table.points.length, context.maxAgesMs);
    this.#image = image;
    const overrides = new QualityOverrides(doubtfulPoints(plan.grid));
    const originMs = monotonicMs(Math.ceil(clock.now()) + plan.periodMs);
    const grid = new CycleGrid(originMs, plan.periodMs);
    const south = this.#south("control", grid);
    const onEvent = this.#onEvent;
    const tap = new RoundTap(context, south.devices, {
      onRound: (round) => {
        image.post(round);
        const told = overrides.apply(round);
        this.#tell(told === round ? round : { ...round, ...told });
      },
      onEvent,
    });
    const dispatch = this.#dispatch(south, stop.signal);
    const log = createLogger("virtual", "silent");
    const thermal = this.#thermalHost({ image, dispatch, log, signal: stop.signal });
    this.#thermal = thermal;
    const host = new ControlHost({
      plan,
      clock,
      image,
      overrides,
      dispatch,
      latches: {
        save: async (content) => {
          if (this.#disk !== undefined) return this.#disk.save(content);
          this.latches = { state: "valid", content, other: "absent" };
          return Promise.resolve();
        },
      },
      latchRecord: this.#disk?.load() ?? this.latches,
      table: context.table,
      onEvent,
      onStep: (step) => {
        this.steps.push(step);
        this.#north?.tell(step);
      },
      log,
      desk: this.#desk,
      recorder: this.#recorder?.(this),
      daily: this.#daily?.(this),
      ...(shadow === undefined ? {} : { shadowPlan: shadow }),
      ...(thermal === undefined ? {} : { refusalOf: thermal.refusalOf }),
      signal: stop.signal,
    });
    this.#host = host;
    const runner = new CycleRunner({
      clock,
      timer: {
        waitUntil: async (deadline, signal) =>
          clock.sleep(Math.max(0, deadline - clock.now()), signal),
      },
      grid,
      act: (now) => {
        host.cycle(now);
        thermal?.afterCycle(now);
        host.afterCycle();
        for (const look of this.onCycle) look();
      },
    });
    const running = Promise.all([
      south.run({ emit: tap.emit, onEvent }, stop.signal),
      runner.run(stop.signal),
    ]);
    this.#control = { south, stop, finished: running };
    await started(south);
  }

  /** What the thermal controllers say of themselves. */
  get thermal(): ThermalHost {
    assert(this.#thermal !== undefined, "the site has a section thermal");
    return this.#thermal;
  }

  #thermalHost(
    parts: Pick<ThermalHostParts, "image" | "dispatch" | "log" | "signal">,
  ): ThermalHost | undefined {
    const plan = thermalPlan(this.context);
    if (plan === undefined) return undefined;
    return new ThermalHost({
      ...parts,
      plan,
      clock: this.clock,
      modeOf: coolantModes(this.context, (asset) => this.#host?.isLeftAlone(asset) === true),
      envelope: () => {
        assert(this.#host !== undefined, "control runs");
        return this.#host.envelope;
      },
      onEvent: this.#onEvent,
      latchRecord: this.thermalLatches,
      latches: {
        save: async (content) => {
          this.thermalLatches = { state: "valid", content, other: "absent" };
          return Promise.resolve();
        },
      },
    });
  }

  async startField(): Promise<void> {
    const { context } = this;
    const forControl: ReadonlySet<StreamId> = fieldStreamsForControl(context);
    const stop = new AbortController();
    const south = this.#south("field");
    const tap = new RoundTap(context, south.devices, {
      onRound: (round) => {
        if (forControl.has(round.stream)) this.#image.post(round);
        this.#tell(round);
      },
      onEvent: this.#onEvent,
    });
    const finished = south.run({ emit: tap.emit, onEvent: this.#onEvent }, stop.signal);
    this.#field = { south, stop, finished };
    await started(south);
  }

  async close(): Promise<void> {
    await this.killControl();
    this.#field?.stop.abort();
    this.#stop.abort();
    await this.clock.advance(1_000);
    await Promise.all([this.#field?.finished, ...this.#tasks]);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** The thread beside the cycle: as if it took a tenth of a second. */
  readonly #slowDesk: Desk = {
    ask: (question, answer) => {
      const found = answerOf(question);
      void this.clock.sleep(DESK_MS, this.#stop.signal).then(
        () => {
          answer(found);
        },
        () => undefined,
      );
    },
  };

  readonly #onEvent = (event: PlantEvent): void => {
    this.events.push({ ...event, atMs: this.clock.now() });
  };

  #south(role: Producer, align?: CycleAlignment): South {
    const { context, clock } = this;
    return new South({
      context,
      role,
      clock,
      random: this.#random,
      makeLink: async (endpoint, options, pauseMs) =>
        Promise.resolve(this.#link(endpoint, options, pauseMs)),
      ...(align === undefined ? {} : { align }),
    });
  }

  #link(endpoint: LinkEndpoint, { clock, wheel }: LinkPoolOptions, pauseMs: number): ModbusLink {
    assert(endpoint.kind !== "serial", "the demonstration has no serial lines");
    const roundTripMs = (): number => ROUND_TRIP_MS + ROUND_TRIP_JITTER_MS * this.#random();
    const devices = this.context.devices
      .filter(({ connection }) => "port" in connection && connection.port === endpoint.port)
      .map(({ definition }) => this.plant.device(definition.id));
    const { wire } = this.#options;
    if (wire === undefined || endpoint.kind !== "tcp")
      return new VirtualLink({ clock, wheel, devices, roundTripMs });
    const { dial } = new VirtualWire({
      ...wire,
      clock,
      devices,
      roundTripMs,
      random: this.#random,
    });
    const { host, port } = endpoint;
    return new TcpLink({ host, port, clock, wheel, pauseAfterConnectMs: pauseMs, dial });
  }

  #dispatch(south: South, signal: AbortSignal): WriteDispatch {
    const { context, clock } = this;
    return new WriteDispatch({
      context,
      south: { driver: (stream) => south.writer(stream) ?? this.#field?.south.writer(stream) },
      clock,
      random: this.#random,
      signal,
    });
  }

  #tell(round: Round): void {
    const { values, quality, lastGoodAt } = this.#told;
    for (const [at, point] of round.points.entries()) {
      values[point] = round.values[at] ?? Number.NaN;
      const code = round.quality[at] ?? 0;
      quality[point] = code;
      const sourceAt = round.sourceTimes?.[at] ?? round.receivedUtc;
      if (isGood(code)) lastGoodAt[point] = sourceAt;
    }
  }
}

/** Reading its memory of gaps is the one thing at a start that the clock of a test cannot move. */
async function started(south: South): Promise<void> {
  for (let turn = 0; south.drivers().size < south.devices.length; turn += 1) {
    assert(turn < START_TURNS_MAX, "the drivers of a process are made at its start");
    await new Promise((resolve) => setImmediate(resolve));
  }
}
