import { strict as assert } from "node:assert";
import { openBox, resetBox } from "../../src/control/arbitration.ts";
import {
  isLeftAtGiven,
  leaveAtGiven,
  noFollowing,
  observeFollowing,
} from "../../src/control/following.ts";
import { noNotices, Notices } from "../../src/control/notices.ts";
import { addToSeries, emptySeries } from "../../src/control/series.ts";
import { utcMs } from "../../src/domain/time.ts";
import { MW, testPlan } from "../support/plant-plan.ts";

const plan = testPlan().units[0]!;

/** A unit that is asked and looked at each 50 ms. */
class Watch {
  readonly state = noFollowing();
  readonly sent = emptySeries(12);
  readonly told: string[] = [];
  readonly #notices = noNotices();
  nowMs = 0;

  turn(askedW: number, powerW: number): boolean {
    this.nowMs += 50;
    addToSeries(this.sent, this.nowMs, askedW);
    const notices = new Notices(this.#notices, utcMs(0));
    observeFollowing(this.state, plan, { powerW, sent: this.sent }, { now: this.nowMs, notices });
    for (const { phase, text } of notices.events) this.told.push(`${phase}: ${text}`);
    return isLeftAtGiven(this.state, this.nowMs);
  }

  /** @returns after how long it was left at what it gives, s; NaN: it was not */
  run(seconds: number, each: (s: number) => readonly [askedW: number, powerW: number]): number {
    const beganMs = this.nowMs;
    while (this.nowMs < beganMs + seconds * 1_000) {
      const s = (this.nowMs - beganMs) / 1_000;
      if (this.turn(...each(s))) return s;
    }
    return Number.NaN;
  }
}

describe("a unit that does not follow", () => {
  for (const [what, askedW, powerW] of [
    ["gives nothing of a discharge", 3 * MW, 0],
    ["gives half of a charge", -6 * MW, -3 * MW],
    ["gives what nobody asked for", 0, -11 * MW],
  ] as const)
    it(`${what}: counts at what it gives after 5 s, and is tried again after a minute`, () => {
      const watch = new Watch();
      const leftS = watch.run(10, () => [askedW, powerW]);
      assert.ok(Math.abs(leftS - 5) < 0.2, `${leftS} s`);
      const leftMs = watch.nowMs;
      while (watch.turn(askedW, powerW)) assert.ok(watch.nowMs - leftMs <= 60_000);
      assert.ok(watch.nowMs - leftMs >= 60_000);
      assert.ok(watch.run(10, () => [askedW, powerW]) < 5.2, "not for longer than before");
    });

  it("follows late, at a ramp of its own, or with an error of 4 %, and is left in peace", () => {
    const square = (s: number): number => (s % 1 < 0.5 ? 9 : -3) * MW;
    assert.equal(
      new Watch().run(60, (s) => [square(s), square(s - 0.3)]),
      Number.NaN,
    );
    const ramp = (s: number): number => Math.min(0.2 * MW * s, 12 * MW);
    assert.equal(
      new Watch().run(90, (s) => [12 * MW, ramp(s)]),
      Number.NaN,
    );
    assert.equal(
      new Watch().run(60, () => [12 * MW, 11.52 * MW]),
      Number.NaN,
    );
  });

  it("is told once, and its end when it has followed for 10 s", () => {
    const watch = new Watch();
    watch.run(10, () => [3 * MW, 0]);
    while (watch.turn(3 * MW, 0));
    watch.run(9.9, () => [3 * MW, 3 * MW]);
    assert.deepEqual(
      watch.told.map((text) => text.slice(0, 41)),
      ["raised: bess-1 gives 0.00 MW of the 3.00 "],
    );
    watch.run(1, () => [3 * MW, 3 * MW]);
    assert.equal(watch.told[1], "cleared: bess-1 follows its setpoints again");
  });

  it("is forgotten when it is not driven any more", () => {
    const watch = new Watch();
    watch.run(10, () => [3 * MW, 0]);
    assert.equal(watch.turn(0, Number.NaN), false);
    assert.equal(watch.told.length, 2);
    assert.ok(watch.run(10, () => [3 * MW, 0]) > 4.9);
  });

  it("is not asked for more than it gives, nor for what a stronger level forbids", () => {
    const box = openBox();
    resetBox(box, -12 * MW, 12 * MW, "device-limits");
    leaveAtGiven(box, 2 * MW);
    assert.deepEqual([box.lowW, box.highW], [2 * MW, 2 * MW]);
    resetBox(box, -12 * MW, 0, "reserve");
    leaveAtGiven(box, 2 * MW);
    assert.deepEqual([box.lowW, box.highW], [0, 0]);
  });
});
