import { strict as assert } from "node:assert";
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

/** The demonstration with a section `thermal`, and cdu-3 in a mode; slow cycles run fast. */
async function openSite(mode: "observe" | "request" | "control"): Promise<VirtualSite> {
  const site = await VirtualSite.open({
    load: "full",
    preset: "d300",
    change: (text) =>
      text
        .replace(
          "{ device: cdu-3, point: pump-speed-setpoint, minimum: 30,",
          "{ device: cdu-3, point: pump-speed-setpoint, minimum: 0,",
        )
        .replace(
          "\nmeters:\n",
          `
thermal:
  ratedHeatKw: 3000
  zones:
    - device: cdu-3
      mode: ${mode}
      secondRope: x-row-rope-wet
      levelLow: x-level-low
meters:
`,
        ),
  });
  await site.run(8);
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

describe("scene 5: cdu-3 loses its pumps, with the thermal controllers", function () {
  this.timeout(TIMEOUT_MS);

  it("has the flow back within 5 s by the pumps that are left, and no request", async () => {
    const site = await openSite("control");
    assert.deepEqual(
      site.events.map(({ id, device }) => [id, device]),
      [],
      "calm before",
    );
    await site.plant.order({ failPump: "cdu-3", pump: 2 });
    await site.run(5);
    const { flowLPerMin, speedPercent } = cduOf(site, "cdu-3");
    assert.ok(flowLPerMin >= 0.99 * NOMINAL_L_PER_MIN, `${flowLPerMin} L/min`);
    assert.ok(speedPercent > 91 && speedPercent < 97, `${speedPercent} %`);
    await site.run(25);
    assert.ok(cduOf(site, "cdu-3").returnCel <= 42.4, "it does not get hot");
    assert.equal(zoneOf(site, "cdu-3").shed.isAsked, false);
    assert.deepEqual(site.eventsOf("shed-requested"), []);
    assert.ok(Number.isFinite(raisedS(site, 0, "coolant-flow-low")));
    // A second one: all that is left is full speed, and it is enough.
    await site.plant.order({ failPump: "cdu-3", pump: 3 });
    await site.run(12);
    assert.equal(cduOf(site, "cdu-3").speedPercent, 100);
    assert.deepEqual(site.eventsOf("shed-requested"), []);
    const others = site.events.filter(({ device }) => device !== "cdu-3");
    assert.deepEqual(others, [], "the other units are left alone");
    await site.close();
  });

  it("moves nothing in observe, and says what it would do (negative control)", async () => {
    const site = await openSite("observe");
    const before = cduOf(site, "cdu-3").speedPercent;
    await site.plant.order({ failPump: "cdu-3", pump: 2 });
    await site.run(10);
    const { flowLPerMin, speedPercent } = cduOf(site, "cdu-3");
    assert.equal(speedPercent, before);
    assert.ok(flowLPerMin < 0.92 * NOMINAL_L_PER_MIN, `${flowLPerMin} L/min`);
    assert.ok(zoneOf(site, "cdu-3").speedPercent > 90);
    await site.close();
  });

  it("asks for the load to go within 5 s when none is left, long before damage", async () => {
    const site = await openSite("request");
    const fromS = site.nowS;
    for (const pump of [1, 2, 3, 4]) await site.plant.order({ failPump: "cdu-3", pump });
    await site.run(6);
    const askedS = raisedS(site, fromS, "shed-requested");
    assert.ok(askedS <= 5, `${askedS} s`);
    assert.ok(cduOf(site, "cdu-3").returnCel < 45);
    const { powerW } = zoneOf(site, "cdu-3").shed;
    assert.ok(Math.abs(powerW - 2.5e6) < 0.1e6, `${powerW} W`);
    const answer = await site.order({ kind: "reset", trip: "coolant-flow-lost", by: "anna" });
    assert.deepEqual([answer.result, answer.reason], ["refused", "cause-present"]);
    await site.close();
  });
});

describe("scene 6: cdu-3 leaks, with the thermal controllers", function () {
  this.timeout(TIMEOUT_MS);

  it("asks for the load to go first, then stops the pumps, and stays so", async () => {
    const site = await openSite("control");
    const fromS = site.nowS;
    await site.plant.order({ leak: "cdu-3", litresPerMin: 6 });
    await site.run(8 + SEEN_S);
    assert.ok(raisedS(site, fromS, "leak-suspected") <= 8 + SEEN_S);
    assert.equal(zoneOf(site, "cdu-3").shed.isAsked, false, "one rope is watched");
    await site.run(20 + SEEN_S - (site.nowS - fromS));
    const askedS = raisedS(site, fromS, "shed-requested");
    assert.ok(askedS >= 20 && askedS <= 20 + SEEN_S, `${askedS} s`);
    assert.ok(cduOf(site, "cdu-3").flowLPerMin > 3_000, "the load is still there: it is cooled");
    assert.equal(zoneOf(site, "cdu-3").leak, "confirmed");
    await site.run(22);
    assert.equal(zoneOf(site, "cdu-3").leak, "isolated");
    assert.equal(cduOf(site, "cdu-3").flowLPerMin, 0, "pumps stop by their stop value");
    // 120 stops a pump of this board; below 80 it would run at full speed.
    assert.equal(site.told("cdu-4", "pump-speed-setpoint").quality, "good");
    await site.plant.order({ leak: "cdu-3", litresPerMin: 0 });
    await site.killControl();
    await site.startControl();
    await site.run(8);
    assert.equal(zoneOf(site, "cdu-3").leak, "isolated", "latched over a restart");
    assert.equal(cduOf(site, "cdu-3").flowLPerMin, 0);
    await site.close();
  });
});

describe("scenes 8 and 12 beside the thermal controllers", function () {
  this.timeout(TIMEOUT_MS);

  it("does not read a frozen meter or an emergency stop as trouble of the coolant", async () => {
    const site = await openSite("control");
    await site.plant.order({ device: "pcc-meter", fault: "frozen" });
    await site.run(5);
    await site.plant.order({ device: "pcc-meter", fault: "none" });
    await site.plant.order({ trip: "bess-1", cause: "emergency-stop" });
    await site.run(8);
    assert.ok(site.eventsOf("emergency-stop").length > 0);
    assert.equal(zoneOf(site, "cdu-3").shed.isAsked, false);
    assert.ok(cduOf(site, "cdu-3").flowLPerMin > 3_000, "pumps behind the UPS go on");
    await site.close();
  });

  it("judges commands by the coolant, and drives its own points alone", async () => {
    const site = await openSite("control");
    const set = (asset: string, value: number): void => {
      site.command({
        id: `${asset}-${value}`,
        asset,
        action: { kind: "set-point", point: "pump-speed-setpoint", value },
      });
    };
    set("cdu-4", 40);
    set("cdu-4", 70);
    set("cdu-3", 100);
    await site.run(3);
    const ends = ["cdu-4-40", "cdu-4-70", "cdu-3-100"].map((id) => {
      const step = site.steps.filter(({ commandId }) => commandId === id).at(-1);
      return `${step?.stage} ${step?.reason ?? ""}`.trim();
    });
    assert.deepEqual(ends, ["refused coolant-limit", "done", "refused owned-by-control"]);
    const [told] = site.eventsOf("coolant-guard", "cdu-4");
    assert.match(told?.text ?? "", /would settle at \d\d\.\d °C/);
    await site.close();
  });
});
