import { canonicalHash, canonicalJson } from "./canonical-json.ts";
import { compileProfile, slugOf } from "./compile.ts";
import type { Positions } from "./json.ts";
import { lintBus } from "./lint-bus.ts";
import { lintNodes } from "./lint-iec61850.ts";
import { lintPoints } from "./lint-points.ts";
import { lintTexts } from "./lint-texts.ts";
import { lintVectors } from "./lint-vectors.ts";
import type { ProfileProblem } from "./parse.ts";
import { ProblemList } from "./problems.ts";
import { resolveProfile } from "./resolve.ts";
import { PROFILE_BYTES_MAX } from "./schema.ts";
import type { Profile } from "./schema.ts";

/** A profile with its place in the library. */
export interface LintSubject {
  /** `<manufacturer>/<model>` of the file. */
  readonly name: string;
  readonly profile: Profile;
  readonly positions: Positions;
}

/** Largest part of a base that a file may replace before it deserves a file of its own. */
const REPLACED_SHARE_MAX = 0.3;

/**
 * Everything that is wrong with a profile of a correct form (rule 1), by the numbered rules of the
 * library. Checked elsewhere, because one file cannot show it: equality of sentences with a source
 * (part of 5) and the version raised with each change (23).
 *
 * @param library all profiles, this one among them
 */
export function lintProfile(
  subject: LintSubject,
  library: readonly LintSubject[],
): readonly ProfileProblem[] {
  const { name, profile, positions } = subject;
  const problems = new ProblemList(positions);
  const find = (wanted: string): Profile | undefined =>
    library.find((entry) => entry.name === wanted)?.profile;
  lintName(subject, problems);
  lintFingerprints(subject, library, problems);
  const options = { name, positions, library: find };
  const resolveOptions = { parameters: {}, firmware: undefined, library: find };
  const resolved = resolveProfile(profile, resolveOptions, new ProblemList()).profile;
  lintReuse(profile, find, problems);
  if (canonicalJson(resolved).length > PROFILE_BYTES_MAX) {
    problems.add("", "the resolved profile is larger than 256 KiB", 24);
  }
  lintTexts(profile, problems);
  const result = compileProfile(profile, options);
  if ("problems" in result) return [...problems.all, ...result.problems];
  lintPoints(resolved, result.profile, problems);
  lintBus(resolved, result.profile, problems);
  lintNodes(resolved, result.profile, problems);
  lintVectors({ profile, resolved, compiled: result.profile, options }, problems);
  return problems.all;
}

/** Rule 2: the file is where its identity says. */
function lintName({ name, profile }: LintSubject, problems: ProblemList): void {
  const { manufacturer, model, aliases = [] } = profile.identity;
  const [folder = "", file = ""] = name.split("/");
  const isFolder = isSlugOf(folder, manufacturer);
  const isFile = [model, ...aliases].some((text) => isSlugOf(file, text));
  if (isFolder && isFile) return;
  const wanted = `${slugOf(manufacturer)}/${slugOf(model)}`;
  problems.add("/identity", `the file "${name}" does not carry the name "${wanted}"`, 2);
}

/** A file name may stop early at a word (`l2a-cdu`) and join words (`umg604` for "UMG 604"). */
function isSlugOf(part: string, text: string): boolean {
  const words = slugOf(text).split("-");
  const joined = part.replaceAll("-", "");
  return words.some((_, index) => words.slice(0, index + 1).join("") === joined);
}

/** Rule 18: no two profiles are recognised by the same thing. */
function lintFingerprints(
  { name, profile }: LintSubject,
  library: readonly LintSubject[],
  problems: ProblemList,
): void {
  for (const [index, fingerprint] of (profile.identify ?? []).entries()) {
    const hash = hashOf(fingerprint);
    const twin = library.find(
      (entry) =>
        entry.name !== name &&
        entry.profile.identify?.some((other) => hashOf(other) === hash) === true,
    );
    if (twin !== undefined) {
      problems.add(`/identify/${index}`, `"${twin.name}" has the same fingerprint`, 18);
    }
    if (fingerprint.strength === "certain" && fingerprint.plausible !== undefined) {
      const message = "plausible values are never a certain fingerprint";
      problems.add(`/identify/${index}`, message, 18);
    }
  }
}

function hashOf(fingerprint: NonNullable<Profile["identify"]>[number]): string {
  return canonicalHash({ ...fingerprint, strength: undefined, note: undefined });
}

/** Rule 20: a file that replaces much of its base should stand alone. */
function lintReuse(
  profile: Profile,
  find: (name: string) => Profile | undefined,
  problems: ProblemList,
): void {
  const base = profile.extends === undefined ? undefined : find(profile.extends);
  if (base === undefined || base.points.length === 0) return;
  const own = new Set([...profile.points.map((line) => line.point), ...(profile.remove ?? [])]);
  const replaced = base.points.filter((line) => own.has(line.point)).length;
  if (replaced / base.points.length <= REPLACED_SHARE_MAX) return;
  const message = `${replaced} of ${base.points.length} points of the base are replaced`;
  problems.add("/extends", `${message}: write a file of its own`, 20);
}
