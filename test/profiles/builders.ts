import assert from "node:assert/strict";
import { GOOD, qualityCode, qualityName } from "../../src/domain/quality.ts";
import type { RoundColumns } from "../../src/domain/round.ts";
import type { BoundPoint, CompiledProfile } from "../../src/profiles/binding.ts";
import { compileProfile } from "../../src/profiles/compile.ts";
import type { CompileOptions } from "../../src/profiles/compile.ts";
import { decodePoint, slotOf } from "../../src/profiles/decode.ts";
import type { Profile } from "../../src/profiles/schema.ts";
import type { PointLine } from "../../src/profiles/schema-point.ts";

/** A small valid profile of a battery; `parts` replace whole sections. */
export function profileWith(parts: Partial<Profile>): Profile {
  return {
    format: 1,
    version: "0.1.0",
    status: "draft",
    identity: { manufacturer: "Acme", model: "One", class: "bess", protocols: ["modbus-tcp"] },
    sources: { s: { document: "manual", licence: "facts only" } },
    groups: { g: { everyMs: 1000 } },
    points: [],
    ...parts,
  };
}

export function compiled(parts: Partial<Profile>, options: CompileOptions = {}): CompiledProfile {
  const result = compileProfile(profileWith(parts), options);
  assert.ok("profile" in result, JSON.stringify(result));
  return result.profile;
}

/** Sentences of what keeps a profile from being compiled. */
export function problemsOf(
  parts: Partial<Profile>,
  options: CompileOptions = {},
): readonly string[] {
  const result = compileProfile(profileWith(parts), options);
  return "problems" in result ? result.problems.map((problem) => problem.message) : [];
}

/** An `x-` point of its own profile, read from holding register 0. */
export function pointWith(line: Partial<PointLine>, parts: Partial<Profile> = {}): BoundPoint {
  const full: PointLine = { point: "x-value", at: "holding 0", unit: "W", group: "g", ...line };
  const [point] = compiled({ points: [full], ...parts }).points;
  assert.ok(point !== undefined);
  return point;
}

/** Columns for all points of a device, good where a value is given, never read elsewhere. */
export function columnsOf(
  profile: { readonly points: readonly unknown[] },
  values: Readonly<Record<number, number>> = {},
): RoundColumns {
  const columns: RoundColumns = {
    values: new Float64Array(profile.points.length).fill(Number.NaN),
    quality: new Uint8Array(profile.points.length).fill(qualityCode("never-read")),
    texts: new Map(),
  };
  for (const [ordinal, value] of Object.entries(values)) {
    columns.values[Number(ordinal)] = value;
    columns.quality[Number(ordinal)] = GOOD;
  }
  return columns;
}

/** Quality of one position, as it goes north. */
export function nameAt(columns: RoundColumns, at: number): string {
  const quality = columns.quality[at];
  assert.ok(quality !== undefined);
  return qualityName(quality);
}

export function viewOfWords(words: readonly number[]): DataView {
  const view = new DataView(new ArrayBuffer(words.length * 2));
  words.forEach((word, index) => {
    view.setUint16(index * 2, word);
  });
  return view;
}

/** Decodes words as one point; the word behind them is its scale factor where it has one. */
export function decoded(
  point: BoundPoint,
  words: readonly number[],
): { readonly value: number; readonly quality: number; readonly text: string | undefined } {
  const columns = columnsOf({ points: [point] });
  const hasFactor = point.read?.conversion.sf?.place !== undefined;
  const slot = slotOf(point, 0, hasFactor ? 2 * (words.length - 1) : undefined);
  decodePoint(slot, viewOfWords(words), columns, 0);
  const [value = Number.NaN] = columns.values;
  const [quality = GOOD] = columns.quality;
  return { value, quality, text: columns.texts.get(0) };
}
