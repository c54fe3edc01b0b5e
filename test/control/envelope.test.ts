import { strict as assert } from "node:assert";
import * as fc from "fast-check";
import { pointIndex } from "../../src/domain/point.ts";
import { qualityCode } from "../../src/domain/quality.ts";
import { monotonicMs } from "../../src/domain/time.ts";
import {
  compileEnvelope,
  type EnvelopeRequest,
  fixedRange,
  judgeWrite,
  recordWrite,
} from "../../src/control/envelope.ts";
import type { EnvelopeEntry, ExclusionPlan } from "../../src/control/plan.ts";
import { PointImage } from "../../src/points/image.ts";
import { chillerEntry } from "../support/plant-plan.ts";
import { readingOf } from "../support/plant-reading.ts";

const PUMP = pointIndex(0);
const HEATER = pointIndex(1);
const LIMIT = pointIndex(2);
const RUNNING = pointIndex(3);
const UNLISTED = pointIndex(4);

function entry(rest: Partial<EnvelopeEntry> = {}): EnvelopeEntry {
  return {
    ...chillerEntry(),
    point: PUMP,
    min: { kind: "fixed", value: 0 },
    max: { kind: "fixed", value: 100 },
    minimumIntervalMs: 0,
    interlocks: [],
    ...rest,
  };
}

function start(entries: readonly EnvelopeEntry[], exclusions: readonly ExclusionPlan[] = []) {
  const envelope = compileEnvelope(entries, exclusions);
  const image = new PointImage(5);
  const judge = (value: number, now = 0, rest: Partial<EnvelopeRequest> = {}) => {
    const request = { point: PUMP, value, isProtective: false, ...rest };
    const verdict = judgeWrite(envelope, request, image.view, monotonicMs(now));
    return verdict.result === "allowed" ? [verdict.value, verdict.limitedBy] : verdict.reason;
  };
  const write = (value: number, now: number, point = PUMP) => {
    recordWrite(envelope, point, value, monotonicMs(now));
  };
  const read = (values: Readonly<Record<number, number>>, at: number, quality?: number) => {
    image.post(readingOf(values, quality === undefined ? { at } : { at, quality }));
    image.take();
  };
  return { envelope, judge, write, read };
}

describe("envelope", () => {
  it("has no way to write what has no entry, or only watches", () => {
    assert.equal(start([]).judge(1), "read-only");
    assert.equal(start([entry({ isReadOnly: true })]).judge(1), "read-only");
    assert.equal(
      start([entry()]).judge(1, 0, { point: UNLISTED, isProtective: true }),
      "read-only",
    );
  });

  it("clamps to its range or refuses, as it is configured", () => {
    const clamping = start([entry()]);
    assert.deepEqual(clamping.judge(50), [50, undefined]);
    assert.deepEqual(clamping.judge(150), [100, "range"]);
    assert.deepEqual(clamping.judge(-1), [0, "range"]);
    const refusing = start([entry({ mode: "refuse" })]);
    assert.equal(refusing.judge(150), "out-of-envelope");
    assert.deepEqual(refusing.judge(50), [50, undefined]);
    assert.deepEqual(refusing.judge(150, 0, { mode: "clamp" }), [100, "range"]);
    assert.deepEqual(refusing.judge(-5, 0, { isProtective: true }), [0, "range"]);
  });

  it("writes numbers only", () => {
    for (const value of [Number.NaN, Infinity, -Infinity])
      assert.equal(start([entry()]).judge(value), "not-a-number");
  });

  it("limits the rate from the last write, and never the first", () => {
    const { judge, write } = start([entry({ rampPerS: 10 })]);
    assert.deepEqual(judge(80), [80, undefined]);
    write(50, 1_000);
    assert.deepEqual(judge(80, 2_000), [60, "rate"]);
    assert.deepEqual(judge(0, 1_500), [45, "rate"]);
    assert.deepEqual(judge(55, 2_000), [55, undefined]);
    assert.deepEqual(judge(0, 1_000, { isProtective: true }), [0, undefined], "a trip is at once");
    assert.equal(judge(80, 2_000, { mode: "refuse" }), "too-fast");
  });

  it("keeps a time between two different values", () => {
    const { judge, write } = start([entry({ minimumIntervalMs: 300 })]);
    write(1, 1_000);
    assert.equal(judge(0, 1_299), "too-soon");
    assert.deepEqual(judge(1, 1_299), [1, undefined], "the same again is no start");
    assert.deepEqual(judge(0, 1_300), [0, undefined]);
    assert.deepEqual(judge(0, 1_001, { isProtective: true }), [0, undefined]);
  });

  it("opens an interlock only on a fresh, good reading", () => {
    const condition = { point: RUNNING, when: { equals: 1 }, isActiveLow: false };
    const interlocks = [{ name: "running", condition, maxAgeMs: 100 }];
    const { judge, read } = start([entry({ interlocks })]);
    assert.equal(judge(1, 0), "interlock", "never read");
    read({ [RUNNING]: 1 }, 1_000);
    assert.deepEqual(judge(1, 1_100), [1, undefined]);
    assert.equal(judge(1, 1_101), "interlock", "too old");
    read({ [RUNNING]: 0 }, 2_000);
    assert.equal(judge(1, 2_000), "interlock");
    assert.deepEqual(judge(0, 2_000, { isProtective: true }), [0, undefined]);
    read({ [RUNNING]: 1 }, 3_000, qualityCode("stale"));
    assert.equal(judge(1, 3_000), "interlock", "uncertain");
  });

  it("follows a limit in another point, keeps its last value, and waits for its first", () => {
    const max = { kind: "point", input: { point: LIMIT, maxAgeMs: 100 }, sign: 1 } as const;
    const min = { kind: "point", input: { point: LIMIT, maxAgeMs: 100 }, sign: -1 } as const;
    const { judge, read, envelope } = start([entry({ min, max })]);
    assert.equal(judge(5, 0), "limit-unknown");
    assert.deepEqual(judge(0, 0, { isProtective: true }), [0, undefined]);
    read({ [LIMIT]: 40 }, 0);
    assert.deepEqual(judge(50, 50), [40, "range"]);
    assert.deepEqual(judge(-50, 50), [-40, "range"]);
    assert.deepEqual(judge(50, 500), [40, "range"], "the last one known");
    assert.deepEqual(fixedRange(envelope, PUMP), { min: -Infinity, max: Infinity, mode: "clamp" });
  });

  it("lets at most one of excluding points be in use", () => {
    const exclusions = [{ name: "one of two", points: [PUMP, HEATER] }];
    const { judge, read, write } = start([entry(), entry({ point: HEATER })], exclusions);
    assert.equal(judge(1), "excluded", "nobody knows whether the other is in use");
    assert.deepEqual(judge(0), [0, undefined]);
    read({ [HEATER]: 3 }, 0);
    assert.equal(judge(1), "excluded");
    read({ [HEATER]: 0 }, 1);
    assert.deepEqual(judge(1), [1, undefined]);
    write(5, 0, HEATER);
    assert.equal(judge(1), "excluded", "what was written counts before what is read");
    write(0, 0, HEATER);
    assert.deepEqual(judge(1), [1, undefined]);
  });

  it("excludes also what it cannot write itself", () => {
    const exclusions = [{ name: "one of two", points: [PUMP, HEATER] }];
    const { judge, read, write } = start([entry()], exclusions);
    write(5, 0, HEATER);
    read({ [HEATER]: 3 }, 0);
    assert.equal(judge(1), "excluded");
  });

  it("states the range of a setpoint", () => {
    const { envelope } = start([entry()]);
    assert.deepEqual(fixedRange(envelope, PUMP), { min: 0, max: 100, mode: "clamp" });
    assert.equal(fixedRange(envelope, UNLISTED), undefined);
    assert.equal(fixedRange(start([entry({ isReadOnly: true })]).envelope, PUMP), undefined);
  });

  it("has no escape: any sequence of writes stays in range, rate and interval", () => {
    const request = fc.record({
      value: fc.double({ min: -500, max: 500 }),
      waitMs: fc.integer({ min: 0, max: 400 }),
    });
    fc.assert(
      fc.property(fc.array(request, { maxLength: 40 }), (requests) => {
        const { judge, write } = start([entry({ rampPerS: 20, minimumIntervalMs: 100 })]);
        let now = 0;
        let last: { value: number; at: number } | undefined;
        for (const { value, waitMs } of requests) {
          now += waitMs;
          const verdict = judge(value, now);
          if (typeof verdict === "string") continue;
          const written = verdict[0] as number;
          assert.ok(written >= 0 && written <= 100);
          if (last !== undefined && written !== last.value) {
            assert.ok(now - last.at >= 100);
            assert.ok(Math.abs(written - last.value) <= (20 * (now - last.at)) / 1_000 + 1e-9);
          }
          write(written, now);
          last = { value: written, at: now };
        }
      }),
    );
  });
});
