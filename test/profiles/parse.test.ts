import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { canonicalHash, canonicalJson } from "../../src/profiles/canonical-json.ts";
import { parseJson } from "../../src/profiles/json.ts";
import { locate, parseProfile } from "../../src/profiles/parse.ts";
import { profileSchema } from "../../src/profiles/schema.ts";
import { pointerPart } from "../../src/wire/json/reader.ts";
import { profileWith } from "./builders.ts";

function problemsIn(text: string): readonly string[] {
  const result = parseProfile(text);
  if ("profile" in result) return [];
  return result.problems.map(({ line, column, message }) => `${line}:${column} ${message}`);
}

/** A valid profile with one part replaced, one key a line. */
function textWith(part: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ ...profileWith({}), ...part }, undefined, 1);
}

const POINT = { point: "x-a", at: "holding 1", type: "int16", unit: "W", group: "g" };

describe("reading JSON with positions", () => {
  it("gives what JSON.parse gives", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const result = parseJson(text);
        // What two readers may take differently is refused on purpose; objects have no prototype.
        if ("value" in result)
          assert.deepEqual(JSON.parse(JSON.stringify(result.value)), JSON.parse(text));
        else assert.match(result.problem, /stands twice|not allowed|to be exact|half a character/);
      }),
    );
  });

  it("knows where every value stands", () => {
    const result = parseJson('{\n  "a": [1,\n    {"b/c~": "x"}]\n}');
    assert.ok("positions" in result);
    assert.deepEqual(result.positions.get(""), { line: 1, column: 1 });
    assert.deepEqual(result.positions.get("/a/0"), { line: 2, column: 9 });
    assert.deepEqual(result.positions.get(`/a/1${pointerPart("b/c~")}`), { line: 3, column: 14 });
    assert.deepEqual(locate(result.positions, "/a/1/nothing/there"), { line: 3, column: 5 });
    assert.deepEqual(locate(result.positions, "/z"), { line: 1, column: 1 });
  });

  const broken: readonly (readonly [string, string, number, number])[] = [
    ['{"a": 1, "a": 2}', 'the key "a" stands twice in this object', 1, 10],
    ['{"a" 1}', 'a colon is missing after "a"', 1, 6],
    ['{"a": 1 "b": 2}', "a comma or a closing brace is missing here", 1, 9],
    ["[1 2]", "a comma or a closing bracket is missing here", 1, 4],
    ['{\n"a": tru}', "a value is missing or malformed", 2, 6],
    ['{"a": 01}', "a comma or a closing brace is missing here", 1, 8],
    ['{"a": "x}', "this text is not closed or has a bad escape", 1, 7],
    ["{a: 1}", "a key in double quotes is missing here", 1, 2],
    ["{} x", "there is text after the end of the object", 1, 4],
    ['{"__proto__": 1}', "this key is not allowed", 1, 2],
    ["", "a value is missing or malformed", 1, 1],
    ["[".repeat(40), "values are nested too deeply", 1, 34],
  ];
  for (const [text, problem, line, column] of broken) {
    it(`says of ${text.slice(0, 20)}: ${problem}`, () => {
      assert.deepEqual(parseJson(text), { problem, position: { line, column } });
    });
  }
});

describe("parsing a profile", () => {
  it("takes a profile of the right form", () => {
    assert.deepEqual(problemsIn(textWith({ points: [POINT] })), []);
  });

  const wrong: readonly (readonly [Readonly<Record<string, unknown>>, RegExp])[] = [
    [{ format: 2 }, /^\d+:12 "format" must be one of: 1$/],
    [{ version: "1.0" }, /"version" does not have the form of/],
    [{ status: "done" }, /"status" must be one of: draft, checked, proven/],
    [{ colour: "red" }, /"colour" is not a key of a profile/],
    [{ points: [{ ...POINT, adress: 1 }] }, /"adress" is not a key of a point/],
    [{ points: [{ at: "holding 1" }] }, /a point needs "point"/],
    [{ points: [{ ...POINT, type: "int17" }] }, /"type" must be one of: uint16, int16/],
    [{ points: [{ ...POINT, order: "ACBD" }] }, /"order" must be a byte order or a \$selector/],
    [{ points: [{ ...POINT, scale: "0.1" }] }, /"scale" must be a number or a \$selector/],
    [{ points: [{ ...POINT, absent: { XYZ: "a" } }] }, /"XYZ" is not a key of hex patterns/],
    [{ points: [{ ...POINT, slice: [64, 1] }] }, /entry 0 must be <= 63/],
    [
      { points: [{ ...POINT, write: { function: 3 } }] },
      /"function" must be one of: 5, 6, 15, 16, 22/,
    ],
    [
      { points: [{ ...POINT, write: { readBack: true } }] },
      /"readBack" must be false or a read-back rule/,
    ],
    [{ points: [{ ...POINT, write: { readBack: {} } }] }, /a read-back rule needs "withinMs"/],
    [
      { points: [{ ...POINT, write: { readBack: { withinMs: 1, x: 1 } } }] },
      /"x" is not a key of a read-back rule/,
    ],
    [{ modbus: { maxRead: 126 } }, /"maxRead" must be <= 125/],
    [{ modbus: { notation: "hex" } }, /"notation" must be a notation name or an offset notation/],
    [{ modbus: { notation: {} } }, /an offset notation needs "offset"/],
    [{ quirks: [{ quirk: "odd", why: "so" }] }, /"quirk" must be one of: read-back-leads-actuator/],
    [{ identity: 5 }, /"identity" must be an object/],
    [{ keepAlive: { k: { everyMs: 0, onLoss: "x" } } }, /"everyMs" must be > 0/],
    [
      { vectors: [{ name: "n", expectWrite: "refused" }] },
      /"expectWrite" must be refused\/<reason> or an object/,
    ],
  ];
  for (const [part, sentence] of wrong) {
    it(`says ${String(sentence)}`, () => {
      const problems = problemsIn(textWith(part));
      assert.equal(problems.length, 1, problems.join("; "));
      assert.match(problems[0] ?? "", sentence);
    });
  }

  it("says all that is wrong at once, each at its line", () => {
    const text = textWith({ status: "done", points: [{ ...POINT, type: "int17", extra: 1 }] });
    const lines = text.split("\n");
    const lineOf = (key: string): number =>
      lines.findIndex((line) => line.includes(`"${key}"`)) + 1;
    const numbers = problemsIn(text).map((problem) => Number(problem.split(":")[0]));
    assert.deepEqual(
      [...numbers].sort((a, b) => a - b),
      [lineOf("status"), lineOf("type"), lineOf("extra")],
    );
  });

  it("refuses what is no JSON, with the place", () => {
    assert.deepEqual(problemsIn('{\n "format": 1,\n "format": 1 }'), [
      '3:2 the key "format" stands twice in this object',
    ]);
  });

  it("refuses a file that is too large before reading it", () => {
    const large = textWith({ note: "ä".repeat(140 * 1024) });
    assert.deepEqual(problemsIn(large), ["1:1 the file is larger than 256 KiB"]);
    assert.deepEqual(problemsIn(textWith({ note: "a".repeat(140 * 1024) })), []);
  });

  it("takes the sections of protocols that are not compiled", () => {
    const parts = {
      opcua: { namespaces: { dev: "urn:example:chiller" }, limits: { maxMonitoredItems: 500 } },
      iec61850: {
        edition: "2.1",
        root: "{ied}{ld}",
        reports: [{ name: "slow", group: "live", block: "LLN0.rp", buffered: true }],
      },
      groups: { live: { publishingMs: 500, samplingMs: 250, queue: 1, fallbackPollMs: 2000 } },
      points: [
        { point: "x-a", at: "MMXU1.TotW.mag.f", fc: "MX", invertWhen: { frame: "consumer" } },
      ],
    };
    assert.deepEqual(problemsIn(textWith(parts)), []);
  });
});

describe("the published schema", () => {
  it("is the one beside the profiles", () => {
    const file = new URL("../../device-profiles/profile.schema.json", import.meta.url);
    assert.deepEqual(JSON.parse(readFileSync(file, "utf8")), profileSchema());
  });
});

describe("canonical JSON", () => {
  it("sorts keys by code unit and leaves no space", () => {
    const value = { b: [1, true, null], a: { "\u20ac": 1, "\r": 2, "1": 3 }, c: undefined };
    assert.equal(canonicalJson(value), '{"a":{"\\r":2,"1":3,"€":1},"b":[1,true,null]}');
  });

  it("writes numbers as RFC 8785 does", () => {
    const numbers = [333333333.33333329, 1e30, 4.5, 2e-3, 0.000000000000000000000000001, -0];
    assert.equal(canonicalJson(numbers), "[333333333.3333333,1e+30,4.5,0.002,1e-27,0]");
  });

  it("has a hash that does not depend on the order of keys", () => {
    assert.equal(canonicalHash({ a: 1, b: 2 }), canonicalHash({ b: 2, a: 1 }));
    assert.notEqual(canonicalHash({ a: 1 }), canonicalHash({ a: 2 }));
    assert.match(canonicalHash({}), /^[0-9a-f]{64}$/);
  });
});
