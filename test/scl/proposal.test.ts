import { strict as assert } from "node:assert";
import { CANONICAL_POINTS, EQUIPMENT_CLASSES } from "../../src/domain/vocabulary/vocabulary.ts";
import { EQUIPMENT_SIGNS, POINT_ROWS } from "../../src/scl/point-table.ts";
import { equipmentOf, type Proposal, proposeProfile } from "../../src/scl/proposal.ts";
import { modelOf, stationText } from "./support.ts";

const BESS = modelOf(stationText(), "BESS1");

function lineOf({ points }: Proposal, name: string) {
  const line = points.find(({ point }) => point === name);
  assert.ok(line !== undefined, `no ${name} in ${points.map(({ point }) => point).join(" ")}`);
  return line;
}

describe("table of points", () => {
  it("names only points of the vocabulary, of classes that have them", () => {
    for (const { point, equipment = [], values } of POINT_ROWS) {
      const canonical = CANONICAL_POINTS.get(point);
      assert.ok(canonical !== undefined, point);
      for (const name of equipment) assert.ok(canonical.classes.has(name), `${point} of ${name}`);
      assert.equal(values !== undefined, canonical.type === "enum", `${point} has its states`);
    }
  });
});

describe("profile proposed from an SCL file", () => {
  const proposal = proposeProfile(BESS, "bess");

  it("knows the equipment by its logical nodes", () => {
    assert.equal(equipmentOf(BESS), "bess");
    assert.equal(equipmentOf(modelOf(stationText(), "RELAY1")), "breaker");
    assert.equal(equipmentOf({ ...BESS, devices: [] }), undefined);
    for (const [name] of EQUIPMENT_SIGNS) assert.ok(EQUIPMENT_CLASSES.has(name), name);
  });

  it("binds what the table knows, in the unit that the file gives", () => {
    assert.deepEqual(lineOf(proposal, "active-power"), {
      point: "active-power",
      at: "MMXU1.TotW.mag.f",
      fc: "MX",
      group: "urcbmeas",
      unit: "kW",
      source: "scl",
      verify: "sign: positive in the reference direction of the class is assumed",
    });
    const frequency = lineOf(proposal, "frequency");
    assert.deepEqual([frequency.unit, frequency.verify], ["Hz", "the file does not say the unit"]);
    assert.equal(lineOf(proposal, "voltage.l2").at, "MMXU1.PhV.phsB.cVal.mag.f");
    assert.equal(lineOf(proposal, "dc.voltage").at, "{ied}BAT/M1ZBAT1.Vol.mag.f");
  });

  it("names the device that has most points as root, by the parameter of the IED's name", () => {
    assert.deepEqual([proposal.root, proposal.hasIedParameter], ["{ied}LD0", true]);
    const relay = proposeProfile(modelOf(stationText(), "RELAY1"), "breaker");
    assert.deepEqual([relay.root, relay.hasIedParameter], ["FEEDER_A", false]);
    assert.deepEqual(lineOf(relay, "position").values, {
      0: "intermediate",
      1: "open",
      2: "closed",
      3: "bad-state",
    });
  });

  it("takes values from reports where a data set has them, and polls the others", () => {
    assert.deepEqual(proposal.reports, [
      {
        name: "urcbmeas",
        group: "urcbmeas",
        block: "LLN0.urcbMeas",
        buffered: false,
        instances: ["01", "02"],
        dataSet: "LLN0.dsMeas",
      },
      {
        name: "brcbstate",
        group: "brcbstate",
        block: "LLN0.brcbState",
        buffered: true,
        dataSet: "LLN0.dsState",
      },
    ]);
    assert.equal(lineOf(proposal, "state-of-charge").group, "polled");
    assert.deepEqual(proposal.groups, {
      urcbmeas: { everyMs: 2000 },
      brcbstate: { everyMs: 10_000 },
      polled: { everyMs: 1000 },
    });
  });

  it("leaves what the table does not know as x- points, each with a word on why", () => {
    const second = lineOf(proposal, "x-mmxu2-hz");
    assert.deepEqual(
      [second.unit, second.verify],
      ["Hz", "another frequency: name it, or take it out"],
    );
    assert.deepEqual(lineOf(proposal, "x-m1zbat1-chamod").values, { 0: "idle", 1: "bulk" });
    assert.equal(lineOf(proposal, "x-xcbr1-opcnt").type, "int32");
    const extra = proposal.points.filter(({ point }) => point.startsWith("x-"));
    assert.ok(extra.every(({ verify }) => verify.includes("take it out")));
    assert.ok(!extra.some(({ point }) => point.endsWith("-beh")));
    assert.ok(proposal.points.findIndex(({ point }) => point.startsWith("x-")) > 5);
  });

  it("gives each point once", () => {
    const names = proposal.points.map(({ point }) => point);
    assert.equal(new Set(names).size, names.length);
  });

  it("proposes to write nothing, and names the controls that are there", () => {
    assert.equal(JSON.stringify(proposal.points).includes("write"), false);
    assert.deepEqual(proposal.controls, [
      { object: "XCBR1.Pos", model: "sbo-with-enhanced-security", point: undefined },
      {
        object: "DRCC1.OutWSet",
        model: "direct-with-normal-security",
        point: "active-power-setpoint",
      },
    ]);
  });

  it("says which required points the file does not have", () => {
    assert.ok(proposal.missing.includes("operating-state"));
    assert.ok(!proposal.missing.includes("state-of-charge"));
  });

  it("stops at so many points and counts the others", () => {
    const [first] = BESS.devices;
    const node = first?.nodes.find(({ lnClass }) => lnClass === "MMXU");
    assert.ok(first !== undefined && node !== undefined);
    const nodes = Array.from({ length: 200 }, (_, at) => ({ ...node, name: `MMXU${at + 1}` }));
    const large = proposeProfile({ ...BESS, devices: [{ ...first, nodes }] }, "meter");
    assert.equal(large.points.length, 400);
    assert.equal(large.leftOut, 200 * 5 - 400);
  });
});
