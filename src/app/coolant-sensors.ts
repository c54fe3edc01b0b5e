import type { Finding } from "../config/check.ts";
import type { CoolantSensorsConfig, ThermalZoneConfig } from "../config/schema-thermal.ts";
import type { SiteConfig } from "../config/schema.ts";
import type { VotedQuantity } from "../control/thermal/coolant-votes.ts";
import type { CoolantSensor, CoolantSensors, ZoneSensors } from "../control/thermal/zone-plan.ts";
import type { CompiledProfile } from "../profiles/binding.ts";
import { nearestName } from "./nearest-name.ts";
import { invalid, requireInput } from "./plan-points.ts";
import type { SiteContext } from "./site-context.ts";

interface QuantityTerms {
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

const TERMS: Readonly<Record<VotedQuantity, QuantityTerms>> = {
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

const PERCENT = 100;

type ProfileOf = (device: string) => Pick<CompiledProfile, "deviceClass" | "points"> | undefined;

/** What is wrong with the further sensors that the site names for its coolant units. */
export function sensorFindings({ thermal, devices }: SiteConfig, profileOf: ProfileOf): Finding[] {
  if (thermal?.zones.some(hasSensors) !== true) return [];
  /** What each point measures already, by `device/point`. */
  const uses = new Map<string, string>();
  for (const { id } of devices) {
    if (profileOf(id)?.deviceClass !== "cdu") continue;
    for (const { point, words } of Object.values(TERMS))
      uses.set(`${id}/${point}`, `${words} of ${id}`);
  }
  return thermal.zones.flatMap((zone, place) =>
    Object.values(TERMS).flatMap((terms) =>
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

/**
 * The sensors that vote on each quantity of a unit: its own and those that the site names.
 *
 * @throws GatewayError CONFIG_INVALID where one of them cannot be used
 */
export function zoneSensors(
  context: SiteContext,
  unit: string,
  zone: ThermalZoneConfig | undefined,
): ZoneSensors | undefined {
  if (zone === undefined || !hasSensors(zone)) return undefined;
  const profileOf: ProfileOf = (device) => context.deviceById.get(device)?.profile;
  const [finding] = sensorFindings(context.site, profileOf);
  if (finding !== undefined) throw invalid(context.site, finding.message);
  return {
    supply: votedOn(context, unit, TERMS.supply, zone.supplySensors),
    return_: votedOn(context, unit, TERMS.return_, zone.returnSensors),
    flow: votedOn(context, unit, TERMS.flow, zone.flowSensors),
  };
}

function hasSensors(zone: ThermalZoneConfig): boolean {
  return Object.values(TERMS).some(({ key }) => zone[key] !== undefined);
}

function votedOn(
  context: SiteContext,
  unit: string,
  { point, unitWord, worse }: QuantityTerms,
  config: CoolantSensorsConfig | undefined,
): CoolantSensors | undefined {
  if (config === undefined) return undefined;
  const isOwn = context.table.indexById.has(`${unit}/${point}`);
  const written = isOwn ? [point, ...config.points] : config.points;
  const sensors = written.map((name) => sensorNamed(unit, name));
  const floor = "deviationK" in config ? config.deviationK : config.deviationLPerMin;
  return {
    sensors,
    point,
    unit: unitWord,
    inputs: sensors.map((sensor) => requireInput(context, sensor.device, sensor.point)),
    deviationFraction: config.deviationPercent / PERCENT,
    floor,
    samples: config.samples,
    worse,
    stuckBeyond: floor,
  };
}

/** A point of the unit, or `device/point` of another one. */
function sensorNamed(unit: string, written: string): CoolantSensor {
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
