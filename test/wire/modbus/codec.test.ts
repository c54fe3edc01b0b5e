import assert from "node:assert/strict";
import fc from "fast-check";
import {
  encodeBits,
  encodeNumber,
  encodeString,
  hexOfWord,
  isWholeType,
  numberLimits,
  readBit,
  readHighBits,
  readLowBits,
  readNumber,
  readString,
  readWhole,
  sliceOf,
} from "../../../src/wire/modbus/codec.ts";
import { REGISTERS_BY_TYPE } from "../../../src/wire/modbus/registers.ts";
import type { ByteOrder, NumberType } from "../../../src/wire/modbus/registers.ts";

function viewOf(hex: string): DataView {
  const bytes = hex.replaceAll(" ", "").match(/../g) ?? [];
  return new DataView(Uint8Array.from(bytes, (byte) => Number.parseInt(byte, 16)).buffer);
}

function viewOfWords(words: readonly number[]): DataView {
  const view = new DataView(new ArrayBuffer(words.length * 2));
  words.forEach((word, index) => {
    view.setUint16(index * 2, word);
  });
  return view;
}

const TYPES = Object.keys(REGISTERS_BY_TYPE) as NumberType[];

function ordersOf(type: NumberType): readonly ByteOrder[] {
  switch (REGISTERS_BY_TYPE[type]) {
    case 1:
      return ["AB", "BA"];
    case 2:
    case 3:
      return ["ABCD", "CDAB", "BADC", "DCBA"];
    case 4:
      return ["ABCDEFGH", "GHEFCDAB", "BADCFEHG", "HGFEDCBA"];
  }
}

/** Wire bytes, type, order, number: from data sheets and protocol documents. */
const TABLE: readonly (readonly [string, NumberType, ByteOrder, number])[] = [
  // OpenEMS KACO gridsave test values: 250 and -250.
  ["00fa", "uint16", "AB", 250],
  ["ff06", "int16", "AB", -250],
  ["06ff", "int16", "BA", -250],
  ["fa00", "uint16", "BA", 250],
  ["fffe", "sunssf", "AB", -2],
  // 123456.789 W as an IEEE 754 single in the four orders that meters use.
  ["47f12065", "float32", "ABCD", 123_456.789_062_5],
  ["206547f1", "float32", "CDAB", 123_456.789_062_5],
  ["f1476520", "float32", "BADC", 123_456.789_062_5],
  ["6520f147", "float32", "DCBA", 123_456.789_062_5],
  ["3f800000", "float32", "ABCD", 1],
  ["0001e240", "uint32", "ABCD", 123_456],
  ["e2400001", "uint32", "CDAB", 123_456],
  ["010040e2", "uint32", "BADC", 123_456],
  ["40e20100", "uint32", "DCBA", 123_456],
  ["fffe1dc0", "int32", "ABCD", -123_456],
  ["1dc0fffe", "int32", "CDAB", -123_456],
  ["0000000000bc614e", "uint64", "ABCDEFGH", 12_345_678],
  ["614e00bc00000000", "uint64", "GHEFCDAB", 12_345_678],
  ["00000000bc004e61", "uint64", "BADCFEHG", 12_345_678],
  ["4e61bc0000000000", "uint64", "HGFEDCBA", 12_345_678],
  ["ffffffffff439eb2", "int64", "ABCDEFGH", -12_345_678],
  ["400921fb54442d18", "float64", "ABCDEFGH", Math.PI],
  ["2d18544421fb4009", "float64", "GHEFCDAB", Math.PI],
  ["1234", "bcd16", "AB", 1234],
  ["12345678", "bcd32", "ABCD", 12_345_678],
  ["56781234", "bcd32", "CDAB", 12_345_678],
  ["1234567890123456", "bcd64", "ABCDEFGH", 1_234_567_890_123_456],
  ["04d2162e", "mod10k32", "ABCD", 12_345_678],
  ["000104d2162e", "mod10k48", "ABCD", 112_345_678],
  ["162e04d20001", "mod10k48", "CDAB", 112_345_678],
  ["000004d2162e270f", "mod10k64", "ABCDEFGH", 123_456_789_999],
  ["8005", "signmag16", "AB", -5],
  ["0005", "signmag16", "AB", 5],
  ["0580", "signmag16", "BA", -5],
  ["800186a0", "signmag32", "ABCD", -100_000],
  ["a1b2", "uint8-high", "AB", 0xa1],
  ["a1b2", "uint8-low", "AB", 0xb2],
  ["a1b2", "uint8-high", "BA", 0xb2],
  ["a1b2", "uint8-low", "BA", 0xa1],
];

/** Raw numbers that the type holds and a double tells apart. */
function numbersOf(type: NumberType): fc.Arbitrary<number> {
  if (type === "float32") return fc.float({ noNaN: true, noDefaultInfinity: true });
  if (type === "float64") return fc.double({ noNaN: true, noDefaultInfinity: true });
  const [minimum, maximum] = numberLimits(type);
  return fc.integer({
    min: Math.max(minimum, Number.MIN_SAFE_INTEGER),
    max: Math.min(maximum, Number.MAX_SAFE_INTEGER),
  });
}

describe("numbers in Modbus registers", () => {
  for (const [hex, type, order, number] of TABLE) {
    it(`reads ${hex} as ${type} ${order} = ${String(number)}`, () => {
      assert.equal(readNumber(viewOf(hex), 0, type, order), number);
      assert.equal(readNumber(viewOf(`ffff${hex}`), 2, type, order), number);
      if (!type.startsWith("uint8")) {
        assert.equal(encodeNumber(number, type, order).map(hexOfWord).join(""), hex);
      }
    });
  }

  it("gives back every number of every type in every order", () => {
    for (const type of TYPES) {
      for (const order of ordersOf(type)) {
        fc.assert(
          fc.property(numbersOf(type), (number) => {
            const words = encodeNumber(number, type, order);
            assert.equal(words.length, REGISTERS_BY_TYPE[type]);
            // Minus zero is kept by floats only, and means the same.
            assert.equal(readNumber(viewOfWords(words), 0, type, order) + 0, number + 0);
          }),
          { numRuns: 50 },
        );
      }
    }
  });

  it("keeps all digits of 64-bit integers and uses a bigint only where it must", () => {
    const cases = [
      ["0020000000000001", "uint64", 9_007_199_254_740_993n],
      ["001fffffffffffff", "uint64", Number.MAX_SAFE_INTEGER],
      ["ffffffffffffffff", "uint64", 18_446_744_073_709_551_615n],
      ["8000000000000000", "int64", -9_223_372_036_854_775_808n],
      ["7fffffffffffffff", "int64", 9_223_372_036_854_775_807n],
      ["ffffffffffffffff", "int64", -1],
    ] as const;
    for (const [hex, type, whole] of cases) {
      assert.equal(readWhole(viewOf(hex), 0, type, "ABCDEFGH"), whole);
      assert.equal(encodeNumber(whole, type, "ABCDEFGH").map(hexOfWord).join(""), hex);
    }
  });

  it("encodes the limit of a 64-bit type as its largest integer", () => {
    const [, unsigned] = numberLimits("uint64");
    const [, signed] = numberLimits("int64");
    assert.deepEqual(encodeNumber(unsigned, "uint64", "ABCDEFGH"), [65535, 65535, 65535, 65535]);
    assert.deepEqual(encodeNumber(signed, "int64", "ABCDEFGH"), [32767, 65535, 65535, 65535]);
  });

  it("reads a pattern that is no number of its type as NaN", () => {
    assert.ok(Number.isNaN(readNumber(viewOf("7fc00000"), 0, "float32", "ABCD")));
    assert.ok(Number.isNaN(readNumber(viewOf("123a"), 0, "bcd16", "AB")));
    assert.ok(Number.isNaN(readNumber(viewOf("2710 0000"), 0, "mod10k32", "ABCD")));
    assert.equal(readNumber(viewOf("270f 0000"), 0, "mod10k32", "ABCD"), 99_990_000);
  });

  it("reads minus zero of a sign-magnitude type as zero", () => {
    assert.ok(Object.is(readNumber(viewOf("8000"), 0, "signmag16", "AB"), 0));
  });

  it("refuses to encode what does not fit: the caller had to check", () => {
    assert.throws(() => encodeNumber(65_536, "uint16", "AB"), /does not fit uint16/);
    assert.throws(() => encodeNumber(-1, "uint16", "AB"), /does not fit uint16/);
    assert.throws(() => encodeNumber(1.5, "int32", "ABCD"), /not whole/);
    assert.throws(() => encodeNumber(10_000, "bcd16", "AB"), /does not fit bcd16/);
    assert.throws(() => encodeNumber(Number.NaN, "float32", "ABCD"), /does not fit float32/);
  });

  it("knows which types hold whole numbers only", () => {
    const fractional = TYPES.filter((type) => !isWholeType(type));
    assert.deepEqual(fractional, ["float32", "float64"]);
  });
});

describe("raw patterns", () => {
  it("split into two halves of 32 bits and join again", () => {
    const view = viewOf("0102 0304 0506 0708");
    assert.equal(readHighBits(view, 0, 4, "ABCDEFGH"), 0x0102_0304);
    assert.equal(readLowBits(view, 0, 4, "ABCDEFGH"), 0x0506_0708);
    assert.equal(readHighBits(view, 0, 3, "ABCD"), 0x0102);
    assert.equal(readLowBits(view, 0, 3, "ABCD"), 0x0304_0506);
    assert.equal(readHighBits(view, 0, 2, "ABCD"), 0);
    assert.equal(readLowBits(view, 0, 2, "CDAB"), 0x0304_0102);
    assert.equal(readLowBits(view, 0, 1, "AB"), 0x0102);
    assert.deepEqual(
      encodeBits([0x0102_0304, 0x0506_0708], 4, "GHEFCDAB"),
      [0x0708, 0x0506, 0x0304, 0x0102],
    );
    assert.deepEqual(encodeBits([0, 0xffff_8001], 2, "BADC"), [0xffff, 0x0180]);
  });
});

describe("slices of integers", () => {
  it("are cut from the least significant bit", () => {
    assert.equal(sliceOf([0, 0b1010_0000], [5, 3], false), 0b101);
    assert.equal(sliceOf([0, 0b1010_0000], [5, 3], true), -3);
    assert.equal(sliceOf([0, 0b0110_0000], [5, 3], true), 3);
    assert.equal(sliceOf([0, 0xffff_ffff], [0, 32], false), 0xffff_ffff);
    assert.equal(sliceOf([0, 0xffff_ffff], [31, 1], false), 1);
  });

  it("cross the middle of a 64-bit integer", () => {
    const bits = [0x1234_5678, 0x9abc_def0] as const;
    const whole = 0x1234_5678_9abc_def0n;
    for (const [first, count] of [
      [24, 16],
      [0, 53],
      [32, 8],
      [40, 24],
      [63, 1],
      [11, 53],
    ] as const) {
      const expected = Number((whole >> BigInt(first)) & ((1n << BigInt(count)) - 1n));
      assert.equal(sliceOf(bits, [first, count], false), expected, `${first}, ${count}`);
    }
  });

  it("stay inside the integer", () => {
    assert.throws(() => sliceOf([0, 0], [60, 5], false), /out of bounds/);
    assert.throws(() => sliceOf([0, 0], [0, 54], false), /out of bounds/);
    assert.throws(() => sliceOf([0, 0], [0, 0], false), /out of bounds/);
    assert.throws(() => sliceOf([0, 0], [-1, 2], false), /out of bounds/);
  });
});

describe("texts in registers", () => {
  it("end at the first NUL or lose their trailing spaces", () => {
    assert.equal(readString(viewOf("5550 5300"), 0, 2, { pad: "nul", byteOrder: "AB" }), "UPS");
    assert.equal(readString(viewOf("5550 0058"), 0, 2, { pad: "nul", byteOrder: "AB" }), "UP");
    assert.equal(readString(viewOf("5550 5320"), 0, 2, { pad: "space", byteOrder: "AB" }), "UPS");
    assert.equal(readString(viewOf("5055 2053"), 0, 2, { pad: "space", byteOrder: "BA" }), "UPS");
    assert.equal(readString(viewOf("0000 0000"), 0, 2, { pad: "nul", byteOrder: "AB" }), "");
  });

  it("are cut at the end of their registers", () => {
    assert.deepEqual(encodeString("ABCDE", 2, { pad: "nul", byteOrder: "AB" }), [0x4142, 0x4344]);
    assert.deepEqual(
      encodeString("ABC", 3, { pad: "space", byteOrder: "BA" }),
      [0x4241, 0x2043, 0x2020],
    );
    assert.deepEqual(encodeString("Ω", 1, { pad: "nul", byteOrder: "AB" }), [0x3f00]);
  });

  it("come back as they were written", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[!-~]{0,16}$/), (text) => {
        for (const layout of [
          { pad: "nul", byteOrder: "AB" },
          { pad: "space", byteOrder: "BA" },
        ] as const) {
          const view = viewOfWords(encodeString(text, 8, layout));
          assert.equal(readString(view, 0, 8, layout), text);
        }
      }),
    );
  });
});

describe("bits of an answer to function 1 or 2", () => {
  it("start in the lowest bit of the first byte", () => {
    const bytes = Uint8Array.from([0b0000_0101, 0b1000_0000]);
    const bits = Array.from({ length: 16 }, (_, index) => readBit(bytes, index));
    assert.deepEqual(bits, [1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    assert.throws(() => readBit(bytes, 16), /fewer bits/);
  });
});
