import { strict as assert } from "node:assert";
import { type ServiceEnvironment, Watchdog } from "../../src/platform/watchdog.ts";
import { SimClock } from "../support/sim-clock.ts";

function start(environment: ServiceEnvironment, notify?: (message: string) => string | undefined) {
  const clock = new SimClock();
  const sent: string[] = [];
  const unheard: string[] = [];
  const watchdog = new Watchdog({
    environment,
    pid: 42,
    clock,
    notify: notify ?? ((message) => (sent.push(message), undefined)),
    onUnheard: (reason) => unheard.push(reason),
  });
  return { clock, sent, unheard, watchdog };
}

const SERVICE = { NOTIFY_SOCKET: "/run/systemd/notify", WATCHDOG_USEC: "1000000" };

describe("watchdog", () => {
  it("tells the service manager how the process is", () => {
    const { sent, watchdog } = start(SERVICE);
    watchdog.ready();
    watchdog.stopping();
    assert.deepEqual(sent, ["READY=1", "STOPPING=1"]);
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
    const { sent, unheard, watchdog } = start({ WATCHDOG_USEC: "1000000" });
    watchdog.ready();
    watchdog.feed();
    assert.deepEqual(sent, []);
    assert.deepEqual(unheard, []);
  });

  it("says once that the service manager hears nothing", () => {
    const { unheard, watchdog } = start(SERVICE, () => "ECONNREFUSED");
    watchdog.ready();
    watchdog.stopping();
    assert.deepEqual(unheard, ["ECONNREFUSED"]);
  });

  it("goes through a real socket; a missing one is told, not fatal", () => {
    const unheard: string[] = [];
    const watchdog = new Watchdog({
      environment: { ...SERVICE, NOTIFY_SOCKET: "/nowhere/notify" },
      pid: 42,
      clock: new SimClock(),
      onUnheard: (reason) => unheard.push(reason),
    });
    watchdog.ready();
    assert.equal(unheard.length, 1);
  });
});
