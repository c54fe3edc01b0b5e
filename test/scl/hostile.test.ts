import { strict as assert } from "node:assert";
import { readIed } from "../../src/scl/ied.ts";
import { proposeProfile } from "../../src/scl/proposal.ts";
import { servedModel } from "../../src/simulator/iec61850/scl-model.ts";
import { readXml, stationText } from "./support.ts";

const FILES = 250;
const SEED = 20_261_121;
const PIECES = ["<", ">", "/", '"', "&", "DOType", "", "\u0000", "<LN/>", ' type="D_WYE"', "]]>"];

/** Numbers that look random and are the same in every run (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The station with a few places changed, most of them within attributes. */
function mutated(text: string, random: () => number): string {
  let changed = text;
  const changes = 1 + Math.floor(random() * 3);
  for (let count = 0; count < changes; count += 1) {
    const at = Math.floor(random() * changed.length);
    const length = Math.floor(random() * 8);
    const piece =
      random() < 0.5
        ? (PIECES[Math.floor(random() * PIECES.length)] ?? "")
        : text.slice(at + 50, at + 50 + length);
    changed = changed.slice(0, at) + piece + changed.slice(at + length);
  }
  return changed;
}

describe("SCL file that somebody damaged", () => {
  it("is read or has a problem with its place, and never more than that", () => {
    const random = randomOf(SEED);
    const text = stationText();
    let read = 0;
    for (let count = 0; count < FILES; count += 1) {
      const xml = readXml(mutated(text, random), 1 + Math.floor(random() * 5_000));
      if ("problem" in xml) {
        assert.ok(xml.problem.line > 0 && xml.problem.column > 0);
        continue;
      }
      const { model, problems } = readIed(xml.root, "BESS1");
      assert.equal(model === undefined, problems.length > 0);
      if (model === undefined) continue;
      read += 1;
      const { points } = proposeProfile(model, "bess");
      assert.equal(new Set(points.map(({ point }) => point)).size, points.length);
      assert.equal(servedModel(model).model.logicalDevices.length, model.devices.length);
    }
    assert.ok(read > 10 && read < FILES, `${read} of ${FILES} were read`);
  }).timeout(20_000);
});
