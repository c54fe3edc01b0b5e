import type { SimulatedDevice } from "./device.ts";
import type { HeatState } from "./physics/thermal/heat-delivery.ts";
import type { HeatParameters } from "./physics/thermal/parameters.ts";

const S_PER_H = 3600;
const S_PER_MIN = 60;

/** The meter of the heat that the city gets: what flows, and what it has counted. */
export class PlantHeatMeter {
  readonly #heat: HeatState;
  readonly #parameters: HeatParameters;
  readonly #pens: ReturnType<typeof pensOf>;
  #energyWh: number;
  #volumeL: number;

  constructor(device: SimulatedDevice, heat: HeatState, parameters: HeatParameters) {
    this.#heat = heat;
    this.#parameters = parameters;
    this.#pens = pensOf(device);
    this.#energyWh = device.readNumber("heat-energy", 0);
    this.#volumeL = device.readNumber("volume-total", 0);
  }

  /** Counts one step of `dtS`. */
  count(dtS: number): void {
    this.#energyWh += (this.#heat.deliveredW * dtS) / S_PER_H;
    this.#volumeL += (this.#heat.flowLPerMin * dtS) / S_PER_MIN;
  }

  show(): void {
    const { deliveredW, flowLPerMin, supplyCel } = this.#heat;
    this.#pens.rate.set(deliveredW);
    this.#pens.flow.set(flowLPerMin);
    this.#pens.supply.set(supplyCel);
    this.#pens.return.set(this.#parameters.returnCel);
    this.#pens.energy.set(this.#energyWh);
    this.#pens.volume.set(this.#volumeL);
  }
}

function pensOf(device: SimulatedDevice) {
  return {
    rate: device.pen("heat-rate"),
    flow: device.pen("flow"),
    supply: device.pen("supply-temperature"),
    return: device.pen("return-temperature"),
    energy: device.pen("heat-energy"),
    volume: device.pen("volume-total"),
  };
}
