import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { CompiledProfile } from "../../src/profiles/binding.ts";
import { compileProfile } from "../../src/profiles/compile.ts";
import { ProfileLibrary } from "../../src/profiles/library.ts";
import { lintProfile } from "../../src/profiles/lint.ts";
import type { Profile } from "../../src/profiles/schema.ts";
import type { PointLine, WriteSection } from "../../src/profiles/schema-point.ts";
import { runVectors } from "../../src/profiles/vectors.ts";

const ROOT = fileURLToPath(new URL("../../device-profiles", import.meta.url));
const LIBRARY = new ProfileLibrary(ROOT);
const STATION = "iec61850/bess-station";
const RELAY = "iec61850/switchgear-relay";

function station(): Profile {
  return JSON.parse(readFileSync(`${ROOT}/${STATION}.json`, "utf8")) as Profile;
}

/** The station with one of its lines changed. */
function withLine(point: string, change: (line: PointLine) => PointLine): Profile {
  const profile = station();
  const points = profile.points.map((line) => (line.point === point ? change(line) : line));
  return { ...profile, points };
}

function withWrite(point: string, change: (write: WriteSection) => WriteSection): Profile {
  return withLine(point, (line) => {
    assert.ok(line.write !== undefined);
    return { ...line, write: change(line.write) };
  });
}

function compiled(profile: Profile): CompiledProfile {
  const result = compileProfile(profile, { name: STATION });
  assert.ok("profile" in result, JSON.stringify(result));
  return result.profile;
}

function problems(profile: Profile): readonly string[] {
  const result = compileProfile(profile, { name: STATION });
  return "problems" in result
    ? result.problems.map(({ path, message }) => `${path}: ${message}`)
    : [];
}

function lint(profile: Profile): readonly string[] {
  const subjects = LIBRARY.names().flatMap((name) => {
    const entry = LIBRARY.entry(name);
    return "problems" in entry ? [] : [{ name, ...entry }];
  });
  const subject = { name: STATION, profile, positions: new Map() };
  return lintProfile(
    subject,
    subjects.filter(({ name }) => name !== STATION),
  ).map(({ message }) => message);
}

function only(list: readonly string[], pattern: RegExp): void {
  assert.equal(list.length > 0, true, "no problem");
  assert.match(list.join("\n"), pattern);
}

describe("shipped profiles of IEC 61850", () => {
  for (const name of [STATION, RELAY]) {
    it(`${name} breaks no rule and passes its vectors`, () => {
      const entry = LIBRARY.entry(name);
      assert.ok("profile" in entry);
      assert.deepEqual(lint(name === STATION ? entry.profile : station()), []);
      assert.ok((entry.profile.vectors?.length ?? 0) >= 10);
      assert.deepEqual(runVectors(entry.profile, { name }), []);
    });
  }

  it("notice a wrong value in any vector that they have", () => {
    for (const name of [STATION, RELAY]) {
      const profile = LIBRARY.profile(name);
      assert.ok(profile !== undefined);
      for (const vector of profile.vectors ?? []) {
        for (const id of Object.keys(vector.expect ?? {})) {
          const wrong = { ...vector, expect: { ...vector.expect, [id]: "something else" } };
          const failures = runVectors({ ...profile, vectors: [wrong] }, { name });
          assert.equal(failures.length, 1, `${vector.name}: ${id}`);
        }
        if (vector.expectWrite === undefined) continue;
        const wrong = { ...vector, expectWrite: { "DWGC1.WSpt": { value: 123 } } };
        assert.ok(runVectors({ ...profile, vectors: [wrong] }, { name }).length > 0, vector.name);
      }
    }
  });
});

describe("a compiled profile of IEC 61850", () => {
  const profile = compiled(station());
  const facts = profile.iec61850;
  assert.ok(facts !== undefined);
  const ordinalOf = (id: string): number => profile.points.findIndex((point) => point.id === id);

  it("says of every point where it is, with the device's name filled in", () => {
    assert.deepEqual(facts.reads.get(ordinalOf("active-power"))?.place, {
      ld: "DCPIBESS1",
      ln: "MMXU1",
      fc: "MX",
      path: ["TotW"],
    });
    const other = compileProfile(station(), { name: STATION, parameters: { ied: "ACME" } });
    assert.ok("profile" in other);
    assert.equal(other.profile.iec61850?.reads.get(0)?.place.ld, "ACMEBESS1");
  });

  it("has no registers", () => {
    assert.ok(profile.points.every(({ read, write }) => read === undefined && write === undefined));
    assert.equal(profile.points[ordinalOf("active-power-setpoint")]?.access, "rw");
    assert.equal(profile.points[ordinalOf("frequency")]?.access, "r");
  });

  it("writes only what has a write section", () => {
    assert.deepEqual(
      [...facts.writes.keys()].map((ordinal) => profile.points[ordinal]?.id),
      ["active-power-setpoint", "reactive-power-setpoint", "run-command"],
    );
  });

  it("names the instances of a report block in the order in which they are tried", () => {
    assert.deepEqual(
      facts.reports.map(({ name, blocks, dataSet, isBuffered }) => [
        name,
        blocks,
        dataSet,
        isBuffered,
      ]),
      [
        ["measurements", ["urcbMeas01", "urcbMeas02"], "DCPIBESS1/LLN0$dsMeas", false],
        ["states", ["brcbState01", "brcbState02"], "DCPIBESS1/LLN0$dsState", true],
      ],
    );
  });

  it("gives a selected object a second between two commands", () => {
    assert.equal(facts.writes.get(ordinalOf("run-command"))?.minimumIntervalMs, 1_000);
    assert.equal(facts.writes.get(ordinalOf("active-power-setpoint"))?.minimumIntervalMs, 0);
  });

  it("knows the states that are asserted again", () => {
    assert.deepEqual([...(facts.writes.get(ordinalOf("run-command"))?.reassert ?? [])], [0]);
  });
});

describe("mistakes in a profile of IEC 61850", () => {
  const cases: readonly (readonly [what: string, profile: () => Profile, message: RegExp])[] = [
    [
      "a reference that is none",
      () => withLine("frequency", (line) => ({ ...line, at: "MMXU1..Hz" })),
      /no data object/,
    ],
    [
      "a read without a constraint",
      () =>
        withLine("frequency", (line) => {
          const { fc: _fc, ...rest } = line;
          return rest;
        }),
      /needs at and fc/,
    ],
    [
      "what belongs to registers",
      () => withLine("frequency", (line) => ({ ...line, order: "CDAB" })),
      /"order" is of registers/,
    ],
    [
      "a state without codes",
      () =>
        withLine("health", (line) => {
          const { values: _values, ...rest } = line;
          return rest;
        }),
      /its values need their codes/,
    ],
    [
      "a code for a state that is none",
      () => withLine("health", (line) => ({ ...line, values: { "1": "splendid" } })),
      /no state of "health"/,
    ],
    [
      "a unit that is none of the point",
      () => withLine("frequency", (line) => ({ ...line, unit: "V" })),
      /give its unit/,
    ],
    [
      "a command to an object that takes none",
      () => withWrite("run-command", (write) => ({ ...write, control: "status-only" })),
      /status-only object takes no command/,
    ],
    [
      "a setpoint without a range",
      () =>
        withWrite("active-power-setpoint", (write) => {
          const { range: _range, ...rest } = write;
          return rest;
        }),
      /has no range/,
    ],
    [
      "a read-back of a number without a tolerance",
      () =>
        withWrite("active-power-setpoint", (write) => ({ ...write, readBack: { withinMs: 100 } })),
      /needs a tolerance/,
    ],
    [
      "steps around a write",
      () =>
        withWrite("active-power-setpoint", (write) => ({
          ...write,
          before: [{ at: "holding 1", raw: 1 }],
        })),
      /"before" is not for IEC 61850/,
    ],
    [
      "a number that is asserted again",
      () => withWrite("active-power-setpoint", (write) => ({ ...write, reassert: ["0"] })),
      /only states are re-asserted/,
    ],
    [
      "reports for a group that is not there",
      () => {
        const profile = station();
        const reports = (profile.iec61850?.reports ?? []).map((line) => ({ ...line, group: "x" }));
        return { ...profile, iec61850: { root: "A", ...profile.iec61850, reports } };
      },
      /there is no group "x"/,
    ],
    [
      "a device that speaks both ways",
      () => ({
        ...station(),
        identity: { ...station().identity, protocols: ["iec61850", "modbus-tcp"] },
      }),
      /files of their own/,
    ],
    [
      "no section of its own",
      () => {
        const { iec61850: _section, ...rest } = station();
        return rest;
      },
      /needs its section/,
    ],
  ];
  for (const [what, profile, message] of cases) {
    it(`are told: ${what}`, () => {
      only(problems(profile()), message);
    });
  }
});

describe("lint of a profile of IEC 61850", () => {
  it("lets a power setpoint that is selected first claim no fast answer", () => {
    const profile = withWrite("active-power-setpoint", (write) => ({
      ...write,
      control: "sbo-enhanced",
    }));
    only(lint(profile), /follows slow setpoints only/);
    const capabilities = (profile.capabilities ?? []).map((line) => ({
      ...line,
      responseMs: 2_000,
    }));
    assert.deepEqual(lint({ ...profile, capabilities }), []);
  });

  it("wants an integrity period of every group that comes by reports", () => {
    const profile = station();
    const groups = { ...profile.groups, fast: { everyMs: 0 } };
    only(lint({ ...profile, groups }), /integrity period, not 0/);
  });

  it("sees two points at one place, and two reports for one group", () => {
    only(
      lint(withLine("reactive-power", (line) => ({ ...line, at: "MMXU1.TotW", unit: "kvar" }))),
      /both read at/,
    );
    const profile = station();
    const reports = (profile.iec61850?.reports ?? []).map((line) => ({ ...line, group: "fast" }));
    only(
      lint({ ...profile, iec61850: { root: "A", ...profile.iec61850, reports } }),
      /for the same group/,
    );
  });

  it("wants every state shown by a vector", () => {
    const profile = withLine("health", (line) => ({
      ...line,
      values: { ...line.values, "4": "unknown" },
    }));
    only(lint(profile), /no vector shows "unknown" of "health"/);
  });
});
