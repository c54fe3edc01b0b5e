import { strict as assert } from "node:assert";
import fc from "fast-check";
import { readUtf8, utf8Bytes, utf8Length, writeUtf8 } from "../../src/domain/utf8.ts";

function encode(text: string, maxBytes = 1_000_000): Uint8Array {
  const bytes = new Uint8Array(text.length * 3 + 4);
  return bytes.slice(0, writeUtf8(bytes, 0, text, maxBytes));
}

describe("utf-8", () => {
  it("writes what the platform's encoder writes, lone surrogates included", () => {
    const units = fc.array(fc.nat(0xffff)).map((codes) => String.fromCharCode(...codes));
    fc.assert(
      fc.property(fc.oneof(units, fc.string({ unit: "binary" })), (text) => {
        assert.deepEqual(encode(text), new TextEncoder().encode(text));
        assert.deepEqual(utf8Bytes(text), new TextEncoder().encode(text));
        assert.equal(utf8Length(text), new TextEncoder().encode(text).length);
      }),
    );
  });

  it("reads what the platform's strict decoder reads, and refuses what it refuses", () => {
    const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    const byte = fc.oneof(fc.nat(255), fc.constantFrom(0xc2, 0xe0, 0xed, 0xf0, 0xf4, 0x80, 0xbf));
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 12 }), (list) => {
        const bytes = Uint8Array.from(list);
        let expected: string | undefined;
        try {
          expected = strict.decode(bytes);
        } catch {
          expected = undefined;
        }
        assert.equal(readUtf8(bytes, 0, bytes.length), expected);
      }),
      { numRuns: 20_000 },
    );
  });

  it("reads long texts and every character up to the last", () => {
    const text = "aß€\u{10ffff}".repeat(3_000);
    const bytes = encode(text);
    assert.equal(readUtf8(bytes, 0, bytes.length), text);
  });

  it("cuts between two characters, never inside one", () => {
    assert.deepEqual(encode("a€b", 3), new TextEncoder().encode("a"));
    assert.deepEqual(encode("a€b", 4), new TextEncoder().encode("a€"));
    assert.deepEqual(encode("abc", 2), new TextEncoder().encode("ab"));
    const bytes = new Uint8Array(6);
    assert.equal(writeUtf8(bytes, 2, "ab€"), 4, "no room behind the memory");
  });
});
