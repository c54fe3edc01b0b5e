import { strict as assert } from "node:assert";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readBounded, writeDurably } from "../../src/platform/files.ts";
import { LatchFiles } from "../../src/platform/latch-files.ts";

describe("files", () => {
  let directory: string;
  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), "files-"))));
  afterEach(() => {
    rmSync(directory, { recursive: true });
  });

  it("replaces a file whole, for its owner only, and leaves no draft", async () => {
    const path = join(directory, "state");
    await writeDurably(path, "first, and longer");
    await writeDurably(path, "second");
    assert.equal(readFileSync(path, "utf8"), "second");
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(directory), ["state"]);
  });

  it("keeps the former content when the new one cannot be written", async () => {
    const path = join(directory, "state");
    await writeDurably(path, "first");
    mkdirSync(`${path}.new`);
    await assert.rejects(writeDurably(path, "second"), { code: "STORE_IO" });
    assert.equal(readFileSync(path, "utf8"), "first");
    assert.ok(existsSync(path));
  });

  it("says that the disk is full", async function () {
    if (!existsSync("/dev/full")) this.skip();
    const path = join(directory, "full");
    // The draft's name leads to a device that is always full.
    symlinkSync("/dev/full", `${path}.new`);
    await assert.rejects(writeDurably(path, "x"), { code: "STORE_FULL" });
  });

  it("reads a file up to a limit, and knows that there is none", async () => {
    const path = join(directory, "site.yaml");
    assert.equal(await readBounded(path, 10), undefined);
    writeFileSync(path, "0123456789");
    assert.equal((await readBounded(path, 10))?.toString(), "0123456789");
    await assert.rejects(readBounded(path, 9), {
      code: "FILE_UNREADABLE",
      context: { path, reason: "too long", maxBytes: 9 },
    });
    await assert.rejects(readBounded(directory, 9), { code: "FILE_UNREADABLE" });
  });
});

describe("latch files", () => {
  let directory: string;
  let path: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "latches-"));
    path = join(directory, "trips");
  });
  afterEach(() => {
    rmSync(directory, { recursive: true });
  });

  async function saved(...records: string[]): Promise<LatchFiles> {
    const files = new LatchFiles(path);
    await files.load();
    for (const record of records) await files.save(record);
    return files;
  }
  const load = async () => new LatchFiles(path).load();
  /** The file that holds this record, and not the other. */
  const fileOf = (record: string) =>
    [`${path}.a`, `${path}.b`]
      .filter((file) => existsSync(file))
      .find((file) => readFileSync(file, "utf8").endsWith(record)) ?? "";

  it("knows that nothing was ever saved", async () => {
    assert.deepEqual(await load(), { state: "absent" });
  });

  it("gives back the last record saved, by turns in both files", async () => {
    await saved("one");
    assert.deepEqual(await load(), { state: "valid", content: "one", other: "absent" });
    await saved("two", "three\nwith lines");
    assert.deepEqual(await load(), {
      state: "valid",
      content: "three\nwith lines",
      other: "valid",
    });
    assert.deepEqual(readdirSync(directory), ["trips.a", "trips.b"]);
  });

  it("survives the loss of either file, and says so", async () => {
    await saved("one", "two");
    writeFileSync(fileOf("two"), "");
    assert.deepEqual(await load(), { state: "valid", content: "one", other: "unreadable" });
    await saved("three");
    assert.deepEqual(await load(), { state: "valid", content: "three", other: "valid" });
    rmSync(fileOf("one"));
    assert.deepEqual(await load(), { state: "valid", content: "three", other: "absent" });
  });

  it("is unreadable, which means latched, when no file can be believed", async () => {
    await saved("one", "two");
    for (const record of ["one", "two"]) {
      const text = readFileSync(fileOf(record), "utf8");
      writeFileSync(fileOf(record), text.replace(record, "xxx"));
    }
    assert.deepEqual(await load(), { state: "unreadable" });
    rmSync(`${path}.a`);
    assert.deepEqual(await load(), { state: "unreadable" });
    mkdirSync(`${path}.a`);
    assert.deepEqual(await load(), { state: "unreadable" });
  });

  it("finds any single byte that changed", async () => {
    await saved("one");
    const file = fileOf("one");
    const good = readFileSync(file);
    for (let at = 0; at < good.length; at++) {
      const bad = Buffer.from(good);
      bad[at] = (bad[at] ?? 0) ^ 1;
      writeFileSync(file, bad);
      assert.deepEqual(await load(), { state: "unreadable" }, `byte ${at}`);
    }
  });

  it("writes the newest of the records that wait, and tells all who wait", async () => {
    const files = await saved();
    const records = Array.from({ length: 20 }, (_, at) => `record ${at}`);
    await Promise.all(records.map(async (record) => files.save(record)));
    const loaded = await load();
    assert.ok(loaded.state === "valid" && loaded.content === "record 19");
    const generation = readFileSync(fileOf("record 19"), "utf8").split("\n")[2];
    assert.equal(Number(generation), 1, "one write stands for all that waited");
  });

  it("fails to save without forgetting what stands, and can save again", async () => {
    const files = await saved("one");
    mkdirSync(`${path}.a.new`);
    mkdirSync(`${path}.b.new`);
    await assert.rejects(files.save("two"), { code: "STORE_IO" });
    assert.deepEqual(await load(), { state: "valid", content: "one", other: "absent" });
    rmSync(`${path}.a.new`, { recursive: true });
    rmSync(`${path}.b.new`, { recursive: true });
    await files.save("three");
    assert.deepEqual(await load(), { state: "valid", content: "three", other: "valid" });
  });

  it("is loaded before it is saved: our own rule", async () => {
    await assert.rejects(new LatchFiles(path).save("x"), /loaded before/);
  });
});
