import { strict as assert } from "node:assert";
import { existsSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { openDatabase, type Sqlite } from "../../src/store/database.ts";
import type { NewRow, RowClass } from "../../src/store/rows.ts";
import { Bench, newDirectory, removeDirectories, row } from "./store-fixture.ts";

const QUOTA = 1024 * 1024;
const LIMITS = { quotaBytes: QUOTA, historyBytes: QUOTA, retainMs: 600_000 };

/** A gateway whose broker is gone: rows come in, some get out, room runs short. */
class Site {
  readonly bench = new Bench(LIMITS);
  readonly stored = new Map<number, RowClass>();
  readonly sent = new Set<number>();
  readonly #seqs = new Map<string, number>();
  #nextId = 1;
  reportedRows = 0;

  add(rowClass: RowClass, count: number, bytes: number): void {
    const rows: NewRow[] = [];
    for (let at = 0; at < count; at += 1) {
      const stream = `p${rowClass}`;
      const seq = (this.#seqs.get(stream) ?? 0) + 1;
      this.#seqs.set(stream, seq);
      rows.push(row({ id: this.#nextId, seq, stream, class: rowClass, bytes }));
      this.stored.set(this.#nextId, rowClass);
      this.#nextId += 1;
    }
    assert.ok(this.bench.store(rows), "there is always room");
    for (const loss of this.bench.engine.losses.takeUntold()) {
      assert.equal(loss.reason, "evicted");
      assert.equal(loss.rows, loss.lastSeq - loss.firstSeq + 1, "a whole range is lost");
      this.reportedRows += loss.rows;
    }
  }

  markSent(count: number): void {
    const ids = this.bench.waiting(count);
    for (const id of ids) this.sent.add(id);
    this.bench.sent(...ids);
  }

  waiting(): Set<number> {
    const ids = new Set<number>();
    for (;;) {
      const more = this.bench.waiting(5000, [...ids]);
      if (more.length === 0) return ids;
      for (const id of more) ids.add(id);
    }
  }
}

const action = fc.oneof(
  fc.record({
    kind: fc.constant("add" as const),
    rowClass: fc.constantFrom<RowClass>(0, 1, 2, 3, 4),
    count: fc.integer({ min: 1, max: 60 }),
    bytes: fc.constantFrom(100, 900, 4000),
  }),
  fc.record({ kind: fc.constant("send" as const), count: fc.integer({ min: 1, max: 100 }) }),
);

describe("eviction", () => {
  after(removeDirectories);

  it("gives up the cheapest class first, the oldest in it first, and counts every row", function () {
    this.timeout(30_000);
    fc.assert(
      fc.property(fc.array(action, { minLength: 10, maxLength: 60 }), (actions) => {
        const site = new Site();
        for (const step of actions) {
          if (step.kind === "send") site.markSent(step.count);
          else site.add(step.rowClass, step.count, step.bytes);
          assertOrderOfLoss(site);
        }
        site.bench.engine.close();
      }),
      { numRuns: 15 },
    );
  });

  function assertOrderOfLoss(site: Site): void {
    const stats = site.bench.engine.stats();
    assert.ok(stats.usedBytes <= QUOTA, "within the quota");
    const waiting = site.waiting();
    assert.equal(stats.waitingRows, waiting.size, "what waits is counted");
    const lost = [...site.stored].filter(([id]) => !waiting.has(id) && !site.sent.has(id));
    const counted = stats.lostRowsByClass.reduce((sum, rows) => sum + rows, 0);
    assert.equal(counted, lost.length, "every lost row is counted");
    assert.equal(site.reportedRows, lost.length, "and reported");
    for (const [id, rowClass] of lost) {
      for (const [other, otherClass] of site.stored) {
        if (!waiting.has(other) || other > id) continue;
        assert.ok(otherClass !== rowClass, `row ${id} went before the older ${other}`);
        assert.ok(
          otherClass < rowClass || bothGoEarly(rowClass),
          `row ${id} of class ${rowClass} went before ${other} of class ${otherClass}`,
        );
      }
    }
  }

  /** Classes 3 and 4 share a mark: what came after the eviction may be of either. */
  function bothGoEarly(rowClass: RowClass): boolean {
    return rowClass >= 3;
  }

  it("takes history before anything that waits, whatever the classes", () => {
    const site = new Site();
    site.add(1, 100, 1000);
    site.markSent(100);
    site.bench.nowMs += 700_000;
    site.bench.engine.maintain();
    site.add(4, 400, 1000);
    assert.deepEqual(site.bench.engine.stats().lostRowsByClass, [0, 0, 0, 0, 0]);
    site.add(4, 120, 1000);
    assert.deepEqual(site.bench.engine.stats().lostRowsByClass, [0, 0, 0, 0, 0]);
    assert.ok(site.bench.engine.stats().storedRows < 620, "history made the room");
  });

  it("keeps class 0 until nothing else is left, and then drops its oldest", () => {
    const site = new Site();
    site.add(0, 300, 1000);
    site.add(3, 200, 1000);
    site.add(0, 300, 1000);
    assert.equal(site.bench.engine.stats().lostRowsByClass[0], 0);
    assert.ok(site.bench.engine.stats().lostRowsByClass[3]! > 0);
    site.add(0, 200, 1000);
    site.add(0, 300, 1000);
    assert.equal(site.bench.engine.stats().lostRowsByClass[3], 200);
    assert.ok(site.bench.engine.stats().lostRowsByClass[0]! > 0);
    assert.ok(site.waiting().has(1100), "the newest is there");
  });

  it("tells a loss again after a restart until it is confirmed", () => {
    const site = new Site();
    for (let at = 0; at < 12; at += 1) site.add(3, 100, 1000);
    const { engine } = site.bench;
    const losses = engine.losses.unconfirmed();
    assert.ok(losses.length > 0);
    site.bench.reopen();
    assert.deepEqual(site.bench.engine.losses.unconfirmed(), losses);
    site.bench.engine.pending.addConfirmed(losses.map(({ lossId }) => lossId));
    site.bench.engine.commit();
    site.bench.reopen();
    assert.deepEqual(site.bench.engine.losses.unconfirmed(), []);
    assert.ok(site.bench.engine.stats().lostRowsByClass[3]! > 0, "the totals stay");
  });

  it("knows rows that come twice after they were given up, also after a crash", () => {
    const site = new Site();
    for (let at = 0; at < 12; at += 1) site.add(3, 100, 1000);
    assert.ok(!site.waiting().has(1));
    const crashed = new Bench(LIMITS, site.bench.directory);
    for (let seq = 1; seq <= 1200; seq += 400) {
      crashed.store([row({ id: 5000 + seq, seq, stream: "p3" })], { frameNo: 90_000 + seq });
    }
    assert.equal(crashed.engine.stats().duplicateRows, 3);
  });

  it("knows a stream of which nothing is left, after a crash too", () => {
    const site = new Site();
    site.add(4, 20, 1000);
    for (let at = 0; at < 12; at += 1) site.add(3, 100, 1000);
    const crashed = new Bench(LIMITS, site.bench.directory);
    crashed.store([row({ id: 5000, seq: 20, stream: "p4" })], { frameNo: 90_000 });
    assert.equal(crashed.engine.stats().duplicateRows, 1);
  });

  it("says how full it is, and keeps ballast", () => {
    const bench = new Bench(LIMITS);
    const levels = (): string[] => {
      const reports = bench.engine.takeReports();
      return reports.flatMap((report) => (report.kind === "level" ? [report.level] : []));
    };
    const fill = (from: number, to: number) => {
      for (let id = from; id <= to; id += 5) {
        const ids = [id, id + 1, id + 2, id + 3, id + 4];
        bench.store(ids.map((each) => row({ id: each, seq: each, class: 0, bytes: 4000 })));
      }
    };
    bench.engine.maintain();
    assert.ok(existsSync(join(bench.directory, "ballast")));
    fill(1, 165);
    assert.deepEqual(levels(), ["warning"]);
    fill(166, 200);
    assert.deepEqual(levels(), ["evicting"]);
    fill(201, 240);
    assert.deepEqual(levels(), ["critical"]);
  });
});

/** A database whose commits the test can refuse, as a full disk does. */
class FullDisk {
  isFull = false;

  open: typeof openDatabase = (directory, quotaBytes) => {
    const opened = openDatabase(directory, quotaBytes);
    const { db } = opened;
    const exec = db.exec.bind(db);
    db.exec = (source: string): Sqlite => {
      if (!this.isFull || source !== "COMMIT") return exec(source);
      // The limit in pages makes SQLite itself refuse, with its own error.
      const pages = Number(db.pragma("page_count", { simple: true }));
      db.pragma(`max_page_count = ${pages}`);
      try {
        exec("CREATE TABLE too_much AS SELECT zeroblob(100000000)");
      } finally {
        db.pragma(`max_page_count = ${quotaBytes / 4096}`);
      }
      return db;
    };
    return opened;
  };
}

describe("a full disk", () => {
  after(removeDirectories);

  it("refuses frames, releases the ballast, holds alarms in memory and recovers", () => {
    const disk = new FullDisk();
    const bench = new Bench({ quotaBytes: 4 * QUOTA }, newDirectory(), disk.open);
    bench.store([row({ id: 1, seq: 1 })], { frameNo: 1 });
    bench.engine.maintain();
    const ballast = join(bench.directory, "ballast");
    assert.ok(existsSync(ballast));

    disk.isFull = true;
    const alarm = (id: number) => row({ id, seq: 1, class: 1, stream: "events-field" });
    const stored = bench.store([row({ id: 2, seq: 2 }), alarm(3)], { frameNo: 2 });
    assert.equal(stored, false);
    assert.ok(!existsSync(ballast), "the ballast is given back");
    assert.equal(bench.engine.stats().level, "full");
    assert.equal(bench.engine.stats().heldRows, 1);
    assert.deepEqual(bench.waiting(), [1], "what was stored before is still there");

    disk.isFull = false;
    assert.equal(bench.store([row({ id: 4, seq: 3 })], { frameNo: 3 }), false);
    bench.nowMs += 1000;
    // The next commit of anybody carries the alarm, also while field has not come back.
    assert.ok(bench.store([], { producer: "control", frameNo: 1 }));
    assert.deepEqual(bench.waiting(), [1, 3]);
    assert.equal(bench.engine.stats().level, "normal");

    bench.engine.resume("field");
    assert.ok(bench.store([row({ id: 5, seq: 2 }), alarm(6)], { frameNo: 2 }));
    assert.ok(bench.store([row({ id: 7, seq: 3 })], { frameNo: 3 }));
    assert.deepEqual(bench.waiting(), [1, 3, 5, 7], "the alarm is there once");
    assert.equal(bench.engine.stats().waitingRows, 4);
    bench.engine.maintain();
    assert.ok(existsSync(ballast), "and the ballast is taken again");
  });

  it("accepts no later frame of a producer before the refused one came again", () => {
    const disk = new FullDisk();
    const bench = new Bench({ quotaBytes: 4 * QUOTA }, newDirectory(), disk.open);
    disk.isFull = true;
    assert.equal(bench.store([row({ id: 1, seq: 1 })], { frameNo: 1 }), false);
    disk.isFull = false;
    bench.nowMs += 5000;
    assert.equal(bench.store([row({ id: 2, seq: 2 })], { frameNo: 2 }), false);
    assert.equal(bench.engine.marks.resumeMark("field"), undefined);
    bench.engine.resume("field");
    assert.ok(bench.store([row({ id: 3, seq: 1 })], { frameNo: 1 }));
    assert.ok(bench.store([row({ id: 4, seq: 2 })], { frameNo: 2 }));
    assert.deepEqual(bench.waiting(), [3, 4]);
  });

  it("drops the oldest held alarm when its memory is full, and counts it", () => {
    const disk = new FullDisk();
    const bench = new Bench({ quotaBytes: QUOTA, heldBytes: 10_000 }, newDirectory(), disk.open);
    disk.isFull = true;
    for (let id = 1; id <= 4; id += 1) {
      bench.store([row({ id, seq: id, class: 0, stream: "events", bytes: 4000 })], {
        producer: "services",
      });
    }
    assert.deepEqual(
      bench.engine.takeReports().filter(({ kind }) => kind === "held-dropped"),
      [{ kind: "held-dropped", rows: 2 }],
    );
    disk.isFull = false;
    bench.nowMs += 1000;
    bench.store([], { producer: "control" });
    assert.deepEqual(bench.waiting(), [3, 4]);
    assert.equal(bench.engine.stats().heldDroppedRows, 2);
  });

  it("frees rows when SQLite has no page left below the quota", () => {
    const bench = new Bench({ quotaBytes: 8 * QUOTA }, newDirectory(), (directory, quotaBytes) => {
      const opened = openDatabase(directory, quotaBytes);
      opened.db.pragma(`max_page_count = ${QUOTA / 4096}`);
      return opened;
    });
    for (let id = 1; id <= 400; id += 4) {
      const ids = [id, id + 1, id + 2, id + 3];
      const rows = ids.map((each) => {
        return row({ id: each, seq: each, class: each % 4 === 0 ? 1 : 4, bytes: 4000 });
      });
      assert.ok(bench.store(rows));
    }
    const { lostRowsByClass, level } = bench.engine.stats();
    assert.ok(lostRowsByClass[4]! > 0 && lostRowsByClass[1] === 0, String(lostRowsByClass));
    assert.notEqual(level, "full");
  });
});
