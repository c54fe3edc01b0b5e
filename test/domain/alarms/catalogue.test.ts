import { strict as assert } from "node:assert";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { FLOOD } from "../../../src/alarms/alarm-board.ts";
import { SEVERITY_RANK } from "../../../src/alarms/alarm-record.ts";
import { CONTROL_EVENTS } from "../../../src/control/plan.ts";
import { LATCHES_UNREADABLE } from "../../../src/control/trips.ts";
import { ALARM_CHAPTERS, alarmEntry, alarmIds } from "../../../src/domain/alarms/catalogue.ts";
import { operatorPage } from "../../../src/domain/alarms/operator-page.ts";
import { alarmProcessing, speciallyProcessed } from "../../../src/domain/alarms/processing.ts";
import { gravestSeverity, SEVERITIES } from "../../../src/domain/alarms/severities.ts";
import type { Severity } from "../../../src/domain/event.ts";
import { ALARM_CATALOGUE } from "../../../src/points/alarm-catalogue.ts";

/** Names under `id` in what a profile says of alarms, wherever they stand. */
function alarmIdsIn(alarms: unknown): string[] {
  if (typeof alarms !== "object" || alarms === null) return [];
  return Object.entries(alarms).flatMap(([key, value]) =>
    key === "id" && typeof value === "string" ? [value] : alarmIdsIn(value),
  );
}

function filesBelow(folder: string, ending: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(ending))
    .map((name) => path.join(folder, name));
}

function toldByProfiles(): Set<string> {
  const profiles = filesBelow("device-profiles", ".json").filter(
    (file) => !file.endsWith("profile.schema.json"),
  );
  assert.ok(profiles.length >= 8);
  return new Set(
    profiles.flatMap((file) => {
      const profile = JSON.parse(readFileSync(file, "utf8")) as { readonly alarms?: unknown };
      return alarmIdsIn(profile.alarms);
    }),
  );
}

/** What the sources tell in so many words. Files of events name the type of one, or its phase. */
function toldBySources(): Set<string> {
  const told = new Set<string>();
  for (const file of filesBelow("src", ".ts")) {
    const text = readFileSync(file, "utf8");
    if (!text.includes("PlantEvent") && !text.includes("phase: ")) continue;
    for (const [, id = ""] of text.matchAll(/(?:\bid: |\bonce\(\s*)"([a-z]+(?:-[a-z]+)+)"/g))
      told.add(id);
  }
  return told;
}

function allTold(): Set<string> {
  return new Set([
    ...Object.keys(CONTROL_EVENTS),
    ...ALARM_CATALOGUE.map(({ id }) => id),
    ...toldByProfiles(),
    ...toldBySources(),
    ...alarmIds().flatMap((id) => alarmProcessing(id).gathersAs ?? []),
    FLOOD,
    LATCHES_UNREADABLE,
  ]);
}

/** With which severities each id is told, as far as the sources say it in so many words. */
function severitiesTold(): Map<string, Set<Severity>> {
  const told = new Map<string, Set<Severity>>();
  const note = (id: string, severity: Severity): void => {
    told.set(id, (told.get(id) ?? new Set()).add(severity));
  };
  for (const [id, severity] of Object.entries(CONTROL_EVENTS)) note(id, severity);
  for (const { id, levels } of ALARM_CATALOGUE)
    for (const { severity } of levels) note(id, severity);
  for (const { id, severity } of alarmsOfProfiles()) note(id, severity);
  return told;
}

interface ProfileAlarm {
  readonly id: string;
  readonly severity: Severity;
}

function alarmsOfProfiles(): ProfileAlarm[] {
  const found = (alarms: unknown): ProfileAlarm[] => {
    if (typeof alarms !== "object" || alarms === null) return [];
    const { id, severity } = alarms as Partial<ProfileAlarm>;
    const own = id === undefined || severity === undefined ? [] : [{ id, severity }];
    return [...own, ...Object.values(alarms).flatMap(found)];
  };
  return filesBelow("device-profiles", ".json").flatMap((file) =>
    found((JSON.parse(readFileSync(file, "utf8")) as { readonly alarms?: unknown }).alarms),
  );
}

describe("alarm catalogue", () => {
  it("has a page for everything that is told, by control, field, services or a profile", () => {
    const sources = toldBySources();
    for (const id of ["no-communication", "rounds-lost", "values-frozen", "latches-not-saved"])
      assert.ok(sources.has(id), `${id} is found where it is told`);
    const missing = [...allTold()].filter((id) => alarmEntry(id) === undefined);
    assert.deepEqual(missing, []);
  });

  it("has no page for what nobody tells", () => {
    const told = allTold();
    assert.deepEqual(
      alarmIds().filter((id) => !told.has(id)),
      [],
    );
  });

  it("says of each what it means, what was done, and what to do", () => {
    const ids = ALARM_CHAPTERS.flatMap(({ entries }) => entries.map(({ id }) => id));
    assert.equal(new Set(ids).size, ids.length, "each stands once");
    for (const { entries } of ALARM_CHAPTERS)
      for (const { id, means, done, remedy } of entries)
        for (const text of [means, done, remedy]) {
          assert.match(text, /^[A-Z].*\.$|^None\.$|^[A-Z].*\?.*\.$/, `${id}: a sentence`);
          assert.ok(!text.includes("|"), `${id}: fits into a table`);
        }
  });

  it("has for each the gravest severity that it is told with (src/domain/alarms/severities.ts)", () => {
    const listed = Object.values(SEVERITIES).flat();
    assert.deepEqual([...listed].sort(), [...alarmIds()].sort());
    const told = severitiesTold();
    assert.ok(told.size > 100);
    const wrong = [...told].flatMap(([id, severities]) => {
      const [gravest] = [...severities].sort((a, b) => SEVERITY_RANK[b] - SEVERITY_RANK[a]);
      return gravestSeverity(id) === gravest ? [] : [`${id}: ${String(gravest)}`];
    });
    assert.deepEqual(wrong, []);
  });

  it("processes only what it knows, and suppresses nothing by what is less grave", () => {
    const known = new Set(alarmIds());
    assert.deepEqual(
      speciallyProcessed().filter((id) => !known.has(id)),
      [],
    );
    for (const id of alarmIds()) {
      const { severity, suppressedBy, gathersAs } = alarmProcessing(id);
      for (const cause of suppressedBy) {
        const graver = gravestSeverity(cause);
        assert.ok(graver !== undefined, `${id} follows from ${cause}, which is an alarm`);
        assert.ok(SEVERITY_RANK[graver] >= SEVERITY_RANK[severity], `${id} by ${cause}`);
        assert.ok(
          !alarmProcessing(cause).suppressedBy.includes(id),
          `${id} and ${cause} in a ring`,
        );
      }
      if (gathersAs !== undefined) assert.ok(known.has(gathersAs));
    }
  });

  it("delays a trip never, and lets chatter of any other alarm be one", () => {
    for (const id of alarmIds()) {
      const { severity, onDelayMs, offDelayMs, canBeShelved } = alarmProcessing(id);
      if (severity === "trip")
        assert.deepEqual([onDelayMs, offDelayMs, canBeShelved], [0, 0, false]);
      if (severity === "critical") assert.ok(onDelayMs <= 3_000 && offDelayMs > 0, id);
      assert.ok(onDelayMs <= 10_000 && offDelayMs <= 60_000, id);
    }
  });

  it("has a deadband and delays for every limit on a measured value", () => {
    for (const { id, hysteresis, offDelayMs, onDelayMs } of ALARM_CATALOGUE) {
      assert.ok(hysteresis > 0, `${id}: deadband`);
      assert.ok(offDelayMs > 0, `${id}: off-delay`);
      assert.ok(onDelayMs + alarmProcessing(id).onDelayMs > 0, `${id}: on-delay`);
    }
  });

  it("is docs/operator.md (alarms explain --markdown renews it)", () => {
    assert.equal(readFileSync("docs/operator.md", "utf8"), operatorPage());
  });
});
