import { strict as assert } from "node:assert";
import { streamId } from "../../src/domain/point.ts";
import { monotonicMs } from "../../src/domain/time.ts";
import { FrameRing } from "../../src/link/frame-ring.ts";

function fill(ring: FrameRing, frames: number, atMs = 0) {
  for (let count = 0; count < frames; count++) {
    const seqs = new Map([[streamId(ring.nextFrame % 3), ring.nextFrame]]);
    ring.push(Uint8Array.of(ring.nextFrame % 256), monotonicMs(atMs), seqs);
  }
}

describe("frame ring", () => {
  const limits = { ringMs: 60_000, ringBytes: 32 * 1024 * 1024 };

  it("finds every frame it keeps, through thousands of pushes and releases", () => {
    const ring = new FrameRing(limits);
    for (let round = 0; round < 200; round++) {
      fill(ring, 37);
      ring.release(ring.nextFrame - 20);
      assert.equal(ring.oldestFrame, ring.nextFrame - 19);
      for (let frame = ring.oldestFrame; frame < ring.nextFrame; frame++) {
        assert.equal(ring.message(frame)?.[0], frame % 256);
      }
      assert.equal(ring.message(ring.oldestFrame - 1), undefined);
      assert.equal(ring.message(ring.nextFrame), undefined);
    }
    assert.equal(ring.overrunFrames, 0);
    assert.equal(ring.goneSeqs.get(streamId(1)), ring.oldestFrame - 1);
  });

  it("holds no more bytes than allowed and no frame longer than allowed", () => {
    const ring = new FrameRing({ ringMs: 100, ringBytes: 10_000 });
    fill(ring, 1_000);
    assert.ok(ring.bytes <= 10_000);
    assert.equal(ring.overrunFrames, ring.oldestFrame - 1);
    fill(ring, 1, 101);
    assert.equal(ring.oldestFrame, ring.nextFrame - 1);
  });

  it("is empty after everything is released, and knows what was", () => {
    const ring = new FrameRing(limits);
    fill(ring, 5);
    assert.deepEqual([...ring.release(2)], [...ring.goneSeqs]);
    ring.release(9);
    assert.deepEqual([ring.oldestFrame, ring.nextFrame, ring.bytes], [6, 6, 0]);
  });
});
