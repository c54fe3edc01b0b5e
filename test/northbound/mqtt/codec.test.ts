import { strict as assert } from "node:assert";
import fc from "fast-check";
import { LengthGuard, publishBytes, publishHead } from "../../../src/northbound/mqtt/codec.ts";

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

describe("length guard", () => {
  const packet = (length: number) =>
    Uint8Array.from([0x30, ...varint(length), ...new Uint8Array(length).fill(0xff)]);
  const varint = (value: number): number[] =>
    value < 128 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)];

  it("passes packets up to its limit, however they are cut", () => {
    const lengths = fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 20 });
    fc.assert(
      fc.property(lengths, fc.integer({ min: 1, max: 50 }), (given, cut) => {
        const guard = new LengthGuard(300);
        const stream = Uint8Array.from(given.flatMap((length) => [...packet(length)]));
        for (let at = 0; at < stream.length; at += cut) {
          assert.equal(guard.accept(stream.subarray(at, at + cut)), true);
        }
      }),
    );
  });

  it("refuses one that announces more, before its content comes", () => {
    const guard = new LengthGuard(300);
    assert.equal(guard.accept(packet(300)), true);
    assert.equal(guard.accept(Uint8Array.of(0x30)), true);
    assert.equal(guard.accept(Uint8Array.from(varint(301))), false);
    assert.equal(new LengthGuard(300).accept(Uint8Array.of(0x30, 0xff, 0xff, 0xff, 0x7f)), false);
  });

  it("refuses a length of five bytes", () => {
    const endless = Uint8Array.of(0x30, 0x80, 0x80, 0x80, 0x80, 0x00);
    assert.equal(new LengthGuard(1e9).accept(endless), false);
  });
});
