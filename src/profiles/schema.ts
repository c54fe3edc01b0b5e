import { Type } from "@sinclair/typebox";
import type { Static } from "@sinclair/typebox";
import { IEC61850 } from "./schema-iec61850.ts";
import {
  COUNT,
  DURATION_MS,
  NAME_PATTERN,
  NUMBER_PAIR,
  POINT,
  TEXT,
  WIRE_TYPES,
  oneOf,
  strict,
} from "./schema-point.ts";

/** Largest profile file, and largest resolved profile. */
export const PROFILE_BYTES_MAX = 256 * 1024;
/** Most points of a resolved profile. */
export const PROFILE_POINTS_MAX = 2000;

/** Oddities of devices that the code knows by kind. A profile names them, each with a reason. */
export const QUIRKS = [
  "read-back-leads-actuator",
  "read-back-lags",
  "setpoint-lost-on-reboot",
  "setpoint-needs-repeat",
  "slow-answers",
  "closes-idle-connection",
  "one-master-only",
  "answers-any-unit",
  "ignores-write-while-local",
  "write-only-reads-zero",
  "counter-wraps",
  "counter-resets",
  "zero-when-off",
  "value-updates-slowly",
  "clock-drifts",
] as const;

export const CAPABILITIES = [
  "active-power-setpoint",
  "active-power-limit",
  "reactive-power-setpoint",
  "run",
  "supply-temperature-setpoint",
  "flow-setpoint",
  "pump-speed-setpoint",
  "fan-speed-setpoint",
  "capacity-limit",
  "breaker",
  "transfer",
  "shed",
] as const;

const NAME = Type.String({ pattern: NAME_PATTERN });
const NAMES = Type.Array(TEXT);
const SCALAR = Type.Union([Type.String(), Type.Number(), Type.Boolean()]);
const ADDRESS = Type.Integer({ minimum: 0, maximum: 65_535 });
const ADDRESS_RANGES = Type.Optional(Type.Array(Type.Tuple([ADDRESS, ADDRESS])));
const RANGES = strict("address ranges by table", {
  holding: ADDRESS_RANGES,
  input: ADDRESS_RANGES,
  coil: ADDRESS_RANGES,
  discrete: ADDRESS_RANGES,
});

const IDENTITY = strict("an identity", {
  manufacturer: TEXT,
  model: TEXT,
  aliases: Type.Optional(NAMES),
  class: TEXT,
  protocols: Type.Array(oneOf(["modbus-tcp", "modbus-rtu", "opcua", "iec61850"]), { minItems: 1 }),
  firmware: Type.Optional(TEXT),
});

const SOURCE = strict("a source", {
  repository: Type.Optional(TEXT),
  path: Type.Optional(TEXT),
  commit: Type.Optional(TEXT),
  document: Type.Optional(TEXT),
  revision: Type.Optional(TEXT),
  page: Type.Optional(TEXT),
  licence: TEXT,
});

const PARAMETER = strict("a parameter", {
  type: Type.Optional(oneOf(["string", "integer", "number", "boolean"])),
  range: Type.Optional(NUMBER_PAIR),
  values: Type.Optional(Type.Array(SCALAR)),
  default: Type.Optional(SCALAR),
  question: Type.Optional(TEXT),
});

const STRENGTH = Type.Optional(oneOf(["certain", "strong", "weak"]));
const HAS_MODELS = Type.Record(Type.String({ pattern: "^[0-9]+$" }), Type.Integer());

const FINGERPRINT = strict("a fingerprint", {
  sunspec: Type.Optional(
    strict("a SunSpec fingerprint", {
      bases: Type.Array(ADDRESS, { minItems: 1 }),
      has: Type.Optional(HAS_MODELS),
    }),
  ),
  deviceId: Type.Optional(
    strict("a device identification", {
      vendor: Type.Optional(TEXT),
      product: Type.Optional(TEXT),
      revision: Type.Optional(TEXT),
    }),
  ),
  read: Type.Optional(TEXT),
  equals: Type.Optional(SCALAR),
  matches: Type.Optional(TEXT),
  oneOf: Type.Optional(Type.Array(SCALAR)),
  plausible: Type.Optional(NAMES),
  opcua: Type.Optional(Type.Record(Type.String(), TEXT)),
  iec61850: Type.Optional(strict("an IEC 61850 fingerprint", { classes: NAMES })),
  strength: STRENGTH,
});

const NOTATION = Type.Union(
  [
    oneOf(
      ["wire", "one-based", "modicon-5", "modicon-6", "jbus", "hex-one-based"],
      "a notation name",
    ),
    strict("an offset notation", { offset: Type.Integer() }),
  ],
  { title: "a notation" },
);

const MODBUS = strict("Modbus facts", {
  maxRead: Type.Optional(Type.Integer({ minimum: 1, maximum: 125 })),
  maxReadBits: Type.Optional(Type.Integer({ minimum: 1, maximum: 2000 })),
  maxWrite: Type.Optional(Type.Integer({ minimum: 1, maximum: 123 })),
  maxGap: Type.Optional(Type.Integer({ minimum: 0, maximum: 124 })),
  illegal: Type.Optional(RANGES),
  readable: Type.Optional(RANGES),
  onePointPerRequest: Type.Optional(Type.Boolean()),
  pauseMs: Type.Optional(DURATION_MS),
  pauseAfterConnectMs: Type.Optional(DURATION_MS),
  timeoutMs: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
  minimumPeriodMs: Type.Optional(DURATION_MS),
  maxConnections: Type.Optional(COUNT),
  closeAfterRound: Type.Optional(Type.Boolean()),
  units: Type.Optional(
    strict("unit ids", {
      default: Type.Optional(Type.Integer({ minimum: 0, maximum: 255 })),
      allowed: Type.Optional(Type.Array(Type.Integer({ minimum: 0, maximum: 255 }))),
    }),
  ),
  functions: Type.Optional(Type.Array(Type.Integer({ minimum: 1, maximum: 127 }))),
  exceptions: Type.Optional(
    Type.Record(Type.String({ pattern: "^[0-9]+$" }), oneOf(["absent", "retry-later"]), {
      additionalProperties: false,
    }),
  ),
  serial: Type.Optional(
    strict("serial facts", {
      baud: Type.Optional(COUNT),
      format: Type.Optional(oneOf(["8N1", "8E1", "8O1", "8N2"])),
      turnaroundMs: Type.Optional(DURATION_MS),
    }),
  ),
  notation: Type.Optional(NOTATION),
});

const VENDOR_POINT = strict("a point of a vendor model", {
  offset: Type.Integer({ minimum: 0 }),
  type: TEXT,
  size: Type.Optional(COUNT),
  sf: Type.Optional(TEXT),
  units: Type.Optional(TEXT),
});

const MODEL = strict("a vendor model", {
  length: COUNT,
  source: Type.Optional(TEXT),
  points: Type.Record(Type.String({ pattern: "^[A-Za-z_][A-Za-z0-9_]*$" }), VENDOR_POINT, {
    additionalProperties: false,
  }),
});

const CHAIN_ENTRY = Type.Union([
  COUNT,
  strict("a model of the chain", { model: COUNT, length: Type.Integer({ minimum: 0 }) }),
]);

const GROUP = strict("a group", {
  everyMs: Type.Optional(DURATION_MS),
  phaseMs: Type.Optional(DURATION_MS),
  // OPC UA
  samplingMs: Type.Optional(DURATION_MS),
  publishingMs: Type.Optional(DURATION_MS),
  queue: Type.Optional(COUNT),
  fallbackPollMs: Type.Optional(DURATION_MS),
});

const PAIR_OF_POINTS = Type.Tuple([TEXT, TEXT]);
const POINT_LIST = Type.Array(TEXT, { minItems: 1 });

const DERIVED = strict("a derived point", {
  point: Type.String({ pattern: "^[a-z0-9x][a-z0-9.-]*$" }),
  unit: Type.Optional(TEXT),
  source: Type.Optional(TEXT),
  verify: Type.Optional(TEXT),
  sum: Type.Optional(POINT_LIST),
  mean: Type.Optional(POINT_LIST),
  maximum: Type.Optional(POINT_LIST),
  minimum: Type.Optional(POINT_LIST),
  product: Type.Optional(POINT_LIST),
  any: Type.Optional(POINT_LIST),
  all: Type.Optional(POINT_LIST),
  count: Type.Optional(POINT_LIST),
  difference: Type.Optional(PAIR_OF_POINTS),
  ratio: Type.Optional(PAIR_OF_POINTS),
  scale: Type.Optional(
    strict("a scale operator", {
      of: TEXT,
      factor: Type.Optional(Type.Number()),
      offset: Type.Optional(Type.Number()),
    }),
  ),
  heat: Type.Optional(
    strict("a heat operator", {
      flow: TEXT,
      warm: TEXT,
      cold: TEXT,
      capacityJPerLK: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
    }),
  ),
  "dew-point": Type.Optional(strict("a dew-point operator", { temperature: TEXT, humidity: TEXT })),
  select: Type.Optional(
    strict("a select operator", { by: TEXT, cases: Type.Record(Type.String(), TEXT) }),
  ),
  splice: Type.Optional(strict("a splice operator", { high: TEXT, low: TEXT })),
});

const ALARM_TEXT = {
  id: Type.String({ pattern: "^[a-z][a-z0-9-]*$" }),
  severity: oneOf(["info", "warning", "critical", "trip"]),
  text: Type.Optional(TEXT),
  clear: Type.Optional(TEXT),
  active: Type.Optional(oneOf(["high", "low"])),
};
const ALARM_ENTRY = strict("an alarm", ALARM_TEXT);

const ALARM = strict("an alarm line", {
  at: Type.Optional(TEXT),
  point: Type.Optional(TEXT),
  bits: Type.Optional(
    Type.Record(Type.String({ pattern: "^[0-9]{1,2}$" }), ALARM_ENTRY, {
      additionalProperties: false,
    }),
  ),
  values: Type.Optional(Type.Record(Type.String(), ALARM_ENTRY)),
  id: Type.Optional(ALARM_TEXT.id),
  severity: Type.Optional(ALARM_TEXT.severity),
  text: ALARM_TEXT.text,
  clear: ALARM_TEXT.clear,
  active: ALARM_TEXT.active,
  source: Type.Optional(TEXT),
  verify: Type.Optional(TEXT),
});

const INTERLOCK = strict("an interlock", {
  point: Type.Optional(TEXT),
  at: Type.Optional(TEXT),
  equals: SCALAR,
  source: Type.Optional(TEXT),
  verify: Type.Optional(TEXT),
});

const KEEP_ALIVE = strict("a keep-alive", {
  at: Type.Optional(TEXT),
  raw: Type.Optional(Type.Integer()),
  counter: Type.Optional(Type.Literal(true)),
  toggle: Type.Optional(Type.Literal(true)),
  repeat: Type.Optional(TEXT),
  type: Type.Optional(oneOf(WIRE_TYPES)),
  everyMs: Type.Number({ exclusiveMinimum: 0 }),
  deviceTimeoutMs: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
  deviceTimeoutAt: Type.Optional(TEXT),
  requireAtMostMs: Type.Optional(DURATION_MS),
  onLoss: TEXT,
  source: Type.Optional(TEXT),
  verify: Type.Optional(TEXT),
});

const CAPABILITY = strict("a capability", {
  can: oneOf(CAPABILITIES),
  reversion: Type.Optional(TEXT),
  responseMs: Type.Optional(DURATION_MS),
  rampWPerS: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
});

const VARIANT = strict("a variant", {
  when: strict("a condition", {
    firmware: Type.Optional(TEXT),
    parameter: Type.Optional(Type.Record(Type.String(), SCALAR)),
    identify: Type.Optional(TEXT),
  }),
  points: Type.Optional(Type.Array(POINT)),
  remove: Type.Optional(NAMES),
});

const VECTOR = strict("a vector", {
  name: TEXT,
  origin: Type.Optional(oneOf(["computed", "capture"])),
  firmware: Type.Optional(TEXT),
  parameters: Type.Optional(Type.Record(Type.String(), SCALAR)),
  given: Type.Optional(
    Type.Record(Type.String(), Type.Union([Type.String(), Type.Record(Type.String(), SCALAR)])),
  ),
  expect: Type.Optional(
    Type.Record(Type.String(), Type.Union([SCALAR, Type.Record(Type.String(), SCALAR)])),
  ),
  alarms: Type.Optional(Type.Array(Type.String())),
  write: Type.Optional(Type.Record(Type.String(), SCALAR)),
  beat: Type.Optional(TEXT),
  expectWrite: Type.Optional(
    Type.Union([
      Type.String({ pattern: "^refused/[a-z-]+$", title: "refused/<reason>" }),
      Type.Record(Type.String(), Type.Union([Type.String(), Type.Record(Type.String(), SCALAR)])),
    ]),
  ),
});

const OPCUA = Type.Object(
  {
    namespaces: Type.Optional(Type.Record(Type.String(), TEXT)),
    minimumSecurity: Type.Optional(TEXT),
    limits: Type.Optional(Type.Record(Type.String(), Type.Number())),
    note: Type.Optional(Type.String()),
  },
  { additionalProperties: false, title: "OPC UA facts" },
);

const SELECTOR = strict("a selector", {
  at: TEXT,
  type: Type.Optional(oneOf(WIRE_TYPES)),
  map: Type.Record(Type.String(), SCALAR),
  everyMs: Type.Optional(DURATION_MS),
});

const PROFILE = strict("a profile", {
  $schema: Type.Optional(Type.String()),
  format: Type.Literal(1),
  version: Type.String({ pattern: "^[0-9]+\\.[0-9]+\\.[0-9]+$" }),
  status: oneOf(["draft", "checked", "proven"]),
  identity: IDENTITY,
  sources: Type.Record(NAME, SOURCE, { additionalProperties: false }),
  extends: Type.Optional(Type.String({ pattern: "^[a-z0-9-]+/[a-z0-9.-]+$" })),
  remove: Type.Optional(NAMES),
  variants: Type.Optional(Type.Array(VARIANT)),
  parameters: Type.Optional(Type.Record(NAME, PARAMETER, { additionalProperties: false })),
  identify: Type.Optional(Type.Array(FINGERPRINT)),
  modbus: Type.Optional(MODBUS),
  sunspec: Type.Optional(
    strict("a SunSpec chain", {
      chain: Type.Array(CHAIN_ENTRY, { minItems: 1 }),
      base: Type.Optional(ADDRESS),
    }),
  ),
  opcua: Type.Optional(OPCUA),
  iec61850: Type.Optional(IEC61850),
  models: Type.Optional(
    Type.Record(Type.String({ pattern: "^[0-9]+$" }), MODEL, { additionalProperties: false }),
  ),
  groups: Type.Optional(Type.Record(NAME, GROUP, { additionalProperties: false })),
  points: Type.Array(POINT),
  derived: Type.Optional(Type.Array(DERIVED)),
  alarms: Type.Optional(Type.Array(ALARM)),
  interlocks: Type.Optional(Type.Record(NAME, INTERLOCK, { additionalProperties: false })),
  keepAlive: Type.Optional(Type.Record(NAME, KEEP_ALIVE, { additionalProperties: false })),
  capabilities: Type.Optional(Type.Array(CAPABILITY)),
  selectors: Type.Optional(Type.Record(NAME, SELECTOR, { additionalProperties: false })),
  quirks: Type.Optional(
    Type.Array(strict("a quirk", { quirk: oneOf(QUIRKS), why: TEXT, source: Type.Optional(TEXT) })),
  ),
  missing: Type.Optional(Type.Record(NAME, TEXT, { additionalProperties: false })),
  simulate: Type.Optional(
    Type.Record(
      Type.String(),
      strict("a hint", {
        follow: Type.Optional(TEXT),
        ramp: Type.Optional(Type.Number()),
        "random-walk": Type.Optional(Type.Number()),
        counter: Type.Optional(Type.Number()),
      }),
    ),
  ),
  vectors: Type.Optional(Type.Array(VECTOR)),
});

/** A profile as it stands in its file, format 1. */
export type Profile = Static<typeof PROFILE>;
export type VectorLine = Static<typeof VECTOR>;
export type DerivedLine = Static<typeof DERIVED>;
export type AlarmLine = Static<typeof ALARM>;
export type AlarmEntry = Static<typeof ALARM_ENTRY>;
export type InterlockLine = Static<typeof INTERLOCK>;
export type KeepAliveLine = Static<typeof KEEP_ALIVE>;
export type ParameterLine = Static<typeof PARAMETER>;
export type Scalar = Static<typeof SCALAR>;

/** The file format as JSON schema: what `device-profiles/profile.schema.json` holds. */
export function profileSchema(): object {
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    ...(JSON.parse(JSON.stringify(PROFILE)) as object),
  };
}

/** The schema for the validator, with the types of this program. */
export const PROFILE_SCHEMA = PROFILE;
