import type { PointTable } from "../domain/point.ts";
import type { UtcMs } from "../domain/time.ts";
import { ENUM_TEXTS } from "../domain/vocabulary/vocabulary.ts";
import {
  type DevicePoints,
  devicesOfClass,
  documentHead,
  encodeDocument,
  type JsonObject,
  largestOf,
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

const BATTERY: ReadonlySet<string> = new Set(["bess"]);
/** Power smaller than this share of the present limit is rest, not work. */
const STANDBY_SHARE = 0.005;
/** Used where no limit is known, W. */
const STANDBY_W = 1_000;

export type BatteryOperatingStatus =
  "charging" | "discharging" | "standby" | "maintenance" | "fault";

/**
 * The message of topic `battery/status`: the batteries of the site as one, and each of them. Rates
 * are what the batteries allow now, not their name plates; power is positive discharging. Charge is
 * weighed by capacity; of temperatures the hottest, of states the worst counts.
 */
export class BatteryStatus {
  readonly #speaker: Speaker;
  readonly #group: string;
  readonly #batteries: readonly DevicePoints[];
  #sequence = 0;

  /** @param group name under which the batteries are commanded together */
  constructor(table: PointTable, speaker: Speaker, group: string) {
    this.#speaker = speaker;
    this.#group = group;
    this.#batteries = devicesOfClass(table, BATTERY);
  }

  encode(plant: PlantColumns, at: UtcMs): Uint8Array {
    this.#sequence += 1;
    const each = this.#batteries.map((battery) => readBattery(battery, plant));
    return encodeDocument({
      ...documentHead(this.#speaker, "battery_status", at, `battery-${this.#sequence}`),
      battery_id: this.#group,
      ...facts(combine(each)),
      batteries: each.map((battery, index) => ({
        battery_id: this.#batteries[index]?.id ?? "",
        ...facts(battery),
      })),
    });
  }
}

interface BatteryFacts {
  readonly charge: Reported;
  readonly powerW: Reported;
  readonly chargeLimitW: Reported;
  readonly dischargeLimitW: Reported;
  readonly capacityWh: Reported;
  readonly availableWh: Reported;
  readonly temperature: Reported;
  readonly status: BatteryOperatingStatus | undefined;
  readonly statusReason: string | undefined;
}

function readBattery(battery: DevicePoints, plant: PlantColumns): BatteryFacts {
  const read = (name: string): Reported => battery.read(plant, name);
  const powerW = read("active-power");
  const dischargeLimitW = read("discharge-power-limit");
  const hottest = battery.has("cell-temperature.maximum")
    ? read("cell-temperature.maximum")
    : read("battery-temperature");
  const state = read("operating-state");
  return {
    charge: read("state-of-charge"),
    powerW,
    chargeLimitW: read("charge-power-limit"),
    dischargeLimitW,
    capacityWh: read("energy-capacity"),
    availableWh: read("energy-available"),
    temperature: hottest,
    status: operatingStatus(state, powerW, dischargeLimitW),
    statusReason: state.reason ?? powerW.reason,
  };
}

function facts(battery: BatteryFacts): JsonObject {
  const { status, statusReason = "not-measured" } = battery;
  const values = {
    current_charge_level_percent: battery.charge,
    current_power_mw: megawatts(battery.powerW),
    max_charge_rate_mw: megawatts(battery.chargeLimitW),
    max_discharge_rate_mw: megawatts(battery.dischargeLimitW),
    estimated_runtime_hours: runtimeHours(battery),
    temperature_c: battery.temperature,
  };
  return {
    operating_status: status ?? null,
    ...members(values, status === undefined ? { operating_status: statusReason } : {}),
  };
}

/** How long the present discharge can go on; there is none to tell while nothing is discharged. */
function runtimeHours({ powerW, availableWh, status }: BatteryFacts): Reported {
  if (powerW.value === undefined) return powerW;
  if (availableWh.value === undefined) return availableWh;
  if (status !== "discharging" || powerW.value <= 0) return unreported("not-discharging");
  return reported(Math.round((availableWh.value / powerW.value) * 1_000) / 1_000);
}

function operatingStatus(
  state: Reported,
  power: Reported,
  limit: Reported,
): BatteryOperatingStatus | undefined {
  const name = ENUM_TEXTS.get("operating-state")?.[state.value ?? -1];
  if (name === "fault" || name === "maintenance") return name;
  if (power.value === undefined || state.value === undefined) return undefined;
  const restW = Math.max((limit.value ?? 0) * STANDBY_SHARE, STANDBY_W);
  if (power.value > restW) return "discharging";
  return power.value < -restW ? "charging" : "standby";
}

function combine(each: readonly BatteryFacts[]): BatteryFacts {
  const parts = (pick: (battery: BatteryFacts) => Reported): readonly Reported[] => each.map(pick);
  const powerW = sumOf(parts((battery) => battery.powerW));
  const dischargeLimitW = sumOf(parts((battery) => battery.dischargeLimitW));
  const unknown = each.find((battery) => battery.status === undefined);
  return {
    charge: weighedCharge(each),
    powerW,
    chargeLimitW: sumOf(parts((battery) => battery.chargeLimitW)),
    dischargeLimitW,
    capacityWh: sumOf(parts((battery) => battery.capacityWh)),
    availableWh: sumOf(parts((battery) => battery.availableWh)),
    temperature: largestOf(parts((battery) => battery.temperature)),
    status: groupStatus(each, powerW, dischargeLimitW),
    statusReason: unknown?.statusReason ?? "not-measured",
  };
}

function groupStatus(
  each: readonly BatteryFacts[],
  power: Reported,
  limit: Reported,
): BatteryOperatingStatus | undefined {
  for (const worst of ["fault", "maintenance"] as const) {
    if (each.some((battery) => battery.status === worst)) return worst;
  }
  if (each.length === 0 || each.some((battery) => battery.status === undefined)) return undefined;
  return operatingStatus(reported(0), power, limit);
}

function weighedCharge(each: readonly BatteryFacts[]): Reported {
  const stored = sumOf(
    each.map(({ charge, capacityWh }) =>
      capacityWh.value === undefined ? capacityWh : scaled(charge, capacityWh.value),
    ),
  );
  const capacity = sumOf(each.map((battery) => battery.capacityWh));
  if (stored.value === undefined || capacity.value === undefined) return stored;
  return capacity.value > 0 ? reported(stored.value / capacity.value) : unreported("no-capacity");
}
