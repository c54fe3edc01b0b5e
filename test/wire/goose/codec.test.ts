import { strict as assert } from "node:assert";
import fc from "fast-check";
import {
  decodeGooseFrame,
  encodeGooseFrame,
  FRAME_OCTETS_MAX,
  type GooseFrame,
  parseAddress,
} from "../../../src/wire/goose/codec.ts";
import type { GoosePdu } from "../../../src/wire/goose/pdu.ts";
import { WireError } from "../../../src/wire/mms/wire-error.ts";
import type { MmsValue } from "../../../src/wire/mms/value.ts";
import { FRAME, FRAME_HEX, octetsOf, PDU } from "./frames.ts";

const counter = fc.integer({ min: 0, max: 0xffff_ffff });
const name = fc.stringMatching(/^[A-Za-z0-9/$]{1,60}$/);
const value: fc.Arbitrary<MmsValue> = fc.oneof(
  fc.boolean().map((is): MmsValue => ({ kind: "boolean", value: is })),
  fc.integer().map((is): MmsValue => ({ kind: "integer", value: is })),
  fc.nat().map((is): MmsValue => ({ kind: "unsigned", value: is })),
  fc.float({ noNaN: true }).map((is): MmsValue => ({ kind: "float", value: is, width: 32 })),
  fc
    .constantFrom(0x00, 0x40, 0x80, 0xc0)
    .map((is): MmsValue => ({ kind: "bits", bitCount: 2, bytes: Uint8Array.of(is) })),
);

const pdu: fc.Arbitrary<GoosePdu> = fc.record(
  {
    controlBlock: name,
    timeAllowedToLiveMs: fc.integer({ min: 1, max: 0xffff_ffff }),
    dataSet: name,
    id: fc.option(name, { nil: undefined }),
    time: fc.nat({ max: 4_000_000_000 }).map((seconds) => ({
      utcMs: seconds * 1_000,
      quality: PDU.time.quality,
    })),
    state: counter,
    sequence: counter,
    isSimulated: fc.boolean(),
    configurationRevision: counter,
    needsCommissioning: fc.boolean(),
    values: fc.array(
      fc.oneof(
        value,
        fc
          .array(value, { minLength: 1, maxLength: 4 })
          .map((members): MmsValue => ({ kind: "structure", members })),
      ),
      { maxLength: 20 },
    ),
  },
  { noNullPrototype: true },
);

const address = fc.uint8Array({ minLength: 6, maxLength: 6 });
const frame: fc.Arbitrary<GooseFrame> = fc.record(
  {
    destination: address,
    source: address,
    vlan: fc.option(
      fc.record(
        {
          priority: fc.integer({ min: 0, max: 7 }),
          isDropEligible: fc.boolean(),
          id: fc.integer({ min: 0, max: 4095 }),
        },
        { noNullPrototype: true },
      ),
      { nil: undefined },
    ),
    applicationId: fc.integer({ min: 0, max: 0xffff }),
    isSimulatedFrame: fc.boolean(),
    pdu,
  },
  { noNullPrototype: true },
);

/** xorshift: the same mutations in every run. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

describe("GOOSE frames", () => {
  it("are read octet by octet as the standard orders them", () => {
    assert.deepEqual(decodeGooseFrame(octetsOf(FRAME_HEX)), FRAME);
  });

  it("are written the same", () => {
    assert.deepEqual(encodeGooseFrame(FRAME), octetsOf(FRAME_HEX));
  });

  it("come back as they went, with and without a VLAN tag and padding", () => {
    fc.assert(
      fc.property(frame, fc.nat({ max: 40 }), (sent, padding) => {
        const bytes = encodeGooseFrame(sent);
        const padded = new Uint8Array(Math.min(bytes.length + padding, FRAME_OCTETS_MAX));
        padded.set(bytes);
        assert.deepEqual(decodeGooseFrame(padded), sent);
      }),
    );
  });

  it("may leave out what has a default, and carry a signature behind", () => {
    const bare = FRAME_HEX.replaceAll(" ", "")
      .replace("870100", "")
      .replace("890100", "")
      .replace("8306523174726970", "");
    const pduHex = `6151${bare.slice(bare.indexOf("615b") + 4)}ac020500`;
    const hex = `${FRAME_HEX.replaceAll(" ", "").slice(0, 32)}88b83001005b00000000${pduHex}`;
    const read = decodeGooseFrame(octetsOf(hex));
    assert.deepEqual(read.pdu, { ...PDU, id: undefined });
  });

  it("say simulated in the frame or in the PDU", () => {
    const sent = { ...FRAME, isSimulatedFrame: true };
    assert.equal(decodeGooseFrame(encodeGooseFrame(sent)).isSimulatedFrame, true);
  });

  const refused: readonly (readonly [string, (bytes: Uint8Array) => Uint8Array, string])[] = [
    ["of another type", (b) => with16(b, 16, 0x88ba), "unexpected-element"],
    ["that end before their length", (b) => b.subarray(0, b.length - 1), "truncated"],
    ["whose length counts nothing", (b) => with16(b, 20, 8), "truncated"],
    ["that end within the addresses", (b) => b.subarray(0, 9), "truncated"],
    ["larger than Ethernet carries", () => new Uint8Array(FRAME_OCTETS_MAX + 1), "wrong-size"],
    ["with a time to live of nothing", (b) => with16(b, 51, 0), "out-of-range"],
    ["with fewer values than announced", (b) => with8(b, b.length - 13, 4), "out-of-range"],
    ["with more values than announced", (b) => with8(b, b.length - 13, 2), "out-of-range"],
  ];
  for (const [what, change, fault] of refused) {
    it(`are refused ${what}`, () => {
      const bytes = change(octetsOf(FRAME_HEX));
      assert.throws(
        () => decodeGooseFrame(bytes),
        (error) => error instanceof WireError && error.fault === fault,
      );
    });
  }

  it("are read or refused, never anything else: 60,000 mutated ones", function () {
    this.timeout(60_000);
    const next = numbers(61_850);
    const whole = octetsOf(FRAME_HEX);
    let read = 0;
    for (let turn = 0; turn < 60_000; turn++) {
      const bytes = whole.slice(0, turn % 7 === 0 ? next() % (whole.length + 1) : whole.length);
      for (let hits = 1 + (next() % 4); hits > 0 && bytes.length > 0; hits--) {
        bytes[next() % bytes.length] = next() & 0xff;
      }
      try {
        decodeGooseFrame(bytes);
        read += 1;
      } catch (error) {
        assert.ok(error instanceof WireError, String(error));
      }
    }
    assert.ok(read > 5_000 && read < 55_000, `${read} could be read`);
  });

  it("have addresses that people write in two ways", () => {
    assert.deepEqual(parseAddress("01-0C-CD-01-00-07"), FRAME.destination);
    assert.deepEqual(parseAddress("01:0c:cd:01:00:07"), FRAME.destination);
    for (const text of [
      "",
      "01-0c-cd-01-00",
      "01-0c:cd-01-00-07",
      "010ccd010007",
      "01-0c-cd-01-00-0g",
    ])
      assert.equal(parseAddress(text), undefined, text);
  });
});

function with8(bytes: Uint8Array, at: number, octet: number): Uint8Array {
  bytes[at] = octet;
  return bytes;
}

function with16(bytes: Uint8Array, at: number, word: number): Uint8Array {
  new DataView(bytes.buffer).setUint16(at, word);
  return bytes;
}
