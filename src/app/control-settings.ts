import type { BatteryConfig, ControlConfig, EnvelopeConfig, SiteConfig } from "../config/schema.ts";
import type {
  BatteryUnitPlan,
  ConditionPlan,
  ControlPlan,
  EnvelopeEntry,
  ExclusionPlan,
  FeederPlan,
  GridPlan,
  InputPoint,
  InterlockPlan,
  ReadBackPlan,
  SelectorPlan,
  RunCommandPlan,
  TripRule,
  UnitPoints,
} from "../control/plan.ts";
import { ENERGY_SHARE_DEFAULTS } from "../control/share-energy.ts";
import { SETPOINTS_KEPT_MAX, setpointsKept } from "../control/writes.ts";
import { pointIndex } from "../domain/point.ts";
import { conversionTo, ENUM_TEXTS } from "../domain/vocabulary/vocabulary.ts";
import { effectiveEnvelope } from "./drive.ts";
import type { SiteContext } from "./site-context.ts";
import { gooseTrips } from "./goose-plan.ts";
import { frequencySettings } from "./frequency-settings.ts";
import {
  maxAgeOf,
  input,
  requireInput,
  pointOf,
  requirePoint,
  boundOf,
  type WriteRule,
  writeRule,
  requireDevice,
  requireProfile,
  invalid,
  envelopeOf,
} from "./plan-points.ts";
import {
  faultTrips,
  protectionPlan,
  stopTrips,
  tripTerms,
  votedMeters,
} from "./protection-settings.ts";
import { reactivePlan } from "./reactive-settings.ts";
import { rideThroughPlan } from "./ride-through-settings.ts";
import { smoothingSettings } from "./smoothing-settings.ts";

/** A feeder that is read this often follows the load closely enough to set the pace of a check. */
const PACE_SETTER_MS = 200;
/** Whoever starts anew after a death has all of a reversion but this, and it takes 1–2 s. */
const REPEAT_MS = 500;
const RETURN_MS = 2_000;
/** The frequency of a grid never stands still: one that does is not the grid's. */
const FREQUENCY_STILL_MS = 10_000;
const HOLDERS_MAX = 256;
/** Way from a write to its effect where the profile gives none. */
const SETTLE_MS = 1_000;
const READ_BACK_MS = 500;
/** Smallest change worth a write where neither the profile nor the site says, W. */
const SMALLEST_STEP_W = 1;
/** Charge is told in tenths of a percent by every battery that was read so far. */
const SOC_RESOLUTION_PERCENT = 0.1;

/**
 * What the control core has to know, from the site file and the profiles.
 *
 * @throws GatewayError CONFIG_INVALID when a device lacks a point that the loop cannot do without
 */
export function controlPlan(context: SiteContext): ControlPlan | undefined {
  const control = context.site.control;
  if (control === undefined) return undefined;
  const units = control.batteries.flatMap((battery) =>
    battery.units.map((unit) => unitPlan(context, battery, unit)),
  );
  const unitAt = (name: string): number => units.findIndex((unit) => unit.asset === name);
  const smoothing = smoothingSettings(control, units, feederMsOf(context, control));
  for (const unit of units) checkMemory(context.site, unit, control.periodMs);
  return {
    periodMs: control.periodMs,
    grid: gridPlan(context, control),
    units,
    groups: control.batteries.map(({ id, units: names }) => ({
      asset: id,
      units: names.map(unitAt),
    })),
    trips: [
      ...units.flatMap((unit, at) => tripRules(context, control, unit.asset, at)),
      ...stopTrips(context, control, units),
      ...faultTrips(control, units),
      ...gooseTrips(context, control, units),
    ],
    assets: context.table.devices.map(({ id }) => id),
    localSelector: selectorPlan(context, control),
    envelope: writable(context).map((entry) => envelopeEntry(context, entry)),
    leases: { maximumMs: control.leaseMaximumMs, maximumHolders: HOLDERS_MAX },
    smoothing,
    share: control.share === "energy" ? ENERGY_SHARE_DEFAULTS : undefined,
    frequency:
      control.frequency === undefined || smoothing === undefined
        ? undefined
        : {
            settings: frequencySettings(control, control.frequency, smoothing),
            point: requireInput(context, control.grid.meter, "frequency"),
            stillMs: FREQUENCY_STILL_MS,
          },
    reactive: reactivePlan(context, control, units),
    rideThrough: rideThroughPlan(context, control),
    protection: protectionPlan(context, control, units),
  };
}

/** How often the load is read: by the feeder that sets the pace, else by the grid's meter. */
function feederMsOf({ table }: SiteContext, { grid, periodMs }: ControlConfig): number {
  const everyMs = grid.feeders.map(({ meter }) => {
    const point = table.indexById.get(`${meter}/active-power`);
    return point === undefined ? Infinity : (table.points[point]?.everyMs ?? Infinity);
  });
  const fastestMs = Math.min(Infinity, ...everyMs);
  return fastestMs <= PACE_SETTER_MS ? fastestMs : periodMs;
}

function gridPlan(context: SiteContext, control: ControlConfig): GridPlan {
  const { grid } = control;
  return {
    device: grid.meter,
    power: { point: requirePoint(context, grid.meter, "active-power"), maxAgeMs: grid.maxAgeMs },
    voted: votedMeters(context, control),
    feeders: grid.feeders.map((feeder): FeederPlan => {
      const point = requirePoint(context, feeder.meter, "active-power");
      const everyMs = context.table.points[point]?.everyMs ?? Infinity;
      return {
        device: feeder.meter,
        point,
        maxAgeMs: feeder.maxAgeMs,
        setsPace: everyMs <= PACE_SETTER_MS,
      };
    }),
    loss: {
      fixedW: grid.lossKw * 1_000,
      atRatingW: grid.lossAtRatingKw * 1_000,
      ratingW: Math.max(1, grid.ratingKva * 1_000),
    },
    lagMs: grid.meterLagMs,
    crossCheck: { fraction: grid.crossCheckPercent / 100, samples: grid.crossCheckSamples },
    importLimitW: grid.importLimitKw * 1_000,
    exportLimitW: grid.exportLimitKw * 1_000,
    peakCapW: grid.peakCapKw === undefined ? undefined : grid.peakCapKw * 1_000,
    rampUpWPerS: grid.rampUpKwPerS * 1_000,
    rampDownWPerS: grid.rampDownKwPerS * 1_000,
    blindMs: grid.blindMs,
    returnMs: RETURN_MS,
  };
}

function unitPlan(context: SiteContext, battery: BatteryConfig, name: string): BatteryUnitPlan {
  const device = requireDevice(context, name);
  const write = writeRule(context, name, "active-power-setpoint");
  const range = envelopeOf(context, name, "active-power-setpoint");
  if (write === undefined || range === undefined)
    throw invalid(context.site, `${name} needs an envelope for its active-power-setpoint`);
  if (write.isSelected)
    throw invalid(
      context.site,
      `${name} is selected before it operates: it takes slow setpoints only, and a control loop ` +
        "cannot drive it",
    );
  const factor = conversionTo("W", range.unit)?.factor ?? 1;
  const differsW = battery.differsKw * 1_000;
  return {
    asset: name,
    stream: device.stream,
    points: unitPoints(context, name),
    dischargeRatingW: Math.max(0, range.maximum * factor),
    chargeRatingW: Math.max(0, -range.minimum * factor),
    capacityWh: battery.unitCapacityKwh * 1_000,
    soc: {
      minPercent: battery.socMinPercent,
      maxPercent: battery.socMaxPercent,
      reservePercent: battery.socReservePercent,
      resolutionPercent: SOC_RESOLUTION_PERCENT,
    },
    silentMs: battery.silentMs,
    reversion: {
      afterMs: battery.reversionMs,
      powerW: 0,
      rampWPerS: battery.reversionRampKwPerS * 1_000,
    },
    stepW: Math.max(write.step ?? differsW, SMALLEST_STEP_W),
    repeatMs: Math.min(REPEAT_MS, battery.reversionMs / 3),
    readBack: readBackPlan(write.readBack, differsW),
    settleMs: write.settleMs,
    rampMaxWPerS: battery.rampKwPerS * 1_000,
  };
}

/** What a unit shows is compared with the setpoints of the time since they were sent. */
function checkMemory(site: SiteConfig, unit: BatteryUnitPlan, periodMs: number): void {
  if (setpointsKept(unit, periodMs) <= SETPOINTS_KEPT_MAX) return;
  const { withinMs } = unit.readBack;
  throw invalid(
    site,
    `${unit.asset} shows a setpoint up to ${withinMs} ms later: more than ${SETPOINTS_KEPT_MAX} ` +
      `cycles of ${periodMs} ms would have to be remembered`,
  );
}

function readBackPlan(rule: WriteRule["readBack"], differsW: number): ReadBackPlan {
  return {
    withinMs: rule?.withinMs ?? READ_BACK_MS,
    toleranceW: Math.max(rule?.tolerance ?? 0, differsW),
  };
}

function unitPoints(context: SiteContext, name: string): UnitPoints {
  return {
    power: requirePoint(context, name, "active-power"),
    setpoint: requirePoint(context, name, "active-power-setpoint"),
    soc: requireInput(context, name, "state-of-charge"),
    chargeLimit: input(context, name, "charge-power-limit"),
    dischargeLimit: input(context, name, "discharge-power-limit"),
    faults: stateConditions(context, name, ["fault", "maintenance"]),
    heartbeat: heartbeatOf(context, name),
    batteryHeartbeat: batteryHeartbeatOf(context, name),
    run: runCommand(context, name),
    reactive:
      envelopeOf(context, name, REACTIVE_SETPOINT) === undefined
        ? undefined
        : pointOf(context, name, REACTIVE_SETPOINT),
  };
}

const REACTIVE_SETPOINT = "reactive-power-setpoint";
/** A battery that does not count for longer gives nothing, ms. */
const BATTERY_STILL_MS = 2_000;

/** Of the battery behind the converter. What stands still for certain has missed a poll more. */
function batteryHeartbeatOf(context: SiteContext, device: string): InputPoint | undefined {
  const point = pointOf(context, device, "x-bms-heartbeat");
  if (point === undefined) return undefined;
  return { point, maxAgeMs: BATTERY_STILL_MS + (context.table.points[point]?.everyMs ?? 0) };
}

/** The counter of a device whose profile says how long it may stand still. */
function heartbeatOf(context: SiteContext, device: string): InputPoint | undefined {
  const point = pointOf(context, device, "heartbeat");
  const maxAgeMs = boundOf(context, device, "heartbeat")?.frozenAfterMs;
  return point === undefined || maxAgeMs === undefined ? undefined : { point, maxAgeMs };
}

/** One condition for each state in which the unit cannot follow a setpoint. */
function stateConditions(
  context: SiteContext,
  device: string,
  states: readonly string[],
): ConditionPlan[] {
  const point = pointOf(context, device, "operating-state");
  const texts = ENUM_TEXTS.get("operating-state") ?? [];
  if (point === undefined) return [];
  return states.map((state) => ({
    point,
    when: { equals: texts.indexOf(state) },
    isActiveLow: false,
  }));
}

function runCommand(context: SiteContext, device: string): RunCommandPlan | undefined {
  const point = pointOf(context, device, "run-command");
  const texts = ENUM_TEXTS.get("run-command") ?? [];
  if (point === undefined || writeRule(context, device, "run-command") === undefined)
    return undefined;
  const [stopValue, startValue] = [texts.indexOf("stop"), texts.indexOf("start")];
  const range = envelopeOf(context, device, "run-command");
  const allows = (value: number): boolean =>
    range !== undefined && range.minimum <= value && value <= range.maximum;
  if (!allows(stopValue) || !allows(startValue))
    throw invalid(
      context.site,
      `${device} needs an envelope for its run-command from ${stopValue} (stop) to ` +
        `${startValue} (start): a trip could not stop it`,
    );
  return {
    point,
    stopValue,
    startValue,
    // A converter that was told to stop shows the one or the other.
    stopped: stateConditions(context, device, ["off", "standby"]),
    // Without an envelope a person at the device has to reset its alarms.
    alarmReset:
      envelopeOf(context, device, "alarm-reset") === undefined
        ? undefined
        : pointOf(context, device, "alarm-reset"),
  };
}

/** The point by which a device tells whether its hard-wired selector stands on local. */
const SELECTOR_POINT = "control-location";

function selectorPlan(
  context: SiteContext,
  { localSelector: device }: ControlConfig,
): SelectorPlan | undefined {
  if (device === undefined) return undefined;
  const { point, maxAgeMs } = requireInput(context, device, SELECTOR_POINT);
  const equals = (ENUM_TEXTS.get(SELECTOR_POINT) ?? []).indexOf("local");
  return { condition: { point, when: { equals }, isActiveLow: false }, maxAgeMs };
}

function tripRules(
  context: SiteContext,
  control: ControlConfig,
  device: string,
  unit: number,
): TripRule[] {
  const { definition, profile } = requireProfile(context, device);
  return profile.alarms
    .filter((alarm) => control.trips.includes(alarm.id))
    .map((alarm) => ({
      id: alarm.id,
      device,
      pointName: profile.points[alarm.ordinal]?.id ?? "",
      text: alarm.text,
      condition: {
        point: pointIndex(definition.firstPoint + alarm.ordinal),
        when: alarm.when,
        isActiveLow: alarm.isActiveLow,
      },
      units: [unit],
      terms: tripTerms(control, alarm.id),
    }));
}

/** The lines of the site's envelope for devices that may be driven at all. */
export function writable(context: SiteContext): readonly EnvelopeConfig[] {
  const { site, deviceById } = context;
  return effectiveEnvelope(site, ({ id }) => deviceById.get(id)?.profile.deviceClass ?? "");
}

/**
 * A line of the site's envelope in canonical units.
 *
 * @throws GatewayError CONFIG_INVALID when the profile cannot write the point, or not in that unit
 */
export function envelopeEntry(context: SiteContext, entry: EnvelopeConfig): EnvelopeEntry {
  const bound = boundOf(context, entry.device, entry.point);
  const point = pointOf(context, entry.device, entry.point);
  const write = writeRule(context, entry.device, entry.point);
  if (point === undefined || write === undefined)
    throw invalid(context.site, `${entry.device}/${entry.point} cannot be written by its profile`);
  const conversion = conversionTo(bound?.unit ?? "1", entry.unit);
  if (conversion === undefined)
    throw invalid(context.site, `${entry.unit} is no unit of ${entry.device}/${entry.point}`);
  const canonical = (value: number): number => value * conversion.factor + conversion.offset;
  return {
    asset: entry.device,
    pointName: entry.point,
    point,
    min: canonical(entry.minimum),
    max: canonical(entry.maximum),
    rampPerS: entry.changePerS === undefined ? undefined : entry.changePerS * conversion.factor,
    minimumIntervalMs: entry.minimumIntervalMs,
    mode: entry.beyond,
    interlocks: interlocks(context, entry.device, write.needs),
    excludes: exclusions(context, entry),
    confirm: isCyclic(context, entry.device, entry.point) ? "by-poll" : "read-back",
    settleMs: write.settleMs > 0 ? write.settleMs : SETTLE_MS,
    shown: bound?.group === undefined ? undefined : input(context, entry.device, entry.point),
    effect: effectOf(context, entry.device, entry.point),
  };
}

/** Both ways round, however it is written down. */
function exclusions(
  context: SiteContext,
  { device, point, excludes }: EnvelopeConfig,
): readonly ExclusionPlan[] | undefined {
  const own = `${device}/${point}`;
  const lines = writable(context);
  const named = new Set([
    ...(excludes ?? []),
    ...lines.filter((line) => line.excludes?.includes(own) === true).map(nameOf),
  ]);
  if (named.size === 0) return undefined;
  return [...named].map((name): ExclusionPlan => {
    const line = lines.find((one) => nameOf(one) === name);
    if (line === undefined || name === own)
      throw invalid(
        context.site,
        `${own} excludes ${name}, which is no other line of the envelope`,
      );
    const shown = input(context, line.device, line.point);
    const write = writeRule(context, line.device, line.point);
    if (shown === undefined || write === undefined)
      throw invalid(context.site, `${own} excludes ${name}, which its device does not show`);
    const settleMs = write.settleMs > 0 ? write.settleMs : SETTLE_MS;
    return { name, point: shown.point, shown, settleMs };
  });
}

function nameOf({ device, point }: EnvelopeConfig): string {
  return `${device}/${point}`;
}

/** The power of a unit that the loop drives is written twenty times a second. */
function isCyclic(context: SiteContext, device: string, point: string): boolean {
  const batteries = context.site.control?.batteries ?? [];
  return point === "active-power-setpoint" && batteries.some(({ units }) => units.includes(device));
}

/** The measurement that follows a setpoint: its name without the ending, where there is one. */
function effectOf(context: SiteContext, device: string, point: string): InputPoint | undefined {
  return point.endsWith("-setpoint")
    ? input(context, device, point.slice(0, -"-setpoint".length))
    : undefined;
}

function interlocks(
  context: SiteContext,
  device: string,
  names: readonly string[],
): InterlockPlan[] {
  const { definition, profile } = requireProfile(context, device);
  return names.flatMap((name) => {
    const interlock = profile.interlocks.get(name);
    if (interlock?.ordinal === undefined) return [];
    const point = pointIndex(definition.firstPoint + interlock.ordinal);
    return [
      {
        name,
        condition: { point, when: { equals: interlock.equals }, isActiveLow: false },
        maxAgeMs: maxAgeOf(context, point),
      },
    ];
  });
}
