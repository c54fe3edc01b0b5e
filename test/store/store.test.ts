import { strict as assert } from "node:assert";
import { truncateSync } from "node:fs";
import { join } from "node:path";
import { GatewayError } from "../../src/domain/errors.ts";
import type { CommandRecord, NewRow, StoreReport } from "../../src/store/rows.ts";
import { Store, type StoreOptions } from "../../src/store/store.ts";
import { outboxContract } from "../contract/outbox.contract.ts";
import { stepOf } from "../support/command-step.ts";
import {
  newDirectory,
  realClock,
  removeDirectories,
  row,
  START_UTC,
  utc,
} from "./store-fixture.ts";

const stores: Store[] = [];
const reports: StoreReport[] = [];

async function open(options: Partial<StoreOptions> = {}): Promise<Store> {
  const store = await Store.open({
    directory: newDirectory(),
    clock: realClock,
    report: (report) => reports.push(report),
    ...options,
  });
  stores.push(store);
  return store;
}

afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
  reports.length = 0;
});
after(removeDirectories);

outboxContract("store in a worker thread", () => {
  const directory = newDirectory();
  return { open: async () => open({ directory }) };
});
function rowsFor(store: Store, seqs: readonly number[], shape: { bytes?: number } = {}): NewRow[] {
  return seqs.map((seq) => row({ id: store.nextId(), seq, ...shape }));
}

function record(jti: string): CommandRecord {
  return {
    kid: "key-a",
    jti,
    iat: utc(Date.now()),
    exp: utc(Date.now() + 30_000),
    seq: 1,
    raw: new Uint8Array(8),
    commandId: `c-${jti}`,
    command: "{}",
  };
}

describe("store", function () {
  // Each test starts threads, which takes long on a machine that is busy with other tests.
  this.timeout(20_000);

  it("does not block the main thread while a commit waits for the disk", async () => {
    const store = await open({ faults: { delayCommitMs: 150 } });
    let turns = 0;
    let isStored = false;
    const turn = () => {
      turns += 1;
      if (!isStored) setImmediate(turn);
    };
    setImmediate(turn);
    const begun = realClock.now();
    await store.appendFrame({ producer: "field", epoch: 1, frameNo: 1, rows: rowsFor(store, [1]) });
    isStored = true;
    assert.ok(realClock.now() - begun >= 150, "the fault is in");
    assert.ok(turns > 100, `${turns} turns of the main loop`);
  });

  it("journals a command ahead of the frames that wait behind a slow disk", async () => {
    const store = await open({ faults: { delayCommitMs: 100 }, limits: { commitRows: 1 } });
    const done: string[] = [];
    const frames = [1, 2, 3, 4].map(async (frameNo) => {
      const rows = rowsFor(store, [frameNo], { bytes: 2_500_000 });
      await store.appendFrame({ producer: "field", epoch: 1, frameNo, rows });
      done.push(`frame ${frameNo}`);
    });
    assert.equal(await store.journalCommand(record("1")), "fresh");
    done.push("command");
    await Promise.all(frames);
    assert.ok(done.indexOf("command") < done.indexOf("frame 4"), done.join(", "));
    assert.equal(await store.journalCommand(record("1")), "replay");
  });

  it("refuses a replay after a restart and knows the commands that did not end", async () => {
    const directory = newDirectory();
    const first = await open({ directory });
    for (const jti of ["1", "2"]) await first.journalCommand(record(jti));
    const step = stepOf({ stage: "done", final: true, at: utc(START_UTC) });
    await first.recordStep(step);
    await first.close();
    const second = await open({ directory });
    assert.deepEqual(
      (await second.openCommands()).map(({ commandId }) => commandId),
      ["c-2"],
    );
    assert.equal(await second.journalCommand(record("2")), "replay");
    assert.equal(second.replayMarks[0]?.kid, "key-a");
  });

  it("refuses with STORE_BUSY beyond its memory, and goes on at the resume mark", async () => {
    const limits = { inFlightRows: 10, commitEveryMs: 0 };
    const store = await open({ limits, faults: { delayCommitMs: 50 } });
    const append = async (frameNo: number) => {
      const rows = rowsFor(store, [1, 2, 3, 4].map((n) => (frameNo - 1) * 4 + n)); // prettier-ignore
      await store.appendFrame({ producer: "field", epoch: 1, frameNo, rows });
    };
    const results = await Promise.allSettled([append(1), append(2), append(3), append(4)]);
    assert.deepEqual(
      results.map(({ status }) => status),
      ["fulfilled", "fulfilled", "rejected", "rejected"],
    );
    await assert.rejects(append(4), { code: "STORE_BUSY" }, "not before the refused one");
    assert.deepEqual(store.resume("field"), { epoch: 1, frameNo: 2 });
    await append(3);
    await append(4);
    const found = await store.takeBacklog({ limit: 99, maxBytes: 1e9, exclude: [] });
    assert.deepEqual(
      found.map(({ seq }) => seq),
      Array.from({ length: 16 }, (_, at) => at + 1),
    );
    const stats = await store.stats();
    assert.deepEqual([stats.busyFrames, stats.waitingRows], [3, 16]);
  });

  it("passes a single frame whatever its size", async () => {
    const store = await open({ limits: { inFlightRows: 2, inFlightBytes: 10 } });
    const rows = rowsFor(store, [1, 2, 3]);
    await store.appendFrame({ producer: "field", epoch: 1, frameNo: 1, rows });
    assert.equal((await store.stats()).storedRows, 3);
  });

  it("tells what opening found, and begins anew on a truncated file", async () => {
    const directory = newDirectory();
    const first = await open({ directory });
    const rows = rowsFor(first, [1, 2, 3], { bytes: 20_000 });
    await first.appendFrame({ producer: "field", epoch: 1, frameNo: 1, rows });
    await first.close();
    truncateSync(join(directory, "outbox.db"), 50_000);
    const second = await open({ directory });
    assert.deepEqual(second.opened.corrupt?.movedTo, ["outbox.db.corrupt-1"]);
    assert.equal(second.resumeMarks().size, 0);
  });

  it("reads history, events and statistics, and sends a range again", async () => {
    const store = await open();
    const event = row({ id: store.nextId(), seq: 1, stream: "events", class: 1 });
    const rows = [event, ...rowsFor(store, [1, 2, 3])];
    await store.appendFrame({ producer: "control", epoch: 1, frameNo: 1, rows });
    store.markSent(rows.map(({ id }) => id));
    const range = { from: utc(0), to: utc(1e15), limit: 2 };
    const page = await store.history({ device: "meter-1", ...range });
    assert.deepEqual([page.rows.map(({ seq }) => seq), page.more], [[1, 2], true]);
    assert.deepEqual((await store.events(range)).rows[0]?.stream, "events");
    const nothing = { limit: 9, maxBytes: 1e9, exclude: [] };
    assert.equal((await store.takeBacklog(nothing)).length, 0);
    assert.equal(await store.resend({ stream: "meter-1", epoch: 1, fromSeq: 2, toSeq: 3 }), 2);
    assert.equal((await store.takeBacklog(nothing)).length, 2);
    const stats = await store.stats();
    assert.equal(stats.waitingRows, 2);
    assert.equal(stats.sentRows, 4);
    assert.ok(stats.commitP50Ms > 0 && stats.bytesWrittenPerDay >= 0 && stats.commitsPerS > 0);
  });

  it("numbers topics that come again, and stores those that do not", async () => {
    const directory = newDirectory();
    const store = await open({ directory });
    for (let at = 1; at <= 30; at += 1) {
      const often = row({ id: store.nextId(), seq: at });
      const once = { ...row({ id: store.nextId(), seq: at, stream: "ack" }), topic: `ack/${at}` };
      await store.appendFrame({ producer: "field", epoch: 1, frameNo: at, rows: [often, once] });
    }
    await store.close();
    const again = await open({ directory });
    const found = await again.takeBacklog({ limit: 99, maxBytes: 1e9, exclude: [] });
    assert.deepEqual(
      found.map(({ topic }) => topic),
      Array.from({ length: 30 }, (_, at) => ["tel/meter-1", `ack/${at + 1}`]).flat(),
    );
  });

  it("refuses ids that go back: they are our own mistake", async () => {
    const store = await open();
    const [first, second] = [store.nextId(), store.nextId()];
    const frame = { producer: "field" as const, epoch: 1 };
    await store.appendFrame({ ...frame, frameNo: 1, rows: [row({ id: second, seq: 1 })] });
    const back = { ...frame, frameNo: 2, rows: [row({ id: first, seq: 2 })] };
    await assert.rejects(store.appendFrame(back), /must increase/);
    const unknown = { ...frame, frameNo: 2, rows: [row({ id: 999, seq: 2 })] };
    await assert.rejects(store.appendFrame(unknown), /come from nextId/);
  });

  it("stores on close what was on its way", async () => {
    const directory = newDirectory();
    const store = await open({ directory });
    const rows = [1, 2].map((seq) => rowsFor(store, [seq]));
    const stored = rows.map(async (one, at) => {
      await store.appendFrame({ producer: "field", epoch: 1, frameNo: at + 1, rows: one });
    });
    await Promise.all([store.close(), ...stored]);
    const again = await open({ directory });
    assert.equal(again.opened.wasClosed, true);
    assert.deepEqual(again.resumeMarks().get("field"), { epoch: 1, frameNo: 2 });
  });

  it("says that it cannot be opened where no directory is", async () => {
    const directory = join(newDirectory(), "missing");
    await assert.rejects(open({ directory }), (error: unknown) => {
      return error instanceof GatewayError && error.code === "STORE_UNUSABLE";
    });
  });
});
