import { megawatts } from "../notices.ts";
import { standingLines, VOTED_QUANTITIES } from "./coolant-votes.ts";
import type { DeliveryRun, DELIVERY_ACTUATORS } from "./delivery-run.ts";
import { knownOf } from "./measured.ts";
import { ISOLATION_WORDS } from "./thermal-notices.ts";
import type { ZoneRun, ZONE_ACTUATORS } from "./zone-run.ts";

/** What decides the value of an actuator. */
export type ThermalBinding =
  | "leak"
  | "heat-limit"
  | "flow-unknown"
  | "heat-unknown"
  | "pump-lost"
  | "heat"
  | "range"
  | "dew-point"
  | "dew-point-unknown"
  | "rate"
  | "site"
  | "supply-unknown"
  | "supply"
  | "flow-low"
  | "no-cause"
  | "isolation"
  | "no-demand"
  | "source"
  | "demand";

export interface Reason {
  readonly binding: ThermalBinding;
  /** What the controller asks for; undefined: nothing. */
  readonly value: number | undefined;
  readonly unit: string;
  readonly digits: number;
  /** Why, in a half sentence. */
  readonly text: string;
  readonly measurements: readonly string[];
  readonly limits: readonly string[];
}

type ZoneActuatorName = (typeof ZONE_ACTUATORS)[number];
type DeliveryActuatorName = (typeof DELIVERY_ACTUATORS)[number];

const PERCENT = { unit: " %", digits: 1, limits: [] } as const;
const CEL = { unit: " °C", digits: 1, limits: [] } as const;
/** A setpoint that is nearer than this is there, K. */
const THERE_K = 0.05;
const OPEN_PERCENT = 100;

/** What an actuator of a coolant unit is asked for at the last step of its controllers, and why. */
export function zoneReason(run: ZoneRun, name: ZoneActuatorName, now: number): Reason {
  switch (name) {
    case "speed":
      return speedReason(run, now);
    case "supplySetpoint":
      return supplyReason(run);
    case "valve":
      return valveReason(run);
    case "zoneValve":
      return zoneValveReason(run);
    case "standby":
      return standbyReason(run);
  }
}

/** Likewise of a delivery of heat. */
export function deliveryReason(run: DeliveryRun, name: DeliveryActuatorName): Reason {
  const { out, setpointCel } = run.state;
  const measurements = [
    `the city asks for ${power(knownOf(run.inputs.demand))}, the source gives ` +
      `${power(out.heatW)} of it`,
  ];
  if (name === "supplySetpoint") return deliverySetpointReason(run, setpointCel, measurements);
  const text = `${ISOLATION_WORDS[out.isolation]}: it is isolated`;
  if (out.isClosed) return { ...PERCENT, binding: "isolation", value: 0, text, measurements };
  if (name === "valve") {
    const open = "nothing is wrong with the city's water";
    return { ...PERCENT, binding: "site", value: OPEN_PERCENT, text: open, measurements };
  }
  const value = known(out.speedPercent);
  if (out.heatW <= 0) {
    const idle = "nobody asks for heat, or there is none";
    return { ...PERCENT, binding: "no-demand", value, text: idle, measurements };
  }
  const flow = "the flow carries what is asked for";
  const short = `the source is ${megawatts(out.shortW)} short of the demand`;
  return out.isShort
    ? { ...PERCENT, binding: "source", value, text: short, measurements }
    : { ...PERCENT, binding: "demand", value, text: flow, measurements };
}

function deliverySetpointReason(
  { inputs, plan: { settings } }: DeliveryRun,
  value: number,
  measurements: readonly string[],
): Reason {
  const askedCel = knownOf(inputs.demandCel);
  const { lowestCel, highestCel, supplyCel } = settings;
  const wantedCel = Number.isNaN(askedCel) ? supplyCel : askedCel;
  const inRangeCel = Math.min(Math.max(wantedCel, lowestCel), highestCel);
  const whose = Number.isNaN(askedCel) ? "the site" : "the city";
  const text = `${whose} asks for ${celsius(wantedCel)}`;
  const limits =
    inRangeCel === wantedCel ? [] : [`between ${celsius(lowestCel)} and ${celsius(highestCel)}`];
  const way = Math.abs(value - inRangeCel) > THERE_K;
  const binding = way ? "rate" : limits.length > 0 ? "range" : "demand";
  return { ...CEL, binding, value, text, measurements, limits };
}

function speedReason({ state, inputs, plan: { settings } }: ZoneRun, now: number): Reason {
  const { flow, leak, parts, out } = state;
  const { needLPerMin } = flow.out;
  const measurements = [
    `${litres(knownOf(inputs.measures.flow))} flow; the racks give ` +
      `${power(knownOf(parts.flow.heat))}, which needs ${litres(needLPerMin)}`,
    ...standingLines(inputs.votes, VOTED_QUANTITIES),
  ];
  const value = known(out.speedPercent);
  const because = (binding: ThermalBinding, text: string): Reason => ({
    ...{ ...PERCENT, binding, value, text, measurements },
    limits: rangeOf(out.speedPercent, settings.flow),
  });
  if (leak.out.stopPumps) return because("leak", "a leak is confirmed: the zone is isolated");
  if (parts.flow.isHot) return because("heat-limit", "the coolant is near its limit");
  if (flow.out.isBlind) return because("flow-unknown", "the flow is not known");
  if (now < flow.boostUntil)
    return because("pump-lost", "a pump is lost, and the others make up for it");
  if (Number.isNaN(needLPerMin))
    return because("heat-unknown", "what the racks need is not known: it stays as it is");
  const follows = because("heat", "the flow follows the heat of the racks");
  return follows.limits.length > 0 ? { ...follows, binding: "range" } : follows;
}

function rangeOf(
  speedPercent: number,
  limits: { readonly speedMinimumPercent: number; readonly speedMaximumPercent: number },
): readonly string[] {
  const { speedMinimumPercent: low, speedMaximumPercent: high } = limits;
  if (speedPercent >= high) return [`no faster than ${high} %`];
  return speedPercent > 0 && speedPercent <= low ? [`no slower than ${low} %`] : [];
}

function supplyReason({ state, plan: { settings } }: ZoneRun): Reason {
  const { dewPoint, supply, out } = state;
  const { dewPointCel, floorCel } = dewPoint.out;
  const { setpointCel } = settings.supply;
  const measurements = [
    Number.isNaN(dewPointCel)
      ? "no dew point of the room is known"
      : `the dew point is ${celsius(dewPointCel)}: not below ${celsius(floorCel)}`,
  ];
  const value = known(out.supplySetpointCel);
  const because = (binding: ThermalBinding, text: string): Reason => ({
    ...CEL,
    ...{ binding, value, text, measurements },
  });
  const targetCel = supply.out.isRaised ? floorCel : setpointCel;
  if (Number.isNaN(floorCel) && out.supplySetpointCel > setpointCel)
    return because("dew-point-unknown", "without a dew point nothing gets colder");
  if (Math.abs(out.supplySetpointCel - targetCel) > THERE_K)
    return because("rate", `it is on its way to ${celsius(targetCel)}`);
  return supply.out.isRaised
    ? because(
        "dew-point",
        `the dew point allows nothing colder, the site asks ${celsius(setpointCel)}`,
      )
    : because("site", `the site asks for ${celsius(setpointCel)}`);
}

function valveReason({ state, inputs }: ZoneRun): Reason {
  const { supply, out } = state;
  const supplyCel = knownOf(inputs.measures.supply);
  const value = known(out.valvePercent);
  const measurements = [
    `the supply is ${celsius(supplyCel)}`,
    ...standingLines(inputs.votes, ["supply"]),
  ];
  return supply.out.isBlind
    ? {
        ...PERCENT,
        binding: "supply-unknown",
        value,
        measurements,
        text: "the supply is not known",
      }
    : {
        ...{ ...PERCENT, binding: "supply", value, measurements },
        text: `it brings the supply to ${celsius(supply.setpointCel)}`,
      };
}

function zoneValveReason({ state }: ZoneRun): Reason {
  const { leak, out } = state;
  const measurements = [`the zone is ${leak.out.phase}`];
  return out.closeZoneValve
    ? { ...PERCENT, binding: "leak", value: 0, measurements, text: "a leak is confirmed" }
    : { ...PERCENT, binding: "no-cause", value: undefined, measurements, text: "there is no leak" };
}

function standbyReason({ state, inputs, plan }: ZoneRun): Reason {
  const { standby } = plan.actuators;
  const { needLPerMin } = state.flow.out;
  const flowing = litres(knownOf(inputs.measures.flow));
  const base = {
    ...{ unit: "", digits: 0, limits: [] },
    measurements: [
      `${flowing} flow of ${litres(needLPerMin)} that the racks need`,
      ...standingLines(inputs.votes, VOTED_QUANTITIES),
    ],
  };
  return state.out.startStandby && standby !== undefined
    ? { ...base, binding: "flow-low", value: standby.startValue, text: "too little coolant flows" }
    : { ...base, binding: "no-cause", value: undefined, text: "enough coolant flows" };
}

function known(value: number): number | undefined {
  return Number.isNaN(value) ? undefined : value;
}

function celsius(value: number): string {
  return Number.isNaN(value) ? "an unknown temperature" : `${value.toFixed(1)} °C`;
}

function litres(value: number): string {
  return Number.isNaN(value) ? "an unknown flow" : `${Math.round(value)} L/min`;
}

function power(powerW: number): string {
  return Number.isNaN(powerW) ? "an unknown heat" : megawatts(powerW);
}
