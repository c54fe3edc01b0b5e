import { isBad, qualityName } from "../domain/quality.ts";
import type { RoundColumns } from "../domain/round.ts";
import { isBitTable, type RegisterTable } from "../wire/modbus/registers.ts";
import { isAlarmActive } from "./alarm.ts";
import type { BoundPoint, CompiledProfile } from "./binding.ts";
import type { Iec61850Facts } from "./binding-iec61850.ts";
import { compileProfile } from "./compile.ts";
import type { CompileOptions } from "./compile.ts";
import { hexOfWords } from "./conversion.ts";
import { decodeBit, decodePoint, finishPoint, needsFinish, slotOf } from "./decode.ts";
import { deriveInto } from "./derive.ts";
import { RegisterWords, parseWords, viewOfWords } from "./image.ts";
import { PlaceFinder } from "./place.ts";
import { chosenValues, fillIn } from "./resolve.ts";
import type { Profile, Scalar, VectorLine } from "./schema.ts";
import { NEVER_READ } from "./vector-device.ts";
import type { VectorDevice } from "./vector-device.ts";
import { nodeWriteFailures, readNodes } from "./vectors-iec61850.ts";
import { writesOf } from "./vector-writes.ts";
import type { VectorWrite } from "./vector-writes.ts";

/** A vector that the profile does not pass. */
export interface VectorFailure {
  readonly index: number;
  readonly vector: string;
  /** One plain sentence. */
  readonly message: string;
}

/** Numbers in vectors are written by hand, with six digits behind the point at most. */
const RELATIVE_TOLERANCE = 1e-6;

/** Runs every vector of a profile through the codec. */
export function runVectors(
  profile: Profile,
  options: CompileOptions = {},
): readonly VectorFailure[] {
  const run = vectorRunner(profile, options);
  return (profile.vectors ?? []).flatMap((vector, index) =>
    run(vector).map((message) => ({ index, vector: vector.name, message })),
  );
}

/**
 * Sentences on what one vector does not find as it expects. All vectors without parameters of their
 * own share one compilation.
 */
export function vectorRunner(
  profile: Profile,
  options: CompileOptions = {},
): (vector: VectorLine) => readonly string[] {
  let shared: VectorBench | undefined;
  return (vector) => {
    if (vector.parameters !== undefined) {
      const parameters = { ...options.parameters, ...vector.parameters };
      return runVector(vector, benchOf(profile, { ...options, parameters }));
    }
    shared ??= benchOf(profile, options);
    return runVector(vector, shared);
  };
}

/** How the places and parameters in a vector are read. */
interface VectorReading {
  readonly finder: PlaceFinder;
  readonly values: ReadonlyMap<string, Scalar>;
}

/** What vectors with the same parameters have in common. */
type VectorBench =
  (VectorReading & { readonly profile: CompiledProfile }) | { readonly problem: string };

function benchOf(profile: Profile, options: CompileOptions): VectorBench {
  const result = compileProfile(profile, options);
  if ("problems" in result) {
    return { problem: `the profile does not compile: ${result.problems[0]?.message ?? ""}` };
  }
  const { parameters = {}, library } = options;
  const compiled = result.profile;
  return { profile: compiled, ...readingOf(profile, { compiled, parameters, library }) };
}

function runVector(vector: VectorLine, bench: VectorBench): readonly string[] {
  if ("problem" in bench) return [bench.problem];
  const { profile, finder, values } = bench;
  const filled = fillKeys(vector, values);
  const facts = profile.iec61850;
  if (facts !== undefined) return runNodeVector(filled, profile, facts);
  const { given, problems } = wordsOf(filled, finder);
  if (problems.length > 0) return problems;
  const words = new RegisterWords();
  for (const { table, address, words: own } of given) words.set(table, address, own);
  const device = { profile, finder, words, columns: readAll(profile, words) };
  return [
    ...expectationFailures(filled, device),
    ...alarmFailures(filled, device),
    ...writeFailures(filled, device),
  ];
}

function runNodeVector(
  vector: VectorLine,
  profile: CompiledProfile,
  facts: Iec61850Facts,
): readonly string[] {
  const { columns, problems } = readNodes(profile, facts, vector.given ?? {});
  if (problems.length > 0) return problems;
  const device = { profile, facts, columns };
  return [
    ...expectationFailures(vector, device),
    ...alarmFailures(vector, device),
    ...nodeWriteFailures(vector, device),
  ];
}

/** Words that stand in registers from an address upwards; 0 or 1 for bits. */
export interface GivenWords {
  readonly table: RegisterTable;
  readonly address: number;
  readonly words: readonly number[];
}

/** What places and parameters of a vector depend on. */
export interface VectorTerms {
  readonly compiled: CompiledProfile;
  readonly parameters: Readonly<Record<string, Scalar>>;
  readonly library?: CompileOptions["library"] | undefined;
}

/** The registers that a vector gives, and a sentence for each line that gives none. */
export function givenWords(
  profile: Profile,
  vector: VectorLine,
  terms: VectorTerms,
): { readonly given: readonly GivenWords[]; readonly problems: readonly string[] } {
  const { finder, values } = readingOf(profile, terms);
  return wordsOf(fillKeys(vector, values), finder);
}

function readingOf(
  profile: Profile,
  { compiled, parameters, library }: VectorTerms,
): VectorReading {
  const base = profile.extends === undefined ? undefined : library?.(profile.extends);
  return {
    finder: new PlaceFinder({ ...base?.models, ...profile.models }, compiled.sunspec),
    values: chosenValues({ ...base?.parameters, ...profile.parameters }, parameters),
  };
}

/** Decodes every point whose registers are all known, and derives the rest. */
function readAll(profile: CompiledProfile, words: RegisterWords): RoundColumns {
  const columns: RoundColumns = {
    values: new Float64Array(profile.points.length).fill(Number.NaN),
    quality: new Uint8Array(profile.points.length).fill(NEVER_READ),
    texts: new Map(),
  };
  for (const point of profile.points) readPoint(point, words, columns);
  for (const point of profile.points) {
    if (needsFinish(point) && columns.quality[point.ordinal] !== NEVER_READ) {
      finishPoint(point, columns);
    }
  }
  deriveInto(profile, columns);
  return columns;
}

function readPoint(point: BoundPoint, words: RegisterWords, columns: RoundColumns): void {
  const { read } = point;
  const own = read === undefined ? undefined : words.at(read);
  if (read === undefined || own === undefined) return;
  if (isBitTable(read.table)) {
    decodeBit(point, own[0] === 1 ? 1 : 0, columns, point.ordinal);
    return;
  }
  const sfPlace = read.conversion.sf?.place;
  const sf = sfPlace === undefined ? [] : words.at(sfPlace);
  if (sf === undefined) return;
  const sfByteOffset = sfPlace === undefined ? undefined : 2 * own.length;
  const slot = slotOf(point, 0, sfByteOffset);
  decodePoint(slot, viewOfWords([...own, ...sf]), columns, point.ordinal);
}

/** Parameters may stand in the keys of a vector too. */
function fillKeys(vector: VectorLine, values: ReadonlyMap<string, Scalar>): VectorLine {
  const fill = <T>(record: Readonly<Record<string, T>>): Record<string, T> =>
    Object.fromEntries(Object.entries(record).map(([key, value]) => [fillIn(key, values), value]));
  return {
    ...vector,
    ...(vector.given === undefined ? {} : { given: fill(vector.given) }),
    ...(typeof vector.expectWrite === "object" ? { expectWrite: fill(vector.expectWrite) } : {}),
  };
}

function wordsOf(
  vector: VectorLine,
  finder: PlaceFinder,
): { readonly given: readonly GivenWords[]; readonly problems: readonly string[] } {
  const given: GivenWords[] = [];
  const problems: string[] = [];
  for (const [at, text] of Object.entries(vector.given ?? {})) {
    const found = finder.find(at, {});
    if ("problem" in found) {
      problems.push(`given: ${found.problem}`);
      continue;
    }
    const { table, address } = found.place;
    const isBits = isBitTable(table);
    const words = typeof text === "string" ? parseWords(text, isBits) : undefined;
    if (words !== undefined) given.push({ table, address, words });
    else problems.push(`given "${at}" is not a list of ${isBits ? "bits" : "words"}`);
  }
  return { given, problems };
}

function expectationFailures(
  vector: VectorLine,
  { profile, columns }: Pick<VectorDevice, "profile" | "columns">,
): readonly string[] {
  return Object.entries(vector.expect ?? {}).flatMap(([id, expected]) => {
    const point = profile.points.find((candidate) => candidate.id === id);
    if (point === undefined) return [`this profile has no point "${id}"`];
    const wanted = typeof expected === "object" ? expected["value"] : expected;
    if (wanted === undefined) return [`"${id}" is expected without a value`];
    const shown = shownValue(point, columns);
    return isSame(wanted, shown) ? [] : [`${id} is ${String(shown)}, not ${String(wanted)}`];
  });
}

/** A value as vectors write it: number, text, flag, or quality when it has no value. */
export function shownValue(point: BoundPoint, columns: RoundColumns): Scalar {
  const quality = columns.quality[point.ordinal] ?? NEVER_READ;
  const value = columns.values[point.ordinal] ?? Number.NaN;
  if (isBad(quality)) return qualityName(quality);
  if (point.type === "enum") return point.texts?.[value] ?? value;
  if (point.type === "bool") return value === 1;
  return columns.texts.get(point.ordinal) ?? value;
}

function isSame(wanted: Scalar, shown: Scalar): boolean {
  if (typeof wanted !== "number" || typeof shown !== "number") return wanted === shown;
  return Math.abs(wanted - shown) <= RELATIVE_TOLERANCE * Math.max(1, Math.abs(wanted));
}

function alarmFailures(
  vector: VectorLine,
  { profile, columns }: Pick<VectorDevice, "profile" | "columns">,
): readonly string[] {
  if (vector.alarms === undefined) return [];
  const active = profile.alarms
    .filter((rule) => isAlarmActive(rule, columns) === true)
    .map((rule) => rule.id);
  const missing = vector.alarms.filter((id) => !active.includes(id));
  const surplus = active.filter((id) => vector.alarms?.includes(id) === false);
  return [
    ...missing.map((id) => `the alarm "${id}" is not active`),
    ...surplus.map((id) => `the alarm "${id}" is active`),
  ];
}

function writeFailures(vector: VectorLine, device: VectorDevice): readonly string[] {
  if (vector.write === undefined && vector.beat === undefined) return [];
  if (vector.expectWrite === undefined) return ["a write needs expectWrite"];
  const result = writesOf(vector, device);
  if ("problem" in result) return [result.problem];
  const { expectWrite } = vector;
  if ("refused" in result) {
    const shown = `refused/${result.refused}`;
    return expectWrite === shown ? [] : [`the write is ${shown}`];
  }
  if (typeof expectWrite === "string") return [`the write is accepted, not ${expectWrite}`];
  return comparedWrites(expectWrite, result.writes, device.finder);
}

function comparedWrites(
  expected: Exclude<NonNullable<VectorLine["expectWrite"]>, string>,
  writes: readonly VectorWrite[],
  finder: PlaceFinder,
): readonly string[] {
  const failures: string[] = [];
  const unseen = new Set(writes.filter((write) => write.isSetpoint));
  for (const [at, text] of Object.entries(expected)) {
    const found = finder.find(at, {});
    if ("problem" in found) {
      failures.push(`expectWrite: ${found.problem}`);
      continue;
    }
    const { table, address } = found.place;
    const write = writes.findLast(
      (candidate) => candidate.table === table && candidate.address === address,
    );
    const isBits = table === "coil";
    const wanted = typeof text === "string" ? parseWords(text, isBits) : undefined;
    if (write === undefined) failures.push(`nothing is written to ${at}`);
    else if (wanted?.join() !== write.words.join()) {
      const shown = isBits ? write.words.join(" ") : hexOfWords(write.words);
      failures.push(`${shown} is written to ${at}, not ${JSON.stringify(text)}`);
    }
    if (write !== undefined) unseen.delete(write);
  }
  for (const write of unseen) {
    failures.push(`the write to ${write.table} ${write.address} is not expected`);
  }
  return failures;
}
