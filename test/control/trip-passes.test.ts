import { strict as assert } from "node:assert";
import fc from "fast-check";
import type { ControlPlan, TripTerms } from "../../src/control/plan.ts";
import { PLAIN_TRIP } from "../../src/control/plan.ts";
import { mayPass, RECOVERIES_MAX, unseenCause } from "../../src/control/trip-cause.ts";
import { parsePasses, restorePasses, savedPasses } from "../../src/control/trip-passes.ts";
import { latchRecord, parseLatchRecord } from "../../src/control/trip-record.ts";
import { noTrips } from "../../src/control/trips.ts";
import { authorityRecord, fullAuthority } from "../../src/control/authority/authority.ts";
import { pointIndex } from "../../src/domain/point.ts";
import { pointCountOf, testPlan } from "../support/plant-plan.ts";
import { HandCycle } from "./support/hand-cycle.ts";

const HOUR_MS = 3_600_000;
const SENSOR = pointIndex(pointCountOf(2));

/** The test site with one more trip, which stops both batteries. */
function planOf(terms: Partial<TripTerms>): ControlPlan {
  const base = testPlan({ withFeeders: false });
  const rule = {
    id: "gas-warning",
    device: "panel",
    pointName: "gas-warning",
    text: "gas",
    condition: { point: SENSOR, when: { equals: 1 }, isActiveLow: false },
    units: [0, 1],
    terms: { ...PLAIN_TRIP, ...terms },
  };
  return { ...base, trips: [...base.trips, rule] };
}

/** A site of which the cause comes and goes. */
function started(terms: Partial<TripTerms> = { recoversAfterMs: 500 }) {
  const hand = new HandCycle(planOf(terms), pointCountOf(2) + 1);
  hand.utcShiftMs = 1_800_000_000_000;
  hand.values[SENSOR] = 0;
  hand.run(200);
  const isLatched = () => hand.status.trips.length > 0;
  return {
    hand,
    isLatched,
    /** True when it has ended by itself. */
    comesAndGoes: (): boolean => {
      hand.turn({ [SENSOR]: 1 });
      hand.turn({ [SENSOR]: 0 });
      hand.run(600);
      return !isLatched();
    },
  };
}

describe("how often a trip has ended by itself", () => {
  it("is still known when control is killed after each of them", () => {
    const { hand, comesAndGoes } = started();
    for (let time = 1; time <= RECOVERIES_MAX; time += 1) {
      assert.ok(comesAndGoes(), `time ${time}`);
      hand.restart();
      hand.run(200);
    }
    assert.equal(comesAndGoes(), false, "a restart is no way to recover again");
    assert.equal(hand.reset(), "done");
    hand.restart();
    assert.ok(comesAndGoes(), "a person looked at it");
  });

  it("is forgotten by the hour, also over a restart", () => {
    const { hand, comesAndGoes } = started();
    for (let time = 1; time <= RECOVERIES_MAX; time += 1) assert.ok(comesAndGoes());
    hand.now += HOUR_MS - 10_000;
    hand.restart();
    assert.equal(comesAndGoes(), false, "ten seconds less than an hour");
    const another = started();
    for (let time = 1; time <= RECOVERIES_MAX; time += 1) assert.ok(another.comesAndGoes());
    another.hand.now += HOUR_MS;
    another.hand.restart();
    assert.ok(another.comesAndGoes());
  });

  it("counts from the restart when the clock was set back by then", () => {
    const { hand, comesAndGoes } = started();
    for (let time = 1; time <= RECOVERIES_MAX; time += 1) assert.ok(comesAndGoes());
    const saved = hand.saved();
    hand.now += HOUR_MS / 2;
    hand.utcShiftMs -= 24 * HOUR_MS;
    hand.restart(saved);
    hand.now += HOUR_MS - 10_000;
    assert.equal(comesAndGoes(), false);
  });

  it("is spent when the record cannot be read, for an hour", () => {
    const { hand, comesAndGoes, isLatched } = started();
    hand.restart("unreadable");
    hand.turn({ [SENSOR]: 0 });
    assert.equal(hand.reset(), "done");
    assert.equal(isLatched(), false);
    assert.equal(comesAndGoes(), false);
    assert.equal(hand.reset(), "done", "and a person may lift it");
    hand.restart("unreadable");
    hand.turn({ [SENSOR]: 0 });
    assert.equal(hand.reset(), "done");
    hand.restart();
    hand.now += HOUR_MS;
    assert.ok(comesAndGoes());
  });

  it("and what was let pass: saved at once, without a latch", () => {
    const { hand, isLatched } = started({ passesPerHour: 2 });
    for (let time = 1; time <= 2; time += 1) {
      const before = hand.turn({ [SENSOR]: 0 }).latchRevision;
      assert.notEqual(hand.turn({ [SENSOR]: 1 }).latchRevision, before, "to be saved");
      assert.equal(isLatched(), false);
      hand.turn({ [SENSOR]: 0 });
      hand.restart();
    }
    hand.turn({ [SENSOR]: 1 });
    assert.ok(isLatched());
  });

  it("counts one that stands over restarts once, and the next one by itself", () => {
    const { hand, isLatched } = started({ passesPerHour: 2 });
    hand.turn({ [SENSOR]: 1 });
    for (let time = 0; time < 5; time += 1) {
      hand.restart();
      hand.bad.add(SENSOR);
      hand.turn();
      hand.bad.clear();
      hand.run(200);
      assert.equal(isLatched(), false, `restart ${time}`);
    }
    const { latchRevision } = hand.turn();
    assert.notEqual(hand.turn({ [SENSOR]: 0 }).latchRevision, latchRevision, "its end is saved");
    hand.restart();
    hand.turn({ [SENSOR]: 1 });
    assert.equal(isLatched(), false, "the second");
    hand.turn({ [SENSOR]: 0 });
    hand.restart();
    hand.turn({ [SENSOR]: 1 });
    assert.ok(isLatched(), "the third");
  });

  it("counts one that was let pass where the record cannot be read: the next is let pass", () => {
    const { hand, isLatched } = started({ passesPerHour: 2 });
    hand.restart("unreadable");
    hand.turn({ [SENSOR]: 0 });
    assert.equal(hand.reset(), "done");
    for (const expected of [false, true]) {
      hand.turn({ [SENSOR]: 1 });
      assert.equal(isLatched(), expected);
      hand.turn({ [SENSOR]: 0 });
    }
  });
});

describe("a record of the latches", () => {
  const plan = planOf({ recoversAfterMs: 500 });
  const state = noTrips(plan);
  const authority = authorityRecord(fullAuthority());
  const own = { id: "gas-warning", device: "panel" };
  const whole = JSON.parse(
    JSON.stringify(latchRecord(state, plan, authority, { now: 0, utc: 0 })),
  ) as Record<string, unknown>;

  /** How many more a trip may have by itself in the hour after a start with this. */
  function leftAfter(passes: unknown, clocks = { now: 10, utc: 1_000 * HOUR_MS }): number {
    const read = parseLatchRecord(passes === undefined ? whole : { ...whole, passes });
    assert.ok(read !== "unreadable", "latches stay readable");
    const marks = plan.trips.map(unseenCause);
    if (read.passes !== undefined) restorePasses(marks, plan, read.passes, clocks);
    const mark = marks.at(-1)!;
    const later = structuredClone(mark);
    let left = 0;
    while (mayPass(mark, RECOVERIES_MAX, clocks.now + HOUR_MS - 1)) left += 1;
    assert.ok(mayPass(later, 1, clocks.now + HOUR_MS), "after an hour nothing counts any more");
    return left;
  }

  it("of before there was a count loads, and nothing was counted", () => {
    assert.equal("passes" in whole, false, "nothing is written where nothing was");
    assert.equal(leftAfter(undefined), RECOVERIES_MAX);
  });

  const utc = 1_000 * HOUR_MS;
  const cases: readonly (readonly [string, unknown, number])[] = [
    ["a time that just was", [{ ...own, at: [utc - 0] }], 2],
    ["a time of an hour ago", [{ ...own, at: [utc - HOUR_MS] }], 3],
    ["a time to come", [{ ...own, at: [utc + HOUR_MS] }], 2],
    ["a time far to come", [{ ...own, at: [1e300] }], 2],
    ["a time that is none", [{ ...own, at: ["now"] }], 2],
    ["a time that was no number", [{ ...own, at: [null] }], 2],
    ["many times", [{ ...own, at: Array.from({ length: 5_000 }, () => utc) }], 0],
    ["times of another trip", [{ ...own, device: "other", at: [utc, utc, utc] }], 3],
    ["two lists for one trip", [1, 2].map(() => ({ ...own, at: [utc] })), 1],
    ["a list without its trip", [{ at: [utc] }], 0],
    ["a list without times", [own], 0],
    ["a list that is none", [7], 0],
    ["an empty thing", null, 0],
    ["a text", "none", 0],
  ];
  for (const [name, passes, left] of cases)
    it(`with ${name} leaves ${left}`, () => {
      assert.equal(leftAfter(passes), left);
    });

  it("is bounded by what counts, and in its order", () => {
    const marks = plan.trips.map(unseenCause);
    const at = [utc - 1, utc - 5, utc - 3, utc - 2, utc - 4];
    restorePasses(marks, plan, [{ ...own, at }], { now: 100, utc });
    assert.deepEqual(marks.at(-1)?.passes, [97, 98, 99]);
  });

  it("never lets more recoveries happen than without a restart, whatever the clock does", () => {
    const times = fc.array(fc.nat({ max: 2 * HOUR_MS }), { maxLength: 6 });
    fc.assert(
      fc.property(times, fc.integer({ min: -2 * HOUR_MS, max: 0 }), (agesMs, stepMs) => {
        const now = 10 * HOUR_MS;
        const marks = plan.trips.map(unseenCause);
        marks.at(-1)!.passes.push(...agesMs.map((age) => now - age).sort((a, b) => a - b));
        const saved = savedPasses(marks, plan, { now, utc });
        const document: unknown = JSON.parse(JSON.stringify(saved));
        const read = parsePasses(document);
        assert.ok(read !== undefined && read !== "unreadable");
        const restored = plan.trips.map(unseenCause);
        restorePasses(restored, plan, read, { now: 50, utc: utc + stepMs });
        const kept = restored.at(-1)!.passes;
        const standing = agesMs.filter((age) => age < HOUR_MS).length;
        assert.equal(kept.length, Math.min(standing, RECOVERIES_MAX));
        const newest = agesMs.filter((age) => age < HOUR_MS).sort((a, b) => a - b);
        for (const [place, at] of [...kept].reverse().entries())
          assert.ok(50 - at <= newest[place]!, "never older than it was");
      }),
    );
  });

  it("is read from anything without breaking", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (passes) => {
        const left = leftAfter(passes);
        assert.ok(left >= 0 && left <= RECOVERIES_MAX);
      }),
    );
  });
});
