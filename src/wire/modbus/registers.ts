/**
 * Types of numbers in Modbus registers, and where they lie. The codec of these types is in
 * `codec.ts` beside this file.
 */

export type RegisterTable = "holding" | "input" | "coil" | "discrete";

/** True for the tables of single bits; the others hold registers. */
export function isBitTable(table: RegisterTable): boolean {
  return table === "coil" || table === "discrete";
}

/** How many registers each type takes; `string` has its own length, `bool` is one bit. */
export const REGISTERS_BY_TYPE = {
  uint16: 1,
  int16: 1,
  uint32: 2,
  int32: 2,
  uint64: 4,
  int64: 4,
  float32: 2,
  float64: 4,
  bcd16: 1,
  bcd32: 2,
  bcd64: 4,
  mod10k32: 2,
  mod10k48: 3,
  mod10k64: 4,
  signmag16: 1,
  signmag32: 2,
  "uint8-high": 1,
  "uint8-low": 1,
  sunssf: 1,
} as const;

export type NumberType = keyof typeof REGISTERS_BY_TYPE;

/**
 * Order of the bytes as vendors print it, most significant first in the name: `ABCD` is big-endian,
 * `CDAB` has the low word first.
 */
export type ByteOrder =
  | "AB"
  | "BA"
  | "ABCD"
  | "CDAB"
  | "BADC"
  | "DCBA"
  | "ABCDEFGH"
  | "GHEFCDAB"
  | "BADCFEHG"
  | "HGFEDCBA";
