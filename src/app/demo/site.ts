/** Where each connection of the demo plant listens, as an offset from the base port. */
const TCP_OFFSETS: readonly (readonly [connection: string, offset: number])[] = [
  ["pcc", 0],
  ["train", 1],
  ["feeders", 2],
  ["bess-1", 3],
  ["bess-2", 4],
  ["ups-1", 5],
  ["ups-2", 6],
  ["ups-3", 7],
  ["chiller-1", 8],
  ["chiller-2", 9],
  ["chiller-3", 10],
  ["chiller-4", 11],
  ["heat", 14],
];

const RTU_OVER_TCP_OFFSETS: readonly (readonly [connection: string, offset: number])[] = [
  ["cdu-line-a", 12],
  ["cdu-line-b", 13],
  ["env-line", 15],
];

const STATION_OFFSETS: readonly (readonly [connection: string, offset: number])[] = [
  ["bess-station", 31],
  ["relay", 32],
];

export interface DemoSiteOptions {
  /** First of the plant's ports on loopback. */
  readonly basePort: number;
  readonly mqttPort: number;
  /** Folder of the store. */
  readonly directory: string;
  readonly runtimeDirectory: string;
  /** `smoothing` unless said; `peak-cap`: the batteries cover what is above 20 MW, at once. */
  readonly control?: "smoothing" | "peak-cap";
  /** How fast the simulated meters and converters are; d95 unless said. */
  readonly preset?: DemoPreset;
  /**
   * True: besides the 28 devices a station controller of the batteries and a switchgear relay that
   * speak IEC 61850. The station is a second way to the batteries, and read only: an asset has one
   * writer.
   */
  readonly hasStations?: boolean;
}

/** By the delay of the whole loop that they were made for, ms. */
export const DEMO_PRESETS = ["d30", "d95", "d225", "d300"] as const;
export type DemoPreset = (typeof DEMO_PRESETS)[number];

/** Control cycle, and what the simulated meters are like. */
const TIMING: Readonly<
  Record<DemoPreset, { periodMs: number; meterPeriodMs: number; meterMeans: boolean }>
> = {
  d30: { periodMs: 20, meterPeriodMs: 20, meterMeans: false },
  d95: { periodMs: 50, meterPeriodMs: 50, meterMeans: false },
  d225: { periodMs: 50, meterPeriodMs: 100, meterMeans: true },
  d300: { periodMs: 100, meterPeriodMs: 100, meterMeans: true },
};

/**
 * The site file of the demonstration: one AI hall block with 28 devices on the register maps of
 * real ones. Written out as a file, so that a visitor reads it, changes it and runs it again.
 */
export function demoSiteText(options: DemoSiteOptions): string {
  const { preset = "d95" } = options;
  const timing = TIMING[preset];
  const isSmoothed = options.control !== "peak-cap";
  return `# Site file of the demonstration. Power in kW, times in ms.
# Unsigned commands are allowed here, and nowhere else.
site: hall-1
gateway: gw-1
runtimeDirectory: ${JSON.stringify(options.runtimeDirectory)}

mqtt:
  brokers:
    - url: mqtt://127.0.0.1:${options.mqttPort}
  unsignedCommands: allow

store:
  directory: ${JSON.stringify(options.directory)}
  quotaMiB: 512

connections:
${connections(options)}

devices:
${devices(timing.periodMs, options.hasStations === true)}

control:
  periodMs: ${timing.periodMs}
  stopRampMs: 1000 # nobody waits for the ramp of a demonstration
  grid:
    meter: pcc-meter
    importLimitKw: 28000
    peakCapKw: ${isSmoothed ? 26_500 : 20_000}
    rampUpKwPerS: 50
    rampDownKwPerS: 50
    feeders:
      - { meter: m-train, maxAgeMs: 400 }
      - { meter: m-ups, maxAgeMs: 2500 }
      - { meter: m-mech, maxAgeMs: 2500 }
    lossKw: 22 # no-load loss of the transformers
    lossAtRatingKw: 270
    ratingKva: 31500
  batteries:
    - id: battery
      units: [bess-1, bess-2]
      socReservePercent: 30
      rampKwPerS: 120000
      unitCapacityKwh: 6000
      reversionMs: 3000
${isSmoothed ? smoothing(timing) : ""}
meters:
  compute: [m-train]
  cooling: [m-mech]
  infrastructure: [m-ups]
  nominalVoltageV: 20000

envelope:
${envelope()}
`;
}

function connections({ basePort, hasStations }: DemoSiteOptions): string {
  const line = (name: string, protocol: string, offset: number): string =>
    `  ${name}: { protocol: ${protocol}, host: 127.0.0.1, port: ${basePort + offset} }`;
  return [
    ...TCP_OFFSETS.map(([name, offset]) => line(name, "modbus-tcp", offset)),
    ...RTU_OVER_TCP_OFFSETS.map(([name, offset]) => line(name, "modbus-rtu-over-tcp", offset)),
    ...(hasStations === true ? STATION_OFFSETS : []).map(([name, offset]) =>
      line(name, "iec61850", offset),
    ),
  ].join("\n");
}

function smoothing(timing: (typeof TIMING)[DemoPreset]): string {
  return `  smoothing:
    loadMinKw: 6000 # the load stays between these, whatever it does
    loadMaxKw: 28000
    meterPeriodMs: ${timing.meterPeriodMs}
    meterMeans: ${timing.meterMeans}
`;
}

function devices(periodMs: number, hasStations: boolean): string {
  const meter = "schneider/iem3000";
  const fast = periodMs === 50 ? "" : `, pollMs: { fast: ${periodMs} }`;
  const field = (connection: string, unit = 1): string =>
    `connection: ${connection}, unit: ${unit}`;
  const control = (connection: string): string => `connection: ${connection}, process: control`;
  return [
    device("pcc-meter", "janitza/umg604", `${control("pcc")}${fast}`),
    device("m-train", meter, control("train")),
    device("m-ups", meter, `${field("feeders", 2)}, pollMs: { default: 1000 }`),
    device("m-mech", meter, `${field("feeders", 3)}, pollMs: { default: 1000 }`),
    ...each(2, (n) => device(`bess-${n}`, "sunspec/der-storage", `${control(`bess-${n}`)}${fast}`)),
    ...each(3, (n) => device(`ups-${n}`, "huawei/ups2000", field(`ups-${n}`))),
    ...each(4, (n) =>
      device(`chiller-${n}`, "vertiv/liebert-hpc", `${field(`chiller-${n}`)}, drive: request`),
    ),
    ...each(8, (n) =>
      device(
        `cdu-${n}`,
        "deepgadget/l2a-cdu",
        `${field(n <= 4 ? "cdu-line-a" : "cdu-line-b", n)}, drive: request`,
      ),
    ),
    device("heat-meter-1", "onicon/system-10", field("heat")),
    ...each(6, (n) => device(`env-${n}`, "wirenboard/wb-ms-thls-v2", field("env-line", n))),
    ...(hasStations
      ? [
          device(
            "bess-station",
            "iec61850/bess-station",
            `${control("bess-station")}, sameAs: [bess-1, bess-2]`,
          ),
          device("relay", "iec61850/switchgear-relay", control("relay")),
        ]
      : []),
  ].join("\n");
}

function device(id: string, profile: string, place: string): string {
  return `  - { id: ${id}, profile: ${profile}, ${place} }`;
}

function envelope(): string {
  const entry = (id: string, point: string, rest: string): string =>
    `  - { device: ${id}, point: ${point}, ${rest} }`;
  return [
    ...each(2, (n) =>
      entry(
        `bess-${n}`,
        "active-power-setpoint",
        "minimum: -12000, maximum: 12000, unit: kW, beyond: clamp",
      ),
    ),
    // A trip stops the battery by the first; a reset clears its own alarms by the second.
    ...each(2, (n) => entry(`bess-${n}`, "run-command", "minimum: 0, maximum: 1, unit: '1'")),
    ...each(2, (n) => entry(`bess-${n}`, "alarm-reset", "minimum: 0, maximum: 1, unit: '1'")),
    ...each(4, (n) =>
      entry(
        `chiller-${n}`,
        "secondary.supply-temperature-setpoint",
        "minimum: 14, maximum: 24, unit: Cel",
      ),
    ),
    ...each(8, (n) =>
      entry(`cdu-${n}`, "pump-speed-setpoint", "minimum: 30, maximum: 100, unit: '%'"),
    ),
  ].join("\n");
}

function each(count: number, make: (n: number) => string): string[] {
  return Array.from({ length: count }, (_, index) => make(index + 1));
}
