import { strict as assert } from "node:assert";
import { SCL_NAMESPACE } from "../../src/scl/xml-reader.ts";
import { readXml, stationText } from "./support.ts";

function problemOf(text: string) {
  const result = readXml(text);
  assert.ok("problem" in result, "it was read");
  return result.problem;
}

const scl = (inside: string): string => `<SCL xmlns="${SCL_NAMESPACE}">${inside}</SCL>`;

describe("XML of SCL files", () => {
  it("is the same tree however it was cut on its way", () => {
    const whole = readXml(stationText());
    assert.ok("root" in whole);
    assert.equal(whole.root.name, "SCL");
    assert.deepEqual(readXml(stationText(), 7), whole);
  });

  it("says where an element stands", () => {
    const result = readXml(
      `<?xml version="1.0"?>\n${scl('\n  <IED name="A"/>\n  <IED\n name="B"/>')}`,
    );
    assert.ok("root" in result);
    const places = result.root.children.map(({ line, column }) => [line, column]);
    assert.deepEqual(places, [
      [3, 3],
      [4, 1],
    ]);
  });

  it("leaves out Private and foreign elements with all that is in them", () => {
    const inside = '<Private><IED name="P"/></Private><x:IED xmlns:x="urn:x"><IED/></x:IED><IED/>';
    const result = readXml(scl(inside));
    assert.ok("root" in result);
    assert.deepEqual(
      result.root.children.map(({ name, attributes }) => [name, attributes["name"]]),
      [["IED", undefined]],
    );
  });

  it("keeps the texts of values, CDATA included, and no others", () => {
    const result = readXml(scl("<IED>noise<Val>a<![CDATA[<b>]]>&lt;</Val></IED>"));
    assert.ok("root" in result);
    const [ied] = result.root.children;
    assert.equal(ied?.text, "");
    assert.equal(ied.children[0]?.text, "a<b><");
  });

  it("reads no document type, so that no entity of a file grows", () => {
    const bomb = `<!DOCTYPE SCL [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>${scl("&b;")}`;
    assert.match(problemOf(bomb).message, /no document type/);
    assert.match(problemOf(scl("<IED>&b;</IED>")).message, /no XML: undefined entity/);
  });

  it("stops at the first mistake with its place", () => {
    const problem = problemOf(scl("\n<IED>\n</LN>"));
    assert.equal(problem.line, 3);
    assert.match(problem.message, /this is no XML: unexpected close tag/);
    assert.match(problemOf(scl("<IED>").slice(0, -6)).message, /this is no XML: unclosed tag/);
    assert.match(problemOf("").message, /no XML|no SCL element/);
    assert.match(problemOf("PK\u0003\u0004").message, /this is no XML/);
  });

  it("says what it is when it is another kind of XML", () => {
    assert.match(problemOf("<html/>").message, /begins with <html>, and an SCL file with <SCL>/);
    assert.match(problemOf("<SCL/>").message, /not in the namespace of SCL/);
  });

  it("bounds depth, attributes and texts", () => {
    const deep = "<a>".repeat(70) + "</a>".repeat(70);
    assert.match(problemOf(scl(deep)).message, /more than 64 deep/);
    const wide = Array.from({ length: 65 }, (_, at) => `a${at}=""`).join(" ");
    assert.match(problemOf(scl(`<IED ${wide}/>`)).message, /too many attributes/);
    assert.match(problemOf(scl(`<Val>${"x".repeat(4_097)}</Val>`)).message, /too long/);
  });

  it("keeps a name such as __proto__ as a name", () => {
    const result = readXml(scl('<IED __proto__="x" constructor="y"/>'));
    assert.ok("root" in result);
    const [ied] = result.root.children;
    assert.deepEqual(Object.entries(ied?.attributes ?? {}), [
      ["__proto__", "x"],
      ["constructor", "y"],
    ]);
  });
});
