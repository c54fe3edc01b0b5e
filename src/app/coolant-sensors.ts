import type { CoolantSensorsConfig, ThermalZoneConfig } from "../config/schema-thermal.ts";
import type { CoolantSensors, ZoneSensors } from "../control/thermal/zone-plan.ts";
import {
  hasSensors,
  type ProfileOf,
  QUANTITIES,
  type QuantityTerms,
  sensorFindings,
  sensorNamed,
} from "./coolant-sensor-check.ts";
import { invalid, requireInput } from "./plan-points.ts";
import type { SiteContext } from "./site-context.ts";

const PERCENT = 100;

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
    supply: votedOn(context, unit, QUANTITIES.supply, zone.supplySensors),
    return_: votedOn(context, unit, QUANTITIES.return_, zone.returnSensors),
    flow: votedOn(context, unit, QUANTITIES.flow, zone.flowSensors),
  };
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
