import assert from "node:assert/strict";
import { GOOD, qualityCode } from "../../src/domain/quality.ts";
import type { CompiledProfile } from "../../src/profiles/binding.ts";
import { deriveInto } from "../../src/profiles/derive.ts";
import type { DerivedLine } from "../../src/profiles/schema.ts";
import type { PointLine } from "../../src/profiles/schema-point.ts";
import { columnsOf, compiled, nameAt, problemsOf } from "./builders.ts";

const FLAG: Partial<PointLine> = { type: "bool" };
const POINTS: readonly PointLine[] = [
  { point: "x-a", at: "holding 0", type: "int16", unit: "W", group: "g" },
  { point: "x-b", at: "holding 1", type: "int16", unit: "W", group: "g" },
  { point: "x-c", at: "holding 2", type: "int16", unit: "W", group: "g" },
  { point: "x-on", at: "coil 0", ...FLAG, group: "g" },
  { point: "x-off", at: "coil 1", ...FLAG, group: "g" },
  {
    point: "x-mode",
    at: "holding 3",
    type: "uint16",
    values: { "0": "low", "1": "high", "2": "rest" },
    group: "g",
  },
];

function withDerived(line: Omit<DerivedLine, "point">): CompiledProfile {
  return compiled({ points: [...POINTS], derived: [{ point: "x-result", unit: "W", ...line }] });
}

/** Values of a, b, c, on, off, mode, then the derived point. */
const VALUES = { 0: 10, 1: 4, 2: -3, 3: 1, 4: 0, 5: 1 };

describe("derived points", () => {
  const cases: readonly (readonly [Omit<DerivedLine, "point">, number])[] = [
    [{ sum: ["x-a", "x-b", "x-c"] }, 11],
    [{ mean: ["x-a", "x-b"] }, 7],
    [{ maximum: ["x-a", "x-c"] }, 10],
    [{ minimum: ["x-a", "x-c"] }, -3],
    [{ product: ["x-a", "x-b"] }, 40],
    [{ difference: ["x-b", "x-a"] }, -6],
    [{ ratio: ["x-a", "x-b"] }, 2.5],
    [{ any: ["x-on", "x-off"] }, 1],
    [{ any: ["x-off"] }, 0],
    [{ all: ["x-on", "x-off"] }, 0],
    [{ all: ["x-on"] }, 1],
    [{ count: ["x-on", "x-off", "x-on"] }, 2],
    [{ scale: { of: "x-a", factor: 1.5, offset: 1 } }, 16],
    [{ scale: { of: "x-a" } }, 10],
    [{ splice: { high: "x-b", low: "x-a" } }, 4 * 65_536 + 10],
    [{ select: { by: "x-mode", cases: { low: "x-a", high: "x-b" } } }, 4],
    // 60 L/min = 1 L/s, warmer by 1 K: the heat capacity of one litre.
    [{ heat: { flow: "x-a", warm: "x-a", cold: "x-b" } }, (10 / 60) * 6 * 4150],
    [{ heat: { flow: "x-a", warm: "x-a", cold: "x-b", capacityJPerLK: 3600 } }, 3600],
  ];
  for (const [line, expected] of cases) {
    it(`compute ${JSON.stringify(line)}`, () => {
      const profile = withDerived(line);
      const columns = columnsOf(profile, VALUES);
      deriveInto(profile, columns);
      assert.ok(Math.abs((columns.values[6] ?? 0) - expected) < 1e-9, String(columns.values[6]));
      assert.equal(columns.quality[6], GOOD);
    });
  }

  it("compute the dew point of air", () => {
    const profile = withDerived({ "dew-point": { temperature: "x-a", humidity: "x-b" } });
    // Pairs of a psychrometric table: 20 °C and 50 %, 30 °C and 80 %, saturated air.
    for (const [temperatureC, humidity, dewPointC] of [
      [20, 50, 9.3],
      [30, 80, 26.2],
      [25, 100, 25],
    ] as const) {
      const columns = columnsOf(profile, { 0: temperatureC, 1: humidity });
      deriveInto(profile, columns);
      assert.ok(Math.abs((columns.values[6] ?? 0) - dewPointC) < 0.1, String(columns.values[6]));
    }
  });

  it("have the quality of their worst input", () => {
    const profile = withDerived({ sum: ["x-a", "x-b"] });
    const columns = columnsOf(profile, VALUES);
    columns.quality[1] = qualityCode("stale");
    deriveInto(profile, columns);
    assert.equal(nameAt(columns, 6), "uncertain/stale");
    assert.equal(columns.values[6], 14);
    columns.quality[0] = qualityCode("sensor-fault");
    deriveInto(profile, columns);
    assert.equal(nameAt(columns, 6), "bad/sensor-fault");
    assert.ok(Number.isNaN(columns.values[6]));
  });

  it("name a better reason than never-read where there is one", () => {
    const profile = withDerived({ sum: ["x-a", "x-b"] });
    const columns = columnsOf(profile, { 2: 1 });
    columns.quality[1] = qualityCode("sensor-fault");
    deriveInto(profile, columns);
    assert.equal(nameAt(columns, 6), "bad/sensor-fault");
  });

  it("do not mind a bad case that is not selected", () => {
    const profile = withDerived({ select: { by: "x-mode", cases: { low: "x-a", high: "x-b" } } });
    const columns = columnsOf(profile, VALUES);
    columns.quality[0] = qualityCode("sensor-fault");
    deriveInto(profile, columns);
    assert.equal(columns.values[6], 4);
    columns.values[5] = 0;
    deriveInto(profile, columns);
    assert.equal(nameAt(columns, 6), "bad/sensor-fault");
    columns.values[5] = 2;
    deriveInto(profile, columns);
    assert.equal(nameAt(columns, 6), "bad/unknown-code");
  });

  it("are bad when they are no number", () => {
    const profile = withDerived({ ratio: ["x-a", "x-b"] });
    const columns = columnsOf(profile, { ...VALUES, 1: 0 });
    deriveInto(profile, columns);
    assert.equal(nameAt(columns, 6), "bad/out-of-range");
  });

  it("are computed behind those that they need, in any order of the file", () => {
    const profile = compiled({
      points: [...POINTS],
      derived: [
        { point: "x-twice", unit: "W", scale: { of: "x-total", factor: 2 } },
        { point: "x-total", unit: "W", sum: ["x-a", "x-b"] },
      ],
    });
    const columns = columnsOf(profile, VALUES);
    deriveInto(profile, columns);
    assert.deepEqual([columns.values[6], columns.values[7]], [28, 14]);
  });

  it("must not derive from one another", () => {
    const problems = problemsOf({
      points: [...POINTS],
      derived: [
        { point: "x-one", unit: "W", sum: ["x-two"] },
        { point: "x-two", unit: "W", sum: ["x-one"] },
      ],
    });
    assert.deepEqual(problems, ["these points derive from one another: x-one, x-two"]);
  });

  it("have exactly one operator", () => {
    const derived = [{ point: "x-one", unit: "W", sum: ["x-a"], mean: ["x-b"] }];
    assert.deepEqual(problemsOf({ points: [...POINTS], derived }), [
      '"x-one" needs exactly one operator',
    ]);
  });
});
