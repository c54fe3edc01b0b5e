import type { Severity } from "../event.ts";
import { alarmEntry } from "./catalogue.ts";
import { gravestSeverity } from "./severities.ts";

/** How an alarm is processed on its way to a person; see `alarmProcessing`. */
export interface AlarmProcessing {
  /** The gravest severity that it is told with. */
  readonly severity: Severity;
  /** So long it has to last before it is one, ms. */
  readonly onDelayMs: number;
  /** So long its cause has to be gone before it is over, ms. */
  readonly offDelayMs: number;
  /** While one of these is there on the same device, it follows from that and calls nobody. */
  readonly suppressedBy: readonly string[];
  /** When many come within seconds they are this one alarm, with their number. */
  readonly gathersAs: string | undefined;
  /** The first of its group is marked as the likely cause of the others. */
  readonly firstOut: FirstOut | undefined;
  readonly canBeShelved: boolean;
}

export interface FirstOut {
  readonly group: string;
  /** Whether the group is one of the whole site, or one for each device. */
  readonly of: "site" | "device";
}

type Special = Partial<Omit<AlarmProcessing, "severity">>;

/** Chatter is caught here; what has to be at once has none of it. */
const BY_SEVERITY: Readonly<Record<Severity, { readonly onDelayMs: number; offDelayMs: number }>> =
  {
    trip: { onDelayMs: 0, offDelayMs: 0 },
    critical: { onDelayMs: 0, offDelayMs: 5_000 },
    warning: { onDelayMs: 1_000, offDelayMs: 10_000 },
    info: { onDelayMs: 0, offDelayMs: 0 },
  };

/** Long enough that links which are lost together are seen together. */
const LINK: Special = { onDelayMs: 3_000, offDelayMs: 5_000 };
/** What control or a driver finds on a device that does not answer. */
const OF_DEAD_LINK: Special = { onDelayMs: 2_000, suppressedBy: ["no-communication"] };
const PROTECTION: FirstOut = { group: "protection", of: "site" };
const COOLANT: FirstOut = { group: "coolant", of: "device" };
const GRID: FirstOut = { group: "grid", of: "site" };
const SUPPLY: FirstOut = { group: "supply", of: "device" };

/** What is not as its severity has it. */
const SPECIAL: Readonly<Record<string, Special>> = {
  "no-communication": { ...LINK, suppressedBy: ["meter-lost"], gathersAs: "links-lost" },
  "unit-silent": OF_DEAD_LINK,
  "setpoint-differs": { ...OF_DEAD_LINK, suppressedBy: ["no-communication", "second-writer"] },
  "write-refused": OF_DEAD_LINK,
  "cooling-write-refused": OF_DEAD_LINK,
  "values-frozen": {
    ...OF_DEAD_LINK,
    suppressedBy: ["no-communication", "meter-frozen", "meter-lost", "grid-loss"],
  },
  "battery-communication": { onDelayMs: 3_000, suppressedBy: [] },
  "leak-sensor-lost": OF_DEAD_LINK,
  "dew-point-unknown": OF_DEAD_LINK,
  "coolant-sensor-lost": OF_DEAD_LINK,
  "coolant-sensors-few": OF_DEAD_LINK,
  "feeder-mismatch": OF_DEAD_LINK,
  "frequency-unknown": { onDelayMs: 2_000, suppressedBy: ["no-communication", "meter-lost"] },
  "meter-frozen": { suppressedBy: ["no-communication", "meter-lost"] },
  "meter-mismatch": { suppressedBy: ["no-communication", "meter-lost", "meter-frozen"] },
  // However short it was, somebody has to know.
  "ramp-breach": { onDelayMs: 0 },
  "second-writer": { onDelayMs: 0 },
  "links-lost": { onDelayMs: 0 },
  // Found with patience already; of one that does not answer nobody knows what still stands.
  "upstream-lost": { onDelayMs: 0, suppressedBy: ["services-gone"] },
  "producer-not-heard": { onDelayMs: 0 },
  "services-gone": { onDelayMs: 0 },
  "store-level": { suppressedBy: ["services-gone"] },
  "alarm-flood": { onDelayMs: 0, offDelayMs: 0, canBeShelved: false },
  "alarms-not-saved": { onDelayMs: 0 },

  // A stronger limit of the same quantity says it all.
  "ups-overload": { suppressedBy: ["ups-overload-heavy"] },
  "battery-hot": { suppressedBy: ["battery-trip"] },
  "battery-cold": { suppressedBy: ["battery-under-temperature"] },
  "charge-current-warning": { suppressedBy: ["charge-current-high"] },
  "discharge-current-warning": { suppressedBy: ["discharge-current-high"] },
  "battery-voltage-high": { suppressedBy: ["battery-over-voltage"] },
  "battery-voltage-low": { suppressedBy: ["battery-under-voltage"] },
  "soc-low": { suppressedBy: ["soc-below-minimum"] },
  "soc-high": { suppressedBy: ["soc-above-maximum"] },
  "temperature-imbalance": { suppressedBy: ["temperature-imbalance-trip"] },
  "cdu-pump-no-flow": { suppressedBy: ["cdu-low-flow", "coolant-flow-lost"] },
  "coolant-flow-low": { suppressedBy: ["cdu-low-flow", "coolant-flow-lost"] },
  "cdu-low-flow": { suppressedBy: ["coolant-flow-lost"] },
  "leak-suspected": { suppressedBy: ["leak-confirmed"] },
  leak: { suppressedBy: ["leak-confirmed"] },
  "coolant-heating": { firstOut: COOLANT, suppressedBy: ["coolant-hot"] },
  "supply-hot": { suppressedBy: ["coolant-hot"] },
  "return-hot": { suppressedBy: ["coolant-hot"] },

  "emergency-stop": { firstOut: PROTECTION },
  "operator-stop": { firstOut: PROTECTION },
  "insulation-fault": { firstOut: PROTECTION },
  "battery-insulation-fault": { firstOut: PROTECTION },
  "battery-trip": { firstOut: PROTECTION },
  "battery-over-voltage": { firstOut: PROTECTION },
  "battery-under-voltage": { firstOut: PROTECTION },
  "temperature-imbalance-trip": { firstOut: PROTECTION },
  "dc-over-voltage": { firstOut: PROTECTION },
  "pcs-over-temperature": { firstOut: PROTECTION },
  "goose-safe-state": { firstOut: PROTECTION },
  "goose-loss-stop": { firstOut: PROTECTION },
  "latches-unreadable": { firstOut: PROTECTION },
  "pcs-fault": { firstOut: PROTECTION },
  "battery-silent": { firstOut: PROTECTION, onDelayMs: 2_000 },
  "fault-repeated": { firstOut: PROTECTION },
  "hvil-open": { firstOut: PROTECTION },
  "door-open": { firstOut: PROTECTION },
  "fire-alarm": { firstOut: PROTECTION },
  "smoke-alarm": { firstOut: PROTECTION },
  "gas-alarm": { firstOut: PROTECTION },
  "gas-warning": { firstOut: PROTECTION },
  "protection-relay": { firstOut: PROTECTION },

  "leak-confirmed": { firstOut: COOLANT },
  "coolant-flow-lost": { firstOut: COOLANT },
  "coolant-hot": { firstOut: COOLANT },
  "two-phase-trip": { firstOut: COOLANT },
  "heat-isolated": { firstOut: COOLANT },
  "cooling-unknown": { firstOut: COOLANT },
  "shed-requested": { firstOut: COOLANT },

  "grid-loss": { firstOut: GRID },
  "ride-through": { firstOut: GRID },
  "voltage-event": { firstOut: GRID },

  "on-battery": { firstOut: SUPPLY },
  "overload-shutdown": { firstOut: SUPPLY },
  "bypass-overload-shutdown": { firstOut: SUPPLY },
  "ups-battery-low": { firstOut: SUPPLY },
};

/**
 * How an alarm is processed. A trip is never delayed, suppressed or shelved, whatever is said of
 * its id.
 *
 * @param told severity of the event; where the catalogue does not know the id, it is all there is
 */
export function alarmProcessing(id: string, told?: Severity): AlarmProcessing {
  const severity = told ?? gravestSeverity(id) ?? "warning";
  const special = SPECIAL[id] ?? {};
  const plain: AlarmProcessing = {
    severity,
    ...BY_SEVERITY[severity],
    suppressedBy: [],
    gathersAs: undefined,
    firstOut: special.firstOut,
    canBeShelved: severity !== "trip" && alarmEntry(id)?.reset !== "operator",
  };
  return severity === "trip" ? plain : { ...plain, ...special };
}

/** Ids of which something is said that is not as their severity has it. */
export function speciallyProcessed(): readonly string[] {
  return Object.keys(SPECIAL);
}
