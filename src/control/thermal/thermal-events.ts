import type { Severity } from "../../domain/event.ts";

/** Severity of the events that the thermal controllers make, by id. */
export const THERMAL_EVENTS = {
  "shed-requested": "critical",
  "shed-unconfirmed": "critical",
  "shed-advised": "warning",
  "leak-suspected": "warning",
  "leak-confirmed": "trip",
  "leak-sensor-lost": "warning",
  "coolant-flow-low": "warning",
  "coolant-flow-lost": "trip",
  "coolant-heating": "critical",
  "coolant-hot": "trip",
  "cooling-unknown": "critical",
  "dew-point": "warning",
  "dew-point-unknown": "warning",
  "pressure-derate": "warning",
  "two-phase-trip": "trip",
  "phase-change-inadequate": "critical",
  "heat-isolated": "trip",
  "heat-short": "warning",
  "cooling-write-refused": "warning",
  "coolant-guard": "warning",
  "coolant-sensor-lost": "warning",
  "coolant-sensors-few": "warning",
  "coolant-sensors-apart": "warning",
  "cooling-latches-unreadable": "trip",
} as const satisfies Record<string, Severity>;
