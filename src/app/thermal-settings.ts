import type {
  HeatDeliveryConfig,
  ThermalConfig,
  ThermalZoneConfig,
} from "../config/schema-thermal.ts";
import type { InputPoint } from "../control/plan.ts";
import { COOLANT_FLOW_DEFAULTS } from "../control/thermal/coolant-flow.ts";
import { COOLANT_GUARD_DEFAULTS } from "../control/thermal/coolant-guard.ts";
import { COOLANT_SUPPLY_DEFAULTS } from "../control/thermal/coolant-supply.ts";
import { DEW_POINT_DEFAULTS } from "../control/thermal/dew-point.ts";
import { HEAT_DELIVERY_DEFAULTS } from "../control/thermal/heat-delivery.ts";
import { RETURN_LIMIT_DEFAULTS, SUPPLY_LIMIT_DEFAULTS } from "../control/thermal/heat-limit.ts";
import { LEAK_DEFAULTS } from "../control/thermal/leak.ts";
import { LOW_FLOW_DEFAULTS } from "../control/thermal/low-flow.ts";
import type { FlagPoint } from "../control/thermal/measured.ts";
import { SHED_DEFAULTS } from "../control/thermal/shed.ts";
import { TWO_PHASE_DEFAULTS } from "../control/thermal/two-phase.ts";
import type {
  CoolantSensors,
  DeliveryPlan,
  StandbyPlan,
  ThermalActuator,
  ThermalPlan,
  ZoneActuators,
  ZonePlan,
  ZonePoints,
  ZoneSettings,
} from "../control/thermal/zone-plan.ts";
import { ENUM_TEXTS } from "../domain/vocabulary/vocabulary.ts";
import { zoneSensors } from "./coolant-sensors.ts";
import {
  boundOf,
  envelopeOf,
  input,
  invalid,
  maxAgeOf,
  pointOf,
  writeRule,
} from "./plan-points.ts";
import type { SiteContext } from "./site-context.ts";

/** Racks whose coolant takes less than this part of the rated heat are idle. */
const IDLE_PART = 0.03;
/** How far a speed, a position and a temperature move before it is worth a write. */
const STEP = { percent: 0.5, cel: 0.1 } as const;
/** A speed that the gateway does not set is read this much later than the flow at most, ms. */
const SPEED_SLACK_MS = 1_000;
const W_PER_KW = 1_000;

/**
 * What the thermal controllers have to know: a zone for every device of class cdu, by its canonical
 * points; the site file says what its class cannot. Undefined without a section `thermal`.
 *
 * @throws GatewayError CONFIG_INVALID when a unit is to be driven and its envelope does not let it
 */
export function thermalPlan(context: SiteContext): ThermalPlan | undefined {
  const { thermal } = context.site;
  if (thermal === undefined) return undefined;
  const ofClass = (name: string): readonly string[] =>
    context.table.devices.filter((device) => device.deviceClass === name).map(({ id }) => id);
  const units = ofClass("cdu");
  for (const { device } of thermal.zones)
    if (!units.includes(device)) throw invalid(context.site, `${device} is no coolant unit`);
  const exchangers = ofClass("heat-exchanger");
  for (const { device } of thermal.deliveries)
    if (!exchangers.includes(device)) throw invalid(context.site, `${device} is no heat exchanger`);
  return {
    periodMs: thermal.periodMs,
    rooms: ofClass("environment-sensor").flatMap((id) => listed(input(context, id, "dew-point"))),
    zones: units.map((unit) => zonePlan(context, thermal, unit)),
    deliveries: thermal.deliveries.map((delivery) => deliveryPlan(context, thermal, delivery)),
  };
}

/** Points of the site that the thermal controllers read. */
export function thermalPoints(plan: ThermalPlan): readonly number[] {
  const points: number[] = plan.rooms.map(({ point }) => point);
  for (const each of [...plan.zones, ...plan.deliveries]) {
    for (const named of Object.values<InputPoint | FlagPoint | undefined>({ ...each.points }))
      if (named !== undefined) points.push("point" in named ? named.point : named.condition.point);
    for (const actuator of Object.values<ThermalActuator | undefined>({ ...each.actuators }))
      if (actuator?.shown !== undefined) points.push(actuator.shown.point);
  }
  for (const { sensors } of plan.zones)
    for (const voted of Object.values<CoolantSensors | undefined>({ ...sensors }))
      points.push(...(voted?.inputs ?? []).map(({ point }) => point));
  return points;
}

function zonePlan(context: SiteContext, thermal: ThermalConfig, unit: string): ZonePlan {
  const zone = thermal.zones.find(({ device }) => device === unit);
  const mode = zone?.mode ?? thermal.mode;
  const actuators = zoneActuators(context, unit, zone);
  if (mode === "control") checkDriven(context, unit, actuators);
  const points = zonePoints(context, unit, zone);
  const sensors = zoneSensors(context, unit, zone);
  const settings = zoneSettings(thermal, zone, points);
  return { asset: unit, mode, points, sensors, actuators, settings };
}

/** What is driven has an envelope that lets a leak stop it. */
function checkDriven({ site }: SiteContext, unit: string, actuators: ZoneActuators): void {
  const { supplySetpoint, valve, speed } = actuators;
  if (supplySetpoint === undefined && valve === undefined && speed === undefined)
    throw invalid(site, `${unit} is to be driven, and the envelope has no setpoint of it`);
  if (speed === undefined) return;
  const range = site.envelope.find(
    ({ device, point }) => device === unit && point === speed.pointName,
  );
  if ((range?.minimum ?? 0) > 0)
    throw invalid(
      site,
      `${unit} needs an envelope for its ${speed.pointName} from 0: ` +
        "a leak could not stop its pumps",
    );
}

function zoneSettings(
  thermal: ThermalConfig,
  zone: ThermalZoneConfig | undefined,
  points: ZonePoints,
): ZoneSettings {
  const ratedHeatW = (zone?.ratedHeatKw ?? thermal.ratedHeatKw) * W_PER_KW;
  const idleW = IDLE_PART * ratedHeatW;
  return {
    ratedHeatW,
    dewPoint: DEW_POINT_DEFAULTS,
    supply: {
      ...COOLANT_SUPPLY_DEFAULTS,
      setpointCel: zone?.supplyCel ?? COOLANT_SUPPLY_DEFAULTS.setpointCel,
    },
    flow: flowSettings(zone, points),
    lowFlow: LOW_FLOW_DEFAULTS,
    leak: { ...LEAK_DEFAULTS, idleW },
    supplyLimit: SUPPLY_LIMIT_DEFAULTS,
    returnLimit: RETURN_LIMIT_DEFAULTS,
    twoPhase: twoPhaseSettings(zone, idleW),
    shed: SHED_DEFAULTS,
    guard: COOLANT_GUARD_DEFAULTS,
  };
}

function flowSettings(
  zone: ThermalZoneConfig | undefined,
  { speed }: ZonePoints,
): ZoneSettings["flow"] {
  const flow = COOLANT_FLOW_DEFAULTS;
  const readMs = (speed?.maxAgeMs ?? 0) / MAX_AGE_PERIODS;
  return {
    ...flow,
    riseK: zone?.riseK ?? flow.riseK,
    speedMinimumPercent: zone?.speedMinimumPercent ?? flow.speedMinimumPercent,
    lossUncontrolledMs: Math.max(flow.lossUncontrolledMs, readMs + SPEED_SLACK_MS),
  };
}

function twoPhaseSettings(
  zone: ThermalZoneConfig | undefined,
  idleW: number,
): ZoneSettings["twoPhase"] {
  if (zone?.twoPhase === undefined) return undefined;
  return { ...TWO_PHASE_DEFAULTS, ...zone.twoPhase, boilingW: idleW };
}

/** A maximum age is this many periods, see `maxAgeMs` of the domain. */
const MAX_AGE_PERIODS = 2.5;

function zonePoints(
  context: SiteContext,
  unit: string,
  zone: ThermalZoneConfig | undefined,
): ZonePoints {
  const at = (name: string): InputPoint | undefined => input(context, unit, name);
  const named = (name: string | undefined): InputPoint | undefined =>
    name === undefined ? undefined : requireNamed(context, unit, name).read;
  return {
    flow: at("secondary.flow"),
    heat: at("heat-rate"),
    supply: at("secondary.supply-temperature"),
    return_: at("secondary.return-temperature"),
    primarySupply: at("primary.supply-temperature"),
    speed: at("pump-speed-setpoint") ?? at("pump-speed"),
    shownSetpoint: at("secondary.supply-temperature-setpoint"),
    shownValve: at("valve-position-setpoint") ?? at("valve-position"),
    differential: at("secondary.differential-pressure"),
    pressure: at("secondary.supply-pressure"),
    level: at("reservoir-level"),
    rope: flagOf(at("leak-detected")),
    secondRope: flagOf(named(zone?.secondRope)),
    ropeFault: flagOf(at("leak-sensor-fault")),
    levelLow: flagOf(named(zone?.levelLow)),
    vapour: at("vapor-quality"),
    vapourTemperature: named(zone?.vapourTemperature),
    condensation: at("condensation-temperature"),
    phaseDetected: flagOf(at("phase-change-detected")),
  };
}

function zoneActuators(
  context: SiteContext,
  unit: string,
  zone: ThermalZoneConfig | undefined,
): ZoneActuators {
  const standby = actuatorNamed(context, unit, zone?.standbyPump, 1);
  const startValue = (ENUM_TEXTS.get("run-command") ?? []).indexOf("start");
  return {
    supplySetpoint: actuator(context, unit, "secondary.supply-temperature-setpoint", STEP.cel),
    valve: actuator(context, unit, "valve-position-setpoint", STEP.percent),
    speed: actuator(context, unit, "pump-speed-setpoint", STEP.percent),
    zoneValve: actuatorNamed(context, unit, zone?.zoneValve, STEP.percent),
    standby: standby === undefined ? undefined : ({ ...standby, startValue } satisfies StandbyPlan),
  };
}

function deliveryPlan(
  context: SiteContext,
  thermal: ThermalConfig,
  delivery: HeatDeliveryConfig,
): DeliveryPlan {
  const { device, source, supplyCel, ratedHeatKw, networkPump, valve } = delivery;
  const at = (name: string): InputPoint | undefined => input(context, device, name);
  const demand = delivery.demand ?? "heat-rate-setpoint";
  const pump = actuatorNamed(context, device, networkPump, STEP.percent);
  return {
    asset: device,
    mode: delivery.mode ?? thermal.mode,
    settings: { ...HEAT_DELIVERY_DEFAULTS, source, supplyCel, ratingW: ratedHeatKw * W_PER_KW },
    points: {
      demand: requireNamed(context, device, demand).read,
      demandCel: undefined,
      flow: at("network.flow"),
      supply: at("network.supply-temperature"),
      return_: at("network.return-temperature"),
      available: at("heat-rate-available"),
      condensation: at("condensation-temperature"),
      speed: pump?.shown ?? at("pump-speed"),
      conductivity: at("coolant-conductivity"),
      leak: flagOf(at("leak-detected")),
      networkPressure: at("network.supply-pressure"),
      coolantPressure: at("primary.supply-pressure"),
    },
    actuators: {
      supplySetpoint: actuator(context, device, "network.supply-temperature-setpoint", STEP.cel),
      speed: pump,
      valve: actuatorNamed(context, device, valve, STEP.percent),
    },
  };
}

/** What the envelope lets through; undefined where it has no such setpoint: it is read only. */
function actuator(
  context: SiteContext,
  device: string,
  pointName: string,
  step: number,
): ThermalActuator | undefined {
  const point = pointOf(context, device, pointName);
  if (point === undefined || envelopeOf(context, device, pointName) === undefined) return undefined;
  const definition = context.table.devices.find(({ id }) => id === device);
  const rule = writeRule(context, device, pointName);
  if (definition === undefined || rule === undefined) return undefined;
  const isRead = boundOf(context, device, pointName)?.group !== undefined;
  return {
    asset: device,
    pointName,
    point,
    stream: definition.stream,
    step: Math.max(step, rule.step ?? 0),
    shown: isRead ? { point, maxAgeMs: maxAgeOf(context, point) } : undefined,
  };
}

/** @throws GatewayError CONFIG_INVALID where the site names it and it cannot be written */
function actuatorNamed(
  context: SiteContext,
  device: string,
  name: string | undefined,
  step: number,
): ThermalActuator | undefined {
  if (name === undefined) return undefined;
  const { owner, pointName } = requireNamed(context, device, name);
  const found = actuator(context, owner, pointName, step);
  if (found === undefined)
    throw invalid(context.site, `${owner}/${pointName} has no envelope: ${device} cannot use it`);
  return found;
}

function requireNamed(
  context: SiteContext,
  device: string,
  name: string,
): { readonly owner: string; readonly pointName: string; readonly read: InputPoint } {
  const [first = "", second] = name.split("/");
  const [owner, pointName] = second === undefined ? [device, first] : [first, second];
  const read = input(context, owner, pointName);
  if (read === undefined) throw invalid(context.site, `${owner} has no point ${pointName}`);
  return { owner, pointName, read };
}

function flagOf(read: InputPoint | undefined): FlagPoint | undefined {
  if (read === undefined) return undefined;
  const { point, maxAgeMs } = read;
  return { condition: { point, when: { equals: 1 }, isActiveLow: false }, maxAgeMs };
}

function listed<T>(item: T | undefined): readonly T[] {
  return item === undefined ? [] : [item];
}
