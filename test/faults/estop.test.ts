import assert from "node:assert/strict";
import { openSite } from "../integration/open-site.ts";
import { delay, eventually, type SiteRun } from "../integration/site-run.ts";
import type { Subscriber } from "../integration/subscriber.ts";
import { BessWatch } from "./bess-watch.ts";
import { controlSight, ifThere } from "./gateway-eye.ts";
import { say } from "./say.ts";

describe("an emergency stop", function () {
  this.timeout(240_000);
  let run: SiteRun;
  let north: Subscriber;

  before(async () => {
    [run, north] = await openSite("estop", {
      load: "full",
      topics: ["tel/bess-1", "ack/#", "evt/#", "status"],
    });
    await eventually("the battery carries the cap", 60_000, async () => {
      const { totalW } = await controlSight(run);
      return totalW > 4e6 ? true : undefined;
    });
  });

  after(async () => {
    await north.close();
    await run.close();
  });

  const order = async (id: string): Promise<Readonly<Record<string, unknown>>> => {
    await north.publish("cmd/power/control", {
      dcpi_version: "1.0",
      message_type: "power_control",
      command_id: id,
      timestamp: new Date().toISOString(),
      commands: [{ target: "bess-1", action: "discharge", power_mw: 1, duration_sec: 10 }],
    });
    const got = await north.wait(
      `end of ${id}`,
      10_000,
      ({ topic, body }) => topic === `ack/${id}` && body["final"] === true,
    );
    return got.body;
  };
  const isLatched = async (): Promise<true | undefined> => {
    const sight = await ifThere(controlSight(run));
    const isThere = sight?.trips.some(({ id }) => id === "emergency-stop") === true;
    return isThere && sight.units[0]?.mode === "tripped" ? true : undefined;
  };

  it("is latched, stops the unit and asks 0 W of it", async () => {
    const watch = await BessWatch.open(run.basePort + 3);
    run.order({ trip: "bess-1", cause: "emergency-stop" });
    const from = performance.now();
    await eventually("the trip is latched", 5_000, isLatched);
    const latchedMs = performance.now() - from;
    await eventually("the register holds 0 W", 2_000, () =>
      watch.last?.setpointW === 0 && watch.last.powerW === 0 ? true : undefined,
    );
    const zeroMs = performance.now() - from;
    say(`latched after ${Math.round(latchedMs)} ms, 0 W after ${Math.round(zeroMs)} ms`);
    await watch.close();
    await north.wait(
      "the trip is told",
      5_000,
      ({ topic, body }) => topic === "evt/trip" && body["event_id"] === "emergency-stop",
    );
    const stopped = await eventually("the device is told to stop", 5_000, async () => {
      const { out } = await run.command("points", "bess-1/run-command", "--json");
      return out.includes('"value":"stop"') ? true : undefined;
    });
    assert(stopped);
  });

  it("refuses remote commands", async () => {
    const refused = await order("i-1");
    assert.deepEqual([refused["stage"], refused["reason"]], ["refused", "tripped"]);
  });

  it("survives kill -9 of control", async () => {
    await delay(500);
    await run.killRole("control");
    await run.startRole("control");
    await eventually("the trip is latched again", 5_000, isLatched);
    const refused = await order("i-2");
    assert.deepEqual([refused["stage"], refused["reason"]], ["refused", "tripped"]);
  });

  it("is not reset while its cause is there, and by `reset` on the box when it is gone", async () => {
    const early = await run.command("reset", "emergency-stop", "--by", "tester");
    assert.equal(early.status, 1, early.out + early.err);
    assert.match(early.out, /refused, cause-present/);
    assert.equal(await isLatched(), true);

    run.order({ clearCause: "bess-1" });
    const late = await eventually("the reset is done", 20_000, async () => {
      const answer = await run.command("reset", "all", "--by", "tester");
      return answer.status === 0 ? answer : undefined;
    });
    assert.match(late.out, /reset/);
    await eventually("the unit is ready", 20_000, async () => {
      const { units, trips } = await controlSight(run);
      return trips.length === 0 && units[0]?.mode === "ready" ? true : undefined;
    });
    await north.wait(
      "the reset is told with its name",
      5_000,
      ({ body }) => body["phase"] === "cleared" && String(body["text"]).includes("by tester"),
    );
    await eventually("it carries its share again", 120_000, async () => {
      const { units } = await controlSight(run);
      return (units[0]?.powerW ?? 0) > 1e6 ? true : undefined;
    });
  });
});
