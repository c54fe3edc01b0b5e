import type { PlantOrder } from "./orders.ts";
import type { LoadMode } from "./physics/plant-model.ts";

/** What the plant cannot do itself: whoever plays the scene does it, or says that it cannot. */
export type SiteOrder = "broker-off" | "broker-on" | "estop" | SiteCommand;

/** A command for all batteries, as the world beyond the gateway would give it. */
export interface SiteCommand {
  readonly dischargeW: number;
  readonly leaseS: number;
}

export function isSiteOrder(order: PlantOrder | SiteOrder): order is SiteOrder {
  return typeof order === "string" || "dischargeW" in order;
}

export interface SceneStep {
  /** Time since the scene began, in the plant's own time, s. */
  readonly atS: number;
  readonly order: PlantOrder | SiteOrder;
}

/** One scenario of the demo site: where the plant starts, what happens to it, and when. */
export interface Scene {
  readonly number: number;
  /** One word, for command lines and file names. */
  readonly name: string;
  readonly title: string;
  /** The plant has settled in this mode when the scene begins. */
  readonly start: LoadMode;
  readonly durationS: number;
  /** Plant seconds per second of the clock; 1 unless said. */
  readonly speed?: number;
  /** By time; equal times are obeyed in this order. */
  readonly orders: readonly SceneStep[];
  /** What the gateway still lacks to answer it in full; the plant plays it all the same. */
  readonly waitsFor?: "fast loop" | "device library" | "OPC UA" | "IEC 61850";
}

const FAST_LOOP = { waitsFor: "fast loop" } as const;
const HOUR_S = 3600;
const DAY_SPEED = 600;

/** Every scenario of the demo site, 1 to 14. */
export const SCENES: readonly Scene[] = [
  {
    number: 1,
    name: "day",
    title: "a normal day in 144 s: three jobs, inference, weather and heat",
    start: "mean",
    durationS: 24 * HOUR_S,
    speed: DAY_SPEED,
    orders: [{ atS: 0, order: { load: "day" } }],
  },
  {
    number: 2,
    name: "swing",
    title: "training at 1 Hz, 10–20 MW",
    start: "full",
    durationS: 90,
    orders: [
      { atS: 10, order: { load: "training-1hz" } },
      { atS: 70, order: { load: "full" } },
    ],
  },
  {
    number: 3,
    name: "checkpoints",
    title: "checkpoints: 20 to 8.5 MW for 4 s in each minute",
    start: "full",
    durationS: 620,
    orders: [
      { atS: 0, order: { load: "checkpoint" } },
      { atS: 600, order: { load: "full" } },
    ],
  },
  {
    number: 4,
    name: "job-stop",
    title: "a job stops, 20 to 4 MW, first unannounced, then announced",
    start: "full",
    durationS: 1800,
    orders: [
      { atS: 60, order: { load: "idle" } },
      { atS: 700, order: { load: "full" } },
      { atS: 1000, order: { load: "idle", inS: 160 } },
    ],
  },
  {
    number: 5,
    name: "pump",
    title: "cdu-3 loses a pump, then another one",
    start: "full",
    durationS: 360,
    orders: [
      { atS: 10, order: { failPump: "cdu-3", pump: 2 } },
      { atS: 60, order: { failPump: "cdu-3", pump: 3 } },
      { atS: 330, order: { repairPump: "cdu-3" } },
    ],
  },
  {
    number: 6,
    name: "leak",
    title: "cdu-3 leaks 6 L/min",
    start: "full",
    durationS: 1800,
    orders: [
      { atS: 10, order: { leak: "cdu-3", litresPerMin: 6 } },
      { atS: 1740, order: { leak: "cdu-3", litresPerMin: 0 } },
    ],
  },
  {
    number: 7,
    name: "pcs-trip",
    title: "the converter of bess-1 trips while both discharge 12 MW together",
    start: "full",
    durationS: 320,
    orders: [
      { atS: 0, order: { dischargeW: 12e6, leaseS: 310 } },
      { atS: 270, order: { trip: "bess-1", cause: "fault" } },
      { atS: 300, order: { clearCause: "bess-1" } },
    ],
  },
  {
    number: 8,
    name: "frozen-meter",
    title: "the grid meter freezes for 5 s, then it and the training meter",
    start: "full",
    durationS: 60,
    orders: [
      { atS: 0, order: { load: "training-1hz" } },
      { atS: 10, order: { device: "pcc-meter", fault: "frozen" } },
      { atS: 15, order: { device: "pcc-meter", fault: "none" } },
      { atS: 30, order: { device: "pcc-meter", fault: "frozen" } },
      { atS: 30, order: { device: "m-train", fault: "frozen" } },
      { atS: 35, order: { device: "pcc-meter", fault: "none" } },
      { atS: 35, order: { device: "m-train", fault: "none" } },
    ],
  },
  {
    number: 9,
    name: "broker",
    title: "the broker is gone for 10 min, in the last minute of a leased discharge of 5 MW",
    start: "full",
    durationS: 810,
    orders: [
      { atS: 0, order: { dischargeW: 5e6, leaseS: 180 } },
      { atS: 120, order: "broker-off" },
      { atS: 720, order: "broker-on" },
    ],
  },
  {
    number: 10,
    name: "frequency",
    title: "frequency falls to 49.5 Hz for 30 s",
    start: "full",
    durationS: 90,
    orders: [
      { atS: 10, order: { frequencyHz: 49.5, hzPerS: 0.25 } },
      { atS: 42, order: { frequencyHz: 50, hzPerS: 0.025 } },
    ],
    ...FAST_LOOP,
  },
  {
    number: 11,
    name: "demand-response",
    title: "import at most 20 MW for 20 min",
    start: "full",
    durationS: 1800,
    orders: [],
    ...FAST_LOOP,
  },
  {
    number: 12,
    name: "estop",
    title: "emergency stop of both batteries while they discharge 10 MW",
    start: "full",
    durationS: 270,
    orders: [
      { atS: 0, order: { dischargeW: 10e6, leaseS: 260 } },
      { atS: 220, order: "estop" },
    ],
  },
  {
    number: 13,
    name: "heat",
    title: "the city asks for 3 MW at 80 °C, then at 90 °C",
    start: "full",
    durationS: 3600,
    orders: [
      { atS: 0, order: { heatDemandW: 3e6, supplyCel: 80 } },
      { atS: 1800, order: { heatDemandW: 3e6, supplyCel: 90 } },
    ],
    waitsFor: "device library",
  },
  {
    number: 14,
    name: "grid-loss",
    title: "the grid is gone for 5 min",
    start: "full",
    durationS: 420,
    orders: [
      { atS: 10, order: { grid: "lost" } },
      { atS: 310, order: { grid: "back" } },
    ],
  },
];

/** The scene with this number or name; undefined: there is none. */
export function sceneOf(number: number): Scene | undefined {
  return SCENES.find((scene) => scene.number === number);
}
