import { strict as assert } from "node:assert";
import { type ServiceEnvironment, Watchdog } from "../../src/platform/watchdog.ts";
import { SimClock } from "../support/sim-clock.ts";

function start(environment: ServiceEnvironment, notify?: (message: string) => string | undefined) {
  const clock = new SimClock();
  const sent: string[] = [];
  const watchdog = new Watchdog({
    environment,
    pid: 42,
    clock,
    notify: notify ?? ((message) => (sent.push(message), undefined)),
  });
  return { clock, sent, watchdog };
}

const SERVICE = { NOTIFY_SOCKET: "/run/systemd/notify", WATCHDOG_USEC: "1000000" };

describe("watchdog", () => {
  it("tells the service manager how the process is", () => {
    const { sent, watchdog } = start(SERVICE);
    watchdog.ready();
    watchdog.status("cycle 7\nREADY=0");
    watchdog.stopping();
    assert.deepEqual(sent, ["READY=1", "STATUS=cycle 7 READY=0", "STOPPING=1"]);
  });

  it("feeds when fed, at most four times an interval, and never by itself", async () => {
    const { clock, sent, watchdog } = start({ ...SERVICE, WATCHDOG_PID: "42" });
    await clock.advance(10_000);
    assert.deepEqual(sent, [], "nobody finished any work");
    for (let cycle = 0; cycle < 20; cycle++) {
      watchdog.feed();
      await clock.advance(50);
    }
    assert.deepEqual(sent, Array(4).fill("WATCHDOG=1"));
  });

  it("does not feed a watchdog that is not there, or another process's", () => {
    for (const environment of [
      { NOTIFY_SOCKET: "@abstract" },
      { ...SERVICE, WATCHDOG_USEC: "0" },
      { ...SERVICE, WATCHDOG_PID: "43" },
    ]) {
      const { sent, watchdog } = start(environment);
      watchdog.feed();
      assert.deepEqual(sent, []);
    }
  });

  it("does nothing without a service manager", () => {
    const { sent, watchdog } = start({ WATCHDOG_USEC: "1000000" });
    watchdog.ready();
    watchdog.feed();
    assert.deepEqual(sent, []);
    assert.equal(watchdog.failures, 0);
  });

  it("counts what the service manager did not get", () => {
    const { watchdog } = start(SERVICE, () => "ECONNREFUSED");
    watchdog.ready();
    assert.equal(watchdog.failures, 1);
  });

  it("goes through a real socket; a missing one is counted, not fatal", () => {
    const watchdog = new Watchdog({
      environment: { ...SERVICE, NOTIFY_SOCKET: "/nowhere/notify" },
      pid: 42,
      clock: new SimClock(),
    });
    watchdog.ready();
    assert.equal(watchdog.failures, 1);
  });
});
