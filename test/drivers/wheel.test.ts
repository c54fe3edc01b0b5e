import { strict as assert } from "node:assert";
import fc from "fast-check";
import { TimerWheel, WheelClock } from "../../src/drivers/wheel.ts";
import { SimClock } from "../support/sim-clock.ts";

describe("timer wheel", () => {
  it("fires never early and at most a slot late, in the order of time", async () => {
    const delays = fc.array(fc.integer({ min: 0, max: 12_000 }), { minLength: 1, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(delays, fc.integer({ min: 0, max: 9 }), async (given, startMs) => {
        const clock = new SimClock();
        await clock.advance(startMs);
        const wheel = new TimerWheel(clock);
        const fired: { readonly delayMs: number; readonly lateMs: number }[] = [];
        for (const delayMs of given) {
          wheel.schedule(delayMs, () => {
            fired.push({ delayMs, lateMs: clock.now() - startMs - delayMs });
          });
        }
        await clock.advance(12_020);
        assert.equal(fired.length, given.length);
        for (const { delayMs, lateMs } of fired) {
          assert.ok(lateMs >= 0 && lateMs <= (delayMs === 0 ? 10 : 20), `${delayMs}: ${lateMs}`);
        }
        const firedAt = fired.map(({ delayMs, lateMs }) => delayMs + lateMs);
        assert.deepEqual(
          firedAt,
          firedAt.toSorted((a, b) => a - b),
        );
      }),
      { numRuns: 20 },
    );
  });

  it("fires no timer that was cancelled, and is empty afterwards", async () => {
    const clock = new SimClock();
    const wheel = new TimerWheel(clock);
    const timer = wheel.schedule(50, () => assert.fail("it was cancelled"));
    assert.equal(wheel.size, 1);
    timer.cancel();
    timer.cancel();
    assert.equal(wheel.size, 0);
    await clock.advance(100);
    const late: number[] = [];
    wheel.schedule(20, () => late.push(clock.now()));
    await clock.advance(100);
    assert.deepEqual(late, [120]);
  });

  it("lets a timer set the next one, beyond one turn of the wheel too", async () => {
    const clock = new SimClock();
    const wheel = new TimerWheel(clock);
    const fired: number[] = [];
    wheel.schedule(10, () => {
      fired.push(clock.now());
      wheel.schedule(6_000, () => fired.push(clock.now()));
    });
    await clock.advance(7_000);
    assert.deepEqual(fired, [10, 6_010]);
  });
});

describe("clock on a wheel", () => {
  it("sleeps to the next slot and tells the same time", async () => {
    const base = new SimClock();
    const clock = new WheelClock(base, new TimerWheel(base));
    const woken: number[] = [];
    void clock.sleep(3).then(() => woken.push(clock.now()));
    void clock.sleep(8).then(() => woken.push(clock.now()));
    await base.advance(20);
    assert.deepEqual(woken, [10, 10]);
    assert.equal(clock.utcNow(), base.utcNow());
  });

  it("gives up a sleep when told to, and leaves nothing behind", async () => {
    const base = new SimClock();
    const wheel = new TimerWheel(base);
    const clock = new WheelClock(base, wheel);
    const stop = new AbortController();
    const given = assert.rejects(clock.sleep(100, stop.signal), /enough/);
    stop.abort(new Error("enough"));
    await given;
    assert.equal(wheel.size, 0);
    await assert.rejects(clock.sleep(100, stop.signal), /enough/);
  });
});

describe("timer wheel at rest", () => {
  it("wakes for what is due, and not for every slot before it", async () => {
    const clock = new SimClock();
    let sleeps = 0;
    const sleep = clock.sleep.bind(clock);
    clock.sleep = async (ms, signal) => {
      sleeps += 1;
      return sleep(ms, signal);
    };
    const wheel = new TimerWheel(clock);
    const fired: number[] = [];
    wheel.schedule(1_000, () => fired.push(clock.now()));
    wheel.schedule(35, () => fired.push(clock.now()));
    const startMs = clock.now();
    await clock.advance(1_100);
    assert.equal(fired.length, 2);
    assert.ok((fired[0] ?? 0) - startMs <= 50, String(fired));
    assert.ok((fired[1] ?? 0) - startMs <= 1_020, String(fired));
    assert.ok(sleeps <= 14, String(sleeps));
  });
});
