import assert from "node:assert/strict";
import fc from "fast-check";
import { utf8Bytes } from "../../../src/domain/utf8.ts";
import { BerReader, ELEMENTS_MAX, NESTING_MAX } from "../../../src/wire/mms/ber-reader.ts";
import { BerWriter } from "../../../src/wire/mms/ber-writer.ts";
import { latin1Octets, latin1Text, unicodeText } from "../../../src/wire/mms/text.ts";
import type { WireFault } from "../../../src/wire/mms/wire-error.ts";
import { assertFault } from "./assert-fault.ts";
import { hex, octets } from "./recorded-frames.ts";

function reader(digits: string): BerReader {
  return new BerReader(octets(digits));
}

/** Octets, number; both ways. X.690, section 8.3. */
const INTEGERS: readonly (readonly [string, number | bigint])[] = [
  ["0201 00", 0],
  ["0201 7f", 127],
  ["0202 0080", 128],
  ["0202 0100", 256],
  ["0201 80", -128],
  ["0202 ff7f", -129],
  ["0201 ff", -1],
  ["0204 7fffffff", 2_147_483_647],
  ["0204 80000000", -2_147_483_648],
  ["0205 0080000000", 2_147_483_648],
  ["0205 ff7fffffff", -2_147_483_649],
  ["0207 1fffffffffffff", Number.MAX_SAFE_INTEGER],
  ["0207 e0000000000001", Number.MIN_SAFE_INTEGER],
  ["0207 20000000000000", 9_007_199_254_740_992n],
  ["0208 7fffffffffffffff", 9_223_372_036_854_775_807n],
  ["0208 8000000000000000", -9_223_372_036_854_775_808n],
  ["0209 00ffffffffffffffff", 18_446_744_073_709_551_615n],
];

/** Octets, dotted; both ways. X.690, section 8.19. */
const IDENTIFIERS: readonly (readonly [string, string])[] = [
  ["0605 28ca220203", "1.0.9506.2.3"],
  ["0604 52010001", "2.2.1.0.1"],
  ["0602 5101", "2.1.1"],
  ["0605 2901876701", "1.1.1.999.1"],
  ["0603 883703", "2.999.3"],
];

describe("BER by hand", () => {
  for (const [digits, value] of INTEGERS) {
    it(`reads and writes ${digits} as ${String(value)}`, () => {
      assert.equal(reader(digits).expect(0x02).integer(), value);
      assert.equal(hex(new BerWriter().integer(0x02, value).finish()), digits.replace(" ", ""));
    });
  }

  for (const [digits, dotted] of IDENTIFIERS) {
    it(`reads and writes ${digits} as ${dotted}`, () => {
      assert.equal(reader(digits).expect(0x06).objectIdentifier(), dotted);
      const written = new BerWriter().objectIdentifier(0x06, dotted).finish();
      assert.equal(hex(written), digits.replace(" ", ""));
    });
  }

  it("reads an integer that is longer than it needs to be", () => {
    assert.equal(reader("0204 00000005").expect(0x02).integer(), 5);
    assert.equal(reader("0209 ffffffffffffffffff").expect(0x02).integer(), -1);
  });

  it("takes any octet but zero for true and sends one", () => {
    assert.equal(reader("8301ff").expect(0x83).boolean(), true);
    assert.equal(reader("830101").expect(0x83).boolean(), true);
    assert.equal(reader("830100").expect(0x83).boolean(), false);
    assert.equal(hex(new BerWriter().boolean(0x83, true).finish()), "830101");
  });

  it("reads lengths in more octets than they need, and writes the fewest", () => {
    assert.equal(hex(reader("8984 00000002 abcd").expect(0x89).octets()), "abcd");
    for (const [size, head] of [
      [0x7f, "897f"],
      [0x80, "898180"],
      [0xff, "8981ff"],
      [0x100, "89820100"],
      [0xffff, "8982ffff"],
      [0x1_0000, "8983010000"],
    ] as const) {
      const flat = hex(new BerWriter().octets(0x89, new Uint8Array(size)).finish());
      assert.ok(flat.startsWith(head));
      assert.equal(flat.length / 2, head.length / 2 + size);
    }
  });

  it("moves the content of a long nested element behind its length", () => {
    for (const size of [125, 126, 127, 128, 253, 254, 255, 65_530, 70_000]) {
      const content = Uint8Array.from({ length: size }, (_, at) => at & 0xff);
      const writer = new BerWriter();
      writer.nest(0xa1, () => {
        writer.nest(0xa2, () => writer.octets(0x89, content));
        writer.integer(0x02, 7);
      });
      const outer = new BerReader(writer.finish()).expect(0xa1).enter();
      const inner = outer.expect(0xa2).enter();
      assert.deepEqual(inner.expect(0x89).copy(), content);
      inner.finish();
      assert.equal(outer.expect(0x02).integer(), 7);
      outer.finish();
    }
  });

  it("reads a tag of two octets", () => {
    assert.equal(reader("bf4800").next(), 0xbf48);
    assert.equal(reader("9f1f00").next(), 0x9f1f);
    assert.equal(hex(new BerWriter().nothing(0xbf48).finish()), "bf4800");
    assert.ok(reader("bf4800").expect(0xbf48).isConstructed);
  });

  it("counts the bits of a bit string by its first octet", () => {
    assert.deepEqual(reader("8402 0680").expect(0x84).bitString(), {
      bitCount: 2,
      bytes: Uint8Array.of(0x80),
    });
    assert.equal(reader("8401 00").expect(0x84).bitString().bitCount, 0);
  });

  it("asks for what must follow and steps over what may be there", () => {
    const row = reader("800101 810102 820103");
    assert.equal(row.optional(0x81), false);
    assert.equal(row.expect(0x80).integer(), 1);
    assert.ok(row.seek(0x82));
    assert.equal(row.integer(), 3);
    assert.equal(row.seek(0x83), false);
    assertFault("missing-element", () => row.next());
  });
});

describe("limits of BER", () => {
  const refused: readonly (readonly [WireFault, string, string, (r: BerReader) => unknown])[] = [
    [
      "truncated",
      "an element longer than its parent",
      "a1030202 0001",
      (r) => r.expect(0xa1).enter().next(),
    ],
    ["truncated", "an element longer than the frame", "8905 0102", (r) => r.next()],
    ["truncated", "a length without its octets", "8982 01", (r) => r.next()],
    ["truncated", "a tag without its second octet", "bf", (r) => r.next()],
    ["truncated", "a tag alone", "02", (r) => r.next()],
    ["indefinite-length", "the indefinite form", "a180 0000", (r) => r.next()],
    ["length-too-long", "a length of five octets", "8985 0000000001 00", (r) => r.next()],
    ["length-too-long", "the reserved length", "89ff 00", (r) => r.next()],
    ["tag-too-long", "a tag of three octets", "bf8100 00", (r) => r.next()],
    ["tag-too-long", "a tag number below 31 in two octets", "bf1e 00", (r) => r.next()],
    [
      "integer-too-long",
      "an integer of ten octets",
      `020a ${"00".repeat(10)}`,
      (r) => r.expect(2).integer(),
    ],
    ["wrong-size", "an integer of none", "0200", (r) => r.expect(2).integer()],
    ["out-of-range", "a negative unsigned number", "860180", (r) => r.expect(0x86).unsigned()],
    [
      "out-of-range",
      "a number beyond its bounds",
      "020105",
      (r) => r.expect(2).integerWithin(0, 4),
    ],
    [
      "out-of-range",
      "a number beyond a double",
      "0208 7fffffffffffffff",
      (r) => r.expect(2).integerWithin(0, 4),
    ],
    ["wrong-size", "a boolean of two octets", "83020101", (r) => r.expect(0x83).boolean()],
    [
      "wrong-size",
      "a null with content",
      "810100",
      (r) => {
        r.expect(0x81).nothing();
      },
    ],
    ["bad-bit-string", "eight unused bits", "84020800", (r) => r.expect(0x84).bitString()],
    ["bad-bit-string", "unused bits of no octet", "840101", (r) => r.expect(0x84).bitString()],
    ["bad-bit-string", "a bit string of nothing", "8400", (r) => r.expect(0x84).bitString()],
    [
      "bad-object-identifier",
      "an identifier of 33 octets",
      `0621${"01".repeat(33)}`,
      (r) => r.expect(6).objectIdentifier(),
    ],
    [
      "bad-object-identifier",
      "an identifier cut off",
      "06022881",
      (r) => r.expect(6).objectIdentifier(),
    ],
    [
      "bad-object-identifier",
      "an arc without end",
      `060a28${"ff".repeat(8)}7f`,
      (r) => r.expect(6).objectIdentifier(),
    ],
    ["bad-name", "an empty name", "1a00", (r) => r.expect(0x1a).name()],
    ["bad-name", "a name with a space", "1a024120", (r) => r.expect(0x1a).name()],
    ["bad-name", "a name with a control character", "1a024107", (r) => r.expect(0x1a).name()],
    ["bad-name", "a name with an umlaut", "1a0241e4", (r) => r.expect(0x1a).name()],
    ["bad-name", "a name of 130 octets", `1a8182${"41".repeat(130)}`, (r) => r.expect(0x1a).name()],
    ["unexpected-element", "another element than expected", "020101", (r) => r.expect(0x30)],
    ["unexpected-element", "elements in a primitive one", "020101", (r) => r.expect(2).enter()],
    [
      "trailing-octets",
      "what follows the last element",
      "020101 00",
      (r) => {
        r.expect(2);
        r.finish();
      },
    ],
  ];
  for (const [fault, what, digits, act] of refused) {
    it(`refuses ${what}`, () => {
      assertFault(fault, () => act(reader(digits)));
    });
  }

  it("takes a name of 129 octets", () => {
    assert.equal(
      reader(`1a8181${"41".repeat(129)}`)
        .expect(0x1a)
        .name().length,
      129,
    );
  });

  it("refuses values nested deeper than 12, and takes 12", () => {
    const nested = (depth: number) => {
      const writer = new BerWriter();
      const put = (left: number): void => {
        if (left > 0)
          writer.nest(0xa2, () => {
            put(left - 1);
          });
      };
      put(depth);
      return new BerReader(writer.finish());
    };
    const descend = (row: BerReader, depth: number): void => {
      let at = row;
      for (let i = 0; i < depth; i++) at = at.expect(0xa2).descend();
    };
    descend(nested(NESTING_MAX), NESTING_MAX);
    assert.equal(NESTING_MAX, 12);
    assertFault("too-deep", () => {
      descend(nested(13), 13);
    });
  });

  it("refuses a list of more than 100,000 elements, and takes so many", () => {
    const row = (count: number) => {
      const bytes = new Uint8Array(count * 2);
      for (let at = 0; at < bytes.length; at += 2) bytes[at] = 0x81;
      return new BerReader(bytes);
    };
    assert.equal(ELEMENTS_MAX, 100_000);
    assert.equal(row(100_000).list((list) => list.next()).length, 100_000);
    assertFault("too-many-elements", () => row(100_001).list((list) => list.next()));
  });
});

describe("BER both ways", () => {
  it("gives back every integer of 64 bits", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }), (value) => {
        const bytes = new BerWriter().integer(0x85, value).finish();
        assert.equal(BigInt(new BerReader(bytes).expect(0x85).integer()), value);
      }),
    );
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        const bytes = new BerWriter().integer(0x85, value).finish();
        assert.equal(new BerReader(bytes).expect(0x85).integer(), value);
      }),
    );
  });
});

describe("texts", () => {
  it("come back when they are UTF-8, and octet by octet when they are not", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        assert.equal(unicodeText(utf8Bytes(text)), text.replaceAll(/\p{Surrogate}/gu, "\ufffd"));
      }),
    );
    assert.equal(unicodeText(octets("4bfc68")), "Küh");
    assert.equal(unicodeText(octets("c080")), "À\u0080");
  });

  it("come back octet by octet, however long", () => {
    const bytes = Uint8Array.from({ length: 10_000 }, (_, at) => at & 0xff);
    const text = latin1Text(bytes, 0, bytes.length);
    assert.deepEqual(latin1Octets(text), bytes);
    assert.equal(latin1Octets("\u0100"), undefined);
  });
});
