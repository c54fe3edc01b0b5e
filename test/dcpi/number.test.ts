import { strict as assert } from "node:assert";
import fc from "fast-check";
import { NUMBER_MAX_BYTES, shortNumber, writeNumber } from "../../src/dcpi/number.ts";
import { asText } from "./plant.ts";

function written(value: number): string {
  const bytes = new Uint8Array(NUMBER_MAX_BYTES + 1).fill(0x21);
  const end = writeNumber(bytes, 0, value);
  assert.ok(end <= NUMBER_MAX_BYTES, `${value} takes ${end} bytes`);
  return asText(bytes.subarray(0, end));
}

describe("numbers of a message", () => {
  const cases: readonly (readonly [number, string])[] = [
    [0, "0"],
    [-0, "0"],
    [7, "7"],
    [-1, "-1"],
    [10, "10"],
    [9_999_999, "9999999"],
    [10_000_000, "10000000"],
    [25_753_800, "25753800"],
    [1_764_000_000_000, "1764000000000"],
    [999_999_999_999_999, "999999999999999"],
    [1e15, "1000000000000000"],
    [-1e300, "-1e+300"],
    [1457 * 0.1, "145.7"],
    [-1457 * 0.1, "-145.7"],
    [0.1 + 0.2, "0.3"],
    [3 * 0.001, "0.003"],
    [4_294_967_295 * 0.1, "429496729.5"],
    [Math.fround(49.98), "49.98"],
    [Math.fround(0.1), "0.1"],
    [Math.fround(123_456.79), "123456.79"],
    [Math.fround(25_753.8) * 1_000, "25753800.8"],
    [0.5, "0.5"],
    [100.05, "100.05"],
    [1 / 3, "0.333333333"],
    [-2 / 3, "-0.666666667"],
    [99.999_999_999_9, "100"],
    [1e-7, "0.0000001"],
    [1.5e-12, "1.5e-12"],
  ];
  for (const [value, text] of cases) {
    it(`writes ${value} as ${text}`, () => {
      assert.equal(written(value), text);
      assert.equal(shortNumber(value), Number(text));
    });
  }

  it("gives back every float32 exactly, in JSON that any parser reads", () => {
    const float32 = fc.float({ noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(float32, (value) => {
        assert.equal(Math.fround(JSON.parse(written(value)) as number), value + 0);
      }),
      { numRuns: 2_000 },
    );
  });

  it("gives back every scaled register exactly", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -2_147_483_648, max: 4_294_967_295 }),
        fc.integer({ min: 0, max: 3 }),
        (raw, decimals) => {
          const value = raw * 10 ** -decimals;
          const exact = Number(`${raw}e-${decimals}`);
          const text = written(value);
          // Nine digits that happen to be a float32 are written as one.
          const isFloat32 = Math.fround(exact) === exact && Math.abs(raw) > 99_999_999;
          if (isFloat32) assert.equal(Math.fround(Number(text)), exact + 0);
          else assert.equal(Number(text), exact + 0);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it("never changes a number by more than nine digits allow", () => {
    const any = fc.double({ noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(any, (value) => {
        const read = JSON.parse(written(value)) as number;
        assert.ok(Math.abs(read - value) <= Math.abs(value) * 5e-9);
        assert.equal(shortNumber(value), read);
      }),
      { numRuns: 2_000 },
    );
  });
});
