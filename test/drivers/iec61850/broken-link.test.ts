import assert from "node:assert/strict";
import { SimClock } from "../../support/sim-clock.ts";
import { type Cut, SupervisedRelay } from "./supervised-relay.ts";

const STEP_MS = 50;
/** Turns of the loop that two sockets on loopback need for what is said within a step. */
const TURNS = 30;

/** A supervised relay in the time of the test. */
class Relay {
  readonly clock: SimClock;
  readonly #own: SupervisedRelay;

  private constructor(clock: SimClock, own: SupervisedRelay) {
    this.clock = clock;
    this.#own = own;
  }

  static async start(): Promise<Relay> {
    const clock = new SimClock();
    const relay = new Relay(clock, await SupervisedRelay.start(clock));
    await relay.run(2_000);
    return relay;
  }

  get own(): SupervisedRelay {
    return this.#own;
  }

  /** Lets time pass; every `everyMs` the breaker is operated once more. */
  async run(ms: number, everyMs?: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += STEP_MS) {
      if (everyMs !== undefined && passed % everyMs === 0) this.#own.operate();
      await this.clock.advance(STEP_MS);
      for (let turn = 0; turn < TURNS; turn += 1) {
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  }

  /** Time passes until it is so; the answer is how long it took, by the clock. */
  async until(is: () => boolean, mostMs: number): Promise<number> {
    const startedAt = this.clock.now();
    while (!is() && this.clock.now() - startedAt < mostMs) await this.run(STEP_MS);
    assert.ok(is(), `not within ${mostMs} ms`);
    return this.clock.now() - startedAt;
  }

  async stop(): Promise<void> {
    const stopped = this.#own.stop();
    for (let turn = 0; turn < 40; turn += 1) {
      await this.clock.advance(STEP_MS);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await stopped;
  }
}

function missing(relay: SupervisedRelay): number[] {
  const seen = new Set([...relay.history, ...relay.live.map(({ value }) => value)]);
  return Array.from({ length: relay.count }, (_, at) => at + 1).filter((value) => !seen.has(value));
}

function storedEntry({ driver }: SupervisedRelay): string | undefined {
  return driver.reportState["position"]?.entryId;
}

async function withRelay(
  use: (relay: SupervisedRelay, time: Relay) => Promise<void>,
): Promise<void> {
  const relay = await Relay.start();
  try {
    await use(relay.own, relay);
  } finally {
    await relay.stop();
  }
}

describe("a buffered block over a broken link", function () {
  this.timeout(60_000);

  for (const outageMs of [5_000, 60_000]) {
    it(`loses nothing and tells nothing twice over ${outageMs / 1_000} s`, async () => {
      await withRelay(async (relay, time) => {
        await time.run(2_000, 200);
        const device = relay.station.device;
        assert.ok(device !== undefined);
        device.inject({ kind: "blackhole" });
        const cutAt = time.clock.now();
        await time.run(outageMs, 200);
        const lostAt = relay.lostAt.find((at) => at > cutAt) ?? Infinity;
        assert.ok(lostAt - cutAt <= 2_600, `seen after ${lostAt - cutAt} ms`);
        device.heal();
        const healedAt = time.clock.now();
        await time.until(() => relay.live.some(({ atMs }) => atMs > healedAt), 2_000);
        await time.run(3_000, 200);
        await time.run(2_000);
        assert.deepEqual(missing(relay), []);
        assert.equal(new Set(relay.history).size, relay.history.length, "twice");
        assert.ok(relay.history.length >= outageMs / 200 - 15, `${relay.history.length} of old`);
        assert.deepEqual(
          relay.history,
          relay.history.toSorted((a, b) => a - b),
        );
        // What was is never taken for what is.
        const fresh = relay.live.filter(({ atMs }) => atMs > healedAt).map(({ value }) => value);
        assert.ok(Math.min(...fresh) >= relay.count - 15 - 1, `fresh ${Math.min(...fresh)}`);
      });
    });
  }

  it("resumes after the last entry that is stored, not after the last that came", async () => {
    await withRelay(async (relay, time) => {
      await time.run(1_000, 200);
      // Until the last of it is on the disk.
      await time.run(500);
      const before = storedEntry(relay);
      assert.ok(before !== undefined, "something is stored");
      relay.isStoring = false;
      await time.run(1_000, 200);
      assert.equal(storedEntry(relay), before);
      relay.isStoring = true;
      await time.run(1_000, 200);
      assert.notEqual(storedEntry(relay), before);
    });
  });
});

describe("a broken link, by what the driver tells", function () {
  this.timeout(60_000);
  const CUTS: readonly { readonly cut: Cut; readonly mostMs: number }[] = [
    { cut: "reset", mostMs: 100 },
    { cut: "finish", mostMs: 100 },
    { cut: "blackhole", mostMs: 2_500 },
  ];

  for (const { cut, mostMs } of CUTS) {
    it(`is noticed within ${mostMs} ms at ${cut}, and over within 2 s`, async () => {
      await withRelay(async (relay, time) => {
        const livesBefore = relay.live.length;
        const lossesBefore = relay.lostAt.length;
        relay.line.cut(cut);
        const noticedMs = await time.until(() => relay.lostAt.length > lossesBefore, mostMs);
        assert.ok(noticedMs <= mostMs);
        await time.run(30_000);
        assert.equal(relay.live.length, livesBefore, "nothing comes over a line that is cut");
        relay.line.heal();
        // A value of the general interrogation: nothing changed meanwhile.
        const backMs = await time.until(() => relay.live.length > livesBefore, 2_000);
        process.stdout.write(`      noticed after ${noticedMs} ms, back after ${backMs} ms\n`);
      });
    });
  }
});
