import { readVotes } from "./coolant-votes.ts";
import { type Measured, readFlag, readMeasured } from "./measured.ts";
import { tellZone } from "./thermal-notices.ts";
import {
  type ActuatorState,
  driveActuator,
  forgetActuator,
  noActuator,
  type RunSight,
} from "./thermal-writes.ts";
import {
  createZone,
  stepZone,
  ZONE_MEASURES,
  zoneInputs,
  type ZoneInputs,
  type ZoneMeasureName,
  type ZoneOut,
  type ZoneState,
} from "./zone.ts";
import type { ZonePlan, ZonePoints } from "./zone-plan.ts";

/** A zone as it runs: its controllers, what they read, and what was written. Plain data. */
export interface ZoneRun {
  readonly plan: ZonePlan;
  readonly inputs: ZoneInputs;
  readonly state: ZoneState;
  readonly actuators: Readonly<Record<ActuatorName, ActuatorState>>;
  dueAt: number;
}

export const ZONE_ACTUATORS = ["supplySetpoint", "valve", "speed", "zoneValve", "standby"] as const;
type ActuatorName = (typeof ZONE_ACTUATORS)[number];

/** Points whose reading is a condition. */
type FlagName = "rope" | "secondRope" | "ropeFault" | "levelLow" | "phaseDetected";
const FLAGS: ReadonlySet<ZoneMeasureName> = new Set<FlagName>([
  "rope",
  "secondRope",
  "ropeFault",
  "levelLow",
  "phaseDetected",
]);

export function zoneRun(plan: ZonePlan, rooms: readonly Measured[]): ZoneRun {
  const inputs = zoneInputs(rooms, plan.sensors);
  return {
    plan,
    inputs,
    state: createZone(plan.settings, inputs),
    actuators: {
      supplySetpoint: noActuator(),
      valve: noActuator(),
      speed: noActuator(),
      zoneValve: noActuator(),
      standby: noActuator(),
    },
    dueAt: -Infinity,
  };
}

/** One step: reads, decides, tells and, in `control`, writes. */
export function runZone(run: ZoneRun, sight: RunSight): void {
  const { plan, inputs, state } = run;
  const { now, notices } = sight;
  inputs.mode = sight.mode(plan.asset, plan.mode);
  read(run, sight);
  const out = stepZone(state, inputs, plan.settings, now);
  tellZone(notices, plan, run);
  if (out.mode === "control") write(run, out, sight);
  else for (const name of ZONE_ACTUATORS) forgetActuator(run.actuators[name]);
}

function read({ plan, inputs }: ZoneRun, sight: RunSight): void {
  const { points } = plan;
  const { view, now } = sight;
  for (const name of ZONE_MEASURES) {
    const measured = inputs.measures[name];
    if (isFlag(name)) readFlag(measured, view, points[name], now);
    else readMeasured(measured, view, pointOf(points, name), now);
  }
  readVotes(inputs.votes, sight);
}

function isFlag(name: ZoneMeasureName): name is FlagName {
  return FLAGS.has(name);
}

function pointOf(points: ZonePoints, name: Exclude<ZoneMeasureName, FlagName>): ZonePoints["flow"] {
  return points[name];
}

/** Protective writes go first; the valve shuts before the pumps stop. */
function write(run: ZoneRun, out: ZoneOut, sight: RunSight): void {
  const { closeZoneValve, stopPumps } = out;
  const { standby } = run.plan.actuators;
  if (closeZoneValve) driveActuator(run, "zoneValve", { value: 0, isSafeState: true }, sight);
  driveActuator(run, "speed", { value: out.speedPercent, isSafeState: stopPumps }, sight);
  driveActuator(run, "supplySetpoint", { value: out.supplySetpointCel, isSafeState: false }, sight);
  driveActuator(run, "valve", { value: out.valvePercent, isSafeState: false }, sight);
  if (out.startStandby && standby !== undefined)
    driveActuator(run, "standby", { value: standby.startValue, isSafeState: false }, sight);
}
