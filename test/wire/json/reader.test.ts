import { strict as assert } from "node:assert";
import { type JsonPath, pointerOf, readJson } from "../../../src/wire/json/reader.ts";

const LIMITS = { maxDepth: 3, maxNodes: 5 };

const faultOf = (text: string) => {
  const read = readJson(text, LIMITS);
  return "value" in read ? undefined : read.failure.fault;
};

describe("JSON reader", () => {
  it("reads up to its limits and not one value beyond", () => {
    assert.equal(faultOf("[[[]]]"), undefined);
    assert.equal(faultOf("[[[[]]]]"), "too-deep");
    assert.equal(faultOf("[1,2,3,4]"), undefined);
    assert.equal(faultOf("[1,2,3,4,5]"), "too-many-members");
    assert.equal(faultOf(`{"a":{"b":1,"c":2,"d":3}}`), undefined);
    assert.equal(faultOf(`{"a":{"b":1,"c":2,"d":3,"e":4}}`), "too-many-members");
  });

  it("gives objects that have nothing but their members", () => {
    const read = readJson('{"a":{}}', LIMITS);
    assert.ok("value" in read);
    assert.equal(Object.getPrototypeOf(read.value), null);
    assert.equal("toString" in (read.value as object), false);
  });

  it("tells where every value begins, on its path", () => {
    const seen: [string, number][] = [];
    readJson(' {"a/b": [1, {"~": null}]}', LIMITS, (path: JsonPath, offset) => {
      seen.push([pointerOf(path), offset]);
    });
    assert.deepEqual(seen, [
      ["", 1],
      ["/a~1b", 9],
      ["/a~1b/0", 10],
      ["/a~1b/1", 13],
      ["/a~1b/1/~0", 19],
    ]);
  });

  it("says of a fault what it is, in which value and where in the text", () => {
    assert.deepEqual(readJson('{"a": [true, nope]}', LIMITS), {
      failure: {
        fault: "not-json",
        sentence: "a value is missing or malformed",
        path: ["a", 1],
        offset: 13,
      },
    });
    assert.deepEqual(readJson('{"n": 9007199254740993}', LIMITS), {
      failure: {
        fault: "number-not-exact",
        sentence: "this number is too large to be exact",
        path: ["n"],
        offset: 6,
      },
    });
  });

  it("cuts the parts of a pointer that a stranger chose", () => {
    assert.equal(pointerOf(["abcdef", 12, "~/"], 3), "/abc/12/~0~1");
    assert.equal(pointerOf([]), "");
  });
});
