import { strict as assert } from "node:assert";
import fc from "fast-check";
import { JSON_MAX_BYTES, parseStrictJson } from "../../src/dcpi/strict-json.ts";

const parse = (text: string) => parseStrictJson(new TextEncoder().encode(text));

describe("strict JSON", () => {
  it("reads what every JSON parser reads, with the same result", () => {
    const key = fc
      .string()
      .filter((name) => !["__proto__", "constructor", "prototype"].includes(name));
    const leaf = fc.oneof(
      fc.string({ unit: "grapheme" }),
      fc.boolean(),
      fc.constant(null),
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e15, max: 1e15 }),
    );
    const value = fc.letrec((tie) => ({
      any: fc.oneof({ maxDepth: 4 }, leaf, tie("list"), tie("map")),
      list: fc.array(tie("any"), { maxLength: 5 }),
      map: fc.dictionary(key, tie("any"), { maxKeys: 5 }),
    })).any;
    fc.assert(
      fc.property(value, fc.integer({ min: 0, max: 3 }), (given, indent) => {
        const text = JSON.stringify(given, undefined, indent);
        const read = parse(text);
        assert.ok("value" in read, JSON.stringify(read));
        assert.deepEqual(JSON.parse(JSON.stringify(read.value)), JSON.parse(text));
      }),
      { numRuns: 500 },
    );
  });

  const refused: readonly (readonly [what: string, text: string, fault: string, at: string])[] = [
    ["a key twice", '{"kw":5,"kw":5000}', "duplicate-key", "/kw"],
    ["a key twice, once escaped", '{"kw":5,"\\u006bw":5000}', "duplicate-key", "/kw"],
    ["a deep key twice", '{"a":[{"b":1,"b":2}]}', "duplicate-key", "/a/0/b"],
    ["__proto__", '{"__proto__":{"a":1}}', "forbidden-key", "/__proto__"],
    ["constructor", '{"a":{"constructor":1}}', "forbidden-key", "/a/constructor"],
    ["nine levels", "[[[[[[[[[1]]]]]]]]]", "too-deep", "/0/0/0/0/0/0/0/0"],
    ["a byte order mark", "\ufeff{}", "byte-order-mark", ""],
    ["an integer beyond 2^53", '{"n":9007199254740993}', "number-not-exact", "/n"],
    ["a number beyond all", '{"n":1e400}', "number-not-exact", "/n"],
    ["NaN", '{"n":NaN}', "not-json", "/n"],
    ["a leading zero", '{"n":01}', "not-json", ""],
    ["a plus sign", '{"n":+1}', "not-json", "/n"],
    ["a bare point", '{"n":.5}', "not-json", "/n"],
    ["a trailing comma", '{"a":1,}', "not-json", ""],
    ["a trailing comma in a list", "[1,]", "not-json", "/1"],
    ["a comment", '{"a":1}//', "not-json", ""],
    ["a second value", "{}{}", "not-json", ""],
    ["nothing", "", "not-json", ""],
    ["a single quote", "{'a':1}", "not-json", ""],
    ["a raw line feed in a string", '{"a":"\n"}', "not-json", "/a"],
    ["an unknown escape", '{"a":"\\x41"}', "not-json", "/a"],
    ["a short escape", '{"a":"\\u12"}', "not-json", "/a"],
    ["an unclosed string", '{"a":"b', "not-json", "/a"],
    ["an unclosed object", '{"a":1', "not-json", ""],
    ["a missing colon", '{"a" 1}', "not-json", "/a"],
    ["a lone surrogate", '{"a":"\\ud800"}', "lone-surrogate", "/a"],
    ["five thousand elements", `[${"0,".repeat(5_000)}0]`, "too-many-members", "/4095"],
    ["a pointer that needs escapes", '{"a/b~c":nope}', "not-json", "/a~1b~0c"],
  ];
  for (const [what, text, fault, at] of refused) {
    it(`refuses ${what} and says where`, () => {
      assert.deepEqual(parse(text), { fault, at });
    });
  }

  it("takes eight levels, and a paired surrogate", () => {
    assert.ok("value" in parse("[[[[[[[[1]]]]]]]]"));
    assert.deepEqual(parse('"\\ud83d\\ude00"'), { value: "😀" });
  });

  it("refuses a message that is too long before it reads it", () => {
    const long = new Uint8Array(JSON_MAX_BYTES + 1).fill(0x20);
    assert.deepEqual(parseStrictJson(long), { fault: "too-long", at: "" });
  });

  const malformed: readonly (readonly number[])[] = [
    [0x22, 0xc0, 0xaf, 0x22],
    [0x22, 0xe0, 0x80, 0xaf, 0x22],
    [0x22, 0xed, 0xa0, 0x80, 0x22],
    [0x22, 0xf4, 0x90, 0x80, 0x80, 0x22],
    [0x22, 0xf8, 0x88, 0x80, 0x80, 0x80, 0x22],
    [0x22, 0xe2, 0x82, 0x22],
    [0x22, 0x80, 0x22],
    [0xff],
    [0xe2, 0x82],
  ];
  for (const bytes of malformed) {
    it(`refuses the bytes ${bytes.map((byte) => byte.toString(16)).join(" ")}`, () => {
      assert.deepEqual(parseStrictJson(Uint8Array.from(bytes)), { fault: "not-utf-8", at: "" });
    });
  }
});
