import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { readIed, type SclReading } from "../../src/scl/ied.ts";
import type { SclModel } from "../../src/scl/model.ts";
import { SCL_NAMESPACE, SclXmlReader, type XmlResult } from "../../src/scl/xml-reader.ts";

/** The station of the tests: a battery, a relay and a client in one file. */
export const STATION_FILE = "test/scl/files/station.xml";

export function stationText(): string {
  return readFileSync(STATION_FILE, "utf8");
}

/** @param pieces characters in one piece; undefined: all at once */
export function readXml(text: string, pieces = text.length): XmlResult {
  const reader = new SclXmlReader();
  for (let at = 0; at < text.length; at += pieces) {
    if (!reader.push(text.slice(at, at + pieces))) break;
  }
  return reader.finish();
}

export function readText(text: string, ied?: string): SclReading {
  const xml = readXml(text);
  assert.ok("root" in xml, JSON.stringify(xml));
  return readIed(xml.root, ied);
}

export function modelOf(text: string, ied?: string): SclModel {
  const { model, problems } = readText(text, ied);
  assert.ok(model !== undefined, JSON.stringify(problems));
  return model;
}

/** A file of one IED with one logical node besides LLN0, for what a test is about. */
export function smallFile(parts: { readonly node?: string; readonly templates?: string }): string {
  return `<SCL xmlns="${SCL_NAMESPACE}" version="2007" revision="B">
<IED name="A"><AccessPoint name="S1"><Server><LDevice inst="LD0">
${parts.node ?? '<LN0 lnClass="LLN0" inst="" lnType="T"/>'}
</LDevice></Server></AccessPoint></IED>
<DataTypeTemplates>${parts.templates ?? '<LNodeType id="T" lnClass="LLN0"/>'}</DataTypeTemplates>
</SCL>`;
}
