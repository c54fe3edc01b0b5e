import { strict as assert } from "node:assert";
import fc from "fast-check";
import { ByteReader } from "../../src/recorder/byte-reader.ts";
import { ByteWriter } from "../../src/recorder/byte-writer.ts";
import { readPlain, writePlain } from "../../src/recorder/plain.ts";

function bytesOf(value: unknown): Uint8Array {
  const out = new ByteWriter(1_048_576);
  writePlain(out, value);
  assert.equal(out.isFull, false);
  return out.written().slice();
}

function copyOf<T>(value: T): T {
  const bytes = new ByteReader(bytesOf(value));
  const copy = readPlain(bytes);
  assert.equal(bytes.left, 0);
  return copy as T;
}

const numbers = [0, -0, 1, -1, 2 ** 28, 2 ** 53, 0.1, 5e-324, NaN, Infinity, -Infinity, 1e308];

describe("plain data as bytes", () => {
  it("keeps every bit of a number", () => {
    for (const number of numbers) assert.ok(Object.is(copyOf(number), number), String(number));
    const column = Float64Array.from(numbers);
    for (const [at, number] of copyOf(column).entries())
      assert.ok(Object.is(number, numbers[at]), String(number));
  });

  it("keeps what JSON would lose", () => {
    const value = {
      nothing: undefined,
      none: null,
      map: new Map<unknown, unknown>([
        ["b", new Set([2, 1])],
        ["a", undefined],
      ]),
      bytes: Uint8Array.of(0, 255),
      wholes: Uint32Array.of(4_294_967_295),
      links: Int32Array.of(-1),
      list: [undefined, [], {}],
      text: "Öl − ∞ 🔋",
    };
    assert.deepEqual(copyOf(value), value);
    assert.deepEqual([...copyOf(value).map.keys()], ["b", "a"]);
    assert.ok("nothing" in copyOf(value));
  });

  it("keeps who shares an object with whom", () => {
    const shared = { powersW: new Float64Array(2) };
    const copy = copyOf({ a: shared, b: [shared, shared.powersW] });
    assert.equal(copy.b[0], copy.a);
    assert.equal(copy.b[1], copy.a.powersW);
  });

  it("gives equal values equal bytes, whichever NaN they have", () => {
    const odd = new Float64Array(1);
    new Uint32Array(odd.buffer).set([7, 0xfff80000]);
    assert.ok(Number.isNaN(odd[0]));
    assert.deepEqual(bytesOf(odd), bytesOf(Float64Array.of(NaN)));
    assert.deepEqual(bytesOf(odd[0]), bytesOf(NaN));
  });

  it("comes back as it was, whatever it is", () => {
    const plain = fc.anything({
      withMap: true,
      withSet: true,
      withNullPrototype: false,
      maxDepth: 4,
    });
    fc.assert(
      fc.property(plain, (value) => {
        assert.deepEqual(copyOf(value), value);
      }),
      { numRuns: 500 },
    );
  });

  it("refuses what is no plain data, and what has no end", () => {
    assert.throws(() => bytesOf(() => 1), /no plain data/);
    assert.throws(() => bytesOf(new Date(0)), /no classes/);
    assert.throws(() => bytesOf(new Float64Array(4).subarray(1)), /memory/);
  });

  it("says that there was no room, and writes nothing half", () => {
    const out = new ByteWriter(16);
    writePlain(out, { long: "sixteen bytes are not enough" });
    assert.equal(out.isFull, true);
    assert.ok(out.length <= 16);
  });

  it("calls any other bytes unreadable, and nothing worse", () => {
    const good = bytesOf({ a: [1, 2, { b: "text" }], c: new Map([["d", Float64Array.of(1)]]) });
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(255), (place, byte) => {
        const bad = good.slice();
        bad[place] = byte;
        try {
          readPlain(new ByteReader(bad));
        } catch (error) {
          assert.equal((error as { code?: string }).code, "FILE_UNREADABLE");
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
