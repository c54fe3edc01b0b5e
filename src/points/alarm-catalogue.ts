import type { Severity } from "../domain/event.ts";

/** A limit on a canonical point of an equipment class, whoever makes the device. */
export interface CatalogueRule {
  readonly id: string;
  readonly deviceClass: string;
  readonly text: string;
  /** One of these or, with `takes: "all"`, every one; those that a device lacks are left out. */
  readonly points: readonly string[];
  readonly takes?: "all";
  readonly side: "above" | "below";
  /** In the unit of the points, or in parts of the nominal voltage from line to neutral. */
  readonly levels: readonly { readonly severity: Severity; readonly limit: number }[];
  readonly unit: "point" | "nominal-voltage";
  readonly hysteresis: number;
  readonly onDelayMs: number;
  readonly offDelayMs: number;
  /** Judged only while this enum of the device has this text. */
  readonly only?: { readonly point: string; readonly text: string };
  /** Not judged while this number of the device is that. */
  readonly unless?: { readonly point: string; readonly equals: number };
  /** Each point by itself, and only while another one of them is on the good side. */
  readonly isOneOfMany?: boolean;
}

const PHASE_VOLTAGES = ["voltage.l1", "voltage.l2", "voltage.l3"];
const PUMP_FLOWS = ["x-flow.1", "x-flow.2", "x-flow.3", "x-flow.4"];

/**
 * Alarms that no device gives and that its values do. A profile that tells the same alarm of its
 * device itself comes first.
 */
export const ALARM_CATALOGUE: readonly CatalogueRule[] = [
  {
    id: "cdu-pump-no-flow",
    deviceClass: "cdu",
    text: "a pump moves nothing while the others do",
    points: PUMP_FLOWS,
    isOneOfMany: true,
    side: "below",
    levels: [{ severity: "warning", limit: 20 }],
    unit: "point",
    hysteresis: 20,
    onDelayMs: 0,
    offDelayMs: 2_000,
  },
  {
    id: "cdu-low-flow",
    deviceClass: "cdu",
    text: "no pump moves coolant",
    points: PUMP_FLOWS,
    takes: "all",
    side: "below",
    levels: [{ severity: "critical", limit: 20 }],
    unit: "point",
    hysteresis: 20,
    // A stop is seen in the setpoint, which is read every 5 s.
    onDelayMs: 6_000,
    offDelayMs: 2_000,
    unless: { point: "pump-speed-setpoint", equals: 0 },
  },
  {
    id: "supply-hot",
    deviceClass: "cdu",
    text: "coolant goes to the racks too hot",
    points: ["secondary.supply-temperature"],
    side: "above",
    levels: [
      { severity: "warning", limit: 42 },
      { severity: "critical", limit: 45 },
    ],
    unit: "point",
    hysteresis: 1,
    onDelayMs: 2_000,
    offDelayMs: 10_000,
  },
  {
    id: "return-hot",
    deviceClass: "cdu",
    text: "coolant comes back from the racks too hot",
    points: ["secondary.return-temperature"],
    side: "above",
    levels: [
      { severity: "warning", limit: 52 },
      { severity: "critical", limit: 60 },
    ],
    unit: "point",
    hysteresis: 1,
    onDelayMs: 1_000,
    offDelayMs: 10_000,
  },
  {
    id: "chw-hot",
    deviceClass: "chiller",
    text: "chilled water is too warm",
    points: ["secondary.supply-temperature"],
    side: "above",
    levels: [{ severity: "warning", limit: 21 }],
    unit: "point",
    hysteresis: 0.5,
    onDelayMs: 10_000,
    offDelayMs: 10_000,
    only: { point: "operating-state", text: "running" },
  },
  {
    id: "grid-loss",
    deviceClass: "grid-connection",
    text: "the grid connection is dead",
    points: PHASE_VOLTAGES,
    takes: "all",
    side: "below",
    levels: [{ severity: "critical", limit: 0.1 }],
    unit: "nominal-voltage",
    hysteresis: 0.75,
    onDelayMs: 100,
    offDelayMs: 1_000,
  },
];
