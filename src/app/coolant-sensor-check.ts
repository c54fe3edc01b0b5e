import type { Finding } from "../config/check.ts";
import type { ThermalZoneConfig } from "../config/schema-thermal.ts";
import type { SiteConfig } from "../config/schema.ts";
import type { VotedQuantity } from "../control/thermal/coolant-votes.ts";
import type { CoolantSensor } from "../control/thermal/zone-plan.ts";
import type { CompiledProfile } from "../profiles/binding.ts";
import { nearestName } from "./nearest-name.ts";

/** What a sensor has to be for one quantity of a coolant unit. */
export interface QuantityTerms {
  /** Key of the zone in the site file. */
  readonly key: "supplySensors" | "returnSensors" | "flowSensors";
  /** The unit's own point. */
  readonly point: string;
  readonly unit: string;
  /** Its unit for people. */
  readonly unitWord: string;
  readonly words: string;
  /** The safe direction for the racks. */
  readonly worse: "higher" | "lower";
}

export const QUANTITIES: Readonly<Record<VotedQuantity, QuantityTerms>> = {
  supply: {
    key: "supplySensors",
    point: "secondary.supply-temperature",
    unit: "Cel",
    unitWord: "°C",
    words: "supply temperature",
    worse: "higher",
  },
  return_: {
    key: "returnSensors",
    point: "secondary.return-temperature",
    unit: "Cel",
    unitWord: "°C",
    words: "return temperature",
    worse: "higher",
  },
  flow: {
    key: "flowSensors",
    point: "secondary.flow",
    unit: "L/min",
    unitWord: "L/min",
    words: "flow",
    worse: "lower",
  },
};

export type ProfileOf = (
  device: string,
) => Pick<CompiledProfile, "deviceClass" | "points"> | undefined;

/** What is wrong with the further sensors that the site names for its coolant units. */
export function sensorFindings({ thermal, devices }: SiteConfig, profileOf: ProfileOf): Finding[] {
  if (thermal?.zones.some(hasSensors) !== true) return [];
  /** What each point measures already, by `device/point`. */
  const uses = new Map<string, string>();
  for (const { id } of devices) {
    if (profileOf(id)?.deviceClass !== "cdu") continue;
    for (const { point, words } of Object.values(QUANTITIES))
      uses.set(`${id}/${point}`, `${words} of ${id}`);
  }
  return thermal.zones.flatMap((zone, place) =>
    Object.values(QUANTITIES).flatMap((terms) =>
      (zone[terms.key]?.points ?? []).flatMap((written, position): Finding[] => {
        const sensor = sensorNamed(zone.device, written);
        const message = problemOf(sensor, { terms, profileOf, uses });
        uses.set(sensor.name, `${terms.words} of ${zone.device}`);
        if (message === undefined) return [];
        return [{ at: `/thermal/zones/${place}/${terms.key}/points/${position}`, message }];
      }),
    ),
  );
}

export function hasSensors(zone: ThermalZoneConfig): boolean {
  return Object.values(QUANTITIES).some(({ key }) => zone[key] !== undefined);
}

/** A point of the unit, or `device/point` of another one. */
export function sensorNamed(unit: string, written: string): CoolantSensor {
  const [first = "", second] = written.split("/");
  const [device, point] = second === undefined ? [unit, first] : [first, second];
  return { device, point, name: `${device}/${point}` };
}

function problemOf(
  { device, point, name }: CoolantSensor,
  {
    terms,
    profileOf,
    uses,
  }: {
    readonly terms: QuantityTerms;
    readonly profileOf: ProfileOf;
    readonly uses: ReadonlyMap<string, string>;
  },
): string | undefined {
  const profile = profileOf(device);
  if (profile === undefined) return `there is no device "${device}"`;
  const bound = profile.points.find(({ id }) => id === point);
  if (bound === undefined) {
    const meant = nearestName(
      point,
      profile.points.map(({ id }) => id),
    );
    const hint = meant === undefined ? "" : `; did you mean ${meant}?`;
    return `"${device}" has no point ${point}${hint}`;
  }
  if (bound.access !== "r") return `${name} is a setpoint, and no sensor`;
  if (bound.unit !== terms.unit) {
    const unit = bound.unit === undefined ? "has no unit" : `is in ${bound.unit}`;
    return `${name} ${unit}: a sensor of the ${terms.words} is in ${terms.unit}`;
  }
  const use = uses.get(name);
  return use === undefined ? undefined : `${name} already stands for the ${use}`;
}
