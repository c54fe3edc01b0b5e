import { strict as assert } from "node:assert";
import * as fc from "fast-check";
import { shareEqually, type Shares } from "../../src/control/share.ts";

function sharesOf(starts: readonly number[], highs: readonly number[]): Shares {
  return {
    powersW: Float64Array.from(starts),
    lowsW: Float64Array.from(highs, (high) => -high),
    highsW: Float64Array.from(highs),
  };
}

describe("equal share", () => {
  const cases = [
    ["splits equally", [0, 0], [12, 12], 6, [3, 3], 0],
    ["gives what one cannot take to the others", [0, 0, 0], [1, 12, 12], 9, [1, 4, 4], 0],
    ["fills one after the other up", [0, 0, 0], [1, 2, 12], 10, [1, 2, 7], 0],
    ["returns what nobody can take", [0, 0], [4, 4], 10, [4, 4], 2],
    ["charges as it discharges", [0, 0], [1, 12], -6, [-1, -5], 0],
    ["returns what nobody can charge", [0, 0], [2, 2], -5, [-2, -2], -1],
    ["adds to where the units start", [2, 0], [12, 12], 4, [4, 2], 0],
    ["leaves a unit alone that cannot move", [0, 0], [0, 12], 5, [0, 5], 0],
    ["has nothing to do with nothing", [1, 1], [4, 4], 0, [1, 1], 0],
  ] as const;
  for (const [name, starts, highs, amountW, expected, leftW] of cases) {
    it(name, () => {
      const shares = sharesOf(starts, highs);
      const members = starts.map((_start, place) => place);
      assert.equal(shareEqually(shares, members, amountW), leftW);
      assert.deepEqual([...shares.powersW], expected);
    });
  }

  it("shares only among the members", () => {
    const shares = sharesOf([0, 0, 0], [9, 9, 9]);
    shareEqually(shares, [0, 2], 6);
    assert.deepEqual([...shares.powersW], [3, 0, 3]);
    assert.equal(shareEqually(shares, [], 6), 6);
  });

  it("loses nothing and breaks no limit, for any units and amount", () => {
    const unit = fc.record({
      high: fc.integer({ min: 0, max: 12_000_000 }),
      start: fc.double({ min: -1, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(
        fc.array(unit, { minLength: 1, maxLength: 8 }),
        fc.integer({ min: -60_000_000, max: 60_000_000 }),
        (units, amountW) => {
          const starts = units.map(({ high, start }) => high * start);
          const shares = sharesOf(
            starts,
            units.map(({ high }) => high),
          );
          const leftW = shareEqually(
            shares,
            units.map((_unit, place) => place),
            amountW,
          );
          const sum = (column: Iterable<number>) => [...column].reduce((a, b) => a + b, 0);
          assert.ok(Math.abs(sum(shares.powersW) - sum(starts) - (amountW - leftW)) <= 0.01);
          for (const [place, powerW] of shares.powersW.entries())
            assert.ok(Math.abs(powerW) <= units[place]!.high + 1e-6);
          assert.ok(leftW === 0 || Math.sign(leftW) === Math.sign(amountW));
        },
      ),
    );
  });

  it("asserts that a share is a number", () => {
    assert.throws(() => shareEqually(sharesOf([0], [1]), [0], Number.NaN), {
      name: "AssertionError",
    });
  });
});
