import type { SimulatedDevice } from "./device.ts";
import type { GridState } from "./physics/grid.ts";
import type { UpsParameters } from "./physics/parameters.ts";
import { isOverloaded, upsRuntimeS, type UpsMode, type UpsState } from "./physics/ups.ts";

const OUTPUT_V = 230;
/** Behind the transformers, at nominal voltage. */
const INPUT_LL_V = 415;
const POWER_FACTOR = 0.98;
const OUTPUT_HZ = 50;
/** Battery string: full and resting, and what it loses until it is empty. */
const STRING_V = 432;
const STRING_DROP_V = 60;
/** A unit that feeds nothing shows this, s. */
const RUNTIME_MAX_S = 86_400;
const HEAVY_OVERLOAD = 1.1;

/** Bits of the status and alarm words that the register map documents. */
const BATTERY_LOW_BIT = 1 << 6;
const OVERLOAD_BITS = { none: 0, light: 1 << 5, heavy: 1 << 3 } as const;

export interface UpsSnapshot {
  readonly id: string;
  readonly mode: UpsMode;
  readonly outputW: number;
  readonly inputW: number;
  readonly loadPercent: number;
  /** 0 to 1. */
  readonly soc: number;
  /** At the present load, s; undefined: the unit feeds nothing. */
  readonly runtimeS: number | undefined;
}

/** Joins one UPS of the plant model to its device: it takes no commands. */
export class PlantUps {
  readonly device: SimulatedDevice;
  readonly state: UpsState;
  readonly #parameters: UpsParameters;
  readonly #nominalV: number;
  readonly #pens: ReturnType<typeof pensOf>;

  /** @param nominalV line-to-line voltage that stands for 100 % at the input */
  constructor(
    device: SimulatedDevice,
    state: UpsState,
    parameters: UpsParameters,
    nominalV: number,
  ) {
    this.device = device;
    this.state = state;
    this.#parameters = parameters;
    this.#nominalV = nominalV;
    this.#pens = pensOf(device);
  }

  show({ voltageV, frequencyHz }: Pick<GridState, "voltageV" | "frequencyHz">): void {
    const { state } = this;
    const pens = this.#pens;
    const inputV = (voltageV / this.#nominalV) * INPUT_LL_V;
    const isFeeding = state.mode !== "off";
    pens.state.setState(state.mode);
    pens.power.set(state.outputW);
    pens.apparent.set(state.outputW / POWER_FACTOR);
    pens.load.set((100 * state.outputW) / this.#parameters.ratingW);
    pens.voltage.set(isFeeding ? OUTPUT_V : 0);
    pens.frequency.set(this.#outputHz(frequencyHz));
    pens.inputVoltage.set(inputV);
    pens.inputPhase.set(inputV / Math.sqrt(3));
    pens.inputFrequency.set(frequencyHz);
    pens.inputPower.set(state.inputW);
    pens.bypassVoltage.set(inputV);
    pens.bypassPhase.set(inputV / Math.sqrt(3));
    pens.bypassFrequency.set(frequencyHz);
    pens.bypassAvailable.set(voltageV > 0 ? 1 : 0);
    this.#showBattery();
  }

  snapshot(): UpsSnapshot {
    const { state } = this;
    return {
      id: this.device.id,
      mode: state.mode,
      outputW: state.outputW,
      inputW: state.inputW,
      loadPercent: (100 * state.outputW) / this.#parameters.ratingW,
      soc: this.#soc(),
      runtimeS: upsRuntimeS(state, this.#parameters),
    };
  }

  #showBattery(): void {
    const { state } = this;
    const pens = this.#pens;
    const soc = this.#soc();
    const runtimeS = upsRuntimeS(state, this.#parameters) ?? RUNTIME_MAX_S;
    pens.dcVoltage.set(STRING_V - STRING_DROP_V * (1 - soc));
    pens.soc.set(100 * soc);
    pens.runtime.set(Math.min(runtimeS, RUNTIME_MAX_S));
    pens.charger.setState(this.#chargerState());
    pens.flags.set(soc <= this.#parameters.lowSoc ? BATTERY_LOW_BIT : 0);
    pens.overloadBits.set(OVERLOAD_BITS[this.#overload()]);
    pens.overload.set(isOverloaded(state, this.#parameters) ? 1 : 0);
  }

  #soc(): number {
    return this.state.energyWh / this.#parameters.batteryWh;
  }

  /** The inverter makes its own; the bypass passes on what comes. */
  #outputHz(inputHz: number): number {
    if (this.state.mode === "off") return 0;
    return this.state.mode === "static-bypass" ? inputHz : OUTPUT_HZ;
  }

  #chargerState(): string {
    if (this.state.dischargeW > 0) return "discharging";
    return this.state.rechargeW > 0 ? "equalizing" : "float-charging";
  }

  #overload(): keyof typeof OVERLOAD_BITS {
    if (!isOverloaded(this.state, this.#parameters)) return "none";
    return this.state.outputW > HEAVY_OVERLOAD * this.#parameters.ratingW ? "heavy" : "light";
  }
}

function pensOf(device: SimulatedDevice) {
  return {
    state: device.pen("ups-state"),
    power: device.pen("active-power"),
    apparent: device.pen("apparent-power"),
    load: device.pen("load-percent"),
    voltage: device.pen("voltage-ln"),
    frequency: device.pen("frequency"),
    inputVoltage: device.pen("input.voltage-ll"),
    inputPhase: device.pen("x-input-voltage"),
    inputFrequency: device.pen("input.frequency"),
    inputPower: device.pen("input.active-power"),
    bypassVoltage: device.pen("bypass.voltage-ll"),
    bypassPhase: device.pen("x-bypass-voltage"),
    bypassFrequency: device.pen("x-bypass-frequency"),
    bypassAvailable: device.pen("bypass-available"),
    dcVoltage: device.pen("dc.voltage"),
    soc: device.pen("state-of-charge"),
    runtime: device.pen("battery-runtime"),
    charger: device.pen("x-charger-state"),
    flags: device.pen("x-status-flags"),
    overload: device.pen("overload"),
    overloadBits: device.pen("x-alarm-word-40173"),
  };
}
