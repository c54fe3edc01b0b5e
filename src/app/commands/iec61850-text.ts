import { dataAccessErrorWord } from "../../wire/mms/error-words.ts";
import { decodePosition, decodeQuality } from "../../wire/mms/quality.ts";
import type { TypeSpec } from "../../wire/mms/type-spec.ts";
import { type AccessResult, bitAt } from "../../wire/mms/value.ts";

/** Types and values of MMS for people. */

const TEXT_MAX = 80;

/** `float32`, `int8u`, `bits 13`, `text 255`: short, and told apart. */
export function typeText(type: TypeSpec): string {
  if ("size" in type) return `${type.kind} ${Math.abs(type.size)}`;
  switch (type.kind) {
    case "utc-time":
      return "time";
    case "integer":
      return `int${type.bits}`;
    case "unsigned":
      return `int${type.bits}u`;
    case "float":
      return `float${type.width}`;
    case "binary-time":
      return type.hasDate ? "date and time" : "time of day";
    case "array":
      return `${type.count} × ${typeText(type.element)}`;
    case "foreign":
      return `type 0x${type.tag.toString(16)}`;
    case "boolean":
    case "structure":
      return type.kind;
  }
}

/**
 * A leaf as a person reads it.
 *
 * @param name last part of its reference: what two bits mean depends on it
 */
export function valueText(value: AccessResult, name: string): string {
  if ("code" in value) return `(${dataAccessErrorWord(value.code)})`;
  if ("members" in value) {
    return `{${value.members.map((member) => valueText(member, name)).join(", ")}}`;
  }
  if ("bytes" in value) return value.kind === "bits" ? bitsText(value, name) : hexText(value.bytes);
  switch (value.kind) {
    case "boolean":
    case "integer":
    case "unsigned":
      return String(value.value);
    case "float":
      return String(Number(value.value.toPrecision(value.width === 32 ? 7 : 15)));
    case "text":
    case "unicode":
      return JSON.stringify(value.value.slice(0, TEXT_MAX));
    default:
      return timeText(value);
  }
}

function timeText(value: Extract<AccessResult, { kind: "utc-time" | "binary-time" }>): string {
  if (value.kind === "utc-time") {
    return value.utcMs === 0 ? "never" : new Date(value.utcMs).toISOString();
  }
  return value.hasDate ? new Date(value.ms).toISOString() : `${value.ms} ms after midnight`;
}

type Bits = Extract<AccessResult, { kind: "bits" }>;

function bitsText(bits: Bits, name: string): string {
  if (name === "q") {
    const quality = decodeQuality(bits);
    if (quality !== undefined) return qualityText(quality);
  }
  const position = name === "stVal" ? decodePosition(bits) : undefined;
  if (position !== undefined) return position;
  return Array.from({ length: bits.bitCount }, (_, at) => (bitAt(bits, at) ? "1" : "0")).join("");
}

function qualityText(quality: NonNullable<ReturnType<typeof decodeQuality>>): string {
  const { validity, details, isSubstituted, isTest, isOperatorBlocked } = quality;
  const marks = [
    ...details,
    ...(isSubstituted ? ["substituted"] : []),
    ...(isTest ? ["test"] : []),
    ...(isOperatorBlocked ? ["operator-blocked"] : []),
  ];
  return marks.length === 0 ? validity : `${validity} (${marks.join(", ")})`;
}

function hexText(bytes: Uint8Array): string {
  const hex = [...bytes.subarray(0, TEXT_MAX / 2)]
    .map((octet) => octet.toString(16).padStart(2, "0"))
    .join("");
  return hex === "" ? "(empty)" : hex;
}

/** A leaf as JSON has it: whole numbers beyond its numbers as text. */
export function valueJson(value: AccessResult, name: string): unknown {
  switch (value.kind) {
    case "boolean":
      return value.value;
    case "integer":
    case "unsigned":
      return typeof value.value === "bigint" ? String(value.value) : value.value;
    case "float":
      return Number.isFinite(value.value) ? value.value : String(value.value);
    case "text":
    case "unicode":
      return value.value;
    case "error":
      return { error: dataAccessErrorWord(value.code) };
    case "structure":
    case "array":
      return value.members.map((member) => valueJson(member, name));
    default:
      return valueText(value, name);
  }
}
