import type { NamedType, TypeSpec } from "./type-spec.ts";
import type { MmsValue } from "./value.ts";

/**
 * Whether a value is of a type: what a client asks before it writes, and a server before it takes.
 *
 * @see ISO 9506-1, section on type conformance; IEC 61850-7-3 (attribute types)
 */

/** True when the value, with all its parts, is one of the type. */
export function fitsType(type: TypeSpec, value: MmsValue): boolean {
  switch (type.kind) {
    case "structure":
      return value.kind === "structure" && fitsMembers(type.members, value.members);
    case "array":
      return value.kind === "array" && fitsElements(type, value.members);
    case "integer":
    case "unsigned":
      return value.kind === type.kind && fitsBits(value.value, type.bits, type.kind === "integer");
    case "foreign":
      return false;
    default:
      return fitsLeaf(type, value);
  }
}

function fitsLeaf(type: Leaf, value: MmsValue): boolean {
  if (type.kind === "float") return value.kind === "float" && value.width === type.width;
  if (type.kind === "binary-time") {
    return value.kind === "binary-time" && value.hasDate === type.hasDate;
  }
  return fitsSize(type, value);
}

function fitsMembers(types: readonly NamedType[], values: readonly MmsValue[]): boolean {
  if (types.length !== values.length) return false;
  return types.every(({ type }, at) => {
    const value = values[at];
    return value !== undefined && fitsType(type, value);
  });
}

function fitsElements(
  type: Extract<TypeSpec, { kind: "array" }>,
  values: readonly MmsValue[],
): boolean {
  return values.length === type.count && values.every((value) => fitsType(type.element, value));
}

type Leaf = Exclude<
  TypeSpec,
  { kind: "structure" } | { kind: "array" } | { kind: "integer" | "unsigned" } | { kind: "foreign" }
>;

type Sized = Extract<
  TypeSpec,
  { kind: "boolean" | "utc-time" | "bits" | "octets" | "text" | "unicode" }
>;

/** A size above zero is the very size, but for texts, where both signs mean the most. */
function fitsSize(type: Sized, value: MmsValue): boolean {
  if (value.kind !== type.kind) return false;
  if (!("size" in type)) return true;
  const most = Math.abs(type.size);
  switch (value.kind) {
    case "bits":
      return type.size > 0 ? value.bitCount === most : value.bitCount <= most;
    case "octets":
      return type.size > 0 ? value.bytes.length === most : value.bytes.length <= most;
    case "text":
    case "unicode":
      return value.value.length <= most;
    default:
      return false;
  }
}

function fitsBits(value: number | bigint, bits: number, isSigned: boolean): boolean {
  const whole = BigInt(value);
  return isSigned ? BigInt.asIntN(bits, whole) === whole : BigInt.asUintN(bits, whole) === whole;
}

/**
 * A plain value as one of the type: a number becomes what the device wants, also the only member of
 * the structure that an analogue setpoint is. Undefined when it is not one of the type.
 */
export function valueOfType(
  type: TypeSpec,
  plain: boolean | number | bigint | MmsValue,
): MmsValue | undefined {
  if (typeof plain === "object") return fitsType(type, plain) ? plain : undefined;
  if (typeof plain === "boolean") {
    return type.kind === "boolean" ? { kind: "boolean", value: plain } : undefined;
  }
  return numberOfType(type, plain);
}

function numberOfType(type: TypeSpec, plain: number | bigint): MmsValue | undefined {
  switch (type.kind) {
    case "integer":
    case "unsigned": {
      const isWhole = typeof plain === "bigint" || Number.isSafeInteger(plain);
      if (!isWhole || !fitsBits(plain, type.bits, type.kind === "integer")) return undefined;
      return { kind: type.kind, value: plain };
    }
    case "float":
      return floatOf(type.width, Number(plain));
    case "structure": {
      const [only, ...others] = type.members;
      if (only === undefined || others.length > 0) return undefined;
      const member = numberOfType(only.type, plain);
      return member === undefined ? undefined : { kind: "structure", members: [member] };
    }
    default:
      return undefined;
  }
}

function floatOf(width: number, value: number): MmsValue | undefined {
  if (width !== 32 && width !== 64) return undefined;
  const rounded = width === 32 ? Math.fround(value) : value;
  return Number.isFinite(rounded) ? { kind: "float", value: rounded, width } : undefined;
}
