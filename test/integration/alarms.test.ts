import assert from "node:assert/strict";
import type { AlarmsAnswer } from "../../src/app/alarm-desk.ts";
import type { StandingAlarm } from "../../src/alarms/standing.ts";
import { delay, eventually, SiteRun } from "./site-run.ts";

/** Nothing but the plant and gateway-control; field and services come and go. */
describe("alarms at the box, with every other process dead", function () {
  this.timeout(180_000);
  let run: SiteRun;

  before(async () => {
    run = await SiteRun.open("alarms");
    await run.startPlant();
    await run.startRole("control");
  });

  after(async () => {
    await run.close();
  });

  const list = async (): Promise<AlarmsAnswer> => {
    const { out, err } = await run.command("alarms", "--json");
    assert.notEqual(out, "", err);
    return JSON.parse(out) as AlarmsAnswer;
  };
  const listed = async (
    id: string,
    isAsWanted: (alarm: StandingAlarm) => boolean = () => true,
  ): Promise<StandingAlarm> =>
    eventually(`${id} is in the list`, 20_000, async () =>
      (await list()).alarms.find((alarm) => alarm.id === id && isAsWanted(alarm)),
    );

  it("lists a trip with what to do, and says that field does not answer", async () => {
    run.order({ trip: "bess-1", cause: "emergency-stop" });
    const trip = await listed("emergency-stop");
    assert.deepEqual(
      [trip.device, trip.severity, trip.state, trip.isFirstOut],
      ["bess-1", "trip", "unacknowledged", true],
    );
    const { status, out } = await run.command("alarms");
    assert.equal(status, 0);
    const lines = out.trimEnd().split("\n");
    assert.match(lines[0] ?? "", /^UNACK {3}trip +emergency-stop +bess-1 /);
    assert.match(lines[1] ?? "", /^ {8}to do: Find out who pressed it/);
    assert.match(out, /gateway-field does not answer/);
    for (const line of lines) assert.ok(line.length <= 100, line);
  });

  it("acknowledges without ending anything, and shelves no trip", async () => {
    const ack = await run.command("ack", "emergency-stop", "bess-1", "--by", "anna");
    assert.deepEqual([ack.status, ack.err], [0, ""], ack.out);
    const trip = await listed("emergency-stop");
    assert.deepEqual([trip.state, trip.ack?.by], ["acknowledged", "anna"]);
    const shelve = ["alarms", "shelve", "emergency-stop", "bess-1", "--for", "1h", "--reason", "x"];
    const refused = await run.command(...shelve);
    assert.equal(refused.status, 1);
    assert.match(refused.out, /it cannot be shelved/);
    const early = await run.command("reset", "emergency-stop", "--by", "anna");
    assert.match(early.out, /refused, cause-present/);
  });

  it("knows the trip and its acknowledgement after kill -9, and calls nobody again", async () => {
    await delay(500);
    await run.killRole("control");
    await run.startRole("control");
    const trip = await listed("emergency-stop", ({ ack }) => ack !== undefined);
    assert.deepEqual([trip.state, trip.ack?.by], ["acknowledged", "anna"]);
    assert.ok((await list()).calls.every(({ id }) => id !== "emergency-stop"));
  });

  it("lists field's alarms, and leaves them as last known when field is killed", async () => {
    await run.startRole("field");
    await eventually("field is heard", 30_000, async () =>
      (await list()).field.state === "heard" ? true : undefined,
    );
    run.order({ leak: "cdu-1", litresPerMin: 5 });
    const leak = await listed("leak");
    assert.equal(leak.device, "cdu-1");
    await run.killRole("field");
    const known = await listed("leak", ({ asOf }) => asOf !== undefined);
    assert.equal(known.state, "unacknowledged");
    await run.startRole("field");
    const back = await listed("leak", ({ asOf }) => asOf === undefined);
    assert.equal(back.raisedAt, leak.raisedAt, "it is the same one");
  });

  it("hears services, and knows when it does not", async () => {
    const until = async (state: string) =>
      eventually(`services is ${state}`, 30_000, async () =>
        (await list()).services.state === state ? true : undefined,
      );
    const gone = await listed("services-gone");
    assert.equal(gone.state, "unacknowledged");
    await run.startRole("services");
    await until("heard");
    await listed("services-gone", ({ state }) => state === "returned");
    await run.killRole("services");
    await until("lost");
  });
});
