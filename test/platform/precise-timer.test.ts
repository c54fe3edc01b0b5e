import { strict as assert } from "node:assert";
import { type MonotonicMs, monotonicMs } from "../../src/domain/time.ts";
import { SystemClock } from "../../src/platform/clock.ts";
import { PreciseTimer } from "../../src/platform/precise-timer.ts";
import { SimClock } from "../support/sim-clock.ts";

/** Time passes by being looked at, so that a spin ends. */
class LookedAtClock extends SimClock {
  lookedMs = 0;
  slept: number[] = [];
  override now(): MonotonicMs {
    this.lookedMs += 0.01;
    return monotonicMs(super.now() + this.lookedMs);
  }
  override async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    this.slept.push(ms);
    signal?.throwIfAborted();
    await Promise.all([super.sleep(ms, signal), this.advance(ms)]);
  }
}

describe("precise timer", () => {
  const never = new AbortController().signal;

  it("sleeps most of the time, naps between turns of the event loop, spins 0.1 ms", async () => {
    const clock = new LookedAtClock();
    const naps: number[] = [];
    let turns = 0;
    let lookedAtLastTurnMs = 0;
    const timer = new PreciseTimer(clock, {
      nap: (ms) => {
        naps.push(ms);
        clock.lookedMs += ms;
      },
      nextTurn: async () => {
        turns++;
        lookedAtLastTurnMs = clock.lookedMs;
        return Promise.resolve();
      },
    });
    await timer.waitUntil(monotonicMs(50), never);
    assert.deepEqual(clock.slept, [48]);
    assert.ok(turns > 5, `${turns} turns`);
    assert.equal(turns, naps.length);
    assert.ok(naps.every((ms) => ms <= 0.25));
    assert.ok(clock.lookedMs - lookedAtLastTurnMs <= 0.15);
    assert.ok(Math.abs(clock.now() - 50) < 0.05, "the deadline is hit");
  });

  it("returns at once when the deadline is past", async () => {
    const clock = new LookedAtClock();
    await clock.advance(100);
    await new PreciseTimer(clock).waitUntil(monotonicMs(50), never);
    assert.deepEqual(clock.slept, []);
  });

  it("gives up when told to, asleep or awake", async () => {
    const clock = new LookedAtClock();
    const controller = new AbortController();
    const timer = new PreciseTimer(clock, {
      nap: () => undefined,
      nextTurn: async () => {
        controller.abort(new Error("stopping"));
        return Promise.resolve();
      },
    });
    await assert.rejects(timer.waitUntil(monotonicMs(2), controller.signal), /stopping/);
    await assert.rejects(timer.waitUntil(monotonicMs(50), controller.signal), /stopping/);
  });

  it("is never early on the machine's own clock", async () => {
    const clock = new SystemClock();
    const timer = new PreciseTimer(clock);
    for (let count = 0; count < 10; count++) {
      const deadline = monotonicMs(clock.now() + 3.3);
      await timer.waitUntil(deadline, never);
      assert.ok(clock.now() >= deadline);
    }
  });
});
