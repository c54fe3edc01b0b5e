import { strict as assert } from "node:assert";
import type { Association } from "../../src/drivers/iec61850/engine.ts";
import { NativeEngine } from "../../src/drivers/iec61850/native-engine.ts";
import { NativeHost } from "../../src/drivers/iec61850/native-host.ts";
import { TimerWheel } from "../../src/drivers/wheel.ts";
import { SystemClock } from "../../src/platform/clock.ts";
import { type EnginePeer, simulatorPeer } from "../contract/iec61850-peer.ts";
import { findLibrary } from "./pyiec61850.ts";

const CALL = { signal: new AbortController().signal };
const POWER = { ld: "DCPIBESS1", ln: "MMXU1", fc: "MX", path: ["TotW"] } as const;

describe("the process of the native engine", function () {
  this.timeout(60_000);
  const clock = new SystemClock();
  const wheel = new TimerWheel(clock);
  let host: NativeHost;
  let engine: NativeEngine;
  let peer: EnginePeer;

  beforeEach(async function () {
    const library = findLibrary();
    if (library === undefined) {
      this.skip();
    }
    host = new NativeHost({ library, clock, wheel, random: () => 0.5 });
    engine = new NativeEngine(host, { clock, wheel });
    peer = await simulatorPeer();
  });
  afterEach(async () => {
    host.close();
    await peer.stop();
  });

  const associate = async (): Promise<Association> =>
    engine.associate({ host: "127.0.0.1", port: peer.port }, new AbortController().signal);

  it("is killed by a fault of memory: all associations are down at once, and it comes back", async () => {
    const both = [await associate(), await associate()];
    const { pid } = host;
    assert.ok(pid !== undefined);
    const downs = both.map(
      async (association) =>
        new Promise<string>((resolve) => {
          association.onDown(({ why }) => {
            resolve(why);
          });
        }),
    );
    const startedAt = performance.now();
    process.kill(pid, "SIGSEGV");
    assert.deepEqual(await Promise.all(downs), ["lost", "lost"]);
    const tookMs = performance.now() - startedAt;
    assert.ok(tookMs <= 2_500, `${tookMs} ms`);
    for (const association of both)
      await assert.rejects(association.read([POWER], CALL), { code: "LINK_LOST" });

    const again = await associate();
    const [result] = await again.read([POWER], CALL);
    assert.equal(result?.kind, "structure");
    assert.notEqual(host.pid, pid);
    assert.deepEqual([host.counters.starts, host.counters.deaths], [2, 1]);
    await again.release(CALL);
    process.stdout.write(`      down after ${tookMs.toFixed(0)} ms\n`);
  });

  it("keeps requests that nobody waits for any more from the device", async () => {
    const association = await associate();
    const given = new AbortController();
    const reads = Array.from({ length: 20 }, async () =>
      association.read([POWER], { signal: given.signal }),
    );
    given.abort(new Error("given up"));
    const settled = await Promise.allSettled(reads);
    assert.ok(settled.every(({ status }) => status === "rejected"));
    const [result] = await association.read([POWER], CALL);
    assert.equal(result?.kind, "structure");
    assert.equal(association.counters.unknownAnswers, 0);
    await association.release(CALL);
  });

  it("takes a hundred associations one after another, and a dozen at once", async () => {
    for (let turn = 0; turn < 100; turn++) {
      const association = await associate();
      await association.release(CALL);
    }
    const many = await Promise.all(Array.from({ length: 12 }, associate));
    const results = await Promise.all(many.map(async (one) => one.read([POWER], CALL)));
    assert.ok(results.every(([result]) => result?.kind === "structure"));
    await Promise.all(many.map(async (one) => one.release(CALL)));
    assert.deepEqual([host.counters.starts, host.counters.deaths], [1, 0]);
  });

  it("refuses TLS instead of going without", async () => {
    const tls = { trusted: "", identity: undefined, serverName: undefined };
    await assert.rejects(
      engine.associate({ host: "127.0.0.1", port: peer.port, tls }, CALL.signal),
      { code: "LINK_REFUSED" },
    );
  });
});
