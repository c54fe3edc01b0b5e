import assert from "node:assert/strict";
import { GOOD, qualityCode, qualityName } from "../../src/domain/quality.ts";
import {
  decodeBit,
  decodePoint,
  exponentFrom,
  finishPoint,
  needsFinish,
  slotOf,
} from "../../src/profiles/decode.ts";
import type { PointLine } from "../../src/profiles/schema-point.ts";
import { columnsOf, compiled, decoded, nameAt, pointWith, viewOfWords } from "./builders.ts";

const name = (result: { readonly quality: number }): string => qualityName(result.quality);

describe("decoding a point", () => {
  it("gives the canonical value: raw · scale · 10^sf + offset, then unit and sign", () => {
    const cases: readonly (readonly [Partial<PointLine>, readonly number[], number])[] = [
      [{ type: "int16" }, [0xff06], -250],
      [{ type: "int16", scale: 0.1 }, [421], 42.1],
      [{ type: "int16", scale: 0.1 }, [0xffff], -0.1],
      [{ type: "uint16", scale: 0.12 }, [30_116], 3613.92],
      [{ type: "uint16", scale: 0.0625 }, [0x0180], 24],
      [{ type: "uint16", offset: -40 }, [100], 60],
      [{ type: "int16", unit: "kW" }, [12], 12_000],
      [{ type: "int16", scale: 0.1, unit: "degF" }, [446], 7],
      [{ type: "int16", sign: "inverted" }, [250], -250],
      [{ type: "int16", offset: 10, sign: "inverted" }, [250], -260],
      [{ type: "float32" }, [0x47f1, 0x2065], 123_456.789_062_5],
      [{ type: "uint32", order: "CDAB" }, [0xe240, 0x0001], 123_456],
      [{ type: "int16", sf: { exponent: 3 } }, [5], 5000],
      [{ type: "int16", sf: { at: "holding 9" } }, [250, 1], 2500],
      [{ type: "int16", sf: { at: "holding 9" } }, [5000, 0xfffe], 50],
      [{ type: "uint16", slice: [4, 4] }, [0x00a0], 10],
      [{ type: "uint16", slice: [4, 4], signed: true }, [0x00a0], -6],
      [
        {
          type: "uint16",
          curve: [
            [120, 0],
            [170, 1],
            [850, 100],
          ],
        },
        [510],
        50.5,
      ],
      [
        {
          type: "uint16",
          curve: [
            [120, 0],
            [170, 1],
            [850, 100],
          ],
        },
        [60],
        0,
      ],
      [
        {
          type: "uint16",
          curve: [
            [120, 0],
            [170, 1],
            [850, 100],
          ],
        },
        [900],
        100,
      ],
      [
        {
          type: "uint16",
          curve: [
            [0, 100],
            [1000, 0],
          ],
        },
        [250],
        75,
      ],
    ];
    for (const [line, words, expected] of cases) {
      const result = decoded(pointWith(line), words);
      assert.equal(name(result), "good", JSON.stringify(line));
      assert.ok(
        Math.abs(result.value - expected) < 1e-9,
        `${JSON.stringify(line)}: ${result.value}`,
      );
    }
  });

  it("gives a decimal scale its nearest double", () => {
    const point = pointWith({ type: "int16", scale: 0.1 });
    for (let raw = 0; raw < 2000; raw += 1) assert.equal(decoded(point, [raw]).value, raw / 10);
  });

  it("turns an absent pattern into its reason", () => {
    const faulty = pointWith({ type: "int16", absent: { FE6C: "sensor-fault" } });
    assert.equal(name(decoded(faulty, [0xfe6c])), "bad/sensor-fault");
    assert.ok(Number.isNaN(decoded(faulty, [0xfe6c]).value));
    assert.equal(name(decoded(faulty, [0xfe6d])), "good");
    const swapped = pointWith({ type: "int32", order: "CDAB", absent: ["80000000"] });
    assert.equal(name(decoded(swapped, [0x0000, 0x8000])), "bad/not-available-pattern");
    assert.equal(name(decoded(swapped, [0x8000, 0x0000])), "good");
    const long = pointWith({ type: "uint64", absent: "sunspec" });
    assert.equal(name(decoded(long, [65535, 65535, 65535, 65535])), "bad/not-available-pattern");
    assert.equal(name(decoded(long, [65535, 65535, 65535, 65534])), "good");
    const float = pointWith({ type: "float32", absent: { "7F800000": "over-range" } });
    assert.equal(name(decoded(float, [0x7f80, 0])), "bad/over-range");
    const sliced = pointWith({ type: "uint16", slice: [0, 4], absent: ["FFFF"] });
    assert.equal(name(decoded(sliced, [0xffff])), "bad/not-available-pattern");
    assert.equal(name(decoded(sliced, [0x000f])), "good");
  });

  it("never takes NaN, infinity or a broken pattern for a value", () => {
    const float = pointWith({ type: "float32" });
    assert.equal(name(decoded(float, [0x7fc0, 0x0001])), "bad/not-available-pattern");
    assert.equal(name(decoded(float, [0x7f80, 0x0000])), "bad/out-of-range");
    assert.equal(name(decoded(float, [0xff80, 0x0000])), "bad/out-of-range");
    assert.equal(name(decoded(pointWith({ type: "bcd16" }), [0x123a])), "bad/malformed");
  });

  it("is bad while the scale factor is absent or no power of ten", () => {
    const point = pointWith({ type: "int16", sf: { at: "holding 9" } });
    assert.equal(name(decoded(point, [250, 0x8000])), "bad/not-available-pattern");
    assert.equal(name(decoded(point, [250, 11])), "bad/not-available-pattern");
    assert.equal(name(decoded(point, [250, 10])), "good");
  });

  it("keeps the last scale factor in its slot, for writes and for static ones", () => {
    const point = pointWith({ type: "int16", sf: { at: "holding 9" } });
    const slot = slotOf(point, 0, 2);
    assert.ok(Number.isNaN(slot.exponent));
    const columns = columnsOf({ points: [point] });
    decodePoint(slot, viewOfWords([1, 3]), columns, 0);
    assert.equal(slot.exponent, 3);
    const fixed = slotOf(
      pointWith({ type: "int16", sf: { at: "holding 9", static: true } }),
      0,
      undefined,
    );
    decodePoint(fixed, viewOfWords([1]), columns, 0);
    assert.equal(nameAt(columns, 0), "bad/not-available-pattern");
    fixed.exponent = -1;
    decodePoint(fixed, viewOfWords([1]), columns, 0);
    assert.equal(columns.values[0], 0.1);
    assert.equal(exponentFrom(viewOfWords([0xfffe]), 0), -2);
  });

  it("checks the plausible range, narrowed by the device's limits", () => {
    const canonical = pointWith({ point: "state-of-charge", type: "uint16", unit: "%" });
    assert.equal(name(decoded(canonical, [100])), "good");
    assert.equal(name(decoded(canonical, [101])), "bad/out-of-range");
    const limited = pointWith({
      point: "state-of-charge",
      type: "uint16",
      unit: "%",
      limits: [10, 95],
    });
    assert.equal(name(decoded(limited, [9])), "bad/out-of-range");
    assert.equal(name(decoded(limited, [10])), "good");
    assert.equal(name(decoded(limited, [96])), "bad/out-of-range");
  });

  it("reads states by their code, and says when it does not know one", () => {
    const state = pointWith({
      point: "operating-state",
      type: "uint16",
      values: { "0": "off", "7": "running" },
    });
    const running = state.texts?.indexOf("running");
    assert.equal(decoded(state, [7]).value, running);
    const unknown = decoded(state, [3]);
    assert.equal(name(unknown), "bad/unknown-code");
    assert.ok(Number.isNaN(unknown.value));
    assert.equal(unknown.text, "3");
  });

  it("uses the text that stands for all other codes", () => {
    const state = pointWith({ type: "uint16", values: { "1": "open" }, else: "other" });
    assert.deepEqual(state.texts, ["open", "other"]);
    assert.equal(decoded(state, [9]).value, 1);
    assert.equal(name(decoded(state, [9])), "good");
  });

  it("forgets the text of an unknown code when the next one is known", () => {
    const point = pointWith({ type: "uint16", values: { "1": "open", "2": "closed" } });
    const columns = columnsOf({ points: [point] });
    const slot = slotOf(point, 0, undefined);
    decodePoint(slot, viewOfWords([5]), columns, 0);
    assert.equal(columns.texts.get(0), "5");
    decodePoint(slot, viewOfWords([2]), columns, 0);
    assert.equal(columns.texts.get(0), undefined);
    assert.equal(columns.values[0], 1);
  });

  it("reads flags from registers and bits, upright or inverted", () => {
    assert.equal(decoded(pointWith({ type: "bool" }), [4]).value, 1);
    assert.equal(decoded(pointWith({ type: "bool", active: "low" }), [4]).value, 0);
    const bit = pointWith({ type: "uint16", slice: [6, 1] }, {});
    assert.equal(decoded(bit, [0x40]).value, 1);
    assert.equal(decoded(bit, [0xbf]).value, 0);
    const inverted = pointWith({
      point: "leak-detected",
      type: "uint16",
      slice: [6, 1],
      active: "low",
    });
    assert.equal(decoded(inverted, [0x40]).value, 0);
    assert.equal(decoded(inverted, [0xbf]).value, 1);
    const word = pointWith({ point: "leak-detected", type: "uint16" });
    assert.deepEqual(
      [0, 1, 7].map((raw) => decoded(word, [raw]).value),
      [0, 1, 1],
    );
    const coil = pointWith({ at: "discrete 7", type: "bool" });
    const columns = columnsOf({ points: [coil] });
    decodeBit(coil, 1, columns, 0);
    assert.equal(columns.values[0], 1);
    assert.equal(columns.quality[0], GOOD);
    decodeBit(pointWith({ at: "discrete 7", active: "low" }), 1, columns, 0);
    assert.equal(columns.values[0], 0);
    const broken = pointWith({ at: "discrete 7", type: "bool", absent: { "1": "sensor-fault" } });
    decodeBit(broken, 1, columns, 0);
    assert.equal(nameAt(columns, 0), "bad/sensor-fault");
  });

  it("reads bit fields of one to three registers as one number", () => {
    assert.equal(decoded(pointWith({ type: "bits" }), [0x8001]).value, 0x8001);
    assert.equal(decoded(pointWith({ type: "bits", length: 3 }), [1, 0, 2]).value, 2 ** 32 + 2);
  });

  it("puts texts beside the columns", () => {
    const point = pointWith({ type: "string", length: 2 });
    const result = decoded(point, [0x5550, 0x5300]);
    assert.deepEqual([result.text, result.quality], ["UPS", GOOD]);
    assert.ok(Number.isNaN(result.value));
    const absent = pointWith({ type: "string", length: 2, absent: "sunspec" });
    assert.equal(name(decoded(absent, [0, 0])), "bad/not-available-pattern");
  });

  it("keeps the digits of unscaled 64-bit integers", () => {
    const point = pointWith({ type: "uint64", unit: "Wh" });
    const words = [0x0020, 0, 0, 1];
    assert.equal(decoded(point, words).text, "9007199254740993");
    assert.equal(decoded(point, [0, 0, 0, 1]).text, undefined);
    assert.equal(decoded(pointWith({ type: "uint64", unit: "kWh" }), words).text, undefined);
  });
});

describe("points that need another point", () => {
  const profile = compiled({
    points: [
      { point: "discharge-power-rating", at: "holding 1", type: "uint16", unit: "kW", group: "g" },
      {
        point: "active-power",
        at: "holding 0",
        type: "int16",
        scale: 0.1,
        unit: "%",
        percentOf: "discharge-power-rating",
        absentWhen: { point: "x-sensor", equals: "none" },
        group: "g",
      },
      {
        point: "x-sensor",
        at: "holding 2",
        type: "uint16",
        values: { "0": "none", "1": "fitted" },
        group: "g",
      },
    ],
  });
  const [, power] = profile.points;

  it("are finished with the value of the rating", () => {
    const columns = columnsOf(profile, { 0: 50_000, 2: 1 });
    decodePoint(slotOf(power!, 0, undefined), viewOfWords([0xff38]), columns, 1);
    assert.ok(needsFinish(power!));
    finishPoint(power!, columns);
    assert.equal(columns.values[1], -10_000);
    assert.equal(columns.quality[1], GOOD);
  });

  it("are bad while the rating is", () => {
    const columns = columnsOf(profile, { 2: 1 });
    decodePoint(slotOf(power!, 0, undefined), viewOfWords([500]), columns, 1);
    finishPoint(power!, columns);
    assert.equal(nameAt(columns, 1), "bad/input-bad");
  });

  it("inherit the doubt about the rating", () => {
    const columns = columnsOf(profile, { 0: 50_000, 2: 1 });
    columns.quality[0] = qualityCode("stale");
    decodePoint(slotOf(power!, 0, undefined), viewOfWords([500]), columns, 1);
    finishPoint(power!, columns);
    assert.equal(nameAt(columns, 1), "uncertain/stale");
  });

  it("are checked against the range of the finished value", () => {
    const columns = columnsOf(profile, { 0: 1e9, 2: 1 });
    decodePoint(slotOf(power!, 0, undefined), viewOfWords([30_000]), columns, 1);
    assert.equal(columns.quality[1], GOOD);
    finishPoint(power!, columns);
    assert.equal(nameAt(columns, 1), "bad/out-of-range");
  });

  it("are absent while the other register says so", () => {
    const columns = columnsOf(profile, { 0: 50_000, 2: 0 });
    decodePoint(slotOf(power!, 0, undefined), viewOfWords([500]), columns, 1);
    finishPoint(power!, columns);
    assert.equal(nameAt(columns, 1), "bad/not-available-pattern");
  });

  it("leave other points alone", () => {
    const [rating] = profile.points;
    const columns = columnsOf(profile, { 0: 50_000 });
    assert.ok(!needsFinish(rating!));
    finishPoint(rating!, columns);
    assert.equal(columns.values[0], 50_000);
  });
});
