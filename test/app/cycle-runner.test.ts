import { strict as assert } from "node:assert";
import { CycleGrid } from "../../src/app/cycle-grid.ts";
import { CycleRunner } from "../../src/app/cycle-runner.ts";
import { monotonicMs, type MonotonicMs } from "../../src/domain/time.ts";
import { recordedBetween } from "../../src/platform/histogram.ts";
import type { DeadlineTimer } from "../../src/platform/precise-timer.ts";
import { SimClock } from "../support/sim-clock.ts";

type ByCycle = Readonly<Record<number, number>>;

interface Disturbance {
  /** Cycles that take so long, ms, the first being 1. */
  readonly slowMs?: ByCycle;
  readonly lateMs?: ByCycle;
  /** What the host tells after a cycle that it kept, ms. */
  readonly stolenMs?: ByCycle;
  readonly wantedMs?: number;
}

async function run(
  forMs: number,
  { slowMs = {}, lateMs = {}, stolenMs = {}, wantedMs = 0 }: Disturbance = {},
) {
  const clock = new SimClock();
  let stallMs = 0;
  const skewed = {
    now: (): MonotonicMs => monotonicMs(clock.now() + stallMs),
    utcNow: () => clock.utcNow(),
    sleep: async (ms: number) => clock.sleep(ms),
  };
  const timer: DeadlineTimer = {
    waitUntil: async (deadline) => {
      const waitMs = deadline - skewed.now();
      if (waitMs > 0) await clock.sleep(waitMs);
      stallMs += lateMs[starts.length + 1] ?? 0;
    },
  };
  const starts: number[] = [];
  const grid = new CycleGrid(monotonicMs(100), 50);
  grid.want(wantedMs);
  const runner = new CycleRunner({
    clock: skewed,
    timer,
    grid,
    act: (now) => {
      starts.push(now);
      stallMs += slowMs[starts.length] ?? 0;
    },
    stolenMs: () => stolenMs[starts.length] ?? 0,
  });
  const stop = new AbortController();
  const done = runner.run(stop.signal);
  await clock.advance(forMs);
  stop.abort();
  await clock.advance(100);
  await done;
  return { starts, runner };
}

describe("cycle runner", () => {
  it("starts cycle k at origin + k · period", async () => {
    const { starts, runner } = await run(310);
    assert.deepEqual(starts.slice(0, 5), [100, 150, 200, 250, 300]);
    assert.equal(runner.overruns, 0);
  });

  it("skips what an overrun cost, counts it, and keeps the places of those that follow", async () => {
    const { starts, runner } = await run(400, { slowMs: { 2: 120 } });
    assert.deepEqual(starts.slice(0, 5), [100, 150, 300, 350, 400]);
    assert.equal(runner.overruns, 2);
    assert.equal(runner.figures()["cycle-overruns"], 2);
    assert.equal(runner.figures()["x-cycle-duration.p99"], 0.12);
  });

  it("tells those apart that the host caused, although its account comes a cycle late", async () => {
    const stolenOf = async (taken: Readonly<Record<number, number>>) => {
      const { runner } = await run(600, { slowMs: { 2: 120, 5: 60 }, stolenMs: taken });
      assert.equal(runner.overruns, 3);
      assert.equal(runner.timing().overrunsStolen, runner.figures()["x-cycle-overruns-stolen"]);
      return runner.timing().overrunsStolen;
    };
    assert.equal(await stolenOf({}), 0);
    assert.equal(await stolenOf({ 2: 70 }), 2, "without it the cycle would have been in time");
    assert.equal(await stolenOf({ 2: 60 }), 0, "without it the cycle would still have been late");
    assert.equal(await stolenOf({ 2: 30, 3: 40 }), 2, "told a cycle later");
    assert.equal(await stolenOf({ 4: 100 }), 0, "of another time");
    assert.equal(await stolenOf({ 5: 10 }), 1);
  });

  it("moves with its grid by at most a millisecond in each cycle, and loses none", async () => {
    const later = await run(460, { wantedMs: 2.5 });
    assert.deepEqual(later.starts.slice(0, 5), [100, 151, 202, 252.5, 302.5]);
    const earlier = await run(460, { wantedMs: -2.5 });
    assert.deepEqual(earlier.starts.slice(0, 5), [100, 149, 198, 247.5, 297.5]);
    for (const { runner } of [later, earlier]) {
      assert.equal(runner.overruns, 0);
      assert.equal(runner.figures()["x-cycle-slew"], 0.0025);
      assert.equal(runner.figures()["x-cycle-lateness.maximum"], 0);
    }
  });

  it("tells how late cycles began, the worst of the last minutes included", async () => {
    const { runner } = await run(120_000, { lateMs: { 3: 8 } });
    const figures = runner.figures();
    assert.ok(figures["x-cycle-lateness.p99"] < 1e-5);
    assert.ok(Math.abs(figures["x-cycle-lateness.p999"] - 0) < 1e-5, "1 of 2,400 is beyond it");
    assert.equal(figures["x-cycle-lateness.maximum"], 0.008);
    const { cycles, overruns, latenessCounts } = runner.timing();
    assert.deepEqual([cycles, overruns], [figures["x-cycles"], 0]);
    assert.equal(
      latenessCounts.reduce((sum, count) => sum + count, 0),
      cycles,
    );
  });

  it("forgets an old maximum, and never tells of a few cycles only", async () => {
    const { runner: before } = await run(299_000, { lateMs: { 3: 8 } });
    assert.equal(before.figures()["x-cycle-lateness.maximum"], 0.008, "within twice the window");
    const { runner: after } = await run(302_000, { slowMs: { 3_005: 40 }, lateMs: { 3: 8 } });
    assert.ok(after.figures()["x-cycle-lateness.maximum"] < 0.008, "forgotten");
    assert.equal(after.figures()["x-cycle-duration.maximum"], 0.04, "a minute and a half old");
    const slowest = recordedBetween([], after.timing().latenessCounts).percentileMs(1);
    assert.ok(slowest >= 8, "but not by who counts since the start");
  });

  it("counts no overrun for a cycle that just fits", async () => {
    const { runner } = await run(400, { slowMs: { 2: 49 } });
    assert.equal(runner.overruns, 0);
  });
});
