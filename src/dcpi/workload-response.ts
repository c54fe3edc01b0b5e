import type { UtcMs } from "../domain/time.ts";
import type { JsonValue } from "../wire/json/reader.ts";
import type { Dialect } from "./command-request.ts";
import { DCPI_VERSION, encodeDocument, type JsonObject, type Speaker } from "./document.ts";
import { W_PER_MW } from "./document.ts";
import { shortNumber } from "./number.ts";
import { formatUtc } from "./timestamp.ts";

/** End of the topic on which a workload is answered: `rsp/<workload id>`. */
export function responseTopic(workload: string): string {
  return `rsp/${workload}`;
}

export interface ResponseContext {
  readonly speaker: Speaker;
  readonly dialect: Dialect;
  readonly correlation: string | undefined;
  readonly when: UtcMs;
}

/** What is answered to a workload, in both dialects. */
export interface WorkloadResponse {
  readonly workload: string;
  readonly status: "approved" | "approved_with_conditions" | "rejected";
  /** Kebab-case word from a closed list; undefined when nothing is in the way. */
  readonly reason: string | undefined;
  /** JSON pointer to what is wrong, and a sentence. */
  readonly at?: string | undefined;
  readonly text?: string | undefined;
  /** The first step is prepared for then. */
  readonly startsAt?: UtcMs | undefined;
  readonly leadMs?: number | undefined;
  /** Lead with which the grid's ramp is half way when the step comes. */
  readonly neededMs?: number | undefined;
  /** Power that was asked for, and what there is, W. */
  readonly peakW?: number | undefined;
  readonly availableW?: number | undefined;
  readonly ignored?: readonly string[];
}

/** The infrastructure response, in the dialect in which was asked. */
export function workloadResponse(context: ResponseContext, response: WorkloadResponse): Uint8Array {
  const { speaker, dialect, correlation, when } = context;
  const { workload, status, reason, at, text } = response;
  return encodeDocument({
    [dialect === "pswd" ? "PSWD_version" : "dcpi_version"]: DCPI_VERSION,
    message_type: "infrastructure_response",
    timestamp: formatUtc(when),
    facility_id: speaker.facility,
    gateway_id: speaker.gateway,
    correlation_id: correlation ?? workload,
    workload_id: workload,
    approval_status: status,
    ...named({ reason, at, message: text }),
    ...powerMembers(response),
    ...timeMembers(response),
    ...conditions(dialect, response),
    ...alternatives(response),
    ...(response.ignored === undefined || response.ignored.length === 0
      ? {}
      : { ignored_members: response.ignored }),
  });
}

function named(members: Readonly<Record<string, JsonValue | undefined>>): JsonObject {
  const known: Record<string, JsonValue> = {};
  for (const [name, value] of Object.entries(members)) if (value !== undefined) known[name] = value;
  return known;
}

function powerMembers({ status, peakW, availableW }: WorkloadResponse): JsonObject {
  const availableMw = megawatts(availableW);
  return named({
    approved_power_mw: status === "rejected" ? 0 : megawatts(peakW),
    infrastructure_capacity:
      availableMw === undefined ? undefined : { available_power_mw: availableMw },
  });
}

function timeMembers({ leadMs, neededMs }: WorkloadResponse): JsonObject {
  return named({ lead_time_sec: seconds(leadMs), required_lead_time_sec: seconds(neededMs) });
}

/** DCPI has conditions by name, PSWD a list of sentences. */
function conditions(dialect: Dialect, response: WorkloadResponse): JsonObject {
  const { status, startsAt, peakW, reason } = response;
  if (status !== "approved_with_conditions" || startsAt === undefined) return {};
  const start = formatUtc(startsAt);
  if (dialect === "dcpi")
    return { conditions: named({ start_time: start, max_power_mw: megawatts(peakW) }) };
  const sentence =
    reason === "lead-too-short"
      ? `the lead is too short: the battery gives more than half of the step`
      : `start at ${start}`;
  return { conditions: [sentence] };
}

function alternatives({ status, availableW }: WorkloadResponse): JsonObject {
  if (status !== "rejected" || availableW === undefined) return {};
  return { suggested_alternatives: [named({ max_power_mw: megawatts(availableW) })] };
}

function megawatts(watts: number | undefined): number | undefined {
  return watts === undefined ? undefined : shortNumber(watts / W_PER_MW);
}

function seconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : shortNumber(ms / 1_000);
}
