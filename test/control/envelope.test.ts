import { strict as assert } from "node:assert";
import * as fc from "fast-check";
import { pointIndex } from "../../src/domain/point.ts";
import { qualityCode } from "../../src/domain/quality.ts";
import { monotonicMs } from "../../src/domain/time.ts";
import {
  compileEnvelope,
  type EnvelopeRequest,
  fixedRange,
  inhibitAssets,
  judgeWrite,
  LONGEST_STEP_MS,
  LONGEST_WAY_MS,
  observeInterlocks,
  recordWrite,
} from "../../src/control/envelope.ts";
import type { EnvelopeEntry } from "../../src/control/plan.ts";
import { PointImage } from "../../src/points/image.ts";
import { chillerEntry } from "../support/plant-plan.ts";
import { readingOf } from "../support/plant-reading.ts";

const PUMP = pointIndex(0);
const FAN = pointIndex(1);
const REMOTE = pointIndex(2);
const RUNNING = pointIndex(3);
const UNLISTED = pointIndex(4);

function entry(rest: Partial<EnvelopeEntry> = {}): EnvelopeEntry {
  return {
    ...chillerEntry(),
    point: PUMP,
    min: 0,
    max: 100,
    minimumIntervalMs: 0,
    interlocks: [],
    shown: undefined,
    ...rest,
  };
}

function start(entries: readonly EnvelopeEntry[]) {
  const envelope = compileEnvelope(entries);
  const image = new PointImage(5);
  const judge = (value: number, now = 0, rest: Partial<EnvelopeRequest> = {}) => {
    const request = { point: PUMP, value, isProtective: false, ...rest };
    const verdict = judgeWrite(envelope, request, image.view, monotonicMs(now));
    return verdict.result === "allowed" ? [verdict.value, verdict.limitedBy] : verdict.reason;
  };
  const write = (value: number, now: number) => {
    recordWrite(envelope, PUMP, value, monotonicMs(now));
  };
  const read = (values: Readonly<Record<number, number>>, at: number, quality?: number) => {
    image.post(readingOf(values, quality === undefined ? { at } : { at, quality }));
    image.take();
  };
  return { envelope, image, judge, write, read };
}

describe("envelope", () => {
  it("has no way to write what has no entry", () => {
    assert.equal(start([]).judge(1), "read-only");
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

  it("limits the rate from the last write; a pause is no credit for a step", () => {
    const { judge, write } = start([entry({ rampPerS: 10 })]);
    assert.deepEqual(judge(80), [80, undefined]);
    write(50, 1_000);
    assert.deepEqual(judge(80, 2_000), [60, "rate"]);
    assert.deepEqual(judge(0, 1_500), [45, "rate"]);
    assert.deepEqual(judge(55, 2_000), [55, undefined]);
    assert.deepEqual(judge(0, 1_000, { isProtective: true }), [0, undefined], "a trip is at once");
    assert.equal(judge(80, 2_000, { mode: "refuse" }), "too-fast");
    assert.deepEqual(judge(80, 3_600_000), [60, "rate"], "an hour of rest");
  });

  it("counts the rate from what the device shows before the first write", () => {
    const shown = { point: PUMP, maxAgeMs: 500 };
    const { judge, read, write } = start([entry({ rampPerS: 10, shown })]);
    assert.equal(judge(80, 0), "value-unknown");
    assert.deepEqual(judge(0, 0, { isProtective: true }), [0, undefined]);
    read({ [PUMP]: 20 }, 1_000);
    assert.deepEqual(judge(80, 1_500), [30, "rate"]);
    assert.deepEqual(judge(25, 1_500), [25, undefined]);
    assert.equal(judge(25, 1_501), "value-unknown", "too old");
    read({ [PUMP]: 20 }, 2_000, qualityCode("stale"));
    assert.equal(judge(25, 2_000), "value-unknown");
    write(30, 2_000);
    assert.deepEqual(judge(80, 3_000), [40, "rate"], "then from what was written");
  });

  it("counts it from what the device does by itself where that is known", () => {
    const { judge, write } = start([entry({ rampPerS: 10 })]);
    assert.deepEqual(judge(80, 0, { from: 80 }), [80, undefined]);
    write(20, 0);
    assert.deepEqual(judge(80, 1_000, { from: 80 }), [80, undefined]);
    assert.deepEqual(judge(50, 1_000, { from: 80 }), [70, "rate"]);
  });

  it("keeps a time between two different values", () => {
    const { judge, write } = start([entry({ minimumIntervalMs: 300 })]);
    write(1, 1_000);
    assert.equal(judge(0, 1_299), "too-soon");
    assert.deepEqual(judge(1, 1_299), [1, undefined], "the same again is no start");
    assert.deepEqual(judge(0, 1_300), [0, undefined]);
    assert.deepEqual(judge(0, 1_001, { isProtective: true }), [0, undefined]);
  });

  it("keeps an interlock of a cyclic setpoint open over a lost poll, and no longer", () => {
    const condition = { point: RUNNING, when: { equals: 1 }, isActiveLow: false };
    const interlocks = [{ name: "remote", condition, maxAgeMs: 100 }];
    const { judge, read } = start([entry({ interlocks, confirm: "by-poll" })]);
    read({ [RUNNING]: 1 }, 1_000);
    assert.deepEqual(judge(1, 1_000), [1, undefined]);
    assert.deepEqual(judge(2, 1_400), [2, undefined], "held");
    assert.equal(judge(3, 1_401), "interlock-unknown");
    read({ [RUNNING]: 0 }, 1_402);
    assert.equal(judge(3, 1_402), "interlock", "a switch that was turned is seen at once");
    const once = start([entry({ interlocks, confirm: "read-back" })]);
    once.read({ [RUNNING]: 1 }, 1_000);
    assert.deepEqual(once.judge(1, 1_000), [1, undefined]);
    assert.equal(once.judge(2, 1_101), "interlock-unknown");
  });

  it("opens an interlock only on a fresh, good reading", () => {
    const condition = { point: RUNNING, when: { equals: 1 }, isActiveLow: false };
    const interlocks = [{ name: "running", condition, maxAgeMs: 100 }];
    const { judge, read } = start([entry({ interlocks })]);
    assert.equal(judge(1, 0), "interlock-unknown", "never read");
    read({ [RUNNING]: 1 }, 1_000);
    assert.deepEqual(judge(1, 1_100), [1, undefined]);
    assert.equal(judge(1, 1_101), "interlock-unknown", "too old");
    read({ [RUNNING]: 0 }, 2_000);
    assert.equal(judge(1, 2_000), "interlock");
    assert.deepEqual(judge(0, 2_000, { isProtective: true }), [0, undefined]);
    read({ [RUNNING]: 1 }, 3_000, qualityCode("stale"));
    assert.equal(judge(1, 3_000), "interlock-unknown", "uncertain");
  });

  it("does not take an interlock for open that was seen shut, when its next poll is lost", () => {
    const condition = { point: RUNNING, when: { equals: 1 }, isActiveLow: false };
    const interlocks = [{ name: "remote", condition, maxAgeMs: 100 }];
    const { envelope, judge, read, image } = start([entry({ interlocks, confirm: "by-poll" })]);
    const lost = qualityCode("no-communication");
    read({ [RUNNING]: 1 }, 1_000);
    assert.deepEqual(judge(1, 1_000), [1, undefined]);
    read({ [RUNNING]: 0 }, 1_050);
    assert.equal(judge(2, 1_050), "interlock");
    read({ [RUNNING]: Number.NaN }, 1_100, lost);
    assert.equal(judge(2, 1_100), "interlock-unknown");
    read({ [RUNNING]: 1 }, 1_150);
    assert.deepEqual(judge(2, 1_150), [2, undefined]);
    // Nothing is written for a moment, and the cycle looks all the same.
    read({ [RUNNING]: 0 }, 1_200);
    observeInterlocks(envelope, image.view, monotonicMs(1_200));
    read({ [RUNNING]: Number.NaN }, 1_250, lost);
    assert.equal(judge(2, 1_250), "interlock-unknown");
  });

  it("looks at every interlock, also behind one whose poll is lost", () => {
    const of = (point: typeof RUNNING, name: string) => ({
      name,
      condition: { point, when: { equals: 1 }, isActiveLow: false },
      maxAgeMs: 100,
    });
    const interlocks = [of(RUNNING, "running"), of(REMOTE, "remote")];
    const { judge, read } = start([entry({ interlocks, confirm: "by-poll" })]);
    read({ [RUNNING]: 1, [REMOTE]: 1 }, 1_000);
    assert.deepEqual(judge(1, 1_000), [1, undefined]);
    read({ [REMOTE]: 0 }, 1_150);
    assert.equal(judge(2, 1_150), "interlock", "the first one is only too old");
  });

  describe("with points that exclude each other", () => {
    const other = (point: typeof PUMP) => ({
      name: "the other",
      point,
      shown: { point, maxAgeMs: 1_000 },
      settleMs: 200,
    });
    const pair = () => {
      const made = start([
        entry({ excludes: [other(FAN)] }),
        entry({ point: FAN, pointName: "fan", excludes: [other(PUMP)] }),
      ]);
      const { envelope, judge } = made;
      const pump = (value: number, now: number) => judge(value, now);
      const fan = (value: number, now: number) => judge(value, now, { point: FAN });
      const wrote = (point: typeof PUMP, value: number, now: number) => {
        recordWrite(envelope, point, value, monotonicMs(now));
      };
      return { ...made, pump, fan, wrote };
    };
    const allowed = (value: number) => [value, undefined];

    it("lets one of them go while the other is seen at rest, whichever is first", () => {
      for (const first of ["pump", "fan"] as const) {
        const { read, pump, fan, wrote } = pair();
        read({ [PUMP]: 0, [FAN]: 0 }, 1_000);
        const one = first === "pump" ? pump : fan;
        const two = first === "pump" ? fan : pump;
        assert.deepEqual(one(50, 1_000), allowed(50));
        wrote(first === "pump" ? PUMP : FAN, 50, 1_000);
        assert.equal(two(50, 1_000), "excluded", "in the same cycle: it is under way");
        assert.deepEqual(one(60, 1_500), allowed(60));
        assert.deepEqual(two(0, 1_000), allowed(0), "to rest is in nobody's way");
        read({ [PUMP]: 0, [FAN]: 0 }, 1_300);
        assert.equal(two(50, 1_300), "excluded", "not shown yet, and may still come");
        read({ [PUMP]: 50, [FAN]: 50 }, 1_400);
        assert.equal(two(50, 1_400), "excluded", "shown");
      }
    });

    it("waits after a write to rest until a reading from behind it shows rest", () => {
      const { read, fan, wrote } = pair();
      wrote(PUMP, 50, 1_000);
      read({ [PUMP]: 50, [FAN]: 0 }, 1_500);
      wrote(PUMP, 0, 1_600);
      assert.equal(fan(50, 1_600), "excluded", "the last reading shows it in force");
      read({ [PUMP]: 0 }, 1_700);
      assert.equal(fan(50, 1_700), "exclusion-unknown", "it may be from before the write");
      read({ [PUMP]: 0 }, 1_800);
      assert.deepEqual(fan(50, 1_800), allowed(50));
    });

    it("gives up a write that no reading shows after the longest way", () => {
      const { read, fan, wrote } = pair();
      wrote(PUMP, 50, 1_000);
      const lateMs = 1_000 + 200 + LONGEST_WAY_MS;
      read({ [PUMP]: 0 }, lateMs - 1);
      assert.equal(fan(50, lateMs - 1), "excluded");
      read({ [PUMP]: 0 }, lateMs);
      assert.deepEqual(fan(50, lateMs), allowed(50));
    });

    it("refuses while the other cannot be read, and only then protection goes first", () => {
      const { read, fan, judge } = pair();
      assert.equal(fan(50, 1_000), "exclusion-unknown", "never read");
      read({ [PUMP]: 0 }, 1_000, qualityCode("stale"));
      assert.equal(fan(50, 1_000), "exclusion-unknown");
      read({ [PUMP]: 0 }, 2_000);
      assert.equal(fan(50, 3_001), "exclusion-unknown", "too old");
      assert.deepEqual(judge(50, 3_001, { point: FAN, isProtective: true }), allowed(50));
    });

    it("knows nothing of what was written before its time: it waits for a reading from after", () => {
      const entries = [entry({ excludes: [other(FAN)] }), entry({ point: FAN })];
      const envelope = compileEnvelope(entries, 1_000);
      const image = new PointImage(6);
      const pump = (now: number) =>
        judgeWrite(
          envelope,
          { point: PUMP, value: 50, isProtective: false },
          image.view,
          monotonicMs(now),
        ).result;
      image.post(readingOf({ [FAN]: 0 }, { at: 1_199 }));
      image.take();
      assert.equal(pump(1_199), "refused");
      image.post(readingOf({ [FAN]: 0 }, { at: 1_200 }));
      image.take();
      assert.equal(pump(1_200), "allowed");
    });
  });

  it("leaves a stopped asset to protection", () => {
    const { envelope, judge } = start([entry()]);
    inhibitAssets(envelope, new Set(["chiller-1"]));
    assert.equal(judge(50), "tripped");
    assert.deepEqual(judge(0, 0, { isProtective: true }), [0, undefined]);
    inhibitAssets(envelope, new Set(["another"]));
    assert.deepEqual(judge(50), [50, undefined]);
  });

  it("states the range of a setpoint", () => {
    const { envelope } = start([entry()]);
    assert.deepEqual(fixedRange(envelope, PUMP), { min: 0, max: 100, mode: "clamp" });
    assert.equal(fixedRange(envelope, UNLISTED), undefined);
  });

  it("has no escape: any sequence of writes stays in range, rate and interval", () => {
    const request = fc.record({
      value: fc.double({ min: -500, max: 500 }),
      waitMs: fc.integer({ min: 0, max: 4_000 }),
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
            const countedMs = Math.min(now - last.at, LONGEST_STEP_MS);
            assert.ok(Math.abs(written - last.value) <= (20 * countedMs) / 1_000 + 1e-9);
          }
          write(written, now);
          last = { value: written, at: now };
        }
      }),
    );
  });
});
