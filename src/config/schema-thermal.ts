import { type Static, Type } from "@sinclair/typebox";
import { closed, Milliseconds, Name } from "./schema-fields.ts";

const Mode = (value: "observe" | undefined, description: string) =>
  Type.Union([Type.Literal("observe"), Type.Literal("request"), Type.Literal("control")], {
    ...(value === undefined ? {} : { default: value }),
    description:
      `${description} \`observe\`: computes and tells what it would do, writes nothing. ` +
      "`request`: asks for load to be shed, too. `control`: writes setpoints as well.",
  });

const PointName = (description: string) =>
  Type.String({
    pattern: "^([a-z][a-z0-9-]{0,39}/)?[a-z][a-z0-9.-]*$",
    description: `${description} A point of the device, or \`device/point\` of another one.`,
  });

const TwoPhaseConfig = closed(
  {
    deratePressureKpa: Type.Number({
      exclusiveMinimum: 0,
      description: "From this absolute pressure on the loop takes less load, kPa.",
    }),
    tripPressureKpa: Type.Number({
      exclusiveMinimum: 0,
      description: "At this one none at all, latched: below the relief valve's, kPa.",
    }),
  },
  "A loop whose coolant boils at the chips.",
);

/** Keys of `control.protection.gridMeters`, with points for its meters. */
const votingOf = (unit: string) => ({
  points: Type.Array(
    PointName(`A sensor that measures the same, in ${unit}: read, not written, and named once.`),
    { minItems: 1, maxItems: 2 },
  ),
  deviationPercent: Type.Number({
    exclusiveMinimum: 0,
    maximum: 50,
    default: 2,
    description: "Further from the middle is a deviation, %.",
  }),
  samples: Type.Integer({
    minimum: 1,
    maximum: 100,
    default: 3,
    description: "So many in a row, and the sensor counts no more until it agrees again.",
  }),
});

const TemperatureSensors = (description: string) =>
  closed(
    {
      ...votingOf("Cel"),
      deviationK: Type.Number({
        exclusiveMinimum: 0,
        maximum: 20,
        default: 0.5,
        description: "And never less than this, K.",
      }),
    },
    description,
  );

const FlowSensors = closed(
  {
    ...votingOf("L/min"),
    deviationLPerMin: Type.Number({
      exclusiveMinimum: 0,
      maximum: 10_000,
      default: 5,
      description: "And never less than this, L/min.",
    }),
  },
  "Sensors of its secondary flow beside its own. Of three the middle one counts, of two the " +
    "smaller flow, of one itself.",
);

export const ThermalZoneConfig = closed(
  {
    device: Name("Device of class cdu."),
    mode: Type.Optional(Mode(undefined, "Of this unit; without it the section's.")),
    ratedHeatKw: Type.Optional(
      Type.Number({ exclusiveMinimum: 0, description: "Heat of its racks at most, kW." }),
    ),
    riseK: Type.Number({
      minimum: 3,
      maximum: 25,
      default: 10,
      description: "Rise over its racks that the flow is chosen for, K.",
    }),
    supplyCel: Type.Number({
      minimum: 17,
      maximum: 45,
      default: 32,
      description: "Coolant to its racks, °C; the dew point may ask for more.",
    }),
    speedMinimumPercent: Type.Number({
      minimum: 1,
      maximum: 100,
      default: 30,
      description: "Slowest that its pumps are driven, %.",
    }),
    secondRope: Type.Optional(PointName("A second leak sensor.")),
    levelLow: Type.Optional(PointName("Says that its reservoir is low.")),
    zoneValve: Type.Optional(
      PointName("`valve-position-setpoint` of the valve that shuts the zone after a leak."),
    ),
    standbyPump: Type.Optional(PointName("`run-command` of the pump that stands by.")),
    supplySensors: Type.Optional(
      TemperatureSensors(
        "Sensors of its secondary supply temperature beside its own. Of three the middle one " +
          "counts, of two the hotter one, and for the dew point the colder one, of one itself.",
      ),
    ),
    returnSensors: Type.Optional(
      TemperatureSensors(
        "Sensors of its secondary return temperature beside its own. Of three the middle one " +
          "counts, of two the hotter one, of one itself.",
      ),
    ),
    flowSensors: Type.Optional(FlowSensors),
    vapourTemperature: Type.Optional(PointName("Temperature of the vapour of a two-phase loop.")),
    twoPhase: Type.Optional(TwoPhaseConfig),
    workloads: Type.Optional(
      Type.Array(Type.String({ pattern: "^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}[*]?$" }), {
        minItems: 1,
        maxItems: 256,
        description:
          "Workloads on its racks, by id or by the beginning of one and `*`: they are asked when " +
          "its load has to go, and for no other zone that does not name them. A zone without it " +
          "asks every workload that no zone names.",
      }),
    ),
  },
  "One coolant unit with its racks, where the site knows more of it than its class does.",
);

export const HeatDeliveryConfig = closed(
  {
    device: Name("Device of class heat-exchanger."),
    mode: Type.Optional(Mode(undefined, "Of this delivery; without it the section's.")),
    source: Type.Union([Type.Literal("heat-pump"), Type.Literal("two-phase")], {
      default: "heat-pump",
      description: "What warms the network; `two-phase` by condensing warmly enough.",
    }),
    supplyCel: Type.Number({
      minimum: 70,
      maximum: 90,
      default: 75,
      description: "Supply of the network, °C, where nobody asks for another one.",
    }),
    ratedHeatKw: Type.Number({ exclusiveMinimum: 0, description: "What it can deliver, kW." }),
    demand: Type.Optional(PointName("Heat that the city asks for.")),
    networkPump: Type.Optional(PointName("`pump-speed-setpoint` of the network's pump.")),
    valve: Type.Optional(PointName("`valve-position-setpoint` that shuts the delivery.")),
  },
  "Heat for the city.",
);

export const ThermalConfig = closed(
  {
    mode: Mode("observe", "What the controllers may do."),
    periodMs: Milliseconds(500, 10_000, 1_000, "Each unit has its step once in"),
    ratedHeatKw: Type.Number({
      exclusiveMinimum: 0,
      description: "Heat of the racks of one coolant unit at most, kW.",
    }),
    zones: Type.Array(ThermalZoneConfig, { default: [], maxItems: 512 }),
    deliveries: Type.Array(HeatDeliveryConfig, { default: [], maxItems: 32 }),
  },
  "Coolant and heat: every device of class cdu, without it nothing is watched or driven.",
);

export type ThermalConfig = Static<typeof ThermalConfig>;
export type ThermalZoneConfig = Static<typeof ThermalZoneConfig>;
export type CoolantSensorsConfig = NonNullable<
  ThermalZoneConfig["supplySensors"] | ThermalZoneConfig["flowSensors"]
>;
export type HeatDeliveryConfig = Static<typeof HeatDeliveryConfig>;
