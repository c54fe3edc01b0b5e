import type { SimulatedDevice } from "./device.ts";
import type {
  ChilledWaterState,
  ChillerInputs,
  ChillerState,
} from "./physics/thermal/chilled-water.ts";
import type { ThermalState } from "./physics/thermal/thermal-plant.ts";
import { at } from "./plant-list.ts";

const RUN = "run-command";
const SETPOINT = "secondary.supply-temperature-setpoint";

/** Joins one chiller of the plant model to its device. */
export class PlantChiller {
  readonly device: SimulatedDevice;
  readonly state: ChillerState;
  readonly #water: ChilledWaterState;
  readonly #inputs: ChillerInputs;
  readonly #commands: readonly string[];
  readonly #pens: ReturnType<typeof pensOf>;

  constructor(
    device: SimulatedDevice,
    state: Pick<ThermalState, "chilledWater" | "chillerInputs">,
    place: number,
  ) {
    this.device = device;
    this.state = at(state.chilledWater.chillers, place);
    this.#water = state.chilledWater;
    this.#inputs = at(state.chillerInputs, place);
    this.#commands = device.profile.points.find(({ id }) => id === RUN)?.texts ?? [];
    this.#pens = pensOf(device);
    device.setPoint(SETPOINT, this.#inputs.supplySetpointCel);
    device.listen({
      onWrite: (id, value) => {
        this.#onWrite(id, value);
      },
    });
  }

  fail(hasFailed: boolean): void {
    this.#inputs.hasFailed = hasFailed;
  }

  show(ambientCel: number): void {
    const { supplyCel, returnCel, demand, freeShare } = this.#water;
    const { mode, capacity } = this.state;
    const pens = this.#pens;
    const isCooling = capacity > 0;
    const load = demand * capacity;
    pens.state.setState(mode === "off" || mode === "failed" ? "standby" : "running");
    pens.health.setState(mode === "failed" ? "critical" : "ok");
    pens.supply.set(supplyCel);
    pens.return.set(returnCel);
    pens.setpoint.set(this.#inputs.supplySetpointCel);
    pens.compressor.set(100 * load * (1 - freeShare));
    pens.free.set(isCooling ? 100 * freeShare : 0);
    pens.fan.set(isCooling ? 100 * Math.sqrt(load) : 0);
    pens.ambient.set(ambientCel);
  }

  #onWrite(id: string, value: number): void {
    if (id === SETPOINT) this.#inputs.supplySetpointCel = value;
    if (id === RUN) this.#inputs.isWanted = this.#commands[value] === "start";
  }
}

function pensOf(device: SimulatedDevice) {
  return {
    state: device.pen("operating-state"),
    health: device.pen("health"),
    supply: device.pen("secondary.supply-temperature"),
    return: device.pen("secondary.return-temperature"),
    setpoint: device.pen("x-active-supply-setpoint"),
    compressor: device.pen("capacity-percent"),
    free: device.pen("x-free-cooling-percent"),
    fan: device.pen("fan-speed"),
    ambient: device.pen("x-ambient-temperature"),
  };
}
