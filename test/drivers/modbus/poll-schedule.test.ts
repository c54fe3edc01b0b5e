import { strict as assert } from "node:assert";
import fc from "fast-check";
import { monotonicMs } from "../../../src/domain/time.ts";
import { periodInCycles, PollSchedule } from "../../../src/drivers/modbus/poll-schedule.ts";

const NO_MINIMUM = 1;

function group(periodMs: number) {
  return { periodMs, phaseMs: 3 };
}

/** When groups are due from 0 to `untilMs`, as [time, mask]. */
function polls(schedule: PollSchedule, untilMs: number, leadMs: number): [number, number][] {
  const seen: [number, number][] = [];
  schedule.start(monotonicMs(0), leadMs);
  for (;;) {
    const due = schedule.nextDue(leadMs);
    if (due === undefined || due > untilMs) return seen;
    seen.push([due, schedule.take(due, leadMs)]);
  }
}

describe("poll periods of a control loop", () => {
  const fast = { everyMs: 50, givenMs: undefined };

  it("read what feeds the loop once in each cycle of 20, 50 or 100 ms", () => {
    assert.equal(periodInCycles(fast, NO_MINIMUM, 20), 20);
    assert.equal(periodInCycles(fast, NO_MINIMUM, 50), 50);
    // Twice in each: who watches the meter sees what he saw at 50 ms.
    assert.equal(periodInCycles(fast, NO_MINIMUM, 100), 50);
  });

  it("ask no device more often than it bears, and keep the place in the cycle even so", () => {
    assert.equal(periodInCycles(fast, 50, 20), 60);
    assert.equal(periodInCycles(fast, 30, 20), 40);
  });

  it("follow the site's word as nearly as cycles allow", () => {
    assert.equal(periodInCycles({ everyMs: 50, givenMs: 40 }, NO_MINIMUM, 20), 40);
    assert.equal(periodInCycles({ everyMs: 50, givenMs: 50 }, NO_MINIMUM, 20), 40);
    assert.equal(periodInCycles({ everyMs: 50, givenMs: 20 }, NO_MINIMUM, 50), 25);
  });

  it("leave what is slow as slow as it is", () => {
    assert.equal(periodInCycles({ everyMs: 500, givenMs: undefined }, NO_MINIMUM, 20), 500);
    assert.equal(periodInCycles({ everyMs: 1_010, givenMs: undefined }, NO_MINIMUM, 50), 1_000);
  });

  it("are a whole number of cycles or of parts of one, never below the minimum", () => {
    const ms = fc.integer({ min: 1, max: 5_000 });
    fc.assert(
      fc.property(ms, ms, fc.constantFrom(10, 20, 50, 100), (everyMs, minimumMs, cycleMs) => {
        const given = { everyMs, givenMs: undefined };
        const cycles = periodInCycles(given, minimumMs, cycleMs) / cycleMs;
        const whole = cycles < 1 ? 1 / cycles : cycles;
        assert.ok(Math.abs(whole - Math.round(whole)) < 1e-9, `${cycles} cycles`);
        assert.ok(cycles * cycleMs >= minimumMs * (1 - 1e-9));
      }),
    );
  });
});

describe("poll schedule of a control loop", () => {
  const align = { originMs: monotonicMs(100), periodMs: 20 };

  it("puts the fastest group before each cycle and the others aside, where nobody waits", () => {
    const schedule = new PollSchedule([group(20), group(40)], align);
    assert.deepEqual(polls(schedule, 60, 4), [
      [16, 1],
      [25, 2],
      [36, 1],
      [56, 1],
    ]);
    assert.equal(schedule.isBeforeCycle(1), true);
    assert.equal(schedule.isBeforeCycle(2), false);
  });

  it("reads twice in a cycle that is twice as long, once just before it", () => {
    const schedule = new PollSchedule([group(10)], align);
    assert.deepEqual(
      polls(schedule, 40, 4).map(([at]) => at),
      [6, 16, 26, 36],
    );
    assert.equal(schedule.isBeforeCycle(1), true);
  });

  it("follows cycles that move", () => {
    const moving = { originMs: monotonicMs(100), periodMs: 20 };
    const schedule = new PollSchedule([group(20)], moving);
    schedule.start(monotonicMs(100), 4);
    assert.equal(schedule.nextDue(4), 116);
    moving.originMs = monotonicMs(103);
    assert.equal(schedule.nextDue(4), 119);
  });

  it("without a cycle keeps each group's own phase", () => {
    const schedule = new PollSchedule([group(20), group(40)], undefined);
    assert.deepEqual(polls(schedule, 50, 0), [
      [3, 3],
      [23, 1],
      [43, 3],
    ]);
    assert.equal(schedule.isBeforeCycle(3), false);
  });
});
