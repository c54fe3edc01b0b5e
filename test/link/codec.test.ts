import { strict as assert } from "node:assert";
import fc from "fast-check";
import type { CommandStep } from "../../src/domain/command.ts";
import { GatewayError } from "../../src/domain/errors.ts";
import type { PlantEvent } from "../../src/domain/event.ts";
import { streamId } from "../../src/domain/point.ts";
import type { Round } from "../../src/domain/round.ts";
import { monotonicMs, utcMs } from "../../src/domain/time.ts";
import {
  encodeAck,
  encodeFrame,
  encodeGap,
  encodeHello,
  encodeResume,
  LinkDecoder,
} from "../../src/link/codec.ts";
import { FrameWriter } from "../../src/link/frame-writer.ts";
import { MessageSplitter } from "../../src/link/message-splitter.ts";
import {
  type Frame,
  type LinkMessage,
  MAX_FRAME_BYTES,
  MAX_TEXT_BYTES,
  type Resume,
} from "../../src/link/messages.ts";
import { seeded } from "../support/plant-random.ts";
import { kept, makeRound } from "./round-builders.ts";
import { vector } from "./vector-files.ts";

const TABLE_SIZE = 2000;

const EVENT: PlantEvent = {
  id: "no-communication",
  severity: "critical",
  phase: "raised",
  device: "pcs-1",
  point: undefined,
  text: "pcs-1 does not answer: Zeitüberschreitung",
  at: utcMs(1_767_225_600_120),
};
const STEP: CommandStep = {
  commandId: "c-1",
  stage: "clamped",
  final: false,
  asset: "bess-1",
  reason: "out-of-envelope",
  requested: 500_000,
  applied: 250_000,
  measured: undefined,
  readBack: undefined,
  at: utcMs(1_767_225_600_130),
};
const PLAIN: Round = {
  stream: streamId(4),
  seq: 11,
  points: Uint32Array.of(40, 41),
  values: Float64Array.of(25_753_800, -0.5),
  quality: Uint8Array.of(0, 0),
  sourceTimes: undefined,
  texts: undefined,
  receivedAt: monotonicMs(1000.5),
  receivedUtc: utcMs(1_767_225_600_100),
};
const FULL: Round = {
  stream: streamId(5),
  seq: 2 ** 32,
  points: Uint32Array.of(7, 3, 1999),
  values: Float64Array.of(1, Number.NaN, 3.5),
  quality: Uint8Array.of(0, 65, 1),
  sourceTimes: Float64Array.of(1_767_225_600_101, 1_767_225_599_000, 1_767_225_598_000),
  texts: new Map([[0, "größab"]]),
  receivedAt: monotonicMs(1001),
  receivedUtc: utcMs(1_767_225_600_101),
};

const HELLO = {
  producer: "field",
  epoch: 7,
  startedUtc: utcMs(1_767_225_600_000),
  tableHash: "table-1",
  tableSize: TABLE_SIZE,
  oldestFrame: 3,
  nextFrame: 6,
} as const;
const RESUME: Omit<Resume, "type"> = {
  role: "services",
  mode: "durable",
  wantsImage: false,
  epoch: 7,
  frameNo: 5,
};
const RESUME_LIVE: Omit<Resume, "type"> = {
  role: "scada",
  mode: "live",
  wantsImage: true,
  epoch: 0,
  frameNo: 0,
};
const GAP = {
  firstFrame: 3,
  lastFrame: 8,
  lastSeqs: new Map([
    [streamId(4), 10],
    [streamId(300), 2],
  ]),
};

function encodeRounds(rounds: readonly Round[], frameNo = 1): Uint8Array {
  const writer = new FrameWriter();
  for (const round of rounds) writer.addRound(round);
  return encodeFrame(writer, { type: "frame", frameNo, hasMore: false });
}

function decodeRounds(bytes: Uint8Array): Round[] {
  const message = new LinkDecoder(TABLE_SIZE).decode(bytes);
  assert.equal(message.type, "frame");
  return message.items.map((item) => {
    assert.equal(item.kind, "round");
    return (item as { round: Round }).round;
  });
}

describe("link codec: vectors", () => {
  const decoder = new LinkDecoder(TABLE_SIZE);
  const cases: [string, Uint8Array, LinkMessage][] = [
    ["hello", encodeHello(HELLO), { type: "hello", ...HELLO }],
    ["resume", encodeResume(RESUME), { type: "resume", ...RESUME }],
    ["resume-live", encodeResume(RESUME_LIVE), { type: "resume", ...RESUME_LIVE }],
    ["gap", encodeGap(GAP), { type: "gap", ...GAP }],
    ["ack", encodeAck({ epoch: 7, frameNo: 9 }), { type: "ack", epoch: 7, frameNo: 9 }],
  ];
  for (const [name, encoded, message] of cases) {
    it(`writes and reads ${name}.hex`, () => {
      assert.deepEqual(encoded, vector(name));
      assert.deepEqual(decoder.decode(vector(name)), message);
    });
  }

  it("writes and reads frame.hex: rounds with and without every column, an event, a step", () => {
    const writer = new FrameWriter();
    writer.addRound(PLAIN);
    writer.addRound(FULL);
    assert.ok(writer.addEvent(EVENT));
    assert.ok(writer.addStep(STEP));
    assert.deepEqual(
      encodeFrame(writer, { type: "frame", frameNo: 9, hasMore: false }),
      vector("frame"),
    );
    assert.deepEqual(decoder.decode(vector("frame")), {
      type: "frame",
      frameNo: 9,
      hasMore: false,
      items: [
        { kind: "round", round: PLAIN },
        { kind: "round", round: FULL },
        { kind: "event", event: EVENT },
        { kind: "step", step: STEP },
      ],
    });
  });

  it("writes and reads image.hex", () => {
    const round = { ...PLAIN, points: Uint32Array.of(41), values: Float64Array.of(230.25) };
    const writer = new FrameWriter();
    writer.addRound({ ...round, quality: Uint8Array.of(0) });
    assert.deepEqual(
      encodeFrame(writer, { type: "image", frameNo: 9, hasMore: true }),
      vector("image"),
    );
    const read = decoder.decode(vector("image"));
    assert.equal(read.type, "image");
    assert.equal(read.hasMore, true);
    assert.equal(read.items.length, 1);
  });
});

describe("link codec: round trips", () => {
  const round = fc
    .record({
      stream: fc.nat(65_535),
      seq: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
      receivedAt: fc.double({ noNaN: true, noDefaultInfinity: true }),
      receivedUtc: fc.double({ noNaN: true, noDefaultInfinity: true }),
      rows: fc.array(
        fc.record({
          point: fc.nat(TABLE_SIZE - 1),
          value: fc.double(),
          quality: fc.oneof(fc.constant(0), fc.nat(255)),
          sourceTime: fc.double(),
          text: fc.option(fc.string({ unit: "binary", maxLength: 40 }), { nil: undefined }),
        }),
        { maxLength: 60 },
      ),
      hasSourceTimes: fc.boolean(),
      hasTexts: fc.boolean(),
      isContiguous: fc.boolean(),
      isHistory: fc.boolean(),
    })
    .map(({ rows, ...made }): Round => ({
      stream: streamId(made.stream),
      seq: made.seq,
      receivedAt: monotonicMs(made.receivedAt),
      receivedUtc: utcMs(made.receivedUtc),
      points: Uint32Array.from(rows, ({ point }, at) => (made.isContiguous ? 100 + at : point)),
      values: Float64Array.from(rows, ({ value }) => value),
      quality: Uint8Array.from(rows, ({ quality }) => quality),
      sourceTimes: made.hasSourceTimes
        ? Float64Array.from(rows, ({ sourceTime }) => sourceTime)
        : undefined,
      texts: textsOf(made.hasTexts ? rows.map(({ text }) => text) : []),
      ...(made.isHistory ? { isHistory: true } : {}),
    }));

  function textsOf(texts: readonly (string | undefined)[]): Map<number, string> | undefined {
    const map = new Map<number, string>();
    texts.forEach((text, at) => {
      if (text !== undefined) map.set(at, text);
    });
    return map.size === 0 ? undefined : map;
  }

  it("gives back every round bit by bit, several in one frame", () => {
    fc.assert(
      fc.property(fc.array(round, { maxLength: 8 }), (rounds) => {
        assert.deepEqual(decodeRounds(encodeRounds(rounds)), rounds);
      }),
      { numRuns: 300 },
    );
  });

  it("gives back the same from any way the socket cuts the bytes", () => {
    const messages = [encodeRounds([PLAIN]), encodeRounds([FULL, PLAIN], 2), vector("gap")];
    const all = new Uint8Array(Buffer.concat(messages));
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1 }), (sizes) => {
        const splitter = new MessageSplitter(MAX_FRAME_BYTES);
        const got: Uint8Array[] = [];
        for (let at = 0, cut = 0; at < all.length; cut++) {
          const size = sizes[cut % sizes.length] ?? 1;
          splitter.push(all.subarray(at, at + size), (bytes) => got.push(bytes.slice()));
          at += size;
        }
        assert.deepEqual(got, messages);
      }),
    );
  });

  it("gives back any event and step", () => {
    const text = fc.string({ unit: "binary", maxLength: 50 });
    const some = fc.option(text, { nil: undefined });
    const number = fc.option(fc.double({ noNaN: true, noDefaultInfinity: true }), {
      nil: undefined,
    });
    const event = fc.record({ id: text, device: some, point: some, text });
    const step = fc.record({ commandId: text, reason: some, requested: number, measured: number });
    fc.assert(
      fc.property(event, step, (eventPart, stepPart) => {
        const writer = new FrameWriter();
        const written = { event: { ...EVENT, ...eventPart }, step: { ...STEP, ...stepPart } };
        writer.addEvent(written.event);
        writer.addStep(written.step);
        const bytes = encodeFrame(writer, { type: "frame", frameNo: 1, hasMore: false });
        const { items } = new LinkDecoder(0).decode(bytes) as Frame;
        // JSON knows no negative zero.
        assert.deepEqual(
          JSON.stringify(items),
          JSON.stringify([
            { kind: "event", event: written.event },
            { kind: "step", step: written.step },
          ]),
        );
      }),
    );
  });

  it("reads a number that JSON cannot write as absent", () => {
    const writer = new FrameWriter();
    writer.addStep({ ...STEP, measured: Number.NaN, readBack: "differs" });
    const bytes = encodeFrame(writer, { type: "frame", frameNo: 1, hasMore: false });
    const [item] = (new LinkDecoder(0).decode(bytes) as Frame).items;
    assert.deepEqual(item, { kind: "step", step: { ...STEP, readBack: "differs" } });
  });

  it("carries what a step promises", () => {
    const writer = new FrameWriter();
    const step = { ...STEP, promised: { leaseMs: 1_200_000, withinMs: 115_000 } };
    writer.addStep(step);
    const bytes = encodeFrame(writer, { type: "frame", frameNo: 1, hasMore: false });
    const [item] = (new LinkDecoder(0).decode(bytes) as Frame).items;
    assert.deepEqual(item, { kind: "step", step });
  });

  it("lends the columns of all rounds of a frame together, and fills them for the next", () => {
    const decoder = new LinkDecoder(TABLE_SIZE);
    const wide = makeRound(1, 1, 0, Array<number>(1900).fill(1.5));
    const rounds = Array.from({ length: 40 }, (_, at) => ({ ...wide, seq: at + 1 }));
    const first = decoder.decode(encodeRounds(rounds)) as Frame;
    const seen = first.items.map((item) => kept((item as { round: Round }).round));
    assert.deepEqual(seen, rounds.map(kept));
    const [before] = (decoder.decode(encodeRounds([PLAIN])) as Frame).items;
    const [after] = (decoder.decode(encodeRounds([FULL])) as Frame).items;
    const bufferOf = (item: unknown) => (item as { round: Round }).round.values.buffer;
    assert.equal(bufferOf(before), bufferOf(after));
  });

  it("cuts a text at 4 KiB between two characters, leaves out what is too much, and counts", () => {
    const writer = new FrameWriter();
    const long = "€".repeat(MAX_TEXT_BYTES);
    const texts = new Map(Array.from({ length: 300 }, (_, at) => [at, long] as const));
    writer.addRound({ ...makeRound(1, 1, 0, Array<number>(300).fill(Number.NaN)), texts });
    const [round] = decodeRounds(
      encodeFrame(writer, { type: "frame", frameNo: 1, hasMore: false }),
    );
    assert.equal(round?.texts?.get(0), "€".repeat(Math.floor(MAX_TEXT_BYTES / 3)));
    assert.equal(round.texts.size, 255, "as many as fit in 1 MiB");
    assert.equal(writer.cutTexts, 300 + 45);
  });

  it("does not take an event or step of more than 16 KiB", () => {
    const writer = new FrameWriter();
    assert.equal(writer.addEvent({ ...EVENT, text: "x".repeat(16_384) }), false);
    assert.equal(writer.addStep({ ...STEP, commandId: "x".repeat(16_384) }), false);
    assert.equal(writer.itemCount, 0);
  });

  it("carries the largest round within a frame", () => {
    const count = 65_536;
    const points = Uint32Array.from({ length: count }, (_, at) => count - 1 - at);
    const texts = new Map(Array.from({ length: count }, (_, at) => [at, "0123456789"] as const));
    const columns = { values: new Float64Array(count).fill(7), quality: new Uint8Array(count) };
    const sourceTimes = new Float64Array(count).fill(9);
    columns.quality[5] = 1;
    const bytes = encodeRounds([{ ...PLAIN, ...columns, points, texts, sourceTimes }]);
    assert.ok(bytes.length < MAX_FRAME_BYTES);
    const [item] = (new LinkDecoder(count).decode(bytes) as Frame).items;
    assert.equal((item as { round: Round }).round.points.length, count);
  });
});

describe("link codec: what it refuses", () => {
  const decoder = new LinkDecoder(TABLE_SIZE);
  /** A copy of a vector in which some bytes are others. */
  function changed(name: string, at: number, ...bytes: number[]): Uint8Array {
    const copy = vector(name);
    copy.set(bytes, at);
    return copy;
  }
  const f64 = (value: number) => [...new Uint8Array(Float64Array.of(value).buffer)];
  const firstRound = 24;
  const secondRound = firstRound + 52;
  const event = secondRound + 32 + 12 + 24 + 3 + 24 + 4 + 6 + 8;

  const cases: [what: string, reason: string, bytes: Uint8Array][] = [
    ["an unknown message type", "unknown message type", changed("ack", 6, 9)],
    ["a message cut short", "message too short", vector("frame").slice(0, -1)],
    ["bytes behind the end", "bytes left over", new Uint8Array([...vector("ack"), 0])],
    ["an epoch that is no count", "not a count", changed("ack", 8, ...f64(0.5))],
    ["an epoch beyond whole numbers", "not a count", changed("ack", 8, ...f64(2 ** 53))],
    ["frame 0", "not a count", changed("frame", 8, ...f64(0))],
    [
      "more items than there can be",
      "too many items",
      changed("frame", 16, 0xff, 0xff, 0xff, 0xff),
    ],
    ["unknown flags of a frame", "unknown flags", changed("frame", 20, 1)],
    ["unknown flags of an image", "unknown flags", changed("image", 20, 2)],
    ["an unknown item", "unknown item", changed("frame", event, 4)],
    ["flags on an event", "unknown flags", changed("frame", event + 1, 1)],
    ["a stream on an event", "unknown flags", changed("frame", event + 2, 1)],
    ["unknown flags of a round", "unknown flags", changed("frame", firstRound + 1, 33)],
    [
      "more points than there can be",
      "too many points",
      changed("frame", firstRound + 4, 1, 0, 1, 0),
    ],
    ["seq 0", "not a count", changed("frame", firstRound + 8, ...f64(0))],
    [
      "a time that is no number",
      "not a number",
      changed("frame", firstRound + 16, ...f64(Number.NaN)),
    ],
    ["a time without end", "not a number", changed("frame", firstRound + 24, ...f64(Infinity))],
    [
      "a range outside the table",
      "point outside the table",
      changed("frame", firstRound + 32, 0xcf, 7),
    ],
    [
      "a point outside the table",
      "point outside the table",
      changed("frame", secondRound + 32, 0xd0, 7),
    ],
    ["a text of no point", "text without a point", changed("frame", event - 14, 3)],
    ["a text that is not UTF-8", "text is not UTF-8", changed("frame", event - 4, 0xc0)],
    ["an event that is not JSON", "not JSON", changed("frame", event + 8, 0x5b)],
    ["an unknown producer", "unknown code", changed("hello", 8, 2)],
    ["a flag in hello", "unknown flags", changed("hello", 9, 1)],
    ["frames out of order in hello", "frames are not in order", changed("hello", 32, ...f64(7))],
    ["a hash longer than allowed", "text too long", changed("hello", 10, 200)],
    ["frames out of order in gap", "frames are not in order", changed("gap", 8, ...f64(9))],
    ["a stream twice in gap", "unknown stream", changed("gap", 40, 4, 0)],
    ["a stream that cannot be", "unknown stream", changed("gap", 42, 1)],
    ["an unknown role", "unknown code", changed("resume", 8, 3)],
    ["an unknown mode", "unknown code", changed("resume", 9, 2)],
    ["an unknown wish", "unknown code", changed("resume", 10, 2)],
    ["a flag in resume", "unknown flags", changed("resume", 11, 1)],
  ];
  for (const [what, reason, bytes] of cases) {
    it(`refuses ${what}`, () => {
      assert.throws(() => decoder.decode(bytes), { code: "FRAME_MALFORMED", context: { reason } });
    });
  }

  it("refuses two texts of one point", () => {
    const texts = new Map([
      [0, "a"],
      [1, "b"],
    ]);
    const bytes = encodeRounds([{ ...PLAIN, texts }]);
    assert.equal(bytes.at(-7), 1, "the second text's position");
    bytes[bytes.length - 7] = 0;
    assert.throws(() => decoder.decode(bytes), {
      code: "FRAME_MALFORMED",
      context: { reason: "text without a point" },
    });
  });

  const facts: [string, number, string][] = [
    ["an event that is no object", 2, "7"],
    ["an event that is null", 2, "null"],
    ["an event without id", 2, JSON.stringify({ ...EVENT, id: 7 })],
    ["an event of unknown severity", 2, JSON.stringify({ ...EVENT, severity: "fatal" })],
    ["an event without time", 2, JSON.stringify({ ...EVENT, at: "now" })],
    ["an event of an odd device", 2, JSON.stringify({ ...EVENT, device: 7 })],
    ["a step of unknown stage", 3, JSON.stringify({ ...STEP, stage: "begun" })],
    ["a step that may be final", 3, JSON.stringify({ ...STEP, final: "maybe" })],
    ["a step of unknown read-back", 3, JSON.stringify({ ...STEP, readBack: "same" })],
    ["a step with a word for a promise", 3, JSON.stringify({ ...STEP, promised: "soon" })],
    ["a step with half a promise", 3, JSON.stringify({ ...STEP, promised: { leaseMs: 1 } })],
  ];
  for (const [what, kind, json] of facts) {
    it(`refuses ${what}`, () => {
      const body = Buffer.from(json);
      const bytes = Buffer.alloc(32 + body.length);
      vector("frame")
        .slice(0, 24)
        .forEach((byte, at) => (bytes[at] = byte));
      bytes.writeUInt32LE(bytes.length - 8, 0);
      bytes.writeUInt32LE(1, 16);
      bytes.writeUInt32LE(kind, 24);
      bytes.writeUInt32LE(body.length, 28);
      body.copy(bytes, 32);
      assert.throws(() => decoder.decode(bytes), { code: "FRAME_MALFORMED" });
    });
  }

  it("refuses a header that is not ours, of another version, or too long, at once", () => {
    const push = (bytes: Uint8Array) => {
      new MessageSplitter(MAX_FRAME_BYTES).push(bytes.subarray(0, 8), () => assert.fail());
    };
    assert.throws(
      () => {
        push(changed("ack", 4, 0x16));
      },
      { code: "FRAME_MALFORMED" },
    );
    assert.throws(
      () => {
        push(changed("ack", 7, 1));
      },
      { code: "FRAME_MALFORMED" },
    );
    assert.throws(
      () => {
        push(changed("ack", 5, 2));
      },
      { code: "FRAME_VERSION" },
    );
    assert.throws(
      () => {
        push(changed("ack", 0, 0xff, 0xff, 0xff, 0x7f));
      },
      { code: "FRAME_MALFORMED" },
    );
  });
});

describe("link codec: hostile frames", function () {
  this.timeout(60_000);

  it("answers 120,000 damaged frames with FRAME_MALFORMED or a valid message, nothing else", () => {
    const random = seeded(0x5eed);
    const originals = ["hello", "frame", "image", "gap", "resume", "ack"].map(vector);
    const decoder = new LinkDecoder(TABLE_SIZE);
    let refused = 0;
    const heapBefore = process.memoryUsage().arrayBuffers;
    for (let round = 0; round < 120_000; round++) {
      const bytes = damage(originals[round % originals.length] ?? new Uint8Array(0), random);
      try {
        decoder.decode(bytes);
      } catch (error) {
        assert.ok(error instanceof GatewayError && error.code === "FRAME_MALFORMED", String(error));
        refused++;
      }
    }
    assert.ok(refused > 60_000, `only ${refused} refused`);
    const grownMb = (process.memoryUsage().arrayBuffers - heapBefore) / 1e6;
    assert.ok(grownMb < 64, `${grownMb} MB of columns`);
  });

  it("cuts 20,000 streams of noise without holding more than it was given", () => {
    const random = seeded(0xbad);
    for (let round = 0; round < 20_000; round++) {
      const splitter = new MessageSplitter(1024);
      const header = vector("ack").slice(0, 8);
      if (random() < 0.5) header[Math.floor(random() * 8)] = Math.floor(random() * 256);
      const noise = Uint8Array.from({ length: 64 }, () => Math.floor(random() * 256));
      try {
        splitter.push(header, () => undefined);
        splitter.push(noise, () => undefined);
      } catch (error) {
        assert.ok(error instanceof GatewayError);
        assert.ok(["FRAME_MALFORMED", "FRAME_VERSION"].includes(error.code));
      }
    }
  });
});

/** Flips bytes, cuts, repeats or invents: what a broken or hostile peer may send. */
function damage(original: Uint8Array, random: () => number): Uint8Array {
  const pick = (below: number) => Math.floor(random() * below);
  let bytes = original.slice();
  for (let change = pick(4); change >= 0; change--) {
    const at = 6 + pick(bytes.length - 6);
    switch (pick(5)) {
      case 0:
        bytes[at] = pick(256);
        break;
      case 1:
        bytes[at] = [0, 1, 0x7f, 0x80, 0xff][pick(5)] ?? 0;
        break;
      case 2:
        bytes = bytes.slice(0, Math.max(8, at));
        break;
      case 3:
        bytes = new Uint8Array([...bytes, ...bytes.subarray(at)]);
        break;
      default:
        bytes.fill(0xff, at, at + 4);
    }
  }
  return bytes;
}
