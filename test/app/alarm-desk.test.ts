import { strict as assert } from "node:assert";
import { AlarmFeed, followAlarms } from "../../src/app/alarm-feed.ts";
import type { AlarmsAnswer } from "../../src/app/alarm-desk.ts";
import type { PlantEvent } from "../../src/domain/event.ts";
import { utcMs } from "../../src/domain/time.ts";
import { SimClock } from "../support/sim-clock.ts";
import { DeskBench, event, linked } from "./desk-bench.ts";

describe("alarm desk", () => {
  it("acknowledges by name, tells it for the audit, and ends nothing", async () => {
    const bench = new DeskBench();
    bench.desk.take(event("pcs-fault"));
    bench.desk.take(event("leak", { device: "cdu-1" }));
    assert.deepEqual(bench.desk.figures(), {
      "x-alarms-standing": 2,
      "x-alarms-unacknowledged": 2,
    });
    const answer = await bench.ask("ack", { id: "leak", device: "cdu-1", by: "anna" });
    assert.deepEqual(answer, { result: "done", count: 1 });
    assert.deepEqual(bench.textsOf("alarm-acknowledged"), ["anna acknowledged leak of cdu-1"]);
    const { alarms, counts } = await bench.list();
    assert.deepEqual(
      alarms.map(({ id, state }) => `${id} ${state}`),
      ["pcs-fault unacknowledged", "leak acknowledged"],
    );
    assert.equal(counts.unacknowledged, 1);
    assert.equal(bench.told.length, 1, "no alarm is told as cleared");
  });

  it("names every alarm that was acknowledged, in as many events as it takes", async () => {
    const bench = new DeskBench();
    for (let i = 0; i < 100; i += 1) bench.desk.take(event("pcs-fault", { device: `d-${i}` }));
    const answer = await bench.ask("ack", { id: "all", by: "anna" });
    assert.equal(answer.count, 101, "with the flood");
    const texts = bench.textsOf("alarm-acknowledged");
    assert.equal(texts.length, 3);
    for (let i = 0; i < 100; i += 1)
      assert.ok(texts.some((text) => RegExp(`pcs-fault of d-${i}(,|$)`).test(text)));
  });

  it("refuses with a reason", async () => {
    const bench = new DeskBench();
    bench.desk.take(event("pcs-fault"));
    const shelf = { device: "d-1", by: "anna", reason: "work", forMs: 60_000 };
    const cases: readonly (readonly [string, object, string])[] = [
      ["ack", { id: "pcs-fualt", by: "anna" }, "unknown-alarm"],
      ["ack", { id: "leak", by: "anna" }, "nothing-waits"],
      ["ack", { id: "pcs-fault", device: "d-2", by: "anna" }, "nothing-waits"],
      ["ack", { id: "pcs-fault", by: "" }, "name-needed"],
      ["shelve", { ...shelf, id: "pcs-fualt" }, "unknown-alarm"],
      ["shelve", { ...shelf, id: "emergency-stop" }, "not-shelvable"],
      ["shelve", { ...shelf, id: "leak", forMs: 9 * 3_600_000 }, "too-long"],
      ["unshelve", { id: "leak", device: "d-1", by: "anna" }, "not-shelved"],
      ["unshelve", { id: "leak", device: "d-1", by: "" }, "name-needed"],
    ];
    for (const [method, params, reason] of cases)
      assert.deepEqual(await bench.ask(method, params), { result: "refused", reason });
    await assert.rejects(bench.ask("ack", { by: "anna" }), { code: "REQUEST_REFUSED" });
    await assert.rejects(bench.ask("shelve", { id: "leak", by: "a" }), { code: "REQUEST_REFUSED" });
    assert.deepEqual(bench.told, []);
  });

  it("shelves with an end, and tells its beginning and its end", async () => {
    const bench = new DeskBench();
    const forMs = 60_000;
    const order = { id: "leak", device: "d-1", by: "anna", reason: "drying the rope", forMs };
    const answer = await bench.ask("shelve", order);
    assert.equal(answer.untilUtc, bench.clock.utcNow() + forMs);
    const until = new Date(bench.clock.utcNow() + forMs).toISOString();
    assert.deepEqual(bench.textsOf("alarm-shelved"), [
      `anna shelved leak of d-1 until ${until}: drying the rope`,
    ]);
    bench.desk.take(event("leak"));
    assert.equal((await bench.list()).alarms[0]?.shelf?.by, "anna");
    await bench.pass(61);
    assert.deepEqual(bench.textsOf("alarm-unshelved"), [
      "the time of leak of d-1 on the shelf is over",
    ]);
    assert.equal((await bench.list()).alarms[0]?.state, "unacknowledged");
    await bench.ask("shelve", order);
    await bench.ask("unshelve", { id: "leak", device: "d-1", by: "bert" });
    assert.deepEqual(bench.textsOf("alarm-unshelved").slice(1), [
      "bert took leak of d-1 off the shelf",
    ]);
  });

  it("knows after a restart what was acknowledged and shelved", async () => {
    const bench = new DeskBench();
    bench.desk.take(event("pcs-fault"));
    await bench.ask("ack", { id: "all", by: "anna" });
    const shelf = { id: "leak", device: "d-1", by: "anna", reason: "work", forMs: 3_600_000 };
    await bench.ask("shelve", shelf);
    await bench.pass(1);
    bench.restart();
    for (const id of ["pcs-fault", "leak", "on-battery"]) bench.desk.take(event(id));
    const { alarms, calls } = await bench.list();
    assert.deepEqual(
      alarms.map(({ id, state }) => `${id} ${state}`),
      ["on-battery unacknowledged", "pcs-fault acknowledged", "leak shelved"],
    );
    assert.deepEqual(
      calls.map(({ id }) => id),
      ["on-battery"],
    );
  });

  it("knows a latched trip again that is told without its point after a restart", async () => {
    const bench = new DeskBench();
    const trip = { severity: "trip", device: "bess-1" } as const;
    bench.desk.take(event("emergency-stop", { ...trip, point: "alarms" }));
    await bench.ask("ack", { id: "emergency-stop", device: "bess-1", by: "anna" });
    await bench.pass(1);
    bench.restart();
    bench.trips = [{ id: "emergency-stop", device: "bess-1", text: "pressed", at: utcMs(7) }];
    await bench.pass(1);
    const { alarms, calls } = await bench.list();
    assert.deepEqual(
      alarms.map(({ id, state, ack }) => [id, state, ack?.by]),
      [["emergency-stop", "acknowledged", "anna"]],
    );
    assert.deepEqual(calls, []);
    await bench.pass(1);
    bench.restart();
    await bench.pass(1);
    assert.equal((await bench.list()).alarms[0]?.state, "acknowledged", "and over another one");
  });

  it("takes an unreadable record for none, and says so once", async () => {
    for (const record of [
      { state: "unreadable" },
      { state: "valid", content: "{", other: "absent" },
    ] as const) {
      const bench = new DeskBench(record);
      await bench.pass(2);
      assert.deepEqual(
        bench.told.map(({ id, severity }) => [id, severity]),
        [["alarms-unreadable", "warning"]],
      );
      assert.equal((await bench.list()).alarms[0]?.id, "alarms-unreadable");
    }
    assert.deepEqual(new DeskBench().told, []);
  });

  it("tries again when the disk does not take it, and says both once", async () => {
    const bench = new DeskBench();
    bench.isDiskFull = true;
    bench.desk.take(event("pcs-fault"));
    await bench.ask("ack", { id: "all", by: "anna" });
    await bench.pass(20);
    const told = () =>
      bench.told.filter(({ id }) => id === "alarms-not-saved").map(({ phase }) => phase);
    assert.deepEqual(told(), ["raised"]);
    assert.deepEqual(bench.saved, []);
    bench.isDiskFull = false;
    await bench.pass(6);
    assert.deepEqual(told(), ["raised", "cleared"]);
    assert.equal(bench.saved.length, 1);
    await bench.pass(20);
    assert.equal(bench.saved.length, 1, "what has not changed is not saved again");
  });

  it("lists a latched trip that nobody tells again after a restart, once", async () => {
    const bench = new DeskBench();
    bench.trips = [{ id: "emergency-stop", device: "bess-1", text: "pressed", at: utcMs(7) }];
    bench.desk.turn();
    const seen = async () =>
      (await bench.list()).alarms.map(({ id, state, severity }) => [id, state, severity].join(" "));
    assert.deepEqual(await seen(), ["emergency-stop unacknowledged trip"]);
    bench.desk.take(
      event("emergency-stop", { severity: "trip", device: "bess-1", point: "alarms" }),
    );
    await bench.pass(5);
    assert.deepEqual(await seen(), ["emergency-stop unacknowledged trip"], "it is the same one");
    await bench.ask("ack", { id: "all", by: "anna" });
    await bench.pass(5);
    assert.deepEqual(await seen(), ["emergency-stop acknowledged trip"]);
    bench.trips = [];
    bench.desk.take(event("emergency-stop", { phase: "cleared", device: "bess-1" }));
    assert.deepEqual(await seen(), []);
  });

  it("gives a long list page by page", async () => {
    const bench = new DeskBench();
    for (let i = 0; i < 450; i += 1) bench.desk.take(event("pcs-fault", { device: `d-${i}` }));
    const ids = new Set<string>();
    let from = 0;
    for (;;) {
      const { alarms, total } = await bench.ask<AlarmsAnswer>("alarms", { from });
      assert.equal(total, 451, "with the flood");
      if (alarms.length === 0) break;
      for (const { id, device = "" } of alarms) ids.add(`${id} ${device}`);
      from += alarms.length;
    }
    assert.equal(ids.size, 451);
  });
});

describe("the way of field's alarms to control", () => {
  it("tells what stands, then what comes, at once", async () => {
    const { bench, link, close } = linked();
    for (let i = 0; i < 150; i += 1)
      link.field.take(event("ups-overload", { device: `ups-${i}`, text: "x".repeat(2_000) }));
    await bench.pass(1);
    assert.equal((await bench.list()).counts.standing, 151, "with the flood");
    link.field.take(event("leak", { severity: "trip" }));
    await bench.clock.advance(1);
    assert.equal((await bench.list()).alarms[0]?.id, "leak");
    await close();
  });

  it("tells a control that comes late what stands, and not what ended beside it", async () => {
    const { bench, link, close } = linked();
    const told = (place: number, phase: PlantEvent["phase"] = "raised") =>
      event("cdu-pump-no-flow", { severity: "warning", point: `x-flow.${place}`, phase });
    for (const place of [1, 2]) link.field.take(told(place));
    link.field.take(told(1, "cleared"));
    await bench.pass(3);
    const { alarms } = await bench.list();
    assert.deepEqual(
      alarms.map(({ id, point, state }) => [id, point, state]),
      [["cdu-pump-no-flow", "x-flow.2", "unacknowledged"]],
    );
    await close();
  });

  it("leaves what field told as last known while it is dead", async () => {
    const { bench, link, close } = linked();
    link.field.take(event("leak"));
    await bench.pass(3);
    link.isCut = true;
    await bench.pass(2);
    const cutAt = (await bench.list()).field.asOf;
    await bench.pass(300);
    const { alarms, field } = await bench.list();
    assert.deepEqual(
      alarms.map(({ id, state, asOf }) => [id, state, asOf]),
      [["leak", "unacknowledged", cutAt]],
    );
    assert.ok(cutAt !== undefined);
    assert.deepEqual(field, { state: "lost", asOf: cutAt });
    assert.equal((await bench.ask("ack", { id: "leak", by: "anna" })).result, "done");

    link.field = new AlarmFeed(bench.clock, 2);
    link.isCut = false;
    await bench.pass(5);
    link.field.take(event("leak"));
    await bench.pass(70);
    const back = await bench.list();
    assert.deepEqual(back.field, { state: "heard" });
    assert.deepEqual(
      back.alarms.map(({ id, state, asOf }) => [id, state, asOf]),
      [["leak", "acknowledged", undefined]],
    );
    await close();
  });

  it("ends what a field that was started anew does not tell again", async () => {
    const { bench, link, close } = linked();
    link.field.take(event("leak"));
    await bench.pass(2);
    await bench.ask("ack", { id: "all", by: "anna" });
    link.field = new AlarmFeed(bench.clock, 2);
    await bench.pass(40);
    assert.equal((await bench.list()).alarms.length, 1);
    await bench.pass(40);
    assert.equal((await bench.list()).alarms.length, 0);
    await close();
  });

  it("decides itself how often it asks one that always has more", async () => {
    const clock = new SimClock();
    const stop = new AbortController();
    let asked = 0;
    const answer = { epoch: 1, last: 1, isWhole: true, hasMore: true, events: [] };
    const client = {
      request: async () => {
        asked += 1;
        assert.ok(asked <= 1_000, "it would never come to anything else");
        return Promise.resolve(answer);
      },
    };
    const nothing = () => undefined;
    const sink = { heard: nothing, take: nothing, lost: nothing };
    const done = followAlarms({ client, clock, sink, pauseMs: 250 }, stop.signal);
    await clock.advance(10_000);
    assert.ok(asked > 30 && asked <= 41, `${asked} times in ten seconds`);
    stop.abort();
    await clock.advance(1_000);
    await done;
  });

  it("takes an answer that is none for a lost link", async () => {
    const clock = new SimClock();
    const stop = new AbortController();
    const heard: string[] = [];
    const sink = {
      heard: () => heard.push("heard"),
      take: () => heard.push("take"),
      lost: () => heard.push("lost"),
    };
    const client = { request: async () => Promise.resolve({ epoch: "one" }) };
    const done = followAlarms({ client, clock, sink }, stop.signal);
    await clock.advance(100);
    assert.deepEqual(heard, ["lost"]);
    stop.abort();
    await clock.advance(1_000);
    await done;
    const field = new AlarmFeed(clock, 1);
    const rest = { signal: stop.signal, push: () => true };
    const asked = field.answers.get("alarms")?.({ method: "alarms", params: {}, ...rest });
    await assert.rejects(asked ?? Promise.resolve(), { code: "REQUEST_REFUSED" });
  });
});
