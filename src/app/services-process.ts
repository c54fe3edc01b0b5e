import { createHash } from "node:crypto";
import path from "node:path";
import { OWN_POINTS_MS } from "../config/point-table.ts";
import type { Speaker } from "../dcpi/document.ts";
import { modelDocument } from "../dcpi/model.ts";
import type { TelemetryForm } from "../dcpi/telemetry.ts";
import { GatewayError } from "../domain/errors.ts";
import type { PlantEvent } from "../domain/event.ts";
import type { Producer } from "../domain/point.ts";
import { isAborted, slept } from "../domain/time.ts";
import { type ReceivedFrame, RoundConsumer } from "../link/round-consumer.ts";
import { RequestClient } from "../link/request-client.ts";
import { RequestServer } from "../link/request-server.ts";
import { socketPath } from "../link/socket-paths.ts";
import { CommandQueue } from "../northbound/command-gate.ts";
import type { MqttPublisher } from "../northbound/mqtt/publisher.ts";
import { LatchFiles } from "../platform/latch-files.ts";
import { PointImage } from "../points/image.ts";
import type { StoreReport } from "../store/rows.ts";
import { Store } from "../store/store.ts";
import { AlarmFeed } from "./alarm-feed.ts";
import { AnnouncementIntake } from "./announcement-intake.ts";
import { CommandIntake } from "./command-intake.ts";
import { every } from "./every.ts";
import { publisherOf, verifierOf } from "./north-access.ts";
import { NorthDocuments } from "./north-documents.ts";
import { NorthPipe } from "./north-pipe.ts";
import { OwnPoints } from "./own-points.ts";
import { VERSION } from "./package-root.ts";
import { queryAnswers, type ServicesStatus } from "./query-answers.ts";
import { CpuMeter, type Role, roleFolder, runTogether } from "./role.ts";
import { LOOK_MS, ServicesAlarms } from "./services-alarms.ts";
import { corruptEvent, gapEvent, tellReport, unlessRefused } from "./services-events.ts";
import { ShedDesk, type ShedDeskParts } from "./shed-desk.ts";

const MIB = 1024 * 1024;
const MINUTE_MS = 60_000;
const FEATURES = [
  "telemetry",
  "battery-control",
  "store-and-forward",
  "power-realtime",
  "workload-announce",
  "workload-control",
];
/** Wait before a producer's link is opened again after the store refused a frame. */
const REFUSED_PAUSE_MS = 500;
const PRODUCERS: readonly Producer[] = ["control", "field"];

/** gateway-services: the store and the way north. Everything else goes on without it. */
export async function runServices(role: Role, signal: AbortSignal): Promise<void> {
  const services = await GatewayServices.open(role);
  await services.run(signal);
}

class GatewayServices {
  readonly #role: Role;
  readonly #store: Store;
  readonly #publisher: MqttPublisher;
  readonly #pipe: NorthPipe;
  readonly #documents: NorthDocuments;
  readonly #intake: CommandIntake;
  readonly #announcements: AnnouncementIntake;
  readonly #sheds: ShedDesk;
  readonly #queue: CommandQueue;
  readonly #control: RequestClient;
  readonly #image: PointImage;
  readonly #links = new Map<Producer, boolean>();
  readonly #feed: AlarmFeed;
  readonly #alarms: ServicesAlarms;
  readonly #model: ReturnType<typeof modelDocument>;
  readonly #prefix: string;
  readonly #bootId: string;
  #storeLevel = "normal";
  #failure: GatewayError | undefined;

  static async open(role: Role): Promise<GatewayServices> {
    const { context, clock } = role;
    const { store: config } = context;
    const reports: StoreReport[] = [];
    let sink = (report: StoreReport): void => void reports.push(report);
    const store = await Store.open({
      directory: roleFolder(context.dataDirectory, "services"),
      clock,
      limits: {
        quotaBytes: config.quotaMiB * MIB,
        retainMs: config.retainMinutes * MINUTE_MS,
        retainBytes: config.retainMiB * MIB,
        historyMs: config.historyMinutes * MINUTE_MS,
        historyBytes: config.historyMiB * MIB,
      },
      report: (report) => {
        sink(report);
      },
      ...storeFaults(process.env),
    });
    const files = new LatchFiles(path.join(roleFolder(context.dataDirectory, "services"), "sheds"));
    const saved = { files, record: await files.load() };
    const services = new GatewayServices(role, store, saved);
    sink = (report) => {
      services.#report(report);
    };
    for (const report of reports) services.#report(report);
    return services;
  }

  constructor(role: Role, store: Store, saved: Pick<ShedDeskParts, "files" | "record">) {
    this.#role = role;
    this.#store = store;
    const { context, clock, random, log } = role;
    const { site, table, runtimeDirectory } = context;
    const speaker: Speaker = { facility: site.site, gateway: site.gateway };
    const form: TelemetryForm = site.mqtt.values;
    this.#bootId = `${role.epoch}`;
    this.#prefix = `dcpi/v1/${site.site}/${site.gateway}/`;
    this.#image = new PointImage(table.points.length, context.maxAgesMs);
    this.#model = modelDocument(
      table,
      { speaker, version: VERSION, telemetry: form, features: FEATURES },
      sha256,
    );
    this.#feed = new AlarmFeed(clock, role.epoch);
    this.#alarms = new ServicesAlarms((event) => {
      log.info({ event: event.id, device: event.device, phase: event.phase }, event.text);
      this.#feed.take(event);
    });
    this.#queue = new CommandQueue(({ reason, message }) => {
      log.warn({ event: "command-refused", reason, topic: message.topic }, "command refused");
    });
    const identity = { speaker, prefix: this.#prefix, bootId: this.#bootId };
    const publisher = publisherOf(role, { ...identity, gate: this.#queue, backlog: store });
    this.#publisher = publisher;
    this.#control = new RequestClient({
      socketPath: socketPath(runtimeDirectory, "control/commands"),
      clock,
      random,
    });
    const verifier = verifierOf(site);
    const way = { verifier, control: this.#control, clock, speaker, prefix: this.#prefix, log };
    this.#sheds = new ShedDesk({ ...way, ...saved, publisher, thermal: site.thermal });
    this.#announcements = new AnnouncementIntake({ ...way, roster: this.#sheds.roster });
    this.#intake = new CommandIntake({
      ...way,
      context,
      queue: this.#queue,
      store,
      announcements: this.#announcements,
      sheds: this.#sheds,
    });
    this.#pipe = new NorthPipe({
      context,
      store,
      publisher,
      image: this.#image,
      clock,
      speaker,
      modelHash: this.#model.hash,
      form,
      prefix: this.#prefix,
      ackOf: this.#intake.ackOf,
    });
    this.#documents = new NorthDocuments({
      context,
      speaker,
      prefix: this.#prefix,
      publisher,
      image: this.#image,
      clock,
      bootId: this.#bootId,
      reasons: () => this.#reasons(),
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    const { log, watchdog, context, clock } = this.#role;
    const told = new RequestServer({
      socketPath: socketPath(context.runtimeDirectory, "services/alarms"),
      methods: this.#feed.answers,
    });
    const queries = new RequestServer({
      socketPath: socketPath(context.runtimeDirectory, "services/queries"),
      methods: queryAnswers({
        context,
        store: this.#store,
        image: this.#image,
        clock,
        status: () => this.#status(),
      }),
    });
    try {
      await runTogether(signal, async (stop) => {
        await queries.listen(stop);
        await told.listen(stop);
        this.#sayModel();
        this.#documents.status();
        this.#sayOpening();
        log.info({ event: "started", model: this.#model.hash }, "services runs");
        watchdog.ready();
        return [
          this.#publisher.run(stop),
          ...PRODUCERS.map(async (producer) => this.#follow(producer, stop)),
          this.#documents.run(stop),
          this.#intake.run(this.#pipe, stop),
          this.#sheds.run(stop),
          this.#reportOwnPoints(stop),
          this.#watchAlarms(stop),
        ];
      });
    } finally {
      watchdog.stopping();
      // An open connection would keep the process from ending.
      this.#control.close();
      await this.#store.close();
    }
  }

  /** Stores what one producer sends; a frame is acknowledged when it is on disk. */
  async #follow(producer: Producer, signal: AbortSignal): Promise<void> {
    const { clock } = this.#role;
    while (!signal.aborted) {
      const refused = new AbortController();
      const consumer = this.#consumer(producer, refused);
      await consumer.run(AbortSignal.any([signal, refused.signal]));
      if (refused.signal.aborted) await slept(clock, REFUSED_PAUSE_MS, signal);
    }
  }

  #consumer(producer: Producer, refused: AbortController): RoundConsumer {
    const { context, clock, random, log } = this.#role;
    const { table, runtimeDirectory } = context;
    const consumer: RoundConsumer = new RoundConsumer({
      socketPath: socketPath(runtimeDirectory, `${producer}/rounds`),
      role: "services",
      mode: "durable",
      tableHash: table.hash,
      tableSize: table.points.length,
      clock,
      random,
      resume: () => this.#store.resume(producer),
      onFrame: (frame) => {
        if (frame.type === "frame") void this.#take(frame, consumer, refused);
      },
      onGap: (gap) => {
        void this.#tell(gapEvent(gap, context, clock.utcNow()));
      },
      onState: (state) => {
        this.#links.set(producer, state.state === "connected");
        if (producer === "control" && state.state === "connected")
          void this.#controlStarted(state.hello.epoch);
        const facts = { event: "link", producer, state: state.state };
        if (state.state === "lost") log.warn(facts, `no link to it: ${state.error.message}`);
        else log.info(facts, "link to producer is up");
      },
    });
    return consumer;
  }

  async #take(
    frame: ReceivedFrame,
    consumer: RoundConsumer,
    refused: AbortController,
  ): Promise<void> {
    if (refused.signal.aborted) return;
    try {
      await this.#pipe.take(frame);
      consumer.ack(frame.epoch, frame.frameNo);
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      // The producer keeps the frame and sends it again when the link is opened anew.
      if (!isAborted(refused.signal))
        this.#role.log.warn({ event: "frame-refused", code: error.code }, error.message);
      refused.abort();
    }
  }

  async #controlStarted(epoch: number): Promise<void> {
    await this.#intake.controlStarted(epoch, this.#pipe).catch((error: unknown) => {
      if (!(error instanceof GatewayError)) throw error;
      this.#role.log.error({ event: "commands-not-ended", code: error.code }, error.message);
    });
  }

  /** True when the event is on disk. */
  async #tell(event: PlantEvent): Promise<boolean> {
    const { log, clock } = this.#role;
    log.warn({ event: event.id, device: event.device }, event.text);
    this.#alarms.take(event, clock.now());
    try {
      await this.#pipe.tell(event);
      return true;
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      log.error({ event: "event-not-stored", code: error.code }, error.message);
      return false;
    }
  }

  #report(report: StoreReport): void {
    if (report.kind === "level") this.#storeLevel = report.level;
    if (report.kind === "failed") this.#failure = report.error;
    const tell = async (event: PlantEvent): Promise<boolean> => this.#tell(event);
    void tellReport(report, this.#role.clock.utcNow(), { tell, store: this.#store });
  }

  #sayOpening(): void {
    const { corrupt } = this.#store.opened;
    if (corrupt === undefined) return;
    void this.#tell(corruptEvent(corrupt, this.#role.clock.utcNow()));
  }

  #sayModel(): void {
    this.#publisher.setRetained({
      topic: `${this.#prefix}model`,
      payload: this.#model.bytes,
      expirySeconds: undefined,
    });
  }

  #reasons(): string[] {
    return [
      ...PRODUCERS.filter((producer) => this.#links.get(producer) !== true).map(
        (producer) => `${producer}-gone`,
      ),
      ...(this.#storeLevel === "normal" ? [] : [`store-${this.#storeLevel}`]),
    ];
  }

  #status(): ServicesStatus {
    const { site } = this.#role.context;
    const reasons = this.#reasons();
    const { offered, overflowed, oversize } = this.#queue.counters();
    return {
      site: site.site,
      gateway: site.gateway,
      version: VERSION,
      bootId: this.#bootId,
      state: reasons.length === 0 ? "online" : "degraded",
      reasons,
      links: Object.fromEntries(this.#links),
      publisher: this.#publisher.counters(),
      pipe: this.#pipe.counters,
      gate: { offered, overflowed, oversize, refused: this.#intake.refused },
      announcements: this.#announcements.counters,
      sheds: this.#sheds.status(),
    };
  }

  /** Apart from what the store has a part in: that may be what is wrong. */
  async #watchAlarms(signal: AbortSignal): Promise<void> {
    const { clock } = this.#role;
    await every(clock, LOOK_MS, signal, () => {
      const isUpstream = this.#publisher.counters().connected;
      this.#alarms.look({ now: clock.now(), utc: clock.utcNow(), isUpstream, links: this.#links });
    });
  }

  async #reportOwnPoints(signal: AbortSignal): Promise<void> {
    const { clock, context, watchdog } = this.#role;
    const own = new OwnPoints(context, "services", clock);
    const cpu = new CpuMeter(clock);
    await every(clock, OWN_POINTS_MS, signal, async () => {
      if (this.#failure !== undefined) throw this.#failure;
      const stats = await unlessRefused(this.#store.stats());
      watchdog.feed();
      if (stats === undefined) return;
      const values = {
        "upstream-connected": this.#publisher.counters().connected ? 1 : 0,
        "x-outbox-waiting": stats.waitingRows,
        "x-outbox-oldest": stats.oldestWaitingMs / 1_000,
        "x-outbox-lost": stats.lostRowsByClass.reduce((sum, rows) => sum + rows, 0),
        "x-store-bytes": stats.usedBytes,
        "x-store-written-per-day": stats.bytesWrittenPerDay,
        "x-store-commit.p99": stats.commitP99Ms / 1_000,
        "x-cpu": cpu.percent(),
      };
      await this.#pipe
        .tellRound(own.device.stream, (seq) => own.round(values, seq))
        .catch((error: unknown) => {
          if (!(error instanceof GatewayError)) throw error;
        });
    });
  }
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** Benches and fault tests slow the disk down openly; nothing else sets it. */
function storeFaults(environment: NodeJS.ProcessEnv): {
  readonly faults?: { readonly delayCommitMs: number };
} {
  const delayMs = Number(environment["DCPI_FAULT_DELAY_COMMIT_MS"]);
  return delayMs > 0 ? { faults: { delayCommitMs: delayMs } } : {};
}
