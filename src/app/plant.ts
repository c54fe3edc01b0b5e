import { MODBUS_PORT, type SiteConfig } from "../config/schema.ts";
import type { Clock } from "../domain/time.ts";
import { DEMO_PLANT, type PlantSettings } from "../simulator/plant.ts";
import type { PlantRatings } from "../simulator/plant-ratings.ts";
import { type SceneEvent, Simulation, type SimulationDevice } from "../simulator/simulation.ts";
import { ProfileFiles } from "./profile-files.ts";
import { profileRoots, type SiteContext } from "./site-context.ts";

const SEED = 20_261_121;

export interface PlantOptions {
  readonly context: SiteContext;
  readonly clock: Clock;
  readonly preset: "d30" | "d95" | "d225" | "d300";
  readonly seed?: number;
  /** See `SimulationOptions`. */
  readonly hasPorts?: boolean;
  /** Where the plant differs from the demo site. */
  readonly ratings?: PlantRatings;
  readonly tell?: (event: SceneEvent) => void;
}

/** Every device of a site as a simulated one, on the site's own addresses. */
export function simulatedSite(options: PlantOptions): Simulation {
  const { context, clock, preset } = options;
  const files = new ProfileFiles(profileRoots(context.site, context.file));
  const devices = context.devices.flatMap((device): SimulationDevice[] => {
    const { connection, config, profile, definition } = device;
    if (connection.protocol === "modbus-rtu") return [];
    return [
      {
        id: definition.id,
        profile,
        nominal: files.nominal(config.profile, profile, config.parameters),
        endpoint: {
          protocol: connection.protocol,
          host: connection.host,
          port: connection.port ?? MODBUS_PORT,
        },
        unitId: config.unit,
      },
    ];
  });
  return new Simulation({
    devices,
    plant: plantOf(context.site, options.ratings),
    clock,
    preset,
    seed: options.seed ?? SEED,
    ...(options.hasPorts === undefined ? {} : { hasPorts: options.hasPorts }),
    ...(options.tell === undefined ? {} : { tell: options.tell }),
  });
}

/** The plant is wired by the site's own words: its grid meter, its feeders, its batteries. */
function plantOf(site: SiteConfig, ratings: PlantRatings = {}): PlantSettings | undefined {
  const grid = site.control?.grid;
  if (grid === undefined) return undefined;
  const meters = new Map<string, "grid" | "training" | "ups" | "mechanical">([
    [grid.meter, "grid"],
  ]);
  const { compute = [], cooling = [], infrastructure = [] } = site.meters ?? {};
  for (const id of compute.slice(0, 1)) meters.set(id, "training");
  for (const id of infrastructure.slice(0, 1)) meters.set(id, "ups");
  for (const id of cooling.slice(0, 1)) meters.set(id, "mechanical");
  return { ...DEMO_PLANT, meters, ratings };
}
