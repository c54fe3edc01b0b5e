import type { ControlStatus, Level, UnitStatus } from "../../control/exchange.ts";
import type { ControlFacts } from "./demo-state.ts";
import { signed } from "./ink.ts";

/** Below this total nothing is shared, W. */
const SHARED_W = 1_000;
/** Nearer than this a ramp has arrived, W. */
const ARRIVED_W = 5_000;

/**
 * Why a unit is asked for its power, from the setpoint back to the measurement, one step each.
 * Empty while control has no unit or does not answer.
 */
export function whySteps(facts: ControlFacts | null, unitAt: number): readonly string[] {
  const unit = facts?.status.units[unitAt];
  if (facts === null || unit === undefined) return [];
  const { status } = facts;
  return [
    `${unit.asset} ${power(unit.setpointW)}`,
    ...shareOf(status, unit),
    askedBy(status, unit),
    measured(facts),
  ];
}

/** All steps in one line. */
export function whyLine(facts: ControlFacts | null, unitAt: number): string {
  const steps = whySteps(facts, unitAt);
  return steps.length === 0 ? "control does not answer" : steps.join(" ← ");
}

function shareOf({ totalW, units }: ControlStatus, unit: UnitStatus): readonly string[] {
  if (units.length < 2 || unit.setpointW === undefined || Math.abs(totalW) < SHARED_W) return [];
  return [`share ${(unit.setpointW / totalW).toFixed(2)} of ${power(totalW)}`];
}

function askedBy(status: ControlStatus, unit: UnitStatus): string {
  const level = unit.bindingLevel;
  switch (level) {
    case "peak-cap":
      return `peak cap ${megawatts(status.peakCapW)}`;
    case "governor":
      return governed(status);
    case "grid-instruction":
    case "schedule":
      return commandFor(status, unit) ?? `nobody asks for anything`;
    case "protection":
      return tripOf(status, unit);
    case "device-limits":
      return `its own limits ${power(unit.lowW)} to ${power(unit.highW)}`;
    default:
      return WORDS[level];
  }
}

/** Levels that say all there is to say. */
const WORDS: Readonly<
  Record<
    Exclude<
      Level,
      "governor" | "peak-cap" | "grid-instruction" | "schedule" | "protection" | "device-limits"
    >,
    string
  >
> = {
  "local-hold": "held at the box",
  "ride-through": "the grid is lost",
  start: "start: what it gives is held until all is known",
  reserve: "reserve: its charge is for later",
  "link-lost": "link lost: the unit does not answer",
  connection: "limit of the grid connection",
  "frequency-duty": "frequency duty",
  "voltage-event": "reactive power goes first",
  blind: "grid power unknown: ramp to 0",
  stop: "control ends: ramp to 0",
};

/** The load as it will be when the answer arrives, less what the grid is to give. */
function governed({ smoothing }: ControlStatus): string {
  if (smoothing === undefined) return "governor: the ramp of the import";
  const { predictedW, referenceW, delayMs, mode } = smoothing;
  const ahead = mode === "predict" ? ` in ${Math.round(delayMs)} ms` : "";
  return `load ${megawatts(predictedW)}${ahead} less reference ${megawatts(referenceW)}`;
}

function commandFor(status: ControlStatus, unit: UnitStatus): string | undefined {
  const own = status.leases.filter(({ asset }) => asset === unit.asset);
  // A command for a group names none of its units: where none is for the unit, it is for all.
  const units = new Set(status.units.map(({ asset }) => asset));
  const [lease] = own.length > 0 ? own : status.leases.filter(({ asset }) => !units.has(asset));
  if (lease === undefined) return undefined;
  const { holder, targetW, partW, remainingMs } = lease;
  const leftS = Math.ceil(remainingMs / 1_000);
  if (lease.kind === "import-limit")
    return `import limit of ${holder} ${power(targetW)}, ${leftS} s left`;
  const ramp = Math.abs(targetW - partW) > ARRIVED_W ? `, ramp at ${power(partW)}` : "";
  return `command of ${holder} ${power(targetW)}${ramp}, ${leftS} s left`;
}

function tripOf(status: ControlStatus, unit: UnitStatus): string {
  const at = status.units.indexOf(unit);
  const trip = status.trips.find(({ units }) => units.includes(at)) ?? status.trips[0];
  if (trip === undefined) return unit.mode === "faulted" ? "fault of the unit" : "protection";
  return `trip ${trip.id} of ${trip.device}`;
}

function measured({ status, measuredUtc, ageMs }: ControlFacts): string {
  if (status.source === "none" || measuredUtc === null || ageMs === null)
    return "grid power unknown";
  const by = status.source === "meter" ? "" : " by feeders";
  const time = new Date(measuredUtc).toISOString().slice(11, 23);
  return `load ${megawatts(status.loadW)}${by} at ${time}, age ${Math.round(ageMs)} ms`;
}

function power(watts: number | undefined): string {
  return watts === undefined ? "—" : signed(watts / 1e6, 2);
}

function megawatts(watts: number | undefined): string {
  return watts === undefined ? "—" : (watts / 1e6).toFixed(2);
}
