import type { CommandPromise, CommandStage, CommandStep } from "../domain/command.ts";
import type { PlantEvent, Severity } from "../domain/event.ts";
import { utcMs } from "../domain/time.ts";
import { malformed } from "./byte-reader.ts";

/** Events and steps are rare and wide: they travel as JSON, with the names of the domain. */

type Fields = Readonly<Record<string, unknown>>;

const SEVERITIES: readonly Severity[] = ["info", "warning", "critical", "trip"];
const PHASES: readonly PlantEvent["phase"][] = ["raised", "cleared", "once"];
const STAGES: readonly CommandStage[] = [
  "received",
  "accepted",
  "clamped",
  "written",
  "read-back",
  "effect",
  "done",
  "refused",
  "expired",
  "superseded",
  "unknown",
];
const READ_BACKS: readonly NonNullable<CommandStep["readBack"]>[] = [
  "applied",
  "differs",
  "unconfirmed",
];

/** @throws GatewayError FRAME_MALFORMED when the text is not the JSON of an event */
export function parseEvent(json: string): PlantEvent {
  const fields = parseFields(json);
  return {
    id: text(fields, "id"),
    severity: oneOf(SEVERITIES, fields, "severity"),
    phase: oneOf(PHASES, fields, "phase"),
    device: optional(text, fields, "device"),
    point: optional(text, fields, "point"),
    text: text(fields, "text"),
    at: utcMs(number(fields, "at")),
  };
}

/** @throws GatewayError FRAME_MALFORMED when the text is not the JSON of a step */
export function parseStep(json: string): CommandStep {
  const fields = parseFields(json);
  const final = fields["final"];
  if (typeof final !== "boolean") throw malformed("final is not true or false");
  return {
    commandId: text(fields, "commandId"),
    stage: oneOf(STAGES, fields, "stage"),
    final,
    asset: text(fields, "asset"),
    reason: optional(text, fields, "reason"),
    requested: optional(number, fields, "requested"),
    applied: optional(number, fields, "applied"),
    measured: optional(number, fields, "measured"),
    readBack: isAbsent(fields["readBack"]) ? undefined : oneOf(READ_BACKS, fields, "readBack"),
    ...(isAbsent(fields["promised"]) ? {} : { promised: promiseOf(fields["promised"]) }),
    at: utcMs(number(fields, "at")),
  };
}

function promiseOf(value: unknown): CommandPromise {
  if (typeof value !== "object" || value === null) throw malformed("promised is not an object");
  const fields = value as Fields;
  return { leaseMs: number(fields, "leaseMs"), withinMs: number(fields, "withinMs") };
}

function parseFields(json: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw malformed("not JSON");
  }
  if (typeof value !== "object" || value === null) throw malformed("not an object");
  return value as Fields;
}

function text(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value !== "string") throw malformed(`${name} is not a text`);
  return value;
}

function number(fields: Fields, name: string): number {
  const value = fields[name];
  if (typeof value !== "number") throw malformed(`${name} is not a number`);
  return value;
}

/** JSON writes NaN and infinity as null: a number that is not there. */
function isAbsent(value: unknown): boolean {
  return value === undefined || value === null;
}

function optional<T>(
  read: (fields: Fields, name: string) => T,
  fields: Fields,
  name: string,
): T | undefined {
  return isAbsent(fields[name]) ? undefined : read(fields, name);
}

function oneOf<T extends string>(list: readonly T[], fields: Fields, name: string): T {
  const found = list.find((word) => word === fields[name]);
  if (found === undefined) throw malformed(`${name} is not a known word`);
  return found;
}
