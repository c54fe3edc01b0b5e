import { strict as assert } from "node:assert";
import fc from "fast-check";
import {
  type Puback,
  PubackFilter,
  publishBytes,
  publishHead,
} from "../../../src/northbound/mqtt/codec.ts";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const topic = new TextEncoder().encode("a/b");
const facts = {
  protocol: 5,
  topic,
  payloadBytes: 2,
  packetId: 10,
  isRetained: false,
  expirySeconds: undefined,
} as const;

describe("publish packet", () => {
  const cases: readonly (readonly [string, Parameters<typeof publishHead>[0], string])[] = [
    ["QoS 1 of MQTT 5", facts, "32" + "0a" + "0003612f62" + "000a" + "00"],
    ["QoS 0 of MQTT 5", { ...facts, packetId: 0 }, "30" + "08" + "0003612f62" + "00"],
    ["QoS 1 of MQTT 3.1.1", { ...facts, protocol: 4 }, "32" + "09" + "0003612f62" + "000a"],
    [
      "a retained document that expires",
      { ...facts, isRetained: true, expirySeconds: 70_000 },
      "33" + "0f" + "0003612f62" + "000a" + "05" + "0200011170",
    ],
    [
      "no expiry where the protocol has none",
      { ...facts, protocol: 4, isRetained: true, expirySeconds: 70_000 },
      "33" + "09" + "0003612f62" + "000a",
    ],
    [
      "a length of two bytes",
      { ...facts, protocol: 4, packetId: 0, payloadBytes: 200 },
      "30" + "cd01" + "0003612f62",
    ],
    [
      "a length of four bytes",
      { ...facts, protocol: 4, packetId: 0, payloadBytes: 2_097_152 },
      "30" + "85808001" + "0003612f62",
    ],
  ];
  for (const [what, given, expected] of cases) {
    it(`is ${expected} for ${what}`, () => {
      assert.equal(hex(publishHead(given)), expected);
    });
  }

  it("is never longer than what is compared with the broker's limit", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(4 as const, 5 as const),
        fc.integer({ min: 0, max: 300_000 }),
        fc.option(fc.integer({ min: 0, max: 0xffff_ffff }), { nil: undefined }),
        (protocol, payloadBytes, expirySeconds) => {
          const head = publishHead({ ...facts, protocol, payloadBytes, expirySeconds });
          const most = publishBytes(topic.length, payloadBytes, protocol);
          assert.ok(head.length + payloadBytes <= most);
        },
      ),
    );
  });
});

describe("PUBACK filter", () => {
  const varint = (value: number): number[] =>
    value < 128 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)];
  const packet = (first: number, body: readonly number[]) => [
    first,
    ...varint(body.length),
    ...body,
  ];
  const other = (length: number) => packet(0x30, new Array<number>(length).fill(0x40));
  const ignore = () => undefined;

  it("takes out every PUBACK and nothing else, however the stream is cut", () => {
    const reason = fc.oneof(
      fc.constant([]),
      fc.tuple(fc.nat(255)),
      fc.tuple(fc.nat(255), fc.constant(0)),
      fc.tuple(fc.nat(255), fc.constant(2), fc.constant(0x26), fc.constant(0x40)),
    );
    const item = fc.oneof(
      fc.record({ length: fc.nat(300) }),
      fc.record({ packetId: fc.integer({ min: 1, max: 0xffff }), reason }),
    );
    fc.assert(
      fc.property(
        fc.array(item, { maxLength: 20 }),
        fc.integer({ min: 1, max: 50 }),
        (items, cut) => {
          const stream: number[] = [];
          const others: number[] = [];
          const pubacks: Puback[] = [];
          for (const each of items) {
            if ("length" in each) {
              const bytes = other(each.length);
              stream.push(...bytes);
              others.push(...bytes);
              continue;
            }
            const { packetId, reason: rest } = each;
            stream.push(...packet(0x40, [packetId >>> 8, packetId & 0xff, ...rest]));
            pubacks.push({ packetId, reasonCode: rest[0] ?? 0 });
          }
          const found: Puback[] = [];
          const passed: number[] = [];
          const filter = new PubackFilter(300, (puback) => found.push(puback));
          for (let at = 0; at < stream.length; at += cut) {
            const parts = filter.pass(Uint8Array.from(stream.slice(at, at + cut)));
            assert.ok(parts !== undefined);
            for (const part of parts) passed.push(...part);
          }
          assert.deepEqual(found, pubacks);
          assert.deepEqual(passed, others);
        },
      ),
    );
  });

  it("refuses a packet that announces more than allowed, before its content comes", () => {
    const filter = new PubackFilter(300, ignore);
    assert.ok(filter.pass(Uint8Array.from(other(300))) !== undefined);
    assert.deepEqual(filter.pass(Uint8Array.of(0x30)), [Uint8Array.of(0x30)]);
    assert.equal(filter.pass(Uint8Array.from(varint(301))), undefined);
    const longest = Uint8Array.of(0x30, 0xff, 0xff, 0xff, 0x7f);
    assert.equal(new PubackFilter(300, ignore).pass(longest), undefined);
  });

  it("refuses a length of five bytes", () => {
    const endless = Uint8Array.of(0x30, 0x80, 0x80, 0x80, 0x80, 0x00);
    assert.equal(new PubackFilter(1e9, ignore).pass(endless), undefined);
  });

  it("refuses a PUBACK without a whole packet id", () => {
    for (const body of [[], [1]]) {
      const bytes = Uint8Array.from(packet(0x40, body));
      assert.equal(new PubackFilter(300, ignore).pass(bytes), undefined);
    }
  });
});
