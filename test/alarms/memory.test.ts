import { strict as assert } from "node:assert";
import { type AlarmMemory, readMemory, writeMemory } from "../../src/alarms/memory.ts";
import { utcMs } from "../../src/domain/time.ts";
import { utf8Length } from "../../src/domain/utf8.ts";
import { BoardBench } from "./board-bench.ts";

/** What a board remembers, on a disk and back, on a board that is started anew. */
function restarted(before: BoardBench, afterS = 10): BoardBench {
  const memory = readMemory(writeMemory(before.board.memory(), 28_000).text);
  assert.ok(memory !== "unreadable");
  const after = new BoardBench();
  after.nowMs = before.nowMs + afterS * 1_000;
  after.board.restore(memory, after.at);
  return after;
}

describe("memory of the alarm board", () => {
  it("knows an acknowledgement again when its alarm is told again, and calls nobody", () => {
    const before = new BoardBench().raise("pcs-fault", "critical").raise("leak", "critical");
    before.ack("pcs-fault");
    const ack = before.list.find(({ id }) => id === "pcs-fault")?.ack;
    const after = restarted(before);
    after.pass(60).raise("pcs-fault", "critical").raise("leak", "critical");
    assert.deepEqual(after.called, ["leak d-1"]);
    assert.deepEqual(after.list.find(({ id }) => id === "pcs-fault")?.ack, ack);
  });

  it("does not take it for another one: a graver one, one that comes late, the next one", () => {
    const before = new BoardBench().raise("supply-hot", "warning").pass(2);
    before.ack();
    assert.deepEqual(restarted(before).raise("supply-hot", "critical").called, ["supply-hot d-1"]);
    const late = restarted(before).pass(121).raise("supply-hot", "warning").pass(2);
    assert.deepEqual(late.called, ["supply-hot d-1"]);
    const next = restarted(before).raise("supply-hot", "warning").pass(2);
    assert.deepEqual(next.called, []);
    next.clear("supply-hot").pass(12).raise("supply-hot", "warning").pass(2);
    assert.deepEqual(next.called, ["supply-hot d-1"]);
  });

  it("keeps what is not told again yet over a second restart", () => {
    const before = new BoardBench().raise("pcs-fault", "critical");
    before.ack();
    const third = restarted(restarted(before));
    assert.deepEqual(third.raise("pcs-fault", "critical").called, []);
  });

  it("forgets what was not told again in time, and has that saved", () => {
    const before = new BoardBench().raise("pcs-fault", "critical");
    before.ack();
    const second = restarted(before);
    const { revision } = second.board;
    second.pass(121);
    assert.equal(second.board.revision, revision + 1);
    assert.deepEqual(second.board.memory().acks, []);
    assert.equal(restarted(second).raise("pcs-fault", "critical").called.length, 1);
  });

  it("keeps a shelf and its end, and makes none longer when the clock was moved", () => {
    const before = new BoardBench();
    before.shelve("leak", "d-1", 1);
    const after = restarted(before, 1_800).raise("leak", "critical");
    assert.equal(after.state("leak"), "shelved");
    after.pass(1_790);
    assert.equal(after.state("leak"), "shelved");
    after.pass(20);
    assert.equal(after.state("leak"), "unacknowledged");
    assert.equal(restarted(before, 3_601).raise("leak").pass(1).state("leak"), "unacknowledged");

    const moved = new BoardBench();
    const [shelf] = before.board.shelves();
    assert.ok(shelf !== undefined);
    const far = { ...shelf, untilUtc: utcMs(shelf.untilUtc + 1e12) };
    moved.board.restore({ acks: [], shelves: [far] }, moved.at);
    moved.raise("leak").pass(8 * 3_600 + 1);
    assert.equal(moved.state("leak"), "unacknowledged");
  });

  it("tells when there is something new to save", () => {
    const bench = new BoardBench().raise("pcs-fault", "critical");
    const { revision } = bench.board;
    bench.ack("leak");
    assert.equal(bench.board.revision, revision, "nothing was acknowledged");
    bench.ack();
    assert.equal(bench.board.revision, revision + 1);
    bench.clear("pcs-fault").pass(6);
    assert.equal(bench.board.revision, revision + 2, "what is over is no longer acknowledged");
  });

  it("fits its file: the oldest acknowledgements are left out, and counted", () => {
    const acks = Array.from({ length: 500 }, (_, i) => ({
      key: `no-communication\ndev-${i}\n`,
      severity: "warning" as const,
      by: "ä".repeat(40),
      at: utcMs(500 - i),
    }));
    const memory: AlarmMemory = { acks, shelves: [] };
    const { text, forgotten } = writeMemory(memory, 28_000);
    assert.ok(utf8Length(text) <= 28_000);
    const back = readMemory(text);
    assert.ok(back !== "unreadable" && forgotten > 0);
    assert.equal(back.acks.length + forgotten, 500);
    assert.deepEqual(back.acks, acks.slice(0, back.acks.length));
    assert.equal(writeMemory({ acks: [], shelves: [] }, 28_000).forgotten, 0);
  });

  it("is unreadable when it is anything else than whole", () => {
    const shelf = { id: "leak", by: "a", reason: "b", sinceUtc: 1, untilUtc: 2 };
    const ack = { key: "leak", severity: "warning", by: "a", at: 1 };
    const whole = { version: 1, acks: [ack], shelves: [shelf] };
    assert.notEqual(readMemory(JSON.stringify(whole)), "unreadable");
    for (const broken of [
      "",
      "[]",
      "null",
      JSON.stringify({ ...whole, version: 2 }),
      JSON.stringify({ ...whole, acks: undefined }),
      JSON.stringify({ ...whole, acks: [{ ...ack, severity: "grave" }] }),
      JSON.stringify({ ...whole, acks: [{ ...ack, by: 1 }] }),
      JSON.stringify({ ...whole, shelves: [{ ...shelf, untilUtc: "never" }] }),
      JSON.stringify({ ...whole, shelves: [{ ...shelf, device: 1 }] }),
    ])
      assert.equal(readMemory(broken), "unreadable", broken);
  });
});
