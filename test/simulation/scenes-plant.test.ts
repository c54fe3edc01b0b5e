import { strict as assert } from "node:assert";
import { sceneOf } from "../../src/simulator/scenes.ts";
import { VirtualSite } from "../support/virtual-site.ts";

const TIMEOUT_MS = 120_000;
/** Coolant units are asked once a second, their two lines one unit after the other. */
const POLL_S = 1.1;

/** A site in which a scene of the plant has begun; `until` lets it go on. */
async function begin(
  number: number,
  change?: (text: string) => string,
): Promise<{
  readonly site: VirtualSite;
  readonly until: (atS: number) => Promise<void>;
}> {
  const scene = sceneOf(number);
  assert.ok(scene !== undefined);
  const site = await VirtualSite.open({ load: scene.start, ...(change && { change }) });
  await site.run(5);
  assert.deepEqual(
    site.events.map(({ id, device }) => [id, device]),
    [],
    "the plant is calm before the scene",
  );
  const beganS = site.nowS;
  const waiting = [...scene.orders];
  const until = async (atS: number): Promise<void> => {
    for (let next = waiting[0]; next !== undefined && next.atS <= atS; next = waiting[0]) {
      await site.run(Math.max(0, beganS + next.atS - site.nowS));
      assert.equal(await site.plant.order(next.order), undefined);
      waiting.shift();
    }
    await site.run(Math.max(0, beganS + atS - site.nowS));
  };
  return { site, until };
}

function raisedAt(site: VirtualSite, id: string, device: string): number {
  const [event] = site.eventsOf(id, device);
  assert.ok(event !== undefined, `${id} of ${device} was told`);
  assert.equal(event.phase, "raised");
  return event.atMs / 1_000;
}

describe("scene 5: cdu-3 loses a pump, then another", function () {
  this.timeout(TIMEOUT_MS);

  it("tells each in the next poll, with the flow that is left", async () => {
    const { site, until } = await begin(5);
    const startS = site.nowS;
    const flow = (): number => site.told("cdu-3", "secondary.flow").value;
    assert.ok(Math.abs(flow() - 3614) < 4, `${flow()}`);
    await until(10 + POLL_S);
    assert.equal(site.told("cdu-3", "x-flow.2").value, 0);
    assert.ok(raisedAt(site, "cdu-pump-no-flow", "cdu-3") - startS - 10 <= POLL_S);
    assert.ok(Math.abs(flow() - 3290) < 4, `${flow()}`);
    await until(59);
    const hot = (): number => site.told("cdu-3", "secondary.return-temperature").value;
    assert.ok(hot() > 42.5 && hot() <= 43.1, `${hot()}`);
    await until(60 + POLL_S);
    assert.equal(site.told("cdu-3", "x-flow.3").value, 0);
    assert.ok(Math.abs(flow() - 0.832 * 3238) < 6, `${flow()}`);
    assert.equal(site.told("cdu-4", "x-flow.2").quality, "good");
    await until(340);
    assert.ok(Math.abs(flow() - 3614) < 4, "repaired");
    assert.equal(site.eventsOf("cdu-pump-no-flow", "cdu-3").at(-1)?.phase, "cleared");
    assert.deepEqual(new Set(site.events.map(({ device }) => device)), new Set(["cdu-3"]));
    await site.close();
  });
});

describe("scene 6: cdu-3 leaks 6 L/min", function () {
  this.timeout(TIMEOUT_MS);

  it("tells the rope, then the row rope, and the level after 26.7 min", async () => {
    const { site, until } = await begin(6);
    const startS = site.nowS;
    await until(18 + POLL_S);
    const rope = raisedAt(site, "leak", "cdu-3") - startS;
    assert.ok(rope >= 18 && rope <= 18 + POLL_S, `${rope} s`);
    assert.equal(site.eventsOf("leak", "cdu-3")[0]?.severity, "critical");
    assert.deepEqual(site.eventsOf("row-leak"), []);
    await until(30 + POLL_S);
    const row = raisedAt(site, "row-leak", "cdu-3") - startS;
    assert.ok(row >= 30 && row <= 30 + POLL_S, `${row} s`);
    await until(10 + 1_600 + POLL_S);
    const level = raisedAt(site, "level-low", "cdu-3") - startS;
    assert.ok(Math.abs(level - 10 - 26.7 * 60) <= 4, `${level} s`);
    await site.close();
  });
});

describe("scene 14: the grid is gone for 5 min", function () {
  this.timeout(TIMEOUT_MS);

  const watched = (text: string): string =>
    text.replace("\nmeters:", "  rideThrough:\n    returnMs: 20000\n\nmeters:");

  it("finds the UPS on battery without a gap, and everything back afterwards", async () => {
    const { site, until } = await begin(14, watched);
    const startS = site.nowS;
    await until(10.03);
    assert.ok(site.plant.snapshot()?.ups.every(({ mode }) => mode === "on-battery") === true);
    await until(13);
    for (const unit of ["ups-1", "ups-2", "ups-3"]) {
      raisedAt(site, "on-battery", unit);
      const runtimeS = site.told(unit, "battery-runtime").value;
      assert.ok(Math.abs(runtimeS - 594) < 20, `${runtimeS} s`);
      assert.ok(site.told(unit, "active-power").value > 1.3e6, "the output is unbroken");
    }
    raisedAt(site, "grid-loss", "pcc-meter");
    assert.deepEqual(site.eventsOf("meter-frozen"), [], "a dead bus is no frozen meter");
    const lostS = raisedAt(site, "ride-through", "pcc-meter") - startS;
    assert.ok(lostS >= 10.5 && lostS <= 10.8, `lost after ${lostS} s`);
    assert.equal(site.status.bindingLevel, "ride-through");
    assert.ok(Math.abs(site.plant.snapshot()?.bessW ?? NaN) < 1e3, "no islanding");
    await until(325);
    assert.equal(site.status.rideThrough?.presence, "returning");
    await until(345);
    assert.equal(site.eventsOf("ride-through").at(-1)?.phase, "cleared");
    for (const unit of ["ups-1", "ups-2", "ups-3"])
      assert.equal(site.eventsOf("on-battery", unit).at(-1)?.phase, "cleared");
    assert.equal(site.eventsOf("grid-loss").at(-1)?.phase, "cleared");
    assert.ok(site.plant.snapshot()?.ups.every(({ mode }) => mode === "online") === true);
    await site.close();
  });
});
