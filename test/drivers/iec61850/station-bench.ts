import { readFileSync } from "node:fs";
import { deviceId } from "../../../src/domain/point.ts";
import type { PlantEvent } from "../../../src/domain/event.ts";
import type { Reading } from "../../../src/domain/round.ts";
import type { Clock } from "../../../src/domain/time.ts";
import { TsEngine } from "../../../src/drivers/iec61850/association.ts";
import { Iec61850Driver, type ReportState } from "../../../src/drivers/iec61850/driver.ts";
import { TypeCache } from "../../../src/drivers/iec61850/type-cache.ts";
import { TimerWheel } from "../../../src/drivers/wheel.ts";
import { SystemClock } from "../../../src/platform/clock.ts";
import type { CompiledProfile } from "../../../src/profiles/binding.ts";
import { compileProfile } from "../../../src/profiles/compile.ts";
import type { Profile } from "../../../src/profiles/schema.ts";
import type { IedDevice } from "../../../src/simulator/iec61850/device.ts";
import { SimulatedStation } from "../../../src/simulator/iec61850/station.ts";

const ROOT = new URL("../../../device-profiles/iec61850/", import.meta.url);

export function stationProfile(
  name: "bess-station" | "switchgear-relay" = "bess-station",
  change: (profile: Profile) => Profile = (profile) => profile,
): CompiledProfile {
  const profile = JSON.parse(readFileSync(new URL(`${name}.json`, ROOT), "utf8")) as Profile;
  const result = compileProfile(change(profile), { name: `iec61850/${name}` });
  if ("problems" in result) throw new Error(JSON.stringify(result.problems));
  return result.profile;
}

/** A value as a round brought it. */
export interface Seen {
  readonly id: string;
  readonly value: number;
  readonly quality: number;
  readonly sourceUtc: number | undefined;
  readonly isHistory: boolean;
  readonly seq: number;
}

/** A simulated station on loopback and the driver that reads it, in real time. */
export class StationBench {
  readonly clock: Clock = new SystemClock();
  readonly profile: CompiledProfile;
  readonly seen: Seen[] = [];
  readonly events: PlantEvent[] = [];
  readonly commands: { readonly id: string; readonly value: number }[] = [];
  readonly driver: Iec61850Driver;
  station: SimulatedStation;
  failure: unknown;
  readonly #end = new AbortController();
  #serverEnd = new AbortController();
  #port = 0;
  #seq = 0;
  #run: Promise<void> | undefined;

  private constructor(profile: CompiledProfile, port: number, reports?: ReportState) {
    this.profile = profile;
    this.#port = port;
    this.station = this.#makeStation();
    this.driver = this.another(reports);
  }

  /** One more driver of the same station. */
  another(reports?: ReportState): Iec61850Driver {
    return new Iec61850Driver({
      device: deviceId("station"),
      profile: this.profile,
      firstPoint: FIRST_POINT,
      engine: new TsEngine({
        clock: this.clock,
        wheel: new TimerWheel(this.clock),
        cache: new TypeCache(),
      }),
      // The port is known when the server listens.
      endpoint: Object.defineProperty({ host: "127.0.0.1", port: 0 }, "port", {
        enumerable: true,
        get: () => this.#port,
      }),
      clock: this.clock,
      ...(reports === undefined ? {} : { reports }),
      onEvent: (event) => this.events.push(event),
    });
  }

  static async start(
    profile: CompiledProfile = stationProfile(),
    reports?: ReportState,
  ): Promise<StationBench> {
    const bench = new StationBench(profile, 0, reports);
    await bench.serve();
    bench.connect();
    return bench;
  }

  get port(): number {
    return this.#port;
  }

  get device(): IedDevice {
    const { device } = this.station;
    if (device === undefined) throw new Error("the station is not served");
    return device;
  }

  get lastSeq(): number {
    return this.#seq;
  }

  /** Opens the server, on its old port when it had one. */
  async serve(): Promise<void> {
    this.#serverEnd = new AbortController();
    const server = await this.station.open(
      { host: "127.0.0.1", port: this.#port, clock: this.clock },
      this.#serverEnd.signal,
    );
    this.#port = server.port;
  }

  /** Begins to read; what it ends with is kept. */
  connect(): void {
    this.failure = undefined;
    const attempt = this.driver.run((reading) => this.#take(reading), this.#end.signal);
    this.#run = attempt.catch((error: unknown) => {
      this.failure = error;
    });
  }

  /** The last value of a point, of those that are not history. */
  last(id: string): Seen | undefined {
    return this.seen.findLast((one) => one.id === id && !one.isHistory);
  }

  place(id: string): number {
    const point = this.profile.points.find((one) => one.id === id);
    if (point === undefined) throw new Error(`no point ${id}`);
    return FIRST_POINT + point.ordinal;
  }

  async stop(): Promise<void> {
    this.#end.abort();
    await this.#run;
    this.#serverEnd.abort();
  }

  #makeStation(): SimulatedStation {
    const { profile } = this;
    const facts = profile.iec61850;
    if (facts === undefined) throw new Error("not a profile of IEC 61850");
    const station = new SimulatedStation({ id: "station", profile, facts });
    station.listen((id, value) => this.commands.push({ id, value }));
    return station;
  }

  #take(reading: Reading): number {
    this.#seq += 1;
    for (const [at, place] of reading.points.entries()) {
      this.seen.push({
        id: this.profile.points[place - FIRST_POINT]?.id ?? "",
        value: reading.values[at] ?? Number.NaN,
        quality: reading.quality[at] ?? 255,
        sourceUtc: reading.sourceTimes?.[at],
        isHistory: reading.isHistory === true,
        seq: this.#seq,
      });
    }
    return this.#seq;
  }
}

export const FIRST_POINT = 100;
