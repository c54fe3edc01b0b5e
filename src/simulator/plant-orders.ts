import type { CoolingHalf } from "./cooling-half.ts";
import type { PlantOrder } from "./orders.ts";
import { scriptFrequency } from "./physics/grid.ts";
import { startPattern } from "./physics/load.ts";
import type { PlantParameters } from "./physics/parameters.ts";
import { type LoadMode, type PlantState, setGrid } from "./physics/plant-model.ts";
import { traceOf } from "./physics/traces.ts";
import { failUps, repairUps } from "./physics/ups.ts";
import type { PlantBess } from "./plant-bess.ts";
import type { PlantUps } from "./plant-ups.ts";

/** What orders act on. */
export interface OrderedParts {
  readonly state: PlantState;
  readonly parameters: PlantParameters;
  readonly bess: readonly PlantBess[];
  readonly ups: readonly PlantUps[];
  readonly cooling: CoolingHalf | undefined;
  /** Another load now, or announced and later. */
  readonly load: (mode: LoadMode, inS: number) => void;
}

/** Done, or why not; undefined: this order is for somebody else. */
type Outcome = { readonly problem: string | undefined } | undefined;

const DONE: Outcome = { problem: undefined };

/**
 * Does what an order says. Undefined when done, else the problem in a sentence. Faults of a
 * device's protocol and scenes are not for the plant: whoever serves the devices does them.
 */
export function obeyOrder(parts: OrderedParts, order: PlantOrder): string | undefined {
  const outcome =
    obeyTrip(parts, order) ??
    obeyUps(parts, order) ??
    obeyCooling(parts, order) ??
    obeyGrid(parts, order) ??
    obeyLoad(parts, order) ??
    obeySurroundings(parts, order);
  return outcome === undefined ? "the plant has no such order" : outcome.problem;
}

function obeyTrip({ bess }: OrderedParts, order: PlantOrder): Outcome {
  if ("trip" in order)
    return toUnit(bess, order.trip, (unit) => {
      unit.trip(order.cause);
    });
  if ("clearCause" in order)
    return toUnit(bess, order.clearCause, (unit) => {
      unit.clearCause();
    });
  return undefined;
}

function obeyUps({ ups }: OrderedParts, order: PlantOrder): Outcome {
  if ("failUps" in order) {
    return toUnit(ups, order.failUps, ({ state }) => {
      failUps(state, order.to);
    });
  }
  if ("repairUps" in order)
    return toUnit(ups, order.repairUps, ({ state }) => {
      repairUps(state);
    });
  return undefined;
}

function obeyCooling({ cooling }: OrderedParts, order: PlantOrder): Outcome {
  const isForCooling =
    "failPump" in order ||
    "repairPump" in order ||
    "leak" in order ||
    "failChiller" in order ||
    "repairChiller" in order;
  if (!isForCooling) return undefined;
  return { problem: cooling === undefined ? NO_COOLING : cooling.obey(order) };
}

const NO_COOLING = "this site has nothing that cools";

function obeyGrid({ state, parameters }: OrderedParts, order: PlantOrder): Outcome {
  if ("grid" in order) {
    setGrid(state, parameters, order.grid === "back");
    return DONE;
  }
  if (!("frequencyHz" in order)) return undefined;
  const offsetHz = order.frequencyHz - parameters.grid.nominalFrequencyHz;
  scriptFrequency(state.grid, offsetHz, order.hzPerS);
  return DONE;
}

function obeyLoad({ state, load }: OrderedParts, order: PlantOrder): Outcome {
  if ("load" in order) {
    load(order.load, order.inS ?? 0);
    return DONE;
  }
  if (!("trace" in order)) return undefined;
  const trace = traceOf(order.trace);
  if (trace === undefined) return { problem: `there is no trace ${order.trace}` };
  startPattern(state.load, { kind: "trace", trace });
  return DONE;
}

function obeySurroundings({ state }: OrderedParts, order: PlantOrder): Outcome {
  const { surroundings } = state;
  if ("ambientCel" in order) surroundings.ambientCel = order.ambientCel;
  else if ("inferenceW" in order) {
    surroundings.inferenceW = order.inferenceW;
    state.target = { ...state.target, inferenceW: order.inferenceW };
  } else if ("heatDemandW" in order) {
    surroundings.heatDemandW = order.heatDemandW;
    surroundings.heatSupplyCel = order.supplyCel ?? surroundings.heatSupplyCel;
  } else return undefined;
  return DONE;
}

function toUnit<T extends PlantBess | PlantUps>(
  units: readonly T[],
  id: string,
  act: (unit: T) => void,
): Outcome {
  const unit = units.find(({ device }) => device.id === id);
  if (unit === undefined) {
    const known = units.map(({ device }) => device.id).join(", ");
    return { problem: `${id} is none of ${known === "" ? "no units" : known}` };
  }
  act(unit);
  return DONE;
}
