import { isStationFault } from "./iec61850/fault-order.ts";
import { parseFaultOrder } from "./faults.ts";
import { LOAD_MODES, type LoadMode } from "./physics/plant-model.ts";
import { TRACE_NAMES } from "./physics/traces.ts";

/** Why a battery trips. */
export type TripCause = "fault" | "emergency-stop";

/** A fault of a device's protocol, as it is said; `parseFaultOrder` reads the rest. */
export interface FaultMessage {
  readonly device: string;
  /** A name of `FAULT_KINDS`; "none" clears. */
  readonly fault: string;
  readonly ms?: number;
  readonly code?: number;
  readonly points?: readonly string[];
}

/** What somebody may tell the plant: a person, the demonstration, a scene, a test. */
export type PlantOrder =
  /** `inS`: the change comes this much later, and the plant announces it now. */
  | { readonly load: LoadMode; readonly inS?: number }
  | FaultMessage
  | { readonly trip: string; readonly cause: TripCause }
  | { readonly clearCause: string }
  /** Pumps count from 1. */
  | { readonly failPump: string; readonly pump: number }
  /** Without `pump`: all of this unit. */
  | { readonly repairPump: string; readonly pump?: number }
  /** 0 repairs it: the reservoir is filled again and the ropes are dry. */
  | { readonly leak: string; readonly litresPerMin: number }
  /** `lost`: the unit is gone and its share moves to the others. */
  | { readonly failUps: string; readonly to: "bypass" | "lost" }
  | { readonly repairUps: string }
  | { readonly failChiller: string }
  | { readonly repairChiller: string }
  | { readonly grid: "lost" | "back" }
  /** The frequency runs there and stays. */
  | { readonly frequencyHz: number; readonly hzPerS: number }
  | { readonly ambientCel: number }
  | { readonly inferenceW: number }
  | { readonly heatDemandW: number; readonly supplyCel?: number }
  /** The training hall follows a recorded job, see `TRACE_NAMES`. */
  | { readonly trace: string }
  | { readonly scene: number };

/** Scenes are numbered from 1. */
export const SCENES_MAX = 14;

type Message = Readonly<Record<string, unknown>>;
interface Problem {
  readonly problem: string;
}
type Parse = (message: Message) => PlantOrder | Problem;

/** The word that makes a message this order, and how the rest of it is read. */
const ORDERS: readonly (readonly [key: string, parse: Parse])[] = [
  ["load", parseLoad],
  ["device", parseFaultMessage],
  ["trip", parseTrip],
  ["clearCause", (message) => named(message, "clearCause", (clearCause) => ({ clearCause }))],
  ["failPump", parseFailPump],
  ["repairPump", parseRepairPump],
  ["leak", parseLeak],
  ["failUps", parseFailUps],
  ["repairUps", (message) => named(message, "repairUps", (repairUps) => ({ repairUps }))],
  ["failChiller", (message) => named(message, "failChiller", (failChiller) => ({ failChiller }))],
  [
    "repairChiller",
    (message) => named(message, "repairChiller", (repairChiller) => ({ repairChiller })),
  ],
  ["grid", parseGrid],
  ["frequencyHz", parseFrequency],
  ["ambientCel", (m) => numbered(m, "ambientCel", [-40, 60], (ambientCel) => ({ ambientCel }))],
  ["inferenceW", (m) => numbered(m, "inferenceW", [0, 1e9], (inferenceW) => ({ inferenceW }))],
  ["heatDemandW", parseHeat],
  ["trace", parseTrace],
  ["scene", parseScene],
];

/** Names of all orders, as they appear in messages. */
export const ORDER_NAMES: readonly string[] = ORDERS.map(([key]) => key);

/** Reads one message; what is wrong with it is said in one sentence. */
export function parseOrder(message: unknown): PlantOrder | Problem {
  if (!isMessage(message)) return { problem: "an order is a JSON object" };
  const found = ORDERS.filter(([key]) => key in message);
  const [order, other] = found;
  if (order === undefined) {
    return { problem: `an order has one of these keys: ${ORDER_NAMES.join(", ")}` };
  }
  if (other !== undefined) {
    return { problem: `one order at a time: this one has ${order[0]} and ${other[0]}` };
  }
  return order[1](message);
}

function parseLoad(message: Message): PlantOrder | Problem {
  const load = LOAD_MODES.find((mode) => mode === message["load"]);
  if (load === undefined) return { problem: `load is one of ${LOAD_MODES.join(", ")}` };
  if (message["inS"] === undefined) return { load };
  return numbered(message, "inS", [0, DAY_S], (inS) => ({ load, inS }));
}

function parseFaultMessage(message: Message): PlantOrder | Problem {
  const parsed = parseFaultOrder(message);
  // Which of the two it is for shows when the device is known.
  const isForStation = typeof message["device"] === "string" && isStationFault(message);
  if ("problem" in parsed && !isForStation) return parsed;
  return message as unknown as FaultMessage;
}

function parseTrip(message: Message): PlantOrder | Problem {
  const { cause = "fault" } = message;
  if (cause !== "fault" && cause !== "emergency-stop") {
    return { problem: "cause is fault or emergency-stop" };
  }
  return named(message, "trip", (trip) => ({ trip, cause }));
}

function parseFailPump(message: Message): PlantOrder | Problem {
  const { pump } = message;
  if (!isPump(pump)) return { problem: PUMP_IS };
  return named(message, "failPump", (failPump) => ({ failPump, pump }));
}

function parseRepairPump(message: Message): PlantOrder | Problem {
  const { pump } = message;
  if (pump === undefined) return named(message, "repairPump", (repairPump) => ({ repairPump }));
  if (!isPump(pump)) return { problem: PUMP_IS };
  return named(message, "repairPump", (repairPump) => ({ repairPump, pump }));
}

function parseLeak(message: Message): PlantOrder | Problem {
  return named(message, "leak", (leak) =>
    numbered(message, "litresPerMin", [0, LEAK_MAX_L_PER_MIN], (litresPerMin) => ({
      leak,
      litresPerMin,
    })),
  );
}

function parseFailUps(message: Message): PlantOrder | Problem {
  const { to = "lost" } = message;
  if (to !== "bypass" && to !== "lost") return { problem: "to is bypass or lost" };
  return named(message, "failUps", (failUps) => ({ failUps, to }));
}

function parseGrid({ grid }: Message): PlantOrder | Problem {
  return grid === "lost" || grid === "back" ? { grid } : { problem: "grid is lost or back" };
}

function parseFrequency(message: Message): PlantOrder | Problem {
  return numbered(message, "frequencyHz", [40, 60], (frequencyHz) =>
    numbered({ hzPerS: 1, ...message }, "hzPerS", [0.001, 100], (hzPerS) => ({
      frequencyHz,
      hzPerS,
    })),
  );
}

function parseHeat(message: Message): PlantOrder | Problem {
  return numbered(message, "heatDemandW", [0, 1e9], (heatDemandW) => {
    if (message["supplyCel"] === undefined) return { heatDemandW };
    return numbered(message, "supplyCel", [55, 95], (supplyCel) => ({ heatDemandW, supplyCel }));
  });
}

function parseTrace({ trace }: Message): PlantOrder | Problem {
  const known = TRACE_NAMES.find((name) => name === trace);
  return known === undefined
    ? { problem: `trace is one of ${TRACE_NAMES.join(", ")}` }
    : { trace: known };
}

function parseScene({ scene }: Message): PlantOrder | Problem {
  const isKnown = Number.isInteger(scene) && Number(scene) >= 1 && Number(scene) <= SCENES_MAX;
  return isKnown ? { scene: Number(scene) } : { problem: `scene is 1 to ${SCENES_MAX}` };
}

const DAY_S = 86_400;
const LEAK_MAX_L_PER_MIN = 1000;
const PUMPS_MAX = 32;
const PUMP_IS = `pump is a whole number, 1 to ${PUMPS_MAX}`;

function isPump(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= PUMPS_MAX;
}

/** The id of a device under `key`. */
function named<T>(message: Message, key: string, make: (id: string) => T): T | Problem {
  const id = message[key];
  return typeof id === "string" && id !== ""
    ? make(id)
    : { problem: `${key} is the id of a device` };
}

function numbered<T>(
  message: Message,
  key: string,
  [least, most]: readonly [number, number],
  make: (value: number) => T,
): T | Problem {
  const value = message[key];
  return typeof value === "number" && value >= least && value <= most
    ? make(value)
    : { problem: `${key} is a number, ${least} to ${most}` };
}

function isMessage(value: unknown): value is Message {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
