import { strict as assert } from "node:assert";
import { SHED_STEP_MS } from "../../src/app/shed-desk.ts";
import {
  ASK_MS,
  FAILED_REPEAT_MS,
  ORDER_MS,
  ORDERS_MAX,
  RAMP_MAX_MS,
  REPEAT_MS,
  REPEATS_MAX,
  RESUME_SAYS,
  SETTLE_MS,
  UNSENT_MS,
} from "../../src/dcpi/shed/ladder-state.ts";
import { DeskBench } from "./shed-desk-bench.ts";

const MW = 1e6;
const flexible = { throttleToW: 3 * MW, canPause: true };

describe("a shed on its way to who runs the workloads", () => {
  const benches: DeskBench[] = [];
  const open = (...options: ConstructorParameters<typeof DeskBench>): DeskBench => {
    const bench = new DeskBench(...options);
    benches.push(bench);
    return bench;
  };
  afterEach(() => {
    for (const bench of benches.splice(0)) bench.close();
  });

  it("is asked within a second, once, with its zone, its cause, its deadline and its end", async () => {
    const bench = open();
    bench.announce("job-1", 5, flexible);
    bench.ask("cdu-3", 1.5);
    await bench.pass(1_000);
    const [said, ...more] = bench.said;
    assert.deepEqual(more, []);
    const { topic, expirySeconds, body, atMs } = said!;
    assert.deepEqual([topic, expirySeconds], ["p/workload/job-1/control", ASK_MS / 1_000]);
    assert.deepEqual(
      [body["action"], body["zone_id"], body["cause"]],
      ["throttle", "cdu-3", "leak-confirmed"],
    );
    assert.deepEqual(body["parameters"], { target_power_mw: 3.5, reason: "thermal_protection" });
    const deadlineMs = Date.parse(String(body["deadline"])) - Date.parse(String(body["timestamp"]));
    assert.equal(deadlineMs, ASK_MS);
    assert.ok(atMs <= 1_000);
    assert.match(String(body["correlation_id"]), /^shed-cdu-3-/);
  });

  it("asks nobody while nothing stands", async () => {
    const bench = open();
    bench.announce("job-1", 5, flexible);
    await bench.pass(60_000);
    assert.deepEqual(bench.take(), []);
    assert.equal(bench.disk.writes, 0);
  });

  it("is asked of all where nobody is known, or what they have is too little", async () => {
    const bench = open();
    bench.ask("cdu-3", 4);
    await bench.step();
    assert.deepEqual(bench.take(), ["all throttle -4"]);
    bench.announce("job-1", 3, { throttleToW: 2 * MW });
    await bench.step();
    assert.deepEqual(bench.take(), ["job-1 throttle 2"]);
    await bench.pass(REPEAT_MS);
    assert.deepEqual(bench.take(), ["all throttle -3", "job-1 throttle 2"]);
  });

  it("leaves alone a workload that calls itself all", async () => {
    const bench = open();
    bench.announce("all", 5, flexible);
    bench.ask("cdu-3", 4);
    await bench.step();
    assert.deepEqual(bench.take(), ["all throttle -4"]);
  });

  it("is repeated until the workload confirms it, under the same name", async () => {
    const bench = open();
    bench.announce("job-1", 5, flexible);
    bench.ask("cdu-3", 1);
    await bench.step();
    await bench.pass(REPEAT_MS);
    const names = new Set(bench.said.map(({ body }) => body["correlation_id"]));
    assert.deepEqual([bench.take().length, names.size], [2, 1]);
    bench.report("job-1", "throttled", 4);
    await bench.pass(60_000);
    assert.deepEqual([bench.take(), bench.progress()], [[], ["cdu-3 job-1 confirmed"]]);
    assert.deepEqual(bench.word.unconfirmed, []);
  });

  for (const [state, powerMw, isDone] of [
    ["throttled", undefined, true],
    ["throttled", 4.05, true],
    ["throttled", 4.2, false],
    ["running", 4, true],
    ["running", undefined, false],
    ["migrating", 4.5, false],
    ["paused", undefined, true],
    ["terminated", undefined, true],
  ] as const)
    it(`takes ${state} at ${powerMw ?? "no"} MW for ${isDone ? "done" : "not done"}`, async () => {
      const bench = open();
      bench.announce("job-1", 5, flexible);
      bench.ask("cdu-3", 1);
      await bench.step();
      bench.report("job-1", state, powerMw);
      await bench.step();
      assert.deepEqual(bench.progress(), [`cdu-3 job-1 ${isDone ? "confirmed" : "asked"}`]);
    });

  it("does not take an old word for an answer", async () => {
    const bench = open();
    bench.announce("job-1", 5, flexible);
    bench.report("job-1", "throttled");
    await bench.pass(1_000);
    bench.ask("cdu-3", 1);
    await bench.pass(1_000);
    assert.deepEqual(bench.progress(), ["cdu-3 job-1 asked"]);
  });

  it("is ordered to pause after the deadline of the throttling, then asked of others", async () => {
    const bench = open();
    bench.announce("job-1", 5, { ...flexible, priority: "low" });
    bench.announce("job-2", 9, { throttleToW: 4 * MW });
    bench.ask("cdu-3", 2);
    await bench.step();
    assert.deepEqual(bench.take(), ["job-1 throttle 3"]);
    await bench.pass(ASK_MS);
    assert.deepEqual(bench.take(), ["job-1 throttle 3", "job-1 pause 0"]);
    await bench.pass(ORDER_MS);
    assert.ok(bench.take().includes("job-2 throttle 7"));
    assert.deepEqual(bench.progress(), ["cdu-3 job-1 failed", "cdu-3 job-2 asked"]);
    const { escalated, unconfirmed } = bench.desk.status().counters;
    assert.deepEqual([escalated, unconfirmed], [1, 1]);
    await bench.step();
    const [word] = bench.word.unconfirmed;
    assert.match(
      word?.text ?? "",
      /^2\.00 MW .*cdu-3, and 0\.00 MW .*no answer from job-1 \(pause, 5\.00 MW\)/,
    );
    bench.report("job-2", "throttled", 7);
    await bench.pass(SHED_STEP_MS * 2);
    assert.deepEqual(bench.word.unconfirmed, [], "others have given what job-1 did not");
  });

  it("gives a workload the time that its ramp takes, and no more than the limit", async () => {
    const bench = open();
    bench.announce("job-1", 5, { ...flexible, rampWPerS: 0.1 * MW });
    bench.announce("job-2", 5, { ...flexible, rampWPerS: 1, priority: "high" });
    bench.ask("cdu-3", 3);
    await bench.step();
    assert.deepEqual(
      bench.said.map(({ expirySeconds }) => expirySeconds * 1_000),
      [ASK_MS + 20_000, ASK_MS + RAMP_MAX_MS],
    );
  });

  it("says what was asked of all and is not confirmed, and goes on asking to a limit", async () => {
    const bench = open();
    bench.ask("cdu-3", 4);
    await bench.pass(SHED_STEP_MS * 2 + ORDER_MS);
    const [word] = bench.word.unconfirmed;
    assert.equal(word?.zone, "cdu-3");
    assert.match(word.text, /4\.00 MW are asked of all/);
    bench.take();
    await bench.pass(FAILED_REPEAT_MS * 2);
    assert.equal(bench.take().length, 2);
    await bench.pass(FAILED_REPEAT_MS * REPEATS_MAX * 2);
    assert.ok(bench.take().length <= REPEATS_MAX);
    assert.equal(bench.desk.status().counters.givenUp, 1);
    assert.equal(bench.word.unconfirmed.length, 1, "it is still not confirmed");
  });

  it("asks anew of a workload that confirmed, and then draws more", async () => {
    const bench = open();
    bench.announce("job-1", 5, flexible);
    bench.ask("cdu-3", 1);
    await bench.step();
    bench.report("job-1", "throttled", 4);
    await bench.step();
    bench.take();
    bench.report("job-1", "running", 5);
    await bench.step();
    assert.deepEqual(bench.take(), ["job-1 throttle 4"]);
    assert.equal(bench.desk.status().counters.broken, 1);
  });

  it("counts late answers: what was asked of all instead is taken back", async () => {
    const bench = open();
    bench.announce("job-1", 5, { throttleToW: 3 * MW });
    bench.ask("cdu-3", 2);
    await bench.pass(SHED_STEP_MS * 3 + ASK_MS);
    assert.ok(bench.take().includes("all throttle -2"));
    bench.report("job-1", "throttled", 3);
    await bench.step();
    assert.deepEqual(bench.take(), ["all resume"]);
    await bench.step();
    assert.deepEqual(bench.word.unconfirmed, []);
  });

  it("asks for more when the need grows, and not for the noise of a measurement", async () => {
    const bench = open();
    bench.announce("job-1", 5, flexible);
    bench.ask("cdu-3", 1);
    await bench.step();
    bench.take();
    bench.ask("cdu-3", 1.01);
    await bench.step();
    assert.deepEqual(bench.take(), []);
    bench.ask("cdu-3", 1.5);
    await bench.step();
    assert.deepEqual(bench.take(), ["job-1 throttle 3.5"]);
    bench.ask("cdu-3", 4);
    await bench.step();
    assert.deepEqual(bench.take(), ["job-1 pause 0"]);
  });

  it("lets load come back when the shed has ended: to who was asked, and to nobody else", async () => {
    const bench = open();
    bench.announce("job-1", 5, { ...flexible, priority: "low" });
    bench.announce("job-2", 5, flexible);
    bench.ask("cdu-3", 1);
    await bench.step();
    bench.take();
    bench.sheds.clear();
    await bench.step();
    assert.deepEqual(bench.take(), ["job-1 resume"]);
    await bench.pass(REPEAT_MS * 10);
    assert.equal(bench.take().length, RESUME_SAYS - 1);
    assert.deepEqual(bench.desk.status().standing, []);
  });

  it("does not repeat that to a workload which says that it runs", async () => {
    const bench = open();
    bench.announce("job-1", 5, flexible);
    bench.ask("cdu-3", 1);
    await bench.step();
    bench.sheds.clear();
    await bench.step();
    bench.take();
    bench.report("job-1", "running", 5);
    await bench.pass(60_000);
    assert.deepEqual(bench.take(), []);
  });

  it("keeps to the stronger of two zones, and says the weaker one when that has ended", async () => {
    const bench = open();
    bench.announce("job-1", 10, flexible);
    bench.ask("cdu-3", 2);
    await bench.step();
    bench.ask("cdu-4", 3);
    await bench.step();
    assert.deepEqual(bench.take(), ["job-1 throttle 8", "job-1 throttle 5"]);
    bench.sheds.delete("cdu-3");
    await bench.step();
    assert.deepEqual(bench.take(), [], "the stronger one stands");
    bench.ask("cdu-3", 1);
    await bench.step();
    assert.deepEqual(bench.take(), ["job-1 throttle 4"]);
    bench.sheds.delete("cdu-3");
    await bench.step();
    assert.deepEqual(bench.take(), ["job-1 throttle 5"]);
    bench.sheds.delete("cdu-4");
    await bench.step();
    assert.deepEqual(bench.take(), ["job-1 resume"]);
  });

  it("counts for another zone on nobody who did not answer", async () => {
    const bench = open();
    bench.announce("job-1", 10, { throttleToW: 0 });
    bench.ask("cdu-3", 2);
    await bench.pass(SHED_STEP_MS * 2 + ASK_MS);
    assert.ok(bench.progress().includes("cdu-3 job-1 failed"));
    bench.ask("cdu-4", 3);
    await bench.step();
    assert.ok(bench.progress().includes("cdu-4 all asked"));
    assert.ok(!bench.progress().some((line) => line.startsWith("cdu-4 job-1")));
  });

  it("asks the workloads of a zone that the site file names, and those that none does", async () => {
    const zone = { device: "cdu-3", riseK: 10, supplyCel: 32, speedMinimumPercent: 30 };
    const bench = open({
      zones: [
        { ...zone, workloads: ["train-*"] },
        { ...zone, device: "cdu-4" },
      ],
    });
    for (const id of ["train-1", "web-1"]) bench.announce(id, 5, { throttleToW: 0 });
    bench.ask("cdu-3", 6);
    await bench.step();
    assert.deepEqual(bench.take(), ["train-1 throttle 0", "all throttle -1"]);
    bench.ask("cdu-4", 6);
    await bench.step();
    assert.deepEqual(bench.take(), ["web-1 throttle 0", "all throttle -1"]);
  });

  it("keeps on over a restart of services: it asks again, and lets load come back", async () => {
    const bench = open();
    bench.announce("job-1", 5, flexible);
    bench.ask("cdu-3", 1);
    await bench.step();
    bench.take();
    bench.restart();
    await bench.step();
    assert.deepEqual(bench.take(), ["job-1 throttle 4"], "nobody has announced anything anew");
    bench.report("job-1", "throttled", 4);
    await bench.step();
    assert.deepEqual(bench.progress(), ["cdu-3 job-1 confirmed"]);
    bench.restart();
    bench.sheds.clear();
    await bench.pass(SHED_STEP_MS * 2);
    assert.ok(bench.take().includes("job-1 resume"));
    bench.restart();
    await bench.step();
    assert.deepEqual(bench.take(), ["job-1 resume"]);
  });

  it("begins anew with a record that cannot be read", async () => {
    const bench = open({ disk: { content: '{"version":1}', isFull: false, writes: 0 } });
    bench.ask("cdu-3", 1);
    await bench.step();
    assert.deepEqual(bench.take(), ["all throttle -1"]);
  });

  it("says nothing of a saved order whose shed is not saved with it", async () => {
    const bench = open();
    bench.announce("job-1", 5, flexible);
    bench.ask("cdu-3", 1);
    await bench.step();
    bench.take();
    const saved = JSON.parse(bench.disk.content ?? "") as object;
    bench.disk.content = JSON.stringify({ ...saved, sheds: [] });
    bench.sheds.clear();
    bench.restart();
    await bench.pass(2_000);
    assert.deepEqual(bench.take(), []);
  });

  it("keeps on over a restart of control, which may not have found again what it asked for", async () => {
    const bench = open();
    bench.announce("job-1", 5, flexible);
    bench.ask("cdu-3", 1, false);
    await bench.step();
    bench.take();
    bench.control.isThere = false;
    await bench.pass(REPEAT_MS);
    assert.deepEqual(bench.take(), ["job-1 throttle 4"], "repeated without control");
    bench.sheds.clear();
    bench.control.isThere = true;
    bench.control.upMs = SETTLE_MS - 1;
    await bench.pass(SHED_STEP_MS * 2);
    assert.equal(bench.desk.status().standing.length, 1);
    bench.control.upMs = SETTLE_MS;
    await bench.pass(SHED_STEP_MS * 2);
    assert.deepEqual(bench.desk.status().standing, []);
    assert.ok(bench.take().includes("job-1 resume"));
  });

  it("goes on while control hangs", async () => {
    const bench = open();
    bench.announce("job-1", 5, flexible);
    bench.ask("cdu-3", 1);
    await bench.step();
    bench.take();
    bench.control.hangs = true;
    await bench.pass(REPEAT_MS);
    assert.deepEqual(bench.take(), ["job-1 throttle 4"]);
    assert.equal(bench.asking.most, 1, "one question waits, not one for each look");
  });

  it("says at once, when there is a broker, what it could not say before", async () => {
    const bench = open();
    bench.hasBroker = false;
    bench.announce("job-1", 5, flexible);
    bench.ask("cdu-3", 1);
    await bench.pass(SHED_STEP_MS * 2 + UNSENT_MS + ASK_MS);
    assert.deepEqual(bench.progress(), ["cdu-3 job-1 waiting"], "no deadline runs");
    assert.match(bench.word.unconfirmed[0]?.text ?? "", /no broker takes the orders/);
    bench.hasBroker = true;
    await bench.step();
    assert.deepEqual(bench.take(), ["job-1 throttle 4"]);
    assert.ok(bench.desk.status().counters.unsent > 0);
  });

  it("takes nothing back that it could never say", async () => {
    const bench = open();
    bench.hasBroker = false;
    bench.announce("job-1", 5, flexible);
    bench.ask("cdu-3", 1);
    await bench.step();
    bench.sheds.clear();
    await bench.step();
    bench.hasBroker = true;
    await bench.pass(60_000);
    assert.deepEqual(bench.take(), []);
  });

  it("has no more orders under way than its limit: the rest is asked of all", async () => {
    const bench = open();
    for (let count = 0; count < ORDERS_MAX + 4; count += 1)
      bench.announce(`job-${count}`, 1, { throttleToW: 0 });
    bench.ask("cdu-3", ORDERS_MAX + 4);
    await bench.step();
    const said = bench.take();
    assert.equal(said.length, ORDERS_MAX + 1);
    assert.equal(said.at(-1), "all throttle -4");
    assert.equal(bench.desk.status().counters.beyondLimit, 4);
  });

  it("tries again to save what the disk did not take", async () => {
    const bench = open();
    bench.disk.isFull = true;
    bench.announce("job-1", 5, flexible);
    bench.ask("cdu-3", 1);
    await bench.pass(2_000);
    assert.deepEqual(bench.take(), ["job-1 throttle 4"], "what protects is not held up");
    bench.disk.isFull = false;
    await bench.step();
    const { writes } = bench.disk;
    assert.match(bench.disk.content ?? "", /job-1/);
    await bench.pass(1_000);
    assert.equal(bench.disk.writes, writes, "what is saved is not saved again");
    assert.ok(bench.desk.status().counters.notSaved > 0);
  });

  it("counts words that it cannot use", () => {
    const bench = open();
    bench.report("stranger", "running");
    bench.announce("job-1", 5, flexible);
    bench.report("job-1", "happy");
    bench.report("job-1", "running", 5);
    const { unknownStatuses, refusedStatuses, statuses } = bench.desk.status().counters;
    assert.deepEqual([unknownStatuses, refusedStatuses, statuses], [1, 1, 1]);
  });
});
