import { strict as assert } from "node:assert";
import { slept, throwIfAborted } from "../../src/domain/time.ts";
import { SimClock } from "../support/sim-clock.ts";

describe("a wait that may be cut short", () => {
  it("tells that the time passed", async () => {
    const clock = new SimClock();
    const wait = slept(clock, 50, new AbortController().signal);
    await clock.advance(50);
    assert.equal(await wait, true);
  });

  it("tells that it was cut short, before and during the wait", async () => {
    const clock = new SimClock();
    const stop = new AbortController();
    const wait = slept(clock, 50, stop.signal);
    stop.abort();
    assert.equal(await wait, false);
    assert.equal(await slept(clock, 50, stop.signal), false);
  });

  it("does not hide a mistake of ours", async () => {
    await assert.rejects(slept(new SimClock(), -1, new AbortController().signal), /into the past/);
  });
});

describe("an abort that is asked for", () => {
  it("is thrown with its reason, and not when nobody asked", () => {
    const stop = new AbortController();
    throwIfAborted(stop.signal);
    const reason = new Error("enough");
    stop.abort(reason);
    assert.throws(() => {
      throwIfAborted(stop.signal);
    }, reason);
  });
});
