import { strict as assert } from "node:assert";
import { getEventListeners } from "node:events";
import { readFileSync } from "node:fs";
import { SystemClock } from "../../src/platform/clock.ts";

describe("system clock", () => {
  const clock = new SystemClock();

  it("counts from boot, so that two processes agree", () => {
    const uptimeMs = Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]) * 1000;
    assert.ok(Math.abs(clock.now() - uptimeMs) < 1_000, `${clock.now()} and ${uptimeMs}`);
    const before = clock.now();
    assert.ok(clock.now() >= before);
  });

  it("leaves no listener on a signal that outlives the sleep", async () => {
    const { signal } = new AbortController();
    for (let count = 0; count < 20; count++) await clock.sleep(0, signal);
    assert.equal(getEventListeners(signal, "abort").length, 0);
  });

  it("wakes at once when told to stop, with the reason given, and keeps no timer", async () => {
    const controller = new AbortController();
    const asleep = assert.rejects(clock.sleep(2 ** 40, controller.signal), /stopping/);
    controller.abort(new Error("stopping"));
    await asleep;
    await assert.rejects(clock.sleep(1, controller.signal), /stopping/);
    assert.equal(getEventListeners(controller.signal, "abort").length, 0);
  });
});
