import { fitsType, valueOfType } from "../../wire/mms/type-fit.ts";
import type { TypeSpec } from "../../wire/mms/type-spec.ts";
import { bitsOf, type MmsValue } from "../../wire/mms/value.ts";
import type { UtcTime } from "../../wire/mms/time.ts";
import type { AttributeType, AttributeValue, BasicType } from "./model.ts";

/**
 * Types of a model as MMS has them, and values of plain data as values of a type.
 *
 * @see IEC 61850-8-1, section 8 (mapping of basic and common types)
 */

const BASIC: Readonly<Record<BasicType, TypeSpec>> = {
  boolean: { kind: "boolean" },
  int8: { kind: "integer", bits: 8 },
  int16: { kind: "integer", bits: 16 },
  int32: { kind: "integer", bits: 32 },
  int64: { kind: "integer", bits: 64 },
  uint8: { kind: "unsigned", bits: 8 },
  uint16: { kind: "unsigned", bits: 16 },
  uint32: { kind: "unsigned", bits: 32 },
  enum: { kind: "integer", bits: 8 },
  float32: { kind: "float", width: 32, exponentBits: 8 },
  float64: { kind: "float", width: 64, exponentBits: 11 },
  quality: { kind: "bits", size: -13 },
  "utc-time": { kind: "utc-time" },
  dbpos: { kind: "bits", size: 2 },
  check: { kind: "bits", size: -2 },
  text64: { kind: "text", size: -64 },
  text129: { kind: "text", size: -129 },
  text255: { kind: "text", size: -255 },
  unicode255: { kind: "unicode", size: -255 },
  octets64: { kind: "octets", size: -64 },
};

/** A clock that is right to the millisecond. */
const GOOD_TIME: UtcTime["quality"] = {
  isLeapSecondKnown: true,
  hasClockFailure: false,
  isNotSynchronised: false,
  accuracyBits: 10,
};
/** No device has more bits in a string than an integer of ours has safely. */
const BITS_MAX = 31;

export function typeOf(type: AttributeType): TypeSpec {
  if (typeof type === "string") return BASIC[type];
  return {
    kind: "structure",
    members: type.members.map((member) => ({ name: member.name, type: typeOf(member.type) })),
  };
}

/** The time of a value, by a clock that is right. */
export function goodTime(utcMs: number): MmsValue {
  return { kind: "utc-time", utcMs, quality: GOOD_TIME };
}

/** Plain data as a value of the type; undefined when it is none. */
export function valueOf(type: TypeSpec, plain: AttributeValue): MmsValue | undefined {
  if (isList(plain)) return structureOf(type, plain);
  switch (typeof plain) {
    case "string":
      return textOf(type, plain);
    case "number":
      return numberOf(type, plain);
    case "boolean":
    case "bigint":
      return valueOfType(type, plain);
    default:
      return fitted(type, "kind" in plain ? plain : { kind: "octets", bytes: plain });
  }
}

function isList(plain: AttributeValue): plain is readonly AttributeValue[] {
  return Array.isArray(plain);
}

function fitted(type: TypeSpec, value: MmsValue): MmsValue | undefined {
  return fitsType(type, value) ? value : undefined;
}

function structureOf(type: TypeSpec, plain: readonly AttributeValue[]): MmsValue | undefined {
  if (type.kind !== "structure" || type.members.length !== plain.length) return undefined;
  const members: MmsValue[] = [];
  for (const [at, member] of type.members.entries()) {
    const value = valueOf(member.type, plain[at] ?? 0);
    if (value === undefined) return undefined;
    members.push(value);
  }
  return { kind: "structure", members };
}

function textOf(type: TypeSpec, plain: string): MmsValue | undefined {
  if (type.kind !== "text" && type.kind !== "unicode") return undefined;
  return fitted(type, { kind: type.kind, value: plain });
}

function numberOf(type: TypeSpec, plain: number): MmsValue | undefined {
  if (type.kind === "utc-time") return plain >= 0 ? goodTime(plain) : undefined;
  if (type.kind === "bits") return bitsOfNumber(Math.abs(type.size), plain);
  return valueOfType(type, plain);
}

function bitsOfNumber(bitCount: number, plain: number): MmsValue | undefined {
  const isNumber = Number.isInteger(plain) && plain >= 0;
  if (!isNumber || bitCount > BITS_MAX || plain >= 2 ** bitCount) return undefined;
  const places: number[] = [];
  for (let at = 0; at < bitCount; at++) if ((plain >> (bitCount - 1 - at)) & 1) places.push(at);
  return { kind: "bits", ...bitsOf(bitCount, places) };
}

/** Zero, false, empty; a time stamp is the one of 1970 by a clock of unknown accuracy. */
export function emptyValue(type: TypeSpec): MmsValue {
  switch (type.kind) {
    case "boolean":
      return { kind: "boolean", value: false };
    case "integer":
    case "unsigned":
      return { kind: type.kind, value: 0 };
    case "float":
      return { kind: "float", value: 0, width: type.width === 64 ? 64 : 32 };
    case "utc-time":
      return { kind: "utc-time", utcMs: 0, quality: { ...GOOD_TIME, accuracyBits: undefined } };
    case "structure":
      return {
        kind: "structure",
        members: type.members.map((member) => emptyValue(member.type)),
      };
    default:
      return emptyString(type);
  }
}

function emptyString(
  type: Exclude<
    TypeSpec,
    { kind: "boolean" | "integer" | "unsigned" | "float" | "utc-time" | "structure" }
  >,
): MmsValue {
  switch (type.kind) {
    case "bits":
      return { kind: "bits", ...bitsOf(Math.abs(type.size), []) };
    case "octets":
      return { kind: "octets", bytes: new Uint8Array(Math.max(0, type.size)) };
    case "text":
    case "unicode":
      return { kind: type.kind, value: "" };
    case "binary-time":
      return { kind: "binary-time", ms: type.hasDate ? FIRST_DATE_MS : 0, hasDate: type.hasDate };
    case "array":
      return {
        kind: "array",
        members: Array.from({ length: type.count }, () => emptyValue(type.element)),
      };
    case "foreign":
      return { kind: "foreign", tag: type.tag, bytes: new Uint8Array(0) };
  }
}

/** 1984-01-01, where binary time begins. */
const FIRST_DATE_MS = 441_763_200_000;

/** True for two values that look the same on the wire. */
export function isSameValue(a: MmsValue, b: MmsValue): boolean {
  if (a.kind !== b.kind) return false;
  if ("members" in a && "members" in b) return isSameList(a.members, b.members);
  if ("bytes" in a && "bytes" in b) return isSameBytes(a.bytes, b.bytes);
  if ("utcMs" in a && "utcMs" in b) return a.utcMs === b.utcMs;
  if ("ms" in a && "ms" in b) return a.ms === b.ms;
  return "value" in a && "value" in b && Object.is(a.value, b.value);
}

function isSameList(a: readonly MmsValue[], b: readonly MmsValue[]): boolean {
  if (a.length !== b.length) return false;
  return a.every((member, at) => {
    const other = b[at];
    return other !== undefined && isSameValue(member, other);
  });
}

/** Of a bit string too: one type has one number of bits. */
function isSameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((octet, at) => octet === b[at]);
}
