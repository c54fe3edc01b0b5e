import { strict as assert } from "node:assert";
import { parseYaml } from "../../src/config/yaml-text.ts";
import { parsePlantFile } from "../../src/simulator/plant-file.ts";
import { DEMO_PLANT } from "../../src/simulator/plant.ts";
import { parametersFor } from "../../src/simulator/plant-ratings.ts";
import { VirtualPlant } from "./support/virtual-plant.ts";

function problems(content: unknown): readonly string[] {
  const parsed = parsePlantFile(content);
  assert.ok("problems" in parsed);
  return parsed.problems;
}

describe("plant file", () => {
  it("gives ratings, a start and timed orders, in the units of the plant", () => {
    const yaml = parseYaml(`
start: { load: hot, inferenceKw: 2500, ambientCel: 31, heatDemandKw: 0 }
ratings:
  bess: { powerKw: 500, apparentKva: 550, energyKwh: 1000, socPercent: 40 }
  ups: { powerKw: 100, batteryKwh: 10 }
  training: { highKw: 800, edgeMs: 20 }
  heatKw: 100
orders:
  - { atS: 10, order: { failPump: cdu-3, pump: 2 } }
`);
    assert.ok("content" in yaml);
    assert.deepEqual(parsePlantFile(yaml.content), {
      start: { load: "hot", inferenceW: 2_500_000, ambientCel: 31, heatDemandW: 0 },
      ratings: {
        bess: {
          powerRatingW: 500_000,
          apparentRatingVa: 550_000,
          energyCapacityWh: 1_000_000,
          socStart: 0.4,
        },
        ups: { ratingW: 100_000, batteryWh: 10_000 },
        load: { highW: 800_000, edgeS: 0.02 },
        heatRatingW: 100_000,
      },
      orders: [{ atS: 10, order: { failPump: "cdu-3", pump: 2 } }],
    });
  });

  it("may be empty", () => {
    const parsed = parsePlantFile(null);
    assert.ok(!("problems" in parsed));
    assert.deepEqual(parsed.orders, []);
  });

  const bad: readonly [unknown, string][] = [
    ["text", "a plant file is a map of names and values"],
    [{ devices: [] }, "the file has no devices; it has start, ratings, orders"],
    [{ start: { load: "fast" } }, "start.load is one of steady, idle, low, mean, full, hot"],
    [{ start: { ambientCel: "14" } }, "start.ambientCel is a number, -40 to 60"],
    [{ start: { soc: 1 } }, "start has no soc; it has inferenceKw, ambientCel, heatDemandKw"],
    [{ ratings: { genset: {} } }, "ratings has no genset; it has bess, ups, training, heatKw"],
    [{ ratings: { bess: 3 } }, "ratings.bess is a map of names and values"],
    [{ ratings: { ups: { powerKw: 0 } } }, "ratings.ups.powerKw is a number, 1 to 1000000"],
    [{ ratings: { heatKw: -1 } }, "ratings.heatKw is a number, 0 to 1000000"],
    [{ orders: {} }, "orders is a list"],
    [{ orders: [{ order: { grid: "lost" } }] }, "orders[0].atS is a number of seconds, 0 or more"],
    [{ orders: [{ atS: 1, order: { grid: "x" } }] }, "orders[0].order: grid is lost or back"],
    [
      { orders: [{ atS: 1, order: { grid: "lost" }, by: "me" }] },
      "orders[0] has no by; it has atS and order",
    ],
  ];
  for (const [content, sentence] of bad) {
    it(`says what is wrong: ${sentence}`, () => {
      const found = problems(content);
      assert.equal(found.length, 1, found.join("\n"));
      assert.equal(found[0]?.slice(0, sentence.length), sentence);
    });
  }

  it("says everything that is wrong at once", () => {
    assert.equal(problems({ start: { ambientCel: 99 }, orders: 1, extra: 1 }).length, 3);
  });

  it("says where its syntax is wrong", () => {
    const yaml = parseYaml("start: { load: full\norders: []\n");
    assert.ok("problem" in yaml);
    assert.equal(yaml.problem.line, 2);
  });
});

describe("ratings of a site with other units than the demo's", () => {
  it("keeps the total of the UPS units, so that any number carries the hall with its reserve", () => {
    for (const units of [1, 2, 5]) {
      const { ups } = parametersFor("d95", { bess: 2, ups: units });
      assert.equal(ups.units, units);
      assert.ok(Math.abs(ups.units * ups.ratingW - 7.5e6) < 1e-6);
      assert.ok(Math.abs(ups.units * ups.batteryWh - 750_000) < 1e-6);
    }
    assert.equal(parametersFor("d95", { bess: 2, ups: 0 }).ups.units, 3, "nobody reads them");
  });

  it("shows them in the registers of the batteries, through a reboot as well", () => {
    const bess = {
      powerRatingW: 4e6,
      apparentRatingVa: 4.4e6,
      energyCapacityWh: 3e6,
      rampWPerS: 40e6,
    };
    const site = new VirtualPlant({ ...DEMO_PLANT, ratings: { bess } });
    const shown = {
      "discharge-power-rating": 4e6,
      "charge-power-rating": 4e6,
      "apparent-power-rating": 4.4e6,
      "energy-capacity": 3e6,
      "active-power-ramp-limit": 40e6,
    };
    for (const kind of ["none", "reboot"] as const) {
      site.obey({ device: "bess-2", fault: kind });
      for (const [point, value] of Object.entries(shown)) {
        assert.equal(site.read("bess-1", point), value, point);
        assert.equal(site.read("bess-2", point), value, `${point} after ${kind}`);
      }
    }
  });

  it("gives each battery the demo's rating, and what the file says over both", () => {
    const plain = parametersFor("d95", { bess: 5, ups: 3 });
    assert.equal(plain.bessUnits, 5);
    assert.equal(plain.bess.powerRatingW, 12e6);
    const rated = parametersFor("d95", { bess: 1, ups: 2 }, { ups: { ratingW: 1000 } });
    assert.equal(rated.ups.ratingW, 1000);
    assert.equal(rated.ups.batteryWh, 375_000);
  });
});
