import type { ControlStatus } from "../../control/exchange.ts";
import type { Clock } from "../../domain/time.ts";
import type { RequestClient } from "../../link/request-client.ts";
import type { PlantSnapshot } from "../../simulator/plant.ts";
import type { LinkStatus } from "../link-status.ts";
import { allPoints, EventReader, isUnreachable, type StoredMessage } from "../queries.ts";
import type { PointAnswer, ServicesStatus } from "../query-answers.ts";
import type { ControlFacts, DemoState, LinkRow, ScreenEvent } from "./demo-state.ts";
import { LinkRates } from "./link-rates.ts";
import { plantLine, type PlantLine, type PointReading } from "./plant-line.ts";
import { siteDetail } from "./site-detail.ts";
import { Trend } from "./trend.ts";

const EVENTS_KEPT = 50;
/** Fewer overruns than this share of all cycles are no reason to fail. */
const OVERRUN_SHARE = 1e-4;

interface StoreFigures {
  readonly waitingRows: number;
  readonly oldestWaitingMs: number;
  readonly lostRowsByClass: readonly number[];
  readonly sentRows: number;
}

type GatewayStatus = ServicesStatus & { readonly store: StoreFigures };

export interface DemoSummary {
  readonly type: "summary";
  readonly seconds: number;
  readonly cycles: number;
  readonly overruns: number;
  /** Those in which the host let the processors of this machine stand for as long. */
  readonly overruns_stolen: number;
  readonly samples_sent: number;
  readonly lost: number;
  readonly events: Readonly<Record<string, number>>;
  readonly ok: boolean;
}

/** Sockets of the gateway that the picture is asked from. */
export interface FeedClients {
  readonly services: RequestClient;
  readonly control: RequestClient;
  readonly field: RequestClient;
}

/** What the picture is made of, asked from the gateway as any client would. */
export class DemoFeed {
  readonly #trend = { grid: new Trend(), load: new Trend(), battery: new Trend() };
  readonly #rates = new LinkRates();
  readonly #clients: FeedClients;
  readonly #client: RequestClient;
  readonly #mqttPort: number;
  readonly #clock: Clock;
  readonly #eventCounts: Record<string, number> = {};
  readonly #eventReader: EventReader;
  readonly #fresh: StoredMessage[] = [];
  /** Newest first. */
  #events: readonly ScreenEvent[] = [];
  /** What is raised, as `id device`; as many as there are alarms and devices. */
  readonly #criticals = new Set<string>();
  #plant: PlantLine | undefined;
  #points: ReadonlyMap<string, PointReading> = new Map();
  #control: ControlFacts | null = null;
  #links: readonly LinkRow[] = [];
  #snapshot: PlantSnapshot | undefined;
  #status: GatewayStatus | undefined;
  #cycles = 0;
  #valuesBefore = 0;
  #valuesAt = 0;

  constructor(clients: FeedClients, parts: { readonly mqttPort: number; readonly clock: Clock }) {
    this.#clients = clients;
    this.#client = clients.services;
    this.#mqttPort = parts.mqttPort;
    this.#clock = parts.clock;
    this.#eventReader = new EventReader(clients.services, parts.clock.utcNow());
  }

  /** True when the gateway has read the grid meter. */
  get isReady(): boolean {
    return this.#plant !== undefined && this.#plant.power_w.grid !== null;
  }

  get plant(): PlantLine | undefined {
    return this.#plant;
  }

  /** Every point as last asked, in the order of the table. */
  get points(): readonly PointReading[] {
    return [...this.#points.values()];
  }

  /** What a picture shows now; undefined before the first answer. */
  state(at: Pick<DemoState, "title" | "elapsedS" | "selectedUnit">): DemoState | undefined {
    if (this.#plant === undefined) return undefined;
    return {
      ...at,
      plant: this.#plant,
      detail: siteDetail(this.#points, this.#clock.utcNow()),
      trend: {
        grid: this.#trend.grid.spans,
        load: this.#trend.load.spans,
        battery: this.#trend.battery.spans,
      },
      rampWPerS: this.#trend.grid.rampPerS,
      events: this.#events.slice(0, EVENTS_KEPT),
      criticals: this.#criticals.size,
      control: this.#control,
      links: this.#links,
      gateway: {
        latenessP50Ms: scaledMs(this.#own("control/x-cycle-lateness.p50")),
        controlCpu: this.#own("control/x-cpu"),
        fieldCpu: this.#own("field/x-cpu"),
        servicesCpu: this.#own("services/x-cpu"),
        oldestWaitingS: (this.#status?.store.oldestWaitingMs ?? 0) / 1_000,
        commandSteps: this.#status?.pipe.steps ?? 0,
      },
      isFrozen: false,
    };
  }

  takeSnapshot(snapshot: PlantSnapshot): void {
    this.#snapshot = snapshot;
  }

  /** A line of the demonstration itself; it does not come from the gateway. */
  say(text: string, severity: "info" | "warning" = "info"): void {
    const time = new Date(this.#clock.utcNow()).toISOString().slice(11, 19);
    this.#add([{ time, severity, device: "", text }]);
  }

  /**
   * A sample of the trends, and nothing else.
   *
   * @throws GatewayError PEER_LOST or REQUEST_TIMEOUT when services is not there
   */
  async sample(): Promise<void> {
    const page = await this.#client.request("points", { filter: "/active-power" });
    const powers = new Map((page as readonly PointAnswer[]).map(({ id, value }) => [id, value]));
    const power = (id: string): number | null => {
      const value = powers.get(`${id}/active-power`);
      return typeof value === "number" ? value : null;
    };
    const [first, second] = [power("bess-1"), power("bess-2")];
    const now = this.#clock.now();
    this.#trend.grid.add(now, power("pcc-meter"));
    this.#trend.load.add(now, power("m-train"));
    this.#trend.battery.add(now, first === null || second === null ? null : first + second);
  }

  /** Events that came since the last call, as they went north. */
  takeFresh(): readonly StoredMessage[] {
    return this.#fresh.splice(0);
  }

  /** @throws GatewayError PEER_LOST or REQUEST_TIMEOUT when services is not there */
  async refresh(): Promise<void> {
    const status = (await this.#client.request("status", {})) as GatewayStatus;
    const points = new Map<string, PointReading>();
    for (const { id, value, quality, ageMs, unit, sourceTime } of await allPoints(this.#client))
      points.set(id, { id, value, quality, ageMs: ageMs ?? Infinity, unit, sourceTime });
    this.#status = status;
    this.#points = points;
    await this.#askProcesses();
    this.#take(points, status);
    await this.#takeEvents();
  }

  summary(seconds: number): DemoSummary {
    const lost = this.#plant?.outbox.lost ?? 0;
    const overruns = this.#plant?.cycle.overruns ?? 0;
    return {
      type: "summary",
      seconds,
      cycles: this.#cycles,
      overruns,
      overruns_stolen: this.#plant?.cycle.overruns_stolen ?? 0,
      samples_sent: this.#status?.pipe.values ?? 0,
      lost,
      events: this.#eventCounts,
      ok: lost === 0 && overruns <= Math.max(1, this.#cycles * OVERRUN_SHARE),
    };
  }

  close(): void {
    for (const client of Object.values(this.#clients) as RequestClient[]) client.close();
  }

  /** What control and field say of themselves; what does not answer is not known. */
  async #askProcesses(): Promise<void> {
    const { control, field } = this.#clients;
    const [status, fast, slow] = await Promise.all([
      answerOf(control.request("status", {})),
      answerOf(control.request("links", {})),
      answerOf(field.request("links", {})),
    ]);
    this.#control = controlFacts(status);
    const links = [fast, slow].flatMap((answer) => (answer ?? []) as readonly LinkStatus[]);
    this.#links = this.#rates.rows(this.#clock.now(), links, this.#points);
  }

  #own(id: string): number | null {
    const value = this.#points.get(`gateway-${id}`)?.value;
    return typeof value === "number" ? value : null;
  }

  #add(newestFirst: readonly ScreenEvent[]): void {
    this.#events = [...newestFirst, ...this.#events].slice(0, EVENTS_KEPT);
  }

  #take(points: ReadonlyMap<string, PointReading>, status: GatewayStatus): void {
    const number = (id: string): number | null => {
      const value = points.get(`gateway-control/${id}`)?.value;
      return typeof value === "number" ? value : null;
    };
    this.#cycles = number("x-cycles") ?? this.#cycles;
    const latenessS = number("x-cycle-lateness.p99");
    const now = this.#clock.now();
    const samplesPerS =
      (1_000 * (status.pipe.values - this.#valuesBefore)) / (now - this.#valuesAt);
    this.#valuesBefore = status.pipe.values;
    this.#valuesAt = now;
    const line = plantLine(
      new Date(this.#clock.utcNow()).toISOString(),
      plantPoints(points),
      {
        virtualS: this.#snapshot?.timeS ?? 0,
        lossesW: this.#snapshot?.transformerLossW ?? 0,
        balanceError: this.#snapshot?.balanceError ?? 0,
      },
      {
        periodMs: 50,
        latenessP99Ms: latenessS === null ? null : latenessS * 1_000,
        overruns: number("cycle-overruns"),
        overrunsStolen: number("x-cycle-overruns-stolen"),
        outboxDepth: status.store.waitingRows,
        sent: status.publisher.acked,
        lost: status.store.lostRowsByClass.reduce((sum, rows) => sum + rows, 0),
        mqttPort: this.#mqttPort,
        mqttConnected: status.publisher.connected,
        ratePerS: Math.round(status.publisher.liveRatePerS),
        samplesPerS: Math.round(samplesPerS),
      },
    );
    this.#plant = line;
  }

  async #takeEvents(): Promise<void> {
    const events = await this.#eventReader.next();
    this.#fresh.push(...events);
    for (const event of events) {
      const id = String(event["event_id"]);
      this.#eventCounts[id] = (this.#eventCounts[id] ?? 0) + 1;
      this.#noteCritical(id, event);
    }
    this.#add(events.slice(-EVENTS_KEPT).reverse().map(screenEvent));
  }

  #noteCritical(id: string, event: StoredMessage): void {
    const key = `${id} ${typeof event["device"] === "string" ? event["device"] : ""}`;
    if (event["phase"] === "cleared") this.#criticals.delete(key);
    else if (event["phase"] === "raised" && GRAVE.has(event["severity"])) this.#criticals.add(key);
  }
}

const GRAVE: ReadonlySet<unknown> = new Set(["critical", "trip"]);

function screenEvent(event: StoredMessage): ScreenEvent {
  return {
    time: String(event["timestamp"]).slice(11, 19),
    severity: event["phase"] === "cleared" ? "over" : String(event["severity"]),
    device: typeof event["device"] === "string" ? event["device"] : "gateway",
    text: String(event["text"]),
  };
}

/** What the devices give; the gateway's own points are not the plant's quality. */
function plantPoints(points: ReadonlyMap<string, PointReading>): Map<string, PointReading> {
  return new Map(
    [...points].filter(([id]) => !id.startsWith("gateway-") && !id.endsWith("/link-up")),
  );
}

/** Undefined when the process that should answer is not there. */
async function answerOf(question: Promise<unknown>): Promise<unknown> {
  try {
    return await question;
  } catch (error) {
    if (isUnreachable(error)) return undefined;
    throw error;
  }
}

interface ControlAnswer {
  readonly control: ControlStatus | null;
  /** The clock of control when it answered. */
  readonly now: number;
  readonly utc: number;
}

function controlFacts(answer: unknown): ControlFacts | null {
  const { control, now, utc } = (answer ?? {}) as Partial<ControlAnswer>;
  if (control === undefined || control === null || now === undefined || utc === undefined)
    return null;
  const { knownAt } = control;
  const ageMs = knownAt === undefined ? null : Math.max(0, now - knownAt);
  return { status: control, ageMs, measuredUtc: ageMs === null ? null : utc - ageMs };
}

function scaledMs(seconds: number | null): number | null {
  return seconds === null ? null : seconds * 1_000;
}
