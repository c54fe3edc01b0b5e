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

  it("are what the site says of a device", () => {
    const limits = new Map([
      ["d0", 300],
      ["d1", 60],
    ]);
    const ages = maxAges(tableOf([50, 50, 50]), limits);
    assert.deepEqual([...ages], [300, 60, 125]);
  });

  it("do not follow the site where a point is not polled often enough, or once", () => {
    const limits = new Map([
      ["d0", 300],
      ["d1", 300],
      ["d2", 300],
    ]);
    assert.deepEqual(
      [...maxAges(tableOf([300, 10_000, undefined]), limits)],
      [750, 25_000, Infinity],
    );
  });
});
