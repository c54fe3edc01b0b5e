import { strict as assert } from "node:assert";
import { AlarmDesk, type AlarmsAnswer } from "../../src/app/alarm-desk.ts";
import { segmentsOf } from "../../src/app/control-alarms.ts";
import { createLogger } from "../../src/platform/log.ts";
import { withThermal } from "../support/thermal-site.ts";
import { VirtualSite } from "../support/virtual-site.ts";

const LOOK_S = 0.25;

/** The plant of the demonstration in virtual time, with the desk on all that is told. */
class WatchedSite {
  readonly site: VirtualSite;
  readonly desk: AlarmDesk;
  #seen = 0;

  static async open(change?: (text: string) => string): Promise<WatchedSite> {
    const more = change === undefined ? {} : { change };
    const site = await VirtualSite.open({ load: "full", ...more });
    const watched = new WatchedSite(site);
    await watched.run(10);
    return watched;
  }

  private constructor(site: VirtualSite) {
    this.site = site;
    this.desk = new AlarmDesk({
      clock: site.clock,
      log: createLogger("test", "silent"),
      device: "gateway-control",
      segmentOf: segmentsOf(site.context),
      record: { state: "absent" },
      files: { save: async () => Promise.resolve() },
      onEvent: () => undefined,
      trips: () => site.status.trips,
    });
  }

  async run(seconds: number): Promise<void> {
    for (let passed = 0; passed < seconds; passed += LOOK_S) {
      await this.site.run(LOOK_S);
      for (const event of this.site.events.slice(this.#seen)) this.desk.take(event);
      this.#seen = this.site.events.length;
      this.desk.turn();
    }
  }

  async list(): Promise<AlarmsAnswer> {
    const answer = this.desk.answers.get("alarms");
    assert.ok(answer !== undefined);
    const rest = { signal: new AbortController().signal, push: () => true };
    return (await answer({ method: "alarms", params: { from: 0 }, ...rest })) as AlarmsAnswer;
  }

  async calls(): Promise<string[]> {
    return (await this.list()).calls.map(({ id, device = "" }) => `${id} ${device}`.trim());
  }
}

/** Three sensors of the supply of cdu-3; the third one hangs on cdu-4. */
function withSensors(text: string): string {
  const line =
    "      supplySensors: { points: " +
    "[x-loop-2-outlet-temperature, cdu-4/x-loop-2-outlet-temperature] }\n";
  return withThermal(text).replace("    - device: cdu-5\n", `${line}    - device: cdu-5\n`);
}

describe("alarms of the demonstration's plant", () => {
  it("are none while all is well", async () => {
    const watched = await WatchedSite.open();
    assert.deepEqual(await watched.calls(), []);
    await watched.site.close();
  });

  it("are one when the link to a battery is dead, and none is left when it is back", async () => {
    const watched = await WatchedSite.open();
    await watched.site.plant.order({ device: "bess-1", fault: "blackhole" });
    await watched.run(30);
    const about = (await watched.calls()).filter((call) => call.endsWith(" bess-1"));
    assert.deepEqual(about, ["no-communication bess-1"]);
    const { alarms } = await watched.list();
    assert.equal(alarms.find(({ id }) => id === "unit-silent")?.state, "suppressed");
    await watched.site.plant.order({ device: "bess-1", fault: "none" });
    await watched.run(60);
    const left = (await watched.list()).alarms.filter(({ device }) => device === "bess-1");
    assert.deepEqual(
      left.map(({ id, state }) => `${id} ${state}`),
      ["no-communication returned"],
    );
    await watched.site.close();
  });

  it("are none of a sensor whose link is dead, and one of a sensor that is dead itself", async () => {
    const watched = await WatchedSite.open(withSensors);
    const { site } = watched;
    const sensor = { device: "cdu-4", point: "x-loop-2-outlet-temperature" };
    const stateOf = async (): Promise<string | undefined> => {
      const { alarms } = await watched.list();
      return alarms.find(({ id, device }) => id === "coolant-sensor-lost" && device === "cdu-4")
        ?.state;
    };
    const standing = (): unknown => {
      const { zones } = site.thermal.status() as { zones: { asset: string; sensors?: unknown }[] };
      return zones.find(({ asset }) => asset === "cdu-3")?.sensors;
    };
    const sensorCalls = async (): Promise<string[]> =>
      (await watched.calls()).filter((call) => call.includes("sensor"));
    assert.deepEqual([standing(), await stateOf()], [undefined, undefined]);
    await site.plant.order({ device: "cdu-4", fault: "silent" });
    await watched.run(30);
    assert.deepEqual(standing(), { supply: "two of three" });
    assert.equal(await stateOf(), "suppressed");
    assert.deepEqual(await sensorCalls(), []);
    assert.equal((await watched.calls()).includes("no-communication cdu-4"), true);
    await site.plant.order({ device: "cdu-4", fault: "none" });
    await watched.run(60);
    assert.equal(standing(), undefined);
    await site.plant.order({ device: "cdu-4", fault: "absent", points: [sensor.point] });
    await watched.run(20);
    assert.deepEqual(standing(), { supply: "two of three" });
    assert.deepEqual(await sensorCalls(), ["coolant-sensor-lost cdu-4"]);
    assert.deepEqual(site.eventsOf("shed-requested", "cdu-3"), []);
    await site.close();
  });

  it("are at most ten calls when everything is lost at once, and a trip is one at once", async () => {
    const watched = await WatchedSite.open();
    const { site } = watched;
    for (const { definition } of site.context.devices)
      if (definition.id !== "bess-2")
        await site.plant.order({ device: definition.id, fault: "blackhole" });
    await watched.run(60);
    const calls = await watched.calls();
    assert.ok(calls.includes("links-lost"), calls.join(", "));
    assert.ok(calls.length <= 10, calls.join(", "));
    const { alarms } = await watched.list();
    const silent = alarms.filter(({ id }) => id === "no-communication");
    assert.equal(silent.length, site.context.devices.length - 1);
    await site.plant.order({ trip: "bess-2", cause: "emergency-stop" });
    await watched.run(2);
    assert.ok((await watched.calls()).includes("emergency-stop bess-2"));
    assert.equal((await watched.list()).alarms[0]?.id, "emergency-stop");
    await site.close();
  });
});
