import { isModbus, portOf } from "../config/connection-port.ts";
import type { Clock } from "../domain/time.ts";
import { DEMO_PLANT, type MeterRole, type PlantSettings } from "../simulator/plant.ts";
import type { PlantRatings } from "../simulator/plant-ratings.ts";
import { type SceneEvent, Simulation, type SimulationDevice } from "../simulator/simulation.ts";
import { ProfileFiles } from "./profile-files.ts";
import { profileRoots } from "./profile-roots.ts";
import type { SiteContext } from "./site-context.ts";

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
    if (!isModbus(connection) || connection.protocol === "modbus-rtu") return [];
    return [
      {
        id: definition.id,
        profile,
        nominal: files.nominal(config.profile, profile, config.parameters),
        endpoint: {
          protocol: connection.protocol,
          host: connection.host,
          port: portOf(connection),
        },
        unitId: config.unit,
      },
    ];
  });
  return new Simulation({
    devices,
    stations: context.devices.flatMap(({ connection, profile, definition }) =>
      isModbus(connection)
        ? []
        : [{ id: definition.id, profile, host: connection.host, port: portOf(connection) }],
    ),
    plant: plantOf(context, options.ratings),
    clock,
    preset,
    seed: options.seed ?? SEED,
    ...(options.hasPorts === undefined ? {} : { hasPorts: options.hasPorts }),
    ...(options.tell === undefined ? {} : { tell: options.tell }),
  });
}

const GRID_CLASS = "grid-connection";
/** Equipment that the plant model moves, besides the meters that the site file names. */
const MODELLED: ReadonlySet<string> = new Set([
  GRID_CLASS,
  "bess",
  "ups",
  "cdu",
  "chiller",
  "heat-meter",
  "environment-sensor",
]);

/**
 * The plant is wired by the site's own words, its grid meter and its feeders, and by the classes of
 * its devices; undefined where it has nothing that the model moves.
 */
function plantOf(
  { site, devices }: Pick<SiteContext, "site" | "devices">,
  ratings: PlantRatings = {},
): PlantSettings | undefined {
  if (!devices.some(({ profile }) => MODELLED.has(profile.deviceClass))) return undefined;
  const gridDevice = devices.find(({ profile }) => profile.deviceClass === GRID_CLASS);
  const grid = site.control?.grid.meter ?? gridDevice?.definition.id;
  return { ...DEMO_PLANT, meters: meterRoles(site, grid), ratings };
}

function meterRoles(
  { meters }: SiteContext["site"],
  grid: string | undefined,
): ReadonlyMap<string, MeterRole> {
  const roles = new Map<string, MeterRole>();
  const give = (role: MeterRole, id: string | undefined): void => {
    if (id !== undefined) roles.set(id, role);
  };
  give("grid", grid);
  give("training", meters?.compute[0]);
  give("ups", meters?.infrastructure[0]);
  give("mechanical", meters?.cooling[0]);
  return roles;
}
