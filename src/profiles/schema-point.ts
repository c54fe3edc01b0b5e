import { Kind, Type, TypeRegistry } from "@sinclair/typebox";
import type { Static, TObject, TProperties, TUnsafe } from "@sinclair/typebox";

/** A JSON object that has these keys and no others. `note` is allowed everywhere. */
export function strict<T extends TProperties>(
  title: string,
  properties: T,
): TObject<T & { note: typeof NOTE }> {
  return Type.Object({ ...properties, note: NOTE }, { additionalProperties: false, title });
}

const NOTE = Type.Optional(Type.String());

/** A key of an object that people name: `fast`, `slow-2`, `x-flow`. */
export const NAME_PATTERN = "^[A-Za-z0-9_.{}-]+$";

export const TEXT = Type.String({ minLength: 1 });
export const COUNT = Type.Integer({ minimum: 1 });
export const DURATION_MS = Type.Number({ minimum: 0 });
export const NUMBER_PAIR = Type.Tuple([Type.Number(), Type.Number()]);

/** `{name}`: replaced by a parameter of the site. */
const PARAMETER = Type.String({ pattern: "^\\{[A-Za-z][A-Za-z0-9]*\\}$", title: "a {parameter}" });
/** `$name`: replaced by what a selector of the device says. */
const SELECTED = Type.String({ pattern: "^\\$[A-Za-z][A-Za-z0-9]*$", title: "a $selector" });

/** Names of raw types in a profile. */
export const WIRE_TYPES = [
  "uint16",
  "int16",
  "uint32",
  "int32",
  "uint64",
  "int64",
  "float32",
  "float64",
  "bcd16",
  "bcd32",
  "bcd64",
  "mod10k32",
  "mod10k48",
  "mod10k64",
  "signmag16",
  "signmag32",
  "uint8-high",
  "uint8-low",
  "sunssf",
  "string",
  "bool",
  "bits",
] as const;

const ORDERS = [
  "AB",
  "BA",
  "ABCD",
  "CDAB",
  "BADC",
  "DCBA",
  "ABCDEFGH",
  "GHEFCDAB",
  "BADCFEHG",
  "HGFEDCBA",
] as const;

const ONE_OF = "OneOf";
TypeRegistry.Set<{ readonly enum: readonly unknown[] }>(ONE_OF, (schema, value) =>
  schema.enum.includes(value),
);

/** One of a closed list of texts. */
export function oneOf<const T extends readonly string[]>(
  texts: T,
  title?: string,
): TUnsafe<T[number]> {
  return Type.Unsafe<T[number]>({
    [Kind]: ONE_OF,
    type: "string",
    enum: [...texts],
    ...(title === undefined ? {} : { title }),
  });
}

const SCALE_FACTOR = Type.Union(
  [
    Type.String({ minLength: 1, title: "the name of a scale-factor point" }),
    strict("a scale-factor place", {
      at: Type.Optional(TEXT),
      exponent: Type.Optional(Type.Integer({ minimum: -10, maximum: 10 })),
      static: Type.Optional(Type.Boolean()),
    }),
  ],
  { title: "a scale factor" },
);

const HEX_PATTERN = "^([0-9A-Fa-f]{1,16})?$";

const ABSENT = Type.Union(
  [
    Type.Literal("sunspec"),
    Type.Array(Type.String({ pattern: HEX_PATTERN }), { title: "a list of hex patterns" }),
    Type.Record(Type.String({ pattern: HEX_PATTERN }), TEXT, {
      additionalProperties: false,
      title: "hex patterns with reasons",
    }),
  ],
  { title: "absent patterns" },
);

const CODE_KEY = Type.String({ pattern: "^(-?[0-9]+|0x[0-9A-Fa-f]+)$" });
const VALUES = Type.Record(CODE_KEY, Type.Union([TEXT, Type.Boolean()]), {
  additionalProperties: false,
  title: "codes and what they mean",
});

/** A write around a setpoint: unlock, arm, select. */
const STEP = strict("a write step", {
  at: TEXT,
  raw: Type.Optional(Type.Union([Type.Integer(), Type.Array(Type.Integer())])),
  type: Type.Optional(oneOf(WIRE_TYPES)),
  secret: Type.Optional(TEXT),
  when: Type.Optional(oneOf(["session", "each"])),
  withinMs: Type.Optional(DURATION_MS),
});

const BOUND = Type.Union([
  Type.Number(),
  Type.String({ pattern: "^-?[a-z][a-z0-9.-]*$", title: "a point, with or without minus" }),
]);

const READ_BACK = Type.Union(
  [
    Type.Literal(false),
    strict("a read-back rule", {
      at: Type.Optional(TEXT),
      withinMs: DURATION_MS,
      tolerance: Type.Optional(Type.Number({ minimum: 0 })),
    }),
  ],
  { title: "a read-back rule or false" },
);

const ARGUMENT = strict("a method argument", {
  name: TEXT,
  type: TEXT,
  from: TEXT,
});

export const WRITE = strict("a write section", {
  at: Type.Optional(TEXT),
  function: Type.Optional(
    Type.Unsafe<5 | 6 | 15 | 16 | 22>({
      [Kind]: ONE_OF,
      type: "integer",
      enum: [5, 6, 15, 16, 22],
    }),
  ),
  mask: Type.Optional(Type.String({ pattern: "^[0-9A-Fa-f]{1,4}$", title: "a hex mask" })),
  copies: Type.Optional(Type.Integer({ minimum: 1, maximum: 123 })),
  range: Type.Optional(Type.Union([Type.Tuple([BOUND, BOUND]), Type.Literal("from-device")])),
  exclude: Type.Optional(Type.Array(NUMBER_PAIR)),
  step: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
  stepRaw: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
  readBack: Type.Optional(READ_BACK),
  needs: Type.Optional(Type.Array(TEXT)),
  before: Type.Optional(Type.Array(STEP, { maxItems: 16 })),
  after: Type.Optional(Type.Array(STEP, { maxItems: 16 })),
  pulse: Type.Optional(strict("a pulse", { release: Type.Integer(), afterMs: DURATION_MS })),
  keepAlive: Type.Optional(
    Type.Union([TEXT, Type.Array(TEXT)], { title: "one or more keep-alive names" }),
  ),
  why: Type.Optional(TEXT),
  wear: Type.Optional(
    strict("a wear rule", {
      kind: oneOf(["flash"]),
      minimumIntervalMs: DURATION_MS,
      dailyBudget: COUNT,
    }),
  ),
  danger: Type.Optional(oneOf(["none", "power", "cooling", "interrupts-load", "permanent"])),
  settleMs: Type.Optional(DURATION_MS),
  group: Type.Optional(TEXT),
  // OPC UA and IEC 61850
  mode: Type.Optional(oneOf(["value", "method"])),
  object: Type.Optional(TEXT),
  method: Type.Optional(TEXT),
  arguments: Type.Optional(Type.Array(ARGUMENT)),
  check: Type.Optional(TEXT),
  control: Type.Optional(
    oneOf(["status-only", "direct", "sbo", "direct-enhanced", "sbo-enhanced", "from-device"]),
  ),
  checks: Type.Optional(Type.Array(oneOf(["interlock", "synchronism"]))),
  /** States of safety: after an unknown outcome they are sent again until they are read back. */
  reassert: Type.Optional(Type.Array(TEXT, { minItems: 1 })),
  /** Shortest time between two commands to the object. */
  minimumIntervalMs: Type.Optional(DURATION_MS),
});

const REPEAT_BOUND = Type.Union([Type.Integer(), PARAMETER]);

/** `{n: [from, to], stride}`: one name that counts, and what each step adds to the address. */
export type RepeatRule = Readonly<
  Record<string, number | readonly [from: number | string, to: number | string]>
>;

const REPEAT = Type.Unsafe<RepeatRule>(
  Type.Object(
    { stride: Type.Optional(Type.Integer({ minimum: 0 })) },
    {
      additionalProperties: Type.Tuple([REPEAT_BOUND, REPEAT_BOUND]),
      minProperties: 1,
      maxProperties: 2,
      title: "a repeat rule",
    },
  ),
);

export const POINT = strict("a point", {
  point: Type.String({ pattern: "^[a-z0-9x][a-z0-9.{}-]*$" }),
  at: Type.Optional(TEXT),
  documented: Type.Optional(TEXT),
  group: Type.Optional(TEXT),
  source: Type.Optional(TEXT),
  verify: Type.Optional(TEXT),
  alias: Type.Optional(Type.Boolean()),
  unit: Type.Optional(
    Type.Union([TEXT, Type.Integer({ minimum: 0, maximum: 255 })], { title: "a unit" }),
  ),
  unitId: Type.Optional(Type.Integer({ minimum: 0, maximum: 255 })),
  type: Type.Optional(oneOf(WIRE_TYPES)),
  length: Type.Optional(Type.Integer({ minimum: 1, maximum: 125 })),
  pad: Type.Optional(oneOf(["nul", "space"])),
  slice: Type.Optional(
    Type.Tuple([Type.Integer({ minimum: 0, maximum: 63 }), Type.Integer({ minimum: 1 })]),
  ),
  signed: Type.Optional(Type.Boolean()),
  order: Type.Optional(Type.Union([oneOf(ORDERS, "a byte order"), SELECTED])),
  scale: Type.Optional(Type.Union([Type.Number(), SELECTED], { title: "a number" })),
  offset: Type.Optional(Type.Number()),
  sf: Type.Optional(SCALE_FACTOR),
  percentOf: Type.Optional(TEXT),
  curve: Type.Optional(Type.Array(NUMBER_PAIR, { minItems: 2 })),
  values: Type.Optional(VALUES),
  else: Type.Optional(TEXT),
  bits: Type.Optional(
    Type.Record(Type.String({ pattern: "^[0-9]{1,2}$" }), TEXT, { additionalProperties: false }),
  ),
  absent: Type.Optional(ABSENT),
  absentWhen: Type.Optional(
    strict("an absent rule", {
      point: TEXT,
      equals: Type.Union([Type.String(), Type.Number(), Type.Boolean()]),
    }),
  ),
  active: Type.Optional(oneOf(["high", "low"])),
  limits: Type.Optional(NUMBER_PAIR),
  sign: Type.Optional(oneOf(["as-canonical", "inverted"])),
  frozenAfterMs: Type.Optional(DURATION_MS),
  repeat: Type.Optional(REPEAT),
  write: Type.Optional(WRITE),
  // OPC UA and IEC 61850
  deadband: Type.Optional(
    strict("a deadband", {
      absolute: Type.Optional(Type.Number()),
      percent: Type.Optional(Type.Number()),
    }),
  ),
  fc: Type.Optional(Type.String({ pattern: "^[A-Z]{2}$" })),
  invertWhen: Type.Optional(Type.Record(Type.String(), TEXT)),
});

export type PointLine = Static<typeof POINT>;
export type WriteSection = Static<typeof WRITE>;
export type StepLine = Static<typeof STEP>;
