import type { TypeSpec } from "../../wire/mms/type-spec.ts";

/**
 * The fields of report control blocks, in the order of the standard.
 *
 * @see IEC 61850-8-1, section 17.2 (BRCB and URCB type definitions)
 */

export type ReportField =
  | "RptID"
  | "RptEna"
  | "Resv"
  | "DatSet"
  | "ConfRev"
  | "OptFlds"
  | "BufTm"
  | "SqNum"
  | "TrgOps"
  | "IntgPd"
  | "GI"
  | "PurgeBuf"
  | "EntryID"
  | "TimeofEntry"
  | "ResvTms"
  | "Owner";

export const ENTRY_ID_OCTETS = 8;

export const FIELD_TYPES: Readonly<Record<ReportField, TypeSpec>> = {
  RptID: { kind: "text", size: -129 },
  RptEna: { kind: "boolean" },
  Resv: { kind: "boolean" },
  DatSet: { kind: "text", size: -129 },
  ConfRev: { kind: "unsigned", bits: 32 },
  OptFlds: { kind: "bits", size: -10 },
  BufTm: { kind: "unsigned", bits: 32 },
  SqNum: { kind: "unsigned", bits: 16 },
  TrgOps: { kind: "bits", size: -6 },
  IntgPd: { kind: "unsigned", bits: 32 },
  GI: { kind: "boolean" },
  PurgeBuf: { kind: "boolean" },
  EntryID: { kind: "octets", size: ENTRY_ID_OCTETS },
  TimeofEntry: { kind: "binary-time", hasDate: true },
  ResvTms: { kind: "integer", bits: 16 },
  Owner: { kind: "octets", size: -64 },
};

const SETTINGS: readonly ReportField[] = [
  "DatSet",
  "ConfRev",
  "OptFlds",
  "BufTm",
  "SqNum",
  "TrgOps",
  "IntgPd",
  "GI",
];

const UNBUFFERED: readonly ReportField[] = ["RptID", "RptEna", "Resv", ...SETTINGS];

const BUFFERED: readonly ReportField[] = [
  "RptID",
  "RptEna",
  ...SETTINGS,
  "PurgeBuf",
  "EntryID",
  "TimeofEntry",
  "ResvTms",
];

export function reportFields(isBuffered: boolean, hasOwner: boolean): readonly ReportField[] {
  const fields = isBuffered ? BUFFERED : UNBUFFERED;
  return hasOwner ? [...fields, "Owner"] : fields;
}

/** An entry's number as its eight octets. */
export function entryIdOctets(id: number): Uint8Array {
  const octets = new Uint8Array(ENTRY_ID_OCTETS);
  new DataView(octets.buffer).setBigUint64(0, BigInt(id));
  return octets;
}

/** Undefined for octets that no entry of ours has: another size, or a number never reached. */
export function entryIdOf(octets: Uint8Array): number | undefined {
  if (octets.length !== ENTRY_ID_OCTETS) return undefined;
  const id = new DataView(octets.buffer, octets.byteOffset).getBigUint64(0);
  return id <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(id) : undefined;
}
