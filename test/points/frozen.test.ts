import { strict as assert } from "node:assert";
import type { PlantEvent } from "../../src/domain/event.ts";
import { pointIndex } from "../../src/domain/point.ts";
import { GOOD, qualityCode } from "../../src/domain/quality.ts";
import {
  FrozenDetector,
  type FrozenOptions,
  type FrozenWatch,
  type Heartbeat,
} from "../../src/points/frozen.ts";
import { READING_UTC, readingOf } from "../support/plant-reading.ts";

const STALE = qualityCode("stale");
const HEARTBEAT = 2;
const MEASURED = 1;

function beating(rest: Partial<Heartbeat> = {}): Heartbeat {
  return {
    point: pointIndex(HEARTBEAT),
    pointName: "heartbeat",
    afterMs: 200,
    spoils: [pointIndex(MEASURED), pointIndex(HEARTBEAT)],
    ...rest,
  };
}

function watch(point: number, rest: Partial<FrozenWatch> = {}): FrozenWatch {
  return {
    point: pointIndex(point),
    pointName: `p${point}`,
    afterMs: 500,
    resolution: 0,
    ...rest,
  };
}

function start(options: Partial<FrozenOptions> = {}) {
  const events: PlantEvent[] = [];
  const detector = new FrozenDetector({
    device: "meter",
    watches: [watch(0)],
    heartbeat: undefined,
    ...options,
  });
  let at = 0;
  /** One reading each 50 ms; returns the qualities that leave. */
  const read = (values: Readonly<Record<number, number>>, quality: number = GOOD) => {
    at += 50;
    return detector.apply(readingOf(values, { at, quality }), events);
  };
  return { detector, events, read, told: () => events.map((event) => event.phase) };
}

describe("frozen-value detector", () => {
  it("calls a value stale when it stands still for its window, and good with its first change", () => {
    const { read, events } = start();
    const qualities = Array.from({ length: 12 }, () => read({ 0: 7 }).quality[0]);
    assert.deepEqual(qualities, [...new Array<number>(10).fill(GOOD), STALE, STALE]);
    assert.equal(read({ 0: 8 }).quality[0], GOOD);
    assert.deepEqual(
      events.map((event) => [event.id, event.phase, event.point, event.at - READING_UTC]),
      [
        ["values-frozen", "raised", "p0", 550],
        ["values-frozen", "cleared", undefined, 650],
      ],
    );
  });

  it("leaves the last good time of a frozen value unchanged", () => {
    const { read } = start();
    for (let count = 0; count < 10; count += 1) read({ 0: 7 });
    assert.equal(read({ 0: 7 }).sourceTimes?.[0], READING_UTC + 500);
    assert.equal(read({ 0: 7 }).sourceTimes?.[0], READING_UTC + 500);
  });

  it("counts only changes of at least the resolution", () => {
    const { read } = start({ watches: [watch(0, { resolution: 10 })] });
    const values = [100, 101, 99, 104, 96, 100, 103, 97, 101, 100, 109];
    assert.equal(values.map((value) => read({ 0: value }).quality[0]).at(-1), STALE);
    assert.equal(read({ 0: 110 }).quality[0], GOOD);
  });

  it("trusts a heartbeat more than the values: while it beats, standing still only warns", () => {
    const { read, told } = start({ heartbeat: beating() });
    for (let beat = 0; beat < 20; beat += 1)
      assert.equal(read({ 0: 7, [HEARTBEAT]: beat }).quality[0], GOOD);
    assert.deepEqual(told(), ["raised"]);
    for (let count = 0; count < 3; count += 1)
      assert.equal(read({ 0: 7, [HEARTBEAT]: 19 }).quality[0], GOOD);
    assert.equal(read({ 0: 8, [HEARTBEAT]: 19 }).quality[0], STALE, "the counter stands still");
    assert.equal(read({ 0: 9, [HEARTBEAT]: 20 }).quality[0], GOOD);
    assert.deepEqual(told(), ["raised", "cleared"]);
  });

  it("falls back to the values where the heartbeat has never been read", () => {
    const { read } = start({ heartbeat: beating() });
    for (let count = 0; count < 10; count += 1) read({ 0: 7 });
    assert.equal(read({ 0: 7 }).quality[0], STALE);
  });

  it("believes nothing that is measured behind a heartbeat that stands still", () => {
    const { read, events } = start({ heartbeat: beating(), watches: [] });
    const qualities = (beat: number) => {
      const { quality } = read({ 0: 1, [MEASURED]: beat, [HEARTBEAT]: beat, 3: beat });
      return [...quality];
    };
    for (let beat = 0; beat < 10; beat += 1)
      assert.deepEqual(qualities(beat), [GOOD, GOOD, GOOD, GOOD]);
    for (let count = 0; count < 3; count += 1)
      assert.deepEqual(qualities(9), [GOOD, GOOD, GOOD, GOOD], "not yet");
    assert.deepEqual(qualities(9), [GOOD, STALE, STALE, GOOD], "a setpoint is not measured");
    assert.deepEqual(qualities(10), [GOOD, GOOD, GOOD, GOOD]);
    assert.deepEqual(
      events.map((event) => [event.phase, event.point]),
      [
        ["raised", "heartbeat"],
        ["cleared", undefined],
      ],
    );
  });

  it("lets one point be watched and be the heartbeat", () => {
    const watches = [watch(HEARTBEAT, { pointName: "heartbeat", afterMs: 200 })];
    const { read } = start({ watches, heartbeat: beating() });
    for (let beat = 0; beat < 10; beat += 1)
      assert.equal(read({ [MEASURED]: 5, [HEARTBEAT]: beat }).quality[0], GOOD);
    for (let count = 0; count < 3; count += 1) read({ [MEASURED]: 5, [HEARTBEAT]: 9 });
    assert.deepEqual([...read({ [MEASURED]: 5, [HEARTBEAT]: 9 }).quality], [STALE, STALE]);
  });

  it("does not call a heartbeat dead that is not read", () => {
    const { read } = start({ heartbeat: beating(), watches: [] });
    read({ [MEASURED]: 1, [HEARTBEAT]: 1 });
    for (let count = 0; count < 20; count += 1)
      assert.equal(read({ [MEASURED]: count }).quality[0], GOOD);
  });

  it("does not take a bad value for a change, nor call one frozen that was never read", () => {
    const { read } = start();
    for (let count = 0; count < 20; count += 1)
      assert.equal(
        read({ 0: count }, qualityCode("malformed")).quality[0],
        qualityCode("malformed"),
      );
    assert.equal(read({ 0: 1 }).quality[0], GOOD);
  });

  it("has room for a device's points and says when there are more", () => {
    assert.throws(() => start({ watches: Array.from({ length: 255 }, () => watch(0)) }), {
      name: "AssertionError",
    });
  });
});
