import { type Static, Type } from "@sinclair/typebox";
import { POWER_MAX_MW } from "./command-schema.ts";

/** Most changes of power in one announcement. */
export const SCHEDULE_MAX = 32;
/** Longest time in an announcement, s: a year. */
const DURATION_MAX_S = 366 * 86_400;

/**
 * Members that we do not know are passed over and named in the answer: an announcement moves no
 * plant, and the documents print more of them than they define.
 */
const Timestamp = Type.String({ minLength: 20, maxLength: 40 });
const Name = Type.String({ minLength: 1, maxLength: 64 });
const Power = Type.Number({ minimum: 0, maximum: POWER_MAX_MW });
const Seconds = Type.Integer({ minimum: 0, maximum: DURATION_MAX_S });
const Rate = Type.Number({ minimum: 0, maximum: 1_000_000 });

const Flexibility = Type.Object({
  can_delay: Type.Optional(Type.Boolean()),
  max_delay_sec: Type.Optional(Seconds),
  delay_tolerance_sec: Type.Optional(Seconds),
});

const PowerProfile = Type.Object({
  peak_power_mw: Power,
  baseline_power_mw: Power,
  average_power_mw: Type.Optional(Power),
  ramp_rate_mw_per_sec: Type.Optional(Rate),
  duration_estimate_sec: Type.Optional(Seconds),
  temporal_resolution_ms: Type.Optional(Type.Integer({ minimum: 100 })),
  start_time_estimate: Type.Optional(Timestamp),
  power_schedule: Type.Optional(
    Type.Array(
      Type.Object({
        timestamp: Timestamp,
        power_mw: Power,
        phase: Type.Optional(Type.String({ maxLength: 64 })),
      }),
      { minItems: 1, maxItems: SCHEDULE_MAX },
    ),
  ),
  flexibility: Type.Optional(Flexibility),
});

const TimingConstraints = Type.Object({
  earliest_start: Type.Optional(Timestamp),
  earliest_start_time: Type.Optional(Timestamp),
  latest_start: Type.Optional(Timestamp),
});

const Frame = {
  message_type: Type.Literal("workload_announcement"),
  timestamp: Timestamp,
  workload_id: Type.String({ pattern: "^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$" }),
  facility_id: Type.Optional(Name),
  correlation_id: Type.Optional(Name),
  flexibility: Type.Optional(Flexibility),
  flexibility_parameters: Type.Optional(Flexibility),
  timing_constraints: Type.Optional(TimingConstraints),
};

const WorkloadType = Type.Union([
  Type.Literal("ai_training"),
  Type.Literal("ai_inference"),
  Type.Literal("hpc"),
  Type.Literal("traditional_compute"),
]);

/** DCPI-WL, in the forms of the standard and of its REST interface. */
export const DcpiWorkload = Type.Object({
  ...Frame,
  dcpi_version: Type.Literal("1.0"),
  workload_type: Type.Optional(WorkloadType),
  power_profile: PowerProfile,
});
export type DcpiWorkload = Static<typeof DcpiWorkload>;

/** The announcement of PSWD, which asks for a little more. */
export const PswdWorkload = Type.Object({
  ...Frame,
  PSWD_version: Type.Literal("1.0"),
  workload_type: WorkloadType,
  power_profile: Type.Intersect([PowerProfile, Type.Object({ ramp_rate_mw_per_sec: Rate })]),
});
export type PswdWorkload = Static<typeof PswdWorkload>;

/** How a workload can give way; read by `readFlexibility`, which passes over what is malformed. */
const GIVING_WAY = [
  "can_throttle",
  "throttling_capability",
  "min_power_mw",
  "can_pause",
  "max_pause_duration_sec",
];
const FLEXIBILITY = [...Object.keys(Flexibility.properties), ...GIVING_WAY];

/** Members that are understood, by the place where they stand. */
export const UNDERSTOOD: Readonly<Record<string, ReadonlySet<string>>> = {
  "": new Set([...Object.keys(Frame), "dcpi_version", "PSWD_version", "workload_type"]).add(
    "power_profile",
  ),
  "/power_profile": new Set(Object.keys(PowerProfile.properties)).add("priority"),
  "/flexibility": new Set(FLEXIBILITY),
  "/flexibility_parameters": new Set(FLEXIBILITY).add("priority_level"),
  "/timing_constraints": new Set(Object.keys(TimingConstraints.properties)).add("priority"),
};
