import type { PointTable } from "../domain/point.ts";
import type { UtcMs } from "../domain/time.ts";
import { ENUM_TEXTS } from "../domain/vocabulary/vocabulary.ts";
import {
  type DevicePoints,
  devicesOfClass,
  documentHead,
  encodeDocument,
  type JsonObject,
  KPA_PER_BAR,
  megawatts,
  members,
  type PlantColumns,
  type Reported,
  scaled,
  type Speaker,
  sumOf,
} from "./document.ts";

const COOLING: ReadonlySet<string> = new Set([
  "cdu",
  "chiller",
  "crah",
  "cooling-tower",
  "heat-exchanger",
]);
const HEAT_METER: ReadonlySet<string> = new Set(["heat-meter"]);
const AIR: ReadonlySet<string> = new Set(["crah"]);

/** Heat above this counts as delivery to the city, W. */
const DELIVERY_W = 1_000;

/**
 * The message of topic `thermal/status`. Inlet is the coolant on its way to the load, outlet the
 * coolant that comes back from it. A field that a device does not measure is left out; one that is
 * not good is null with its reason.
 */
export class ThermalStatus {
  readonly #speaker: Speaker;
  readonly #systems: readonly DevicePoints[];
  readonly #heatMeters: readonly DevicePoints[];
  #sequence = 0;

  constructor(table: PointTable, speaker: Speaker) {
    this.#speaker = speaker;
    this.#systems = devicesOfClass(table, COOLING);
    this.#heatMeters = devicesOfClass(table, HEAT_METER);
  }

  encode(plant: PlantColumns, at: UtcMs): Uint8Array {
    this.#sequence += 1;
    const head = documentHead(this.#speaker, "thermal_status", at, `thermal-${this.#sequence}`);
    return encodeDocument({
      ...head,
      measurement_timestamp: head["timestamp"] ?? null,
      cooling_systems: this.#systems.map((system) => coolingSystem(system, plant)),
      ...(this.#heatMeters.length === 0 ? {} : { heat_recovery: this.#heatRecovery(plant) }),
    });
  }

  #heatRecovery(plant: PlantColumns): JsonObject {
    const heatW = sumOf(this.#heatMeters.map((meter) => meter.read(plant, "heat-rate")));
    const [first] = this.#heatMeters;
    const temperatures =
      first === undefined
        ? {}
        : measured(first, plant, [
            ["supply_temp_c", "supply-temperature"],
            ["return_temp_c", "return-temperature"],
          ]);
    return {
      municipal_interface_active: heatW.value === undefined ? null : heatW.value > DELIVERY_W,
      ...members({ heat_delivered_mw: megawatts(heatW), ...temperatures }),
    };
  }
}

function coolingSystem(system: DevicePoints, plant: PlantColumns): JsonObject {
  const isAir = AIR.has(system.deviceClass);
  const side = isAir ? "" : "secondary.";
  const air = isAir ? "-air" : "";
  const known = measured(system, plant, [
    ["inlet_temp_c", `${side}supply${air}-temperature`],
    ["outlet_temp_c", `${side}return${air}-temperature`],
    ["flow_rate_lpm", "secondary.flow"],
    ["vapor_quality_percent", "vapor-quality"],
    ["condensation_temp_c", "condensation-temperature"],
  ]);
  if (system.has("secondary.supply-pressure")) {
    const pressure = system.read(plant, "secondary.supply-pressure");
    known["pressure_bar"] = scaled(pressure, 1 / KPA_PER_BAR);
  }
  if (system.has("heat-rate")) known["heat_load_mw"] = megawatts(system.read(plant, "heat-rate"));
  const { status, reason } = systemStatus(system, plant);
  return {
    system_id: system.id,
    equipment_class: system.deviceClass,
    type: systemType(system),
    status: status ?? null,
    ...members(known, reason === undefined ? {} : { status: reason }),
  };
}

function systemType(system: DevicePoints): string {
  if (AIR.has(system.deviceClass)) return "air";
  const isTwoPhase = system.has("vapor-quality") || system.has("phase-change-detected");
  return isTwoPhase ? "two_phase" : "single_phase";
}

/** From the device's own state; from its flow where it tells none. */
function systemStatus(
  system: DevicePoints,
  plant: PlantColumns,
): { readonly status: string | undefined; readonly reason: string | undefined } {
  if (system.has("operating-state")) {
    const { value, reason } = system.read(plant, "operating-state");
    if (value === undefined) return { status: undefined, reason };
    const name = ENUM_TEXTS.get("operating-state")?.[value] ?? "unknown";
    return { status: name === "running" ? "operational" : name, reason: undefined };
  }
  const { value, reason } = system.read(plant, "secondary.flow");
  if (value === undefined) return { status: undefined, reason };
  return { status: value > 0 ? "operational" : "standby", reason: undefined };
}

/** The fields whose points the device has. */
function measured(
  device: DevicePoints,
  plant: PlantColumns,
  fields: readonly (readonly [field: string, point: string])[],
): Record<string, Reported> {
  return Object.fromEntries(
    fields
      .filter(([, point]) => device.has(point))
      .map(([field, point]) => [field, device.read(plant, point)]),
  );
}
