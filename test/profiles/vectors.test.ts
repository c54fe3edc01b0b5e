import assert from "node:assert/strict";
import { parseWords } from "../../src/profiles/image.ts";
import type { Profile, VectorLine } from "../../src/profiles/schema.ts";
import { runVectors } from "../../src/profiles/vectors.ts";
import { profileWith } from "./builders.ts";

/**
 * After the KACO example of the profile format: a vendor model, percent of a rating, a watchdog.
 */
const INVERTER: Partial<Profile> = {
  models: {
    "64201": {
      length: 52,
      points: {
        WATCHDOG: { offset: 8, type: "uint16" },
        W_SET_PCT: { offset: 9, type: "int16", sf: "W_SET_PCT_SF" },
        W: { offset: 35, type: "int16", sf: "W_SF" },
        HZ: { offset: 37, type: "uint16", sf: "HZ_SF" },
        W_SET_PCT_SF: { offset: 46, type: "sunssf" },
        W_SF: { offset: 51, type: "sunssf" },
        HZ_SF: { offset: 53, type: "sunssf" },
      },
    },
  },
  points: [
    { point: "active-power", at: "64201.W", unit: "W", group: "g" },
    { point: "frequency", at: "64201.HZ", unit: "Hz", group: "g" },
    { point: "discharge-power-rating", at: "121.WMax", unit: "W", group: "g" },
    {
      point: "active-power-setpoint",
      at: "64201.W_SET_PCT",
      unit: "%",
      percentOf: "discharge-power-rating",
      group: "g",
      write: {
        range: ["-discharge-power-rating", "discharge-power-rating"],
        stepRaw: 1,
        needs: ["remote"],
        readBack: { withinMs: 500, tolerance: 100 },
        keepAlive: "watchdog",
        danger: "power",
      },
    },
    {
      point: "x-flag",
      at: "coil 3",
      type: "bool",
      group: "g",
      write: { readBack: { withinMs: 1 }, danger: "none" },
    },
    { point: "x-word", at: "holding 7", type: "bits", group: "g" },
    { point: "x-text", at: "holding 20", type: "string", length: 2, group: "g" },
    { point: "x-count", at: "holding 30", type: "uint64", unit: "1", group: "g" },
  ],
  interlocks: { remote: { point: "link-up", equals: true } },
  keepAlive: {
    watchdog: {
      at: "64201.WATCHDOG",
      raw: 10,
      everyMs: 4000,
      deviceTimeoutMs: 10_000,
      onLoss: "stops",
    },
    heart: { at: "holding 8", counter: true, everyMs: 1, onLoss: "x" },
    flip: { at: "holding 8", toggle: true, everyMs: 1, onLoss: "x" },
    again: { repeat: "x-flag", everyMs: 1, onLoss: "x" },
  },
  alarms: [
    {
      at: "holding 7",
      bits: { "0": { id: "low", severity: "info" }, "15": { id: "high", severity: "trip" } },
    },
    { point: "x-flag", id: "flagged", severity: "warning", active: "low" },
  ],
};

const RATING = { "121.WMax": "01F4", "121.WMax_SF": "0002", "64201.W_SET_PCT_SF": "FFFF" };

function failures(vector: Partial<VectorLine>, parts: Partial<Profile> = {}): readonly string[] {
  const vectors = [{ name: "v", ...vector }];
  const result = runVectors(profileWith({ ...INVERTER, ...parts, vectors }));
  return result.map(({ message }) => message);
}

describe("vectors that a profile passes", () => {
  const passing: readonly Partial<VectorLine>[] = [
    {
      given: { "64201.W": "00FA", "64201.W_SF": "0001", "64201.HZ": "1388", "64201.HZ_SF": "FFFE" },
      expect: { "active-power": 2500, frequency: 50 },
    },
    { given: { "64201.W": "FF06", "64201.W_SF": "0001" }, expect: { "active-power": -2500 } },
    {
      given: { "64201.W": "8000", "64201.W_SF": "0001" },
      expect: { "active-power": "bad/not-available-pattern" },
    },
    {
      given: { "64201.W": "00FA", "64201.W_SF": "8000" },
      expect: { "active-power": "bad/not-available-pattern" },
    },
    {
      given: RATING,
      write: { "active-power-setpoint": 25_000 },
      expectWrite: { "64201.W_SET_PCT": "01F4" },
    },
    {
      given: RATING,
      write: { "active-power-setpoint": -10_000 },
      expectWrite: { "64201.W_SET_PCT": "FF38" },
    },
    {
      given: RATING,
      write: { "active-power-setpoint": 60_000 },
      expectWrite: "refused/out-of-range",
    },
    { given: {}, expect: { "active-power": "bad/never-read" } },
    {
      given: { "coil 3": "1", "holding 7": "8001" },
      expect: { "x-flag": true, "x-word": 32_769 },
      alarms: ["low", "high"],
    },
    { given: { "coil 3": "0" }, expect: { "x-flag": { value: false } }, alarms: ["flagged"] },
    { given: { "holding 20": "5550 5300" }, expect: { "x-text": "UPS" } },
    { given: { "holding 30": "0020 0000 0000 0001" }, expect: { "x-count": "9007199254740993" } },
    { write: { "x-flag": true }, expectWrite: { "coil 3": "1" } },
    { beat: "watchdog", expectWrite: { "64201.WATCHDOG": "000A" } },
    { given: { "holding 8": "0004" }, beat: "heart", expectWrite: { "holding 8": "0005" } },
    { given: { "holding 8": "FFFF" }, beat: "heart", expectWrite: { "holding 8": "0000" } },
    { given: { "holding 8": "0001" }, beat: "flip", expectWrite: { "holding 8": "0000" } },
    { given: { "coil 3": "1" }, beat: "again", expectWrite: { "coil 3": "1" } },
  ];
  for (const vector of passing) {
    it(JSON.stringify(vector), () => {
      assert.deepEqual(failures(vector), []);
    });
  }
});

describe("vectors that a profile does not pass", () => {
  const failing: readonly (readonly [Partial<VectorLine>, readonly string[]])[] = [
    [
      { given: { "64201.W": "00FA", "64201.W_SF": "0001" }, expect: { "active-power": 2501 } },
      ["active-power is 2500, not 2501"],
    ],
    [
      {
        given: { "64201.W": "00FA", "64201.W_SF": "0001" },
        expect: { "active-power": "bad/sensor-fault" },
      },
      ["active-power is 2500, not bad/sensor-fault"],
    ],
    [
      { given: { "64201.W": "00FA" }, expect: { "active-power": 250 } },
      ["active-power is bad/never-read, not 250"],
    ],
    [{ given: { "64201.X": "0000" } }, ['given: no SunSpec model has a point "64201.X"']],
    [{ given: { "64201.W": "FA" } }, ['given "64201.W" is not a list of words']],
    [{ given: { "coil 3": "0001" } }, ['given "coil 3" is not a list of bits']],
    [{ expect: { "x-none": 1 } }, ['this profile has no point "x-none"']],
    [
      { given: { "holding 7": "0001" }, alarms: ["high"] },
      ['the alarm "high" is not active', 'the alarm "low" is active'],
    ],
    [{ given: RATING, write: { "active-power-setpoint": 25_000 } }, ["a write needs expectWrite"]],
    [
      {
        given: RATING,
        write: { "active-power-setpoint": 25_000 },
        expectWrite: { "64201.W_SET_PCT": "01F5" },
      },
      ['01f4 is written to 64201.W_SET_PCT, not "01F5"'],
    ],
    [
      {
        given: RATING,
        write: { "active-power-setpoint": 25_000 },
        expectWrite: { "64201.WATCHDOG": "000A" },
      },
      ["nothing is written to 64201.WATCHDOG", "the write to holding 40111 is not expected"],
    ],
    [
      {
        given: RATING,
        write: { "active-power-setpoint": 25_000 },
        expectWrite: "refused/out-of-range",
      },
      ["the write is accepted, not refused/out-of-range"],
    ],
    [
      {
        given: RATING,
        write: { "active-power-setpoint": 60_000 },
        expectWrite: { "64201.W_SET_PCT": "01F4" },
      },
      ["the write is refused/out-of-range"],
    ],
    [
      { write: { "active-power-setpoint": 1 }, expectWrite: "refused/out-of-range" },
      ["the write is refused/range-unknown"],
    ],
    [{ write: { "active-power": 1 }, expectWrite: {} }, ["the write is refused/not-writable"]],
    [{ write: { "x-flag": "on" }, expectWrite: {} }, ['"on" is no state of "x-flag"']],
    [{ beat: "none", expectWrite: {} }, ['there is no keep-alive "none"']],
    [{ beat: "again", expectWrite: {} }, ['"again" repeats a setpoint that is not given']],
  ];
  for (const [vector, messages] of failing) {
    it(messages.join("; "), () => {
      assert.deepEqual(failures(vector).toSorted(), messages.toSorted());
    });
  }

  it("because an interlock does not hold", () => {
    const interlocks: Profile["interlocks"] = { remote: { at: "holding 50", equals: 1 } };
    const vector = {
      given: { ...RATING, "holding 50": "0000" },
      write: { "active-power-setpoint": 1000 },
    };
    assert.deepEqual(failures({ ...vector, expectWrite: "refused/interlock" }, { interlocks }), []);
    const open = { ...vector, given: { ...RATING, "holding 50": "0001" } };
    assert.deepEqual(failures({ ...open, expectWrite: "refused/interlock" }, { interlocks }), [
      "the write is accepted, not refused/interlock",
    ]);
  });

  it("because the profile does not compile", () => {
    const points = [{ point: "x-a", at: "holding 1", type: "int16", group: "g" }] as const;
    const parts = { points: [...points], alarms: [], keepAlive: {}, interlocks: {} };
    assert.deepEqual(failures({ given: {} }, parts), [
      'the profile does not compile: "x-a" needs a unit, "1" where it has none',
    ]);
  });
});

describe("vectors of one profile", () => {
  const BASE = profileWith({ parameters: { input: { default: "discrete 7" } } });
  const extending = (vectors: VectorLine[]): number => {
    let asked = 0;
    const library = () => {
      asked += 1;
      return BASE;
    };
    const points: Profile["points"] = [
      { point: "x-leak", at: "{input}", type: "bool", group: "g" },
    ];
    const profile = profileWith({ extends: "a/b", points, vectors });
    assert.deepEqual(runVectors(profile, { library }), []);
    return asked;
  };
  const vector: VectorLine = { name: "v", given: { "{input}": "1" }, expect: { "x-leak": true } };

  it("are compiled once, but for one with parameters of its own", () => {
    const one = extending([vector]);
    assert.equal(extending([vector, vector, vector, vector]), one);
    const other = { ...vector, parameters: { input: "discrete 5" } };
    assert.equal(extending([vector, other, vector]), 2 * one);
  });

  it("may name a parameter of the profile that this one extends", () => {
    assert.ok(extending([vector]) > 0);
  });
});

describe("parameters in vectors", () => {
  it("choose the place that a vector gives", () => {
    const parts: Partial<Profile> = {
      parameters: { input: { type: "string", default: "discrete 0" } },
      points: [{ point: "x-leak", at: "{input}", type: "bool", group: "g" }],
    };
    const run = (vector: VectorLine): unknown =>
      runVectors(profileWith({ ...parts, vectors: [vector] }));
    const vector: VectorLine = { name: "v", given: { "{input}": "1" }, expect: { "x-leak": true } };
    assert.deepEqual(run(vector), []);
    assert.deepEqual(run({ ...vector, parameters: { input: "discrete 5" } }), []);
    assert.deepEqual(
      run({ ...vector, given: { "discrete 5": "1" }, parameters: { input: "discrete 5" } }),
      [],
    );
  });
});

describe("words of a vector", () => {
  it("are four hex digits each, or bits", () => {
    assert.deepEqual(parseWords("0172 012C", false), [0x172, 0x12c]);
    assert.deepEqual(parseWords(" 1  0 1 ", true), [1, 0, 1]);
    assert.equal(parseWords("172", false), undefined);
    assert.equal(parseWords("2", true), undefined);
    assert.equal(parseWords("", false), undefined);
  });
});
