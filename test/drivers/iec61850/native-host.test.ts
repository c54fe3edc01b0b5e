import { strict as assert } from "node:assert";
import { EngineChoice, NativeEngine } from "../../../src/drivers/iec61850/native-engine.ts";
import { NativeHost } from "../../../src/drivers/iec61850/native-host.ts";
import { GatewayError } from "../../../src/domain/errors.ts";
import { TimerWheel } from "../../../src/drivers/wheel.ts";
import { SystemClock } from "../../../src/platform/clock.ts";

const NEVER = new AbortController().signal;
const NOWHERE = { host: "127.0.0.1", port: 1 };

describe("the native engine without a usable library", function () {
  this.timeout(30_000);
  const clock = new SystemClock();
  const wheel = new TimerWheel(clock);

  it("refuses every association with the reason, and starts its process later and later", async () => {
    const library = "/nonexistent/libiec61850.so";
    const host = new NativeHost({ library, clock, wheel, random: () => 1 });
    const user = { take: () => undefined, gone: () => undefined };
    const attempt = async (): Promise<string> => {
      try {
        await host.enter(user, NEVER);
      } catch (error) {
        assert.ok(error instanceof GatewayError);
        return String(error.context["reason"]);
      }
      return assert.fail("there is no library");
    };
    const first = await attempt();
    assert.equal(first, "the library cannot be loaded");
    // 200, 400 and 800 ms are waited for; who would have to wait longer is told to come back.
    let last = first;
    while (last === first) {
      last = await attempt();
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.match(last, /^the library cannot be loaded; next start in \d+ ms$/);
    assert.equal(host.counters.starts, 4);
    host.close();
  });

  it("gives our own engine to a site that names no library, and one process to a library", () => {
    const choice = new EngineChoice({ clock, wheel, random: Math.random });
    assert.equal(choice.engineFor({ library: undefined }).name, "ts");
    assert.equal(choice.engineFor({ library: "/nonexistent/a.so" }).name, "libiec61850");
    choice.close();
  });

  it("ends a wait for the process with its signal", async () => {
    const host = new NativeHost({ library: "/nonexistent/b.so", clock, wheel, random: () => 1 });
    const user = { take: () => undefined, gone: () => undefined };
    const stop = new AbortController();
    const entered = host.enter(user, stop.signal);
    stop.abort(new Error("given up"));
    await assert.rejects(entered, { message: "given up" });
    host.close();
  });

  it("has no TLS, and says so before it starts anything", async () => {
    const host = new NativeHost({ library: "/nonexistent/c.so", clock, wheel, random: () => 1 });
    const tls = { trusted: "", identity: undefined, serverName: undefined };
    const engine = new NativeEngine(host, { clock, wheel });
    await assert.rejects(engine.associate({ ...NOWHERE, tls }, NEVER), { code: "LINK_REFUSED" });
    assert.equal(host.counters.starts, 0);
  });
});
