import { strict as assert } from "node:assert";
import { IedDevice } from "../../../src/simulator/iec61850/device.ts";
import { servedModel } from "../../../src/simulator/iec61850/scl-model.ts";
import { encodePosition } from "../../../src/wire/mms/quality.ts";
import { modelOf, smallFile, stationText } from "../../scl/support.ts";
import { SimClock } from "../../support/sim-clock.ts";

function deviceOf(text: string, ied?: string): { device: IedDevice; leftOut: readonly string[] } {
  const { model, leftOut } = servedModel(modelOf(text, ied));
  const terms = { model, clock: new SimClock(), hooks: {}, firstEntry: 1 };
  return { device: new IedDevice(terms, new AbortController().signal), leftOut };
}

describe("IED served from an SCL file", () => {
  const { device, leftOut } = deviceOf(stationText(), "BESS1");
  const valueOf = (reference: string) => device.find(reference)?.value;

  it("has the values that the file gives, and zero for the others", () => {
    assert.deepEqual(valueOf("BESS1LD0/MMXU1.TotW.mag.f[MX]"), {
      kind: "float",
      value: 1250.5,
      width: 32,
    });
    assert.deepEqual(valueOf("BESS1LD0/LLN0.Beh.stVal[ST]"), { kind: "integer", value: 1 });
    assert.deepEqual(valueOf("BESS1LD0/XCBR1.Pos.stVal[ST]"), {
      kind: "bits",
      ...encodePosition("closed"),
    });
    assert.deepEqual(valueOf("BESS1LD0/MMXU1.TotW.units[CF]"), {
      kind: "structure",
      members: [
        { kind: "integer", value: 38 },
        { kind: "integer", value: 3 },
      ],
    });
    assert.deepEqual(valueOf("BESS1LD0/LLN0.NamPlt.configRev[DC]"), {
      kind: "text",
      value: "rev-7",
    });
    assert.deepEqual(leftOut, []);
  });

  it("has the control models of the file, and no command where there is none", () => {
    assert.deepEqual(valueOf("BESS1LD0/XCBR1.Pos.ctlModel[CF]"), { kind: "integer", value: 4 });
    const names = [...(device.domains.get("BESS1LD0")?.variables.keys() ?? [])];
    assert.ok(names.includes("XCBR1$CO$Pos$SBOw$ctlVal"));
    assert.ok(names.includes("DRCC1$CO$OutWSet$Oper$ctlVal$f"));
    assert.ok(!names.some((name) => name.startsWith("DRCC1$CO$AutoManCtl")));
  });

  it("has data sets over its logical devices, and a block for every instance", () => {
    assert.deepEqual(device.dataSets.namesIn("BESS1LD0"), ["LLN0$dsMeas", "LLN0$dsState"]);
    const members = device.dataSets.ofModel("BESS1LD0/LLN0$dsMeas")?.members;
    assert.deepEqual(members?.at(-1)?.domain, "BESS1BAT");
    assert.equal(device.reports.length, 3);
  });

  it("leaves out what the server has no type for, and names it", () => {
    const templates = `<LNodeType id="T" lnClass="LLN0"><DO name="Har" type="D"/></LNodeType>
      <DOType id="D" cdc="HMV"><DA name="har" fc="MX" bType="FLOAT32" count="16"/>
      <DA name="time" fc="ST" bType="EntryTime"/>
      <DA name="n" fc="ST" bType="INT32"><Val>many</Val></DA></DOType>`;
    const served = deviceOf(smallFile({ templates }));
    assert.deepEqual(served.leftOut, [
      "ALD0/LLN0.Har.har",
      "ALD0/LLN0.Har.time",
      "ALD0/LLN0.Har.n = many",
    ]);
    assert.deepEqual(served.device.find("ALD0/LLN0.Har.n[ST]")?.value, {
      kind: "integer",
      value: 0,
    });
  });
});
