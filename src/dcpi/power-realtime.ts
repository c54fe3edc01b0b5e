import type { PointTable } from "../domain/point.ts";
import type { UtcMs } from "../domain/time.ts";
import {
  DevicePoints,
  devicesOfClass,
  documentHead,
  encodeDocument,
  type JsonObject,
  megawatts,
  members,
  type PlantColumns,
  reported,
  type Reported,
  scaled,
  type Speaker,
  sumOf,
  unreported,
} from "./document.ts";

const GRID: ReadonlySet<string> = new Set(["grid-connection"]);
const BATTERY: ReadonlySet<string> = new Set(["bess"]);
const GENERATOR: ReadonlySet<string> = new Set(["genset"]);

/** Voltage this near to nominal, as a share, is `normal`; then `warning`; then `critical`. */
export const VOLTAGE_NORMAL_SHARE = 0.05;
export const VOLTAGE_WARNING_SHARE = 0.1;

/** What only the site knows about its meters. Devices whose active power makes up each part. */
export interface PowerMeters {
  readonly compute: readonly string[];
  readonly cooling: readonly string[];
  readonly infrastructure: readonly string[];
  /** Line-to-line at the grid meter, V; undefined: voltage stability is not told. */
  readonly nominalVoltageV: number | undefined;
}

/**
 * The message of topic `power/realtime`: what the facility draws now, all of it from the newest
 * image. `total_power_mw` is consumption: grid import plus what batteries and generators deliver.
 * It is null with its reason when any of these is not good; nothing is filled by an older value.
 */
export class PowerRealtime {
  readonly #speaker: Speaker;
  readonly #meters: PowerMeters;
  readonly #grid: readonly DevicePoints[];
  readonly #batteries: readonly DevicePoints[];
  readonly #generators: readonly DevicePoints[];
  readonly #byId: ReadonlyMap<string, DevicePoints>;
  #sequence = 0;

  constructor(table: PointTable, speaker: Speaker, meters: PowerMeters) {
    this.#speaker = speaker;
    this.#meters = meters;
    this.#grid = devicesOfClass(table, GRID);
    this.#batteries = devicesOfClass(table, BATTERY);
    this.#generators = devicesOfClass(table, GENERATOR);
    this.#byId = new Map(
      table.devices.map((device) => [device.id, new DevicePoints(table, device)]),
    );
  }

  encode(plant: PlantColumns, at: UtcMs): Uint8Array {
    this.#sequence += 1;
    const head = documentHead(this.#speaker, "power_realtime", at, `power-${this.#sequence}`);
    const gridW = activePower(this.#grid, plant);
    const batteryW = activePower(this.#batteries, plant);
    const sources = [gridW];
    if (this.#batteries.length > 0) sources.push(batteryW);
    if (this.#generators.length > 0) sources.push(activePower(this.#generators, plant));
    return encodeDocument({
      ...head,
      measurement_timestamp: head["timestamp"] ?? null,
      ...members({
        total_power_mw: megawatts(sumOf(sources)),
        grid_import_mw: megawatts(gridW),
        ...(this.#batteries.length > 0 ? { battery_power_mw: megawatts(batteryW) } : {}),
      }),
      power_quality: this.#powerQuality(plant),
      ...this.#breakdown(plant),
    });
  }

  #powerQuality(plant: PlantColumns): JsonObject {
    const [meter] = this.#grid;
    if (meter === undefined) return {};
    const known: Record<string, Reported> = {
      frequency_hz: meter.read(plant, "frequency"),
      power_factor: powerFactor(meter, plant),
      voltage_v: meter.read(plant, "voltage-ll"),
    };
    if (meter.has("thd.voltage")) known["thd_percent"] = meter.read(plant, "thd.voltage");
    const stability = this.#voltageStability(meter.read(plant, "voltage-ll"));
    return {
      ...members(known),
      ...(stability === undefined ? {} : { voltage_stability: stability }),
    };
  }

  #voltageStability(voltage: Reported): string | undefined {
    const nominalV = this.#meters.nominalVoltageV;
    if (nominalV === undefined || voltage.value === undefined) return undefined;
    const share = Math.abs(voltage.value / nominalV - 1);
    if (share <= VOLTAGE_NORMAL_SHARE) return "normal";
    return share <= VOLTAGE_WARNING_SHARE ? "warning" : "critical";
  }

  /** Left out where the site has not said which meters there are. */
  #breakdown(plant: PlantColumns): JsonObject {
    const { compute, cooling, infrastructure } = this.#meters;
    const parts = {
      compute_load_mw: compute,
      cooling_systems_mw: cooling,
      infrastructure_mw: infrastructure,
    };
    const known = Object.entries(parts)
      .filter(([, meters]) => meters.length > 0)
      .map(([name, meters]): [string, Reported] => [
        name,
        megawatts(this.#sumOfMeters(meters, plant)),
      ]);
    return known.length === 0 ? {} : { power_breakdown: members(Object.fromEntries(known)) };
  }

  #sumOfMeters(meters: readonly string[], plant: PlantColumns): Reported {
    return sumOf(
      meters.map(
        (id) => this.#byId.get(id)?.read(plant, "active-power") ?? unreported("not-measured"),
      ),
    );
  }
}

function activePower(devices: readonly DevicePoints[], plant: PlantColumns): Reported {
  return sumOf(devices.map((device) => device.read(plant, "active-power")));
}

/** As measured, else from active and reactive power. */
function powerFactor(meter: DevicePoints, plant: PlantColumns): Reported {
  if (meter.has("power-factor")) return meter.read(plant, "power-factor");
  const active = meter.read(plant, "active-power");
  const reactive = meter.read(plant, "reactive-power");
  if (active.value === undefined) return active;
  if (reactive.value === undefined) return reactive;
  const apparent = Math.hypot(active.value, reactive.value);
  if (apparent === 0) return unreported("no-load");
  return scaled(reported(Math.round((active.value / apparent) * 10_000)), 0.0001);
}
