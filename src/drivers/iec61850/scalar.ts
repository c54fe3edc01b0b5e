import type { NodeScalar } from "../../profiles/node-value.ts";
import type { BitString } from "../../wire/mms/ber-reader.ts";
import type { AccessResult, MmsValue } from "../../wire/mms/value.ts";

/** Longest bit string that is read as a number. */
const BITS_MAX = 31;

/** A leaf as a plain value: bits as the number that they write; undefined for what is no leaf. */
export function scalarOf(value: AccessResult): NodeScalar | undefined {
  switch (value.kind) {
    case "boolean":
    case "integer":
    case "unsigned":
    case "float":
    case "text":
    case "unicode":
      return value.value;
    case "bits":
      return numberOfBits(value);
    case "utc-time":
      return value.utcMs;
    default:
      return undefined;
  }
}

/** The first bit is the highest: a switch that is open has 01, which is 1. */
function numberOfBits({ bitCount, bytes }: BitString): number | undefined {
  if (bitCount > BITS_MAX) return undefined;
  let number = 0;
  for (let at = 0; at < bitCount; at += 1) {
    number = number * 2 + (((bytes[at >> 3] ?? 0) >> (7 - (at & 7))) & 1);
  }
  return number;
}

/** A member of a structure by its places; undefined where the value has another shape. */
export function partOf(value: MmsValue, indexes: readonly number[]): MmsValue | undefined {
  let part: MmsValue | undefined = value;
  for (const index of indexes) {
    if (part?.kind !== "structure") return undefined;
    part = part.members[index];
  }
  return part;
}
