import { strict as assert } from "node:assert";
import { every } from "../../src/app/every.ts";
import { SimClock } from "../support/sim-clock.ts";

describe("what is done every period", () => {
  it("is done at its places on the clock, until told to stop", async () => {
    const clock = new SimClock();
    const stop = new AbortController();
    const times: number[] = [];
    const done = every(clock, 1_000, stop.signal, () => {
      times.push(clock.now());
    });
    await clock.advance(3_500);
    stop.abort();
    await done;
    assert.deepEqual(times, [1_000, 2_000, 3_000]);
  });

  it("leaves out what it could not do in time, and keeps the places of what follows", async () => {
    const clock = new SimClock();
    const stop = new AbortController();
    const times: number[] = [];
    const done = every(clock, 1_000, stop.signal, async () => {
      times.push(clock.now());
      if (times.length === 2) await clock.sleep(2_300);
    });
    await clock.advance(6_500);
    stop.abort();
    await done;
    assert.deepEqual(times, [1_000, 2_000, 5_000, 6_000]);
  });

  it("fails with what it does", async () => {
    const clock = new SimClock();
    const done = every(clock, 10, new AbortController().signal, () => {
      throw new Error("our own bug");
    });
    const failed = assert.rejects(done, /our own bug/);
    await clock.advance(10);
    await failed;
  });
});
