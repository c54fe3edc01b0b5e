import { strict as assert } from "node:assert";
import { withThermal } from "../support/thermal-site.ts";
import { VirtualSite } from "../support/virtual-site.ts";

const TIMEOUT_MS = 120_000;
/** A poll of a coolant unit, the turn of its zone, and one more poll that confirms. */
const SEEN_S = 3.2;
const NOMINAL_L_PER_MIN = 3_614;

interface ZoneStatus {
  readonly asset: string;
  readonly speedPercent: number;
  readonly leak: string;
  readonly shed: { readonly isAsked: boolean; readonly powerW: number };
}

/** Few cycles a second make it quick. */
async function openSite(): Promise<VirtualSite> {
  const site = await VirtualSite.open({ load: "full", preset: "d300", change: withThermal });
  await site.run(6);
  return site;
}

function zoneOf(site: VirtualSite, asset: string): ZoneStatus {
  const { zones } = site.thermal.status() as { readonly zones: readonly ZoneStatus[] };
  const zone = zones.find((each) => each.asset === asset);
  assert.ok(zone !== undefined);
  return zone;
}

function cduOf(site: VirtualSite, id: string) {
  const cdu = site.plant.snapshot()?.cooling?.cdu.find((each) => each.id === id);
  assert.ok(cdu !== undefined);
  return cdu;
}

/** Seconds after `fromS` at which an event was raised; NaN: never. */
function raisedS(site: VirtualSite, fromS: number, id: string, device = "cdu-3"): number {
  const event = site.eventsOf(id, device).find(({ phase }) => phase === "raised");
  return event === undefined ? Number.NaN : event.atMs / 1_000 - fromS;
}

describe("scenes 5, 6, 8 and 12 with the thermal controllers", function () {
  this.timeout(TIMEOUT_MS);
  let site: VirtualSite;
  let fromS = 0;

  before(async () => {
    site = await openSite();
    fromS = site.nowS;
    assert.deepEqual(
      site.events.map(({ id, device }) => [id, device]),
      [],
      "the plant is calm before",
    );
    await site.plant.order({ failPump: "cdu-3", pump: 2 });
    await site.plant.order({ failPump: "cdu-4", pump: 2 });
    for (const pump of [1, 2, 3, 4]) await site.plant.order({ failPump: "cdu-5", pump });
    for (const leak of ["cdu-6", "cdu-7"]) await site.plant.order({ leak, litresPerMin: 6 });
    await site.run(5.2);
  });

  after(async () => {
    await site.close();
  });

  it("5: has the flow back within 5 s by the pumps that are left, and no request", () => {
    const { flowLPerMin, speedPercent, returnCel } = cduOf(site, "cdu-3");
    assert.ok(flowLPerMin >= 0.99 * NOMINAL_L_PER_MIN, `${flowLPerMin} L/min`);
    assert.ok(speedPercent > 91 && speedPercent < 97, `${speedPercent} %`);
    assert.ok(returnCel <= 42.4, `${returnCel} Cel`);
    assert.equal(zoneOf(site, "cdu-3").shed.isAsked, false);
    assert.ok(raisedS(site, fromS, "coolant-flow-low") <= 5);
  });

  it("5: moves nothing that it only observes, and says what it would do", () => {
    const { flowLPerMin, speedPercent } = cduOf(site, "cdu-4");
    assert.ok(flowLPerMin < 0.92 * NOMINAL_L_PER_MIN, `${flowLPerMin} L/min, the negative control`);
    assert.ok(speedPercent < 84, `${speedPercent} %`);
    assert.ok(zoneOf(site, "cdu-4").speedPercent > 90);
  });

  it("5: asks for the load to go within 5 s when no pump is left, long before damage", async () => {
    const askedS = raisedS(site, fromS, "shed-requested", "cdu-5");
    assert.ok(askedS <= 5, `${askedS} s`);
    assert.ok(cduOf(site, "cdu-5").returnCel < 45);
    const { powerW } = zoneOf(site, "cdu-5").shed;
    assert.ok(Math.abs(powerW - 2.5e6) < 0.1e6, `${powerW} W`);
    const answering = site.order({ kind: "reset", trip: "coolant-flow-lost", by: "anna" });
    await site.run(0.3);
    const answer = await answering;
    assert.deepEqual([answer.result, answer.reason], ["refused", "cause-present"]);
  });

  it("5: is at full speed with two pumps, and that is enough", async () => {
    await site.plant.order({ failPump: "cdu-3", pump: 3 });
    await site.run(8);
    assert.equal(cduOf(site, "cdu-3").speedPercent, 100);
    assert.deepEqual(site.eventsOf("shed-requested", "cdu-3"), []);
  });

  it("judges commands by the coolant, and drives its own points alone", async () => {
    const set = (asset: string, value: number): void => {
      site.command({
        id: `${asset}-${value}`,
        asset,
        action: { kind: "set-point", point: "pump-speed-setpoint", value },
      });
    };
    set("cdu-1", 40);
    set("cdu-1", 70);
    set("cdu-3", 100);
    await site.run(2);
    const ends = ["cdu-1-40", "cdu-1-70", "cdu-3-100"].map((id) => {
      const step = site.steps.filter(({ commandId }) => commandId === id).at(-1);
      return `${step?.stage} ${step?.reason ?? ""}`.trim();
    });
    assert.deepEqual(ends, ["refused coolant-limit", "done", "refused owned-by-control"]);
    const [told] = site.eventsOf("coolant-guard", "cdu-1");
    assert.match(told?.text ?? "", /would settle at \d\d\.\d °C/);
  });

  it("6: watches one rope, and asks for the load to go when the second is wet", async () => {
    assert.equal(zoneOf(site, "cdu-6").leak, "suspected");
    assert.equal(zoneOf(site, "cdu-6").shed.isAsked, false, "one rope is watched");
    assert.ok(raisedS(site, fromS, "leak-suspected", "cdu-6") <= 8 + SEEN_S);
    await site.run(20 + SEEN_S - (site.nowS - fromS));
    const askedS = raisedS(site, fromS, "shed-requested", "cdu-6");
    assert.ok(askedS >= 20 && askedS <= 20 + SEEN_S, `${askedS} s`);
    assert.ok(cduOf(site, "cdu-6").flowLPerMin > 3_000, "the load is still there: it is cooled");
  });

  it("8, 12: takes neither a frozen meter nor an emergency stop for its own trouble", async () => {
    await site.plant.order({ device: "pcc-meter", fault: "frozen" });
    await site.run(2);
    await site.plant.order({ device: "pcc-meter", fault: "none" });
    await site.plant.order({ trip: "bess-1", cause: "emergency-stop" });
    await site.run(1);
    assert.ok(site.eventsOf("emergency-stop").length > 0);
    assert.equal(zoneOf(site, "cdu-3").shed.isAsked, false);
    assert.ok(cduOf(site, "cdu-3").flowLPerMin > 3_000, "pumps behind the UPS go on");
  });

  it("6: then stops the pumps by their stop value, and stays so over a restart", async () => {
    await site.run(19);
    assert.equal(zoneOf(site, "cdu-6").leak, "isolated");
    assert.equal(cduOf(site, "cdu-6").flowLPerMin, 0, "a raw 0 would be full speed");
    // The site names no second rope of it.
    assert.equal(zoneOf(site, "cdu-7").leak, "suspected");
    assert.ok(cduOf(site, "cdu-7").flowLPerMin > 3_000, "it leaks on (negative control)");
    await site.plant.order({ leak: "cdu-6", litresPerMin: 0 });
    await site.killControl();
    await site.startControl();
    await site.run(5);
    assert.equal(zoneOf(site, "cdu-6").leak, "isolated");
    assert.equal(cduOf(site, "cdu-6").flowLPerMin, 0);
  });
});
