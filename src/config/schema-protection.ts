import { type Static, Type } from "@sinclair/typebox";
import { closed, Milliseconds, Name } from "./schema-fields.ts";

/** Causes by which a site may stop its batteries: each has its page for the operator. */
export const STOP_CAUSES = [
  "emergency-stop",
  "hvil-open",
  "door-open",
  "insulation-fault",
  "fire-alarm",
  "smoke-alarm",
  "gas-alarm",
  "gas-warning",
  "protection-relay",
] as const;

const Units = (description: string) =>
  Type.Array(Name("A battery, or one of its units."), { minItems: 1, maxItems: 64, description });

const SensorConfig = closed(
  {
    device: Name("Device that sees it."),
    point: Type.String({ minLength: 1, description: "Its point with a word or a yes and no." }),
    when: Type.String({
      minLength: 1,
      maxLength: 64,
      description: "Word of the point while the cause is there: `open`, `true`, `false`.",
    }),
  },
  "One channel.",
);

const StopConfig = closed(
  {
    cause: Type.Union(
      STOP_CAUSES.map((cause) => Type.Literal(cause)),
      {
        description:
          "What it is. `gas-warning` ends charging at once and lets discharge ramp to zero " +
          "within `rampMs`; everything else stops at once.",
      },
    ),
    sensors: Type.Array(SensorConfig, {
      minItems: 1,
      maxItems: 3,
      description: "One, or two or three that vote: two of three, one of two.",
    }),
    stops: Units("Zero and STOP for these; nothing but batteries is ever stopped."),
    lostAfterMs: Milliseconds(
      0,
      600_000,
      2_000,
      "A sensor that shows nothing for so long votes for the stop; 0: it never does",
    ),
    rampMs: Milliseconds(100, 5_000, 5_000, "For a `gas-warning`: discharge is at zero within"),
    reset: Type.Union([Type.Literal("operator"), Type.Literal("safety")], {
      default: "safety",
      description: "Role that a person needs to reset it, where the site names `people`.",
    }),
  },
  "An input of the plant that stops batteries.",
);

const BlockConfig = closed(
  {
    direction: Type.Union([Type.Literal("charge"), Type.Literal("discharge")], {
      description: "What is blocked.",
    }),
    point: Type.String({
      minLength: 1,
      description: "Value of the units: `cell-voltage.maximum`.",
    }),
    above: Type.Optional(Type.Number({ description: "Blocked above, in the point's own unit." })),
    below: Type.Optional(Type.Number({ description: "Blocked below, in the point's own unit." })),
    hysteresis: Type.Number({
      exclusiveMinimum: 0,
      description: "The value has to be back by so much.",
    }),
    units: Type.Optional(Units("Without it every unit that has the point.")),
  },
  "A value of a unit beyond which it is not charged, or not discharged.",
);

const DerateConfig = closed(
  {
    point: Type.String({
      minLength: 1,
      description: "Temperature of the units: `cell-temperature.maximum`, `cabinet-temperature`.",
    }),
    fromCel: Type.Number({ description: "Up to here all of the power is left, °C." }),
    toCel: Type.Number({
      description: "From here on nothing is left, °C. Below `fromCel`: for cold.",
    }),
    hysteresisK: Type.Number({
      minimum: 3,
      maximum: 5,
      default: 4,
      description: "What was taken comes back when the temperature is this much better, K.",
    }),
    direction: Type.Union(
      [Type.Literal("both"), Type.Literal("charge"), Type.Literal("discharge")],
      { default: "both", description: "Which limit it takes from." },
    ),
    units: Type.Optional(Units("Without it every unit that has the point.")),
  },
  "A temperature that takes power away in a line. Its limits are the maker's.",
);

const VoteConfig = closed(
  {
    meters: Type.Array(Name("Device that measures the same."), { minItems: 1, maxItems: 2 }),
    deviationPercent: Type.Number({
      exclusiveMinimum: 0,
      maximum: 50,
      default: 2,
      description: "Further from the middle is a deviation, %.",
    }),
    deviationKw: Type.Number({
      minimum: 0,
      default: 50,
      description: "And never less than this, kW.",
    }),
    samples: Type.Integer({
      minimum: 1,
      maximum: 100,
      default: 3,
      description: "So many in a row, and the meter counts no more until it agrees again.",
    }),
  },
  "Meters beside `grid.meter` at the same place. Of three the middle one counts, of two the " +
    "higher import, of one itself.",
);

const PersonConfig = closed(
  {
    name: Type.String({ minLength: 1, maxLength: 64, description: "As in `reset --by`." }),
    role: Type.Union([Type.Literal("operator"), Type.Literal("safety")], {
      description: "`safety` may reset everything, `operator` what is no emergency.",
    }),
  },
  "Somebody who may reset trips.",
);

/** Alarms of the units that keep them from charging, and from discharging. */
const CHARGE_BLOCKED_BY = ["battery-voltage-high", "battery-under-temperature"];
const DISCHARGE_BLOCKED_BY = ["battery-voltage-low"];

export const ProtectionConfig = closed(
  {
    stops: Type.Array(StopConfig, { default: [], maxItems: 64 }),
    chargeBlockedBy: Type.Array(Name("Alarm id of a unit: while it is there it is not charged."), {
      default: CHARGE_BLOCKED_BY,
      maxItems: 32,
    }),
    dischargeBlockedBy: Type.Array(Name("Alarm id of a unit: while it is there it only charges."), {
      default: DISCHARGE_BLOCKED_BY,
      maxItems: 32,
    }),
    blocks: Type.Array(BlockConfig, { default: [], maxItems: 32 }),
    blockReleaseMs: Milliseconds(
      0,
      3_600_000,
      60_000,
      "A block ends when its cause has been gone for",
    ),
    derate: Type.Array(DerateConfig, { default: [], maxItems: 32 }),
    gridMeters: Type.Optional(VoteConfig),
    resetHoldMs: Milliseconds(
      0,
      600_000,
      1_000,
      "The cause of a trip has to be gone for so long before it can be reset",
    ),
    faultsPerHour: Type.Integer({
      minimum: 0,
      maximum: 3,
      default: 3,
      description:
        "So often in an hour a unit may come back from a fault by itself; the next one latches.",
    }),
    recovers: Type.Array(Name("Alarm id of `control.trips`."), {
      default: [],
      maxItems: 16,
      description:
        "These lift themselves when their cause has been gone for `recoverAfterMs`, three times " +
        "in an hour, also over a restart; then a person resets them.",
    }),
    recoverAfterMs: Milliseconds(1_000, 3_600_000, 60_000, "A trip of `recovers` lifts after"),
    people: Type.Array(PersonConfig, {
      default: [],
      maxItems: 64,
      description:
        "Who may reset trips, at the box; it is asked by name, and the rights of the socket say " +
        "who may ask. Empty: whoever may use the box.",
    }),
  },
  "What protects the batteries besides the envelope. Emergency stop, battery management and the " +
    "fire panel act by themselves, hard-wired; this follows them.",
);

export type ProtectionConfig = Static<typeof ProtectionConfig>;
