import assert from "node:assert/strict";
import fc from "fast-check";
import { BerReader } from "../../../src/wire/mms/ber-reader.ts";
import { BerWriter } from "../../../src/wire/mms/ber-writer.ts";
import { decodePdu, encodePdu } from "../../../src/wire/mms/pdu.ts";
import { fitsType, valueOfType } from "../../../src/wire/mms/type-fit.ts";
import { readType, type TypeSpec, writeType } from "../../../src/wire/mms/type-spec.ts";
import {
  type MmsValue,
  readAccessResult,
  readValue,
  writeValue,
} from "../../../src/wire/mms/value.ts";
import { PDU, TYPE, VALUE } from "./arbitraries.ts";
import { assertFault } from "./assert-fault.ts";
import { hex, octets } from "./recorded-frames.ts";

function valueIn(digits: string): MmsValue {
  return readValue(new BerReader(octets(digits)));
}

function written(value: MmsValue): string {
  const writer = new BerWriter();
  writeValue(writer, value);
  return hex(writer.finish());
}

const SYNCHRONISED = {
  isLeapSecondKnown: true,
  hasClockFailure: false,
  isNotSynchronised: false,
  accuracyBits: 10,
};

/** Octets by hand from the productions of ISO 9506-2 and section 8 of IEC 61850-8-1; both ways. */
const VALUES: readonly (readonly [string, MmsValue])[] = [
  ["87 05 08 3f800000", { kind: "float", value: 1, width: 32 }],
  ["87 05 08 7f800000", { kind: "float", value: Infinity, width: 32 }],
  ["87 09 0b 400921fb54442d18", { kind: "float", value: Math.PI, width: 64 }],
  ["86 02 00ff", { kind: "unsigned", value: 255 }],
  ["86 05 00ffffffff", { kind: "unsigned", value: 4_294_967_295 }],
  ["85 01 ff", { kind: "integer", value: -1 }],
  ["83 01 01", { kind: "boolean", value: true }],
  ["84 02 06 40", { kind: "bits", bitCount: 2, bytes: Uint8Array.of(0x40) }],
  ["8a 03 4b fc 68", { kind: "text", value: "Küh" }],
  ["90 04 4b c3bc 68", { kind: "unicode", value: "Küh" }],
  ["8c 04 05265bff", { kind: "binary-time", ms: 86_399_999, hasDate: false }],
  ["8c 06 00000001 0001", { kind: "binary-time", ms: 441_849_600_001, hasDate: true }],
  [
    "a2 06 83 01 00 85 01 05",
    {
      kind: "structure",
      members: [
        { kind: "boolean", value: false },
        { kind: "integer", value: 5 },
      ],
    },
  ],
  ["a1 03 85 01 05", { kind: "array", members: [{ kind: "integer", value: 5 }] }],
];

describe("MMS values by hand", () => {
  for (const [digits, value] of VALUES) {
    it(`reads and writes ${digits}`, () => {
      assert.deepEqual(valueIn(digits), value);
      assert.equal(written(value), digits.replaceAll(" ", ""));
    });
  }

  it("reads a time of half a second and all of its quality", () => {
    assert.deepEqual(valueIn("91 08 386d4380 800000 8a"), {
      kind: "utc-time",
      utcMs: 946_684_800_500,
      quality: SYNCHRONISED,
    });
    const doubtful = valueIn("91 08 00000000 000000 7f");
    assert.ok(doubtful.kind === "utc-time");
    assert.deepEqual(doubtful.quality, {
      isLeapSecondKnown: false,
      hasClockFailure: true,
      isNotSynchronised: true,
      accuracyBits: undefined,
    });
  });

  it("reads a failure where a value may fail, and nowhere else", () => {
    const failure = octets("80010a");
    assert.deepEqual(readAccessResult(new BerReader(failure)), { kind: "error", code: 10 });
    assertFault("unexpected-element", () => readValue(new BerReader(failure)));
  });

  it("refuses values of a wrong size or of no type", () => {
    assertFault("wrong-size", () => valueIn("87 04 08 3f8000"));
    assertFault("wrong-size", () => valueIn("87 05 0b 3f800000"));
    assertFault("wrong-size", () => valueIn("87 09 08 3f800000 00000000"));
    assertFault("wrong-size", () => valueIn("91 07 386d4380 800000"));
    assertFault("wrong-size", () => valueIn("8c 05 0000000000"));
    assertFault("out-of-range", () => valueIn("86 01 ff"));
    assertFault("unexpected-element", () => valueIn("a3 00"));
  });

  it("refuses values and types nested deeper than 12", () => {
    const nest = (depth: number, open: string, leaf: string): string =>
      Array.from({ length: depth }).reduce<string>((inside) => {
        const size = (inside.length / 2).toString(16).padStart(4, "0");
        return `${open}82${size}${inside}`;
      }, leaf);
    valueIn(nest(12, "a2", "830100"));
    assertFault("too-deep", () => valueIn(nest(13, "a2", "830100")));
    const typeOf = (depth: number): TypeSpec => {
      let type: TypeSpec = { kind: "boolean" };
      for (let i = 0; i < depth; i++) type = { kind: "structure", members: [{ name: "x", type }] };
      const writer = new BerWriter();
      writeType(writer, type);
      return readType(new BerReader(writer.finish()));
    };
    typeOf(12);
    assertFault("too-deep", () => typeOf(13));
  });
});

describe("MMS both ways", () => {
  it("gives back every value", () => {
    fc.assert(
      fc.property(VALUE, (value) => {
        const writer = new BerWriter();
        writeValue(writer, value);
        assert.deepEqual(readValue(new BerReader(writer.finish())), value);
      }),
    );
  });

  it("gives back every type", () => {
    fc.assert(
      fc.property(TYPE, (type) => {
        const writer = new BerWriter();
        writeType(writer, type);
        assert.deepEqual(readType(new BerReader(writer.finish())), type);
      }),
    );
  });

  it("gives back every PDU", () => {
    fc.assert(
      fc.property(PDU, (pdu) => {
        assert.deepEqual(decodePdu(encodePdu(pdu)), pdu);
      }),
      { numRuns: 1000 },
    );
  }).timeout(20_000);
});

describe("MMS PDUs", () => {
  it("reads the class and code of an error, whatever a vendor says beside them", () => {
    // Error [2]: invoke id 5; access [7] code 2; additional code 1 and a description.
    assert.deepEqual(decodePdu(octets("a210 800105 a20b a003870102 810101 820141")), {
      kind: "confirmed-error",
      invokeId: 5,
      error: { class: 7, code: 2 },
    });
  });

  it("tells a service that it does not know by its tag", () => {
    assert.deepEqual(decodePdu(octets("a006 020101 bf4800")), {
      kind: "confirmed-request",
      invokeId: 1,
      request: { service: "unknown", tag: 0xbf48 },
    });
    assert.deepEqual(decodePdu(octets("a302 a200")), { kind: "unconfirmed-unknown", tag: 0xa2 });
  });

  it("takes more to follow where an answer does not say", () => {
    const pdu = decodePdu(octets("a10a 020101 a105 a0031a0141"));
    assert.deepEqual(pdu, {
      kind: "confirmed-response",
      invokeId: 1,
      response: { service: "getNameList", names: ["A"], moreFollows: true },
    });
  });

  it("refuses options of services in more octets than any edition has", () => {
    const initiate = (octetCount: number) => {
      const bits = { bitCount: octetCount * 8, bytes: new Uint8Array(octetCount) };
      return encodePdu({
        kind: "initiate-request",
        initiate: {
          pduOctets: undefined,
          outstandingCalling: 1,
          outstandingCalled: 1,
          nesting: undefined,
          version: 1,
          parameters: bits,
          services: bits,
        },
      });
    };
    decodePdu(initiate(31));
    assertFault("wrong-size", () => decodePdu(initiate(32)));
  });

  it("refuses what is no PDU, and what follows one", () => {
    assertFault("mms-type", () => decodePdu(octets("a500")));
    assertFault("missing-element", () => decodePdu(octets("")));
    assertFault("trailing-octets", () => decodePdu(octets("8b0000")));
    assertFault("wrong-size", () => decodePdu(octets("8b0100")));
    assertFault("out-of-range", () => decodePdu(octets("a00a 02060100000000008200")));
    assertFault("trailing-octets", () => decodePdu(octets("a00702010182008200")));
    assertFault("bad-name", () => decodePdu(octets("a10a 020101 a105 a0031a0120")));
  });
});

describe("types and the values that fit", () => {
  const STRUCTURE: TypeSpec = {
    kind: "structure",
    members: [{ name: "f", type: { kind: "float", width: 32, exponentBits: 8 } }],
  };

  it("take a plain number as what the device wants", () => {
    assert.deepEqual(valueOfType(STRUCTURE, 5), {
      kind: "structure",
      members: [{ kind: "float", value: 5, width: 32 }],
    });
    assert.deepEqual(valueOfType({ kind: "integer", bits: 8 }, -128), {
      kind: "integer",
      value: -128,
    });
    assert.equal(valueOfType({ kind: "integer", bits: 8 }, 128), undefined);
    assert.equal(valueOfType({ kind: "unsigned", bits: 8 }, -1), undefined);
    assert.equal(valueOfType({ kind: "integer", bits: 8 }, 1.5), undefined);
    assert.equal(valueOfType({ kind: "boolean" }, 1), undefined);
    assert.equal(valueOfType(STRUCTURE, true), undefined);
    assert.equal(valueOfType(STRUCTURE, Number.NaN), undefined);
    assert.equal(valueOfType(STRUCTURE, 1e39), undefined, "no single holds it");
  });

  it("compare a value with every part of its type", () => {
    const float: MmsValue = { kind: "float", value: 1, width: 32 };
    assert.ok(fitsType(STRUCTURE, { kind: "structure", members: [float] }));
    assert.ok(!fitsType(STRUCTURE, { kind: "structure", members: [float, float] }));
    assert.ok(!fitsType(STRUCTURE, { kind: "array", members: [float] }));
    assert.ok(!fitsType(STRUCTURE, { kind: "structure", members: [{ ...float, width: 64 }] }));
    const array: TypeSpec = { kind: "array", count: 2, element: { kind: "boolean" } };
    const truth: MmsValue = { kind: "boolean", value: true };
    assert.ok(fitsType(array, { kind: "array", members: [truth, truth] }));
    assert.ok(!fitsType(array, { kind: "array", members: [truth] }));
    const bits = (bitCount: number): MmsValue => ({
      kind: "bits",
      bitCount,
      bytes: new Uint8Array((bitCount + 7) >> 3),
    });
    assert.ok(fitsType({ kind: "bits", size: -13 }, bits(13)));
    assert.ok(!fitsType({ kind: "bits", size: -13 }, bits(14)));
    assert.ok(!fitsType({ kind: "bits", size: 13 }, bits(12)));
    assert.ok(!fitsType({ kind: "text", size: -2 }, { kind: "text", value: "abc" }));
    assert.ok(fitsType({ kind: "octets", size: -64 }, { kind: "octets", bytes: octets("01") }));
  });
});
