import { CANONICAL_POINTS } from "../domain/vocabulary/vocabulary.ts";
import { qualityName } from "../domain/quality.ts";
import type { BoundPoint, CompiledProfile } from "./binding.ts";
import type { CompileOptions } from "./compile.ts";
import type { ProblemList } from "./problems.ts";
import type { Profile, Scalar, VectorLine } from "./schema.ts";
import type { PointLine } from "./schema-point.ts";
import { runVectors } from "./vectors.ts";

const VECTORS_MIN = 10;

export interface VectorSubject {
  /** As in the file: a file proves what it adds, its base proves the rest. */
  readonly profile: Profile;
  readonly resolved: Profile;
  readonly compiled: CompiledProfile;
  readonly options: CompileOptions;
}

/** Rules 16 and 17: the vectors pass, and they show everything that can go wrong. */
export function lintVectors(subject: VectorSubject, problems: ProblemList): void {
  const { profile, compiled, options } = subject;
  const vectors = profile.vectors ?? [];
  if (vectors.length < VECTORS_MIN) {
    problems.add("/vectors", `${vectors.length} vectors are fewer than ${VECTORS_MIN}`, 16);
  }
  for (const { index, vector, message } of runVectors(profile, options)) {
    problems.add(`/vectors/${index}`, `the vector "${vector}" fails: ${message}`, 16);
  }
  if (profile.status === "proven" && !vectors.some((vector) => vector.origin === "capture")) {
    problems.add("/vectors", "a proven profile has a captured vector", 16);
  }
  const own = new Set([
    ...profile.points.map((line) => line.point),
    ...(profile.derived ?? []).map((line) => line.point),
  ]);
  const isOwn = (point: BoundPoint): boolean => profile.extends === undefined || own.has(point.id);
  for (const point of compiled.points.filter(isOwn)) lintPoint(point, subject, problems);
  lintAlarmCoverage(subject, problems);
  lintBeats(subject, problems);
}

type Complain = (what: string, rule: number) => void;

function lintPoint(point: BoundPoint, subject: VectorSubject, problems: ProblemList): void {
  const { resolved, profile } = subject;
  const vectors = profile.vectors ?? [];
  const index = resolved.points.findIndex((candidate) => candidate.point === point.id);
  const line = resolved.points[index];
  const path = index < 0 ? "/vectors" : `/points/${index}`;
  const { codes } =
    (point.read ?? subject.compiled.iec61850?.reads.get(point.ordinal))?.conversion ?? {};
  const isRead = ({ read, ordinal }: BoundPoint): boolean =>
    read !== undefined || subject.compiled.iec61850?.reads.has(ordinal) === true;
  const complain: Complain = (what, rule) => {
    problems.add(path, `no vector shows ${what} of "${point.id}"`, rule);
  };
  if (isRead(point)) lintReadCoverage({ point, line, codes }, vectors, complain);
  if (point.access !== "r") lintWriteCoverage(point, vectors, complain);
}

interface ReadSubject {
  readonly point: BoundPoint;
  readonly line: PointLine | undefined;
  /** What the codes of a state mean. */
  readonly codes: ReadonlyMap<number, number> | undefined;
}

function lintReadCoverage(
  { point, line, codes }: ReadSubject,
  vectors: readonly VectorLine[],
  complain: Complain,
): void {
  const shown = vectors.flatMap((vector) => expectedOf(vector, point.id));
  if (shown.length === 0) complain("a value", 16);
  for (const quality of new Set(point.read?.conversion.absent.values() ?? [])) {
    if (!shown.includes(qualityName(quality))) complain(qualityName(quality), 16);
  }
  const states = line?.values === undefined ? [] : statesOf(point, codes);
  for (const state of states) {
    if (!shown.includes(state)) complain(`"${String(state)}"`, 16);
  }
  if (isSigned(point) && !shown.some((value) => typeof value === "number" && value < 0)) {
    complain("a negative value", 17);
  }
}

/** True for a quantity with a direction; magnitudes have a sign rule too, but never a minus. */
function isSigned(point: BoundPoint): boolean {
  const canonical = CANONICAL_POINTS.get(point.id);
  return canonical?.signed === true && (canonical.range?.[0] ?? 0) < 0;
}

/** States that registers can show: a point that is only written proves them by its writes. */
function statesOf(
  point: BoundPoint,
  codes: ReadonlyMap<number, number> | undefined,
): readonly Scalar[] {
  if (codes === undefined) return [];
  const states = [...new Set(codes.values())];
  return states.map((state) =>
    point.type === "bool" ? state === 1 : (point.texts?.[state] ?? state),
  );
}

function expectedOf(vector: VectorLine, id: string): readonly Scalar[] {
  const expected = vector.expect?.[id];
  if (expected === undefined) return [];
  if (typeof expected !== "object") return [expected];
  return expected["value"] === undefined ? [] : [expected["value"]];
}

/** Both ends of a number, every state otherwise, and for numbers one refusal. */
function lintWriteCoverage(
  point: BoundPoint,
  vectors: readonly VectorLine[],
  complain: Complain,
): void {
  const written = vectors.filter((vector) => vector.write?.[point.id] !== undefined);
  const accepted = written
    .filter((vector) => typeof vector.expectWrite === "object")
    .map((vector) => vector.write?.[point.id]);
  if (point.type === "bool" || point.type === "enum") {
    if (accepted.length === 0) complain("a write", 16);
    return;
  }
  const numbers = accepted.filter((value): value is number => typeof value === "number");
  if (new Set(numbers).size < 2) complain("writes at both ends", 16);
  const refused = written.some((vector) => vector.expectWrite === "refused/out-of-range");
  if (!refused) complain("a refused write", 16);
}

function lintAlarmCoverage({ profile, compiled }: VectorSubject, problems: ProblemList): void {
  if (profile.alarms === undefined) return;
  const shown = new Set((profile.vectors ?? []).flatMap((vector) => vector.alarms ?? []));
  for (const { id } of compiled.alarms) {
    if (!shown.has(id)) problems.add("/alarms", `no vector shows the alarm "${id}"`, 16);
  }
}

function lintBeats({ profile }: VectorSubject, problems: ProblemList): void {
  const beaten = new Set((profile.vectors ?? []).map((vector) => vector.beat));
  for (const name of Object.keys(profile.keepAlive ?? {})) {
    if (!beaten.has(name)) {
      problems.add(`/keepAlive/${name}`, `no vector shows a beat of "${name}"`, 16);
    }
  }
}
