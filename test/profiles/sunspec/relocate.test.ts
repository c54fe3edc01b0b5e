import assert from "node:assert/strict";
import type { CompiledProfile } from "../../../src/profiles/binding.ts";
import type { Profile } from "../../../src/profiles/schema.ts";
import type { PointLine } from "../../../src/profiles/schema-point.ts";
import { modelLength, sunspecPoint } from "../../../src/profiles/sunspec/models.ts";
import { relocate } from "../../../src/profiles/sunspec/relocate.ts";
import { compiled, problemsOf } from "../builders.ts";

const line = (at: string, point: string, more: Partial<PointLine> = {}): PointLine => ({
  point,
  at,
  unit: "W",
  group: "g",
  ...more,
});

/** A storage as the 700 series describes it: the chain of a real layout at base 40000. */
const STORAGE: Partial<Profile> = {
  sunspec: { base: 40_000, chain: [1, 701, 702, 704, 713, 714, 715, 802] },
  identify: [{ sunspec: { bases: [40_000, 50_000, 0] }, strength: "strong" }],
  points: [
    line("701.W", "active-power"),
    line("714.Prt.DCV", "x-dc-voltage", { unit: "V" }),
    line("704.WSet", "active-power-setpoint", {
      write: {
        range: [-100, 100],
        readBack: { withinMs: 1, tolerance: 1 },
        before: [{ at: "704.WSetMod", raw: 1, when: "session" }],
        keepAlive: "beat",
        needs: ["remote"],
        danger: "power",
      },
    }),
    { point: "x-uptime", at: "holding 9", type: "uint16", unit: "s", group: "g" },
  ],
  interlocks: { remote: { at: "715.LocRemCtl", equals: 0 } },
  keepAlive: { beat: { at: "715.ControllerHb", counter: true, everyMs: 1, onLoss: "x" } },
};

function placesOf(profile: CompiledProfile): readonly unknown[] {
  const [power, voltage, setpoint, uptime] = profile.points;
  return [
    power?.read?.address,
    power?.read?.conversion.sf?.place?.address,
    voltage?.read?.address,
    setpoint?.write?.address,
    setpoint?.write?.before[0]?.address,
    setpoint?.write?.conversion.sf?.place?.address,
    uptime?.read?.address,
    profile.interlocks.get("remote")?.place?.address,
    addressOfBeat(profile),
  ];
}

function addressOfBeat(profile: CompiledProfile): number | undefined {
  const action = profile.keepAlives.get("beat")?.action;
  return action !== undefined && "place" in action ? action.place.address : undefined;
}

const EXPECTED = [40_080, 40_186, 40_384, 40_301, 40_300, 40_332, 9, 40_400, 40_403];

describe("points of SunSpec models", () => {
  it("have the offset, type and scale factor of the model", () => {
    const power = sunspecPoint("701.W", {});
    assert.deepEqual(
      [power?.offset, power?.count, power?.raw, power?.scaleFactor],
      [10, 1, "int16", { kind: "register", offset: 116 }],
    );
    const energy = sunspecPoint("701.TotWhInj", {});
    assert.deepEqual([energy?.offset, energy?.count, energy?.raw], [19, 4, "uint64"]);
    assert.equal(sunspecPoint("103.St", {})?.symbols?.["4"], "MPPT");
    assert.equal(sunspecPoint("1.Mn", {})?.raw, "string");
    assert.equal(sunspecPoint("701.Alrm", {})?.raw, "bits");
  });

  it("are found in nested and repeating groups", () => {
    assert.equal(sunspecPoint("714.Prt.DCV", {})?.offset, 31);
    assert.equal(sunspecPoint("714.Prt[1].DCV", {})?.offset, 31);
    assert.equal(sunspecPoint("714.Prt[2].DCV", {})?.offset, 56);
    assert.deepEqual(sunspecPoint("714.Prt[2].DCV", {})?.scaleFactor, {
      kind: "register",
      offset: 16,
    });
    assert.equal(sunspecPoint("704.PFWInj.PF", {})?.raw, "uint16");
  });

  it("do not exist where the model has none", () => {
    for (const reference of [
      "701.Nothing",
      "999.W",
      "714.Prt[0].DCV",
      "714.Prt.Nothing",
      "701.",
      "W",
    ]) {
      assert.equal(sunspecPoint(reference, {}), undefined, reference);
    }
  });

  it("come from the model of a manufacturer where the profile has one", () => {
    const vendor = {
      "64201": {
        length: 52,
        points: {
          W: { offset: 35, type: "int16", sf: "W_SF" },
          W_SF: { offset: 51, type: "sunssf" },
          V: { offset: 36, type: "int16", sf: "-2" },
          F: { offset: 37, type: "bitfield32" },
        },
      },
    };
    assert.deepEqual(sunspecPoint("64201.W", vendor)?.scaleFactor, {
      kind: "register",
      offset: 51,
    });
    assert.deepEqual(sunspecPoint("64201.V", vendor)?.scaleFactor, { kind: "fixed", exponent: -2 });
    assert.equal(sunspecPoint("64201.F", vendor)?.count, 2);
    assert.equal(sunspecPoint("64201.X", vendor), undefined);
    assert.equal(modelLength(64_201, vendor), 52);
  });

  it("have models of a known length, unless the device decides it", () => {
    assert.deepEqual(
      [701, 714, 802].map((model) => modelLength(model, {})),
      [153, 43, 62],
    );
    assert.equal(modelLength(705, {}), undefined);
    assert.deepEqual(problemsOf({ sunspec: { chain: [1, 705] } }), [
      'model 705 has no fixed length: write {"model": 705, "length": n}',
    ]);
    assert.deepEqual(problemsOf({ sunspec: { chain: [4711] } }), [
      "SunSpec model 4711 is not known",
    ]);
  });
});

describe("the chain of a profile", () => {
  it("gives every place an address before any device answers", () => {
    const profile = compiled(STORAGE);
    assert.deepEqual(placesOf(profile), EXPECTED);
    assert.deepEqual(profile.sunspec?.models.at(-1), { model: 802, address: 40_407, length: 62 });
    assert.deepEqual(profile.sunspec.bases, [40_000, 50_000, 0]);
  });

  it("is made of the models in use where the profile names none", () => {
    const profile = compiled({ points: [line("701.W", "active-power")] });
    assert.deepEqual(
      profile.sunspec?.models.map(({ model }) => model),
      [1, 701],
    );
  });

  it("must hold the models in use", () => {
    const parts = { ...STORAGE, sunspec: { chain: [1, 701] } };
    assert.equal(problemsOf(parts)[0], "model 714 is not in the chain");
  });

  it("makes write steps as long as their points", () => {
    const profile = compiled({
      points: [
        line("704.WSet", "active-power-setpoint", {
          write: {
            range: [0, 1],
            readBack: { withinMs: 1 },
            before: [{ at: "704.WSetRvrtTms", raw: 3 }],
            danger: "power",
          },
        }),
      ],
    });
    const step = profile.points[0]?.write?.before[0];
    assert.deepEqual([step?.count, step?.raw], [2, [0, 3]]);
    assert.equal(profile.points[0]?.write?.function, 16);
  });
});

describe("relocating a profile", () => {
  const profile = compiled(STORAGE);
  const expected = profile.sunspec?.models ?? [];

  it("moves every place of a model to where the device has it", () => {
    // The same device, with model 703 (17 registers) before 704 and another base.
    const models = expected.map((place) => ({
      ...place,
      address: place.address + 10_000 + (place.model >= 704 ? 19 : 0),
    }));
    const result = relocate(profile, { base: 50_000, models });
    assert.ok("profile" in result);
    assert.deepEqual(
      placesOf(result.profile),
      [50_080, 50_186, 50_403, 50_320, 50_319, 50_351, 9, 50_419, 50_422],
    );
    assert.equal(result.profile.sunspec?.base, 50_000);
    assert.deepEqual(placesOf(profile), EXPECTED, "the profile itself has not changed");
  });

  it("uses the first of two models with one number", () => {
    const twin = { model: 701, address: 60_000, length: 153 };
    const result = relocate(profile, { base: 40_000, models: [...expected, twin] });
    assert.ok("profile" in result);
    assert.deepEqual(placesOf(result.profile), EXPECTED);
  });

  it("says which model is missing", () => {
    const models = expected.filter((place) => place.model !== 704);
    assert.deepEqual(relocate(profile, { base: 40_000, models }), {
      problem: "SunSpec model 704 is missing",
    });
  });

  it("does not mind a missing model that nothing uses", () => {
    const models = expected.filter((place) => place.model !== 713);
    assert.ok("profile" in relocate(profile, { base: 40_000, models }));
  });

  it("refuses a model that is too short for the registers in use", () => {
    const models = expected.map((place) =>
      place.model === 701 ? { ...place, length: 100 } : place,
    );
    assert.deepEqual(relocate(profile, { base: 40_000, models }), {
      problem: "SunSpec model 701 is shorter than the profile needs",
    });
  });

  it("is only for SunSpec profiles", () => {
    const plain = compiled({ points: [{ ...line("holding 1", "x-a"), type: "int16" }] });
    assert.deepEqual(relocate(plain, { base: 0, models: [] }), {
      problem: "acme/one is not a SunSpec profile",
    });
  });
});
