import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { busLoad } from "../../src/profiles/lint-bus.ts";
import { lintProfile } from "../../src/profiles/lint.ts";
import type { LintSubject } from "../../src/profiles/lint.ts";
import { parseProfile } from "../../src/profiles/parse.ts";
import type { ProfileProblem } from "../../src/profiles/parse.ts";
import type { Profile } from "../../src/profiles/schema.ts";
import { compiled, profileWith } from "./builders.ts";

const CASES = new URL("./lint/", import.meta.url);
const NAME = "acme/meter-1";

function textOf(name: string, file: string): string {
  return readFileSync(new URL(`${name}/${file}`, CASES), "utf8");
}

function subjectOf(name: string, text: string): LintSubject | readonly ProfileProblem[] {
  const result = parseProfile(text);
  return "problems" in result ? result.problems : { name, ...result };
}

/** A base with the points of every case, and one that extends a base itself. */
function library(): readonly LintSubject[] {
  const clean = subjectOf("acme/base", textOf("00-clean", "profile.json"));
  assert.ok("profile" in clean);
  const base = { ...clean.profile, identify: [] };
  const nested = { ...base, extends: "acme/base" };
  return [
    { ...clean, profile: base },
    { ...clean, name: "acme/nested", profile: nested },
  ];
}

function sentencesOf(problems: readonly ProfileProblem[]): string {
  return problems
    .map(({ rule, line, column, message }) => `${rule ?? "-"} ${line}:${column} ${message}\n`)
    .join("");
}

describe("linting a profile", () => {
  for (const name of readdirSync(CASES)) {
    it(name, () => {
      const subject = subjectOf(NAME, textOf(name, "profile.json"));
      const problems =
        "profile" in subject ? lintProfile(subject, [...library(), subject]) : subject;
      assert.equal(sentencesOf(problems), textOf(name, "problems.txt"));
    });
  }

  it("has a failing case for every rule that one file can break", () => {
    const broken = new Set(
      readdirSync(CASES).flatMap((name) =>
        [...textOf(name, "problems.txt").matchAll(/^(\d+) /gm)].map((match) => Number(match[1])),
      ),
    );
    // 18 needs a second profile (below); 23 needs the last release.
    const rules = Array.from({ length: 24 }, (_, index) => index + 1).filter((rule) => rule !== 23);
    assert.deepEqual(
      rules.filter((rule) => !broken.has(rule)),
      [],
    );
  });

  it("finds a second profile with the same fingerprint (rule 18)", () => {
    const subject = subjectOf(NAME, textOf("00-clean", "profile.json"));
    assert.ok("profile" in subject);
    const twin = { ...subject, name: "acme/meter-2" };
    const problems = lintProfile(subject, [subject, twin]);
    assert.deepEqual(
      problems.map(({ rule, message }) => [rule, message]),
      [[18, '"acme/meter-2" has the same fingerprint']],
    );
  });

  it("takes the words of a name with or without dashes, and the first words of it (rule 2)", () => {
    const clean = subjectOf(NAME, textOf("00-clean", "profile.json"));
    assert.ok("profile" in clean);
    const rulesFor = (name: string, identity: Partial<Profile["identity"]>): readonly unknown[] => {
      const profile = { ...clean.profile, identity: { ...clean.profile.identity, ...identity } };
      return lintProfile({ ...clean, name, profile }, []).map(({ rule }) => rule);
    };
    const wiren = { manufacturer: "Wiren Board", model: "UMG 604" };
    assert.deepEqual(rulesFor("wirenboard/umg604", wiren), []);
    assert.deepEqual(rulesFor("wiren-board/umg-604", wiren), []);
    assert.deepEqual(rulesFor("wiren/umg", wiren), []);
    assert.deepEqual(rulesFor("wire/umg604", wiren), [2]);
    assert.deepEqual(rulesFor("wirenboard/pro", { ...wiren, aliases: ["Pro"] }), []);
  });

  it("asks a proven profile for a captured vector (rule 16)", () => {
    const clean = subjectOf(NAME, textOf("00-clean", "profile.json"));
    assert.ok("profile" in clean);
    const proven = { ...clean, profile: { ...clean.profile, status: "proven" as const } };
    assert.deepEqual(
      lintProfile(proven, []).map(({ message }) => message),
      ["a proven profile has a captured vector"],
    );
  });
});

describe("the load of a serial line", () => {
  it("is the time of all requests by their period", () => {
    const profile = compiled({
      ...profileWith({}),
      groups: { g: { everyMs: 100 }, once: { everyMs: 0 } },
      points: [
        { point: "x-a", at: "input 0", type: "uint16", unit: "1", group: "g" },
        { point: "x-b", at: "input 3", type: "uint16", unit: "1", group: "g" },
        { point: "x-c", at: "discrete 0", type: "bool", group: "g" },
        { point: "x-d", at: "input 90", type: "uint16", unit: "1", group: "once" },
      ],
    });
    // Registers 0 to 3 in one request: 8 + 5 + 8 bytes and 7 of silence; one bit: 8 + 5 + 1 + 7.
    const bytes = 28 + 21;
    assert.ok(Math.abs(busLoad(profile) - (bytes * 11 * 1000) / 9600 / 100) < 1e-9);
  });
});
