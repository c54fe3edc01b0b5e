import type { CoolingDemand, CoolingHalf, CoolingOrder, CoolingSnapshot } from "./cooling-half.ts";
import type { SimulatedDevice } from "./device.ts";
import type { PlantParameters } from "./physics/parameters.ts";
import { RoomAir } from "./physics/thermal/room.ts";
import { thermalParameters, type ThermalParameters } from "./physics/thermal/parameters.ts";
import {
  cduPumpsW,
  mechanicalW,
  settleThermal,
  stepThermal,
  thermalState,
  type ThermalState,
} from "./physics/thermal/thermal-plant.ts";
import { PlantCdu } from "./plant-cdu.ts";
import { PlantChiller } from "./plant-chiller.ts";
import { PlantHeatMeter } from "./plant-heat-meter.ts";
import { PlantRoomSensor } from "./plant-room-sensor.ts";

/**
 * Cooling and heat delivery joined to the devices that measure and move them, found by their class:
 * `cdu`, `chiller`, `heat-meter`, `environment-sensor`. Units that no device stands for are there
 * all the same, and run as they should.
 */
export class PlantCooling implements CoolingHalf {
  readonly power = { cduPumpsW: 0, mechanicalW: 0 };
  readonly state: ThermalState;
  readonly parameters: ThermalParameters;
  readonly #cdus: readonly PlantCdu[];
  readonly #chillers: readonly PlantChiller[];
  readonly #heatMeters: readonly PlantHeatMeter[];
  readonly #sensors: readonly PlantRoomSensor[];
  readonly #room: RoomAir;
  #ambientCel = 0;

  constructor(devices: readonly SimulatedDevice[], plant: Pick<PlantParameters, "heatRatingW">) {
    const ofClass = (name: string): readonly SimulatedDevice[] =>
      devices.filter(({ profile }) => profile.deviceClass === name);
    const cdus = ofClass("cdu");
    const chillers = ofClass("chiller");
    const units = { cdus: cdus.length, chillers: chillers.length };
    this.parameters = thermalParameters(units, plant.heatRatingW);
    this.state = thermalState(this.parameters);
    const { state, parameters } = this;
    this.#room = new RoomAir(state.chilledWater.supplyCel);
    this.#cdus = cdus.map((device, place) => new PlantCdu(device, state, place, parameters.cdu));
    this.#chillers = chillers.map((device, place) => new PlantChiller(device, state, place));
    this.#heatMeters = ofClass("heat-meter").map(
      (device) => new PlantHeatMeter(device, state.heat, parameters.heat),
    );
    this.#sensors = ofClass("environment-sensor").map(
      (device, place) => new PlantRoomSensor(device, place),
    );
  }

  settle(demand: Readonly<CoolingDemand>): void {
    settleThermal(this.state, demand, this.parameters);
    this.#room.settle(this.state.chilledWater.supplyCel);
    this.#ambientCel = demand.ambientCel;
    this.#draw();
  }

  step(demand: Readonly<CoolingDemand>, dtS: number): void {
    stepThermal(this.state, demand, this.parameters, dtS);
    this.#room.step(this.state.chilledWater.supplyCel, dtS);
    for (const meter of this.#heatMeters) meter.count(dtS);
    this.#ambientCel = demand.ambientCel;
    this.#draw();
  }

  show(): void {
    for (const cdu of this.#cdus) cdu.show();
    for (const chiller of this.#chillers) chiller.show(this.#ambientCel);
    for (const meter of this.#heatMeters) meter.show();
    for (const sensor of this.#sensors) sensor.show(this.#room);
  }

  operate(speedPercent: number): void {
    for (const inputs of this.state.cduInputs.slice(this.#cdus.length))
      inputs.speedPercent = speedPercent;
    for (const cdu of this.#cdus) cdu.operate(speedPercent);
  }

  obey(order: CoolingOrder): string | undefined {
    if ("failPump" in order)
      return this.#withCdu(order.failPump, (cdu) => cdu.failPump(order.pump));
    if ("repairPump" in order)
      return this.#withCdu(order.repairPump, (cdu) => cdu.repairPump(order.pump));
    if ("leak" in order) return this.#withCdu(order.leak, (cdu) => cdu.leak(order.litresPerMin));
    const [id, hasFailed] =
      "failChiller" in order ? [order.failChiller, true] : [order.repairChiller, false];
    const chiller = this.#chillers.find(({ device }) => device.id === id);
    if (chiller === undefined) return `${id} is no chiller of this plant`;
    chiller.fail(hasFailed);
    return undefined;
  }

  repair(): void {
    for (const cdu of this.#cdus) {
      cdu.repairPump(undefined);
      cdu.leak(0);
    }
    for (const chiller of this.#chillers) chiller.fail(false);
  }

  snapshot(): CoolingSnapshot {
    const { chilledWater, heat, facility, balanceError } = this.state;
    return {
      cdu: this.#cdus.map((cdu) => cdu.snapshot()),
      chilledWater: {
        supplyCel: chilledWater.supplyCel,
        returnCel: chilledWater.returnCel,
        heatW: chilledWater.rejectedW,
        chillers: this.#chillers.map(({ device, state: { mode } }) => ({ id: device.id, mode })),
      },
      heat: {
        deliveredW: heat.deliveredW,
        supplyCel: heat.supplyCel,
        returnCel: this.parameters.heat.returnCel,
        flowLPerMin: heat.flowLPerMin,
        heatPumpW: heat.compressorW,
      },
      facility: {
        supplyCel: facility.supplyCel,
        returnCel: facility.returnCel,
        dryCoolerW: facility.rejectedW,
        fanPercent: 100 * facility.fan,
      },
      heatBalanceError: balanceError,
    };
  }

  #draw(): void {
    this.power.cduPumpsW = cduPumpsW(this.state);
    this.power.mechanicalW = mechanicalW(this.state);
  }

  #withCdu(id: string, act: (cdu: PlantCdu) => string | undefined): string | undefined {
    const cdu = this.#cdus.find(({ device }) => device.id === id);
    return cdu === undefined ? `${id} is no coolant distribution unit of this plant` : act(cdu);
  }
}
