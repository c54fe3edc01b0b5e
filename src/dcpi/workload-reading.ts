import type { ErrorObject, ValidateFunction } from "ajv";
import type { UtcMs } from "../domain/time.ts";
import type { JsonValue } from "../wire/json/reader.ts";
import type { Dialect } from "./command-request.ts";
import { type JsonFault, parseStrictJson } from "./strict-json.ts";
import { parseUtc } from "./timestamp.ts";

/** What every message of a workload is read with: its dialect, its name, its times. */
export type WorkloadFault =
  | JsonFault
  | "no-dialect"
  | "two-dialects"
  | "schema"
  | "timestamp-malformed"
  | "wrong-facility"
  | "profile-inconsistent"
  | "not-in-order"
  | "too-far-ahead";

export interface WorkloadUnread {
  readonly refused: WorkloadFault;
  /** JSON pointer to what is wrong. */
  readonly at: string;
  readonly text: string;
  /** As far as the message could be read: to whom the answer goes. */
  readonly id: string | undefined;
  readonly dialect: Dialect | undefined;
}

const WORKLOAD_ID = /^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$/;

/** How a fault finds its way out of the reading. Never leaves `readWorkloadMessage`. */
export class Unread extends Error {
  readonly reason: WorkloadFault;
  readonly at: string;
  constructor(reason: WorkloadFault, at: string, text: string) {
    super(text);
    this.reason = reason;
    this.at = at;
  }
}

/** @param read throws `Unread` for what it cannot make sense of */
export function readWorkloadMessage<T>(
  bytes: Uint8Array,
  read: (value: JsonValue, dialect: Dialect) => T,
): T | WorkloadUnread {
  const json = parseStrictJson(bytes);
  if ("fault" in json) {
    const text = `the message cannot be read: ${json.fault}`;
    return { refused: json.fault, at: json.at, text, id: undefined, dialect: undefined };
  }
  const reach = { id: idOf(json.value), dialect: undefined as Dialect | undefined };
  try {
    reach.dialect = dialectOf(json.value);
    return read(json.value, reach.dialect);
  } catch (error) {
    if (!(error instanceof Unread)) throw error;
    return { refused: error.reason, at: error.at, text: error.message, ...reach };
  }
}

export function memberOf(value: JsonValue | undefined, name: string): JsonValue | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return (value as Readonly<Record<string, JsonValue>>)[name];
}

export function mustFit<T>(fits: ValidateFunction<T>, value: unknown): T {
  if (fits(value)) return value;
  const [error] = fits.errors ?? [];
  throw new Unread("schema", pointerOf(error), error?.message ?? "does not fit the schema");
}

export function instant(text: string, at: string): UtcMs {
  const read = parseUtc(text);
  if (read !== undefined) return read;
  throw new Unread("timestamp-malformed", at, "an instant in UTC: 2026-01-31T12:00:00.000Z");
}

export function mustBeHere(message: { readonly facility_id?: string }, facility: string): void {
  if (message.facility_id !== undefined && message.facility_id !== facility)
    throw new Unread("wrong-facility", "/facility_id", "the workload is for another facility");
}

function idOf(value: JsonValue): string | undefined {
  const id = memberOf(value, "workload_id");
  return typeof id === "string" && WORKLOAD_ID.test(id) ? id : undefined;
}

function dialectOf(value: JsonValue): Dialect {
  const isNamed = (name: string): boolean => memberOf(value, name) !== undefined;
  if (isNamed("dcpi_version") && isNamed("PSWD_version"))
    throw new Unread("two-dialects", "", "either dcpi_version or PSWD_version, not both");
  if (isNamed("dcpi_version")) return "dcpi";
  if (isNamed("PSWD_version")) return "pswd";
  throw new Unread("no-dialect", "", 'dcpi_version or PSWD_version is missing; both know "1.0"');
}

function pointerOf(error: ErrorObject | undefined): string {
  const missing: unknown = error?.params["missingProperty"];
  const at = error?.instancePath ?? "";
  return typeof missing === "string" ? `${at}/${missing}` : at;
}
