import { strict as assert } from "node:assert";
import { LatestImage } from "../../src/link/latest-image.ts";
import { makeRound } from "./round-builders.ts";

describe("latest image", () => {
  it("gives of every round what no later one has replaced, older rounds first", () => {
    const image = new LatestImage(100);
    image.take(makeRound(2, 1, 50, [7]));
    image.take(makeRound(1, 1, 0, [1, 2, 3]));
    image.take(makeRound(1, 2, 1, [22]));
    assert.deepEqual(
      [...image.rounds()].map(({ stream, seq, points, values }) => [
        stream,
        seq,
        [...points],
        [...values],
      ]),
      [
        [1, 1, [0, 2], [1, 3]],
        [1, 2, [1], [22]],
        [2, 1, [50], [7]],
      ],
    );
  });

  it("keeps quality, source times and texts by point, and forgets a text that is gone", () => {
    const image = new LatestImage(100);
    image.take({
      ...makeRound(1, 1, 0, [1, Number.NaN, 3]),
      quality: Uint8Array.of(0, 65, 0),
      sourceTimes: Float64Array.of(10, Number.NaN, 30),
      texts: new Map([
        [1, "one"],
        [2, "two"],
      ]),
    });
    image.take({ ...makeRound(1, 2, 2, [4]), texts: undefined });
    const [first, second] = [...image.rounds()];
    assert.deepEqual([...(first?.quality ?? [])], [0, 65]);
    assert.deepEqual([...(first?.sourceTimes ?? [])], [10, Number.NaN]);
    assert.deepEqual(first?.texts, new Map([[1, "one"]]));
    assert.equal(second?.texts, undefined);
    assert.equal(second?.sourceTimes, undefined, "all as received");
  });

  it("has nothing to say about points that nobody has read", () => {
    assert.deepEqual([...new LatestImage(100).rounds()], []);
  });
});
