import { spawnSync } from "node:child_process";
import { strict as assert } from "node:assert";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { SharedRing } from "../../src/app/flight-recorder-ring.ts";
import { RecorderThread } from "../../src/app/flight-recorder-thread.ts";
import { recordingFiles } from "../../src/app/replay-files.ts";
import { MAGIC, readSegment } from "../../src/recorder/segment.ts";
import { until } from "../support/until.ts";

const bytes = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value);

describe("ring between two threads", () => {
  it("gives back what was put in, in its order, also across its end", () => {
    const ring = new SharedRing(100);
    const other = new SharedRing(ring.memory);
    for (let turn = 0; turn < 50; turn += 1) {
      assert.equal(ring.offer("cycle", bytes(30, turn)), true);
      assert.equal(ring.offer("gap", bytes(7, turn + 1)), true);
      assert.deepEqual(other.take(), { kind: "cycle", content: bytes(30, turn) });
      assert.deepEqual(other.take(), { kind: "gap", content: bytes(7, turn + 1) });
      assert.equal(other.take(), undefined);
    }
  });

  it("takes nothing that does not fit, and keeps what it has", () => {
    const ring = new SharedRing(100);
    assert.equal(ring.offer("cycle", bytes(60, 1)), true);
    assert.equal(ring.offer("cycle", bytes(60, 2)), false);
    assert.equal(ring.offer("cycle", bytes(29, 3)), true, "to the last byte");
    assert.deepEqual(ring.take()?.content, bytes(60, 1));
    assert.deepEqual(ring.take()?.content, bytes(29, 3));
    assert.equal(ring.offer("cycle", bytes(95, 4)), false, "never more than it holds");
  });

  it("tells why what it gave out could not be kept", () => {
    const ring = new SharedRing(100);
    assert.equal(ring.failures, 0);
    new SharedRing(ring.memory).fail("the disk is full");
    assert.equal(ring.failures, 1);
    assert.equal(ring.reason, "the disk is full");
  });
});

describe("thread of the flight recorder", function () {
  this.timeout(20_000);
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "dcpi-recorder-"));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const threadFor = (place: string, segmentBytes = 1_000_000): RecorderThread =>
    new RecorderThread({
      folder: place,
      limits: { segmentBytes, segments: 3 },
      pointCount: 100,
      onFailure: (error) => {
        assert.fail(error.message);
      },
    });

  it("has written everything at its end, and goes on in a new segment", async () => {
    for (let run = 1; run <= 2; run += 1) {
      const thread = threadFor(folder);
      assert.equal(thread.offer("cycle", bytes(3, 0)), false, "nothing before a header");
      assert.equal(thread.offer("header", bytes(10, run)), true);
      for (let at = 0; at < 200; at += 1)
        assert.equal(thread.offer("cycle", bytes(1_000, at)), true);
      await thread.close();
      assert.equal(thread.failures, 0);
      assert.equal(thread.offer("cycle", bytes(3, 0)), false, "nothing behind its end");
    }
    const files = recordingFiles(folder);
    assert.deepEqual(
      files.map((file) => path.basename(file)),
      ["flight-00000001.dcpr", "flight-00000002.dcpr"],
    );
    for (const file of files) {
      const records = [...readSegment(readFileSync(file))];
      assert.equal(records.length, 201);
      assert.deepEqual(records.at(-1)?.content, Buffer.from(bytes(1_000, 199)));
    }
  });

  it("keeps a process alive that waits for its end and for nothing else", () => {
    const module = pathToFileURL("src/app/flight-recorder-thread.ts").href;
    const script = `
      import { RecorderThread } from ${JSON.stringify(module)};
      const limits = { segmentBytes: 100_000, segments: 2 };
      const folder = ${JSON.stringify(folder)};
      const parts = { folder, limits, pointCount: 1, onFailure: console.error };
      const thread = new RecorderThread(parts);
      thread.offer("header", new Uint8Array(10));
      await thread.close();
    `;
    const file = path.join(folder, "main.mjs");
    writeFileSync(file, script);
    const args = [...process.execArgv, file];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    assert.equal(status, 0, stderr);
    assert.equal(recordingFiles(folder).length, 1);
  });

  it("gives up the oldest segments when all together are too long", async () => {
    const thread = threadFor(folder, 10_000);
    for (let segment = 0; segment < 12; segment += 1) {
      thread.offer("header", bytes(10, segment));
      for (let at = 0; at < 10; at += 1) thread.offer("cycle", bytes(1_000, at));
    }
    await until(() => readdirSync(folder).length > 0, "the thread runs");
    await thread.close();
    const files = recordingFiles(folder);
    assert.ok(files.length <= 3, `${files.length} files`);
    const kept = files.reduce((sum, file) => sum + readFileSync(file).length, 0);
    assert.ok(kept <= 3 * 10_200 + MAGIC.length, `${kept} bytes`);
    assert.match(files.at(-1) ?? "", /flight-00000012/);
  });

  it("is started anew by the next header when its folder could not be made", async () => {
    const failures: string[] = [];
    const file = path.join(folder, "file");
    writeFileSync(file, "");
    const thread = new RecorderThread({
      folder: path.join(file, "below"),
      limits: { segmentBytes: 1_000, segments: 2 },
      pointCount: 1,
      onFailure: (error) => failures.push(error.message),
    });
    assert.equal(thread.offer("header", bytes(10, 1)), true);
    for (let turn = 0; failures.length === 0 && turn < 10_000; turn += 1)
      await new Promise((resolve) => setTimeout(resolve, 1));
    assert.equal(failures.length, 1);
    assert.equal(thread.failures, 1);
    assert.equal(thread.offer("cycle", bytes(3, 0)), false);
    assert.equal(thread.reason, "its thread does not run");
    await thread.close();
  });
});
