import {
  createHeatDelivery,
  type HeatDeliveryInputs,
  type HeatDeliveryState,
  resetHeatDelivery,
  restoreHeatDelivery,
  stepHeatDelivery,
} from "./heat-delivery.ts";
import { absentMeasure, readFlag, readMeasured } from "./measured.ts";
import { tellDelivery } from "./thermal-notices.ts";
import {
  type ActuatorState,
  driveActuator,
  forgetActuator,
  noActuator,
  type RunSight,
} from "./thermal-writes.ts";
import type { DeliveryPlan } from "./zone-plan.ts";

/** A delivery of heat as it runs. Plain data. */
export interface DeliveryRun {
  readonly plan: DeliveryPlan;
  readonly inputs: HeatDeliveryInputs;
  readonly state: HeatDeliveryState;
  readonly actuators: Readonly<Record<ActuatorName, ActuatorState>>;
  dueAt: number;
}

export const DELIVERY_ACTUATORS = ["valve", "speed", "supplySetpoint"] as const;
type ActuatorName = (typeof DELIVERY_ACTUATORS)[number];
const OPEN_PERCENT = 100;

export function deliveryRun(plan: DeliveryPlan): DeliveryRun {
  return {
    plan,
    inputs: {
      mode: "observe",
      demand: absentMeasure(),
      demandCel: absentMeasure(),
      flow: absentMeasure(),
      supply: absentMeasure(),
      return_: absentMeasure(),
      available: absentMeasure(),
      condensation: absentMeasure(),
      speed: absentMeasure(),
      conductivity: absentMeasure(),
      leak: absentMeasure(),
      networkPressure: absentMeasure(),
      coolantPressure: absentMeasure(),
    },
    state: createHeatDelivery(plan.settings),
    actuators: { valve: noActuator(), speed: noActuator(), supplySetpoint: noActuator() },
    dueAt: -Infinity,
  };
}

/** One step: reads, decides, tells and, in `control`, writes. */
export function runDelivery(run: DeliveryRun, sight: RunSight): void {
  const { plan, inputs, state, actuators } = run;
  inputs.mode = sight.mode(plan.asset, plan.mode);
  read(run, sight);
  const out = stepHeatDelivery(state, inputs, plan.settings, sight.now);
  tellDelivery(sight.notices, plan, state);
  if (inputs.mode !== "control") {
    for (const name of DELIVERY_ACTUATORS) forgetActuator(actuators[name]);
    return;
  }
  const { isClosed } = out;
  const opening = isClosed ? 0 : OPEN_PERCENT;
  driveActuator(run, "valve", { value: opening, isSafeState: isClosed }, sight);
  driveActuator(run, "speed", { value: out.speedPercent, isSafeState: isClosed }, sight);
  driveActuator(run, "supplySetpoint", { value: out.setpointCel, isSafeState: false }, sight);
}

export function releaseDelivery(run: DeliveryRun): "released" | "no-such-trip" | "cause-present" {
  if (run.state.isolation === "none") return "no-such-trip";
  return resetHeatDelivery(run.state) ? "released" : "cause-present";
}

export function restoreDelivery(run: DeliveryRun): void {
  restoreHeatDelivery(run.state);
}

function read({ plan, inputs }: DeliveryRun, { view, now }: RunSight): void {
  const { points } = plan;
  readMeasured(inputs.demand, view, points.demand, now);
  readMeasured(inputs.demandCel, view, points.demandCel, now);
  readMeasured(inputs.flow, view, points.flow, now);
  readMeasured(inputs.supply, view, points.supply, now);
  readMeasured(inputs.return_, view, points.return_, now);
  readMeasured(inputs.available, view, points.available, now);
  readMeasured(inputs.condensation, view, points.condensation, now);
  readMeasured(inputs.speed, view, points.speed, now);
  readMeasured(inputs.conductivity, view, points.conductivity, now);
  readMeasured(inputs.networkPressure, view, points.networkPressure, now);
  readMeasured(inputs.coolantPressure, view, points.coolantPressure, now);
  readFlag(inputs.leak, view, points.leak, now);
}
