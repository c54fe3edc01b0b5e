import { strict as assert } from "node:assert";
import { firstDifference } from "../../src/recorder/difference.ts";

const state = () => ({
  units: [{ mode: "ready", box: { lowW: -0 } }],
  raised: new Map([["pcs-fault", new Set(["bess-1"])]]),
  powers: Float64Array.of(1, Number.NaN, 3),
  nothing: undefined,
});

describe("first difference of two states", () => {
  it("is none of two that are alike, whoever they share their objects with", () => {
    assert.equal(firstDifference(state(), state()), undefined);
    const shared = { w: 1 };
    assert.equal(firstDifference([shared, shared], [{ w: 1 }, { w: 1 }]), undefined);
  });

  const table: readonly [path: string, change: (other: ReturnType<typeof state>) => void][] = [
    ["units.0.mode", ({ units }) => (units[0]!.mode = "held")],
    ["units.0.box.lowW", ({ units }) => (units[0]!.box.lowW = 0)],
    ["raised.pcs-fault.0", ({ raised }) => raised.set("pcs-fault", new Set(["bess-2"]))],
    ["raised", ({ raised }) => raised.delete("pcs-fault")],
    ["powers.2", ({ powers }) => (powers[2] = 4)],
    ["powers.1", ({ powers }) => (powers[1] = 0)],
    ["nothing", (other) => Object.assign(other, { nothing: null })],
  ];
  for (const [path, change] of table)
    it(`is found by its way: ${path}`, () => {
      const other = state();
      change(other);
      assert.equal(firstDifference(state(), other)?.path, path);
    });
});
