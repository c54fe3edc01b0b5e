import assert from "node:assert/strict";
import {
  controlName,
  controlOf,
  formatDataSetName,
  formatReference,
  FUNCTIONAL_CONSTRAINTS,
  objectNameOf,
  parseDataSetName,
  parseReference,
  referenceOf,
  referenceOfText,
  reportBlockName,
  reportBlockOf,
  textOfReference,
} from "../../../src/wire/mms/names.ts";
import { objectTree } from "./recorded-frames.ts";

describe("names of IEC 61850", () => {
  it("are the same model in MMS's spelling and in its own", () => {
    for (const [text, item] of [
      ["DCPIBESS1/MMXU1.TotW.mag.f[MX]", "MMXU1$MX$TotW$mag$f"],
      ["DCPIBESS1/ZBAT1[MX]", "ZBAT1$MX"],
      ["DCPIBESS1/ZBAT1", "ZBAT1"],
      ["DCPIBESS1/LLN0.urcbMeas01.RptEna[RP]", "LLN0$RP$urcbMeas01$RptEna"],
    ] as const) {
      const reference = parseReference(text);
      assert.ok(reference !== undefined, text);
      assert.deepEqual(objectNameOf(reference), {
        scope: "domain",
        domain: "DCPIBESS1",
        item,
      });
      assert.deepEqual(referenceOf("DCPIBESS1", item), reference);
      assert.deepEqual(referenceOfText(`DCPIBESS1/${item}`), reference);
      assert.equal(formatReference(reference), text);
      assert.equal(textOfReference(reference), `DCPIBESS1/${item}`);
    }
  });

  it("hold for every variable that a foreign server has", () => {
    const variables = objectTree().filter(([kind]) => kind === "v");
    assert.equal(variables.length, 755);
    for (const [, domain = "", item = ""] of variables) {
      const reference = referenceOf(domain, item);
      assert.ok(reference !== undefined, item);
      assert.deepEqual(parseReference(formatReference(reference)), reference);
      assert.equal(textOfReference(reference), `${domain}/${item}`);
    }
  });

  it("know every functional constraint and no other", () => {
    for (const fc of FUNCTIONAL_CONSTRAINTS) {
      assert.equal(parseReference(`LD/LN.DO[${fc}]`)?.fc, fc);
    }
    assert.equal(parseReference("LD/LN.DO[XX]"), undefined);
    assert.equal(referenceOf("LD", "LN$XX$DO"), undefined);
  });

  it("are refused when a part is missing, strange or too long", () => {
    for (const text of [
      "",
      "LD",
      "LD/",
      "/LN",
      "LD/LN.DO",
      "LD/LN..DO[MX]",
      "LD/LN.DO[MX",
      "LD/LN.D O[MX]",
      "LD/L$N.DO[MX]",
      "LD/LN.DÖ[MX]",
    ]) {
      assert.equal(parseReference(text), undefined, text);
    }
    assert.equal(referenceOf("LD", "LN$MX$$f"), undefined);
    assert.equal(referenceOf("", "LN"), undefined);
    assert.equal(referenceOfText("LN$MX$DO"), undefined);
    // LD/LN$MX$ are nine octets of the 129.
    assert.ok(referenceOf("LD", `LN$MX$${"a".repeat(120)}`) !== undefined);
    assert.equal(referenceOf("LD", `LN$MX$${"a".repeat(121)}`), undefined);
  });

  it("tell report control blocks, buffered or not", () => {
    const block = { ld: "LD", ln: "LLN0", isBuffered: true, name: "brcbEvt01" };
    const name = { scope: "domain", domain: "LD", item: "LLN0$BR$brcbEvt01" } as const;
    assert.deepEqual(reportBlockName(block), name);
    assert.deepEqual(reportBlockName(block, "RptEna"), { ...name, item: `${name.item}$RptEna` });
    assert.deepEqual(reportBlockOf("LD", name.item), block);
    assert.deepEqual(reportBlockOf("LD", "LLN0$RP$u01"), {
      ...block,
      isBuffered: false,
      name: "u01",
    });
    assert.equal(reportBlockOf("LD", "LLN0$BR$brcbEvt01$RptEna"), undefined);
    assert.equal(reportBlockOf("LD", "LLN0$BR"), undefined);
    assert.equal(reportBlockOf("LD", "LLN0$MX$TotW"), undefined);
    const blocks = objectTree().filter(
      ([kind, ld = "", item = ""]) => kind === "v" && reportBlockOf(ld, item) !== undefined,
    );
    assert.ok(blocks.length >= 3);
  });

  it("tell the four services of a control object", () => {
    const object = { ld: "LD", ln: "DRCC1", path: ["OutWSet"] };
    for (const service of ["SBO", "SBOw", "Oper", "Cancel"] as const) {
      const name = controlName(object, service);
      assert.equal(name.item, `DRCC1$CO$OutWSet$${service}`);
      assert.deepEqual(controlOf("LD", name.item), { object, service });
    }
    assert.equal(controlOf("LD", "DRCC1$CO$OutWSet$Oper$ctlVal"), undefined);
    assert.equal(controlOf("LD", "DRCC1$CO$Oper"), undefined);
    assert.equal(controlOf("LD", "DRCC1$CF$OutWSet$Oper"), undefined);
  });

  it("tell data sets of a node and of an association", () => {
    for (const text of ["DCPIBESS1/LLN0$dsMeas", "@mine"]) {
      const name = parseDataSetName(text);
      assert.ok(name !== undefined);
      assert.equal(formatDataSetName(name), text);
    }
    for (const text of ["", "@", "@a$b", "LLN0$ds", "LD/LLN0", "LD/LLN0$a$b", "L/D/LLN0$a"]) {
      assert.equal(parseDataSetName(text), undefined, text);
    }
    assert.equal(parseDataSetName(`@${"a".repeat(129)}`), undefined);
  });
});
