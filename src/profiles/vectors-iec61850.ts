import { qualityCode } from "../domain/quality.ts";
import type { RoundColumns } from "../domain/round.ts";
import { gatewayQuality } from "../wire/mms/gateway-quality.ts";
import { formatReference, type Reference } from "../wire/mms/names.ts";
import type { Quality61850, Validity } from "../wire/mms/quality.ts";
import type { BoundPoint, CompiledProfile } from "./binding.ts";
import type { Iec61850Facts, NodeTarget } from "./binding-iec61850.ts";
import { codeOf } from "./compile-conversion.ts";
import { deriveInto } from "./derive.ts";
import { interlockHolds } from "./encode.ts";
import { encodeNodeValue, nodeScale, takeNodeValue, type NodeScale } from "./node-value.ts";
import type { Scalar, VectorLine } from "./schema.ts";

const NEVER_READ = qualityCode("never-read");
const CONFIGURATION = qualityCode("configuration");
const UNSCALED: NodeScale = { factor: 1, offset: 0 };
const VALIDITIES: readonly Validity[] = ["good", "invalid", "reserved", "questionable"];
/** What a vector may say of a node besides its value. */
const DETAILS = ["overflow", "out-of-range", "failure", "old-data", "inaccurate"] as const;

/** A device of IEC 61850 as one vector gives it. */
export interface NodeVectorDevice {
  readonly profile: CompiledProfile;
  readonly facts: Iec61850Facts;
  readonly columns: RoundColumns;
}

/** One write that the vector's device would get: to which object, and what. */
export interface NodeVectorWrite {
  readonly at: string;
  readonly value: number | boolean;
}

export type NodeVectorWrites =
  | { readonly writes: readonly NodeVectorWrite[] }
  | { readonly refused: string }
  | { readonly problem: string };

type Given = NonNullable<VectorLine["given"]>[string];

/**
 * Reads what a vector gives: `"MMXU1.TotW": 1500`, or as an object with `value`, `q` (a validity
 * or a detail), `beh`, and the device's own unit as `si` and `multiplier`.
 */
export function readNodes(
  profile: CompiledProfile,
  facts: Iec61850Facts,
  given: Readonly<Record<string, Given>>,
): { readonly columns: RoundColumns; readonly problems: readonly string[] } {
  const columns: RoundColumns = {
    values: new Float64Array(profile.points.length).fill(Number.NaN),
    quality: new Uint8Array(profile.points.length).fill(NEVER_READ),
    texts: new Map(),
  };
  const problems: string[] = [];
  for (const [at, said] of Object.entries(given)) {
    const points = profile.points.filter(({ ordinal }) => {
      const place = facts.reads.get(ordinal)?.place;
      return place !== undefined && namesOf(place).includes(at);
    });
    if (points.length === 0) problems.push(`given: no point is read at "${at}"`);
    for (const point of points) takeGiven(point, facts, said, columns);
  }
  deriveInto(profile, columns);
  return { columns, problems };
}

function takeGiven(
  point: BoundPoint,
  facts: Iec61850Facts,
  said: Given,
  columns: RoundColumns,
): void {
  const read = facts.reads.get(point.ordinal);
  if (read === undefined) return;
  const parts: Readonly<Record<string, Scalar>> = typeof said === "object" ? said : { value: said };
  const { value, q, beh, si, multiplier } = parts;
  const unit =
    si === undefined ? undefined : { si: Number(si), multiplier: Number(multiplier ?? 0) };
  const scale = nodeScale(read.conversion, unit);
  const behaviour = beh === undefined ? undefined : Number(beh);
  const quality =
    scale === undefined ? CONFIGURATION : gatewayQuality(qualityOf(q ?? "good"), behaviour);
  const { conversion } = read;
  takeNodeValue({ point, conversion, scale: scale ?? UNSCALED, quality }, scalarOf(value), columns);
}

/** Numbers are written as texts too, where a vector has only texts. */
function scalarOf(value: Scalar | undefined): Scalar | undefined {
  if (typeof value !== "string") return value;
  const number = Number(value);
  return value.trim() === "" || Number.isNaN(number) ? value : number;
}

/** `none`: the device gives no quality. */
function qualityOf(word: Scalar): Quality61850 | undefined {
  if (word === "none") return undefined;
  const detail = DETAILS.find((name) => name === word);
  return {
    validity: VALIDITIES.find((name) => name === word) ?? "questionable",
    details: detail === undefined ? [] : [detail],
    isSubstituted: word === "substituted",
    isTest: word === "test",
    isOperatorBlocked: word === "operator-blocked",
  };
}

/** The spellings by which a vector may name a place: with and without device and constraint. */
function namesOf(place: Reference): readonly string[] {
  const whole = formatReference(place);
  const short = whole.slice(whole.indexOf("/") + 1);
  return [whole, short, whole.replace(/\[..\]$/, ""), short.replace(/\[..\]$/, "")];
}

/** What the gateway would send for the write of a vector. */
export function nodeWritesOf(vector: VectorLine, device: NodeVectorDevice): NodeVectorWrites {
  const writes: NodeVectorWrite[] = [];
  for (const [id, value] of Object.entries(vector.write ?? {})) {
    const result = writeOf(id, value, device);
    if (!("at" in result)) return result;
    writes.push(result);
  }
  if (vector.beat === undefined) return { writes };
  const beat = beatOf(vector.beat, device);
  if (!("at" in beat)) return beat;
  return { writes: [...writes, beat] };
}

type WriteOrNot = NodeVectorWrite | Exclude<NodeVectorWrites, { writes: unknown }>;

/** One repetition of the setpoint that the vector gives. */
function beatOf(name: string, device: NodeVectorDevice): WriteOrNot {
  const { profile, columns } = device;
  const action = profile.keepAlives.get(name)?.action;
  if (action?.kind !== "repeat") return { problem: `there is no keep-alive "${name}"` };
  const point = profile.points[action.ordinal];
  const held = columns.values[action.ordinal];
  if (point === undefined || held === undefined || Number.isNaN(held)) {
    return { problem: `"${name}" repeats a setpoint that is not given` };
  }
  return writeOf(point.id, held, device);
}

function writeOf(
  id: string,
  value: Scalar,
  { profile, facts, columns }: NodeVectorDevice,
): WriteOrNot {
  const point = profile.points.find((candidate) => candidate.id === id);
  const write = point === undefined ? undefined : facts.writes.get(point.ordinal);
  if (point === undefined) return { problem: `this profile has no point "${id}"` };
  if (write === undefined) return { refused: "not-writable" };
  const number = codeOf(value, { ...point, canonical: undefined });
  if (number === undefined) return { problem: `"${String(value)}" is no state of "${id}"` };
  const isHeld = write.needs.some((name) => {
    const interlock = profile.interlocks.get(name);
    return interlock === undefined || !interlockHolds(interlock, columns, undefined);
  });
  if (isHeld) return { refused: "interlock" };
  const scale = nodeScale(write.conversion) ?? UNSCALED;
  const encoding = encodeNodeValue(write, number, { columns, scale });
  if ("refused" in encoding) return encoding;
  return { at: targetName(write.target), value: encoding.raw };
}

/** `DWGC1.WSpt`, as a vector expects the write. */
export function targetName(target: NodeTarget): string {
  if (target.kind === "value") {
    return namesOf(target.place)[3] ?? "";
  }
  return [target.object.ln, ...target.object.path].join(".");
}

/** Sentences on the writes that are not as the vector expects them. */
export function nodeWriteFailures(vector: VectorLine, device: NodeVectorDevice): readonly string[] {
  const { expectWrite } = vector;
  if (vector.write === undefined && vector.beat === undefined) return [];
  if (expectWrite === undefined) return ["a write needs expectWrite"];
  const result = nodeWritesOf(vector, device);
  if ("problem" in result) return [result.problem];
  if ("refused" in result) {
    const shown = `refused/${result.refused}`;
    return expectWrite === shown ? [] : [`the write is ${shown}`];
  }
  if (typeof expectWrite === "string") return [`the write is accepted, not ${expectWrite}`];
  return comparedWrites(expectWrite, result.writes);
}

function comparedWrites(
  expected: Readonly<Record<string, Given>>,
  writes: readonly NodeVectorWrite[],
): readonly string[] {
  const failures: string[] = [];
  for (const [at, said] of Object.entries(expected)) {
    const wanted = scalarOf(typeof said === "object" ? said["value"] : said);
    const write = writes.find((candidate) => candidate.at === at);
    if (write === undefined) failures.push(`nothing is written to ${at}`);
    else if (!isSame(write.value, wanted)) {
      failures.push(`${String(write.value)} is written to ${at}, not ${String(wanted)}`);
    }
  }
  for (const { at } of writes) {
    if (expected[at] === undefined) failures.push(`the write to ${at} is not expected`);
  }
  return failures;
}

const RELATIVE_TOLERANCE = 1e-6;

function isSame(written: number | boolean, wanted: Scalar | undefined): boolean {
  if (typeof wanted === "string" || wanted === undefined) return String(written) === wanted;
  if (typeof written === "boolean" || typeof wanted === "boolean") return written === wanted;
  return Math.abs(written - wanted) <= RELATIVE_TOLERANCE * Math.max(1, Math.abs(wanted));
}
