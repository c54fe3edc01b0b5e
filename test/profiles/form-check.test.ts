import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { parse } from "yaml";
import { demoSiteText } from "../../src/app/demo/site.ts";
import { SAMPLE_SITE } from "../../src/config/sample.ts";
import { SiteConfig } from "../../src/config/schema.ts";
import { FormCheck } from "../../src/profiles/form-check.ts";
import { PROFILE_SCHEMA } from "../../src/profiles/schema.ts";

type Place = readonly [holder: Record<string, unknown>, key: string];

/** Keywords that the walk and the compiled schema take in the same way. */
const KNOWN = new Set(
  (
    "type title description default properties required additionalProperties patternProperties " +
    "minProperties maxProperties items additionalItems minItems maxItems minLength maxLength " +
    "pattern minimum maximum exclusiveMinimum exclusiveMaximum anyOf const enum $schema $id"
  ).split(" "),
);
/** Of a key whose values are names, not keywords. */
const NAMING = new Set(["properties", "patternProperties"]);

const ODD_VALUES: readonly unknown[] = [
  null,
  true,
  "",
  "a",
  "grid-meter",
  "holding 40001",
  "\u{1f600}",
  0,
  1,
  -1,
  0.5,
  1e9,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  [],
  [1],
  ["a", "b"],
  {},
  { id: "a" },
];

const profiles = readdirSync("device-profiles", { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".json") && file !== "profile.schema.json")
  .map((file) => readFileSync(`device-profiles/${file}`, "utf8"))
  .map((text): unknown => JSON.parse(text));
const sites: readonly unknown[] = [
  parse(SAMPLE_SITE),
  parse(
    demoSiteText({
      basePort: 1_000,
      mqttPort: 2_000,
      directory: "data",
      runtimeDirectory: "run",
      hasStations: true,
    }),
  ),
];

const DOCUMENTS = [
  { name: "a site file", schema: SiteConfig, hasDefaults: true, documents: sites },
  { name: "a profile", schema: PROFILE_SCHEMA, hasDefaults: false, documents: profiles },
] as const;

for (const { name, schema, hasDefaults, documents } of DOCUMENTS) {
  describe(`the form of ${name}`, function () {
    this.timeout(60_000);
    const form = new FormCheck(schema, { hasDefaults });

    it("is asked for by keywords only that the walk knows", () => {
      const strange = keywordsOf(schema).filter((keyword) => !KNOWN.has(keyword));
      assert.deepEqual(strange, []);
      for (const length of valuesOf(schema, "minLength")) assert.ok(Number(length) <= 1);
    });

    it("is found sound without the compiled schema", () => {
      form.explain = () => assert.fail("compiled for a sound document");
      for (const document of documents) assert.ok("value" in form.look(document));
      Reflect.deleteProperty(form, "explain");
    });

    it("has no place for a key of the name __proto__", () => {
      const key = JSON.parse('{"__proto__": {"a": 1}}') as object;
      for (const document of documents)
        assert.ok("errors" in form.look({ ...(document as object), ...key }));
    });

    it("is the same, defaults and all, for the walk and for the compiled schema", () => {
      const keys = [...new Set([...namesOf(schema), "x-unknown", "constructor"])];
      const change = fc.record({
        at: fc.nat(),
        key: fc.constantFrom(...keys),
        value: fc.oneof(fc.constantFrom(...ODD_VALUES), fc.nat().map(String)),
        kind: fc.constantFrom("remove", "replace", "add", "copy"),
        other: fc.nat(),
      });
      const changed = fc.record({
        document: fc.constantFrom(...documents),
        changes: fc.array(change, { minLength: 1, maxLength: 3 }),
      });
      let sound = 0;
      fc.assert(
        fc.property(changed, ({ document, changes }) => {
          const mutant: unknown = structuredClone(document);
          for (const one of changes) alter(mutant, one);
          const walked = form.look(structuredClone(mutant));
          const compiled = form.explain(structuredClone(mutant));
          assert.deepEqual(walked, compiled);
          if ("value" in walked) sound += 1;
        }),
        { numRuns: 1_500 },
      );
      assert.ok(sound > 40, `${sound} mutants were sound`);
    });
  });
}

interface Change {
  readonly at: number;
  readonly key: string;
  readonly value: unknown;
  readonly kind: "remove" | "replace" | "add" | "copy";
  readonly other: number;
}

function alter(document: unknown, { at, key, value, kind, other }: Change): void {
  const places = placesIn(document);
  const place = places[at % places.length];
  const from = places[other % places.length];
  if (place === undefined || from === undefined) return;
  const [holder, name] = place;
  if (kind === "replace") holder[name] = value;
  else if (kind === "copy") holder[name] = structuredClone(from[0][from[1]]);
  else if (kind === "remove" && Array.isArray(holder)) holder.splice(Number(name), 1);
  else if (kind === "remove") Reflect.deleteProperty(holder, name);
  else if (Array.isArray(holder)) holder.push(value);
  else holder[key] = value;
}

function placesIn(value: unknown): readonly Place[] {
  if (typeof value !== "object" || value === null) return [];
  const holder = value as Record<string, unknown>;
  return Object.keys(holder).flatMap((key) => [[holder, key] as const, ...placesIn(holder[key])]);
}

function keywordsOf(schema: unknown): readonly string[] {
  if (Array.isArray(schema)) return schema.flatMap(keywordsOf);
  if (typeof schema !== "object" || schema === null) return [];
  return Object.entries(schema as Record<string, unknown>).flatMap(([key, value]) => {
    if (["default", "enum", "const", "required"].includes(key)) return [key];
    const inner = NAMING.has(key) ? Object.values(value as object) : value;
    return [key, ...keywordsOf(inner)];
  });
}

function valuesOf(schema: unknown, keyword: string): readonly unknown[] {
  return placesIn(schema)
    .filter(([, key]) => key === keyword)
    .map(([holder, key]) => holder[key]);
}

function namesOf(schema: unknown): readonly string[] {
  return valuesOf(schema, "properties").flatMap((names) => Object.keys(names as object));
}
