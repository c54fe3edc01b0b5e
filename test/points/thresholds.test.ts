import { strict as assert } from "node:assert";
import * as fc from "fast-check";
import type { PlantEvent } from "../../src/domain/event.ts";
import { pointIndex } from "../../src/domain/point.ts";
import { GOOD, qualityCode } from "../../src/domain/quality.ts";
import { monotonicMs, utcMs } from "../../src/domain/time.ts";
import { type Threshold, ThresholdWatch } from "../../src/points/thresholds.ts";

const HOT: Threshold = {
  id: "supply-hot",
  device: "cdu-3",
  text: "too hot",
  points: [pointIndex(0)],
  pointName: "supply",
  side: "above",
  takes: "any",
  levels: [
    { severity: "warning", limit: 42 },
    { severity: "critical", limit: 45 },
  ],
  hysteresis: 1,
  onDelayMs: 2_000,
  offDelayMs: 3_000,
  only: undefined,
  unless: undefined,
  others: [],
};
const STALE = qualityCode("stale");
const LOST = qualityCode("no-communication");

interface Sample {
  readonly values: readonly number[];
  readonly quality?: number;
}

/** Samples a second apart; what was told at each second. */
function told(threshold: Threshold, samples: readonly (Sample | number)[]): string[] {
  const watch = new ThresholdWatch([threshold], 4);
  const seen: string[] = [];
  for (const [second, sample] of samples.entries()) {
    const { values, quality = GOOD } = typeof sample === "number" ? { values: [sample] } : sample;
    const events: PlantEvent[] = [];
    watch.apply(
      {
        points: Uint32Array.from(values.keys()),
        values: Float64Array.from(values),
        quality: new Uint8Array(values.length).fill(quality),
        sourceTimes: undefined,
        texts: undefined,
        receivedAt: monotonicMs(second * 1_000),
        receivedUtc: utcMs(second * 1_000),
      },
      events,
    );
    for (const { phase, severity } of events) seen.push(`${second} ${phase} ${severity}`);
  }
  return seen;
}

describe("thresholds", () => {
  const cases: readonly (readonly [string, readonly (Sample | number)[], readonly string[]])[] = [
    ["nothing at the limit itself", [42, 42, 42, 42], []],
    ["raised when it lasts", [43, 43, 43, 43], ["2 raised warning"]],
    ["not raised by a peak", [43, 43, 41, 43, 43, 41], []],
    [
      "raised although it swings about the graver limit",
      [44.5, 45.5, 44.5, 45.5, 44.5],
      ["2 raised warning"],
    ],
    [
      "raised although every second sample is lost",
      [43, { values: [0], quality: LOST }, 43, { values: [0], quality: LOST }],
      ["2 raised warning"],
    ],
    ["graver, told again", [43, 43, 43, 46, 46, 46], ["2 raised warning", "5 raised critical"]],
    ["grave at once", [46, 46, 46], ["2 raised critical"]],
    [
      "over only well inside, and after a while",
      [43, 43, 43, 41.5, 41.5, 41.5, 41.5, 40, 40, 40, 40],
      ["2 raised warning", "10 cleared warning"],
    ],
    [
      "not over by a bad or uncertain value",
      [43, 43, 43, ...[LOST, STALE, LOST].map((quality) => ({ values: [30], quality }))],
      ["2 raised warning"],
    ],
    [
      "not raised by an uncertain value",
      [STALE, STALE, STALE, STALE].map((quality) => ({ values: [50], quality })),
      [],
    ],
  ];
  for (const [name, samples, wanted] of cases)
    it(name, () => {
      assert.deepEqual(told(HOT, samples), wanted);
    });

  it("takes one of many, and leaves it when all are out", () => {
    const flow: Threshold = {
      ...HOT,
      id: "no-flow",
      side: "below",
      levels: [{ severity: "warning", limit: 20 }],
      hysteresis: 20,
      onDelayMs: 0,
      offDelayMs: 0,
      others: [pointIndex(1), pointIndex(2)],
    };
    const samples = [
      [900, 900, 900],
      [0, 900, 900],
      [0, 0, 0],
      [0, 900, 900],
      [30, 900, 900],
      [50, 900, 900],
    ].map((values) => ({ values }));
    assert.deepEqual(told(flow, samples), ["1 raised warning", "5 cleared warning"]);
    assert.deepEqual(told(flow, [{ values: [900, 900, 900] }, { values: [0, 0, 0] }]), []);
    const unfitted = [0, 1, 2].map(() => ({ values: [0, 900, 900] }));
    assert.deepEqual(told(flow, unfitted), [], "an input that nothing is fitted to");
  });

  it("takes all of several, and judges only while it should", () => {
    const dead: Threshold = {
      ...HOT,
      points: [pointIndex(0), pointIndex(1)],
      side: "below",
      takes: "all",
      levels: [{ severity: "critical", limit: 100 }],
      hysteresis: 900,
      onDelayMs: 0,
      offDelayMs: 0,
      only: { point: pointIndex(2), equals: 1 },
    };
    const samples = [
      [0, 1_000, 1],
      [0, 0, 0],
      [0, 0, 1],
      [500, 999, 1],
      [0, 1_001, 1],
      [0, 0, 1],
      [0, 0, 0],
    ].map((values) => ({ values }));
    assert.deepEqual(told(dead, samples), [
      "2 raised critical",
      "4 cleared critical",
      "5 raised critical",
      "6 cleared critical",
    ]);
  });

  it("is not judged, and over, while somebody has stopped the unit", () => {
    const stopped: Threshold = {
      ...HOT,
      onDelayMs: 0,
      unless: { point: pointIndex(1), equals: 0 },
    };
    const samples = [
      [50, 0],
      [50, 80],
      [50, 0],
    ].map((values) => ({ values }));
    assert.deepEqual(told(stopped, samples), ["1 raised critical", "2 cleared critical"]);
  });

  it("never raises one level twice without an end, whatever comes", () => {
    const sample = fc.record({
      values: fc.tuple(fc.double({ min: 30, max: 60, noNaN: true })),
      quality: fc.constantFrom(GOOD, GOOD, GOOD, STALE, LOST),
    });
    fc.assert(
      fc.property(fc.array(sample, { maxLength: 60 }), (samples) => {
        let level = 0;
        for (const line of told(HOT, samples)) {
          const [, phase, severity] = line.split(" ");
          const next = phase === "cleared" ? 0 : severity === "critical" ? 2 : 1;
          assert.ok(next === 0 ? level > 0 : next > level, line);
          level = next;
        }
      }),
    );
  });
});
