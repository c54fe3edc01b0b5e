import { strict as assert } from "node:assert";
import fc from "fast-check";
import {
  encodeFrame,
  encodeJsonFrame,
  FRAME,
  FRAME_OCTETS_MAX,
  FrameCutter,
  jsonOf,
  numberOf,
  withNumber,
} from "../../../src/drivers/iec61850/native-frames.ts";

interface Plain {
  readonly kind: number;
  readonly association: number;
  readonly body: Uint8Array;
}

const frames = fc.array(
  fc.record(
    {
      kind: fc.integer({ min: 0, max: 255 }),
      association: fc.integer({ min: 0, max: 0xffff_ffff }),
      body: fc.uint8Array({ maxLength: 300 }),
    },
    { noNullPrototype: true },
  ),
  { maxLength: 12 },
);

function cut(stream: Uint8Array, sizes: readonly number[]): readonly Plain[] {
  const taken: Plain[] = [];
  const cutter = new FrameCutter((frame) => taken.push({ ...frame, body: frame.body.slice() }));
  let at = 0;
  for (let turn = 0; at < stream.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    cutter.push(stream.slice(at, at + size));
    at += size;
  }
  return taken;
}

describe("frames to the native process", () => {
  it("are the same however the stream is cut", () => {
    fc.assert(
      fc.property(
        frames,
        fc.array(fc.integer({ min: 1, max: 97 }), { minLength: 1, maxLength: 6 }),
        (sent, sizes) => {
          const parts = sent.map((frame) => encodeFrame(frame.kind, frame.association, frame.body));
          const stream = Uint8Array.from(parts.flatMap((part) => [...part]));
          assert.deepEqual(cut(stream, sizes), sent);
        },
      ),
    );
  });

  it("end the stream that announces more than a frame may have, or less than a head", () => {
    for (const octets of [FRAME_OCTETS_MAX + 1, 0xffff_ffff, 4, 0]) {
      const cutter = new FrameCutter(() => assert.fail("there is no frame"));
      assert.throws(
        () => {
          cutter.push(withNumber(octets));
        },
        { code: "FRAME_MALFORMED" },
        String(octets),
      );
    }
  });

  it("carry JSON objects and numbers, and refuse what is none", () => {
    const taken: unknown[] = [];
    const cutter = new FrameCutter(({ body }) => taken.push(jsonOf(body)));
    cutter.push(encodeJsonFrame(FRAME.opened, 7, { nesting: 10 }));
    assert.deepEqual(taken, [{ nesting: 10 }]);
    assert.equal(numberOf(withNumber(0xfedc_ba98, Uint8Array.of(1))), 0xfedc_ba98);
    for (const body of ["", "{", "null", "3"])
      assert.throws(() => jsonOf(new TextEncoder().encode(body)), { code: "FRAME_MALFORMED" });
    assert.throws(() => numberOf(Uint8Array.of(1, 2, 3)), { code: "FRAME_MALFORMED" });
  });
});
