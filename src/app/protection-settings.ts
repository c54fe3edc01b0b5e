import type { ControlConfig } from "../config/schema.ts";
import type { ProtectionConfig } from "../config/schema-protection.ts";
import {
  type BatteryUnitPlan,
  type BlockPlan,
  type ConditionPlan,
  type ControlPlan,
  type DeratePlan,
  PLAIN_TRIP,
  type ProtectionPlan,
  type TripRule,
  type TripTerms,
  type VotedPlan,
} from "../control/plan.ts";
import { pointIndex } from "../domain/point.ts";
import { input, invalid, requireInput, requirePoint, requireProfile } from "./plan-points.ts";
import type { SiteContext } from "./site-context.ts";

const WATTS_PER_KW = 1_000;
const PERCENT = 100;
/** What a point without words of its own says. */
const YES_AND_NO = ["false", "true"];

/** Alarms of profiles that are an emergency: who only operates does not reset them. */
const EMERGENCIES: ReadonlySet<string> = new Set([
  "emergency-stop",
  "insulation-fault",
  "battery-insulation-fault",
  "battery-trip",
  "battery-door-open",
  "cabinet-open",
  "fire-alarm",
]);

/** How long a block of a site without the section lasts, and the rest that holds by itself. */
const DEFAULTS: ProtectionConfig = {
  stops: [],
  chargeBlockedBy: ["battery-voltage-high", "battery-under-temperature"],
  dischargeBlockedBy: ["battery-voltage-low"],
  blocks: [],
  blockReleaseMs: 60_000,
  derate: [],
  resetHoldMs: 1_000,
  faultsPerHour: 3,
  recovers: [],
  recoverAfterMs: 60_000,
  people: [],
};

export function protectionOf({ protection }: ControlConfig): ProtectionConfig {
  return protection ?? DEFAULTS;
}

/**
 * What narrows the units by itself, and who may reset, from the site file.
 *
 * @throws GatewayError CONFIG_INVALID where it names what the site does not have
 */
export function protectionPlan(
  context: SiteContext,
  control: ControlConfig,
  units: readonly BatteryUnitPlan[],
): ProtectionPlan {
  const config = protectionOf(control);
  const sight = { context, control, config, units };
  return {
    blocks: [
      ...alarmBlocks(sight, "charge", config.chargeBlockedBy),
      ...alarmBlocks(sight, "discharge", config.dischargeBlockedBy),
      ...config.blocks.flatMap((block) => limitBlocks(sight, block)),
    ],
    derates: config.derate.flatMap((derate) => deratePlans(sight, derate)),
    people: config.people,
  };
}

interface Sight {
  readonly context: SiteContext;
  readonly control: ControlConfig;
  readonly config: ProtectionConfig;
  readonly units: readonly BatteryUnitPlan[];
}

/** How the alarms of profiles that the site lists as trips act and end. */
export function tripTerms(control: ControlConfig, id: string): TripTerms {
  const { resetHoldMs, recovers, recoverAfterMs } = protectionOf(control);
  return {
    ...PLAIN_TRIP,
    holdOffMs: resetHoldMs,
    recoversAfterMs: recovers.includes(id) ? recoverAfterMs : undefined,
    role: EMERGENCIES.has(id) ? "safety" : "operator",
  };
}

/** A unit that comes back from its faults too often stays stopped. */
export function faultTrips(
  control: ControlConfig,
  units: readonly BatteryUnitPlan[],
): readonly TripRule[] {
  const { faultsPerHour, resetHoldMs } = protectionOf(control);
  return units.flatMap(({ asset, points }, place) =>
    points.faults.slice(0, 1).map((condition) => ({
      id: "fault-repeated",
      device: asset,
      pointName: "operating-state",
      text: `${asset} is in a fault again, after ${faultsPerHour} in an hour`,
      condition,
      units: [place],
      terms: { ...PLAIN_TRIP, holdOffMs: resetHoldMs, passesPerHour: faultsPerHour },
    })),
  );
}

/**
 * Inputs of the plant that stop batteries, each with the sensors that see it.
 *
 * @throws GatewayError CONFIG_INVALID where a sensor or a battery is unknown
 */
export function stopTrips(
  context: SiteContext,
  control: ControlConfig,
  units: readonly BatteryUnitPlan[],
): readonly TripRule[] {
  const { stops, resetHoldMs } = protectionOf(control);
  return stops.map(({ cause, sensors, stops: names, lostAfterMs, rampMs, reset }): TripRule => {
    const [condition, ...channels] = sensors.map((sensor) => sensorCondition(context, sensor));
    const [first] = sensors;
    if (condition === undefined || first === undefined)
      throw invalid(context.site, `control/protection/stops: ${cause} has no sensor`);
    return {
      id: cause,
      device: first.device,
      pointName: first.point,
      text: STOP_TEXTS[cause],
      condition,
      units: placesOf({ context, control, units }, names),
      terms: {
        ...PLAIN_TRIP,
        channels,
        blindMs: lostAfterMs === 0 ? undefined : lostAfterMs,
        rampMs: cause === "gas-warning" ? rampMs : 0,
        holdOffMs: resetHoldMs,
        role: reset,
      },
    };
  });
}

const STOP_TEXTS: Readonly<Record<ProtectionConfig["stops"][number]["cause"], string>> = {
  "emergency-stop": "an emergency stop of the plant is pressed, or cannot be read",
  "hvil-open": "the interlock loop of the batteries is open, or cannot be read",
  "door-open": "a door of the batteries is open, or its contact cannot be read",
  "insulation-fault": "the insulation monitor reports a fault, or cannot be read",
  "fire-alarm": "the fire panel reports fire, or cannot be read",
  "smoke-alarm": "smoke at the batteries, or its sensor cannot be read",
  "gas-alarm": "gas at the batteries, or its sensor cannot be read",
  "gas-warning": "a little gas at the batteries, or its sensor cannot be read: ventilate",
  "protection-relay": "a protection relay demands the stop, or cannot be read",
};

function sensorCondition(
  context: SiteContext,
  { device, point: name, when }: ProtectionConfig["stops"][number]["sensors"][number],
): ConditionPlan {
  const { point } = requireInput(context, device, name);
  const { type, texts = YES_AND_NO } = context.table.points[point] ?? {};
  const place = texts.indexOf(when);
  if ((type !== "enum" && type !== "bool") || place < 0)
    throw invalid(context.site, `${device}/${name} never says ${when}: ${texts.join(", ")}`);
  return { point, when: { equals: place }, isActiveLow: false };
}

function alarmBlocks(
  { context, units, config }: Sight,
  direction: BlockPlan["direction"],
  ids: readonly string[],
): readonly BlockPlan[] {
  return units.flatMap(({ asset }, place) => {
    const { definition, profile } = requireProfile(context, asset);
    return profile.alarms
      .filter(({ id }) => ids.includes(id))
      .map(({ id, ordinal, when, isActiveLow }): BlockPlan => {
        const point = pointIndex(definition.firstPoint + ordinal);
        const condition = { point, when, isActiveLow };
        return {
          name: id,
          device: asset,
          direction,
          cause: { kind: "state", condition },
          releaseMs: config.blockReleaseMs,
          units: [place],
        };
      });
  });
}

function limitBlocks(
  sight: Sight,
  block: ProtectionConfig["blocks"][number],
): readonly BlockPlan[] {
  const { context, units, config } = sight;
  const { point: name, above, below, hysteresis, direction } = block;
  const limit = above ?? below;
  if (limit === undefined || (above !== undefined && below !== undefined))
    throw invalid(context.site, `control/protection/blocks: ${name} needs above or below`);
  return chosenUnits(sight, block, name).map((place): BlockPlan => {
    const { asset } = units[place] ?? { asset: "" };
    return {
      name,
      device: asset,
      direction,
      cause: {
        kind: "limit",
        input: requireInput(context, asset, name),
        side: above === undefined ? "below" : "above",
        limit,
        hysteresis,
      },
      releaseMs: config.blockReleaseMs,
      units: [place],
    };
  });
}

function deratePlans(
  sight: Sight,
  derate: ProtectionConfig["derate"][number],
): readonly DeratePlan[] {
  const { context, units } = sight;
  const { point, fromCel, toCel, hysteresisK, direction } = derate;
  if (fromCel === toCel)
    throw invalid(context.site, `control/protection/derate: ${point} needs two temperatures`);
  return chosenUnits(sight, derate, point).map((place): DeratePlan => {
    const { asset } = units[place] ?? { asset: "" };
    const own = requireInput(context, asset, point);
    return { input: own, fromCel, toCel, hysteresisK, direction, units: [place] };
  });
}

/** Units that are named, or all that have the point: at least one. */
function chosenUnits(
  sight: Sight,
  { units: names }: { readonly units?: readonly string[] },
  point: string,
): readonly number[] {
  const { context, units } = sight;
  if (names !== undefined) return placesOf(sight, names);
  const places = units.flatMap(({ asset }, place) =>
    input(context, asset, point) === undefined ? [] : [place],
  );
  if (places.length === 0)
    throw invalid(context.site, `control/protection: no battery has a point ${point}`);
  return places;
}

/**
 * Meters at the same place as the grid's; of two the one that sees more import counts.
 *
 * @throws GatewayError CONFIG_INVALID where one of them has no power
 */
export function votedMeters(context: SiteContext, control: ControlConfig): VotedPlan | undefined {
  const { gridMeters } = protectionOf(control);
  if (gridMeters === undefined) return undefined;
  const { meter, maxAgeMs } = control.grid;
  const names = [meter, ...gridMeters.meters];
  return {
    names,
    inputs: names.map((name) => ({ point: requirePoint(context, name, "active-power"), maxAgeMs })),
    deviationFraction: gridMeters.deviationPercent / PERCENT,
    floor: gridMeters.deviationKw * WATTS_PER_KW,
    samples: gridMeters.samples,
    worse: "higher",
  };
}

/** Places of units that are named themselves, or by their battery. */
function placesOf(
  { context, control, units }: Omit<Sight, "config">,
  names: readonly string[],
): ControlPlan["trips"][number]["units"] {
  const known = new Set(control.batteries.flatMap(({ id, units: own }) => [id, ...own]));
  const stranger = names.find((name) => !known.has(name));
  if (stranger !== undefined)
    throw invalid(context.site, `control/protection: there is no battery or unit ${stranger}`);
  const assets = new Set(
    names.flatMap((name) => control.batteries.find(({ id }) => id === name)?.units ?? [name]),
  );
  return units.flatMap(({ asset }, place) => (assets.has(asset) ? [place] : []));
}
