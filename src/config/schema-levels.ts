import { type Static, Type } from "@sinclair/typebox";
import { closed, Milliseconds, Name, Percent } from "./schema-fields.ts";

export const SmoothingConfig = closed(
  {
    loadMinKw: Type.Number({ description: "The load never draws less, kW." }),
    loadMaxKw: Type.Number({ description: "The load never draws more, kW: its nameplate." }),
    meterPeriodMs: Milliseconds(5, 1_000, 50, "The meters show a new value this often"),
    meterMeans: Type.Boolean({
      default: false,
      description: "A new value of the meters is the mean of its period, not an instant's.",
    }),
    delayMs: Type.Optional(
      Type.Integer({
        minimum: 5,
        maximum: 2_000,
        description:
          "From a step of the load until the batteries' answer shows at the meter, ms, as far as " +
          "it is known; then it is measured while the site runs.",
      }),
    ),
    delayMaxMs: Milliseconds(50, 2_000, 800, "Longest delay that is looked for"),
    efficiencyPercent: Type.Number({
      exclusiveMinimum: 50,
      maximum: 100,
      default: 95,
      description: "Of the batteries, one way, %.",
    }),
    deadbandKw: Type.Optional(
      Type.Number({
        minimum: 0,
        description:
          "Half of the range in which import may move around its reference, kW. Without it 0.5 % " +
          "of the batteries' power.",
      }),
    ),
    dailyEnergyKwh: Type.Optional(
      Type.Number({
        exclusiveMinimum: 0,
        description: "What the batteries may give in any 24 h, kWh. Without it all they have.",
      }),
    ),
    lineLimitKw: Type.Optional(
      Type.Number({
        exclusiveMinimum: 0,
        description:
          "A swing of the import between 0.1 and 6 Hz that is larger than this is an alarm, kW.",
      }),
    ),
  },
  "Smoothing of a load that swings, inside the ramp limits of the grid connection.",
);

export const ShadowConfig = closed(
  {
    smoothing: Type.Optional(SmoothingConfig),
    peakCapKw: Type.Optional(
      Type.Number({ minimum: 0, description: "Another cap of the import, kW." }),
    ),
    rampUpKwPerS: Type.Optional(
      Type.Number({ exclusiveMinimum: 0, description: "Another fastest rise of import, kW/s." }),
    ),
    rampDownKwPerS: Type.Optional(
      Type.Number({ exclusiveMinimum: 0, description: "Another fastest fall, kW/s." }),
    ),
    without: Type.Array(Type.Union([Type.Literal("smoothing"), Type.Literal("peakCapKw")]), {
      default: [],
      maxItems: 2,
      description: "What the shadow does not have at all.",
    }),
  },
  "Other settings of the control loop, which run beside it on the same values and write nothing " +
    "(`dcpi-gateway shadow report`). What stands here takes the place of the same words of the " +
    "control section; devices, limits, envelope and trips stay. They write only while a person " +
    "at the box and an authorised command both say so.",
);

export const FrequencyConfig = closed(
  {
    powerKw: Type.Number({ exclusiveMinimum: 0, description: "Power that is promised, kW." }),
    deadBandMhz: Type.Number({
      minimum: 0,
      maximum: 1_000,
      default: 10,
      description: "No answer to a smaller deviation, mHz.",
    }),
    fullAtMhz: Type.Number({
      exclusiveMinimum: 0,
      maximum: 5_000,
      default: 200,
      description: "All of it from this deviation on, mHz.",
    }),
    direction: Type.Union([Type.Literal("both"), Type.Literal("low"), Type.Literal("high")], {
      default: "both",
      description: "`low` answers low frequency only, by discharge; `high` high frequency only.",
    }),
    nominalHz: Type.Integer({
      minimum: 50,
      maximum: 60,
      default: 50,
      description: "Of the grid, Hz: 50 or 60.",
    }),
    sustainMinutes: Type.Number({
      minimum: 0,
      maximum: 240,
      default: 15,
      description: "All of it must be possible for so long, minutes.",
    }),
  },
  "Power for the grid's frequency, from the frequency of the grid meter. Needs `smoothing`.",
);

export const ReactiveConfig = closed(
  {
    powerKvar: Type.Number({
      default: 0,
      description: "Delivered by the batteries together; negative: taken. Active power goes first.",
    }),
    eventKvar: Type.Optional(
      Type.Number({
        minimum: 0,
        description:
          "While the voltage is outside its band: delivered where it is low, taken where it is " +
          "high, and before active power. Without it `powerKvar`.",
      }),
    ),
    lowPercent: Type.Number({
      minimum: 50,
      maximum: 97,
      default: 90,
      description: "Voltage below this is an event, %.",
    }),
    highPercent: Type.Number({
      minimum: 103,
      maximum: 200,
      default: 110,
      description: "Voltage above this is an event, %.",
    }),
  },
  "Reactive power of the batteries whose `reactive-power-setpoint` is in the envelope. Needs " +
    "`meters/nominalVoltageV`.",
);

const GridFlagConfig = closed(
  {
    device: Name("Device that sees the grid connection."),
    point: Type.String({ minLength: 1, description: "Its point with a word or a yes and no." }),
    lostIf: Type.String({
      minLength: 1,
      maxLength: 64,
      description: "Word of the point by which the grid is lost: `open`, `dead`; `true`, `false`.",
    }),
  },
  "A point that says by itself that the grid is lost.",
);

export const RideThroughConfig = closed(
  {
    lostBy: Type.Array(GridFlagConfig, {
      default: [],
      maxItems: 8,
      description: "Any of these is enough.",
    }),
    lostBelowPercent: Percent(20, "Voltage at the grid meter below which it is lost"),
    confirmMs: Milliseconds(0, 10_000, 500, "For so long: shorter dips are the converters' own"),
    backAbovePercent: Percent(90, "Voltage from which on the grid is back"),
    returnMs: Milliseconds(
      0,
      3_600_000,
      300_000,
      "The grid has to be back this long before control asks anything of the batteries again",
    ),
    batteries: Type.Union([Type.Literal("stop"), Type.Literal("carry")], {
      default: "stop",
      description:
        "`stop`: they are held at 0 W while the grid is lost. `carry` only where they are " +
        "commissioned to carry the site by themselves: then they are told nothing, and may " +
        "discharge to `socMinPercent`.",
    }),
  },
  "A loss of the grid: by points that say so, and by the voltage of the grid meter where " +
    "`meters/nominalVoltageV` is known.",
);

export type RideThroughConfig = Static<typeof RideThroughConfig>;

const GooseSubscriptionConfig = closed(
  {
    name: Name("Name of a subscription of gateway-goose."),
    stops: Type.Array(Name("A battery, or one of its units."), { minItems: 1, maxItems: 64 }),
    onLoss: Type.Union([Type.Literal("alarm"), Type.Literal("safe-state")], {
      default: "alarm",
      description:
        "When the publisher is not heard any more, or gateway-goose is gone: `alarm` tells it, " +
        "`safe-state` also stops the units, as if the publisher had demanded it.",
    }),
  },
  "One publisher of GOOSE. While it demands the safe state the units that it stops are tripped.",
);

export const GooseConfig = closed(
  {
    firstWordMs: Milliseconds(
      1_000,
      120_000,
      10_000,
      "After its start control waits for the first good state of a publisher for",
    ),
    subscriptions: Type.Array(GooseSubscriptionConfig, { minItems: 1, maxItems: 64 }),
  },
  "Breaker and trip states that gateway-goose hears on Ethernet. They can stop batteries and " +
    "nothing else.",
);

export type GooseConfig = Static<typeof GooseConfig>;
export type FrequencyConfig = Static<typeof FrequencyConfig>;
