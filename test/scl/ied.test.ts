import { strict as assert } from "node:assert";
import { attributeAt } from "../../src/scl/model.ts";
import { modelOf, readText, smallFile, stationText } from "./support.ts";

const BESS = modelOf(stationText(), "BESS1");

function node(ld: string, name: string, model = BESS) {
  const found = model.devices
    .find((device) => device.name === ld)
    ?.nodes.find((own) => own.name === name);
  assert.ok(found !== undefined, `${ld}/${name}`);
  return found;
}

function valueAt(ld: string, ln: string, path: string): string | undefined {
  const [name, ...rest] = path.split(".");
  const object = node(ld, ln).objects.find((own) => own.name === name);
  return object === undefined ? undefined : attributeAt(object, rest)?.value;
}

function problemsOf(text: string, ied?: string): string {
  return readText(text, ied)
    .problems.map(({ line, message }) => `${line}: ${message}`)
    .join("\n");
}

describe("IED of an SCL file", () => {
  it("has logical devices by the names of MMS domains, and nodes with prefix and number", () => {
    const names = BESS.devices.map(({ name, nodes }) => [name, nodes.map((own) => own.name)]);
    assert.deepEqual(names, [
      ["BESS1LD0", ["LLN0", "LPHD1", "MMXU1", "MMXU2", "XCBR1", "DRCC1"]],
      ["BESS1BAT", ["LLN0", "M1ZBAT1"]],
    ]);
    const relay = modelOf(stationText(), "RELAY1");
    assert.deepEqual(
      relay.devices.map(({ name }) => name),
      ["FEEDER_A"],
    );
  });

  it("says who made it, which edition it is, and where it is reached", () => {
    const { ied, manufacturer, type, configVersion, edition, addresses } = BESS;
    assert.deepEqual(
      [ied, manufacturer, type, configVersion, edition],
      ["BESS1", "Example Works", "Station controller", "1.2", "2007B4"],
    );
    assert.deepEqual(addresses, [{ accessPoint: "S1", subNetwork: "plant", host: "192.0.2.21" }]);
  });

  it("resolves its types down to the values", () => {
    const power = node("BESS1LD0", "MMXU1").objects.find(({ name }) => name === "PhV");
    assert.equal(power?.cdc, "WYE");
    const phase = attributeAt(power, ["phsB", "cVal", "mag", "f"]);
    assert.equal(phase?.bType, "FLOAT32");
    const state = node("BESS1BAT", "M1ZBAT1").objects.find(({ name }) => name === "ChaMod");
    assert.ok(state !== undefined);
    assert.deepEqual(
      [...(attributeAt(state, ["stVal"])?.words ?? [])],
      [
        [0, "idle"],
        [1, "bulk"],
      ],
    );
  });

  it("gives values of the instance before those of the type, to this instance alone", () => {
    assert.equal(valueAt("BESS1LD0", "MMXU1", "TotW.mag.f"), "1250.5");
    assert.equal(valueAt("BESS1LD0", "MMXU1", "TotW.units.multiplier"), "k");
    assert.equal(valueAt("BESS1LD0", "MMXU1", "TotW.units.SIUnit"), "W");
    assert.equal(valueAt("BESS1LD0", "MMXU2", "TotW.mag.f"), undefined);
    assert.equal(valueAt("BESS1LD0", "XCBR1", "Pos.ctlModel"), "sbo-with-enhanced-security");
    assert.equal(valueAt("BESS1BAT", "LLN0", "Beh.stVal"), undefined);
  });

  it("has data sets with members of other devices, and report blocks with their instances", () => {
    const { dataSets, reports } = node("BESS1LD0", "LLN0");
    assert.deepEqual(dataSets[0]?.members.at(-1), {
      ld: "BESS1BAT",
      ln: "M1ZBAT1",
      path: ["Vol"],
      fc: "MX",
    });
    const [unbuffered, buffered] = reports;
    assert.deepEqual(
      [unbuffered?.name, unbuffered?.instances, unbuffered?.integrityMs, unbuffered?.bufferMs],
      ["urcbMeas", 2, 2000, 50],
    );
    assert.deepEqual(unbuffered?.triggers, [
      "data-change",
      "quality-change",
      "integrity",
      "general-interrogation",
    ]);
    assert.deepEqual([buffered?.instances, buffered?.isBuffered], [undefined, true]);
    assert.deepEqual(buffered?.triggers, ["data-change"]);
    assert.deepEqual(buffered.options, ["sequence-number", "buffer-overflow", "entry-id"]);
    assert.equal(unbuffered.options.includes("buffer-overflow"), false);
  });
});

describe("SCL file that is not what it should be", () => {
  it("asks which IED when there are several, and names them", () => {
    assert.match(
      problemsOf(stationText()),
      /several IEDs: choose one with --ied \(BESS1, RELAY1\)/,
    );
    assert.match(problemsOf(stationText(), "BES1"), /no IED "BES1"; it has CLIENT1, BESS1, RELAY1/);
    assert.match(problemsOf(stationText(), "CLIENT1"), /"CLIENT1" has no server/);
  });

  it("says that a file without devices is another kind", () => {
    const empty = smallFile({}).replace(/<IED[\s\S]*<\/IED>/, "");
    assert.match(problemsOf(empty), /describes no IED .* take the ICD, CID or SCD file/);
    const client = smallFile({}).replace(/<Server>[\s\S]*<\/Server>/, "");
    assert.match(problemsOf(client), /no IED of the file has a server/);
  });

  it("says which type is not there, and where it is wanted", () => {
    const noNode = smallFile({ templates: "" });
    assert.match(problemsOf(noNode), /^3: this logical node has the lnType "T", which is no LNod/);
    const templates = '<LNodeType id="T" lnClass="LLN0"><DO name="Beh" type="D"/></LNodeType>';
    assert.match(problemsOf(smallFile({ templates })), /"Beh" has DOType "D", which is not there/);
    const noStruct = `${templates}<DOType id="D" cdc="MV">
      <DA name="mag" fc="MX" bType="Struct" type="S"/></DOType>`;
    assert.match(problemsOf(smallFile({ templates: noStruct })), /"mag" has DAType "S", which is/);
    const noFc = `${templates}<DOType id="D" cdc="MV"><DA name="mag" fc="" bType="INT8"/></DOType>`;
    assert.match(problemsOf(smallFile({ templates: noFc })), /constraint "", which there is not/);
  });

  it("stops types that contain themselves", () => {
    const templates = `<LNodeType id="T" lnClass="LLN0"><DO name="Beh" type="D"/></LNodeType>
      <DOType id="D" cdc="X"><SDO name="a" type="E"/></DOType>
      <DOType id="E" cdc="X"><SDO name="b" type="D"/></DOType>`;
    assert.match(problemsOf(smallFile({ templates })), /DOType "D" contains itself/);
  });

  it("bounds what a few types that contain one another may become", () => {
    const level = (at: number): string =>
      `<DOType id="D${at}" cdc="X">${Array.from(
        { length: 10 },
        (_, own) => `<SDO name="s${own}" type="D${at + 1}"/>`,
      ).join("")}</DOType>`;
    const leaf = '<DOType id="D8" cdc="X"><DA name="v" fc="ST" bType="INT8"/></DOType>';
    const levels = Array.from({ length: 8 }, (_, at) => level(at)).join("");
    const templates = `<LNodeType id="T" lnClass="LLN0"><DO name="Beh" type="D0"/></LNodeType>
      ${levels}${leaf}`;
    assert.match(problemsOf(smallFile({ templates })), /"T" has more than 50000 values/);
    const deep = Array.from({ length: 20 }, (_, at) => {
      return `<DOType id="D${at}" cdc="X"><SDO name="s" type="D${at + 1}"/></DOType>`;
    }).join("");
    const chain = `<LNodeType id="T" lnClass="LLN0"><DO name="Beh" type="D0"/></LNodeType>${deep}`;
    assert.match(problemsOf(smallFile({ templates: chain })), /more than 12 deep in one another/);
  });

  it("bounds what many equal nodes become when somebody walks over them", () => {
    const attributes = Array.from({ length: 1_000 }, (_, at) => {
      return `<DA name="v${at}" fc="ST" bType="INT8"/>`;
    }).join("");
    const templates = `<LNodeType id="T" lnClass="GGIO"><DO name="Ind" type="D"/></LNodeType>
      <DOType id="D" cdc="INS">${attributes}</DOType>`;
    const nodes = Array.from({ length: 1_100 }, (_, at) => {
      return `<LN lnClass="GGIO" inst="${at}" lnType="T"/>`;
    }).join("");
    assert.match(problemsOf(smallFile({ node: nodes, templates })), /more than 1000000 values$/);
  });

  it("goes on past what is only odd, and says it", () => {
    const node = `<LN0 lnClass="LLN0" inst="" lnType="T">
      <DataSet name="ds"><FCDA ldInst="GONE" lnClass="LLN0" doName="Beh" fc="ST"/>
        <FCDA ldInst="LD0" lnClass="LLN0" doName="Beh" fc="??"/></DataSet>
      <ReportControl name="r" datSet="none"/>
      <DOI name="Nope"/></LN0>`;
    const { model, warnings } = readText(smallFile({ node }));
    const said = warnings.map(({ message }) => message).join("\n");
    assert.ok(model !== undefined);
    assert.match(said, /member of "GONE", which is no logical device/);
    assert.match(said, /member with the functional constraint "\?\?"/);
    assert.match(said, /the data set "none" of the report block "r" is not there/);
    assert.match(said, /has no data object "Nope"/);
    assert.equal(model.devices[0]?.nodes[0]?.reports[0]?.dataSet, undefined);
  });

  it("lists so many problems and no more", () => {
    const nodes = Array.from({ length: 200 }, (_, at) => {
      return `<LN lnClass="GGIO" inst="${at}" lnType="none"/>`;
    }).join("");
    const { problems } = readText(smallFile({ node: nodes }));
    assert.equal(problems.length, 50);
  });
});
