import { strict as assert } from "node:assert";
import type { SeenEvent } from "../support/virtual-site.ts";
import { VirtualSite } from "../support/virtual-site.ts";

const TIMEOUT_MS = 240_000;

const protectedBy =
  (section: string) =>
  (text: string): string =>
    text.replace("\nmeters:", `  protection:\n${section}\nmeters:`);

const raised = (events: readonly SeenEvent[]): SeenEvent | undefined =>
  events.find(({ phase }) => phase === "raised");

/** The demonstration's plant, its batteries at work against a cap. */
async function atWork(change?: (text: string) => string): Promise<VirtualSite> {
  const site = await VirtualSite.open({ load: "full", ...(change && { change }) });
  await site.run(10);
  assert.ok(site.status.totalW > 4e6, `${site.status.totalW} W`);
  return site;
}

describe("emergency stop of a battery at work, on the plant of the demonstration", function () {
  this.timeout(TIMEOUT_MS);

  it("is STOP and zero in the cycle that sees it; latched; no message ends it", async () => {
    const site = await atWork();
    const wrote: number[] = [];
    const unitOf = () => site.status.units[0];
    assert.equal(await site.plant.order({ trip: "bess-1", cause: "emergency-stop" }), undefined);
    let latchedAtMs: number | undefined;
    site.onCycle.push(() => {
      latchedAtMs ??= site.status.trips.length > 0 ? site.clock.now() : undefined;
      // In the very cycle that latches the setpoint is zero already.
      if (latchedAtMs === site.clock.now()) wrote.push(unitOf()?.setpointW ?? Number.NaN);
    });
    await site.run(0.5);
    assert.equal(wrote[0], 0);
    await site.run(2);
    assert.equal(site.told("bess-1", "run-command").value, 0, "stop is read back");
    assert.equal(site.told("bess-1", "active-power-setpoint").value, 0);
    const [trip] = site.status.trips;
    assert.equal(trip?.id, "emergency-stop");
    assert.ok((trip.snapshot?.units[0]?.setpointW ?? 0) > 2e6, "what it gave is kept");
    assert.ok((trip.snapshot?.gridW ?? 0) > 15e6);
    assert.match(raised(site.eventsOf("emergency-stop"))?.text ?? "", /bess-1 was at /);

    for (const action of [
      { kind: "set-power", powerW: 5e6, rampWPerS: undefined },
      { kind: "set-point", point: "run-command", value: 1 },
      { kind: "set-point", point: "alarm-reset", value: 1 },
      { kind: "set-point", point: "active-power-setpoint", value: 5e6 },
    ] as const) {
      const id = `try-${action.kind}-${"point" in action ? action.point : "power"}`;
      site.command({ id, asset: "bess-1", action });
      await site.run(0.5);
      assert.equal(site.stagesOf(id).at(-1), "refused", id);
    }
    assert.equal(unitOf()?.mode, "tripped");

    await site.killControl();
    await site.startControl();
    await site.run(2);
    assert.deepEqual(
      site.status.trips.map(({ id, snapshot }) => [id, snapshot === undefined]),
      [["emergency-stop", false]],
    );
    await site.killControl();
    site.latches = { state: "unreadable" };
    await site.startControl();
    await site.run(2);
    assert.deepEqual(
      site.status.units.map(({ mode }) => mode),
      ["tripped", "tripped"],
      "what cannot be read counts as latched",
    );
    await site.close();
  });

  it("is reset at the box when its cause has been gone for a second, by name", async () => {
    const site = await atWork();
    await site.plant.order({ trip: "bess-1", cause: "emergency-stop" });
    await site.run(1);
    const reset = async (by = "anna"): Promise<string | undefined> => {
      const answer = site.order({ kind: "reset", trip: "all", by });
      await site.run(0.1);
      return (await answer).reason;
    };
    assert.equal(await reset(), "cause-present");
    await site.plant.order({ clearCause: "bess-1" });
    await site.run(0.3);
    assert.equal(await reset(), "cause-just-gone");
    assert.equal(await reset(" "), "name-needed");
    await site.run(1.2);
    assert.equal(await reset(), undefined);
    await site.run(15);
    assert.equal(site.status.units[0]?.mode, "ready");
    assert.match(site.eventsOf("emergency-stop").at(-1)?.text ?? "", /reset by anna/);
    await site.close();
  });
});

describe("what narrows batteries, on the plant of the demonstration", function () {
  this.timeout(TIMEOUT_MS);

  it("is their cabinets' temperature, in a line between two limits of the site", async () => {
    const calm = await atWork();
    const cel = calm.told("bess-1", "cabinet-temperature").value;
    await calm.close();
    const limits = `fromCel: ${cel - 5}, toCel: ${cel + 5}`;
    const section = `    derate: [{ point: cabinet-temperature, ${limits} }]\n`;
    const site = await VirtualSite.open({ load: "full", change: protectedBy(section) });
    await site.run(10);
    const [unit] = site.status.units;
    const now = site.told("bess-1", "cabinet-temperature").value;
    const expectedW = (12e6 * (cel + 5 - now)) / 10;
    assert.ok(Math.abs((unit?.highW ?? 0) - expectedW) < 0.2e6, `${unit?.highW} of ${expectedW}`);
    assert.ok(raised(site.eventsOf("unit-derated", "bess-1")) !== undefined);
    await site.close();
  });

  it("is a cell at its lower limit: the other battery takes over, and it ends 60 s later", async () => {
    const site = await atWork();
    const cells = (bits: number): void => {
      assert.equal(site.plant.device("bess-1").setPoint("x-battery-events", bits), true);
    };
    const powerOf = (unit: number): number => site.status.units[unit]?.powerW ?? Number.NaN;
    const totalW = site.status.totalW;
    cells(2 ** 12);
    await site.run(3);
    assert.ok(Math.abs(powerOf(0)) < 0.1e6, `${powerOf(0)} W`);
    assert.ok(Math.abs(powerOf(1) - totalW) < 0.5e6, `${powerOf(1)} of ${totalW} W`);
    assert.deepEqual(site.status.trips, []);
    cells(0);
    await site.run(55);
    assert.ok(Math.abs(powerOf(0)) < 0.1e6);
    await site.run(15);
    assert.ok(powerOf(0) > 1e6, `${powerOf(0)} W`);
    cells(2 ** 11);
    await site.run(2);
    assert.deepEqual(
      site.status.trips.map(({ id, device }) => [id, device]),
      [["battery-under-voltage", "bess-1"]],
    );
    assert.equal(site.status.units[0]?.mode, "tripped");
    await site.close();
  });

  it("is a stop by an input of another device, read by the other process", async () => {
    const site = await atWork(
      protectedBy(`    stops:
      - cause: protection-relay
        sensors: [{ device: ups-2, point: ups-state, when: static-bypass }]
        stops: [bess-2]
`),
    );
    await site.plant.order({ failUps: "ups-2", to: "bypass" });
    await site.run(5);
    assert.deepEqual(
      site.status.trips.map(({ id, device, units }) => [id, device, units]),
      [["protection-relay", "ups-2", [1]]],
    );
    assert.deepEqual(
      site.status.units.map(({ mode }) => mode),
      ["ready", "tripped"],
    );
    await site.close();
  });
});
