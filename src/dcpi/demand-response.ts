import { Ajv, type ValidateFunction } from "ajv";
import { type UtcMs, utcMs } from "../domain/time.ts";
import type { JsonValue } from "../wire/json/reader.ts";
import { leaseMsOf, memberOf, mustFit, readFrame, Refused } from "./command-reading.ts";
import type { CommandDraft, CommandRequest, LeaseLimits } from "./command-request.ts";
import {
  DemandResponse,
  DemandResponseEvent,
  UNDERSTOOD_EVENT,
  UNDERSTOOD_PARAMETERS,
  UNDERSTOOD_REQUEST,
} from "./demand-response-schema.ts";
import { W_PER_MW } from "./document.ts";
import { parseUtc } from "./timestamp.ts";

/** A reduction begins no further ahead than this. */
const NOTICE_MAX_MS = 86_400_000;
/** The one kind of event that a battery can answer. */
const LOAD_REDUCTION = "load_reduction";
const S_PER_HOUR = 3_600;
/** Names of passed-over members in an answer. */
const IGNORED_MAX = 32;
const NAME_LETTERS_MAX = 64;

const ajv = new Ajv({ strict: true, allErrors: false });
const isRequest: ValidateFunction<DemandResponse> = ajv.compile(DemandResponse);
const isEvent: ValidateFunction<DemandResponseEvent> = ajv.compile(DemandResponseEvent);

/** Id of the event that a message is about; undefined where it names none that is usable. */
export function eventIdOf(value: JsonValue): string | undefined {
  const id = memberOf(value, "event_id");
  return typeof id === "string" && /^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$/.test(id) ? id : undefined;
}

/**
 * Reads a request of the grid's operator in either form of DCPI-GRID. Its event id is the
 * command's.
 *
 * @throws Refused
 */
export function readDemandResponse(
  value: JsonValue,
  { facility, lease }: { readonly facility: string; readonly lease: LeaseLimits },
): CommandRequest {
  return isStreamForm(value)
    ? readEvent(value, facility, lease)
    : readRequest(value, facility, lease);
}

function isStreamForm(value: JsonValue): boolean {
  return (
    memberOf(value, "message_type") === undefined && memberOf(value, "parameters") !== undefined
  );
}

function readRequest(value: JsonValue, facility: string, lease: LeaseLimits): CommandRequest {
  mustFit(isRequest, value);
  const { event_id: id, event_type: type, start_time: start, response_deadline: limit } = value;
  const head = readFrame(value, { facility, id, dialect: "dcpi" });
  mustBeInTime(head.timestamp, limit, "/response_deadline");
  const startsAt = start === undefined ? head.timestamp : instant(start, "/start_time");
  const ignored = unknownOf(value, UNDERSTOOD_REQUEST, "");
  if (type !== LOAD_REDUCTION) {
    const intent = { kind: "not-supported", action: type } as const;
    const leaseMs = lease.defaultMs;
    return {
      ...head,
      ignored,
      commands: [{ id, target: undefined, at: "/event_type", intent, leaseMs }],
    };
  }
  const draft = reduction(value.target_reduction_mw, value.duration_hours, {
    lease,
    timestamp: head.timestamp,
    startsAt,
    at: "/duration_hours",
  });
  return { ...head, ignored, commands: [{ id, at: "", ...draft }] };
}

function readEvent(value: JsonValue, facility: string, lease: LeaseLimits): CommandRequest {
  mustFit(isEvent, value);
  const { event_id: id, parameters } = value;
  const head = readFrame(value, { facility, id, dialect: "dcpi" });
  mustBeInTime(head.timestamp, parameters.response_deadline, "/parameters/response_deadline");
  const draft = reduction(parameters.requested_reduction_mw, parameters.duration_hours, {
    lease,
    timestamp: head.timestamp,
    startsAt: head.timestamp,
    at: "/parameters/duration_hours",
  });
  const ignored = [
    ...unknownOf(value, UNDERSTOOD_EVENT, ""),
    ...unknownOf(parameters, UNDERSTOOD_PARAMETERS, "/parameters"),
  ];
  return { ...head, ignored, commands: [{ id, at: "", ...draft }] };
}

/** What has begun lasts for what is left of it. */
function reduction(
  reductionMw: number,
  hours: number,
  terms: {
    readonly lease: LeaseLimits;
    readonly timestamp: UtcMs;
    readonly startsAt: UtcMs;
    readonly at: string;
  },
): Pick<CommandDraft, "target" | "intent" | "leaseMs"> {
  const { lease, timestamp, startsAt, at } = terms;
  if (startsAt - timestamp > NOTICE_MAX_MS)
    throw new Refused("too-far-ahead", "/start_time", "at most 24 h ahead");
  const askedMs = leaseMsOf(hours * S_PER_HOUR, lease, at);
  const beginsAt = Math.max(startsAt, timestamp);
  const leaseMs = Math.floor(startsAt + askedMs - beginsAt);
  if (leaseMs < 1) throw new Refused("already-over", "/start_time", "the event is over");
  const intent = {
    kind: "reduce-import",
    reductionW: Math.round(reductionMw * W_PER_MW),
    startsAt: utcMs(beginsAt),
  } as const;
  return { target: undefined, intent, leaseMs };
}

function mustBeInTime(timestamp: UtcMs, limit: string | undefined, at: string): void {
  if (limit !== undefined && instant(limit, at) <= timestamp)
    throw new Refused("deadline-passed", at, "the time to answer was over when it was written");
}

function instant(text: string, at: string): UtcMs {
  const read = parseUtc(text);
  if (read !== undefined) return read;
  throw new Refused("timestamp-malformed", at, "an instant in UTC: 2026-01-31T12:00:00.000Z");
}

function unknownOf(value: object, known: readonly string[], place: string): readonly string[] {
  return Object.keys(value)
    .filter((name) => !known.includes(name))
    .slice(0, IGNORED_MAX)
    .map((name) => `${place}/${name.slice(0, NAME_LETTERS_MAX)}`);
}
