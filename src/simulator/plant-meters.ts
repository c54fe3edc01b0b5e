import type { SimulatedDevice } from "./device.ts";
import type { MeterState } from "./physics/meter.ts";
import type { PointPen } from "./point-pen.ts";

/** What a meter of the plant measures. */
export type MeterRole = "grid" | "training" | "ups" | "mechanical";

const PHASES = ["l1", "l2", "l3"] as const;

/** Joins one meter of the plant model to its device; the three phases share the power equally. */
export class PlantMeter {
  readonly #meter: MeterState;
  readonly #voltageRatio: number;
  readonly #pens: ReturnType<typeof pensOf>;

  /** @param voltageRatio voltage at the meter, part of that of the bus */
  constructor(device: SimulatedDevice, meter: MeterState, voltageRatio: number) {
    this.#meter = meter;
    this.#voltageRatio = voltageRatio;
    this.#pens = pensOf(device);
  }

  /** The registers show the meter's last reading. */
  show(): void {
    const pens = this.#pens;
    const meter = this.#meter;
    const phaseV = (meter.voltageV * this.#voltageRatio) / Math.sqrt(3);
    const apparentVa = Math.hypot(meter.activeW, meter.reactiveVar);
    pens.active.set(meter.activeW);
    pens.reactive.set(meter.reactiveVar);
    pens.apparent.set(apparentVa);
    pens.frequency.set(meter.frequencyHz);
    setAll(pens.voltages, phaseV);
    setAll(pens.currents, phaseV > 0 ? apparentVa / (3 * phaseV) : 0);
    setAll(pens.powers, meter.activeW / 3);
    pens.forward.set(meter.forwardWh);
    pens.reverse.set(meter.reverseWh);
  }
}

function setAll(pens: readonly PointPen[], value: number): void {
  for (const pen of pens) pen.set(value);
}

function pensOf(device: SimulatedDevice) {
  const phases = (name: string) => PHASES.map((phase) => device.pen(`${name}.${phase}`));
  return {
    active: device.pen("active-power"),
    reactive: device.pen("reactive-power"),
    apparent: device.pen("apparent-power"),
    frequency: device.pen("frequency"),
    voltages: phases("voltage"),
    currents: phases("current"),
    powers: phases("active-power"),
    forward: device.pen("energy.forward"),
    reverse: device.pen("energy.reverse"),
  };
}
