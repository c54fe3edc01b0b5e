import { EQUIPMENT_CLASSES } from "../domain/vocabulary/vocabulary.ts";
import { isBitTable } from "../wire/modbus/registers.ts";
import type {
  BoundPoint,
  CompiledProfile,
  PollGroup,
  ReadBinding,
  SunspecChain,
} from "./binding.ts";
import { canonicalHash } from "./canonical-json.ts";
import { Compilation } from "./compilation.ts";
import type { Draft } from "./compilation.ts";
import { compileConversion, countOf } from "./compile-conversion.ts";
import { factsOf } from "./compile-facts.ts";
import { compileInterlocks, compileKeepAlives } from "./compile-guards.ts";
import { compileIec61850, nodeDraftOf, nodePoint, speaksIec61850 } from "./compile-iec61850.ts";
import { compileAlarms, compileDerived } from "./compile-states.ts";
import { compileWrite } from "./compile-write.ts";
import { meaningOfDerived, meaningOfLine } from "./define.ts";
import type { PointMeaning } from "./define.ts";
import type { Positions } from "./json.ts";
import type { ProfileProblem } from "./parse.ts";
import { PlaceFinder, chainOf, wireAddressOf } from "./place.ts";
import type { FoundPlace, Notation } from "./place.ts";
import { ProblemList } from "./problems.ts";
import { expandRepeats, fillIn, parameterValues, resolveProfile } from "./resolve.ts";
import type { ExpandedLine } from "./resolve.ts";
import { PROFILE_POINTS_MAX } from "./schema.ts";
import type { Profile, Scalar } from "./schema.ts";

export interface CompileOptions {
  /** `<manufacturer>/<model>`, the file's place; undefined: made from the identity. */
  readonly name?: string;
  /** What only the site knows. */
  readonly parameters?: Readonly<Record<string, Scalar>>;
  /** Firmware of the device, for variants. */
  readonly firmware?: string;
  readonly library?: (name: string) => Profile | undefined;
  /** Where the device keeps its SunSpec models; undefined: as the profile expects it. */
  readonly sunspecChain?: SunspecChain;
  /** Of the file, so that problems have a line. */
  readonly positions?: Positions;
}

export type CompileResult =
  { readonly profile: CompiledProfile } | { readonly problems: readonly ProfileProblem[] };

/** Compiles a profile for one site, or says everything that keeps it from being compiled. */
export function compileProfile(profile: Profile, options: CompileOptions = {}): CompileResult {
  const problems = new ProblemList(options.positions);
  const given = options.parameters ?? {};
  const resolved = resolveProfile(
    profile,
    { parameters: given, firmware: options.firmware, library: options.library ?? noLibrary },
    problems,
  );
  const values = parameterValues(resolved.profile, given, problems);
  const filled = { ...resolved.profile, ...fillIn(partsWithPlaces(resolved.profile), values) };
  const lines = resolved.lines.flatMap(({ line, path }) =>
    expandRepeats({ line: fillIn(line, values), path }, problems),
  );
  checkScope(filled, lines, problems);
  const finder = finderOf(filled, options, problems);
  const isNodes = speaksIec61850(filled);
  const drafts = isNodes ? [] : lines.flatMap((line) => draftOf(line, finder, problems) ?? []);
  const nodes = isNodes ? lines.flatMap((line) => nodeDraftOf(line, problems) ?? []) : [];
  const derived = derivedMeanings(filled, problems);
  const bound = [...drafts, ...nodes];
  const meanings = [...bound.map((draft) => draft.meaning), ...derived];
  checkUnique(meanings, problems);
  const compilation = new Compilation(filled, finder, meanings, problems);
  const compiled: CompiledProfile = {
    name: options.name ?? nameOf(profile),
    version: profile.version,
    status: profile.status,
    deviceClass: profile.identity.class,
    hash: canonicalHash(resolved.profile),
    modbus: factsOf(filled),
    groups: groupsOf(filled, problems),
    points: [
      ...drafts.map((draft, ordinal) => boundPoint(draft, ordinal, compilation)),
      ...nodes.map((draft, ordinal) => nodePoint(draft, ordinal, compilation)),
      ...derived.map((meaning, index) => derivedPoint(meaning, bound.length + index)),
    ],
    derived: compileDerived(bound.length, compilation),
    alarms: compileAlarms(drafts, compilation),
    interlocks: compileInterlocks(compilation),
    keepAlives: compileKeepAlives(compilation),
    capabilities: (filled.capabilities ?? []).map((line) => ({
      can: line.can,
      reversion: line.reversion,
      responseMs: line.responseMs,
      rampWPerS: line.rampWPerS,
    })),
    quirks: (filled.quirks ?? []).map(({ quirk, why }) => ({ quirk, why })),
    missing: new Map(Object.entries(filled.missing ?? {})),
    sunspec: finder.chain,
    iec61850: isNodes ? compileIec61850(nodes, compilation) : undefined,
  };
  return problems.isEmpty ? { profile: compiled } : { problems: problems.all };
}

/** File name of an identity: lower case, with single dashes. */
export function slugOf(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-|-$/g, "");
}

function nameOf({ identity }: Profile): string {
  return `${slugOf(identity.manufacturer)}/${slugOf(identity.model)}`;
}

function noLibrary(): undefined {
  return undefined;
}

/** The parts of a profile, besides the points, that may name parameters. */
function partsWithPlaces(profile: Profile): Partial<Profile> {
  const { alarms, interlocks, keepAlive, derived, iec61850 } = profile;
  return {
    ...(iec61850 === undefined ? {} : { iec61850 }),
    ...(alarms === undefined ? {} : { alarms }),
    ...(interlocks === undefined ? {} : { interlocks }),
    ...(keepAlive === undefined ? {} : { keepAlive }),
    ...(derived === undefined ? {} : { derived }),
  };
}

function checkScope(profile: Profile, lines: readonly ExpandedLine[], problems: ProblemList): void {
  const { identity } = profile;
  const isModbus = identity.protocols.some((protocol) => protocol.startsWith("modbus-"));
  if (isModbus === speaksIec61850(profile)) {
    const message = isModbus
      ? "registers and nodes of IEC 61850 stand in files of their own"
      : "only Modbus and IEC 61850 profiles are compiled by this version";
    problems.add("/identity/protocols", message);
  }
  if (!EQUIPMENT_CLASSES.has(identity.class)) {
    problems.add("/identity/class", `"${identity.class}" is not an equipment class`, 3);
  }
  if (lines.length > PROFILE_POINTS_MAX) {
    problems.add("/points", `a profile has at most ${PROFILE_POINTS_MAX} points`, 24);
  }
  if (profile.selectors !== undefined) {
    problems.add("/selectors", "selectors are not supported by this version");
  }
}

function finderOf(profile: Profile, options: CompileOptions, problems: ProblemList): PlaceFinder {
  const vendor = profile.models ?? {};
  if (options.sunspecChain !== undefined) return new PlaceFinder(vendor, options.sunspecChain);
  const result = chainOf(profile);
  if ("problem" in result) {
    problems.add("/sunspec", result.problem);
    return new PlaceFinder(vendor, undefined);
  }
  return new PlaceFinder(vendor, result.chain);
}

/** Undefined when the line has no place or no meaning; the problem is then in the list. */
function draftOf(
  { line, path, shift }: ExpandedLine,
  finder: PlaceFinder,
  problems: ProblemList,
): Draft | undefined {
  const stated = line.type ?? (line.bits === undefined ? undefined : "bits");
  const found = placeOfLine({ line, path, shift }, stated, finder, problems);
  if (found === undefined) return undefined;
  const wireType = wireTypeOf(line, stated, found);
  const isTextWithoutLength =
    wireType === "string" && line.length === undefined && found.sunspec === undefined;
  if (wireType === undefined || isTextWithoutLength) {
    problems.add(path, `"${line.point}" needs a type, and a text its length`);
    return undefined;
  }
  const meaning = meaningOfLine(line, wireType);
  if ("problem" in meaning) {
    problems.add(`${path}/point`, meaning.problem, 3);
    return undefined;
  }
  const unitId = line.unitId ?? (typeof line.unit === "number" ? line.unit : undefined);
  return { line, path, shift, meaning, wireType, found, unitId };
}

function placeOfLine(
  { line, path, shift }: ExpandedLine,
  stated: string | undefined,
  finder: PlaceFinder,
  problems: ProblemList,
): FoundPlace | undefined {
  const at = line.at ?? line.write?.at;
  if (at === undefined) {
    problems.add(path, `"${line.point}" has no at`);
    return undefined;
  }
  // A point of a model has the length of the model, unless the line says otherwise.
  const isOfModel = /^\d+\./.test(at) && line.length === undefined;
  const count = stated === undefined || isOfModel ? undefined : countOf(line, stated);
  const found = finder.find(at, count === undefined ? { shift } : { count, shift });
  if (!("problem" in found)) return found;
  problems.add(`${path}/at`, found.problem);
  return undefined;
}

function wireTypeOf(
  line: ExpandedLine["line"],
  stated: string | undefined,
  { place, sunspec }: FoundPlace,
): string | undefined {
  if (isBitTable(place.table)) return "bool";
  if (stated !== undefined) return stated;
  return sunspec?.raw ?? (line.slice === undefined ? undefined : "uint16");
}

function derivedMeanings(profile: Profile, problems: ProblemList): readonly PointMeaning[] {
  return (profile.derived ?? []).flatMap((line, index) => {
    const meaning = meaningOfDerived(line.point, line.unit);
    if (!("problem" in meaning)) return [meaning];
    problems.add(`/derived/${index}/point`, meaning.problem, 3);
    return [];
  });
}

function checkUnique(meanings: readonly PointMeaning[], problems: ProblemList): void {
  const ids = new Set<string>();
  const fields = new Set<string>();
  for (const { id, field } of meanings) {
    if (ids.has(id)) problems.add("/points", `the point "${id}" stands twice`, 7);
    else if (fields.has(field)) problems.add("/points", `two points have the field "${field}"`, 7);
    ids.add(id);
    fields.add(field);
  }
}

function boundPoint(draft: Draft, ordinal: number, compilation: Compilation): BoundPoint {
  const { line, path, meaning } = draft;
  const { problems, profile } = compilation;
  checkDocumented(draft, problems, profile.modbus?.notation);
  const place = { ...draft.found.place, unit: draft.unitId };
  const conversion = compileConversion(draft, place, compilation);
  const group = groupIndex(draft, compilation);
  const read: ReadBinding | undefined =
    line.group === undefined ? undefined : { ...place, conversion };
  const write =
    line.write === undefined ? undefined : compileWrite(draft, line.write, conversion, compilation);
  if (read === undefined && line.write === undefined) {
    problems.add(path, `"${line.point}" has neither a group nor a write section`, 19);
  }
  return {
    ordinal,
    id: meaning.id,
    field: meaning.field,
    type: meaning.type,
    unit: meaning.unit,
    texts: meaning.texts,
    range: meaning.range,
    access: read === undefined ? "w" : write === undefined ? "r" : "rw",
    group,
    read,
    write,
    frozenAfterMs: line.frozenAfterMs,
  };
}

function derivedPoint(meaning: PointMeaning, ordinal: number): BoundPoint {
  const { id, field, type, unit, texts, range } = meaning;
  return {
    ordinal,
    id,
    field,
    type,
    unit,
    texts,
    range,
    access: "r",
    group: undefined,
    read: undefined,
    write: undefined,
    frozenAfterMs: undefined,
  };
}

function groupIndex({ line, path }: Draft, { profile, problems }: Compilation): number | undefined {
  if (line.group === undefined) return undefined;
  const index = Object.keys(profile.groups ?? {}).indexOf(line.group);
  if (index >= 0) return index;
  problems.add(`${path}/group`, `there is no group "${line.group}"`, 19);
  return undefined;
}

/** The manufacturer's own number must lead to the address that the line gives. */
function checkDocumented(
  { line, path, found, shift }: Draft,
  problems: ProblemList,
  notation: Notation | undefined,
): void {
  if (line.documented === undefined || line.documented.includes("{")) return;
  if (notation === undefined) {
    problems.add(`${path}/documented`, "modbus.notation must say how the source counts", 6);
    return;
  }
  const documented = wireAddressOf(line.documented, notation);
  const { table, address } = found.place;
  const isSame = documented?.address === address - shift && (documented.table ?? table) === table;
  if (isSame) return;
  const computed =
    documented === undefined ? "no address" : `${documented.table ?? table} ${documented.address}`;
  problems.add(`${path}/at`, `"${line.documented}" gives ${computed}, not ${line.at ?? ""}`, 6);
}

function groupsOf(profile: Profile, problems: ProblemList): readonly PollGroup[] {
  return Object.entries(profile.groups ?? {}).map(([name, { everyMs, phaseMs = 0 }]) => {
    if (everyMs === undefined) problems.add(`/groups/${name}`, `the group "${name}" needs everyMs`);
    return { name, everyMs: everyMs ?? 0, phaseMs };
  });
}
