import assert from "node:assert/strict";
import fc from "fast-check";
import {
  decodeTpdu,
  encodeTpdu,
  segmentTsdu,
  type TransportConnect,
  TsduAssembler,
} from "../../../src/wire/mms/cotp.ts";
import { encodeTpkt, TpktFramer } from "../../../src/wire/mms/tpkt.ts";
import { assertFault } from "./assert-fault.ts";
import { hex, octets, TransportReceiver } from "./recorded-frames.ts";

function framed(framer: TpktFramer, chunks: readonly Uint8Array[]): string[] {
  const taken: string[] = [];
  for (const chunk of chunks) framer.push(chunk, (tpdu) => taken.push(hex(tpdu)));
  return taken;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** Cuts octets at random places. */
function cut(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] ?? 1;
    pieces.push(bytes.subarray(at, at + size));
    at += size;
  }
  return pieces;
}

const TPDU = fc.uint8Array({ minLength: 3, maxLength: 300 });

describe("TPKT", () => {
  it("gives every packet once, whatever the pieces in which it arrives", () => {
    fc.assert(
      fc.property(
        fc.array(TPDU, { minLength: 1, maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1 }),
        (tpdus, sizes) => {
          const stream = joined(tpdus.map(encodeTpkt));
          const framer = new TpktFramer();
          assert.deepEqual(framed(framer, cut(stream, sizes)), tpdus.map(hex));
          assert.equal(framer.isInside, false);
          assert.deepEqual(framed(new TpktFramer(), cut(stream, [1])), tpdus.map(hex));
        },
      ),
    );
  });

  it("takes the largest packet and no larger one can be said", () => {
    const largest = new Uint8Array(65_531).fill(7);
    const framer = new TpktFramer();
    assert.deepEqual(framed(framer, cut(encodeTpkt(largest), [1000])), [hex(largest)]);
    assert.equal(framer.capacity, 65_535);
  });

  it("refuses another version and a packet shorter than its smallest content", () => {
    assertFault("tpkt-version", () => framed(new TpktFramer(), [octets("02000007 02f080")]));
    assertFault("tpkt-version", () => framed(new TpktFramer(), cut(octets("16030100"), [1])));
    assertFault("tpkt-length", () => framed(new TpktFramer(), [octets("03000006 02f0")]));
    assert.deepEqual(framed(new TpktFramer(), [octets("03000007 02f080")]), ["02f080"]);
  });

  it("reads a stream in time that grows with its length only", () => {
    const packet = encodeTpkt(new Uint8Array(65_531));
    const framer = new TpktFramer();
    let packets = 0;
    // Half a megabyte octet by octet: a framer that copied what it holds would move 17 GB.
    for (let at = 0; at < 8 * packet.length; at++) {
      const octet = packet.subarray(at % packet.length, (at % packet.length) + 1);
      framer.push(octet, () => packets++);
    }
    assert.equal(packets, 8);
  }).timeout(4000);

  it("forgets an unfinished packet when a new connection begins", () => {
    const framer = new TpktFramer();
    framed(framer, [octets("0300000902f0")]);
    assert.ok(framer.isInside);
    framer.reset();
    assert.deepEqual(framed(framer, [octets("03000007 02f080")]), ["02f080"]);
  });
});

const SELECTOR = fc.option(fc.uint8Array({ maxLength: 32 }), { nil: undefined });
const REFERENCE = fc.integer({ min: 0, max: 0xffff });
const CONNECT: fc.Arbitrary<TransportConnect> = fc.record(
  {
    type: fc.constantFrom("connect-request" as const, "connect-confirm" as const),
    destinationReference: REFERENCE,
    sourceReference: REFERENCE,
    tpduOctets: fc.constantFrom(undefined, 128, 1024, 8192),
    callingSelector: SELECTOR,
    calledSelector: SELECTOR,
  },
  { noNullPrototype: true },
);

describe("COTP", () => {
  it("gives back every TPDU of the connection", () => {
    const disconnect = fc.record(
      {
        type: fc.constant("disconnect" as const),
        destinationReference: REFERENCE,
        sourceReference: REFERENCE,
        reason: fc.nat(255),
      },
      { noNullPrototype: true },
    );
    const error = fc.record(
      {
        type: fc.constant("error" as const),
        destinationReference: REFERENCE,
        reason: fc.nat(255),
      },
      { noNullPrototype: true },
    );
    fc.assert(
      fc.property(fc.oneof(CONNECT, disconnect, error), (tpdu) => {
        assert.deepEqual(decodeTpdu(encodeTpdu(tpdu)), tpdu);
      }),
    );
  });

  it("reads selectors and size in any order, and steps over what it does not know", () => {
    const tpdu = decodeTpdu(octets("12 d0 0001 0a0b 00 c20101 c10102 c50155 c0010a"));
    assert.deepEqual(tpdu, {
      type: "connect-confirm",
      destinationReference: 1,
      sourceReference: 0x0a0b,
      tpduOctets: 1024,
      callingSelector: Uint8Array.of(2),
      calledSelector: Uint8Array.of(1),
    });
  });

  it("refuses headers that are none", () => {
    assertFault("cotp-header", () => decodeTpdu(octets("")));
    assertFault("cotp-header", () => decodeTpdu(octets("05f080")));
    assertFault("cotp-header", () => decodeTpdu(octets("03f08000")));
    assertFault("cotp-header", () => decodeTpdu(octets("05e000000001")));
    assertFault("cotp-header", () => decodeTpdu(octets("08e00000000100c001")));
    assertFault("cotp-header", () => decodeTpdu(octets("0380000000")));
    assertFault("cotp-type", () => decodeTpdu(octets("021000")));
    assertFault("cotp-class", () => decodeTpdu(octets("06e00000000140")));
    assertFault("cotp-size", () => decodeTpdu(octets("09e00000000100c00106")));
    assertFault("cotp-size", () => decodeTpdu(octets("09e00000000100c0010e")));
    assertFault("cotp-header", () => decodeTpdu(octets(`29e00000000100c121${"00".repeat(33)}`)));
  });

  it("carries every TSDU in segments of the agreed size, and joins them", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 3000 }),
        fc.constantFrom(128, 256, 1024, 8192),
        (tsdu, tpduOctets) => {
          const receiver = new TransportReceiver();
          const arrived: string[] = [];
          let largest = 0;
          const stream = segmentTsdu(tsdu, tpduOctets);
          new TpktFramer().push(stream, (tpdu) => (largest = Math.max(largest, tpdu.length)));
          receiver.push(stream, (arrival) => {
            assert.ok(arrival.type === "tsdu");
            arrived.push(hex(arrival.tsdu));
          });
          assert.deepEqual(arrived, [hex(tsdu)]);
          assert.ok(largest <= tpduOctets);
          assert.equal(receiver.assembler.isInside, false);
        },
      ),
    );
  });

  it("does not copy a TSDU that came in one segment", () => {
    const content = Uint8Array.of(1, 2, 3);
    const assembler = new TsduAssembler(10);
    assert.equal(assembler.push({ isLast: true, content }), content);
    assert.equal(assembler.capacity, 0);
  });

  it("ends a flood of segments without end at the agreed size, in memory too", () => {
    const assembler = new TsduAssembler(1000);
    const segment = { isLast: false, content: new Uint8Array(100) };
    for (let i = 0; i < 10; i++) assert.equal(assembler.push(segment), undefined);
    assertFault("tsdu-too-long", () => assembler.push(segment));
    assert.ok(assembler.capacity <= 1000);
    assertFault("tsdu-too-long", () =>
      new TsduAssembler(1000).push({ isLast: true, content: new Uint8Array(1001) }),
    );
  });

  it("refuses a segment that is neither content nor end", () => {
    const assembler = new TsduAssembler(1000);
    assertFault("cotp-empty-segment", () =>
      assembler.push({ isLast: false, content: new Uint8Array(0) }),
    );
    assembler.push({ isLast: false, content: Uint8Array.of(1) });
    assert.deepEqual(
      assembler.push({ isLast: true, content: new Uint8Array(0) }),
      Uint8Array.of(1),
    );
  });
});
