import type { SimulatedDevice } from "./device.ts";
import type { RoomAir } from "./physics/thermal/room.ts";
import type { PointPen } from "./point-pen.ts";

/** No two places in a hall are equally warm, K; sensors beyond the list begin again. */
const OFFSETS_K = [0, 0.2, -0.3, 0.4, -0.1, -0.2] as const;

/** A sensor in the air of the hall. */
export class PlantRoomSensor {
  readonly #temperature: PointPen;
  readonly #humidity: PointPen;
  readonly #offsetK: number;

  constructor(device: SimulatedDevice, place: number) {
    this.#temperature = device.pen("air-temperature");
    this.#humidity = device.pen("relative-humidity");
    this.#offsetK = OFFSETS_K[place % OFFSETS_K.length] ?? 0;
  }

  show(room: RoomAir): void {
    const temperatureCel = room.temperatureCel + this.#offsetK;
    this.#temperature.set(temperatureCel);
    this.#humidity.set(room.humidityPercent(temperatureCel));
  }
}
