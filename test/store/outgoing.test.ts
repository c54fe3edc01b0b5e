import { strict as assert } from "node:assert";
import { Outgoing } from "../../src/store/outgoing.ts";
import type { PackedFrame } from "../../src/store/packing.ts";
import { SimClock } from "../support/sim-clock.ts";

function frame(rows: number): PackedFrame {
  const packed = { count: rows, buffer: new ArrayBuffer(0), texts: [] };
  return { ...packed, producer: "field", epoch: 1, frameNo: 1, names: [] };
}

function start() {
  const clock = new SimClock();
  const posts: { at: number; tokens: number[]; sent: number[] }[] = [];
  const outgoing = new Outgoing(clock, { commitEveryMs: 50, commitRows: 500 }, (batch) => {
    const tokens = batch.frames.map(({ token }) => token);
    posts.push({ at: clock.now(), tokens, sent: [...batch.sent] });
  });
  return { clock, posts, outgoing };
}

describe("group commit", () => {
  it("goes at once when idle, and then at most every 50 ms", async () => {
    const { clock, posts, outgoing } = start();
    for (let token = 1; token <= 30; token += 1) {
      outgoing.addFrame(token, frame(1));
      await clock.advance(10);
    }
    assert.deepEqual(
      posts.map(({ at }) => at),
      [0, 50, 100, 150, 200, 250, 300],
    );
    assert.deepEqual(
      posts.flatMap(({ tokens }) => tokens),
      Array.from({ length: 30 }, (_, at) => at + 1),
    );
  });

  it("is at most 20 commits a second below 500 rows in 50 ms", async () => {
    const { clock, posts, outgoing } = start();
    for (let ms = 0; ms < 999; ms += 1) {
      outgoing.addFrame(ms, frame(9));
      await clock.advance(1);
    }
    assert.ok(posts.length <= 20, `${posts.length} commits`);
  });

  it("does not wait when rows pile up", async () => {
    const { clock, posts, outgoing } = start();
    outgoing.addFrame(1, frame(1));
    await clock.advance(1);
    outgoing.addFrame(2, frame(499));
    outgoing.addFrame(3, frame(1));
    assert.deepEqual(posts.at(-1), { at: 1, tokens: [2, 3], sent: [] });
  });

  it("carries what only has to be told with the next frame, or after a second", async () => {
    const { clock, posts, outgoing } = start();
    outgoing.addSent([1, 2]);
    await clock.advance(200);
    outgoing.addSent([3]);
    outgoing.addFrame(1, frame(1));
    assert.deepEqual(posts, [{ at: 200, tokens: [1], sent: [1, 2, 3] }]);
    outgoing.addSent([4]);
    await clock.advance(999);
    assert.equal(posts.length, 1);
    await clock.advance(1);
    assert.deepEqual(posts.at(-1), { at: 1200, tokens: [], sent: [4] });
  });

  it("brings an earlier commit forward when a frame follows what was only told", async () => {
    const { clock, posts, outgoing } = start();
    outgoing.addFrame(1, frame(1));
    outgoing.addSent([9]);
    await clock.advance(10);
    outgoing.addFrame(2, frame(1));
    await clock.advance(40);
    assert.deepEqual(posts.at(-1), { at: 50, tokens: [2], sent: [9] });
  });

  it("sends nothing by itself after it was stopped", async () => {
    const { clock, posts, outgoing } = start();
    outgoing.addFrame(1, frame(1));
    outgoing.addFrame(2, frame(1));
    outgoing.stop();
    await clock.advance(1000);
    assert.equal(posts.length, 1);
    outgoing.flush();
    assert.deepEqual(posts.at(-1)?.tokens, [2]);
  });
});
