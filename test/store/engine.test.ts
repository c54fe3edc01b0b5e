import { strict as assert } from "node:assert";
import type { CommandStep } from "../../src/domain/command.ts";
import { Engine } from "../../src/store/engine.ts";
import { requeueRange, type Search, searchHistory } from "../../src/store/readings.ts";
import type { HistoryQuery, StoredRow } from "../../src/store/rows.ts";
import { Bench, isIntact, removeDirectories, row, START_UTC, utc } from "./store-fixture.ts";

function finish<T>(search: Search<T>): T {
  for (;;) {
    const step = search.next();
    if (step.done === true) return step.value;
  }
}

/** Rows `from` … `to` of one stream, id = seq. */
function rows(from: number, to: number, bytes = 0) {
  return Array.from({ length: to - from + 1 }, (_, at) => {
    return row({ id: from + at, seq: from + at, bytes });
  });
}

describe("store engine", () => {
  after(removeDirectories);

  it("hands out what waits, oldest first over all classes, without the excluded", () => {
    const bench = new Bench();
    bench.store([
      row({ id: 1, seq: 1, class: 3, stream: "a" }),
      row({ id: 2, seq: 1, class: 0, stream: "b" }),
      row({ id: 3, seq: 2, class: 3, stream: "a" }),
      row({ id: 4, seq: 1, class: 4, stream: "c" }),
    ]);
    assert.deepEqual(bench.waiting(), [1, 2, 3, 4]);
    assert.deepEqual(bench.waiting(2), [1, 2]);
    assert.deepEqual(bench.waiting(2, [1, 3]), [2, 4]);
  });

  it("gives the rows back as they were", () => {
    const bench = new Bench();
    const given = row({ id: 7, seq: 9, class: 2, stream: "bess-1", bytes: 20_000 });
    bench.store([given], { producer: "control", epoch: 1_764_000_000_123 });
    bench.reopen();
    const [taken] = bench.engine.takeBacklog({ limit: 1, maxBytes: 1, exclude: [] });
    const { payload, ...rest } = taken!;
    const { payload: givenPayload, ...givenRest } = given;
    assert.deepEqual(rest, { ...givenRest, producer: "control", epoch: 1_764_000_000_123 });
    assert.deepEqual([...payload], [...givenPayload]);
  });

  it("stops at maxBytes, but always brings one row", () => {
    const bench = new Bench();
    bench.store(rows(1, 5, 1000));
    const ask = (maxBytes: number) => {
      return bench.engine.takeBacklog({ limit: 9, maxBytes, exclude: [] }).length;
    };
    assert.deepEqual([ask(1), ask(2500), ask(1e9)], [1, 2, 5]);
  });

  it("does not hand out again what was sent, over a restart too", () => {
    const bench = new Bench();
    bench.store(rows(1, 10));
    bench.sent(1, 2, 3, 7);
    assert.deepEqual(bench.waiting(), [4, 5, 6, 8, 9, 10]);
    assert.equal(bench.engine.stats().waitingRows, 6);
    bench.reopen();
    assert.deepEqual(bench.waiting(), [4, 5, 6, 8, 9, 10]);
    assert.equal(bench.engine.stats().waitingRows, 6);
    assert.equal(bench.engine.nextId, 11);
  });

  it("leaves out of the backlog what is told as sent and not on disk yet", () => {
    const bench = new Bench();
    bench.store(rows(1, 3));
    bench.engine.append({ frames: [], steps: [], sent: Float64Array.of(1, 2) });
    assert.deepEqual(bench.waiting(), [3]);
  });

  it("does not look again and again for ids that were never used", () => {
    const bench = new Bench();
    bench.store([1, 5, 9].map((id) => row({ id, seq: id })));
    bench.sent(1, 5, 9);
    assert.ok(bench.engine.delivery.settled.rangeCount > 1);
    assert.deepEqual(bench.waiting(), []);
    assert.equal(bench.engine.delivery.settled.rangeCount, 1);
    bench.store([row({ id: 10, seq: 10 })]);
    assert.deepEqual(bench.waiting(), [10]);
  });

  it("ignores a row that was stored, by frame and by sequence, over a restart too", () => {
    const bench = new Bench();
    bench.store([row({ id: 1, seq: 1 }), row({ id: 2, seq: 2 })], { frameNo: 5 });
    bench.store([row({ id: 3, seq: 2 }), row({ id: 4, seq: 3 })], { frameNo: 6 });
    bench.store([row({ id: 5, seq: 4 })], { frameNo: 6 });
    assert.deepEqual(bench.waiting(), [1, 2, 4]);
    bench.reopen();
    bench.store([row({ id: 6, seq: 3 }), row({ id: 7, seq: 4 })], { frameNo: 7 });
    assert.deepEqual(bench.waiting(), [1, 2, 4, 7]);
    assert.equal(bench.engine.stats().waitingRows, 4);
  });

  it("knows a row that comes twice after it was deleted", () => {
    const bench = new Bench({ historyMs: 1000, retainMs: 0 });
    bench.store([row({ id: 1, seq: 1 })]);
    bench.sent(1);
    bench.nowMs += 100_000;
    bench.engine.maintain();
    assert.equal(bench.engine.stats().storedRows, 0);
    bench.reopen();
    bench.store([row({ id: 2, seq: 1 })]);
    assert.deepEqual(bench.waiting(), []);
    assert.equal(bench.engine.stats().duplicateRows, 1);
  });

  it("takes the same sequences again in a new epoch, even a lower one", () => {
    const bench = new Bench();
    bench.store([row({ id: 1, seq: 1 })], { epoch: 5, frameNo: 9 });
    bench.store([row({ id: 2, seq: 1 })], { epoch: 2, frameNo: 1 });
    assert.deepEqual(bench.waiting(), [1, 2]);
    assert.deepEqual(bench.engine.marks.resumeMark("field"), { epoch: 2, frameNo: 1 });
  });

  it("keeps the resume mark with the rows", () => {
    const bench = new Bench();
    bench.store(rows(1, 2), { producer: "control", epoch: 3, frameNo: 41 });
    bench.store([], { producer: "field", epoch: 4, frameNo: 7 });
    bench.reopen();
    assert.deepEqual(
      [...bench.engine.marks.resumeMarks()],
      [
        ["control", { epoch: 3, frameNo: 41 }],
        ["field", { epoch: 4, frameNo: 7 }],
      ],
    );
    assert.deepEqual(bench.engine.marks.streamMarks(), [
      { producer: "control", stream: "meter-1", epoch: 3, seq: 2 },
    ]);
  });

  it("sends a range again when asked, and only what it still has", () => {
    const bench = new Bench();
    bench.store(rows(1, 10));
    bench.sent(1, 2, 3, 4, 5, 6);
    const range = { stream: "meter-1", epoch: 1, fromSeq: 4, toSeq: 20 };
    const requeued = finish(requeueRange(bench.engine.shelf, range));
    bench.engine.countRequeued(requeued);
    assert.equal(requeued, 3);
    assert.deepEqual(bench.waiting(), [4, 5, 6, 7, 8, 9, 10]);
    assert.equal(bench.engine.stats().waitingRows, 7);
    bench.reopen();
    assert.deepEqual(bench.waiting(), [4, 5, 6, 7, 8, 9, 10]);
  });

  it("protects sent rows until the consumer has them or the time is over", () => {
    const limits = { historyMs: 0, retainMs: 600_000, commitRows: 1 };
    const bench = new Bench(limits);
    bench.store(rows(1, 3));
    bench.sent(1, 2, 3);
    bench.nowMs += 100_000;
    bench.engine.maintain();
    assert.equal(bench.engine.stats().storedRows, 3, "protected");
    bench.engine.delivery.acknowledge("meter-1", 1, 2);
    bench.engine.maintain();
    assert.equal(bench.engine.stats().storedRows, 3, "the block still holds row 3");
    bench.engine.delivery.acknowledge("meter-1", 1, 3);
    bench.engine.maintain();
    assert.equal(bench.engine.stats().storedRows, 0, "acknowledged");
  });

  it("ends the protection by age, and by bytes with the oldest first", () => {
    const byAge = new Bench({ historyMs: 0, retainMs: 600_000 });
    byAge.store(rows(1, 3));
    byAge.sent(1, 2, 3);
    byAge.nowMs += 600_001;
    byAge.engine.maintain();
    assert.equal(byAge.engine.stats().storedRows, 0);

    const byBytes = new Bench({ historyMs: 0, retainBytes: 300_000 });
    for (let at = 0; at < 4; at += 1) {
      byBytes.store(rows(1 + at * 10, 10 + at * 10, 10_000));
      byBytes.sent(...rows(1 + at * 10, 10 + at * 10).map(({ id }) => id));
      byBytes.nowMs += 61_000;
    }
    byBytes.engine.maintain();
    assert.equal(byBytes.engine.stats().storedRows, 20);
    assert.deepEqual(byBytes.waiting(), []);
  });

  it("never deletes by age what still waits", () => {
    const bench = new Bench({ historyMs: 0, retainMs: 0, historyBytes: 0 });
    bench.store(rows(1, 600, 200));
    bench.sent(...rows(1, 300).map(({ id }) => id));
    bench.nowMs += 10_000_000;
    bench.engine.maintain();
    assert.deepEqual(
      bench.waiting(),
      rows(301, 600).map(({ id }) => id),
    );
  });

  it("keeps history within its bytes, oldest away first", () => {
    const bench = new Bench({ historyBytes: 200_000, retainMs: 0 });
    bench.store(rows(1, 1000, 436));
    bench.sent(...rows(1, 1000).map(({ id }) => id));
    bench.engine.maintain();
    const { storedRows } = bench.engine.stats();
    assert.ok(storedRows > 0 && storedRows * 500 <= 200_000, `${storedRows} rows`);
    assert.equal(bench.engine.nextId, 1001);
  });

  it("finds history by device and time, in pages, both ways", () => {
    const bench = new Bench();
    for (let at = 0; at < 40; at += 1) {
      const both = ["a", "b"].map((stream, place) => {
        const id = at * 40 + place * 20 + 1;
        const utcMs = START_UTC + at * 1000;
        return Array.from({ length: 20 }, (_, n) => {
          return row({ id: id + n, seq: at * 20 + n + 1, stream, utc: utcMs });
        });
      });
      bench.store(both.flat());
    }
    const find = (query: Partial<HistoryQuery>) => {
      const whole = { from: utc(0), to: utc(1e15), limit: 5000, ...query };
      return finish(searchHistory(bench.engine.shelf, { stream: "b" }, whole));
    };
    const all = find({});
    assert.equal(all.rows.length, 800);
    assert.ok(all.rows.every((found) => found.stream === "b" && isIntact(found)));
    const second = find({ from: utc(START_UTC + 2000), to: utc(START_UTC + 2999) });
    assert.deepEqual([second.rows[0]?.seq, second.rows.length, second.more], [41, 20, false]);
    const paged: StoredRow[] = [];
    for (let more = true, afterId: number | undefined; more; afterId = paged.at(-1)?.id) {
      const page = find({ limit: 77, afterId });
      paged.push(...page.rows);
      more = page.more;
    }
    assert.deepEqual(
      paged.map(({ seq }) => seq),
      all.rows.map(({ seq }) => seq),
    );
    const newest = find({ limit: 3, order: "newest-first" });
    assert.deepEqual(
      newest.rows.map(({ seq }) => seq),
      [800, 799, 798],
    );
    assert.equal(newest.more, true);
    const before = find({ limit: 1, order: "newest-first", afterId: newest.rows.at(-1)?.id });
    assert.equal(before.rows[0]?.seq, 797);
  });

  it("finds events of every producer, and nothing else", () => {
    const bench = new Bench();
    bench.store([
      row({ id: 1, seq: 1, stream: "events", class: 1 }),
      row({ id: 2, seq: 1, stream: "events-field", class: 2 }),
      row({ id: 3, seq: 1, stream: "eventsource", class: 1 }),
      row({ id: 4, seq: 1, stream: "meter-1", class: 2 }),
    ]);
    const query = { from: utc(0), to: utc(1e15), limit: 10 };
    const { rows: found } = finish(searchHistory(bench.engine.shelf, "events", query));
    assert.deepEqual(
      found.map(({ id }) => id),
      [1, 2],
    );
  });

  it("stores a step of a command in the commit that carries it", () => {
    const bench = new Bench();
    const record = { kid: "k", jti: "1", iat: utc(1), exp: utc(START_UTC + 1000), seq: 1 };
    const command = { commandId: "c1", raw: Uint8Array.of(1), command: "{}" };
    assert.equal(bench.engine.journal.journal({ ...record, ...command }), "fresh");
    const step: CommandStep = {
      commandId: "c1",
      stage: "done",
      final: true,
      asset: "bess-1",
      reason: undefined,
      requested: 1,
      applied: 1,
      measured: 1,
      readBack: "applied",
      at: utc(START_UTC),
    };
    bench.engine.append({ frames: [], steps: [{ token: 7, step }], sent: new Float64Array(0) });
    assert.deepEqual(bench.engine.commit(), { stored: [7], refused: [] });
    bench.reopen();
    assert.deepEqual(bench.engine.journal.openCommands().commands, []);
  });

  it("is made of rows that survive without being closed", () => {
    const bench = new Bench();
    bench.store(rows(1, 700, 100));
    bench.sent(1, 2);
    // A second engine on the same files sees what a crash would leave.
    const options = { directory: bench.directory, limits: bench.limits, faults: {} };
    const other = new Engine({ ...options, now: () => 0, utcNow: () => START_UTC });
    assert.equal(other.opened.wasClosed, false);
    assert.equal(other.stats().waitingRows, 698);
    assert.equal(other.stats().storedRows, 700);
    assert.equal(other.nextId, 701);
  });
});
