import { strict as assert } from "node:assert";
import fc from "fast-check";
import { IdRanges } from "../../src/store/id-ranges.ts";

const SPACE = 60;
const step = fc.record({
  isAdd: fc.boolean(),
  first: fc.nat(SPACE - 1),
  length: fc.integer({ min: 1, max: 12 }),
});

describe("id ranges", () => {
  it("is a set of numbers, whatever is added and taken out", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const ranges = new IdRanges();
        const model = new Set<number>();
        for (const { isAdd, first, length } of steps) {
          const last = first + length - 1;
          const before = model.size;
          for (let id = first; id <= last; id += 1) {
            if (isAdd) model.add(id);
            else model.delete(id);
          }
          const changed = isAdd ? ranges.add(first, last) : ranges.remove(first, last);
          assert.equal(changed, Math.abs(model.size - before));
          assert.equal(ranges.count, model.size);
        }
        for (let id = 0; id < SPACE + 12; id += 1) assert.equal(ranges.has(id), model.has(id));
        const listed = [...ranges.ranges()];
        for (const [at, [first]] of listed.entries()) {
          const before = listed[at - 1];
          assert.ok(before === undefined || first > before[1] + 1, "ranges never touch");
        }
      }),
    );
  });

  it("tells the gaps, what is covered and what meets", () => {
    const ranges = new IdRanges();
    ranges.add(3, 5);
    ranges.add(9);
    assert.deepEqual([...ranges.gaps(0, 12)], [[0, 2], [6, 8], [10, 12]]); // prettier-ignore
    assert.deepEqual([...ranges.gaps(4, 5)], []);
    assert.deepEqual([...ranges.gaps(4, 6)], [[6, 6]]);
    assert.ok(ranges.covers(3, 5) && !ranges.covers(3, 6) && !ranges.covers(5, 9));
    assert.ok(ranges.intersects(5, 8) && !ranges.intersects(6, 8));
    assert.equal(ranges.max, 9);
    assert.equal(new IdRanges().max, -1);
  });

  it("comes back from its bytes, ids beyond 2^32 too", () => {
    const pieces = fc.array(fc.tuple(fc.integer({ min: 0, max: 2 ** 48 }), fc.nat(1000)), {
      maxLength: 30,
    });
    fc.assert(
      fc.property(pieces, (added) => {
        const ranges = new IdRanges();
        for (const [first, length] of added) ranges.add(first, first + length);
        const back = IdRanges.fromBytes(ranges.toBytes());
        assert.deepEqual([...(back?.ranges() ?? [])], [...ranges.ranges()]);
      }),
    );
  });

  it("stays a few bytes when millions are sent in order", () => {
    const ranges = new IdRanges();
    for (let id = 1; id <= 100_000; id += 1) ranges.add(id);
    assert.equal(ranges.rangeCount, 1);
    assert.ok(ranges.toBytes().length <= 4);
  });

  it("refuses bytes that are not a set", () => {
    assert.equal(IdRanges.fromBytes(Uint8Array.of(0x80)), undefined, "a number breaks off");
    assert.equal(IdRanges.fromBytes(Uint8Array.of(1)), undefined, "half a range");
    assert.equal(IdRanges.fromBytes(new Uint8Array(40).fill(0xff).fill(1, 39)), undefined);
  });

  it("drops its shortest range first", () => {
    const ranges = new IdRanges();
    ranges.add(1, 10);
    ranges.add(20, 21);
    ranges.add(30, 40);
    assert.equal(ranges.dropShortest(), 2);
    assert.deepEqual([...ranges.ranges()], [[1, 10], [30, 40]]); // prettier-ignore
    assert.equal(new IdRanges().dropShortest(), 0);
  });
});
