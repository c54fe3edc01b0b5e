import { type Static, Type } from "@sinclair/typebox";
import { POWER_MAX_MW } from "./command-schema.ts";

/** Longest time in hours in a request: a day. The site's own limit is lower. */
const HOURS_MAX = 24;

/**
 * Members that we do not know are passed over and named in the answer: the documents print more of
 * them than they define, and what is asked for stands in those that are read.
 */
const Timestamp = Type.String({ minLength: 20, maxLength: 40 });
const Name = Type.String({ minLength: 1, maxLength: 64 });
/** A reduction by nothing would mean: nothing is asked. */
const Reduction = Type.Number({ exclusiveMinimum: 0, maximum: POWER_MAX_MW });
const Hours = Type.Number({ exclusiveMinimum: 0, maximum: HOURS_MAX });
const Rate = Type.Number({ minimum: 0, maximum: 1_000_000 });

const Frame = {
  dcpi_version: Type.Literal("1.0"),
  timestamp: Timestamp,
  event_id: Type.String({ pattern: "^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$" }),
  event_type: Name,
  facility_id: Type.Optional(Name),
  correlation_id: Type.Optional(Name),
};

/** DCPI-GRID: a request with its start. */
export const DemandResponse = Type.Object({
  ...Frame,
  message_type: Type.Literal("demand_response_request"),
  start_time: Type.Optional(Timestamp),
  duration_hours: Hours,
  target_reduction_mw: Reduction,
  compensation_rate_per_mwh: Type.Optional(Rate),
  response_deadline: Type.Optional(Timestamp),
});
export type DemandResponse = Static<typeof DemandResponse>;

/** The same as an event of the grid's stream: from now on, and with a time to answer. */
export const DemandResponseEvent = Type.Object({
  ...Frame,
  event_type: Type.Literal("demand_response_request"),
  parameters: Type.Object({
    requested_reduction_mw: Reduction,
    duration_hours: Hours,
    response_deadline: Type.Optional(Timestamp),
    compensation_rate: Type.Optional(Rate),
  }),
});
export type DemandResponseEvent = Static<typeof DemandResponseEvent>;

/** Members that are understood, by the form and the place where they stand. */
export const UNDERSTOOD_REQUEST: readonly string[] = Object.keys(DemandResponse.properties);
export const UNDERSTOOD_EVENT: readonly string[] = Object.keys(DemandResponseEvent.properties);
export const UNDERSTOOD_PARAMETERS: readonly string[] = Object.keys(
  DemandResponseEvent.properties.parameters.properties,
);
