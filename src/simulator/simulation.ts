import type { TlsOptions } from "node:tls";
import { assert } from "../domain/assert.ts";
import { type Clock, monotonicMs } from "../domain/time.ts";
import type { CompiledProfile } from "../profiles/binding.ts";
import type { ServerCounters } from "./connection.ts";
import { SimulatedDevice } from "./device.ts";
import { type Fault, parseFaultOrder } from "./faults.ts";
import { FleetValues } from "./fleet-values.ts";
import type { RegisterWords } from "./initial-image.ts";
import { ModbusServer, type ServerEndpoint } from "./modbus-server.ts";
import type { TimingPreset } from "./physics/parameters.ts";
import type { LoadMode, Surroundings } from "./physics/plant-model.ts";
import { type FaultMessage, parseOrder, type PlantOrder, type TripCause } from "./orders.ts";
import { countUp } from "./plant-bess.ts";
import { ScenePlayer } from "./scene-player.ts";
import { isSiteOrder, type Scene, sceneOf, type SceneStep } from "./scenes.ts";
import { StationHall } from "./station-hall.ts";
import type { SimulatedStation } from "./iec61850/station.ts";
import { Plant, type PlantSettings, type PlantSnapshot } from "./plant.ts";

export interface SimulationDevice {
  readonly id: string;
  readonly profile: CompiledProfile;
  readonly nominal: readonly RegisterWords[];
  /** Devices with the same `endpointKey` share one port. */
  readonly endpoint: SimulationEndpoint;
  readonly unitId: number;
  /** `fleet`: every value moves all the time, for benches. */
  readonly values?: "fleet";
}

export interface SimulationEndpoint extends ServerEndpoint {
  /** Needed only where several devices share a port that is 0. */
  readonly name?: string;
  /** Answers take the time of a serial line of this speed. */
  readonly serialBaud?: number;
}

/** A device of IEC 61850, on an endpoint of its own. */
export interface SimulationStation {
  readonly id: string;
  readonly profile: CompiledProfile;
  readonly host: string;
  readonly port: number;
  /** Served over TLS with these. */
  readonly tls?: TlsOptions;
}

export interface SimulationOptions {
  readonly devices: readonly SimulationDevice[];
  readonly stations?: readonly SimulationStation[];
  /** Undefined: the devices hold their first values. */
  readonly plant: PlantSettings | undefined;
  readonly clock: Clock;
  readonly seed: number;
  readonly preset: TimingPreset;
  /** How often the values of a fleet move. */
  readonly fleetEveryMs?: number;
  /** False: no port is opened, the devices are reached in memory; for virtual time. */
  readonly hasPorts?: boolean;
  /** Hears what a scene does, in its order. */
  readonly tell?: (event: SceneEvent) => void;
}

/** What somebody who watches a scene hears. */
export type SceneEvent =
  | { readonly kind: "begins" | "ends"; readonly scene: Scene }
  /** For a site order, the listener is the one who has to do it. */
  | { readonly kind: "step"; readonly step: SceneStep; readonly problem: string | undefined }
  /** This plant cannot bear what was set. */
  | { readonly kind: "warning"; readonly text: string };

export interface RunningSimulation {
  /** Port by `endpointKey`. */
  readonly ports: ReadonlyMap<string, number>;
  /** Resolves when the signal has aborted and every port is closed. */
  readonly finished: Promise<void>;
}

/** Counted since the start. */
export interface SimulationCounters {
  steps: number;
  /** Model time given up because the machine could not keep up, ms. */
  skippedMs: number;
}

const STEP_MS = 10;
/** Steps made up at once after a pause; what is beyond is skipped and counted. */
const CATCH_UP_STEPS_MAX = 50;
const DEVICE_TICK_MS = 100;
const SECOND_MS = 1000;
const FLEET_MS = 100;
/** Points that count the seconds of a device that no plant model moves. */
const SECOND_COUNTERS = ["heartbeat", "x-bms-heartbeat", "x-uptime"];

/** Name of the port that a device is behind: its endpoint's name, or host and port. */
export function endpointKey({ id, endpoint }: Pick<SimulationDevice, "id" | "endpoint">): string {
  if (endpoint.name !== undefined) return endpoint.name;
  return endpoint.port === 0 ? id : `${endpoint.host}:${endpoint.port}`;
}

/** Every device of a site as a real protocol server, moved by one plant model in real time. */
export class Simulation {
  readonly counters: SimulationCounters = { steps: 0, skippedMs: 0 };
  readonly #clock: Clock;
  readonly #devices = new Map<string, SimulatedDevice>();
  readonly #servers = new Map<string, ModbusServer>();
  readonly #serverOf = new Map<string, ModbusServer>();
  readonly #stations: StationHall;
  readonly #plant: Plant | undefined;
  readonly #jobs: readonly Job[];
  readonly #tell: (event: SceneEvent) => void;
  #playing: { readonly scene: Scene; readonly player: ScenePlayer } | undefined;
  #timed: ScenePlayer | undefined;
  #startedMs = 0;
  #steps = 0;
  #isStarted = false;

  constructor(options: SimulationOptions) {
    const { devices, plant, clock, preset, seed } = options;
    this.#clock = clock;
    this.#tell = options.tell ?? (() => undefined);
    for (const { id, profile, unitId, nominal } of devices) {
      assert(!this.#devices.has(id), `two devices named ${id}`);
      this.#devices.set(id, new SimulatedDevice({ id, profile, unitId, nominal }));
    }
    const all = [...this.#devices.values()];
    this.#plant = plant === undefined ? undefined : new Plant(plant, all, { preset, seed });
    if (options.hasPorts !== false) this.#makeServers(devices);
    this.#stations = new StationHall(options.stations ?? [], this.#plant);
    this.#jobs = this.#makeJobs(devices, options.fleetEveryMs ?? FLEET_MS);
  }

  /**
   * Opens every port, then runs the plant in real time until `signal` aborts.
   * @throws GatewayError PORT_IN_USE
   */
  async start(signal: AbortSignal): Promise<RunningSimulation> {
    assert(!this.#isStarted, "a simulation starts once");
    this.#isStarted = true;
    const ports = new Map<string, number>();
    try {
      for (const [key, server] of this.#servers) ports.set(key, await server.open());
      for (const [id, port] of await this.#stations.open(this.#clock, signal)) ports.set(id, port);
    } catch (error) {
      await this.#close();
      throw error;
    }
    return { ports, finished: this.#run(signal) };
  }

  device(id: string): SimulatedDevice {
    const device = this.#devices.get(id);
    assert(device !== undefined, `the simulation has no device ${id}`);
    return device;
  }

  station(id: string): SimulatedStation {
    return this.#stations.station(id);
  }

  /** Counters of the server that a device is behind. */
  serverCounters(id: string): Readonly<ServerCounters> {
    const server = this.#serverOf.get(id);
    assert(server !== undefined, `${id} has no server`);
    return server.counters;
  }

  /** The plant now; undefined when there is no plant. */
  snapshot(): PlantSnapshot | undefined {
    return this.#plant?.snapshot();
  }

  /** Sets the fault of a device; the one before is gone. Resolves when it is in force. */
  async fault(id: string, fault: Fault): Promise<void> {
    await this.#setFault(id, fault);
  }

  async clear(id: string): Promise<void> {
    await this.#setFault(id, undefined);
  }

  /**
   * Does what a message says; see `parseOrder`. Undefined when done, else the problem in a
   * sentence.
   */
  async order(message: unknown): Promise<string | undefined> {
    const order = parseOrder(message);
    return "problem" in order ? order.problem : this.#obey(order);
  }

  /** Plays these orders from now on, besides a scene. */
  schedule(steps: readonly SceneStep[]): void {
    this.#timed = new ScenePlayer(steps, this.#plant?.state.timeS ?? 0);
  }

  /** The plant has settled in this mode, and everything in it is whole. */
  begin(mode: LoadMode, start: Partial<Surroundings> = {}): void {
    const plant = this.#thePlant();
    plant.begin(mode, start);
    plant.startAt(this.#clock.now());
    this.#warn(plant);
  }

  load(mode: LoadMode): void {
    this.#thePlant().load(mode);
  }

  /** Frequency that a scenario asks for, as a deviation from nominal, Hz. */
  offsetFrequency(offsetHz: number): void {
    this.#thePlant().offsetFrequency(offsetHz);
  }

  /** Trips a battery; see `PlantBess.clearCause` for what ends it. */
  trip(id: string, cause: TripCause): void {
    this.#thePlant().trip(id, cause);
  }

  clearCause(id: string): void {
    this.#thePlant().clearCause(id);
  }

  /** Lets the plant run for `seconds` of its own time at once: to settle before the start. */
  settle(seconds: number): void {
    const plant = this.#thePlant();
    for (let left = Math.round((seconds * 1000) / STEP_MS); left > 0; left -= 1) {
      plant.step(STEP_MS / 1000);
    }
    plant.startAt(this.#clock.now());
  }

  async #obey(order: PlantOrder): Promise<string | undefined> {
    if ("device" in order) return this.#obeyFault(order);
    if (this.#plant === undefined) return "this site has no grid meter, so it has no plant";
    if ("scene" in order) return this.#beginScene(order.scene);
    const problem = this.#plant.order(order);
    if ("inferenceW" in order) this.#warn(this.#plant);
    return problem;
  }

  async #obeyFault(message: FaultMessage): Promise<string | undefined> {
    if (this.#stations.has(message.device)) return this.#stations.obey(message);
    const order = parseFaultOrder(message);
    if ("problem" in order) return order.problem;
    if (!this.#devices.has(order.device)) return `there is no device ${order.device}`;
    await this.#setFault(order.device, order.fault);
    return undefined;
  }

  /** The one before is over, its faults are gone; the plant has settled in the new one's start. */
  async #beginScene(number: number): Promise<string | undefined> {
    const scene = sceneOf(number);
    if (scene === undefined) return `there is no scene ${number}`;
    const plant = this.#thePlant();
    for (const [id, device] of this.#devices) {
      if (device.fault !== undefined) await this.#setFault(id, undefined);
    }
    plant.begin(scene.start);
    this.#playing = { scene, player: ScenePlayer.of(scene, plant.state.timeS) };
    this.#tell({ kind: "begins", scene });
    this.#warn(plant);
    return undefined;
  }

  #warn(plant: Plant): void {
    const text = plant.upsWarning();
    if (text !== undefined) this.#tell({ kind: "warning", text });
  }

  /** Obeys what is due. Faults of servers come into force a moment later: nobody waits for them. */
  #playDue(plant: Plant): void {
    this.#playStepsOf(this.#timed, plant);
    if (this.#playing === undefined) return;
    const { scene, player } = this.#playing;
    this.#playStepsOf(player, plant);
    if (!player.isOver(plant.state.timeS)) return;
    this.#playing = undefined;
    this.#tell({ kind: "ends", scene });
  }

  #playStepsOf(player: ScenePlayer | undefined, plant: Plant): void {
    if (player === undefined) return;
    for (;;) {
      const step = player.take(plant.state.timeS);
      if (step === undefined) return;
      if (isSiteOrder(step.order)) this.#tell({ kind: "step", step, problem: undefined });
      else
        void this.#obey(step.order).then((problem) => {
          this.#tell({ kind: "step", step, problem });
        });
    }
  }

  async #run(signal: AbortSignal): Promise<void> {
    this.#startedMs = this.#clock.now();
    this.#plant?.startAt(this.#startedMs);
    for (const job of this.#jobs) job.dueMs = this.#startedMs;
    try {
      while (!signal.aborted) {
        this.#catchUp(this.#clock.now());
        const nextMs = this.#startedMs + (this.#steps + 1) * STEP_MS;
        await this.#clock.sleep(Math.max(0, nextMs - this.#clock.now()), signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      await this.#close();
    }
  }

  /** Makes every step that is due; deadlines are absolute, so that no time is lost in between. */
  #catchUp(nowMs: number): void {
    const due = Math.floor((nowMs - this.#startedMs) / STEP_MS) - this.#steps;
    const steps = Math.min(due, CATCH_UP_STEPS_MAX);
    if (due > steps) {
      const skippedMs = (due - steps) * STEP_MS;
      this.#startedMs += skippedMs;
      this.counters.skippedMs += skippedMs;
    }
    if (this.#plant !== undefined) {
      for (let step = 0; step < steps; step += 1) this.#stepPlant(this.#plant);
      this.#plant.startAt(this.#startedMs + (this.#steps + steps) * STEP_MS);
    }
    this.#steps += steps;
    this.counters.steps += steps;
    for (const job of this.#jobs) {
      if (nowMs < job.dueMs) continue;
      job.run(nowMs);
      job.dueMs = Math.max(job.dueMs + job.everyMs, nowMs);
    }
  }

  #stepPlant(plant: Plant): void {
    const speed = this.#playing?.scene.speed ?? 1;
    if (speed === 1) plant.step(STEP_MS / 1000);
    else plant.fastForward((speed * STEP_MS) / 1000);
    this.#playDue(plant);
  }

  #makeServers(devices: readonly SimulationDevice[]): void {
    for (const [key, members] of groupBy(devices, endpointKey)) {
      const [first] = members;
      if (first === undefined) continue;
      const served = members.map(({ id }) => this.device(id));
      const { endpoint } = first;
      const server = new ModbusServer({
        endpoint,
        devices: served,
        clock: this.#clock,
        serialBaud: endpoint.serialBaud,
      });
      this.#servers.set(key, server);
      for (const { id } of members) this.#serverOf.set(id, server);
    }
  }

  #makeJobs(devices: readonly SimulationDevice[], fleetEveryMs: number): Job[] {
    const all = [...this.#devices.values()];
    const counting = all.filter(
      ({ profile }) => this.#plant === undefined || profile.deviceClass !== "bess",
    );
    const jobs: Job[] = [
      {
        everyMs: DEVICE_TICK_MS,
        dueMs: 0,
        run: (nowMs) => {
          for (const device of all) device.tick(nowMs);
          this.#stations.show();
        },
      },
      {
        everyMs: SECOND_MS,
        dueMs: 0,
        run: () => {
          for (const device of counting) for (const id of SECOND_COUNTERS) countUp(device, id);
        },
      },
    ];
    const fleet = devices.filter(({ values }) => values === "fleet");
    if (fleet.length === 0) return jobs;
    const values = new FleetValues(fleet.map(({ id }) => this.device(id)));
    const run = (nowMs: number): void => {
      values.update(monotonicMs(nowMs));
    };
    return [...jobs, { everyMs: fleetEveryMs, dueMs: 0, run }];
  }

  async #setFault(id: string, fault: Fault | undefined): Promise<void> {
    const device = this.device(id);
    device.setFault(fault, this.#clock.now());
    await this.#serverOf.get(id)?.faultsChanged(device);
  }

  #thePlant(): Plant {
    assert(this.#plant !== undefined, "this simulation has no plant");
    return this.#plant;
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#servers.values()].map(async (server) => server.close()));
    await this.#stations.close();
  }
}

/** Something that is done again and again while the simulation runs. */
interface Job {
  readonly everyMs: number;
  dueMs: number;
  readonly run: (nowMs: number) => void;
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): ReadonlyMap<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
}
