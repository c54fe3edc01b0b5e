import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import {
  deviceId,
  type DeviceDefinition,
  pointId,
  type PointDefinition,
  pointIndex,
  streamId,
} from "../../../src/domain/point.ts";
import { assert } from "../../../src/domain/assert.ts";
import type { Round } from "../../../src/domain/round.ts";
import type { Clock } from "../../../src/domain/time.ts";
import { TsEngine } from "../../../src/drivers/iec61850/association.ts";
import { Iec61850Driver } from "../../../src/drivers/iec61850/driver.ts";
import type { Engine } from "../../../src/drivers/iec61850/engine.ts";
import { superviseDevice, SUPERVISOR_LIMITS } from "../../../src/drivers/supervisor.ts";
import { TimerWheel } from "../../../src/drivers/wheel.ts";
import type { CompiledProfile } from "../../../src/profiles/binding.ts";
import { SimulatedStation } from "../../../src/simulator/iec61850/station.ts";
import { stationProfile } from "./station-bench.ts";

const STREAM = streamId(0);
/** How long a reading waits for the disk. */
const DISK_MS = 100;

/** How a line breaks: reset, closed, or nothing comes through any more. */
export type Cut = "reset" | "finish" | "blackhole";

/** The network between a driver and a device, to be cut. */
export class CutLine {
  readonly #server: Server;
  readonly #pairs = new Set<{ readonly near: Socket; readonly far: Socket }>();
  #isCut = false;
  #isDeaf = false;

  constructor(devicePort: number) {
    this.#server = createServer((near) => {
      near.on("error", () => undefined);
      if (this.#isCut) {
        near.resetAndDestroy();
        return;
      }
      const far = connect({ host: "127.0.0.1", port: devicePort });
      far.on("error", () => undefined);
      const pair = { near, far };
      this.#pairs.add(pair);
      for (const socket of [near, far]) {
        socket.on("close", () => {
          this.#pairs.delete(pair);
          near.destroy();
          far.destroy();
        });
      }
      near.on("data", (chunk) => {
        if (!this.#isDeaf) far.write(chunk);
      });
      far.on("data", (chunk) => {
        if (!this.#isDeaf) near.write(chunk);
      });
    });
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  cut(how: Cut): void {
    if (how === "blackhole") this.#isDeaf = true;
    else this.#isCut = true;
    for (const { near } of this.#pairs) {
      if (how === "reset") near.resetAndDestroy();
      else if (how === "finish") near.end();
    }
  }

  heal(): void {
    // What was lost on the way stays lost: a connection from before does not come back to life.
    if (this.#isDeaf)
      for (const { near, far } of this.#pairs) for (const one of [near, far]) one.destroy();
    this.#isDeaf = false;
    this.#isCut = false;
  }

  async close(): Promise<void> {
    for (const { near, far } of this.#pairs) for (const one of [near, far]) one.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** A relay whose operations are counted, and a supervised driver, on a clock. */
export class SupervisedRelay {
  readonly history: number[] = [];
  readonly live: { readonly value: number; readonly atMs: number }[] = [];
  readonly station: SimulatedStation;
  readonly driver: Iec61850Driver;
  readonly line: CutLine;
  /** When the points were marked bad because of the link, by the clock. */
  readonly lostAt: number[] = [];
  count = 0;
  isStoring = true;
  readonly #clock: Clock;
  readonly #profile: CompiledProfile = stationProfile("switchgear-relay");
  readonly #end: AbortController;
  readonly #running: Promise<unknown>;

  private constructor(
    parts: Pick<SupervisedRelay, "station" | "line"> & { readonly end: AbortController },
    terms: { readonly clock: Clock; readonly engine: Engine; readonly port: number },
  ) {
    const { clock, engine, port } = terms;
    this.#clock = clock;
    this.station = parts.station;
    this.line = parts.line;
    this.#end = parts.end;
    this.driver = new Iec61850Driver({
      device: deviceId("relay"),
      profile: this.#profile,
      firstPoint: 0,
      engine,
      endpoint: { host: "127.0.0.1", port },
      clock,
    });
    this.#running = this.#supervise();
  }

  /** @param engine ours when left out */
  static async start(clock: Clock, engine?: Engine): Promise<SupervisedRelay> {
    const profile = stationProfile("switchgear-relay");
    const facts = profile.iec61850;
    assert(facts !== undefined, "a profile of IEC 61850");
    const station = new SimulatedStation({ id: "relay", profile, facts });
    const end = new AbortController();
    const server = await station.open({ host: "127.0.0.1", port: 0, clock }, end.signal);
    const line = new CutLine(server.port);
    const own = engine ?? new TsEngine({ clock, wheel: new TimerWheel(clock) });
    const port = await line.listen();
    return new SupervisedRelay({ station, line, end }, { clock, engine: own, port });
  }

  operate(): void {
    this.count += 1;
    this.station.setPoint("operation-count", this.count);
    this.station.flush();
  }

  /** Ends everything; on a clock of a test somebody has to move it meanwhile. */
  async stop(): Promise<void> {
    this.#end.abort();
    await this.line.close();
    await this.#running;
  }

  async #supervise(): Promise<void> {
    const clock = this.#clock;
    await superviseDevice(
      {
        driver: this.driver,
        device: this.#definition(),
        points: this.#points(),
        limits: { ...SUPERVISOR_LIMITS, retryMaxMs: 1_000 },
        clock,
        random: () => 0.5,
        emit: (round) => {
          this.#take(round);
        },
        onEvent: () => undefined,
      },
      this.#end.signal,
    );
  }

  #take(round: Round): void {
    const at = this.#profile.points.findIndex(({ id }) => id === "operation-count");
    const position = round.points.indexOf(at);
    if (position >= 0) {
      const value = round.values[position] ?? Number.NaN;
      if (Number.isNaN(value)) this.lostAt.push(this.#clock.now());
      else if (round.isHistory === true) this.history.push(value);
      else this.live.push({ value, atMs: this.#clock.now() });
    }
    // On disk a moment later, as by the store.
    if (this.isStoring) void this.#store(round.seq);
  }

  async #store(seq: number): Promise<void> {
    await this.#clock.sleep(DISK_MS);
    this.driver.stored(seq);
  }

  #definition(): DeviceDefinition {
    return {
      stream: STREAM,
      id: deviceId("relay"),
      deviceClass: "breaker",
      profile: this.#profile.name,
      producer: "field",
      firstPoint: 0,
      pointCount: this.#profile.points.length,
    };
  }

  #points(): PointDefinition[] {
    return this.#profile.points.map((point) => ({
      index: pointIndex(point.ordinal),
      id: pointId(`relay/${point.id}`),
      device: deviceId("relay"),
      name: point.id,
      field: point.field,
      type: point.type,
      unit: point.unit,
      texts: point.texts,
      range: point.range,
      writable: false,
      readable: true,
      everyMs: point.group === undefined ? undefined : this.#profile.groups[point.group]?.everyMs,
    }));
  }
}
