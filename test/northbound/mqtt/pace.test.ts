import { strict as assert } from "node:assert";
import fc from "fast-check";
import { Fifo } from "../../../src/northbound/mqtt/fifo.ts";
import {
  Backoff,
  BACKOFF_MAX_MS,
  BACKOFF_QUICK_MS,
  RateMeter,
  TokenBucket,
} from "../../../src/northbound/mqtt/pace.ts";
import { monotonicMs } from "../../../src/domain/time.ts";

describe("pace", () => {
  it("waits shortly once, then a second or more, never more than a minute", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 9 }),
        (dice) => {
          let place = 0;
          const backoff = new Backoff(() => dice[place++ % dice.length] ?? 0);
          assert.equal(backoff.next(), BACKOFF_QUICK_MS);
          for (let count = 0; count < 20; count++) {
            const waitMs = backoff.next();
            assert.ok(waitMs >= 1_000 && waitMs <= BACKOFF_MAX_MS, `${waitMs}`);
          }
          backoff.reset();
          assert.equal(backoff.next(), BACKOFF_QUICK_MS);
        },
      ),
    );
  });

  it("measures a rate, and forgets it in a few silent seconds", () => {
    const meter = new RateMeter();
    for (let ms = 0; ms < 10_000; ms += 5) meter.add(monotonicMs(ms));
    assert.ok(Math.abs(meter.perS(monotonicMs(10_000)) - 200) < 2);
    assert.ok(meter.perS(monotonicMs(40_000)) < 3);
  });

  it("lets through a rate that may change, with a short burst at most", () => {
    const bucket = new TokenBucket();
    const taken = (now: number, perS: number) => {
      bucket.refill(monotonicMs(now), perS);
      let count = 0;
      while (bucket.take()) count += 1;
      return count;
    };
    assert.equal(taken(0, 100), 0);
    assert.equal(taken(100, 100), 10);
    assert.equal(taken(200, 1_000), 100);
    assert.equal(taken(60_000, 100), 25, "a quarter of a second's worth");
    assert.equal(taken(70_000, 1), 1);
  });

  it("queues in order, whatever is put in and taken out", () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 200 }), (steps) => {
        const queue = new Fifo<number>();
        const model: number[] = [];
        for (const [step, isPush] of steps.entries()) {
          if (isPush) {
            queue.push(step);
            model.push(step);
          } else {
            assert.equal(queue.shift(), model.shift());
          }
          assert.equal(queue.length, model.length);
        }
        assert.deepEqual(queue.drain(), model);
        assert.equal(queue.length, 0);
      }),
    );
  });
});
