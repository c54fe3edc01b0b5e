import { OWN_POINTS_MS } from "../config/point-table.ts";
import { READ_ONLY_CYCLE_MS } from "../config/schema.ts";
import { doubtfulPoints } from "../control/grid-trust.ts";
import type { ControlPlan, GridPlan } from "../control/plan.ts";
import type { Command } from "../domain/command.ts";
import type { PlantEvent } from "../domain/event.ts";
import type { StreamId } from "../domain/point.ts";
import type { ShedLevel } from "../domain/shed.ts";
import { type Answer, RequestServer } from "../link/request-server.ts";
import { RoundProducer } from "../link/round-producer.ts";
import { socketPath } from "../link/socket-paths.ts";
import { monotonicMs } from "../domain/time.ts";
import { PointImage } from "../points/image.ts";
import { QualityOverrides } from "../points/quality-overrides.ts";
import { PreciseTimer } from "../platform/precise-timer.ts";
import { runInRealTime } from "../platform/scheduling.ts";
import { StealMeter } from "../platform/steal-time.ts";
import type { AlarmDesk } from "./alarm-desk.ts";
import { followNeighbours, openAlarms } from "./control-alarms.ts";
import { ControlHost } from "./control-host.ts";
import { controlPlan } from "./control-settings.ts";
import { fieldStreamsForControl } from "./control-streams.ts";
import { CycleGrid } from "./cycle-grid.ts";
import { CycleRunner } from "./cycle-runner.ts";
import { coolantModes } from "./coolant-modes.ts";
import { endWhenLetGo } from "./let-go.ts";
import { linkStatus } from "./link-status.ts";
import { parseCommand, parseLocalOrder, parseNotice } from "./local-requests.ts";
import { every } from "./every.ts";
import { openRecords, type Records } from "./flight-recorder-open.ts";
import { watchedPublishers } from "./goose-plan.ts";
import { followField } from "./field-rounds.ts";
import { GooseReader } from "./goose-reader.ts";
import { GooseWatch } from "./goose-watch.ts";
import { readFigures, readTiming } from "./read-timing.ts";
import { OwnPoints } from "./own-points.ts";
import { CpuMeter, type Role, runTogether } from "./role.ts";
import { latchFilesOf } from "./saved-latches.ts";
import { parseShadowOrder } from "./shadow-requests.ts";
import { parseShedWord } from "./shed-level.ts";
import { shadowPlan } from "./shadow-settings.ts";
import { DeskThread } from "./smoothing-desk.ts";
import { type RoundSinks, RoundTap } from "./round-tap.ts";
import { orderBoth, ThermalHost, type ThermalHostParts } from "./thermal-host.ts";
import { thermalPlan } from "./thermal-settings.ts";
import { South, type SouthOptions } from "./south.ts";
import { WriteDispatch } from "./write-dispatch.ts";

/** A thread that fails again and again is told of this often at most, ms. */
const DESK_TOLD_MS = 60_000;

/**
 * gateway-control: the devices of the loop, the cycle, protection. Needs nobody else. When `asked`
 * aborts it lets the batteries go, for a while that the site limits, and ends then.
 */
export async function runControl(role: Role, asked: AbortSignal): Promise<void> {
  const plan = controlPlan(role.context);
  const outlet = controlOutlet(role, plan?.grid);
  const records = await openRecords(role, plan, outlet.onEvent);
  const end = new AbortController();
  try {
    const parts = { plan, outlet, records, asked, end };
    await runTogether(end.signal, async (stop) => begin(role, parts, stop));
  } finally {
    role.watchdog.stopping();
    await records.close();
    await outlet.producer.closed();
  }
}

async function begin(
  role: Role,
  parts: {
    readonly plan: ControlPlan | undefined;
    readonly outlet: ControlOutlet;
    readonly records: Records;
    readonly asked: AbortSignal;
    readonly end: AbortController;
  },
  signal: AbortSignal,
): Promise<readonly Promise<void>[]> {
  const { context, clock, log, random, epoch, watchdog } = role;
  const { plan, outlet, records, asked, end } = parts;
  const periodMs = plan?.periodMs ?? READ_ONLY_CYCLE_MS;
  const followsField = fieldStreamsForControl(context).size > 0;
  const originMs = monotonicMs(Math.ceil(clock.now()) + periodMs);
  const grid = new CycleGrid(originMs, periodMs);
  const south = new South({
    context,
    role: "control",
    clock,
    random,
    align: grid,
    ...(plan === undefined ? {} : { lock: lockTo(plan, grid) }),
  });
  outlet.storage.stored = (seqs) => {
    south.stored(seqs);
  };
  const tap = new RoundTap(context, south.devices, outlet);
  const desk = deskThread(role, outlet, signal);
  const goose = gooseOf(role, outlet);
  const hostParts = { plan, outlet, south, desk, goose, records, signal };
  const { host, thermal } = await controlHosts(role, hostParts);
  const alarms = await openAlarms(role, { tell: outlet.tell, trips: () => host.trips });
  outlet.alarms.take = alarms.take;
  const behind = [thermal, alarms, host];
  const runner = new CycleRunner({
    clock,
    timer: new PreciseTimer(clock),
    grid,
    stolenMs: stolenUntil(signal),
    act: (now) => {
      host.cycle(now);
      watchdog.feed();
      // Behind the cycle: what it takes is taken from the wait for the next one.
      for (const each of behind) each?.afterCycle(now);
    },
  });
  await outlet.producer.listen(signal);
  await listenForRequests(role, { host, thermal, south, runner, records, alarms }, signal);
  const scheduling = runInRealTime(process.pid);
  log.info({ event: "started", devices: south.devices.length, epoch, scheduling }, "control runs");
  watchdog.ready();
  return [
    south.run({ emit: tap.emit, onEvent: outlet.onEvent }, signal),
    ...(followsField ? [followField(role, outlet.image, signal)] : []),
    ...(goose === undefined ? [] : [goose.reader.run(signal)]),
    runner.run(signal),
    followNeighbours(role, alarms, signal),
    records.keep(signal),
    endWhenLetGo(
      host,
      { clock, limitMs: context.site.control?.stopRampMs ?? 0, asked, end },
      signal,
    ),
    reportOwnPoints(
      { role, host, desk, runner, south, goose, alarms, producer: outlet.producer },
      signal,
    ),
  ];
}

/** What the host kept from this machine, read until `signal` has aborted. */
function stolenUntil(signal: AbortSignal): () => number {
  const meter = new StealMeter();
  const close = (): void => {
    meter.close();
  };
  signal.addEventListener("abort", close, { once: true });
  return () => meter.takenMs();
}

/** Cycles follow the meter of the grid: what is older at their beginning is answered later. */
function lockTo(plan: ControlPlan, grid: CycleGrid): NonNullable<SouthOptions["lock"]> {
  return {
    device: plan.grid.device,
    want: (shiftMs) => {
      grid.want(shiftMs);
    },
  };
}

/** Where the readings of this process go: its own image, and north. */
interface ControlOutlet extends RoundSinks {
  readonly image: PointImage;
  readonly producer: RoundProducer;
  readonly overrides: QualityOverrides;
  /** Who wants to know what of this process is on disk. */
  readonly storage: { stored: (seqs: ReadonlyMap<StreamId, number>) => void };
  /** Who keeps the list of what stands. */
  readonly alarms: { take: (event: PlantEvent) => void };
  /** North and into the log only. */
  readonly tell: (event: PlantEvent) => void;
}

function controlOutlet(role: Role, grid: GridPlan | undefined): ControlOutlet {
  const { context, clock, epoch, log } = role;
  const { table, runtimeDirectory, maxAgesMs } = context;
  const image = new PointImage(table.points.length, maxAgesMs);
  const overrides = new QualityOverrides(grid === undefined ? [] : doubtfulPoints(grid));
  const storage: ControlOutlet["storage"] = { stored: () => undefined };
  const producer = new RoundProducer({
    socketPath: socketPath(runtimeDirectory, "control/rounds"),
    role: "control",
    epoch,
    tableHash: table.hash,
    tableSize: table.points.length,
    clock,
    onStored: (seqs) => {
      storage.stored(seqs);
    },
  });
  const alarms: ControlOutlet["alarms"] = { take: () => undefined };
  const tell = (event: PlantEvent): void => {
    log.info({ event: event.id, device: event.device, phase: event.phase }, event.text);
    producer.postEvent(event);
  };
  return {
    storage,
    image,
    overrides,
    producer,
    alarms,
    tell,
    onRound: (round) => {
      // A cycle never acts on what was.
      if (round.isHistory !== true) image.post(round);
      // What control does not believe is told north as such; control itself keeps comparing.
      const told = round.isHistory === true ? round : overrides.apply(round);
      const { stream, seq } = round;
      producer.postRound(told === round ? round : { ...told, stream, seq });
    },
    onEvent: (event) => {
      tell(event);
      alarms.take(event);
    },
  };
}

async function controlHosts(
  role: Role,
  parts: {
    readonly plan: ControlPlan | undefined;
    readonly outlet: ControlOutlet;
    readonly south: South;
    readonly desk: DeskThread;
    readonly goose: GooseSide | undefined;
    readonly records: Records;
    readonly signal: AbortSignal;
  },
): Promise<{ readonly host: ControlHost; readonly thermal: ThermalHost | undefined }> {
  const { context, clock, random, log } = role;
  const { plan, outlet, south, desk, goose, records, signal } = parts;
  const latches = latchFilesOf(context);
  const writers = { driver: (stream: StreamId) => south.writer(stream) };
  const dispatch = new WriteDispatch({ context, south: writers, clock, random, signal });
  const shadow = shadowPlan(context);
  const thermal = await thermalHost(role, {
    outlet,
    dispatch,
    signal,
    envelope: () => host.envelope,
    modeOf: coolantModes(context, (asset) => host.isLeftAlone(asset)),
  });
  const host: ControlHost = new ControlHost({
    plan,
    clock,
    image: outlet.image,
    dispatch,
    overrides: outlet.overrides,
    latches,
    latchRecord: await latches.load(),
    table: context.table,
    signal,
    onEvent: outlet.onEvent,
    onStep: (step) => {
      outlet.producer.postStep(step);
    },
    log,
    desk,
    ...records.parts,
    ...(goose === undefined ? {} : { goose: goose.watch }),
    ...(shadow === undefined ? {} : { shadowPlan: shadow }),
    ...(thermal === undefined ? {} : { refusalOf: thermal.refusalOf }),
  });
  return { host, thermal };
}

/** The controllers of coolant and heat; undefined where the site file has none. */
async function thermalHost(
  role: Role,
  parts: Pick<ThermalHostParts, "dispatch" | "signal" | "envelope" | "modeOf"> & {
    readonly outlet: ControlOutlet;
  },
): Promise<ThermalHost | undefined> {
  const { context, clock, log } = role;
  const plan = thermalPlan(context);
  if (plan === undefined) return undefined;
  const { outlet, ...rest } = parts;
  const { image, onEvent } = outlet;
  const latches = latchFilesOf(context, "cooling");
  const latchRecord = await latches.load();
  return new ThermalHost({ ...rest, plan, image, onEvent, latches, latchRecord, clock, log });
}

/** What control knows of GOOSE, and the way by which it comes. */
interface GooseSide {
  readonly watch: GooseWatch;
  readonly reader: GooseReader;
}

function gooseOf(role: Role, outlet: ControlOutlet): GooseSide | undefined {
  const { context, clock, random, log } = role;
  const publishers = watchedPublishers(context);
  const firstWordMs = context.site.control?.goose?.firstWordMs;
  if (publishers === undefined || firstWordMs === undefined) return undefined;
  const watch = new GooseWatch({
    publishers,
    firstWordMs,
    clock,
    onEvent: outlet.onEvent,
    onDemand: (publisher, rules) => {
      log.warn({ event: "goose-demand", publisher, rules }, "the safe state is demanded");
    },
  });
  const reader = new GooseReader({
    socketPath: socketPath(context.runtimeDirectory, "goose/states"),
    clock,
    random,
    log,
    take: (line) => watch.take(line),
  });
  return { watch, reader };
}

/** Computes for smoothing beside the cycle, from the first time that it is asked. */
function deskThread(role: Role, outlet: ControlOutlet, signal: AbortSignal): DeskThread {
  const { log, clock } = role;
  let toldAt = -Infinity;
  const desk = new DeskThread({
    onFailure: (error) => {
      const text = "a computation for smoothing failed or hung; it is begun anew";
      log.error({ event: "desk-restarted", restarts: desk.restarts, error: error.message }, text);
      if (clock.now() - toldAt < DESK_TOLD_MS) return;
      toldAt = clock.now();
      outlet.onEvent({
        id: "desk-restarted",
        severity: "warning",
        phase: "once",
        device: undefined,
        point: undefined,
        text,
        at: clock.utcNow(),
      });
    },
  });
  signal.addEventListener("abort", () => void desk.close(), { once: true });
  return desk;
}

async function listenForRequests(
  role: Role,
  parts: {
    readonly host: ControlHost;
    readonly thermal: ThermalHost | undefined;
    readonly south: South;
    readonly runner: CycleRunner;
    readonly records: Records;
    readonly alarms: AlarmDesk;
  },
  signal: AbortSignal,
): Promise<void> {
  const { host, thermal, south, runner, records, alarms } = parts;
  const { runtimeDirectory } = role.context;
  const commands = new RequestServer({
    socketPath: socketPath(runtimeDirectory, "control/commands"),
    methods: new Map<string, Answer>([
      ["announce", async ({ params }) => host.announce(parseNotice(params))],
      ["sheds", async ({ params }) => Promise.resolve(shedsOf(thermal, params))],
      [
        "command",
        async ({ params }): Promise<unknown> => {
          const command: Command = parseCommand(params);
          host.take(command);
          return Promise.resolve({ taken: true, epoch: role.epoch });
        },
      ],
    ]),
  });
  const local = new RequestServer({
    socketPath: socketPath(runtimeDirectory, "control/local"),
    methods: new Map<string, Answer>([
      ["status", async () => Promise.resolve(host.status())],
      ["links", async () => Promise.resolve(linkStatus(role.context, south))],
      ["timing", async () => Promise.resolve({ ...runner.timing(), reads: readTiming(south) })],
      ["announce", async ({ params }) => host.announce(parseNotice(params))],
      ["reset", async ({ params }) => orderBoth({ host, thermal }, parseLocalOrder(params))],
      ["order", async ({ params }) => host.order(parseLocalOrder(params))],
      ...records.answers(host, thermal),
      ["shadow", async ({ params }) => Promise.resolve(host.shadow(parseShadowOrder(params)))],
      ["thermal", async () => Promise.resolve(thermal?.status() ?? null)],
      ...alarms.answers,
    ]),
  });
  await commands.listen(signal);
  await local.listen(signal);
}

/** Where nothing is cooled nothing has to go. */
function shedsOf(thermal: ThermalHost | undefined, params: unknown): ShedLevel {
  const word = parseShedWord(params);
  return thermal?.sheds(word) ?? { upMs: Number.MAX_SAFE_INTEGER, sheds: [] };
}

async function reportOwnPoints(
  parts: {
    readonly role: Role;
    readonly host: ControlHost;
    readonly desk: DeskThread;
    readonly runner: CycleRunner;
    readonly south: South;
    readonly goose: GooseSide | undefined;
    readonly alarms: AlarmDesk;
    readonly producer: RoundProducer;
  },
  signal: AbortSignal,
): Promise<void> {
  const { role, host, desk, runner, south, goose, alarms, producer } = parts;
  const { clock } = role;
  const own = new OwnPoints(role.context, "control", clock);
  const cpu = new CpuMeter(clock);
  await every(clock, OWN_POINTS_MS, signal, () => {
    producer.postRound(
      own.round({
        ...runner.figures(),
        ...readFigures(south),
        ...host.figures(),
        ...goose?.watch.figures(),
        ...alarms.figures(),
        "x-desk-restarts": desk.restarts,
        "x-cpu": cpu.percent(),
      }),
    );
  });
}
