import { type Static, Type } from "@sinclair/typebox";
import { ConnectionConfig } from "./schema-connection.ts";
import { closed, Milliseconds, Name, Percent } from "./schema-fields.ts";
import {
  FrequencyConfig,
  GooseConfig,
  ReactiveConfig,
  RideThroughConfig,
  ShadowConfig,
  SmoothingConfig,
} from "./schema-levels.ts";
import { ProtectionConfig } from "./schema-protection.ts";
import { ThermalConfig } from "./schema-thermal.ts";

export const DeviceConfig = closed(
  {
    id: Name("Name of the device, unique in the site."),
    profile: Type.String({
      pattern: "^[a-z0-9-]+/[a-z0-9.-]+$",
      description: "Device profile: <manufacturer>/<model>, see `dcpi-gateway profile list`.",
    }),
    connection: Name("One of `connections`."),
    unit: Type.Integer({ minimum: 0, maximum: 255, default: 1, description: "Modbus unit id." }),
    process: Type.Union([Type.Literal("control"), Type.Literal("field")], {
      default: "field",
      description: "`control` for what the control loop reads or drives, else `field`.",
    }),
    drive: Type.Optional(
      Type.Union([Type.Literal("observe"), Type.Literal("request"), Type.Literal("control")], {
        description:
          "Who may drive it. `observe`: nothing is ever written to it; `request`: commands are, " +
          "inside the envelope; `control`: controllers of the gateway drive it as well. Without " +
          "it `control` for the units of a battery, `observe` for chillers and CDUs, `request` " +
          "for everything else.",
      }),
    ),
    pollMs: Type.Record(
      Type.String({ pattern: "^[a-z][a-z0-9-]*$" }),
      Type.Integer({ minimum: 0, maximum: 86_400_000 }),
      { default: {}, description: "Poll period by group of the profile, ms; 0: once." },
    ),
    sameAs: Type.Optional(
      Type.Array(Name("Device that shows the same equipment."), {
        minItems: 1,
        maxItems: 64,
        description: "What these measure, this one shows too: it is not counted again.",
      }),
    ),
    maxAgeMs: Type.Optional(
      Type.Integer({
        minimum: 40,
        maximum: 86_400_000,
        description:
          "Oldest usable value, ms, of points that are polled more often than that; then it is " +
          "bad. Without it 2.5 poll periods.",
      }),
    ),
    parameters: Type.Record(Type.String(), Type.Union([Type.String(), Type.Number()]), {
      default: {},
      description: "What only the site knows: answers to the profile's questions.",
    }),
  },
  "One device.",
);

const BrokerConfig = closed(
  {
    url: Type.String({
      pattern: "^mqtt://[^/ ]+$",
      description: "mqtt://host:port. Brokers are tried in the order of the list.",
    }),
  },
  "One MQTT broker.",
);

const MqttConfig = closed(
  {
    brokers: Type.Array(BrokerConfig, { minItems: 1, maxItems: 8 }),
    unsignedCommands: Type.Union([Type.Literal("refuse"), Type.Literal("allow")], {
      default: "refuse",
      description: "`allow` only for a demonstration: anybody at the broker may command.",
    }),
    values: Type.Union([Type.Literal("by-name"), Type.Literal("columns")], {
      default: "by-name",
      description: "How telemetry carries values; columns are a third cheaper.",
    }),
    realtimeMs: Milliseconds(50, 10_000, 100, "Period of power/realtime"),
    statusMs: Milliseconds(500, 60_000, 1_000, "Period of battery/status and thermal/status"),
  },
  "The way north.",
);

export const StoreConfig = closed(
  {
    directory: Type.String({ minLength: 1, default: "data", description: "Folder of the store." }),
    quotaMiB: Type.Integer({
      minimum: 16,
      maximum: 1_048_576,
      default: 2_048,
      description: "Most that the store may take on the disk, MiB.",
    }),
    retainMinutes: Type.Number({
      minimum: 0,
      maximum: 100_000,
      default: 10,
      description: "Delivered rows are kept for the consumer's acknowledgement so long, min.",
    }),
    retainMiB: Type.Integer({
      minimum: 0,
      maximum: 65_536,
      default: 64,
      description: "And until they take so much, MiB, whichever is first.",
    }),
    historyMinutes: Type.Number({
      minimum: 0,
      maximum: 1_000_000,
      default: 60,
      description: "History for questions on the box, min.",
    }),
    historyMiB: Type.Integer({
      minimum: 0,
      maximum: 1_048_576,
      default: 256,
      description: "Most that the history may take, MiB.",
    }),
  },
  "What is kept until it is delivered, and for how long afterwards.",
);

const FeederConfig = closed(
  {
    meter: Name("Device that measures the feeder."),
    maxAgeMs: Milliseconds(40, 60_000, 2_500, "Oldest usable value"),
  },
  "A feeder behind the grid meter.",
);

const GridConfig = closed(
  {
    meter: Name("Device at the point of common coupling."),
    importLimitKw: Type.Number({ minimum: 0, description: "Highest import by contract, kW." }),
    exportLimitKw: Type.Number({ minimum: 0, default: 0, description: "Highest export, kW." }),
    peakCapKw: Type.Optional(
      Type.Number({ minimum: 0, description: "The battery covers what is above, kW." }),
    ),
    rampUpKwPerS: Type.Number({
      exclusiveMinimum: 0,
      description: "Fastest rise of import, kW/s.",
    }),
    rampDownKwPerS: Type.Number({ exclusiveMinimum: 0, description: "Fastest fall, kW/s." }),
    feeders: Type.Array(FeederConfig, { default: [], maxItems: 64 }),
    lossKw: Type.Number({ default: 0, description: "Loss between meter and feeders, kW." }),
    lossAtRatingKw: Type.Number({
      minimum: 0,
      default: 0,
      description: "Load loss at rating, kW.",
    }),
    ratingKva: Type.Number({ minimum: 0, default: 0, description: "Rating of transformers, kVA." }),
    meterLagMs: Milliseconds(0, 1_000, 150, "A reading is at most so old when the meter gives it"),
    crossCheckPercent: Percent(3, "Mismatch between meter and feeders that is not believed"),
    crossCheckSamples: Type.Integer({
      minimum: 1,
      maximum: 100,
      default: 3,
      description: "So many mismatches in a row, and one side is not believed.",
    }),
    maxAgeMs: Milliseconds(40, 10_000, 300, "The meter is held this long without a new value"),
    blindMs: Milliseconds(100, 60_000, 1_000, "After this long without a meter: battery to zero"),
  },
  "The grid connection.",
);

export const BatteryConfig = closed(
  {
    id: Name("Name of the group, target of commands."),
    units: Type.Array(Name("A device of class bess."), { minItems: 1, maxItems: 64 }),
    socMinPercent: Percent(10, "Never discharged below"),
    socMaxPercent: Percent(95, "Never charged above"),
    socReservePercent: Percent(30, "Kept for ride-through"),
    rampKwPerS: Type.Number({
      exclusiveMinimum: 0,
      description: "Fastest change of a unit, kW/s.",
    }),
    unitApparentKva: Type.Optional(
      Type.Number({
        exclusiveMinimum: 0,
        description: "Apparent power of one unit, kVA. Without it its largest active power.",
      }),
    ),
    unitCapacityKwh: Type.Number({ exclusiveMinimum: 0, description: "Energy of one unit, kWh." }),
    reversionMs: Milliseconds(500, 60_000, 3_000, "The unit goes its own way after silence of"),
    reversionRampKwPerS: Type.Number({
      exclusiveMinimum: 0,
      default: 25,
      description: "How fast a unit that is left alone goes to zero, kW/s.",
    }),
    silentMs: Milliseconds(100, 60_000, 400, "A unit is called silent after"),
    differsKw: Type.Number({ minimum: 0, default: 1, description: "Tolerance of read-back, kW." }),
  },
  "Batteries that the control loop drives together.",
);

/** Cycle of a control process that has nothing to control, and only reads, ms. */
export const READ_ONLY_CYCLE_MS = 50;

/** Leases of a site that says nothing else, and of one without a controller. */
export const LEASE_DEFAULT_MS = 60_000;
export const LEASE_MAXIMUM_MS = 3_600_000;

const RecorderConfig = closed(
  {
    enabled: Type.Boolean({ default: true, description: "False: cycles are not recorded." }),
    directory: Type.Optional(
      Type.String({
        minLength: 1,
        description: "Folder of the recording; without it `control/recorder` beside the store.",
      }),
    ),
    segmentMiB: Type.Integer({
      minimum: 1,
      maximum: 1_024,
      default: 16,
      description: "Length of a file, MiB. The oldest is given up for a new one.",
    }),
    segments: Type.Integer({
      minimum: 2,
      maximum: 1_024,
      default: 16,
      description: "So many files are kept; 256 MiB hold six hours of the demonstration.",
    }),
  },
  "The flight recorder: every cycle of control, to be played back.",
);

export const ControlConfig = closed(
  {
    periodMs: Milliseconds(10, 1_000, 50, "Control cycle"),
    grid: GridConfig,
    batteries: Type.Array(BatteryConfig, { default: [], maxItems: 8 }),
    share: Type.Union([Type.Literal("energy"), Type.Literal("equal")], {
      default: "energy",
      description:
        "How the batteries share a power. `energy`: the fuller gives more and takes less, so " +
        "that they become alike, and a small power is given by few; `equal`: in equal parts.",
    }),
    smoothing: Type.Optional(SmoothingConfig),
    frequency: Type.Optional(FrequencyConfig),
    reactive: Type.Optional(ReactiveConfig),
    rideThrough: Type.Optional(RideThroughConfig),
    goose: Type.Optional(GooseConfig),
    shadow: Type.Optional(ShadowConfig),
    stopRampMs: Milliseconds(
      0,
      600_000,
      10_000,
      "On its end control ramps the batteries towards zero for at most (below the time after " +
        "which a service manager kills it)",
    ),
    leaseDefaultMs: Milliseconds(
      1_000,
      3_600_000,
      LEASE_DEFAULT_MS,
      "Lease of a command that names none",
    ),
    leaseMaximumMs: Milliseconds(1_000, 86_400_000, LEASE_MAXIMUM_MS, "Longest lease"),
    localSelector: Type.Optional(
      Name(
        "Device whose `control-location` is the hard-wired selector of the plant: while it " +
          "stands on local, or cannot be read, nothing from afar is taken.",
      ),
    ),
    recorder: Type.Optional(RecorderConfig),
    trips: Type.Array(Name("Alarm id of a device that trips the batteries."), {
      default: [
        "emergency-stop",
        "insulation-fault",
        "battery-insulation-fault",
        "battery-trip",
        "battery-over-voltage",
        "battery-under-voltage",
        "temperature-imbalance-trip",
        "cabinet-open",
        "battery-door-open",
      ],
    }),
    protection: Type.Optional(ProtectionConfig),
  },
  "The control loop.",
);

const MetersConfig = closed(
  {
    compute: Type.Array(Name("Device that meters IT load."), { default: [], maxItems: 256 }),
    cooling: Type.Array(Name("Device that meters cooling."), { default: [], maxItems: 256 }),
    infrastructure: Type.Array(Name("Device that meters the rest."), {
      default: [],
      maxItems: 256,
    }),
    nominalVoltageV: Type.Optional(
      Type.Number({ exclusiveMinimum: 0, description: "Between lines at the grid meter, V." }),
    ),
  },
  "Which meter counts what, for the power report.",
);

export const EnvelopeConfig = closed(
  {
    device: Name("Device of the site."),
    point: Type.String({ description: "Setpoint of its profile." }),
    minimum: Type.Number({ description: "In `unit`." }),
    maximum: Type.Number({ description: "In `unit`." }),
    unit: Type.String({ description: "Unit of minimum, maximum and change per second." }),
    changePerS: Type.Optional(
      Type.Number({ exclusiveMinimum: 0, description: "Fastest change, `unit` per second." }),
    ),
    minimumIntervalMs: Milliseconds(0, 86_400_000, 0, "Shortest time between two writes"),
    excludes: Type.Optional(
      Type.Array(
        Type.String({
          pattern: "^[a-z][a-z0-9-]{0,39}/[a-z][a-z0-9.-]*$",
          description: "`device/point` of another line of the envelope.",
        }),
        {
          minItems: 1,
          maxItems: 16,
          description:
            "Points that have to be at 0 while this one is not, and the other way round. What is " +
            "under way counts as written.",
        },
      ),
    ),
    beyond: Type.Union([Type.Literal("clamp"), Type.Literal("refuse")], {
      default: "refuse",
      description: "What becomes of a value outside: brought inside, or not written.",
    }),
  },
  "What may be written. A setpoint without an entry is read only.",
);

/**
 * The site configuration as a person writes it. The schema is the documentation: every field says
 * its unit and range.
 */
export const SiteConfig = Type.Object(
  {
    site: Name("Name of the site, as it appears northbound."),
    gateway: Name("Name of this gateway in the site."),
    profileDirectory: Type.Optional(
      Type.String({ minLength: 1, description: "Folder of this site's own device profiles." }),
    ),
    runtimeDirectory: Type.Optional(
      Type.String({ minLength: 1, description: "Folder of the sockets between the processes." }),
    ),
    mqtt: MqttConfig,
    store: Type.Optional(StoreConfig),
    connections: Type.Record(Type.String({ pattern: "^[a-z][a-z0-9-]{0,39}$" }), ConnectionConfig, {
      description: "Cables and sockets; several devices may share one.",
    }),
    devices: Type.Array(DeviceConfig, { minItems: 1, maxItems: 2_000 }),
    control: Type.Optional(ControlConfig),
    thermal: Type.Optional(ThermalConfig),
    meters: Type.Optional(MetersConfig),
    envelope: Type.Array(EnvelopeConfig, { default: [], maxItems: 10_000 }),
  },
  {
    $id: "dcpi-gateway-site",
    additionalProperties: false,
    description: "Site file of dcpi-gateway.",
  },
);

export type SiteConfig = Static<typeof SiteConfig>;
export type DeviceConfig = Static<typeof DeviceConfig>;
export type ControlConfig = Static<typeof ControlConfig>;
export type BatteryConfig = Static<typeof BatteryConfig>;
export type StoreConfig = Static<typeof StoreConfig>;
export type EnvelopeConfig = Static<typeof EnvelopeConfig>;
