import assert from "node:assert/strict";
import { GatewayError } from "../../../src/domain/errors.ts";
import type { IedModel } from "../../../src/simulator/iec61850/model.ts";
import { IedDevice } from "../../../src/simulator/iec61850/device.ts";
import { byNames } from "../../../src/wire/mms/object-name.ts";
import { memberType } from "../../../src/wire/mms/type-spec.ts";
import type { MmsValue } from "../../../src/wire/mms/value.ts";
import { SimClock } from "../../support/sim-clock.ts";
import { STATION } from "./support/station.ts";
import { Bench, LD, name, type TableClient } from "./support/table-client.ts";

const float = (value: number): MmsValue => ({ kind: "float", value, width: 32 });
const NON_EXISTENT = { kind: "error", code: 10 };

function directory(client: TableClient): readonly string[] {
  const names: string[] = [];
  for (let more = true; more;) {
    const part = client.response("getNameList", {
      service: "getNameList",
      class: "variable",
      scope: { of: "domain", domain: LD },
      continueAfter: names.at(-1),
    });
    assert.ok(part.names.length > 0, "every part brings something");
    names.push(...part.names);
    more = part.moreFollows;
  }
  return names;
}

describe("services of the simulated IED", () => {
  it("lists its logical devices, variables and data sets", () => {
    const client = new Bench().client();
    const list = (
      scope: { of: "device" } | { of: "domain"; domain: string },
      wanted: "domain" | "variable-list",
    ) =>
      client.response("getNameList", {
        service: "getNameList",
        class: wanted,
        scope,
        continueAfter: undefined,
      }).names;

    assert.deepEqual(list({ of: "device" }, "domain"), [LD, "DCPIUPS1"]);
    assert.deepEqual(list({ of: "domain", domain: LD }, "variable-list"), [
      "LLN0$dsMeas",
      "LLN0$dsEvt",
    ]);
    const names = directory(client);
    for (const item of [
      "MMXU1",
      "MMXU1$MX$TotW$mag$f",
      "MMXU1$MX$PhV$phsB$cVal$mag$f",
      "DRCC1$CO$OutVarSet$SBOw$origin$orIdent",
      "DRCC1$CF$OutVarSet$ctlModel",
      "LLN0$BR$brcbEvt02$EntryID",
      "LLN0$RP$urcbMeas01$Resv",
    ]) {
      assert.ok(names.includes(item), item);
    }
  });

  it("gives a directory in parts to a client that takes only small PDUs", () => {
    const bench = new Bench();

    const whole = directory(bench.client());
    const inParts = directory(bench.client({ pduOctets: 512 }));

    assert.deepEqual(inParts, whole);
  });

  it("describes a whole logical node in one answer", () => {
    const client = new Bench().client();

    const { type } = client.response("getVariableAccessAttributes", {
      service: "getVariableAccessAttributes",
      name: name("MMXU1"),
    });

    assert.deepEqual(memberType(type, ["MX", "TotW", "mag", "f"]), {
      kind: "float",
      width: 32,
      exponentBits: 8,
    });
    assert.deepEqual(memberType(type, ["MX", "TotW", "q"]), { kind: "bits", size: -13 });
  });

  it("reads a leaf, a data object, a list of names and a named list", () => {
    const bench = new Bench();
    const client = bench.client();
    bench.set("MMXU1.Hz.mag.f[MX]", 49.5);

    assert.equal(client.value("MMXU1$MX$Hz$mag$f"), 49.5);
    const object = client.read("MMXU1$MX$Hz");
    assert.ok(object.kind === "structure");
    assert.deepEqual(object.members[0], { kind: "structure", members: [float(49.5)] });
    const time = object.members[2];
    assert.ok(time?.kind === "utc-time");
    assert.equal(time.utcMs, Date.UTC(2026, 0, 1));
    const { results } = client.response("read", {
      service: "read",
      isSpecificationWanted: false,
      access: byNames([name("ZBAT1$ST$BatSt$stVal"), name("ZBAT1$ST$Nope"), name("Nope/A")]),
    });
    assert.deepEqual(results, [{ kind: "boolean", value: true }, NON_EXISTENT, NON_EXISTENT]);
    const list = client.response("read", {
      service: "read",
      isSpecificationWanted: true,
      access: { by: "list", list: name("LLN0$dsMeas") },
    });
    assert.equal(list.results.length, 3);
    assert.deepEqual(list.access, { by: "list", list: name("LLN0$dsMeas") });
  });

  it("keeps the time stamp that comes with a value", () => {
    const bench = new Bench();
    const utcMs = Date.UTC(2025, 5, 1);

    bench.device.update([
      { reference: `${LD}/MMXU1.Hz.mag.f[MX]`, value: 51 },
      { reference: `${LD}/MMXU1.Hz.t[MX]`, value: utcMs },
    ]);

    const time = bench.client().read("MMXU1$MX$Hz$t");
    assert.ok(time.kind === "utc-time");
    assert.equal(time.utcMs, utcMs);
  });

  it("takes settings of their type and refuses everything else with its code", () => {
    const written: string[] = [];
    const bench = new Bench({ hooks: { written: (reference) => written.push(reference) } });
    const client = bench.client();

    assert.equal(client.write("DRCT1$SP$MaxWLim$setMag$f", float(5)), "accepted");
    assert.equal(client.value("DRCT1$SP$MaxWLim$setMag$f"), 5);
    assert.deepEqual(written, [`${LD}/DRCT1$SP$MaxWLim$setMag$f`]);
    const refusal = (item: string, value: MmsValue) => client.write(item, value);
    assert.deepEqual(refusal("DRCT1$SP$MaxWLim$setMag$f", { kind: "boolean", value: true }), {
      code: 7,
    });
    assert.deepEqual(refusal("MMXU1$MX$TotW$mag$f", float(1)), { code: 3 });
    assert.deepEqual(refusal("DRCC1$CF$OutWSet$ctlModel", { kind: "integer", value: 0 }), {
      code: 3,
    });
    const inside: MmsValue = { kind: "structure", members: [{ kind: "integer", value: 0 }] };
    assert.deepEqual(refusal("DRCC1$CF$OutWSet", inside), { code: 3 });
    assert.deepEqual(refusal("DRCT1$SP$Nope", float(1)), { code: 10 });
    assert.deepEqual(refusal("DRCT1", float(1)), { code: 3 });
    assert.equal(client.value("DRCC1$CF$OutWSet$ctlModel"), 1);
  });

  it("answers status and identify", () => {
    const client = new Bench().client();

    assert.equal(client.response("status", { service: "status", isExtended: false }).logical, 0);
    const { vendor, model, revision } = client.response("identify", { service: "identify" });
    assert.deepEqual([vendor, model, revision], ["Example Works", "Station controller", "1.2"]);
  });

  it("tells the members of a data set in the order of its reports", () => {
    const client = new Bench().client();

    const { variables } = client.response("getNamedVariableListAttributes", {
      service: "getNamedVariableListAttributes",
      name: name("LLN0$dsMeas"),
    });

    assert.deepEqual(
      variables.map((variable) => variable.name),
      ["MMXU1$MX$TotW", "MMXU1$MX$Hz", "MMXU1$MX$PhV"].map(name),
    );
  });

  it("lets a client define data sets of its own, a limited number, until it leaves", () => {
    const bench = new Bench();
    const client = bench.client();
    const other = bench.client();
    const define = (item: string) =>
      client.ask({
        service: "defineNamedVariableList",
        name: { scope: "association", item },
        variables: [{ name: name("MMXU1$MX$Hz"), alternateAccess: undefined }],
      })?.kind;
    const read = (of: TableClient) =>
      of.ask({
        service: "read",
        isSpecificationWanted: false,
        access: { by: "list", list: { scope: "association", item: "ds0" } },
      })?.kind;

    assert.equal(define("ds0"), "confirmed-response");
    assert.equal(define("ds0"), "confirmed-error", "a name is given once");
    for (let at = 1; at < 16; at++) assert.equal(define(`ds${at}`), "confirmed-response");
    assert.equal(define("ds16"), "confirmed-error", "too many");
    assert.equal(read(client), "confirmed-response");
    assert.equal(read(other), "confirmed-error", "of another client");
    const deleted = client.response("deleteNamedVariableList", {
      service: "deleteNamedVariableList",
      names: [{ scope: "association", item: "ds0" }, name("LLN0$dsMeas")],
    });
    assert.deepEqual([deleted.matched, deleted.deleted], [2, 1]);
    assert.equal(read(client), "confirmed-error");
  });

  it("refuses a model that contradicts itself", () => {
    const build = (model: IedModel) => () =>
      new IedDevice(
        { model, clock: new SimClock(), hooks: {}, firstEntry: 1 },
        new AbortController().signal,
      );
    const withNode = (node: IedModel["logicalDevices"][number]["logicalNodes"][number]) => ({
      ...STATION,
      logicalDevices: [{ name: "X", logicalNodes: [node] }],
    });
    const invalid = (error: unknown) =>
      error instanceof GatewayError && error.code === "CONFIG_INVALID";

    assert.throws(
      build(
        withNode({
          name: "LLN0",
          dataObjects: [],
          dataSets: [{ name: "a", members: ["A.B[MX]"] }],
        }),
      ),
      invalid,
    );
    assert.throws(
      build(
        withNode({
          name: "LLN0",
          dataObjects: [],
          reports: [{ name: "r", isBuffered: true, dataSet: "no" }],
        }),
      ),
      invalid,
    );
    assert.throws(build(withNode({ name: "L N", dataObjects: [] })), invalid);
    assert.throws(
      build(
        withNode({
          name: "A",
          dataObjects: [
            { name: "B", attributes: [{ name: "v", fc: "ST", type: "boolean", value: "x" }] },
          ],
        }),
      ),
      invalid,
    );
  });
});
