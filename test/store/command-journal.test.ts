import { strict as assert } from "node:assert";
import Database from "better-sqlite3";
import { join } from "node:path";
import type { CommandStep } from "../../src/domain/command.ts";
import type { CommandRecord } from "../../src/store/rows.ts";
import { stepOf } from "../support/command-step.ts";
import { Bench, removeDirectories, START_UTC, utc } from "./store-fixture.ts";

function record(shape: Partial<CommandRecord> = {}): CommandRecord {
  const jti = shape.jti ?? "1";
  return {
    kid: "key-a",
    jti,
    iat: utc(START_UTC),
    exp: utc(START_UTC + 30_000),
    seq: 1,
    raw: new TextEncoder().encode(`{"w":${jti}}`),
    commandId: `c-${shape.kid ?? "key-a"}-${jti}`,
    command: `{"asset":"bess-1"}`,
    ...shape,
  };
}

function step(commandId: string, shape: Partial<CommandStep>): CommandStep {
  return stepOf({ commandId, at: utc(START_UTC), ...shape });
}

function recordStep(bench: Bench, given: CommandStep): void {
  bench.engine.append({ frames: [], steps: [{ token: 1, step: given }], sent: new Float64Array() });
  bench.engine.commit();
}

describe("command journal", () => {
  after(removeDirectories);

  it("takes a command once, also after a restart and without a close", () => {
    const bench = new Bench();
    assert.equal(bench.engine.journal.journal(record()), "fresh");
    assert.equal(bench.engine.journal.journal(record()), "replay");
    assert.equal(new Bench({}, bench.directory).engine.journal.journal(record()), "replay");
  });

  it("tells keys apart, and takes no command id a second time under another key", () => {
    const { journal } = new Bench().engine;
    assert.equal(journal.journal(record()), "fresh");
    assert.equal(journal.journal(record({ kid: "key-b" })), "fresh");
    assert.equal(journal.journal(record({ jti: "9", commandId: "c-key-a-1" })), "replay");
  });

  it("finds after a crash what was accepted and did not end", () => {
    const bench = new Bench();
    for (const jti of ["1", "2", "3"]) bench.engine.journal.journal(record({ jti }));
    recordStep(bench, step("c-key-a-1", { stage: "done", final: true }));
    recordStep(bench, step("c-key-a-2", { stage: "written" }));
    const { commands } = new Bench({}, bench.directory).engine.journal.openCommands();
    assert.deepEqual(
      commands.map(({ commandId, lastStep }) => [commandId, lastStep?.stage]),
      [
        ["c-key-a-2", "written"],
        ["c-key-a-3", undefined],
      ],
    );
    assert.equal(new TextDecoder().decode(commands[0]?.raw), `{"w":2}`);
  });

  it("lets nothing follow the end of a command", () => {
    const bench = new Bench();
    bench.engine.journal.journal(record());
    recordStep(bench, step("c-key-a-1", { stage: "expired", final: true }));
    recordStep(bench, step("c-key-a-1", { stage: "written" }));
    assert.deepEqual(bench.engine.journal.openCommands().commands, []);
  });

  it("forgets ids when nothing of their time can be accepted any more", () => {
    const bench = new Bench();
    bench.engine.journal.journal(record());
    bench.utcMs = START_UTC + 30_000 + 120_000;
    bench.engine.maintain();
    assert.equal(bench.engine.journal.journal(record({ commandId: "x" })), "replay", "still known");
    bench.utcMs += 1;
    bench.engine.maintain();
    assert.equal(
      bench.engine.journal.journal(record({ commandId: "y" })),
      "replay",
      "a clock that is set back does not open the window again",
    );
    assert.equal(
      new Bench({}, bench.directory).engine.journal.journal(record({ commandId: "z" })),
      "replay",
      "nor does a restart",
    );
    const later = record({ jti: "2", exp: utc(bench.utcMs + 1000) });
    assert.equal(bench.engine.journal.journal(later), "fresh");
  });

  it("refuses rather than forget when too many ids are in use", () => {
    const { journal } = new Bench({ replayIds: 2 }).engine;
    journal.journal(record({ jti: "1" }));
    journal.journal(record({ jti: "2" }));
    assert.throws(() => journal.journal(record({ jti: "3" })), { code: "STORE_FULL" });
  });

  it("remembers the highest time and sequence of each key", () => {
    const bench = new Bench();
    bench.engine.journal.journal(record({ jti: "1", seq: 7, iat: utc(START_UTC + 5) }));
    bench.engine.journal.journal(record({ jti: "2", seq: 3, iat: utc(START_UTC + 9) }));
    bench.reopen();
    assert.deepEqual(bench.engine.journal.replayMarks(), [
      { kid: "key-a", maxIat: START_UTC + 9, maxSeq: 7 },
    ]);
  });

  it("leaves out a command whose bytes changed, and counts it", () => {
    const bench = new Bench();
    bench.engine.journal.journal(record());
    bench.engine.journal.journal(record({ jti: "2" }));
    const db = new Database(join(bench.directory, "outbox.db"));
    db.exec("UPDATE command SET raw = x'00' WHERE jti = '1'");
    db.exec("UPDATE command SET last_step = '{' WHERE jti = '2'");
    db.close();
    const { commands, damaged } = bench.engine.journal.openCommands();
    assert.deepEqual([commands.map(({ jti }) => jti), damaged], [["2"], 1]);
    assert.equal(commands[0]?.lastStep, undefined);
  });

  it("drops ended commands after their time", () => {
    const bench = new Bench({ commandMs: 1000 });
    bench.engine.journal.journal(record());
    recordStep(bench, step("c-key-a-1", { stage: "done", final: true }));
    bench.utcMs = START_UTC + 1001;
    bench.engine.maintain();
    const db = new Database(join(bench.directory, "outbox.db"), { readonly: true });
    assert.equal(db.prepare("SELECT count(*) FROM command").pluck().get(), 0);
    db.close();
  });
});
