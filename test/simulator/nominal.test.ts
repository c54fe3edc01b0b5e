import { strict as assert } from "node:assert";
import { compileProfile } from "../../src/profiles/compile.ts";
import type { Profile, Scalar } from "../../src/profiles/schema.ts";
import { nominalRegisters } from "../../src/simulator/nominal.ts";
import { profileWith } from "../profiles/builders.ts";

const LEAK: Partial<Profile> = {
  parameters: { input: { type: "string", default: "discrete 0" } },
  points: [
    { point: "x-leak", at: "{input}", type: "bool", group: "g" },
    { point: "x-text", at: "holding 20", type: "string", length: 2, group: "g" },
  ],
};

function nominalOf(
  parts: Partial<Profile>,
  parameters: Readonly<Record<string, Scalar>> = {},
  base?: Profile,
) {
  const profile = profileWith(parts);
  const library = () => base;
  const result = compileProfile(profile, { parameters, library });
  assert.ok("profile" in result, JSON.stringify(result));
  return nominalRegisters(profile, { compiled: result.profile, parameters, library });
}

describe("nominal registers", () => {
  it("stand where the site's parameters put them", () => {
    const given = { "{input}": "1", "holding 20": "4142 4344" };
    const parts = {
      ...LEAK,
      vectors: [{ name: "nominal", parameters: { input: "discrete 3" }, given }],
    };
    const text = { table: "holding", address: 20, words: [0x4142, 0x4344] } as const;
    assert.deepEqual(nominalOf(parts, { input: "discrete 5" }), [
      { table: "discrete", address: 5, words: [1] },
      text,
    ]);
    assert.deepEqual(nominalOf(parts), [{ table: "discrete", address: 0, words: [1] }, text]);
  });

  it("may be points of the models of the profile that is extended", () => {
    const model = { length: 4, points: { W: { offset: 3, type: "int16" as const } } };
    const point = { point: "active-power", at: "64201.W", unit: "W", group: "g" } as const;
    const base = profileWith({ models: { "64201": model }, points: [point] });
    const parts: Partial<Profile> = {
      extends: "acme/base",
      points: [],
      vectors: [{ name: "nominal", given: { "64201.W": "0007" } }],
    };
    const [words] = nominalOf(parts, {}, base);
    assert.deepEqual(words?.words, [7]);
  });

  it("are none without the vector", () => {
    assert.deepEqual(nominalOf(LEAK), []);
  });

  it("are refused when the vector gives what is no word", () => {
    const parts = { ...LEAK, vectors: [{ name: "nominal", given: { "holding 20": "41 4X44" } }] };
    assert.throws(() => nominalOf(parts), { code: "PROFILE_INVALID" });
  });
});
