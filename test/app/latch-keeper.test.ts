import { strict as assert } from "node:assert";
import { LatchKeeper, SAVE_RETRY_MS, SAVE_TRIES_MAX } from "../../src/app/latch-keeper.ts";
import { GatewayError } from "../../src/domain/errors.ts";
import { createLogger } from "../../src/platform/log.ts";
import { SimClock } from "../support/sim-clock.ts";

/** A disk that does what the test says, and says what it was given. */
function start() {
  const clock = new SimClock();
  const stop = new AbortController();
  const told: string[] = [];
  const disk = { isFull: false, written: [] as string[], tries: 0 };
  const keeper = new LatchKeeper({
    latches: {
      save: async (content) => {
        disk.tries += 1;
        await clock.sleep(10);
        if (disk.isFull) throw new GatewayError("STORE_FULL");
        disk.written.push(content);
      },
    },
    clock,
    signal: stop.signal,
    device: "gateway-control",
    onEvent: (event) => {
      told.push(`${event.id} ${event.phase}`);
    },
    log: createLogger("test", "silent"),
  });
  const keep = (revision: number, name = `claim ${revision}`) => {
    const content = () => `latches ${revision}`;
    keeper.keep(revision, content, (isSaved) => {
      told.push(`${name}: ${isSaved ? "saved" : "not saved"}`);
    });
  };
  return { clock, disk, keep, told, stop };
}

describe("latch keeper", () => {
  it("tells what claims a latch only when it is on the disk", async () => {
    const { clock, disk, keep, told } = start();
    keep(1);
    await clock.advance(9);
    assert.deepEqual(told, []);
    await clock.advance(1);
    assert.deepEqual(told, ["claim 1: saved"]);
    assert.deepEqual(disk.written, ["latches 1"]);
    keep(1, "a repeated reset");
    assert.deepEqual(told, ["claim 1: saved", "a repeated reset: saved"]);
    assert.equal(disk.tries, 1, "what is saved is not saved again");
  });

  it("saves the newest when several came while the disk was busy, and tells all", async () => {
    const { clock, disk, keep, told } = start();
    keep(1);
    await clock.advance(5);
    keep(2);
    keep(3);
    await clock.advance(50);
    assert.deepEqual(disk.written, ["latches 1", "latches 3"]);
    assert.deepEqual(told, ["claim 1: saved", "claim 2: saved", "claim 3: saved"]);
  });

  it("keeps trying when the disk is full, tells it at once, and tells when it is over", async () => {
    const { clock, disk, keep, told } = start();
    disk.isFull = true;
    keep(1);
    await clock.advance(10);
    assert.deepEqual(told, ["latches-not-saved raised", "claim 1: not saved"]);
    await clock.advance(3 * SAVE_RETRY_MS);
    assert.equal(told.length, 2, "told once");
    disk.isFull = false;
    await clock.advance(2 * SAVE_RETRY_MS);
    assert.deepEqual(disk.written, ["latches 1"]);
    assert.equal(told.at(-1), "latches-not-saved cleared");
  });

  it("gives a revision up after its tries, and tries a newer one", async () => {
    const { clock, disk, keep, told } = start();
    disk.isFull = true;
    keep(1);
    await clock.advance(2 * SAVE_TRIES_MAX * SAVE_RETRY_MS);
    assert.equal(disk.tries, SAVE_TRIES_MAX);
    keep(1, "asked again");
    await clock.advance(10 * SAVE_RETRY_MS);
    assert.equal(disk.tries, SAVE_TRIES_MAX);
    assert.equal(told.at(-1), "asked again: not saved");
    disk.isFull = false;
    keep(2);
    await clock.advance(100);
    assert.deepEqual(disk.written, ["latches 2"]);
  });

  it("stops trying when the process ends", async () => {
    const { clock, disk, keep, stop } = start();
    disk.isFull = true;
    keep(1);
    await clock.advance(100);
    stop.abort();
    await clock.advance(10 * SAVE_RETRY_MS);
    assert.equal(disk.tries, 1);
  });
});
