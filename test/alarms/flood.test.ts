import { strict as assert } from "node:assert";
import * as fc from "fast-check";
import { FLOOD } from "../../src/alarms/alarm-board.ts";
import { ALARM_LIMITS } from "../../src/alarms/limits.ts";
import { BoardBench } from "./board-bench.ts";

const MINUTES_10 = 600;

/** Most calls of a run within any ten minutes, trips left out. */
function mostCalls(times: readonly number[]): number {
  return Math.max(
    0,
    ...times.map((from) => times.filter((at) => at >= from && at < from + 600_000).length),
  );
}

function device(place: number): string {
  return `dev-${String(place).padStart(3, "0")}`;
}

describe("when 500 devices lose their link", () => {
  /** Each within so many seconds, with what control and drivers find on a dead device. */
  function lose(bench: BoardBench, withinS: number): void {
    for (let i = 0; i < 500; i += 1) {
      bench.raise("unit-silent", { device: device(i) }, "field");
      bench.raise("no-communication", { device: device(i) }, "field");
      if (i % 10 === 0) bench.raise("write-refused", { device: device(i) });
      bench.pass(withinS / 500);
    }
  }

  for (const withinS of [0.5, 3, 20, 120])
    it(`within ${withinS} s: at most ten calls in ten minutes, and every one is in the list`, () => {
      const bench = new BoardBench();
      lose(bench, withinS);
      bench.pass(60);
      assert.ok(bench.called.length <= 10, bench.called.join(", "));
      const links = bench.list.filter(({ id }) => id === "no-communication");
      assert.equal(links.length, 500);
      const group = bench.list.find(({ id }) => id === "links-lost");
      assert.equal(group?.text, "500 devices do not answer; the first was dev-000");
      assert.ok(bench.called.includes("links-lost"));
    });

  it("at one moment: one call, and one alarm that counts", () => {
    const bench = new BoardBench();
    lose(bench, 2);
    bench.pass(30);
    assert.deepEqual(bench.called, ["links-lost"]);
    assert.deepEqual(
      bench.told.map((line) => line.slice(0, 17)),
      ["links-lost raised"],
    );
    for (let i = 0; i < 499; i += 1)
      bench.clear("no-communication", { device: device(i) }, "field");
    bench.pass(2);
    const group = () => bench.list.find(({ id }) => id === "links-lost");
    assert.equal(
      group()?.text,
      "1 of 500 devices (dev-499) still do not answer; the first was dev-000",
    );
    assert.equal(bench.ack("links-lost"), 1);
    for (let i = 0; i < 500; i += 1) {
      bench.clear("no-communication", { device: device(i) }, "field");
      bench.clear("unit-silent", { device: device(i) }, "field");
      bench.clear("write-refused", { device: device(i) });
    }
    bench.pass(20);
    assert.deepEqual(bench.list, [], "what was suppressed ends without a word");
    assert.deepEqual(bench.called, ["links-lost"]);
    assert.match(bench.told.at(-1) ?? "", /^links-lost cleared/);
  });

  it("a trip in the midst calls at once", () => {
    const bench = new BoardBench({ limits: { gatherMin: 1_000 } });
    lose(bench, 2);
    bench.pass(30);
    assert.equal(bench.called.length, 10);
    assert.equal(bench.called.at(-1), `${FLOOD} gateway`);
    bench.raise("emergency-stop", { severity: "trip", device: "bess-1" });
    assert.equal(bench.called.at(-1), "emergency-stop bess-1", "before any time has passed");
    assert.equal(bench.list[0]?.id, "emergency-stop");
  });

  it("behind one connection they are the connection's, wherever it is", () => {
    const bench = new BoardBench({
      segmentOf: (name) => (Number(name.slice(-1)) < 4 ? "bus-1" : undefined),
    });
    for (const i of [1, 2, 3]) bench.raise("no-communication", { device: device(i) }).pass(0.5);
    bench.raise("no-communication", { device: device(9) }).pass(10);
    assert.deepEqual(bench.called, ["links-lost bus-1", "no-communication dev-009"]);
  });

  it("one of them that comes and goes does not keep the group open for others", () => {
    const bench = new BoardBench();
    for (let i = 0; i < 6; i += 1) bench.raise("no-communication", { device: device(i) });
    bench.pass(20);
    bench.clear("no-communication", { device: device(0) }).pass(8);
    bench.raise("no-communication", { device: device(0) }).pass(22);
    bench.raise("no-communication", { device: device(50) }).pass(10);
    assert.deepEqual(bench.called, ["links-lost", "no-communication dev-050"]);
  });

  it("a single one later is an alarm of its own, and many more are news", () => {
    const bench = new BoardBench();
    for (let i = 0; i < 6; i += 1) bench.raise("no-communication", { device: device(i) });
    bench.pass(60);
    bench.ack();
    bench.raise("no-communication", { device: device(50) }).pass(10);
    assert.deepEqual(bench.called, ["links-lost", "no-communication dev-050"]);
    bench.pass(60);
    for (let i = 60; i < 70; i += 1) bench.raise("no-communication", { device: device(i) });
    bench.pass(10);
    assert.deepEqual(bench.called.slice(2), ["links-lost"]);
    assert.equal(
      bench.list.find(({ id }) => id === "links-lost")?.text,
      "16 devices do not answer; the first was dev-000",
    );
  });
});

describe("the limit of calls", () => {
  it("collects warnings beyond nine, tells of the flood with the tenth, and ends it", () => {
    const bench = new BoardBench();
    for (let i = 0; i < 30; i += 1) bench.raise("battery-door-open", { device: device(i) });
    bench.pass(5);
    assert.equal(bench.called.length, ALARM_LIMITS.callsMax);
    const flood = () => bench.list.find(({ id }) => id === FLOOD);
    assert.match(flood()?.text ?? "", /^21 more alarms/);
    assert.equal(bench.list.filter(({ isCollected }) => isCollected).length, 21);
    assert.equal(bench.list.filter(({ state }) => state === "unacknowledged").length, 31);
    bench.ack();
    bench.pass(MINUTES_10 - 10);
    assert.equal(flood()?.state, "acknowledged");
    bench.pass(20);
    assert.equal(flood(), undefined);
    assert.match(bench.told.at(-1) ?? "", /^alarm-flood cleared/);
    bench.raise("battery-door-open", { device: "new" }).pass(2);
    assert.equal(bench.called.at(-1), "battery-door-open new");
  });

  it("lets a critical alarm of a new kind through, and collects its repetitions", () => {
    const bench = new BoardBench();
    for (let i = 0; i < 30; i += 1) bench.raise("battery-door-open", { device: device(i) });
    bench.pass(5);
    const before = bench.called.length;
    for (let i = 0; i < 30; i += 1)
      bench.raise("pcs-fault", { severity: "critical", device: device(i) });
    bench.raise("leak", { severity: "critical", device: "cdu-1" });
    assert.deepEqual(bench.called.slice(before), ["pcs-fault dev-000", "leak cdu-1"]);
  });

  it("holds for any ten minutes of any run of warnings; trips call at once in all of them", () => {
    const act = fc.record({
      kind: fc.constantFrom("raise", "clear", "trip", "ack", "once"),
      device: fc.nat({ max: 40 }),
      waitS: fc.constantFrom(0, 0, 0, 0.5, 2, 30),
    });
    fc.assert(
      fc.property(fc.array(act, { minLength: 50, maxLength: 200 }), (acts) => {
        const bench = new BoardBench({ limits: { gatherMin: 1_000 } });
        const calls: number[] = [];
        const look = () => {
          while (calls.length < bench.called.length) {
            const isTrip = bench.called[calls.length]?.startsWith("emergency-stop") === true;
            calls.push(isTrip ? NaN : bench.nowMs);
          }
        };
        for (const { kind, device: place, waitS } of acts) {
          const told = { device: device(place) };
          if (kind === "raise") bench.raise("no-communication", told);
          if (kind === "once") bench.once("desk-restarted", told);
          if (kind === "clear") bench.clear("no-communication", told).clear("emergency-stop", told);
          if (kind === "ack") bench.ack();
          look();
          if (kind === "trip") {
            const isNew = bench.state("emergency-stop", told.device) !== "unacknowledged";
            const isActive = bench.board.isTold("emergency-stop", told.device);
            bench.raise("emergency-stop", { ...told, severity: "trip" });
            if (isNew && !isActive)
              assert.equal(bench.called.at(-1), `emergency-stop ${told.device}`);
          }
          bench.pass(waitS);
          look();
        }
        assert.ok(mostCalls(calls.filter((at) => !Number.isNaN(at))) <= 10);
      }),
      { numRuns: 60 },
    );
  });
});
