import { strict as assert } from "node:assert";
import { deviceId, pointId, pointIndex, type PointTable } from "../../src/domain/point.ts";
import { maxAges } from "../../src/points/freshness.ts";

function tableOf(periods: readonly (number | undefined)[]): PointTable {
  const points = periods.map((everyMs, index) => ({
    index: pointIndex(index),
    id: pointId(`d${index}/p`),
    device: deviceId(`d${index}`),
    name: "p",
    field: "p",
    type: "float" as const,
    unit: undefined,
    texts: undefined,
    range: undefined,
    writable: false,
    readable: true,
    everyMs,
  }));
  return { hash: "t", devices: [], points, indexById: new Map() };
}

describe("maximum ages", () => {
  it("are two and a half periods, never below what a reading needs to arrive", () => {
    assert.deepEqual([...maxAges(tableOf([50, 1_000, 10]))], [125, 2_500, 40]);
  });

  it("are none for what is read once per connection", () => {
    assert.deepEqual([...maxAges(tableOf([undefined]))], [Infinity]);
  });

  it("are what the site says, the point before its device", () => {
    const ages = maxAges(tableOf([50, 50, 50, undefined]), {
      periods: 2,
      maxAgeMsByDevice: new Map([
        ["d0", 300],
        ["d1", 300],
        ["d3", 5_000],
      ]),
      maxAgeMsByPoint: new Map([["d1/p", 90]]),
    });
    assert.deepEqual([...ages], [300, 90, 100, 5_000]);
  });

  it("cannot be shorter than a period", () => {
    assert.throws(() => maxAges(tableOf([50]), { periods: 0.5 }), { name: "AssertionError" });
  });
});
