import { strict as assert } from "node:assert";
import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import {
  assertDurable,
  isDamage,
  isDiskFault,
  isFull,
  markSuspect,
  openDatabase,
} from "../../src/store/database.ts";
import { Bench, newDirectory, removeDirectories, row } from "./store-fixture.ts";

const FILE = "outbox.db";

function filled(): Bench {
  const bench = new Bench();
  for (let from = 1; from <= 200; from += 50) {
    const rows = Array.from({ length: 50 }, (_, at) => {
      return row({ id: from + at, seq: from + at, bytes: 2000 });
    });
    bench.store(rows);
  }
  bench.engine.close();
  return bench;
}

function flip(file: string, text: string): void {
  const bytes = readFileSync(file);
  const at = bytes.indexOf(text);
  assert.ok(at > 0, "the payload is in the file");
  bytes[at + text.length + 3]! ^= 1;
  writeFileSync(file, bytes);
}

describe("store durability", () => {
  after(removeDirectories);

  it("waits for the disk in every commit", () => {
    const { db } = openDatabase(newDirectory(), 1 << 24);
    assert.equal(db.pragma("synchronous", { simple: true }), 2);
    assert.equal(db.pragma("trusted_schema", { simple: true }), 0);
    assert.equal(db.pragma("cell_size_check", { simple: true }), 1);
    assert.equal(db.pragma("max_page_count", { simple: true }), (1 << 24) / 4096);
    db.close();
  });

  it("turns down what better-sqlite3 makes of WAL by itself: synchronous=NORMAL", () => {
    const db = new Database(join(newDirectory(), "plain.db"));
    db.exec("PRAGMA journal_mode = WAL; CREATE TABLE t (x)");
    assert.equal(db.pragma("synchronous", { simple: true }), 1, "the trap is still there");
    assert.throws(() => {
      assertDurable(db);
    }, /does not wait for the disk/);
    db.pragma("synchronous = FULL");
    assertDurable(db);
    db.close();
  });
});

describe("a damaged store", () => {
  after(removeDirectories);

  it("sets a row aside whose bytes changed, never sends it, and reports the loss", () => {
    const bench = filled();
    flip(join(bench.directory, FILE), "meter-1 77.");
    const again = new Bench({}, bench.directory);
    const ids = again.waiting();
    assert.equal(ids.length, 199);
    assert.ok(!ids.includes(77));
    const stats = again.engine.stats();
    assert.deepEqual([stats.damagedRows, stats.waitingRows, stats.storedRows], [1, 199, 199]);
    const [loss] = again.engine.losses.takeUntold();
    assert.deepEqual([loss?.reason, loss?.firstSeq, loss?.rows], ["damaged", 77, 1]);
    again.reopen();
    assert.equal(again.waiting().length, 199, "it stays set aside");
  });

  for (const [what, spoil] of [
    [
      "cut off in the middle",
      (file: string) => {
        truncateSync(file, 100_000);
      },
    ],
    [
      "cut off by its last page",
      (file: string) => {
        truncateSync(file, statSync(file).size - 4096);
      },
    ],
    [
      "cut off behind its header",
      (file: string) => {
        truncateSync(file, 4096);
      },
    ],
    [
      "not a database",
      (file: string) => {
        writeFileSync(file, "no database at all, but a long text".repeat(90));
      },
    ],
    [
      "overwritten in its first pages",
      (file: string) => {
        const bytes = readFileSync(file);
        bytes.fill(0x5a, 100, 40_000);
        writeFileSync(file, bytes);
      },
    ],
  ] as const) {
    // prettier-ignore
    it(`moves a file aside that is ${what}, and begins anew`, () => {
      const bench = filled();
      spoil(join(bench.directory, FILE));
      const again = new Bench({}, bench.directory);
      assert.ok(again.engine.opened.corrupt !== undefined);
      assert.deepEqual(again.engine.opened.corrupt.movedTo, [`${FILE}.corrupt-1`]);
      assert.ok(again.engine.opened.corrupt.why.length > 0);
      assert.ok(again.store([row({ id: 1, seq: 1 })]));
      assert.deepEqual(again.waiting(), [1]);
      again.reopen();
      assert.equal(again.engine.opened.corrupt, undefined);
    });
  }

  it("finds a page gone wrong behind a crash, before anything is read from it", () => {
    const bench = new Bench();
    const rows = Array.from({ length: 200 }, (_, at) => {
      return row({ id: at + 1, seq: at + 1, bytes: 1000 });
    });
    bench.store(rows);
    bench.engine.checkpoint("TRUNCATE");
    const crashed = newDirectory();
    const bytes = readFileSync(join(bench.directory, FILE));
    bytes.fill(0xff, 40 * 4096, 40 * 4096 + 16);
    writeFileSync(join(crashed, FILE), bytes);
    const again = new Bench({}, crashed);
    assert.ok(again.engine.opened.corrupt !== undefined);
  });

  it("begins anew after damage that showed only while running", () => {
    const bench = filled();
    markSuspect(bench.directory);
    const again = new Bench({}, bench.directory);
    assert.match(again.engine.opened.corrupt?.why ?? "", /while running/);
  });

  it("keeps the two last broken files and no more", () => {
    const bench = filled();
    for (let at = 0; at < 4; at += 1) {
      writeFileSync(join(bench.directory, FILE), "not a database ".repeat(300));
      new Bench({}, bench.directory).engine.close();
    }
    const asides = readdirSync(bench.directory).filter((name) => name.includes("corrupt"));
    assert.deepEqual(asides.sort(), [`${FILE}.corrupt-3`, `${FILE}.corrupt-4`]);
  });

  it("refuses the file of a newer version and leaves it alone", () => {
    const directory = newDirectory();
    const db = new Database(join(directory, FILE));
    db.pragma("user_version = 99");
    db.close();
    assert.throws(() => openDatabase(directory, 1 << 24), { code: "STORE_UNUSABLE" });
    assert.deepEqual(
      readdirSync(directory).filter((name) => name.includes("corrupt")),
      [],
    );
  });

  it("takes up a log that was not yet in the file", () => {
    const bench = new Bench();
    for (let id = 1; id <= 50; id += 1) bench.store([row({ id, seq: id })]);
    const copy = newDirectory();
    for (const suffix of ["", "-wal"]) {
      copyFileSync(join(bench.directory, FILE + suffix), join(copy, FILE + suffix));
    }
    const again = new Bench({}, copy);
    assert.equal(again.engine.opened.wasClosed, false);
    assert.equal(again.waiting().length, 50);
  });

  it("tells a failing disk from a full one", () => {
    const error = (code: string) => new Database.SqliteError("x", code);
    assert.ok(isDiskFault(error("SQLITE_IOERR_FSYNC")) && isDiskFault(error("SQLITE_IOERR")));
    assert.ok(!isDiskFault(error("SQLITE_FULL")) && isFull(error("SQLITE_FULL")));
    assert.ok(isDamage(error("SQLITE_CORRUPT_INDEX")) && isDamage(error("SQLITE_NOTADB")));
    assert.ok(!isDamage(error("SQLITE_IOERR")) && !isDiskFault(new Error("SQLITE_IOERR")));
  });

  it("finds SQLite's own error when the file system refuses to write", () => {
    const directory = newDirectory();
    const script = `
      const Database = require("better-sqlite3");
      const db = new Database(process.argv[1]);
      db.exec("PRAGMA journal_mode = WAL; CREATE TABLE t (x)");
      const insert = db.prepare("INSERT INTO t VALUES (zeroblob(200000))");
      try { for (let at = 0; at < 100; at += 1) insert.run(); }
      catch (error) { console.log(error.code); }`;
    const limited = `ulimit -f 512; exec "$0" -e "$1" "$2"`;
    const file = join(directory, "limited.db");
    const found = execFileSync("bash", ["-c", limited, process.execPath, script, file], {
      encoding: "utf8",
    });
    assert.ok(isDiskFault(new Database.SqliteError("x", found.trim())), found);
  });
});
