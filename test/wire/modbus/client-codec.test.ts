import { strict as assert } from "node:assert";
import fc from "fast-check";
import { AssertionError } from "../../../src/domain/assert.ts";
import { GatewayError } from "../../../src/domain/errors.ts";
import {
  encodeRead,
  encodeWrite,
  isWritable,
  parseReadReply,
  parseWriteReply,
  type ReadRequest,
  replyBytes,
  RESPONSE_BYTES_MAX,
  type ResponseFrame,
  ResponseFramer,
  type WriteRequest,
} from "../../../src/wire/modbus/client-codec.ts";
import { seeded } from "../../support/plant-random.ts";

function bytes(hex: string): Uint8Array {
  return Uint8Array.from(hex.replaceAll(" ", "").match(/../g) ?? [], (pair) =>
    Number.parseInt(pair, 16),
  );
}

function hex(frame: Uint8Array): string {
  return [...frame].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

/** A response frame around a PDU, made by hand and not by the codec under test. */
function frameOf(transaction: number, unit: number, pdu: readonly number[]): Uint8Array {
  const length = pdu.length + 1;
  return Uint8Array.from([
    transaction >> 8,
    transaction & 0xff,
    0,
    0,
    length >> 8,
    length & 0xff,
    unit,
    ...pdu,
  ]);
}

function framesOf(chunks: readonly Uint8Array[]): ResponseFrame[] {
  const framer = new ResponseFramer();
  const frames: ResponseFrame[] = [];
  for (const chunk of chunks) {
    framer.push(chunk, ({ transaction, bytes: frame }) => {
      frames.push({ transaction, bytes: frame.slice() });
    });
  }
  return frames;
}

const HOLDING: ReadRequest = { unit: 17, table: "holding", address: 107, count: 3 };
const COILS: ReadRequest = { unit: 17, table: "coil", address: 19, count: 19 };

// Requests and answers of MODBUS Application Protocol Specification V1.1b3, sections 6.1 to 6.16,
// behind an MBAP header as in section 4.2 of the Messaging Implementation Guide.
const READ_VECTORS: readonly (readonly [ReadRequest, string, string, string])[] = [
  [COILS, "00 01 00 00 00 06 11 01 00 13 00 13", "01 03 cd 6b 05", "cd 6b 05"],
  [
    { unit: 17, table: "discrete", address: 196, count: 22 },
    "00 01 00 00 00 06 11 02 00 c4 00 16",
    "02 03 ac db 35",
    "ac db 35",
  ],
  [HOLDING, "00 01 00 00 00 06 11 03 00 6b 00 03", "03 06 02 2b 00 00 00 64", "02 2b 00 00 00 64"],
  [
    { unit: 17, table: "input", address: 8, count: 1 },
    "00 01 00 00 00 06 11 04 00 08 00 01",
    "04 02 00 0a",
    "00 0a",
  ],
];

const WRITE_VECTORS: readonly (readonly [WriteRequest, string, string])[] = [
  [
    { unit: 17, function: 5, address: 172, count: 1, bytes: bytes("ff 00") },
    "00 01 00 00 00 06 11 05 00 ac ff 00",
    "05 00 ac ff 00",
  ],
  [
    { unit: 17, function: 6, address: 1, count: 1, bytes: bytes("00 03") },
    "00 01 00 00 00 06 11 06 00 01 00 03",
    "06 00 01 00 03",
  ],
  [
    { unit: 17, function: 15, address: 19, count: 10, bytes: bytes("cd 01") },
    "00 01 00 00 00 09 11 0f 00 13 00 0a 02 cd 01",
    "0f 00 13 00 0a",
  ],
  [
    { unit: 17, function: 16, address: 1, count: 2, bytes: bytes("00 0a 01 02") },
    "00 01 00 00 00 0b 11 10 00 01 00 02 04 00 0a 01 02",
    "10 00 01 00 02",
  ],
  [
    { unit: 17, function: 22, address: 4, count: 1, bytes: bytes("00 f2 00 25") },
    "00 01 00 00 00 08 11 16 00 04 00 f2 00 25",
    "16 00 04 00 f2 00 25",
  ],
];

const malformed = { code: "REPLY_MALFORMED" };

describe("modbus client codec", () => {
  for (const [request, sent, answer, data] of READ_VECTORS) {
    it(`reads ${request.table} as in the specification's example`, () => {
      assert.equal(hex(encodeRead(request, 1)), sent);
      const reply = parseReadReply(request, frameOf(1, 17, [...bytes(answer)]));
      assert.ok(reply instanceof Uint8Array);
      assert.equal(hex(reply), data);
    });
  }

  for (const [request, sent, answer] of WRITE_VECTORS) {
    it(`writes with function ${request.function} as in the specification's example`, () => {
      assert.equal(hex(encodeWrite(request, 1)), sent);
      const frame = frameOf(1, 17, [...bytes(answer)]);
      assert.equal(parseWriteReply(request, frame), "written");
    });

    it(`takes no other echo of function ${request.function} for a success`, () => {
      const pdu = [...bytes(answer)];
      for (let at = 1; at < pdu.length; at += 1) {
        const other = pdu.map((byte, index) => (index === at ? byte ^ 1 : byte));
        assert.throws(() => parseWriteReply(request, frameOf(1, 17, other)), malformed);
      }
      assert.throws(() => parseWriteReply(request, frameOf(1, 17, pdu.slice(0, -1))), malformed);
      assert.throws(() => parseWriteReply(request, frameOf(1, 17, [...pdu, 0])), malformed);
    });
  }

  it("gives an exception as a value, for reads and for writes", () => {
    assert.deepEqual(parseReadReply(HOLDING, frameOf(1, 17, [0x83, 2])), { exception: 2 });
    const [write] = WRITE_VECTORS[3]!;
    assert.deepEqual(parseWriteReply(write, frameOf(1, 17, [0x90, 4])), { exception: 4 });
  });

  it("refuses an answer of another unit, function or length", () => {
    const good = [3, 6, 2, 0x2b, 0, 0, 0, 0x64];
    assert.throws(() => parseReadReply(HOLDING, frameOf(1, 18, good)), malformed);
    assert.throws(() => parseReadReply(HOLDING, frameOf(1, 17, [4, ...good.slice(1)])), malformed);
    assert.throws(() => parseReadReply(HOLDING, frameOf(1, 17, good.slice(0, -2))), malformed);
    assert.throws(() => parseReadReply(HOLDING, frameOf(1, 17, [3, 4, 0, 1, 0, 2])), malformed);
    assert.throws(() => parseReadReply(HOLDING, frameOf(1, 17, [...good, 0])), malformed);
    const misstated = [3, 4, ...good.slice(2)];
    assert.throws(() => parseReadReply(HOLDING, frameOf(1, 17, misstated)), malformed);
    assert.throws(() => parseReadReply(HOLDING, frameOf(1, 17, [0x83])), malformed);
    assert.throws(() => parseReadReply(HOLDING, frameOf(1, 17, [0x83, 2, 0])), malformed);
    assert.throws(() => parseReadReply(HOLDING, frameOf(1, 17, [0x84, 2])), malformed);
  });

  it("counts the bytes of an answer", () => {
    assert.equal(replyBytes({ ...COILS, count: 8 }), 1);
    assert.equal(replyBytes({ ...COILS, count: 9 }), 2);
    assert.equal(replyBytes(HOLDING), 6);
  });

  it("takes a request that cannot be put on the wire for our own mistake", () => {
    assert.throws(() => encodeRead({ ...HOLDING, count: 126 }, 1), AssertionError);
    assert.throws(() => encodeRead({ ...HOLDING, count: 0 }, 1), AssertionError);
    assert.throws(() => encodeRead({ ...COILS, count: 2001 }, 1), AssertionError);
    assert.throws(() => encodeRead({ ...HOLDING, address: 65_534 }, 1), AssertionError);
    assert.throws(() => encodeRead({ ...HOLDING, unit: 256 }, 1), AssertionError);
    const [write] = WRITE_VECTORS[3]!;
    assert.throws(() => encodeWrite({ ...write, count: 3 }, 1), AssertionError);
    assert.throws(() => encodeWrite({ ...write, address: 65_535 }, 1), AssertionError);
    const registers = { ...write, count: 124, bytes: new Uint8Array(248) };
    assert.equal(isWritable(registers), false);
    const coils = { ...write, function: 15 as const, count: 1969, bytes: new Uint8Array(247) };
    assert.equal(isWritable(coils), false);
    assert.equal(isWritable({ ...write, address: -1 }), false);
    assert.equal(isWritable({ ...write, function: 22, count: 1 }), true);
    assert.equal(isWritable({ ...write, function: 6, count: 1 }), false);
  });
});

describe("modbus response framer", () => {
  it("cuts frames out of a stream however it is cut into pieces", () => {
    const frame = fc.record({
      transaction: fc.integer({ min: 0, max: 0xffff }),
      unit: fc.integer({ min: 0, max: 255 }),
      pdu: fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 1, maxLength: 253 }),
    });
    const cuts = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 8 }), cuts, (frames, sizes) => {
        const sent = frames.map(({ transaction, unit, pdu }) => frameOf(transaction, unit, pdu));
        const stream = Uint8Array.from(sent.flatMap((one) => [...one]));
        const chunks: Uint8Array[] = [];
        for (let at = 0, turn = 0; at < stream.length; turn += 1) {
          const size = sizes[turn % sizes.length] ?? 1;
          chunks.push(stream.subarray(at, at + size));
          at += size;
        }
        const received = framesOf(chunks);
        assert.deepEqual(
          received.map((one) => hex(one.bytes)),
          sent.map(hex),
        );
        assert.deepEqual(
          received.map((one) => one.transaction),
          frames.map((one) => one.transaction),
        );
      }),
    );
  });

  it("ends the connection at the first header that is not Modbus TCP", () => {
    const headers = [
      "00 01 00 01 00 06 11",
      "00 01 01 00 00 06 11",
      "00 01 00 00 00 00 11",
      "00 01 00 00 00 01 11",
      "00 01 00 00 00 ff 11",
      "00 01 00 00 01 00 11",
    ];
    for (const header of headers) {
      assert.throws(() => framesOf([bytes(header)]), malformed, header);
      assert.throws(
        () => framesOf([...bytes(header)].map((byte) => Uint8Array.of(byte))),
        malformed,
      );
    }
    assert.equal(framesOf([frameOf(1, 1, new Array<number>(253).fill(7))]).length, 1);
    assert.equal(framesOf([frameOf(1, 1, [7])]).length, 1);
  });

  it("says whether a frame has begun, and forgets it when told", () => {
    const framer = new ResponseFramer();
    framer.push(bytes("00 01 00 00"), () => assert.fail("no frame has ended"));
    assert.equal(framer.isInside, true);
    framer.reset();
    assert.equal(framer.isInside, false);
    let frames = 0;
    framer.push(frameOf(9, 1, [3, 2, 0, 1]), () => (frames += 1));
    assert.equal(frames, 1);
  });

  it("never throws anything but REPLY_MALFORMED on 20,000 mutated frames", () => {
    const random = seeded(0x5eed);
    let rejected = 0;
    for (let round = 0; round < 20_000; round += 1) {
      const [request, , answer] = READ_VECTORS[round % READ_VECTORS.length]!;
      const frame = mutated(frameOf(1, request.unit, [...bytes(answer)]), random);
      try {
        for (const { bytes: received } of framesOf([frame])) {
          assert.ok(received.length <= RESPONSE_BYTES_MAX);
          parseEach(round, received);
        }
      } catch (error) {
        assert.ok(error instanceof GatewayError && error.code === "REPLY_MALFORMED", String(error));
        rejected += 1;
      }
    }
    assert.ok(rejected > 1_000, `only ${rejected} of the frames were refused by their header`);
  });
});

/** Every answer is bytes of the right length, an exception, or malformed. */
function parseEach(round: number, frame: Uint8Array): void {
  const [request] = READ_VECTORS[round % READ_VECTORS.length]!;
  const [write] = WRITE_VECTORS[round % WRITE_VECTORS.length]!;
  try {
    const reply = parseReadReply(request, frame);
    if (reply instanceof Uint8Array) assert.equal(reply.length, replyBytes(request));
    else assert.ok(reply.exception >= 0 && reply.exception <= 255);
  } catch (error) {
    assert.ok(error instanceof GatewayError && error.code === "REPLY_MALFORMED", String(error));
  }
  try {
    parseWriteReply(write, frame);
  } catch (error) {
    assert.ok(error instanceof GatewayError && error.code === "REPLY_MALFORMED", String(error));
  }
}

function mutated(frame: Uint8Array, random: () => number): Uint8Array {
  const pick = (below: number) => Math.floor(random() * below);
  const result = [...frame];
  for (let change = pick(4); change >= 0; change -= 1) {
    const at = pick(result.length + 1);
    if (random() < 0.6) result[Math.min(at, result.length - 1)] = pick(256);
    else if (random() < 0.5) result.splice(at, 0, pick(256));
    else result.splice(at, 1 + pick(4));
    if (result.length === 0) result.push(0);
  }
  return Uint8Array.from(result);
}
