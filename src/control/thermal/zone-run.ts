import type { MonotonicMs } from "../../domain/time.ts";
import type { ImageView } from "../../points/image.ts";
import type { Envelope } from "../envelope.ts";
import type { ControlWrite, CyclicReport } from "../exchange.ts";
import type { Notices } from "../notices.ts";
import { type Measured, readFlag, readMeasured } from "./measured.ts";
import type { ThermalMode } from "./thermal-mode.ts";
import { tellZone } from "./thermal-notices.ts";
import {
  type ActuatorState,
  drive,
  forgetActuator,
  noActuator,
  noteReport,
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
import type { ThermalActuator, ZonePlan, ZonePoints } from "./zone-plan.ts";

/** A zone as it runs: its controllers, what they read, and what was written. Plain data. */
export interface ZoneRun {
  readonly plan: ZonePlan;
  readonly inputs: ZoneInputs;
  readonly state: ZoneState;
  readonly actuators: Readonly<Record<ActuatorName, ActuatorState>>;
  dueAt: number;
}

/** What a step of one asset needs. */
export interface RunSight {
  readonly view: ImageView;
  readonly now: MonotonicMs;
  readonly envelope: Envelope;
  readonly writes: ControlWrite[];
  readonly notices: Notices;
  readonly mode: (asset: string, asked: ThermalMode) => ThermalMode;
}

const ACTUATORS = ["supplySetpoint", "valve", "speed", "zoneValve", "standby"] as const;
type ActuatorName = (typeof ACTUATORS)[number];

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
  const inputs = zoneInputs(rooms);
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
  else for (const name of ACTUATORS) forgetActuator(run.actuators[name]);
}

/** @returns true where the report is of this zone */
export function noteZone(
  run: ZoneRun,
  report: CyclicReport,
  { now, notices }: { readonly now: number; readonly notices: Notices },
): boolean {
  for (const name of ACTUATORS) {
    const actuator = run.plan.actuators[name];
    if (actuator === undefined) continue;
    const state = run.actuators[name];
    if (!noteReport(state, actuator, report, now)) continue;
    tellRefusal(notices, actuator, state);
    return true;
  }
  return false;
}

/** Tells that an actuator does not take what it is asked for, or does again. */
export function tellRefusal(
  notices: Notices,
  { asset, pointName }: ThermalActuator,
  { refusal }: ActuatorState,
): void {
  const isRefused = refusal !== undefined;
  if (!notices.isNews("cooling-write-refused", asset, isRefused)) return;
  const words = isRefused
    ? `${asset} does not take its ${pointName}: ${refusal}`
    : `${asset} takes its ${pointName} again`;
  notices.tell({ id: "cooling-write-refused", device: asset, point: pointName }, isRefused, words);
}

function read({ plan, inputs }: ZoneRun, { view, now }: RunSight): void {
  const { points } = plan;
  for (const name of ZONE_MEASURES) {
    const measured = inputs.measures[name];
    if (isFlag(name)) readFlag(measured, view, points[name], now);
    else readMeasured(measured, view, pointOf(points, name), now);
  }
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
  if (closeZoneValve) driveIf(run, "zoneValve", { value: 0, isSafeState: true }, sight);
  driveIf(run, "speed", { value: out.speedPercent, isSafeState: stopPumps }, sight);
  driveIf(run, "supplySetpoint", { value: out.supplySetpointCel, isSafeState: false }, sight);
  driveIf(run, "valve", { value: out.valvePercent, isSafeState: false }, sight);
  if (out.startStandby && standby !== undefined)
    driveIf(run, "standby", { value: standby.startValue, isSafeState: false }, sight);
}

function driveIf(
  { plan, actuators }: ZoneRun,
  name: ActuatorName,
  wanted: { readonly value: number; readonly isSafeState: boolean },
  sight: RunSight,
): void {
  const actuator = plan.actuators[name];
  if (actuator === undefined) return;
  const state = actuators[name];
  const before = state.refusedAt;
  drive(state, actuator, wanted, sight);
  if (state.refusedAt !== before) tellRefusal(sight.notices, actuator, state);
}
