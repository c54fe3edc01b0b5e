import type { Clock } from "../../domain/time.ts";
import type { RequestClient } from "../../link/request-client.ts";
import type { PlantSnapshot } from "../../simulator/plant.ts";
import { allPoints, EventReader, type StoredMessage } from "../queries.ts";
import type { ServicesStatus } from "../query-answers.ts";
import { plantLine, type PlantLine, type PointReading } from "./plant-line.ts";
import type { ScreenEvent } from "./screen.ts";

const TREND_VALUES = 60;
const EVENTS_KEPT = 50;
/** Fewer overruns than this share of all cycles are no reason to fail. */
const OVERRUN_SHARE = 1e-4;

interface StoreFigures {
  readonly waitingRows: number;
  readonly lostRowsByClass: readonly number[];
  readonly sentRows: number;
}

type GatewayStatus = ServicesStatus & { readonly store: StoreFigures };

export interface DemoSummary {
  readonly type: "summary";
  readonly seconds: number;
  readonly cycles: number;
  readonly overruns: number;
  readonly samples_sent: number;
  readonly lost: number;
  readonly events: Readonly<Record<string, number>>;
  readonly ok: boolean;
}

/** What the picture is made of, asked from the gateway as any client would. */
export class DemoFeed {
  readonly trend = {
    grid: [] as (number | null)[],
    load: [] as (number | null)[],
    battery: [] as (number | null)[],
  };
  readonly #client: RequestClient;
  readonly #mqttPort: number;
  readonly #clock: Clock;
  readonly #eventCounts: Record<string, number> = {};
  readonly #eventReader: EventReader;
  readonly #fresh: StoredMessage[] = [];
  /** Newest first. */
  #events: readonly ScreenEvent[] = [];
  #plant: PlantLine | undefined;
  #snapshot: PlantSnapshot | undefined;
  #status: GatewayStatus | undefined;
  #cycles = 0;
  #valuesBefore = 0;
  #valuesAt = 0;

  constructor(client: RequestClient, parts: { readonly mqttPort: number; readonly clock: Clock }) {
    this.#client = client;
    this.#mqttPort = parts.mqttPort;
    this.#clock = parts.clock;
    this.#eventReader = new EventReader(client, parts.clock.utcNow());
  }

  /** True when the gateway has read the grid meter. */
  get isReady(): boolean {
    return this.#plant !== undefined && this.#plant.power_w.grid !== null;
  }

  get plant(): PlantLine | undefined {
    return this.#plant;
  }

  get events(): readonly ScreenEvent[] {
    return this.#events;
  }

  takeSnapshot(message: unknown): void {
    const { snapshot } = (message ?? {}) as { readonly snapshot?: PlantSnapshot };
    if (snapshot !== undefined) this.#snapshot = snapshot;
  }

  /** Events that came since the last call, as they went north. */
  takeFresh(): readonly StoredMessage[] {
    return this.#fresh.splice(0);
  }

  /** @throws GatewayError PEER_LOST or REQUEST_TIMEOUT when services is not there */
  async refresh(): Promise<void> {
    const status = (await this.#client.request("status", {})) as GatewayStatus;
    const points = new Map<string, PointReading>();
    for (const { id, value, quality, ageMs } of await allPoints(this.#client))
      points.set(id, { id, value, quality, ageMs: ageMs ?? Infinity });
    this.#status = status;
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
      samples_sent: this.#status?.pipe.values ?? 0,
      lost,
      events: this.#eventCounts,
      ok: lost === 0 && overruns <= Math.max(1, this.#cycles * OVERRUN_SHARE),
    };
  }

  close(): void {
    this.#client.close();
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
    push(this.trend.grid, line.power_w.grid);
    push(this.trend.load, line.power_w.training);
    push(this.trend.battery, line.power_w.bess);
  }

  async #takeEvents(): Promise<void> {
    const events = await this.#eventReader.next();
    this.#fresh.push(...events);
    for (const event of events) {
      const id = String(event["event_id"]);
      this.#eventCounts[id] = (this.#eventCounts[id] ?? 0) + 1;
    }
    const shown = events.slice(-EVENTS_KEPT).reverse().map(screenEvent);
    this.#events = [...shown, ...this.#events].slice(0, EVENTS_KEPT);
  }
}

function screenEvent(event: StoredMessage): ScreenEvent {
  return {
    time: String(event["timestamp"]).slice(11, 19),
    severity: String(event["severity"]),
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

function push(trend: (number | null)[], value: number | null): void {
  trend.push(value);
  if (trend.length > TREND_VALUES) trend.shift();
}
