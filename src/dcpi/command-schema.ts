import { type Static, type TObject, type TProperties, Type } from "@sinclair/typebox";

/** Highest power in a command, MW: the largest plant that DCPI is made for. */
export const POWER_MAX_MW = 1_000;
/** Most commands in one message. */
export const COMMANDS_MAX = 16;
/** Longest time in a message, s: a day. The site's own limit is lower. */
const DURATION_MAX_S = 86_400;

/**
 * A closed object, but for members that begin with `x_`: a limit that we do not know and would
 * ignore is dangerous where plant moves.
 */
function closed<T extends TProperties>(properties: T): TObject<T> {
  return Type.Object(properties, {
    additionalProperties: false,
    patternProperties: { "^x_": {} },
  });
}

const Id = Type.String({ pattern: "^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$" });
const Name = Type.String({ minLength: 1, maxLength: 64 });
const Timestamp = Type.String({ minLength: 20, maxLength: 40 });
const Version = Type.Literal("1.0");
const Seconds = Type.Integer({ minimum: 0, maximum: DURATION_MAX_S });
const Power = Type.Number({ minimum: 0, maximum: POWER_MAX_MW });
const SignedPower = Type.Number({ minimum: -POWER_MAX_MW, maximum: POWER_MAX_MW });
const Energy = Type.Number({ exclusiveMinimum: 0, maximum: 100_000 });
/** A rate of zero would mean: never. */
const Ramp = Type.Number({ exclusiveMinimum: 0, maximum: 10_000 });

const Frame = {
  timestamp: Timestamp,
  command_id: Type.Optional(Id),
  correlation_id: Type.Optional(Id),
  facility_id: Type.Optional(Name),
};

/** PSWD battery control, with the members that every message on the bus carries. */
export const PswdBatteryControl = closed({
  ...Frame,
  PSWD_version: Version,
  message_type: Type.Optional(Type.Literal("battery_control")),
  command_type: Type.Union([
    Type.Literal("charge"),
    Type.Literal("discharge"),
    Type.Literal("standby"),
    Type.Literal("load_smooth"),
  ]),
  target_power_mw: Type.Optional(SignedPower),
  duration_sec: Type.Optional(Seconds),
  ramp_rate_mw_per_sec: Type.Optional(Ramp),
});
export type PswdBatteryControl = Static<typeof PswdBatteryControl>;

/** What an action may carry, in either of the two forms. */
const ActionMembers = {
  power_mw: Type.Optional(Power),
  rate_mw: Type.Optional(Power),
  capacity_mwh: Type.Optional(Energy),
  duration_sec: Type.Optional(Seconds),
  ramp_rate_mw_per_sec: Type.Optional(Ramp),
  increment_mw: Type.Optional(SignedPower),
  delta_power_mw: Type.Optional(SignedPower),
  notification_time_sec: Type.Optional(Seconds),
};

const PowerCommand = closed({
  target: Name,
  action: Type.Union([
    Type.Literal("prepare_discharge"),
    Type.Literal("discharge"),
    Type.Literal("charge"),
    Type.Literal("signal_load_increase"),
    Type.Literal("signal_load_change"),
    // Of this gateway: the settings of `control.shadow` write, or no longer.
    Type.Literal("x_shadow_on"),
    Type.Literal("x_shadow_off"),
  ]),
  ...ActionMembers,
  parameters: Type.Optional(closed(ActionMembers)),
});
export type PowerCommand = Static<typeof PowerCommand>;

/** DCPI power control: flat commands, or the REST form with `parameters`. */
export const DcpiPowerControl = closed({
  ...Frame,
  dcpi_version: Version,
  message_type: Type.Literal("power_control"),
  commands: Type.Array(PowerCommand, { minItems: 1, maxItems: COMMANDS_MAX }),
});
export type DcpiPowerControl = Static<typeof DcpiPowerControl>;
