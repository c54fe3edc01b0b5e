import { strict as assert } from "node:assert";
import type { PlantEvent } from "../../src/domain/event.ts";
import { pointIndex } from "../../src/domain/point.ts";
import { qualityCode } from "../../src/domain/quality.ts";
import { type AlarmRule, AlarmWatch } from "../../src/points/alarms.ts";
import { readingOf } from "../support/plant-reading.ts";

const BAD = qualityCode("no-communication");
const STALE = qualityCode("stale");

function rule(id: string, rest: Partial<AlarmRule> = {}): AlarmRule {
  return {
    id,
    severity: "warning",
    text: `${id} text`,
    device: "d",
    point: pointIndex(0),
    pointName: "alarms",
    when: { bit: 0 },
    isActiveLow: false,
    ...rest,
  };
}

function start(rules: readonly AlarmRule[]) {
  const events: PlantEvent[] = [];
  const watch = new AlarmWatch(rules, 4);
  const read = (value: number, quality?: number) => {
    events.length = 0;
    watch.apply(readingOf({ 0: value, 3: 0 }, quality === undefined ? {} : { quality }), events);
    return events.map((event) => `${event.id} ${event.phase}`);
  };
  return { events, read };
}

describe("alarms", () => {
  it("are raised and cleared once each, several on one point", () => {
    const { read } = start([rule("a"), rule("b", { when: { bit: 1 } })]);
    assert.deepEqual(read(0), []);
    assert.deepEqual(read(3).sort(), ["a raised", "b raised"]);
    assert.deepEqual(read(3), []);
    assert.deepEqual(read(2), ["a cleared"]);
  });

  it("carry what the operator needs", () => {
    const { read, events } = start([rule("a", { severity: "trip" })]);
    read(1);
    assert.deepEqual(events[0], {
      id: "a",
      severity: "trip",
      phase: "raised",
      device: "d",
      point: "alarms",
      text: "a text",
      at: readingOf({}).receivedUtc,
    });
  });

  it("are neither raised nor cleared by a bad value", () => {
    const { read } = start([rule("a"), rule("low", { when: { bit: 1 }, isActiveLow: true })]);
    assert.deepEqual(read(1, BAD), []);
    assert.deepEqual(read(2), []);
    read(1);
    assert.deepEqual(read(2, BAD), []);
  });

  it("may be raised by an uncertain value, but not cleared", () => {
    const { read } = start([rule("a")]);
    assert.deepEqual(read(1, STALE), ["a raised"]);
    assert.deepEqual(read(0, STALE), []);
    assert.deepEqual(read(0), ["a cleared"]);
  });

  it("name points of the table", () => {
    assert.throws(() => start([rule("a", { point: pointIndex(9) })]), { name: "AssertionError" });
  });
});
