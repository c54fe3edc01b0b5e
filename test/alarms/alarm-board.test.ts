import { strict as assert } from "node:assert";
import { SEVERITIES } from "../../src/domain/alarms/severities.ts";
import { BoardBench } from "./board-bench.ts";

type Act = (bench: BoardBench) => unknown;

interface Case {
  readonly name: string;
  readonly acts: readonly Act[];
  /** State after each act. */
  readonly states: readonly string[];
  readonly calls: number;
}

/** Raised at once, over at once: what the machine does without its delays. */
const raise: Act = (b) => b.raise("pcs-fault", "critical");
const clear: Act = (b) => b.clear("pcs-fault").pass(6);
const ack: Act = (b) => b.ack();
const shelve: Act = (b) => b.shelve("pcs-fault", "d-1", 1);
const pass =
  (seconds: number): Act =>
  (b) =>
    b.pass(seconds);

const CASES: readonly Case[] = [
  {
    name: "active, seen, over",
    acts: [raise, ack, clear],
    states: ["unacknowledged", "acknowledged", "normal"],
    calls: 1,
  },
  {
    name: "over before anybody has seen it: it waits",
    acts: [raise, clear, ack],
    states: ["unacknowledged", "returned", "normal"],
    calls: 1,
  },
  {
    name: "back before anybody has seen it: it calls again",
    acts: [raise, clear, raise, ack],
    states: ["unacknowledged", "returned", "unacknowledged", "acknowledged"],
    calls: 2,
  },
  {
    name: "seen, over and back: it calls again",
    acts: [raise, ack, clear, raise],
    states: ["unacknowledged", "acknowledged", "normal", "unacknowledged"],
    calls: 2,
  },
  {
    name: "acknowledged twice is acknowledged",
    acts: [raise, ack, ack],
    states: ["unacknowledged", "acknowledged", "acknowledged"],
    calls: 1,
  },
  {
    name: "told again while it is active: nothing new",
    acts: [raise, ack, raise, raise],
    states: ["unacknowledged", "acknowledged", "acknowledged", "acknowledged"],
    calls: 1,
  },
  {
    name: "shelved while active, and back by itself as new",
    acts: [raise, ack, shelve, pass(3_590), pass(20)],
    states: ["unacknowledged", "acknowledged", "shelved", "shelved", "unacknowledged"],
    calls: 2,
  },
  {
    name: "shelved before anybody has seen it, and back as new",
    acts: [raise, shelve, pass(3_610)],
    states: ["unacknowledged", "shelved", "unacknowledged"],
    calls: 2,
  },
  {
    name: "shelved beforehand: it begins and ends without a call",
    acts: [shelve, raise, clear, pass(3_610)],
    states: ["normal", "shelved", "normal", "normal"],
    calls: 0,
  },
  {
    name: "shelved, taken back by hand",
    acts: [
      raise,
      shelve,
      (b) => b.board.unshelve({ id: "pcs-fault", device: "d-1", by: "anna" }, b.at),
    ],
    states: ["unacknowledged", "shelved", "unacknowledged"],
    calls: 2,
  },
  {
    name: "what is back on time stays one alarm",
    acts: [raise, ack, (b) => b.clear("pcs-fault").pass(4), raise, pass(30)],
    states: ["unacknowledged", "acknowledged", "acknowledged", "acknowledged", "acknowledged"],
    calls: 1,
  },
];

describe("alarm board", () => {
  for (const { name, acts, states, calls } of CASES)
    it(`states: ${name}`, () => {
      const bench = new BoardBench();
      const seen = acts.map((act) => {
        act(bench);
        bench.pass(0.25);
        return bench.state("pcs-fault");
      });
      assert.deepEqual(seen, states);
      assert.equal(bench.called.length, calls);
    });

  it("keeps who acknowledged, and when", () => {
    const bench = new BoardBench().raise("pcs-fault", "critical").pass(3);
    bench.ack();
    const [alarm] = bench.list;
    assert.ok(alarm !== undefined);
    assert.deepEqual(alarm.ack, { by: "anna", at: bench.at.utc });
    assert.equal(alarm.raisedAt, bench.at.utc - 3_000);
  });

  it("waits for its on-delay, and forgets what ended before", () => {
    const bench = new BoardBench().raise("unit-silent").pass(1.5);
    assert.equal(bench.state("unit-silent"), "normal");
    bench.clear("unit-silent").pass(10);
    assert.deepEqual(bench.called, []);
    bench.raise("unit-silent").pass(2.25);
    assert.equal(bench.state("unit-silent"), "unacknowledged");
    assert.deepEqual(bench.called, ["unit-silent d-1"]);
  });

  it("waits for its off-delay", () => {
    const bench = new BoardBench().raise("second-writer").pass(2);
    bench.ack();
    bench.clear("second-writer").pass(9);
    assert.equal(bench.state("second-writer"), "acknowledged");
    bench.pass(2);
    assert.equal(bench.state("second-writer"), "normal");
  });

  it("catches chatter: one call, and over only after a minute of quiet", () => {
    const bench = new BoardBench();
    for (let i = 0; i < 20; i += 1)
      bench.raise("pcs-fault", "critical").pass(1).clear("pcs-fault").pass(6);
    assert.equal(bench.called.length, 2, "from the third beginning on it is chatter");
    assert.equal(bench.state("pcs-fault"), "unacknowledged");
    assert.equal(bench.list[0]?.isChattering, true);
    bench.ack();
    bench.pass(45);
    assert.equal(bench.state("pcs-fault"), "acknowledged");
    bench.pass(20);
    assert.equal(bench.state("pcs-fault"), "normal");
    bench.raise("pcs-fault", "critical");
    assert.equal(bench.called.length, 3, "what comes after the quiet is new");
  });

  it("calls again when an alarm gets graver, not when it gets milder", () => {
    const bench = new BoardBench().raise("supply-hot", "warning").pass(2);
    bench.ack();
    bench.raise("supply-hot", "critical");
    assert.equal(bench.state("supply-hot"), "unacknowledged");
    bench.ack();
    bench.raise("supply-hot", "warning");
    assert.equal(bench.state("supply-hot"), "acknowledged");
    assert.equal(bench.called.length, 2);
  });

  it("lists what happened once until somebody has taken note, and no information", () => {
    const bench = new BoardBench().once("desk-restarted").once("lease-expired", "info").pass(1);
    assert.deepEqual(
      bench.list.map(({ id, state }) => [id, state]),
      [["desk-restarted", "returned"]],
    );
    bench.once("desk-restarted").pass(1);
    assert.deepEqual(bench.called, ["desk-restarted d-1"], "one that waits calls once");
    bench.ack();
    assert.equal(bench.list.length, 0);
    bench.once("desk-restarted");
    assert.equal(bench.called.length, 2);
  });

  it("lists information that stands, and calls nobody for it", () => {
    const bench = new BoardBench().raise("local-mode", "info").pass(1);
    assert.equal(bench.state("local-mode"), "acknowledged");
    assert.deepEqual(bench.called, []);
    assert.equal(bench.ack(), 0);
    assert.equal(bench.board.counts(bench.at.now).standing, 0);
  });

  it("ends nothing by an end that means another one of its kind", () => {
    const pump = (place: number) => ({ point: `x-flow.${place}` });
    const bench = new BoardBench();
    bench.clear("cdu-pump-no-flow", pump(1)).raise("cdu-pump-no-flow", pump(2)).pass(2);
    bench.clear("cdu-pump-no-flow", pump(1)).clear("cdu-pump-no-flow", pump(3)).pass(20);
    assert.equal(bench.state("cdu-pump-no-flow"), "unacknowledged");
    bench.clear("cdu-pump-no-flow", pump(2)).pass(20);
    assert.equal(bench.state("cdu-pump-no-flow"), "returned");
  });

  it("ends what was told without its point, as a latch is, by an end that names one", () => {
    const latch = { severity: "trip", point: "state" } as const;
    const bench = new BoardBench().raise("emergency-stop", latch);
    bench.ack();
    bench.clear("emergency-stop", latch).pass(1);
    bench.raise("emergency-stop", "trip");
    assert.equal(bench.state("emergency-stop"), "unacknowledged");
    bench.ack();
    bench.clear("emergency-stop", latch);
    assert.equal(bench.state("emergency-stop"), "normal");
  });

  it("ends an alarm whose end names no point, and of two the one that it names", () => {
    const bench = new BoardBench()
      .raise("emergency-stop", { severity: "trip", point: "state" })
      .clear("emergency-stop");
    bench.ack();
    assert.equal(bench.list.length, 0);
    const pumps = new BoardBench()
      .raise("cdu-pump-no-flow", { point: "x-flow.1" })
      .raise("cdu-pump-no-flow", { point: "x-flow.2" })
      .pass(2)
      .clear("cdu-pump-no-flow", { point: "x-flow.1" })
      .pass(11);
    assert.deepEqual(
      pumps.list.map(({ point, state }) => [point, state]),
      [
        ["x-flow.2", "unacknowledged"],
        ["x-flow.1", "returned"],
      ],
    );
  });

  describe("suppression by cause", () => {
    it("a dead link is one alarm, and what follows from it is in the list behind it", () => {
      const bench = new BoardBench().raise("unit-silent");
      bench.nowMs += 100;
      bench.raise("no-communication").pass(10).raise("setpoint-differs").pass(10);
      assert.deepEqual(bench.called, ["no-communication d-1"]);
      assert.deepEqual(
        bench.list.map(({ id, state }) => `${id} ${state}`),
        [
          "no-communication unacknowledged",
          "unit-silent suppressed",
          "setpoint-differs suppressed",
        ],
      );
    });

    it("ends with its cause: what is still there then calls", () => {
      const bench = new BoardBench().raise("no-communication").raise("unit-silent").pass(10);
      bench.clear("no-communication").pass(4);
      assert.equal(bench.state("unit-silent"), "suppressed", "it may outlast its cause a little");
      bench.pass(2);
      assert.equal(bench.state("unit-silent"), "unacknowledged");
      assert.deepEqual(bench.called, ["no-communication d-1", "unit-silent d-1"]);
    });

    it("is over without a word when it ends with its cause", () => {
      const bench = new BoardBench().raise("no-communication").raise("unit-silent").pass(10);
      bench.clear("no-communication").clear("unit-silent").pass(20);
      assert.equal(bench.state("unit-silent"), "normal");
      assert.equal(bench.state("no-communication"), "returned");
    });

    it("is over without a word, too, when it ends just after its cause counts no more", () => {
      const bench = new BoardBench().raise("no-communication").raise("unit-silent").pass(10);
      bench.clear("no-communication");
      // Between two looks of the board: nobody has called it yet.
      bench.nowMs += 5_100;
      bench.clear("unit-silent").pass(20);
      assert.equal(bench.state("unit-silent"), "normal");
      assert.deepEqual(bench.called, ["no-communication d-1"]);
    });

    it("is of the same device only", () => {
      const bench = new BoardBench()
        .raise("no-communication", { device: "d-2" })
        .raise("unit-silent")
        .pass(10);
      assert.equal(bench.state("unit-silent"), "unacknowledged");
    });
  });

  describe("first-out", () => {
    const trips = ["emergency-stop", "goose-safe-state", "battery-trip"];

    it("marks the first of a group, for as long as the group is not normal", () => {
      const bench = new BoardBench();
      for (const id of trips) bench.raise(id, "trip").pass(1);
      const marked = () => bench.list.filter((alarm) => alarm.isFirstOut).map(({ id }) => id);
      assert.deepEqual(marked(), ["emergency-stop"]);
      assert.equal(
        bench.list.find(({ id }) => id === "battery-trip")?.after,
        "emergency-stop of d-1",
      );
      bench.ack();
      assert.deepEqual(marked(), ["emergency-stop"], "an acknowledgement changes nothing");
      bench.clear("emergency-stop").pass(70);
      assert.equal(
        bench.list.find(({ id }) => id === "battery-trip")?.after,
        "emergency-stop of d-1",
        "it stays known although it is over",
      );
      bench.raise("insulation-fault", "trip");
      assert.deepEqual(marked(), []);
      for (const id of [...trips, "insulation-fault"]) bench.clear(id);
      bench.ack();
      bench.pass(1).raise("battery-trip", "trip");
      assert.deepEqual(marked(), ["battery-trip"], "a normal group begins anew");
    });

    it("is by device where causes of one device mean nothing for another one", () => {
      const bench = new BoardBench()
        .raise("coolant-hot", { severity: "trip", device: "cdu-1" })
        .raise("coolant-flow-lost", { severity: "trip", device: "cdu-2" })
        .raise("coolant-hot", { severity: "trip", device: "cdu-2" });
      const first = bench.list.filter((alarm) => alarm.isFirstOut);
      assert.deepEqual(
        first.map(({ id, device = "" }) => `${id} ${device}`),
        ["coolant-flow-lost cdu-2", "coolant-hot cdu-1"],
      );
    });
  });

  describe("shelving", () => {
    it("takes no trip, whoever asks and whenever it comes", () => {
      const bench = new BoardBench();
      for (const id of SEVERITIES.trip)
        assert.equal(bench.shelve(id, "d-1", 1), "not-shelvable", id);
      bench.shelve("pcs-fault", "d-1", 1);
      bench.raise("pcs-fault", "critical");
      assert.equal(bench.state("pcs-fault"), "shelved");
      bench.raise("pcs-fault", "trip");
      assert.equal(bench.state("pcs-fault"), "unacknowledged");
      assert.deepEqual(bench.called, ["pcs-fault d-1"]);
      assert.equal(bench.shelve("pcs-fault", "d-1", 2), "not-shelvable");
    });

    it("takes none of whose points one is a trip, in whatever order they came", () => {
      const bench = new BoardBench()
        .raise("pcs-fault", { severity: "critical", point: "a" })
        .raise("pcs-fault", { severity: "trip", point: "b" });
      assert.equal(bench.shelve("pcs-fault", "d-1", 1), "not-shelvable");
      assert.deepEqual(bench.board.shelves(), []);
    });

    it("has an end within eight hours, a name and a reason", () => {
      const bench = new BoardBench();
      const ask = (change: object) =>
        bench.board.shelve(
          {
            id: "leak",
            device: "d-1",
            by: "anna",
            reason: "rope is being dried",
            forMs: 60_000,
            ...change,
          },
          bench.at,
        );
      assert.equal(ask({ forMs: 8 * 3_600_000 + 1 }), "too-long");
      assert.equal(ask({ forMs: 0 }), "no-end");
      assert.equal(ask({ forMs: NaN }), "no-end");
      assert.equal(ask({ by: " " }), "name-needed");
      assert.equal(ask({ by: "a".repeat(41) }), "name-needed");
      assert.equal(ask({ reason: "" }), "reason-needed");
      assert.equal(ask({ reason: "two\nlines" }), "reason-needed");
      assert.equal(ask({ id: "alarm-flood" }), "not-shelvable");
      assert.equal(typeof ask({ forMs: 8 * 3_600_000 }), "object");
    });

    it("takes so many and no more; one that is there may get another end", () => {
      const bench = new BoardBench({ limits: { shelvesMax: 2 } });
      assert.equal(typeof bench.shelve("leak", "a", 1), "object");
      assert.equal(typeof bench.shelve("leak", "b", 1), "object");
      assert.equal(bench.shelve("leak", "c", 1), "too-many-shelved");
      assert.equal(typeof bench.shelve("leak", "b", 2), "object");
    });

    it("tells its end", () => {
      const bench = new BoardBench();
      bench.shelve("leak", "d-1", 1);
      bench.pass(3_601);
      assert.deepEqual(bench.told, [
        "alarm-unshelved once: the time of leak of d-1 on the shelf is over",
      ]);
    });
  });

  describe("a source that is not heard", () => {
    it("leaves what it told as last known", () => {
      const bench = new BoardBench().raise("leak", "critical", "field").raise("pcs-fault").pass(2);
      bench.board.sourceLost("field", bench.at.utc);
      const lostAt = bench.at.utc;
      bench.pass(100);
      bench.board.sourceLost("field", bench.at.utc);
      assert.deepEqual(
        bench.list.map(({ id, asOf }) => [id, asOf]),
        [
          ["leak", lostAt],
          ["pcs-fault", undefined],
        ],
      );
      bench.board.sourceHeard("field");
      assert.equal(bench.list[0]?.asOf, undefined);
    });

    it("has a minute to tell again after its restart; the rest is over", () => {
      const bench = new BoardBench()
        .raise("leak", "critical", "field")
        .raise("on-battery", "critical", "field")
        .raise("pcs-fault", "critical");
      bench.ack();
      bench.board.reconfirm("field", bench.at.now);
      bench.pass(20).raise("leak", "critical", "field").pass(39);
      assert.equal(bench.state("on-battery"), "acknowledged");
      bench.pass(10);
      assert.equal(bench.state("on-battery"), "normal");
      assert.equal(bench.state("leak"), "acknowledged", "its acknowledgement holds");
      assert.equal(bench.state("pcs-fault"), "acknowledged", "the other source's stay");
      assert.equal(bench.called.length, 3);
    });

    it("ends nothing of a source that is lost again meanwhile", () => {
      const bench = new BoardBench().raise("leak", "critical", "field");
      bench.board.reconfirm("field", bench.at.now);
      bench.board.sourceLost("field", bench.at.utc);
      bench.pass(200);
      assert.equal(bench.state("leak"), "unacknowledged");
    });
  });

  describe("at its capacity", () => {
    it("forgets what is over before what is active, and never a trip for less", () => {
      const bench = new BoardBench({ limits: { recordsMax: 3 } })
        .raise("battery-trip", "trip")
        .raise("leak", "critical")
        .raise("pcs-fault", "critical")
        .clear("pcs-fault")
        .pass(6)
        .raise("on-battery", "critical");
      assert.deepEqual(
        bench.list.map(({ id }) => id),
        ["battery-trip", "on-battery", "leak"],
      );
      bench.raise("chw-hot").pass(2);
      assert.equal(bench.state("chw-hot"), "normal", "a warning moves nothing that is graver");
      bench.raise("emergency-stop", "trip");
      assert.equal(bench.state("emergency-stop"), "unacknowledged");
      assert.equal(bench.list.length, 3);
      assert.equal(bench.board.counts(bench.at.now).overflowed, 3);
    });
  });
});
