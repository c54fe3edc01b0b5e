import type { CommandStep } from "../domain/command.ts";
import type { UtcMs } from "../domain/time.ts";
import type { Dialect } from "./command-request.ts";
import { DCPI_VERSION, encodeDocument, type JsonObject, W_PER_MW } from "./document.ts";
import type { Speaker } from "./document.ts";
import { shortNumber } from "./number.ts";
import { formatUtc } from "./timestamp.ts";

const MS_PER_S = 1_000;
const MS_PER_HOUR = 3_600_000;

/** Words of the PSWD interface for the state of a command. */
export type PswdCommandStatus = "executed" | "pending" | "failed";

/** How the asker wrote, so that the answer speaks the same. */
export interface AckContext {
  readonly speaker: Speaker;
  readonly dialect: Dialect;
  /** As the asker named the exchange; undefined: the command's id serves. */
  readonly correlation: string | undefined;
  /** Unit of requested, applied and measured; W are told in MW, too. */
  readonly unit: string | undefined;
  /** How long the asked power is in force, ms; undefined for what holds nothing. */
  readonly leaseMs?: number | undefined;
  /** Answers a request of the grid: the words of DCPI-GRID belong to it. */
  readonly isDemandResponse?: boolean | undefined;
  /** JSON pointers to members of the message that were passed over. */
  readonly ignored?: readonly string[] | undefined;
  /** Charge of the battery now, %; undefined when not known or not a battery. */
  readonly chargePercent?: number | undefined;
}

/** End of the topic under which every step of a command is told: `ack/<command id>`. */
export function ackTopic(commandId: string): string {
  return `ack/${commandId}`;
}

/** One step of a command's life, in the dialect of the one who gave it. */
export function ackDocument(context: AckContext, step: CommandStep): Uint8Array {
  return encodeDocument({
    ...ackHead(context, step.commandId, step.at),
    asset: step.asset,
    stage: step.stage,
    status: pswdStatus(step),
    final: step.final,
    ...(step.reason === undefined ? {} : { reason: step.reason }),
    ...amounts(context, {
      requested: step.requested,
      applied: step.applied,
      measured: step.measured,
    }),
    ...(step.readBack === undefined ? {} : { read_back: step.readBack }),
    ...durationMember(context, step),
    ...demandResponseMembers(context, step),
    ...(context.ignored === undefined || context.ignored.length === 0
      ? {}
      : { ignored_members: context.ignored }),
    ...batteryMembers(context, step),
  });
}

/** A refusal of a message that never became a command. */
export interface Refusal {
  /** Of the message as far as it could be read; undefined: the answer has no topic to go to. */
  readonly commandId: string;
  readonly reason: string;
  /** JSON pointer to what is wrong. */
  readonly at: string | undefined;
  readonly text: string | undefined;
  readonly when: UtcMs;
}

export function refusalDocument(
  context: Pick<AckContext, "speaker" | "dialect" | "correlation">,
  refusal: Refusal,
): Uint8Array {
  return encodeDocument({
    ...ackHead(context, refusal.commandId, refusal.when),
    stage: "refused",
    status: "failed",
    final: true,
    reason: refusal.reason,
    ...(refusal.at === undefined ? {} : { at: refusal.at }),
    ...(refusal.text === undefined ? {} : { message: refusal.text }),
  });
}

function ackHead(
  { speaker, dialect, correlation }: Pick<AckContext, "speaker" | "dialect" | "correlation">,
  commandId: string,
  at: UtcMs,
): JsonObject {
  return {
    [dialect === "pswd" ? "PSWD_version" : "dcpi_version"]: DCPI_VERSION,
    message_type: "command_acknowledgement",
    timestamp: formatUtc(at),
    facility_id: speaker.facility,
    gateway_id: speaker.gateway,
    correlation_id: correlation ?? commandId,
    command_id: commandId,
  };
}

/**
 * `executed` only when the device was seen to hold the value; a command that began and ended by its
 * time or a newer one was executed, too.
 */
export function pswdStatus(step: CommandStep): PswdCommandStatus {
  switch (step.stage) {
    case "done":
      return "executed";
    case "read-back":
    case "effect":
      return step.readBack === "applied" ? "executed" : "pending";
    case "refused":
    case "unknown":
      return "failed";
    case "expired":
    case "superseded":
      return step.applied === undefined ? "failed" : "executed";
    default:
      return "pending";
  }
}

function amounts(
  { unit }: AckContext,
  given: Readonly<Record<string, number | undefined>>,
): JsonObject {
  const members: Record<string, number | string> = {};
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || !Number.isFinite(value)) continue;
    if (unit === "W") {
      members[`${name}_w`] = shortNumber(value);
      members[`${name}_mw`] = shortNumber(value / W_PER_MW);
    } else {
      members[name] = shortNumber(value);
    }
  }
  if (unit !== undefined && unit !== "W") members["unit"] = unit;
  return members;
}

/** What the PSWD interface promises with every answer to a battery command. */
function batteryMembers(
  { dialect, unit, chargePercent }: AckContext,
  step: CommandStep,
): JsonObject {
  if (dialect !== "pswd" || unit !== "W") return {};
  return {
    ...(chargePercent === undefined
      ? {}
      : { current_charge_level_percent: shortNumber(chargePercent) }),
    ...(step.measured === undefined
      ? {}
      : { power_output_mw: shortNumber(step.measured / W_PER_MW) }),
  };
}

/** What was asked; where less was promised, that. */
function durationMember({ leaseMs }: AckContext, { promised }: CommandStep): JsonObject {
  const inForceMs = promised?.leaseMs ?? leaseMs;
  return inForceMs === undefined ? {} : { duration_sec: shortNumber(inForceMs / MS_PER_S) };
}

/** The answer to the grid's operator: what can be kept, or that nothing can. */
function demandResponseMembers({ isDemandResponse }: AckContext, step: CommandStep): JsonObject {
  if (isDemandResponse !== true) return {};
  const event = { event_id: step.commandId };
  if (step.stage === "refused" || (step.stage === "expired" && step.applied === undefined))
    return { ...event, response: "decline" };
  const { promised, applied } = step;
  if (promised === undefined || applied === undefined) return event;
  return {
    ...event,
    response: "accept",
    commitment: {
      load_reduction_mw: shortNumber(applied / W_PER_MW),
      duration_hours: shortNumber(promised.leaseMs / MS_PER_HOUR),
      response_time_sec: shortNumber(promised.withinMs / MS_PER_S),
      // The batteries give it: no workload is touched.
      affected_workloads: [],
    },
  };
}
