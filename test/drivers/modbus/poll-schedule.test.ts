import { strict as assert } from "node:assert";
import { monotonicMs } from "../../../src/domain/time.ts";
import { PollSchedule } from "../../../src/drivers/modbus/poll-schedule.ts";

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
