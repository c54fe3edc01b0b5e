import { strict as assert } from "node:assert";
import { ORDER_NAMES, parseOrder, SCENES_MAX } from "../../src/simulator/orders.ts";
import { ScenePlayer } from "../../src/simulator/scene-player.ts";
import { isSiteOrder, type Scene, SCENES, sceneOf } from "../../src/simulator/scenes.ts";

function problem(message: unknown): string {
  const order = parseOrder(message);
  assert.ok("problem" in order, JSON.stringify(message));
  return order.problem;
}

describe("orders to the plant", () => {
  const good: readonly unknown[] = [
    { load: "full" },
    { load: "idle", inS: 160 },
    { device: "bess-1", fault: "slow", ms: 500 },
    { device: "bess-1", fault: "none" },
    { trip: "bess-1", cause: "emergency-stop" },
    { clearCause: "bess-1" },
    { failPump: "cdu-3", pump: 2 },
    { repairPump: "cdu-3" },
    { repairPump: "cdu-3", pump: 2 },
    { leak: "cdu-3", litresPerMin: 6 },
    { failUps: "ups-1", to: "bypass" },
    { repairUps: "ups-1" },
    { failChiller: "chiller-1" },
    { repairChiller: "chiller-1" },
    { grid: "lost" },
    { frequencyHz: 49.5, hzPerS: 0.25 },
    { ambientCel: 30 },
    { inferenceW: 2e6 },
    { heatDemandW: 3e6 },
    { heatDemandW: 3e6, supplyCel: 80 },
    { trace: "composite-job" },
    { scene: 5 },
  ];
  for (const message of good) {
    it(`are taken as they are: ${JSON.stringify(message)}`, () => {
      assert.deepEqual(parseOrder(message), message);
    });
  }

  it("fill in what a person leaves out", () => {
    assert.deepEqual(parseOrder({ trip: "bess-1" }), { trip: "bess-1", cause: "fault" });
    assert.deepEqual(parseOrder({ failUps: "ups-1" }), { failUps: "ups-1", to: "lost" });
    assert.deepEqual(parseOrder({ frequencyHz: 49 }), { frequencyHz: 49, hzPerS: 1 });
  });

  const bad: readonly [unknown, RegExp][] = [
    [null, /JSON object/],
    ["load", /JSON object/],
    [[{ load: "full" }], /JSON object/],
    [{}, /one of these keys: load, device/],
    [{ lod: "full" }, /one of these keys/],
    [{ load: "full", grid: "lost" }, /one order at a time: this one has load and grid/],
    [{ load: "fast" }, /load is one of steady, idle/],
    [{ load: "full", inS: -1 }, /inS is a number, 0 to 86400/],
    [{ device: "bess-1" }, /fault must be a name/],
    [{ device: "bess-1", fault: "odd" }, /unknown fault/],
    [{ trip: 3 }, /trip is the id of a device/],
    [{ trip: "bess-1", cause: "boredom" }, /cause is fault or emergency-stop/],
    [{ clearCause: "" }, /clearCause is the id/],
    [{ failPump: "cdu-3" }, /pump is a whole number, 1 to 32/],
    [{ failPump: "cdu-3", pump: 0 }, /pump is a whole number/],
    [{ failPump: "cdu-3", pump: 1.5 }, /pump is a whole number/],
    [{ repairPump: "cdu-3", pump: "2" }, /pump is a whole number/],
    [{ leak: "cdu-3" }, /litresPerMin is a number, 0 to 1000/],
    [{ leak: "cdu-3", litresPerMin: Number.NaN }, /litresPerMin is a number/],
    [{ failUps: "ups-1", to: "moon" }, /to is bypass or lost/],
    [{ grid: "gone" }, /grid is lost or back/],
    [{ frequencyHz: 39 }, /frequencyHz is a number, 40 to 60/],
    [{ frequencyHz: 49, hzPerS: 0 }, /hzPerS is a number, 0.001 to 100/],
    [{ ambientCel: 200 }, /ambientCel is a number, -40 to 60/],
    [{ heatDemandW: 1, supplyCel: 20 }, /supplyCel is a number, 55 to 95/],
    [{ trace: "job" }, /trace is one of composite-job/],
    [{ scene: 15 }, /scene is 1 to 14/],
    [{ scene: 1.5 }, /scene is 1 to 14/],
  ];
  for (const [message, sentence] of bad) {
    it(`are refused with a sentence: ${JSON.stringify(message)}`, () => {
      assert.match(problem(message), sentence);
    });
  }

  it("have a test each", () => {
    const tested = new Set(good.flatMap((message) => Object.keys(message as object)));
    for (const name of ORDER_NAMES) assert.ok(tested.has(name), name);
  });
});

describe("scenes", () => {
  it("are numbered from 1, and every order in them is one that the plant takes", () => {
    assert.deepEqual(
      SCENES.map(({ number }) => number),
      Array.from({ length: SCENES_MAX }, (_, index) => index + 1),
    );
    assert.equal(new Set(SCENES.map(({ name }) => name)).size, SCENES.length);
    for (const { number, orders, durationS } of SCENES) {
      for (const { atS, order } of orders) {
        assert.ok(atS >= 0 && atS <= durationS, `scene ${number} at ${atS} s`);
        if (!isSiteOrder(order)) assert.deepEqual(parseOrder(order), order);
      }
    }
  });

  it("are found by their number", () => {
    assert.equal(sceneOf(5)?.name, "pump");
    assert.equal(sceneOf(15), undefined);
  });
});

describe("player of a scene", () => {
  const scene: Scene = {
    number: 1,
    name: "test",
    title: "a test",
    start: "full",
    durationS: 30,
    orders: [
      { atS: 20, order: "estop" },
      { atS: 10, order: { load: "idle" } },
      { atS: 10, order: { load: "full" } },
    ],
  };

  it("gives each step once, at its time, in the order of time", () => {
    const player = ScenePlayer.of(scene, 100);
    assert.equal(player.take(109.99), undefined);
    assert.deepEqual(player.take(110)?.order, { load: "idle" });
    assert.deepEqual(player.take(110)?.order, { load: "full" });
    assert.equal(player.take(110), undefined);
    assert.equal(player.take(125)?.order, "estop");
    assert.equal(player.take(1000), undefined);
  });

  it("is over after its duration", () => {
    const player = ScenePlayer.of(scene, 100);
    assert.equal(player.isOver(129.9), false);
    assert.equal(player.isOver(130), true);
    assert.equal(new ScenePlayer(scene.orders, 0).isOver(1e9), false);
  });
});
