import { assert } from "../../domain/assert.ts";
import type { BitString } from "./ber-reader.ts";
import type { InformationReport } from "./pdu.ts";
import { type AccessResult, bitAt, bitsOf, type MmsValue } from "./value.ts";

/**
 * Reports: which members of a data set have which values, and why now.
 *
 * @see IEC 61850-8-1, section 17.2 (report control blocks, order of a report's fields);
 *   IEC 61850-7-2, section 17.2.3 (optional fields, trigger options, reasons)
 */

/** In the order of their bits, of which the first is reserved. */
const OPTIONS = [
  "sequence-number",
  "report-time",
  "reason",
  "data-set",
  "data-reference",
  "buffer-overflow",
  "entry-id",
  "configuration-revision",
  "segmentation",
] as const;

/** What a report carries besides its values. */
export type ReportOption = (typeof OPTIONS)[number];

const TRIGGERS = [
  "data-change",
  "quality-change",
  "data-update",
  "integrity",
  "general-interrogation",
  "application",
] as const;

/** Why a report, or one of its values, comes. */
export type Trigger = (typeof TRIGGERS)[number];

export interface ReportEntry {
  /** Place in the data set, from 0. */
  readonly index: number;
  /** `DCPIBESS1/MMXU1$MX$TotW`, when references are sent. */
  readonly reference: string | undefined;
  readonly value: AccessResult;
  /** Undefined when reasons are not sent. */
  readonly reasons: readonly Trigger[] | undefined;
}

export interface Report {
  readonly reportId: string;
  readonly options: ReadonlySet<ReportOption>;
  /** Wraps at 255 in an unbuffered block and at 65,535 in a buffered one. */
  readonly sequence: number | undefined;
  /** When the block made the report, ms since 1970. */
  readonly entryTimeMs: number | undefined;
  readonly dataSet: string | undefined;
  readonly hasOverflowed: boolean | undefined;
  readonly entryId: Uint8Array | undefined;
  readonly configurationRevision: number | undefined;
  readonly subSequence: number | undefined;
  readonly moreFollows: boolean;
  readonly entries: readonly ReportEntry[];
}

/** Why a report is not understood. It is counted and dropped; the association goes on. */
export type ReportFault =
  "no-report-id" | "no-options" | "wrong-field" | "wrong-data-set-size" | "wrong-number-of-fields";

export type DecodedReport =
  | { readonly result: "report"; readonly report: Report }
  | { readonly result: "undecodable"; readonly fault: ReportFault; readonly field: number };

const REPORT_LIST = "RPT";
const OPTION_BITS = 10;
const TRIGGER_BITS = 6;
/** With the reason of an application, which editions before the second do not have. */
const REASON_BITS = 7;

/** True for an information report that is a report of a control block. */
export function isReport(information: InformationReport): boolean {
  const { access } = information;
  return access.by === "list" && access.list.scope === "device" && access.list.item === REPORT_LIST;
}

/** Which control block a report is of; undefined when it does not say. */
export function reportIdOf(information: InformationReport): string | undefined {
  const [first] = information.results;
  return first?.kind === "text" || first?.kind === "unicode" ? first.value : undefined;
}

class Misfit extends Error {
  readonly fault: ReportFault;

  constructor(fault: ReportFault) {
    super(fault);
    this.fault = fault;
  }
}

/** Takes the fields of a report one after another. */
class Fields {
  readonly #results: readonly AccessResult[];
  at = 0;

  constructor(results: readonly AccessResult[]) {
    this.#results = results;
  }

  get left(): number {
    return this.#results.length - this.at;
  }

  any(): AccessResult {
    const result = this.#results[this.at];
    if (result === undefined) throw new Misfit("wrong-number-of-fields");
    this.at++;
    return result;
  }

  /** The next field if it is of this kind. */
  optional<K extends MmsValue["kind"]>(kind: K): Extract<MmsValue, { kind: K }> | undefined {
    const result = this.#results[this.at];
    if (result?.kind !== kind) return undefined;
    this.at++;
    return result as Extract<MmsValue, { kind: K }>;
  }

  required<K extends MmsValue["kind"]>(
    kind: K,
    fault: ReportFault = "wrong-field",
  ): Extract<MmsValue, { kind: K }> {
    const value = this.optional(kind);
    if (value === undefined) throw new Misfit(this.left === 0 ? "wrong-number-of-fields" : fault);
    return value;
  }

  text(fault: ReportFault = "wrong-field"): string {
    return (this.optional("text") ?? this.optional("unicode") ?? this.required("text", fault))
      .value;
  }

  count(): number {
    const value = (this.optional("unsigned") ?? this.required("integer")).value;
    if (typeof value === "bigint" || value < 0) throw new Misfit("wrong-field");
    return value;
  }
}

/**
 * Reads a report.
 *
 * @param dataSetSize members of the block's data set, from its directory: what a report says about
 *   itself is not believed
 */
export function decodeReport(information: InformationReport, dataSetSize: number): DecodedReport {
  const fields = new Fields(information.results);
  try {
    return { result: "report", report: takeReport(fields, dataSetSize) };
  } catch (error) {
    if (!(error instanceof Misfit)) throw error;
    return { result: "undecodable", fault: error.fault, field: fields.at };
  }
}

function takeReport(fields: Fields, dataSetSize: number): Report {
  const reportId = fields.text("no-report-id");
  const options = reportOptions(fields.required("bits", "no-options"));
  const sequence = options.has("sequence-number") ? fields.count() : undefined;
  const entryTimeMs = options.has("report-time") ? fields.required("binary-time").ms : undefined;
  const dataSet = options.has("data-set") ? fields.text() : undefined;
  // One known server sets these two bits on an unbuffered block and sends no fields.
  const hasOverflowed = options.has("buffer-overflow")
    ? fields.optional("boolean")?.value
    : undefined;
  const entryId = options.has("entry-id") ? fields.optional("octets")?.bytes : undefined;
  const configurationRevision = options.has("configuration-revision") ? fields.count() : undefined;
  const isSegmented = options.has("segmentation");
  const subSequence = isSegmented ? fields.count() : undefined;
  const moreFollows = isSegmented && fields.required("boolean").value;
  const inclusion = fields.required("bits");
  const entries = takeEntries(fields, includedPlaces(inclusion, dataSetSize), options);
  if (fields.left > 0) throw new Misfit("wrong-number-of-fields");
  return {
    reportId,
    options,
    sequence,
    entryTimeMs,
    dataSet,
    hasOverflowed,
    entryId,
    configurationRevision,
    subSequence,
    moreFollows,
    entries,
  };
}

function includedPlaces(inclusion: BitString, dataSetSize: number): readonly number[] {
  if (inclusion.bitCount !== dataSetSize) throw new Misfit("wrong-data-set-size");
  const places: number[] = [];
  for (let at = 0; at < dataSetSize; at++) if (bitAt(inclusion, at)) places.push(at);
  return places;
}

/** All references, then all values, then all reasons. */
function takeEntries(
  fields: Fields,
  places: readonly number[],
  options: ReadonlySet<ReportOption>,
): readonly ReportEntry[] {
  const references = options.has("data-reference") ? places.map(() => fields.text()) : [];
  const values = places.map(() => fields.any());
  const reasons = options.has("reason") ? places.map(() => triggers(fields.required("bits"))) : [];
  return places.map((index, at) => {
    const value = values[at];
    assert(value !== undefined, "every included place has a value");
    return { index, reference: references[at], value, reasons: reasons[at] };
  });
}

/** Names of the set bits of OptFlds. */
export function reportOptions(bits: BitString): ReadonlySet<ReportOption> {
  return new Set(OPTIONS.filter((_, at) => bitAt(bits, at + 1)));
}

export function optionBits(options: ReadonlySet<ReportOption>): BitString {
  return bitsOf(OPTION_BITS, placesIn(OPTIONS, options));
}

/** Names of the set bits of TrgOps, or of a reason: longer ones are of later editions. */
export function triggers(bits: BitString): readonly Trigger[] {
  return TRIGGERS.filter((_, at) => bitAt(bits, at + 1));
}

/** TrgOps: the reason of an application is nothing that can be asked for. */
export function triggerBits(wanted: readonly Exclude<Trigger, "application">[]): BitString {
  return bitsOf(TRIGGER_BITS, placesIn(TRIGGERS, new Set(wanted)));
}

/** A reason: of six bits, or of seven where it needs them. */
function reasonBits(reasons: readonly Trigger[]): BitString {
  const bitCount = reasons.includes("application") ? REASON_BITS : TRIGGER_BITS;
  return bitsOf(bitCount, placesIn(TRIGGERS, new Set(reasons)));
}

function placesIn<T>(names: readonly T[], wanted: ReadonlySet<T>): readonly number[] {
  return names.flatMap((name, at) => (wanted.has(name) ? [at + 1] : []));
}

/**
 * Writes a report, as our own server sends it. The options decide which fields go out; a field that
 * they ask for is there, but for the two that only a buffered block has.
 */
export function encodeReport(report: Report, dataSetSize: number): InformationReport {
  const { options, entries } = report;
  const results: AccessResult[] = [
    { kind: "text", value: report.reportId },
    { kind: "bits", ...optionBits(options) },
    ...headFields(report),
    {
      kind: "bits",
      ...bitsOf(
        dataSetSize,
        entries.map(({ index }) => index),
      ),
    },
  ];
  if (options.has("data-reference")) {
    for (const { reference } of entries) {
      assert(reference !== undefined, "a report with references has one for every value");
      results.push({ kind: "text", value: reference });
    }
  }
  for (const { value } of entries) results.push(value);
  if (options.has("reason")) {
    for (const { reasons } of entries) {
      assert(reasons !== undefined, "a report with reasons has them for every value");
      results.push({ kind: "bits", ...reasonBits(reasons) });
    }
  }
  return {
    access: { by: "list", list: { scope: "device", item: REPORT_LIST } },
    results,
  };
}

function headFields(report: Report): readonly MmsValue[] {
  const { options, hasOverflowed, entryId } = report;
  const fields: MmsValue[] = [];
  if (options.has("sequence-number")) fields.push(counter(report.sequence));
  if (options.has("report-time")) {
    assert(report.entryTimeMs !== undefined, "a report with a time has one");
    fields.push({ kind: "binary-time", ms: report.entryTimeMs, hasDate: true });
  }
  if (options.has("data-set")) {
    assert(report.dataSet !== undefined, "a report with the name of its data set has one");
    fields.push({ kind: "text", value: report.dataSet });
  }
  if (options.has("buffer-overflow") && hasOverflowed !== undefined) {
    fields.push({ kind: "boolean", value: hasOverflowed });
  }
  if (options.has("entry-id") && entryId !== undefined) {
    fields.push({ kind: "octets", bytes: entryId });
  }
  if (options.has("configuration-revision")) fields.push(counter(report.configurationRevision));
  if (options.has("segmentation")) {
    fields.push(counter(report.subSequence), { kind: "boolean", value: report.moreFollows });
  }
  return fields;
}

function counter(value: number | undefined): MmsValue {
  assert(value !== undefined, "a report has every field that its options announce");
  return { kind: "unsigned", value };
}
