import type { ErrorObject, ValidateFunction } from "ajv";
import type { JsonValue } from "../wire/json/reader.ts";
import type { CommandFault, CommandRequest, Dialect, LeaseLimits } from "./command-request.ts";
import { parseUtc } from "./timestamp.ts";

/** How a refusal finds its way out of the reading. Never leaves `parseCommands`. */
export class Refused extends Error {
  readonly reason: CommandFault;
  readonly at: string;
  constructor(reason: CommandFault, at: string, text: string) {
    super(text);
    this.reason = reason;
    this.at = at;
  }
}

export function memberOf(value: JsonValue, name: string): JsonValue | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return (value as Readonly<Record<string, JsonValue>>)[name];
}

export function mustFit<T>(fits: ValidateFunction<T>, value: unknown): asserts value is T {
  if (fits(value)) return;
  const [error] = fits.errors ?? [];
  throw new Refused("schema", pointerOf(error), sentenceOf(error));
}

function pointerOf(error: ErrorObject | undefined): string {
  const extra: unknown = error?.params["additionalProperty"] ?? error?.params["missingProperty"];
  const at = error?.instancePath ?? "";
  return typeof extra === "string" ? `${at}/${extra.slice(0, 64)}` : at;
}

function sentenceOf(error: ErrorObject | undefined): string {
  if (error?.keyword === "additionalProperties") {
    return "unknown member; one of your own begins with x_";
  }
  return error?.message ?? "does not fit the schema";
}

/** What every message says of itself. */
export interface Frame {
  readonly timestamp: string;
  readonly correlation_id?: string;
  readonly facility_id?: string;
}

export function readFrame(
  message: Frame,
  known: { readonly facility: string; readonly id: string | undefined; readonly dialect: Dialect },
): Omit<CommandRequest, "commands"> {
  const timestamp = parseUtc(message.timestamp);
  if (timestamp === undefined) {
    const text = "an instant in UTC: 2026-01-31T12:00:00.000Z";
    throw new Refused("timestamp-malformed", "/timestamp", text);
  }
  if (message.facility_id !== undefined && message.facility_id !== known.facility) {
    throw new Refused("wrong-facility", "/facility_id", "the command is for another facility");
  }
  if (known.id === undefined) {
    throw new Refused("no-id", "/command_id", "command_id or MQTT correlation data is missing");
  }
  const { id, dialect } = { id: known.id, dialect: known.dialect };
  return { id, dialect, timestamp, correlation: message.correlation_id, ignored: [] };
}

export function leaseMsOf(durationS: number | undefined, lease: LeaseLimits, at: string): number {
  if (durationS === undefined) return lease.defaultMs;
  if (durationS === 0) throw new Refused("duration-zero", at, "a command of no duration");
  const leaseMs = durationS * 1_000;
  if (leaseMs > lease.maximumMs) {
    throw new Refused("duration-too-long", at, `at most ${lease.maximumMs / 1_000} s`);
  }
  return leaseMs;
}
