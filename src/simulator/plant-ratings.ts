import {
  type BessParameters,
  demoParameters,
  type LoadParameters,
  type PlantParameters,
  type TimingPreset,
  type UpsParameters,
} from "./physics/parameters.ts";

/**
 * What a plant has that the demo site has not, each in the unit of its name. What is left out is as
 * in the demo site.
 */
export interface PlantRatings {
  /** Of one battery. */
  readonly bess?: Partial<
    Pick<
      BessParameters,
      "powerRatingW" | "apparentRatingVa" | "energyCapacityWh" | "socStart" | "rampWPerS"
    >
  >;
  /** Of one unit. */
  readonly ups?: Partial<Pick<UpsParameters, "ratingW" | "batteryWh" | "rechargeW" | "controlsW">>;
  readonly load?: Partial<Omit<LoadParameters, "noise" | "noiseTauS">>;
  readonly heatRatingW?: number;
}

/** How many devices of a class the site has. */
export interface UnitCounts {
  readonly bess: number;
  readonly ups: number;
}

/**
 * Parameters of a plant with other numbers of units than the demo site.
 *
 * Batteries have the demo's rating each: a site with three has half as much again. UPS units share
 * the demo's total rating, battery and recharge power, so that any number of them carries the hall
 * with the demo's reserve; a site without a UPS device has the demo's three, which nobody reads.
 */
export function parametersFor(
  preset: TimingPreset,
  units: UnitCounts,
  ratings: PlantRatings = {},
): PlantParameters {
  const demo = demoParameters(preset);
  return {
    ...demo,
    bessUnits: units.bess,
    bess: { ...demo.bess, ...ratings.bess },
    ups: { ...sharedUps(demo.ups, units.ups), ...ratings.ups },
    load: { ...demo.load, ...ratings.load },
    heatRatingW: ratings.heatRatingW ?? demo.heatRatingW,
  };
}

function sharedUps(demo: UpsParameters, units: number): UpsParameters {
  if (units === 0) return demo;
  const each = demo.units / units;
  return {
    ...demo,
    units,
    ratingW: demo.ratingW * each,
    batteryWh: demo.batteryWh * each,
    rechargeW: demo.rechargeW * each,
  };
}
