import { strict as assert } from "node:assert";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { CONTROL_EVENTS } from "../../../src/control/plan.ts";
import { ALARM_CHAPTERS, alarmEntry, alarmIds } from "../../../src/domain/alarms/catalogue.ts";
import { operatorPage } from "../../../src/domain/alarms/operator-page.ts";
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
  ]);
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

  it("is docs/operator.md (alarms explain --markdown renews it)", () => {
    assert.equal(readFileSync("docs/operator.md", "utf8"), operatorPage());
  });
});
