import assert from "node:assert/strict";
import fc from "fast-check";
import { GOOD } from "../../src/domain/quality.ts";
import { finishPoint } from "../../src/profiles/decode.ts";
import {
  encodePoint,
  encodeScaleFactor,
  encodeWrite,
  interlockHolds,
} from "../../src/profiles/encode.ts";
import type { PointLine, WriteSection } from "../../src/profiles/schema-point.ts";
import { WIRE_TYPES } from "../../src/profiles/schema-point.ts";
import { rawLimits } from "../../src/profiles/conversion.ts";
import { columnsOf, compiled, decoded, pointWith } from "./builders.ts";

const WRITE: WriteSection = {
  range: [-1e12, 1e12],
  readBack: { withinMs: 100, tolerance: 1 },
  danger: "power",
};

const NUMBER_TYPES = WIRE_TYPES.filter(
  (type) => !["string", "bool", "bits", "sunssf"].includes(type),
);

function written(line: Partial<PointLine>, value: number, exponent = 0): unknown {
  const point = pointWith({ write: WRITE, ...line });
  return encodeWrite(point, value, columnsOf({ points: [point] }), exponent);
}

function wordsOf(line: Partial<PointLine>, value: number, exponent = 0): unknown {
  const result = written(line, value, exponent);
  assert.ok(typeof result === "object" && result !== null);
  return "registers" in result ? result.registers : result;
}

describe("encoding a setpoint", () => {
  it("is the inverse of decoding", () => {
    const cases: readonly (readonly [Partial<PointLine>, number, readonly number[]])[] = [
      [{ type: "int16" }, -250, [0xff06]],
      [{ type: "int16", scale: 0.1 }, 45.5, [455]],
      [{ type: "int16", unit: "kW" }, 12_000, [12]],
      [{ type: "int16", sign: "inverted" }, 250, [0xff06]],
      [{ type: "uint16", offset: -40 }, 60, [100]],
      [{ type: "uint32", order: "CDAB" }, 123_456, [0xe240, 1]],
      [{ type: "float32" }, 1, [0x3f80, 0]],
      [
        {
          type: "uint16",
          curve: [
            [120, 0],
            [170, 1],
            [850, 100],
          ],
        },
        50.5,
        [510],
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
        0,
        [120],
      ],
      [
        {
          type: "uint16",
          curve: [
            [0, 100],
            [1000, 0],
          ],
        },
        75,
        [250],
      ],
      [{ type: "int16", scale: 0.1, unit: "degF" }, 7, [446]],
    ];
    for (const [line, value, words] of cases) {
      assert.deepEqual(wordsOf(line, value), words, JSON.stringify(line));
    }
  });

  it("rounds a value between two steps towards zero", () => {
    assert.deepEqual(wordsOf({ type: "int16" }, 18.9), [18]);
    assert.deepEqual(wordsOf({ type: "int16" }, -18.9), [0xffff - 17]);
    assert.deepEqual(wordsOf({ type: "int16", sign: "inverted" }, 18.9), [0xffff - 17]);
    assert.deepEqual(wordsOf({ type: "uint16", offset: -40 }, -18.9), [22]);
    assert.deepEqual(wordsOf({ type: "int16", write: { ...WRITE, step: 5 } }, -18), [0xffff - 14]);
    assert.deepEqual(wordsOf({ type: "int16", write: { ...WRITE, stepRaw: 4 } }, 18), [16]);
    assert.deepEqual(
      wordsOf(
        {
          type: "uint16",
          curve: [
            [0, 100],
            [100, 0],
          ],
        },
        40.5,
      ),
      [60],
    );
  });

  it("does not lose a step to the noise of doubles", () => {
    for (let tenths = -1000; tenths <= 1000; tenths += 1) {
      const point = { type: "int16", scale: 0.1, write: { ...WRITE, step: 0.1 } } as const;
      assert.deepEqual(wordsOf(point, tenths * 0.1), [tenths & 0xffff]);
    }
  });

  it("never goes further from zero than asked, and misses by less than a step", () => {
    for (const type of NUMBER_TYPES.filter((name) => !name.startsWith("uint8"))) {
      const point = pointWith({ type, scale: 0.5, write: WRITE });
      const [minimum, maximum] = rawLimits(point.write!.conversion, point.write!);
      const low = Math.max(minimum / 2, -1e6);
      const high = Math.min(maximum / 2, 1e6);
      fc.assert(
        fc.property(fc.double({ min: low, max: high, noNaN: true }), (value) => {
          const result = encodeWrite(point, value, columnsOf({ points: [point] }), 0);
          assert.ok("registers" in result);
          const { value: held } = decoded(point, result.registers);
          const slack = 1e-6 * Math.max(1, Math.abs(value));
          assert.ok(Math.abs(held) <= Math.abs(value) + slack, `${value} became ${held}`);
          assert.ok(Math.abs(held - value) < 0.5 + slack, `${value} became ${held}`);
          assert.ok(Math.abs(held - result.value) <= slack, `said ${result.value}, holds ${held}`);
        }),
        { numRuns: 60 },
      );
    }
  });

  it("uses the scale factor that was read, and refuses while it is not known", () => {
    const line = { type: "int16", sf: { at: "holding 9" } } as const;
    assert.deepEqual(wordsOf(line, 12_345, 3), [12]);
    assert.deepEqual(wordsOf(line, 1.5, -1), [15]);
    assert.deepEqual(written(line, 1, Number.NaN), { refused: "scale-unknown" });
    assert.deepEqual(written(line, 1, 11), { refused: "scale-unknown" });
  });

  it("refuses what is outside the range, the excluded band and the type", () => {
    const line = {
      type: "int16",
      write: {
        ...WRITE,
        range: [-100, 100] as [number, number],
        exclude: [[0, 10]] as [number, number][],
      },
    } as const;
    for (const value of [-101, 101, 0.5, 9.5]) {
      assert.deepEqual(written(line, value), { refused: "out-of-range" }, String(value));
    }
    for (const value of [-100, -0.5, 0, 10, 100]) {
      assert.ok(Array.isArray(wordsOf(line, value)), String(value));
    }
    assert.deepEqual(written({ type: "int16" }, 32_768), { refused: "out-of-range" });
    assert.deepEqual(written({ type: "uint16" }, -1), { refused: "out-of-range" });
    assert.deepEqual(written({ type: "int16" }, Number.NaN), { refused: "not-a-number" });
    assert.deepEqual(written({ type: "int16" }, Infinity), { refused: "not-a-number" });
    assert.deepEqual(encodeWrite(pointWith({ type: "int16" }), 1, columnsOf({ points: [1] }), 0), {
      refused: "not-writable",
    });
  });

  it("refuses a value that rounding would put into the excluded band", () => {
    const write = { ...WRITE, exclude: [[3, 10]] as [number, number][], step: 6 };
    assert.deepEqual(written({ type: "int16", write }, 11), { refused: "out-of-range" });
    assert.deepEqual(wordsOf({ type: "int16", write }, 12), [12]);
  });

  it("writes states by their code and refuses those without one", () => {
    const write: WriteSection = { readBack: { withinMs: 1 }, danger: "power" };
    const point = pointWith({
      point: "run-command",
      type: "uint16",
      values: { "1": "stop", "11": "start", "12": "start" },
      write,
    });
    const columns = columnsOf({ points: [point] });
    const start = point.texts?.indexOf("start") ?? -1;
    assert.deepEqual(encodeWrite(point, start, columns, 0), { registers: [11], value: start });
    assert.deepEqual(encodeWrite(point, 99, columns, 0), { refused: "out-of-range" });
    const coil = pointWith({ at: "coil 3", type: "bool", write });
    assert.deepEqual(encodeWrite(coil, 1, columns, 0), { registers: [1], value: 1 });
    assert.deepEqual(encodeWrite(coil, 0.5, columns, 0), { refused: "out-of-range" });
    const low = pointWith({ at: "coil 3", type: "bool", active: "low", write });
    assert.deepEqual(encodeWrite(low, 1, columns, 0), { registers: [0], value: 1 });
  });

  it("repeats the words for copies", () => {
    assert.deepEqual(
      wordsOf({ type: "uint32", write: { ...WRITE, copies: 3 } }, 65_537),
      [1, 1, 1, 1, 1, 1],
    );
  });

  it("puts a slice at its place for a masked write", () => {
    const write: WriteSection = { ...WRITE, range: [0, 15], function: 22 };
    const point = pointWith({ type: "uint16", slice: [4, 4], write });
    assert.equal(point.write?.mask, 0x00f0);
    assert.deepEqual(encodeWrite(point, 10, columnsOf({ points: [1] }), 0), {
      registers: [0x00a0],
      value: 10,
    });
  });
});

describe("limits and ratings that the device gives", () => {
  const profile = compiled({
    points: [
      { point: "discharge-power-rating", at: "holding 1", type: "uint16", unit: "kW", group: "g" },
      { point: "charge-power-limit", at: "holding 2", type: "uint16", unit: "kW", group: "g" },
      {
        point: "active-power-setpoint",
        at: "holding 0",
        type: "int16",
        scale: 0.1,
        unit: "%",
        percentOf: "discharge-power-rating",
        group: "g",
        write: { ...WRITE, range: ["-charge-power-limit", "discharge-power-rating"] },
      },
    ],
  });
  const [, , setpoint] = profile.points;

  it("bound a setpoint", () => {
    const columns = columnsOf(profile, { 0: 50_000, 1: 20_000 });
    assert.deepEqual(encodeWrite(setpoint!, 25_000, columns, 0), {
      registers: [500],
      value: 25_000,
    });
    assert.deepEqual(encodeWrite(setpoint!, -20_001, columns, 0), { refused: "out-of-range" });
    assert.deepEqual(encodeWrite(setpoint!, 50_001, columns, 0), { refused: "out-of-range" });
  });

  it("refuse every setpoint while they are not good", () => {
    const columns = columnsOf(profile, { 0: 50_000 });
    assert.deepEqual(encodeWrite(setpoint!, 1000, columns, 0), { refused: "range-unknown" });
    columns.values[1] = 20_000;
    columns.quality[1] = 1;
    assert.deepEqual(encodeWrite(setpoint!, 1000, columns, 0), { refused: "range-unknown" });
  });

  it("cannot be divided by a rating of zero", () => {
    const columns = columnsOf(profile, { 0: 0, 1: 20_000 });
    assert.deepEqual(encodeWrite(setpoint!, 0, columns, 0), { refused: "scale-unknown" });
  });

  it("come back the same through the registers of a simulated device", () => {
    const columns = columnsOf(profile, { 0: 50_000, 1: 20_000 });
    const words = encodePoint(setpoint!, -12_350, { reference: 50_000 });
    assert.deepEqual(words, [0xffff - 246]);
    const share = decoded(setpoint!, words).value;
    columns.values[2] = share;
    columns.quality[2] = GOOD;
    finishPoint(setpoint!, columns);
    assert.ok(Math.abs(columns.values[2] + 12_350) < 1e-9);
  });
});

describe("encoding what a device shows", () => {
  it("comes back within half a step, for every type, order, sign and scale", () => {
    const orders = (type: string): readonly (PointLine["order"] | undefined)[] => {
      if (type.endsWith("64")) return [undefined, "GHEFCDAB", "BADCFEHG", "HGFEDCBA"];
      if (type.endsWith("32") || type.endsWith("48")) return [undefined, "CDAB", "BADC", "DCBA"];
      return [undefined, "BA"];
    };
    for (const type of NUMBER_TYPES) {
      for (const order of orders(type)) {
        for (const sign of ["as-canonical", "inverted"] as const) {
          const point = pointWith({
            type,
            ...(order === undefined ? {} : { order }),
            sign,
            scale: 0.25,
            offset: 3,
          });
          const [minimum, maximum] = rawLimits(point.read!.conversion, point.read!);
          const raw = fc.double({
            min: Math.max(minimum, -1e6),
            max: Math.min(maximum, 1e6),
            noNaN: true,
          });
          fc.assert(
            fc.property(raw, (exact) => {
              const value = (exact * 0.25 + 3) * (sign === "inverted" ? -1 : 1);
              const words = encodePoint(point, value);
              assert.ok(words !== undefined);
              const slack = 1e-6 * Math.max(1, Math.abs(value));
              assert.ok(Math.abs(decoded(point, words).value - value) <= 0.125 + slack);
            }),
            { numRuns: 25 },
          );
        }
      }
    }
  });

  it("saturates at the ends of the registers, and never into the absent pattern", () => {
    assert.deepEqual(encodePoint(pointWith({ type: "int16" }), 1e9), [0x7fff]);
    assert.deepEqual(encodePoint(pointWith({ type: "uint16" }), -1), [0]);
    const signed = pointWith({ type: "int16", absent: ["8000"] });
    assert.deepEqual(encodePoint(signed, -1e9), [0x8001]);
    const unsigned = pointWith({ type: "uint16", absent: ["FFFF"] });
    assert.deepEqual(encodePoint(unsigned, 1e9), [0xfffe]);
  });

  it("shows no value as the absent pattern, in the order of the device", () => {
    assert.deepEqual(
      encodePoint(pointWith({ type: "int16", absent: { FE6C: "sensor-fault" } }), undefined),
      [0xfe6c],
    );
    const swapped = pointWith({ type: "int32", order: "CDAB", absent: ["80000000"] });
    assert.deepEqual(encodePoint(swapped, undefined), [0, 0x8000]);
    assert.deepEqual(encodePoint(pointWith({ type: "float32" }), Number.NaN), [0x7fc0, 0]);
    assert.deepEqual(encodePoint(pointWith({ type: "float64" }), undefined), [0x7ff8, 0, 0, 0]);
    assert.equal(encodePoint(pointWith({ type: "int16" }), undefined), undefined);
    assert.equal(encodePoint(pointWith({ type: "bool" }), undefined), undefined);
    const text = pointWith({ type: "string", length: 2, absent: "sunspec" });
    assert.deepEqual(encodePoint(text, undefined), [0, 0]);
    const bit = pointWith({ at: "discrete 0", type: "bool", absent: { "1": "sensor-fault" } });
    assert.deepEqual(encodePoint(bit, undefined), [1]);
  });

  it("shows states, flags, bits and texts", () => {
    const state = pointWith({ type: "uint16", values: { "3": "open", "5": "closed" } });
    assert.deepEqual(encodePoint(state, 1), [5]);
    assert.equal(encodePoint(state, 7), undefined);
    assert.deepEqual(encodePoint(pointWith({ type: "bool" }), 1), [1]);
    assert.deepEqual(encodePoint(pointWith({ at: "coil 2", type: "bool", active: "low" }), 1), [0]);
    assert.deepEqual(encodePoint(pointWith({ type: "bits", length: 2 }), 0x0001_8000), [1, 0x8000]);
    const text = pointWith({ type: "string", length: 3, pad: "space" });
    assert.deepEqual(encodePoint(text, "UPS"), [0x5550, 0x5320, 0x2020]);
    assert.equal(encodePoint(text, 3), undefined);
    assert.equal(encodePoint(state, "open"), undefined);
  });

  it("keeps the neighbours of a slice and of a single byte", () => {
    const slice = pointWith({ type: "uint16", slice: [4, 4] });
    assert.deepEqual(encodePoint(slice, 0xa, { current: [0xffff] }), [0xffaf]);
    assert.deepEqual(encodePoint(slice, 0xa, { current: [0x0000] }), [0x00a0]);
    assert.deepEqual(encodePoint(slice, 0xa), [0x00a0]);
    const high = pointWith({ type: "uint8-high" });
    assert.deepEqual(encodePoint(high, 0x12, { current: [0x3456] }), [0x1256]);
    const low = pointWith({ type: "uint8-low" });
    assert.deepEqual(encodePoint(low, 0x12, { current: [0x3456] }), [0x3412]);
    const flag = pointWith({
      point: "leak-detected",
      type: "uint16",
      slice: [6, 1],
      active: "low",
    });
    assert.deepEqual(encodePoint(flag, 1, { current: [0xffff] }), [0xffbf]);
    assert.deepEqual(encodePoint(flag, 0, { current: [0x0000] }), [0x0040]);
    const signed = pointWith({ type: "uint16", slice: [4, 4], signed: true });
    assert.deepEqual(encodePoint(signed, -1, { current: [0] }), [0x00f0]);
    assert.equal(decoded(signed, [0x00f0]).value, -1);
  });

  it("uses the scale factor of the image", () => {
    const point = pointWith({ type: "int16", sf: { at: "holding 9" } });
    assert.deepEqual(encodePoint(point, 12_000, { exponent: 3 }), [12]);
    assert.deepEqual(encodeScaleFactor(-2), [0xfffe]);
  });
});

describe("interlocks", () => {
  const columns = columnsOf({ points: [0, 0] }, { 0: 2 });

  it("hold while their point is good and has the value", () => {
    const interlock = { name: "remote", ordinal: 0, place: undefined, equals: 2 };
    assert.ok(interlockHolds(interlock, columns));
    assert.ok(!interlockHolds({ ...interlock, equals: 1 }, columns));
    assert.ok(!interlockHolds({ ...interlock, ordinal: 1 }, columns));
  });

  it("hold while their register has the value, and not while it is unknown", () => {
    const place = {
      table: "holding",
      address: 1,
      count: 1,
      unit: undefined,
      model: undefined,
    } as const;
    const interlock = { name: "remote", ordinal: undefined, place, equals: 2 };
    assert.ok(interlockHolds(interlock, columns, 2));
    assert.ok(!interlockHolds(interlock, columns, 3));
    assert.ok(!interlockHolds(interlock, columns));
  });

  it("hold by themselves when the gateway makes their point", () => {
    const interlock = { name: "up", ordinal: undefined, place: undefined, equals: 1 };
    assert.ok(interlockHolds(interlock, columns));
  });
});
