import { strict as assert } from "node:assert";
import * as fc from "fast-check";
import {
  AGREEING_SAMPLES,
  noVotes,
  STUCK_SAMPLES,
  voteDigital,
  voteValue,
  type VoteReading,
  type VoteSettings,
} from "../../src/control/voting.ts";

const SETTINGS: VoteSettings = {
  deviationFraction: 0.02,
  floor: 10,
  samples: 3,
  worse: "higher",
};

/** Three meters; each turn is one sample of each. */
function meters(settings: Partial<VoteSettings> = {}) {
  const state = noVotes(3);
  let at = 0;
  const turn = (...values: readonly (number | undefined)[]) => {
    at += 50;
    const readings = values.map((value): VoteReading | undefined =>
      value === undefined ? undefined : { value, at },
    );
    voteValue(state, readings, { ...SETTINGS, ...settings });
    return [state.value, state.basis];
  };
  return { state, turn };
}

describe("votes on a measured value", () => {
  it("take the middle of three, whichever is off", () => {
    assert.deepEqual(meters().turn(1_000, 1_001, 5_000), [1_001, "three"]);
    assert.deepEqual(meters().turn(-9_000, 1_001, 1_000), [1_000, "three"]);
    assert.deepEqual(meters().turn(1_000, 1_000, 1_000), [1_000, "three"]);
  });

  it("drop one that deviates for three samples, and no value moves by more than 1 %", () => {
    const { state, turn } = meters();
    turn(1_000, 1_002, 1_001);
    for (let sample = 1; sample <= 2; sample += 1) {
      const [value, basis] = turn(1_000, 1_002, 1_050);
      assert.deepEqual([value, basis], [1_002, "three"], `sample ${sample}`);
    }
    assert.equal(state.isOut[2], 0, "two are not enough");
    assert.deepEqual(turn(1_000, 1_002, 1_050), [1_002, "two"]);
    assert.equal(state.isOut[2], 1);
  });

  it("begin to count again when one alone was off and agrees for a while", () => {
    const { state, turn } = meters();
    turn(1_000, 1_001, 2_000);
    turn(1_000, 1_001, 1_000);
    turn(1_000, 1_001, 2_000);
    turn(1_000, 1_001, 2_000);
    assert.equal(state.isOut[2], 0, "not in a row");
    turn(1_000, 1_001, 2_000);
    assert.equal(state.isOut[2], 1);
    for (let sample = 1; sample < AGREEING_SAMPLES; sample += 1) turn(1_000, 1_001, 1_001);
    assert.equal(state.isOut[2], 1);
    turn(1_000, 1_001, 1_001);
    assert.deepEqual([state.isOut[2], state.basis], [0, "three"]);
  });

  it("take the worse of two, the only one, and nothing of none", () => {
    assert.deepEqual(meters().turn(1_000, undefined, 1_015), [1_015, "two"]);
    assert.deepEqual(meters({ worse: "lower" }).turn(1_000, undefined, 1_015), [1_000, "two"]);
    assert.deepEqual(meters().turn(undefined, 1_000, undefined), [1_000, "one"]);
    assert.deepEqual(meters().turn(undefined, undefined, undefined), [Number.NaN, "none"]);
  });

  it("put none of two out: nobody knows which one is wrong", () => {
    const { state, turn } = meters();
    for (let sample = 0; sample < 10; sample += 1) turn(1_000, undefined, 2_000);
    assert.deepEqual([...state.isOut], [0, 0, 0]);
    assert.equal(state.value, 2_000);
  });

  it("drop one that stands still while the others move, and only then", () => {
    const { state, turn } = meters({ floor: 1e6 });
    for (let sample = 0; sample <= STUCK_SAMPLES; sample += 1) turn(1_000, 1_000, 1_000);
    assert.deepEqual([...state.isOut], [0, 0, 0], "a load that stands still is no fault");
    const other = meters({ floor: 1e6 });
    for (let sample = 0; sample < STUCK_SAMPLES; sample += 1)
      other.turn(1_000 + sample, 1_001 + sample, 1_000);
    assert.equal(other.state.isOut[2], 0);
    other.turn(2_000, 2_001, 1_000);
    other.turn(2_001, 2_002, 1_000);
    assert.equal(other.state.isOut[2], 1);
  });

  it("count a reading once, however often it is looked at", () => {
    const state = noVotes(3);
    const readings = [1_000, 1_001, 2_000].map((value) => ({ value, at: 50 }));
    for (let look = 0; look < 10; look += 1) voteValue(state, readings, SETTINGS);
    assert.equal(state.isOut[2], 0);
  });

  it("never leave what two of three say, with any one of them wrong", () => {
    const wrong = fc.array(fc.double({ min: -1e9, max: 1e9, noNaN: true }), { maxLength: 40 });
    fc.assert(
      fc.property(wrong, fc.integer({ min: 0, max: 2 }), (values, channel) => {
        const { turn } = meters();
        for (const [sample, value] of values.entries()) {
          const truth = 1_000 + sample;
          const told = [truth - 1, truth, truth + 1];
          told[channel] = value;
          const [voted] = turn(...told);
          assert.ok(Math.abs(Number(voted) - truth) <= 1, `${String(voted)} of ${truth}`);
        }
      }),
    );
  });
});

describe("votes on a trip", () => {
  for (const [what, votes, expected] of [
    ["one of one", [1, 1, 0, 0], "active"],
    ["none of one", [1, 0, 0, 0], "clear"],
    ["a lost one of one", [1, 0, 1, 0], "active"],
    ["one of one that shows nothing yet", [1, 0, 0, 1], "unknown"],
    ["one of two", [2, 1, 0, 0], "active"],
    ["a lost one of two", [2, 0, 1, 0], "active"],
    ["one of three", [3, 1, 0, 0], "clear"],
    ["two of three", [3, 2, 0, 0], "active"],
    ["one and a lost one of three", [3, 1, 1, 0], "active"],
    ["a lost one of three", [3, 0, 1, 0], "clear"],
    ["two lost of three", [3, 0, 2, 0], "active"],
    ["one, and one that shows nothing yet, of three", [3, 1, 0, 1], "unknown"],
    ["one that shows nothing yet of three", [3, 0, 0, 1], "clear"],
  ] as const)
    it(`${what} is ${expected}`, () => {
      const [count, active, faulty, unknown] = votes;
      assert.equal(voteDigital({ count, active, faulty, unknown }), expected);
    });
});
