import { strict as assert } from "node:assert";
import fc from "fast-check";
import {
  appendCrc,
  crc16,
  hasValidCrc,
  splitRtuRequest,
  splitRtuResponse,
} from "../../../src/wire/modbus/rtu.ts";

const hex = (text: string): Uint8Array =>
  Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));
const framed = (text: string): Uint8Array => {
  const body = hex(text);
  const target = new Uint8Array(body.length + 2);
  target.set(body);
  appendCrc(target, 0, body.length);
  return target;
};

/** Splits answers of unit 1 to this function. */
function splitAnswer(code: number) {
  return (bytes: Uint8Array, start: number, end: number) =>
    splitRtuResponse(bytes, start, end, { unit: 1, function: code });
}

describe("Modbus RTU", () => {
  it("has the CRC of known frames, low byte first", () => {
    const known = ["02 07 41 12", "01 03 00 00 00 0A C5 CD", "11 03 00 6B 00 03 76 87"];
    for (const text of known) {
      const frame = hex(text);
      assert.ok(hasValidCrc(frame, 0, frame.length), text);
      assert.deepEqual(framed(text.slice(0, -5)), frame);
    }
    // The check value of CRC-16/MODBUS.
    const check = Uint8Array.from(Buffer.from("123456789", "latin1"));
    assert.equal(crc16(check, 0, check.length), 0x4b37);
  });

  it("notices every changed bit", () => {
    const frame = framed("11 03 00 6B 00 03");
    for (let bit = 0; bit < frame.length * 8; bit += 1) {
      const broken = frame.slice();
      broken[bit >> 3] = (broken[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      assert.equal(hasValidCrc(broken, 0, broken.length), false, `bit ${bit}`);
    }
  });

  it("splits requests of every function code", () => {
    const bodies = [
      "01 01 0000 0001",
      "01 03 006B 0003",
      "01 05 00AC FF00",
      "01 06 0001 0003",
      "01 0F 0013 000A 02 CD01",
      "01 10 0001 0002 04 000A 0102",
      "01 16 0004 00F2 0025",
      "01 2B 0E 01 00",
    ];
    const stream = Buffer.concat(bodies.map(framed));
    let at = 0;
    for (const body of bodies) {
      const found = splitRtuRequest(stream, at, stream.length);
      assert.equal(found.kind, "frame", body);
      assert.equal(found.skipped, 0);
      assert.deepEqual(Uint8Array.from(stream.subarray(found.start, found.end - 2)), hex(body));
      at = found.end;
    }
    assert.equal(at, stream.length);
  });

  it("splits responses of every function code", () => {
    const bodies = [
      "01 01 02 CD01",
      "01 03 06 022B 0000 0064",
      "01 05 00AC FF00",
      "01 10 0001 0002",
      "01 16 0004 00F2 0025",
      "01 83 02",
      "01 2B 0E 01 81 00 00 02 00 02 6162 01 01 63",
    ];
    const stream = Buffer.concat(bodies.map(framed));
    let at = 0;
    for (const body of bodies) {
      const code = (hex(body)[1] ?? 0) & 0x7f;
      const found = splitAnswer(code)(stream, at, stream.length);
      assert.equal(found.kind, "frame", body);
      assert.deepEqual(Uint8Array.from(stream.subarray(found.start, found.end - 2)), hex(body));
      at = found.end;
    }
    assert.equal(at, stream.length);
  });

  it("waits for the rest of a frame at every cut", () => {
    const cases = [
      [framed("01 10 0001 0002 04 000A 0102"), splitRtuRequest],
      [framed("01 2B 0E 01 81 00 00 02 00 02 6162 01 01 63"), splitAnswer(43)],
    ] as const;
    for (const [frame, split] of cases) {
      for (let cut = 0; cut < frame.length; cut += 1) {
        assert.deepEqual(split(frame, 0, cut), {
          kind: "incomplete",
          start: 0,
          end: cut,
          skipped: 0,
        });
      }
      assert.equal(split(frame, 0, frame.length).kind, "frame");
    }
  });

  it("finds the next frame behind noise", () => {
    const frame = framed("01 03 006B 0003");
    const noisy = Buffer.concat([hex("FF 00 7F"), frame]);
    assert.deepEqual(splitRtuRequest(noisy, 0, noisy.length), {
      kind: "frame",
      start: 3,
      end: 11,
      skipped: 3,
    });
    const broken = frame.slice();
    broken[6] = 0;
    const both = Buffer.concat([broken, frame]);
    const found = splitRtuRequest(both, 0, both.length);
    assert.deepEqual([found.kind, found.start], ["frame", 8]);
  });

  it("takes the response to something else for noise, and does not wait for its rest", () => {
    const answer = framed("01 03 02 0005");
    const others = [framed("02 03 02 0009"), framed("01 04 02 0009"), hex("09 03 F0 00")];
    for (const other of others) {
      const both = Buffer.concat([other, answer]);
      const { kind, start, skipped } = splitAnswer(3)(both, 0, both.length);
      assert.deepEqual([kind, start, skipped], ["frame", other.length, other.length]);
    }
  });

  it("does not wait for a frame that would be too long", () => {
    // A write that announces 255 bytes of values, 264 in all.
    const claimed = Buffer.concat([hex("01 10 0000 0001 FF"), framed("01 03 006B 0003")]);
    const found = splitRtuRequest(claimed, 0, claimed.length);
    assert.deepEqual([found.kind, found.start], ["frame", 7]);
  });

  it("keeps no more than one frame of noise waiting", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 0, maxLength: 600 }), (noise) => {
        for (const split of [splitRtuRequest, splitAnswer(3)]) {
          const found = split(noise, 0, noise.length);
          assert.ok(found.start >= 0 && found.start <= found.end && found.end <= noise.length);
          assert.ok(found.end - found.start <= 256);
          assert.equal(found.skipped, found.start);
        }
      }),
    );
  });
});
