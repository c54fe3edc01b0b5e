import type { PointIndex, StreamId } from "../../domain/point.ts";
import type { InputPoint, VotedPlan } from "../plan.ts";
import type { CoolantFlowSettings } from "./coolant-flow.ts";
import type { CoolantGuardSettings } from "./coolant-guard.ts";
import type { CoolantSupplySettings } from "./coolant-supply.ts";
import type { DewPointSettings } from "./dew-point.ts";
import type { HeatDeliverySettings } from "./heat-delivery.ts";
import type { HeatLimitSettings } from "./heat-limit.ts";
import type { LeakSettings } from "./leak.ts";
import type { LowFlowSettings } from "./low-flow.ts";
import type { FlagPoint } from "./measured.ts";
import type { ShedSettings } from "./shed.ts";
import type { ThermalMode } from "./thermal-mode.ts";
import type { TwoPhaseSettings } from "./two-phase.ts";

/**
 * What the thermal controllers know of their site, compiled from the equipment classes of the site
 * file. Plain data. Heat in W, flow in L/min, temperatures in Cel, pressures in kPa.
 */
export interface ThermalPlan {
  /** Each asset has its turn once in this time. */
  readonly periodMs: number;
  /** Dew points of the rooms. */
  readonly rooms: readonly InputPoint[];
  readonly zones: readonly ZonePlan[];
  readonly deliveries: readonly DeliveryPlan[];
}

/** A coolant unit with the racks that hang on it. */
export interface ZonePlan {
  /** Device of the site file. */
  readonly asset: string;
  /** As the site file says; who is in force may be another one. */
  readonly mode: ThermalMode;
  readonly settings: ZoneSettings;
  readonly points: ZonePoints;
  /** Quantities that several sensors measure; undefined: none. */
  readonly sensors?: ZoneSensors | undefined;
  readonly actuators: ZoneActuators;
}

/** By quantity; undefined: one sensor alone says it, or none. */
export interface ZoneSensors {
  readonly supply: CoolantSensors | undefined;
  readonly return_: CoolantSensors | undefined;
  readonly flow: CoolantSensors | undefined;
}

/** Two or three sensors that vote on a quantity of a coolant unit. */
export interface CoolantSensors extends Omit<VotedPlan, "names"> {
  /** In the order of `inputs`. */
  readonly sensors: readonly CoolantSensor[];
  /** Point of the unit that they measure, and its unit for people. */
  readonly point: string;
  readonly unit: string;
}

export interface CoolantSensor {
  readonly device: string;
  readonly point: string;
  /** `device/point`. */
  readonly name: string;
}

export interface ZoneSettings {
  /** Heat that its racks give at most, W: asked to go where nobody can say how much there is. */
  readonly ratedHeatW: number;
  readonly dewPoint: DewPointSettings;
  readonly supply: CoolantSupplySettings;
  readonly flow: CoolantFlowSettings;
  readonly lowFlow: LowFlowSettings;
  readonly leak: LeakSettings;
  readonly supplyLimit: HeatLimitSettings;
  readonly returnLimit: HeatLimitSettings;
  /** Undefined: its coolant stays liquid. */
  readonly twoPhase: TwoPhaseSettings | undefined;
  readonly shed: ShedSettings;
  readonly guard: CoolantGuardSettings;
}

/** What is read; undefined: the site has none. */
export interface ZonePoints {
  readonly flow: InputPoint | undefined;
  readonly heat: InputPoint | undefined;
  readonly supply: InputPoint | undefined;
  readonly return_: InputPoint | undefined;
  readonly primarySupply: InputPoint | undefined;
  readonly speed: InputPoint | undefined;
  readonly shownSetpoint: InputPoint | undefined;
  readonly shownValve: InputPoint | undefined;
  readonly differential: InputPoint | undefined;
  readonly pressure: InputPoint | undefined;
  readonly level: InputPoint | undefined;
  readonly rope: FlagPoint | undefined;
  readonly secondRope: FlagPoint | undefined;
  readonly ropeFault: FlagPoint | undefined;
  readonly levelLow: FlagPoint | undefined;
  readonly vapour: InputPoint | undefined;
  readonly vapourTemperature: InputPoint | undefined;
  readonly condensation: InputPoint | undefined;
  readonly phaseDetected: FlagPoint | undefined;
}

/** What is written in `control`; undefined: nobody can, or the device does it by itself. */
export interface ZoneActuators {
  readonly supplySetpoint: ThermalActuator | undefined;
  readonly valve: ThermalActuator | undefined;
  readonly speed: ThermalActuator | undefined;
  /** Shuts the zone off after a leak. */
  readonly zoneValve: ThermalActuator | undefined;
  readonly standby: StandbyPlan | undefined;
}

export interface StandbyPlan extends ThermalActuator {
  readonly startValue: number;
}

export interface ThermalActuator {
  /** Device and point of the site file. */
  readonly asset: string;
  readonly pointName: string;
  readonly point: PointIndex;
  readonly stream: StreamId;
  /** A smaller change is not worth a write. */
  readonly step: number;
  /** The device shows what was written, ms old at most; undefined: it does not. */
  readonly shown: InputPoint | undefined;
}

/** An exchanger by which heat goes to the city. */
export interface DeliveryPlan {
  readonly asset: string;
  readonly mode: ThermalMode;
  readonly settings: HeatDeliverySettings;
  readonly points: DeliveryPoints;
  readonly actuators: DeliveryActuators;
}

export interface DeliveryPoints {
  readonly demand: InputPoint | undefined;
  readonly demandCel: InputPoint | undefined;
  readonly flow: InputPoint | undefined;
  readonly supply: InputPoint | undefined;
  readonly return_: InputPoint | undefined;
  readonly available: InputPoint | undefined;
  readonly condensation: InputPoint | undefined;
  readonly speed: InputPoint | undefined;
  readonly conductivity: InputPoint | undefined;
  readonly leak: FlagPoint | undefined;
  readonly networkPressure: InputPoint | undefined;
  readonly coolantPressure: InputPoint | undefined;
}

export interface DeliveryActuators {
  readonly supplySetpoint: ThermalActuator | undefined;
  readonly speed: ThermalActuator | undefined;
  readonly valve: ThermalActuator | undefined;
}
