import { strict as assert } from "node:assert";
import { CycleRunner } from "../../src/app/cycle-runner.ts";
import { monotonicMs, type MonotonicMs } from "../../src/domain/time.ts";
import type { DeadlineTimer } from "../../src/platform/precise-timer.ts";
import { SimClock } from "../support/sim-clock.ts";

/** Runs a runner for `forMs`; the cycles listed in `slowMs` take that long. */
async function run(forMs: number, slowMs: Readonly<Record<number, number>> = {}) {
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
    },
  };
  const starts: number[] = [];
  const runner = new CycleRunner({
    clock: skewed,
    timer,
    originMs: monotonicMs(100),
    periodMs: 50,
    act: (now) => {
      starts.push(now);
      stallMs += slowMs[starts.length] ?? 0;
    },
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
    const { starts, runner } = await run(400, { 2: 120 });
    assert.deepEqual(starts.slice(0, 5), [100, 150, 300, 350, 400]);
    assert.equal(runner.overruns, 2);
    assert.equal(runner.figures()["cycle-overruns"], 2);
    assert.equal(runner.figures()["x-cycle-duration.p99"], 0.12);
  });

  it("counts no overrun for a cycle that just fits", async () => {
    const { runner } = await run(400, { 2: 49 });
    assert.equal(runner.overruns, 0);
  });
});
