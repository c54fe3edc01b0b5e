import type { CoolingHalf } from "./cooling-half.ts";
import type { SimulatedDevice } from "./device.ts";
import type { PlantRatings } from "./plant-ratings.ts";

export const PlantThermal = {
  of(
    _devices: readonly SimulatedDevice[],
    _ratings: PlantRatings | undefined,
  ): CoolingHalf | undefined {
    return undefined;
  },
};
