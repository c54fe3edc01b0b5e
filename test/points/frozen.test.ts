import { strict as assert } from "node:assert";
import type { PlantEvent } from "../../src/domain/event.ts";
import { pointIndex } from "../../src/domain/point.ts";
import { GOOD, qualityCode } from "../../src/domain/quality.ts";
import { FrozenDetector, type FrozenOptions, type FrozenWatch } from "../../src/points/frozen.ts";
import { READING_UTC, readingOf } from "../support/plant-reading.ts";

const STALE = qualityCode("stale");
const HEARTBEAT = 2;

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
    pointCount: 4,
    watches: [watch(0)],
    heartbeat: undefined,
    eventId: "meter-frozen",
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
        ["meter-frozen", "raised", "p0", 550],
        ["meter-frozen", "cleared", undefined, 650],
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
    const heartbeat = { point: pointIndex(HEARTBEAT), afterMs: 200 };
    const { read, told } = start({ heartbeat });
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
    const { read } = start({ heartbeat: { point: pointIndex(HEARTBEAT), afterMs: 200 } });
    for (let count = 0; count < 10; count += 1) read({ 0: 7 });
    assert.equal(read({ 0: 7 }).quality[0], STALE);
  });

  it("has nothing to call frozen where nothing is watched", () => {
    const heartbeat = { point: pointIndex(HEARTBEAT), afterMs: 200 };
    const { read, events } = start({ heartbeat, watches: [] });
    for (let count = 0; count < 20; count += 1) read({ 3: count, [HEARTBEAT]: 1 });
    assert.deepEqual(events, []);
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
